"""Logs that hold several rows of one activity: when it was scheduled, started and completed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.errors import DataError
from xmresearch.sufficient.sources import as_lazy, require_columns

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

COLUMNS = frozenset({"lifecycle:transition", "lifecycle.transition", "lifecycle_transition", "lifecycle"})
TRANSITIONS = frozenset({
    "schedule", "assign", "withdraw", "reassign", "start", "suspend", "resume", "pi_abort", "ate_abort", "complete", "autoskip",
    "manualskip", "unknown",
})  # fmt: skip
START, COMPLETE = "start", "complete"


def completed(source: pl.LazyFrame, column: str | None) -> pl.Expr | None:
    """Return which rows complete an activity; None where every row counts.

    Parameters
    ----------
    source : polars.LazyFrame
        The events.
    column : str or None
        As for `lifecycle_column`.

    Raises
    ------
    DataError
        There is no such column, or none of its rows is 'complete'.

    Notes
    -----
    A row without a transition counts.

    References
    ----------
    IEEE Standard for eXtensible Event Stream (XES), IEEE 1849-2016, lifecycle extension.
    """
    name = lifecycle_column(source, column)
    return None if name is None else completes(name)


def completes(column: str) -> pl.Expr:
    """Return which rows of a log complete an activity, by a column of transitions."""
    text = _transition(column)
    return (text == COMPLETE).fill_null(value=True) | (text == "")


def lifecycle_column(source: pl.LazyFrame, column: str | None) -> str | None:
    """Find the column of lifecycle transitions.

    Parameters
    ----------
    source : polars.LazyFrame
        The events.
    column : str or None
        Its name; 'auto' looks for a column that is named as in XES and holds its standard transitions; None for none.

    Returns
    -------
    str or None
        None where every row counts.

    Raises
    ------
    DataError
        There is no such column, or none of its rows is 'complete'.
    """
    import polars as pl

    if column is None:
        return None
    schema = source.collect_schema()
    found = [column]
    if column == "auto":
        texts = (pl.String, pl.Categorical, pl.Enum)
        found = [n for n in schema.names() if n.casefold() in COLUMNS and isinstance(schema[n], texts)]
    for name in found:
        require_columns((name,), schema.names())
        distinct = source.select(_transition(name).unique()).collect(engine="streaming").to_series().to_list()
        seen = set(distinct) - {None, ""}
        if COMPLETE in seen and (column != "auto" or seen <= TRANSITIONS):
            return name
        if column != "auto":
            raise DataError(
                f"Column '{name}' never says '{COMPLETE}', so no event would count.",
                "Name the column of lifecycle transitions, or leave it out (lifecycle: null).",
            )
    return None


def _transition(column: str) -> pl.Expr:
    import polars as pl

    return pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase()


def activity_intervals(
    data: pd.DataFrame | pl.LazyFrame | str | Path,
    case: str = "case",
    activity: str = "activity",
    time: str = "time",
    lifecycle: str = "lifecycle",
) -> pl.DataFrame:
    """Pair what starts an activity with what completes it.

    Parameters
    ----------
    data : DataFrame, polars.LazyFrame, str or Path
        The events.
    case, activity, time, lifecycle : str
        Columns: whose event it is, of what, when, and the transition; times are datetimes.

    Returns
    -------
    polars.DataFrame
        One row per activity that was completed, by case and completion: case, activity, started (null where no start is open),
        completed, seconds.

    Raises
    ------
    DataError
        A column is missing, or the times are no datetimes.

    Notes
    -----
    Within a case and an activity, what was started first is completed first. A start at the very moment of a completion belongs to it.
    Starts that are never completed, and other transitions, give no row.

    References
    ----------
    IEEE Standard for eXtensible Event Stream (XES), IEEE 1849-2016, lifecycle extension.
    """
    import polars as pl

    source = as_lazy(data)
    schema = source.collect_schema()
    require_columns((case, activity, time, lifecycle), schema.names())
    if not isinstance(schema[time], pl.Datetime):
        raise DataError(
            f"Column '{time}' is of type {schema[time]}, not datetimes.", "Read the log as XES, or convert it."
        )
    said = pl.col(lifecycle).cast(pl.String).str.strip_chars().str.to_lowercase()
    within = ["case", "activity"]
    steps = (
        source.select(
            pl.col(case).alias("case"),
            pl.col(activity).alias("activity"),
            pl.col(time).alias("time"),
            said.alias("says"),
        )
        .filter(pl.col("says").is_in([START, COMPLETE]) & pl.col("time").is_not_null())
        .with_columns((pl.col("says") == COMPLETE).alias("done"))
        .sort("case", "activity", "time", "done", maintain_order=True)
        .with_columns(pl.when("done").then(-1).otherwise(1).cum_sum().over(within).alias("open"))
        # so many completions up to here found nothing open
        .with_columns((-pl.col("open").cum_min().over(within)).clip(lower_bound=0).alias("lost"))
        .with_columns((pl.col("lost") > pl.col("lost").shift(1, fill_value=0).over(within)).alias("alone"))
        .with_columns(
            (pl.col("done").cast(pl.Int64).cum_sum().over(within) - pl.col("lost")).alias("nth"),
            (~pl.col("done")).cast(pl.Int64).cum_sum().over(within).alias("nth start"),
        )
    )
    starts = steps.filter(~pl.col("done")).select(
        "case", "activity", pl.col("nth start").alias("nth"), pl.col("time").alias("started")
    )
    ends = steps.filter("done").with_columns(pl.when(~pl.col("alone")).then("nth").alias("nth"))
    return (
        ends.select("case", "activity", "nth", pl.col("time").alias("completed"))
        .join(starts, on=["case", "activity", "nth"], how="left", maintain_order="left")
        .sort("case", "completed", maintain_order=True)
        .select(
            "case",
            "activity",
            "started",
            "completed",
            ((pl.col("completed") - pl.col("started")).dt.total_microseconds() / 1e6).alias("seconds"),
        )
        .collect()
    )
