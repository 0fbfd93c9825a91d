"""How probable each order of drivers is, when they are taken to be alike until the answers tell them apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.claims.exchangeable import exchangeable_draws

Array = NDArray[np.float64]
SPREAD = 0.5
"""Scale of the half-Cauchy prior of how much drivers differ otherwise, as a part of their mean importance."""


def pulled_together(estimate: ArrayLike, draws: ArrayLike, seed: int = 0) -> Array:
    """Return posterior draws of figures that are exchangeable beforehand, such as the importance of drivers.

    Draws of a bootstrap lie about the estimates, which themselves lie about the truth and make a leader of whom chance favours:
    the share of draws in which a driver leads overstates how probable it is that it leads.

    Parameters
    ----------
    estimate : array_like
        Shape (K,).
    draws : array_like
        Of a bootstrap, shape (S, K): their mean squares and products about the estimates are the error of these, bias included.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray
        Shape (S, K), see `exchangeable_draws`; the scale of how much figures differ is `SPREAD` times the mean size of the estimates.

    References
    ----------
    Efron, B. & Morris, C. (1975). Data analysis using Stein's estimator and its generalizations. Journal of the American
    Statistical Association, 70, 311-319.
    """
    y, drawn = np.asarray(estimate, dtype=float), np.asarray(draws, dtype=float)
    size, k = drawn.shape
    if k == 1:
        return drawn
    error = (drawn - y).T @ (drawn - y) / size
    return exchangeable_draws(y, error, SPREAD * float(np.abs(y).mean()), draws=size, seed=seed)


def chance_of_lead(draws: Array) -> Array:
    """Return how often each figure is the highest: shape (K,), of draws (S, K)."""
    return np.bincount(draws.argmax(axis=1), minlength=draws.shape[1]) / len(draws)
