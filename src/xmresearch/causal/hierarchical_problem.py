"""From a panel to the hierarchical model's problem, and to where sampling starts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from xmresearch.causal.cell_likelihood import LINKS, cell_estimates
from xmresearch.causal.hierarchical_density import HierarchicalDensity, Prior, Problem, State
from xmresearch.causal.panel import Panel
from xmresearch.errors import InsufficientData

Array = NDArray[np.float64]
Index = NDArray[np.int64]
_DECIMALS = 12
_ROUNDS = 6
_START_SD, _MOST_START = 0.1, 3.0


class Posed(NamedTuple):
    """A problem with its density and a start.

    Attributes
    ----------
    density : HierarchicalDensity
        Of the structure.
    problem : Problem
        Of the data.
    start : ndarray
        Coordinates near the mode, shape (q,).
    centre, scale : float
        What the outcome was standardised by (0 and 1 but for family gaussian).
    """

    density: HierarchicalDensity
    problem: Problem
    start: Array
    centre: float
    scale: float


def pose(panel: Panel, prior: Prior, base: Array | None = None, units: tuple[float, float] | None = None) -> Posed:
    """Lay out a panel for the hierarchical model.

    Parameters
    ----------
    panel : Panel
        Units with periods before treatment.
    prior : Prior
        Scales.
    base : ndarray, optional
        Cutpoints, or log rate, about which the prior lies; of the pooled data if left out.
    units : (float, float), optional
        Centre and scale of a normal outcome's prior; mean and SD of the data if left out.

    Returns
    -------
    Posed
        Rounded, so that the same data in other units pose the same problem.

    Raises
    ------
    InsufficientData
        Fewer than two units of a kind, which cannot differ.
    """
    treated = panel.treated
    if min(int(treated.sum()), int((~treated).sum()) if (~treated).any() else len(treated)) < 2:
        raise InsufficientData(
            "The hierarchical kind takes at least two treated and two other units.",
            "Use kind 'two_by_two' or 'synthetic_control'.",
        )
    unit, time = np.nonzero(panel.n > 0)
    end = len(panel.periods)
    turn = np.where(treated, panel.start, panel.cohorts[0])
    after = (time >= turn[unit]).astype(float)
    link = LINKS[panel.family]
    centre, scale = 0.0, 1.0
    n, value, scatter = panel.counted[unit, time], panel.value[unit, time], panel.scatter[unit, time]
    if link == "identity":
        centre, scale = (float(n @ value / n.sum()), panel.outcome_sd) if units is None else units
        data = np.column_stack([n, (value - centre) / scale, scatter / scale**2])
        extra, given = np.zeros(1), np.empty(0)
        extra[0] = 0.5 * np.log(_residual_variance(data, unit, time, len(treated), end))
    elif link == "log":
        data, extra = np.column_stack([n, n * value]), np.empty(0)
        given = np.log([max(float(n @ value / n.sum()), 0.5 / n.sum())])
    else:
        data = _answers(panel)[unit, time]
        share = np.cumsum(data.sum(axis=0) + 0.5)
        given = special.ndtri(share[:-1] / share[-1])
        extra = np.log(np.diff(given))
    given = given if base is None else base
    data = np.round(data, _DECIMALS)
    density = HierarchicalDensity(link, len(treated), end, len(extra))
    estimate, weight = cell_estimates(link, data, extra, given)
    own = _own_changes(estimate, weight, unit, time, after, end)
    state = _start(estimate, weight, unit, time, after, treated.astype(float), own, prior)
    problem = Problem(
        data, unit, time, after, treated.astype(float), np.round(own[0], 6), np.round(own[1], 6), np.round(own[2], 6),
        np.round(given, _DECIMALS), np.array(prior),
    )  # fmt: skip
    return Posed(
        density, problem, np.round(density.coordinates(state._replace(extra=extra), problem), 6), centre, scale
    )


def _answers(panel: Panel) -> Array:
    """Return rows per answer, shape (U, T, K); of a 0/1 outcome from its mean."""
    if panel.counts is not None:
        return panel.counts
    hits = panel.counted * np.nan_to_num(panel.value)
    hits = np.rint(hits) if panel.effective is None else hits
    return np.stack([panel.counted - hits, hits], axis=2)


def _residual_variance(data: Array, unit: Index, time: Index, units: int, periods: int) -> float:
    """Return a first guess at the variance of rows in a cell; from cell means where each cell is one row."""
    n, mean, scatter = data.T
    free = float((n - 1).sum())
    if free > 0 and scatter.sum() > 0:
        return float(scatter.sum() / free)
    rows = np.bincount(unit, mean, units) / np.maximum(np.bincount(unit, minlength=units), 1)
    left = mean - rows[unit]
    columns = np.bincount(time, left, periods) / np.maximum(np.bincount(time, minlength=periods), 1)
    return max(float(np.mean((left - columns[time]) ** 2)), 1e-6)


def _own_changes(
    estimate: Array, weight: Array, unit: Index, time: Index, after: Array, periods: int
) -> tuple[Array, Array, Array]:
    """Return change, information and contrast, as `Problem` describes them, from cells' own estimates."""
    units = int(unit.max()) + 1
    sides = np.zeros((2, units, periods))
    sides[after.astype(np.int64), unit, time] = weight
    size = sides.sum(axis=2)
    information = np.where((size > 0).all(axis=0), size[0] * size[1] / np.maximum(size.sum(axis=0), 1e-300), 0.0)
    shares = np.where(information[:, None] > 0, sides / np.maximum(size, 1e-300)[..., None], 0.0)
    contrast = shares[1] - shares[0]
    return np.bincount(unit, contrast[unit, time] * estimate, units), information, contrast


def _start(
    estimate: Array, weight: Array, unit: Index, time: Index, after: Array, treated: Array,
    own: tuple[Array, Array, Array], prior: Prior,
) -> State:  # fmt: skip
    """Return parameters near the mode from cells' own estimates, by turns: means given SDs, and SDs given means."""
    change, information, contrast = own
    units, periods = contrast.shape
    design = np.zeros((len(unit), 2 * units + periods - 1))
    cells, late = np.arange(len(unit)), time > 0
    design[cells, unit] = 1
    design[cells[late], units + time[late] - 1] = 1
    design[cells, units + periods - 1 + unit] = after
    gram, right = (design * weight[:, None]).T @ design, design.T @ (weight * estimate)
    effect, shock, spread = 0.0, _START_SD, _START_SD
    for _ in range(_ROUNDS):
        precision = 1 / (shock**2 + treated * spread**2)
        ridge = [np.full(units, prior.level**-2), np.full(periods - 1, prior.period**-2), precision]
        pull = np.concatenate([np.zeros(units + periods - 1), precision * treated * effect])
        found = np.linalg.solve(gram + np.diag(np.concatenate(ridge)), right + pull)
        period = np.concatenate([[0.0], found[units : units + periods - 1]])
        effect, shock, spread = _moments(change - contrast @ period, information, treated, prior)
    return State(
        found[:units], period, np.empty(0), np.array(effect), np.array(spread), np.array(shock), np.zeros(units)
    )


def _moments(change: Array, information: Array, treated: Array, prior: Prior) -> tuple[float, float, float]:
    """Return effect, shock and spread of highest density given units' estimated changes."""
    from scipy import optimize

    noise = 1 / np.maximum(information, 1e-6)

    def cost(x: Array) -> float:
        shock, spread = np.exp(x[1:])
        variance = noise + shock**2 + treated * spread**2
        value = 0.5 * float((np.log(variance) + (change - treated * x[0]) ** 2 / variance).sum())
        value += 0.5 * ((x[0] / prior.effect) ** 2 + (shock / prior.shock) ** 2 + (spread / prior.spread) ** 2)
        return float(value - x[1] - x[2])

    start = np.array([0.0, np.log(_START_SD), np.log(_START_SD)])
    best = optimize.minimize(cost, start, method="L-BFGS-B", bounds=[(-5, 5), (-7, 0), (-7, 0)]).x
    shock, spread = np.minimum(np.exp(best[1:]), _MOST_START * np.array([prior.shock, prior.spread])).tolist()
    return float(best[0]), shock, spread
