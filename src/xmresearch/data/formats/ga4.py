"""Exports of Google Analytics 4: comment lines, then one table or several, each below a line of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from xmresearch.data.formats.cells import as_numbers
from xmresearch.data.formats.delimiters import split_records
from xmresearch.data.formats.header import named_columns
from xmresearch.data.formats.opening import Opening
from xmresearch.data.formats.registry import Format
from xmresearch.data.formats.table import Table
from xmresearch.errors import DataError

_PERIOD = re.compile(r"^#\s*(Start|End) date:\s*(\d{8})$")
_LEAST_CELLS = 3
_LONGEST = 10_000_000


def recognise(opening: Opening) -> str:
    """Return what an export is told by: comment lines that name an account or a period."""
    first = [r[0] if r else "" for r in opening.rows[:12]] if opening.is_text else []
    told = any(c.startswith(("# Account:", "# Property:")) for c in first) or any(_PERIOD.match(c) for c in first)
    return "comment lines (#) with account and period" if told and first[0].startswith("#") else ""


def _blocks(records: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """Return the tables: runs of records without comments and blank lines."""
    blocks: list[list[list[str]]] = [[]]
    for record in records:
        if not any(record) or (record and record[0].startswith("#")):
            if blocks[-1]:
                blocks.append([])
            continue
        blocks[-1].append(list(record))
    return [b for b in blocks if b]


def read(opening: Opening, why: str) -> Table:
    """Read one table of an export: the first, or the one that `data.table` counts to.

    Raises
    ------
    DataError
        There is no such table.
    """
    text = opening.text(_LONGEST)
    records = split_records(text, opening.delimiter, len(text))[opening.top :]
    blocks = _blocks(records)
    tables = [b for b in blocks if len(b) > 1 and sum(map(bool, b[0])) >= _LEAST_CELLS]
    chosen = opening.settings.table or 1
    if not 1 <= chosen <= len(tables):
        raise DataError(
            f"'{opening.path.name}' has {len(tables)} table(s); there is no table {chosen}.",
            "Set data.table to one of them.",
        )
    block = tables[chosen - 1]
    width = max(k + 1 for k, c in enumerate(block[0]) if c)
    names, notes = named_columns(block[0][:width])
    rows = [[c or None for c in (*r, *[""] * width)[:width]] for r in block[1:]]
    frame = pd.DataFrame(rows, columns=names)
    frame = frame.assign(**{c: as_numbers(frame[c]) for c in names})
    ends = {m[1].lower(): m[2] for r in records if r and (m := _PERIOD.match(r[0]))}
    said = [f"The period {ends['start']}-{ends['end']} stands only in the comments."] if len(ends) == 2 else []
    if len(tables) > 1:
        said.append(f"The file has {len(tables)} tables; this is table {chosen}.")
    beside = sum(len(b) for b in blocks if b not in tables)
    left_out = {"note below the table": beside} if beside else {}
    return Table(frame, "ga4", why, opening.encoding, left_out=left_out, notes=(*said, *notes))


FORMATS = (Format("ga4", "Google Analytics 4, as CSV", recognise, read),)
