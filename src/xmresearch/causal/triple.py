"""Triple differences: rows that a change could affect against rows of the same unit and period that it could not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.causal.concerns import Concern
from xmresearch.causal.laid_out import laid_out
from xmresearch.causal.panel import Panel
from xmresearch.disclosure import called
from xmresearch.errors import DataError, brief, nearest
from xmresearch.sufficient.cells import Cells

if TYPE_CHECKING:
    import polars as pl


def triple_panel(
    data: pd.DataFrame | pl.LazyFrame,
    third: str,
    family: str,
    treated_from: Any = None,
    treated_units: Collection[Any] | None = None,
    **columns: Any,
) -> Panel:
    """Lay out the difference of two sides by unit and period, in a streamed pass per side.

    Parameters
    ----------
    data : DataFrame or polars.LazyFrame
        Rows.
    third : str
        Column of 1 (rows that the change could affect) and 0 (rows that it could not).
    family : str
        Kind of outcome.
    treated_from, treated_units
        As `Panel.of` takes them.
    **columns
        As `Cells.of` takes them.

    Returns
    -------
    Panel
        Of differences, with the two sides; cells that lack one have no difference.

    Raises
    ------
    DataError
        The column is missing or holds something else, or a unit never has both sides.

    References
    ----------
    Olden, A. & Moen, J. (2022). The triple difference estimator. The Econometrics Journal, 25(3), 531-553.
    """
    source = _lazy(data, third)
    affected, other = (Cells.of(source(code), **columns) for code in (1, 0))
    whole = Panel.of(affected + other, family, treated_from, treated_units)
    sides = _side(whole, affected), _side(whole, other)
    lone = (sides[0].n > 0) != (sides[1].n > 0)
    never = ~((sides[0].n > 0) & (sides[1].n > 0)).any(axis=1)
    if never.any():
        u = int(np.argmax(never))
        empty = next((code for code, side in zip((1, 0), sides, strict=True) if not side.n[u].any()), None)
        what = "never has both sides in one period" if empty is None else f"has no row with {third} = {empty}"
        raise DataError(
            f"{called('Unit', whole.units[u], float(whole.n[u].sum()))} {what}; {never.sum()} unit(s) are so.",
            f"Each unit needs rows with {third} = 1 and 0 in a period before and one after; leave such units out.",
        )
    concerns = whole.concerns
    if lone.any():
        concerns += (Concern("one_sided", {"cells": int(lone.sum()), "units": int(lone.any(axis=1).sum())}),)
    return replace(whole, third=third, sides=sides, concerns=concerns).scored(whole.measure)


def _lazy(data: pd.DataFrame | pl.LazyFrame, third: str) -> Any:
    """Return what gives the rows of one side, after a look at what the column holds."""
    if isinstance(data, pd.DataFrame):
        if third not in data.columns:
            raise DataError(f"The data have no column '{third}'.", nearest(third, data.columns))
        held = pd.unique(data[third]).tolist()
    else:
        import polars as pl

        data = data.lazy()
        names = data.collect_schema().names()
        if third not in names:
            raise DataError(f"The data have no column '{third}'.", nearest(third, names))
        held = data.select(pl.col(third).unique()).collect(engine="streaming")[third].to_list()
    odd = [v for v in held if pd.isna(v) or v not in (0, 1)]
    if odd:
        raise DataError(
            f"Column '{third}' holds {brief(repr(odd[0]))}.",
            "It is 1 for rows that the change could affect, 0 for others.",
        )
    if len(held) < 2:
        raise DataError(
            f"Column '{third}' is {brief(repr(held[0]))} in every row.",
            "Triple differences need rows with 1 and with 0.",
        )
    if isinstance(data, pd.DataFrame):
        frame = data
        return lambda code: frame[(frame[third] == code).to_numpy()]
    lazy = data
    return lambda code: lazy.filter(pl.col(third).cast(pl.Float64) == code)


def _side(whole: Panel, cells: Cells) -> Panel:
    """Return one side in the layout of both."""
    unit, time = (
        np.array([place.get(label, -1) for label in labels], dtype=np.int64)
        for place, labels in (
            ({label: k for k, label in enumerate(whole.units.tolist())}, cells.units.tolist()),
            ({label: k for k, label in enumerate(whole.periods.labels)}, cells.periods.labels),
        )
    )
    laid = laid_out(cells, (unit[cells.unit], time[cells.time]), whole.n.shape, whole.categories)
    return replace(whole, **laid, concerns=()).scored(whole.measure)
