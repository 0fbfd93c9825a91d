"""Exports of SurveyMonkey: a line of questions above a line of rows and options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from xmresearch.data.formats.header import unique_names
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Role, Table

ROLES: Mapping[str, Role] = {
    "respondent id": "id", "collector id": "channel", "start date": "started", "end date": "submitted", "date created": "started",
    "date modified": "submitted", "ip address": "ip", "email address": "email", "first name": "name", "last name": "name",
    "custom data 1": "external_id",
}  # fmt: skip
_ANSWER = frozenset({"response", "open-ended response", "open-ended", ""})
_UNNAMED = re.compile(r"^Unnamed: \d+$")
_ALIKE = 0.5


def _two_lines(opening: Opening) -> bool:
    rows = opening.rows
    if len(rows) < 3 or len(rows[0]) < 3:
        return False
    first = [c.casefold() for c in rows[0]]
    return first[0] == "respondent id" and not rows[1][0]


def _resaved(opening: Opening) -> bool:
    rows = opening.rows
    if len(rows) < 3:
        return False
    unnamed = [k for k, c in enumerate(rows[0]) if _UNNAMED.match(c)]
    labelled = [k for k in unnamed if k < len(rows[1]) and rows[1][k]]
    answered = any(c.casefold() == "response" for c in rows[1])
    return len(unnamed) > 1 and len(labelled) >= _ALIKE * len(unnamed) and answered


def recognise(opening: Opening) -> str:
    """Return what an export is told by: Respondent ID above a blank cell, or what pandas made of such a header."""
    if _two_lines(opening):
        return "two header rows, Respondent ID above a blank cell"
    return "two header rows saved again by pandas ('Unnamed: ...')" if _resaved(opening) else ""


def read(opening: Opening, why: str) -> Table:
    """Read an export; a blank cell of the first line belongs to the question on its left."""
    top, below = opening.rows[0], opening.rows[1]
    width = max(len(top), len(below))
    top, below = [*top, *[""] * (width - len(top))], [*below, *[""] * (width - len(below))]
    resaved = _resaved(opening) and not _two_lines(opening)
    names, questions, options = _names(top, below, resaved=resaved)
    names, repeated = unique_names(names)
    frame, encoding = opening.body(names, 2)
    notes = [f"{len(repeated)} column name(s) occurred more than once and got a number."] if repeated else []
    if resaved and names[0] == "row number":
        frame = frame.drop(columns="row number")
        notes.append("The first column only counts the rows and was left out.")
    if resaved:
        notes.append(
            "The header was saved again by pandas; columns without a question belong to the one on their left."
        )
    kept = set(frame.columns)
    wordings = {n: q for n, q in zip(names, questions, strict=True) if n in kept and q}
    groups: dict[str, list[str]] = {}
    for name, (stem, option) in zip(names, options, strict=True):
        if name in kept and stem and option.casefold() not in _ANSWER:
            groups.setdefault(stem, []).append(name)
    several = {
        stem: tuple(members)
        for stem, members in groups.items()
        if len(members) > 1 and all(_ticks(frame[m], m) for m in members)
    }
    roles = {n: ROLES[n.casefold()] for n in frame.columns if n.casefold() in ROLES}
    return Table(
        frame, "surveymonkey", why, encoding, questions=wordings, roles=roles, several=several, notes=tuple(notes)
    )


def _names(
    top: Sequence[str], below: Sequence[str], *, resaved: bool
) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    names, questions, options = [], [], []
    stem = ""
    for k, (question, row) in enumerate(zip(top, below, strict=True)):
        text = "" if _UNNAMED.match(question) else " ".join(question.split())
        option = " ".join(row.split())
        if resaved and k == 0 and not text:
            names.append("row number")
            questions.append("")
            options.append(("", ""))
            continue
        stem = text or stem
        if not option or (option.casefold() in _ANSWER and text):
            names.append(stem)
            questions.append(stem if option else "")
        else:
            names.append(f"{stem} [{option}]")
            questions.append(f"{stem} {option}".strip())
        options.append((stem, option))
    return names, questions, options


def _ticks(cells: pd.Series, name: str) -> bool:
    """Whether a column is an option that was ticked or not: one value at most, which the column's name has."""
    found = cells.dropna().unique()
    return len(found) <= 1 and (
        len(found) == 0 or " ".join(str(found[0]).split()) in name or str(found[0]) in ("1", "x")
    )


FORMATS = (Format("surveymonkey", "SurveyMonkey, condensed or expanded", recognise, read),)
