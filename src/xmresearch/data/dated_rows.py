"""Open rows that need no codebook, such as panels and events, with their dates in one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xmresearch.data.config import DatasetSource, FileSource, SqlSource
from xmresearch.data.dated_columns import PEEKED, dated, dated_scan
from xmresearch.data.formats.table import Table
from xmresearch.data.numerals import require_settled
from xmresearch.data.one_file import read_file
from xmresearch.data.protected_scan import protect_scan
from xmresearch.data.protection import protect, require_no_names
from xmresearch.data.readers import file_format, of_one_form, scan_parts, scan_survey
from xmresearch.data.remote.fetched import called_in_reports, located
from xmresearch.data.streamed_survey import LARGE_CSV
from xmresearch.errors import DataError, Problems

if TYPE_CHECKING:
    import polars as pl


def open_rows(
    data: DatasetSource | FileSource | SqlSource, base: Path | None = None
) -> tuple[pd.DataFrame | pl.LazyFrame, str]:
    """Open rows that need no codebook.

    Parameters
    ----------
    data, base
        As for `open_dated`.

    Returns
    -------
    rows : DataFrame or polars.LazyFrame
        Parquet, and a large CSV, is scanned, not read.
    source : str
        What the rows are: file name or data set.

    Raises
    ------
    DataError
        The file or data set cannot be read.
    """
    return open_dated(data, base)[:2]


def open_dated(
    data: DatasetSource | FileSource | SqlSource,
    base: Path | None = None,
    *,
    dates: Sequence[str] = (),
    numbers: Sequence[str] | None = None,
    labels: Sequence[str] = (),
) -> tuple[pd.DataFrame | pl.LazyFrame, str, Table | None]:
    """Open rows that need no codebook, with their dates in one form.

    Parameters
    ----------
    data : DatasetSource, FileSource or SqlSource
        Where the rows come from; a path may name a folder of Parquet files.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.
    dates : sequence of str
        Columns that hold dates; those that are not there are left to the study to refuse.
    numbers : sequence of str, optional
        Columns whose numbers are used; all if absent.
    labels : sequence of str
        Further columns that are used, whose texts name things such as units and touchpoints: no answers in own words.

    Returns
    -------
    rows : DataFrame or polars.LazyFrame
        Parquet, and a large CSV, is scanned, not read.
    source : str
        What the rows are: file name or data set.
    table : Table or None
        What the file says of its rows, without them; None of a data set and of what is scanned as it is.

    Raises
    ------
    DataError
        The file or data set cannot be read; a date or number that is used is doubtful, or a date's column holds names of persons.
    """
    labels = [*labels, *dates, *(numbers or ())]
    if isinstance(data, DatasetSource):
        from xmresearch.data.datasets import load_dataset, local_path

        known = local_path(data.name)
        scanned = known is not None and file_format(known) == "parquet"
        return scan_survey(known) if scanned and known else load_dataset(data.name), data.name, None
    found = located(data, base or Path())
    path = found.path
    if found.is_folder and data.changes_rows:
        raise DataError(
            f"'{found.name}' is a folder of Parquet files, which is streamed: its columns, rows and cells are taken as they are.",
            "Leave columns, where, missing_codes, decimal, thousands, header_case and join out of data.",
        )
    form = file_format(path, found.settings) if path.is_file() else None
    streamed = (form == "csv" and path.stat().st_size >= LARGE_CSV) or (
        form == "parquet" and path.suffix.lower() in (".parquet", ".pq")
    )
    if found.is_folder or (streamed and not data.changes_rows):
        marks = (found.settings.delimiter, found.settings.encoding) if form == "csv" else (None, None)
        rows = scan_parts(found.parts) if found.parts else scan_survey(path, delimiter=marks[0], encoding=marks[1])
        there = [c for c in dates if c in rows.collect_schema()]
        notes = []
        with of_one_form(path):
            require_no_names(rows.head(PEEKED).collect().to_pandas(), there)
            for column in there:
                rows, said = dated_scan(rows, column, order=data.dates, time_zone=data.time_zone)
                notes += [said] if said else []
            rows, protected = protect_scan(rows, data.protect, base, labels=labels)
        table = Table(pd.DataFrame(), form or "parquet", "streamed, not read", notes=tuple(notes), protected=protected)
        return rows, called_in_reports(data), found.described(table)
    table = read_file(data, base, only=numbers, place=found)
    problems = Problems()
    with problems.step():
        require_settled(table.doubts, numbers)
    frame, notes = table.frame, [*table.notes]
    there = [c for c in dates if c in frame]
    with problems.step():
        require_no_names(frame, there, table.roles, table.questions)
    problems.settle()
    for column in there:
        with problems.step():
            changed, said = dated(frame[column], order=data.dates, time_zone=data.time_zone)
            frame = frame.assign(**{column: changed})
            notes += [said] if said else []
    problems.settle()
    table = protect(replace(table, frame=frame, notes=tuple(notes)), data.protect, base, labels=labels)
    return table.frame, called_in_reports(data), table.without_rows()
