"""Tables without a tool's conventions: text, workbooks and Parquet with one line of names."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from xmresearch.data.delimited import check_header
from xmresearch.data.formats.header_lines import find_header, without_foot, without_row_names
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Table
from xmresearch.errors import DataError, reason


def _by_ending(*endings: str) -> Callable[[Opening], str]:
    def recognise(opening: Opening) -> str:
        ending = opening.path.suffix.lower()
        return f"the ending {ending}" if ending in endings else ""

    return recognise


def _read_cells(form: str) -> Callable[[Opening, str], Table]:
    def read(opening: Opening, why: str) -> Table:
        lines = find_header(opening.rows, opening.path.name, opening.settings.header_row)
        frame, encoding = opening.body() if lines is None else opening.body(lines.names, lines.first)
        frame, notes = without_row_names(frame)
        frame, left_out = without_foot(frame)
        if lines is None:
            return Table(frame, form, why, encoding, left_out=left_out, notes=notes)
        questions = {n: q for n, q in zip(lines.names, lines.questions, strict=True) if q and n in frame.columns}
        return Table(frame, form, why, encoding, questions=questions, left_out=left_out, notes=(*lines.notes, *notes))

    return read


def _read_parquet(opening: Opening, why: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(opening.path).names
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"'{opening.path.name}' is not a readable Parquet file: {reason(error)}.") from None
    check_header(names, opening.path.name)
    return Table(pd.read_parquet(opening.path), "parquet", why)


FORMATS = (
    Format("parquet", "Parquet", _by_ending(".parquet", ".pq"), _read_parquet),
    Format("excel", "an Excel workbook", _by_ending(".xlsx", ".xlsm"), _read_cells("excel")),
    Format("csv", "delimited text", _by_ending(".csv", ".tsv", ".txt"), _read_cells("csv")),
)
