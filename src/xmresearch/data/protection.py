"""Identifiers of persons, taken out of rows before anything else sees them."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from xmresearch.data.config import Protect
from xmresearch.display import Shown
from xmresearch.errors import DataError, nearest
from xmresearch.identifiers.columns import recognise_columns
from xmresearch.identifiers.patterns import find, scrub

if TYPE_CHECKING:
    import polars as pl

    from xmresearch.data.formats.table import Role, Table

Done = Literal["dropped", "replaced", "hashed", "kept", "scrubbed"]
_DIGITS = 16
_SHORTEST_KEY = 16
_SAMPLED = 20_000
_BY_THE_TOOL: frozenset[Role] = frozenset(
    {"id", "duration", "started", "submitted", "status", "finished", "progress", "preview"}
)
"""Columns that the tool fills, and no respondent: digits of a response's number may look like a telephone's."""


@dataclass(frozen=True, repr=False)
class Protected(Shown):
    """What became of one column with identifiers.

    Attributes
    ----------
    column : str
        Its name.
    kind : str
        email, phone, name, ip, location, id_number, card, plate or account; text for running text.
    ground : str
        tool, name, values or params.
    done : str
        dropped; replaced (by running numbers, in order of first appearance); hashed (keyed HMAC-SHA256); kept (as the params say);
        scrubbed (of identifiers within texts).
    cells : int
        How many cells it concerns.
    key : str
        Fingerprint of the key of hashed ones; '' otherwise.
    """

    column: str
    kind: str
    ground: str
    done: Done
    cells: int
    key: str = ""


def read_key(given: str, base: Path | None = None) -> bytes:
    """Read the key of pseudonyms.

    Parameters
    ----------
    given : str
        `env:NAME` of an environment variable, or the path of a file; a relative one starts from `base`.
    base : Path, optional
        Folder of the params file.

    Returns
    -------
    bytes
        Without spaces around it.

    Raises
    ------
    DataError
        There is no such variable or file, or the key is short.
    """
    how = 'Make one: python -c "import secrets; print(secrets.token_hex(32))" > key.txt, and keep it outside of the project.'
    if given.startswith("env:"):
        key = os.environ.get(given[4:], "").strip().encode()
        where = f"the environment variable {given[4:]}"
    else:
        path = (base or Path()) / given
        if not path.is_file():
            raise DataError("data.protect.key: there is no such file.", how)
        key, where = path.read_bytes().strip(), "the file"
    if len(key) < _SHORTEST_KEY:
        raise DataError(
            f"data.protect.key: {where} holds a key of {len(key)} characters; {_SHORTEST_KEY} are the fewest.", how
        )
    return key


def fingerprint(key: bytes) -> str:
    """Return what tells one key from another and does not give it away: the first digits of a hash of its hash."""
    return hashlib.sha256(hashlib.sha256(b"xmresearch" + key).digest()).hexdigest()[:12]


def pseudonym(value: object, key: bytes) -> str:
    """Return the pseudonym of a value: the same for the same key, and not to be had without it.

    Parameters
    ----------
    value : object
        Spaces around it, letter case and width do not count.
    key : bytes
        Of at least 16 bytes.

    Returns
    -------
    str
        16 hexadecimal digits.

    References
    ----------
    RFC 2104 (HMAC). GDPR, Article 4(5).
    """
    plain = " ".join(str(value).split()).casefold()
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def protect(
    table: Table,
    settings: Protect,
    base: Path | None = None,
    *,
    used: Collection[str] | None = None,
    ids: Collection[str] = (),
) -> Table:
    """Take identifiers out of a table.

    Parameters
    ----------
    table : Table
        As read.
    settings : Protect
        What to keep, and what to replace by keyed pseudonyms.
    base : Path, optional
        Folder that the key's path starts from.
    used : collection of str, optional
        Columns that the study uses; identifiers in others are dropped, and their texts left alone, if given.
    ids : collection of str
        Columns whose values tell rows apart. Scrubbing would make different ones alike: where some hold identifiers, all of
        their values are replaced.

    Returns
    -------
    Table
        `protected` says what became of each column with identifiers.

    Raises
    ------
    DataError
        The params name a column that is not there, or the key cannot be read.
    """
    frame = table.frame
    key = _settled_key(settings, list(map(str, frame.columns)), base)
    recognised = {c: (f.kind, f.ground) for c, f in recognise_columns(frame, table.roles, table.questions).items()}
    recognised |= {c: (recognised.get(c, ("account", ""))[0], "params") for c in settings.pseudonymise}
    done: list[Protected] = []
    changed: dict[str, pd.Series] = {}
    dropped: list[str] = []
    for column in map(str, frame.columns):
        cells, unused = frame[column], used is not None and column not in used
        if column in settings.keep:
            if column in recognised:
                done.append(Protected(column, *recognised[column], "kept", int(cells.notna().sum())))
            continue
        if column in recognised:
            kind, ground = recognised[column]
            if unused or (kind == "location" and pd.api.types.is_numeric_dtype(cells)):
                dropped.append(column)
                how: Done = "dropped"
            else:
                changed[column], how = _replaced(cells, kind, key)
            done.append(Protected(column, kind, ground, how, int(cells.notna().sum()), _mark(key, how)))
        elif not unused and _may_hold_text(cells) and table.roles.get(column) not in _BY_THE_TOOL:
            scrubbed, count = _scrubbed(cells)
            if count and column in ids:
                changed[column], how = _replaced(cells, "account", key)
                done.append(Protected(column, "account", "values", how, int(cells.notna().sum()), _mark(key, how)))
            elif count:
                changed[column] = scrubbed
                done.append(Protected(column, "text", "values", "scrubbed", count))
    frame = frame.assign(**changed).drop(columns=dropped)
    questions = {c: scrub(q) for c, q in table.questions.items() if c in frame.columns}
    return replace(table, frame=frame, questions=questions, protected=tuple(done))


def protect_scan(
    rows: pl.LazyFrame, settings: Protect, base: Path | None = None
) -> tuple[pl.LazyFrame, tuple[Protected, ...]]:
    """Take identifiers out of rows that are streamed.

    Parameters
    ----------
    rows : polars.LazyFrame
        Its first 20 000 rows say which columns hold identifiers; these columns are then treated throughout.
    settings, base
        As for `protect`.

    Returns
    -------
    rows : polars.LazyFrame
    protected : tuple of Protected
        `cells` counts different values.

    Raises
    ------
    DataError
        As for `protect`.
    """
    import polars as pl

    schema = rows.collect_schema()
    key = _settled_key(settings, schema.names(), base)
    sample = rows.head(_SAMPLED).collect().to_pandas()
    recognised = {c: (f.kind, f.ground) for c, f in recognise_columns(sample).items() if c not in settings.keep}
    recognised |= {c: (recognised.get(c, ("account", ""))[0], "params") for c in settings.pseudonymise}
    done: list[Protected] = []
    for column in schema.names():
        if column in settings.keep:
            continue
        if column in recognised:
            kind, ground = recognised[column]
            if kind == "location" and schema[column].is_float():
                rows = rows.drop(column)
                done.append(Protected(column, kind, ground, "dropped", 0))
                continue
            values = rows.select(pl.col(column).drop_nulls().unique(maintain_order=True)).collect()[column]
            names, how = _replaced(values.to_pandas(), kind, key)
        elif schema[column] == pl.String and sample[column].dropna().drop_duplicates().map(_holds).any():
            values = rows.select(pl.col(column).drop_nulls().unique(maintain_order=True)).collect()[column]
            names, how = values.to_pandas().map(scrub), "scrubbed"
            kind, ground = "text", "values"
        else:
            continue
        new = pl.col(column).replace_strict(values.to_list(), names.tolist(), default=None, return_dtype=pl.String)
        rows = rows.with_columns(new.alias(column))
        done.append(Protected(column, kind, ground, how, len(values), _mark(key, how)))
    return rows, tuple(done)


def _mark(key: bytes | None, how: Done) -> str:
    """Return the fingerprint of the key of hashed columns; '' of others."""
    return fingerprint(key) if key is not None and how == "hashed" else ""


def _settled_key(settings: Protect, columns: Collection[str], base: Path | None) -> bytes | None:
    for setting in ("keep", "pseudonymise"):
        for name in getattr(settings, setting):
            if name not in columns:
                raise DataError(f"data.protect.{setting}: the data have no column '{name}'.", nearest(name, columns))
    return read_key(settings.key, base) if settings.key is not None else None


def _replaced(cells: pd.Series, kind: str, key: bytes | None) -> tuple[pd.Series, Done]:
    """Put pseudonyms in the place of values: keyed ones, or running numbers in order of first appearance."""
    codes, values = pd.factorize(cells, use_na_sentinel=True)
    if key is None:
        names: list[Any] = [f"{kind} {k + 1}" for k in range(len(values))]
    else:
        names = [pseudonym(v, key) for v in values]
    out = pd.Series([names[c] if c >= 0 else None for c in codes], index=cells.index, dtype=object, name=cells.name)
    return out.astype("string").astype(object).where(out.notna(), None), "replaced" if key is None else "hashed"


def _may_hold_text(cells: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_datetime64_any_dtype(cells)


def _holds(text: object) -> bool:
    return bool(find(str(text)))


def _scrubbed(cells: pd.Series, by: Callable[[str], str] = scrub) -> tuple[pd.Series, int]:
    """Scrub the different texts of a column; return it with how many cells changed."""
    codes, values = pd.factorize(cells, use_na_sentinel=True)
    new: Mapping[int, str] = {k: s for k, v in enumerate(values) if isinstance(v, str) and (s := by(v)) != v}
    if not new:
        return cells, 0
    names = [new.get(k, v) for k, v in enumerate(values)]
    out = pd.Series([names[c] if c >= 0 else None for c in codes], index=cells.index, dtype=object, name=cells.name)
    return out, int(pd.Series(codes).isin(list(new)).sum())
