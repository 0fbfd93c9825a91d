"""From data to the problem in standardised units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.sem.bayes_density import Density, Problem
from xmresearch.sem.bayes_structure import cell_of, marker_of
from xmresearch.sem.likelihood import CompleteSample

Array = NDArray[np.float64]
_DECIMALS = 12


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
