"""Rows that are elsewhere, fetched once for a run: its key, its check and its notebook see the same ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.data.config import FileSource, OwnRows, SqlSource
from xmresearch.data.remote.database_url import DATABASES, parse_url
from xmresearch.data.remote.private_folder import private_folder, remove
from xmresearch.data.remote.statement import read_statement
from xmresearch.errors import DataError, Problems, reason
from xmresearch.identifiers.file_names import neutral_name

if TYPE_CHECKING:
    from xmresearch.data.formats.table import Table

VARIABLE = "XMRESEARCH_ROWS"
"""Environment variable that names the folder in which a run's rows are kept while it runs."""
_ROWS = "rows.parquet"


@dataclass(frozen=True, repr=False)
class Located:
    """Where rows are, as files are read.

    Attributes
    ----------
    path : Path
        Of a file on this machine.
    settings : FileSource
        How it is read.
    name : str
        What messages call it.
    source : str
        What reports call it.
    engine : str
        What drives the database that the rows come from; '' of a file.
    """

    path: Path
    settings: FileSource
    name: str
    source: str
    engine: str = ""

    def described(self, table: Table) -> Table:
        """Return a table that says of rows from a database that they are."""
        return replace(table, format=self.engine, why="the rows of a query") if self.engine else table


class Rows:
    """Rows that were fetched for a run, in a private folder that goes with this object or with its process.

    Attributes
    ----------
    folder : Path or None
        Where they are; None where nothing was fetched.
    hashes : dict of str to str
        SHA-256 of the rows, by the key that names the input.
    databases : dict of str to Path
        Files of the databases that they come from, likewise, as far as they are files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.hashes: dict[str, str] = {}
        self.databases: dict[str, Path] = {}
        self._end = None if folder is None else weakref.finalize(self, remove, folder, os.getpid())

    def close(self) -> None:
        """Remove the rows at once."""
        if self._end is not None:
            self._end()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Let what is opened inside, and in processes that are started inside, read these rows."""
        before = os.environ.get(VARIABLE)
        if self.folder is not None:
            os.environ[VARIABLE] = str(self.folder)
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = before


def fetch(sources: Mapping[str, SqlSource], base: Path) -> Rows:
    """Fetch rows that are elsewhere.

    Parameters
    ----------
    sources : mapping of str to SqlSource
        By the key that names the input.
    base : Path
        Folder that relative paths start from.

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        See `fetch_duckdb`, `fetch_postgres` and `settle`; what is wrong with several is told of all.
    """
    if not sources:
        return Rows()
    folder, problems = private_folder(), Problems()
    found = Rows(folder)
    for key, source in sources.items():
        with problems.step():
            found.hashes[key] = _fetch(source, base, folder / _digest(source, base))
            url = parse_url(source.url)
            if url.engine == "duckdb":
                found.databases[key] = base / url.database
    if problems.errors:
        found.close()
    problems.settle()
    return found


def located(data: FileSource | SqlSource, base: Path) -> Located:
    """Return where rows are, and fetch them where no run has done so.

    Parameters
    ----------
    data : FileSource or SqlSource
        Where the rows come from.
    base : Path
        Folder that relative paths start from.

    Returns
    -------
    Located

    Raises
    ------
    DataError
        They cannot be fetched.
    """
    if isinstance(data, SqlSource):
        return _of_query(data, base)
    path = base / data.path
    name = neutral_name(path.name)
    return Located(path, data, name, name)


def _of_query(data: SqlSource, base: Path) -> Located:
    name, engine = called(data), parse_url(data.url).engine
    path = _kept(data, base)
    common = {field: getattr(data, field) for field in OwnRows.model_fields if field != "source"}
    settings = FileSource(source="file", path=str(path), format="parquet", **common)
    return Located(path, settings, name, f"{name} ({DATABASES[engine]})", engine)


def called(data: SqlSource) -> str:
    """Return what the rows of a query are called: as the params say, or as its first table, unless that tells who somebody is."""
    return neutral_name(data.name or read_statement(data.sql).table)


def _kept(data: SqlSource, base: Path) -> Path:
    """Return the rows that the run has fetched; outside of a run, and where it knows nothing of this query, fetch them now."""
    given = os.environ.get(VARIABLE)
    if given:
        if not Path(given).is_dir():
            raise DataError("The rows that were fetched for this run are gone.", "Run it again.")
        path = Path(given) / _digest(data, base) / _ROWS
        if path.is_file():
            return path
    folder = Path(tempfile.mkdtemp(dir=_own().folder))
    _fetch(data, base, folder)
    return folder / _ROWS


@cache
def _own() -> Rows:
    """Return the folder of what is fetched outside of runs, which goes with the process: scans may read it late."""
    return Rows(private_folder())


def _fetch(source: SqlSource, base: Path, folder: Path) -> str:
    """Fetch the rows of a query into a folder, and return their hash."""
    from xmresearch.data.remote.snapshot import Unkept, settle

    statement, name = read_statement(source.sql), called(source)
    raw = folder / "fetched.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if parse_url(source.url).engine == "duckdb":
            from xmresearch.data.remote.duckdb_rows import fetch_duckdb

            decimals, padded = fetch_duckdb(source, statement, base, raw, name)
        else:
            from xmresearch.data.remote.postgres_rows import fetch_postgres

            decimals, padded = fetch_postgres(source, statement, raw, name)
        return settle(raw, folder / _ROWS, ordered=statement.ordered, decimals=decimals, padded=padded, name=name)
    except (OSError, Unkept) as error:
        said = getattr(error, "strerror", None) or reason(error)
        raise DataError(
            f"The rows of '{name}' cannot be kept in the folder for temporary files: {said}.",
            "Make room there, or name another folder in the environment variable TMPDIR.",
        ) from None
    finally:
        if not (folder / _ROWS).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def _digest(source: SqlSource, base: Path) -> str:
    """Return what names a query's rows among those of a run."""
    url = parse_url(source.url)
    where = str(url.file(base)) if url.engine == "duckdb" else source.url
    return hashlib.sha256(json.dumps([where, source.sql]).encode()).hexdigest()[:16]
