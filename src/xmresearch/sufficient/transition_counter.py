"""Count which touchpoint follows which, a block of journeys at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from xmresearch.errors import ModelError
from xmresearch.sufficient.customer_groups import GROUPS
from xmresearch.sufficient.journeys import Journeys, passing
from xmresearch.sufficient.sums_by_key import FEWEST_BITS, SumsByKey, digits

Array = NDArray[np.float64]
Index = NDArray[np.int64]
MOST_BITS = 63
FEWEST_GROUPS, MOST_PAIRS = 64, 1 << 22
_NARROW = ((8, np.uint8), (16, np.uint16), (31, np.int32), (MOST_BITS, np.int64))


class TransitionCounter:
    """Sums over journeys of order-k transitions by group of customers; a state is a key of k groups of bits, 0 for before the start.

    Parameters
    ----------
    order : int
        Touches that a state remembers.

    Attributes
    ----------
    groups : int
        Groups of customers, halved where they would make too many sums; 1 where nobody knows who took a journey.
    passed : ndarray
        Journeys that converted, and that did not, by channel that they touch, shape (K, 2).
    """

    def __init__(self, order: int) -> None:
        self.order, self.bits, self.groups = order, FEWEST_BITS, 1
        self._steps, self._ends = SumsByKey(1), SumsByKey(5)
        self.passed = np.zeros((0, 2))

    def add(self, block: Journeys) -> None:
        """Count a block whose channels continue those of the blocks before.

        Raises
        ------
        ModelError
            The states of this order do not fit 63 bits.
        """
        if block.group is not None and self.groups == 1:
            self.groups = GROUPS
        self._widen(len(block.channels))
        self.passed = np.pad(self.passed, ((0, len(block.channels) - len(self.passed)), (0, 0)))
        if len(block) == 0:
            return
        self.passed += passing(block)
        above = self.groups.bit_length() - 1
        narrow = next(kind for most, kind in _NARROW if self.bits * (self.order + 1) + above <= most)
        symbol = np.add(block.codes, 1, dtype=narrow, casting="unsafe")
        starts = block.starts[:-1]
        key, shifted = symbol.copy(), symbol
        for back in range(1, self.order + 1):
            before = np.empty_like(shifted)
            before[0] = 0
            before[1:] = shifted[:-1]
            before[starts] = 0
            shifted = before
            if back == self.order:
                # after the last touch, the state is what the next key would hold
                ends = key[block.starts[1:] - 1]
            key |= before << narrow(back * self.bits)
        if block.group is not None:
            group = (block.group & (self.groups - 1)).astype(np.int64) << (self.bits * self.order)
            ends = ends | group.astype(narrow)
            key |= np.repeat((group << self.bits).astype(narrow), block.lengths)
        weights = None if block.single else np.repeat(block.weight, block.lengths)
        self._steps.add(key, [(0, weights)], self.groups << (self.bits * (self.order + 1)))
        size = self.groups << (self.bits * self.order)
        self._ends.add(ends, [(1, block.nulls)], size)
        won = np.flatnonzero(block.conversions)
        parts = (block.conversions, block.value, block.squares, block.valued)
        self._ends.add(ends[won], [(k, part[won]) for k, part in zip((0, 2, 3, 4), parts, strict=True)], size)
        if self._steps.listed > MOST_PAIRS and self.groups > FEWEST_GROUPS:
            self._halve()

    def _halve(self) -> None:
        """Put every two groups together."""
        self.groups //= 2
        for sums, count in ((self._steps, self.order + 1), (self._ends, self.order)):
            sums.mask((self.groups << (self.bits * count)) - 1)

    def _widen(self, channels: int) -> None:
        bits = max(int(channels).bit_length(), self.bits)
        if bits == self.bits:
            return
        if bits * (self.order + 1) + self.groups.bit_length() - 1 > MOST_BITS:
            raise ModelError(
                f"{channels} channels at order {self.order} make more states than can be numbered.",
                "Lower the order, or map rare touchpoints to common channels.",
            )
        for sums, count in ((self._steps, self.order + 1), (self._ends, self.order)):
            sums.rebase(self.bits, bits, count)
        self.bits = bits

    def steps(self) -> tuple[Index, Array, list[sparse.csr_array]]:
        """Return digits of state and next touch (0 for before the start), shape (m, order + 1), counts, and counts by group.

        Returns
        -------
        digits : ndarray
            Shape (m, order + 1).
        sums : ndarray
            Shape (m, 1).
        by_group : list of csr_array
            Of each sum, shape (groups, m); empty where nobody knows who took a journey.
        """
        return self._found(self._steps, self.order + 1)

    def ends(self) -> tuple[Index, Array, list[sparse.csr_array]]:
        """Return digits of last states, shape (m, order), and sums of conversions, nulls, value, squares, valued, as `steps` does."""
        return self._found(self._ends, self.order)

    def _found(self, sums: SumsByKey, count: int) -> tuple[Index, Array, list[sparse.csr_array]]:
        keys, every = sums.total()
        if self.groups == 1:
            return digits(keys, self.bits, count), every, []
        width = self.bits * count
        low, at = np.unique(keys & ((1 << width) - 1), return_inverse=True)
        shape = (self.groups, len(low))
        by = [sparse.coo_array((column, (keys >> width, at)), shape=shape).tocsr() for column in every.T]
        total = np.stack([np.bincount(at, column, len(low)) for column in every.T], axis=1)
        return digits(low, self.bits, count), total, by
