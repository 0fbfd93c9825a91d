"""How a linear predictor becomes an outcome: likelihood of cells, its slope and information, and expected scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
LINKS = {"gaussian": "identity", "count": "log", "bernoulli": "probit", "ordinal": "probit", "nps": "probit"}
_SMALLEST = 1e-300
_STEPS, _WIDE = 12, 5.0


def likelihood(link: str, eta: Array, data: Array, extra: Array, base: Array) -> tuple[float, Array, Array]:
    """Return the log likelihood of cells, up to a constant, and its slope.

    Parameters
    ----------
    link : str
        'identity' (data: n, mean, scatter; extra: log residual SD), 'log' (data: n, total; base: log rate at zero) or
        'probit' (data: rows per answer; extra: log distances between cutpoints; base: cutpoints about which they lie).
    eta : ndarray
        Linear predictor of each cell, shape (C,).
    data : ndarray
        Shape (C, columns).
    extra, base : ndarray
        As the link takes them.

    Returns
    -------
    value : float
    slope : ndarray
        With respect to `eta`, shape (C,).
    extra_slope : ndarray
        With respect to `extra`.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B, 42(2), 109-142.
    """
    if link == "identity":
        n, mean, scatter = data.T
        gap, precision = mean - eta, np.exp(-2 * extra[0])
        square = float(precision * (scatter.sum() + n @ gap**2))
        return -float(n.sum() * extra[0]) - 0.5 * square, precision * n * gap, np.array([square - n.sum()])
    if link == "log":
        n, total = data.T
        expected = n * np.exp(base[0] + eta)
        return float(total @ eta - expected.sum()), total - expected, np.empty(0)
    a = cutpoints(extra, base) - eta[:, None]
    share, density = _shares(a)
    pull = data / share
    by_cut = density * (pull[:, :-1] - pull[:, 1:])
    at = by_cut.sum(axis=0)
    above, middle = np.cumsum(at[::-1])[::-1], (len(base) - 1) // 2
    gaps = above[1:] - np.where(np.arange(len(extra)) < middle, at.sum(), 0.0)
    return float((data * np.log(share)).sum()), -by_cut.sum(axis=1), gaps * np.exp(extra)


def cutpoints(extra: Array, base: Array) -> Array:
    """Return ordered cutpoints, shape (..., K - 1), from log distances (..., K - 2); the middle one is that of `base`."""
    middle = (base.shape[-1] - 1) // 2
    path = np.concatenate([np.zeros((*extra.shape[:-1], 1)), np.cumsum(np.exp(extra), axis=-1)], axis=-1)
    found: Array = base[middle] + path - path[..., middle : middle + 1]
    return found


def _shares(a: Array) -> tuple[Array, Array]:
    """Return P(answer), shape (C, K), and the normal density at the standardised cutpoints a, shape (C, K - 1)."""
    tail, up = special.ndtr(-np.abs(a)), a > 0
    cells = len(a)
    lower = np.hstack([np.zeros((cells, 1)), tail])
    upper = np.hstack([tail, np.zeros((cells, 1))])
    lower_up = np.hstack([np.zeros((cells, 1), dtype=bool), up])
    upper_up = np.hstack([up, np.ones((cells, 1), dtype=bool)])
    share = np.where(lower_up, lower - upper, np.where(upper_up, 1 - upper - lower, upper - lower))
    return np.maximum(share, _SMALLEST), np.exp(-0.5 * a * a) / np.sqrt(2 * np.pi)


def cell_estimates(link: str, data: Array, extra: Array, base: Array) -> tuple[Array, Array]:
    """Return each cell's own linear predictor under a wide prior, and the information about it, each of shape (C,)."""
    eta = np.log((data[:, 1] + 0.5) / data[:, 0]) - base[0] if link == "log" else np.zeros(len(data))
    for _ in range(_STEPS):
        slope = likelihood(link, eta, data, extra, base)[1]
        eta = eta + (slope - eta / _WIDE**2) / (information(link, eta, data, extra, base) + 1 / _WIDE**2)
    return eta, information(link, eta, data, extra, base)


def information(link: str, eta: Array, data: Array, extra: Array, base: Array) -> Array:
    """Return the expected information about each cell's linear predictor, shape (C,)."""
    if link == "identity":
        return np.asarray(data[:, 0] * np.exp(-2 * extra[0]))
    if link == "log":
        return np.asarray(data[:, 0] * np.exp(base[0] + eta))
    share, density = _shares(cutpoints(extra, base) - eta[:, None])
    edge = np.zeros((len(eta), 1))
    change = np.diff(np.hstack([edge, density, edge]), axis=1)
    return np.asarray(data.sum(axis=1) * (change**2 / share).sum(axis=1))


def expected_scores(link: str, eta: Array, extra: Array, base: Array, scores: Array) -> Array:
    """Return expected outcomes.

    Parameters
    ----------
    link : str
        As in `likelihood`.
    eta : ndarray
        Shape (S, C).
    extra, base : ndarray
        `extra` of shape (S, e).
    scores : ndarray
        What each answer contributes to each measure, shape (M, K); of the other links, one row of ones: the measure is the
        outcome itself.

    Returns
    -------
    ndarray
        Shape (S, C, M).
    """
    if link == "identity":
        return eta[..., None]
    if link == "log":
        return np.asarray(np.exp(base[0] + eta)[..., None])
    below = special.ndtr(cutpoints(extra, base)[:, None, :] - eta[..., None])
    return np.asarray(scores[:, -1] - below @ np.diff(scores, axis=1).T)
