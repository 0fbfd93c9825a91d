"""The scoring steps that lead to the minimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sem.matrices import Implied

Array = NDArray[np.float64]
_TOLERANCE = 1e-9
_ROUNDED = 1e-6
_MOST_POLISH = 20
_MOST_STEPS = 500
_SLOW = 0.2
_NEAR = 0.05


class Objective[I: Implied](Protocol):
    """A discrepancy of parameters; half of it has the gradient and the information given here.

    Differences of the discrepancy below `rounding` mean nothing.
    """

    refresh: bool
    rounding: float

    def implied(self, theta: Array) -> list[I]:
        """Return the groups' implied moments."""

    def value(self, implied: list[I]) -> float:
        """Return the discrepancy."""

    def gradient(self, implied: list[I]) -> Array:
        """Return the gradient, shape (q,)."""

    def information(self, implied: list[I]) -> Array:
        """Return the expected information, shape (q, q)."""

    def hessian(self, theta: Array, implied: list[I]) -> Array:
        """Return the observed information, shape (q, q)."""


@dataclass(frozen=True, repr=False)
class Solution(Shown):
    """Where estimation ended.

    Attributes
    ----------
    theta : ndarray
        Free parameters, shape (q,).
    discrepancy : float
        n times it is the chi-square.
    information : ndarray
        Expected information of one observation, shape (q, q).
    implied : sequence of Implied
        Implied moments by group.
    converged : bool
        Whether the gradient vanished.
    reason : str
        How it ended.
    steps : int
        Scoring steps taken.
    """

    theta: Array
    discrepancy: float
    information: Array
    implied: Sequence[Implied]
    converged: bool
    reason: str
    steps: int


def minimise[I: Implied](objective: Objective[I], start: Array) -> Solution:
    """Minimise a discrepancy by Fisher scoring with step control, and by Newton steps near the minimum.

    Steps, and what counts as small, are in units of each parameter's information, so a change of the variables' units
    changes neither. Where a step promises less than the rounding of the discrepancy, the gradient alone judges it, and the
    minimum is reached when no step shortens the gradient further.

    Parameters
    ----------
    objective : Objective
        What to minimise; where its information is costly (`refresh` is False) it is renewed only when steps get slow.
    start : ndarray
        Where to start, shape (q,).

    Returns
    -------
    Solution
        `converged` is False, with the reason, where no minimum was reached.
    """
    theta = start.copy()
    implied = objective.implied(theta)
    value = objective.value(implied)
    reason, converged, steps = f"no minimum within {_MOST_STEPS} steps", False, 0
    damping, before, near = 0.0, np.inf, False
    information = metric = np.zeros((len(theta), len(theta)))
    while steps < _MOST_STEPS:
        steps += 1
        if not np.isfinite(value):
            reason = "the implied covariances are not positive definite at the start"
            break
        gradient = objective.gradient(implied)
        if objective.refresh or not near or size(gradient, information) > _SLOW * before:
            information = metric = objective.information(implied)
            near = size(gradient, information) < _NEAR
            if near:
                metric = _definite(objective.hessian(theta, implied), information)
        before = size(gradient, information)
        if before < _TOLERANCE:
            reason, converged = "the gradient vanished", True
            break
        if near and float(gradient @ _step(metric, gradient, 0.0)) < objective.rounding:
            theta, implied, before = _polished(objective, theta, implied, information)
            value = objective.value(implied)
            converged = before < _ROUNDED
            reason = "the gradient vanished" if before < _TOLERANCE else "no step shortens the gradient"
            break
        improved = False
        for _ in range(60):
            trial = theta - _step(metric, gradient, damping)
            moved = objective.implied(trial)
            new_value = objective.value(moved)
            if new_value <= value + objective.rounding:
                improved = True
                break
            damping = max(2 * damping, 1e-3)
        if not improved:
            converged = before < _ROUNDED
            reason = "no step lowers the discrepancy" + (" (the gradient is near zero)" if converged else "")
            break
        theta, implied, value = trial, moved, new_value
        damping = damping / 4 if damping > 1e-6 else 0.0
    if np.isfinite(value):
        information = objective.information(implied)
    return Solution(theta, value, information, implied, converged, reason, steps)


def _polished[I: Implied](
    objective: Objective[I], theta: Array, implied: list[I], information: Array
) -> tuple[Array, list[I], float]:
    """Take Newton steps as long as each shortens the gradient; return where they end, and the gradient's size there."""
    gradient = objective.gradient(implied)
    before = size(gradient, information)
    for _ in range(_MOST_POLISH):
        metric = _definite(objective.hessian(theta, implied), information)
        trial = theta - _step(metric, gradient, 0.0)
        moved = objective.implied(trial)
        if before < _TOLERANCE or not np.isfinite(objective.value(moved)):
            break
        slope = objective.gradient(moved)
        now = size(slope, information)
        if now >= before:
            break
        theta, implied, gradient, before = trial, moved, slope, now
    return theta, implied, before


def _step(metric: Array, gradient: Array, damping: float) -> Array:
    """Solve for a damped step, in units of each parameter's information."""
    unit = units(metric)
    ridge = metric / np.outer(unit, unit)
    ridge.flat[:: len(unit) + 1] += damping + 1e-14
    return np.asarray(np.linalg.solve(ridge, gradient / unit) / unit)


def units(information: Array) -> Array:
    """Return the roots of an information's diagonal, shape (..., q); one where it is not positive."""
    diagonal = np.diagonal(information, axis1=-2, axis2=-1)
    return np.sqrt(np.where(diagonal > 0, diagonal, 1.0))


def inverted(information: Array) -> Array:
    """Invert an information matrix, in units of each parameter's information.

    Parameters
    ----------
    information : ndarray
        Shape (q, q).

    Returns
    -------
    ndarray
        Shape (q, q).

    Raises
    ------
    numpy.linalg.LinAlgError
        It is singular.
    """
    unit = units(information)
    both = np.outer(unit, unit)
    return np.asarray(np.linalg.inv(information / both) / both)


def _definite(hessian: Array, information: Array) -> Array:
    """Return the observed information where it is positive definite, otherwise the expected one."""
    try:
        np.linalg.cholesky(hessian)
    except np.linalg.LinAlgError:
        return information
    return hessian


def size(gradient: Array, information: Array) -> float:
    """Return the largest slope in units of each parameter's information."""
    return float(np.abs(gradient / units(information)).max(initial=0.0))
