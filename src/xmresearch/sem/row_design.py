"""How rows were sampled: design weights and clusters, as far as estimates and their sandwich need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.drawn import LEAST_CLUSTERS
from xmresearch.data.weights import positive_weights
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.sem.inputs import column_of

Array = NDArray[np.float64]
type Columns = tuple[str | None, str | None]


@dataclass(frozen=True, repr=False)
class RowDesign(Shown):
    """How one group's rows were sampled.

    Attributes
    ----------
    weights : ndarray or None
        Design weights that add up to the number of rows over all groups together, shape (n,); None where all are equal.
    clusters : ndarray of int or None
        Cluster of each row, by a number that is the same in all groups, shape (n,); None where rows were drawn one by one.
    """

    weights: Array | None = None
    clusters: NDArray[np.int64] | None = None

    @property
    def plain(self) -> bool:
        """Whether rows were drawn one by one, all with the same chance."""
        return self.weights is None and self.clusters is None

    @property
    def count(self) -> int:
        """Number of clusters; 0 where there are none."""
        return 0 if self.clusters is None else len(np.unique(self.clusters))

    def moments(self, rows: Array) -> tuple[float, Array, Array]:
        """Return the sum of the weights, and weighted means (p,) and covariances (p, p) of complete rows."""
        weights = np.ones(len(rows)) if self.weights is None else self.weights
        total = float(weights.sum())
        mean = weights @ rows / total
        centred = rows - mean
        return total, mean, (centred * weights[:, None]).T @ centred / total

    def weighted(self, scores: Array) -> Array:
        """Return scores (n, q) times the weights."""
        return scores if self.weights is None else scores * self.weights[:, None]

    def units(self, scores: Array) -> Array:
        """Return the weighted scores of what was drawn: of every row, or summed by cluster; shape (units, q)."""
        made = self.weighted(scores)
        if self.clusters is None:
            return made
        _, codes = np.unique(self.clusters, return_inverse=True)
        sums = np.zeros((self.count, made.shape[1]))
        np.add.at(sums, codes.reshape(-1), made)
        return sums

    def crossed(self, scores: Array) -> Array:
        """Return the summed cross products of the scores of what was drawn.

        Parameters
        ----------
        scores : ndarray
            Of every row, shape (n, q).

        Returns
        -------
        ndarray
            Shape (q, q). With G clusters it carries G / (G - 1), as in lavaan; rows alone carry no such factor.

        References
        ----------
        Muthen, B. O. & Satorra, A. (1995). Complex sample data in structural equation modeling. Sociological Methodology, 25,
        267-316. Asparouhov, T. (2005). Sampling weights in latent variable modeling. Structural Equation Modeling, 12, 411-434.
        """
        drawn = self.units(scores)
        products: Array = drawn.T @ drawn
        return products if self.clusters is None else products * (len(drawn) / (len(drawn) - 1))


PLAIN = RowDesign()


def require_design(data: object, sampled: Columns) -> None:
    """Refuse columns of a design that cannot be one.

    Parameters
    ----------
    data : DataFrame
        Rows; moments hold no design.
    sampled : pair of str or None
        Columns of weights and of clusters.

    Raises
    ------
    DataError
        A column is not there; a weight is no positive number; a cluster is blank; moments were given.
    InsufficientData
        Fewer than two clusters.
    """
    weights, cluster = sampled
    if weights is None and cluster is None:
        return
    if not isinstance(data, pd.DataFrame):
        raise DataError("Weights and clusters need rows; moments are not enough for them.")
    if weights is not None and weights == cluster:
        raise ModelError(f"'{weights}' is given as the weights and as the clusters.", "They are two columns.")
    if weights is not None:
        positive_weights(column_of(data, weights).reset_index(drop=True), weights)
    if cluster is not None:
        column = column_of(data, cluster)
        blank = column.isna().to_numpy()
        if blank.any():
            raise DataError(
                f"Cluster column '{cluster}' is blank in {int(blank.sum())} row(s), the first of them row {int(blank.argmax()) + 1}.",
                "Every respondent needs a cluster; give one who is alone a cluster of their own.",
            )
        if column.nunique() < LEAST_CLUSTERS:
            raise InsufficientData(
                f"Cluster column '{cluster}' has a single cluster; standard errors need at least {LEAST_CLUSTERS}.",
                "Leave the clusters out, or name another column.",
            )


def designs_of(
    groups: Sequence[str], tables: Sequence[pd.DataFrame], kept: Sequence[NDArray[np.bool_]], sampled: Columns
) -> list[RowDesign]:  # fmt: skip
    """Return the designs of the groups' usable rows.

    Parameters
    ----------
    groups : sequence of str
        Labels.
    tables : sequence of DataFrame
        Rows of each group, with columns that `require_design` has passed.
    kept : sequence of ndarray of bool
        Which of them are used.
    sampled : pair of str or None
        Columns of weights and of clusters.

    Returns
    -------
    list of RowDesign
        Weights are rescaled over all groups together, not within them, as in lavaan.

    Raises
    ------
    InsufficientData
        A group has fewer than two clusters.
    """
    weights, cluster = sampled
    made = [RowDesign() for _ in tables]
    if weights is not None:
        found = [
            pd.to_numeric(column_of(t, weights)).to_numpy(dtype=np.float64)[k]
            for t, k in zip(tables, kept, strict=True)
        ]
        scale = sum(len(w) for w in found) / sum(float(w.sum()) for w in found)
        made = [replace(d, weights=w * scale) for d, w in zip(made, found, strict=True)]
    if cluster is not None:
        columns = [column_of(t, cluster)[k] for t, k in zip(tables, kept, strict=True)]
        every = pd.Index(pd.concat(columns).unique())
        made = [replace(d, clusters=every.get_indexer(pd.Index(c))) for d, c in zip(made, columns, strict=True)]
        for label, design in zip(groups, made, strict=True):
            if design.count < LEAST_CLUSTERS:
                where = f"Group '{label}' has" if label else "The usable rows have"
                raise InsufficientData(
                    f"{where} {design.count} cluster(s) of '{cluster}'; standard errors need at least {LEAST_CLUSTERS}.",
                    "Clusters are units within a group: name a finer column, or leave the clusters out.",
                )
    return made


def span_groups(designs: Sequence[RowDesign]) -> bool:
    """Say whether some cluster has rows in several groups."""
    codes = [np.unique(d.clusters) for d in designs if d.clusters is not None]
    return bool(codes) and sum(len(c) for c in codes) > len(np.unique(np.concatenate(codes)))


def effective_rows(designs: Sequence[RowDesign], rows: int) -> float:
    """Return Kish's effective number of rows, (sum w)^2 / sum w^2; all of them without weights.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.
    """
    weights = [d.weights for d in designs if d.weights is not None]
    if not weights:
        return float(rows)
    every = np.concatenate(weights)
    return float(every.sum() ** 2 / (every**2).sum())
