"""Expected visits in a large chain when each channel in turn is removed."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from xmresearch.attribution.chain import Array, Chain, Index

COARSE_STATES, ROUNDS, TOLERANCE = 400, 150, 1e-13
FACTORED_STATES, STEPS = 3000, 5000


class TabooVisits:
    """Solves V = start + Q'V for the whole chain and for each chain without a channel, all at once.

    Parameters
    ----------
    chain : Chain
        Its counts give the chain that the others are close to.
    groups : list of ndarray
        States of each channel.

    Notes
    -----
    Iterative aggregation: what a step leaves unexplained is solved exactly on the states without their oldest touch, with the
    shares of the chain of the counts inside each aggregate, and one more step removes the rest. Repeated until no visit
    changes by more than 1e-13 of the largest; a chain that does not get there in 150 rounds is solved by sparse LU. The order is
    2 at least.

    References
    ----------
    Stewart, W. J. (1994). Introduction to the Numerical Solution of Markov Chains, chapter 6. Princeton University Press.
    """

    def __init__(self, chain: Chain, groups: list[Index]) -> None:
        self.chain, self.groups = chain, groups
        size, many = len(chain.states), len(groups) + 1
        moves = np.flatnonzero(chain.target >= 0)
        order = np.lexsort((chain.row[moves], chain.target[moves]))
        self._from = moves[order]
        indptr = np.searchsorted(chain.target[self._from], np.arange(size + 1))
        # one matrix object whose data are replaced: its pattern is common to all draws
        self._step = sparse.csr_matrix((np.zeros(len(order)), chain.row[self._from], indptr), shape=(size, size))
        self._open = np.ones((size, many))
        for c, group in enumerate(groups):
            self._open[group, c] = 0
        self._begin = np.zeros((size, many))
        self._begin[0] = 1
        self._prepare(chain.shares(chain.count))
        self.rounds: list[int] = []

    def _prepare(self, probability: Array) -> None:
        self._step.data[:] = probability[self._from]
        self._near = self._by_lu() if len(self.chain.states) <= FACTORED_STATES else self._by_steps()
        self._at = _aggregates(self.chain)
        count = int(self._at.max()) + 1
        size = len(self._at)
        self._sum = sparse.csr_matrix((np.ones(size), (self._at, np.arange(size))), shape=(count, size))
        below = (self._sum @ self._near)[self._at]
        self._share = np.divide(self._near, below, out=np.zeros_like(self._near), where=below > 0)
        self._coarse = np.empty((self._near.shape[1], count, count))
        for c in range(self._near.shape[1]):
            spread = sparse.csr_matrix((self._share[:, c], (np.arange(size), self._at)), shape=(size, count))
            kept = sparse.diags_array(self._open[:, c]) @ self._step
            steps = (self._sum @ (kept @ spread)).toarray()
            self._coarse[c] = np.linalg.inv(np.eye(count) - steps) - np.eye(count)

    def visits(self, probability: Array) -> Array:
        """Return expected visits, shape (S, K + 1): without each channel, and of the whole chain.

        Parameters
        ----------
        probability : ndarray
            Of each step, shape (m,).
        """
        self._step.data[:] = probability[self._from]
        found = self._near.copy()
        for _round in range(ROUNDS):
            rest = self._step @ found
            rest += self._begin
            rest *= self._open
            rest -= found
            found += rest
            if np.abs(rest).max() <= TOLERANCE * np.abs(found).max():
                self.rounds.append(_round)
                return found
            coarse = np.matmul(self._coarse, (self._sum @ rest).T[..., None])[..., 0].T
            found += self._share * coarse[self._at]
        return self._by_lu()

    def _by_steps(self) -> Array:
        """Follow the chains step by step until hardly anyone is left: sparse factors of so many states would fill up."""
        found, going = self._begin.copy(), self._begin
        for _ in range(STEPS):
            going = (self._step @ going) * self._open
            found += going
            if going.sum(axis=0).max() <= TOLERANCE:
                break
        return found

    def _by_lu(self) -> Array:
        size = len(self.chain.states)
        whole = sparse.identity(size, format="csc")
        out = np.empty((size, self._begin.shape[1]))
        for c in range(out.shape[1]):
            kept = sparse.diags_array(self._open[:, c]) @ self._step
            out[:, c] = linalg.splu((whole - kept).tocsc()).solve(self._begin[:, c])
        return out


def _aggregates(chain: Chain) -> Index:
    """Return the group of each state: equal in as many of the latest touches as few enough groups allow."""
    size, order = len(chain.channels), chain.states.shape[1]
    at: Index = chain.last + 1
    for length in range(2, order):
        base = (size + 1) ** np.arange(length - 1, -1, -1)
        found, finer = np.unique((chain.states[:, order - length :] + 1) @ base, return_inverse=True)
        if len(found) > COARSE_STATES:
            break
        at = finer
    return at
