"""Exports of LimeSurvey: question codes, full texts, or both."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xmresearch.data.formats.cells import by_stem, rows_kept
from xmresearch.data.formats.header import named_columns
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Role, Table

ROLES: Mapping[str, Role] = {
    "id": "id", "response id": "id", "submitdate": "submitted", "date submitted": "submitted", "lastpage": "progress",
    "last page": "progress", "startlanguage": "language", "start language": "language", "seed": "status", "token": "external_id",
    "access code": "external_id", "startdate": "started", "date started": "started", "datestamp": "submitted",
    "date last action": "submitted", "ipaddr": "ip", "ip address": "ip", "refurl": "channel", "interviewtime": "duration",
    "total time": "duration", "firstname": "name", "first name": "name", "lastname": "name", "last name": "name", "email": "email",
    "email address": "email",
}  # fmt: skip
_SIGNS = ({"id", "submitdate"}, {"response id", "date submitted"}, {"id", "lastpage", "startlanguage"})
_CODED = re.compile(r"^([A-Za-z]\w*(?:\[\w+\])?(?:\[\w+\])?)\. (.+)$", re.DOTALL)


def _code(cell: str) -> str:
    coded = _CODED.match(cell)
    return (coded[1] if coded else cell).casefold()


def recognise(opening: Opening) -> str:
    """Return what an export is told by: its columns for the response and when it was submitted."""
    head = {_code(c) for c in opening.rows[0]} if opening.rows else set()
    for signs in _SIGNS:
        if signs <= head and len(opening.rows[0]) > len(signs):
            return f"the columns {' and '.join(sorted(signs))}"
    return ""


def read(opening: Opening, why: str) -> Table:
    """Read an export; of headers with code and text, the code is the name. Texts that repeat are numbered."""
    head = [" ".join(c.split()) for c in opening.rows[0]]
    coded = [_CODED.match(c) for c in head]
    names, notes = named_columns([m[1] if m else c for m, c in zip(coded, head, strict=True)])
    frame, encoding = opening.body(names, 1)
    if any(c.startswith("{") or ("{" in c and "}" in c) for c in head):
        notes = (*notes, "Some headers hold placeholders in braces, which the survey would have filled in.")
    roles = {n: ROLES[n.casefold()] for n in frame.columns if n.casefold() in ROLES}
    questions = {
        n: (m[2] if m else c)
        for n, m, c in zip(names, coded, head, strict=True)
        if n in frame.columns and n not in roles
    }
    left_out: dict[str, int] = {}
    submitted = next(
        (n for n, r in roles.items() if r == "submitted" and _code(n) in ("submitdate", "date submitted")), None
    )
    if submitted is not None and opening.settings.unfinished == "drop":
        open_ = frame[submitted].isna().to_numpy()
        if open_.any():
            left_out["not submitted"] = int(open_.sum())
            frame = rows_kept(frame, ~open_)
    options = {
        stem: members
        for stem, members in by_stem([n for n in frame.columns if n.endswith("]")], "[").items()
        if all(frame[m].dropna().isin(["Y", "N", "Yes", "No"]).all() for m in members)
    }
    return Table(
        frame,
        "limesurvey",
        why,
        encoding,
        questions=questions,
        roles=roles,
        several=options,
        left_out=left_out,
        notes=notes,
    )


FORMATS = (Format("limesurvey", "LimeSurvey, with codes or full texts", recognise, read),)
