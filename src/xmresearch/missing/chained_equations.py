"""Multiple imputation by chained equations with predictive mean matching."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from xmresearch.errors import InsufficientData, ModelError
from xmresearch.inference.threads import on_one_thread
from xmresearch.missing.imputations import Imputations
from xmresearch.sem.inputs import check_frame, numbers_of

Array = NDArray[np.float64]
Method = Literal["matching", "normal"]
FEWEST, MOST = 20, 100
_RIDGE = 1e-5


@on_one_thread
def impute(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    method: Method = "matching",
    m: int | None = None,
    rounds: int = 10,
    donors: int = 5,
    seed: int = 0,
) -> Imputations:
    """Fill in blanks several times over, each time with answers that other people gave.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    columns : sequence of str
        What is imputed and what it is imputed from: all that the analysis uses, and whatever else tells something of the
        blanks (other items; the design weight, where there is one).
    method : {'matching', 'normal'}
        An answer that somebody gave, chosen by predictive mean matching; or a draw from the normal linear model, which may
        lie between and beyond the answers of the scale.
    m : int, optional
        Completed tables, at least 2; absent, as many as there are incomplete rows in a hundred, between 20 and 100.
    rounds : int
        Times that every column is imputed from the others; once where a single column has blanks, as nothing is chained.
    donors : int
        Nearest people by predicted answer, of whom one gives hers.
    seed : int
        Completion k depends on the seed and k alone, not on how many there are.

    Returns
    -------
    Imputations

    Raises
    ------
    DataError
        A column is not there, or not of numbers.
    ModelError
        There is no such method.
    InsufficientData
        A column was answered by fewer people than there are donors; settings below their least.

    Notes
    -----
    Each column is regressed on the others and coefficients are drawn from their posterior. With matching, every blank takes
    the answer of one of the `donors` people whose prediction by the estimated coefficients comes nearest to the blank's
    prediction by the drawn ones: always an answer of the scale, whatever its distribution, which is what items, shares and
    distributions need. Where most people of some kind left the blank, matching has few donors there and draws relations
    towards zero; for means, covariances and regressions the normal model is the better one then. Both hold where blanks
    depend on what was answered (MAR).

    References
    ----------
    van Buuren, S. (2018). Flexible imputation of missing data (2nd ed.). CRC (chapters 3.2, 3.4 and 4.5). Little, R. J. A.
    (1988). Journal of Business & Economic Statistics, 6, 287-296. White, I. R., Royston, P. & Wood, A. M. (2011).
    Statistics in Medicine, 30, 377-399 (how many).
    """
    names = list(columns)
    values = numbers_of(check_frame(frame), names)
    blank = np.isnan(values)
    if m is None:
        m = min(max(FEWEST, ceil(100 * blank.any(axis=1).mean())), MOST)
    if method not in get_args(Method):
        raise ModelError(f"method is {method!r}; it must be one of {', '.join(get_args(Method))}.")
    if m < 2 or rounds < 1 or donors < 1:
        raise InsufficientData(f"m is {m}, rounds {rounds} and donors {donors}; at least 2, 1 and 1 are needed.")
    for name, given in zip(names, (~blank).sum(axis=0), strict=True):
        if given < donors:
            raise InsufficientData(
                f"'{name}' was answered by {given} respondent(s); {donors} are needed to fill in the others.",
                "Leave the column out.",
            )
    order = [int(j) for j in np.argsort(blank.sum(axis=0), kind="stable") if blank[:, j].any()]
    rounds = rounds if len(order) > 1 else 1
    scale = np.nanstd(values, axis=0)
    scale[scale == 0] = 1.0
    centre = np.nanmean(values, axis=0)
    standard = (values - centre) / scale
    filled, trace = np.empty((m, int(blank.sum()))), np.full((m, rounds, len(names)), np.nan)
    for k in range(m):
        chain = _Chain(standard, blank, np.random.default_rng([seed, k]), donors if method == "matching" else 0)
        for r in range(rounds):
            for j in order:
                trace[k, r, j] = centre[j] + scale[j] * chain.refill(j)
        filled[k] = (chain.design[:, 1:] * scale + centre)[blank]
    if method == "matching":
        filled = _exact(filled, values, blank)
    return Imputations(tuple(names), values, filled, trace, frame.index)


def _exact(filled: Array, values: Array, blank: NDArray[np.bool_]) -> Array:
    """Undo the rounding of the scale: each filled-in answer is one that was given in its column."""
    where = np.nonzero(blank)[1]
    for j in np.unique(where):
        given = np.unique(values[~blank[:, j], j])
        mine = filled[:, where == j]
        at = np.clip(np.searchsorted(given, mine), 1, len(given) - 1) if len(given) > 1 else np.zeros(mine.shape, int)
        lower = np.maximum(at - 1, 0)
        filled[:, where == j] = np.where(
            np.abs(given[lower] - mine) <= np.abs(given[at] - mine), given[lower], given[at]
        )
    return filled


class _Chain:
    """One chain: the completed design with an intercept, and its cross products, kept up to date; no donors: normal draws."""

    def __init__(self, values: Array, blank: NDArray[np.bool_], rng: np.random.Generator, donors: int) -> None:
        self.rng, self.donors = rng, donors
        self.empty = [np.flatnonzero(b) for b in blank.T]
        self.given = [np.flatnonzero(~b) for b in blank.T]
        start = values.copy()
        for j, rows in enumerate(self.empty):
            start[rows, j] = rng.choice(values[self.given[j], j], len(rows))
        self.design = np.column_stack([np.ones(len(values)), start])
        self.cross = self.design.T @ self.design

    def refill(self, j: int) -> float:
        """Fill the blanks of a column from the others, and return the mean of what was filled in."""
        rows, known, at = self.empty[j], self.given[j], j + 1
        others = np.delete(np.arange(self.design.shape[1]), at)
        gone = self.design[rows]
        cross = self.cross - gone.T @ gone
        inner = cross[np.ix_(others, others)]
        inner = inner + np.diag(_RIDGE * np.diag(inner) + 1e-12)
        root = np.linalg.cholesky(inner)
        slope = solve_triangular(root.T, solve_triangular(root, cross[others, at], lower=True))
        df = max(len(known) - len(others), 1)
        spare = max(
            float(cross[at, at] - 2 * slope @ cross[others, at] + slope @ cross[np.ix_(others, others)] @ slope), 0.0
        )
        sigma = np.sqrt(spare / self.rng.chisquare(df))
        drawn = slope + sigma * solve_triangular(root.T, self.rng.standard_normal(len(others)))
        column = gone @ np.insert(drawn, at, 0.0)
        if self.donors:
            predicted = self.design @ np.insert(slope, at, 0.0)
            column = self.design[known[self._nearest(predicted[known], column)], at]
        else:
            column = column + sigma * self.rng.standard_normal(len(rows))
        self.design[rows, at] = column
        fresh = self.design.T @ self.design[:, at]
        self.cross[:, at] = self.cross[at] = fresh
        return float(column.mean())

    def _nearest(self, predicted: Array, wanted: Array) -> NDArray[np.int64]:
        """Choose for each wanted value one of the donors whose predictions come nearest; ties in random order."""
        order = np.lexsort((self.rng.random(len(predicted)), predicted))
        ranked = predicted[order]
        count = min(self.donors, len(ranked))
        around = np.searchsorted(ranked, wanted)[:, None] + np.arange(-count, count)
        inside = (around >= 0) & (around < len(ranked))
        distance = np.where(inside, np.abs(ranked[np.clip(around, 0, len(ranked) - 1)] - wanted[:, None]), np.inf)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :count]
        chosen = nearest[np.arange(len(wanted)), self.rng.integers(0, count, len(wanted))]
        return np.asarray(order[around[np.arange(len(wanted)), chosen]])
