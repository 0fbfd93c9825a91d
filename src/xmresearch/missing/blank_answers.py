"""What a report says of blank answers: their patterns, and whether they are random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.missing.answer_patterns import PatternResult, patterns
from xmresearch.missing.little import MCAR_LEVEL, LittleResult, little_test

_SHOWN = 8


@dataclass(frozen=True, repr=False)
class BlankAnswers(Shown):
    """Blank answers of a survey.

    Attributes
    ----------
    patterns : PatternResult
        Which items are blank together.
    test : LittleResult or None
        Whether blanks are completely at random; None where that cannot be tested.
    obstacle : str or None
        Why not: that of `Untestable`, or covariances, which could not be estimated.
    """

    patterns: PatternResult
    test: LittleResult | None
    obstacle: str | None

    def tidy(self) -> pd.DataFrame:
        """Return the most frequent patterns."""
        return self.patterns.top(_SHOWN)

    def shown(self) -> pd.DataFrame | None:
        """Return the most frequent patterns for a report, the share of rows in of_rows; None where nothing is blank."""
        return None if self.rows() is None else self.tidy().rename(columns={"share": "of_rows"})

    def rows(self) -> dict[str, Any] | None:
        """Return how many rows are complete and how many are not; None where nothing is blank."""
        facts = self.patterns.summary()
        return {k: facts[k] for k in ("n", "complete", "incomplete")} if facts["incomplete"] else None

    def summary(self) -> dict[str, Any]:
        """Return the patterns' summary and the test's; case is complete, not_shown, not_random, or untested with the obstacle behind it."""
        facts = self.patterns.summary()
        if not facts["incomplete"]:
            return facts | {"case": "complete"}
        if self.test is None:
            return facts | {"case": f"untested_{self.obstacle}"}
        found = self.test.summary()
        case = "not_random" if self.test.p < MCAR_LEVEL else "not_shown"
        return facts | {k: found[k] for k in ("chisq", "df", "p")} | {"case": case}

    def diagnostics(self) -> pd.DataFrame:
        """Return Little's test as a check; none where there is no test."""
        if self.test is None:
            return pd.DataFrame(columns=["check", "value", "threshold", "status"])
        return self.test.diagnostics()


def blanks(frame: pd.DataFrame, columns: Sequence[str], *, min_cell: int = MIN_CELL) -> BlankAnswers:
    """Describe blank answers, and test whether they are random.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    columns : sequence of str
        Items, numbers.
    min_cell : int
        Fewest people of a pattern that is shown; at least 10.

    Returns
    -------
    BlankAnswers

    Raises
    ------
    DataError
        A column is not there, or not of numbers.
    InsufficientData
        No columns, or no rows.

    References
    ----------
    Little, R. J. A. (1988). Journal of the American Statistical Association, 83, 1198-1202.
    """
    found = patterns(frame, columns, min_cell=min_cell)
    if found.complete == found.n:
        return BlankAnswers(found, None, None)
    if isinstance(frame, StreamedAnswers):
        return BlankAnswers(found, None, "streamed")
    try:
        return BlankAnswers(found, little_test(frame, columns), None)
    except InsufficientData as error:
        return BlankAnswers(found, None, getattr(error, "obstacle", "covariances"))
