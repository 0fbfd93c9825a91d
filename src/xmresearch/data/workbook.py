"""Read a sheet of a workbook as it shows: text stays text, and what cannot be a value is refused by cell."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.data.delimited import NAMELESS, check_header
from xmresearch.errors import DataError, nearest, reason

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_SHOWN = 5


def first_rows(path: Path, sheet: str | None, n: int) -> list[list[Any]]:
    """Return the values of a sheet's first lines.

    Parameters
    ----------
    path : Path
        .xlsx or .xlsm.
    sheet : str, optional
        The first if absent.
    n : int
        How many lines at most.

    Returns
    -------
    list of list
        Blank cells are None.

    Raises
    ------
    DataError
        The workbook cannot be read or has no such sheet.
    """
    from openpyxl import load_workbook

    with _readable(path):
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            lines = book[_sheet(book, sheet, path.name)].iter_rows(max_row=n)
            return [[_value(cell) for cell in row] for row in lines]
        finally:
            book.close()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise DataError(f"'{path.name}' is not a readable Excel workbook: {reason(error)}.") from None


def read_sheet(path: Path, sheet: str | None, *, names: Sequence[str] | None = None, first: int = 1) -> pd.DataFrame:
    """Read one sheet of an Excel workbook.

    Parameters
    ----------
    path : Path
        .xlsx or .xlsm.
    sheet : str, optional
        The first if absent.
    names : sequence of str, optional
        Of the columns, where the line above the first row does not give them.
    first : int
        How many lines come before the first row.

    Returns
    -------
    DataFrame
        One row per line of the sheet below its first ones; cells as CSV has them: "NA" is text, an empty
        cell is missing. Blank lines after the last row, and columns without name and cells, are left out.

    Raises
    ------
    DataError
        The workbook cannot be read or has no such sheet; a name repeats or is missing; a cell holds an error such as #N/A,
        or a formula whose value was never stored.
    """
    with _readable(path):
        cells, wrong = _cells(path, sheet)
    while cells and all(v is None for v in cells[-1]):
        cells.pop()
    if len(cells) < first:
        raise DataError(f"'{path.name}' is empty.")
    if wrong:
        shown = ", ".join(wrong[:_SHOWN]) + (", ..." if len(wrong) > _SHOWN else "")
        raise DataError(
            f"'{path.name}' has {len(wrong)} cell(s) without a value: {shown}.",
            "Mend the formula or clear the cell; a formula that was never calculated gets its value when the workbook is opened "
            "in Excel or LibreOffice and saved.",
        )
    width = max(map(len, cells))
    cells = [[*row, *[None] * (width - len(row))] for row in cells]
    given = check_header(cells[first - 1], path.name) if names is None else [*names]
    if len(given) < width:
        given += [f"{NAMELESS}{k + 1}" for k in range(len(given), width)]
    frame = pd.DataFrame(cells[first:], columns=given, dtype=object).replace({None: np.nan}).infer_objects()
    nameless = [c for c in given if c.startswith(NAMELESS)]
    filled = [c for c in nameless if frame[c].notna().any()]
    if filled:
        raise DataError(
            f"'{path.name}' has answers below an empty header cell (column {filled[0].removeprefix(NAMELESS)}).",
            "Name the column in the first line, or remove it.",
        )
    return frame.drop(columns=nameless)


def _cells(path: Path, sheet: str | None) -> tuple[list[list[Any]], list[str]]:
    """Return the values by row, and the cells that have none though they should."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        where = _sheet(book, sheet, path.name)
        cells, wrong = [], []
        for row in book[where].iter_rows():
            cells.append([_value(cell) for cell in row])
            wrong += [f"{cell.coordinate} ({cell.value})" for cell in row if cell.data_type == "e"]
    finally:
        book.close()
    if _has_formulas(path):
        book = load_workbook(path, read_only=True)
        try:
            for at, row in enumerate(book[where].iter_rows()):
                wrong += [
                    f"{cell.coordinate} (formula, never calculated)"
                    for k, cell in enumerate(row)
                    if cell.data_type == "f" and cells[at][k] is None
                ]
        finally:
            book.close()
    return cells, wrong


def _sheet(book: Workbook, sheet: str | None, name: str) -> str:
    names = [ws.title for ws in book.worksheets]
    if sheet is not None and sheet not in names:
        raise DataError(f"'{name}' has no sheet '{sheet}'.", nearest(sheet, names))
    if not names:
        raise DataError(f"'{name}' has no sheet of cells.")
    return sheet or names[0]


def _value(cell: Any) -> Any:
    value = cell.value
    if cell.data_type == "e":
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
        return any(b"<f" in parts.read(name) for name in sheets if name.endswith(".xml"))
