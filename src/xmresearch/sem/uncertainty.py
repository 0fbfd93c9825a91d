"""One way to the uncertainty of anything that is read off the parameters of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from xmresearch.claims.ranking import Joint
from xmresearch.errors import ModelError
from xmresearch.sem.readout import Readout
from xmresearch.sem.result import SemFit

Array = NDArray[np.float64]
Read = Callable[[Array], Array]


class Posterior(Protocol):
    """Draws of a model's free parameters."""

    @property
    def readout(self) -> Readout:
        """From parameters to the table of estimates."""

    @property
    def theta(self) -> Array:
        """Draws, shape (S, q)."""

    @property
    def confidence(self) -> float:
        """Level of the intervals."""


type Fitted = SemFit | Posterior


def check_fitted(fitted: Fitted) -> Fitted:
    """Return what is a fitted model.

    Raises
    ------
    ModelError
        It is none.
    """
    if not hasattr(fitted, "readout"):
        said = "None" if fitted is None else f"of type {type(fitted).__name__}"
        raise ModelError(f"A fitted model is needed; this is {said}.", "Fit it first: fit(model, data).")
    return fitted


def point(fitted: Fitted) -> Array:
    """Return the estimated parameters, or their posterior means, shape (q,)."""
    return fitted.solution.theta if isinstance(fitted, SemFit) else np.asarray(fitted.theta.mean(axis=0))


def uncertainty(fitted: Fitted, read: Read) -> tuple[Array, Array, Array, Array]:
    """Return estimates of some quantities with their uncertainty.

    Parameters
    ----------
    fitted : SemFit or a posterior
        Delta-method errors and symmetric intervals; percentiles of the replicates where it was bootstrapped; posterior
        means, SDs and equal-tailed intervals where it holds draws.
    read : callable
        From free parameters of shape (..., q) to quantities of shape (..., k).

    Returns
    -------
    estimate, error, lower, upper : ndarray
        Shape (k,).
    """
    tail = (1 - fitted.confidence) / 2
    if not read(point(fitted)).size:
        return np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0)
    if not isinstance(fitted, SemFit):
        draws = read(fitted.theta)
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        return draws.mean(axis=0), draws.std(axis=0, ddof=1), low, high
    value = read(fitted.solution.theta)
    if fitted.replicates is not None:
        draws = read(fitted.replicates)
        low, high = np.nanquantile(draws, [tail, 1 - tail], axis=0)
        return value, np.nanstd(draws, axis=0, ddof=1), low, high
    error = fitted.readout.errors(fitted.solution.theta, fitted.covariance, read)
    reach = special.ndtri(1 - tail) * error
    return value, error, value - reach, value + reach


def jointly(fitted: Fitted, read: Read) -> Joint:
    """Return estimates of some quantities with the uncertainty of their differences.

    Parameters
    ----------
    fitted : SemFit or a posterior
        As for `uncertainty`: delta-method covariances, bootstrap replicates or posterior draws.
    read : callable
        From free parameters of shape (..., q) to quantities of shape (..., k).

    Returns
    -------
    Joint
    """
    if not isinstance(fitted, SemFit):
        draws = read(fitted.theta)
        return Joint(draws.mean(axis=0), draws)
    theta = fitted.solution.theta
    if fitted.replicates is not None:
        draws = read(fitted.replicates)
        return Joint(read(theta), draws[np.isfinite(draws).all(axis=1)])
    return Joint(read(theta), covariance=fitted.readout.covariances(theta, fitted.covariance, read))
