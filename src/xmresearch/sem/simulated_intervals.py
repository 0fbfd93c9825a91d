"""Monte Carlo intervals: what is read off parameters that are drawn from their normal sampling distribution.

A product of paths is skewed, so its interval is not symmetric about the estimate; the delta method makes it so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import ModelError
from xmresearch.plots import forest
from xmresearch.sem.result import SemFit
from xmresearch.sem.uncertainty import check_fitted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
DRAWS = 10_000
_AT_ONCE = 500
_FEWEST = 100


@dataclass(frozen=True, repr=False)
class MonteCarloResult(Shown):
    """Defined quantities with Monte Carlo intervals.

    Attributes
    ----------
    table : DataFrame
        One row per quantity that the text defines with `:=`: name, expression, est, se (SD of the draws), ci_lower, ci_upper,
        delta_se.
    draws : ndarray
        Joint draws of the quantities, shape (S, rows).
    confidence : float
        Level of the intervals.
    """

    table: pd.DataFrame
    draws: Array
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per quantity."""
        return self.table

    def plot(self) -> Figure:
        """Draw the quantities with their intervals."""
        return forest(self.table, "name", "est", "ci", axis="defined quantity")


def monte_carlo(fitted: SemFit, *, draws: int = DRAWS, seed: int = 0) -> MonteCarloResult:
    """Give every defined quantity, such as an indirect effect `ab := a*b`, a Monte Carlo interval.

    Parameters
    ----------
    fitted : SemFit
        Of a text that defines quantities; with FIML, robust errors, weights or clusters their covariance is drawn from.
    draws : int
        At least 100.
    seed : int
        Of the draws.

    Returns
    -------
    MonteCarloResult
        Percentile intervals of the draws, at the fit's level.

    Raises
    ------
    ModelError
        No fitted model, one that defines nothing or has no standard errors, or too few draws.

    References
    ----------
    MacKinnon, D. P., Lockwood, C. M. & Williams, J. (2004). Multivariate Behavioral Research, 39, 99-128.
    """
    check_fitted(fitted)
    if not isinstance(fitted, SemFit):
        raise ModelError("A posterior has its own draws.", "Read the intervals of its table of estimates.")
    if draws < _FEWEST:
        raise ModelError(f"draws: {draws} is too few.", f"Take {_FEWEST} or more.")
    read, theta = fitted.readout, fitted.solution.theta
    if not read.definitions.terms:
        raise ModelError("The model defines no quantity.", "Label paths and multiply them: ab := a*b.")
    found = parameter_draws(fitted, draws, seed)
    if found is None:
        raise ModelError("The model has no standard errors to draw from.", "Look at its warnings; bootstrap it.")
    value = read.labelled(theta)
    values = read.labelled(found)
    tail = (1 - fitted.confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail], axis=0)
    terms = read.definitions.terms
    table = pd.DataFrame({
        "name": [t.lhs for t in terms], "expression": [t.rhs for t in terms], "est": value,
        "se": np.nanstd(values, axis=0, ddof=1), "ci_lower": low, "ci_upper": high,
        "delta_se": read.errors(theta, fitted.covariance, read.labelled),
    })  # fmt: skip
    return MonteCarloResult(table, values, fitted.confidence)


def parameter_draws(fitted: SemFit, draws: int, seed: int) -> Array | None:
    """Return draws of the free parameters, shape (draws, q); None where their covariance is not finite."""
    if not np.isfinite(fitted.covariance).all():
        return None
    size, direction = np.linalg.eigh(fitted.covariance)
    half = direction * np.sqrt(np.maximum(size, 0.0))
    return fitted.solution.theta + np.random.default_rng(seed).standard_normal((draws, len(half))) @ half.T


def read_draws(fitted: SemFit, read: Callable[[Array], Array], *, draws: int = DRAWS, seed: int = 0) -> Array | None:
    """Return what is read off draws of the free parameters.

    Parameters
    ----------
    fitted : SemFit
        A fit.
    read : callable
        From free parameters of shape (..., q) to quantities of shape (..., k).
    draws, seed : int
        Of the draws.

    Returns
    -------
    ndarray or None
        Shape (draws that can be read, k); None where the covariance is not finite, or nothing can be read.
    """
    theta = parameter_draws(fitted, draws, seed)
    if theta is None:
        return None
    values = np.concatenate([read(theta[k : k + _AT_ONCE]) for k in range(0, draws, _AT_ONCE)])
    values = values[np.isfinite(values).all(axis=1)]
    return values if len(values) > draws / 2 else None
