"""The cells of one sheet, and the table that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.column_types import NAMELESS
from xmresearch.data.delimited import check_header
from xmresearch.display import Shown
from xmresearch.errors import DataError, brief

_NEVER = np.datetime64("NaT", "us")
MOST_CELLS = 100_000_000
"""Cells that a table may span, blank ones included."""
_SHOWN = 5
# as a number is shown, so that no identifier such as 007 loses its zeros
_PLAIN_NUMBER = re.compile(r"[+-]?(0|[1-9]\d{0,14})([.]\d{1,15})?")


@dataclass(frozen=True, repr=False)
class Sheet(Shown):
    """One sheet as its workbook holds it.

    Attributes
    ----------
    cells : list of list
        Values by row; blank cells are None.
    wrong : tuple of str
        Cells that should have a value and have none, such as "B2 (#N/A)".
    merged : tuple of tuple of int
        Ranges merged into one cell: first row, first column, last row, last column, counted from 0.
    notes : tuple of str
        What a reader must know of the sheet.
    typed : bool
        Whether the workbook tells numbers from text.
    """

    cells: list[list[Any]]
    wrong: tuple[str, ...] = ()
    merged: tuple[tuple[int, int, int, int], ...] = ()
    notes: tuple[str, ...] = field(default=())
    typed: bool = True

    def _head(self) -> Mapping[str, Any]:
        return {"rows": len(self.cells), "wrong": len(self.wrong), "merged": len(self.merged)}

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {}


def tabulate(sheet: Sheet, name: str, names: Sequence[str] | None = None, first: int = 1) -> pd.DataFrame:
    """Make a table of a sheet.

    Parameters
    ----------
    sheet : Sheet
        Its cells.
    name : str
        Of the file, for messages.
    names : sequence of str, optional
        Of the columns, where the line above the first row does not give them.
    first : int
        How many lines come before the first row.

    Returns
    -------
    DataFrame
        See `xmresearch.data.workbook.read_sheet`; `attrs["notes"]` holds what a reader must know.

    Raises
    ------
    DataError
        There is no line of names; a name repeats or is missing; a cell has no value; blank cells make up nearly all of the table.
    """
    cells, notes = sheet.cells, list(sheet.notes)
    for row in cells:
        while row and row[-1] is None:
            row.pop()
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) < max(first, 1):
        raise DataError(f"'{name}' is empty.")
    if sheet.wrong:
        shown = ", ".join(sheet.wrong[:_SHOWN]) + (", ..." if len(sheet.wrong) > _SHOWN else "")
        raise DataError(
            f"'{name}' has {len(sheet.wrong)} cell(s) without a value: {shown}.",
            "Mend the formula or clear the cell; a formula that was never calculated gets its value when the workbook is opened "
            "in Excel or LibreOffice and saved.",
        )
    width = max(map(len, cells))
    if width * len(cells) > MOST_CELLS:
        raise DataError(
            f"'{name}' spans {len(cells):,d} rows and {width:,d} columns, more than can be read as one table.",
            "Look for a stray cell far to the right or below and clear it, or save the sheet as CSV.",
        )
    cells = [row + [None] * (width - len(row)) for row in cells]
    notes += _fill_merged(cells, sheet.merged, first)
    given = check_header(cells[first - 1], name) if names is None else [*names]
    given += [f"{NAMELESS}{k + 1}" for k in range(len(given), width)]
    columns: dict[str, pd.Series] = {}
    as_text = []
    for k, column in enumerate(given):
        values = [row[k] if k < width else None for row in cells[first:]]
        if column.startswith(NAMELESS):
            if any(v is not None for v in values):
                raise DataError(
                    f"'{name}' has answers below an empty header cell (column {column.removeprefix(NAMELESS)}).",
                    "Name the column in the first line, or remove it.",
                )
            continue
        columns[column], were_text = narrowed(values)
        if were_text and sheet.typed:
            as_text.append(column)
    if as_text:
        shown = ", ".join(f"'{brief(c)}'" for c in as_text[:_SHOWN]) + (", ..." if len(as_text) > _SHOWN else "")
        notes.append(
            f"Numbers that the workbook stores as text were read as numbers in {len(as_text)} column(s): {shown}."
        )
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(cells) - first))
    frame.attrs["notes"] = tuple(notes)
    return frame


def _fill_merged(cells: list[list[Any]], merged: Sequence[tuple[int, int, int, int]], first: int) -> list[str]:
    """Give every row of a merged cell its value; say so, and what cannot be filled."""
    down, across = 0, 0
    for top, left, bottom, right in merged:
        if top < first or left >= len(cells[0]) or top >= len(cells):
            continue
        if left != right:
            across += 1
            continue
        down += 1
        for row in cells[top + 1 : bottom + 1]:
            if row[left] is None:
                row[left] = cells[top][left]
    notes = []
    if down:
        notes.append(f"{down} cell(s) are merged over several rows; each of these rows was given their value.")
    if across:
        notes.append(
            f"{across} cell(s) are merged over several columns; their value was read in the first of these, the others are blank."
        )
    return notes


def narrowed(values: list[Any]) -> tuple[pd.Series, bool]:
    """Return a column in the narrowest type that all of its values have.

    Parameters
    ----------
    values : list
        None where there is none.

    Returns
    -------
    column : Series
    were_text : bool
        Whether numbers were stored as text; they are numbers now, unless one has zeros before it or more than 15 digits.
    """
    there = [v for v in values if v is not None]
    texts = [v for v in there if isinstance(v, str)]
    plain = bool(texts) and all(_PLAIN_NUMBER.fullmatch(v) for v in texts)
    if plain and all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in there):
        values = [_number(v) if isinstance(v, str) else v for v in values]
    else:
        plain = False
    if there and all(isinstance(v, datetime) for v in there):
        return pd.Series(np.array([_NEVER if v is None else v for v in values], dtype="datetime64[us]")), False
    return pd.Series(values, dtype=object).replace({None: np.nan}).infer_objects(), plain


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
