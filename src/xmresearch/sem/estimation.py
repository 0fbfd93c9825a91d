"""Maximum likelihood by Fisher scoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from xmresearch.errors import ModelError
from xmresearch.sem.model import Matrices, Model

Array = NDArray[np.float64]
_TOLERANCE = 1e-9
_MOST_STEPS = 500


@dataclass(frozen=True)
class Solution:
    """Where estimation ended.

    Attributes
    ----------
    theta : ndarray
        Free parameters, shape (q,).
    discrepancy : float
        ML discrepancy F; n F is the chi-square.
    information : ndarray
        Expected information of one observation, shape (q, q).
    implied : ndarray
        Implied covariances, shape (p, p).
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
    implied: Array
    converged: bool
    reason: str
    steps: int


def starting_values(model: Model, sample: Array) -> Array:
    """Return lavaan's simple starts: loadings from covariances with the marker, half the variances, zero paths."""
    at = {v: k for k, v in enumerate(model.observed)}
    theta = np.zeros(model.n_free)
    marker: dict[str, str] = {}
    for q in model.parameters:
        if q.op == "=~" and q.value is not None and q.rhs in at:
            marker.setdefault(q.lhs, q.rhs)
    for q in model.parameters:
        if q.free < 0:
            continue
        if q.start is not None:
            theta[q.free] = q.start
        elif q.op == "=~":
            first = marker.get(q.lhs)
            ratio = 1.0
            if first is not None and q.rhs in at:
                ratio = np.sqrt(sample[at[q.rhs], at[q.rhs]] / sample[at[first], at[first]])
            elif q.rhs in at:
                ratio = np.sqrt(sample[at[q.rhs], at[q.rhs]] / 2)
            theta[q.free] = ratio
        elif q.op == "~~" and q.lhs == q.rhs:
            if q.lhs in at:
                theta[q.free] = sample[at[q.lhs], at[q.lhs]] / 2
            else:
                first = marker.get(q.lhs)
                theta[q.free] = 1.0 if first is None else sample[at[first], at[first]] / 2
    return theta


def _discrepancy(implied: Array, sample: Array) -> float:
    """ML discrepancy log|Sigma| + tr(S Sigma^-1) - log|S| - p; infinite where Sigma is not positive definite."""
    try:
        factor = linalg.cho_factor(implied, lower=True, check_finite=False)
    except (linalg.LinAlgError, ValueError):
        return float("inf")
    if not np.isfinite(implied).all():
        return float("inf")
    logdet = 2 * np.log(np.diag(factor[0])).sum()
    trace = np.trace(linalg.cho_solve(factor, sample, check_finite=False))
    return float(logdet + trace - np.linalg.slogdet(sample)[1] - len(sample))


def derivatives(matrices: Matrices, implied: Array, u: Array, v: Array, sample: Array) -> tuple[Array, Array]:
    """Return the gradient of F / 2 and the expected information of one observation.

    Each derivative of Sigma has rank two, so tr(W D_k W D_l) / 2 needs only inner products of its factors.
    """
    inverse = linalg.cho_solve(linalg.cho_factor(implied, lower=True), np.eye(len(implied)))
    residual = inverse @ (implied - sample) @ inverse
    gradient = matrices.pooled(((u @ residual) * v).sum(axis=1))
    wu, wv = u @ inverse, v @ inverse
    cross = wu @ v.T
    cells = (wu @ u.T) * (wv @ v.T) + cross * cross.T
    return gradient, matrices.pooled(matrices.pooled(cells).T)


def estimate_ml(model: Model, sample: Array, *, start: Array | None = None) -> Solution:
    """Estimate a model's free parameters.

    Parameters
    ----------
    model : Model
        With df >= 0.
    sample : ndarray
        Sample covariances divided by n, in the order of `model.observed`, shape (p, p).
    start : ndarray, optional
        Where to start, shape (q,).

    Returns
    -------
    Solution
        `converged` is False, with the reason, where no minimum was reached.

    Raises
    ------
    ModelError
        The sample covariances are singular.
    """
    if np.linalg.eigvalsh(sample / np.sqrt(np.outer(np.diag(sample), np.diag(sample))))[0] < 1e-10:
        raise ModelError(
            "The sample covariance matrix is singular: a variable is a combination of others, or there are fewer "
            "respondents than variables.",
            "Remove the redundant variable.",
        )
    matrices = Matrices(model, sample)
    theta = starting_values(model, sample) if start is None else start.copy()
    implied, u, v = matrices.implied(theta)
    value = _discrepancy(implied, sample)
    reason, converged, steps = f"no minimum within {_MOST_STEPS} steps", False, 0
    damping = 0.0
    while steps < _MOST_STEPS:
        steps += 1
        if not np.isfinite(value):
            reason = "the implied covariances are not positive definite at the start"
            break
        gradient, information = derivatives(matrices, implied, u, v, sample)
        scale = np.sqrt(np.maximum(np.diag(information), 1e-12))
        if np.abs(gradient / scale).max(initial=0.0) < _TOLERANCE:
            reason, converged = "the gradient vanished", True
            break
        improved = False
        for _ in range(60):
            ridge = information + np.diag((damping + 1e-14) * scale**2)
            move = -linalg.solve(ridge, gradient, assume_a="sym")
            trial = theta + move
            new_implied, new_u, new_v = matrices.implied(trial)
            new_value = _discrepancy(new_implied, sample)
            if new_value <= value + 1e-14:
                improved = True
                break
            damping = max(2 * damping, 1e-3)
        if not improved:
            converged = bool(np.abs(gradient / scale).max() < 1e-5)
            reason = "no step lowers the discrepancy" + (" (the gradient is near zero)" if converged else "")
            break
        theta, implied, u, v, value = trial, new_implied, new_u, new_v, new_value
        damping = damping / 4 if damping > 1e-6 else 0.0
    information = np.full((len(theta), len(theta)), np.nan)
    if np.isfinite(value):
        _, information = derivatives(matrices, implied, u, v, sample)
    return Solution(theta, value, information, implied, converged, reason, steps)
