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
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from xmresearch.data.config import FileSettings, FileSource, OwnRows, SqlSource
from xmresearch.data.remote.database_url import DATABASES, parse_url
from xmresearch.data.remote.object_path import split_path, store_of
from xmresearch.data.remote.private_folder import private_folder, remove
from xmresearch.data.remote.statement import read_statement
from xmresearch.errors import DataError, Problems, reason
from xmresearch.identifiers.file_names import neutral_name

if TYPE_CHECKING:
    from xmresearch.data.formats.table import Table

VARIABLE = "XMRESEARCH_ROWS"
"""Environment variable that names the folder in which a run's rows are kept while it runs."""
_ROWS, _LISTED = "rows.parquet", "listing.json"
Elsewhere = SqlSource | FileSettings
"""Sources whose rows are not on this machine: queries, and files and folders of object stores."""


@dataclass(frozen=True, repr=False)
class Located:
    """Where rows are, as files are read.

    Attributes
    ----------
    path : Path
        Of a file or folder on this machine; of a folder in an object store its name.
    settings : FileSource
        How it is read.
    name : str
        What messages call it.
    engine : str
        What drives the database that the rows come from; '' of a file.
    parts : tuple of str
        The Parquet files of a folder in an object store.
    """

    path: Path
    settings: FileSource
    name: str
    engine: str = ""
    parts: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of Parquet files, wherever."""
        return bool(self.parts) or self.path.is_dir()

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
        self._folders: dict[str, dict[str, str]] = {}
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

    def keep(self, key: str, source: Elsewhere, base: Path) -> None:
        """Fetch rows, and note their hash under that key; of a folder those of its files, under KEY/NAME.

        A folder in an object store is scanned in place: reading it for a hash of its content would double the traffic, so what its
        files are known by are their sizes and ETags, which the store gives with its listing.
        """
        folder = (self.folder or Path()) / _digest(source, base)
        if isinstance(source, SqlSource):
            self.hashes[key] = _fetch(source, base, folder)
            url = parse_url(source.url)
            if url.engine == "duckdb":
                self.databases[key] = base / url.database
            return
        found = _copied(source.path, folder)
        if isinstance(found, Path):
            with found.open("rb") as stream:
                self.hashes[key] = hashlib.file_digest(stream, "sha256").hexdigest()
            return
        self._folders[source.path] = found
        for number, (path, mark) in enumerate(found.items(), 1):
            name = split_path(path)[1]
            shown = name if neutral_name(name) == name else str(number)
            self.hashes[f"{key}/{shown}"] = hashlib.sha256(mark.encode()).hexdigest()

    def require_unchanged(self) -> None:
        """Raise DataError where a folder that was scanned in place is not as it was when the run began."""
        from xmresearch.data.remote.objects import listing

        for path, before in self._folders.items():
            if listing(path) != before:
                raise DataError(
                    f"The files of '{neutral_name(split_path(path)[1])}' changed while the run read them, so nothing of it is kept.",
                    "Run it again.",
                )


def fetch(sources: Mapping[str, Elsewhere], base: Path) -> Rows:
    """Fetch rows that are elsewhere.

    Parameters
    ----------
    sources : mapping of str to SqlSource or FileSettings
        Queries, and files and folders of object stores, by the key that names the input.
    base : Path
        Folder that relative paths start from.

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        See `fetch_duckdb`, `fetch_postgres`, `settle`, `listing` and `download`; what is wrong with several is told of all.
    """
    if not sources:
        return Rows()
    found, problems = Rows(private_folder()), Problems()
    for key, source in sources.items():
        with problems.step():
            found.keep(key, source, base)
    if problems.errors:
        found.close()
    problems.settle()
    return found


def called(data: FileSettings | SqlSource) -> str:
    """Return what messages call rows: a file by its name, a query by what the params say or its first table, unless that tells who somebody is."""
    if isinstance(data, SqlSource):
        return neutral_name(data.name or read_statement(data.sql).table)
    return neutral_name(PurePath(data.path).name)


def called_in_reports(data: FileSettings | SqlSource) -> str:
    """Return what reports call rows: those of a query with the kind of database."""
    return f"{called(data)} ({DATABASES[parse_url(data.url).engine]})" if isinstance(data, SqlSource) else called(data)


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
        path = _at_hand(data, base) / _ROWS
        common = {field: getattr(data, field) for field in OwnRows.model_fields if field != "source"}
        settings = FileSource(source="file", path=str(path), format="parquet", **common)
        return Located(path, settings, called(data), parse_url(data.url).engine)
    if store_of(data.path) is None:
        return Located(base / data.path, data, called(data))
    folder, name = _at_hand(data, base), split_path(data.path)[1]
    if (folder / _LISTED).is_file():
        parts = json.loads((folder / _LISTED).read_text("utf-8"))
        return Located(Path(name), data, called(data), parts=tuple(parts))
    return Located(folder / name, data.model_copy(update={"path": str(folder / name)}), called(data))


def _at_hand(data: FileSource | SqlSource, base: Path) -> Path:
    """Return the folder of what the run has fetched; outside of a run, and where it knows nothing of these rows, fetch them now."""
    given = os.environ.get(VARIABLE)
    if given:
        if not Path(given).is_dir():
            raise DataError("The rows that were fetched for this run are gone.", "Run it again.")
        folder = Path(given) / _digest(data, base)
        if folder.is_dir():
            return folder
    folder = Path(tempfile.mkdtemp(dir=_own().folder))
    if isinstance(data, SqlSource):
        _fetch(data, base, folder)
    else:
        _copied(data.path, folder)
    return folder


@cache
def _own() -> Rows:
    """Return the folder of what is fetched outside of runs, which goes with the process: scans may read it late."""
    return Rows(private_folder())


def _fetch(source: SqlSource, base: Path, folder: Path) -> str:
    """Fetch the rows of a query into a folder, and return their hash."""
    from xmresearch.data.remote.snapshot import settle

    statement, name = read_statement(source.sql), called(source)
    raw = folder / "fetched.parquet"
    with _room(folder, name):
        if parse_url(source.url).engine == "duckdb":
            from xmresearch.data.remote.duckdb_rows import fetch_duckdb

            decimals, padded = fetch_duckdb(source, statement, base, raw, name)
        else:
            from xmresearch.data.remote.postgres_rows import fetch_postgres

            decimals, padded = fetch_postgres(source, statement, raw, name)
        return settle(raw, folder / _ROWS, ordered=statement.ordered, decimals=decimals, padded=padded, name=name)


def _copied(path: str, folder: Path) -> Path | dict[str, str]:
    """Copy a file of an object store into a folder, and return the copy; of a folder keep the listing there, and return it."""
    from xmresearch.data.remote.objects import download, listing

    name = split_path(path)[1]
    with _room(folder, neutral_name(name)):
        found = listing(path)
        if found is None:
            download(path, folder / name)
            return folder / name
        (folder / _LISTED).write_text(json.dumps([*found]), "utf-8")
        return found


@contextmanager
def _room(folder: Path, name: str) -> Iterator[None]:
    """Make a folder for rows, which is there afterwards only if all went well."""
    from xmresearch.data.remote.snapshot import Unkept

    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, OSError | Unkept):
            raise
        said = getattr(error, "strerror", None) or reason(error)
        raise DataError(
            f"The rows of '{name}' cannot be kept in the folder for temporary files: {said}.",
            "Make room there, or name another folder in the environment variable TMPDIR.",
        ) from None


def _digest(source: Elsewhere, base: Path) -> str:
    """Return what names rows among those of a run."""
    if isinstance(source, SqlSource):
        url = parse_url(source.url)
        asked = [str(url.file(base)) if url.engine == "duckdb" else source.url, source.sql]
    else:
        asked = [source.path]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
