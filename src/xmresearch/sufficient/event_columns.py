"""The columns of an event log as numbers, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xmresearch.errors import DataError, nearest
from xmresearch.sufficient.channel_labels import Labels
from xmresearch.sufficient.event_rules import EventRules
from xmresearch.sufficient.event_times import EPOCHS, days_as_numbers, epoch_unit, event_time, last_moment
from xmresearch.sufficient.lifecycle import completed, completes
from xmresearch.sufficient.sources import as_lazy, require_columns, require_numeric, rows_where

BLANK, UNKNOWN, CONVERTS, UNSEEN = -1, -2, -4, -5


def identity(customer: str, kind: pl.DataType) -> pl.Expr:
    """Return who somebody is as a log is sorted by it: numbers as they are, all else as text."""
    if kind.is_float():
        return pl.col(customer).fill_nan(None).cast(pl.String)
    return pl.col(customer).cast(pl.String) if isinstance(kind, pl.Categorical | pl.Enum) else pl.col(customer)


class EventColumns:
    """What is read of a log: id (customer), t (time), k (touchpoint), c (converted), v (value), cost.

    Parameters
    ----------
    log : EventRules
        The events.
    whole : bool
        These are all events. Of a part, which may lack converting touchpoints and completed activities, neither is required.

    Raises
    ------
    DataError
        A column is missing or of the wrong type.
    """

    def __init__(self, log: EventRules, *, whole: bool = True) -> None:
        self.log, self.source = log, as_lazy(log.data)
        schema = self.source.collect_schema()
        require_columns((log.customer, log.time, log.touchpoint, log.conversion, log.value, log.cost), schema.names())
        require_numeric((log.conversion, log.value, log.cost), self.source)
        for name in (log.customer, log.touchpoint):
            if schema[name].is_nested() or schema[name] == pl.Object:
                raise DataError(
                    f"Column '{name}' is of type {schema[name]}, which names nobody and nothing.",
                    "Give text or numbers.",
                )
        self.labels = Labels(log.mapping, log.unknown)
        self.cost: NDArray[np.float64] | None = None if log.cost is None else np.zeros(0)
        self.when, self.unit = event_time(log, schema[log.time])
        self.until = last_moment(log, schema[log.time], self.unit)
        self._numbers = schema[log.time].is_numeric() and log.time_format is None
        label = schema[log.touchpoint]
        coded = isinstance(label, pl.Categorical | pl.Enum)
        touch = pl.col(log.touchpoint) if coded else pl.col(log.touchpoint).cast(pl.String).cast(pl.Categorical)
        chosen = [identity(log.customer, schema[log.customer]).alias("id"), self.when.alias("t"), touch.alias("k")]
        required = whole or log.lifecycle is None
        done = completed(self.source, log.lifecycle) if required else completes(str(log.lifecycle))
        if done is not None:
            chosen.append(done.alias("done"))
        if log.conversion is not None:
            flag = pl.col(log.conversion)
            if schema[log.conversion].is_float():
                flag = flag.fill_nan(None)
            if schema[log.conversion].is_signed_integer() or schema[log.conversion].is_float():
                chosen.append((flag < 0).fill_null(value=False).alias("below"))
            number = flag if schema[log.conversion] == pl.Boolean else flag > 0
            chosen.append(number.fill_null(value=False).alias("c"))
        for name, column in (("v", log.value), ("cost", log.cost)):
            if column is not None:
                chosen.append(pl.col(column).cast(pl.Float64).fill_nan(None).alias(name))
        self.table = self.source.select(chosen)
        self._lookup = np.full(0, UNSEEN, dtype=np.int32)
        self._span = (np.inf, -np.inf)
        self._met: set[str] = set()

    def rows(self) -> int:
        """Count the rows."""
        return int(self.source.select(pl.len()).collect(engine="streaming").item())

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """Read the rows in their order."""
        return self.table.collect_batches(chunk_size=rows, maintain_order=True, engine="streaming")

    def checked(self, batch: pl.DataFrame, noted: Counter[str]) -> pl.DataFrame:
        """Refuse what cannot be read, leave out what a rule leaves out, and note how often."""
        if batch["t"].null_count():
            count, where = rows_where(self.source, self.when.is_null(), self.log.time)
            raise DataError(
                f"Column '{self.log.time}' has {count} time(s) that are blank or cannot be read: {where}.",
                "Correct them, leave those rows out, or give time_format.",
            )
        if batch.is_empty():
            return batch
        if "below" in batch.columns and batch["below"].any():
            self._refuse_below(str(self.log.conversion))
        for name, column in (("v", self.log.value), ("cost", self.log.cost)):
            if column is not None:
                self._require_amounts(batch[name], column)
        time = batch["t"].to_numpy()
        if self._numbers:
            self._span = (min(self._span[0], time.min()), max(self._span[1], time.max()))
        if time.max() > self.until:
            if self._numbers:
                self._refuse_epoch(float(time.min()), float(time.max()))
            batch = self._past(batch, noted)
        if "done" in batch.columns:
            whole = len(batch)
            batch = batch.filter("done").drop("done")
            if whole > len(batch):
                noted["not_complete"] += whole - len(batch)
        named = pl.col("id").is_not_null()
        if batch["id"].dtype == pl.String:
            # blanks sort below all that can be seen
            named &= (pl.col("id") >= "!") | (pl.col("id").str.strip_chars() != "")
        kept = batch.filter(named)
        if blank := len(batch) - len(kept):
            noted["blank_customers"] += blank
        return kept

    def require_converting(self) -> None:
        """Raise DataError for a touchpoint that should be the conversion and never occurs."""
        for name in self.log.converting:
            if name not in self._met:
                raise DataError(
                    f"converting names '{name}', which no event has as its touchpoint.",
                    nearest(name, sorted(self._met)),
                )

    def _refuse_epoch(self, least: float, most: float) -> None:
        if unit := epoch_unit(least, most):
            raise DataError(
                f"Column '{self.log.time}' holds numbers such as {least:.0f}, which look like {EPOCHS[unit]} since 1970, not seconds.",
                f"Give time_format='{unit}'.",
            )

    def require_moments(self) -> None:
        """Raise DataError where the numbers of the whole log look like days."""
        if hint := days_as_numbers(*self._span):
            raise DataError(
                f"Column '{self.log.time}' holds numbers such as {self._span[0]:.0f}, which look like days, not seconds.",
                hint,
            )

    def _refuse_below(self, column: str) -> None:
        count, where = rows_where(self.source, (pl.col(column) < 0).fill_null(value=False), column)
        raise DataError(
            f"Column '{column}' is negative in {count} row(s): {where}.", "Write 1 or true for a conversion."
        )

    def _require_amounts(self, amount: pl.Series, column: str) -> None:
        some = amount if not amount.null_count() else amount.fill_null(0.0)
        values = some.to_numpy()
        if values.min() >= 0 and values.max() < np.inf:
            return
        number = pl.col(column).cast(pl.Float64)
        wrong = ((number < 0) | number.is_infinite()).fill_null(value=False)
        count, where = rows_where(self.source, wrong, column)
        raise DataError(f"Column '{column}' is negative or infinite in {count} row(s): {where}.", "Give net amounts.")

    def _past(self, batch: pl.DataFrame, noted: Counter[str]) -> pl.DataFrame:
        if self.log.until is None:
            count, where = rows_where(self.source, self.when > self.until, self.log.time)
            raise DataError(
                f"Column '{self.log.time}' has {count} time(s) in the future: {where}.",
                "Correct them, or say with 'until' which is the last moment that counts."
                + (" Numbers are seconds since 1970." if self._numbers else ""),
            )
        kept = batch.filter(pl.col("t") <= self.until)
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
                self._met.add(stripped)
                self._lookup[place] = CONVERTS if stripped in self.log.converting else self.labels.codes([name])[0]

    def spend(self, code: NDArray[np.int32], cost: NDArray[np.float64]) -> None:
        """Add what touches cost to their channels."""
        size = len(self.labels.channels)
        known = code >= 0
        spent = np.bincount(code[known], cost[known], size)
        if self.cost is not None:
            spent[: len(self.cost)] += self.cost
        self.cost = spent
