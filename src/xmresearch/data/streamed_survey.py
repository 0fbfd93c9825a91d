"""Surveys that are larger than is read at once: prepared a block at a time by the rules of any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.data.codebook import Codebook
from xmresearch.data.column_names import new_names
from xmresearch.data.config import FileSource, OwnRows, SqlSource
from xmresearch.data.formats.table import Table
from xmresearch.data.protected_scan import protect_scan
from xmresearch.data.readers import file_format, scan_parts, scan_survey
from xmresearch.data.remote.fetched import Located, called_in_reports
from xmresearch.data.screening_params import Screening
from xmresearch.data.survey import Survey
from xmresearch.data.survey_blocks import SurveyBlocks
from xmresearch.errors import DataError, Problems, XMError

if TYPE_CHECKING:
    import polars as pl

LARGE_CSV = 200_000_000
"""Bytes from which on a CSV is streamed rather than read."""
LARGE_ROWS = 1_000_000
"""Rows of Parquet above which a survey is streamed rather than read."""
BLOCK_ROWS = 200_000


def rows_of_parquet(path: Path) -> int:
    """Count the rows of a Parquet file, or of a folder of them, without reading them; 0 of anything else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    try:
        return sum(pq.read_metadata(file).num_rows for file in files)
    except (pa.ArrowException, OSError):
        return 0


def is_streamed(place: Located) -> bool:
    """Say whether a survey is larger than is read at once.

    Parameters
    ----------
    place : Located
        Where it is.

    Returns
    -------
    bool
        Of Parquet with more than `LARGE_ROWS` rows, of a CSV of at least `LARGE_CSV` bytes, and of a folder in an object store.
    """
    path = place.path
    if place.parts:
        return True
    if path.is_dir():
        return rows_of_parquet(path) > LARGE_ROWS
    if not path.is_file():
        return False
    if _is_parquet(path):
        return rows_of_parquet(path) > LARGE_ROWS
    return path.stat().st_size >= LARGE_CSV and file_format(path, place.settings) == "csv"


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def read_folder(path: Path) -> Table:
    """Read a folder of Parquet that is no larger than is read at once.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        It holds no Parquet file, or files of other columns or types.
    """
    import polars as pl

    try:
        frame = scan_survey(path).collect().to_pandas()
    except pl.exceptions.PolarsError:
        raise _unlike(path) from None
    return Table(frame, "parquet", f"a folder of {len(list(path.glob('*.parquet')))} files")


def _unlike(path: Path) -> DataError:
    return DataError(
        f"The files of '{path.name}' cannot be read together.", "All need the same columns of the same types."
    )


def stream_survey(
    data: FileSource | SqlSource, place: Located, book: Codebook, base: Path | None = None, *, absent: tuple[str, ...] = (), screening: Screening | None = None,
    duration_column: str | None = None, segments: Sequence[str] = (), refused: Mapping[str, Any] | None = None,
) -> Survey:  # fmt: skip
    """Check and screen a survey a block at a time.

    Parameters
    ----------
    data : FileSource or SqlSource
        What the params say of its columns, rows and cells.
    place : Located
        Where it is.
    book : Codebook
        What its columns measure, of those that it has.
    base : Path, optional
        Folder that relative paths start from.
    absent : tuple of str
        Items of the instrument that it lacks.
    screening, duration_column, segments
        As for `xmresearch.data.survey.prepare_survey`.
    refused : mapping of str to object
        Settings that need all rows at once, by name; any that is given is refused.

    Returns
    -------
    Survey
        Its frame is `StreamedAnswers`; the screening log lacks the rules that hold respondents against one another.

    Raises
    ------
    DataError
        As for `prepare_survey`, of the first block in which something is wrong; a setting that needs all rows at once.
    InsufficientData
        Fewer than ten respondents are left, or an item has too few answers.
    """
    source, rules = place.name, screening or Screening()
    _require_possible(data, source, refused or {})
    rows = opened(place)
    names = [*(c.name for c in book.columns), *segments, *([duration_column] if duration_column else [])]
    rows, protected = protect_scan(rows, data.protect, base, labels=names)
    work = SurveyBlocks(data, book, rules, duration_column, tuple(segments), source)
    for first, block in _even(rows):
        try:
            work.add(block, names)
        except XMError as error:
            last = first + len(block)
            raise type(error)(f"Rows {first + 1:,} to {last:,} of '{source}': {error.problem}", error.hint) from None
    work.settle()
    _require_groups(protected, segments)
    form = "parquet" if place.is_folder or _is_parquet(place.path) else "csv"
    table = Table(
        pd.DataFrame(), form, "streamed, not read at once", left_out=work.left_out, coded_missing=work.coded,
        protected=protected,
    )  # fmt: skip
    made: Any = work.answers
    said = place.described(table)
    return Survey(
        made, book, None, tuple(segments), work.log(), called_in_reports(data), notes=absent, table=said
    )  # fmt: skip


def opened(place: Located) -> pl.LazyFrame:
    """Return the rows of a survey as they are, not read."""
    if place.parts:
        return scan_parts(place.parts)
    if place.path.is_dir() or _is_parquet(place.path):
        return scan_survey(place.path)
    return scan_survey(place.path, delimiter=place.settings.delimiter, encoding=place.settings.encoding)


def columns_of(data: OwnRows, place: Located) -> list[str]:
    """Return the names of a survey's columns, as the params have them renamed; nothing is read but the header."""
    found = list(opened(place).collect_schema())
    names = new_names(found, data.columns, lower=data.header_case == "lower", name=place.name)
    return [names.get(c, c) for c in found]


def _require_possible(data: OwnRows, source: str, refused: Mapping[str, Any]) -> None:
    problems = Problems()
    given = [
        *(k for k, v in refused.items() if v),
        *(f"data.{k}" for k in ("join", "decimal", "thousands") if getattr(data, k, None)),
    ]
    for name in given:
        problems.errors.append(
            DataError(
                f"{name}: '{source}' has more rows than are read at once, and this setting needs all of them.",
                f"Leave it out, or give at most {LARGE_ROWS:,} rows of Parquet (a sample, or a part of the survey).",
            )
        )
    problems.settle()


def _require_groups(protected: Sequence[Any], segments: Sequence[str]) -> None:
    for found in protected:
        if found.column in segments and found.done not in ("kept", "scrubbed"):
            raise DataError(
                f"segments: column '{found.column}' holds identifiers of persons ({found.kind}), which make no groups.",
                "Remove it from 'segments', or name it in data.protect.keep if it does not tell who somebody is.",
            )


def _even(rows: pl.LazyFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Give blocks of `BLOCK_ROWS` rows, whatever pieces they are read in, and the place of the first row of each."""
    import polars as pl

    first, held = 0, None
    try:
        for batch in rows.collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True, engine="streaming"):
            held = batch if held is None else pl.concat([held, batch])
            while len(held) >= BLOCK_ROWS:
                yield first, held[:BLOCK_ROWS].to_pandas()
                first, held = first + BLOCK_ROWS, held[BLOCK_ROWS:]
    except pl.exceptions.PolarsError:
        raise DataError(
            "The data cannot be read to their end.",
            "All rows, and all files of a folder, need the same columns of the same types.",
        ) from None
    if held is not None and len(held):
        yield first, held.to_pandas()
