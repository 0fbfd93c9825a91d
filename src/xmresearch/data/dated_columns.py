"""Columns of dates, put into one form: texts, days as Excel counts them, and moments on a clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from xmresearch.data.dates import SETTLED, day_of, read_dates
from xmresearch.errors import DataError, brief

if TYPE_CHECKING:
    import polars as pl

PEEKED = 1000
_EXCEL = (date(1899, 12, 30), 20_000, 80_000)


def from_excel(days: float) -> str | None:
    """Return the day, or moment, that a number is as Excel counts days from 1900; None for numbers that are none.

    Parameters
    ----------
    days : float
        Days, with the time as a fraction.

    Returns
    -------
    str or None
        In ISO 8601.
    """
    origin, least, most = _EXCEL
    if not least <= days <= most:
        return None
    moment = datetime(origin.year, origin.month, origin.day) + timedelta(seconds=round(days * 86400))
    return moment.date().isoformat() if float(days).is_integer() else moment.isoformat()


def dated(given: pd.Series, *, order: str | None = None, time_zone: str | None = None) -> tuple[pd.Series, str]:
    """Put a column of dates into the form of ISO 8601.

    Parameters
    ----------
    given : Series
        Texts, moments or numbers.
    order, time_zone : str, optional
        As for `read_dates`; order may also be excel.

    Returns
    -------
    column : Series
        As given where there is nothing to read.
    said : str
        What was read; '' where nothing was.

    Raises
    ------
    DataError
        As `read_dates`.
    """
    name = str(given.name)
    if pd.api.types.is_datetime64_any_dtype(given):
        if time_zone is None:
            return given, ""
        moved = given.dt.tz_convert(time_zone) if given.dt.tz is not None else _localized(given, time_zone)
        return moved, f"Times of '{brief(name)}' are on the clock of {time_zone}."
    values: Sequence[object] = given.dropna().unique().tolist()
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    found: dict[object, str] = {}
    said = ""
    if numbers and order == "excel":
        found = {v: day for v in numbers if (day := from_excel(v)) is not None}
        wrong = [v for v in numbers if v not in found]
        if wrong:
            raise DataError(f"Column '{name}': {wrong[0]:g} is no day as Excel counts them.", "Correct data.dates.")
        said = f"Dates of '{brief(name)}': {numbers[0]:g} is {found[numbers[0]]} (days as Excel counts them)."
    elif numbers and order == "ymd":
        found = {v: day for v in numbers if (day := _of_digits(v)) is not None}
        if found:
            said = f"Dates of '{brief(name)}': {numbers[0]:.0f} is {found[numbers[0]]} (ymd, as the params say)."
    reading = read_dates(values, name, order=order, time_zone=time_zone)
    found.update(reading.texts)
    if not found:
        return given, ""
    return given.astype(object).map(lambda v: found.get(v, v), na_action="ignore"), reading.said or said


def dated_scan(
    rows: pl.LazyFrame, column: str, *, order: str | None = None, time_zone: str | None = None
) -> tuple[pl.LazyFrame, str]:
    """Put a column of a scan into the form of ISO 8601, as `dated` does.

    Parameters
    ----------
    rows : polars.LazyFrame
        With the column.
    column : str
        Its name.
    order, time_zone : str, optional
        As for `dated`.

    Returns
    -------
    rows : polars.LazyFrame
        As given where its first rows need no reading.
    said : str

    Raises
    ------
    DataError
        As `dated`.
    """
    import polars as pl

    of = pl.col(column)
    plain = order is None and time_zone is None
    head = rows.select(of).head(PEEKED).collect().to_series()
    if isinstance(head.dtype, pl.Datetime):
        if time_zone is None:
            return rows, ""
        put = (
            of.dt.convert_time_zone(time_zone)
            if head.dtype.time_zone
            else of.dt.replace_time_zone(time_zone, ambiguous="latest", non_existent="null")
        )
        return rows.with_columns(put), f"Times of '{brief(column)}' are on the clock of {time_zone}."
    if plain and (head.dtype != pl.String or all(SETTLED.match(t.strip()) for t in head.drop_nulls())):
        return rows, ""
    distinct = rows.select(of.unique()).collect(engine="streaming").to_series().drop_nulls().to_pandas().rename(column)
    changed, said = dated(distinct, order=order, time_zone=time_zone)
    if not said:
        return rows, ""
    old, new = pl.Series(distinct.tolist(), dtype=head.dtype), pl.Series(changed.tolist(), dtype=pl.String)
    return rows.with_columns(of.replace_strict(old, new, default=None)), said


def _of_digits(number: float) -> str | None:
    text = f"{number:.0f}"
    if len(text) != 8 or float(text) != number:
        return None
    day = day_of(int(text[:4]), int(text[4:6]), int(text[6:]))
    return None if day is None else day.isoformat()


def _localized(given: pd.Series, time_zone: str) -> pd.Series:
    """Give moments a zone; those that the change of clocks leaves out or repeats count as after it."""
    return given.dt.tz_localize(time_zone, ambiguous=False, nonexistent="shift_forward")
