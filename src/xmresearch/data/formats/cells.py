"""Cells as tools write them: words for no answer, and several answers in one cell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.cell_values import cell_text

_LONGEST = 15


def blank_words(frame: pd.DataFrame, words: Collection[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Blank the cells that hold a tool's word for no answer.

    Parameters
    ----------
    frame : DataFrame
        As read.
    words : collection of str
        Such as (空).

    Returns
    -------
    frame : DataFrame
        Columns that hold only numbers once those are blank are numbers.
    blanked : dict of str to int
        How many cells were blanked, by column.
    """
    blanked: dict[str, int] = {}
    new = {}
    for column in frame.columns:
        cells = frame[column]
        if not (cells.dtype == object or pd.api.types.is_string_dtype(cells)):
            continue
        hit = cells.isin(words)
        if hit.any():
            blanked[column] = int(hit.sum())
            new[column] = as_numbers(cells.mask(hit))
    return (frame.assign(**new) if new else frame), blanked


def rows_kept(frame: pd.DataFrame, keep: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows that are kept, numbered anew.

    Parameters
    ----------
    frame : DataFrame
        As read.
    keep : ndarray of bool
        Shape (n,).

    Returns
    -------
    DataFrame
        Column by column, which for many columns of numbers takes a fraction of the time of `DataFrame.loc`.
    """
    columns = [frame.iloc[:, k].array[keep] for k in range(frame.shape[1])]
    found = pd.DataFrame(dict(enumerate(columns)), index=pd.RangeIndex(int(keep.sum())), copy=False)
    found.columns = frame.columns
    found.attrs = dict(frame.attrs)
    return found


def as_numbers(cells: pd.Series) -> pd.Series:
    """Return a column as numbers where all of its cells are numbers of at most 15 digits; otherwise as it is."""
    texts = cells.dropna().astype("string")
    if texts.empty or texts.str.len().max() > _LONGEST:
        return cells
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers if int(numbers.notna().sum()) == len(texts) else cells


def told_apart(before: pd.Series, after: pd.Series, labels: Mapping[Any, str] | None = None) -> pd.Series:
    """Return what cells held that were blanked because it says that there is no answer.

    Parameters
    ----------
    before, after : Series
        A column as it was, and with those cells blank.
    labels : mapping, optional
        Labels of codes.

    Returns
    -------
    Series
        Label or text of each such cell, under its row; no other rows.
    """
    gone = before[before.notna() & after.isna()]
    names = {float(c): str(text) for c, text in (labels or {}).items() if isinstance(c, int | float)}
    said = {v: names.get(v) if isinstance(v, int | float) else None for v in gone.unique()}
    return gone.map({v: text or cell_text(v) for v, text in said.items()}).astype(object)


def joined_by(frame: pd.DataFrame, mark: str, *, least: int = 1) -> dict[str, tuple[str, ...]]:
    """Return the columns with several answers in one cell, as `Table.several` has them.

    Parameters
    ----------
    frame : DataFrame
        As read.
    mark : str
        What stands between answers.
    least : int
        In how many cells it must stand.

    Returns
    -------
    dict of str to tuple of str
        Column to itself.
    """
    found: dict[str, tuple[str, ...]] = {}
    for column in frame.columns:
        cells = frame[column]
        if (cells.dtype == object or pd.api.types.is_string_dtype(cells)) and (
            int(cells.astype("string").str.contains(mark, regex=False).sum()) >= least
        ):
            found[column] = (column,)
    return found


def by_stem(names: Collection[str], mark: str) -> dict[str, tuple[str, ...]]:
    """Return the questions of which several columns are options: those with one stem before a mark."""
    found: dict[str, list[str]] = {}
    for name in names:
        stem, there, _ = name.rpartition(mark)
        if there and stem:
            found.setdefault(stem, []).append(name)
    return {stem: tuple(options) for stem, options in found.items() if len(options) > 1}
