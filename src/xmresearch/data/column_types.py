"""Which type each column of delimited text has, by all of its cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.errors import DataError

if TYPE_CHECKING:
    import polars as pl

NAMELESS = "nameless column "
HEAD = 1000
"""Rows by which the types of columns are first taken; a cell below that does not fit has all rows gone through."""
_EXACT = 2**53
_WHOLE = r"^[+-]?[0-9]{1,18}$"
_LONG = r"^[+-]?[0-9]{19,}$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity)$"
_TRUTH = r"^(?i:true|false)$"


def read_typed(source: Path | bytes, delimiter: str, at: Mapping[str, Any], *, as_text: bool) -> pl.DataFrame | None:
    """Read text once, with the types of its first rows.

    Parameters
    ----------
    source : Path or bytes
        In UTF-8.
    delimiter : str
        Of its columns.
    at : mapping
        Where the rows begin, as polars takes it.
    as_text : bool
        Whether every column stays text.

    Returns
    -------
    polars.DataFrame or None
        None where a cell below the first rows does not fit. Cells are as in `cells_of`; identifiers that a number with blanks beside it
        would shorten are text.

    Raises
    ------
    polars.exceptions.PolarsError
        It is not well-formed.
    """
    import polars as pl

    how: dict[str, Any] = {"separator": delimiter, "glob": False, **at}
    try:
        head = pl.read_csv(source, n_rows=HEAD, infer_schema=not as_text, infer_schema_length=HEAD, **how)
        types = {name: pl.String() if kind == pl.Int128 else kind for name, kind in head.schema.items()}
        frame = _stripped(pl.scan_csv(source, schema=types, **how))
    except pl.exceptions.ComputeError:
        return None
    long = shortened(frame)
    if long:
        frame = _stripped(pl.scan_csv(source, schema=types | dict.fromkeys(long, pl.String()), **how))
    shortest = frame.select(pl.col(pl.String).str.len_bytes().min())
    blank = pl.col([c for c in shortest.columns if shortest[c][0] == 0])
    return frame.with_columns(pl.when(blank != "").then(blank))


def _stripped(rows: pl.LazyFrame) -> pl.DataFrame:
    import polars as pl

    return rows.with_columns(pl.col(pl.String).str.strip_chars()).collect()


def shortened(frame: pl.DataFrame) -> list[str]:
    """Return the columns of whole numbers too long to stand beside blanks, which make them numbers of 53 bits."""
    import polars as pl

    whole = frame.select(pl.col(pl.Int64))
    beside = [name for name in whole.columns if 0 < whole[name].null_count() < len(whole)]
    ends = whole.select(beside)
    return [name for name, low, high in zip(beside, *_ends(ends), strict=True) if low < -_EXACT or high > _EXACT]


def _ends(whole: pl.DataFrame) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (whole.min().row(0), whole.max().row(0)) if whole.width else ((), ())


def cells_of(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return cells of text without spaces around them, blank ones as null, without reading them."""
    import polars as pl

    cell = pl.col(pl.String).str.strip_chars()
    return rows.with_columns(pl.when(cell != "").then(cell))


def by_all_cells(rows: pl.LazyFrame, name: str, *, blank_tail: bool, as_text: bool) -> pl.LazyFrame:
    """Give columns of text the type that all of their cells have, and leave out what has neither name nor cells.

    Parameters
    ----------
    rows : polars.LazyFrame
        As `cells_of` returns them.
    name : str
        Of the file, for messages.
    blank_tail : bool
        Whether blank rows at the end are left out.
    as_text : bool
        Whether every column stays text.

    Returns
    -------
    polars.LazyFrame
        See `xmresearch.data.delimited.scan_delimited`.

    Raises
    ------
    DataError
        There are cells below a blank name.
    """
    import polars as pl

    schema = rows.collect_schema()
    texts = [c for c, kind in schema.items() if kind == pl.String]
    nameless = [c for c in schema if c.startswith(NAMELESS)]
    # a column whose first cells are words stays text, whatever the others are
    open_ = [] if as_text else _not_words(rows.select(texts).head(HEAD).collect())
    # of all columns, since a line with too many cells is an error only where none is left unread
    asked = [pl.all().null_count().name.prefix("blank ")]
    for k, column in enumerate(open_):
        of = pl.col(column)
        asked += [
            of.str.contains(_WHOLE).all().alias(f"whole {k}"), of.str.contains(_TRUTH).all().alias(f"truth {k}"),
            (of.str.contains(_NUMBER) & ~of.str.contains(_LONG)).all().alias(f"number {k}"),
            of.count().alias(f"cells {k}"),
        ]  # fmt: skip
    asked += [pl.col(c).count().alias(f"below {c}") for c in nameless]
    if blank_tail:
        filled = pl.any_horizontal(pl.all().is_not_null())
        asked.append((pl.int_range(pl.len()).filter(filled).max() + 1).fill_null(0).alias("last"))
    found = rows.select(asked).collect(engine="streaming").row(0, named=True)
    wrong = [c for c in nameless if found[f"below {c}"]]
    if wrong:
        raise DataError(
            f"'{name}' has answers below an empty header cell (column {wrong[0].removeprefix(NAMELESS)}).",
            "Name the column in the first line, or remove it.",
        )
    kinds: dict[str, pl.Expr] = {}
    for k, column in enumerate(open_):
        if not found[f"cells {k}"]:
            continue
        if found[f"whole {k}"]:
            kinds[column] = pl.col(column).cast(pl.Int64)
        elif found[f"truth {k}"]:
            kinds[column] = pl.col(column).str.to_lowercase() == "true"
        elif found[f"number {k}"]:
            kinds[column] = pl.col(column).cast(pl.Float64)
    if blank_tail:
        rows = rows.head(found["last"])
    return rows.with_columns(**kinds).drop(nameless)


def _not_words(head: pl.DataFrame) -> list[str]:
    """Return the columns whose first cells may all be numbers or truth values, or are blank."""
    return [c for c in head.columns if head[c].drop_nulls().str.contains(f"{_NUMBER}|{_TRUTH}").all()]
