"""Dates of cells, put into days, weeks, months, quarters or years."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.errors import DataError, brief
from xmresearch.sufficient.calendar import FORMS, covering, name, span
from xmresearch.sufficient.sources import from_pandas

if TYPE_CHECKING:
    import polars as pl

MOST_DATES, FEWEST_MONTHS, WEEK = 31, 6, timedelta(days=7)
_DAY = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?")


def on_one_clock(table: pd.DataFrame) -> pd.DataFrame:
    """Return cells whose moments of time and arm have no time zone: those of the time column's clock, or of their own."""
    zone = getattr(table["time"].dtype, "tz", None)
    arm = getattr(table["arm"].dtype, "tz", None)
    changed = {}
    if arm is not None:
        changed["arm"] = (table["arm"] if zone is None else table["arm"].dt.tz_convert(zone)).dt.tz_localize(None)
    if zone is not None:
        changed["time"] = table["time"].dt.tz_localize(None)
    return table.assign(**changed)


def guessed_form(times: pd.Series, kind: str) -> str:
    """Return what dates are put into that are too many, and too near each other, to be periods themselves.

    Parameters
    ----------
    times : Series
        Times of the cells.
    kind : str
        Of time.

    Returns
    -------
    str
        month; week, where they lie in fewer than six months; or nothing, where they may be periods.
    """
    distinct = pd.unique(times)
    if len(distinct) <= MOST_DATES or kind not in ("date", "text"):
        return ""
    if kind == "text" and not all(_DAY.fullmatch(str(v)) for v in distinct):
        return ""
    days = sorted({s.first for s in map(span, distinct) if s is not None})
    if len(days) <= MOST_DATES or min(b - a for a, b in pairwise(days)) >= WEEK:
        return ""
    months = {covering(day, "month").first for day in days}
    return "month" if len(months) >= FEWEST_MONTHS else "week"


def into_periods(table: pd.DataFrame, time: str, form: str, role: str) -> tuple[pd.DataFrame, int]:
    """Put the dates of cells into periods.

    Parameters
    ----------
    table : DataFrame
        Cells with unit, time and arm.
    time : str
        Name of the time column, for messages.
    form : str
        day, week, month, quarter or year.
    role : str
        What arms are. Where a unit's treatment (0 or 1) starts within a period, its rows of that period all count as treated.

    Returns
    -------
    table : DataFrame
        With the names of the periods as time.
    within : int
        Units whose treatment starts within a period.

    Raises
    ------
    DataError
        A time is no date, or spans more than such a period.
    """
    names = {value: _name(value, time, form) for value in pd.unique(table["time"])}
    put = table.assign(time=table["time"].map(names))
    if role != "treated":
        return put, 0
    code = (
        table["arm"]
        .astype(str)
        .str.lower()
        .map({"0": 0.0, "0.0": 0.0, "false": 0.0, "1": 1.0, "1.0": 1.0, "true": 1.0})
    )
    first = {value: found.first.toordinal() for value in names if (found := span(value)) is not None}
    days, keys = table["time"].map(first), [put["unit"], put["time"]]
    last_off = days.where(code == 0).groupby(keys).transform("max")
    first_on = days.where(code == 1).groupby(keys).transform("min")
    starts = (last_off < first_on).to_numpy()
    on = table.loc[code == 1, "arm"].iloc[0] if (code == 1).any() else None
    put["arm"] = put["arm"].where(~starts, on)
    return put, int(put.loc[starts, "unit"].nunique())


def _name(value: Any, time: str, form: str) -> str:
    given = span(value)
    if given is None:
        raise DataError(
            f"Column '{time}' holds '{brief(value)}', which is no date to put into a {form}.", "Leave period out."
        )
    if FORMS.index(given.form) > FORMS.index(form):
        raise DataError(
            f"Column '{time}' holds '{brief(value)}', a {given.form}, which is longer than a {form}.",
            f"Set period to {given.form}, or leave it out.",
        )
    return name(covering(given.first, form))


def rows_of(frame: pd.DataFrame, time: str) -> pl.LazyFrame:
    """Return the rows of a frame whose categories and periods polars reads as what they mean."""
    import polars as pl

    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        return from_pandas(frame)
    changed, order = {}, None
    for column in frame.columns:
        dtype = frame[column].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            if column == time and dtype.ordered:
                order = [str(c) for c in dtype.categories]
                changed[column] = frame[column].astype("string")
            else:
                changed[column] = frame[column].astype(dtype.categories.dtype)
        elif isinstance(dtype, pd.PeriodDtype):
            changed[column] = frame[column].dt.to_timestamp()
    source = from_pandas(frame.assign(**changed))
    return source if order is None else source.with_columns(pl.col(time).cast(pl.Enum(order)))
