"""Rows of a PostgreSQL database, fetched in a transaction that only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.data.config import SqlSource
from xmresearch.data.remote.database_url import DatabaseUrl, parse_url
from xmresearch.data.remote.postgres_errors import reached, told
from xmresearch.data.remote.snapshot import require_columns, write_batches
from xmresearch.data.remote.statement import Statement
from xmresearch.errors import DataError

if TYPE_CHECKING:
    import psycopg

PATIENCE = 10
"""Seconds that a server has to answer a call."""
_CALL: Mapping[str, Any] = {
    "connect_timeout": PATIENCE,
    "client_encoding": "UTF8", "application_name": "xmresearch",
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
}  # fmt: skip
_PLAIN = {
    "bool": "bool", "int2": "int64", "int4": "int64", "int8": "int64", "oid": "int64", "float4": "float64", "float8": "float64",
    "date": "date32", "timestamp": "moment", "timestamptz": "moment with zone", "numeric": "string", "uuid": "string", "time": "string",
}  # fmt: skip
_TEXTUAL = "SE"  # categories of types that are texts: strings, and enumerations
_BLOCK = 1 << 24


def fetch_postgres(source: SqlSource, statement: Statement, path: Path, name: str) -> tuple[list[str], list[str]]:
    """Fetch the rows of a query into a Parquet file.

    Parameters
    ----------
    source, statement, path, name
        As for `fetch_duckdb`.

    Returns
    -------
    decimals, padded : list of str
        Columns of decimal numbers, and of texts filled up with spaces.

    Raises
    ------
    DataError
        The database is not reached, lets nobody in, refuses the query or goes away; a column's type is no single value; or the query
        takes too long.

    Notes
    -----
    The query is prepared as it stands, so that the server refuses what is not one statement, and executed in a transaction
    that is READ ONLY and sees one state of the database (REPEATABLE READ), at the time zone UTC.
    """
    url, text = parse_url(source.url), path.with_suffix(".csv")
    with told(source, name, url), _connected(url) as connection:
        with connection.cursor() as cursor:
            for setting, value in (
                ("statement_timeout", f"{source.timeout}s"),
                ("timezone", "UTC"),
                ("datestyle", "ISO, YMD"),
            ):
                cursor.execute("SELECT set_config(%s, %s, true)", (setting, value))
            columns = _described(connection, statement.text)
            refused = [(column, shown) for column, kind, _, shown in columns if kind is None]
            names = require_columns([column for column, *_ in columns], refused, name)
            # COPY lets no query that has been prepared write, run a program or hold another
            with text.open("wb") as file, cursor.copy(f"COPY ({statement.text}\n) TO STDOUT (FORMAT csv)") as rows:
                for row in rows:
                    file.write(row)
        connection.rollback()  # the server lets some functions write, such as those of large objects
    _typed(text, [str(kind) for _, kind, _, _ in columns], names, path, name)
    text.unlink()
    types = dict(zip(names, (kind for _, _, kind, _ in columns), strict=True))
    return [n for n, t in types.items() if t == "numeric"], [n for n, t in types.items() if t == "bpchar"]


@contextmanager
def _connected(url: DatabaseUrl) -> Iterator[psycopg.Connection[Any]]:
    import psycopg
    from psycopg.conninfo import make_conninfo

    given: dict[str, Any] = {"host": url.host, "port": url.port, "sslmode": url.sslmode, "dbname": url.database}
    with reached(url):
        connection = psycopg.connect(make_conninfo(**given, **_CALL))
    with connection:
        connection.read_only, connection.isolation_level = True, psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def _described(connection: psycopg.Connection[Any], sql: str) -> list[tuple[str, str | None, str, str]]:
    """Return of each column its name, the type in which it is kept (None if refused), and its type's name, short and as shown."""
    from psycopg import pq
    from psycopg.errors import error_from_result

    found = connection.pgconn.prepare(b"", sql.encode())
    if found.status == pq.ExecStatus.COMMAND_OK:
        found = connection.pgconn.describe_prepared(b"")
    if found.status != pq.ExecStatus.COMMAND_OK:
        raise error_from_result(found, "utf-8")
    types = [(found.fname(k), found.ftype(k), found.fmod(k)) for k in range(found.nfields)]
    known = {
        oid: (name, category, shown)
        for oid, name, category, shown in connection.execute(
            "SELECT oid::int8, typname, typcategory, format_type(oid, NULL) FROM pg_catalog.pg_type WHERE oid = ANY(%s)",
            ([oid for _, oid, _ in types],),
        )
    }
    columns = []
    for column, oid, _ in types:
        name, category, shown = known[oid]
        kind = _PLAIN.get(name) or ("string" if category in _TEXTUAL else None)
        columns.append(((column or b"").decode(), kind, name, shown))
    return columns


def _typed(text: Path, kinds: list[str], names: list[str], path: Path, name: str) -> None:
    """Read what COPY wrote into Parquet."""
    import pyarrow as pa
    from pyarrow import csv

    made = {
        "moment": pa.timestamp("us"),
        "moment with zone": pa.timestamp("us", "UTC"),
        "bool": pa.bool_(),
        "date32": pa.date32(),
    }
    plain = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string()}
    schema = pa.schema([(f"{k}", (made | plain)[kind]) for k, kind in enumerate(kinds)])
    try:
        if not text.stat().st_size:
            write_batches([], schema, names, path)
            return
        reader = csv.open_csv(
            text,
            read_options=csv.ReadOptions(column_names=schema.names, block_size=_BLOCK),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        write_batches(reader, schema, names, path)
    except pa.ArrowInvalid:
        raise DataError(
            f"'{name}' holds a date or time that cannot be kept, such as infinity or one before Christ.",
            "Leave such rows out in the query, or cast the column to text.",
        ) from None
