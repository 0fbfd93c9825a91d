"""The figures that two runs are compared by."""

from __future__ import annotations

from xmresearch.params.headline import Headline

HEADLINES = (
    Headline("importance", ("construct",), "share", "share_lower", "share_upper", unit="share"),
    Headline("gains", ("construct",), "gain", "gain_lower", "gain_upper", signed=True),
)
