"""The conditional least-favourable interval under a difference in trends of bounded relative magnitude."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
FIRST_STAGE = 0.1
_TRACE, _ONE, _FLATTEST = 1e-12, 1e-10, 1e-8
_ANGLES, _GRID, _PARTS, _ROUNDS, _NEWTON = 7200, 1201, 32, 7, 50
_CIRCLE = np.array([f(2 * np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES) for f in (np.cos, np.sin)])


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
    before = np.vstack([steps[:n_pre], -steps[:n_pre]])
    tests = MomentTests.of(before, steps[n_pre:], effect, tail, cov, bound, alpha)
    middle, spread = float(effect @ beta), float(np.sqrt(effect @ cov @ effect))
    widest = float((np.abs(before @ beta) + 8 * np.sqrt(np.einsum("ti,ij,tj->t", before, cov, before))).max())
    reach = bound * widest * float(np.abs(tail).sum()) + 8 * spread
    grid = middle + reach * np.linspace(-1, 1, _GRID)
    inside = np.flatnonzero(tests.accept(beta, grid).any(axis=0))
    if not len(inside):
        return np.nan, np.nan
    first, last = inside[0], inside[-1]
    near, far = grid[[first, last]], grid[np.clip([first - 1, last + 1], 0, _GRID - 1)]
    for _ in range(_ROUNDS):
        between = near[:, None] + (far - near)[:, None] * np.arange(_PARTS + 1) / _PARTS
        within = tests.accept(beta, between[:, :-1].ravel()).any(axis=0).reshape(2, _PARTS)
        outermost = _PARTS - 1 - within[:, ::-1].argmax(axis=1)
        near, far = between[[0, 1], outermost], between[[0, 1], outermost + 1]
    return float(near[0]), float(near[1])


class MomentTests:
    """The tests that the steps after treatment are at most so many times one step before it, for each step before it.

    Attributes
    ----------
    moments : ndarray
        Weights of the coefficients in the moments, which are below zero on average where a test is true, shape
        (T, n_post + 2, n).
    by_effect : ndarray
        What the effect adds to each, shape (T, n_post + 2).
    spread : ndarray
        Covariances of the moments, shape (T, n_post + 2, n_post + 2).
    level : float
        Of the second stage.
    least_favourable : ndarray
        Critical values of the first stage, shape (T,).
    """

    def __init__(self, moments: Array, by_effect: Array, cov: Array, alpha: float) -> None:
        self.moments, self.by_effect = moments, by_effect
        self.spread = moments @ cov @ moments.transpose(0, 2, 1)
        first = FIRST_STAGE * alpha
        self.level = (alpha - first) / (1 - first)
        self.least_favourable = _quantiles_of_largest(self.spread, 1 - first)

    @classmethod
    def of(
        cls, before: Array, after: Array, effect: Array, tail: Array, cov: Array, bound: float, alpha: float
    ) -> MomentTests:
        """Make the moments: the effect is above, is below, the step is negative (once per step after treatment).

        Parameters
        ----------
        before : ndarray
            Weights of the coefficients in each step before treatment, shape (T, n).
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
        MomentTests
        """
        allowed = bound * before[:, None, :]
        rise, fall = _spreads(after - allowed, cov), _spreads(-after - allowed, cov)
        high, low = (np.where(tail >= 0, a, b) @ np.abs(tail) for a, b in ((rise, fall), (fall, rise)))
        in_all = np.abs(tail).sum() * allowed[:, 0]
        wrong_sign = -2 * allowed / (rise + fall)[:, :, None]
        sides = np.stack([(effect - in_all) / high[:, None], (-effect - in_all) / low[:, None]], axis=1)
        by_effect = np.column_stack([-1 / high, 1 / low, np.zeros((len(before), len(after)))])
        return cls(np.concatenate([sides, wrong_sign], axis=1), by_effect, cov, alpha)

    def accept(self, beta: Array, values: Array) -> NDArray[np.bool_]:
        """Return which effects each test accepts.

        Parameters
        ----------
        beta : ndarray
            Coefficients, shape (n,).
        values : ndarray
            Effects, shape (V,).

        Returns
        -------
        ndarray of bool
            Shape (T, V).
        """
        z = (self.moments @ beta)[:, :, None] + self.by_effect[:, :, None] * values
        best, largest = z.argmax(axis=1), z.max(axis=1)
        variance = np.take_along_axis(np.diagonal(self.spread, axis1=1, axis2=2), best, axis=1)
        accepted = (largest <= 0) | (variance <= 0)
        t, v = np.nonzero(~accepted & (largest <= self.least_favourable[:, None]))
        top, own, sd = largest[t, v], variance[t, v, None], np.sqrt(variance[t, v])
        ratio = self.spread[t, best[t, v]] / own
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = (z[t, :, v] - ratio * top[:, None]) / (1 - ratio)
        lower = np.where(ratio < 1 - _ONE, limit, -np.inf).max(axis=1)
        upper = np.minimum(np.where(ratio > 1 + _ONE, limit, np.inf).min(axis=1), self.least_favourable[t])
        with np.errstate(divide="ignore", invalid="ignore"):
            accepted[t, v] = _truncated_sf(top / sd, lower / sd, upper / sd) >= self.level
        return accepted


def _spreads(rows: Array, cov: Array) -> Array:
    """Return the standard deviation of each row of weights; what rounding leaves of none is a trace of the largest."""
    variance = np.einsum("tki,ij,tkj->tk", rows, cov, rows)
    return np.asarray(np.sqrt(np.maximum(variance, _TRACE * variance.max(axis=1, keepdims=True))))


def _truncated_sf(value: Array, lower: Array, upper: Array) -> Array:
    """Return P(Z > value | lower < Z < upper), Z standard normal, without underflow in the tail."""
    at, low, high = (special.log_ndtr(-x) for x in (value, lower, upper))
    high = np.minimum(high, at)
    return np.asarray(np.exp(at - low) * -np.expm1(high - at) / -np.expm1(high - low))


def _quantiles_of_largest(spread: Array, level: float) -> Array:
    """Return quantiles of the largest of normal moments with mean zero that depend on two variables, one for each covariance.

    In polar coordinates the largest is the radius times a function of the angle, and the radius has a closed-form distribution.
    The logarithm of the chance to lie above is convex and falls in the square of the quantile, so that Newton's steps go to one
    side of it and then rise to it.
    """
    values, vectors = np.linalg.eigh(spread)
    root = vectors[:, :, -2:] * np.sqrt(np.maximum(values[:, None, -2:], 0.0))
    slope = (root @ _CIRCLE).max(axis=1)
    unit = np.maximum(slope.max(axis=1, keepdims=True), np.finfo(float).tiny)
    slope /= unit
    fall = 0.5 / np.maximum(slope, _FLATTEST) ** 2
    above = np.log(1 - level)
    square = np.full(len(spread), -above / 0.5)
    for _ in range(_NEWTON):
        chance = np.exp(-fall * square[:, None])
        mean = chance.mean(axis=1)
        step = (np.log(mean) - above) * mean / (fall * chance).mean(axis=1)
        square += step
        if (np.abs(step) <= _TRACE * square).all():
            break
    return np.asarray(np.sqrt(square) * unit[:, 0])
