"""Read journeys that are written as paths, such as 'a > b > c'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from xmresearch.errors import DataError, InsufficientData, ParamsError
from xmresearch.sufficient.channel_labels import Labels
from xmresearch.sufficient.customer_groups import group_of
from xmresearch.sufficient.journeys import (
    DistinctJourneys,
    Journeys,
    in_order,
    keep_touches,
    without_empty,
    without_long,
)
from xmresearch.sufficient.sources import as_lazy, readable, require_columns, require_numeric, rows_where

if TYPE_CHECKING:
    import polars as pl


def read_paths(
    data: pd.DataFrame | pl.DataFrame | pl.LazyFrame | str | Path,
    *,
    path: str = "path",
    conversions: str = "conversions",
    value: str | None = None,
    nulls: str | None = None,
    customer: str | None = None,
    separator: str = ">",
    max_touches: int | None = None,
    mapping: Mapping[str, str] | None = None,
    unknown: str = "raise",
) -> Journeys:
    """Read aggregated paths, or one row per journey.

    Parameters
    ----------
    data : DataFrame, polars.DataFrame, polars.LazyFrame, str or Path
        One row per path (with `nulls`) or per journey (without).
    path : str
        Column of the touchpoints in order.
    conversions : str
        Column: how often the path converted. Without `nulls`, a row with 0 is one journey that did not convert.
    value : str, optional
        Column: total value of the row's conversions.
    nulls : str, optional
        Column: how often the path ended without conversion.
    customer : str, optional
        Column: who took the journeys of the row. Only groups of customers are kept; rows without a customer are left out and
        counted.
    separator : str
        Between touchpoints; blanks around them do not count.
    max_touches : int, optional
        Journeys of more touches are left out and counted.
    mapping, unknown
        From raw labels to channels; see `Labels`.

    Returns
    -------
    Journeys
        Each distinct sequence once (in each group of customers); channels sorted.

    Raises
    ------
    DataError
        A column is missing or not numeric; a count or value is negative or infinite, or a count is blank (rows are named).
        Conversions whose value is blank count as worth 0, which `left_out` says.
    InsufficientData
        No row has a touchpoint.
    """
    if not separator.strip():
        raise ParamsError("The separator is blank.", "Name the character between touchpoints, such as '>'.")
    labels = Labels(mapping, unknown)
    with readable(data):
        source = as_lazy(data)
        require_columns((path, conversions, value, nulls, customer), source.collect_schema().names())
        people = None if customer is None else _People(source, customer)
        table = _by_path(source, path, conversions, value, nulls, people)
    noted: Counter[str] = Counter()
    if people is not None and people.blank:
        noted["blank_customers"] += people.blank
    if loose := int(table["loose"].sum()):
        noted["value_without_conversion"] += loose
    if blank := round(float(table["unvalued"].sum())):
        noted["blank_values"] += blank
    journeys, apart = _split(table, separator.strip(), labels, noted)

    def note(what: str, count: int) -> None:
        if count:
            noted[what] += count

    found = without_long(without_empty(journeys, note), max_touches, note)
    if len(found) == 0:
        raise InsufficientData(f"No row of column '{path}' has a touchpoint.")
    found = replace(found, left_out=dict(noted))
    if people is not None:
        with readable(data):
            used = (journeys.lengths > 0) & (journeys.lengths <= (max_touches or np.inf))
            found = replace(found, customers=people.who_took(path, table.filter(used)["path"]))
    if apart:
        return found
    distinct = DistinctJourneys()
    distinct.add(found)
    return distinct.result()


class _People:
    """Who took the journeys of each row, and the random group of each.

    Attributes
    ----------
    groups : polars.LazyFrame
        who, group (int32); one row per customer.
    blank : int
        Rows without a customer.
    """

    def __init__(self, source: pl.LazyFrame, customer: str) -> None:
        import polars as pl

        kind = source.collect_schema()[customer]
        who = pl.col(customer)
        if kind.is_float():
            who = who.fill_nan(None).cast(pl.String)
        elif isinstance(kind, pl.String | pl.Categorical | pl.Enum):
            text = who.cast(pl.String)
            who = pl.when(text.str.strip_chars() != "").then(text)
        self.who, self.source = who.alias("who"), source
        every = source.select(self.who).group_by("who").len().collect(engine="streaming")
        self.blank = int(every.filter(pl.col("who").is_null())["len"].sum())
        known = every.select("who").drop_nulls().sort("who")
        group = pl.Series("group", group_of(np.arange(len(known), dtype=np.int64)))
        self.groups = known.with_columns(group).lazy()

    def who_took(self, path: str, paths: pl.Series) -> int:
        """Count the customers who took one of some paths."""
        import polars as pl

        rows = self.source.select(self.who, _text(path)).drop_nulls("who")
        taken = rows.join(pl.LazyFrame({"path": paths}).unique(), on="path", how="semi")
        return int(taken.select(pl.col("who").n_unique()).collect(engine="streaming").item())


def _text(path: str) -> pl.Expr:
    import polars as pl

    return pl.col(path).cast(pl.String).fill_null("").alias("path")


def _by_path(
    source: pl.LazyFrame, path: str, conversions: str, value: str | None, nulls: str | None, people: _People | None
) -> pl.DataFrame:
    """Sum rows of the same path (and group of customers)."""
    import polars as pl

    schema = source.collect_schema()
    if schema[path].is_nested():
        raise DataError(
            f"Column '{path}' is of type {schema[path]}, not text.", "Join the touchpoints of a row by '>'."
        )
    require_numeric((conversions, value, nulls), source)
    counts = {"conversions": conversions} | ({} if nulls is None else {"nulls": nulls})
    number = {key: pl.col(name).cast(pl.Float64).fill_nan(None) for key, name in counts.items()}
    given = pl.lit(0.0) if value is None else pl.col(value).cast(pl.Float64).fill_nan(None)
    rows = source.select(
        *([] if people is None else [people.who]), _text(path), number["conversions"].alias("c"),
        (number["nulls"] if nulls else (number["conversions"] == 0).cast(pl.Float64)).alias("n"),
        given.fill_null(0.0).alias("v"), given.is_null().alias("blank"),
    )  # fmt: skip
    key = ["path"]
    if people is not None:
        rows, key = rows.join(people.groups, on="who"), ["path", "group"]
    c, v = pl.col("c"), pl.col("v")
    bad = pl.any_horizontal(~pl.col(k).is_between(0, np.inf, closed="left").fill_null(value=False) for k in "cnv")
    own = pl.when(c > 0).then(v).otherwise(0.0)
    table = (
        rows.group_by(key).agg(
            c.sum(), pl.col("n").sum(), own.sum().alias("v"),
            pl.when(c > 0).then(v * v / c).otherwise(0.0).sum().alias("squares"), (c > 0).sum().alias("valued"),
            ((v > 0) & (c <= 0)).sum().alias("loose"), c.filter("blank").sum().alias("unvalued"), bad.any().alias("bad"),
        )
        .collect(engine="streaming").sort(key)
    )  # fmt: skip
    if table["bad"].any():
        _say_what_is_wrong(source, {**counts, **({} if value is None else {"value": value})})
    return table


def _say_what_is_wrong(source: pl.LazyFrame, columns: Mapping[str, str]) -> None:
    import polars as pl

    for key, name in columns.items():
        number = pl.col(name).cast(pl.Float64).fill_nan(None)
        wrong = ~number.is_between(0, np.inf, closed="left").fill_null(value=key == "value")
        count, where = rows_where(source, wrong, name)
        if count:
            kind = "negative or infinite" if key == "value" else "negative, infinite or blank"
            hint = "Give the net value of a journey." if key == "value" else "Counts are numbers of at least 0."
            raise DataError(f"Column '{name}' is {kind} in {count} row(s): {where}.", hint)


def _split(table: pl.DataFrame, separator: str, labels: Labels, noted: Counter[str]) -> tuple[Journeys, bool]:
    """Return the journeys, and whether no two of them can be the same sequence written apart."""
    import polars as pl

    lists = table["path"].str.split(separator)
    lengths = lists.list.len().to_numpy().astype(np.int64)
    tokens = lists.explode().cast(pl.Categorical)
    physical = tokens.to_physical().to_numpy()
    seen = pl.DataFrame({"code": physical, "label": tokens}).unique("code").sort(pl.col("label").cast(pl.String))
    lookup = np.zeros(int(physical.max(initial=0)) + 1, dtype=np.int32)
    coded = labels.codes(seen["label"].cast(pl.String).to_list())
    lookup[seen["code"].to_numpy()] = coded
    channels, place = in_order(labels.channels)
    raw = lookup[physical]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    codes = np.append(place, [-2, -1])[raw].astype(np.int32)
    won, lost, value, squares, valued = (
        table[k].to_numpy().astype(np.float64) for k in ("c", "n", "v", "squares", "valued")
    )
    group = table["group"].to_numpy() if "group" in table.columns else None
    journeys = Journeys(channels, codes, starts, won, lost, value, squares, valued, group=group)
    if not (raw < 0).any():
        return journeys, len(np.unique(coded)) == len(coded)
    times = np.repeat(journeys.weight, lengths)
    alone = np.repeat(lengths == 1, lengths)
    if blanks := round(float(times[(raw == -1) & ~alone].sum())):
        noted["blank_touchpoints"] += blanks
    if unknown := round(float(times[raw == -2].sum())):
        noted["unknown_touchpoints"] += unknown
    return keep_touches(journeys, raw >= 0), False
