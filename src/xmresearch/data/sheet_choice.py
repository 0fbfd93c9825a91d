"""Which sheet of a workbook holds the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xmresearch.errors import brief

PEEKED = 200
"""Lines by which a sheet is judged."""
_SHOWN = 8


def most_cells(rows: Iterable[Sequence[Any]]) -> int:
    """Count the cells of the second-fullest line: 0 or 1 where there is no table, as on a page of notes.

    Parameters
    ----------
    rows : iterable of sequence
        The first lines; blank cells are None.

    Returns
    -------
    int
        0 of a sheet without cells; 1 of one that is no table.
    """
    counts = sorted((sum(v is not None for v in row) for row in rows), reverse=True)
    if not counts or not counts[0]:
        return 0
    return max(1, counts[1] if len(counts) > 1 else 1)


def choose_sheet(sheet: str | None, filled: Mapping[str, int], hidden: set[str]) -> tuple[str, list[str]]:
    """Return the sheet to read and what to say of the others.

    Parameters
    ----------
    sheet : str or None
        As given.
    filled : mapping of str to int
        Every sheet, in their order, with what `most_cells` counts on it.
    hidden : set of str
        Sheets that do not show.

    Returns
    -------
    sheet : str
        As given; otherwise the first that shows and has lines of several cells, or else the first with cells that shows, or else the
        first with cells, or else the first.
    notes : list of str
    """
    there = [n for n, cells in filled.items() if cells]
    shown = [n for n in there if n not in hidden]
    tables = [n for n in shown if filled[n] > 1]
    chosen = sheet or next(iter([*tables, *shown, *there, *filled]))
    notes = []
    if others := [n for n in there if n != chosen]:
        told = ", ".join(f"'{brief(n)}'" + (" (hidden)" if n in hidden else "") for n in others[:_SHOWN])
        more = ", ..." if len(others) > _SHOWN else ""
        notes.append(f"Sheet '{brief(chosen)}' was read; there are cells in {told}{more} too (data.sheet decides).")
    elif sheet is None and chosen != next(iter(filled)):
        notes.append(f"Sheet '{brief(chosen)}' was read; the sheets before it have no cells.")
    if chosen in hidden:
        notes.append(f"Sheet '{brief(chosen)}' is hidden in the workbook.")
    return chosen, notes
