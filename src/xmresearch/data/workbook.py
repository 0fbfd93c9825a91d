"""Read a sheet of a workbook as it shows: text stays text, and what cannot be a value is refused by cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.data.sheets import Sheet, tabulate
from xmresearch.errors import DataError

_COMPOUND = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK"


def first_rows(path: Path, sheet: str | None, n: int, encoding: str | None = None) -> list[list[Any]]:
    """Return the values of a sheet's first lines.

    Parameters
    ----------
    path : Path
        See `read_sheet`.
    sheet : str, optional
        See `read_sheet`.
    n : int
        How many lines at most.
    encoding : str, optional
        Of a table in HTML.

    Returns
    -------
    list of list
        Blank cells are None.

    Raises
    ------
    DataError
        The workbook cannot be read or has no such sheet.
    """
    return _open_sheet(path, sheet, n, encoding).cells[:n]


def read_sheet(
    path: Path, sheet: str | None, *, names: Sequence[str] | None = None, first: int = 1, encoding: str | None = None
) -> pd.DataFrame:
    """Read one sheet of a workbook.

    Parameters
    ----------
    path : Path
        .xlsx or .xlsm, .xls, or a table in HTML that is named as one; told by its content.
    sheet : str, optional
        The first that is not hidden and has cells if absent.
    names : sequence of str, optional
        Of the columns, where the line above the first row does not give them.
    first : int
        How many lines come before the first row.
    encoding : str, optional
        Of a table in HTML; what it says if absent.

    Returns
    -------
    DataFrame
        One row per line of the sheet below its first ones; cells as CSV has them: "NA" is text, an empty
        cell is missing. Cells that are formatted as dates are dates; numbers stored as text are numbers where the whole column is.
        A cell merged over rows counts for each. Blank lines after the last row, and columns without name and cells, are left
        out. `attrs["notes"]` holds what a reader must know.

    Raises
    ------
    DataError
        The workbook cannot be read or has no such sheet; a name repeats or is missing; a cell holds an error such as #N/A,
        or a formula whose value was never stored.
    """
    return tabulate(_open_sheet(path, sheet, None, encoding), path.name, names, first)


def sheet_names(path: Path) -> list[str]:
    """Return the names of a workbook's sheets.

    Parameters
    ----------
    path : Path
        A workbook that `read_sheet` can read.

    Returns
    -------
    list of str
        In its order; none of a table in HTML.
    """
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(_ZIP):
        import openpyxl

        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            return [str(ws.title) for ws in book.worksheets]
        finally:
            book.close()
    if start.startswith((_COMPOUND, b"\x09")):
        import xlrd  # type: ignore[import-untyped]

        with xlrd.open_workbook(str(path), on_demand=True) as old:
            return [str(name) for name in old.sheet_names()]
    return []


def _open_sheet(path: Path, sheet: str | None, n: int | None, encoding: str | None) -> Sheet:
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(_ZIP):
        from xmresearch.data.workbook_xml import open_sheet

        return open_sheet(path, sheet, n)
    if start.startswith((_COMPOUND, b"\x09")):
        from xmresearch.data.workbook_binary import open_sheet as open_binary

        return open_binary(path, sheet)
    if b"<" in start:
        from xmresearch.data.workbook_html import open_table

        return open_table(path, encoding)
    raise DataError(f"'{path.name}' is not a readable Excel workbook.", "Open it in Excel and save it as .xlsx or CSV.")
