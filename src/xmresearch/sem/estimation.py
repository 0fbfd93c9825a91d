"""Where estimation starts, and the scoring steps that lead to the minimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_NEAR = 0.05
_MOST_CORRELATED = 0.9


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

    def hessian(self, theta: Array, implied: list[I]) -> Array:
        """Return the observed information, shape (q, q)."""


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
    """Return starting values: loadings and factor (co)variances from ratios of covariances, zero paths, sample means.

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

    References
    ----------
    Hagglund, G. (1982). Factor analysis by instrumental variables methods. Psychometrika, 47, 209-222.
    """
    at = {v: k for k, v in enumerate(model.observed)}
    theta = np.zeros(model.n_free)
    blocks = [_blocks(model, g, cov, at) for g, cov in enumerate(covs)]
    for q in reversed(model.parameters):
        if q.free < 0 or q.op == "|":
            continue
        cov, block = covs[q.group], blocks[q.group]
        if q.start is not None:
            theta[q.free] = q.start
        elif q.op == "=~":
            theta[q.free] = block[q.lhs].loading(q.rhs) if q.lhs in block and q.rhs in at else 1.0
        elif q.op == "~~" and q.lhs == q.rhs and q.lhs in at:
            theta[q.free] = cov[at[q.lhs], at[q.lhs]] / 2
        elif q.op == "~~" and q.lhs == q.rhs:
            theta[q.free] = block[q.lhs].variance if q.lhs in block else 1.0
        elif q.op == "~~" and q.lhs in block and q.rhs in block:
            theta[q.free] = block[q.lhs].covariance(block[q.rhs], cov)
        elif q.op == "~1" and q.lhs in at:
            theta[q.free] = means[q.group][at[q.lhs]]
    return theta


@dataclass(frozen=True)
class _Block:
    """A factor's items, with their first guesses.

    Attributes
    ----------
    names : tuple of str
        Items.
    at : ndarray of int
        Their positions.
    loadings : ndarray
        Shape (items,).
    variance : float
        Of the factor.
    """

    names: tuple[str, ...]
    at: NDArray[np.int64]
    loadings: Array
    variance: float

    def loading(self, name: str) -> float:
        return float(self.loadings[self.names.index(name)])

    def covariance(self, other: _Block, cov: Array) -> float:
        """Return the covariance that the items' covariances imply, short of a correlation of one."""
        between = cov[np.ix_(self.at, other.at)]
        value = float(self.loadings @ between @ other.loadings)
        value /= float((self.loadings @ self.loadings) * (other.loadings @ other.loadings))
        most = _MOST_CORRELATED * np.sqrt(self.variance * other.variance)
        return float(np.clip(value, -most, most))


def _blocks(model: Model, group: int, cov: Array, at: Mapping[str, int]) -> dict[str, _Block]:
    """Guess each factor's loadings by the scale of its items, and its variance by their covariances."""
    items: dict[str, list[tuple[str, float | None]]] = {}
    free_variance = {q.lhs: q.value for q in model.in_group(group) if q.op == "~~" and q.lhs == q.rhs}
    for q in model.in_group(group):
        if q.op == "=~" and q.rhs in at:
            items.setdefault(q.lhs, []).append((q.rhs, q.value))
    found = {}
    for factor, named in items.items():
        where = np.array([at[name] for name, _ in named])
        inside = cov[np.ix_(where, where)]
        sd = np.sqrt(np.diag(inside))
        fixed = next((k for k, (_, value) in enumerate(named) if value), None)
        scale = sd[fixed] / float(named[fixed][1] or 1.0) if fixed is not None else np.sqrt(2.0)
        side = np.where(inside[fixed or 0] < 0, -1.0, 1.0)
        if fixed is None and side.sum() < 0:
            side = -side
        ratios = side * sd / scale
        loadings = np.array([r if value is None else value for r, (_, value) in zip(ratios, named, strict=True)])
        variance = free_variance.get(factor)
        if variance is None:
            outer = np.outer(loadings, loadings)
            off = ~np.eye(len(named), dtype=bool)
            guess = (
                float((inside * outer)[off].sum() / (outer[off] ** 2).sum())
                if len(named) > 1 and outer[off].any()
                else 0.0
            )
            top = float((sd[0] / loadings[0]) ** 2) if loadings[0] else 1.0
            variance = float(np.clip(guess, 0.2 * top, 0.9 * top))
        found[factor] = _Block(tuple(name for name, _ in named), where, loadings, variance)
    return found


def minimise[I: Implied](objective: Objective[I], start: Array) -> Solution:
    """Minimise a discrepancy by Fisher scoring with step control, and by Newton steps near the minimum.

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
        metric = information
        if objective.refresh and before < _NEAR:
            metric = _definite(objective.hessian(theta, implied), information)
        scale = np.maximum(np.diag(metric), 1e-12)
        improved = False
        for _ in range(60):
            ridge = metric.copy()
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


def _definite(hessian: Array, information: Array) -> Array:
    """Return the observed information where it is positive definite, otherwise the expected one."""
    try:
        np.linalg.cholesky(hessian)
    except np.linalg.LinAlgError:
        return information
    return hessian


def size(gradient: Array, information: Array) -> float:
    """Return the largest slope in units of each parameter's information."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-12))
    return float(np.abs(gradient / scale).max(initial=0.0))
