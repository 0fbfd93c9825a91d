"""Times, paths and groups of a log that does not fit into memory: one pass over rows sorted by case and time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.journeys.case_log import Array, Index
from xmresearch.journeys.customer_figures import CustomerFigure, difference, p_value
from xmresearch.journeys.durations import HOUR
from xmresearch.journeys.label_codes import LabelCodes
from xmresearch.journeys.time_bins import BINS, bin_of, binned_quantile
from xmresearch.sufficient.customer_groups import GROUPS, group_of
from xmresearch.sufficient.sources import as_lazy, readable, require_columns

if TYPE_CHECKING:
    import polars as pl

BATCH_ROWS, SLICE_ROWS = 500_000, 65_536
MOST_EXAMPLES, MOST_HELD, MOST_PLACES, MOST_TOLD = 5_000_000, 16_000_000, 64, 1000
"""Events in which an example of each path is looked for, hashes held, places with random numbers of their own, paths told."""
MOST_ACTIVITIES, MOST_GROUPS = 400, 64
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, repr=False)
class StreamedTimes(Shown):
    """What one pass over a log counts.

    Attributes
    ----------
    cases, events : int
        How many.
    steps : DataFrame
        source, target, count, median_hours, mean_hours; most frequent first. Medians are found within bins of 3 %.
    groups : DataFrame
        One row per group ('' for all cases where none is named): group, cases, median_hours with its interval, mean_hours, q90_hours, and where there are several groups
        difference (from all others) with its interval and p_value. Units are random groups of customers.
    variants : DataFrame
        chain (None where a path is too rare to have been kept), cases, part; most frequent first, a thousand at most.
    paths : int
        How many different paths there are, but for collisions of 64-bit hashes.
    """

    cases: int
    events: int
    steps: pd.DataFrame
    groups: pd.DataFrame
    variants: pd.DataFrame
    paths: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.groups

    def summary(self) -> dict[str, Any]:
        """Return cases, events and different paths."""
        return {"cases": self.cases, "events": self.events, "paths": self.paths}


def scan_times(
    data: pd.DataFrame | pl.LazyFrame | str | Path, *, case: str = "case", activity: str = "activity", time: str = "time",
    group: str | None = None, customer: str | None = None, confidence: float = 0.95,
) -> StreamedTimes:  # fmt: skip
    """Count times, paths and groups in one pass.

    Parameters
    ----------
    data : DataFrame, polars.LazyFrame, str or Path
        Completed activities, sorted by case and time; a path names a CSV or Parquet file, or a folder of Parquet files.
    case, activity, time : str
        Columns; times are datetimes, or numbers of seconds.
    group, customer : str, optional
        Columns, both alike in all rows of a case.
    confidence : float
        Level of the intervals.

    Returns
    -------
    StreamedTimes

    Raises
    ------
    DataError
        A column is missing; times are no times; rows are not sorted; there are more activities or groups than are counted.
    InsufficientData
        There is no row.

    Notes
    -----
    Memory does not grow with the rows, but with different paths. Intervals are Woodruff's, from random groups of customers (256 of them).

    References
    ----------
    Woodruff, R. S. (1952). Confidence intervals for medians and other position measures. JASA, 47, 635-646.
    """
    import polars as pl

    source = as_lazy(data)
    schema = source.collect_schema()
    require_columns((case, activity, time, group, customer), schema.names())
    kind = schema[time]
    if isinstance(kind, pl.Datetime):
        unit = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}[kind.time_unit]
    elif kind.is_numeric():
        unit = 1.0
    else:
        raise DataError(f"Column '{time}' is of type {kind}, not datetimes or seconds.", "Convert it first.")
    chosen = [
        pl.col(case).alias("id"),
        pl.col(time).to_physical().alias("t"),
        _coded(pl.col(activity), schema[activity]).alias("k"),
    ]
    chosen += [] if group is None else [_coded(pl.col(group), schema[group]).alias("g")]
    chosen += [] if customer is None else [pl.col(customer).alias("who")]
    found = _Pass(unit)
    with readable(data):
        for batch in source.select(chosen).collect_batches(
            chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"
        ):
            # slices that stay in the processor's cache are counted several times as fast
            for k in range(0, len(batch), SLICE_ROWS):
                found.add(batch[k : k + SLICE_ROWS])
        found.finish()
    return found.result(confidence)


def _coded(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    import polars as pl

    return column if isinstance(kind, pl.Categorical | pl.Enum) else column.cast(pl.String).cast(pl.Categorical)


@dataclass(frozen=True)
class _Tail:
    """The rows of a case that waits for what follows: its key, times and activities, and one group and customer."""

    key: Any
    time: Array
    code: Index
    group: Index
    owner: NDArray[Any]


class _Pass:
    """Sums over cases; the last case of a batch waits for what follows."""

    def __init__(self, unit: float) -> None:
        self.unit = unit
        self.activity, self.group = LabelCodes(MOST_ACTIVITIES, "activity"), LabelCodes(MOST_GROUPS, "group")
        self.tail: _Tail | None = None
        self.cases = self.events = self.customers = self.size = self.held = 0
        self.last_who: Any = None
        self.steps, self.sums = np.zeros((0, 0, BINS), dtype=np.int64), np.zeros((0, 0))
        self.times, self.totals = np.zeros((0, GROUPS, BINS), dtype=np.int64), np.zeros(0)
        self.waiting: list[Hashes] = []
        self.paths: tuple[Hashes, Index] = (np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
        self.examples: dict[int, tuple[int, ...]] = {}
        self.random = np.random.default_rng(0).integers(1, 1 << 63, (MOST_ACTIVITIES, MOST_PLACES), dtype=np.uint64)

    def add(self, batch: pl.DataFrame) -> None:
        """Count the cases that are complete."""
        if batch.is_empty():
            return
        if batch["t"].null_count() or batch["id"].null_count():
            raise DataError("Some rows have no case or no time.", "Leave them out first.")
        key, time, code = batch["id"], batch["t"].to_numpy(), self.activity.of(batch["k"])
        fresh = np.ones(len(code), dtype=bool)
        if key.dtype.is_integer():
            ids = key.to_numpy()
            np.not_equal(ids[1:], ids[:-1], out=fresh[1:])
            falls = bool((ids[1:] < ids[:-1]).any())
        else:
            fresh[1:] = (key != key.shift())[1:].to_numpy()
            falls = bool((key < key.shift()).any())
        tail = self.tail
        if tail is not None:
            fresh[0] = tail.key != key[0]
            falls |= tail.key > key[0] or (not fresh[0] and tail.time[-1] > time[0])
        if falls or bool(np.greater(time[:-1] > time[1:], fresh[1:]).any()):
            raise _unsorted()
        starts = np.flatnonzero(fresh)
        group, owner = np.zeros(0, dtype=np.int64), key
        if "g" in batch.columns:
            group = self.group.of(batch["g"], starts)
        if "who" in batch.columns:
            owner = batch["who"]
        whose = owner.to_numpy()[starts]
        if tail is None:
            begins, times, codes, groups = starts, time, code, group
            owners = whose
        elif not len(starts):
            self.tail = _Tail(
                tail.key, np.concatenate([tail.time, time]), np.concatenate([tail.code, code]), tail.group, tail.owner
            )
            return
        else:
            begins = np.concatenate([[0], starts + len(tail.code)])
            times, codes = np.concatenate([tail.time, time]), np.concatenate([tail.code, code])
            groups, owners = np.concatenate([tail.group, group]), np.concatenate([tail.owner, whose])
        end = int(begins[-1])
        self._count(times[:end], codes[:end], groups[:-1], begins, owners[:-1])
        self.tail = _Tail(key[-1], times[end:], codes[end:], groups[-1:], owners[-1:])

    def finish(self) -> None:
        """Count the last case."""
        if self.tail is not None:
            last, self.tail = self.tail, None
            self._count(last.time, last.code, last.group, np.array([0, len(last.code)]), last.owner)

    def _count(self, time: Array, code: Index, group: Index, starts: Index, owners: NDArray[Any]) -> None:
        first = starts[:-1]
        if not len(first):
            return
        self.cases += len(first)
        self.events += len(code)
        self._count_steps(time, code, first)
        took = (time[starts[1:] - 1] - time[first]) * self.unit
        self._count_groups(took, group if len(group) else np.zeros(len(first), dtype=np.int64), owners)
        self._count_paths(code, starts)

    def _count_steps(self, time: Array, code: Index, first: Index) -> None:
        size = len(self.activity.names)
        if size > self.size:
            bins, sums = np.zeros((size, size, BINS), dtype=np.int64), np.zeros((size, size))
            bins[: self.size, : self.size], sums[: self.size, : self.size] = self.steps, self.sums
            self.steps, self.sums, self.size = bins, sums, size
        pair = code[:-1] * size + code[1:]
        wait = (time[1:] - time[:-1]) * self.unit
        pair *= BINS
        pair += bin_of(wait)
        # what lies between two cases is no step: it goes into a bin that is not kept
        between, cells = first[1:] - 1, size * size * BINS
        pair[between] = cells
        self.steps.reshape(-1)[:] += np.bincount(pair, minlength=cells + 1)[:cells]
        wait[between] = 0.0
        pair //= BINS
        self.sums.reshape(-1)[:] += np.bincount(pair, weights=wait, minlength=size * size + 1)[: size * size].reshape(
            -1
        )

    def _count_groups(self, took: Array, group: Index, owners: NDArray[Any]) -> None:
        new = np.ones(len(owners), dtype=bool)
        new[1:] = owners[1:] != owners[:-1]
        new[0] = owners[0] != self.last_who
        ordinal = self.customers + np.cumsum(new) - 1
        self.customers = int(ordinal[-1]) + 1
        self.last_who = owners[-1]
        unit = group_of(np.asarray(ordinal, dtype=np.int64)).astype(np.int64)
        size = max(len(self.group.names), 1)
        if size > len(self.times):
            more = size - len(self.times)
            self.times = np.concatenate([self.times, np.zeros((more, GROUPS, BINS), dtype=np.int64)])
            self.totals = np.concatenate([self.totals, np.zeros(more)])
        np.add.at(self.times.reshape(-1), (group * GROUPS + unit) * BINS + bin_of(took), 1)
        self.totals += np.bincount(group, weights=took, minlength=size)

    def _count_paths(self, code: Index, starts: Index) -> None:
        first, lengths = starts[:-1], np.diff(starts)
        place = np.arange(len(code)) - np.repeat(first, lengths)
        # an activity at a place has a random number; a path is their sum
        hashed = np.add.reduceat(
            self.random[code, np.minimum(place, MOST_PLACES - 1)] * (place.astype(np.uint64) | np.uint64(1)), first
        )
        self.waiting.append(hashed)
        self.held += len(hashed)
        if self.events < MOST_EXAMPLES:
            values, at, count = np.unique(hashed, return_index=True, return_counts=True)
            common = np.flatnonzero(count > 1)
            for h, k in zip(values[common].tolist(), at[common].tolist(), strict=True):
                if h not in self.examples:
                    self.examples[h] = tuple(code[starts[k] : starts[k + 1]].tolist())
        if self.held > MOST_HELD:
            self._merge()

    def _merge(self) -> None:
        """Count equal paths among those that wait, with those counted before."""
        if not self.waiting:
            return
        found, counts = np.unique(np.concatenate(self.waiting), return_counts=True)
        self.waiting, self.held = [], 0
        if len(self.paths[0]):
            every, number = np.concatenate([self.paths[0], found]), np.concatenate([self.paths[1], counts])
            found, place = np.unique(every, return_inverse=True)
            counts = np.bincount(place, weights=number, minlength=len(found)).astype(np.int64)
        self.paths = (found, counts)

    def result(self, confidence: float) -> StreamedTimes:
        """Return what was counted."""
        if not self.cases:
            raise InsufficientData("There is no row.")
        names = self.activity.names
        rows = []
        for a, b in zip(*np.nonzero(self.steps.any(axis=2)), strict=True):
            bins = self.steps[a, b]
            count = int(bins.sum())
            rows.append(
                (names[a], names[b], count, binned_quantile(bins, 0.5) / HOUR, float(self.sums[a, b]) / count / HOUR)
            )
        steps = pd.DataFrame(rows, columns=["source", "target", "count", "median_hours", "mean_hours"])
        steps = steps.sort_values("count", ascending=False, kind="stable", ignore_index=True)
        self._merge()
        values, often = self.paths
        order = np.argsort(-often, kind="stable")[:MOST_TOLD]
        chains = [self.examples.get(int(values[k])) for k in order]
        paths = pd.DataFrame({
            "chain": [None if c is None else tuple(names[k] for k in c) for c in chains], "cases": often[order], "part": often[order] / self.cases,
        })  # fmt: skip
        return StreamedTimes(self.cases, self.events, steps, self._groups(confidence), paths, len(values))

    def _groups(self, level: float) -> pd.DataFrame:
        names = self.group.names or [""]
        whole, rows = self.times.sum(axis=0), []
        for k, name in enumerate(names):
            own = _figure(self.times[k])
            n = int(self.times[k].sum())
            low, high = own.limits(level)
            row: dict[str, Any] = {
                "group": name, "cases": n, "median_hours": own.estimate, "median_hours_lower": low, "median_hours_upper": high,
                "mean_hours": float(self.totals[k]) / n / HOUR, "q90_hours": binned_quantile(self.times[k].sum(axis=0), 0.9) / HOUR,
            }  # fmt: skip
            if len(names) > 1:
                rest = _figure(whole - self.times[k])
                gap = difference(own, rest, level)
                row |= dict(zip(("difference", "difference_lower", "difference_upper"), gap, strict=True)) | {
                    "p_value": p_value(own, rest)
                }
            rows.append(row)
        return pd.DataFrame(rows)


def _unsorted() -> DataError:
    return DataError("Rows are not sorted by case and time.", "Sort them first, or read the log with read_cases.")


def _figure(units: Index) -> CustomerFigure:
    """Return the median of a group with what random groups of customers tell of its error; units has shape (groups, bins)."""
    bins, sizes = units.sum(axis=0), units.sum(axis=1)
    n, median = int(bins.sum()), binned_quantile(bins, 0.5)
    used = np.flatnonzero(sizes)
    at = int(np.searchsorted(np.cumsum(bins), 0.5 * n))
    below = units[:, :at].sum(axis=1) + 0.5 * units[:, at]
    sums = ((below - float(below.sum()) / n * sizes) / n)[used]
    count = len(used)
    error = float(np.sqrt(count / (count - 1) * (sums @ sums))) if count > 1 else np.nan

    def limits(level: float) -> tuple[float, float]:
        if np.isnan(error):
            return np.nan, np.nan
        reach = float(stats.t.ppf(0.5 + level / 2, count - 1)) * error
        low, high = (binned_quantile(bins, float(np.clip(0.5 + s * reach, 0, 1))) / HOUR for s in (-1, 1))
        return low, high

    low, high = limits(0.9)
    slope = (high - low) / (2 * float(stats.t.ppf(0.95, count - 1)) * error) if count > 1 and error > 0 else 0.0
    return CustomerFigure(median / HOUR, limits, used, -slope * sums, n)
