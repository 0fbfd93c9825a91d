"""When an event was: datetimes, dates, numbers and text as one number."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import polars as pl

from xmresearch.errors import DataError, ParamsError, brief
from xmresearch.sufficient.event_rules import EventRules

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
EPOCHS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
# 2000 and 2100 in seconds
_CENTURY = (946_684_800.0, 4_102_444_800.0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# text of another form is not guessed at: 03/04/2025 is two days
_ISO, _ZONED = r"^\d{4}[-/]", r"[T ]\d\d?:.*(Z|[+-]\d\d:?(\d\d)?)$"
_DAYS_AS_NUMBERS, _SERIAL_DAYS = (19_000_101, 21_001_231), (36_500, 62_000)


def event_time(log: EventRules, dtype: pl.DataType) -> tuple[pl.Expr, float]:
    """Return time as a number, and the seconds of its unit.

    Parameters
    ----------
    log : EventRules
        Whose time column it is.
    dtype : polars.DataType
        Of that column.

    Returns
    -------
    expression : polars.Expr
        Since 1970 in UTC where the column says what zone it is in; null where the time cannot be read.
    unit : float
        Seconds.

    Raises
    ------
    DataError
        The column holds no times.
    """
    time = pl.col(log.time)
    if isinstance(dtype, pl.Datetime):
        return time.to_physical(), _UNITS[dtype.time_unit]
    if dtype == pl.Date:
        return time.to_physical().cast(pl.Int64), 86400.0
    if log.time_format in _UNITS and dtype.is_numeric():
        return (pl.when(time.is_finite()).then(time) if dtype.is_float() else time.cast(pl.Int64)), _UNITS[
            log.time_format
        ]
    if dtype == pl.String or (log.time_format is not None and dtype.is_numeric()):
        if dtype.is_float():
            time = pl.when(time == time.round()).then(time).cast(pl.Int64, strict=False)
        return _parsed(time.cast(pl.String).str.strip_chars(), log.time_format).to_physical(), 1e-6
    if dtype.is_integer():
        return time.cast(pl.Int64), 1.0
    if dtype.is_float():
        number = time.cast(pl.Float64)
        return pl.when(number.is_finite()).then(number), 1.0
    raise DataError(
        f"Column '{log.time}' is of type {dtype}, which is no time.", "Give datetimes, dates, seconds or text."
    )


def _parsed(text: pl.Expr, form: str | None) -> pl.Expr:
    if form is not None:
        return text.str.to_datetime(form, time_unit="us", strict=False)
    zoned, known = text.str.contains(_ZONED), text.str.contains(_ISO)
    # apart, as polars takes the form of the first value for that of all
    parts = (pl.when(known & which).then(text) for which in (~zoned, zoned))
    return pl.coalesce(p.str.to_datetime(time_unit="us", time_zone="UTC", strict=False) for p in parts)


def last_moment(log: EventRules, dtype: pl.DataType, unit: float) -> float:
    """Return the last time that counts, in units of the column.

    Raises
    ------
    ParamsError
        `until` cannot be read.
    """
    if log.until is None:
        # clocks and time zones may differ by a day
        return (datetime.now(UTC).timestamp() + 86400) / unit
    try:
        moment = pd.Timestamp(log.until)
    except ValueError:
        moment = pd.NaT
    if moment is pd.NaT:
        raise ParamsError(f"until is '{brief(log.until)}', which is no time.", "Write it as '2025-03-31'.")
    if moment.tzinfo is None:
        moment = moment.tz_localize(getattr(dtype, "time_zone", None) or "UTC")
    return float((moment.to_pydatetime() - _EPOCH).total_seconds() / unit)


def epoch_unit(least: float, most: float) -> str:
    """Return the unit (ms, us, ns) in which numbers look like times of this century; or nothing."""
    for unit in EPOCHS:
        if _CENTURY[0] <= least * _UNITS[unit] <= most * _UNITS[unit] <= _CENTURY[1]:
            return unit
    return ""


def days_as_numbers(least: float, most: float) -> str:
    """Return what to do with numbers that look like 20250331, or like a spreadsheet's 45717, rather than seconds; or nothing."""
    if _DAYS_AS_NUMBERS[0] <= least <= most <= _DAYS_AS_NUMBERS[1]:
        return "Give time_format='%Y%m%d'."
    if _SERIAL_DAYS[0] <= least <= most <= _SERIAL_DAYS[1]:
        return (
            "They are days as a spreadsheet counts them: format the column as dates there, or set data.dates to excel."
        )
    return ""
