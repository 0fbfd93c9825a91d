"""Weights of an index by what goes with an outcome: derived importance, and outer weights of partial least squares."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xmresearch.drivers.johnson_weights import relative_weights
from xmresearch.errors import DataError
from xmresearch.sem.pls_algorithm import estimate
from xmresearch.sem.pls_model import PlsModel

Array = NDArray[np.float64]
OutcomeMethod = Literal["derived", "pls"]


def index_weights(covariance: Array, method: OutcomeMethod = "derived") -> Array:
    """Weigh indicators by what they have to do with an outcome.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., K + 1, K + 1): covariances of K indicators, on the scale on which they are averaged, and, last, the outcome.
    method : {'derived', 'pls'}
        derived: Johnson's relative weights. pls: outer weights (mode A) of the indicators' composite, which has one path to the
        outcome, taken back from standardised indicators to the scale given.

    Returns
    -------
    ndarray
        Shape (..., K), adding up to 1. A PLS weight below 0 counts as 0: an indicator that goes against the outcome.

    Raises
    ------
    DataError
        An indicator or the outcome is constant, or no indicator goes with the outcome.

    References
    ----------
    Johnson, J. W. (2000). Multivariate Behavioral Research, 35, 1-19. Tenenhaus, M., Esposito Vinzi, V., Chatelin, Y.-M. & Lauro, C.
    (2005). PLS path modeling. Computational Statistics & Data Analysis, 48, 159-205. Fornell, C., Johnson, M. D., Anderson, E. W.,
    Cha, J. & Bryant, B. E. (1996). The American Customer Satisfaction Index. Journal of Marketing, 60, 7-18.
    """
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    if not (sd > 0).all():
        raise DataError(
            "An indicator or the outcome is the same for everybody, so nothing goes with it.", "Leave it out."
        )
    raw = (
        relative_weights(covariance)
        if method == "derived"
        else _outer(covariance / (sd[..., :, None] * sd[..., None, :]))
    )
    raw = raw if method == "derived" else np.maximum(raw / sd[..., :-1], 0.0)
    total = raw.sum(axis=-1, keepdims=True)
    if not (total > 0).all():
        raise DataError("No indicator goes with the outcome, so that it gives no weights.", "Take other weights.")
    return np.asarray(raw / total)


def _outer(correlations: Array) -> Array:
    """Return the outer weights of the composite of all variables but the last, in the direction of the last."""
    k = correlations.shape[-1] - 1
    items = tuple(f"x{j}" for j in range(k + 1))
    model = PlsModel(items, ("index", "outcome"), ([*range(k)], [k]), ("A", "single"), ((0, 1),), (0, 1))
    found = estimate(model, correlations.reshape(-1, k + 1, k + 1), "path", consistent=False)
    along = np.sign(found.paths[:, 0, 1])[:, None]
    return np.asarray((found.weights[:, :k] * along).reshape(*correlations.shape[:-2], k))
