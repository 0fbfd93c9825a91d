"""The conditional least-favourable interval under a difference in trends of bounded relative magnitude."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Array = NDArray[np.float64]
FIRST_STAGE = 0.1
_TRACE = 1e-12
_ANGLES, _GRID, _STEPS = 7200, 1201, 40


def conditional_interval(
    beta: Array, cov: Array, *, n_pre: int, target: Array, bound: float, alpha: float = 0.05, gaps: Array | None = None
) -> tuple[float, float]:
    """Return the hull of the effects that the C-LF test of Andrews, Roth & Pakes accepts under Delta^RM.

    Delta^RM is the union, over the steps before treatment and their two signs, of the sets in which every step after treatment
    is at most `bound` times that step; the effect is accepted if it is for one of them. In each set the moment inequalities
    with the other effects profiled out have 2 + n_post dual vertices in closed form: the effect is too high, too low, or the
    step has the other sign. The largest standardised moment is held against its least-favourable quantile at a tenth of
    `alpha`, and if it is below, against its distribution given which moment is the largest.

    Parameters
    ----------
    beta : ndarray
        Coefficients, shape (n_pre + n_post,).
    cov : ndarray
        Their covariance.
    n_pre : int
        Coefficients before treatment.
    target : ndarray
        Weights of the effects after treatment, shape (n_post,).
    bound : float
        Mbar.
    alpha : float
        One minus the level.
    gaps : ndarray, optional
        Distances between the periods of the coefficients, the reference between them; steps are taken per unit of distance,
        shape (n_pre + n_post,). One each if left out.

    Returns
    -------
    lower, upper : float

    References
    ----------
    Andrews, I., Roth, J. & Pakes, A. (2023). Inference for linear conditional moment inequalities. Review of Economic Studies,
    90(6), 2763-2791.
    Rambachan, A. & Roth, J. (2023). A more credible approach to parallel trends. Review of Economic Studies, 90(5),
    2555-2591.
    """
    size = len(beta)
    path = np.delete(np.eye(size + 1), n_pre, axis=1)
    gaps = np.ones(size) if gaps is None else gaps
    steps = np.diff(path, axis=0) / gaps[:, None]
    tail = np.cumsum(target[::-1])[::-1] * gaps[n_pre:]
    effect = np.append(np.zeros(n_pre), target)
    tests = [
        MomentTest.of(sign * steps[s], steps[n_pre:], effect, tail, cov, bound, alpha)
        for s in range(n_pre)
        for sign in (1, -1)
    ]
    middle, spread = float(effect @ beta), float(np.sqrt(effect @ cov @ effect))
    widest = max(abs(float(t.step @ beta)) + 8 * float(np.sqrt(t.step @ cov @ t.step)) for t in tests)
    reach = bound * widest * float(np.abs(tail).sum()) + 8 * spread
    grid = middle + reach * np.linspace(-1, 1, _GRID)

    def accepted(values: Array) -> NDArray[np.bool_]:
        return np.any([t.accepts(beta, values) for t in tests], axis=0)

    inside = np.flatnonzero(accepted(grid))
    if not len(inside):
        return np.nan, np.nan
    first, last = inside[0], inside[-1]
    near, far = grid[[first, last]], grid[np.clip([first - 1, last + 1], 0, _GRID - 1)]
    for _ in range(_STEPS):
        half = (near + far) / 2
        within = accepted(half)
        near, far = np.where(within, half, near), np.where(within, far, half)
    return float(near[0]), float(near[1])


class MomentTest:
    """The test that the steps after treatment are at most so many times one step before it.

    Attributes
    ----------
    step : ndarray
        Weights of the coefficients in that step, shape (n,).
    moments : ndarray
        Weights of the coefficients in the moments, which are below zero on average where the test is true, shape (n_post + 2, n).
    by_effect : ndarray
        What the effect adds to each, shape (n_post + 2,).
    spread : ndarray
        Covariance of the moments.
    level : float
        Of the second stage.
    least_favourable : float
        Critical value of the first stage.
    """

    def __init__(self, step: Array, moments: Array, by_effect: Array, cov: Array, alpha: float) -> None:
        self.step, self.moments, self.by_effect = step, moments, by_effect
        self.spread = moments @ cov @ moments.T
        first = FIRST_STAGE * alpha
        self.level = (alpha - first) / (1 - first)
        self.least_favourable = _quantile_of_largest(self.spread, 1 - first)

    @classmethod
    def of(
        cls, step: Array, after: Array, effect: Array, tail: Array, cov: Array, bound: float, alpha: float
    ) -> MomentTest:
        """Make the moments: the effect is above, is below, the step is negative (once per step after treatment).

        Parameters
        ----------
        step : ndarray
            Weights of the coefficients in the step before treatment, shape (n,).
        after : ndarray
            The same of the steps after it, shape (n_post, n).
        effect : ndarray
            The same of the effect, shape (n,).
        tail : ndarray
            What each step after treatment moves the effect by, shape (n_post,).
        cov : ndarray
            Covariance of the coefficients.
        bound : float
            Mbar.
        alpha : float
            One minus the level.

        Returns
        -------
        MomentTest
        """
        rise, fall = (_spreads(rows, cov) for rows in (after - bound * step, -after - bound * step))
        sides = np.array([np.abs(tail) @ np.where(tail >= 0, a, b) for a, b in ((rise, fall), (fall, rise))])
        allowed = bound * np.abs(tail).sum() * step
        wrong_sign = -2 * bound * step / (rise + fall)[:, None]
        moments = np.vstack([(effect - allowed) / sides[0], (-effect - allowed) / sides[1], wrong_sign])
        by_effect = np.concatenate([[-1 / sides[0], 1 / sides[1]], np.zeros(len(after))])
        return cls(step, moments, by_effect, cov, alpha)

    def accepts(self, beta: Array, values: Array) -> NDArray[np.bool_]:
        """Return which effects are accepted.

        Parameters
        ----------
        beta : ndarray
            Coefficients, shape (n,).
        values : ndarray
            Effects, shape (V,).

        Returns
        -------
        ndarray of bool
            Shape (V,).
        """
        z = (self.moments @ beta)[:, None] + self.by_effect[:, None] * values
        best, largest = z.argmax(axis=0), z.max(axis=0)
        variance = self.spread[best, best]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.spread[best].T / variance
            limit = (z - ratio * largest) / (1 - ratio)
        lower = np.where(ratio < 1 - 1e-10, limit, -np.inf).max(axis=0)
        upper = np.minimum(np.where(ratio > 1 + 1e-10, limit, np.inf).min(axis=0), self.least_favourable)
        sd = np.sqrt(variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = _truncated_sf(largest / sd, lower / sd, upper / sd)
        return (largest <= 0) | (variance <= 0) | ((largest <= self.least_favourable) & (p >= self.level))


def _spreads(rows: Array, cov: Array) -> Array:
    """Return the standard deviation of each row of weights; what rounding leaves of none is a trace of the largest."""
    variance = np.einsum("ki,ij,kj->k", rows, cov, rows)
    return np.asarray(np.sqrt(np.maximum(variance, _TRACE * variance.max())))


def _truncated_sf(value: Array, lower: Array, upper: Array) -> Array:
    """Return P(Z > value | lower < Z < upper), Z standard normal, without underflow in the tail."""
    at, low, high = (special.log_ndtr(-x) for x in (value, lower, upper))
    high = np.minimum(high, at)
    return np.asarray(np.exp(at - low) * -np.expm1(high - at) / -np.expm1(high - low))


def _quantile_of_largest(spread: Array, level: float) -> float:
    """Return a quantile of the largest of normal moments with mean zero that depend on two variables.

    In polar coordinates the largest is the radius times a function of the angle, and the radius has a closed-form distribution.
    """
    values, vectors = np.linalg.eigh(spread)
    root = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0.0))
    angle = 2 * np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES
    slope = (root @ np.array([np.cos(angle), np.sin(angle)])).max(axis=0)
    slope = np.maximum(slope, 1e-8 * slope.max())

    def excess(c: float) -> float:
        return float(np.exp(-0.5 * (c / slope) ** 2).mean()) - (1 - level)

    top = 10 * float(slope.max())
    return float(optimize.brentq(excess, 0.0, top, xtol=1e-10)) if excess(0.0) > 0 else 0.0
