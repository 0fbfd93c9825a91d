"""Cumulative logits of an outcome in two or more grades, on many subsets of drivers at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from xmresearch.display import Shown
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
LATENT_VARIANCE = np.pi**2 / 3
_MOST_STEPS, _MOST_HALVINGS, _CLOSE = 60, 12, 1e-10
_BLOCK_CELLS = 2_000_000
_ENDLESS = 15.0
"""Slope for one standard deviation from which on it is taken to have no end: drivers foretell grades without error."""


@dataclass(frozen=True, repr=False)
class LogitFits(Shown):
    """Fits of one outcome on subsets of drivers: P(grade <= c) = logistic(threshold_c - x'slopes).

    Attributes
    ----------
    masks : ndarray of bool
        Which drivers each fit holds, shape (S, K).
    log_likelihood : ndarray
        Shape (S,), with rows counted by their weights.
    thresholds : ndarray
        Shape (S, grades - 1).
    slopes : ndarray
        Shape (S, K); zero for drivers that a fit does not hold.
    covariance : ndarray
        Of the slopes of the last fit, shape (K, K): the inverse information.
    """

    masks: Mask
    log_likelihood: Array
    thresholds: Array
    slopes: Array
    covariance: Array


@dataclass(frozen=True)
class _Rows:
    """Derivatives of the rows' log-likelihoods in a block of fits, each of shape (n, S): of the upper and lower threshold."""

    value: Array
    upper: Array
    lower: Array
    upper_upper: Array
    upper_lower: Array
    lower_lower: Array


class GradedOutcome:
    """An outcome in grades with its drivers.

    Parameters
    ----------
    drivers : ndarray
        Shape (n, K), without blanks; best centred and scaled.
    grades : ndarray of int
        Shape (n,): 0, 1, ... in order, each of them there.
    """

    def __init__(self, drivers: Array, grades: NDArray[np.int64]) -> None:
        order = np.argsort(grades, kind="stable")
        self.order, self.x, self.y = order, drivers[order], grades[order]
        self.n, self.k = drivers.shape
        self.grades = int(self.y[-1]) + 1
        edges = np.searchsorted(self.y, np.arange(self.grades + 1))
        self.of_grade = [slice(a, b) for a, b in pairwise(edges)]
        self._pairs = np.triu_indices(self.k)
        self._products = self.x[:, self._pairs[0]] * self.x[:, self._pairs[1]]

    def start(self, weights: Array) -> Array:
        """Return the thresholds of a fit without drivers, shape (grades - 1,)."""
        totals = np.array([weights[s].sum() for s in self.of_grade])
        share = np.cumsum(totals)[:-1] / totals.sum()
        return np.asarray(np.log(share / (1 - share)))

    def derivatives(self, thresholds: Array, slopes: Array) -> _Rows:
        """Return the derivatives at thresholds (S, grades - 1) and slopes (S, K)."""
        eta = self.x @ slopes.T
        ends = np.full((self.grades + 1, len(slopes)), np.inf)
        ends[0], ends[1:-1] = -np.inf, thresholds.T
        u, low = ends[self.y + 1] - eta, ends[self.y] - eta
        above, below = expit(-u), expit(low)
        p = np.maximum(1 - above - below, 1e-300)
        # of two far tails the difference is that of the smaller sides
        turned = low > 0
        p = np.where(turned, np.maximum(expit(-low) - above, 1e-300), p)
        fu, fl = above * (1 - above), below * (1 - below)
        a, c = fu / p, fl / p
        du, dl = fu * (2 * above - 1) / p, fl * (1 - 2 * below) / p
        return _Rows(np.log(p), a, c, a * a - du, -a * c, c * c + dl)

    def gather(self, rows: _Rows, weights: Array, masks: Mask) -> tuple[Array, Array, Array]:
        """Sum rows: log-likelihood (S,), gradient (S, q) and information (S, q, q); thresholds come first."""
        w, t = weights[:, None], self.grades - 1
        size, q = masks.shape[0], t + self.k
        gradient, information = np.zeros((size, q)), np.zeros((size, q, q))
        upper, lower = w * rows.upper, w * rows.lower
        uu, ul, ll = w * rows.upper_upper, w * rows.upper_lower, w * rows.lower_lower
        gradient[:, t:] = ((lower - upper).T @ self.x) * masks
        inner = (uu + 2 * ul + ll).T @ self._products
        information[:, t + self._pairs[0], t + self._pairs[1]] = inner
        information[:, t + self._pairs[1], t + self._pairs[0]] = inner
        for grade, at in enumerate(self.of_grade):
            x = self.x[at]
            if grade < t:
                gradient[:, grade] += upper[at].sum(axis=0)
                information[:, grade, grade] += uu[at].sum(axis=0)
                information[:, grade, t:] -= (uu[at] + ul[at]).T @ x
            if grade > 0:
                gradient[:, grade - 1] -= lower[at].sum(axis=0)
                information[:, grade - 1, grade - 1] += ll[at].sum(axis=0)
                information[:, grade - 1, t:] -= (ll[at] + ul[at]).T @ x
            if 0 < grade < t:
                both = ul[at].sum(axis=0)
                information[:, grade, grade - 1] += both
                information[:, grade - 1, grade] += both
        information[:, t:, :t] = np.swapaxes(information[:, :t, t:], 1, 2)
        held = np.hstack([np.ones((size, t), dtype=bool), masks])
        information *= held[:, :, None] & held[:, None, :]
        information[:, np.arange(q), np.arange(q)] += ~held
        return (w * rows.value).sum(axis=0), gradient, information


@on_one_thread
def fit_subsets(outcome: GradedOutcome, masks: Mask, weights: Array) -> LogitFits:
    """Fit cumulative logits on subsets of drivers, all together.

    Parameters
    ----------
    outcome : GradedOutcome
        Rows.
    masks : ndarray of bool
        Shape (S, K): which drivers each fit holds.
    weights : ndarray
        Of the rows as they were given, shape (n,), above zero.

    Returns
    -------
    LogitFits

    Raises
    ------
    InsufficientData
        Drivers separate the grades, so that slopes have no end, or cannot be told apart.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B, 42, 109-142.
    """
    w = weights[outcome.order]
    parts = [_fit(outcome, block, w) for block in _blocks(masks, outcome.n)]
    theta = np.concatenate([p[0] for p in parts])
    t = outcome.grades - 1
    if (np.abs(theta[:, t:]) * outcome.x.std(axis=0)).max() > _ENDLESS:
        raise _separated()
    last = np.linalg.inv(parts[-1][2][-1])[t:, t:]
    return LogitFits(masks, np.concatenate([p[1] for p in parts]), theta[:, :t], theta[:, t:], last)


def _fit(outcome: GradedOutcome, masks: Mask, w: Array) -> tuple[Array, Array, Array]:
    t = outcome.grades - 1
    theta = np.zeros((len(masks), t + outcome.k))
    theta[:, :t] = outcome.start(w)
    value, gradient, information = outcome.gather(outcome.derivatives(theta[:, :t], theta[:, t:]), w, masks)
    for _ in range(_MOST_STEPS):
        try:
            step = np.linalg.solve(information, gradient[..., None])[..., 0]
        except np.linalg.LinAlgError:
            break
        gain = (step * gradient).sum(axis=1)
        if (gain < _CLOSE * np.maximum(1.0, np.abs(value)) * 1e-4).all():
            return theta, value, information
        factor = np.ones(len(masks))
        for _ in range(_MOST_HALVINGS):
            new = theta + factor[:, None] * step
            new[:, :t] = np.maximum.accumulate(new[:, :t], axis=1)
            found = outcome.gather(outcome.derivatives(new[:, :t], new[:, t:]), w, masks)
            worse = ~(found[0] >= value - _CLOSE * np.abs(value))
            if not worse.any():
                break
            factor[worse] /= 2
        theta, (value, gradient, information) = new, found
    raise _separated()


def _separated() -> NotEstimable:
    return NotEstimable(
        "separated",
        "Some drivers foretell grades of the outcome without error, or determine one another, so that no slopes can be estimated.",
        "Leave such drivers out, or join rare grades of the outcome.",
    )


@on_one_thread
def replicate_subsets(
    outcome: GradedOutcome, fits: LogitFits, draws: Iterable[Array]
) -> tuple[Array, Array, Array, Array]:
    """Refit on reweighted rows, by one Newton step from each fit.

    Parameters
    ----------
    outcome : GradedOutcome
        Rows.
    fits : LogitFits
        Of those rows.
    draws : iterable of ndarray
        Weights of the rows as they were given, each of shape (n,).

    Returns
    -------
    log_likelihood : ndarray
        Shape (draws, S): maxima, to second order.
    empty : ndarray
        Shape (draws,): exactly, without drivers.
    thresholds, slopes : ndarray
        Shape (draws, grades - 1) and (draws, K), of the last fit.

    References
    ----------
    Moulton, L. H. & Zeger, S. L. (1991). Bootstrapping generalized linear models. Computational Statistics & Data Analysis,
    11, 53-63.
    """
    weights = [w[outcome.order] for w in draws]
    t, found = outcome.grades - 1, []
    thetas = np.empty((len(weights), t + outcome.k))
    for block, theta in zip(
        _blocks(fits.masks, outcome.n), _blocks(np.hstack([fits.thresholds, fits.slopes]), outcome.n), strict=True
    ):
        rows = outcome.derivatives(theta[:, :t], theta[:, t:])
        part = np.empty((len(weights), len(block)))
        for b, w in enumerate(weights):
            value, gradient, information = outcome.gather(rows, w, block)
            step = np.linalg.solve(information, gradient[..., None])[..., 0]
            part[b] = value + (step * gradient).sum(axis=1) / 2
            thetas[b] = theta[-1] + step[-1]
        found.append(part)
    totals = np.array([[w[s].sum() for s in outcome.of_grade] for w in weights])
    empty = (totals * np.log(totals / totals.sum(axis=1, keepdims=True))).sum(axis=1)
    return np.hstack(found), empty, np.maximum.accumulate(thetas[:, :t], axis=1), thetas[:, t:]


def _blocks[T: np.generic](rows: NDArray[T], n: int) -> list[NDArray[T]]:
    """Cut fits into blocks whose tables of rows by fits stay small."""
    size = max(1, _BLOCK_CELLS // max(n, 1))
    return [rows[start : start + size] for start in range(0, len(rows), size)]
