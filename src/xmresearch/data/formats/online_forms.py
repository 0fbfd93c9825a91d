"""Exports of Google Forms and Microsoft Forms: one header line of full wordings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xmresearch.data.formats.cells import joined_by
from xmresearch.data.formats.header import named_columns
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Role, Table

_GOOGLE_FIRST = ("timestamp", "时间戳记", "时间戳", "zeitstempel", "horodateur", "marca temporal")
_GOOGLE: Mapping[str, Role] = {
    **dict.fromkeys(_GOOGLE_FIRST, "submitted"), "username": "email", "email address": "email", "电子邮件地址": "email", "用户名": "email",
}  # fmt: skip
_MICROSOFT: Mapping[str, Role] = {
    "id": "id", "start time": "started", "completion time": "submitted", "last modified time": "submitted", "email": "email",
    "name": "name", "language": "language", "开始时间": "started", "完成时间": "submitted", "上次修改时间": "submitted", "电子邮件": "email",
    "名称": "name", "姓名": "name", "语言": "language",
}  # fmt: skip
_GRID = re.compile(r"^(?P<stem>.*\S)\s*\[(?P<row>.*)\]$", re.DOTALL)


def recognise_google(opening: Opening) -> str:
    """Return what an export of Google Forms is told by: Timestamp, and rows of grids in brackets or nothing else."""
    head = opening.rows[0] if opening.rows else []
    if not head or head[0].casefold() not in _GOOGLE_FIRST:
        return ""
    grid = any(_GRID.match(c) for c in head)
    return f"the column {head[0]}{', and rows of grids in brackets' if grid else ''}"


def read_google(opening: Opening, why: str) -> Table:
    """Read an export of Google Forms; several answers stand in one cell, with a comma and a space between them."""
    names, notes = named_columns(opening.rows[0], keep_nameless=True)
    frame, encoding = opening.body(names, 1)
    roles = {n: _GOOGLE[n.casefold()] for n in frame.columns if n.casefold() in _GOOGLE}
    questions = {}
    for name in frame.columns:
        grid = _GRID.match(name)
        if name not in roles:
            questions[name] = f"{grid['stem']} {grid['row'].strip()}" if grid else name
    return Table(frame, "google_forms", why, encoding, questions=questions, roles=roles, notes=notes)


def recognise_microsoft(opening: Opening) -> str:
    """Return what an export of Microsoft Forms is told by: ID and the times of answering."""
    head = [c.casefold() for c in opening.rows[0]] if opening.rows else []
    english = {"id", "start time", "completion time"} <= set(head[:6])
    chinese = {"id", "开始时间", "完成时间"} <= set(head[:6])
    return "the columns ID, start and completion time" if english or chinese else ""


def read_microsoft(opening: Opening, why: str) -> Table:
    """Read an export of Microsoft Forms; several answers end with a semicolon each, in one cell."""
    names, notes = named_columns(opening.rows[0])
    frame, encoding = opening.body(names, 1)
    roles = {n: _MICROSOFT[n.casefold()] for n in frame.columns if n.casefold() in _MICROSOFT}
    questions = {n: n for n in frame.columns if n not in roles}
    several = joined_by(frame[list(questions)], ";", least=max(2, len(frame) // 10))
    return Table(frame, "ms_forms", why, encoding, questions=questions, roles=roles, several=several, notes=notes)


FORMATS = (
    Format("google_forms", "Google Forms", recognise_google, read_google),
    Format("ms_forms", "Microsoft Forms", recognise_microsoft, read_microsoft),
)
