"""The forms of files that are known, and which of them a file has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.data.config import FileSource
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.signature import REFUSED
from xmresearch.data.formats.table import Table
from xmresearch.display import Shown
from xmresearch.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

MODULES = (
    "qualtrics",
    "surveymonkey",
    "limesurvey",
    "chinese_forms",
    "online_forms",
    "ga4",
    "statistical",
    "xes",
    "plain",
)
"""Modules of this package that hold FORMATS, in the order in which they are asked: the particular before the plain."""
_WITH_TABLES = frozenset({"ga4"})
_TOLD_BY: Mapping[str, tuple[str, ...]] = {"limesurvey": ("submitted",)}
"""Forms whose unfinished answers are told by a column of another role."""


@dataclass(frozen=True, repr=False)
class Format(Shown):
    """One form of file.

    Attributes
    ----------
    name : str
        As `data.format` gives it.
    about : str
        What it is, in a few words.
    recognise : callable
        Takes an `Opening`; returns what the form is told by, or '' where it is not this one. Reads no further than it must.
    read : callable
        Takes an `Opening` and returns a `Table`, with `why` as the opening was recognised.
    """

    name: str
    about: str
    recognise: Callable[[Opening], str]
    read: Callable[[Opening, str], Table]

    def _head(self) -> Mapping[str, Any]:
        return {"name": self.name, "about": self.about}

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {}


@cache
def formats() -> tuple[Format, ...]:
    """Return every form, in the order in which they are asked."""
    found: list[Format] = []
    for name in MODULES:
        found += import_module(f"xmresearch.data.formats.{name}").FORMATS
    return tuple(found)


def recognise(opening: Opening) -> tuple[Format, str]:
    """Return the form of a file and what tells it.

    Parameters
    ----------
    opening : Opening
        Of the file.

    Returns
    -------
    form : Format
    why : str

    Raises
    ------
    DataError
        The form that is given is unknown, none is recognised, or the file is of a kind that is not read.
    """
    if opening.kind in REFUSED and not opening.is_workbook:
        what, remedy = REFUSED[opening.kind]
        raise DataError(f"'{opening.path.name}' is {what}.", remedy)
    given = opening.settings.format
    names = [f.name for f in formats()]
    if given is not None:
        if given not in names:
            raise DataError(f"data.format: there is no form '{given}'.", nearest(given, names))
        return next(f for f in formats() if f.name == given), "given as data.format"
    for form in formats():
        why = form.recognise(opening)
        if why:
            return form, why
    raise DataError(
        f"'{opening.path.name}' has the ending '{opening.path.suffix}', which names no known format.",
        f"Set data.format to one of {', '.join(names)}.",
    )


def read_table(path: Path, settings: FileSource) -> Table:
    """Read a file by the form that it has.

    Parameters
    ----------
    path : Path
        The file.
    settings : FileSource
        What the params say of it.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        The file does not exist, its form is not known, or it cannot be read by it; a setting asks for what the form has not.
    """
    if not path.is_file():
        there = [p.name for p in path.parent.glob("*") if p.is_file()] if path.parent.is_dir() else []
        raise DataError(
            f"The data file '{path.name}' does not exist in '{path.parent}'.",
            f"{nearest(path.name, there)} Relative paths start from the folder of the params file.".strip(),
        )
    opening = Opening(path, settings)
    form, why = recognise(opening)
    _require_lines(opening, form)
    table = form.read(opening, why)
    _require_marks(table, settings, path.name)
    notes = (opening.misnamed(), *opening.said, *table.notes)
    doubts = {c: said for c, said in opening.doubts.items() if c in table.frame.columns}
    return replace(table, notes=tuple(dict.fromkeys(note for note in notes if note)), doubts={**table.doubts, **doubts})


def _require_lines(opening: Opening, form: Format) -> None:
    """Refuse settings of lines and tables for a file that has none or one."""
    if opening.top and not (opening.is_text or opening.is_workbook):
        raise DataError(
            f"'{opening.path.name}' ({form.about}) has no lines that could be passed over.",
            "Leave data.skip_rows and data.header_row out.",
        )
    if (opening.settings.table or 1) > 1 and form.name not in _WITH_TABLES:
        raise DataError(
            f"'{opening.path.name}' ({form.about}) is read as one table; there is no table {opening.settings.table}.",
            "Leave data.table out; of a workbook, set data.sheet.",
        )


def _require_marks(table: Table, settings: FileSource, name: str) -> None:
    """Refuse to drop unfinished answers where none can be told."""
    if settings.unfinished == "drop" and not {"finished", *_TOLD_BY.get(table.format, ())} & {*table.roles.values()}:
        raise DataError(
            f"'{name}' does not say which answers are unfinished, so data.unfinished: drop cannot be carried out.",
            "Leave it out; data.where can name the rows to keep.",
        )
