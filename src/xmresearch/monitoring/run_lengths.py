"""Average run lengths of run rules: how many periods pass until an alarm, exactly by the Markov chain of the rules."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.errors import DataError
from xmresearch.monitoring.run_rules import RunRules, hits_of

Array = NDArray[np.float64]
Level = tuple[float, bool, bool, bool]
State = tuple[tuple[int, ...], tuple[int, ...], int]
LONGEST = 1e12
"""Run length beyond which an alarm never comes."""
LENGTHS = 20
"""Run lengths that a simulated series goes on for: the chance of none by then is e^-20."""


def average_run_length(rules: RunRules, *, shift: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Array:
    """Return how many periods pass on average until an alarm, the one with the alarm included.

    Parameters
    ----------
    rules : RunRules
        Without a trend, whose run length `simulated_run_length` tells.
    shift, scale : array_like
        Mean and standard deviation of the standardised points, which are 0 and 1 in control; of one shape, or shapes that broadcast.

    Returns
    -------
    ndarray
        Of independent normal points, from the first period on (zero state); infinite where no alarm ever comes.

    Raises
    ------
    DataError
        Rules with a trend.

    References
    ----------
    Champ, C. W. & Woodall, W. H. (1987). Exact results for Shewhart control charts with supplementary runs rules. Technometrics, 29,
    393-399.
    """
    mean, sd = np.broadcast_arrays(np.asarray(shift, dtype="float64"), np.asarray(scale, dtype="float64"))
    below = stats.norm.cdf((zone_edges(rules) - mean[..., None]) / sd[..., None])
    return run_length_of_zones(rules, zones_between(below))


def zone_edges(rules: RunRules) -> Array:
    """Return the limits of all rules, on both sides and with the centre, in order: zones of a chart lie between them."""
    limits = sorted({v for v in (rules.beyond, rules.two_of_three, rules.four_of_five) if v is not None})
    return np.array([-v for v in reversed(limits)] + [0.0] + limits)


def zones_between(below: Array) -> Array:
    """Return the probability of each zone, shape (..., edges + 1), of those to lie below each edge, shape (..., edges)."""
    return np.diff(below, axis=-1, prepend=0.0, append=1.0)


def run_length_of_zones(rules: RunRules, zones: ArrayLike) -> Array:
    """Return the average run length of points that fall into zones independently.

    Parameters
    ----------
    rules : RunRules
        Without a trend.
    zones : array_like
        Probability of each zone, from the lowest, shape (..., zones): see `zone_edges`.

    Returns
    -------
    ndarray
        Shape of the zones without their last axis.

    Raises
    ------
    DataError
        Rules with a trend.
    """
    if rules.trend is not None:
        raise DataError(
            "The run length of a trend is not that of zones.", "Ask simulated_run_length, or leave the trend out."
        )
    p = np.asarray(zones, dtype="float64")
    steps, size = _chain(_levels(rules), rules.run)
    flat = p.reshape(-1, p.shape[-1])
    if size == 1:
        chance = flat[:, [int(k) for k in np.flatnonzero(steps[:, 0] < 0)]].sum(axis=1)
        found = 1 / np.maximum(chance, 1 / LONGEST)
    else:
        found = np.array([_solved(steps, size, row) for row in flat])
    return np.where(found >= LONGEST, np.inf, found).reshape(p.shape[:-1])


def _solved(steps: NDArray[np.int64], size: int, p: Array) -> float:
    matrix = np.eye(size)
    for zone, to in enumerate(steps):
        stays = np.flatnonzero(to >= 0)
        np.subtract.at(matrix, (stays, to[stays]), p[zone])
    try:
        found = float(np.linalg.solve(matrix, np.ones(size))[0])
    except np.linalg.LinAlgError:
        return LONGEST
    return found if 0 < found < LONGEST else LONGEST


def _levels(rules: RunRules) -> tuple[Level, ...]:
    """Return of each zone: its side, and whether it is beyond the limit of each rule."""
    edges = zone_edges(rules)
    inner = np.concatenate([edges[: len(edges) // 2 + 1], edges[len(edges) // 2 :]])
    two, four, beyond = (np.inf if v is None else v for v in (rules.two_of_three, rules.four_of_five, rules.beyond))
    half = len(inner) // 2
    far = [(-1.0 if k < half else 1.0, abs(float(edge))) for k, edge in enumerate(inner)]
    return tuple((side, edge >= two, edge >= four, edge >= beyond) for side, edge in far)


@lru_cache(maxsize=64)
def _chain(levels: tuple[Level, ...], run: int | None) -> tuple[NDArray[np.int64], int]:
    """Return the state that follows each state in each zone, -1 for an alarm, shape (zones, states), and the number of states."""
    states: dict[State, int] = {}
    rows: list[list[int]] = []
    pending: list[State] = [((0, 0), (0, 0, 0, 0), 0)]
    states[pending[0]] = 0
    while pending:
        state = pending.pop(0)
        row = []
        for level in levels:
            after = _next(state, level, run)
            if after is not None and after not in states:
                states[after] = len(states)
                pending.append(after)
            row.append(-1 if after is None else states[after])
        rows.append(row)
    return np.array(rows).T, len(rows)


def _next(state: State, level: Level, run: int | None) -> State | None:
    side, two, four, beyond = int(level[0]), level[1], level[2], level[3]
    last2, last4, length = state
    length = side * (abs(length) + 1) if length * side > 0 else side
    if beyond or (run is not None and abs(length) >= run):
        return None
    if (two and last2.count(side) >= 1) or (four and last4.count(side) >= 3):
        return None
    return (
        _useful((last2[1], side if two else 0), 1, 2), _useful((*last4[1:], side if four else 0), 3, 4),
        length if run is not None else 0,
    )  # fmt: skip


def _useful(marks: tuple[int, ...], needed: int, window: int) -> tuple[int, ...]:
    """Forget marks that can no longer complete a pattern: fewer states are the same chain."""
    kept = list(marks)
    for side in (-1, 1):
        for k in range(len(kept)):
            # a mark leaves the window in k + 1 periods: until then k more points can join those from here on
            if kept[k] == side and kept[k:].count(side) + k < needed:
                kept[k] = 0
    return tuple(kept)


def simulated_run_length(
    rules: RunRules, *, shift: float = 0.0, scale: float = 1.0, expected: float = 400.0, series: int = 2000, seed: int = 0
) -> tuple[float, float]:  # fmt: skip
    """Estimate the average run length of any rules, trends included, by simulation.

    Parameters
    ----------
    rules : RunRules
        Any.
    shift, scale : float
        Mean and standard deviation of the standardised points.
    expected : float
        About what is expected: series go on for twenty times as long.
    series : int
        Simulated.
    seed : int
        Of the draws.

    Returns
    -------
    run_length, se : float
        A series without an alarm counts as long as it is.

    References
    ----------
    Champ, C. W. & Woodall, W. H. (1987). Technometrics, 29, 393-399.
    """
    rng = np.random.default_rng(seed)
    found = []
    length = int(LENGTHS * expected)
    for start in range(0, series, 100):
        z = shift + scale * rng.standard_normal((min(100, series - start), length))
        any_hit = np.logical_or.reduce(list(hits_of(z, z, rules).values()))
        found.append(np.where(any_hit.any(axis=1), any_hit.argmax(axis=1) + 1, length))
    lengths = np.concatenate(found).astype("float64")
    return float(lengths.mean()), float(lengths.std(ddof=1) / np.sqrt(len(lengths)))
