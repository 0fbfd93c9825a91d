"""From the hierarchical model's parameters to effects on the outcome, unit by unit (g-computation)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.cell_likelihood import expected_scores
from xmresearch.causal.hierarchical_density import Prior, Problem, State

Array = NDArray[np.float64]
Index = NDArray[np.int64]
_CHUNK = 200


class UnitEffects(NamedTuple):
    """Draws of effects on the outcome, for M measures.

    Attributes
    ----------
    units : ndarray
        Positions of the treated units, shape (G,).
    unit : ndarray
        Mean effect on each treated unit after its treatment, shape (S, G, M).
    overall : ndarray
        Their weighted mean, shape (S, M).
    further : ndarray
        Effect to expect in a further unit of the same kind, shape (S, M).
    prior : ndarray
        Overall effect under the prior, shape (S, M).
    """

    units: Index
    unit: Array
    overall: Array
    further: Array
    prior: Array


def unit_effects(
    link: str, state: State, problem: Problem, scores: Array, rows: Array | None, rng: np.random.Generator
) -> UnitEffects:
    """Compare expected outcomes with and without each unit's effect, in the cells after its treatment.

    Parameters
    ----------
    link : str
        As in `likelihood`.
    state : State
        Draws of the parameters, leading shape (S,).
    problem : Problem
        The data.
    scores : ndarray
        As `expected_scores` takes them, shape (M, K).
    rows : ndarray or None
        Rows of each cell, shape (C,), which count equally; None: units count equally in the mean, and cells within a unit.
    rng : Generator
        Of the units' effects given their changes.

    Returns
    -------
    UnitEffects

    Notes
    -----
    Given a unit's change, its effect is normal: the share spread^2 / (spread^2 + shock^2) of what the change exceeds the
    mean effect by is the unit's own.
    """
    treated = np.flatnonzero(problem.treated)
    own = _effect_given_change(state, treated, rng)
    new = state.effect + state.spread * rng.standard_normal(len(state.effect))
    first = _prior_effects(problem, len(state.effect), len(treated), rng)
    cells = np.flatnonzero((problem.after > 0) & (problem.treated[problem.unit] > 0))
    place = np.searchsorted(treated, problem.unit[cells])
    share = np.zeros((len(treated), len(cells)))
    share[place, np.arange(len(cells))] = 1.0 if rows is None else rows[cells]
    size = share.sum(axis=1)
    share /= size[:, None]
    each = np.full(len(treated), 1 / len(treated)) if rows is None else size / size.sum()
    unit, further, prior = [], [], []
    for start in range(0, len(state.effect), _CHUNK):
        part = slice(start, start + _CHUNK)
        level = state.level[part][:, problem.unit[cells]] + state.period[part][:, problem.time[cells]]
        without = level + (state.change[part][:, treated] - own[part])[:, place]
        extra = state.extra[part]
        base = expected_scores(link, without, extra, problem.base, scores)
        gains = [
            np.einsum("gc,scm->sgm", share, expected_scores(link, without + more, extra, problem.base, scores) - base)
            for more in (own[part][:, place], new[part, None], first[part][:, place])
        ]
        unit.append(gains[0])
        further.append(np.einsum("g,sgm->sm", each, gains[1]))
        prior.append(np.einsum("g,sgm->sm", each, gains[2]))
    found = np.concatenate(unit)
    return UnitEffects(
        treated, found, np.einsum("g,sgm->sm", each, found), np.concatenate(further), np.concatenate(prior)
    )


def _effect_given_change(state: State, treated: Index, rng: np.random.Generator) -> Array:
    """Draw the treated units' effects given their changes, shape (S, G)."""
    spread, shock, mean = (a[:, None] ** p for a, p in ((state.spread, 2), (state.shock, 2), (state.effect, 1)))
    own = spread / (spread + shock)
    noise = rng.standard_normal((len(spread), len(treated)))
    drawn: Array = mean + own * (state.change[:, treated] - mean) + np.sqrt(own * shock) * noise
    return drawn


def _prior_effects(problem: Problem, draws: int, units: int, rng: np.random.Generator) -> Array:
    """Draw units' effects from the prior, shape (S, G)."""
    prior = Prior(*problem.prior.tolist())
    mean, spread = prior.effect * rng.standard_normal(draws), prior.spread * np.abs(rng.standard_normal(draws))
    drawn: Array = mean[:, None] + spread[:, None] * rng.standard_normal((draws, units))
    return drawn
