"""Penalties of low and rewards of high performance: which drivers are basic, which excite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
FACTORS = ("basic", "performance", "excitement", "unsettled")
"""Low hurts more than high helps; both, and neither is shown to be more; high helps more than low hurts; not shown."""


@dataclass(frozen=True, repr=False)
class ContrastResult(Shown):
    """Penalties and rewards of drivers.

    Attributes
    ----------
    table : DataFrame
        One row per driver: construct, low, high (bounds of low and high answers), n_low, n_high (respondents), penalty and reward
        (change of the outcome at low and at high answers against those between, in its units; NaN where fewer than
        `MIN_CELL` gave such answers) with lower, upper and se of each, p_penalty and p_reward; range (reward less penalty),
        difference (reward plus penalty: below zero where low answers hurt more than high ones help) with lower, upper and p_difference; asymmetry (of reward r and penalty p: ``(r - |p|) / (r + |p|)``),
        asymmetry_abs (with ``|r|``), and factor (one of `FACTORS`).
    coefficients : DataFrame
        Every term of the regression: term, b, se_classical, se (HC3, or by clusters).
    n : int
        Complete respondents.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    coefficients: pd.DataFrame
    n: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per driver."""
        return self.table

    def named(self) -> pd.DataFrame:
        """Return the table for readers: factors by names that no driver bears, asymmetry only of a penalty and a reward."""
        both = (self.table["penalty"] <= 0) & (self.table["reward"] >= 0)
        return self.table.assign(factor="factor_" + self.table["factor"], asymmetry=self.table["asymmetry"].where(both))

    def summary(self) -> dict[str, Any]:
        """Return which drivers are of which factor."""
        return {f: list(self.table.loc[self.table["factor"] == f, "construct"]) for f in FACTORS} | {"n": self.n}


@on_one_thread
def penalty_reward(
    drivers: pd.DataFrame,
    outcome: pd.Series,
    *,
    low: float | None = None,
    high: float | None = None,
    weights: Array | None = None,
    clusters: NDArray[Any] | None = None,
    confidence: float = 0.95,
) -> ContrastResult:
    """Contrast low and high answers about each driver with those between.

    Parameters
    ----------
    drivers : DataFrame
        One column per driver, shape (n, K); rows with blanks are left out.
    outcome : Series
        Shape (n,).
    low, high : float, optional
        Answers of at most `low` are low, of at least `high` high; the lower and upper third of each driver's answers if absent.
    weights : ndarray, optional
        Design weights, shape (n,).
    clusters : array, optional
        What was drawn as a whole, shape (n,).
    confidence : float
        Level of the t intervals, and 1 - level of the tests that name the factors, by Holm's method over the drivers.

    Returns
    -------
    ContrastResult

    Raises
    ------
    InsufficientData
        Too few complete respondents, or no driver has enough low and high answers.

    Notes
    -----
    basic: the penalty is settled and larger than the reward; excitement: the reward is settled and larger than the penalty;
    performance: both are settled, and neither is shown to be larger.

    References
    ----------
    Brandt, R. D. (1987). A procedure for identifying value-enhancing service components using customer satisfaction survey
    data. In Add Value to Your Service, AMA, 61-65. Mikulic, J. & Prebezac, D. (2008). Prioritizing improvement of service
    attributes using impact range-performance analysis and impact-asymmetry analysis. Managing Service Quality, 18, 559-576.
    """
    x, y = drivers.to_numpy(dtype=float), outcome.to_numpy(dtype=float)
    whole = ~np.isnan(x).any(axis=1) & ~np.isnan(y)
    x, y = x[whole], y[whole]
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)[whole]
    k = x.shape[1]
    if len(y) < max(MIN_CELL, 2 * k + 3):
        raise NotEstimable(
            "few_respondents", f"{len(y)} complete respondents cannot tell penalties and rewards of {k} drivers apart."
        )
    lows = np.full(k, low) if low is not None else np.quantile(x, 1 / 3, axis=0, method="inverted_cdf")
    highs = np.full(k, high) if high is not None else np.quantile(x, 2 / 3, axis=0, method="inverted_cdf")
    highs = np.where(highs > lows, highs, np.nextafter(lows, np.inf))
    marks = np.stack([x <= lows, x >= highs], axis=2).reshape(len(y), 2 * k)
    counts = marks.sum(axis=0)
    kept = (counts >= MIN_CELL) & (counts <= len(y) - MIN_CELL)
    if not kept.any():
        raise NotEstimable(
            "no_extremes", f"No driver has {MIN_CELL} low or {MIN_CELL} high answers to contrast with the rest."
        )
    group = None if clusters is None else pd.factorize(np.asarray(clusters)[whole], use_na_sentinel=False)[0]
    b, cov, classical, df = least_squares(marks[:, kept].astype(float), y, w, group)
    terms = ["intercept", *np.array([f"{c}_{e}" for c in drivers.columns for e in ("low", "high")])[kept]]
    full, place = np.full(2 * k, np.nan), np.flatnonzero(kept)
    full[place] = b[1:]
    spread = np.full((2 * k, 2 * k), np.nan)
    spread[np.ix_(place, place)] = cov[1:, 1:]
    table = _by_driver(drivers, full, spread, counts, lows, highs, df, confidence)
    coefficients = pd.DataFrame({"term": terms, "b": b, "se_classical": classical, "se": np.sqrt(np.diag(cov))})
    return ContrastResult(table, coefficients, len(y), confidence)


def least_squares(
    x: Array, y: Array, w: Array, clusters: NDArray[np.int64] | None
) -> tuple[Array, Array, Array, float]:
    """Regress with an intercept.

    Parameters
    ----------
    x, y, w : ndarray
        Shape (n, k), (n,) and (n,): regressors, outcome, weights.
    clusters : ndarray of int or None
        Cluster of each row, numbered from 0, shape (n,).

    Returns
    -------
    coefficients : ndarray
        The intercept first, shape (k + 1,).
    covariance : ndarray
        Robust, shape (k + 1, k + 1): HC3, or CR1 with clusters.
    classical : ndarray
        Standard errors that take errors to be alike, shape (k + 1,).
    df : float
        Degrees of freedom.

    References
    ----------
    Long, J. S. & Ervin, L. H. (2000). Using heteroscedasticity consistent standard errors in the linear regression model. The
    American Statistician, 54, 217-224.
    """
    design = np.column_stack([np.ones(len(y)), x])
    weighted = design * w[:, None]
    inner = np.linalg.pinv(design.T @ weighted, hermitian=True)
    b = inner @ (weighted.T @ y)
    residual = y - design @ b
    q = design.shape[1]
    classical = np.sqrt(np.diag(inner) * (w @ residual**2) / (len(y) - q))
    if clusters is None:
        leverage = np.clip(((design @ inner) * weighted).sum(axis=1), 0.0, 1 - 1e-9)
        scores = weighted * (residual / (1 - leverage))[:, None]
        df = float(len(y) - q)
    else:
        groups = int(clusters.max()) + 1
        scores = np.zeros((groups, q))
        np.add.at(scores, clusters, weighted * residual[:, None])
        scores *= np.sqrt(groups / max(groups - 1, 1))
        df = float(max(groups - 1, 1))
    return b, inner @ (scores.T @ scores) @ inner, classical, df


def _by_driver(
    drivers: pd.DataFrame,
    b: Array,
    cov: Array,
    counts: NDArray[np.int64],
    lows: Array,
    highs: Array,
    df: float,
    confidence: float,
) -> pd.DataFrame:
    """Set penalty and reward of each driver beside each other, and name the factor."""
    penalty, reward = b[0::2], b[1::2]
    se = np.sqrt(np.diag(cov))
    se_p, se_r, both = se[0::2], se[1::2], cov[np.arange(0, len(b), 2), np.arange(1, len(b), 2)]
    difference = reward + penalty
    se_d = np.sqrt(np.maximum(se_p**2 + se_r**2 + 2 * both, 0.0))
    reach = stats.t.ppf((1 + confidence) / 2, df)

    def p_value(estimate: Array, error: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * stats.t.sf(np.abs(estimate) / error, df))

    ps = {"penalty": p_value(penalty, se_p), "reward": p_value(reward, se_r), "difference": p_value(difference, se_d)}
    level = 1 - confidence
    # the three questions of every driver are one family: whichever settles its factor is read off them
    steps = adjusted(np.concatenate([ps["penalty"], ps["reward"], ps["difference"]])).reshape(3, -1)
    hurts, helps = (steps[0] < level) & (penalty < 0), (steps[1] < level) & (reward > 0)
    more, less = (steps[2] < level) & (difference > 0), (steps[2] < level) & (difference < 0)
    factor = np.where(
        hurts & less, "basic", np.where(helps & more, "excitement", np.where(hurts & helps, "performance", "unsettled"))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        asymmetry = (reward - np.abs(penalty)) / (reward + np.abs(penalty))
        asymmetry_abs = (np.abs(reward) - np.abs(penalty)) / (np.abs(reward) + np.abs(penalty))
    return pd.DataFrame({
        "construct": [str(c) for c in drivers.columns], "low": lows, "high": highs, "n_low": counts[0::2], "n_high": counts[1::2],
        "penalty": penalty, "penalty_lower": penalty - reach * se_p, "penalty_upper": penalty + reach * se_p, "penalty_se": se_p,
        "p_penalty": ps["penalty"], "reward": reward, "reward_lower": reward - reach * se_r,
        "reward_upper": reward + reach * se_r, "reward_se": se_r, "p_reward": ps["reward"], "range": reward - penalty,
        "difference": difference, "difference_lower": difference - reach * se_d, "difference_upper": difference + reach * se_d,
        "p_difference": ps["difference"], "asymmetry": asymmetry, "asymmetry_abs": asymmetry_abs, "factor": factor,
    })  # fmt: skip
