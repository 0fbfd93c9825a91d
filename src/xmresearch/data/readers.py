"""Read survey files into a table, or say exactly why they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xmresearch.data.config import FileSource, FormatName
from xmresearch.data.delimited import require_named, scan_delimited
from xmresearch.data.formats.header_lines import find_header
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import read_table, recognise
from xmresearch.data.remote.fetched import located
from xmresearch.data.remote.object_path import checked_path, split_path, store_of
from xmresearch.errors import DataError, brief, reason

if TYPE_CHECKING:
    import polars as pl


def file_format(path: Path, settings: FileSource | None = None) -> str:
    """Return the name of a file's form, as far as settings do not give it, or raise DataError."""
    return recognise(Opening(path, settings or FileSource(source="file", path=str(path))))[0].name


def read_survey(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    format: FormatName | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> pd.DataFrame:
    """Read a survey file with one row per respondent.

    Parameters
    ----------
    path : str or Path
        A file of any form in `xmresearch.data.config.FormatName`.
    columns : sequence of str, optional
        Only these columns are read; every one must exist.
    format : str, optional
        One of `xmresearch.data.config.FormatName`; recognised if absent.
    delimiter : str, optional
        Of a CSV: what its first records show if absent.
    encoding : str, optional
        Of a CSV: if absent UTF-8 (with or without a mark), or GB 18030 where its text is clearly Chinese.
    sheet : str, optional
        Of a workbook: the first that shows and holds a table if absent.

    Returns
    -------
    pandas.DataFrame
        One row per respondent, in file order. `attrs["encoding"]` says how a CSV was decoded.

    Raises
    ------
    DataError
        Missing or empty file, wrong delimiter, wrong or unsettled encoding, duplicate columns, column not in the file, cells of
        a workbook that hold errors.

    Notes
    -----
    Blank lines after the last row are left out; those before it are rows.
    """
    settings = FileSource(
        source="file", path=str(path), format=format, delimiter=delimiter, encoding=encoding, sheet=sheet
    )
    table = read_table(Path(path), settings)
    require_named(columns, list(table.frame.columns), Path(path).name)
    frame = table.frame if columns is None else table.frame[list(columns)]
    if table.encoding:
        frame.attrs["encoding"] = table.encoding
    return frame


def scan_survey(path: str | Path, *, delimiter: str | None = None, encoding: str | None = None) -> pl.LazyFrame:
    """Open a file, or a folder of Parquet files: Parquet and CSV without reading them, the rest in memory.

    Parameters
    ----------
    path : str or Path
        The file, of any form that is known, or a folder that holds `*.parquet`; a text may name one in an object store, such as
        s3://BUCKET/FOLDER: Parquet is scanned there, other files are copied.
    delimiter : str, optional
        Of a CSV: what its first records show if absent.
    encoding : str, optional
        As for `read_survey`.

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
    A CSV gives the same table as `read_survey`. It is gone through beforehand for the types of its columns: amounts that are
    whole for long may have decimals later. One that is not UTF-8 is decoded in memory.
    """
    import polars as pl

    if store_of(path) is not None:
        return _scan_store(checked_path(str(path)), delimiter, encoding)
    path = Path(checked_path(path) if isinstance(path, str) else path)
    if path.is_dir():
        parts = sorted(path.glob("*.parquet"))
        if not parts:
            raise DataError(f"The folder '{path}' holds no .parquet file.")
        return pl.scan_parquet(parts, glob=False)
    if not path.is_file():
        raise DataError(f"The data file '{path.name}' does not exist in '{path.parent}'.")
    opening = Opening(path, FileSource(source="file", path=str(path), delimiter=delimiter, encoding=encoding))
    form = recognise(opening)[0].name
    try:
        if form == "csv":
            lines = find_header(opening.rows, path.name)
            names, first = (None, 1) if lines is None else (lines.names, lines.first)
            return scan_delimited(path, opening.delimiter, encoding, names=names, first=first)[0]
        if form != "parquet":
            return pl.from_pandas(read_table(path, opening.settings).frame).lazy()
        found = pl.scan_parquet(path, glob=False)
        found.collect_schema()
    except (pl.exceptions.PolarsError, OSError, ValueError, TypeError) as error:
        what = "is not a readable Parquet file" if form == "parquet" else "cannot be read"
        raise DataError(f"'{path.name}' {what}: {reason(error)}.") from None
    return found


def _scan_store(path: str, delimiter: str | None, encoding: str | None) -> pl.LazyFrame:
    from xmresearch.data.remote.objects import listing

    parts = listing(path)
    if parts is None and not path.lower().endswith((".parquet", ".pq")):
        source = FileSource(source="file", path=path, delimiter=delimiter, encoding=encoding)
        return scan_survey(located(source, Path()).path, delimiter=delimiter, encoding=encoding)
    return scan_parts([path] if parts is None else [*parts])


@contextmanager
def of_one_form(folder: Path) -> Iterator[None]:
    """Name the file of a folder that has other columns than the first one, where reading fails for that; raises DataError."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.SchemaError, pl.exceptions.ColumnNotFoundError):
        files = sorted(folder.glob("*.parquet"))
        schemas = [pl.read_parquet_schema(path) for path in files]
        for path, own in zip(files, schemas, strict=True):
            for column in sorted({*own, *schemas[0]}):
                if own.get(column) != schemas[0].get(column):
                    told = [str(s.get(column, "absent")) for s in (own, schemas[0])]
                    raise DataError(
                        f"Column '{brief(column)}' is {told[0]} in '{brief(path.name)}' and {told[1]} in '{brief(files[0].name)}'.",
                        "All files of a folder have the same columns, of the same types.",
                    ) from None
        raise


def scan_parts(parts: Sequence[str]) -> pl.LazyFrame:
    """Scan Parquet files of an object store in place.

    Parameters
    ----------
    parts : sequence of str
        Their paths, in the order of the rows.

    Returns
    -------
    polars.LazyFrame

    Raises
    ------
    DataError
        One is no Parquet, or cannot be read.
    """
    import polars as pl

    from xmresearch.data.remote.objects import scan_parquet

    found = scan_parquet([*parts])
    try:
        found.collect_schema()
    except (pl.exceptions.PolarsError, OSError, ValueError, TypeError) as error:
        folder, name = split_path(parts[0])
        raise DataError(f"'{name}' in '{folder}' is not a readable Parquet file: {reason(error)}.") from None
    return found
