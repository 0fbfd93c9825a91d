"""A chain of touchpoints whose removal effects are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown

Array = NDArray[np.float64]
Index = NDArray[np.int64]
MOST_STEPS = 10_000


@dataclass(frozen=True, repr=False)
class PlantedChain(Shown):
    """An order-k chain over K touchpoints.

    Attributes
    ----------
    channels : tuple of str
        Labels, length K.
    probability : ndarray
        Of the next symbol given the last k, shape (K + 1,) * k + (K + 2,): position K of an earlier axis is before the start;
        of the last axis, K is conversion and K + 1 an end without.
    """

    channels: tuple[str, ...]
    probability: Array

    @classmethod
    def random(
        cls, size: int, order: int, rng: np.random.Generator, *, spread: float = 1.0, stop: float = 0.25
    ) -> PlantedChain:
        """Draw a chain whose rows are Dirichlet.

        Parameters
        ----------
        size, order : int
            Touchpoints, and touches remembered.
        rng : Generator
            Of the rows.
        spread : float
            Dirichlet parameter of each touchpoint; small makes rows uneven.
        stop : float
            Mean probability that a journey ends after a touch.
        """
        rows = (size + 1) ** order
        probability = np.zeros((rows, size + 2))
        probability[:, :size] = rng.dirichlet(np.full(size, spread), rows)
        ends = rng.beta(8 * stop, 8 * (1 - stop), rows)
        ends[-1] = 0  # the journey that has not begun
        converts = rng.beta(3, 5, rows)
        probability[:, :size] *= (1 - ends)[:, None]
        probability[:, size], probability[:, size + 1] = ends * converts, ends * (1 - converts)
        return cls(tuple(f"c{k:02d}" for k in range(size)), probability.reshape(*[size + 1] * order, size + 2))

    @property
    def order(self) -> int:
        """Touches remembered."""
        return self.probability.ndim - 1

    def _flat(self) -> Array:
        return self.probability.reshape(-1, self.probability.shape[-1])

    def simulate(self, journeys: int, rng: np.random.Generator) -> tuple[Index, Index, NDArray[np.bool_]]:
        """Draw journeys.

        Parameters
        ----------
        journeys : int
            How many.
        rng : Generator
            Of the steps.

        Returns
        -------
        codes : ndarray
            Touches of all journeys one after the other, positions in `channels`.
        starts : ndarray
            Where each journey starts, and the end of the last, shape (journeys + 1,).
        converted : ndarray
            Shape (journeys,).
        """
        size, rows = len(self.channels), self._flat()
        limits = np.cumsum(rows, axis=1)
        state = np.full(journeys, len(rows) - 1)
        running, who, what = np.arange(journeys), [], []
        converted = np.zeros(journeys, dtype=bool)
        for _ in range(MOST_STEPS):
            symbol = (rng.random(len(running))[:, None] > limits[state]).sum(axis=1).clip(max=size + 1)
            converted[running[symbol == size]] = True
            goes = symbol < size
            running, symbol = running[goes], symbol[goes]
            if not len(running):
                break
            state = (state[goes] * (size + 1) + symbol) % len(rows)
            who.append(running)
            what.append(symbol)
        owner, codes = np.concatenate(who), np.concatenate(what)
        order = np.argsort(owner, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=journeys))])
        return codes[order], starts, converted

    def truth(self) -> pd.DataFrame:
        """Return what is exactly so.

        Returns
        -------
        DataFrame
            channel, removal_effect (share of the converting journeys that pass it), share (of the sum of removal effects).
        """
        size, rows = len(self.channels), self._flat()
        target = (np.arange(len(rows))[:, None] * (size + 1) + np.arange(size)) % len(rows)
        steps = np.zeros((len(rows), len(rows)))
        np.add.at(steps, (np.arange(len(rows))[:, None], target), rows[:, :size])
        last = np.arange(len(rows)) % (size + 1)
        chance = np.empty(size + 1)
        for c in range(size + 1):
            kept = np.where((last == c) & (c < size), 0.0, 1.0)
            chance[c] = np.linalg.solve(np.eye(len(rows)) - steps * kept, rows[:, size])[-1]
        effect = 1 - chance[:size] / chance[size]
        return pd.DataFrame({"channel": self.channels, "removal_effect": effect, "share": effect / effect.sum()})
