"""Event logs in XES as a table: a row for each event, with the attributes of its trace."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Role, Table
from xmresearch.data.formats.xes_stream import Columns, Key, read_columns
from xmresearch.data.sheets import narrowed
from xmresearch.errors import DataError, brief

STANDARD: dict[Key, str] = {
    ("trace", "concept:name"): "case", ("event", "concept:name"): "activity", ("event", "time:timestamp"): "time",
    ("event", "lifecycle:transition"): "lifecycle", ("event", "org:resource"): "resource",
}  # fmt: skip
"""What the columns of the standard's own attributes are called."""
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?(?:\d\d)?)$", re.IGNORECASE)
_EXACT = 2**53


def _recognise(opening: Opening) -> str:
    if opening.kind != "xes":
        return ""
    named = opening.path.name.lower().endswith((".xes", ".xes.gz"))
    return "the ending .xes" if named else "its content"


def read_log(opening: Opening, why: str) -> Table:
    """Read an event log.

    Parameters
    ----------
    opening : Opening
        Of the file.
    why : str
        What tells the form.

    Returns
    -------
    Table
        One row per event, in file order. Columns case, activity, time, lifecycle and resource as far as the log has them; other
        attributes of events under their XES name, those of the trace after "case:". `questions` holds the XES name of every
        column. Times with a zone are in UTC; those of a log without zones are as written.

    Raises
    ------
    DataError
        See `read_columns`; or it has no events, or a time cannot be read.
    """
    found, name = read_columns(opening.path), opening.path.name
    if not found.events:
        raise DataError(f"'{name}' holds no events ({found.traces} traces).", "Export the log with its events.")
    notes = _gaps(found)
    columns: dict[str, pd.Series] = {}
    questions: dict[str, str] = {}
    texts: list[str] = []
    for key, column in _names(found).items():
        values = found.column(key)
        found.cells.pop(key, None)
        columns[column] = _typed(values, found.kinds[key], key, name, notes, texts)
        questions[column] = key[1] if key[0] == "event" else f"case:{key[1]}"
    if texts:
        shown = ", ".join(f"'{brief(c)}'" for c in texts[:5]) + (", ..." if len(texts) > 5 else "")
        notes.append(f"Numbers that the log writes as text were read as numbers in {len(texts)} attribute(s): {shown}.")
    # a resource is a person as a rule
    roles: dict[str, Role] = {c: "name" for c in columns if c.rpartition(":")[2].casefold() == "resource"}
    if "case" in columns:
        roles["case"] = "id"
    return Table(
        pd.DataFrame(columns, index=pd.RangeIndex(found.events)),
        "xes",
        why,
        questions=questions,
        roles=roles,
        notes=tuple(notes),
    )


def _gaps(found: Columns) -> list[str]:
    """Say what the log lacks."""
    notes = []
    if found.unnamed:
        notes.append(f"{found.unnamed} trace(s) have no name; each was taken for a case of its own.")
    if found.empty:
        notes.append(f"{found.empty} trace(s) have no events; they have no row.")
    names = found.cells.get(("trace", "concept:name"), [])
    starts = found.traces - found.empty
    if len(set(names) - {None}) < starts:
        notes.append("Several traces have the same name; their events were taken for those of one case.")
    for key in sorted(found.declared):
        lacking = found.events - sum(v is not None for v in found.cells.get(("event", key), ()))
        if lacking:
            notes.append(f"The log declares '{brief(key)}' of every event, but {lacking:,d} have none; they are blank.")
    return notes


def _names(found: Columns) -> dict[Key, str]:
    """Return the column of each attribute, the standard's first."""
    order = [*(k for k in STANDARD if k in found.cells), *(k for k in found.cells if k not in STANDARD)]
    names: dict[Key, str] = {}
    for level, key in order:
        name = STANDARD.get((level, key), key if level == "event" else f"case:{key}")
        while name in names.values() or (name in STANDARD.values() and (level, key) not in STANDARD):
            name = f"event:{name}"
        names[level, key] = name
    return names


def _typed(
    values: list[str | None], kinds: set[str], key: Key, name: str, notes: list[str], texts: list[str]
) -> pd.Series:
    """Return an attribute in the type that the log gives it; as text where it is not of that type throughout."""
    standard = STANDARD.get(key)
    if standard == "time":
        return _times(values, key, name, notes, strict=True)
    if kinds == {"date"}:
        return _times(values, key, name, notes, strict=False)
    if kinds == {"boolean"} and all(v is None or v.lower() in ("true", "false") for v in values):
        return _narrow([None if v is None else v.lower() == "true" for v in values])
    if kinds <= {"int", "float"}:
        try:
            return _numbers(values, whole=kinds == {"int"})
        except ValueError:
            notes.append(f"'{brief(key[1])}' is not a number throughout, as the log says; it was kept as text.")
    given = [v or None for v in values]
    if standard is None and kinds == {"string"}:
        column, were_text = narrowed(given)
        if were_text:
            texts.append(key[1])
        return column
    return pd.Series(given, dtype=object).replace({None: np.nan}).infer_objects()


def _narrow(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype=object).replace({None: np.nan}).infer_objects()


def _numbers(values: list[str | None], *, whole: bool) -> pd.Series:
    if not whole:
        return pd.Series([np.nan if v is None else float(v) for v in values], dtype="float64")
    numbers = [None if v is None else int(v) for v in values]
    if any(v is not None and abs(v) >= 2**63 for v in numbers):
        raise ValueError
    if any(v is None for v in numbers):
        large = any(v is not None and abs(v) >= _EXACT for v in numbers)
        return pd.Series(numbers, dtype="Int64" if large else "float64")
    return pd.Series(numbers, dtype="int64")


def _times(values: list[str | None], key: Key, name: str, notes: list[str], *, strict: bool) -> pd.Series:
    """Read times in ISO 8601; in UTC if any says its zone."""
    text = pd.Series(values, dtype=object)
    there = text.dropna()
    zoned = there.map(lambda v: _ZONE.search(v, 10) is not None).astype(bool)
    try:
        moments = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce").dt.as_unit("us")
    except (ValueError, OverflowError):
        moments = pd.Series(pd.NaT, index=text.index).dt.tz_localize("UTC")
    wrong = np.flatnonzero((moments.isna() & text.notna()).to_numpy())
    if len(wrong):
        if strict:
            raise DataError(
                f"'{name}': {len(wrong)} event(s) have a time that cannot be read: event {int(wrong[0]) + 1} "
                f"('{brief(values[int(wrong[0])])}').",
                "XES writes times as 2025-03-31T14:05:00.000+08:00.",
            )
        notes.append(f"'{brief(key[1])}' is not a time throughout, as the log says; it was kept as text.")
        return _narrow(list(values))
    if not zoned.any():
        return moments.dt.tz_localize(None)
    if not zoned.all():
        notes.append(
            f"{int((~zoned).sum()):,d} value(s) of '{brief(key[1])}' say no time zone; they were taken for UTC, as others do."
        )
    offsets = sorted(set(there[zoned].map(lambda v: _ZONE.search(v, 10)[0].upper())) - {"Z", "+00:00"})  # type: ignore[index]
    if offsets and strict:
        shown = ", ".join(offsets[:4]) + (", ..." if len(offsets) > 4 else "")
        notes.append(f"Times are kept in UTC; the log writes them with {shown}.")
    return moments


FORMATS = (Format("xes", "an event log in XES, packed or not", _recognise, read_log),)
