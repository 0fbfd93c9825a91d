"""Moments: count, means and sums of squares and products. They add up, and hold no respondent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sufficient.partitions import Partition, over_partitions, partitions_of

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Derive = Callable[[Array], Mapping[str, Array]]

BATCH_ROWS = 100_000


@dataclass(frozen=True, repr=False)
class Moments(Shown):
    """First and second moments of the complete rows of some variables.

    Attributes
    ----------
    names : tuple of str
        Variable names, length p.
    n : int
        Complete rows.
    mean : ndarray
        Shape (p,).
    scatter : ndarray
        Shape (p, p): sums of squares and products about the mean.

    Notes
    -----
    `a + b` is what one pass over both sets of rows would give (Chan, Golub & LeVeque 1983).
    """

    names: tuple[str, ...]
    n: int
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, values: Array, names: Sequence[str]) -> Moments:
        """Reduce rows to moments, leaving out incomplete ones.

        Parameters
        ----------
        values : ndarray
            Shape (n, p); NaN is a blank.
        names : sequence of str
            Length p.

        Returns
        -------
        Moments
        """
        values = np.asarray(values, dtype=np.float64)
        blank = np.isnan(values).any(axis=1)
        complete = values[~blank] if blank.any() else values
        if len(complete) == 0:
            p = values.shape[1]
            return cls(tuple(names), 0, np.zeros(p), np.zeros((p, p)))
        mean = complete.mean(axis=0)
        centred = complete - mean
        return cls(tuple(names), len(complete), mean, centred.T @ centred)

    @classmethod
    def scan(cls, source: str | Path, columns: Sequence[str], *, scheduler: str | None = None) -> Moments:
        """Reduce a Parquet file, or a folder of them, to moments, a partition at a time.

        Parameters
        ----------
        source : str or Path
            The file or folder.
        columns : sequence of str
            Numeric columns; rows with a blank in one of them are left out.
        scheduler : str, optional
            Address of a Dask scheduler whose workers do it; see `xmresearch.sufficient.partitions.over_partitions`.

        Returns
        -------
        Moments
            The same bits with and without a scheduler.

        Raises
        ------
        DataError
            A column is missing or is not numeric.
        InsufficientData
            There are no rows.
        """
        found = over_partitions(partial(_of_part, columns=tuple(columns)), partitions_of(source), scheduler=scheduler)
        if found is None:
            raise InsufficientData("The data have no rows.")
        return found

    def __add__(self, other: Moments) -> Moments:
        """Pool two sets of rows."""
        if self.names != other.names:
            raise ValueError(f"moments of different variables do not add: {self.names} and {other.names}")
        n = self.n + other.n
        if n == 0:
            return self
        step = other.mean - self.mean
        mean = self.mean + step * (other.n / n)
        scatter = self.scatter + other.scatter + np.outer(step, step) * (self.n * other.n / n)
        return Moments(self.names, n, mean, scatter)

    @property
    def cov(self) -> Array:
        """Unbiased covariance matrix, shape (p, p)."""
        if self.n < 2:
            raise InsufficientData(
                f"A covariance needs two complete rows of {', '.join(self.names)}; there are {self.n}."
            )
        return self.scatter / (self.n - 1)

    def transform(self, matrix: Array, names: Sequence[str]) -> Moments:
        """Return the moments of linear combinations.

        Parameters
        ----------
        matrix : ndarray
            Shape (q, p): one row of weights per new variable.
        names : sequence of str
            Length q.

        Returns
        -------
        Moments
        """
        return Moments(tuple(names), self.n, matrix @ self.mean, matrix @ self.scatter @ matrix.T)


def reduce_rows(source: pl.LazyFrame, columns: Sequence[str], derive: Derive) -> dict[str, Moments]:
    """Stream a table once, in bounded memory, into the moments of derived variables.

    Parameters
    ----------
    source : polars.LazyFrame
        Such as `xmresearch.data.readers.scan_survey` gives.
    columns : sequence of str
        Columns to read, all numeric.
    derive : callable
        From a batch of shape (rows, len(columns)), NaN for blanks, to named blocks of shape (rows, p).

    Returns
    -------
    dict of str to Moments
        One per block, over all rows that are complete in that block.

    Raises
    ------
    DataError
        A column is missing or is not numeric.
    InsufficientData
        The table has no rows.

    References
    ----------
    Chan, T. F., Golub, G. H. & LeVeque, R. J. (1983). Algorithms for computing the sample variance. The American Statistician,
    37(3), 242-247.
    """
    total: dict[str, Moments] = {}
    batches = _numbers(source, columns).collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming")
    for batch in batches:
        if batch.is_empty():
            continue
        values = batch.to_numpy()
        for key, block in derive(values).items():
            part = Moments.of(block, [f"{key}.{j}" for j in range(block.shape[1])])
            total[key] = total[key] + part if key in total else part
    if not total:
        raise InsufficientData("The data have no rows.")
    return total


def _numbers(source: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """Return numeric columns as float64, or raise DataError."""
    import polars as pl

    schema = source.collect_schema()
    for name in columns:
        if name not in schema:
            raise DataError(f"The data have no column '{name}'.", nearest(name, schema.names()))
        if not schema[name].is_numeric():
            raise DataError(f"Column '{name}' is of type {schema[name]}, not numeric.")
    return source.select(pl.col(list(columns)).cast(pl.Float64))


def _of_part(part: Partition, columns: tuple[str, ...]) -> Moments:
    """Reduce a partition in batches that depend on its rows alone."""
    table = _numbers(part.scan(), columns).collect(engine="in-memory")
    total = Moments.of(table[:BATCH_ROWS].to_numpy(), columns)
    for first in range(BATCH_ROWS, len(table), BATCH_ROWS):
        total += Moments.of(table[first : first + BATCH_ROWS].to_numpy(), columns)
    return total
