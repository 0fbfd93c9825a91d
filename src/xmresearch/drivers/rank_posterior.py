"""How probable each order of drivers is, when they are taken to be alike until the answers tell them apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
ALIKE = 1 / 3
"""Prior probability that drivers do not differ at all."""
SPREAD = 0.5
"""Scale of the half-Cauchy prior of how much drivers differ otherwise, as a part of their mean importance."""
_GRID = 60
_NEXT_TO_NOTHING = 1e-6


def pulled_together(estimate: ArrayLike, draws: ArrayLike, seed: int = 0) -> Array:
    """Return posterior draws of figures that are exchangeable beforehand, such as the importance of drivers.

    Draws of a bootstrap lie about the estimates, which themselves lie about the truth and make a leader of whom chance favours:
    the share of draws in which a driver leads overstates how probable it is that it leads.

    Parameters
    ----------
    estimate : array_like
        Shape (K,).
    draws : array_like
        Of a bootstrap, shape (S, K): their mean squares and products about the estimates are the error of these, bias included.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray
        Shape (S, K). Figures come from normal distributions about a common mean of which nothing is known. Their standard deviation
        is next to nothing with probability `ALIKE`, otherwise half-Cauchy with scale `SPREAD` times the mean size of the estimates.

    References
    ----------
    Efron, B. & Morris, C. (1975). Data analysis using Stein's estimator and its generalizations. Journal of the American
    Statistical Association, 70, 311-319. Gelman, A. (2006). Prior distributions for variance parameters in hierarchical models.
    Bayesian Analysis, 1, 515-534.
    """
    y, drawn = np.asarray(estimate, dtype=float), np.asarray(draws, dtype=float)
    size, k = drawn.shape
    if k == 1:
        return drawn
    error = (drawn - y).T @ (drawn - y) / size
    apart = _contrasts(k)
    variance, axes = np.linalg.eigh(apart.T @ error @ apart)
    variance = np.maximum(variance, _NEXT_TO_NOTHING**2 * max(float(variance[-1]), np.finfo(float).tiny))
    axes = apart @ axes
    along = axes.T @ y
    scale = max(SPREAD * float(np.abs(y).mean()), np.finfo(float).tiny)
    steps = np.tan(np.pi / 2 * (np.arange(_GRID) + 0.5) / _GRID)
    sd = scale * np.append(_NEXT_TO_NOTHING, steps)
    prior = np.append(ALIKE, np.full(_GRID, (1 - ALIKE) / _GRID))
    total = sd[:, None] ** 2 + variance
    log = np.log(prior) - 0.5 * (np.log(total) + along**2 / total).sum(axis=1)
    chance = np.exp(log - log.max())
    rng = np.random.default_rng([seed, size, k])
    at = rng.choice(_GRID + 1, size, p=chance / chance.sum())
    kept = sd[at, None] ** 2 / total[at]
    differences = kept * along + np.sqrt(kept * variance) * rng.standard_normal((size, k - 1))
    # given the differences, the common level is what its errors go with
    goes = error.mean(axis=0) @ axes / variance
    rest = max(float(error.mean() - goes**2 @ variance), 0.0)
    level = y.mean() + (differences - along) @ goes + np.sqrt(rest) * rng.standard_normal(size)
    return np.asarray(level[:, None] + differences @ axes.T)


def chance_of_lead(draws: Array) -> Array:
    """Return how often each figure is the highest: shape (K,), of draws (S, K)."""
    return np.bincount(draws.argmax(axis=1), minlength=draws.shape[1]) / len(draws)


def _contrasts(k: int) -> Array:
    """Return orthonormal differences of K figures, shape (K, K - 1)."""
    return np.linalg.qr(np.column_stack([np.ones(k), np.eye(k)[:, 1:]]))[0][:, 1:]
