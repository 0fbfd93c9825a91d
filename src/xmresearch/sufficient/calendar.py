"""Days, weeks, months, quarters and years, whatever they are written as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.dates import YEARS
from xmresearch.display import Shown

FORMS = ("day", "week", "month", "quarter", "year")
FEWEST_DATES = 3
_TEXT = {
    "day": re.compile(
        r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T].*)?|(\d{4})(\d{2})(\d{2})|(\d{4})年(\d{1,2})月(\d{1,2})日"
    ),
    "week": re.compile(r"(\d{4})-?W(\d{1,2})"),
    "month": re.compile(r"(\d{4})[-/](\d{1,2})|(\d{4})(\d{2})|(\d{4})年(\d{1,2})月"),
    "quarter": re.compile(r"(\d{4})-?Q([1-4])|(\d{4})年第?([1-4])季度"),
    "year": re.compile(r"(\d{4})|(\d{4})年"),
}


@dataclass(frozen=True, repr=False)
class Span(Shown):
    """A stretch of the calendar.

    Attributes
    ----------
    form : str
        day, week, month, quarter or year.
    first, last : date
        Its days, both included.
    """

    form: str
    first: date
    last: date


def span(value: Any) -> Span | None:
    """Return the stretch of the calendar that a value names.

    Parameters
    ----------
    value : date, Timestamp, Period, number or str
        A moment counts as its day, by its own clock. Text and whole numbers such as 2024, 2024-Q3, 2024-07, 202407, 2024-W05,
        2024-07-31 or 20240731.

    Returns
    -------
    Span or None
        None for what is no date between the years 1900 and 2100.
    """
    if isinstance(value, pd.Period):
        return _of_period(value)
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, date):
        return None if pd.isna(value) else covering(value.date() if isinstance(value, datetime) else value, "day")
    if isinstance(value, float | np.floating):
        if not np.isfinite(value) or value != int(value):
            return None
        value = int(value)
    text = str(value).strip()
    for form, pattern in _TEXT.items():
        if found := pattern.fullmatch(text):
            return _written(form, [int(k) for k in found.groups() if k is not None])
    return None


def covering(day: date, form: str) -> Span:
    """Return the week (from Monday), month, quarter or year that holds a day, or the day."""
    if form == "day":
        return Span(form, day, day)
    if form == "week":
        first = day - timedelta(days=day.weekday())
        return Span(form, first, first + timedelta(days=6))
    months = {"month": 1, "quarter": 3, "year": 12}[form]
    start = (day.month - 1) // months * months
    first = date(day.year, start + 1, 1)
    following = date(day.year + (start + months) // 12, (start + months) % 12 + 1, 1)
    return Span(form, first, following - timedelta(days=1))


def name(found: Span) -> str:
    """Write a span as text that sorts: 2024-07-31, 2024-W05 (ISO 8601), 2024-07, 2024-Q3 or 2024."""
    day = found.first
    if found.form == "day":
        return day.isoformat()
    if found.form == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    written = {"month": f"-{day.month:02d}", "quarter": f"-Q{(day.month + 2) // 3}", "year": ""}
    return f"{day.year}{written[found.form]}"


def spans_of_dates(days: Sequence[date]) -> tuple[Span, ...]:
    """Return what dates in order stand for.

    Parameters
    ----------
    days : sequence of date
        Distinct, earliest first.

    Returns
    -------
    tuple of Span
        From three dates on: years, quarters or months where all are first days of them, months where all are last days, weeks
        where all are the same day of the week (each from its own day on); otherwise the days.
    """
    found = tuple(covering(day, "day") for day in days)
    if len(days) < FEWEST_DATES:
        return found
    for form in ("year", "quarter", "month"):
        wider = tuple(covering(day, form) for day in days)
        if all(w.first == day for w, day in zip(wider, days, strict=True)):
            return wider
    months = tuple(covering(day, "month") for day in days)
    if all(m.last == day for m, day in zip(months, days, strict=True)):
        return months
    if len({day.weekday() for day in days}) == 1:
        return tuple(Span("week", day, day + timedelta(days=6)) for day in days)
    return found


def position(found: Span) -> int:
    """Return how many spans of its form lie between a fixed past and a span."""
    day = found.first
    if found.form in ("day", "week"):
        return day.toordinal() if found.form == "day" else day.toordinal() // 7
    month = 12 * day.year + day.month - 1
    return month // {"month": 1, "quarter": 3, "year": 12}[found.form]


def _written(form: str, numbers: list[int]) -> Span | None:
    year, *rest = numbers
    if not YEARS[0] <= year <= YEARS[1]:
        return None
    try:
        if form == "week":
            day = date.fromisocalendar(year, rest[0], 1)
        elif form == "quarter":
            day = date(year, 3 * rest[0] - 2, 1)
        else:
            day = date(year, *[*rest, 1, 1][:2])
    except ValueError:
        return None
    return covering(day, form)


def _of_period(value: pd.Period) -> Span | None:
    first, last = value.start_time.date(), value.end_time.date()
    form = next((f for f in FORMS if covering(first, f).last == last and covering(first, f).first == first), None)
    return None if form is None else Span(form, first, last)
