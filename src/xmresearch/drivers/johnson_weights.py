"""Johnson's relative weights: what drivers explain through the uncorrelated variables nearest to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
_RANK = 1e-12


@on_one_thread
def relative_weights(covariance: Array) -> Array:
    """Share R squared out among correlated drivers by relative weights.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., K + 1, K + 1): covariances (or correlations) of K drivers and, last, the outcome.

    Returns
    -------
    ndarray
        Shape (..., K); sums to R squared. Drivers that determine one another share what they have in common.

    References
    ----------
    Johnson, J. W. (2000). A heuristic method for estimating the relative weight of predictor variables in multiple regression.
    Multivariate Behavioral Research, 35, 1-19. Tonidandel, S. & LeBreton, J. M. (2011). Relative importance analysis.
    Journal of Business and Psychology, 26, 1-9.
    """
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    r = covariance / (sd[..., :, None] * sd[..., None, :])
    k = r.shape[-1] - 1
    values, vectors = np.linalg.eigh(r[..., :k, :k])
    kept = values > _RANK * k
    root = np.sqrt(np.where(kept, values, 0.0))
    along = (vectors * r[..., :k, k, None]).sum(axis=-2)
    inverse = np.where(kept, 1 / np.where(kept, root, 1.0), 0.0)
    beta = (vectors * (inverse * along)[..., None, :]).sum(axis=-1)
    return _weights(vectors, root, beta)


def latent_relative_weights(correlation: Array, slopes: Array) -> Array:
    """Share out what drivers explain of the variable behind ordered answers.

    Parameters
    ----------
    correlation : ndarray
        Shape (..., K, K), of the drivers.
    slopes : ndarray
        Shape (..., K): coefficients in standard deviations of that variable for one of each driver.

    Returns
    -------
    ndarray
        Shape (..., K); sums to McKelvey and Zavoina's R squared.

    References
    ----------
    McKelvey, R. D. & Zavoina, W. (1975). A statistical model for the analysis of ordinal level dependent variables. Journal of
    Mathematical Sociology, 4, 103-120. Tonidandel, S. & LeBreton, J. M. (2010). Determining the relative importance of
    predictors in logistic regression. Organizational Research Methods, 13, 767-781.
    """
    values, vectors = np.linalg.eigh(correlation)
    root = np.sqrt(np.maximum(values, 0.0))
    along = (vectors * slopes[..., :, None]).sum(axis=-2)
    beta = (vectors * (root * along)[..., None, :]).sum(axis=-1)
    return _weights(vectors, root, beta)


def _weights(vectors: Array, root: Array, beta: Array) -> Array:
    """Return Lambda squared times beta squared, where Lambda is the symmetric root of the drivers' correlations."""
    loadings = (vectors * root[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.asarray((loadings**2 @ (beta**2)[..., None])[..., 0])
