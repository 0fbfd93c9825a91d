"""From a model and its moments to draws of its free parameters."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ModelError
from xmresearch.inference.mode import mode
from xmresearch.inference.nuts import draw
from xmresearch.sem.bayes_density import Density
from xmresearch.sem.bayes_problem import standardise
from xmresearch.sem.likelihood import CompleteSample
from xmresearch.sem.model import Model

Array = NDArray[np.float64]


def draw_theta(
    model: Model, moments: CompleteSample, start: Array, *, draws: int, tune: int, chains: int, seed: int
) -> tuple[Array, Any, Array]:
    """Sample a model's free parameters.

    Parameters
    ----------
    model : Model
        Of one group, with q free parameters.
    moments : CompleteSample
        What it is fitted to.
    start : ndarray
        Parameters near the maximum-likelihood estimate, shape (q,).
    draws, tune, chains, seed : int
        As for `sample`.

    Returns
    -------
    theta : ndarray
        Shape (chains, draws, q).
    stats : Dataset
        The sampler's statistics.
    centre : ndarray
        Parameters at the posterior mean of the coordinates, shape (q,).

    Raises
    ------
    ModelError
        No proper covariances near the start.
    """
    density = _density(model)
    problem, unit = standardise(density, moments, start)
    x = density.coordinates(start / unit, problem)
    if not np.isfinite(density(x, problem)[0]):
        raise ModelError(
            "The model has no proper solution near the data: its fixed (co)variances are not positive definite.",
            "Free them, or fix them to other values.",
        )
    centre, spread = mode(density, problem, x)
    coordinates, stats = draw(density, problem, centre, spread, draws=draws, tune=tune, chains=chains, seed=seed)
    theta = np.array([density.theta(c, problem) for c in coordinates.reshape(-1, len(x))]) * unit
    at_mean = density.theta(coordinates.mean(axis=(0, 1)), problem) * unit
    return theta.reshape(coordinates.shape), stats, at_mean


@lru_cache(maxsize=32)
def _density(model: Model) -> Density:
    return Density(model)
