"""How long an interview took, in the forms in which tools write it."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, brief

_UNITS = {
    "d": 86400.0, "day": 86400.0, "days": 86400.0, "天": 86400.0, "日": 86400.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0, "小时": 3600.0, "时": 3600.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "分": 60.0, "分钟": 60.0,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "秒": 1.0, "秒钟": 1.0,
    "ms": 0.001, "毫秒": 0.001,
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")(?![a-z])\.?\s*,?\s*")
_NAMED = (
    (re.compile(r"\bms\b|\bmsecs?\b|millisec|毫秒"), 0.001), (re.compile(r"\bmins?\b|minute|分钟"), 60.0),
    (re.compile(r"\bhours?\b|\bhrs?\b|小时"), 3600.0), (re.compile(r"\bs\b|\bsecs?\b|second|秒"), 1.0),
)  # fmt: skip
"""What the name of a column says its numbers are counted in."""
LONGEST_MEDIAN = 43_200.0
_PLAIN = re.compile(r"^[+-]?\d+(?:\.\d+)?$")
_CLOCK = re.compile(r"^(?:(\d+)\s*(?:d|days?|天)?[\s.]+)?(\d{1,3}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$")


def seconds_of(text: object) -> float:
    """Read one duration.

    Parameters
    ----------
    text : object
        A number of seconds, 218秒, 3分38秒, 1小时2分, "4 min 10 s", 00:04:10 or 4:10 (minutes and seconds).

    Returns
    -------
    float
        Seconds; NaN where it is none of these.
    """
    plain = " ".join(unicodedata.normalize("NFKC", str(text)).casefold().split())
    try:
        number = float(plain) if "_" not in plain else np.nan
    except ValueError:
        number = np.nan
    if np.isfinite(number):
        return number
    clock = _CLOCK.match(plain)
    if clock:
        days, first, second, third = clock.groups()
        if third is None:
            return float(first) * 60 + float(second) if days is None else np.nan
        return float(days or 0) * 86400 + float(first) * 3600 + float(second) * 60 + float(third)
    parts = _PART.findall(plain)
    if not parts or _PART.sub("", plain):
        return float("nan")
    return sum(float(n) * _UNITS[unit] for n, unit in parts)


def _in_seconds(numbers: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Take plain numbers for what the column's name says, or seconds; refuse those that are hardly seconds."""
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").split())
    for pattern, unit in _NAMED:
        if pattern.search(plain):
            return numbers * unit
    median = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else 0.0
    if median > LONGEST_MEDIAN:
        raise DataError(
            f"Duration column '{name}': its median of {median:.0f} would be {median / 3600:.0f} hours in seconds, or "
            f"{median / 1000:.0f} s in milliseconds.",
            "Give it a name that says the unit by data.columns, such as 'duration (ms)' or 'duration (s)'.",
        )
    return numbers


def read_durations(given: pd.Series, name: str) -> NDArray[np.float64]:
    """Read a column of durations.

    Parameters
    ----------
    given : Series
        As in the file; blanks stay blank.
    name : str
        Of the column: for messages, and for the unit of plain numbers where it says one, as in "duration (ms)".

    Returns
    -------
    ndarray
        Seconds, shape (n,).

    Raises
    ------
    DataError
        A cell is no duration; or plain numbers, taken as seconds, are more than half a day at the median.
    """
    if pd.api.types.is_timedelta64_dtype(given):
        found: NDArray[np.float64] = given.dt.total_seconds().to_numpy(dtype="float64")
        return found
    if pd.api.types.is_numeric_dtype(given):
        return _in_seconds(np.asarray(given.to_numpy(dtype="float64", na_value=np.nan)), name)
    codes, uniques = pd.factorize(given.astype("string"), use_na_sentinel=True)
    seconds = np.array([seconds_of(u) if str(u).strip() else 0.0 for u in uniques], dtype="float64")
    blank = np.array([not str(u).strip() for u in uniques], dtype=bool)
    wrong = np.isnan(seconds)
    if wrong.any():
        row = int(np.isin(codes, np.flatnonzero(wrong)).argmax())
        raise DataError(
            f"Duration column '{name}', data row {row + 1}: '{brief(given.iloc[row])}' is no duration"
            f" ({int(np.isin(codes, np.flatnonzero(wrong)).sum())} such cell(s)).",
            "Known are seconds, 218秒, 3分38秒, '4 min 10 s', 00:04:10 and 4:10; or remove duration_column.",
        )
    seconds[blank] = np.nan
    if all(_PLAIN.match(str(u).strip()) for u in uniques if str(u).strip()):
        seconds = _in_seconds(seconds, name)
    out = np.full(len(given), np.nan)
    out[codes >= 0] = seconds[codes[codes >= 0]]
    return out
