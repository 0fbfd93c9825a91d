"""Add the columns of another file to rows, by a key that both have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.cell_values import key_texts
from xmresearch.data.column_names import matched
from xmresearch.data.config import JoinedFile
from xmresearch.data.formats.table import Table
from xmresearch.data.join_record import CHANGES, DIFFERENCES, Join
from xmresearch.errors import DataError, brief, nearest

MOST_LEVELS = 40
_NEAR: dict[str, Callable[[str], str]] = {
    **CHANGES,
    "spaces": lambda key: "".join(key.split()),
    "decimals": lambda key: re.sub(r"\.0+$", "", key),
}


def compared(given: pd.Series, name: str, ignore: Sequence[str] = ()) -> pd.Series:
    """Write keys in the form in which they are compared.

    Parameters
    ----------
    given : Series
        As read.
    name : str
        Of the column, for messages.
    ignore : sequence of str
        What keys may differ in: case, leading_zeros.

    Returns
    -------
    Series
        Text; missing where blank.

    Raises
    ------
    DataError
        See `key_texts`.
    """
    return _changed(key_texts(given, name), [CHANGES[what] for what in ignore])


def _changed(keys: pd.Series, changes: Sequence[Callable[[str], str]]) -> pd.Series:
    for change in changes:
        keys = keys.map(change, na_action="ignore")
    return keys


def join_by_key(table: Table, other: Table, settings: JoinedFile, file: str) -> tuple[Table, Join]:
    """Add the columns of another table to the rows that have its key.

    Parameters
    ----------
    table : Table
        The rows; none is left out.
    other : Table
        Each key once.
    settings : JoinedFile
        Key, columns to add and what keys may differ in.
    file : str
        Name of the other file, for messages.

    Returns
    -------
    table : Table
        With the other's columns, blank where the key has no match.
    join : Join

    Raises
    ------
    DataError
        A column is not there or in both; a key repeats in the other table; no key matches.
    """
    left, right = (settings.by, settings.by) if isinstance(settings.by, str) else _pair(settings.by)
    table = table.with_names(matched([left], list(map(str, table.frame.columns))))
    other = other.with_names(matched([right, *settings.take], list(map(str, other.frame.columns))))
    _require(table.frame, left, "the rows have no column")
    for column in (right, *settings.take):
        _require(other.frame, column, f"'{file}' has no column")
    taken = [c for c in settings.take or map(str, other.frame.columns) if c != right]
    both = [c for c in taken if c in table.frame.columns]
    if both:
        shown = ", ".join(f"'{brief(c)}'" for c in both[:5]) + (", ..." if len(both) > 5 else "")
        raise DataError(
            f"data.join: the rows and '{file}' both have {shown}.",
            "Say in 'take' which columns to add, or give them other names by 'columns'.",
        )
    keys = compared(table.frame[left], left, settings.ignore)
    theirs = compared(other.frame[right], right, settings.ignore)
    again = (theirs.notna() & theirs.duplicated()).to_numpy()
    if again.any() and settings.duplicates == "error":
        raise DataError(
            f"data.join: '{file}' has {int(again.sum())} row(s) whose key in '{brief(right)}' an earlier row has, first in data row "
            f"{int(again.argmax()) + 1}; which of them belongs to a row is not known.",
            "Remove the repeats, or set duplicates: first.",
        )
    kept = theirs.notna().to_numpy() & ~again
    index = pd.Index(theirs[kept])
    at = index.get_indexer(keys.where(keys.notna(), None))
    hit = (at >= 0) & keys.notna().to_numpy()
    near = _near(keys[~hit].dropna(), index)
    if not hit.any():
        said = " ".join(f"{n} would match but for {DIFFERENCES[what]}." for what, n in near.items())
        raise DataError(
            f"data.join: no key of '{brief(left)}' is in '{brief(right)}' of '{file}'. {said}".strip(),
            "Correct 'by', or say in 'ignore' what keys may differ in: case, leading_zeros.",
        )
    found = other.frame.loc[kept, taken].reset_index(drop=True)
    added = found.reindex(np.where(hit, at, -1)).reset_index(drop=True)
    seen = np.zeros(len(index), dtype=bool)
    seen[at[hit]] = True
    join = Join(
        file, left, right, len(keys), int(keys.notna().sum()), int(hit.sum()), int(keys.dropna().duplicated().sum()), len(index),
        int((~seen).sum()), int(again.sum()), near, tuple(taken), _levels(found, seen),
    )  # fmt: skip

    def of_added(theirs: Mapping[str, Any]) -> dict[str, Any]:
        return {c: v for c, v in theirs.items() if c in taken}

    whole = replace(
        table, frame=pd.concat([table.frame.reset_index(drop=True), added], axis=1), joins=(*table.joins, join),
        questions={**table.questions, **of_added(other.questions)}, values={**table.values, **of_added(other.values)},
        roles={**table.roles, **of_added(other.roles)}, doubts={**table.doubts, **of_added(other.doubts)},
        coded_missing={**table.coded_missing, **of_added(other.coded_missing)},
        notes=(*table.notes, *(f"'{file}': {note}" for note in other.notes)),
    )  # fmt: skip
    return whole, join


def _pair(by: Mapping[str, str]) -> tuple[str, str]:
    if len(by) != 1:
        raise DataError(
            f"data.join: 'by' names {len(by)} keys; a join is by one.", "Put the parts of a key into one column."
        )
    return next(iter(by.items()))


def _require(frame: pd.DataFrame, column: str, what: str) -> None:
    if column not in frame.columns:
        raise DataError(f"data.join: {what} '{brief(column)}'.", nearest(column, map(str, frame.columns)))


def _near(keys: pd.Series, index: pd.Index) -> dict[str, int]:
    """Count keys that would match if they differed in nothing but one thing."""
    theirs, found = pd.Series(index, dtype=object), {}
    for what, change in _NEAR.items():
        count = int(_changed(keys, [change]).isin(set(_changed(theirs, [change]))).sum())
        if count:
            found[what] = count
    return found


def _levels(found: pd.DataFrame, seen: NDArray[np.bool_]) -> dict[str, pd.DataFrame]:
    """Count keys, and those that a row has, by the values of columns that have few."""
    levels = {}
    for column in found.columns:
        values = key_texts(found[column], str(column)) if not pd.api.types.is_float_dtype(found[column]) else None
        if values is None or not 1 < values.nunique() <= MOST_LEVELS:
            continue
        counts = (
            pd.DataFrame({"value": values, "answered": seen.astype(int), "listed": 1}).groupby("value", sort=True).sum()
        )
        levels[str(column)] = counts.reset_index()
    return levels
