"""Weights of rows and the clusters that they come in, as far as estimates and their standard errors need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief
from xmresearch.sem.inputs import column_of

Array = NDArray[np.float64]
LEAST_CLUSTERS = 2


@dataclass(frozen=True, repr=False)
class RowDesign(Shown):
    """How the rows of one group were drawn.

    Attributes
    ----------
    weights : ndarray
        Shape (n,); over all groups their mean is 1, as in lavaan.
    clusters : ndarray of int or None
        Cluster of each row, shape (n,), counted from 0; None where every row is its own.
    """

    weights: Array
    clusters: NDArray[np.int64] | None

    @property
    def n_clusters(self) -> int:
        """Clusters, or rows where there are none."""
        return len(self.weights) if self.clusters is None else int(self.clusters.max()) + 1

    def contributions(self, scores: Array) -> Array:
        """Return what each independent unit adds to a sum of rows' scores.

        Parameters
        ----------
        scores : ndarray
            Shape (n, k).

        Returns
        -------
        ndarray
            Weighted scores, shape (n, k); of clusters their sums times sqrt(G / (G - 1)), shape (G, k).
        """
        weighted = scores * self.weights[:, None]
        if self.clusters is None:
            return np.asarray(weighted)
        count = self.n_clusters
        sums = np.zeros((count, scores.shape[1]))
        np.add.at(sums, self.clusters, weighted)
        return np.asarray(sums * np.sqrt(count / (count - 1)))


def contributions(design: RowDesign | None, scores: Array) -> Array:
    """Return what each independent unit adds to a sum of rows' scores; the scores themselves without a design."""
    return scores if design is None else design.contributions(scores)


def row_designs(
    tables: Sequence[pd.DataFrame], kept: Sequence[NDArray[np.bool_]], weights: str | None, cluster: str | None
) -> list[RowDesign | None]:
    """Read the design of the rows used.

    Parameters
    ----------
    tables : sequence of DataFrame
        By group.
    kept : sequence of ndarray of bool
        Rows of each that are used.
    weights, cluster : str or None
        Columns.

    Returns
    -------
    list of RowDesign or None
        By group; None where neither column is named.

    Raises
    ------
    DataError
        A column is not there; a weight is not above 0, or a cluster blank.
    InsufficientData
        Fewer than two clusters in a group.

    References
    ----------
    Muthén, B. & Satorra, A. (1995). Complex sample data in structural equation modeling. Sociological Methodology, 25, 267-316.
    """
    if weights is None and cluster is None:
        return [None] * len(tables)
    given: list[Array] = []
    codes: list[NDArray[np.int64] | None] = []
    for table, rows in zip(tables, kept, strict=True):
        used = table.loc[rows]
        given.append(_positive(column_of(used, weights), weights) if weights is not None else np.ones(len(used)))
        if cluster is None:
            codes.append(None)
            continue
        column = column_of(used, cluster)
        if column.isna().any():
            raise DataError(
                f"Cluster column '{cluster}' is blank in {int(column.isna().sum())} row(s).",
                "Give each of them its cluster, or a cluster of its own.",
            )
        at = pd.factorize(column)[0].astype(np.int64)
        if at.max() + 1 < LEAST_CLUSTERS:
            raise InsufficientData(
                f"Cluster column '{cluster}' has a single cluster{' in a group' if len(tables) > 1 else ''}; standard errors need "
                "several.",
                "Leave out the cluster column, or the group.",
            )
        codes.append(at)
    scale = sum(map(len, given)) / sum(float(w.sum()) for w in given)
    return [RowDesign(w * scale, c) for w, c in zip(given, codes, strict=True)]


def _positive(column: pd.Series, name: str) -> Array:
    w = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64")
    wrong = ~(np.isfinite(w) & (w > 0))
    if wrong.any():
        raise DataError(
            f"Weight column '{name}': '{brief(column.iloc[int(wrong.argmax())])}' is not a positive number "
            f"({int(wrong.sum())} such row(s)).",
            "Every respondent needs a weight above zero.",
        )
    return np.asarray(w)
