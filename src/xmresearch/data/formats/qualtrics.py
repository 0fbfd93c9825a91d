"""Exports of Qualtrics: names, wordings and, since 2017, import identifiers above the answers."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.cell_values import cell_text
from xmresearch.data.column_types import NAMELESS
from xmresearch.data.formats.cells import rows_kept
from xmresearch.data.formats.header import row_names, unique_names
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Role, Table

ROLES: Mapping[str, Role] = {
    "startdate": "started", "enddate": "submitted", "recordeddate": "submitted", "status": "status", "progress": "progress",
    "finished": "finished", "duration(inseconds)": "duration", "responseid": "id", "recipientlastname": "name",
    "recipientfirstname": "name", "name": "name", "recipientemail": "email", "emailaddress": "email", "ipaddress": "ip",
    "externalreference": "external_id", "externaldatareference": "external_id", "locationlatitude": "location",
    "locationlongitude": "location", "locationaccuracy": "location", "distributionchannel": "channel",
    "userlanguage": "language",
}  # fmt: skip
"""What a column is, by its name without spaces in small letters."""
PREVIEWS = frozenset({"1", "survey preview", "2", "survey test", "9", "17", "offline survey preview", "16"})
"""Status of answers that nobody gave in earnest, as code and as text; 8 and "Spam" are left to the analyst."""
UNFINISHED = frozenset({"0", "falsch", "faux"})
HEAD = 1000


def _identifier(cell: str) -> dict[str, Any] | None:
    """Return what an import cell says, as JSON or as older exports write it; None for another cell."""
    if not cell.startswith("{") or "ImportId" not in cell:
        return None
    with suppress(ValueError, RecursionError):
        return dict(json.loads(cell))
    with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return dict(ast.literal_eval(cell))
    return {}


def recognise(opening: Opening) -> str:
    """Return what an export of Qualtrics is told by: the row of ImportId, or the columns V1 to V10 above their names."""
    rows = opening.rows
    if len(rows) > 2 and sum(_identifier(c) is not None for c in rows[2]) >= max(1, len(rows[2]) // 2):
        return "three header rows, the third with ImportId"
    legacy = len(rows) > 1 and rows[0][:1] == ["V1"] and [_plain(c) for c in rows[1][:1]] == ["responseid"]
    return "two header rows, V1 above ResponseID" if legacy else ""


def _plain(name: str) -> str:
    return "".join(name.split()).lower()


def read(opening: Opening, why: str) -> Table:
    """Read an export; previews and tests are left out, and answers that were not finished where it is asked for."""
    head = opening.rows
    third = [_identifier(c) for c in head[2]] if len(head) > 2 else []
    modern = any(found is not None for found in third)
    names, wordings = head[0], head[1]
    if not modern:
        names = [
            second if re.fullmatch(r"V\d+", first) else first for first, second in zip(names, wordings, strict=False)
        ]
    names, repeated = unique_names(row_names(names))
    frame, encoding = opening.body(names, 3 if modern else 2)
    roles = {n: ROLES[_plain(n)] for n in frame.columns if _plain(n) in ROLES}
    questions = {
        n: " ".join(w.split()) for n, w in zip(names, wordings, strict=False) if n in frame.columns and w.strip()
    }
    frame, left_out = _by_status(frame, roles, opening)
    zones = sorted({str(f["timeZone"]) for f in third if f and f.get("timeZone")})
    notes = [f"{len(repeated)} column name(s) occurred more than once and got a number."] if repeated else []
    if zones:
        notes.append(f"Times are in the zone {', '.join(zones)}.")
    return Table(
        frame, "qualtrics", why, encoding, questions=questions, roles=roles, several=_several(names, third, frame),
        left_out=left_out, notes=tuple(notes),
    )  # fmt: skip


def _by_status(frame: pd.DataFrame, roles: Mapping[str, Role], opening: Opening) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave out rows that nobody answered in earnest, or did not finish."""
    left_out: dict[str, int] = {}
    rules = [("status", PREVIEWS, "preview or test", opening.settings.test_rows == "drop")]
    rules.append(("finished", UNFINISHED, "not finished", opening.settings.unfinished == "drop"))
    for role, values, rule, drops in rules:
        column = next((c for c, r in roles.items() if r == role), None)
        if column is None or not drops:
            continue
        codes, met = pd.factorize(frame[column], use_na_sentinel=True)
        hit = np.array([*(cell_text(m).lower() in values for m in met), False], dtype=bool)[codes]
        if hit.any():
            left_out[rule] = int(hit.sum())
            frame = rows_kept(frame, ~hit)
    return frame, left_out


def _several(names: list[str], third: list[dict[str, Any] | None], frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return questions whose options have a column each: Q2_1, Q2_2, ... that hold one value or nothing."""
    found: dict[str, list[str]] = {}
    for name in names:
        stem, _, option = name.rpartition("_")
        if stem and option.isdigit() and name in frame and not name.startswith(NAMELESS):
            found.setdefault(stem, []).append(name)
    return {
        stem: tuple(options)
        for stem, options in found.items()
        if len(options) > 1 and all(_is_tick(frame[o]) for o in options) and frame[options].isna().any(axis=None)
    }


def _is_tick(cells: pd.Series) -> bool:
    """Whether a column holds one value at most beside blanks."""
    return bool(cells.iloc[:HEAD].nunique() <= 1 and cells.nunique() <= 1)


FORMATS = (Format("qualtrics", "Qualtrics, with values or choice text", recognise, read),)
