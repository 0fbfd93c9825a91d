"""Whether rows are events of cases, or paths of touchpoints; and which columns say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from xmresearch.data.profile.columns import ColumnProfile
from xmresearch.data.profile.guess import Guess
from xmresearch.data.profile.naming import says
from xmresearch.display import Shown

FEWEST_PER_CASE = 1.2
MOST_TOUCHPOINTS = 200
LEAST_PATHS = 0.3
_XES = {
    "customer": "case:concept:name",
    "touchpoint": "concept:name",
    "time": "time:timestamp",
    "lifecycle": "lifecycle:transition",
}
_SEPARATORS = (">", "→", "|", ";")
_STAGES = {"start", "complete", "schedule", "suspend", "resume", "assign"}


@dataclass(frozen=True, repr=False)
class EventLog(Shown):
    """The columns of a log.

    Attributes
    ----------
    customer, time, touchpoint : Guess
        Which columns say who, when and what.
    conversion : Guess or None
        The column that says which event converts.
    converting : tuple of str
        Touchpoints that are taken for the conversion, where no column says it.
    ends : Guess or None
        How they were found.
    value, cost, lifecycle : str or None
        Further columns.
    time_unit : str or None
        Unit of times that are numbers.
    """

    customer: Guess
    time: Guess
    touchpoint: Guess
    conversion: Guess | None = None
    converting: tuple[str, ...] = ()
    ends: Guess | None = None
    value: str | None = None
    cost: str | None = None
    lifecycle: str | None = None
    time_unit: str | None = None


@dataclass(frozen=True, repr=False)
class Paths(Shown):
    """The columns of aggregated paths.

    Attributes
    ----------
    path, conversions : Guess
        Columns.
    separator : str
        Between touchpoints.
    nulls, value : str or None
        Further columns.
    """

    path: Guess
    conversions: Guess
    separator: str
    nulls: str | None = None
    value: str | None = None


def find_event_log(frame: pd.DataFrame, columns: Sequence[ColumnProfile]) -> EventLog | None:
    """Find the columns of an event log.

    Parameters
    ----------
    frame : DataFrame
        One row per event.
    columns : sequence of ColumnProfile
        Of the file.

    Returns
    -------
    EventLog or None
        None where no column says who, when and what.
    """
    there = {c.name: c for c in columns}
    if all(name in there for name in (_XES["customer"], _XES["touchpoint"], _XES["time"])):
        names = ("customer", "time", "touchpoint")
        given = {k: Guess(_XES[k], "the name that XES gives it") for k in names}
        return _with_ends(frame, columns, EventLog(given["customer"], given["time"], given["touchpoint"]))
    time, unit = _time(frame, columns)
    customer = None if time is None else _customer(frame, columns, time.what)
    touchpoint = None if customer is None else _touchpoint(frame, columns, customer.what)
    if time is None or customer is None or touchpoint is None:
        return None
    return _with_ends(frame, columns, EventLog(customer, time, touchpoint, time_unit=unit))


def _time(frame: pd.DataFrame, columns: Sequence[ColumnProfile]) -> tuple[Guess | None, str | None]:
    dates = [c for c in columns if c.kind.what == "date" and c.answered == len(frame)]
    dates.sort(key=lambda c: (not says(c.name, "time") and "stamp" not in c.name.lower(), -c.levels))
    if dates:
        several = len(dates) > 1
        return Guess(
            dates[0].name,
            dates[0].kind.why,
            f"{len(dates)} columns hold dates: check that this one orders the events" if several else "",
        ), None
    for c in columns:
        if c.kind.what in ("number", "identifier") and says(c.name, "time") and c.answered == len(frame):
            most = float(pd.to_numeric(frame[c.name], errors="coerce").max())
            for unit, scale in (("s", 1e9), ("ms", 1e12), ("us", 1e15), ("ns", 1e18)):
                if 0.8 * scale <= most < 4.2 * scale:
                    return Guess(c.name, f"numbers that are {unit} since 1970"), unit
    return None, None


def _customer(frame: pd.DataFrame, columns: Sequence[ColumnProfile], time: str) -> Guess | None:
    n = len(frame)
    found = []
    for c in columns:
        if c.name == time or c.kind.what in ("empty", "constant", "option", "personal", "date") or c.levels < 2:
            continue
        named = says(c.name, "case") or says(c.name, "identifier")
        if named and c.answered >= 0.95 * n and c.levels * FEWEST_PER_CASE <= n and c.levels >= 3:
            found.append((says(c.name, "case"), c.levels, c))
    if not found:
        # every case with one event only is a log all the same where column names say so
        alone = [c for c in columns if says(c.name, "case") and c.kind.what == "identifier" and c.answered == n]
        flagged = any(says(c.name, "conversion") and c.kind.what == "yes_no" for c in columns)
        return (
            Guess(alone[0].name, "its name", "every case has one event only") if flagged and len(alone) == 1 else None
        )
    best = max(found, key=lambda f: (f[0], f[1]))[2]
    return Guess(best.name, f"its name; {best.levels} different, each with {n / best.levels:.1f} rows on average")


def _touchpoint(frame: pd.DataFrame, columns: Sequence[ColumnProfile], customer: str) -> Guess | None:
    labels = [
        c for c in columns
        if c.name != customer and c.kind.what in ("choice", "text", "rating", "constant") and c.answered == len(frame)
        and 2 <= c.levels <= MOST_TOUCHPOINTS and not pd.api.types.is_numeric_dtype(frame[c.name])
        and not _is_lifecycle(frame[c.name])
    ]  # fmt: skip
    named = [c for c in labels if says(c.name, "touchpoint")]
    if named:
        best = named[0]
        return Guess(
            best.name,
            f"its name; {best.levels} different texts",
            "" if len(named) == 1 else "several columns have such a name: check that it is this one",
        )
    return None


def _is_lifecycle(values: pd.Series) -> bool:
    return set(values.dropna().astype(str).str.lower().unique()) <= _STAGES


def _with_ends(frame: pd.DataFrame, columns: Sequence[ColumnProfile], log: EventLog) -> EventLog:
    taken = {log.customer.what, log.time.what, log.touchpoint.what}
    free = [c for c in columns if c.name not in taken]
    numeric = [c for c in free if pd.api.types.is_numeric_dtype(frame[c.name])]
    value = next((c.name for c in numeric if says(c.name, "value")), None)
    cost = next((c.name for c in numeric if says(c.name, "cost")), None)
    lifecycle = next((c.name for c in free if c.answered == len(frame) and _is_lifecycle(frame[c.name])), None)
    flags = [
        c for c in free if c.kind.what == "yes_no" and says(c.name, "conversion") and frame[c.name].dtype != object
    ]
    known = replace(log, value=value, cost=cost, lifecycle=lifecycle)
    if flags:
        return replace(known, conversion=Guess(flags[0].name, f"its name; {flags[0].kind.why}"))
    converting, ends = _endings(frame, log)
    return replace(known, converting=converting, ends=ends)


def _endings(frame: pd.DataFrame, log: EventLog) -> tuple[tuple[str, ...], Guess]:
    """Take the touchpoints that end cases for the conversion: those whose words say so, or the commonest."""
    known = frame[[log.customer.what, log.time.what, log.touchpoint.what]].dropna(
        subset=[log.customer.what, log.touchpoint.what]
    )
    ordered = known.sort_values(log.time.what, kind="stable")
    last = ordered.groupby(log.customer.what, sort=False)[log.touchpoint.what].last().astype(str)
    labels = [str(v) for v in frame[log.touchpoint.what].dropna().unique()]
    named = [v for v in labels if says(v, "ending")]
    counts = last.value_counts()
    ending = [v for v in named if int(counts.get(v, 0)) > 0]
    check = "say which touchpoints are the conversion; all others are steps on the way"
    if ending and len(labels) - len(ending) >= 2:
        return tuple(sorted(ending)), Guess(", ".join(sorted(ending)), "their words, and cases end in them", check)
    if named and len(labels) - len(named) >= 2:
        return tuple(sorted(named)), Guess(", ".join(sorted(named)), "their words", check)
    best = str(counts.index[0])
    return (best,), Guess(best, f"{int(counts.iloc[0])} of {len(last)} cases end in it", check)


def find_paths(frame: pd.DataFrame, columns: Sequence[ColumnProfile]) -> Paths | None:
    """Find a column of paths and the counts that belong to it.

    Parameters
    ----------
    frame : DataFrame
        One row per path.
    columns : sequence of ColumnProfile
        Of the file.

    Returns
    -------
    Paths or None
    """
    counts = [c for c in columns if pd.api.types.is_numeric_dtype(frame[c.name])]
    conversions = [
        c for c in counts if says(c.name, "conversion") and not says(c.name, "value") and not says(c.name, "nulls")
    ]
    nulls = [c for c in counts if says(c.name, "nulls")]
    if not conversions:
        return None
    for c in columns:
        if pd.api.types.is_numeric_dtype(frame[c.name]) or c.answered < len(frame):
            continue
        texts = frame[c.name].astype(str)
        for mark in _SEPARATORS:
            parted = texts.str.contains(re.escape(mark))
            steps = {s.strip() for t in texts[parted].head(500) for s in t.split(mark)}
            if parted.mean() >= LEAST_PATHS and len(steps) <= MOST_TOUCHPOINTS:
                value = next((k.name for k in counts if says(k.name, "value")), None)
                return Paths(
                    Guess(c.name, f"{parted.mean():.0%} of its texts are steps with '{mark}' between"),
                    Guess(conversions[0].name, "its name"), mark, nulls[0].name if nulls else None, value,
                )  # fmt: skip
    return None
