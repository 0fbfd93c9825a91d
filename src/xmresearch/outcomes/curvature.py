"""Second derivatives of a likelihood, for standard errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP = 1e-4


def second_derivatives(function: Callable[[Array], float], at: Array) -> Array:
    """Return second derivatives by central differences.

    Parameters
    ----------
    function : callable
        Of a vector.
    at : ndarray
        Where, shape (k,).

    Returns
    -------
    ndarray
        Shape (k, k).
    """
    k = len(at)
    steps = np.diag(STEP * np.maximum(np.abs(at), 1.0))
    out = np.empty((k, k))
    for i in range(k):
        for j in range(i, k):
            corners = [si * sj * function(at + si * steps[i] + sj * steps[j]) for si in (1, -1) for sj in (1, -1)]
            out[i, j] = out[j, i] = sum(corners) / (4 * steps[i, i] * steps[j, j])
    return out
