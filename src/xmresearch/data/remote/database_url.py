"""Addresses of databases, which hold no user and no password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from xmresearch.errors import nearest

ENGINES: Mapping[str, str] = {"duckdb": "duckdb", "postgresql": "postgresql", "postgres": "postgresql"}
"""What drives a database, by the scheme of its address."""
DATABASES: Mapping[str, str] = {"duckdb": "DuckDB", "postgresql": "PostgreSQL"}
"""What they are called."""
_CREDENTIALS = re.compile(r"pass(word|wd)?|pwd|user(name)?|token|secret|key|credentials?", re.IGNORECASE)
_SSL = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
ENVIRONMENT = "PGUSER and PGPASSWORD, or a password file (PGPASSFILE, ~/.pgpass), or PGSERVICE"
"""Where the client of PostgreSQL takes user and password from."""


@dataclass(frozen=True)
class DatabaseUrl:
    """Where a database is.

    Attributes
    ----------
    engine : str
        duckdb or postgresql.
    database : str
        Its name; of DuckDB the path of its file.
    host : str or None
        Of PostgreSQL; what PGHOST says if absent.
    port : int or None
        Likewise; what PGPORT says if absent.
    sslmode : str or None
        Likewise; what PGSSLMODE says if absent.
    """

    engine: str
    database: str
    host: str | None = None
    port: int | None = None
    sslmode: str | None = None

    def file(self, base: Path) -> Path:
        """Return the file of a DuckDB database; a relative path starts from the folder."""
        return (base / self.database).resolve()

    def place(self) -> str:
        """Say which database it is: by its name, and its host as far as it is named."""
        if self.engine == "duckdb":
            return f"'{Path(self.database).name}'"
        return f"'{self.database}'" + (f" on '{self.host}'" if self.host else "")


def refuse_credentials(given: Mapping[Any, Any]) -> None:
    """Raise ValueError where params hold a key for a user or a password."""
    for key in given:
        if isinstance(key, str) and re.fullmatch(_CREDENTIALS, key):
            raise ValueError(f"'{key}' does not belong in params, which are kept and shown: set {ENVIRONMENT}")


def parse_url(url: str) -> DatabaseUrl:
    """Read the address of a database.

    Parameters
    ----------
    url : str
        postgresql://HOST[:PORT]/DATABASE[?sslmode=MODE], or duckdb:///FILE (four strokes before an absolute path).

    Returns
    -------
    DatabaseUrl

    Raises
    ------
    ValueError
        It is of no such form, or names a user or a password; the message does not repeat it.
    """
    parts = urlsplit(url)
    engine = ENGINES.get(parts.scheme)
    if engine is None or not url.startswith(f"{parts.scheme}://"):
        raise ValueError("url must begin with duckdb:/// or postgresql://")
    if "@" in parts.netloc:
        raise ValueError(
            f"url names a user or a password, and params are kept and shown: leave it out and set {ENVIRONMENT}"
        )
    if parts.fragment:
        raise ValueError("url has a '#': write it as %23")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    refuse_credentials(asked)
    if engine == "duckdb":
        return _duckdb(parts.netloc, parts.path, asked)
    return _postgresql(parts.netloc, parts.path, asked)


def _duckdb(netloc: str, path: str, asked: Mapping[str, str]) -> DatabaseUrl:
    name = unquote(path.removeprefix("/"))
    if netloc or asked or not name or name == ":memory:" or name.startswith("md:"):
        raise ValueError("url of DuckDB names one file: duckdb:///FILE.duckdb, or duckdb:////FOLDER/FILE.duckdb")
    return DatabaseUrl("duckdb", name)


def _postgresql(netloc: str, path: str, asked: Mapping[str, str]) -> DatabaseUrl:
    found = re.fullmatch(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\],]*)(?::(?P<port>\d{1,5}))?", netloc)
    database = unquote(path.removeprefix("/"))
    if found is None or not database or "/" in database:
        raise ValueError(
            "url of PostgreSQL is postgresql://HOST:PORT/DATABASE; the port may be left out, and host too where PGHOST is set"
        )
    for key in asked:
        if key != "sslmode":
            raise ValueError(
                f"url has the setting '{key}': only sslmode is taken, the rest comes from the environment (PGHOST, PGPORT, PGOPTIONS, ...)"
            )
    mode = asked.get("sslmode")
    if mode is not None and mode not in _SSL:
        raise ValueError(f"url has sslmode '{mode}'. {nearest(mode, _SSL)}".rstrip("."))
    host = unquote(found["host"]).strip("[]") or None
    if host is not None and "/" in host:
        raise ValueError("url names a folder for its host: set PGHOST to it")
    return DatabaseUrl("postgresql", database, host, int(found["port"]) if found["port"] else None, mode)
