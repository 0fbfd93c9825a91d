"""NUTS over a model's posterior density: compiled once per structure, with the data replaced for every fit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ModelError
from xmresearch.sem.bayes_density import Density, Problem
from xmresearch.sem.bayes_problem import mode, standardise
from xmresearch.sem.likelihood import CompleteSample
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
_CACHED_MODELS = 32
_KEPT = ("lp", "diverging", "energy", "acceptance_rate", "step_size", "n_steps", "tree_depth", "reached_max_treedepth")
_AXES = (0, 2, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1)


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
    import pymc  # type: ignore[import-untyped]

    density, compiled = _compiled(model)
    problem, unit = standardise(density, moments, start)
    x = density.coordinates(start / unit, problem)
    if not np.isfinite(density(x, problem)[0]):
        raise ModelError(
            "The model has no proper solution near the data: its fixed (co)variances are not positive definite.",
            "Free them, or fix them to other values.",
        )
    centre, spread = mode(density, problem, x)
    rng = np.random.default_rng([seed, 0])
    starts = [{"z": _proper(density, problem, centre, spread, rng.normal(size=len(x)))} for _ in range(chains)]
    with compiled, _quiet():
        pymc.set_data({"centre": centre, "spread": spread, **problem._asdict()})
        trace = pymc.sample(
            draws=draws, tune=tune, chains=chains, cores=1, random_seed=seed, progressbar=False, initvals=starts,
            init="adapt_diag", compute_convergence_checks=False, compile_kwargs={"mode": _interpreted()},
        )  # fmt: skip
    z = trace["posterior"]["z"].to_numpy()
    coordinates = centre + z @ spread
    theta = np.array([density.theta(c, problem) for c in coordinates.reshape(-1, len(x))]) * unit
    at_mean = density.theta(coordinates.mean(axis=(0, 1)), problem) * unit
    return theta.reshape(z.shape), trace["sample_stats"].to_dataset()[list(_KEPT)], at_mean


def _proper(density: Density, problem: Problem, centre: Array, spread: Array, z: Array) -> Array:
    """Draw a start towards the mode until its density is positive."""
    while not np.isfinite(density(centre + spread @ z, problem)[0]):
        z = z / 2
    return z


@lru_cache(maxsize=_CACHED_MODELS)
def _compiled(model: Model) -> tuple[Density, Any]:
    """Return the density of a structure and its PyMC model, whose data are replaced for every fit."""
    import pymc
    from pymc.model.transform.optimization import freeze_model  # type: ignore[import-untyped]

    density = Density(model)
    operator = _operator()(density)
    with pymc.Model() as described:
        z = pymc.Flat("z", shape=density.q)
        blank = {"centre": 1, "spread": 2, **dict(zip(Problem._fields, _AXES, strict=True))}
        data = [pymc.Data(name, np.zeros((0,) * axes)) for name, axes in blank.items()]
        pymc.Potential("log_density", operator(z, *data)[0])
    return density, freeze_model(described)


@lru_cache(maxsize=1)
def _interpreted() -> Any:
    from pytensor.compile.mode import Mode

    return Mode(linker="vm", optimizer="fast_compile")


@lru_cache(maxsize=1)
def _operator() -> Any:
    """Return the class of the PyTensor operator that wraps a density; PyTensor is imported only when it is needed."""
    import pytensor.tensor as pt
    from pytensor.gradient import disconnected_type
    from pytensor.graph.basic import Apply
    from pytensor.graph.op import Op

    class LogDensity(Op):  # type: ignore[misc]
        """Log density and its gradient at whitened coordinates z."""

        __props__ = ("density",)

        def __init__(self, density: Density) -> None:
            self.density = density

        def make_node(self, *inputs: Any) -> Any:
            return Apply(self, list(inputs), [pt.dscalar(), pt.dvector()])

        def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
            z, centre, spread, *data = inputs
            value, slope = self.density(centre + spread @ z, Problem(*data))
            outputs[0][0], outputs[1][0] = np.asarray(value), spread @ slope

        def connection_pattern(self, node: Any) -> list[list[bool]]:
            return [[k == 0, k == 0] for k in range(len(node.inputs))]

        def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
            return [cotangents[0] * outputs[1], *(disconnected_type() for _ in inputs[1:])]

    return LogDensity


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyMC from logging what the result says anyway."""
    logger = logging.getLogger("pymc")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
