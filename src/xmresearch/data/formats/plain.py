"""Tables without a tool's conventions: text, workbooks and Parquet with one line of names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xmresearch.data.delimited import check_header
from xmresearch.data.formats.header_lines import find_header, without_foot, without_row_names
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.signature import ENDINGS
from xmresearch.data.formats.table import Table
from xmresearch.errors import DataError, reason


def _told_by(opening: Opening) -> str:
    """Say what tells the form: the ending where it is right, otherwise the content."""
    return "its content" if opening.misnamed() else f"the ending {opening.ending}"


def _is_parquet(opening: Opening) -> str:
    named = not opening.kind and opening.ending in (".parquet", ".pq")
    return _told_by(opening) if named or opening.kind == "parquet" else ""


def _is_feather(opening: Opening) -> str:
    named = not opening.kind and opening.ending in ENDINGS["feather"][1]
    return _told_by(opening) if named or opening.kind == "feather" else ""


def _is_workbook(opening: Opening) -> str:
    return _told_by(opening) if opening.is_workbook else ""


def _is_text(opening: Opening) -> str:
    return _told_by(opening) if opening.is_text else ""


def _read_cells(form: str) -> Callable[[Opening, str], Table]:
    def read(opening: Opening, why: str) -> Table:
        lines = find_header(opening.rows, opening.path.name, given=opening.settings.header_row is not None)
        frame, encoding = opening.body() if lines is None else opening.body(lines.names, lines.first)
        frame, notes = without_row_names(frame)
        frame, left_out = without_foot(frame)
        if lines is None:
            return Table(frame, form, why, encoding, left_out=left_out, notes=notes)
        questions = {n: q for n, q in zip(lines.names, lines.questions, strict=True) if q and n in frame.columns}
        return Table(frame, form, why, encoding, questions=questions, left_out=left_out, notes=(*lines.notes, *notes))

    return read


def _read_parquet(opening: Opening, why: str) -> Table:
    import pyarrow.parquet as pq

    with _columnar(opening, "Parquet"):
        check_header(pq.read_schema(opening.path).names, opening.path.name)
        return Table(pq.read_table(opening.path).to_pandas(), "parquet", why)


def _read_feather(opening: Opening, why: str) -> Table:
    import pyarrow.feather as feather
    import pyarrow.ipc as ipc

    with _columnar(opening, "Arrow"):
        with ipc.open_file(opening.path) as file:
            check_header(file.schema.names, opening.path.name)
        return Table(feather.read_table(opening.path, memory_map=False).to_pandas(), "feather", why)


@contextmanager
def _columnar(opening: Opening, what: str) -> Iterator[None]:
    """Say as a DataError what Arrow finds wrong."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise DataError(
            f"'{opening.path.name}' is not a readable {what} file: {reason(error)}.", "It may be cut off: get it again."
        ) from None


FORMATS = (
    Format("parquet", "Parquet", _is_parquet, _read_parquet),
    Format("feather", "Feather 2, or an Arrow file", _is_feather, _read_feather),
    Format("excel", "an Excel workbook", _is_workbook, _read_cells("excel")),
    Format("csv", "delimited text", _is_text, _read_cells("csv")),
)
