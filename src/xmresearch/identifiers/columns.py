"""Columns that tell who somebody is: by what a tool says of them, by their names, or by what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.identifiers.headings import by_name
from xmresearch.identifiers.patterns import kind_of

LOOKED_AT = 2000
"""Different values of a column that are looked at."""
SHARE = 0.2
"""Share of the values looked at that makes a column one of identifiers."""
SMALLEST_NUMBER = 10**6
"""Numbers below it are answers, not telephone or identity numbers."""
FEW_VALUES, ROWS_A_VALUE = 12, 3
"""A column of so few values, each in so many rows, holds answers."""
NAMES_LOOKED_AT, FEWEST_NAMES, SHARE_OF_NAMES = 200, 5, 0.5
"""Different values that are looked at for names of persons; how many must be some, and which share of them."""
_BY_ROLE = {"ip": "ip", "email": "email", "name": "name", "phone": "phone", "location": "location"}
_TIMES = ("started", "submitted")
_LONGEST_NAME = 40
_MAYBE = re.compile(r"names?|名称|受访者|respondents?|contacts?|customers?|clients?|客户|顾客|患者", re.IGNORECASE)


@dataclass(frozen=True)
class Recognised:
    """Why a column counts as one of identifiers.

    Attributes
    ----------
    kind : str
        email, phone, name, ip, location, id_number, card, plate or account.
    ground : str
        `tool` (its convention says so), `name` (the column's), or `values`.
    """

    kind: str
    ground: str


def by_values(cells: pd.Series) -> str:
    """Return the kind of identifier that a column holds; '' where it holds none.

    Parameters
    ----------
    cells : Series
        Texts or numbers.

    Returns
    -------
    str
        The most frequent kind, where at least a fifth of the different values looked at are whole identifiers.
    """
    if pd.api.types.is_float_dtype(cells) or pd.api.types.is_bool_dtype(cells):
        if pd.api.types.is_bool_dtype(cells) or not _largest(cells) >= 1e9:
            return ""
        whole = cells.dropna()
        if not (whole % 1 == 0).all():
            return ""
        cells = whole.astype("int64")
    elif pd.api.types.is_integer_dtype(cells):
        if cells.empty or int(cells.max()) < 10**9:
            return ""
    elif not (cells.dtype == object or pd.api.types.is_string_dtype(cells)):
        return ""
    values = _first_values(cells)
    kinds = [k for v in values if (k := kind_of(str(v)))]
    return max(set(kinds), key=kinds.count) if kinds and len(kinds) >= SHARE * len(values) else ""


def holds_names(cells: pd.Series) -> bool:
    """Whether a column holds names of persons, as far as lists of frequent ones tell.

    Parameters
    ----------
    cells : Series
        Texts; others hold none.

    Returns
    -------
    bool
        At least half of the different values looked at, and at least five, are likely names.
    """
    if not (cells.dtype == object or pd.api.types.is_string_dtype(cells)):
        return False
    from xmresearch.identifiers.names import is_name

    values = _first_values(cells, NAMES_LOOKED_AT)
    found = sum(is_name(v) for v in values if len(v) <= _LONGEST_NAME)
    return found >= FEWEST_NAMES and found >= SHARE_OF_NAMES * len(values)


def _largest(cells: pd.Series) -> float:
    """Return the largest number without its sign; 0 where there is none."""
    numbers = cells.to_numpy(dtype="float64", na_value=np.nan)
    return float(max(np.fmax.reduce(numbers, initial=0), -np.fmin.reduce(numbers, initial=0)))


def _first_values(cells: pd.Series, most: int = LOOKED_AT) -> pd.Series:
    """Return the first different values as texts; no further than they reach is looked."""
    rows = 2 * most
    while True:
        values = cells.iloc[:rows].dropna().drop_duplicates()
        if len(values) >= most or rows >= len(cells):
            return values.astype("string").drop_duplicates().head(most)
        rows *= 8


def _answers(cells: pd.Series, kind: str) -> bool:
    """Whether a column that is named like an identifier holds answers: small numbers, or few values of which none is one."""
    if pd.api.types.is_numeric_dtype(cells):
        most = cells.abs().max() if len(cells) else 0
        return kind != "location" and not most >= SMALLEST_NUMBER
    values = _first_values(cells)
    few = len(values) <= FEW_VALUES and len(cells) >= ROWS_A_VALUE * len(values)
    return kind != "name" and few and not any(kind_of(str(v)) for v in values)


def recognise_columns(
    frame: pd.DataFrame, roles: Mapping[str, str] | None = None, questions: Mapping[str, str] | None = None
) -> dict[str, Recognised]:
    """Find the columns that tell who somebody is.

    Parameters
    ----------
    frame : DataFrame
        As read.
    roles : mapping of str to str, optional
        What the tool's convention says of columns; see `xmresearch.data.formats.table.Role`.
    questions : mapping of str to str, optional
        Wording of the question, by column; judged as the column's name is.

    Returns
    -------
    dict of str to Recognised
        By column. One that is named as those of persons or of things, such as Name, is one of names where others hold identifiers.

    References
    ----------
    GDPR, Article 4(1); Personal Information Protection Law of the People's Republic of China, Articles 4 and 28.
    """
    found: dict[str, Recognised] = {}
    for column in map(str, frame.columns):
        told = (roles or {}).get(column, "")
        role = _BY_ROLE.get(told, "")
        kind = by_name(column) or by_name((questions or {}).get(column, ""))
        if role:
            found[column] = Recognised(role, "tool")
        elif kind and not _answers(frame[column], kind):
            found[column] = Recognised(kind, "name")
        elif told not in _TIMES and (held := by_values(frame[column])):
            found[column] = Recognised(held, "values")
        elif told not in _TIMES and holds_names(frame[column]):
            found[column] = Recognised("name", "values")
    if found:
        found |= {
            c: Recognised("name", "name") for c in map(str, frame.columns) if c not in found and _may_be_names(c, frame)
        }
    return {c: found[c] for c in map(str, frame.columns) if c in found}


def _may_be_names(column: str, frame: pd.DataFrame) -> bool:
    """Whether a column of texts is named as those of names are, be it of persons or of things."""
    cells = frame[column]
    texts = cells.dtype == object or pd.api.types.is_string_dtype(cells)
    if not texts or not _MAYBE.fullmatch(" ".join(column.split())):
        return False
    values = _first_values(cells)
    return (
        not (len(values) <= FEW_VALUES and len(cells) >= ROWS_A_VALUE * len(values))
        and not values.str.contains(r"\d").any()
    )
