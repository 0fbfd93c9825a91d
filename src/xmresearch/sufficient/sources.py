"""Rows from wherever they are: a DataFrame, a LazyFrame, a file or a folder of files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.data.readers import scan_survey
from xmresearch.errors import DataError, nearest

if TYPE_CHECKING:
    import polars as pl

SHOWN_ROWS = 5


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
        return pl.from_pandas(data).lazy()
    if isinstance(data, str | Path):
        return scan_survey(data)
    raise DataError(
        f"Data of type {type(data).__name__} cannot be read.", "Give a DataFrame, a LazyFrame or the path of a file."
    )


def require_columns(names: Iterable[str | None], present: Iterable[str]) -> None:
    """Raise DataError for the first column that is asked for and not there."""
    known = list(present)
    for name in names:
        if name is not None and name not in known:
            raise DataError(f"The data have no column '{name}'.", nearest(name, known))


def require_numeric(names: Iterable[str | None], schema: Any) -> None:
    """Raise DataError for the first column that does not hold numbers (or true and false)."""
    import polars as pl

    for name in names:
        if name is not None and not (schema[name].is_numeric() or schema[name] in (pl.Boolean, pl.Null)):
            raise DataError(f"Column '{name}' is of type {schema[name]}, not numeric.", "Code its answers as numbers.")


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
    shown = ", ".join(f"row {row} ({value!s})" for row, value in first.iter_rows())
    return count, shown + (", ..." if count > SHOWN_ROWS else "")
