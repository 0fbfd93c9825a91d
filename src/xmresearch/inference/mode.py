"""Where a posterior density is highest, and how it bends there."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ModelError

Array = NDArray[np.float64]
_STEP = 1e-4


class Density(Protocol):
    """A posterior density, up to a constant, in coordinates without bounds; hashable, equal for equal structures."""

    def __call__(self, x: Array, problem: Any, /) -> tuple[float, Array]:
        """Return the log density at coordinates of shape (q,), and its gradient; minus infinity where it is not proper."""

    def __hash__(self) -> int: ...


def mode(density: Density, problem: Any, start: Array) -> tuple[Array, Array]:
    """Find the mode by Newton steps, and the posterior's spread there.

    Parameters
    ----------
    density, problem
        What to maximise.
    start : ndarray
        Coordinates of finite density, shape (q,).

    Returns
    -------
    centre : ndarray
        The mode, rounded to 5 decimals, shape (q,).
    spread : ndarray
        Symmetric square root of the inverse curvature, shape (q, q).

    Raises
    ------
    ModelError
        The density is nothing at the start.
    """
    x = start
    value, slope = density(x, problem)
    if not np.isfinite(value):
        raise ModelError(
            "The posterior has no density where the search for its mode starts.",
            "Look for outcomes, or prior scales, that are far out.",
        )
    for _ in range(100):
        values, vectors = _curvature(density, problem, x)
        step = vectors @ (vectors.T @ slope / values)
        gain = float(step @ slope)
        if gain < 1e-12:
            break
        reach = min(1.0, 1.0 / float(np.abs(step).max()))
        while reach > 1e-8:
            new_value, new_slope = density(x + reach * step, problem)
            if new_value >= value - 1e-9 * abs(value):
                break
            reach /= 2
        else:
            break
        x, value, slope = x + reach * step, new_value, new_slope
    centre = np.round(x, 5)
    values, vectors = _curvature(density, problem, centre)
    return centre, (vectors / np.sqrt(values)) @ vectors.T


def _curvature(density: Density, problem: Any, x: Array) -> tuple[Array, Array]:
    """Return the eigenvalues, made positive, and eigenvectors of minus the second derivatives."""
    rows = [density(x + d, problem)[1] - density(x - d, problem)[1] for d in _STEP * np.eye(len(x))]
    hessian = -np.array(rows) / (2 * _STEP)
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    return np.maximum(np.abs(values), 0.1), vectors
