"""Who and what is too small to show: one rule for every study, table, figure and file.

A group of fewer people than `min_cell` is shown nowhere, nor is its name. A figure of such a group is blank; and so that it cannot
be worked out from a total, further ones are blank until at least two are, and until those together are `min_cell` people.

References
----------
Hundepool, A., Domingo-Ferrer, J., Franconi, L., Giessing, S., Schulte Nordholt, E., Spicer, K. & de Wolf, P.-P. (2012).
Statistical disclosure control. Wiley (chapter 4: primary and secondary suppression of tables).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import brief

Marks = NDArray[np.bool_]
MIN_CELL = 10
"""Fewest people that anything may be said of, whatever params allow."""


def hidden_counts(counts: NDArray[Any], min_cell: float, also: Marks | None = None) -> Marks:
    """Choose which of counts with a known total to hide.

    Parameters
    ----------
    counts : ndarray
        People (or journeys, answers) in each group, shape (n,); together they are the total, which is shown.
    min_cell : float
        Smallest count that may be shown; 0 always may.
    also : ndarray of bool, optional
        Further ones that are hidden for another reason.

    Returns
    -------
    ndarray of bool
        Shape (n,): small counts, those also hidden, and the next larger ones as far as they are needed.
    """
    counted = counts > 0
    hidden = counted & (counts < min_cell)
    if also is not None:
        hidden |= also & counted
    while hidden.any() and (hidden.sum() == 1 or counts[hidden].sum() < min_cell) and (counted & ~hidden).any():
        hidden[int(np.where(counted & ~hidden, counts, np.inf).argmin())] = True
    return np.asarray(hidden)


def hidden_groups(
    groups: Mapping[str, Sequence[Marks]], min_cell: int, people: NDArray[Any] | None = None
) -> dict[str, Marks]:
    """Choose which groups of several columns to hide so that no small one can be worked out.

    Parameters
    ----------
    groups : mapping of str to sequence of ndarray of bool
        By column: the people of each of its groups, which together are everybody.
    min_cell : int
        Smallest group that may be known.
    people : ndarray, optional
        How many people each element of the groups stands for; one each if absent.

    Returns
    -------
    dict of str to ndarray of bool
        By column: which groups to hide. Those of `hidden_counts`; and, where published groups of one column lie within a
        published group of another and leave a small remainder, the smallest of them.
    """

    def size(members: Marks) -> int:
        return int(members.sum() if people is None else people[members].sum())

    sizes = {s: np.array([size(g) for g in members]) for s, members in groups.items()}
    hidden = {s: hidden_counts(n, min_cell) for s, n in sizes.items()}
    while True:
        before = {s: h.copy() for s, h in hidden.items()}
        for outer, inner in permutations(groups, 2):
            for a in np.flatnonzero(~hidden[outer]).tolist():
                whole = groups[outer][a]
                open_ = np.flatnonzero(~hidden[inner] & (sizes[inner] > 0)).tolist()
                inside = [b for b in open_ if not (groups[inner][b] & ~whole).any()]
                rest = size(whole) - sum(int(sizes[inner][b]) for b in inside)
                if inside and 0 < rest < min_cell:
                    hidden[inner][min(inside, key=lambda b: int(sizes[inner][b]))] = True
        for segment, mark in hidden.items():
            hidden[segment] = hidden_counts(sizes[segment], min_cell, mark)
        if all((hidden[s] == before[s]).all() for s in hidden):
            return hidden


def telling(sizes: Mapping[str, int]) -> str:
    """Say which groups are meant, in an error: those that may be named with their sizes, and how many others.

    Parameters
    ----------
    sizes : mapping of str to int
        People in each group, by its name; at least one group.

    Returns
    -------
    str
        Such as "'north' (12) and 2 others of fewer than 10".
    """
    named = [f"'{brief(name)}' ({size})" for name, size in sizes.items() if size >= MIN_CELL]
    unnamed = len(sizes) - len(named)
    others = f"{unnamed} {'other' if named else 'group'}{'s' if unnamed > 1 else ''} of fewer than {MIN_CELL}"
    return " and ".join([*([", ".join(named)] if named else []), *([others] if unnamed else [])])


def called(what: str, name: object, people: float) -> str:
    """Name a group in an error, unless it is too small to be known.

    Parameters
    ----------
    what : str
        What it is, such as 'branch'.
    name : object
        Its name.
    people : float
        How many it has.

    Returns
    -------
    str
        Such as 'branch north', or 'branch (not named: fewer than 10 rows)'.
    """
    return f"{what} {brief(name)}" if people >= MIN_CELL else f"{what} (not named: fewer than {MIN_CELL} rows)"
