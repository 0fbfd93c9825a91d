"""The figures that two runs are compared by."""

from __future__ import annotations

from xmresearch.params.headline import Headline

HEADLINES = (
    Headline(
        "waves",
        ("metric",),
        "estimate",
        "ci_lower",
        "ci_upper",
        unit="scale",
        only="reported",
        leads=True,
        counted_in="unit",
    ),
)
