"""Tables too wide for a printed page: those of few rows are turned over, others get pages that lie on their side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from xmresearch.report.column_widths import column_widths
from xmresearch.report.document import Part

ROOM = 458.0
"""Points between the margins of an upright page of A4."""
LEAST_SIZE = 7.0
"""Points that a table is set in at least where there is a way to."""
MOST_OVER = 5
"""Rows up to which a wide table is turned over: then its columns are rows."""
TURN = "turn"
_RUNNING = ("prose", "callout", "markdown", "text")


def laid_out(parts: Iterable[Part]) -> list[Part]:
    """Lay wide tables out so that they can be read in print.

    Parameters
    ----------
    parts : iterable of Part
        Of a document.

    Returns
    -------
    list of Part
        Without code. A wide table of few rows is turned over. Before and after others stands a part of kind `turn`, whose content says
        whether pages lie on their side from there on (`across`): a section that begins with such a table, or with text before it, begins
        on these pages, so that no heading is left alone.
    """
    found: list[Part] = []
    for part in (_over(p) if p.kind == "table" else p for p in parts if p.kind != "code"):
        if part.kind != "table" or set_in(part.content) >= LEAST_SIZE:
            found.append(part)
            continue
        start = _start(found)
        if start and found[start - 1].kind == TURN:
            del found[start - 1]
        else:
            found.insert(start, Part(TURN, {"across": True}))
        found += [part, Part(TURN, {"across": False})]
    return found


def set_in(content: Mapping[str, Any]) -> float:
    """Return the points in which a table is set on an upright page."""
    rows = [[str(v) for v in row] for row in content["rows"]]
    return column_widths(content["head"], rows, [a.split()[0] for a in content["align"]], ROOM)[0]


def _start(parts: Sequence[Part]) -> int:
    """Return where the pages of a table that comes next begin: at the heading of its section where only text is between, else at it."""
    for k in range(len(parts) - 1, -1, -1):
        if parts[k].kind in ("section", TURN):
            return k if parts[k].kind == "section" else k + 1
        if parts[k].kind not in _RUNNING:
            break
    return len(parts)


def _over(part: Part) -> Part:
    """Turn a table over where that makes it larger and its first column names its rows."""
    head, rows = part.content["head"], part.content["rows"]
    names = [str(row[0]) for row in rows]
    if not 0 < len(rows) <= MOST_OVER or len(set(names)) < len(names) or (before := set_in(part.content)) >= LEAST_SIZE:
        return part
    turned = [[head[j], *(row[j] for row in rows)] for j in range(1, len(head))]
    made = {**part.content, "head": [head[0], *names], "rows": turned, "align": ["left", *["right"] * len(rows)]}
    return replace(part, content=made) if set_in(made) > before else part
