"""The columns of an event log as numbers, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from xmresearch.errors import DataError, ParamsError
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import Labels
from xmresearch.sufficient.sources import as_lazy, require_columns, require_numeric, rows_where

BLANK, UNKNOWN, CONVERTS, UNSEEN = -1, -2, -4, -5
_UNITS = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EventColumns:
    """What is read of a log: id (customer), t (time), k (touchpoint), c (converted), v (value), cost.

    Parameters
    ----------
    log : EventLog
        The events.

    Raises
    ------
    DataError
        A column is missing or of the wrong type.
    """

    def __init__(self, log: EventLog) -> None:
        self.log, self.source = log, as_lazy(log.data)
        schema = self.source.collect_schema()
        require_columns((log.customer, log.time, log.touchpoint, log.conversion, log.value, log.cost), schema.names())
        require_numeric((log.conversion, log.value, log.cost), schema)
        self.labels = Labels(log.mapping, log.unknown)
        self.cost: NDArray[np.float64] | None = None if log.cost is None else np.zeros(0)
        time, self.unit = _time(log, schema[log.time])
        label = schema[log.touchpoint]
        coded = isinstance(label, pl.Categorical | pl.Enum)
        touch = pl.col(log.touchpoint) if coded else pl.col(log.touchpoint).cast(pl.String).cast(pl.Categorical)
        identity = pl.col(log.customer)
        if isinstance(schema[log.customer], pl.Categorical | pl.Enum) or schema[log.customer].is_float():
            identity = identity.cast(pl.String)
        chosen = [identity.alias("id"), time.alias("t"), touch.alias("k")]
        if log.conversion is not None:
            flag = pl.col(log.conversion)
            number = flag if schema[log.conversion] == pl.Boolean else flag > 0
            chosen.append(number.fill_null(value=False).alias("c"))
        for name, column in (("v", log.value), ("cost", log.cost)):
            if column is not None:
                chosen.append(pl.col(column).cast(pl.Float64).fill_nan(None).fill_null(0.0).alias(name))
        self.table = self.source.select(chosen)
        self.until = self._until()
        self._lookup = np.full(0, UNSEEN, dtype=np.int32)

    def rows(self) -> int:
        """Count the rows."""
        return int(self.source.select(pl.len()).collect(engine="streaming").item())

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """Read the rows in their order."""
        return self.table.collect_batches(chunk_size=rows, maintain_order=True, engine="streaming")

    def _until(self) -> float:
        """Return the last time that counts, in units of `t`."""
        until = self.log.until
        if until is None:
            # clocks and time zones may differ by a day
            return (datetime.now(UTC).timestamp() + 86400) / self.unit
        try:
            moment = pd.Timestamp(until)
        except ValueError:
            raise ParamsError(f"until is '{until}', which is no time.", "Write it as '2025-03-31'.") from None
        naive = moment.tz_localize("UTC") if moment.tzinfo is None else moment
        return float((naive.to_pydatetime() - _EPOCH).total_seconds() / self.unit)

    def checked(self, batch: pl.DataFrame, noted: Counter[str]) -> pl.DataFrame:
        """Refuse what cannot be read, leave out what a rule leaves out, and note how often."""
        if batch["t"].null_count():
            time = _time(self.log, self.source.collect_schema()[self.log.time])[0]
            count, where = rows_where(self.source, time.is_null(), self.log.time)
            raise DataError(
                f"Column '{self.log.time}' has {count} time(s) that are blank or cannot be read: {where}.",
                "Correct them, leave those rows out, or give time_format.",
            )
        for name, column in (("v", self.log.value), ("cost", self.log.cost)):
            if column is not None and len(batch) and float(batch[name].min()) < 0:  # type: ignore[arg-type]
                count, where = rows_where(self.source, (pl.col(column) < 0).fill_null(value=False), column)
                raise DataError(f"Column '{column}' is negative in {count} row(s): {where}.", "Give net amounts.")
        if len(batch) and float(batch["t"].max()) > self.until:  # type: ignore[arg-type]
            batch = self._past(batch, noted)
        if blank := batch["id"].null_count():
            noted["blank_customers"] += blank
            batch = batch.filter(pl.col("id").is_not_null())
        return batch

    def _past(self, batch: pl.DataFrame, noted: Counter[str]) -> pl.DataFrame:
        late = pl.col("t") > self.until
        if self.log.until is None:
            time = _time(self.log, self.source.collect_schema()[self.log.time])[0]
            count, where = rows_where(self.source, time > self.until, self.log.time)
            raise DataError(
                f"Column '{self.log.time}' has {count} time(s) in the future: {where}.",
                "Correct them, or say with 'until' which is the last moment that counts.",
            )
        kept = batch.filter(~late)
        noted["after_until"] += len(batch) - len(kept)
        return kept

    def codes(self, labels: pl.Series) -> NDArray[np.int32]:
        """Return the code of each touchpoint; BLANK, UNKNOWN and CONVERTS are negative."""
        physical = labels.to_physical()
        blank = None
        if physical.null_count():
            blank = physical.is_null().to_numpy()
            physical = physical.fill_null(0)
        raw = physical.to_numpy()
        try:
            found = self._lookup.take(raw)
        except IndexError:
            more = np.full(int(raw.max()) + 1 - len(self._lookup), UNSEEN, dtype=np.int32)
            self._lookup = np.concatenate([self._lookup, more])
            found = self._lookup.take(raw)
        if found.min(initial=0) == UNSEEN:
            self._learn(labels)
            found = self._lookup.take(raw)
        if blank is not None:
            found[blank] = BLANK
        return found

    def _learn(self, labels: pl.Series) -> None:
        seen = labels.drop_nulls().unique(maintain_order=True)
        names, places = seen.cast(pl.String).to_list(), seen.to_physical().to_numpy()
        for name, place in zip(names, places.tolist(), strict=True):
            if self._lookup[place] == UNSEEN:
                stripped = name.strip()
                self._lookup[place] = CONVERTS if stripped in self.log.converting else self.labels.codes([name])[0]

    def spend(self, code: NDArray[np.int32], cost: NDArray[np.float64]) -> None:
        """Add what touches cost to their channels."""
        size = len(self.labels.channels)
        known = code >= 0
        spent = np.bincount(code[known], cost[known], size)
        if self.cost is not None:
            spent[: len(self.cost)] += self.cost
        self.cost = spent


def _time(log: EventLog, dtype: pl.DataType) -> tuple[pl.Expr, float]:
    """Return time as a number, and the seconds of its unit."""
    time = pl.col(log.time)
    if isinstance(dtype, pl.Datetime):
        return time.to_physical(), _UNITS[dtype.time_unit]
    if dtype == pl.Date:
        return time.to_physical().cast(pl.Int64), 86400.0
    if dtype == pl.String:
        parsed = time.str.strip_chars().str.to_datetime(log.time_format, time_unit="us", strict=False)
        return parsed.to_physical(), 1e-6
    if dtype.is_integer():
        return time.cast(pl.Int64), 1.0
    if dtype.is_float():
        return time.cast(pl.Float64).fill_nan(None), 1.0
    raise DataError(
        f"Column '{log.time}' is of type {dtype}, which is no time.", "Give datetimes, dates, seconds or text."
    )
