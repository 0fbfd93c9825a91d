"""Posterior density of units that differ in their levels, their changes and their effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from xmresearch.causal.cell_likelihood import likelihood

Array = NDArray[np.float64]
Index = NDArray[np.int64]
_LEAST = 1e-8


class Prior(NamedTuple):
    """Scales of the priors, in standard deviations of the outcome (of its latent variable; of its log rate).

    Attributes
    ----------
    effect : float
        SD of the normal prior of the mean effect.
    spread : float
        Scale of the half-normal prior of the SD of units' effects.
    shock : float
        Scale of the half-normal prior of the SD of units' own changes.
    level, period : float
        SDs of the normal priors of units' levels and periods' means.
    residual : float
        Scale of the half-Student-t prior, with 4 degrees of freedom, of the residual SD.
    distance : float
        SD of the normal prior of log distances between cutpoints, about those of the pooled answers.
    """

    effect: float = 1.0
    spread: float = 0.25
    shock: float = 0.25
    level: float = 5.0
    period: float = 2.5
    residual: float = 1.0
    distance: float = 1.0


class Problem(NamedTuple):
    """What the density takes from the data.

    Attributes
    ----------
    data : ndarray
        One row per cell, as `likelihood` takes it.
    unit, time : ndarray of int
        Of each cell, shape (C,).
    after : ndarray
        1 from the unit's change on, shape (C,).
    treated : ndarray
        1 for units whose change includes an effect, shape (U,).
    change, information : ndarray
        What a unit's own cells say of its change if periods did not differ, and how surely, shape (U,).
    contrast : ndarray
        Weights of the periods' means in that change, shape (U, T). These three only choose the coordinates.
    base : ndarray
        As `likelihood` takes it.
    prior : ndarray
        `Prior`, shape (7,).
    """

    data: Array
    unit: Index
    time: Index
    after: Array
    treated: Array
    change: Array
    information: Array
    contrast: Array
    base: Array
    prior: Array


class State(NamedTuple):
    """Parameters at some coordinates; each with the leading shape of these.

    Attributes
    ----------
    level : ndarray
        Of the units, (U,).
    period : ndarray
        Relative to the first, (T,).
    extra : ndarray
        As `likelihood` takes it.
    effect, spread, shock : ndarray
        Mean and SD of units' effects, SD of their own changes, ().
    change : ndarray
        Each unit's change: its effect, if treated, and its shock, (U,).
    """

    level: Array
    period: Array
    extra: Array
    effect: Array
    spread: Array
    shock: Array
    change: Array


@dataclass(frozen=True)
class HierarchicalDensity:
    """Log posterior density of the hierarchical model.

    A cell of unit b in period t has the linear predictor level_b + period_t + after_bt * change_b; change_b is normal with
    variance shock^2 about 0 for a unit that is never treated, and with variance shock^2 + spread^2 about the mean effect for
    one that is. The unit's effect is the part of its change that is no shock.

    Attributes
    ----------
    link : str
        As in `likelihood`.
    units, periods, extras : int
        U, T and the link's further parameters.

    Notes
    -----
    Coordinates: levels, periods after the first, extras, effect; shock and spread in polar form, as normal scores of radius
    and angle under their prior, since the treated units' changes tell the sum of the two variances better than its parts,
    and logs would have a long tail towards zero; and z with change_b = p_b + q_b z_b, where p_b and q_b are mean and SD of the unit's change given the other parameters if the
    likelihood of its own cells were normal. So z is close to standard normal whether cells hold ten rows or a million, and
    whether the spread is large or nothing: neither the centred nor the non-centred form does both.

    References
    ----------
    Papaspiliopoulos, O., Roberts, G. O. & Skold, M. (2007). A general framework for the parametrization of hierarchical
    models. Statistical Science, 22(1), 59-73.
    """

    link: str
    units: int
    periods: int
    extras: int

    @property
    def q(self) -> int:
        """Number of coordinates."""
        return 2 * self.units + self.periods - 1 + self.extras + 3

    def read(self, x: Array, problem: Problem) -> State:
        """Return the parameters at coordinates of shape (..., q)."""
        level, period, extra, rest, z = self._split(x)
        shock, spread = (sd for sd, _ in two_sds(rest[..., 1], rest[..., 2], *problem.prior[[2, 1]].tolist()))
        state = State(level, period, extra, rest[..., 0], spread, shock, z)
        p, q, _, _ = _placed(state, problem)
        return state._replace(change=p + q * z)

    def _split(self, x: Array) -> tuple[Array, Array, Array, Array, Array]:
        ends = np.cumsum([self.units, self.periods - 1, self.extras, 3])
        level, period, extra, rest, z = np.split(x, ends, axis=-1)
        return level, np.concatenate([np.zeros((*x.shape[:-1], 1)), period], axis=-1), extra, rest, z

    def coordinates(self, state: State, problem: Problem) -> Array:
        """Return the coordinates with z = 0 at given parameters."""
        prior = Prior(*problem.prior.tolist())
        rest = [float(state.effect), *scores_of(float(state.shock), float(state.spread), prior.shock, prior.spread)]
        return np.concatenate([state.level, state.period[1:], state.extra, rest, np.zeros(self.units)])

    def __call__(self, x: Array, problem: Problem) -> tuple[float, Array]:
        """Return the log density at coordinates x, shape (q,), and its gradient; minus infinity far out, where it overflows."""
        with np.errstate(all="ignore"):
            value, gradient = self._at(x, problem)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return -np.inf, np.zeros(len(x))
        return value, gradient

    def _at(self, x: Array, problem: Problem) -> tuple[float, Array]:
        prior = Prior(*problem.prior.tolist())
        level, period, extra, rest, z = self._split(x)
        effect = float(rest[0])
        (shock, shock_slope), (spread, spread_slope) = two_sds(rest[1], rest[2], prior.shock, prior.spread)
        state = State(level, period, extra, np.array(effect), spread, shock, z)
        p, q, w, m = _placed(state, problem)
        change = p + q * z
        eta = level[problem.unit] + period[problem.time] + problem.after * change[problem.unit]
        value, slope, extra_slope = likelihood(self.link, eta, problem.data, extra, problem.base)
        gap = change - m
        value += float(0.5 * np.log(w).sum() - 0.5 * (w * gap**2).sum() + np.log(q).sum())
        value -= 0.5 * float((level**2).sum() / prior.level**2 + (period**2).sum() / prior.period**2)
        value -= 0.5 * float(effect**2 / prior.effect**2 + rest[1] ** 2 + rest[2] ** 2)
        by_change = np.bincount(problem.unit, problem.after * slope, self.units) - w * gap
        by_mean = w * gap + by_change * q**2 * w
        by_w = 0.5 / w - 0.5 * gap**2 - 0.5 * q**2 + by_change * (q**2 * (m - p) - 0.5 * q**3 * z)
        by_variance = -(w**2) * by_w
        by_period = np.bincount(problem.time, slope, self.periods)
        by_period -= (by_change * q**2 * problem.information) @ problem.contrast
        by_effect = float(problem.treated @ by_mean) - effect / prior.effect**2
        by_shock = 2 * shock * by_variance.sum()
        by_spread = 2 * spread * (problem.treated @ by_variance)
        by_scores = by_shock * shock_slope + by_spread * spread_slope - rest[1:]
        more, more_slope = self._extra_prior(extra, problem.base, prior)
        gradient: list[Array] = [
            np.bincount(problem.unit, slope, self.units) - level / prior.level**2,
            (by_period - period / prior.period**2)[1:], extra_slope + more_slope,
            np.append(by_effect, by_scores), q * by_change,
        ]  # fmt: skip
        return value + more, np.concatenate(gradient)

    def _extra_prior(self, extra: Array, base: Array, prior: Prior) -> tuple[float, Array]:
        """Return the log prior of the link's further parameters, and its slope."""
        if self.link == "identity":
            square = np.exp(2 * extra) / prior.residual**2
            return float((extra - 2.5 * np.log1p(square / 4)).sum()), 1 - 5 * square / (4 + square)
        if self.link == "log":
            return 0.0, np.zeros(0)
        gap = (extra - np.log(np.diff(base))) / prior.distance
        return -0.5 * float((gap**2).sum()), -gap / prior.distance


def two_sds(
    radius: Array, angle: Array, shock_scale: float, spread_scale: float
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return shock and spread, each with its slopes by the two scores, shape (2, ...).

    Parameters
    ----------
    radius, angle : ndarray
        Normal scores. Two independent half-normal variables have a Rayleigh radius and a uniform angle.
    shock_scale, spread_scale : float
        Of the half-normal priors.
    """
    length = np.maximum(np.sqrt(-2 * special.log_ndtr(-radius)), _LEAST)
    stretch = np.exp(-0.5 * radius**2 - special.log_ndtr(-radius)) / np.sqrt(2 * np.pi) / length
    turn = np.pi / 2 * special.ndtr(angle)
    turning = np.sqrt(np.pi / 8) * np.exp(-0.5 * angle**2)
    along, across = np.maximum(np.cos(turn), _LEAST), np.maximum(np.sin(turn), _LEAST)
    shock = shock_scale * length * along, shock_scale * np.stack([stretch * along, -length * across * turning])
    spread = spread_scale * length * across, spread_scale * np.stack([stretch * across, length * along * turning])
    return shock, spread


def scores_of(shock: float, spread: float, shock_scale: float, spread_scale: float) -> tuple[float, float]:
    """Return the normal scores of radius and angle."""
    along, across = shock / shock_scale, spread / spread_scale
    tail = np.exp(-0.5 * (along**2 + across**2))
    return float(-special.ndtri(tail)), float(special.ndtri(2 / np.pi * np.arctan2(across, along)))


def _placed(state: State, problem: Problem) -> tuple[Array, Array, Array, Array]:
    """Return mean and SD of units' changes given the rest, and precision and mean of their prior, each (..., U)."""
    w = 1 / (state.shock[..., None] ** 2 + problem.treated * state.spread[..., None] ** 2)
    m = problem.treated * state.effect[..., None]
    narrow = 1 / (problem.information + w)
    own = problem.change - state.period @ problem.contrast.T
    return narrow * (problem.information * own + w * m), np.sqrt(narrow), w, m
