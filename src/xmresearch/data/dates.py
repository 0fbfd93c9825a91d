"""Dates in the forms in which people and tools write them, put into the form of ISO 8601."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

from xmresearch.display import Shown
from xmresearch.errors import DataError, brief

Order = Literal["dmy", "mdy", "ymd"]
YEARS = (1900, 2100)
"""Dates outside of these years are none."""
ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
_MONTHS = {
    name: k + 1
    for k, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august", "sep sept september",
         "oct october", "nov november", "dec december")
    )
    for name in names.split()
}  # fmt: skip
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4}
_OFFSETS = {
    "z": 0.0, "utc": 0.0, "gmt": 0.0, "est": -5.0, "edt": -4.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0, "pdt": -7.0, "cet": 1.0,
    "cest": 2.0, "hkt": 8.0, "sgt": 8.0, "jst": 9.0, "kst": 9.0,
}  # fmt: skip
_UNSURE = frozenset({"cst", "ist", "bst", "ast"})
"""Abbreviations that stand for several zones."""
_CLOCK = (
    r"(?:[ t,]+(?P<before>am|pm|上午|下午|凌晨)?\s*(?P<hour>\d{1,2})[:时点](?P<minute>\d{2})分?(?::?(?P<second>\d{2})秒?(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<after>[ap]\.?m\.?|上午|下午)?\s*(?P<zone>z|(?:utc|gmt)?\s*[+-]\d{1,2}(?::?\d{2})?|[a-z]{2,5})?)?$"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_NAMED = "|".join(sorted(_MONTHS, key=len, reverse=True))
_NUMERIC = re.compile(r"^(?P<a>\d{1,2})(?P<mark>[/.-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{4}|\d{2})" + _CLOCK)
_KNOWN = tuple(
    re.compile(rf"^{_WEEKDAY}{form}{_CLOCK}")
    for form in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
        r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]?",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-\s.]+(?P<m>{_NAMED})\.?[-\s,]+(?P<y>\d{{4}})",
        rf"(?P<m>{_NAMED})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})",
    )
)
_MONTH_ONLY = tuple(
    re.compile(form)
    for form in (
        r"^(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月(?:份)?$", rf"^(?P<m>{_NAMED})\.?[-\s,]+(?P<y>\d{{4}})$",
        r"^(?P<m>\d{1,2})[/.](?P<y>\d{4})$", r"^(?P<y>\d{4})[-/.](?P<m>\d{1,2})$",
    )
)  # fmt: skip
_QUARTER = tuple(
    re.compile(form)
    for form in (
        r"^(?P<y>\d{4})\s*年\s*第?\s*(?P<q>[1-4一二三四])\s*季度?$", r"^(?P<y>\d{4})[-\s/]*q(?P<q>[1-4])$",
        r"^q(?P<q>[1-4])[-\s/']*(?P<y>\d{4})$",
    )
)  # fmt: skip
_YEAR = re.compile(r"^(?P<y>\d{4})\s*年(?:度)?$")
SETTLED = re.compile(
    r"^(?:\d{4}[-/]\d\d[-/]\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:Z|[+-]\d\d:?(?:\d\d)?)?)?|\d{4}[-/]\d\d|\d{4}-?Q[1-4]"
    r"|\d{4}-?W\d{1,2}|\d{4}|\d{8}|\d{6})$"
)
"""Forms that every study reads as they are."""


@dataclass(frozen=True, repr=False)
class Dating(Shown):
    """How the texts of a column were read as dates.

    Attributes
    ----------
    column : str
        Its name.
    texts : mapping of str to str
        Each text that is a date to its form in ISO 8601; empty where all of them are in a form that studies read as it is.
    said : str
        What was read, in one sentence; '' where nothing was.
    """

    column: str
    texts: Mapping[str, str]
    said: str


def read_dates(
    given: Iterable[object], column: str, *, order: str | None = None, time_zone: str | None = None
) -> Dating:
    """Read the distinct values of a column as dates.

    Parameters
    ----------
    given : iterable
        Distinct values; only texts are looked at.
    column : str
        Name of the column, for messages.
    order : str, optional
        dmy, mdy or ymd, where the params say it.
    time_zone : str, optional
        Clock of moments that name no zone; those that do are put on it too.

    Returns
    -------
    Dating

    Raises
    ------
    DataError
        Numbers can be read as several dates, or as none in one order; a zone has several meanings.
    """
    texts = [v for v in given if isinstance(v, str)]
    zone = None if time_zone is None else ZoneInfo(time_zone)
    if zone is None and order is None and all(SETTLED.match(t.strip()) for t in texts):
        return Dating(column, {}, "")
    plain = {t: _plain(t) for t in texts}
    numeric = {t: found for t, p in plain.items() if (found := _NUMERIC.match(p))}
    which, why = _order(numeric, column, order) if numeric else (None, "")
    written = {t: _written(p, numeric.get(t), which, column, zone) for t, p in plain.items()}
    read = {t: w for t, w in written.items() if w is not None}
    changed = [t for t, w in read.items() if w != t]
    if not changed:
        return Dating(column, {}, "")
    example = next((t for t in numeric if t in read), changed[0])
    shown = f"Dates of '{brief(column)}': '{brief(example)}' is {read[example]}" + (f" ({why})" if why else "")
    return Dating(column, read, shown + (f"; on the clock of {time_zone}." if time_zone else "."))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("，", ",").split())


def _ymd(found: re.Match[str], order: Order) -> date | None:
    """Return the day that three numbers are in one order; None where there is none."""
    a, b, c = found["a"], found["b"], found["c"]
    year, month, day = {"dmy": (c, b, a), "mdy": (c, a, b), "ymd": (a, b, c)}[order]
    if len(day) > 2 or (order == "ymd" and len(year) != 2):
        return None
    return day_of(2000 + int(year) if len(year) == 2 else int(year), int(month), int(day))


def day_of(year: int, month: int, day: int) -> date | None:
    """Return a day; None where the calendar has none between the years 1900 and 2100."""
    try:
        return date(year, month, day) if YEARS[0] <= year <= YEARS[1] else None
    except ValueError:
        return None


def _order(numeric: Mapping[str, re.Match[str]], column: str, given: str | None) -> tuple[Order, str]:
    """Return the order of day, month and year, and what tells it."""
    if given in ORDERS:
        order = next(o for o in ORDERS if o == given)
        wrong = [t for t, found in numeric.items() if _ymd(found, order) is None and _ymd_of_any(found)]
        if wrong:
            raise DataError(
                f"Column '{column}': '{brief(wrong[0])}' is no date in the order {order} ({len(wrong)} such value(s)).",
                "Correct data.dates, or the cells.",
            )
        return order, f"{order}, as the params say"
    # what is a day in no order, as 00/00/0000 is, settles nothing
    numeric = {t: found for t, found in numeric.items() if _ymd_of_any(found)}
    fitting: list[Order] = [o for o in ORDERS if all(_ymd(found, o) is not None for found in numeric.values())]
    if all(found["mark"] == "." for found in numeric.values()) and "dmy" in fitting:
        return "dmy", "dmy, as dates with full stops are written"
    if len(fitting) == 1:
        only = [t for t, found in numeric.items() if sum(_ymd(found, o) is not None for o in ORDERS) == 1]
        return fitting[0], f"{fitting[0]}, as '{brief(only[0])}' shows" if only else fitting[0]
    differing = [t for t, found in numeric.items() if len({_ymd(found, o) for o in fitting}) > 1]
    if fitting and not differing:
        return fitting[0], ""
    if not fitting:
        first = {
            o: next((t for t, f in numeric.items() if _ymd(f, o) is not None and _alone(f, o)), "") for o in ORDERS
        }
        shown = " and ".join(f"'{brief(t)}'" for t in first.values() if t) or f"'{brief(next(iter(numeric)))}'"
        raise DataError(
            f"Column '{column}' holds dates in no one order of day, month and year, such as {shown}.",
            "Write them alike; data.dates names one order for the whole column.",
        )
    example, found = differing[0], numeric[differing[0]]
    ways = " or ".join(f"{day.isoformat()} ({o})" for o in fitting if (day := _ymd(found, o)) is not None)
    raise DataError(
        f"Column '{column}': '{brief(example)}' can be read as {ways}; no value of the column settles it.",
        f"Set data.dates to {' or '.join(fitting)}.",
    )


def _ymd_of_any(found: re.Match[str]) -> bool:
    return any(_ymd(found, o) is not None for o in ORDERS)


def _alone(found: re.Match[str], order: Order) -> bool:
    return all(_ymd(found, o) is None for o in ORDERS if o != order)


def _written(
    plain: str, numeric: re.Match[str] | None, order: Order | None, column: str, zone: ZoneInfo | None
) -> str | None:
    """Return a date in ISO 8601; None where a text is none."""
    if numeric is not None and order is not None:
        day = _ymd(numeric, order)
        return None if day is None else _moment(day, numeric, column, zone)
    for pattern in _KNOWN:
        if found := pattern.match(plain):
            day = day_of(int(found["y"]), _MONTHS.get(found["m"]) or int(found["m"]), int(found["d"]))
            return None if day is None else _moment(day, found, column, zone)
    for pattern in _MONTH_ONLY:
        if found := pattern.match(plain):
            day = day_of(int(found["y"]), _MONTHS.get(found["m"]) or int(found["m"]), 1)
            return None if day is None else f"{day:%Y-%m}"
    for pattern in _QUARTER:
        if found := pattern.match(plain):
            return f"{found['y']}-Q{_QUARTERS.get(found['q']) or int(found['q'])}"
    year = _YEAR.match(plain)
    return None if year is None else year["y"]


def _moment(day: date, found: re.Match[str], column: str, zone: ZoneInfo | None) -> str | None:
    if found["hour"] is None:
        return day.isoformat()
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    half = (found["before"] or found["after"] or "").replace(".", "")
    if half in ("pm", "下午") and hour < 12:
        hour += 12
    elif half in ("am", "上午", "凌晨") and hour == 12:
        hour = 0
    if hour > 23 or minute > 59 or second > 59:
        return None
    micro = int((found["fraction"] or "0").ljust(6, "0")[:6])
    moment = datetime(day.year, day.month, day.day, hour, minute, second, micro)
    named = (found["zone"] or "").replace(" ", "")
    if named in _UNSURE and zone is None:
        raise DataError(
            f"Column '{column}' names the zone {named.upper()}, which stands for several.",
            "Set data.time_zone to the place whose clock it is, such as Asia/Shanghai.",
        )
    if named and named not in _UNSURE:
        offset = _offset(named)
        if offset is None:
            return None
        moment = moment.replace(tzinfo=timezone(offset))
        if zone is not None:
            moment = moment.astimezone(zone)
    elif zone is not None:
        moment = moment.replace(tzinfo=zone)
    return moment.isoformat()


def _offset(named: str) -> timedelta | None:
    if named in _OFFSETS:
        return timedelta(hours=_OFFSETS[named])
    found = re.match(r"^(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?$", named)
    if found is None:
        return None
    size = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return None if size > timedelta(hours=14) else size if found[1] == "+" else -size
