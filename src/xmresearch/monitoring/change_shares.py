"""What a change of a KPI is made of: where to look first, not why it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
MOST_FACTORS = 12
"""Factors whose every order is gone through: 4 096 sets."""
STEP = 1e-5


@dataclass(frozen=True, repr=False)
class ChangeShares(Shown):
    """A change of a KPI and what adds up to it.

    Attributes
    ----------
    table : DataFrame
        One row per factor: factor, part (mix or score of a segment, level of a driver, outside, rate of a step), before, after (of the factor;
        NaN where it has no single value), estimate (what it adds to the change, in units of the KPI), se, lower, upper, p (of nothing), p_adjusted (Holm's over the
        table), of_change (estimate over the change; NaN where the change itself may be nothing).
    total : dict
        before, after, change, se, lower, upper, p.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    total: Mapping[str, float]
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per factor."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the change, and the factor to look at first: the one of the smallest p, with its adjusted p."""
        row = self.table.loc[self.table["p"].idxmin()] if self.table["p"].notna().any() else None
        first = (
            {}
            if row is None
            else {"first": row["factor"], "part": row["part"], "adds": row["estimate"], "p": row["p_adjusted"]}
        )
        return {**self.total, **first, "factors": len(self.table)}

    def _head(self) -> dict[str, Any]:
        return self.summary()


def shapley_change(
    kpi: Callable[[Array], float], before: ArrayLike, after: ArrayLike, *, covariances: tuple[ArrayLike, ArrayLike],
    factors: Sequence[Sequence[int]], names: Sequence[tuple[str, str]], confidence: float = 0.95,
) -> ChangeShares:  # fmt: skip
    """Share the change of a KPI among factors: what each adds on average over every order in which they could have changed.

    Parameters
    ----------
    kpi : callable
        From figures, shape (figures,), to the KPI; smooth.
    before, after : array_like
        Figures of both periods, shape (figures,).
    covariances : tuple of array_like
        Of the two, of different people, shape (figures, figures) each.
    factors : sequence of sequence of int
        Which figures change together; every figure belongs to one factor.
    names : sequence of tuple of str
        Of each factor its name and its part.
    confidence : float
        Level.

    Returns
    -------
    ChangeShares
        Standard errors by the delta method.

    Raises
    ------
    DataError
        Too many factors, or figures in none or in two.

    References
    ----------
    Shapley, L. S. (1953). A value for n-person games. Shorrocks, A. F. (2013). Decomposition procedures for distributional analysis: a unified
    framework based on the Shapley value. Journal of Economic Inequality, 11, 99-126.
    """
    x0, x1 = (np.asarray(v, dtype="float64") for v in (before, after))
    if sorted(i for f in factors for i in f) != list(range(len(x0))) or len(x0) != len(x1):
        raise DataError("Every figure must belong to one factor, in both periods.")
    if len(factors) > MOST_FACTORS:
        raise DataError(
            f"{len(factors)} factors are too many to go through.", f"Put them into {MOST_FACTORS} or fewer."
        )
    place = np.zeros(len(x0), dtype=int)
    for k, indices in enumerate(factors):
        place[list(indices)] = k

    many = len(factors)
    sets = np.arange(2**many)
    changed = (sets[:, None] >> place & 1).astype(bool)
    weights = _orders(many)

    def parts(both: Array) -> Array:
        a, b = both[: len(x0)], both[len(x0) :]
        return np.asarray(weights @ np.array([kpi(figures) for figures in np.where(changed, b, a)]))

    sides = [np.asarray(c, dtype="float64") for c in covariances]
    single = [i[0] if len(i) == 1 else None for i in factors]
    values = [(np.nan, np.nan) if i is None else (float(x0[i]), float(x1[i])) for i in single]
    return shared_change(parts, np.concatenate([x0, x1]), sides, names, values, (kpi(x0), kpi(x1)), confidence)


def _orders(many: int) -> Array:
    """Return what each set of factors counts for in each factor's share, shape (factors, 2^factors); bit k of a set is factor k."""
    sets = np.arange(2**many)
    sizes = np.array([int(s).bit_count() for s in sets])
    # over all orders those of the set come first, then the factor, then the rest
    chance = np.array([factorial(k) * factorial(many - k - 1) / factorial(many) for k in range(many)])
    found = np.zeros((many, len(sets)))
    for k in range(many):
        without = sets[(sets >> k & 1) == 0]
        found[k, without] = -chance[sizes[without]]
        found[k, without | 1 << k] = chance[sizes[without]]
    return found


def shared_change(
    parts: Callable[[Array], Array], x: Array, sides: Sequence[Array], names: Sequence[tuple[str, str]],
    values: Sequence[tuple[float, float]], ends: tuple[float, float], confidence: float,
) -> ChangeShares:  # fmt: skip
    """Return the parts at x with their standard errors, x being of two independent samples."""
    estimate = parts(x)
    half = len(x) // 2
    covariance = np.zeros((len(x), len(x)))
    covariance[:half, :half], covariance[half:, half:] = sides
    slopes = np.empty((len(estimate), len(x)))
    for k in range(len(x)):
        step = STEP * max(1.0, abs(x[k]))
        up, down = x.copy(), x.copy()
        up[k] += step
        down[k] -= step
        slopes[:, k] = (parts(up) - parts(down)) / (2 * step)
    v = slopes @ covariance @ slopes.T
    reach = quantile(confidence)

    def row(value: Any, variance: Any) -> dict[str, Any]:
        se = np.sqrt(np.clip(variance, 0, None))
        with np.errstate(divide="ignore", invalid="ignore"):
            p = np.where(se > 0, 2 * stats.norm.sf(np.abs(value) / se), np.where(value == 0, np.nan, 0.0))
        return {"estimate": value, "se": se, "lower": value - reach * se, "upper": value + reach * se, "p": p}

    table = pd.DataFrame(
        {"factor": [n for n, _ in names], "part": [p for _, p in names], "before": [v[0] for v in values],
         "after": [v[1] for v in values], **row(estimate, np.diag(v))}
    )  # fmt: skip
    table["p_adjusted"] = adjusted(table["p"])
    change = ends[1] - ends[0]
    whole = {k: float(w) for k, w in row(np.float64(change), v.sum()).items()}
    sure = whole["lower"] > 0 or whole["upper"] < 0
    table["of_change"] = table["estimate"] / change if sure else np.nan
    total = {
        "before": ends[0],
        "after": ends[1],
        "change": change,
        **{k: whole[k] for k in ("se", "lower", "upper", "p")},
    }
    return ChangeShares(table, total, confidence)
