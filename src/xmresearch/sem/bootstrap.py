"""Refits of resampled rows, many at a time, and the intervals they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from xmresearch.errors import InsufficientData
from xmresearch.inference.threads import all_threads
from xmresearch.sem.estimation import Solution, inverted, minimise, units
from xmresearch.sem.likelihood import CompleteSample, Likelihood, Sample
from xmresearch.sem.matrices import Matrices
from xmresearch.sem.model import Model
from xmresearch.sem.readout import Readout, slope_steps
from xmresearch.sem.robust import casewise
from xmresearch.sem.row_design import RowDesign, span_groups

Array = NDArray[np.float64]
LEAST_REPLICATES = 2
_AT_ONCE = 64
_MOST_STEPS = 60
_TOLERANCE = 1e-6
_LEAST_CONVERGED = 0.5


def bootstrap_replicates(
    model: Model, objective: Any, solution: Solution, rows: Sequence[Array], draws: int, seed: int
) -> tuple[Array, int]:
    """Refit a model to resampled rows.

    Parameters
    ----------
    model : Model
        What was fitted, to complete rows.
    objective : Likelihood
        What was minimised.
    solution : Solution
        Where it ended; refits start there.
    rows : sequence of ndarray
        By group, shape (n, p).
    draws : int
        Replicates.
    seed : int
        Of the resampling, which is of rows within groups, or of whole clusters; these within groups where none has rows in
        several of them. Weights stay with their rows.

    Returns
    -------
    replicates : ndarray
        Free parameters of the refits that converged, shape (at most draws, q).
    lost : int
        Refits that did not converge.

    Raises
    ------
    InsufficientData
        Fewer than half of the refits converged.
    """
    rng = np.random.default_rng(seed)
    found = []
    for begin in range(0, draws, _AT_ONCE):
        size = min(_AT_ONCE, draws - begin)
        drawn = _drawn([s.design for s in objective.samples], list(map(len, rows)), size, rng)
        moments = [_resampled(x, counts, model.means) for x, counts in zip(rows, drawn, strict=True)]
        theta, converged = _refit(objective, solution.theta, moments, model)
        found.append(theta[converged])
    replicates = np.concatenate(found)
    lost = draws - len(replicates)
    if lost > _LEAST_CONVERGED * draws:
        raise InsufficientData(
            f"{lost} of {draws} bootstrap samples did not converge; the sample is too small for this model.",
            "Use standard errors without the bootstrap, or a smaller model.",
        )
    return replicates, lost


def _drawn(designs: Sequence[RowDesign], rows: Sequence[int], size: int, rng: np.random.Generator) -> list[Array]:
    """Return by group what each row counts in each resample, shape (size, n): how often it was drawn, times its weight."""
    own = [np.arange(n) if d.clusters is None else d.clusters for d, n in zip(designs, rows, strict=True)]
    shared = np.unique(np.concatenate(own)) if span_groups(designs) else None
    together = None if shared is None else _multinomial(len(shared), size, rng)
    found: list[Array] = []
    for design, clusters in zip(designs, own, strict=True):
        units = np.unique(clusters) if shared is None else shared
        drawn = _multinomial(len(units), size, rng) if together is None else together
        counts = drawn[:, np.searchsorted(units, clusters)]
        found.append(counts if design.weights is None else counts * design.weights)
    return found


def _multinomial(units: int, size: int, rng: np.random.Generator) -> Array:
    """Return how often each unit is drawn in as many draws as there are units, shape (size, units)."""
    return rng.multinomial(units, np.full(units, 1 / units), size).astype(np.float64)


def _resampled(rows: Array, counts: Array, means: bool) -> tuple[Array, Array, Array]:
    """Return covariances (size, p, p), means (size, p) and summed weights (size,) of resampled rows."""
    p = rows.shape[1]
    total = counts.sum(axis=1)
    size = len(counts)
    columns, others = np.triu_indices(p)
    centre = rows.mean(axis=0)
    z = rows - centre
    with all_threads(counts.size * len(columns)):
        mean, second = counts @ z / total[:, None], counts @ (z[:, columns] * z[:, others]) / total[:, None]
    cov = np.empty((size, p, p))
    cov[:, columns, others] = cov[:, others, columns] = second
    cov -= mean[:, :, None] * mean[:, None, :]
    return cov, mean + centre if means else np.zeros_like(mean), total


def _refit(
    objective: Likelihood, start: Array, moments: Sequence[tuple[Array, Array, Array]], model: Model
) -> tuple[Array, NDArray[np.bool_]]:
    """Score all replicates at once; a replicate whose step leads astray takes half of it."""
    size = len(moments[0][0])
    if model.exogenous:
        return _refit_each(objective, start, moments, model)
    theta = np.broadcast_to(start, (size, len(start))).copy()
    value = np.full(size, np.inf)
    before, step = theta.copy(), np.zeros_like(theta)
    active = np.arange(size)
    converged = np.zeros(size, dtype=bool)
    for _ in range(_MOST_STEPS):
        current, gradient, information = _derivatives(objective, theta[active], moments, active)
        worse = ~(current <= value[active] + 1e-10)
        step[active[worse]] /= 2
        theta[active[worse]] = before[active[worse]] + step[active[worse]]
        better = active[~worse]
        value[better], before[better] = current[~worse], theta[better]
        scale = units(information)
        done = ~worse & (np.abs(gradient / scale).max(axis=1) < _TOLERANCE)
        converged[active[done]] = True
        go = ~worse & ~done
        if go.any():
            unit = scale[go]
            scaled = information[go] / (unit[:, :, None] * unit[:, None, :])
            step[active[go]] = -np.linalg.solve(scaled, (gradient[go] / unit)[:, :, None])[:, :, 0] / unit
            theta[active[go]] += step[active[go]]
        active = active[~done]
        if not len(active):
            break
    return theta, converged


def _derivatives(
    objective: Likelihood, theta: Array, moments: Sequence[tuple[Array, Array, Array]], active: NDArray[np.int64]
) -> tuple[Array, Array, Array]:
    """Return discrepancies (b,), gradients (b, q) and informations (b, q, q) of half of them."""
    value = np.zeros(len(theta))
    gradient, information = np.zeros(theta.shape), np.zeros((*theta.shape, theta.shape[1]))
    whole = sum(total for _, _, total in moments)
    for matrices, (covs, means, total) in zip(objective.matrices, moments, strict=True):
        f = (total / whole)[active]
        i = matrices.implied(theta)
        inverse = np.linalg.inv(i.cov)
        d = means[active] - i.mean
        about = covs[active] + d[:, :, None] * d[:, None, :]
        sign, logdet = np.linalg.slogdet(i.cov)
        value += f * np.where(sign > 0, logdet + (inverse * about).sum(axis=(1, 2)), np.inf)
        residual = inverse @ (i.cov - about) @ inverse
        slope = -(inverse @ d[:, :, None])
        cells = ((i.u @ residual) * i.v).sum(axis=2) + i.w * (i.u @ slope)[:, :, 0]
        gradient += f[:, None] * matrices.pooled(cells.T).T
        vt = np.swapaxes(i.v, 1, 2)
        wu = i.u @ inverse
        between, cross = wu @ np.swapaxes(i.u, 1, 2), wu @ vt
        products = between * (i.v @ inverse @ vt) + cross * np.swapaxes(cross, 1, 2)
        if matrices.means:
            products += i.w[:, :, None] * i.w[:, None, :] * between
        both = matrices.pooled(matrices.pooled(products.transpose(1, 2, 0)).transpose(1, 0, 2))
        information += f[:, None, None] * both.transpose(2, 0, 1)
    return value, gradient, information


def _refit_each(
    objective: Likelihood, start: Array, moments: Sequence[tuple[Array, Array, Array]], model: Model
) -> tuple[Array, NDArray[np.bool_]]:
    """Refit one by one where the moments of exogenous variables, which are the sample's, change with it."""
    theta, converged = [], []
    for k in range(len(moments[0][0])):
        samples: list[Sample] = [CompleteSample(float(total[k]), m[k], c[k]) for c, m, total in moments]
        matrices = [Matrices(model, s.cov, s.mean, g) for g, s in enumerate(samples)]
        found = minimise(Likelihood(matrices, samples), start)
        theta.append(found.theta)
        converged.append(found.converged)
    return np.array(theta), np.array(converged)


def bootstrap_intervals(
    model: Model, objective: Any, solution: Solution, rows: Sequence[Array], read: Readout, values: Array,
    confidence: float, interval: Literal["percentile", "bca"],
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return bootstrap intervals of every row of the table of estimates.

    Parameters
    ----------
    model : Model
        What was fitted.
    objective : Likelihood
        What was minimised.
    solution : Solution
        Where it ended.
    rows : sequence of ndarray
        By group, shape (n, p).
    read : Readout
        Rows of the table.
    values : ndarray
        Replicates of the rows, shape (B, k).
    confidence : float
        Level.
    interval : {'percentile', 'bca'}
        Kind.

    Returns
    -------
    lower, upper, acceleration : ndarray
        Shape (k,); the acceleration is that of the infinitesimal jackknife, zero for percentile intervals.

    References
    ----------
    Efron, B. (1987). Journal of the American Statistical Association, 82, 171-185.
    """
    tail = (1 - confidence) / 2
    tails = np.array([tail, 1 - tail])
    acceleration = np.zeros(values.shape[1])
    if interval == "percentile":
        low, high = np.quantile(values, tails, axis=0)
        return low, high, acceleration
    point = read.read(solution.theta)[0]
    acceleration = _acceleration(objective, solution, rows, read)
    below = (values < point).mean(axis=0) + (values == point).mean(axis=0) / 2
    bias = special.ndtri(np.clip(below, 0.5 / len(values), 1 - 0.5 / len(values)))
    z = bias + special.ndtri(tails)[:, None]
    levels = special.ndtr(bias + z / (1 - acceleration * z))
    bounds = np.array([np.quantile(values[:, k], levels[:, k]) for k in range(values.shape[1])])
    return bounds[:, 0], bounds[:, 1], acceleration


def _acceleration(objective: Likelihood, solution: Solution, rows: Sequence[Array], read: Readout) -> Array:
    """Return the skewness of each row's influence values, divided by six root n."""
    bread = inverted(objective.hessian(solution.theta, solution.implied))
    moved = []
    for m, s, i, x in zip(objective.matrices, objective.samples, solution.implied, rows, strict=True):
        moved.append(s.design.units(m.pooled(casewise(s, x - i.mean, i.cov, i).T).T))
    influence = np.vstack(moved) @ bread
    step = slope_steps(solution.theta, bread / sum(s.n for s in objective.samples))
    moves = np.diag(step)
    slope = (read.read(solution.theta + moves)[0] - read.read(solution.theta - moves)[0]) / (2 * step[:, None])
    values = influence @ slope
    spread = (values**2).sum(axis=0) ** 1.5
    return np.divide((values**3).sum(axis=0), 6 * spread, out=np.zeros(len(spread)), where=spread > 0)
