"""What each cohort mean counts in an effect of staggered adoption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.att import Comparisons
from xmresearch.display import Shown

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def overall_weights(pairs: Comparisons, share: Array, aggregate: str) -> tuple[Array, Index]:
    """Return the weights of the group-time effects in an overall effect.

    Parameters
    ----------
    pairs : Comparisons
        Which effects.
    share : ndarray
        Of the treated cohort of each pair, shape (A,).
    aggregate : str
        simple, group, dynamic or calendar.

    Returns
    -------
    weights : ndarray
        Shape (A,), with sum one.
    key : ndarray
        Which pairs are averaged by cohort share, shape (A,).
    """
    after = pairs.after.astype(float)
    one = np.zeros(len(after), dtype=np.int64)
    if aggregate == "simple":
        return after * share / (after @ share), one
    if aggregate == "group":
        first = np.unique(pairs.cohort[pairs.after], return_index=True)[1]
        own = np.bincount(pairs.cohort, after)[pairs.cohort]
        each = after * share / np.where(own > 0, own, 1.0)
        return each / share[pairs.after][first].sum(), one
    key = np.unique(pairs.event_time if aggregate == "dynamic" else pairs.time, return_inverse=True)[1]
    total = np.bincount(key, after * share)
    return after * share / np.where(total > 0, total, 1.0)[key] / (total > 0).sum(), key


@dataclass(frozen=True, repr=False)
class MeanWeights(Shown):
    """Turns weights of group-time effects into weights of cohort means, at given sizes of the cohorts.

    Attributes
    ----------
    pairs : Comparisons
        Which effects.
    starts, units : ndarray
        First treated period and units of each cohort, shape (G,).
    size : ndarray
        Units (or rows) by cohort and period, shape (G, T).
    """

    pairs: Comparisons
    starts: Index
    units: Index
    size: Array

    @property
    def own(self) -> Index:
        """Treated cohort of each pair, shape (A,)."""
        return np.searchsorted(self.starts, self.pairs.cohort)

    def __call__(self, weights: Array) -> Array:
        """Return the weights of the cohort means, shape (G, T), given those of the pairs, shape (A,)."""
        out, pull = np.zeros(self.size.shape), np.zeros((self.size.shape[1] + 1, self.size.shape[1]))
        for period, sign, mine, total in self._sides():
            rate = -sign * weights / total
            np.add.at(out, (self.own, period), sign * weights - rate * mine)
            np.add.at(pull, (self.pairs.horizon + 1, period), rate)
        return np.asarray(out + self.size * np.cumsum(pull, axis=0)[self.starts])

    def by_share(self, weights: Array, key: Index, mean: Array) -> Array:
        """Return how the effect changes with each cohort's share of the units, shape (G,).

        Parameters
        ----------
        weights : ndarray
            Of the pairs, shape (A,).
        key : ndarray
            Which pairs are averaged by share, shape (A,).
        mean : ndarray
            Cohort means, shape (G, T), 0 where a cohort is not seen.

        Returns
        -------
        ndarray
        """
        share, own, periods = self.units / self.units.sum(), self.own, self.size.shape[1]
        pull, level = np.zeros((periods + 1, periods)), np.zeros((periods + 1, periods))
        out, effect = np.zeros(len(share)), np.zeros(len(weights))
        for period, sign, mine, total in self._sides():
            sums = self._beyond(self.size * mean)[self.pairs.horizon, period]
            other = (sums - mine * mean[own, period]) / total
            effect += sign * (mean[own, period] - other)
            rate = -sign * weights / total
            np.add.at(pull, (self.pairs.horizon + 1, period), rate)
            np.add.at(level, (self.pairs.horizon + 1, period), rate * other)
            np.add.at(out, own, -rate * mine * (mean[own, period] - other))
        pull, level = (np.cumsum(a, axis=0)[self.starts] for a in (pull, level))
        out += (self.size * (mean * pull - level)).sum(axis=1)
        total = np.bincount(key, weights)
        centre = np.bincount(key, weights * effect) / np.where(total > 0, total, 1.0)
        return np.asarray((out + np.bincount(own, weights * (effect - centre[key]), len(out))) / share)

    def _sides(self) -> list[tuple[Index, float, Array, Array]]:
        """Return period, sign, own part of the controls' weight and the controls' weight, for effect and base period."""
        later, seen = self.pairs.cohort > self.pairs.horizon, self._beyond(self.size)
        sides = []
        for period, sign in ((self.pairs.time, 1.0), (self.pairs.base, -1.0)):
            mine = np.where(later, self.size[self.own, period], 0.0)
            sides.append((period, sign, mine, seen[self.pairs.horizon, period] - mine))
        return sides

    def _beyond(self, sums: Array) -> Array:
        """Return sums over the cohorts that start beyond each horizon, shape (T, T)."""
        tail = np.vstack([np.cumsum(sums[::-1], axis=0)[::-1], np.zeros(sums.shape[1])])
        return tail[np.searchsorted(self.starts, np.arange(self.size.shape[1]), side="right")]
