"""Rows from wherever they are: a DataFrame, a LazyFrame, a file or a folder of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xmresearch.data.readers import scan_survey
from xmresearch.errors import DataError, InsufficientData, Problems, brief, nearest, reason

if TYPE_CHECKING:
    import polars as pl

SHOWN_ROWS = 5
BLOCK_ROWS = 2_000_000


def as_lazy(data: pd.DataFrame | pl.DataFrame | pl.LazyFrame | str | Path) -> pl.LazyFrame:
    """Open rows without reading them.

    Parameters
    ----------
    data : DataFrame, polars.DataFrame, polars.LazyFrame, str or Path
        A path names a CSV or Parquet file, or a folder of Parquet files.

    Returns
    -------
    polars.LazyFrame

    Raises
    ------
    DataError
        There is nothing to read, or the type is none of these.
    """
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        return data
    if isinstance(data, pl.DataFrame):
        return data.lazy()
    if isinstance(data, pd.DataFrame):
        return from_pandas(data)
    if isinstance(data, str | Path):
        return scan_survey(data)
    raise DataError(
        f"Data of type {type(data).__name__} cannot be read.", "Give a DataFrame, a LazyFrame or the path of a file."
    )


def from_pandas(data: pd.DataFrame) -> pl.LazyFrame:
    """Take over a pandas frame.

    Parameters
    ----------
    data : DataFrame
        Its columns keep their types; their names become text.

    Returns
    -------
    polars.LazyFrame

    Raises
    ------
    DataError
        A column is there more than once, or holds values of several types.
    """
    import polars as pl
    import pyarrow as pa

    repeated = [str(name) for name, count in Counter(data.columns).items() if count > 1]
    if repeated:
        raise DataError(f"The data have column '{repeated[0]}' more than once.", "Rename or remove the extra ones.")
    columns = {}
    for name in data.columns:
        try:
            columns[str(name)] = pl.from_pandas(data[name])
        except (pa.ArrowException, TypeError, ValueError):
            kinds = sorted({type(v).__name__ for v in data[name].dropna()})
            raise DataError(
                f"Column '{name}' holds values of several types: {', '.join(kinds)}.", "Convert it to one of them."
            ) from None
    return pl.LazyFrame(columns)


def blocks_of(rows: pl.LazyFrame, size: int = BLOCK_ROWS) -> Iterator[pl.DataFrame]:
    """Stream rows in blocks that depend on the rows alone.

    Parameters
    ----------
    rows : polars.LazyFrame
        Of any size.
    size : int
        Rows of every block but the last.

    Yields
    ------
    polars.DataFrame
        In the order of the rows.
    """
    import polars as pl

    held: list[pl.DataFrame] = []
    count = 0
    for batch in rows.collect_batches(chunk_size=size, maintain_order=True, engine="streaming"):
        held.append(batch)
        count += len(batch)
        while count >= size:
            whole = pl.concat(held)
            yield whole[:size]
            held, count = [whole[size:]], count - size
    if count:
        yield pl.concat(held)


@contextmanager
def readable(data: object) -> Iterator[None]:
    """Say as a DataError what polars finds wrong with rows while it reads them."""
    import polars as pl

    try:
        yield
    except pl.exceptions.PolarsError as error:
        name = f"'{Path(data).name}'" if isinstance(data, str | Path) else "The data"
        raise DataError(
            f"{name} cannot be read: {reason(error)}.",
            "All rows and all files of a folder need the same columns of the same types.",
        ) from None


def require_columns(names: Iterable[str | None], present: Iterable[str]) -> None:
    """Raise DataError for every column that is asked for and not there."""
    known = list(present)
    problems = Problems()
    for name in names:
        if name is not None and name not in known:
            problems.errors.append(DataError(f"The data have no column '{name}'.", nearest(name, known)))
    problems.settle()


def require_numeric(names: Iterable[str | None], source: pl.LazyFrame) -> None:
    """Raise DataError for the first column that does not hold numbers (or true and false), and name the rows."""
    import polars as pl

    schema = source.collect_schema()
    for name in names:
        if name is None or schema[name].is_numeric() or schema[name] in (pl.Boolean, pl.Null):
            continue
        if source.head(1).collect(engine="streaming").is_empty():
            raise InsufficientData("The data have no rows.")
        where = ""
        if schema[name] == pl.String:
            text = pl.col(name).str.strip_chars()
            wrong = (text != "") & text.cast(pl.Float64, strict=False).is_null()
            where = rows_where(source, wrong.fill_null(value=False), name)[1]
        where = where and f": {where}"
        raise DataError(f"Column '{name}' is of type {schema[name]}, not numeric{where}.", "Write it as plain numbers.")


def rows_where(source: pl.LazyFrame, condition: pl.Expr, show: str) -> tuple[int, str]:
    """Count the rows that meet a condition and name the first of them.

    Parameters
    ----------
    source : polars.LazyFrame
        The rows.
    condition : polars.Expr
        What is wrong with a row.
    show : str
        Column whose value is shown.

    Returns
    -------
    count : int
    where : str
        Such as "row 3 ('x'), row 9 ('y'), ...", the first row after the header being 1.
    """
    import polars as pl

    bad = source.select(pl.col(show), condition.alias("is bad")).with_row_index("at row", offset=1).filter("is bad")
    count = int(bad.select(pl.len()).collect(engine="streaming").item())
    first = bad.select("at row", show).head(SHOWN_ROWS).collect(engine="streaming")
    shown = ", ".join(f"row {row} ({brief(value)})" for row, value in first.iter_rows())
    return count, shown + (", ..." if count > SHOWN_ROWS else "")
