"""Rows laid out by unit and period for a two-way regression, with the clusters that they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.adoption import first_treated
from xmresearch.causal.unit_clusters import unit_clusters
from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.sufficient.cells import Cells

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Table(Shown):
    """Unit means by period with treatment and clusters.

    Attributes
    ----------
    units, periods : ndarray, tuple
        Labels, of lengths U and T.
    value, weight : ndarray
        Means, and what each counts (rows or their weights); 0 and 0 where a unit is not seen. Shape (U, T).
    treated : ndarray
        1 where the unit is treated in that period, shape (U, T).
    start : ndarray
        Position of each unit's first treated period, T for never, shape (U,).
    clusters : dict of str to ndarray
        By column, the cluster of each cell that is seen, from 0 on, units being the slower index; shape (cells,).
    rows, cells : int
        Counts.
    """

    units: NDArray[Any]
    periods: tuple[Any, ...]
    value: Array
    weight: Array
    treated: Array
    start: Index
    clusters: dict[str, Index]
    rows: int
    cells: int


def two_way_table(
    data: pd.DataFrame | pl.LazyFrame, outcome: str, unit: str, time: str, treated: str | None, cohort: str | None,
    weights: str | None, clusters: tuple[str, ...],
) -> Table:  # fmt: skip
    """Lay rows out.

    Parameters
    ----------
    data : DataFrame or polars.LazyFrame
        Rows.
    outcome, unit, time, treated, cohort, weights : str or None
        Columns, as `two_way_effects` takes them.
    clusters : tuple of str
        Columns of clusters.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        A column is missing or holds what it cannot; treatment or a cluster differs within a unit and period.
    """
    cells = Cells.of(data, outcome=outcome, unit=unit, time=time, cohort=cohort, treated=treated, weights=weights)
    shape, at = cells.shape, (cells.unit, cells.time)
    if len(np.unique(cells.unit * shape[1] + cells.time)) < len(cells.unit):
        name = treated or cohort
        raise DataError(
            f"Column '{name}' differs within a unit and period.", "Give each arm of a unit its own label of the unit."
        )
    value, weight, on = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    value[at], weight[at] = cells.mean, cells.n if cells.size is None else cells.size
    if cohort is not None:
        start = first_treated(cells)
        on[:] = np.arange(shape[1]) >= start[:, None]
    else:
        marks = pd.to_numeric(pd.Series(list(cells.arms)), errors="coerce").to_numpy(dtype=float)
        if not np.isin(marks, (0.0, 1.0)).all():
            raise DataError(
                f"Column '{treated}' holds other values than 0 and 1.", "Code it as 1 for treated, 0 for not."
            )
        on[at] = marks[cells.arm]
        start = np.where(on.any(axis=1), on.argmax(axis=1), shape[1])
    seen = weight > 0
    found = {
        name: unit_clusters(data, name, unit, cells.units)[np.nonzero(seen)[0]]
        if name not in (unit, time)
        else np.nonzero(seen)[name == time]
        for name in clusters
    }
    return Table(
        cells.units,
        tuple(cells.periods.labels),
        value,
        weight,
        on * seen,
        start,
        found,
        int(cells.n.sum()),
        int(seen.sum()),
    )
