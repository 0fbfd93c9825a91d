"""Names of columns as tools write them: blank, repeated, or over several lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xmresearch.data.delimited import NAMELESS


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
