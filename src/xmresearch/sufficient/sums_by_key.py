"""Sums of weights by key, whose keys are groups of bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
DENSE, PENDING = 1 << 17, 32
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
                self._dense[column] += np.bincount(keys, weight, size)
            return
        found, at = np.unique(keys, return_inverse=True)
        sums = np.zeros((len(found), self.columns))
        for column, weight in weights:
            sums[:, column] = np.bincount(at, weight, len(found))
        self._sparse.append((found.astype(np.int64), sums))
        if len(self._sparse) >= PENDING:
            self._sparse = [_merged(self._sparse)]

    def rebase(self, old: int, new: int, count: int) -> None:
        """Number keys anew for wider groups of bits."""
        keys, sums = self.total()
        self._dense = np.zeros((self.columns, 0))
        self._sparse = [((digits(keys, old, count) << (new * np.arange(count - 1, -1, -1))).sum(axis=1), sums)]

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
