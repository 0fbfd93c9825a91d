"""What forecasts are made of: a fitted model, its forecasts and its criterion."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Ahead(Shown):
    """Forecasts on the scale that was modelled.

    Attributes
    ----------
    mean, se : ndarray
        Shape (horizon,); se includes the degrees of freedom that the fit has used.
    df : float
        Of the t distribution of their errors.
    """

    mean: Array
    se: Array
    df: float


@dataclass(frozen=True, repr=False)
class Fitted(Shown):
    """A fitted model.

    Attributes
    ----------
    name : str
        Such as ARIMA(0,1,1)(0,1,1)[12].
    aicc : float
        NaN where it has no likelihood.
    ahead : callable
        From the values that are known and a horizon to forecasts, with the parameters as fitted.
    parameters : mapping
        By name.
    converged : bool
        Whether the search of the best parameters came to an end.
    """

    name: str
    aicc: float
    ahead: Callable[[Array, int], Ahead]
    parameters: dict[str, float]
    converged: bool = True


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out the library's remarks on starting values and convergence: the latter is part of the result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def corrected_aic(loglikelihood: float, parameters: int, n: int) -> float:
    """Return AICc; infinite where there are not enough values."""
    room = n - parameters - 1
    return -2 * loglikelihood + 2 * parameters + 2 * parameters * (parameters + 1) / room if room > 0 else np.inf
