"""What each respondent contributes to an estimate: so that estimates of the same people can be told to go together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP = 1e-4
"""Step of numeric derivatives, in standard deviations of the columns."""


def of_means(values: Array, weights: Array | None = None) -> Array:
    """Return the influence of each row on the means of columns.

    Parameters
    ----------
    values : ndarray
        Shape (n, K); a blank has no influence.
    weights : ndarray, optional
        Shape (n,).

    Returns
    -------
    ndarray
        Shape (n, K); columns add up to zero.

    References
    ----------
    Deville, J.-C. (1999). Variance estimation for complex statistics and estimators: linearization and residual techniques.
    Survey Methodology, 25(2), 193-203.
    """
    there = np.isfinite(values)
    w = np.where(there, 1.0 if weights is None else weights[:, None], 0.0)
    total = w.sum(axis=0)
    y = np.where(there, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (w * y).sum(axis=0) / total
        return np.asarray(np.where(there, w * (y - centre) / total, 0.0))


def of_covariances(values: Array, figures: Callable[[Array], Array], weights: Array | None = None) -> Array:
    """Return the influence of each row on smooth functions of the columns' covariances.

    Parameters
    ----------
    values : ndarray
        Shape (n, K); rows with a blank have no influence.
    figures : callable
        From covariances, shape (m, K, K), to figures, shape (m, F).
    weights : ndarray, optional
        Shape (n,).

    Returns
    -------
    ndarray
        Shape (n, F).

    Notes
    -----
    Derivatives are central differences in standardised columns, one pair for each variance and covariance.

    References
    ----------
    Hampel, F. R. (1974). The influence curve and its role in robust estimation. Journal of the American Statistical Association, 69,
    383-393.
    """
    whole = np.isfinite(values).all(axis=1)
    w = np.ones(int(whole.sum())) if weights is None else weights[whole]
    w = w / w.sum()
    z = values[whole] - w @ values[whole]
    sd = np.sqrt(w @ z**2)
    z = z / sd
    cov = (z * w[:, None]).T @ z
    rows, cols = np.triu_indices(len(sd))
    nudge = np.zeros((len(rows), *cov.shape))
    at = np.arange(len(rows))
    nudge[at, rows, cols] = nudge[at, cols, rows] = STEP
    back = np.outer(sd, sd)
    slope = (figures((cov + nudge) * back) - figures((cov - nudge) * back)) / (2 * STEP)
    found = np.zeros((len(values), slope.shape[1]))
    found[whole] = w[:, None] * ((z[:, rows] * z[:, cols] - cov[rows, cols]) @ slope)
    return found
