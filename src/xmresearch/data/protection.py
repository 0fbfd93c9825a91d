"""Identifiers of persons, taken out of rows before anything else sees them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.data.config import Protect
from xmresearch.data.formats.table import Role, Table
from xmresearch.data.protected import Protected
from xmresearch.data.replacing import Done, apart, fingerprint, replaced, scrubbed
from xmresearch.errors import DataError, nearest
from xmresearch.identifiers.columns import recognise_columns
from xmresearch.identifiers.headings import by_name
from xmresearch.identifiers.known_names import KnownNames
from xmresearch.identifiers.open_text import is_open_text, scrub_open
from xmresearch.identifiers.patterns import scrub

_SHORTEST_KEY = 16
_UNUSED = "…"
_BETWEEN_ANSWERS = r"[┋;,，]\s*"
_BY_THE_TOOL: frozenset[Role] = frozenset(
    {"id", "duration", "started", "submitted", "status", "finished", "progress", "preview"}
)
"""Columns that the tool fills, and no respondent: digits of a response's number may look like a telephone's."""


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


def require_no_names(
    frame: pd.DataFrame,
    columns: Collection[str],
    roles: Mapping[str, str] | None = None,
    questions: Mapping[str, str] | None = None,
) -> None:
    """Refuse columns of names of persons as dates, before any of their values is told.

    Raises
    ------
    DataError
        A column is one of names.
    """
    for column, found in recognise_columns(frame, roles, questions).items():
        if column in columns and (found.ground != "values" or found.kind == "name"):
            raise DataError(
                f"Column '{column}' holds identifiers of persons ({found.kind}), which are no dates.",
                "Name another column; or rename this one, if it does not tell who somebody is.",
            )


def protect(
    table: Table,
    settings: Protect,
    base: Path | None = None,
    *,
    used: Collection[str] | None = None,
    ids: Collection[str] = (),
    labels: Collection[str] = (),
) -> Table:
    """Take identifiers out of a table, and answers in respondents' own words too unless the params carry them.

    Parameters
    ----------
    table : Table
        As read.
    settings : Protect
        What to keep, and what to replace by keyed pseudonyms.
    base : Path, optional
        Folder that the key's path starts from.
    used : collection of str, optional
        Columns that the study uses; identifiers in others are dropped, and their texts blanked but for that there were some, if given.
        Names of others that tell somebody are scrubbed.
    ids : collection of str
        Columns whose values tell rows apart. Where some hold identifiers, all of their values are replaced.
    labels : collection of str
        Columns whose texts name things, such as units and touchpoints: they are no answers in respondents' own words, nor are
        those that are used.

    Returns
    -------
    Table
        `protected` says what became of each column with identifiers. Different values stay different.

    Raises
    ------
    DataError
        The params name a column that is not there, or the key cannot be read.
    """
    frame = table.frame
    key = settled_key(settings, list(map(str, frame.columns)), base)
    recognised = {c: (f.kind, f.ground) for c, f in recognise_columns(frame, table.roles, table.questions).items()}
    recognised |= {c: (recognised.get(c, ("account", ""))[0], "params") for c in settings.pseudonymise}
    done: list[Protected] = []
    changed: dict[str, pd.Series] = {}
    dropped: list[str] = []
    levels: dict[str, Mapping[Any, str] | None] = {}
    known = KnownNames(
        v for c, (kind, _) in recognised.items() if kind == "name" and c in frame for v in frame[c].dropna().unique()
    )
    named = {
        *(used or ()),
        *labels,
        *ids,
        *(c for members in table.several.values() if len(members) > 1 for c in members),
    }
    joined = {members[0] for members in table.several.values() if len(members) == 1}
    for column in map(str, frame.columns):
        cells, unused = frame[column], used is not None and column not in used
        if column in settings.keep:
            if column in recognised:
                done.append(Protected(column, *recognised[column], "kept", int(cells.notna().sum())))
            continue
        if column in recognised:
            kind, ground = recognised[column]
            levels[column] = None
            if unused or (kind == "location" and pd.api.types.is_numeric_dtype(cells)):
                dropped.append(column)
                how: Done = "dropped"
            else:
                changed[column], how = replaced(cells, kind, key)
            done.append(Protected(column, kind, ground, how, int(cells.notna().sum()), mark(key, how)))
            continue
        if not _may_hold_text(cells) or table.roles.get(column) in _BY_THE_TOOL:
            continue
        if column not in named and (
            table.roles.get(column) == "comment" or is_open_text(cells, _BETWEEN_ANSWERS if column in joined else "")
        ):
            levels[column] = None
            if settings.free_text == "drop":
                dropped.append(column)
                done.append(Protected(column, "open_text", "values", "dropped", int(cells.notna().sum())))
            else:
                texts = {
                    v: s
                    for v in cells.dropna().unique()
                    if isinstance(v, str) and (s := scrub_open(known.scrub(v))) != v
                }
                changed[column], count = scrubbed(cells, texts)
                done.append(Protected(column, "open_text", "values", "scrubbed", count))
            continue
        if unused:
            levels[column] = None
            changed[column] = pd.Series(_UNUSED, index=cells.index, dtype=object).where(cells.notna(), None)
            continue
        new, alike = apart(
            cells.dropna().unique().tolist(), (lambda text: scrub(known.scrub(text))) if known else scrub
        )
        if new and column in ids:
            changed[column], how = replaced(cells, "account", key)
            done.append(Protected(column, "account", "values", how, int(cells.notna().sum()), mark(key, how)))
        elif new:
            levels[column] = new
            changed[column], count = scrubbed(cells, new)
            done.append(Protected(column, "text", "values", "scrubbed", count, alike=alike))
    frame = frame.assign(**changed).drop(columns=dropped)
    table = replace(
        _said(table, frame, settings.keep),
        frame=frame,
        joins=tuple(j.protected(levels) for j in table.joins),
    )
    own = {*named, *settings.keep, *settings.pseudonymise}
    headers = apart([c for c in map(str, frame.columns) if c not in own], taken=own)[0]
    told = tuple(p if p.column in own else replace(p, column=headers.get(p.column, scrub(p.column))) for p in done)
    return replace(table.with_names(headers), protected=told)


def _said(table: Table, frame: pd.DataFrame, keep: Sequence[str]) -> Table:
    """Take identifiers out of what a file says of its columns, and leave out what it says of those that are gone."""

    def of(column: str) -> bool:
        return column in frame.columns

    values = {
        c: labels if c in keep else {code: scrub(str(label)) for code, label in labels.items()}
        for c, labels in table.values.items() if of(c) and (c in keep or not (by_name(c) or by_name(table.questions.get(c, ""))))
    }  # fmt: skip
    several: dict[str, tuple[str, ...]] = {}
    for question, members in table.several.items():
        several[scrub(question)] = (*several.get(scrub(question), ()), *filter(of, members))
    return replace(
        table, values=values, questions={c: scrub(q) for c, q in table.questions.items() if of(c)},
        several={q: members for q, members in several.items() if members}, doubts={c: scrub(d) for c, d in table.doubts.items() if of(c)},
        notes=tuple(map(scrub, table.notes)),
    )  # fmt: skip


def mark(key: bytes | None, how: Done) -> str:
    """Return the fingerprint of the key of hashed columns; '' of others."""
    return fingerprint(key) if key is not None and how == "hashed" else ""


def settled_key(settings: Protect, columns: Collection[str], base: Path | None) -> bytes | None:
    """Return the key of pseudonyms, None without one; refuse settings that name columns that are not there."""
    for setting in ("keep", "pseudonymise"):
        for name in getattr(settings, setting):
            if name not in columns:
                raise DataError(f"data.protect.{setting}: the data have no column '{name}'.", nearest(name, columns))
    return read_key(settings.key, base) if settings.key is not None else None


def _may_hold_text(cells: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_datetime64_any_dtype(cells)
