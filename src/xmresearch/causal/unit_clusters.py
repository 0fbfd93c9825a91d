"""Clusters above the unit: which units share shocks, and what that leaves of their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, InsufficientData, nearest

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def unit_clusters(data: pd.DataFrame | pl.LazyFrame, name: str, unit: str, units: NDArray[Any]) -> Index:
    """Return the cluster that each unit lies in.

    Parameters
    ----------
    data : DataFrame or polars.LazyFrame
        Rows.
    name, unit : str
        Columns of the cluster and of the unit.
    units : ndarray
        Labels of the units, shape (U,).

    Returns
    -------
    ndarray
        Codes from 0 on, shape (U,).

    Raises
    ------
    DataError
        There is no such column, it is blank, or changes within a unit.
    """
    import polars as pl

    columns = list(data.columns) if isinstance(data, pd.DataFrame) else data.collect_schema().names()
    if name not in columns:
        raise DataError(f"The data have no column '{name}'.", nearest(name, columns))
    rows = pl.from_pandas(data[[unit, name]]).lazy() if isinstance(data, pd.DataFrame) else data.select(unit, name)
    held: pd.DataFrame = rows.unique().collect(engine="streaming").to_pandas()
    held = held[held[unit].isin(units.tolist())]
    if held[name].isna().any():
        raise DataError(f"Column '{name}' is blank in some rows.", "Every row needs its cluster.")
    if held[unit].duplicated().any():
        changing = held.loc[held[unit].duplicated(), unit].nunique()
        raise DataError(f"Column '{name}' changes within {changing} unit(s).", "A cluster holds whole units.")
    place = dict(zip(held[unit].tolist(), held[name].tolist(), strict=True))
    return np.asarray(pd.factorize(pd.Series([place[label] for label in units.tolist()]), sort=True)[0], dtype=np.int64)


def sums_by_cluster(rows: Array, cluster: Index, clusters: int | None = None) -> Array:
    """Return sums over the rows of each cluster.

    Parameters
    ----------
    rows : ndarray
        Shape (U, k).
    cluster : ndarray
        Of each row, from 0 on, shape (U,).
    clusters : int, optional
        How many there are; as many as the largest code says if left out.

    Returns
    -------
    ndarray
        Shape (clusters, k).
    """
    out = np.zeros((int(cluster.max()) + 1 if clusters is None else clusters, rows.shape[1]))
    np.add.at(out, cluster, rows)
    return out


def effective_clusters(cluster: Index, treated: NDArray[np.bool_]) -> float:
    """Return how many clusters of equal weight would tell as much as these of the difference between two arms.

    Parameters
    ----------
    cluster : ndarray
        Of each unit, shape (U,).
    treated : ndarray
        Which units are in the first arm, shape (U,).

    Returns
    -------
    float
        (sum v)^2 / sum v^2, where v is what a cluster's units add to the variance if units are alike.

    Raises
    ------
    InsufficientData
        The units of an arm lie in one cluster, whose shocks cannot be told from the change.

    References
    ----------
    Carter, A. V., Schnepel, K. T. & Steigerwald, D. G. (2017). Asymptotic behavior of a t-test robust to cluster heterogeneity.
    Review of Economics and Statistics, 99(4), 698-709.
    """
    groups = int(cluster.max()) + 1
    total = np.zeros(groups)
    for who, arm in (("treated", treated), ("untreated", ~treated)):
        if not arm.any():
            continue
        if len(np.unique(cluster[arm])) < 2:
            raise InsufficientData(
                f"The {who} units lie in one cluster, whose shocks cannot be told from the change.",
                "Cluster by the unit.",
            )
        total += np.bincount(cluster[arm], minlength=groups) / float(arm.sum()) ** 2
    return float(total.sum() ** 2 / (total**2).sum())
