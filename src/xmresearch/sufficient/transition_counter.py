"""Count which touchpoint follows which, a block of journeys at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ModelError
from xmresearch.sufficient.journeys import Journeys

Array = NDArray[np.float64]
Index = NDArray[np.int64]
DENSE, PENDING = 1 << 21, 32
END_SUMS = 5


class TransitionCounter:
    """Sums over journeys of order-k transitions; a state is a key of k groups of bits, 0 for before the start.

    Parameters
    ----------
    order : int
        Touches that a state remembers.
    """

    def __init__(self, order: int) -> None:
        self.order, self.bits = order, 4
        self._steps: list[tuple[Index, Array]] = []
        self._ends: list[tuple[Index, Array]] = []

    def add(self, block: Journeys) -> None:
        """Count a block whose channels continue those of the blocks before.

        Raises
        ------
        ModelError
            The states of this order do not fit 63 bits.
        """
        self._widen(len(block.channels))
        if len(block) == 0:
            return
        symbol = block.codes.astype(np.int64)
        symbol += 1
        starts = block.starts[:-1]
        last = block.starts[1:] - 1
        key, shifted = symbol.copy(), symbol
        for back in range(1, self.order + 1):
            before = np.empty_like(shifted)
            before[0] = 0
            before[1:] = shifted[:-1]
            before[starts] = 0
            shifted = before
            if back == self.order:
                # after the last touch, the state is what the next key would hold
                ends = key[last]
            key |= before << (back * self.bits)
        weight = block.weight
        weights = None if (weight == 1).all() else np.repeat(weight, np.diff(block.starts))
        self._keep(self._steps, key, [weights], self.order + 1)
        sums = [block.conversions, block.nulls, block.value, block.squares, block.valued]
        self._keep(self._ends, ends, sums, self.order)

    def _keep(self, kept: list[tuple[Index, Array]], keys: Index, sums: list[Array | None], digits: int) -> None:
        kept.append(tally(keys, sums, 1 << (digits * self.bits)))
        if len(kept) >= PENDING:
            kept[:] = [_merged(kept)]

    def _widen(self, channels: int) -> None:
        bits = max(int(channels).bit_length(), self.bits)
        if bits == self.bits:
            return
        if bits * (self.order + 1) > 63:
            raise ModelError(
                f"{channels} channels at order {self.order} make more states than can be numbered.",
                "Lower the order, or map rare touchpoints to common channels.",
            )
        for kept in (self._steps, self._ends):
            kept[:] = [(_rebased(keys, self.bits, bits, self.order + 1), sums) for keys, sums in kept]
        self.bits = bits

    def steps(self) -> tuple[Index, Array]:
        """Return digits of state and next touch (0 for before the start), shape (m, order + 1), and counts, shape (m,)."""
        keys, sums = _merged(self._steps) if self._steps else (np.empty(0, np.int64), np.empty((0, 1)))
        return digits(keys, self.bits, self.order + 1), sums[:, 0]

    def ends(self) -> tuple[Index, Array]:
        """Return digits of last states, shape (m, order), and sums of conversions, nulls, value, squares, valued."""
        keys, sums = _merged(self._ends) if self._ends else (np.empty(0, np.int64), np.empty((0, END_SUMS)))
        return digits(keys, self.bits, self.order), sums


def tally(keys: Index, weights: list[Array | None], size: int) -> tuple[Index, Array]:
    """Sum weights by key.

    Parameters
    ----------
    keys : ndarray
        Shape (n,), below `size`.
    weights : list of ndarray or None
        Each of shape (n,); None counts.
    size : int
        Above every key.

    Returns
    -------
    keys : ndarray
        Distinct, in order, shape (m,).
    sums : ndarray
        Shape (m, len(weights)).
    """
    if size <= min(DENSE, 16 * len(keys) + 1024):
        found = np.flatnonzero(np.bincount(keys, minlength=size)) if weights[0] is not None else None
        columns = [np.bincount(keys, w, minlength=size) for w in weights]
        if found is None:
            found = np.flatnonzero(columns[0])
        return found, np.stack([c[found] for c in columns], axis=1).astype(np.float64)
    found, at = np.unique(keys, return_inverse=True)
    return found, np.stack([np.bincount(at, w, len(found)) for w in weights], axis=1).astype(np.float64)


def digits(keys: Index, bits: int, count: int) -> Index:
    """Split keys into groups of bits, the most significant first, shape (n, count)."""
    shift = bits * np.arange(count - 1, -1, -1)
    return (keys[:, None] >> shift) & ((1 << bits) - 1)


def _rebased(keys: Index, old: int, new: int, count: int) -> Index:
    return (digits(keys, old, count) << (new * np.arange(count - 1, -1, -1))).sum(axis=1)


def _merged(parts: list[tuple[Index, Array]]) -> tuple[Index, Array]:
    found, at = np.unique(np.concatenate([k for k, _ in parts]), return_inverse=True)
    sums = np.concatenate([s for _, s in parts])
    total = np.zeros((len(found), sums.shape[1]))
    for column in range(sums.shape[1]):
        total[:, column] = np.bincount(at, sums[:, column], len(found))
    return found, total
