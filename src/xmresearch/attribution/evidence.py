"""The Dirichlet-multinomial evidence of transition counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Array = NDArray[np.float64]
LOG_RANGE = (np.log(1e-6), np.log(1e4))


def log_evidence(alpha: float, row_total: Array, row_width: Array, count: Array, times: Array) -> float:
    """Return the log probability of counts whose rows each come from a symmetric Dirichlet distribution.

    Parameters
    ----------
    alpha : float
        Prior count of each allowed symbol.
    row_total, row_width : ndarray
        Transitions and allowed symbols of each row, shape (S,).
    count, times : ndarray
        Distinct counts above 0, and how many transitions have each.

    Returns
    -------
    float
        Of the sequence of steps (no multinomial coefficient).
    """
    rows = special.gammaln(alpha * row_width) - special.gammaln(alpha * row_width + row_total)
    steps = times * (special.gammaln(alpha + count) - special.gammaln(alpha))
    return float(rows.sum() + steps.sum())


def best_alpha(row_total: Array, row_width: Array, count: Array) -> tuple[float, float]:
    """Maximise the evidence over the prior count.

    Parameters
    ----------
    row_total, row_width : ndarray
        Shape (S,).
    count : ndarray
        Of each transition, shape (m,); zeros do not matter.

    Returns
    -------
    alpha : float
        Between 1e-6 and 1e4.
    evidence : float
        Its log evidence.

    References
    ----------
    MacKay, D. J. C. & Peto, L. C. B. (1995). A hierarchical Dirichlet language model. Natural Language Engineering, 1(3),
    289-308.
    """
    choice = row_width > 1
    distinct, times = np.unique(count[count > 0], return_counts=True)
    if not choice.any():
        return 1.0, log_evidence(1.0, row_total, row_width, distinct, times)

    def loss(log_alpha: float) -> float:
        return -log_evidence(float(np.exp(log_alpha)), row_total, row_width, distinct, times)

    # the evidence may have a second, lower peak at one end: look along a grid first
    grid = np.linspace(*LOG_RANGE, 24)
    best = int(np.argmin([loss(g) for g in grid]))
    near = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    found = optimize.minimize_scalar(loss, bounds=near, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x)), -float(found.fun)
