"""Stream an event log, cut it into journeys, and hand them on a block at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xmresearch.errors import DataError
from xmresearch.sufficient.case_ends import CaseEnds
from xmresearch.sufficient.customer_groups import group_of
from xmresearch.sufficient.event_columns import BLANK, CONVERTS, UNKNOWN, EventColumns
from xmresearch.sufficient.event_rules import EventRules, seconds
from xmresearch.sufficient.journeys import Index, Journeys, Sink, keep_touches, without_empty, without_long
from xmresearch.sufficient.sources import readable

BATCH_ROWS, SLICE_ROWS, SORTED_AT_ONCE = 500_000, 50_000, 12_000_000


class _OutOfOrder(Exception):
    """Rows are not sorted by customer and time."""


def reduce_events[S: Sink](
    log: EventRules, make: Callable[[], S], *, times: bool = False, whole: bool = True
) -> tuple[S, Journeys]:
    """Stream the journeys of a log into a sink.

    Parameters
    ----------
    log : EventRules
        The events. Rows sorted by customer and time are read once, in bounded memory; others are sorted, a part of the
        customers at a time.
    make : callable
        Makes an empty sink.
    times : bool
        Blocks hold the time of each touch.
    whole : bool
        These are all events, among which each converting touchpoint must occur.

    Returns
    -------
    sink : Sink
    last : Journeys
        The last block, whose channels, cost and left_out are those of the whole log.

    Raises
    ------
    DataError
        A column is missing or of the wrong type; a time does not parse, is blank or lies in the future; a value or cost is
        negative (rows are named); a channel is not in the mapping; rows are out of order though `ordered` says otherwise.
    """
    with readable(log.data):
        columns = EventColumns(log, whole=whole)
        if log.ordered is not False:
            try:
                return _poured(log, columns, columns.batches(BATCH_ROWS), make(), times, whole)
            except _OutOfOrder:
                if log.ordered:
                    raise DataError(
                        f"Rows are not sorted by '{log.customer}' and '{log.time}', though ordered=True says so.",
                        "Leave it out, and they are sorted.",
                    ) from None
        return _poured(log, EventColumns(log, whole=whole), _sorted_batches(columns), make(), times, whole)


def _sorted_batches(columns: EventColumns) -> Iterator[pl.DataFrame]:
    rows = columns.rows()
    parts = max(1, math.ceil(rows / SORTED_AT_ONCE))
    for part in range(parts):
        some = columns.table if parts == 1 else columns.table.filter(pl.col("id").hash(seed=0) % parts == part)
        frame = some.collect(engine="streaming").sort("id", "t", maintain_order=True)
        # customers of one part are not above those of the part before
        yield from (frame[k : k + BATCH_ROWS].with_columns(part=pl.lit(part)) for k in range(0, len(frame), BATCH_ROWS))


def _poured[S: Sink](
    log: EventRules, columns: EventColumns, batches: Iterator[pl.DataFrame], sink: S, times: bool, whole: bool
) -> tuple[S, Journeys]:
    cutter = _Cutter(log, columns, times)
    for batch in batches:
        # slices that stay in the processor's cache are counted several times as fast
        for k in range(0, len(batch), SLICE_ROWS):
            for block in cutter.cut(batch[k : k + SLICE_ROWS]):
                sink.add(block)
    columns.require_moments()
    if whole:
        columns.require_converting()
    last = cutter.finish()
    sink.add(last)
    return sink, last


@dataclass
class _Rows:
    """Rows not yet cut: whether each is of a new customer, the customer's ordinal, time, code, conversion and value."""

    fresh: NDArray[np.bool_]
    who: Index
    time: NDArray[Any]
    code: NDArray[np.int32]
    converted: NDArray[np.bool_]
    value: NDArray[np.float64] | None

    def part(self, which: slice | NDArray[np.bool_]) -> _Rows:
        value = None if self.value is None else self.value[which]
        return _Rows(
            self.fresh[which], self.who[which], self.time[which], self.code[which], self.converted[which], value
        )

    def then(self, other: _Rows) -> _Rows:
        value = None
        if self.value is not None and other.value is not None:
            value = np.concatenate([self.value, other.value])
        fresh, who, time, code, converted = (
            np.concatenate([getattr(self, k), getattr(other, k)]) for k in ("fresh", "who", "time", "code", "converted")
        )
        return _Rows(fresh, who, time, code, converted, value)


class _Cutter:
    """Cuts batches of sorted rows into journeys; the last one waits for what follows."""

    def __init__(self, log: EventRules, columns: EventColumns, times: bool) -> None:
        self.log, self.columns, self.times = log, columns, times
        self.noted: Counter[str] = Counter()
        self.gap, self.lookback = (seconds(s, n) for s, n in ((log.gap, "gap"), (log.lookback, "lookback")))
        self.cases = CaseEnds(log.after_conversion)
        self.tail: _Rows | None = None
        self.tail_anew = True
        self.before: tuple[object, object, int] | None = None
        self.last: _Rows | None = None
        # customers met, those with a journey, and the last of them
        self.met, self.customers, self.latest = 0, 0, -1

    def cut(self, batch: pl.DataFrame) -> Iterator[Journeys]:
        """Give the journeys that are complete: the one that was waiting, then those within the batch."""
        batch = self.columns.checked(batch, self.noted)
        if batch.is_empty():
            return
        cost = batch["cost"].fill_null(0.0).to_numpy() if "cost" in batch.columns else None
        rows = self._once(self._rows(batch), cost)
        if not len(rows.code):
            return
        starts, anew = self._starts(rows)
        if self.tail is not None:
            waiting = self.tail
            if not len(starts):
                self.tail = waiting.then(rows)
                return
            if starts[0] > 0:
                waiting = waiting.then(rows.part(slice(0, starts[0])))
            yield self._journeys(waiting, np.array([0, len(waiting.code)]), np.array([self.tail_anew]))
        self.tail_anew = bool(anew[-1])
        begin, end = int(starts[0]), int(starts[-1])
        self.tail = rows.part(slice(end, None))
        yield self._journeys(rows.part(slice(begin, end)), starts - begin, anew[:-1])

    def finish(self) -> Journeys:
        """Return the last journeys."""
        rows = self.tail
        if rows is None:
            nothing = np.empty(0)
            rows = _Rows(
                np.empty(0, bool), np.empty(0, np.int64), nothing, np.empty(0, np.int32), np.empty(0, bool), nothing
            )
        some = len(rows.code) > 0
        return self._journeys(rows, np.array([0, len(rows.code)] if some else [0]), np.array([self.tail_anew][:some]))

    def _rows(self, batch: pl.DataFrame) -> _Rows:
        key, time = batch["id"], batch["t"].to_numpy()
        part = int(batch["part"][0]) if "part" in batch.columns else 0
        first, before = (key[0], time[0], part), self.before
        fresh = np.ones(len(batch), dtype=bool)
        if key.dtype.is_integer():
            ids = key.to_numpy()
            np.greater(ids[1:], ids[:-1], out=fresh[1:])
            falls = bool((ids[1:] < ids[:-1]).any())
        else:
            fresh[1:] = (key != key.shift())[1:].to_numpy()
            falls = bool((key < key.shift()).any())
        if before is not None and before[2] == part:
            fresh[0] = before[0] != first[0]
            falls |= before[0] > first[0]
            falls |= bool(not fresh[0] and before[1] > first[1])
        if falls or bool(np.greater(time[:-1] > time[1:], fresh[1:]).any()):
            raise _OutOfOrder
        self.before = (key[-1], time[-1], part)
        code = self.columns.codes(batch["k"])
        converted = np.zeros(len(batch), dtype=bool)
        if "c" in batch.columns:
            converted = batch["c"].to_numpy()
        if self.log.converting:
            pure = code == CONVERTS
            converted, code = converted | pure, np.where(pure, np.int32(BLANK), code)
        value = None
        if "v" in batch.columns:
            if batch["v"].null_count():
                self._note("blank_values", np.count_nonzero(batch["v"].is_null().to_numpy() & converted))
            value = batch["v"].fill_null(0.0).to_numpy()
            paid = np.count_nonzero(value) - np.count_nonzero(value[converted])
            self._note("value_without_conversion", paid)
        who = self.met - 1 + np.cumsum(fresh)
        self.met = int(who[-1]) + 1
        return _Rows(fresh, who, time, code, converted, value)

    def _once(self, rows: _Rows, cost: NDArray[np.float64] | None) -> _Rows:
        """Count rows that are equal to the one before, leave them out where repeats are, and add up what the others cost."""
        at = np.flatnonzero((rows.time[1:] == rows.time[:-1]) & ~rows.fresh[1:]) + 1
        same = (rows.code[at] == rows.code[at - 1]) & (rows.converted[at] == rows.converted[at - 1])
        if rows.value is not None:
            same &= rows.value[at] == rows.value[at - 1]
        again = at[same]
        ties = len(at) - len(again)
        if self.last is not None and not rows.fresh[0]:
            pair = self.last.then(rows.part(slice(0, 1)))
            whole = [pair.time, pair.code, pair.converted] + ([] if pair.value is None else [pair.value])
            twice = all(a[0] == a[1] for a in whole)
            again = np.append(again, [0] if twice else []).astype(np.int64)
            ties += bool(pair.time[0] == pair.time[1] and not twice)
        self._note("same_time", ties)
        self.last = rows.part(slice(len(rows.code) - 1, None))
        drop = self.log.repeats == "drop"
        self._note("repeats" if drop else "same_rows", len(again))
        if drop and len(again):
            kept = np.ones(len(rows.code), dtype=bool)
            kept[again] = False
            rows, cost = rows.part(kept), None if cost is None else cost[kept]
        if cost is not None:
            self.columns.spend(rows.code, cost)
        return rows

    def _starts(self, rows: _Rows) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the rows at which a journey starts, given the row that waits before the first, and whether a customer or a pause does."""
        anew, before = rows.fresh, self.tail
        if self.gap is not None:
            gap, anew = self.gap / self.columns.unit, anew.copy()
            anew[1:] |= rows.time[1:] - rows.time[:-1] > gap
            anew[0] |= before is not None and rows.time[0] - before.time[-1] > gap
        begins = anew.copy()
        begins[1:] |= rows.converted[:-1]
        begins[0] |= before is None or before.converted[-1]
        starts = np.flatnonzero(begins)
        return starts, anew[starts]

    def _without_aftercare(
        self, rows: _Rows, starts: NDArray[np.int64], anew: NDArray[np.bool_]
    ) -> tuple[_Rows, NDArray[np.int64]]:
        converted = rows.converted[starts[1:] - 1]
        kept = self.cases.kept(anew, converted)
        if kept.all():
            return rows, starts
        lengths = np.diff(starts)
        within = np.repeat(kept, lengths)
        self._note("after_conversion", (rows.code[~within] != BLANK).sum())
        self._note("later_conversions", converted[~kept].sum())
        return rows.part(within), np.concatenate([[0], np.cumsum(lengths[kept])])

    def _journeys(self, rows: _Rows, starts: NDArray[np.int64], anew: NDArray[np.bool_]) -> Journeys:
        """Cut rows at `starts`, whose last element is their number; `anew`: whether each follows no conversion at once."""
        rows, starts = self._without_aftercare(rows, starts, anew)
        last = starts[1:] - 1
        if len(starts) == 0:
            starts = np.zeros(1, np.int64)
        converted = rows.converted[last].astype(np.float64)
        value = np.zeros(len(last)) if rows.value is None else rows.value[last] * converted
        time = rows.time * self.columns.unit if self.times else None
        channels, cost, who = self.columns.labels.channels, self.columns.cost, rows.who[starts[:-1]]
        found = Journeys(
            channels, rows.code, starts, converted, 1 - converted, value, value**2, converted, time, cost,
            self.noted, group_of(who),
        )  # fmt: skip
        blank = np.empty(0, dtype=bool)
        if rows.code.min(initial=0) < 0:
            blank = rows.code < 0
            ends = np.zeros(len(blank), dtype=bool)
            ends[last] = rows.converted[last]
            self._note("blank_touchpoints", ((rows.code == BLANK) & ~ends).sum())
            self._note("unknown_touchpoints", (rows.code == UNKNOWN).sum())
        if self.lookback is not None:
            oldest = np.repeat(rows.time[last] - self.lookback / self.columns.unit, np.diff(starts))
            early = rows.time < oldest
            self._note("before_lookback", (early & (rows.code >= 0)).sum())
            blank = early | (rows.code < 0)
        if blank.any():
            found = keep_touches(found, ~blank)
        if self.log.repeats == "drop":
            found = self._without_repeats(found)
        used = (found.lengths > 0) & (found.lengths <= (self.log.max_touches or np.inf))
        self._note("lost_after_conversion", self.cases.tally(rows.fresh[starts[:-1]], converted > 0, used))
        self._meet(who[used])
        kept = without_long(without_empty(found, self._note), self.log.max_touches, self._note)
        return replace(kept, customers=self.customers)

    def _meet(self, who: Index) -> None:
        """Count customers by the ordinals of those who took a journey, which never fall."""
        if len(who):
            self.customers += int(who[0] != self.latest) + int(np.count_nonzero(np.diff(who)))
            self.latest = int(who[-1])

    def _without_repeats(self, found: Journeys) -> Journeys:
        again = np.zeros(len(found.codes), dtype=bool)
        again[1:] = found.codes[1:] == found.codes[:-1]
        inside = found.starts[:-1]
        again[inside[inside < len(again)]] = False
        self._note("repeats", again.sum())
        return keep_touches(found, ~again)

    def _note(self, what: str, count: int | np.integer) -> None:
        if count:
            self.noted[what] += int(count)
