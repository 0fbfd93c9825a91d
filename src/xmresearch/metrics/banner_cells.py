"""Which cells of a banner table tell of too few people, and the table without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.disclosure import MIN_CELL, hidden_counts
from xmresearch.metrics.banner_tables import NESTED, TOTAL, BannerTable

Marks = NDArray[np.bool_]
_KEYS = ["question", "row", "kind", "block", "column"]
_BLANK = ("n", "n_eff", "estimate", "se")


def cell_counts(unweighted: BannerTable) -> pd.Series:
    """Return how many people each share of a banner table without weights stands for; NaN of means and blank cells."""
    table = unweighted.table
    counts = (table["estimate"] * table["n"]).round().where(table["kind"] != "mean")
    return pd.Series(counts.to_numpy(), index=pd.MultiIndex.from_frame(table[_KEYS]))


def without_small_cells(found: BannerTable, counts: pd.Series, min_cell: int = MIN_CELL) -> BannerTable:
    """Blank the shares that stand for too few people, and further ones from which they could be worked out.

    Parameters
    ----------
    found : BannerTable
        Weighted or not.
    counts : Series
        People behind each share; see `cell_counts`.
    min_cell : int
        Fewest people that a share may stand for, besides nobody.

    Returns
    -------
    BannerTable
        Blank cells have no letters, and none is compared with them. Within a row the columns of a block (or, nested, of each outer value)
        are judged together, as they add up to what stands elsewhere; where an outer column is hidden, one nested in it is.

    References
    ----------
    Hundepool, A., Domingo-Ferrer, J., Franconi, L., Giessing, S., Schulte Nordholt, E., Spicer, K. & de Wolf, P.-P. (2012). Statistical
    disclosure control. Wiley (chapter 4).
    """
    table = found.table.copy()
    number = counts.reindex(pd.MultiIndex.from_frame(table[_KEYS])).to_numpy(dtype="float64")
    outer = [
        c.rpartition(NESTED)[0] if NESTED in b else "" for b, c in zip(table["block"], table["column"], strict=True)
    ]
    away = np.zeros(len(table), dtype=bool)
    judged = table.assign(outer=outer)[np.isfinite(number)]
    for at in judged.groupby(["question", "row", "kind", "block", "outer"], sort=False).indices.values():
        rows = np.flatnonzero(np.isfinite(number))[at]
        alone = table["block"].iloc[rows[0]] == TOTAL or len(rows) < 2
        few = number[rows]
        away[rows] = (few > 0) & (few < min_cell) if alone else hidden_counts(few, min_cell)
    _hide_within_hidden(table, number, away)
    table.loc[away, list(_BLANK)] = np.nan
    gone = _letters(table[away])
    table["above"] = [
        "" if hide else _kept(letters, gone.get((q, r, k, b), set()))
        for letters, hide, q, r, k, b in zip(
            table["above"], away, table["question"], table["row"], table["kind"], table["block"], strict=True
        )
    ]
    tests = found.tests
    lost = [
        bool({t.first, t.second} & gone.get((t.question, t.row, t.kind, t.block), set())) for t in tests.itertuples()
    ]
    return replace(found, table=table, tests=tests[~np.array(lost, dtype=bool)].reset_index(drop=True))


def _hide_within_hidden(table: pd.DataFrame, number: NDArray[np.float64], away: Marks) -> None:
    """Hide a nested column of every outer one that is hidden, so that the outer one is not their sum."""
    place = {tuple(key): at for at, key in enumerate(table[_KEYS].itertuples(index=False, name=None))}
    nested: dict[tuple[int, int], list[int]] = {}
    for at, (question, row, kind, block, column) in enumerate(table[_KEYS].itertuples(index=False, name=None)):
        over = place.get((question, row, kind, block.rpartition(NESTED)[0], column.rpartition(NESTED)[0]))
        if over is not None and number[at] > 0:
            nested.setdefault((block.count(NESTED), over), []).append(at)
    for (_, over), within in sorted(nested.items()):
        if away[over] and not away[within].any():
            away[min(within, key=lambda k: number[k])] = True


def _letters(hidden: pd.DataFrame) -> Mapping[tuple[str, str, str, str], set[str]]:
    gone: dict[tuple[str, str, str, str], set[str]] = {}
    for row in hidden.itertuples():
        gone.setdefault((str(row.question), str(row.row), str(row.kind), str(row.block)), set()).add(str(row.letter))
    return gone


def _kept(letters: str, gone: set[str]) -> str:
    return "".join(c for c in letters if c not in gone) if gone else letters


def joined_levels(counts: NDArray[np.float64], min_cell: int = MIN_CELL) -> list[list[int]]:
    """Put neighbouring answers together until each has enough people, or nobody, in every column.

    Parameters
    ----------
    counts : ndarray
        People by answer, in order, and column; shape (answers, columns).
    min_cell : int
        Fewest people.

    Returns
    -------
    list of list of int
        Positions of the answers of each block, in order; an answer that nobody gave stays alone where it may.
    """

    def enough(block: Sequence[int]) -> bool:
        total = counts[list(block)].sum(axis=0)
        return bool(((total == 0) | (total >= min_cell)).all())

    blocks: list[list[int]] = []
    run: list[int] = []
    for level in range(len(counts)):
        run.append(level)
        if enough(run):
            blocks.append(run)
            run = []
    while run:
        if enough(run) or not blocks:
            return [*blocks, run]
        run = blocks.pop() + run
    return blocks
