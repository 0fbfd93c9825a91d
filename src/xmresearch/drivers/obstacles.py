"""Why drivers cannot be estimated: a closed set of reasons, for reports to say in their own words."""

from __future__ import annotations

from typing import Literal

from xmresearch.errors import InsufficientData

Obstacle = Literal[
    "few_respondents", "few_clusters", "constant", "collinear", "not_binary", "many_grades", "separated", "unstable", "no_extremes"
]  # fmt: skip


class NotEstimable(InsufficientData):
    """The answers do not allow what was asked of drivers.

    Parameters
    ----------
    obstacle : str
        One of `Obstacle`.
    problem, hint : str
        As of every error.
    """

    def __init__(self, obstacle: Obstacle, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint)
        self.obstacle: Obstacle = obstacle
