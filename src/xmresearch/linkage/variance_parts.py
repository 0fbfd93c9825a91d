"""Variance of branch means by profile REML: how much branches differ beyond what sampling explains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
GRID, ROUNDS = 25, 6
"""Points of a grid on which the likelihood is searched, and how often it is made finer."""


def weighted_least_squares(y: Array, design: Array, weight: Array) -> tuple[Array, Array]:
    """Return coefficients and the inverse of the weighted cross-products.

    Parameters
    ----------
    y, design, weight : ndarray
        Shapes (n,), (n, k) and (n,).

    Returns
    -------
    coefficients, inverse : ndarray
        Shapes (k,) and (k, k).
    """
    inverse = np.linalg.pinv(design.T @ (weight[:, None] * design))
    return inverse @ (design.T @ (weight * y)), inverse


def variance_beyond(y: Array, design: Array, known: Array) -> tuple[float, float]:
    """Estimate the variance of y about a linear prediction beyond what is known of each element, by restricted likelihood.

    Parameters
    ----------
    y : ndarray
        Shape (n,).
    design : ndarray
        Shape (n, k).
    known : ndarray
        Variance of each element that is known beforehand, shape (n,), not negative.

    Returns
    -------
    variance, se : float
        Not negative; the standard error from the expected restricted information.

    References
    ----------
    Patterson, H. D. & Thompson, R. (1971). Recovery of inter-block information when block sizes are unequal. Biometrika, 58, 545-554.
    """
    design = np.linalg.qr(design)[0]
    y = y - design @ (design.T @ y)
    total = float(y @ y) / max(len(y) - design.shape[1], 1)
    if total <= 0:
        return 0.0, 0.0
    floor = 1e-9 * total

    found = 0.0
    grid = np.concatenate([[0.0], total * np.geomspace(1e-4, 10.0, GRID - 1)])
    for _ in range(ROUNDS):
        at = int(np.argmin(_deviances(y, design, known + floor, grid)))
        low, high = float(grid[max(at - 1, 0)]), float(grid[min(at + 1, GRID - 1)])
        found = float(grid[at])
        grid = np.linspace(low, high, GRID)
    v = known + found + floor
    w = 1 / v
    inverse = np.linalg.pinv(design.T @ (w[:, None] * design))
    square, cube = (design.T @ (w[:, None] ** k * design) @ inverse for k in (2, 3))
    information = (w**2).sum() - 2 * np.trace(cube) + np.trace(square @ square)
    return found, float(np.sqrt(2 / max(information, 1e-300)))


def _deviances(y: Array, design: Array, known: Array, variances: Array) -> Array:
    """Return minus twice the restricted log-likelihood for each of several variances, shape (variances,)."""
    w = 1 / (known + variances[:, None])
    size = design.shape[1]
    crossed = (w @ (design[:, :, None] * design[:, None, :]).reshape(len(y), -1)).reshape(-1, size, size)
    right = (w * y) @ design
    b = np.linalg.solve(crossed, right[..., None])[..., 0]
    left = (w * y**2).sum(axis=1) - (b * right).sum(axis=1)
    return np.asarray(-np.log(w).sum(axis=1) + np.linalg.slogdet(crossed)[1] + left)
