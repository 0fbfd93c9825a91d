"""What journeys are worth without a channel: exact solutions of absorbing chains."""

from __future__ import annotations

import numpy as np

from xmresearch.attribution.chain import Array, Chain, Index
from xmresearch.attribution.taboo import TabooVisits

DENSE_STATES, ROUND_COST = 320, 300
BATCH_BYTES = 1 << 26


class Absorption:
    """Solves a chain for many sets of step probabilities.

    Parameters
    ----------
    chain : Chain
        States and steps.

    Attributes
    ----------
    dense : bool
        Whether inverses are formed.

    Notes
    -----
    A journey that reaches a removed channel is lost. With N the expected visits of the whole chain, C the states whose
    latest touch is channel c, v the visits from the start and h the worth from each state, the worth that passes
    through c is v_C' (N_CC)^-1 h_C: the vector before h_C holds where journeys meet c first. At order 1 that is a division. That
    is done for all sets at once up to 320 states, at order 1, and where channels are so many that `TabooVisits`, which
    larger chains go through, would take longer.

    References
    ----------
    Kemeny, J. G. & Snell, J. L. (1960). Finite Markov Chains. Van Nostrand.
    Anderl, E. et al. (2016). Mapping the customer journey: lessons learned from graph-based online attribution modeling.
    International Journal of Research in Marketing, 33(3), 457-474.
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.groups: list[Index] = [np.flatnonzero(chain.last == c) for c in range(len(chain.channels))]
        self._taboo: TabooVisits | None = None
        size, order = chain.states.shape
        by_rounds = ROUND_COST * len(chain.row) * len(chain.channels)
        self.dense = order == 1 or size <= DENSE_STATES or size**3 < by_rounds

    def passing(self, probability: Array, gain: Array) -> tuple[Array, Array]:
        """Return the worth of all journeys, and of those that pass each channel.

        Parameters
        ----------
        probability : ndarray
            Of each step, shape (B, m).
        gain : ndarray
            Expected worth of the next step of each state, shape (B, S, G).

        Returns
        -------
        total : ndarray
            Shape (B, G).
        passing : ndarray
            Shape (B, K, G).
        """
        if not self.dense:
            return self._by_taboo(probability, gain)
        size = len(self.chain.states)
        at_once = max(1, BATCH_BYTES // (size * size * 8))
        parts = [
            self._dense(probability[k : k + at_once], gain[k : k + at_once])
            for k in range(0, len(probability), at_once)
        ]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _dense(self, probability: Array, gain: Array) -> tuple[Array, Array]:
        chain, size = self.chain, len(self.chain.states)
        moves = chain.target >= 0
        system = np.zeros((len(probability), size, size))
        system[:, chain.row[moves], chain.target[moves]] = -probability[:, moves]
        system[:, np.arange(size), np.arange(size)] += 1
        visits = np.linalg.inv(system)
        worth = visits @ gain
        passing = np.empty((len(probability), len(self.groups), gain.shape[2]))
        for c, group in enumerate(self.groups):
            block = visits[:, group[:, None], group]
            first = np.linalg.solve(block.swapaxes(1, 2), visits[:, 0, group][..., None])[..., 0]
            passing[:, c] = np.einsum("bs,bsg->bg", first, worth[:, group])
        return worth[:, 0], passing

    def _by_taboo(self, probability: Array, gain: Array) -> tuple[Array, Array]:
        if self._taboo is None:
            self._taboo = TabooVisits(self.chain, self.groups)
        kept = np.empty((len(probability), len(self.groups) + 1, gain.shape[2]))
        for b in range(len(probability)):
            kept[b] = self._taboo.visits(probability[b]).T @ gain[b]
        total = kept[:, -1]
        return total, total[:, None] - kept[:, :-1]
