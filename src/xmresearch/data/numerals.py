"""Numbers written with a decimal comma, or with marks between thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from xmresearch.data.answers import BLANKS, is_no_answer, plain_word
from xmresearch.display import Shown
from xmresearch.errors import DataError, brief

Decimal = Literal[".", ","]
Thousands = Literal[",", ".", " ", "'"]
HEAD = 200
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"})
_SIGN = r"^[+-]?"
_WHOLE = re.compile(_SIGN + r"\d+$")
_GROUPED = {
    mark: re.compile(_SIGN + rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+$") for mark in (",", ".", " ", "'")
}  # fmt: skip
_NUMERAL = re.compile(_SIGN + r"(?:\d[\d.,' ]*|[.,]\d+)$")


@dataclass(frozen=True, repr=False)
class Marks(Shown):
    """How a file writes its numbers.

    Attributes
    ----------
    decimal : str
        Between whole and fraction.
    thousands : str
        Between thousands; '' where there is none.
    """

    decimal: str = "."
    thousands: str = ""


def _readings(text: str) -> tuple[Marks, ...]:
    """Return the marks by which a text is a number; several where it can be read in more than one way."""
    found: list[Marks] = []
    for decimal in (".", ","):
        whole, mark, fraction = text.partition(decimal)
        if mark and fraction.isdigit() and (whole in ("", "+", "-") or _WHOLE.match(whole)):
            found.append(Marks(decimal))
        elif mark and not fraction.isdigit():
            continue
        found += [Marks(decimal, t) for t, grouped in _GROUPED.items() if t != decimal and grouped.match(whole)]
    return tuple(found)


def _as_number(text: str, marks: Marks) -> float:
    """Read one number by the marks of its file; NaN where it is none by them."""
    if marks.thousands and marks.thousands in text:
        whole, mark, fraction = text.partition(marks.decimal)
        if not _GROUPED[marks.thousands].match(whole) or marks.thousands in fraction:
            return float("nan")
        text = whole.replace(marks.thousands, "") + mark + fraction
    if marks.decimal != "." and "." in text:
        return float("nan")
    try:
        return float(text.replace(marks.decimal, ".")) if _NUMERAL.match(text) else float("nan")
    except ValueError:
        return float("nan")


@dataclass(frozen=True, repr=False)
class Numerals(Shown):
    """What was found of the numbers in the text columns of a file.

    Attributes
    ----------
    marks : Marks
        Of the file.
    columns : tuple of str
        Those that hold numbers by them.
    why : str
        By which cell they were found, or that they were given; '' where nothing needed them.
    doubts : mapping of str to str
        Columns whose numbers can be read in two ways, with both.
    """

    marks: Marks
    columns: tuple[str, ...]
    why: str
    doubts: Mapping[str, str]


def _texts(given: pd.Series) -> list[str]:
    """Return the distinct texts of a column that are neither blank nor say that there is no answer."""
    uniques = [str(u).translate(_SPACES).strip() for u in given.dropna().unique() if isinstance(u, str)]
    return [u for u in dict.fromkeys(uniques) if u.lower() not in BLANKS and not is_no_answer(plain_word(u))]


def _is_candidate(given: pd.Series) -> bool:
    if not (given.dtype == object or pd.api.types.is_string_dtype(given)):
        return False
    head = _texts(given.iloc[:HEAD])
    # addresses such as 10.0.0.1 look like numerals but can be read in no way
    legible = all(_NUMERAL.match(t) and (_WHOLE.match(t) or _readings(t)) for t in head)
    return legible and (bool(head) or bool(given.notna().any()))


def find_numerals(
    frame: pd.DataFrame,
    decimal: Decimal | None = None,
    thousands: Thousands | None = None,
    points: Sequence[str] = (),
    *,
    lists: bool = False,
) -> Numerals:
    """Find how a file writes its numbers, from the columns that are text because of it.

    Parameters
    ----------
    frame : DataFrame
        As read; numbers with a decimal point are numbers already.
    decimal, thousands : str, optional
        The marks, where the params say them.
    points : sequence of str
        Columns that are numbers with a decimal point if nothing speaks against it; given as text here.
    lists : bool
        Whether "1,3" may as well be two answers, as it may where commas do not mean decimals by the form of the file.

    Returns
    -------
    Numerals
        Without columns where there is nothing to read; in doubt, with both readings of an example.

    Notes
    -----
    "7,5" is a number in one way only, "1,234" in two: as 1234 and as 1.234. One cell that can be read in one way settles the
    marks of the whole file.
    """
    texts = {str(c): _texts(frame[c]) for c in frame.columns if _is_candidate(frame[c])}
    read = {c: {t: _readings(t) for t in found if not _WHOLE.match(t)} for c, found in texts.items()}
    read = {c: by for c, by in read.items() if by and all(by.values())}
    if decimal is not None or thousands is not None:
        marks = Marks(decimal or ("," if thousands == "." else "."), thousands or "")
        doubts = {c: said for c, by in read.items() if (said := _misfit(c, by, marks))}
        return Numerals(marks, tuple(c for c in read if c not in doubts), "as the params say", doubts)
    told: dict[str, tuple[str, str]] = {}
    grouping: set[str] = set()
    for c, by in read.items():
        for t, ways in by.items():
            if len(decimals := {m.decimal for m in ways}) == 1 and not (lists and _is_list(t)):
                told.setdefault(decimals.pop(), (c, t))
                grouping |= {m.thousands for m in ways} - {""} if len(ways) == 1 else set()
    if len(told) == 1:
        mark, (column, example) = next(iter(told.items()))
        marks = Marks(mark, grouping.pop() if len(grouping) == 1 else "." if mark == "," else ",")
        fitting = [c for c, by in read.items() if not np.isnan([_as_number(t, marks) for t in by]).any()]
        why = f"column '{brief(column)}' holds '{brief(example)}'"
        misfits = {c: _both(c, by) or _misfit(c, by, marks) for c, by in read.items() if c not in fitting}
        return Numerals(marks, tuple(fitting), why, misfits)
    if len(told) > 1:
        clash = " and ".join(f"'{brief(t)}' in '{brief(c)}'" for c, t in told.values())
        said = f"the file has both decimal marks, {clash}."
        return Numerals(Marks(), (), "", {c: f"Column '{brief(c)}': {said}" for c in read if c not in points})
    doubts = {c: said for c, by in read.items() if (said := _both(c, by))}
    spaced = tuple(c for c in read if c not in doubts)
    used = next((m for c in spaced for ways in read[c].values() for m in ways), Marks())
    return Numerals(Marks(".", used.thousands), spaced, "thousands are set apart" if spaced else "", doubts)


def _misfit(column: str, texts: Iterable[str], marks: Marks) -> str:
    """Name a text that is no number by the marks of the file; nothing where all are."""
    wrong = next((t for t in texts if np.isnan(_as_number(t, marks))), None)
    with_ = f"decimal mark '{marks.decimal}'" + (
        f" and '{marks.thousands}' between thousands" if marks.thousands else ""
    )
    return "" if wrong is None else f"Column '{brief(column)}': '{brief(wrong)}' is no number with the {with_}."


def _is_list(text: str) -> bool:
    """Whether a text may be the numbers of two answers, in order."""
    first, _, second = text.partition(",")
    both = first.isdigit() and second.isdigit() and "0" not in (first[0], second[0])
    return both and len(first) < 3 and len(second) < 3 and int(first) < int(second)


def _both(column: str, by: Mapping[str, Sequence[Marks]]) -> str:
    """Say how an example of a column can be read; nothing where all ways give one number."""
    for text, ways in by.items():
        if len(ways) == 1 and _is_list(text):
            shown = f"{_as_number(text, ways[0]):g} or as the answers {text.replace(',', ' and ')}"
            return f"Column '{brief(column)}': '{brief(text)}' can be read as {shown}."
        values = dict.fromkeys(f"{_as_number(text, m):.10g}" for m in ways)
        if len(values) > 1:
            return f"Column '{brief(column)}': '{brief(text)}' can be read as {' or '.join(values)}."
    return ""


def as_numbers(given: pd.Series, marks: Marks) -> pd.Series:
    """Read the texts of a column as numbers.

    Parameters
    ----------
    given : Series
        Texts; numbers stay as they are.
    marks : Marks
        Of the file.

    Returns
    -------
    Series
        float64; text where some cells say that there is no answer, with the numbers written with a point.
    """
    known = {}
    for u in given.dropna().unique():
        value = _as_number(str(u).translate(_SPACES).strip(), marks) if isinstance(u, str) else u
        known[u] = u if isinstance(value, float) and np.isnan(value) else value
    words = [v for v in known.values() if isinstance(v, str)]
    if any(v.strip().lower() not in BLANKS or is_no_answer(plain_word(v)) for v in words):
        return given.map({u: v if isinstance(v, str) else f"{v:g}" for u, v in known.items()})
    return pd.to_numeric(given.map({u: np.nan if isinstance(v, str) else v for u, v in known.items()}))


def require_settled(doubts: Mapping[str, str], used: Sequence[str] | None = None) -> None:
    """Raise DataError where a column that is used can be read in two ways.

    Parameters
    ----------
    doubts : mapping of str to str
        As in `Numerals`.
    used : sequence of str, optional
        All columns if absent.

    Raises
    ------
    DataError
        With the key that decides.
    """
    open_ = [said for column, said in doubts.items() if used is None or column in used]
    if open_:
        raise DataError(
            " ".join(open_[:3]),
            "Set data.decimal to '.' or ',', or data.thousands to the mark between thousands.",
        )
