"""Read delimited text by one set of rules, whether into memory or as a stream."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pandas as pd

from xmresearch.data.column_types import NAMELESS, by_all_cells, cells_of, read_typed, shortened
from xmresearch.data.encodings import decode, is_utf8
from xmresearch.errors import DataError, brief, nearest, reason

if TYPE_CHECKING:
    import polars as pl

_TAIL = 1 << 16


def check_header(header: Sequence[Any], name: str) -> list[str]:
    """Tidy the names of columns, and refuse what repeats.

    Parameters
    ----------
    header : sequence
        As written; blank ones get a name by position.
    name : str
        What the columns are of, for messages.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        A name occurs more than once.
    """
    names = ["" if h is None else str(h).strip() for h in header]
    names = [n or f"{NAMELESS}{k + 1}" for k, n in enumerate(names)]
    counts = Counter(names)
    repeated = [f"'{n}' ({count} times)" for n, count in counts.items() if count > 1]
    if repeated:
        raise DataError(
            f"'{name}' has duplicate columns: {', '.join(map(brief, repeated[:5]))}.",
            "Rename or remove the extra ones.",
        )
    return names


def require_unique_columns(frame: pd.DataFrame, name: str = "The data") -> None:
    """Raise DataError where a table has two columns of one name, which cannot be told apart."""
    counts = Counter(frame.columns)
    repeated = [f"'{column}' ({count} times)" for column, count in counts.items() if count > 1]
    if repeated:
        raise DataError(
            f"{name} have duplicate columns: {', '.join(map(brief, repeated[:5]))}.", "Rename or remove the extra ones."
        )


def scan_delimited(
    path: Path,
    delimiter: str,
    encoding: str | None,
    *,
    names: Sequence[str] | None = None,
    first: int = 1,
    as_text: bool = False,
    source: tuple[Path | bytes, str] | None = None,
) -> tuple[pl.LazyFrame, str]:
    """Open delimited text without reading it, where it is UTF-8; other text is decoded in memory.

    Parameters
    ----------
    path : Path
        The file.
    delimiter : str
        Of its columns.
    encoding : str, optional
        See `xmresearch.data.encodings.decode`.
    names : sequence of str, optional
        Of the columns, where the first line does not give them; each once.
    first : int
        How many records come before the first row; a record in quotes may have several lines.
    as_text : bool
        Whether every column stays text.
    source : tuple of (Path or bytes) and str, optional
        The file as `opened` has opened it.

    Returns
    -------
    rows : polars.LazyFrame
        Cells without spaces around them; blank ones null. A column is whole numbers, numbers or truth values if all of its
        cells are, otherwise text as written ("NA" too); whole numbers of more than 18 digits are text. Columns without name and cells,
        and blank lines after the last row, are left out; other blank lines are rows.
    encoding : str
        What it was decoded as.

    Raises
    ------
    DataError
        The file is empty, wrongly delimited or not well-formed, cannot be decoded, repeats a column's name, or has cells
        below a blank one.
    """
    import polars as pl

    text, used = source or opened(path, encoding)
    given, at = _above_rows(text, path.name, delimiter, names, first)
    with _well_formed(text, path.name, delimiter, first):
        try:
            schema = pl.scan_csv(text, separator=delimiter, infer_schema_length=None, glob=False, **at).collect_schema()
        except pl.exceptions.NoDataError:
            if not at:
                raise
            return pl.LazyFrame(schema=dict.fromkeys(given, pl.String())), used
        known = {name: pl.String() if as_text or kind == pl.Int128 else kind for name, kind in schema.items()}
        _require_width(len(known), len(given), path.name)
        rows = pl.scan_csv(text, separator=delimiter, schema=known, glob=False, **at)
        rows = rows.rename(dict(zip(known, given, strict=True)))
        blank_tail = _ends_blank(text, delimiter)
        return by_all_cells(cells_of(rows), path.name, blank_tail=blank_tail, as_text=as_text), used


def _above_rows(
    source: Path | bytes, name: str, delimiter: str, names: Sequence[str] | None, first: int
) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the columns, and what polars must know of the records above the rows."""
    given = _header(source, name, delimiter) if names is None else list(names)
    return given, {} if names is None and first == 1 else {"has_header": False, "skip_rows": first}


def _require_width(found: int, named: int, name: str) -> None:
    if found != named:
        raise DataError(
            f"'{name}' has {found} columns in its rows but names {named}.",
            "Look at its first lines: a title or a broken header line may stand above the names.",
        )


def read_delimited(
    path: Path,
    columns: Sequence[str] | None,
    delimiter: str,
    encoding: str | None,
    *,
    names: Sequence[str] | None = None,
    first: int = 1,
    as_text: bool = False,
    source: tuple[Path | bytes, str] | None = None,
) -> pd.DataFrame:
    """Read delimited text by the rules of `scan_delimited`.

    Parameters
    ----------
    path, delimiter, encoding, names, first, as_text, source
        As for `scan_delimited`.
    columns : sequence of str, optional
        Only these are read.

    Returns
    -------
    DataFrame
        `attrs["encoding"]` says what it was decoded as.

    Raises
    ------
    DataError
        As for `scan_delimited`, or a column is not there.
    """
    text, used = source or opened(path, encoding)
    given, at = _above_rows(text, path.name, delimiter, names, first)
    with _well_formed(text, path.name, delimiter, first):
        rows, settled = _read_once(text, path.name, delimiter, given, at, as_text=as_text)
        if rows is None:
            rows = scan_delimited(
                path, delimiter, encoding, names=names, first=first, as_text=as_text, source=(text, used)
            )[0]
        require_named(columns, rows.collect_schema().names(), path.name)
        frame = (rows if columns is None else rows.select(columns)).collect()
        long = shortened(frame.drop(settled, strict=False))
        if long:
            rows = scan_delimited(
                path, delimiter, encoding, names=names, first=first, as_text=True, source=(text, used)
            )[0]
            frame = frame.with_columns(rows.select(long).collect())
    # by way of Arrow, which takes the parts that were read at once without putting them together first
    found: pd.DataFrame = frame.to_arrow().to_pandas(split_blocks=True)
    found.attrs["encoding"] = used
    return found


def _read_once(
    source: Path | bytes, name: str, delimiter: str, names: Sequence[str], at: dict[str, Any], *, as_text: bool
) -> tuple[pl.LazyFrame | None, list[str]]:
    """Read rows with the types that their beginning has; None where there are none, or one below does not fit.

    The columns returned beside them are numbers of settled length.
    """
    import polars as pl

    try:
        frame = read_typed(source, delimiter, at, as_text=as_text)
    except pl.exceptions.NoDataError:
        return None, []
    if frame is None:
        return None, []
    _require_width(frame.width, len(names), name)
    frame.columns = list(names)
    settled = frame.select(pl.col(pl.Int64)).columns
    blank_tail = _ends_blank(source, delimiter)
    return by_all_cells(frame.lazy(), name, blank_tail=blank_tail, as_text=as_text), settled


def require_named(wanted: Sequence[str] | None, present: Sequence[str], name: str) -> None:
    """Raise DataError unless all columns that are wanted are there."""
    missing = [c for c in wanted or () if c not in present]
    if missing:
        shown = ", ".join(f"'{brief(c)}'" for c in missing[:8]) + (", ..." if len(missing) > 8 else "")
        raise DataError(
            f"'{name}' lacks {len(missing)} column(s) that the codebook or the params name: {shown}.",
            f"{nearest(missing[0], present)} Correct the codebook's patterns or the file's header.",
        )


def opened(path: Path, encoding: str | None) -> tuple[Path | bytes, str]:
    """Open delimited text, decoding what is not UTF-8.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str, optional
        See `xmresearch.data.encodings.decode`.

    Returns
    -------
    source : Path or bytes
        The path of what polars can stream, otherwise the text in UTF-8 with lines that end in a line feed.
    encoding : str
        What it was decoded as.

    Raises
    ------
    DataError
        The file is empty, is no text or cannot be decoded.
    """
    with path.open("rb") as file:
        head = file.read(_TAIL)
    old_lines = b"\r" in head and b"\n" not in head
    if head.strip() and b"\x00" not in head[:4096] and encoding is None and not old_lines and is_utf8(path):
        return path, "utf-8"
    text, used = decode(path.read_bytes(), path.name, encoding)
    return (text.replace("\r", "\n") if old_lines else text).encode(), used


@contextmanager
def _text_of(source: Path | bytes) -> Iterator[TextIO]:
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as raw:
        yield io.TextIOWrapper(raw, "utf-8-sig", newline="")


def _header(source: Path | bytes, name: str, delimiter: str) -> list[str]:
    with _text_of(source) as text:
        try:
            header = next(csv.reader(text, delimiter=delimiter), [])
        except csv.Error as error:
            raise DataError(f"'{name}', line 1: {error}.") from None
    if not "".join(header).strip():
        raise DataError(f"The first line of '{name}' is blank.", "The first line must name the columns.")
    names = check_header(header, name)
    other = max(";\t|,", key=header[0].count)
    if len(names) == 1 and other in header[0]:
        seen = {"\t": "tabs"}.get(other, f"'{other}'")
        raise DataError(
            f"'{name}' has only one column when split at {delimiter!r}.",
            f"Its header contains {seen}: set data.delimiter to that.",
        )
    return names


@contextmanager
def _well_formed(source: Path | bytes, name: str, delimiter: str, first: int = 1) -> Iterator[None]:
    """Say as a DataError, with the line, what polars finds wrong with the text."""
    import polars as pl

    try:
        yield
    except pl.exceptions.PolarsError as error:
        said = f": {reason(error)}"
        with _text_of(source) as text, suppress(csv.Error):
            lines = csv.reader(text, delimiter=delimiter)
            width = [len(next(lines)) for _ in range(max(first, 1))][-1]
            for cells in lines:
                if len(cells) > width:
                    above = "the first line" if first == 1 else "the header"
                    said = f", line {lines.line_num}: {len(cells)} cells where {above} names {width} columns"
                    break
        raise DataError(f"'{name}' is not a well-formed CSV{said}.", "Quote cells that hold the delimiter.") from None


def _ends_blank(source: Path | bytes, delimiter: str) -> bool:
    """Whether the last line holds nothing, as spreadsheets and editors leave them."""
    if isinstance(source, bytes):
        tail = source[-_TAIL:]
    else:
        with source.open("rb") as file:
            file.seek(max(0, source.stat().st_size - _TAIL))
            tail = file.read()
    lines = tail.removesuffix(b"\n").removesuffix(b"\r").split(b"\n")
    return not lines[-1].translate(None, delimiter.encode() + b' "\t\r')
