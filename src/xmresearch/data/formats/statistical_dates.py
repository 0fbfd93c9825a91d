"""Dates and times as SPSS and Stata count them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

_SPSS_DATES = re.compile(r"^(A|E|S|J)?DATE\d*|^(MOYR|QYR|WKYR)\d*")
_SPSS_MOMENTS = re.compile(r"^(YMDHMS|DATETIME)")
_SPSS_SPANS = re.compile(r"^(D|M)?TIME")
_SPSS_START = np.datetime64("1582-10-14T00:00:00", "us")
_STATA_START = np.datetime64("1960-01-01T00:00:00", "us")
# what can be told in microseconds with room to spare: the years 1 to 9999
_NEVER = np.datetime64("NaT", "us")
_FIRST, _LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")
# leap seconds up to the end of each of these days (IERS Bulletin C)
_LEAPS = (
    "1972-06-30", "1972-12-31", "1973-12-31", "1974-12-31", "1975-12-31", "1976-12-31", "1977-12-31", "1978-12-31", "1979-12-31",
    "1981-06-30", "1982-06-30", "1983-06-30", "1985-06-30", "1987-12-31", "1989-12-31", "1990-12-31", "1992-06-30", "1993-06-30",
    "1994-06-30", "1995-12-31", "1997-06-30", "1998-12-31", "2005-12-31", "2008-12-31", "2012-06-30", "2015-06-30", "2016-12-31",
)  # fmt: skip


def as_dates(given: pd.Series, shown_as: str, form: str) -> pd.Series | None:
    """Turn numbers into dates where the file shows them so.

    Parameters
    ----------
    given : Series
        A column.
    shown_as : str
        Format of the variable, such as DATE11 or %tc.
    form : str
        spss or stata.

    Returns
    -------
    Series or None
        datetime64[us], or timedelta64[us] of SPSS's times of day and durations; None where the column is no date. What lies
        outside the years 1 to 9999 is blank.

    References
    ----------
    IBM SPSS Statistics Command Syntax Reference, Date and Time (seconds since 14 October 1582). Stata Base Reference Manual,
    datetime (counts since 1 January 1960; %tC with leap seconds).
    """
    if not pd.api.types.is_numeric_dtype(given):
        return None
    number = given.to_numpy(dtype="float64")
    number = np.where(np.abs(number) < 1e18, number, np.nan)
    if form == "spss":
        shown = shown_as.upper()
        if _SPSS_MOMENTS.match(shown) or _SPSS_DATES.match(shown):
            return _series(_since(_SPSS_START, number * 1e6), given)
        if _SPSS_SPANS.match(shown):
            limit = np.where(np.abs(number) < 1e11, number, np.nan)
            return pd.Series(_whole(limit * 1e6).astype("timedelta64[us]"), index=given.index, name=given.name)
        return None
    return _stata(number, shown_as, given)


def _stata(number: np.ndarray, shown_as: str, given: pd.Series) -> pd.Series | None:
    match = re.match(r"^%-?t?([dcCwmqhy])", shown_as)
    if match is None or not shown_as.lstrip("%-").startswith(("t", "d")):
        return None
    unit = match[1]
    if unit == "y":
        return None
    if unit in "cC":
        moments = _since(_STATA_START, number * 1e3)
        if unit == "C":
            ends = np.array(_LEAPS, dtype="datetime64[D]").astype("datetime64[us]") + np.timedelta64(86_400, "s")
            # a moment counts the seconds inserted before it
            counted = ends + np.arange(1, len(_LEAPS) + 1).astype("timedelta64[s]")
            known = ~np.isnat(moments)
            passed = np.searchsorted(counted, moments[known], side="right")
            moments[known] -= passed.astype("timedelta64[s]").astype("timedelta64[us]")
        return _series(moments, given)
    if unit == "d":
        return _series(_since(_STATA_START, number * 86_400e6), given)
    if unit == "w":
        # Stata's years have 52 weeks, of which the first begins on 1 January
        years, weeks = np.floor(number / 52), np.mod(number, 52)
        return _series(_month(years * 12, weeks * 7), given)
    return _series(_month(number * {"m": 1, "q": 3, "h": 6}[unit]), given)


def _whole(number: np.ndarray) -> np.ndarray:
    """Round to int64, with the value that stands for no time where there is none."""
    known = np.isfinite(number) & (np.abs(number) < 9e18)
    whole: np.ndarray = np.where(known, np.round(np.where(known, number, 0)), np.iinfo("int64").min).astype("int64")
    return whole


def _since(start: np.datetime64, micro: np.ndarray) -> np.ndarray:
    micro = np.where(np.abs(micro) < 4e17, micro, np.nan)
    moments: np.ndarray = start + _whole(micro).astype("timedelta64[us]")
    moments[(moments < _FIRST) | (moments > _LAST)] = _NEVER
    return moments


def _month(months: np.ndarray, days: np.ndarray | float = 0.0) -> np.ndarray:
    known = np.isfinite(months) & (np.abs(months) < 90_000)
    at = np.where(known, months, 0).astype("int64")
    start = (np.datetime64("1960-01", "M") + at.astype("timedelta64[M]")).astype("datetime64[D]")
    extra = np.where(known, days, 0).astype("int64").astype("timedelta64[D]")
    moments: np.ndarray = (start + extra).astype("datetime64[us]")
    moments[~known] = _NEVER
    moments[(moments < _FIRST) | (moments > _LAST)] = _NEVER
    return moments


def _series(moments: np.ndarray, given: pd.Series) -> pd.Series:
    return pd.Series(moments, index=given.index, name=given.name)
