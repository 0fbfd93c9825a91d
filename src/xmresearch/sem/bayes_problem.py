"""From data to the posterior's mode: the problem in standardised units, and where its density is highest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.sem.bayes_density import Density, Problem
from xmresearch.sem.bayes_structure import cell_of, marker_of
from xmresearch.sem.likelihood import CompleteSample

Array = NDArray[np.float64]
_DECIMALS = 12
_STEP = 1e-4


def standardise(density: Density, sample: CompleteSample, theta: Array) -> tuple[Problem, Array]:
    """Express data and fixed values in units of the sample's standard deviations.

    Parameters
    ----------
    density : Density
        Of the model.
    sample : CompleteSample
        Moments, of p variables.
    theta : ndarray
        Parameters whose signs give the factors without marker their direction, shape (q,).

    Returns
    -------
    problem : Problem
        Rounded to 12 decimals, so that the same data in other units are the same problem.
    unit : ndarray
        Shape (q,): parameters in the data's units are this times those in the problem's.
    """
    model = density.model
    at = {v: k for k, v in enumerate(model.variables)}
    sd = np.ones(density.m)
    sd[: density.p] = np.sqrt(np.diag(sample.cov))
    for _ in model.latent:
        for factor in model.latent:
            marker = marker_of(model, factor)
            if marker is not None and marker.value is not None:
                sd[at[factor]] = sd[at[marker.rhs]] / abs(marker.value)
    a, s, c = (np.zeros(shape) for shape in ((density.m, density.m), (density.m, density.m), density.m))
    fixed = model.fixed
    c[: density.p][fixed] = (sample.mean / sd[: density.p])[fixed]
    unit = np.full(density.q, np.nan)
    factors: tuple[list[float], ...] = ([], [], [])
    for item in model.parameters:
        kind, row, column = cell_of(item, at)
        own = (sd[row] / sd[column], sd[row] * sd[column], sd[row])[kind]
        if item.free >= 0:
            unit[item.free] = own if np.isnan(unit[item.free]) else unit[item.free]
            factors[kind].append(unit[item.free] / own)
            continue
        value = item.value
        if value is None and kind == 1:
            value = sample.cov[row, column]
        if value is not None and kind == 0:
            a[row, column] = value / own
        elif value is not None and kind == 1:
            s[row, column] = s[column, row] = value / own
        elif value is not None:
            c[row] = value / own
    own_sd = np.sqrt(np.where(np.diag(s) > 0, np.diag(s), 1.0))
    scale = sd[: density.p]
    of_sd = 0.5 * np.log(np.array(factors[1])[density.s[0] == density.s[1]])
    arrays = (sample.cov / np.outer(scale, scale), sample.mean / scale, a, s, c, *(np.array(f) for f in factors),
              of_sd, np.log(own_sd), np.where(theta[density.effects] < 0, -1.0, 1.0))  # fmt: skip
    return Problem(np.array(float(sample.n)), *(np.round(x, _DECIMALS) for x in arrays)), unit


def mode(density: Density, problem: Problem, start: Array) -> tuple[Array, Array]:
    """Find the mode by Newton steps, and the posterior's spread there.

    Parameters
    ----------
    density, problem
        What to maximise.
    start : ndarray
        Coordinates of finite density, shape (q,).

    Returns
    -------
    centre : ndarray
        The mode, rounded to 5 decimals, shape (q,).
    spread : ndarray
        Symmetric square root of the inverse curvature, shape (q, q).
    """
    x = start
    value, slope = density(x, problem)
    for _ in range(100):
        values, vectors = _curvature(density, problem, x)
        step = vectors @ (vectors.T @ slope / values)
        gain = float(step @ slope)
        if gain < 1e-12:
            break
        reach = min(1.0, 1.0 / float(np.abs(step).max()))
        while reach > 1e-8:
            new_value, new_slope = density(x + reach * step, problem)
            if new_value >= value - 1e-9 * abs(value):
                break
            reach /= 2
        else:
            break
        x, value, slope = x + reach * step, new_value, new_slope
    centre = np.round(x, 5)
    values, vectors = _curvature(density, problem, centre)
    return centre, (vectors / np.sqrt(values)) @ vectors.T


def _curvature(density: Density, problem: Problem, x: Array) -> tuple[Array, Array]:
    """Return the eigenvalues, made positive, and eigenvectors of minus the second derivatives."""
    rows = [density(x + d, problem)[1] - density(x - d, problem)[1] for d in _STEP * np.eye(len(x))]
    hessian = -np.array(rows) / (2 * _STEP)
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    return np.maximum(np.abs(values), 0.1), vectors
