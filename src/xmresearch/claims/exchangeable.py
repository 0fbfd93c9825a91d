"""Figures that are alike until data tell them apart: the posterior from which ranks are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ALIKE = 1 / 3
"""Prior probability that figures do not differ at all."""
_GRID = 60
_NEXT_TO_NOTHING = 1e-6


def exchangeable_draws(
    estimate: Array, error: Array, scale: float, *, draws: int, seed: int, alike: float = ALIKE
) -> Array:
    """Draw figures that are exchangeable beforehand from their posterior.

    Draws about the estimates make a leader of whom chance favours, and so does a prior under which figures are certain to differ.

    Parameters
    ----------
    estimate : ndarray
        Shape (K,), of two figures or more.
    error : ndarray
        Their error, variances and covariances, shape (K, K).
    scale : float
        Of the half-Cauchy prior of their standard deviation, in their units.
    draws, seed : int
        How many, and their seed.
    alike : float
        Prior probability that they do not differ at all.

    Returns
    -------
    ndarray
        Shape (draws, K). Figures come from normal distributions about a common mean of which nothing is known. Their standard deviation
        is next to nothing with probability `alike`, otherwise half-Cauchy.

    References
    ----------
    Efron, B. & Morris, C. (1975). Data analysis using Stein's estimator and its generalizations. Journal of the American
    Statistical Association, 70, 311-319. Gelman, A. (2006). Prior distributions for variance parameters in hierarchical models.
    Bayesian Analysis, 1, 515-534.
    """
    y, k = estimate, len(estimate)
    apart = _contrasts(k)
    variance, axes = np.linalg.eigh(apart.T @ error @ apart)
    variance = np.maximum(variance, _NEXT_TO_NOTHING**2 * max(float(variance[-1]), np.finfo(float).tiny))
    axes = apart @ axes
    along = axes.T @ y
    scale = max(scale, np.finfo(float).tiny)
    steps = np.tan(np.pi / 2 * (np.arange(_GRID) + 0.5) / _GRID)
    sd = scale * np.append(_NEXT_TO_NOTHING, steps)
    prior = np.append(alike, np.full(_GRID, (1 - alike) / _GRID))
    total = sd[:, None] ** 2 + variance
    with np.errstate(divide="ignore"):
        log = np.log(prior) - 0.5 * (np.log(total) + along**2 / total).sum(axis=1)
    chance = np.exp(log - log.max())
    rng = np.random.default_rng([seed, draws, k])
    at = rng.choice(_GRID + 1, draws, p=chance / chance.sum())
    kept = sd[at, None] ** 2 / total[at]
    differences = kept * along + np.sqrt(kept * variance) * rng.standard_normal((draws, k - 1))
    # given the differences, the common level is what its errors go with
    goes = error.mean(axis=0) @ axes / variance
    rest = max(float(error.mean() - goes**2 @ variance), 0.0)
    level = y.mean() + (differences - along) @ goes + np.sqrt(rest) * rng.standard_normal(draws)
    return np.asarray(level[:, None] + differences @ axes.T)


def _contrasts(k: int) -> Array:
    """Return orthonormal differences of K figures, shape (K, K - 1)."""
    return np.linalg.qr(np.column_stack([np.ones(k), np.eye(k)[:, 1:]]))[0][:, 1:]
