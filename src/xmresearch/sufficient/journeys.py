"""Journeys as flat arrays: what readers of paths and of event logs both give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Index = NDArray[np.int64]
PENDING, MATRIX_CELLS = 64, 1 << 22
USED = {
    "blank_values": "conversions that count as worth 0",
    "same_rows": "events equal to the one before",
    "same_time": "events of one customer at the same time as the one before, in the order of the rows",
    "lost_after_conversion": "journeys that did not convert, of customers of whom another did",
}
"""What `Journeys.left_out` counts although it is used."""
ENDS = ("conversions", "nulls", "value", "squares", "valued")


@dataclass(frozen=True, repr=False)
class Journeys(Shown):
    """Sequences of touchpoints, each with how many journeys took it and how they ended.

    Attributes
    ----------
    channels : tuple of str
        Labels of the touchpoints, length K.
    codes : ndarray
        Touchpoints of all journeys one after the other, shape (touches,), positions in `channels`.
    starts : ndarray
        Where each journey starts in `codes`, and where the last one ends, shape (J + 1,).
    conversions, nulls : ndarray
        Journeys of this sequence that converted and that did not, shape (J,).
    value : ndarray
        Total value of the conversions, shape (J,).
    squares, valued : ndarray
        Sum over independent values of (total squared / conversions), and their number, shape (J,).
    time : ndarray or None
        When each touch was, in seconds, shape (touches,).
    cost : ndarray or None
        Spent per channel, shape (K,).
    left_out : dict of str to int
        What was not used, and how often: empty_journeys and empty_conversions (those of them that converted),
        blank_touchpoints, unknown_touchpoints, blank_customers, after_until, before_lookback, repeats,
        value_without_conversion, after_conversion (touches), later_conversions, not_complete (events of the lifecycle), too_long
        (journeys); and what was, though it may be wrong: see `USED`.
    group : ndarray or None
        Random group of customers that took each sequence, shape (J,), see `group_of`; None where nobody knows who took it.
    customers : int
        Customers in all (of a block: so far); 0 where nobody knows.
    """

    channels: tuple[str, ...]
    codes: NDArray[np.int32]
    starts: Index
    conversions: Array
    nulls: Array
    value: Array
    squares: Array
    valued: Array
    time: Array | None = None
    cost: Array | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    group: NDArray[np.int32] | None = None
    customers: int = 0

    @property
    def single(self) -> bool:
        """Whether each sequence is of one journey."""
        return bool((self.weight == 1).all())

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Index:
        """Touches of each journey, shape (J,)."""
        return np.diff(self.starts)

    @property
    def weight(self) -> Array:
        """Journeys that took each sequence, shape (J,)."""
        return self.conversions + self.nulls

    def __add__(self, other: Journeys) -> Journeys:
        """Pool the journeys of different customers: each distinct sequence once, without times."""
        channels = tuple(sorted({*self.channels, *other.channels}))
        a, b = (part._numbered(channels) for part in (self, other))
        both = {k: np.concatenate([getattr(a, k), getattr(b, k)]) for k in ("codes", *ENDS)}
        spent = [part.cost for part in (a, b) if part.cost is not None]
        pooled = Journeys(
            channels, starts=np.concatenate([a.starts, b.starts[1:] + a.starts[-1]]), cost=np.add.reduce(spent) if spent else None,
            left_out=dict(Counter(a.left_out) + Counter(b.left_out)),
            group=np.concatenate([a.group, b.group]) if a.group is not None and b.group is not None else None,
            customers=a.customers + b.customers, **both,
        )  # fmt: skip
        if not len(pooled):
            return pooled
        distinct = DistinctJourneys()
        distinct.add(pooled)
        return distinct.result()

    def _numbered(self, channels: tuple[str, ...]) -> Journeys:
        """Return the same journeys numbered by a longer list of channels that holds all of these."""
        at = {label: k for k, label in enumerate(channels)}
        place = np.array([at[c] for c in self.channels], dtype=np.int64)
        cost = None if self.cost is None else np.bincount(place, self.cost, len(channels))
        return replace(self, channels=channels, codes=place[self.codes].astype(np.int32), cost=cost)

    def reweighted(self, conversions: Array, nulls: Array) -> Journeys:
        """Return the same sequences taken by other numbers of journeys, their mean values kept."""
        share = np.divide(conversions, self.conversions, out=np.zeros(len(self)), where=self.conversions > 0)
        return replace(
            self, conversions=conversions, nulls=nulls, value=self.value * share, squares=self.squares * share,
            valued=self.valued * share,
        )  # fmt: skip

    def merged(self) -> Journeys:
        """Return each sequence once, whoever took it, without groups of customers."""
        distinct = DistinctJourneys(apart=False)
        distinct.add(self)
        return distinct.result()

    def pooled(self, channels: tuple[str, ...], other: str) -> Journeys:
        """Return the same journeys with every channel that is not among `channels` as `other`, which is one of them."""
        place = {label: k for k, label in enumerate(channels)}
        table = np.array([place.get(label, place[other]) for label in self.channels], dtype=np.int32)
        cost = None if self.cost is None else np.bincount(table, self.cost, len(channels))
        return replace(self, channels=channels, codes=table[self.codes], cost=cost)


def require_kind(given: object, *kinds: type, hint: str) -> None:
    """Raise ParamsError where something else is given than what a method works on."""
    if not isinstance(given, kinds):
        wanted = " or ".join(k.__name__ for k in kinds)
        raise ParamsError(f"{type(given).__name__} is given where {wanted} is needed.", hint)


def in_order(channels: tuple[str, ...]) -> tuple[tuple[str, ...], Index]:
    """Return channels sorted by label, and the sorted position of each of those given."""
    order = sorted(range(len(channels)), key=channels.__getitem__)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return tuple(channels[k] for k in order), place


class Sink(Protocol):
    """What takes blocks of journeys, each with the channels of the one before and more."""

    def add(self, block: Journeys) -> None:
        """Take a block."""


class DistinctJourneys:
    """Gathers blocks of journeys and counts equal sequences once.

    Parameters
    ----------
    apart : bool
        Sequences of different groups of customers are kept apart where groups are known.
    """

    def __init__(self, *, apart: bool = True) -> None:
        self._apart = apart
        self._tables: list[pl.DataFrame] = []
        self._last: Journeys | None = None

    def add(self, block: Journeys) -> None:
        """Take a block whose channels continue those of the blocks before."""
        import polars as pl
        import pyarrow as pa

        self._apart &= block.group is not None
        codes, starts = block.codes.astype(">u4"), block.starts
        if self._apart:
            # the group is written behind the last touch: one key is grouped in half the time of two
            whole = np.empty(len(codes) + len(block), dtype=">u4")
            starts = starts + np.arange(len(starts))
            inner = np.ones(len(whole), dtype=bool)
            inner[starts[1:] - 1] = False
            whole[inner], whole[~inner] = codes, block.group
            codes = whole
        buffers = [None, pa.py_buffer(starts * 4), pa.py_buffer(codes)]
        path = pa.Array.from_buffers(pa.large_binary(), len(block), buffers)
        table = pl.DataFrame({"path": pl.Series(pl.from_arrow(path))} | {k: getattr(block, k) for k in ENDS})
        self._tables.append(table.group_by("path").agg(pl.col(*ENDS).sum()))
        self._last = block
        if len(self._tables) >= PENDING:
            self._tables = [self._merged()]

    def _merged(self) -> pl.DataFrame:
        import polars as pl

        return pl.concat(self._tables).group_by("path").agg(pl.col(*ENDS).sum())

    def result(self) -> Journeys:
        """Return the distinct sequences in the order of their codes, groups among them, without times; channels sorted.

        Raises
        ------
        InsufficientData
            There is none.
        """
        last = self._last
        if last is None or not any(map(len, self._tables)):
            raise InsufficientData("There is no journey with a touchpoint.")
        names, place = in_order(last.channels)
        table = self._merged().sort("path")
        flat = np.frombuffer(b"".join(table["path"].to_list()), dtype=">u4").astype(np.int64)
        ends = np.cumsum(table["path"].bin.size().to_numpy().astype(np.int64)) // 4
        group = None
        if self._apart:
            inner = np.ones(len(flat), dtype=bool)
            inner[ends - 1] = False
            group, flat, ends = flat[~inner].astype(np.int32), flat[inner], ends - np.arange(1, len(ends) + 1)
        conversions, nulls, value, squares, valued = (table[k].to_numpy().astype(np.float64) for k in ENDS)
        return Journeys(
            names, place[flat].astype(np.int32), np.concatenate([[0], ends]), conversions, nulls, value, squares, valued,
            None, placed(last.cost, place), last.left_out, group, last.customers if self._apart else 0,
        )  # fmt: skip


def passing(journeys: Journeys) -> Array:
    """Return how many journeys that converted, and that did not, touch each channel at least once, shape (K, 2)."""
    size, lengths = len(journeys.channels), journeys.lengths
    ends = np.stack([journeys.conversions, journeys.nulls])
    found = np.zeros((size, 2))
    step = max(MATRIX_CELLS // max(size, 1), 1)
    for first in range(0, len(journeys), step):
        last = min(first + step, len(journeys))
        touched = np.zeros((last - first) * size)
        row = np.repeat(np.arange(0, len(touched), max(size, 1)), lengths[first:last])
        touched[row + journeys.codes[journeys.starts[first] : journeys.starts[last]]] = 1
        found += (ends[:, first:last] @ touched.reshape(last - first, size)).T
    return found


def placed(values: Array | None, place: Index) -> Array | None:
    """Return values per channel at their new places."""
    if values is None:
        return None
    out = np.zeros(len(place))
    out[place[: len(values)]] = values
    return out


def keep_touches(journeys: Journeys, keep: NDArray[np.bool_]) -> Journeys:
    """Return journeys without some of their touches; journeys may become empty."""
    before = np.concatenate([[0], np.cumsum(keep)])
    time = None if journeys.time is None else journeys.time[keep]
    return replace(journeys, codes=journeys.codes[keep], starts=before[journeys.starts], time=time)


def without_long(journeys: Journeys, most: int | None, note: Callable[[str, int], None]) -> Journeys:
    """Leave out journeys of more touches than `most`, and note how many."""
    if most is None or not (long := journeys.lengths > most).any():
        return journeys
    note("too_long", round(float(journeys.weight[long].sum())))
    return without_empty(keep_touches(journeys, ~np.repeat(long, journeys.lengths)), lambda *_: None)


def without_empty(journeys: Journeys, note: Callable[[str, int], None]) -> Journeys:
    """Leave out journeys that have no touch, and note how many, and how many of them converted."""
    empty = journeys.lengths == 0
    if not empty.any():
        return journeys
    note("empty_journeys", round(float(journeys.weight[empty].sum())))
    note("empty_conversions", round(float(journeys.conversions[empty].sum())))
    ends = {k: getattr(journeys, k)[~empty] for k in ENDS}
    group = None if journeys.group is None else journeys.group[~empty]
    starts = np.append(journeys.starts[:-1][~empty], journeys.starts[-1])
    return replace(journeys, starts=starts, group=group, **ends)
