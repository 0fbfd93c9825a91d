"""Where estimation starts, and the scoring steps that lead to the minimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sem.matrices import Implied
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
_TOLERANCE = 1e-9
_ROUNDED = 1e-6
_MOST_POLISH = 20
_MOST_STEPS = 500
_SLOW = 0.2
_NEAR = 0.05
_MOST_CORRELATED = 0.9
_SHARED = 0.5


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
    higher = [_higher(model, g, block, cov) for g, (block, cov) in enumerate(zip(blocks, covs, strict=True))]
    for q in reversed(model.parameters):
        if q.free < 0 or q.op == "|":
            continue
        cov, block, (above, apart) = covs[q.group], blocks[q.group], higher[q.group]
        if q.start is not None:
            theta[q.free] = q.start
        elif q.op == "=~" and q.rhs in at:
            theta[q.free] = block[q.lhs].loading(q.rhs)
        elif q.op == "=~":
            theta[q.free] = above.get((q.lhs, q.rhs), 1.0)
        elif q.op == "~~" and q.lhs == q.rhs and q.lhs in at:
            theta[q.free] = cov[at[q.lhs], at[q.lhs]] / 2
        elif q.op == "~~" and q.lhs == q.rhs:
            theta[q.free] = apart.get(q.lhs, block[q.lhs].variance if q.lhs in block else 1.0)
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


def _higher(
    model: Model, group: int, block: Mapping[str, _Block], cov: Array
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Guess the loadings of factors on factors of theirs, as sharing half of their variances, and the variances left."""
    loadings: dict[tuple[str, str], float] = {}
    variances: dict[str, float] = {}
    fixed = {q.lhs: q.value for q in model.in_group(group) if q.op == "~~" and q.lhs == q.rhs}
    for factor in dict.fromkeys(q.lhs for q in model.in_group(group) if q.op == "=~"):
        mine = [q for q in model.in_group(group) if q.op == "=~" and q.lhs == factor and q.rhs in block]
        if not mine or factor in block:
            continue
        marker = next((q for q in mine if q.value), None)
        first = marker or mine[0]
        share = _SHARED * block[first.rhs].variance
        variance = fixed[factor] or share / (float(marker.value or 1.0) if marker else 1.0) ** 2
        variances.setdefault(factor, variance)
        for q in mine:
            side = 1.0 if q is first or block[q.rhs].covariance(block[first.rhs], cov) >= 0 else -1.0
            loadings[factor, q.rhs] = side * float(np.sqrt(_SHARED * block[q.rhs].variance / variance))
            variances[q.rhs] = _SHARED * block[q.rhs].variance
    return loadings, variances


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
