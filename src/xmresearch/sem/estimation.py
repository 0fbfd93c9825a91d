"""Where estimation starts, and the scoring steps that lead to the minimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xmresearch.sem.matrices import Implied
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
_TOLERANCE = 1e-9
_MOST_STEPS = 500
_SLOW = 0.2


class Objective[I: Implied](Protocol):
    """A discrepancy of parameters; half of it has the gradient and the information given here."""

    refresh: bool

    def implied(self, theta: Array) -> list[I]:
        """Return the groups' implied moments."""

    def value(self, implied: list[I]) -> float:
        """Return the discrepancy."""

    def gradient(self, implied: list[I]) -> Array:
        """Return the gradient, shape (q,)."""

    def information(self, implied: list[I]) -> Array:
        """Return the expected information, shape (q, q)."""


@dataclass(frozen=True)
class Solution:
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


def starting_values(model: Model, covs: Sequence[Array], means: Sequence[Array]) -> Array:
    """Return lavaan's simple starts: loadings from the markers' scale, half the variances, zero paths, sample means.

    Parameters
    ----------
    model : Model
        With G groups.
    covs, means : sequence of ndarray
        Of each group, shapes (p, p) and (p,).

    Returns
    -------
    ndarray
        Shape (q,).
    """
    at = {v: k for k, v in enumerate(model.observed)}
    variances = [np.diag(cov) for cov in covs]
    theta = np.zeros(model.n_free)
    markers: dict[tuple[int, str], str] = {}
    for q in model.parameters:
        if q.op == "=~" and q.value is not None and q.rhs in at:
            markers.setdefault((q.group, q.lhs), q.rhs)
    for q in reversed(model.parameters):
        if q.free < 0 or q.op == "|":
            continue
        variance, first = variances[q.group], markers.get((q.group, q.lhs))
        if q.start is not None:
            theta[q.free] = q.start
        elif q.op == "=~" and q.rhs in at:
            theta[q.free] = np.sqrt(variance[at[q.rhs]] / (2 if first is None else variance[at[first]]))
        elif q.op == "=~":
            theta[q.free] = 1.0
        elif q.op == "~~" and q.lhs == q.rhs and q.lhs in at:
            theta[q.free] = variance[at[q.lhs]] / 2
        elif q.op == "~~" and q.lhs == q.rhs:
            theta[q.free] = 1.0 if first is None else variance[at[first]] / 2
        elif q.op == "~1" and q.lhs in at:
            theta[q.free] = means[q.group][at[q.lhs]]
    return theta


def minimise[I: Implied](objective: Objective[I], start: Array) -> Solution:
    """Minimise a discrepancy by Fisher scoring with step control.

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
    damping, before = 0.0, np.inf
    information = np.zeros((len(theta), len(theta)))
    while steps < _MOST_STEPS:
        steps += 1
        if not np.isfinite(value):
            reason = "the implied covariances are not positive definite at the start"
            break
        gradient = objective.gradient(implied)
        if objective.refresh or steps == 1 or size(gradient, information) > _SLOW * before:
            information = objective.information(implied)
        before = size(gradient, information)
        if before < _TOLERANCE:
            reason, converged = "the gradient vanished", True
            break
        scale = np.maximum(np.diag(information), 1e-12)
        improved = False
        for _ in range(60):
            ridge = information.copy()
            ridge.flat[:: len(theta) + 1] += (damping + 1e-14) * scale
            trial = theta - np.linalg.solve(ridge, gradient)
            moved = objective.implied(trial)
            new_value = objective.value(moved)
            if new_value <= value + 1e-14:
                improved = True
                break
            damping = max(2 * damping, 1e-3)
        if not improved:
            converged = before < 1e-5
            reason = "no step lowers the discrepancy" + (" (the gradient is near zero)" if converged else "")
            break
        theta, implied, value = trial, moved, new_value
        damping = damping / 4 if damping > 1e-6 else 0.0
    if np.isfinite(value) and not (converged and objective.refresh):
        information = objective.information(implied)
    return Solution(theta, value, information, implied, converged, reason, steps)


def size(gradient: Array, information: Array) -> float:
    """Return the largest slope in units of each parameter's information."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-12))
    return float(np.abs(gradient / scale).max(initial=0.0))
