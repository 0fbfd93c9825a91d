"""Sums over journeys behind a journey study: visits, exits, steps, loops and stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from xmresearch.sufficient.journeys import Array, Index, Journeys

# bins of an eighth of an octave from a second to about nine years
BINS_PER_OCTAVE, BINS = 8, 225


class StepSums:
    """Additive sums by touchpoint and by pair of touchpoints; a sink for blocks of journeys.

    Parameters
    ----------
    stages : mapping of str to sequence of str
        Touchpoints of each stage, in the order of the stages.

    Attributes
    ----------
    channels : tuple of str
        Length K, in order of appearance.
    by_channel : dict of str to ndarray
        touches, journeys (that passed), firsts, exits (last touch of a journey that did not convert), conversions (last touch
        of one that did), repeats (same as the touch before), returns (seen earlier in the journey); each of shape (K,).
    steps, seconds : ndarray
        Count and total time of steps from row to column, shape (K, K).
    loops : ndarray
        Steps there and straight back, shape (K, K): row is where it began.
    waits : ndarray
        Steps by touchpoint and bin of the time until the next touch, shape (K, bins).
    reached, ended : ndarray
        Journeys that touched each stage, and that did not convert and got no further, shape (stages,); `converted` of those
        whose furthest stage it is.
    lengths : dict of int to float
        Journeys by number of touches.
    """

    NAMES = ("touches", "journeys", "firsts", "exits", "conversions", "repeats", "returns")

    def __init__(self, stages: Mapping[str, Sequence[str]] | None = None) -> None:
        self.stages = {label: k for k, names in enumerate((stages or {}).values()) for label in names}
        count = len(stages or {})
        self.channels: tuple[str, ...] = ()
        self.by_channel = {name: np.zeros(0) for name in self.NAMES}
        self.steps, self.seconds, self.loops = np.zeros((0, 0)), np.zeros((0, 0)), np.zeros((0, 0))
        self.waits = np.zeros((0, BINS))
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
        size = len(block.channels)
        pair = codes[after - 1] * size + codes[after]
        self.steps += np.bincount(pair, times[after], size * size).reshape(size, size)
        back = after[np.isin(after - 1, after, assume_unique=True)]
        back = back[(codes[back] == codes[back - 2]) & (codes[back] != codes[back - 1])]
        loop = codes[back] * size + codes[back - 1]
        self.loops += np.bincount(loop, times[back], size * size).reshape(size, size)
        if block.time is None:
            return
        waited = block.time[after] - block.time[after - 1]
        self.seconds += np.bincount(pair, waited * times[after], size * size).reshape(size, size)
        bins = np.clip(np.ceil(np.log2(np.maximum(waited, 1.0)) * BINS_PER_OCTAVE), 0, BINS - 1).astype(np.int64)
        place = codes[after - 1] * BINS + bins
        self.waits += np.bincount(place, times[after], size * BINS).reshape(size, BINS)

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
            self.steps, self.seconds, self.loops = (
                np.pad(a, ((0, more), (0, more))) for a in (self.steps, self.seconds, self.loops)
            )
            self.waits = np.pad(self.waits, ((0, more), (0, 0)))
            self.channels = channels

    def median_wait(self) -> NDArray[np.float64]:
        """Return the median time until the next touch by touchpoint, in seconds, to within 5 %, shape (K,)."""
        total = np.cumsum(self.waits, axis=1)
        half = (total < total[:, -1:] / 2).sum(axis=1)
        middle = np.exp2((np.maximum(half - 0.5, 0)) / BINS_PER_OCTAVE)
        return np.where(total[:, -1] > 0, middle, np.nan)
