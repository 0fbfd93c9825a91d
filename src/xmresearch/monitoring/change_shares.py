"""What a change of a KPI is made of, by segment, step and driver: where to look first, not why it came."""

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
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.change_parts import mix_and_score
from xmresearch.metrics.share_intervals import counted, quantile

Array = NDArray[np.float64]
MOST_FACTORS = 12
"""Factors whose every order is gone through: 4 096 sets."""
STEP = 1e-5
STEP_PRIOR = 0.5


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
    return _shared(parts, np.concatenate([x0, x1]), sides, names, values, (kpi(x0), kpi(x1)), confidence)


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


def segment_shares(before: pd.DataFrame, after: pd.DataFrame, *, confidence: float = 0.95) -> ChangeShares:
    """Share the change of a KPI among segments: each one's mix (how many of them there are) and score (what they say).

    Parameters
    ----------
    before, after : DataFrame
        As for `xmresearch.metrics.change_parts.mix_and_score`: segment, share, n_eff, estimate, spread.
    confidence : float
        Level.

    Returns
    -------
    ChangeShares
        Two rows per segment; a segment that grows adds by its mix only where it scores unlike the rest. The sums over segments are the mix
        and the score of `mix_and_score`.

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. JASA, 50, 1168-1194.
    """
    whole = mix_and_score(before, after, confidence=confidence)
    a, b = (t.set_index("segment") for t in (before, after))
    b = b.loc[a.index]
    shares = [t["share"].to_numpy(dtype="float64") for t in (a, b)]
    scores = [np.where(np.isfinite(t["spread"]), t["estimate"], np.nan).astype("float64") for t in (a, b)]
    lone = ~(np.isfinite(scores[0]) & np.isfinite(scores[1]))
    known = [np.nan_to_num(np.where(np.isfinite(m), m, o)) for m, o in (scores, scores[::-1])]
    many = len(a)

    def parts(both: Array) -> Array:
        w0, m0, w1, m1 = both.reshape(4, many)
        m0, m1 = np.where(lone & np.isnan(scores[0]), m1, m0), np.where(lone & np.isnan(scores[1]), m0, m1)
        usual = (w0 @ m0 + w1 @ m1) / 2
        return np.concatenate([(w1 - w0) * ((m0 + m1) / 2 - usual), (m1 - m0) * (w0 + w1) / 2])

    sides = []
    for t, w, m in zip((a, b), shares, scores, strict=True):
        v = np.where(np.isfinite(m), t["spread"].to_numpy(dtype="float64"), 0.0) ** 2
        multinomial = (np.diag(w) - np.outer(w, w)) / float(t["n_eff"].sum())
        sides.append(np.block([[multinomial, np.zeros((many, many))], [np.zeros((many, many)), np.diag(v)]]))
    x = np.concatenate([shares[0], known[0], shares[1], known[1]])
    names = [(str(s), part) for part in ("mix", "score") for s in a.index]
    values = [*zip(*shares, strict=True), *zip(*scores, strict=True)]
    ends = tuple(float(w @ m) for w, m in zip(shares, known, strict=True))
    found = _shared(parts, x, sides, names, values, (ends[0], ends[1]), confidence)
    total = whole.table.set_index("part").loc["total"]
    return ChangeShares(
        found.table, {**found.total, **{k: float(total[k]) for k in ("se", "lower", "upper", "p")}}, confidence
    )


def step_shares(
    steps: Sequence[str], before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike], *,
    confidence: float = 0.95,
) -> ChangeShares:  # fmt: skip
    """Share the change of a completion rate among the steps that lead there.

    Parameters
    ----------
    steps : sequence of str
        In order.
    before, after : tuple of array_like
        Of each period how many passed each step, and how many came to it, shape (steps,) each.
    confidence : float
        Level.

    Returns
    -------
    ChangeShares
        Of the product of the steps' rates. A rate of 0 or 1 has the standard error of half a passage and half a failure more.

    Raises
    ------
    DataError, InsufficientData
        More passed than came; nobody came to a step.
    """
    rates, sides = [], []
    for passed, came in (before, after):
        x, n = counted(passed, came)
        if x.shape != (len(steps),) or (x > n).any():
            raise DataError("More passed a step than came to it, or a step has no counts.", "Give passed, then came.")
        if (n == 0).any():
            raise InsufficientData(f"Nobody came to step '{steps[int((n == 0).argmax())]}'.", "Leave it out.")
        rates.append(x / n)
        smooth = (x + STEP_PRIOR) / (n + 2 * STEP_PRIOR)
        sides.append(np.diag(smooth * (1 - smooth) / n))
    return shapley_change(
        lambda v: float(np.prod(v)), rates[0], rates[1], covariances=(sides[0], sides[1]),
        factors=[[k] for k in range(len(steps))], names=[(s, "rate") for s in steps], confidence=confidence,
    )  # fmt: skip


def driver_shares(
    drivers: Sequence[str], before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike], *,
    covariances: tuple[ArrayLike, ArrayLike], intercepts: tuple[float, float] = (0.0, 0.0), confidence: float = 0.95,
) -> ChangeShares:  # fmt: skip
    """Share the change of a KPI among its drivers, by how each is rated, and what lies outside their ratings.

    Parameters
    ----------
    drivers : sequence of str
        Names.
    before, after : tuple of array_like
        Of each period the drivers' means and their weights in a regression of the KPI on them, shape (drivers,) each.
    covariances : tuple of array_like
        Of means then weights then intercept, shape (2 drivers + 1, 2 drivers + 1), of each period.
    intercepts : tuple of float
        Of both regressions: what moves besides the drivers.
    confidence : float
        Level.

    Returns
    -------
    ChangeShares
        A row for the level of each driver, and one for what lies outside: what customers with the same ratings, those between both periods,
        answer otherwise. What a weight adds alone would hang on the zero of the driver's scale, and is therefore part of that. Shapley's
        values of sums of products, which are those of Oaxaca and Blinder with mean weights.

    References
    ----------
    Oaxaca, R. (1973). International Economic Review, 14, 693-709. Blinder, A. S. (1973). Journal of Human Resources, 8, 436-455. Jann, B.
    (2008). The Blinder-Oaxaca decomposition for linear regression models. Stata Journal, 8, 453-479.
    """
    many = len(drivers)
    (m0, b0), (m1, b1) = ([np.asarray(v, dtype="float64") for v in side] for side in (before, after))
    if any(v.shape != (many,) for v in (m0, b0, m1, b1)):
        raise DataError("There must be one mean and one weight for each driver, in both periods.")

    def parts(both: Array) -> Array:
        means0, weights0, means1, weights1 = (both[k : k + many] for k in (0, many, 2 * many + 1, 3 * many + 1))
        middle = (means0 + means1) / 2
        level = (means1 - means0) * (weights0 + weights1) / 2
        outside = both[-1] - both[2 * many] + (weights1 - weights0) @ middle
        return np.concatenate([level, [outside]])

    x = np.concatenate([m0, b0, [intercepts[0]], m1, b1, [intercepts[1]]])
    ends = [float(m @ b + i) for m, b, i in ((m0, b0, intercepts[0]), (m1, b1, intercepts[1]))]
    names = [(d, "level") for d in drivers] + [("", "outside")]
    values = [*((float(p), float(q)) for p, q in zip(m0, m1, strict=True)), (np.nan, np.nan)]
    sides = [np.asarray(c, dtype="float64") for c in covariances]
    return _shared(parts, x, sides, names, values, (ends[0], ends[1]), confidence)


def _shared(
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
