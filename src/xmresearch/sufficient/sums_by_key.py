"""Sums of weights by key, whose keys are groups of bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
# sums of up to so many keys are one array: counted anew by each block, or added to in place
COUNTED, DENSE, PENDING = 1 << 16, 1 << 24, 32
FEWEST_BITS = 4


class SumsByKey:
    """Sums by key: in one array while keys are few, otherwise as sorted lists that are merged now and then.

    Parameters
    ----------
    columns : int
        Sums of each key.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._dense = np.zeros((columns, 0))
        self._sparse: list[tuple[Index, Array]] = []

    def add(self, keys: NDArray[np.integer], weights: list[tuple[int, Array | None]], size: int) -> None:
        """Add weights (None counts) to columns; keys are below `size`."""
        if size <= DENSE:
            if self._dense.shape[1] < size:
                self._dense = np.pad(self._dense, ((0, 0), (0, size - self._dense.shape[1])))
            for column, weight in weights:
                if size <= COUNTED:
                    self._dense[column] += np.bincount(keys, weight, size)
                else:
                    np.add.at(self._dense[column], keys, 1.0 if weight is None else weight)
            return
        found, at = np.unique(keys, return_inverse=True)
        sums = np.zeros((len(found), self.columns))
        for column, weight in weights:
            sums[:, column] = np.bincount(at, weight, len(found))
        self._sparse.append((found.astype(np.int64), sums))
        # one long list after the other would be merged with every few short ones
        if len(self._sparse) >= PENDING and sum(len(k) for k, _ in self._sparse[1:]) > len(self._sparse[0][0]):
            self._sparse = [_merged(self._sparse)]

    @property
    def listed(self) -> int:
        """Keys in the longest list."""
        return len(self._sparse[0][0]) if self._sparse else 0

    def rebase(self, old: int, new: int, count: int) -> None:
        """Number keys anew for wider groups of bits; bits above them move up."""
        keys, sums = self.total()
        low = (digits(keys, old, count) << (new * np.arange(count - 1, -1, -1))).sum(axis=1)
        self._replace(low + (keys >> (old * count) << (new * count)), sums)

    def mask(self, bits: int) -> None:
        """Leave out some bits of all keys; keys that are equal then add up."""
        keys, sums = self.total()
        self._replace(keys & bits, sums)

    def _replace(self, keys: Index, sums: Array) -> None:
        self._dense = np.zeros((self.columns, 0))
        self._sparse = [_merged([(keys, sums)])]

    def total(self) -> tuple[Index, Array]:
        """Return distinct keys, shape (m,), and their sums, shape (m, columns)."""
        seen = np.flatnonzero(self._dense.any(axis=0))
        return _merged([(seen, self._dense[:, seen].T), *self._sparse])


def digits(keys: Index, bits: int, count: int) -> Index:
    """Split keys into groups of bits, the most significant first, shape (n, count)."""
    shift = bits * np.arange(count - 1, -1, -1)
    return (keys[:, None] >> shift) & ((1 << bits) - 1)


def _merged(parts: list[tuple[Index, Array]]) -> tuple[Index, Array]:
    found, at = np.unique(np.concatenate([k for k, _ in parts]), return_inverse=True)
    sums = np.concatenate([s for _, s in parts])
    total = np.zeros((len(found), sums.shape[1]))
    for column in range(sums.shape[1]):
        total[:, column] = np.bincount(at, sums[:, column], len(found))
    return found, total
