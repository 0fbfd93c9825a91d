"""Sums over journeys behind a journey study: visits, exits, steps, loops and stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ParamsError
from xmresearch.sufficient.journeys import Array, Index, Journeys
from xmresearch.sufficient.sums_by_key import FEWEST_BITS, SumsByKey, digits
from xmresearch.sufficient.transition_counter import MOST_BITS

# below a second, then bins of an eighth of an octave to about nine years; two digits of the fewest bits hold a bin
BINS_PER_OCTAVE, BINS, DIGIT = 8, 226, 1 << FEWEST_BITS


class StepSums:
    """Additive sums by touchpoint and by pair of touchpoints; a sink for blocks of journeys.

    Parameters
    ----------
    stages : mapping of str to sequence of str
        Touchpoints of each stage, in the order of the stages.

    Raises
    ------
    ParamsError
        A touchpoint is in two stages.

    Attributes
    ----------
    channels : tuple of str
        Length K, in order of appearance.
    by_channel : dict of str to ndarray
        touches, journeys (that passed), firsts, exits (last touch of a journey that did not convert), conversions (last touch
        of one that did), repeats (same as the touch before), returns (seen earlier in the journey); each of shape (K,).
    reached, ended : ndarray
        Journeys that touched each stage, and that did not convert and got no further, shape (stages,); `converted` of those
        whose furthest stage it is.
    lengths : dict of int to float
        Journeys by number of touches.
    """

    NAMES = ("touches", "journeys", "firsts", "exits", "conversions", "repeats", "returns")

    def __init__(self, stages: Mapping[str, Sequence[str]] | None = None) -> None:
        self.stages: dict[str, int] = {}
        for k, (stage, names) in enumerate((stages or {}).items()):
            if isinstance(names, str):
                raise ParamsError(f"Stage '{stage}' holds the text '{names}'.", "Give a list of touchpoints.")
            for label in names:
                if label in self.stages:
                    raise ParamsError(f"Touchpoint '{label}' is in two stages.", "Leave it in one of them.")
                self.stages[label] = k
        count = len(stages or {})
        self.channels: tuple[str, ...] = ()
        self.by_channel = {name: np.zeros(0) for name in self.NAMES}
        self._bits, self._steps, self._loops = FEWEST_BITS, SumsByKey(2), SumsByKey(1)
        self._waits = SumsByKey(1)
        self.reached, self.ended, self.converted = np.zeros(count), np.zeros(count), np.zeros(count)
        self.lengths = np.zeros(0)
        self.total = np.zeros(2)

    def add(self, block: Journeys) -> None:
        """Add a block whose channels continue those of the blocks before."""
        self._grow(block.channels)
        if len(block) == 0:
            return
        size, codes, weight = len(block.channels), block.codes.astype(np.int64), block.weight
        owner = np.repeat(np.arange(len(block)), block.lengths)
        times = weight[owner]
        first, last = block.starts[:-1], block.starts[1:] - 1
        inner = np.ones(len(codes), dtype=bool)
        inner[first] = False
        passed, at = np.unique(owner * size + codes, return_index=True)
        again = np.ones(len(codes))
        again[at] = 0
        repeats = np.zeros(len(codes), dtype=bool)
        repeats[1:] = codes[1:] == codes[:-1]
        repeats &= inner
        sums = {
            "touches": np.bincount(codes, times, size),
            "journeys": np.bincount(passed % size, weight[passed // size], size),
            "firsts": np.bincount(codes[first], weight, size), "exits": np.bincount(codes[last], block.nulls, size),
            "conversions": np.bincount(codes[last], block.conversions, size),
            "repeats": np.bincount(codes[repeats], times[repeats], size),
            "returns": np.bincount(codes, times * again, size),
        }  # fmt: skip
        for name, values in sums.items():
            self.by_channel[name] += values
        self._add_steps(block, codes, times, np.flatnonzero(inner))
        self._add_stages(block, codes)
        lengths = np.bincount(block.lengths, weight)
        longer = np.zeros(max(len(lengths), len(self.lengths)))
        longer[: len(self.lengths)] += self.lengths
        longer[: len(lengths)] += lengths
        self.lengths = longer
        self.total += [float(block.conversions.sum()), float(block.nulls.sum())]

    def _add_steps(self, block: Journeys, codes: Index, times: Array, after: Index) -> None:
        bits = self._bits
        waited = np.zeros(len(after)) if block.time is None else block.time[after] - block.time[after - 1]
        pair = (codes[after - 1] << bits) + codes[after]
        self._steps.add(pair, [(0, times[after]), (1, waited * times[after])], 1 << (2 * bits))
        back = after[np.isin(after - 1, after, assume_unique=True)]
        back = back[(codes[back] == codes[back - 2]) & (codes[back] != codes[back - 1])]
        self._loops.add((codes[back] << bits) + codes[back - 1], [(0, times[back])], 1 << (2 * bits))
        if block.time is None or 4 * bits > MOST_BITS:
            return
        octaves = np.ceil(np.log2(np.maximum(waited, 1.0)) * BINS_PER_OCTAVE).astype(np.int64)
        high, low = np.divmod(np.where(waited < 1, 0, np.minimum(octaves + 1, BINS - 1)), DIGIT)
        self._waits.add((((pair << bits) + high) << bits) + low, [(0, times[after])], 1 << (4 * bits))

    def _add_stages(self, block: Journeys, codes: Index) -> None:
        if not self.stages:
            return
        stage = np.array([self.stages.get(label, -1) for label in block.channels])[codes]
        furthest = np.maximum.reduceat(stage, block.starts[:-1])
        for k in range(len(self.reached)):
            touched = np.logical_or.reduceat(stage == k, block.starts[:-1])
            self.reached[k] += float(block.weight[touched].sum())
            self.ended[k] += float(block.nulls[furthest == k].sum())
            self.converted[k] += float(block.conversions[furthest == k].sum())

    def _grow(self, channels: tuple[str, ...]) -> None:
        more = len(channels) - len(self.channels)
        if more:
            self.by_channel = {k: np.pad(v, (0, more)) for k, v in self.by_channel.items()}
            bits = max(len(channels).bit_length(), self._bits)
            if bits != self._bits:
                self._steps.rebase(self._bits, bits, 2)
                self._loops.rebase(self._bits, bits, 2)
                if 4 * bits <= MOST_BITS:
                    self._waits.rebase(self._bits, bits, 4)
                self._bits = bits
            self.channels = channels

    def pairs(self) -> tuple[Index, Index, Array, Array]:
        """Return the steps that were taken: from and to (positions in `channels`), count, and total time in seconds."""
        return self._found(self._steps)

    def loops(self) -> tuple[Index, Index, Array]:
        """Return steps there and straight back: where they began, where they went, and count."""
        return self._found(self._loops)

    def _found(self, sums: SumsByKey) -> tuple[Any, ...]:
        keys, total = sums.total()
        seen = total[:, 0] > 0
        return (*digits(keys[seen], self._bits, 2).T, *total[seen].T)

    def median_wait(self) -> NDArray[np.float64]:
        """Return the median time until the next touch by touchpoint, in seconds, to within 5 % (0 below a second), shape (K,)."""
        out = np.full(len(self.channels), np.nan)
        source, _, bin_, count = self._binned()
        found, middle = _medians(source, bin_, count)
        out[found] = middle
        return out

    def median_waits(self) -> NDArray[np.float64]:
        """Return the median time that each of `pairs` takes, in the same way; NaN without times, and beyond 32 767 channels."""
        source, target, bin_, count = self._binned()
        a, b = self.pairs()[:2]
        out = np.full(len(a), np.nan)
        size = len(self.channels)
        found, middle = _medians(source * size + target, bin_, count)
        out[np.searchsorted(a * size + b, found)] = middle
        return out

    def _binned(self) -> tuple[Index, Index, Index, Array]:
        keys, total = self._waits.total() if 4 * self._bits <= MOST_BITS else SumsByKey(1).total()
        seen = total[:, 0] > 0
        source, target, high, low = digits(keys[seen], self._bits, 4).T
        return source, target, high * DIGIT + low, total[seen, 0]


def _medians(group: Index, bin_: Index, count: Array) -> tuple[Index, Array]:
    """Return the groups and the middle of the bin where half of each is reached."""
    order = np.lexsort((bin_, group))
    running = np.cumsum(count[order])
    found, begin = np.unique(group[order], return_index=True)
    if not len(found):
        return found, running
    before = np.where(begin > 0, running[begin - 1], 0.0)
    whole = np.append(running[begin[1:] - 1], running[-1]) - before
    half = bin_[order][np.searchsorted(running, before + whole / 2)]
    return found, np.where(half > 0, np.exp2(np.maximum(half - 1.5, 0) / BINS_PER_OCTAVE), 0.0)
