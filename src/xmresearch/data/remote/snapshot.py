"""Rows of a query, kept in one form: the same rows give the same bytes and the same hash, wherever they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.data.delimited import check_header
from xmresearch.errors import DataError, InsufficientData, brief

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_WHOLE = 18
"""Digits of whole numbers that surely fit 64 bits."""
_WHOLE = r"-?[0-9]+(\.0*)?"
_MEMORY = "1GB"


class Unkept(Exception):
    """Rows cannot be put in order, for want of room."""


def write_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema, names: Iterable[str], path: Path) -> None:
    """Write batches of rows into a Parquet file, under these names of columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    renamed = pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])
    with pq.ParquetWriter(path, renamed, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=renamed))


def require_columns(columns: Iterable[str], refused: Iterable[tuple[str, str]], name: str) -> list[str]:
    """Return the names of a query's columns, tidied.

    Parameters
    ----------
    columns : iterable of str
        As the query names them.
    refused : iterable of (str, str)
        Columns whose type is none of one value a row, with what the type is called.
    name : str
        Of the rows, for messages.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        There is no column, two have one name, or the type of one is refused.
    """
    names = check_header(list(columns), name)
    if not names:
        raise DataError(f"The query of '{name}' gives no columns.", "Name columns after SELECT.")
    wrong = [f"'{brief(column)}' ({kind})" for column, kind in refused]
    if wrong:
        raise DataError(
            f"'{name}' has columns that do not hold one number, text, date or truth value a row: {', '.join(wrong)}.",
            "Let the query take one value out of each, or cast it: an array to its elements, an interval to seconds, an amount of money to numeric.",
        )
    return names


def settle(raw: Path, path: Path, *, ordered: bool, decimals: Sequence[str], padded: Sequence[str], name: str) -> str:
    """Put fetched rows in order, and numbers of any precision into 64 bits.

    Parameters
    ----------
    raw, path : Path
        Parquet as fetched, which is removed; and where the rows go, as Parquet.
    ordered : bool
        Whether the query orders its rows; they are sorted by all their values otherwise.
    decimals, padded : sequence of str
        Columns of decimal numbers, which become whole numbers where all are; and of texts filled up with spaces.
    name : str
        Of the rows, for messages.

    Returns
    -------
    str
        SHA-256 of names, types and values in order, which no version of a library changes.

    Raises
    ------
    InsufficientData
        There are no rows.
    DataError
        A whole number has too many digits.
    Unkept
        There is no room for them.
    """
    import duckdb

    # out of core, so that any number of rows can be put in order
    with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(path.with_suffix(".sorted"))}) as engine:
        rows = engine.read_parquet(str(raw))
        texts = {c: f"CAST({_quoted(c)} AS VARCHAR)" for c in decimals}
        told = rows.aggregate(
            ", ".join(["count(*)", *(f"bool_and(regexp_full_match({t}, '{_WHOLE}')), max(length(regexp_extract({t}, '[0-9]+')))" for t in texts.values())])
        ).fetchall()[0]  # fmt: skip
        if not told[0]:
            raise InsufficientData(f"The query of '{name}' gives no rows.", "Correct data.sql.")
        whole = {c: told[2 * k + 2] or 0 for k, c in enumerate(decimals) if told[2 * k + 1]}
        long = next((c for c, digits in whole.items() if digits > LONGEST_WHOLE), None)
        if long is not None:
            raise DataError(
                f"Column '{brief(long)}' of '{name}' holds whole numbers of more than {LONGEST_WHOLE} digits.",
                "Cast it to text if it names something, or to double precision if it counts.",
            )
        made = {c: f"CAST({t} AS DOUBLE)" for c, t in texts.items()}
        made |= {c: f"CAST(split_part({texts[c]}, '.', 1) AS BIGINT)" for c in whole}
        made |= {c: f"rtrim({_quoted(c)}, ' ')" for c in padded}
        put = rows.project(", ".join(f"{made.get(c, _quoted(c))} AS {_quoted(c)}" for c in rows.columns))
        try:
            (put if ordered else put.order("ALL")).write_parquet(str(path), compression="zstd")
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            path.unlink(missing_ok=True)
            raise Unkept(str(error)) from None
    raw.unlink()
    return content_hash(path)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the names, types and values of a Parquet file, in the order of its rows."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    digest = hashlib.sha256()
    types = {name: str(kind) for name, kind in pl.read_parquet_schema(path).items()}
    digest.update(json.dumps(list(types.items()), ensure_ascii=False).encode())
    with pq.ParquetFile(path) as file:
        options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        with csv.CSVWriter(pa.PythonFile(_Hashing(digest), "w"), file.schema_arrow, write_options=options) as writer:
            for batch in file.iter_batches():
                writer.write_batch(batch)
    return digest.hexdigest()


class _Hashing:
    """A file that keeps nothing but the hash of what is written to it."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        """There is nothing to flush."""

    def close(self) -> None:
        """There is nothing to close."""
