"""Net scores: the share of one kind of answer less that of its opposite, as the Net Promoter Score is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import counted, quantile
from xmresearch.sampling.net_scores import DETRACTOR, PROMOTER, require_net_answers

Array = NDArray[np.float64]
NetMethod = Literal["adjusted_wald", "add_one", "wald", "t", "dirichlet"]
_ADDED = {"adjusted_wald": (0.75, 1.5), "add_one": (1.0, 1.0), "wald": (0.0, 0.0), "t": (0.0, 0.0)}
_PRIOR = 0.5


@dataclass(frozen=True, repr=False)
class NetScore(Shown):
    """Net scores of one or several groups, in points from -100 to 100.

    Attributes
    ----------
    table : DataFrame
        One row per group: n, detractors, passives, promoters (counts), nps (as observed), estimate (the centre of the interval,
        which adjusted methods draw towards 0), se, lower, upper.
    method : str
        How the interval was made.
    level : float
        Of the interval.
    """

    table: pd.DataFrame
    method: str
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the first group's row, with method and level."""
        return {**self.table.iloc[0].to_dict(), "method": self.method, "level": self.level}


def net_counts(answers: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float, float]:
    """Count detractors, passives and promoters among answers from 0 to 10.

    Parameters
    ----------
    answers : array_like
        Shape (n,); blanks are NaN.
    weights : array_like, optional
        Shape (n,), above 0; the counts are then scaled to Kish's effective number of answers.

    Returns
    -------
    detractors, passives, promoters : float

    Raises
    ------
    DataError
        An answer is no whole number from 0 to 10; or none is 0 and some are 11, as a scale from 1 to 11 has it.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review, 81 (12), 46-54.
    """
    given = np.asarray(answers, dtype="float64")
    there = np.isfinite(given)
    found = given[there]
    require_net_answers(found)
    w = np.ones(found.size) if weights is None else np.asarray(weights, dtype="float64")[there]
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise DataError("A weight is not a positive number.", "Every answer needs a weight above zero.")
    if w.size:
        w = w * (w.sum() / (w**2).sum())
    low, high = w[found <= DETRACTOR].sum(), w[found >= PROMOTER].sum()
    return float(low), float(w.sum() - low - high), float(high)


def net_score(
    detractors: ArrayLike, passives: ArrayLike, promoters: ArrayLike, *, method: NetMethod = "adjusted_wald",
    confidence: float = 0.95,
) -> NetScore:  # fmt: skip
    """Estimate net scores with their intervals.

    Parameters
    ----------
    detractors, passives, promoters : array_like
        Answers of each kind, shape (groups,) or single numbers; see `net_counts`.
    method : {'adjusted_wald', 'add_one', 'wald', 't', 'dirichlet'}
        Rocks' adjusted Wald interval by default: three answers are added, 3/4 to each outer kind; `add_one` adds one to each kind;
        `t` is that of the mean of -1, 0 and 1, and none where all answers are of one kind; `dirichlet` is the posterior under Dirichlet(1/2, 1/2, 1/2), its quantiles from
        100 000 draws with a fixed seed.
    confidence : float
        Level.

    Returns
    -------
    NetScore
        Limits lie within -100 and 100; NaN in a group without answers.

    Raises
    ------
    DataError
        A count is negative, or the level is no level.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician, 70, 365-372.
    """
    low, middle, high = (np.atleast_1d(c) for c in counted(detractors, passives, promoters))
    n = low + middle + high
    z = quantile(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = 100 * (high - low) / n
        if method == "dirichlet":
            estimate, se, lower, upper = _posterior(low, middle, high, confidence)
        else:
            outer, inner = _ADDED[method]
            more = n + 2 * outer + inner
            estimate, variance = _moments(low + outer, high + outer, more)
            freedom = more - 1 if method == "t" else more
            se = 100 * np.sqrt(variance / freedom)
            reach = np.where(se > 0, stats.t.ppf(0.5 + confidence / 2, n - 1), np.nan) if method == "t" else z
            lower, upper = estimate - reach * se, estimate + reach * se
    blank = np.where(n > 0, 0.0, np.nan)
    table = pd.DataFrame(
        {"n": n, "detractors": low, "passives": middle, "promoters": high, "nps": observed, "estimate": estimate + blank,
         "se": se + blank, "lower": np.clip(lower, -100, 100) + blank, "upper": np.clip(upper, -100, 100) + blank}
    )  # fmt: skip
    return NetScore(table, method, confidence)


def _moments(low: Array, high: Array, n: Array) -> tuple[Array, Array]:
    """Return the mean, in points, and the variance of -1, 0 and 1."""
    d, p = low / n, high / n
    return 100 * (p - d), p + d - (p - d) ** 2


def _posterior(low: Array, middle: Array, high: Array, confidence: float) -> tuple[Array, Array, Array, Array]:
    a = np.stack([low, middle, high], axis=-1) + _PRIOR
    whole = a.sum(axis=-1)
    mean = (a[:, 2] - a[:, 0]) / whole
    sd = np.sqrt(((a[:, 2] + a[:, 0]) / whole - mean**2) / (whole + 1))
    rng = np.random.default_rng(0)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    ends = []
    for row in a:
        drawn = rng.standard_gamma(row, size=(100_000, 3))
        ends.append(np.quantile((drawn[:, 2] - drawn[:, 0]) / drawn.sum(axis=1), tails))
    limits = 100 * np.array(ends)
    return 100 * mean, 100 * sd, limits[:, 0], limits[:, 1]


def net_difference(
    before: tuple[float, float, float], after: tuple[float, float, float], *, confidence: float = 0.95
) -> dict[str, float]:
    """Estimate the change of a net score between two samples of different people.

    Parameters
    ----------
    before, after : tuple of float
        Detractors, passives and promoters of each.
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        change (points), se, lower, upper (Wald), z and p (two-sided); welch_t, welch_df, welch_p of Welch's test of -1, 0 and 1.

    Raises
    ------
    DataError
        A count is negative, or a sample has fewer than two answers.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician, 70, 365-372. Welch, B. L. (1947).
    Biometrika, 34, 28-35.
    """
    moments = []
    for given in (before, after):
        low, middle, high = counted(*given)
        n = low + middle + high
        if n < 2:
            raise DataError("A sample has fewer than two answers.", "A change needs answers in both samples.")
        mean, variance = _moments(low, high, n)
        moments.append((float(mean), float(variance), float(n)))
    (m0, v0, n0), (m1, v1, n1) = moments
    change, se = m1 - m0, 100 * float(np.sqrt(v0 / n0 + v1 / n1))
    reach = quantile(confidence) * se
    z = change / se if se else (np.copysign(np.inf, change) if change else np.nan)
    s0, s1 = v0 / (n0 - 1), v1 / (n1 - 1)
    spread = 100 * float(np.sqrt(s0 + s1))
    t = change / spread if spread else np.nan
    df = (s0 + s1) ** 2 / (s0**2 / (n0 - 1) + s1**2 / (n1 - 1)) if spread else np.nan
    return {
        "change": change, "se": se, "lower": change - reach, "upper": change + reach, "z": z,
        "p": float(2 * stats.norm.sf(abs(z))), "welch_t": t, "welch_df": df, "welch_p": float(2 * stats.t.sf(abs(t), df)),
    }  # fmt: skip
