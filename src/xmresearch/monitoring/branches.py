"""Many charts at once: branches, counters, products, with the share of false alarms among all alarms held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.display import Shown
from xmresearch.errors import DataError

Array = NDArray[np.float64]
FEWEST_PERIODS = 5
"""Periods of a baseline from which the variation between periods is told; a chart with fewer is not judged."""


@dataclass(frozen=True, repr=False)
class ManyCharts(Shown):
    """Charts of many branches, judged together.

    Attributes
    ----------
    table : DataFrame
        One row per branch: branch, n and value (of the periods judged), baseline (its mean before), periods (of the baseline with
        data), difference, t, df, lower and upper (of the difference, one by one), p (two-sided) and q (adjusted for all branches judged,
        Benjamini and Hochberg), alarm; NaN and False where it cannot be judged.
    level : float
        Share of false alarms among all alarms that is held on average.
    judged : int
        Branches that could be judged.
    """

    table: pd.DataFrame
    level: float
    judged: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per branch."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many branches there are, how many were judged, and how many give an alarm."""
        return {
            "branches": len(self.table),
            "judged": self.judged,
            "alarms": int(self.table["alarm"].sum()),
            "level": self.level,
        }

    def _head(self) -> dict[str, Any]:
        return self.summary()


def many_charts(
    n: ArrayLike, sums: ArrayLike, *, baseline: ArrayLike, branches: Sequence[Any] | None = None, shares: bool = False,
    level: float = 0.05,
) -> ManyCharts:  # fmt: skip
    """Judge the newest periods of many branches against the baseline of each.

    Parameters
    ----------
    n, sums : array_like
        Answers and their sum by branch and period, shape (branches, periods): of shares the number of the kind, of net scores 100 for a
        promoter and -100 for a detractor.
    baseline : array_like of bool
        Periods that tell what is ordinary, shape (periods,); all others are judged, together.
    branches : sequence, optional
        Their names.
    shares : bool
        Whether sums are counts of one kind: a branch is then judged by the larger of two p values, that of its counts (Fisher's exact test,
        mid-p), and that of how its shares vary from period to period.
    level : float
        Share of false alarms among all alarms.

    Returns
    -------
    ManyCharts
        The means of periods are taken to vary with a variance that falls with their answers, which each branch's own baseline tells: t of
        the difference is exact for normal means, however many answers lie behind them and whatever days have in common.

    Raises
    ------
    DataError
        Tables that differ in shape, counts that cannot be, or nothing to judge.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Journal of the Royal Statistical Society B, 57, 289-300. Benjamini, Y. & Kling, Y. (1999). A look
    at statistical process control through the p-values. Tel Aviv University.
    """
    size, total = np.asarray(n, dtype="float64"), np.asarray(sums, dtype="float64")
    told = np.asarray(baseline, dtype=bool)
    if size.ndim != 2 or size.shape != total.shape or told.shape != size.shape[1:]:
        raise DataError("Tables of answers and sums differ in shape, or the baseline is not one per period.")
    if not (np.isfinite(size).all() and (size >= 0).all() and np.isfinite(total).all()):
        raise DataError("A count is negative or no number.", "Give 0 for a period without answers.")
    if shares and ((total < 0).any() or (total > size).any()):
        raise DataError("There are more answers of the kind than answers.", "Give all answers first, then their sums.")
    if told.all() or not told.any():
        raise DataError(
            "There is no baseline, or nothing after it.", "Some periods tell what is ordinary, others are judged."
        )
    n0, x0, n1, x1 = (
        size[:, told].sum(axis=1),
        total[:, told].sum(axis=1),
        size[:, ~told].sum(axis=1),
        total[:, ~told].sum(axis=1),
    )
    there = size[:, told] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        before, now = x0 / n0, x1 / n1
        away = np.where(there, total[:, told] / size[:, told] - before[:, None], 0.0)
        df = there.sum(axis=1) - 1.0
        sd = np.sqrt((size[:, told] * away**2).sum(axis=1) / df)
        se = sd * np.sqrt(1 / n0 + 1 / n1)
        t = (now - before) / se
        p = 2 * stats.t.sf(np.abs(t), df)
    fit = (df + 1 >= FEWEST_PERIODS) & (n1 > 0)
    if shares:
        p = np.fmax(p, _exact(x0, n0, x1, n1))
    p = np.where(fit, p, np.nan)
    q = adjusted(p, "bh")
    reach = np.where(fit, stats.t.isf(level / 2, np.maximum(df, 1)) * se, np.nan)
    table = pd.DataFrame({
        "branch": np.arange(len(size)) if branches is None else list(branches), "n": n1, "value": now, "baseline": before,
        "periods": there.sum(axis=1), "difference": now - before, "t": np.where(fit, t, np.nan), "df": df,
        "lower": now - before - reach, "upper": now - before + reach, "p": p, "q": q,
        "alarm": np.nan_to_num(q, nan=1.0) <= level,
    })  # fmt: skip
    return ManyCharts(table, level, int(np.isfinite(p).sum()))


def _exact(x0: Array, n0: Array, x1: Array, n1: Array) -> Array:
    """Return two-sided mid-p values of Fisher's test: twice the smaller tail."""
    if not all(np.allclose(v, np.round(v), atol=1e-6) for v in (x0, n0, x1, n1)):
        return np.full(x0.shape, np.nan)
    whole, kind, drawn, found = (np.round(v).astype("int64") for v in (n0 + n1, x0 + x1, n1, x1))
    at = stats.hypergeom.pmf(found, whole, kind, drawn)
    low, high = stats.hypergeom.cdf(found - 1, whole, kind, drawn), stats.hypergeom.sf(found, whole, kind, drawn)
    return np.asarray(np.minimum(1.0, 2 * (np.minimum(low, high) + at / 2)))
