"""Read survey files into a table, or say exactly why they cannot be read."""

from __future__ import annotations

import codecs
import csv
import io
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.errors import DataError, nearest

if TYPE_CHECKING:
    import polars as pl

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".xlsx": "excel", ".xlsm": "excel",
}  # fmt: skip
_NAMELESS = "nameless column "
_FALLBACK_ENCODINGS = ("utf-8-sig", "gb18030")


def file_format(path: Path, given: str | None = None) -> str:
    """Return csv, parquet or excel for a path, or raise DataError."""
    form = given or FORMATS.get(path.suffix.lower())
    if form is None:
        raise DataError(
            f"'{path.name}' has the ending '{path.suffix}', which names no known format.",
            f"Known endings: {', '.join(FORMATS)}; or set data.format to csv, parquet or excel.",
        )
    return form


def read_survey(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    format: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> pd.DataFrame:
    """Read a survey file with one row per respondent.

    Parameters
    ----------
    path : str or Path
        CSV (.csv, .tsv, .txt), Parquet (.parquet, .pq) or Excel (.xlsx, .xlsm).
    columns : sequence of str, optional
        Only these columns are read; every one must exist.
    format : {'csv', 'parquet', 'excel'}, optional
        Overrides what the ending says.
    delimiter : str, optional
        Of a CSV: comma (tab for .tsv) if absent. It is not guessed.
    encoding : str, optional
        Of a CSV: UTF-8 (with or without a mark), then GB 18030, if absent.
    sheet : str, optional
        Of an Excel workbook: the first if absent.

    Returns
    -------
    pandas.DataFrame
        One row per respondent, in file order. `attrs["encoding"]` says how a CSV was decoded.

    Raises
    ------
    DataError
        Missing or empty file, wrong delimiter, wrong encoding, duplicate columns, column not in the file.
    """
    path = Path(path)
    if not path.is_file():
        near = (
            nearest(path.name, [p.name for p in path.parent.glob("*") if p.is_file()]) if path.parent.is_dir() else ""
        )
        raise DataError(
            f"The data file '{path.name}' does not exist in '{path.parent}'.",
            f"{near} Relative paths start from the folder of the params file.".strip(),
        )
    form = file_format(path, format)
    if form == "parquet":
        return _read_parquet(path, columns)
    if form == "excel":
        return _read_excel(path, columns, sheet)
    return _read_csv(path, columns, delimiter or ("\t" if path.suffix.lower() == ".tsv" else ","), encoding)


def scan_survey(path: str | Path, *, delimiter: str | None = None) -> pl.LazyFrame:
    """Open a Parquet or CSV file, or a folder of Parquet files, without reading it.

    Parameters
    ----------
    path : str or Path
        The file, or a folder that holds `*.parquet`.
    delimiter : str, optional
        Of a CSV: comma (tab for .tsv) if absent.

    Returns
    -------
    polars.LazyFrame
        To be reduced in batches; see `xmresearch.sufficient.moments`.

    Raises
    ------
    DataError
        There is nothing to read there, or not in this format.

    Notes
    -----
    A CSV is gone through once for the types of its columns: amounts that are whole for long may have decimals later. One
    that is not UTF-8 is read into memory as GB 18030.
    """
    import polars as pl

    path = Path(path)
    if path.is_dir():
        if not any(path.glob("*.parquet")):
            raise DataError(f"The folder '{path}' holds no .parquet file.")
        return pl.scan_parquet(path / "*.parquet")
    if not path.is_file():
        raise DataError(f"The data file '{path.name}' does not exist in '{path.parent}'.")
    form = file_format(path)
    if form == "excel":
        raise DataError(f"'{path.name}' is a workbook, which cannot be streamed.", "Save it as CSV or Parquet.")
    try:
        if form == "csv":
            return _scan_csv(path, delimiter)
        found = pl.scan_parquet(path)
        found.collect_schema()
    except pl.exceptions.NoDataError:
        raise DataError(f"'{path.name}' is empty.") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        what = "is not a readable Parquet file" if form == "parquet" else "cannot be read"
        raise DataError(f"'{path.name}' {what}: {str(error).partition('\n')[0]}.") from None
    return found


def _scan_csv(path: Path, delimiter: str | None) -> pl.LazyFrame:
    import polars as pl

    how: dict[str, Any] = {"separator": delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")}
    if _is_utf8(path):
        schema = pl.scan_csv(path, infer_schema_length=None, **how).collect_schema()
        found = pl.scan_csv(path, schema=schema, **how)
    else:
        found = pl.read_csv(_decode(path, None)[0].encode(), infer_schema_length=None, **how).lazy()
        schema = found.collect_schema()
    # the marks that polars gives repeated names
    repeated = [n.rpartition("_duplicated_")[0] for n in schema.names() if n.rpartition("_duplicated_")[2].isdigit()]
    _check_header([*schema.names(), *repeated], path)
    return found


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while part := file.read(1 << 20):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _check_header(header: Sequence[Any], path: Path) -> list[str]:
    names = ["" if h is None else str(h).strip() for h in header]
    names = [name or f"{_NAMELESS}{k + 1}" for k, name in enumerate(names)]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        where = ", ".join(f"'{name}' ({Counter(names)[name]} times)" for name in repeated[:5])
        raise DataError(f"'{path.name}' has duplicate columns: {where}.", "Rename or remove the extra ones.")
    return names


def _tidied(frame: pd.DataFrame, columns: Sequence[str] | None, path: Path) -> pd.DataFrame:
    """Leave out rows and nameless columns that hold nothing, as spreadsheets export them."""
    nameless = [c for c in frame.columns if str(c).startswith(_NAMELESS)]
    filled = [c for c in nameless if frame[c].notna().any()]
    if filled:
        raise DataError(
            f"'{path.name}' has answers below an empty header cell (column {filled[0].removeprefix(_NAMELESS)}).",
            "Name the column in the first line, or remove it.",
        )
    frame = frame.drop(columns=nameless).dropna(how="all").reset_index(drop=True)
    return frame if columns is None else frame[list(columns)]


def _check_columns(wanted: Sequence[str] | None, present: Sequence[str], path: Path) -> None:
    missing = [c for c in wanted or () if c not in present]
    if missing:
        shown = ", ".join(f"'{c}'" for c in missing[:8]) + (", ..." if len(missing) > 8 else "")
        raise DataError(
            f"'{path.name}' lacks {len(missing)} column(s) that the codebook or the params name: {shown}.",
            f"{nearest(missing[0], present)} Correct the codebook's patterns or the file's header.",
        )


def _decode(path: Path, encoding: str | None) -> tuple[str, str]:
    raw = path.read_bytes()
    if not raw.strip():
        raise DataError(f"'{path.name}' is empty.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) and encoding is None:
        encoding = "utf-16"
    if encoding is not None and encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    if b"\x00" in raw[:4096] and encoding is None:
        raise DataError(f"'{path.name}' is not a text file.", "Set data.format if its ending is wrong.")
    tried = (encoding,) if encoding else _FALLBACK_ENCODINGS
    for name in tried:
        try:
            return raw.decode(name), name
        except LookupError:
            raise DataError(f"There is no encoding '{name}'.", "Common ones: utf-8, gb18030, latin-1.") from None
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
    raise DataError(
        f"'{path.name}' cannot be decoded as {' or '.join(tried)} (line {line}).",
        "Set data.encoding to the one it was saved with.",
    )


def _read_csv(path: Path, columns: Sequence[str] | None, delimiter: str, encoding: str | None) -> pd.DataFrame:
    text, used = _decode(path, encoding)
    if not text.split("\n", 1)[0].strip():
        raise DataError(f"The first line of '{path.name}' is blank.", "The first line must name the columns.")
    if delimiter in '\r\n"':
        raise DataError(f"{delimiter!r} cannot separate columns.", "Set data.delimiter to a comma, semicolon or tab.")
    try:
        header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise DataError(f"'{path.name}', line 1: {error}.") from None
    names = _check_header(header, path)
    other = max(";\t|,", key=header[0].count) if header else ","
    if len(names) == 1 and other in header[0]:
        seen = {"\t": "tabs"}.get(other, f"'{other}'")
        raise DataError(
            f"'{path.name}' has only one column when split at {delimiter!r}.",
            f"Its header contains {seen}: set data.delimiter to that.",
        )
    _check_columns(columns, names, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text), sep=delimiter, header=0, names=names, index_col=False, usecols=columns,
                skipinitialspace=True, low_memory=False, keep_default_na=False, na_values=[""],
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, ValueError) as error:
        raise DataError(f"'{path.name}' is not a well-formed CSV: {error}.") from None
    frame = _tidied(frame, columns, path)
    frame.attrs["encoding"] = used
    return frame


def _read_parquet(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"'{path.name}' is not a readable Parquet file: {error}.") from None
    _check_header(names, path)
    _check_columns(columns, names, path)
    return pd.read_parquet(path, columns=None if columns is None else list(columns))


def _read_excel(path: Path, columns: Sequence[str] | None, sheet: str | None) -> pd.DataFrame:
    import zipfile

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            if sheet is not None and sheet not in book.sheet_names:
                raise DataError(f"'{path.name}' has no sheet '{sheet}'.", nearest(sheet, map(str, book.sheet_names)))
            raw = pd.read_excel(book, sheet_name=sheet if sheet is not None else 0, header=None, dtype=object)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise DataError(f"'{path.name}' is not a readable Excel workbook: {error}.") from None
    if raw.empty:
        raise DataError(f"'{path.name}' is empty.")
    names = _check_header([None if pd.isna(v) else v for v in raw.iloc[0]], path)
    _check_columns(columns, names, path)
    frame = raw.iloc[1:].set_axis(names, axis=1).reset_index(drop=True).infer_objects()
    return _tidied(frame, columns, path)
