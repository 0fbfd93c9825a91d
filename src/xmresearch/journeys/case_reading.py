"""From the rows of a log to its cases: starts paired with completions, ties in a declared order, what is left out counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl

from xmresearch.errors import DataError, InsufficientData, ParamsError, nearest
from xmresearch.journeys.case_log import Array, CaseLog, Flags, Index
from xmresearch.sufficient.event_columns import EventColumns, identity
from xmresearch.sufficient.event_rules import EventRules, seconds
from xmresearch.sufficient.event_times import event_time
from xmresearch.sufficient.lifecycle import COMPLETE, START, lifecycle_column
from xmresearch.sufficient.sources import as_lazy, require_columns, require_numeric

if TYPE_CHECKING:
    from pathlib import Path

BLANK = -1


@dataclass(frozen=True, repr=False)
class _Rows(EventRules):
    """The rows of a log of which no event is a conversion."""

    def __post_init__(self) -> None:
        """Ask for no conversion."""


def read_cases(
    rows: pd.DataFrame | pl.DataFrame | pl.LazyFrame | str | Path,
    *,
    case: str = "case",
    activity: str = "activity",
    time: str = "time",
    customer: str | None = None,
    started: str | None = None,
    lifecycle: str | None = "auto",
    score: str | None = None,
    attributes: Sequence[str] = (),
    ends: Sequence[str] = (),
    goal: Sequence[str] = (),
    tie_order: Sequence[str] = (),
    gap: str | float | None = None,
    time_format: str | None = None,
    until: str | None = None,
) -> CaseLog:
    """Read a log.

    Parameters
    ----------
    rows : DataFrame, polars frame, str or Path
        One row per event, in any order.
    case, activity, time : str
        Columns: which case, what, when it was completed (or, with a lifecycle, when what that says happened).
    customer : str, optional
        Column: whose case it is; each case is a customer of its own if absent.
    started : str, optional
        Column: when the activity was started, where rows hold both moments.
    lifecycle : str, optional
        Column that says whether a row starts or completes an activity; 'auto' looks for one as in XES, None for none.
    score : str, optional
        Column: how the step was rated.
    attributes : sequence of str
        Columns of which each case has the first value that is not blank.
    ends : sequence of str
        Activities that end a case: one without any is still open at the end of the log. If there are none every case is closed.
    goal : sequence of str
        Activities that are what a case is for.
    tie_order : sequence of str
        Activities in the order in which they are taken to have happened where their times are equal; others keep the order of the rows.
    gap : str or float, optional
        A longer pause begins a new case, such as '30d'.
    time_format, until
        As of `xmresearch.sufficient.event_log.EventLog`.

    Returns
    -------
    CaseLog

    Raises
    ------
    DataError
        A column is missing or of the wrong kind, a time is blank, cannot be read or lies in the future, an activity that is named never occurs.
    InsufficientData
        There is no completed activity.

    Notes
    -----
    Within a case and an activity what was started first is completed first. Starts that are never completed are counted and left out.
    Rows alike in everything (case, activity, time, lifecycle) count, as they stand; they are counted as well.

    References
    ----------
    IEEE Standard for eXtensible Event Stream (XES), IEEE 1849-2016.
    """
    rules = _Rows(
        rows, customer=case, time=time, touchpoint=activity, lifecycle=None, time_format=time_format, until=until
    )
    source = as_lazy(rows)
    schema = source.collect_schema()
    require_columns((customer, started, score, *attributes), schema.names())
    require_numeric((score,), source)
    columns = EventColumns(rules)
    said = lifecycle_column(source, lifecycle)
    extra: list[pl.Expr] = [] if customer is None else [identity(customer, schema[customer]).alias("who")]
    if said is not None:
        extra.append(pl.col(said).cast(pl.String).str.strip_chars().str.to_lowercase().alias("says"))
    if started is not None:
        begun = _Rows(rows, customer=case, time=started, touchpoint=activity, lifecycle=None, time_format=time_format)
        extra.append((event_time(begun, schema[started])[0] * 1.0).alias("b"))
    if score is not None:
        extra.append(pl.col(score).cast(pl.Float64).fill_nan(None).alias("score"))
    extra += [pl.col(name).alias(f"a{k}") for k, name in enumerate(attributes)]
    frame = pl.concat([columns.table, source.select(extra)], how="horizontal") if extra else columns.table
    noted: Counter[str] = Counter()
    batch = columns.checked(frame.collect(engine="streaming"), noted)
    columns.require_moments()
    code = columns.codes(batch["k"]).astype(np.int64)
    names = tuple(columns.labels.channels)
    _require_known({"ends": ends, "goal": goal, "tie_order": tie_order}, names)
    if blank := int((code == BLANK).sum()):
        noted["blank_activities"] += blank
    unit = columns.unit
    moment = batch["t"].to_numpy().astype(np.float64) * unit
    if schema[time].is_temporal() and getattr(schema[time], "time_zone", None):
        moment = moment + _offset(batch["t"], schema[time])
    ids = batch["id"].rank("dense").to_numpy().astype(np.int64) - 1
    done = np.ones(len(code), dtype=bool)
    begins = np.zeros(len(code), dtype=bool)
    if said is not None:
        text = batch["says"].fill_null("")
        done, begins = ((text == COMPLETE) | (text == "")).to_numpy(), (text == START).to_numpy()
        noted["other_transitions"] += int((~done & ~begins).sum())
    used = code >= 0
    rank = np.zeros(len(names) + 1, dtype=np.int64)
    for place, name in enumerate(reversed(tie_order), start=1):
        rank[names.index(name)] = -place
    follows = ids[1:] == ids[:-1]
    sorted_ = bool((ids[1:] >= ids[:-1]).all() and (moment[1:] >= moment[:-1])[follows].all())
    order = np.arange(len(ids)) if sorted_ and not tie_order else np.lexsort((rank[code], moment, ids))
    order = order[used[order]]
    ids, code, moment, done, begins = ids[order], code[order], moment[order], done[order], begins[order]
    _note_ties(noted, ids, code, moment, done)
    began = np.full(len(code), np.nan)
    if said is not None and begins.any():
        began = _paired(ids, code, moment, done, begins, noted)
    elif started is not None:
        began = batch["b"].to_numpy().astype(np.float64)[order] * unit
        noted["ends_before_start"] += int((began > moment).sum())
        began = np.where(began > moment, np.nan, began)
    if not done.any():
        raise InsufficientData(
            "There is no activity that was completed.", "Look at the columns of activity and lifecycle."
        )
    fresh = np.ones(len(ids), dtype=bool)
    fresh[1:] = ids[1:] != ids[:-1]
    pause = seconds(gap, "gap")
    if pause is not None:
        fresh[1:] |= moment[1:] - moment[:-1] > pause
    number = np.cumsum(fresh) - 1
    opening = np.flatnonzero(fresh)
    earliest = np.fmin.reduceat(np.fmin(np.where(done | begins, moment, np.inf), began), opening)
    table = pd.DataFrame({
        name: _first_known(batch[f"a{k}"], order, opening) for k, name in enumerate(attributes)
    }, index=range(len(opening)))  # fmt: skip
    who = ids[opening] if customer is None else _customers(batch["who"], order, opening, noted)
    complete = np.zeros(len(opening), dtype=bool)
    complete[number[done]] = True
    noted["never_completed"] += int((~complete).sum())
    sizes = np.bincount(number[done], minlength=len(opening))[complete]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rated = batch["score"].to_numpy()[order][done] if score is not None else np.full(int(done.sum()), np.nan)
    log = CaseLog(
        names, starts, code[done], moment[done], began[done], rated.astype(np.float64), _dense(who[complete]), earliest[complete],
        np.ones(len(starts) - 1, dtype=bool), None, table[complete].reset_index(drop=True), float(moment.max()),
        {k: v for k, v in noted.items() if v},
    )  # fmt: skip
    closed = log.has(ends) if ends else log.closed
    return _with(log, closed, log.has(goal) if goal else None)


def _with(log: CaseLog, closed: Flags, reached: Flags | None) -> CaseLog:
    from dataclasses import replace

    return replace(log, closed=closed, reached=reached)


def _require_known(given: dict[str, Sequence[str]], names: tuple[str, ...]) -> None:
    for key, wanted in given.items():
        for name in wanted:
            if name not in names:
                raise DataError(f"{key} names '{name}', which no event has as its activity.", nearest(name, names))
        if len(set(wanted)) < len(wanted):
            raise ParamsError(f"{key} names an activity twice.", "Name each once.")


def _offset(time: pl.Series, kind: Any) -> Array:
    """Return by how many seconds the clock of a zone is ahead of UTC at each moment."""
    moments = time.cast(pl.Int64).cast(pl.Datetime(kind.time_unit, "UTC"))
    local = moments.dt.convert_time_zone(kind.time_zone).dt.replace_time_zone(None)
    ahead = (local - moments.dt.replace_time_zone(None)).dt.total_seconds()
    return ahead.to_numpy().astype(np.float64)


def _note_ties(noted: Counter[str], ids: Index, code: Index, moment: Array, done: Flags) -> None:
    at = np.flatnonzero((ids[1:] == ids[:-1]) & (moment[1:] == moment[:-1]) & done[1:] & done[:-1]) + 1
    same = code[at] == code[at - 1]
    noted["same_rows"] += int(same.sum())
    noted["same_time"] += int((~same).sum())


def _paired(ids: Index, code: Index, moment: Array, done: Flags, begins: Flags, noted: Counter[str]) -> Array:
    """Return the start of each completion, NaN where none is open: within a case and an activity, first started is first completed."""
    at = np.flatnonzero(done | begins)
    key = ids[at] * (int(code.max()) + 1) + code[at]
    order = np.lexsort((done[at], moment[at], key))
    at, key = at[order], key[order]
    group = np.concatenate([[0], np.cumsum(key[1:] != key[:-1])]) if len(at) else np.zeros(0, np.int64)
    ends = done[at]
    change = np.where(ends, -1, 1)
    total = np.cumsum(change)
    first = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]])) if len(at) else np.zeros(0, np.int64)
    before = np.concatenate([[0], total])[first]
    level = total - before[group] if len(at) else total
    apart = 2 * len(at) + 2
    # every group lies below all before it, so that one pass finds the least of each
    least = np.minimum.accumulate(level - apart * group) + apart * group if len(at) else level
    lost = np.maximum(-least, 0)
    anew = np.zeros(len(at), dtype=np.int64)
    anew[1:] = np.where(group[1:] == group[:-1], lost[:-1], 0)
    alone = ends & (lost > anew)

    def nth(which: Flags) -> Index:
        running = np.cumsum(which)
        return np.asarray(running - np.concatenate([[0], running])[first][group] if len(at) else running)

    matched = ends & ~alone
    place = group * (len(at) + 1)
    of_start, of_end = place + nth(~ends), place + nth(matched)
    openers = np.flatnonzero(~ends)
    found = np.searchsorted(of_start[openers], of_end[matched])
    began = np.full(len(ids), np.nan)
    began[at[matched]] = moment[at[openers[found]]]
    noted["without_start"] += int(alone.sum())
    noted["without_end"] += int((~ends).sum() - matched.sum())
    return began


def _first_known(values: pl.Series, order: Index, opening: Index) -> list[Any]:
    """Return the first value of each case that is not blank."""
    sorted_ = values.gather(order.astype(np.uint32))
    if sorted_.dtype.is_float():
        sorted_ = sorted_.fill_nan(None)
    known = sorted_.is_not_null().to_numpy()
    place = np.where(known, np.arange(len(known)), len(known))
    first = np.minimum.reduceat(place, opening)
    ends = np.append(opening[1:], len(known))
    inside = first < ends
    taken = sorted_.gather(np.where(inside, first, 0).astype(np.uint32)).to_list()
    return [v if there else None for v, there in zip(taken, inside.tolist(), strict=True)]


def _customers(who: pl.Series, order: Index, opening: Index, noted: Counter[str]) -> Index:
    """Return a number for the customer of each case; a case without one is a customer of its own."""
    first = pl.Series(_first_known(who, order, opening), dtype=who.dtype, strict=False)
    known = first.is_not_null().to_numpy()
    noted["blank_customers"] += int((~known).sum())
    rank = first.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return np.asarray(np.where(known, rank, len(rank) + 1 + np.arange(len(rank))))


def _dense(values: Index) -> Index:
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)
