"""Names of columns as tools write them: blank, repeated, or over several lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xmresearch.data.column_types import NAMELESS


def row_names(cells: Sequence[str]) -> list[str]:
    """Put each name on one line, and give blank ones a name by position.

    Parameters
    ----------
    cells : sequence of str
        Of the header line.

    Returns
    -------
    list of str
    """
    names = [" ".join(str(c).split()) for c in cells]
    return [n or f"{NAMELESS}{k + 1}" for k, n in enumerate(names)]


def unique_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Number names that repeat, from their second occurrence on.

    Parameters
    ----------
    names : sequence of str
        As in the file.

    Returns
    -------
    unique : list of str
        "Other", "Other (2)", ...; never one that the file has already.
    repeated : list of str
        Those that occurred more than once.
    """
    taken, seen, unique = set(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        found, k = name, seen[name]
        while seen[name] > 1 and (found == name or found in taken):
            found, k = f"{name} ({k})", k + 1
        taken.add(found)
        unique.append(found)
    return unique, [n for n, count in seen.items() if count > 1]


def named_columns(cells: Sequence[str], *, keep_nameless: bool = False) -> tuple[list[str], tuple[str, ...]]:
    """Name the columns by one header line.

    Parameters
    ----------
    cells : sequence of str
        Of the line.
    keep_nameless : bool
        Whether a column without a name may hold answers; it is then called by its position.

    Returns
    -------
    names : list of str
        Each once.
    notes : tuple of str
        What had to be named or numbered.
    """
    names, notes = row_names(cells), []
    if keep_nameless:
        blank = [k for k, n in enumerate(names) if n.startswith(NAMELESS)]
        names = [f"column {k + 1}" if k in blank else n for k, n in enumerate(names)]
        if blank:
            notes.append(f"{len(blank)} column(s) without a name are called by their position.")
    unique, repeated = unique_names(names)
    if repeated:
        notes.append(f"{len(repeated)} column name(s) occurred more than once and got a number.")
    return unique, tuple(notes)
