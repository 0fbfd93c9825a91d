"""What params say of a file's columns, rows and cells, carried out on what was read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.cell_values import cell_text
from xmresearch.data.column_names import matched, new_names
from xmresearch.data.config import Cell, RowSettings
from xmresearch.data.formats.cells import as_numbers, told_apart
from xmresearch.data.formats.table import Role, Table
from xmresearch.errors import DataError, Problems, brief, nearest
from xmresearch.identifiers.columns import recognise_columns

MOST_SHOWN = 8
_KEPT: frozenset[Role] = frozenset({"id", "external_id", "duration", "weight"})


def by_settings(
    table: Table, settings: RowSettings, name: str, exempt: Sequence[str] = (), only: Sequence[str] | None = None
) -> Table:
    """Rename columns, leave out rows and blank codes as the params say.

    Parameters
    ----------
    table : Table
        As read.
    settings : RowSettings
        What the params say of the file.
    name : str
        Of the file, for messages.
    exempt : sequence of str
        Columns in which codes for no answer are not looked for, unless they are named.
    only : sequence of str, optional
        The columns in which they are looked for, unless they are named; all others if absent.

    Returns
    -------
    Table
        With what was left out and blanked counted.

    Raises
    ------
    DataError
        A column or value that is named is not there, or no row is left.
    """
    now = list(map(str, table.frame.columns))
    table = table.with_names(new_names(now, settings.columns, lower=settings.header_case == "lower", name=name))
    table = renamed_to(
        table, [*settings.where, *(settings.missing_codes if isinstance(settings.missing_codes, dict) else ())]
    )
    problems = Problems()
    for column, allowed in settings.where.items():
        with problems.step():
            table = _only(table, column, allowed, name)
    with problems.step():
        table = _blanked(table, settings.missing_codes, exempt, only)
    problems.settle()
    return table


def renamed_to(table: Table, wanted: Sequence[str]) -> Table:
    """Let columns whose names differ only in spaces or width bear the names that are wanted.

    Parameters
    ----------
    table : Table
        As read.
    wanted : sequence of str
        As params or a codebook name them.

    Returns
    -------
    Table
        With a note where a name was taken so.
    """
    names = matched(wanted, list(map(str, table.frame.columns)))
    if not names:
        return table
    note = f"{len(names)} column name(s) were taken without regard to spaces and width of letters."
    return replace(table.with_names(names), notes=(*table.notes, note))


def _require_column(table: Table, column: str, key: str) -> pd.Series:
    if column not in table.frame.columns:
        raise DataError(
            f"{key}: the data have no column '{brief(column)}'.", nearest(column, map(str, table.frame.columns))
        )
    return table.frame[column]


def personal(table: Table, column: str) -> bool:
    """Whether a column tells who somebody is, so that no message may hold what stands in it."""
    return column in recognise_columns(table.frame[[column]], table.roles, table.questions)


def _shown(table: Table, column: str, values: Collection[str]) -> str:
    """Name values of a column for a message, unless they tell who somebody is."""
    if personal(table, column):
        return f"{len(values)} of the values"
    return ", ".join(f"'{brief(a)}'" for a in sorted(values))


def _texts(given: pd.Series) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Return the position of each cell's text, -1 for blanks, and the texts."""
    codes, uniques = pd.factorize(given, use_na_sentinel=True)
    return codes, [cell_text(u) for u in uniques]


def _only(table: Table, column: str, allowed: Sequence[Cell], name: str) -> Table:
    given = _require_column(table, column, "data.where")
    codes, texts = _texts(given)
    wanted = {cell_text(a) for a in allowed}
    absent = wanted - set(texts)
    keep = np.array([*(t in wanted for t in texts), False], dtype=bool)[codes]
    if absent and not keep.any():
        seen = ""
        if len(texts) <= MOST_SHOWN and not personal(table, column):
            counts = np.bincount(codes[codes >= 0], minlength=len(texts))
            seen = "It holds " + ", ".join(f"'{brief(t)}' ({n})" for t, n in zip(texts, counts, strict=True)) + "."
        lacking = _shown(table, column, absent)
        raise DataError(f"data.where: column '{brief(column)}' of '{name}' has no {lacking}.", seen)
    if absent:
        never = _shown(table, column, absent)
        table = replace(
            table, notes=(*table.notes, f"No row has {never} in '{brief(column)}', which data.where allows.")
        )
    out = int((~keep).sum())
    if not out:
        return table
    rule = (
        f"data.where ({brief(column)})"
        if personal(table, column)
        else f"data.where ({brief(column)}: {', '.join(map(brief, allowed))})"
    )
    frame = table.frame.loc[keep].reset_index(drop=True)
    return replace(table, frame=frame, left_out={**table.left_out, rule: out})


def _blanked(
    table: Table, codes: list[Cell] | dict[str, list[Cell]], exempt: Sequence[str], only: Sequence[str] | None
) -> Table:
    """Blank the codes for no answer, and count them by column."""
    if not codes:
        return table
    if isinstance(codes, dict):
        by_column = codes
        for column in codes:
            _require_column(table, column, "data.missing_codes")
    else:
        left = {*exempt, *(c for c, role in table.roles.items() if role in _KEPT)}
        by_column = {c: codes for c in map(str, table.frame.columns) if c not in left and (only is None or c in only)}
    changed, counts, met, apart = {}, {}, set(), dict(table.apart)
    for column, named in by_column.items():
        at, texts = _texts(table.frame[column])
        wanted = {cell_text(c).casefold() for c in named}
        met |= wanted & {t.casefold() for t in texts}
        hit = np.array([*(t.casefold() in wanted for t in texts), False], dtype=bool)[at]
        if hit.any():
            blank = table.frame[column].mask(hit)
            numbers = blank if pd.api.types.is_numeric_dtype(blank) else as_numbers(blank)
            changed[column], counts[column] = numbers, int(hit.sum())
            apart[column] = told_apart(table.frame[column], blank, table.values.get(column))
    absent = {cell_text(c).casefold() for named in by_column.values() for c in named} - met
    notes = table.notes
    if absent:
        never = ", ".join(f"'{brief(a)}'" for a in sorted(absent))
        notes = (*notes, f"No cell holds {never}, which data.missing_codes names.")
    frame = table.frame.assign(**changed)
    return replace(table, frame=frame, coded_missing={**table.coded_missing, **counts}, apart=apart, notes=notes)
