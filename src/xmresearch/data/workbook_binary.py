"""Workbooks of Excel 97 to 2003 and before (.xls), opened with xlrd."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import Any

from xmresearch.data.sheet_choice import PEEKED, choose_sheet, most_cells
from xmresearch.data.sheets import Sheet
from xmresearch.errors import DataError, nearest, reason

_LOCKED = "EncryptedPackage".encode("utf-16-le")


def open_sheet(path: Path, sheet: str | None) -> Sheet:
    """Open a sheet.

    Parameters
    ----------
    path : Path
        .xls.
    sheet : str, optional
        The first that is not hidden and has cells if absent.

    Returns
    -------
    Sheet

    Raises
    ------
    DataError
        It is protected by a password, cannot be read, or has no such sheet.
    """
    raw = path.read_bytes()
    if _LOCKED in raw:
        raise _locked(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _open(raw, path, sheet)
    except DataError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # xlrd fails in any way on a broken file
        if "encrypted" in str(error).lower():
            raise _locked(path) from None
        raise DataError(
            f"'{path.name}' is not a readable Excel workbook: {reason(error) or type(error).__name__}.",
            "It may be cut off or damaged: get it again, or open it in Excel and save it as .xlsx.",
        ) from None


def _locked(path: Path) -> DataError:
    return DataError(
        f"'{path.name}' is protected by a password.", "Open it in Excel, remove the password and save a copy."
    )


def _open(raw: bytes, path: Path, sheet: str | None) -> Sheet:
    import xlrd  # type: ignore[import-untyped]

    # xlrd reports to the standard output unless told otherwise
    book = xlrd.open_workbook(file_contents=raw, formatting_info=True, ragged_rows=True, logfile=io.StringIO())
    names = book.sheet_names()
    if sheet is not None and sheet not in names:
        raise DataError(f"'{path.name}' has no sheet '{sheet}'.", nearest(sheet, names))
    if not names:
        raise DataError(f"'{path.name}' has no sheet of cells.")
    sheets = book.sheets()
    filled = {s.name: most_cells(_peeked(s, book.datemode)) for s in sheets}
    chosen, notes = choose_sheet(sheet, filled, {s.name for s in sheets if s.visibility})
    found = book.sheet_by_name(chosen)
    cells, wrong = [], []
    for r in range(found.nrows):
        row = found.row(r)
        cells.append([_value(cell, book.datemode) for cell in row])
        wrong += [
            f"{xlrd.formula.cellname(r, c)} ({xlrd.error_text_from_code.get(cell.value, 'error')})"
            for c, cell in enumerate(row)
            if cell.ctype == xlrd.XL_CELL_ERROR
        ]
    merged = tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in found.merged_cells)
    hidden = sum(bool(info.hidden) for info in found.rowinfo_map.values())
    if hidden:
        notes.append(f"{hidden} row(s) are hidden in the workbook, as by a filter; they were read.")
    if any(info.hidden for info in found.colinfo_map.values()):
        notes.append("Columns are hidden in the workbook; they were read.")
    return Sheet(cells, tuple(wrong), merged, tuple(notes))


def _peeked(sheet: Any, datemode: int) -> list[list[Any]]:
    return [[_value(cell, datemode) for cell in sheet.row(r)] for r in range(min(sheet.nrows, PEEKED))]


def _value(cell: Any, datemode: int) -> Any:
    import xlrd

    value = cell.value
    if cell.ctype == xlrd.XL_CELL_TEXT:
        return str(value).strip() or None
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            moment = xlrd.xldate.xldate_as_datetime(value, datemode)
        except (xlrd.xldate.XLDateError, OverflowError, ValueError):
            return value
        return moment.time() if 0 <= value < 1 else moment
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(value)
    if cell.ctype != xlrd.XL_CELL_NUMBER:
        return None
    return int(value) if math.isfinite(value) and value.is_integer() else value
