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

Marks = NDArray[np.bool_]


def hidden_counts(counts: NDArray[Any], min_cell: float) -> Marks:
    """Choose which of counts with a known total to hide.

    Parameters
    ----------
    counts : ndarray
        People (or journeys, answers) in each group, shape (n,); together they are the total, which is shown.
    min_cell : float
        Smallest count that may be shown; 0 always may.

    Returns
    -------
    ndarray of bool
        Shape (n,): small counts, and the next larger ones as far as they are needed.
    """
    counted = counts > 0
    hidden = counted & (counts < min_cell)
    while hidden.any() and (hidden.sum() == 1 or counts[hidden].sum() < min_cell) and (counted & ~hidden).any():
        hidden[int(np.where(counted & ~hidden, counts, np.inf).argmin())] = True
    return np.asarray(hidden)


def hidden_groups(groups: Mapping[str, Sequence[Marks]], min_cell: int) -> dict[str, Marks]:
    """Choose which groups of several columns to hide so that no small one can be worked out.

    Parameters
    ----------
    groups : mapping of str to sequence of ndarray of bool
        By column: the people of each of its groups, which together are everybody.
    min_cell : int
        Smallest group that may be known.

    Returns
    -------
    dict of str to ndarray of bool
        By column: which groups to hide. Those of `hidden_counts`; and, where published groups of one column lie within a
        published group of another and leave a small remainder, the smallest of them.
    """
    sizes = {s: np.array([int(g.sum()) for g in members]) for s, members in groups.items()}
    hidden = {s: hidden_counts(n, min_cell) for s, n in sizes.items()}
    while True:
        before = {s: h.copy() for s, h in hidden.items()}
        for outer, inner in permutations(groups, 2):
            for a in np.flatnonzero(~hidden[outer]).tolist():
                whole = groups[outer][a]
                inside = [b for b in np.flatnonzero(~hidden[inner]).tolist() if not (groups[inner][b] & ~whole).any()]
                rest = int(whole.sum()) - sum(int(sizes[inner][b]) for b in inside)
                if inside and 0 < rest < min_cell:
                    hidden[inner][min(inside, key=lambda b: int(sizes[inner][b]))] = True
        for segment, mark in hidden.items():
            hidden[segment] = mark | _completed(mark, sizes[segment], min_cell)
        if all((hidden[s] == before[s]).all() for s in hidden):
            return hidden


def _completed(hidden: Marks, sizes: NDArray[np.int64], min_cell: int) -> Marks:
    """Hide further groups until those hidden cannot be worked out from the total."""
    mark, counted = hidden.copy(), sizes > 0
    while (
        (mark & counted).any()
        and (counted & ~mark).any()
        and ((mark & counted).sum() == 1 or sizes[mark].sum() < min_cell)
    ):
        mark[int(np.where(counted & ~mark, sizes, np.iinfo(np.int64).max).argmin())] = True
    return mark


def unnamed(sizes: Mapping[str, float], min_cell: int) -> list[str]:
    """Return the groups that may not even be named: those with fewer people than may be shown.

    Parameters
    ----------
    sizes : mapping of str to float
        People in each group.
    min_cell : int
        Smallest group that may be shown.

    Returns
    -------
    list of str
    """
    return [name for name, size in sizes.items() if size < min_cell]
