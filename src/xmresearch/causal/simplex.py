"""Least squares with weights that are positive and sum to one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_TOLERANCE = 1e-10


def simplex_weights(design: Array, target: Array, *, ridge: float = 0.0, intercept: bool = False) -> Array:
    """Return the weights w >= 0 with sum 1 that minimise |design w (+ intercept) - target|^2 + ridge |w|^2.

    An active-set method: the free weights solve their equality-constrained normal equations, the step is cut where one
    would turn negative, and the column that promises most is freed until none promises anything. It ends after finitely
    many steps at the exact minimum; where that is not unique, at one with affinely independent columns.

    Parameters
    ----------
    design : ndarray
        Columns to weight, shape (rows, columns).
    target : ndarray
        What to come close to, shape (rows,).
    ridge : float
        Penalty on the squared weights, in squared units of the target.
    intercept : bool
        Whether a constant may be added.

    Returns
    -------
    ndarray
        Shape (columns,).
    """
    if intercept:
        design, target = design - design.mean(axis=0), target - target.mean()
    scale = float(np.abs(design).max()) or 1.0
    design, target = design / scale, target / scale
    gram = design.T @ design + ridge / scale**2 * np.eye(design.shape[1])
    moment = design.T @ target
    columns = len(moment)
    start = int(np.argmin(np.diag(gram) - 2 * moment))
    weights = np.eye(columns)[start]
    free = weights > 0
    tolerance = _TOLERANCE * max(float(np.abs(gram).max()), float(np.abs(moment).max()))
    for _ in range(50 * columns):
        gradient = gram @ weights - moment
        promise = gradient - gradient[free].mean()
        promise[free] = 0.0
        best = int(np.argmin(promise))
        if promise[best] >= -tolerance:
            break
        free[best] = True
        while True:
            wanted = _solve(gram, moment, free)
            falling = free & (wanted <= 0)
            if not falling.any():
                weights = wanted
                break
            step = weights[falling] / np.maximum(weights[falling] - wanted[falling], 1e-300)
            weights = weights + float(step.min()) * (wanted - weights)
            gone = np.flatnonzero(falling)[step <= step.min() + 1e-15]
            weights[gone] = 0.0
            free[gone] = False
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _solve(gram: Array, moment: Array, free: NDArray[np.bool_]) -> Array:
    """Return the minimum over the free weights that sum to one, whatever their sign."""
    k = int(free.sum())
    system = np.ones((k + 1, k + 1))
    system[:k, :k], system[k, k] = gram[np.ix_(free, free)], 0.0
    right = np.append(moment[free], 1.0)
    wanted = np.zeros(len(moment))
    try:
        wanted[free] = np.linalg.solve(system, right)[:k]
    except np.linalg.LinAlgError:
        wanted[free] = np.linalg.lstsq(system, right, rcond=None)[0][:k]
    return wanted
