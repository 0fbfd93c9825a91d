"""The figures that two runs are compared by."""

from __future__ import annotations

from xmresearch.params.headline import Headline

MEASURES = ("servqual_weighted", "servqual_unweighted", "servperf_weighted", "servperf_unweighted")
"""Overall scores, of which the first that a report has is its headline."""
GAPS = MEASURES[:2]
"""Those that are gaps."""
HEADLINES = (
    *(
        Headline(
            table,
            ("measure",),
            "estimate",
            "ci_lower",
            "ci_upper",
            prefer=MEASURES,
            leads=True,
            signed=GAPS,
            counted_in="unit_answers",
        )
        for table in ("scores", "scores_once")
    ),
    Headline("gap_dimensions", ("construct",), "gap", "ci_lower", "ci_upper", signed=True),
    Headline("level_dimensions", ("construct",), "perception", "ci_lower", "ci_upper"),
)
