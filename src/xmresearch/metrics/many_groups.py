"""Many groups, some of them small: partial pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData

Array = NDArray[np.float64]
GRID = 60
"""Points on which the spread between groups is integrated out."""


@dataclass(frozen=True, repr=False)
class PooledGroups(Shown):
    """Groups drawn towards one another by as much as their own answers leave open.

    Attributes
    ----------
    table : DataFrame
        One row per group in the order given: observed, estimate (posterior mean), sd, lower, upper, kept (weight of the group's own
        answers in its estimate).
    centre, between : float
        Posterior means of the mean of all groups, and of their standard deviation.
    level : float
        Of the intervals.
    draws : ndarray
        Joint posterior draws, shape (draws, groups).
    """

    table: pd.DataFrame
    centre: float
    between: float
    level: float
    draws: Array

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how far groups differ."""
        return {"groups": len(self.table), "centre": self.centre, "between": self.between, "level": self.level}

    def _head(self) -> dict[str, Any]:
        return self.summary()


def pool_means(
    estimate: ArrayLike, se: ArrayLike, *, draws: int = 2000, seed: int = 0, confidence: float = 0.95
) -> PooledGroups:
    """Pool the estimates of groups under a normal model, its spread between groups integrated out.

    Parameters
    ----------
    estimate, se : array_like
        Of each group, shape (groups,), standard errors above 0; groups with NaN are given the distribution of a group not seen.
    draws : int
        Joint posterior draws.
    seed : int
        Of the draws.
    confidence : float
        Level.

    Returns
    -------
    PooledGroups
        Under a flat prior on the centre and on the standard deviation between groups, up to ten times that of the estimates.

    Raises
    ------
    DataError, InsufficientData
        A standard error is not above 0; fewer than three groups have an estimate.

    References
    ----------
    Gelman, A. (2006). Prior distributions for variance parameters in hierarchical models. Bayesian Analysis, 1, 515-534. Efron, B. &
    Morris, C. (1975). JASA, 70, 311-319.
    """
    y, s = np.asarray(estimate, dtype="float64"), np.asarray(se, dtype="float64")
    there = np.isfinite(y) & np.isfinite(s)
    if (s[there] <= 0).any():
        raise DataError("A standard error is not above 0.", "A group whose answers are all alike needs one as well.")
    if there.sum() < 3:
        raise InsufficientData(
            f"{int(there.sum())} group(s) have an estimate; pooling takes three.", "Compare two directly."
        )
    y0, v0 = y[there], s[there] ** 2
    top = 10 * max(float(y0.std()), float(np.sqrt(v0.min())) * 0.1)
    taus = top * (np.arange(GRID) + 0.5) ** 2 / GRID**2
    w = 1 / (v0[None, :] + taus[:, None] ** 2)
    mean_v = 1 / w.sum(axis=1)
    mean = (w @ y0) * mean_v
    log_p = 0.5 * (np.log(w).sum(axis=1) + np.log(mean_v) - (w * (y0[None, :] - mean[:, None]) ** 2).sum(axis=1))
    log_p += np.log(2 * np.arange(GRID) + 1)  # the grid is finer near 0
    chance = np.exp(log_p - special.logsumexp(log_p))
    precision = np.where(there, 1 / np.where(there, s, 1.0) ** 2, 0.0)
    total = precision[None, :] + 1 / taus[:, None] ** 2
    share = precision[None, :] / total
    centre = share * np.where(there, y, 0.0)[None, :] + (1 - share) * mean[:, None]
    within = 1 / total + (1 - share) ** 2 * mean_v[:, None]
    posterior = chance @ centre
    sd = np.sqrt(chance @ (within + centre**2) - posterior**2)
    rng = np.random.default_rng(seed)
    at = rng.choice(GRID, size=draws, p=chance)
    mu = mean[at] + np.sqrt(mean_v[at]) * rng.standard_normal(draws)
    drawn = share[at] * np.where(there, y, 0.0) + (1 - share[at]) * mu[:, None]
    drawn += np.sqrt(1 / total[at]) * rng.standard_normal((draws, len(y)))
    low, high = _mixture_ends(chance, centre, np.sqrt(within), posterior, sd, confidence)
    table = pd.DataFrame(
        {"observed": y, "estimate": posterior, "sd": sd, "lower": low, "upper": high, "kept": chance @ share}
    )
    return PooledGroups(table, float(chance @ mean), float(chance @ taus), confidence, drawn)


def _mixture_ends(
    chance: Array, centre: Array, sd: Array, posterior: Array, whole: Array, confidence: float
) -> tuple[Array, Array]:
    """Return quantiles of mixtures of normal distributions, by bisection over all groups at once."""
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        a, b = posterior - 12 * whole, posterior + 12 * whole
        for _ in range(45):
            middle = (a + b) / 2
            below = chance @ special.ndtr((middle[None, :] - centre) / sd)
            a, b = np.where(below < tail, middle, a), np.where(below < tail, b, middle)
        ends.append((a + b) / 2)
    return ends[0], ends[1]


def pool_shares(
    successes: ArrayLike, n: ArrayLike, *, draws: int = 2000, seed: int = 0, confidence: float = 0.95
) -> PooledGroups:
    """Pool the shares of groups under a beta-binomial model, its mean and its concentration integrated out.

    Parameters
    ----------
    successes, n : array_like
        Answers of the kind and all answers of each group (effective ones with weights), shape (groups,).
    draws : int
        Joint posterior draws; estimates and intervals are theirs.
    seed : int
        Of the draws.
    confidence : float
        Level.

    Returns
    -------
    PooledGroups
        Under priors that are uniform on the mean and on the intraclass correlation 1 / (concentration + 1).

    Raises
    ------
    DataError, InsufficientData
        There are more answers of the kind than answers, or a count is negative; fewer than three groups have answers.

    References
    ----------
    Skellam, J. G. (1948). Journal of the Royal Statistical Society B, 10, 257-261. Daniels, M. J. (1999). A prior for the variance in
    hierarchical models. Canadian Journal of Statistics, 27, 567-578.
    """
    x, total = np.asarray(successes, dtype="float64"), np.asarray(n, dtype="float64")
    if not np.isfinite([x, total]).all() or (x < 0).any() or (x > total * (1 + 1e-12)).any():
        raise DataError("A count is negative, or there are more answers of the kind than answers.")
    x = np.minimum(x, total)
    seen = total > 0
    if seen.sum() < 3:
        raise InsufficientData(
            f"{int(seen.sum())} group(s) have answers; pooling takes three.", "Compare two directly."
        )
    means, alike, chance = _share_grid(x[seen], total[seen])
    flat = chance.ravel()
    rng = np.random.default_rng(seed)
    at = rng.choice(flat.size, size=draws, p=flat / flat.sum())
    mean, rho = means[at // len(alike)], alike[at % len(alike)]
    size = 1 / rho - 1
    drawn = rng.beta(mean[:, None] * size[:, None] + x, (1 - mean[:, None]) * size[:, None] + total - x)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = x / total
    kept = (total / (total + size[:, None])).mean(axis=0)
    table = pd.DataFrame(
        {
            "observed": observed,
            "estimate": drawn.mean(axis=0),
            "sd": drawn.std(axis=0),
            "lower": low,
            "upper": high,
            "kept": kept,
        }
    )
    between = np.sqrt(mean * (1 - mean) * rho).mean()
    return PooledGroups(table, float(mean.mean()), float(between), confidence, drawn)


def _share_grid(x: Array, n: Array) -> tuple[Array, Array, Array]:
    """Return a grid of means and intraclass correlations around the likelihood's mass, and their probabilities."""
    u_low, u_high = -9.0, 9.0
    means, alike, chance = np.empty(0), np.empty(0), np.empty((0, 0))
    v_low, v_high = -14.0, 6.0
    for _ in range(3):
        u, v = np.linspace(u_low, u_high, GRID // 2), np.linspace(v_low, v_high, GRID // 2)
        means, alike = special.expit(u), special.expit(v)
        size = 1 / alike - 1
        a, b = means[:, None] * size[None, :], (1 - means[:, None]) * size[None, :]
        log_p = np.log(means * (1 - means))[:, None] + np.log(alike * (1 - alike))[None, :]
        log_p = log_p - len(x) * special.betaln(a, b)
        for start in range(0, len(x), 2000):
            part = slice(start, start + 2000)
            log_p = log_p + special.betaln(a[..., None] + x[part], b[..., None] + (n - x)[part]).sum(axis=2)
        chance = np.exp(log_p - special.logsumexp(log_p))
        rows, columns = (np.flatnonzero(chance.sum(axis=k) > 1e-7) for k in (1, 0))
        u_low, u_high = u[max(rows[0] - 1, 0)], u[min(rows[-1] + 1, len(u) - 1)]
        v_low, v_high = v[max(columns[0] - 1, 0)], v[min(columns[-1] + 1, len(v) - 1)]
    return means, alike, chance
