"""Resample whole journeys: what the chain's intervals would be if no chain were assumed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from xmresearch.attribution.chain import Array, Chain, Index
from xmresearch.errors import DataError
from xmresearch.sufficient.journeys import Journeys

RESAMPLED_AT_ONCE = 1 << 23


class JourneyBootstrap:
    """Poisson bootstrap of the distinct sequences behind a chain.

    Parameters
    ----------
    chain : Chain
        Made of the transitions of the same journeys.
    journeys : Journeys
        The sequences.

    Raises
    ------
    DataError
        The journeys are not those of the chain.

    References
    ----------
    Chamandy, N. et al. (2012). Estimating uncertainty for massive data streams. Google technical report.
    """

    def __init__(self, chain: Chain, journeys: Journeys) -> None:
        self.chain, self.journeys = chain, journeys
        if journeys.channels != chain.channels:
            raise DataError(
                "The journeys have other channels than the transitions.", "Give those they were counted from."
            )
        size, order = len(chain.channels), chain.states.shape[1]
        starts, last = journeys.starts[:-1], journeys.starts[1:] - 1
        symbol = journeys.codes.astype(np.int64) + 1
        state, shifted, power = np.zeros(len(symbol), np.int64), symbol, 1
        for _ in range(order):
            before = np.empty_like(shifted)
            before[0] = 0
            before[1:] = shifted[:-1]
            before[starts] = 0
            state += before * power
            shifted, power = before, power * (size + 1)
        end = state[last] * (size + 1) % power + symbol[last]
        base = (size + 1) ** np.arange(order - 1, -1, -1)
        key = ((chain.states + 1) @ base)[chain.row] * (size + 2) + chain.symbol
        of = np.repeat(np.arange(len(journeys)), journeys.lengths)
        self._touched = self._incidence(key, state * (size + 2) + symbol - 1, of)
        every = np.arange(len(journeys))
        self._converted = self._incidence(key, end * (size + 2) + size, every)
        self._ended = self._incidence(key, end * (size + 2) + size + 1, every)
        count = self._touched @ journeys.weight + self._converted @ journeys.conversions + self._ended @ journeys.nulls
        if not np.allclose(count, chain.count):
            raise DataError("The journeys are not those of the transitions.", "Give those they were counted from.")
        # sequences that no journey took may end in a state that is not in the chain
        self._state = np.searchsorted((chain.states + 1) @ base, end).clip(max=len(chain.states) - 1)

    def _incidence(self, key: Index, wanted: Index, of: Index) -> sparse.csr_matrix:
        at = np.searchsorted(key, wanted).clip(max=len(key) - 1)
        found = key[at] == wanted
        shape = (len(key), len(self.journeys))
        return sparse.csr_matrix((np.ones(int(found.sum())), (at[found], of[found])), shape=shape)

    def resample(self, times: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
        """Resample, a batch at a time.

        Parameters
        ----------
        times : int
            Resamples in all.
        rng : Generator
            Their source.

        Yields
        ------
        probability : ndarray
            Of each step, shape (batch, m).
        worth : ndarray
            Mean value of a conversion by last state, shape (batch, S).
        """
        journeys, count = self.journeys, len(self.journeys)
        rows = len(self.chain.states)
        mean = np.divide(journeys.value, journeys.conversions, out=np.zeros(count), where=journeys.conversions > 0)
        to_state = sparse.csr_matrix((np.ones(count), (self._state, np.arange(count))), shape=(rows, count))
        at_once = max(1, RESAMPLED_AT_ONCE // max(count, len(self.chain.row)))
        for done in range(0, times, at_once):
            many = min(at_once, times - done)
            won = rng.poisson(journeys.conversions, (many, count)).T.astype(np.float64)
            lost = rng.poisson(journeys.nulls, (many, count)).T.astype(np.float64)
            weight = self._touched @ (won + lost) + self._converted @ won + self._ended @ lost
            conversions, value = to_state @ won, to_state @ (won * mean[:, None])
            worth = np.divide(value, conversions, out=np.zeros_like(value), where=conversions > 0)
            yield self.chain.shares(weight.T), worth.T
