"""What PostgreSQL finds wrong, in a user's words and without user, password and values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xmresearch.data.config import SqlSource
from xmresearch.data.remote.database_url import ENVIRONMENT, DatabaseUrl
from xmresearch.errors import DataError, brief, reason


@contextmanager
def told(source: SqlSource, name: str, url: DatabaseUrl) -> Iterator[None]:
    """Say as a DataError what PostgreSQL or its client finds wrong.

    Parameters
    ----------
    source : SqlSource
        What the params say.
    name : str
        What the rows are called.
    url : DatabaseUrl
        Where the database is.

    Raises
    ------
    DataError
        In place of every error of psycopg.
    """
    import psycopg
    from psycopg import errors

    where = f"The database {url.place()}"
    try:
        yield
    except errors.QueryCanceled:
        raise DataError(
            f"The query of '{name}' took longer than {source.timeout} s and was given up.",
            "Ask for less, or raise data.timeout.",
        ) from None
    except errors.ReadOnlySqlTransaction:
        raise DataError(
            "data.sql would write to the database, which is only read.", "Give a query that only reads."
        ) from None
    except errors.InsufficientPrivilege as error:
        raise DataError(f"data.sql: {brief(error.diag.message_primary)}.", "Ask for the right to read it.") from None
    except (errors.OperatorIntervention, errors.ConnectionException):
        raise _gone(where, name) from None
    except psycopg.OperationalError:
        raise _gone(where, name) from None
    except psycopg.Error as error:
        state = error.sqlstate or ""
        # messages on syntax and names quote the query; others may quote values
        said = brief(error.diag.message_primary) if state[:2] in ("42", "3F") else reason(error)
        raise DataError(f"data.sql: PostgreSQL refuses the query: {said}.") from None


def _gone(where: str, name: str) -> DataError:
    return DataError(
        f"{where} went away while the rows of '{name}' were fetched; nothing is kept of them.",
        "Run again when it is back.",
    )


@contextmanager
def reached(url: DatabaseUrl) -> Iterator[None]:
    """Say as a DataError why a client is not let in or does not get through, which it tells in words alone.

    Parameters
    ----------
    url : DatabaseUrl
        Where the database is.

    Raises
    ------
    DataError
        In place of every error of psycopg.
    """
    import psycopg

    where = f"The database {url.place()}"
    try:
        yield
    except psycopg.Error as error:
        said = str(error).lower()
        refused = "password" in said or "authentication" in said or "pg_hba.conf" in said
        if refused or ('role "' in said and "does not exist" in said):
            problem, hint = "lets nobody in with the credentials at hand", f"Set {ENVIRONMENT}."
        elif 'database "' in said and "does not exist" in said:
            problem, hint = "does not exist on its server", "Correct data.url."
        elif "permission denied for database" in said:
            problem, hint = "does not let this user connect", "Ask for the right to read it."
        elif "timeout expired" in said:
            problem, hint = "does not answer", "See whether its server runs and can be reached from here."
        else:
            problem = f"cannot be reached: {_cause(said)}"
            hint = "Correct data.url, or PGHOST and PGPORT, and see whether its server runs."
        raise DataError(f"{where} {problem}.", hint) from None


def _cause(said: str) -> str:
    for sign, cause in (
        ("refused", "the connection is refused"),
        ("no such file", "no server listens there"),
        ("resolve", "its host is not known"),
        ("translate host", "its host is not known"),
        ("ssl", "it does not speak SSL as asked for"),
    ):
        if sign in said:
            return cause
    return "the connection fails"
