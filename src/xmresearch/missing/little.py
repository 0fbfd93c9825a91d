"""Little's test: whether blanks are completely at random, as far as the answers that were given can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.inputs import check_frame, numbers_of
from xmresearch.sem.missing_sample import MissingSample

Array = NDArray[np.float64]
MCAR_LEVEL = 0.05
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, repr=False)
class LittleResult(Shown):
    """Little's test that blanks are completely at random.

    Attributes
    ----------
    chisq : float
        Squared distances of the patterns' means from those of everybody, weighted by the patterns' sizes.
    df : int
        Answered items summed over patterns, less the number of items.
    p : float
        Small where the means differ between patterns by more than chance: whether somebody answered depends on answers.
    n : int
        Rows with an answer.
    patterns : int
        Patterns of blanks among them.
    items : int
        Columns.
    """

    chisq: float
    df: int
    p: float
    n: int
    patterns: int
    items: int

    def tidy(self) -> pd.DataFrame:
        """Return the test in one row."""
        return pd.DataFrame([self.summary()])

    def summary(self) -> dict[str, Any]:
        """Return the statistic, its degrees of freedom and p, and what they rest on."""
        return {
            "chisq": self.chisq, "df": self.df, "p": self.p, "n": self.n, "patterns": self.patterns, "items": self.items,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return the check with figure, threshold and status; never a failure, since estimates may allow for it."""
        status = "pass" if self.p >= MCAR_LEVEL else "warn"
        return pd.DataFrame([("mcar", self.p, MCAR_LEVEL, status)], columns=["check", "value", "threshold", "status"])


Obstacle = Literal["one_item", "same_blanks", "many_patterns", "unanswered", "constant", "covariances"]


class Untestable(InsufficientData):
    """Blanks of which Little's test can say nothing.

    Parameters
    ----------
    obstacle : str
        One of `Obstacle`.
    problem, hint
        As for `XMError`.
    """

    def __init__(self, obstacle: Obstacle, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint)
        self.obstacle = obstacle


@on_one_thread
def little_test(frame: pd.DataFrame, columns: Sequence[str]) -> LittleResult:
    """Test whether blanks are completely at random.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent, unweighted; rows without any answer say nothing and are not counted.
    columns : sequence of str
        At least two items, numbers.

    Returns
    -------
    LittleResult

    Raises
    ------
    DataError
        A column is not there, or not of numbers.
    InsufficientData
        Fewer than two items, nothing blank, all rows blank in the same items, an item that does not
        vary, more patterns than can be held in memory, or covariances that cannot be estimated.

    Notes
    -----
    The sum over patterns j of n_j (m_j - mu_j)' S_j^-1 (m_j - mu_j), with the pattern's means m_j, and mu and S the means
    and covariances of all by maximum likelihood (EM), S divided by n as in R's naniar. It sees differences of means between patterns,
    nothing else: blanks that depend on the blank answer itself can pass it.

    References
    ----------
    Little, R. J. A. (1988). A test of missing completely at random for multivariate data with missing values. Journal of
    the American Statistical Association, 83, 1198-1202.
    """
    names = list(columns)
    rows = numbers_of(check_frame(frame), names)
    rows = rows[~np.isnan(rows).all(axis=1)]
    if len(names) < 2:
        raise Untestable("one_item", "Little's test compares items, so it needs at least two of them.")
    _check_varies(rows, names)
    blank = np.isnan(rows)
    if (blank == blank[0]).all():
        raise Untestable("same_blanks", "The same items are blank in every row, so there are no patterns to compare.")
    centre, spread = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    kinds = len(np.unique(np.packbits(blank, axis=1), axis=0))
    if kinds * len(names) ** 2 > _MOST_CELLS:
        raise Untestable(
            "many_patterns",
            f"The blanks of {len(names)} items form {kinds} patterns, more than can be tested at once.",
            "Name fewer items.",
        )
    sample = MissingSample.of((rows - centre) / spread)
    apart = np.where(sample.patterns, sample.means - sample.mean, 0.0)
    chisq = float(sample.counts @ np.einsum("ki,kij,kj->k", apart, sample.inverses(sample.cov), apart))
    df = int(sample.patterns.sum()) - len(names)
    return LittleResult(chisq, df, float(stats.chi2.sf(chisq, df)), round(sample.n), len(sample.patterns), len(names))


def _check_varies(rows: Array, names: Sequence[str]) -> None:
    for name, column in zip(names, rows.T, strict=True):
        given = column[~np.isnan(column)]
        if not given.size:
            raise Untestable("unanswered", f"'{name}' was not answered by anybody.", "Leave it out.")
        if np.ptp(given) == 0:
            raise Untestable("constant", f"All answers to '{name}' are the same.", "Leave it out.")
