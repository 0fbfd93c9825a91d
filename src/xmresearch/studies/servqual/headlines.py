"""The figures that two runs are compared by."""

from __future__ import annotations

from xmresearch.params.headline import Headline

MEASURES = ("servqual_weighted", "servqual_unweighted", "servperf_weighted", "servperf_unweighted")
"""Overall scores, of which the first that a report has is its headline."""
HEADLINES = (
    Headline(
        "scores",
        ("measure",),
        "estimate",
        "ci_lower",
        "ci_upper",
        prefer=MEASURES,
        leads=True,
        counted_in="unit_answers",
    ),
    Headline(
        "scores_once",
        ("measure",),
        "estimate",
        "ci_lower",
        "ci_upper",
        prefer=MEASURES,
        leads=True,
        counted_in="unit_answers",
    ),
    Headline("gap_dimensions", ("construct",), "gap", "ci_lower", "ci_upper"),
    Headline("level_dimensions", ("construct",), "perception", "ci_lower", "ci_upper"),
)
