"""Rows of a DuckDB database, which is opened to be read and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.data.config import SqlSource
from xmresearch.data.remote.database_url import parse_url
from xmresearch.data.remote.snapshot import require_columns, write_batches
from xmresearch.data.remote.statement import Statement
from xmresearch.errors import DataError, brief, nearest, reason

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# files, networks, extensions and settings are out of a query's reach
_CLOSED = {
    "enable_external_access": "false", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    "allow_community_extensions": "false", "python_enable_replacements": "false", "lock_configuration": "true",
}  # fmt: skip
_BATCH = 100_000


def fetch_duckdb(
    source: SqlSource, statement: Statement, base: Path, path: Path, name: str
) -> tuple[list[str], list[str]]:
    """Fetch the rows of a query into a Parquet file.

    Parameters
    ----------
    source : SqlSource
        What the params say.
    statement : Statement
        The query.
    base : Path
        Folder that the path of the database starts from.
    path : Path
        Where the rows go.
    name : str
        What they are called.

    Returns
    -------
    decimals, padded : list of str
        Columns of decimal numbers, and of texts filled up with spaces; of the latter DuckDB has none.

    Raises
    ------
    DataError
        The database is missing, is none, is being written to or refuses the query; a column's type is no single value; or the query
        takes too long.
    """
    import duckdb
    import pyarrow as pa

    file = parse_url(source.url).file(base)
    if not file.is_file():
        there = [p.name for p in file.parent.glob("*") if p.is_file()] if file.parent.is_dir() else []
        raise DataError(
            f"data.url: the database '{file.name}' does not exist in '{file.parent}'.",
            f"{nearest(file.name, there)} Relative paths start from the folder of the params file.".strip(),
        )
    with _told(source, name, file.name), _opened(file) as connection:
        if len(duckdb.extract_statements(statement.text)) != 1:
            raise DataError("data.sql holds more than one statement.", "Give one query.")
        with _limited(connection, source.timeout):
            relation = connection.sql(statement.text)
            if relation is None:
                raise DataError(
                    "data.sql gives no rows.", "Give a query that only reads: SELECT, WITH, VALUES or TABLE."
                )
            reader = relation.to_arrow_reader(_BATCH)
            kinds = {field.name: _kind(field.type) for field in reader.schema}
            refused = [
                (field.name, str(field.type))
                for field, kind in zip(reader.schema, kinds.values(), strict=True)
                if kind is None
            ]
            names = require_columns(reader.schema.names, refused, name)
            schema = pa.schema(list(kinds.items()))
            write_batches(_cast(reader, schema), schema, names, path)
    return [n for n, field in zip(names, schema, strict=True) if pa.types.is_decimal(field.type)], []


@contextmanager
def _opened(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    with duckdb.connect(str(file), read_only=True, config=dict(_CLOSED)) as connection:
        yield connection


@contextmanager
def _limited(connection: duckdb.DuckDBPyConnection, seconds: int) -> Iterator[None]:
    """Interrupt what runs inside after that time."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cast(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in reader:
        columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _kind(given: pa.DataType) -> pa.DataType | None:
    """Return the type in which a column is kept; None for one that is no single number, text, date or truth value."""
    import pyarrow as pa

    is_a = pa.types
    if is_a.is_boolean(given) or is_a.is_decimal(given) or is_a.is_date(given):
        return given
    if is_a.is_integer(given):
        return pa.int64()
    if is_a.is_floating(given):
        return pa.float64()
    if is_a.is_timestamp(given):
        return pa.timestamp("us", "UTC" if given.tz else None)
    plain = is_a.is_string(given) or is_a.is_large_string(given) or is_a.is_dictionary(given)
    return pa.string() if plain or is_a.is_time(given) or is_a.is_null(given) else None


@contextmanager
def _told(source: SqlSource, name: str, file: str) -> Iterator[None]:
    """Say as a DataError what DuckDB or Arrow finds wrong."""
    import duckdb
    import pyarrow as pa

    try:
        yield
    except duckdb.InterruptException:
        raise DataError(
            f"The query of '{name}' took longer than {source.timeout} s and was given up.",
            "Ask for less, or raise data.timeout.",
        ) from None
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise DataError(
                f"data.url: '{file}' is being written to by another program.", "Close it there, or read a copy."
            ) from None
        raise DataError(
            f"data.url: '{file}' cannot be read as a DuckDB database: {reason(error)}.",
            "It may be cut off, or of another version of DuckDB.",
        ) from None
    except duckdb.PermissionException:
        raise DataError(
            "data.sql reaches outside its database, for a file, a network or an extension.",
            "Query tables of the database alone; files are named by data.path.",
        ) from None
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        said = str(error).strip().partition("\n")[0]
        raise DataError(f"data.sql: DuckDB refuses the query: {brief(said).rstrip('.!')}.") from None
    except duckdb.Error as error:
        raise DataError(f"data.sql: DuckDB refuses the query: {reason(error)}.") from None
    except pa.ArrowInvalid as error:
        raise DataError(
            f"'{name}' has a number that 64 bits do not hold: {reason(error)}.", "Cast the column to text or double."
        ) from None
