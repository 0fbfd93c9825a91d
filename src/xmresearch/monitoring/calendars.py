"""What kind each day is: working day, weekend, public holiday, or a weekend that is worked to make up for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import DataError, nearest
from xmresearch.sufficient.calendar import Span, span

DayKind = Literal["workday", "weekend", "holiday", "make_up"]
DAY_KINDS: tuple[DayKind, ...] = ("workday", "weekend", "holiday", "make_up")
LONGEST_BREAK = 10
MAKES_UP = ("CN",)
"""Countries whose rest days are moved year by year, by an announcement of the year before."""


@dataclass(frozen=True, repr=False)
class DayKinds(Shown):
    """Days with their kinds.

    Attributes
    ----------
    table : DataFrame
        One row per day: date, weekday (0 is Monday), kind (workday, weekend, holiday, make_up), holiday (its name, also of the days that
        were moved to it; empty otherwise). Where rest days are moved a weekend that adjoins a holiday is part of it.
    country : str
        ISO 3166 code; empty where only weekends are known.
    unannounced : tuple of int
        Years whose moved days were not yet announced when the calendar was made: their long holidays and make-up days are guesses.
    """

    table: pd.DataFrame
    country: str
    unannounced: tuple[int, ...]

    def tidy(self) -> pd.DataFrame:
        """Return one row per day."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many days there are of each kind, the country and the years that are guesses."""
        counts = self.table["kind"].value_counts()
        return {
            **{kind: int(counts.get(kind, 0)) for kind in DAY_KINDS}, "country": self.country,
            "unannounced": list(self.unannounced),
        }  # fmt: skip

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the calendar must know."""
        if not self.unannounced:
            return ()
        years = ", ".join(map(str, self.unannounced))
        return (f"The moved working days of {years} are not announced or not yet in the calendar of holidays.",)


def day_kinds(days: Iterable[Any], *, country: str = "CN", language: str | None = None) -> DayKinds:
    """Return the kind of each day.

    Parameters
    ----------
    days : iterable of date or str
        Days, or text that names one; a moment counts as its day.
    country : str
        ISO 3166 code, with a subdivision after a hyphen, such as CN, US-CA or DE-BY; '' for weekends alone.
    language : str, optional
        Of the names of holidays, such as en_US or zh_CN; the country's own by default.

    Returns
    -------
    DayKinds

    Raises
    ------
    DataError
        A value is no day; there is no calendar of that country, or not in that language.

    References
    ----------
    State Council of the People's Republic of China. Notices on the arrangement of holidays, yearly. Vacanza team. holidays: open world
    holidays framework.
    """
    given = [_day(value) for value in days]
    years = sorted({d.year for d in given})
    known = _calendar(country, years, language) if country and given else None
    made_up = set() if known is None else set(known.weekend_workdays)
    weekend = {5, 6} if known is None else set(known.weekend)
    rows = []
    moves = country.split("-")[0] in MAKES_UP
    for day in given:
        made = day in made_up
        name = "" if known is None or made else _name(known, day, joined=weekend if moves else set())
        kind = "holiday" if name else "make_up" if made else "weekend" if day.weekday() in weekend else "workday"
        rows.append((day, day.weekday(), kind, name))
    table = pd.DataFrame(rows, columns=["date", "weekday", "kind", "holiday"])
    told = {d.year for d in made_up if d.month < 12}
    guesses = tuple(y for y in years if y not in told) if moves else ()
    return DayKinds(table, country, guesses)


def calendar_shares(spans: Sequence[Span], *, country: str = "CN") -> tuple[pd.DataFrame, tuple[int, ...]]:
    """Return which share of the days of each period is of a kind.

    Parameters
    ----------
    spans : sequence of Span
        Days, weeks, months or longer periods.
    country : str
        As for `day_kinds`.

    Returns
    -------
    shares : DataFrame
        One row per period: weekend, holiday and make_up, shares of its days between 0 and 1.
    unannounced : tuple of int
        As of `DayKinds`.
    """
    lengths = [(s.last - s.first).days + 1 for s in spans]
    days = [s.first + timedelta(days=k) for s, n in zip(spans, lengths, strict=True) for k in range(n)]
    kinds = day_kinds(days, country=country)
    at = np.repeat(np.arange(len(spans)), lengths)
    table = {
        kind: np.bincount(at, weights=(kinds.table["kind"] == kind).to_numpy(float), minlength=len(spans)) / lengths
        for kind in DAY_KINDS[1:]
    }
    return pd.DataFrame(table), kinds.unannounced


def _day(value: Any) -> date:
    found = span(value)
    if found is None or found.form != "day":
        raise DataError(f"'{value}' is no day.", "Write days as 2024-07-31.")
    return found.first


def _calendar(country: str, years: list[int], language: str | None) -> Any:
    import holidays

    code, _, part = country.partition("-")
    supported = holidays.list_supported_countries(include_aliases=False)
    if code not in supported:
        raise DataError(f"There is no calendar of holidays of '{code}'.", nearest(code, supported))
    if part and part not in supported[code]:
        raise DataError(f"'{code}' has no part '{part}' with holidays of its own.", nearest(part, supported[code]))
    languages = holidays.list_localized_countries(include_aliases=False).get(code, [])
    if language is not None and language not in languages:
        raise DataError(f"Holidays of '{code}' have no names in '{language}'.", f"There are: {', '.join(languages)}.")
    # the years on both sides hold what is moved over New Year
    around = sorted({y + k for y in years for k in (-1, 0, 1)})
    return holidays.country_holidays(code, subdiv=part or None, years=around, language=language)


def _name(known: Any, day: date, *, joined: set[int]) -> str:
    """Return the name of a holiday, or ''.

    A rest day that was moved to it, and a weekend that adjoins it, takes the name of the nearest day of the same stretch that has one.
    """
    own = str(known.get(day, ""))
    if (own and not _moved(own)) or (not own and day.weekday() not in joined):
        return own
    for distance in range(1, LONGEST_BREAK):
        for step in (timedelta(days=-1), timedelta(days=1)):
            between = [day + k * step for k in range(1, distance + 1)]
            if all(d in known or (d.weekday() in joined and d not in known.weekend_workdays) for d in between):
                name = str(known.get(between[-1], ""))
                if name and not _moved(name):
                    return name
    return own


def _moved(name: str) -> bool:
    """Return whether a day off bears the date it was moved from instead of a name."""
    return any(character.isdigit() for character in name)
