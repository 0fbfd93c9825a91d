"""NUTS over a density with an analytic gradient: built once per structure, with the data replaced for every fit."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xmresearch.inference.mode import Density
from xmresearch.kept_fits import kept_or_made

Array = NDArray[np.float64]
RHAT, ESS = 1.01, 400
_CACHED_MODELS = 32
_KEPT = ("lp", "diverging", "energy", "acceptance_rate", "step_size", "n_steps", "tree_depth", "reached_max_treedepth")


class Convergence(NamedTuple):
    """What tells whether chains have found the posterior.

    Attributes
    ----------
    rhat : float
        Largest potential scale reduction (rank-normalised, split).
    ess_bulk, ess_tail : float
        Smallest effective numbers of draws.
    divergences : int
        Divergent transitions.
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    divergences: int

    @property
    def settled(self) -> bool:
        """Whether every figure is within its threshold."""
        return self.rhat <= RHAT and min(self.ess_bulk, self.ess_tail) >= ESS and self.divergences == 0


def draw(
    density: Density, problem: Any, centre: Array, spread: Array, *, draws: int, tune: int, chains: int, seed: int
) -> tuple[Array, Any]:
    """Sample a density by NUTS, in coordinates whitened by its curvature at the mode.

    Parameters
    ----------
    density : Density
        Log density and gradient; one PyMC model is built per density, and kept.
    problem : NamedTuple of ndarray
        What the density takes from the data.
    centre, spread : ndarray
        As `mode` returns them, shapes (q,) and (q, q).
    draws, tune, chains, seed : int
        Draws kept and for tuning, of each chain; chains; seed.

    Returns
    -------
    coordinates : ndarray
        Shape (chains, draws, q).
    stats : Dataset
        The sampler's statistics.

    References
    ----------
    Hoffman, M. D. & Gelman, A. (2014). The No-U-Turn sampler. Journal of Machine Learning Research, 15, 1593-1623.
    """
    given = (density, centre, spread, draws, tune, chains, seed, type(problem).__name__, *problem)
    code = (Path(__file__).parent, Path(inspect.getfile(type(density))).parent)

    def make() -> Mapping[str, NDArray[Any]]:
        return _drawn(density, problem, centre, spread, draws=draws, tune=tune, chains=chains, seed=seed)

    found = dict(kept_or_made("nuts", given, code, make))
    z = found.pop("z")
    return centre + z @ spread, _statistics(found)


def _drawn(
    density: Density, problem: Any, centre: Array, spread: Array, *, draws: int, tune: int, chains: int, seed: int
) -> dict[str, NDArray[Any]]:
    """Return whitened coordinates, and the sampler's statistics by name."""
    import pymc  # type: ignore[import-untyped]

    layout: Any = type(problem)
    described = _compiled(density, len(centre), layout, tuple((a.ndim, str(a.dtype)) for a in problem))
    rng = np.random.default_rng([seed, 0])
    starts = [{"z": _proper(density, problem, centre, spread, rng.normal(size=len(centre)))} for _ in range(chains)]
    with described, _quiet():
        pymc.set_data({"centre": centre, "spread": spread, **problem._asdict()})
        trace = pymc.sample(
            draws=draws, tune=tune, chains=chains, cores=1, random_seed=seed, progressbar=False, initvals=starts,
            nuts_sampler="pymc", init="adapt_diag", compute_convergence_checks=False,
            compile_kwargs={"mode": _interpreted()},
        )  # fmt: skip
    said = trace["sample_stats"]
    return {"z": trace["posterior"]["z"].to_numpy(), **{name: said[name].to_numpy() for name in _KEPT}}


def _statistics(found: Mapping[str, NDArray[Any]]) -> Any:
    """Return the sampler's statistics as a data set."""
    import xarray

    chains, draws = found["lp"].shape
    at = {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xarray.Dataset({name: (("chain", "draw"), found[name]) for name in _KEPT}, at)


def convergence(coordinates: Array, stats: Any) -> Convergence:
    """Summarise how well chains agree.

    Parameters
    ----------
    coordinates : ndarray
        Shape (chains, draws, q); quantities that never vary do not count.
    stats : Dataset
        As `draw` returns it.

    Returns
    -------
    Convergence

    References
    ----------
    Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. & Buerkner, P.-C. (2021). Rank-normalization, folding, and
    localization: an improved R-hat. Bayesian Analysis, 16(2), 667-718.
    """
    import arviz  # type: ignore[import-untyped]

    at = {"chain_axis": 0, "draw_axis": 1}
    moving = coordinates[..., np.ptp(coordinates, axis=(0, 1)) > 0]
    return Convergence(
        float(np.max(arviz.rhat(moving, **at))), float(np.min(arviz.ess(moving, method="bulk", **at))),
        float(np.min(arviz.ess(moving, method="tail", prob=(0.05, 0.95), **at))), int(stats["diverging"].sum()),
    )  # fmt: skip


def _proper(density: Density, problem: Any, centre: Array, spread: Array, z: Array) -> Array:
    """Draw a start towards the mode until its density is positive."""
    while not np.isfinite(density(centre + spread @ z, problem)[0]):
        z = z / 2
    return z


@lru_cache(maxsize=_CACHED_MODELS)
def _compiled(density: Hashable, q: int, layout: Any, axes: tuple[tuple[int, str], ...]) -> Any:
    """Return the PyMC model of a structure, whose data are replaced for every fit."""
    import pymc
    from pymc.model.transform.optimization import freeze_model  # type: ignore[import-untyped]

    fields = layout._fields
    with pymc.Model() as described:
        blank = {"centre": (1, "float64"), "spread": (2, "float64"), **dict(zip(fields, axes, strict=True))}
        data = [pymc.Data(name, np.zeros((0,) * ndim, dtype)) for name, (ndim, dtype) in blank.items()]
        z = pymc.Flat("z", shape=q)
        pymc.Potential("log_density", _operator()(density, layout)(z, *data)[0])
    return freeze_model(described)


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

        __props__ = ("density", "problem")

        def __init__(self, density: Density, problem: Any) -> None:
            self.density, self.problem = density, problem

        def make_node(self, *inputs: Any) -> Any:
            return Apply(self, list(inputs), [pt.dscalar(), pt.dvector()])

        def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
            z, centre, spread, *data = inputs
            value, slope = self.density(centre + spread @ z, self.problem(*data))
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
