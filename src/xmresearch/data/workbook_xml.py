"""Workbooks of Excel 2007 and later: a zip archive of XML, opened with openpyxl."""

from __future__ import annotations

import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from xmresearch.data.sheet_choice import PEEKED, choose_sheet, most_cells
from xmresearch.data.sheets import MOST_CELLS, Sheet
from xmresearch.errors import DataError, nearest, reason

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

LARGEST_UNPACKED = 2_000_000_000
"""Bytes that a workbook may have once it is unpacked."""
LARGEST_RATIO = 100
"""How many times its size a workbook may unpack to, beyond `SMALL_UNPACKED`; real ones unpack to 3 to 30 times."""
SMALL_UNPACKED = 50_000_000
MOST_PARTS = 10_000
_CHUNK = 1 << 20
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*\bhidden=[\"'](?:1|true)")
_HIDDEN_COLUMN = re.compile(rb"<(?:\w+:)?col\b[^>]*\bhidden=[\"'](?:1|true)")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*\bref=[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})")


def open_sheet(path: Path, sheet: str | None, n: int | None = None) -> Sheet:
    """Open a sheet.

    Parameters
    ----------
    path : Path
        .xlsx or .xlsm; macros are not looked at.
    sheet : str, optional
        The first that is not hidden and has cells if absent.
    n : int, optional
        How many lines at most; of these only the values are read.

    Returns
    -------
    Sheet

    Raises
    ------
    DataError
        It cannot be read, unpacks to too much, or has no such sheet.
    """
    from openpyxl import load_workbook

    # openpyxl leaves a file that it opens itself open where it fails
    with _readable(path), path.open("rb") as file:
        require_sound(path)
        book = load_workbook(file, read_only=True, data_only=True)
        where, notes = _choose(book, sheet, path.name)
        if n is not None:
            return Sheet([[_value(c) for c in row] for row in _lines(book[where], n)])
        cells, wrong = _values(book, where)
        formulas, merged, more = _scan(path, str(book[where]._worksheet_path))
        if formulas:
            wrong += _never_calculated(file, where, cells)
    return Sheet(cells, tuple(wrong), tuple(merged), (*notes, *more))


def require_sound(path: Path) -> None:
    """Raise DataError for an archive that unpacks to far more than a workbook would; nothing is unpacked for it.

    Parameters
    ----------
    path : Path
        A zip archive.

    Raises
    ------
    DataError
        What it declares to hold is too much, in all or for its size.

    Notes
    -----
    An archive that declares less than it holds is found when it is read: no more than is declared is unpacked, and then the check
    sum is wrong.
    """
    with zipfile.ZipFile(path) as parts:
        infos = parts.infolist()
    unpacked, packed = sum(i.file_size for i in infos), path.stat().st_size
    suspicious = unpacked > SMALL_UNPACKED and unpacked > LARGEST_RATIO * packed
    if unpacked > LARGEST_UNPACKED or suspicious or len(infos) > MOST_PARTS:
        raise DataError(
            f"'{path.name}' would unpack to {unpacked / 1e6:,.0f} MB in {len(infos):,d} part(s), from {packed / 1e6:,.2f} MB; it was not opened.",
            "A workbook of answers does not: get it again from its source, or save the sheet as CSV.",
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say as a DataError whatever openpyxl and its parsers find wrong."""
    broken = (
        zipfile.BadZipFile, zlib.error, ParseError, KeyError, OSError, ValueError, TypeError, AttributeError, IndexError,
        EOFError, NotImplementedError, OverflowError, RuntimeError, LookupError,
    )  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except broken as error:
        raise DataError(
            f"'{path.name}' is not a readable Excel workbook: {reason(error) or type(error).__name__}.",
            "It may be cut off or damaged: get it again, or open it in Excel and save it anew.",
        ) from None


def _choose(book: Workbook, sheet: str | None, name: str) -> tuple[str, list[str]]:
    """Return the name of the sheet to read, and what to say of the others."""
    names = [ws.title for ws in book.worksheets]
    if sheet is not None and sheet not in names:
        raise DataError(f"'{name}' has no sheet '{sheet}'.", nearest(sheet, names))
    if not names:
        raise DataError(f"'{name}' has no sheet of cells.")
    if len(names) == 1:
        return names[0], []
    filled = {ws.title: most_cells([_value(c) for c in row] for row in _lines(ws, PEEKED)) for ws in book.worksheets}
    hidden = {ws.title for ws in book.worksheets if ws.sheet_state != "visible"}
    return choose_sheet(sheet, filled, hidden)


def _lines(sheet: Any, n: int | None = None) -> Iterator[tuple[Any, ...]]:
    # the size that a sheet declares may be that of another, and pads every row
    sheet.reset_dimensions()
    return islice(sheet.iter_rows(), n)


def _values(book: Workbook, where: str) -> tuple[list[list[Any]], list[str]]:
    """Return the values by row, and the cells that hold errors."""
    cells: list[list[Any]] = []
    wrong: list[str] = []
    held = 0
    for row in _lines(book[where]):
        values = [_value(cell) for cell in row]
        while values and values[-1] is None:
            values.pop()
        held += len(values)
        if held > MOST_CELLS:
            raise DataError("The sheet has more cells than can be read as one table.", "Save it as CSV or Parquet.")
        cells.append(values)
        wrong += [f"{cell.coordinate} ({cell.value})" for cell in row if cell.data_type == "e"]
    return cells, wrong


def _value(cell: Any) -> Any:
    value = cell.value
    if cell.data_type == "e":
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value


def _never_calculated(file: IO[bytes], where: str, cells: list[list[Any]]) -> list[str]:
    """Return the formulas that have no value: neither a number nor a text, not even an empty one."""
    from openpyxl import load_workbook

    formulas = load_workbook(file, read_only=True)
    values = load_workbook(file, read_only=True, data_only=True)
    wrong: list[str] = []
    for at, (row, stored) in enumerate(zip(_lines(formulas[where]), _lines(values[where]), strict=False)):
        for k, (cell, held) in enumerate(zip(row, stored, strict=False)):
            blank = k >= len(cells[at]) or cells[at][k] is None
            if blank and cell.data_type == "f" and held.data_type not in ("e", "s", "str"):
                wrong.append(f"{cell.coordinate} (formula, never calculated)")
    return wrong


def _scan(path: Path, part: str) -> tuple[bool, list[tuple[int, int, int, int]], list[str]]:
    """Return whether a sheet has formulas, its merged cells, and notes on what is hidden; the sheet is gone through in pieces."""
    from openpyxl.utils.cell import range_boundaries

    formulas, rows, columns = False, 0, 0
    merged: list[tuple[int, int, int, int]] = []
    with zipfile.ZipFile(path) as parts, parts.open(part.lstrip("/")) as file:
        rest = b""
        while piece := file.read(_CHUNK):
            text = rest + piece
            # no tag is cut in two before the last one begins
            cut = max(text.rfind(b"<"), 0)
            text, rest = text[:cut], text[cut:]
            formulas = formulas or _FORMULA.search(text) is not None
            rows += len(_HIDDEN_ROW.findall(text))
            columns += len(_HIDDEN_COLUMN.findall(text))
            for found in _MERGED.findall(text):
                left, top, right, bottom = (int(v or 1) for v in range_boundaries(found.decode()))
                merged.append((top - 1, left - 1, bottom - 1, right - 1))
    notes = []
    if rows:
        notes.append(f"{rows} row(s) are hidden in the workbook, as by a filter; they were read.")
    if columns:
        notes.append("Columns are hidden in the workbook; they were read.")
    return formulas, merged, notes
