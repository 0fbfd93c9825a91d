"""What is known of a population: people in the categories of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, brief, nearest
from xmresearch.sampling.designs import Design

Array = NDArray[np.float64]


def category_names(column: pd.Series) -> pd.Series:
    """Return the categories of a column as text without outer spaces; whole numbers have no decimals.

    Parameters
    ----------
    column : Series
        Any values.

    Returns
    -------
    Series
        Of text; blanks stay blank.
    """
    whole = pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all()
    return (column.astype("Int64") if whole else column).astype("string").str.strip()


def targets(
    design: Design, name: str, counts: Mapping[Any, float], size: float | None
) -> tuple[Array, list[str], Array]:
    """Return the dummies of a column, its levels and their population counts.

    Parameters
    ----------
    design : Design
        Of the sample.
    name : str
        Column.
    counts : mapping
        People in each category; shares, where their sum is 1.
    size : float or None
        Size of the population, for shares.

    Returns
    -------
    dummies : ndarray
        Shape (n, k).
    levels : list of str
        The categories.
    target : ndarray
        Shape (k,).

    Raises
    ------
    DataError
        A category of the data has no count, or one of the population has nobody in the data; a blank; shares that do not add up.
    """
    if name not in design.frame.columns:
        raise DataError(f"margins: the sample has no column '{name}'.", nearest(name, map(str, design.frame.columns)))
    column = design.frame[name]
    if column.isna().any():
        raise DataError(
            f"margins: column '{name}' is blank in {int(column.isna().sum())} row(s), which then have no margin.",
            "Fill it, or give the blanks a category of their own.",
        )
    texts = category_names(column)
    wanted = {str(k).strip(): float(v) for k, v in counts.items()}
    bad = [k for k, v in wanted.items() if not (np.isfinite(v) and v > 0)]
    if bad:
        raise DataError(
            f"margins: '{name}', '{brief(bad[0])}' is not above 0.", "Leave out categories without anybody."
        )
    unknown = sorted(set(texts.unique()) - set(wanted))
    empty = sorted(set(wanted) - set(texts.unique()))
    if unknown:
        raise DataError(
            f"margins: '{name}' names no target for {len(unknown)} categories of the data: "
            f"{', '.join(repr(brief(u)) for u in unknown[:5])}.",
            f"Named are {', '.join(repr(brief(k)) for k in list(wanted)[:8])}.",
        )
    if empty:
        raise DataError(
            f"margins: nobody in the data is in {', '.join(repr(brief(e)) for e in empty[:5])} of '{name}'.",
            "No weight can stand for people of whom there is none: put that category together with another.",
        )
    levels = list(wanted)
    given = np.array([wanted[v] for v in levels])
    if size is not None and given.sum() <= 1 + 1e-6:
        if abs(given.sum() - 1) > 1e-3:
            raise DataError(f"margins: the shares of '{name}' add up to {given.sum():g}, not 1.", "Correct the shares.")
        given = given / given.sum() * size
    dummies = np.stack([(texts == v).to_numpy(dtype="float64") for v in levels], axis=1)
    return dummies, levels, given


def margins_of(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the shares of the categories of a table, as margins are given.

    Parameters
    ----------
    frame : DataFrame
        Such as a census extract with one row per person.
    names : sequence of str
        Its columns.

    Returns
    -------
    dict of str to dict
        Shares by column and category.

    References
    ----------
    Deming, W. E. & Stephan, F. F. (1940). Annals of Mathematical Statistics, 11, 427-444.
    """
    return {name: category_names(frame[name]).value_counts(normalize=True).sort_index().to_dict() for name in names}
