"""Whether drivers matter alike in the groups of a segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.disclosure import MIN_CELL, hidden_groups
from xmresearch.display import Shown
from xmresearch.drivers.contrasts import least_squares
from xmresearch.drivers.slopes_by_cluster import equal_slopes, slopes_with_clusters
from xmresearch.inference.equal_means import welch_test
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
ROWS_PER_DRIVER = 5
"""A group's slopes are estimated where it has at least that many complete respondents per driver."""


@dataclass(frozen=True, repr=False)
class GroupDrivers(Shown):
    """Slopes by group, and tests that they are equal.

    Attributes
    ----------
    table : DataFrame
        One row per group and driver: segment, value, construct, n, slope (points of the outcome for one of the driver, the others
        held), slope_lower, slope_upper.
    tests : DataFrame
        One row per segment and driver: segment, construct, groups, f, df1, df2, p, p_adjusted (Holm over all), family.
    hidden : int
        Groups left out because they are too small, or would reveal one that is.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    hidden: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per group and driver."""
        return self.table

    def hidden_summary(self) -> dict[str, Any] | None:
        """Return how many groups are not shown; None where none is."""
        return {"count": self.hidden} if self.hidden else None

    def plot(self) -> Figure:
        """Draw the slopes of each group with their intervals."""
        return forest(self.table, ["value", "construct"], "slope", "slope", axis="points of the outcome per point")


@on_one_thread
def drivers_by_group(
    drivers: pd.DataFrame,
    outcome: pd.Series,
    segments: pd.DataFrame,
    *,
    weights: Array | None = None,
    clusters: NDArray[Any] | None = None,
    min_cell: int = MIN_CELL,
    confidence: float = 0.95,
) -> GroupDrivers | None:
    """Test whether each driver has the same slope in all groups: the interaction of driver and segment.

    Parameters
    ----------
    drivers : DataFrame
        One column per driver, shape (n, K); rows with blanks are left out.
    outcome : Series
        Shape (n,), taken as a number.
    segments : DataFrame
        One column per segment, shape (n, any); blanks belong to no group.
    weights : ndarray, optional
        Design weights, shape (n,).
    clusters : array, optional
        Who answered, or what was drawn as a whole, shape (n,): rows of one cluster are not independent, in a group or across groups.
    min_cell : int
        Groups with fewer respondents are not shown, nor so many more as would reveal them.
    confidence : float
        Level of the t intervals (HC3; with clusters, of the jackknife that leaves out one at a time).

    Returns
    -------
    GroupDrivers or None
        None where no segment has two groups that can be compared.

    References
    ----------
    Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika, 38, 330-336. Long, J. S.
    & Ervin, L. H. (2000). Using heteroscedasticity consistent standard errors in the linear regression model. The American
    Statistician, 54, 217-224. Holm, S. (1979). Scandinavian Journal of Statistics, 6, 65-70. Bell, R. M. &
    McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage samples. Survey Methodology,
    28, 169-181.
    """
    x, y = drivers.to_numpy(dtype=float), outcome.to_numpy(dtype=float)
    whole = ~np.isnan(x).any(axis=1) & ~np.isnan(y)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    drawn = None if clusters is None else pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0]
    k, names = x.shape[1], [str(c) for c in drivers.columns]
    members = {str(s): _groups(segments[s]) for s in segments.columns}
    marks = hidden_groups({s: [m & whole for m in g.values()] for s, g in members.items()}, min_cell)
    rows, tests, hidden = [], [], 0
    least = max(min_cell, ROWS_PER_DRIVER * k + 2)
    for segment, groups in members.items():
        found: list[tuple[Array, Array, float]] = []
        shifts: list[Array] = []
        for (value, mine), hide in zip(groups.items(), marks[segment], strict=True):
            at = mine & whole
            n = int(at.sum())
            fits = value != "" and not hide and n >= least and bool((np.ptp(x[at], axis=0) > 0).all())
            fits = fits and (drawn is None or len(np.unique(drawn[at])) >= k + 2)
            if not fits:
                hidden += value != "" and n > 0
                continue
            if drawn is None:
                b, cov, _, df = least_squares(x[at], y[at], w[at], None)
                slope, se = b[1:], np.sqrt(np.diag(cov))[1:]
            else:
                slope, moved, df = slopes_with_clusters(x[at], y[at], w[at], drawn[at], int(drawn.max()) + 1)
                se = np.sqrt((moved**2).sum(axis=0))
                shifts.append(moved)
            found.append((slope, se, df))
            reach = stats.t.ppf((1 + confidence) / 2, df) * se
            rows.append(pd.DataFrame({
                "segment": segment, "value": value, "construct": names, "n": n, "slope": slope, "slope_lower": slope - reach,
                "slope_upper": slope + reach,
            }))  # fmt: skip
        if len(found) > 1:
            tests += [(segment, name, len(found), *_equal(found, shifts, j)) for j, name in enumerate(names)]
    if not tests:
        return None
    test = pd.DataFrame(tests, columns=["segment", "construct", "groups", "f", "df1", "df2", "p"])
    test = test.assign(p_adjusted=adjusted(test["p"].to_numpy()), family=int(test["p"].notna().sum()))
    return GroupDrivers(pd.concat(rows, ignore_index=True), test, hidden, confidence)


def _groups(column: pd.Series) -> dict[str, NDArray[np.bool_]]:
    """Mark the respondents of each group, in order of names; those of none come under ''."""
    text = column.astype(object).where(column.notna(), "").astype(str)
    values = sorted(set(text) - {""})
    found = {v: (text == v).to_numpy() for v in values}
    blank = (text == "").to_numpy()
    return {**found, "": blank} if blank.any() else found


def _equal(found: Sequence[tuple[Array, Array, float]], shifts: Sequence[Array], j: int) -> tuple[float, ...]:
    """Test that one driver's slope is the same in every group: F, its degrees of freedom and p."""
    slope, se, df = _of_driver(found, j)
    if not shifts:
        return welch_test(slope, se, df)
    moved = np.stack([s[:, j] for s in shifts], axis=1)
    return equal_slopes(slope, moved, df)


def _of_driver(found: Sequence[tuple[Array, Array, float]], j: int) -> tuple[Array, Array, Array]:
    """Return one driver's slope, standard error and degrees of freedom in every group."""
    return np.array([f[0][j] for f in found]), np.array([f[1][j] for f in found]), np.array([f[2] for f in found])
