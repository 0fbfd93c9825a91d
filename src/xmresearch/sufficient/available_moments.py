"""Moments of variables that have blanks, each pair over the rows that have both; and of complete rows of streamed answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.display import Shown
from xmresearch.sufficient.moments import Moments

Array = NDArray[np.float64]
Score = Callable[[pd.DataFrame], Array]


@dataclass(frozen=True, repr=False)
class AvailableMoments(Shown):
    """What means, and covariances of means, of variables with blanks are made of.

    Attributes
    ----------
    centre : ndarray
        What sums are about, shape (K,).
    n : ndarray
        Rows that have both variables, shape (K, K).
    total : ndarray
        Sum of the first over the rows that have both, shape (K, K).
    product : ndarray
        Sum of their products over these rows, shape (K, K).

    Notes
    -----
    `a + b` is what one pass over both sets of rows would give, if they are about the same centre.
    """

    centre: Array
    n: Array
    total: Array
    product: Array

    @classmethod
    def of(cls, values: Array, centre: Array) -> AvailableMoments:
        """Reduce rows, shape (n, K); NaN is a blank."""
        blank = np.isnan(values)
        x = np.where(blank, 0.0, values - centre)
        there = (~blank).astype(np.float64)
        return cls(centre, there.T @ there, x.T @ there, x.T @ x)

    def __add__(self, other: AvailableMoments) -> AvailableMoments:
        """Pool two sets of rows."""
        if not np.array_equal(self.centre, other.centre):
            raise ValueError("moments about different centres do not add")
        return replace(self, n=self.n + other.n, total=self.total + other.total, product=self.product + other.product)

    def __len__(self) -> int:
        return len(self.centre)

    def __getitem__(self, key: tuple[slice, Any]) -> AvailableMoments:
        """Return the moments of some of the variables, as columns of rows are taken: moments[:, columns]."""
        return self.of_columns(np.arange(len(self))[key[1]])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows that have the most answered variable, and variables."""
        return int(np.diag(self.n).max(initial=0)), len(self)

    def of_columns(self, columns: Sequence[int] | NDArray[np.int64]) -> AvailableMoments:
        """Return the moments of some of the variables."""
        at = np.asarray(columns)
        pair = np.ix_(at, at)
        return AvailableMoments(self.centre[at], self.n[pair], self.total[pair], self.product[pair])

    def mean_products(self) -> tuple[NDArray[np.int64], Array, Array]:
        """Return rows, means, and sums of products of deviations from the means over rows that have both.

        Returns
        -------
        n : ndarray of int
            Shape (K,).
        mean : ndarray
            Shape (K,).
        products : ndarray
            Shape (K, K).
        """
        n = np.diag(self.n)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.diag(self.total) / n
        products = self.product - self.total * mean - self.total.T * mean[:, None] + self.n * np.outer(mean, mean)
        return n.astype(np.int64), self.centre + mean, products


def scored(rows: pd.DataFrame | StreamedAnswers, score: Score) -> Any:
    """Score rows: of a table the values, shape (n, K); of streamed answers what these are reduced to.

    Parameters
    ----------
    rows : DataFrame or StreamedAnswers
        The survey's rows.
    score : callable
        From rows to values, shape (rows, K); NaN is a blank.

    Returns
    -------
    ndarray or AvailableMoments
        Either is what `xmresearch.inference.estimates` takes.
    """
    return available(rows, score)[""] if isinstance(rows, StreamedAnswers) else score(rows)


def available(answers: StreamedAnswers, score: Score, by: str | None = None) -> dict[str, AvailableMoments]:
    """Reduce what is made of each block of streamed answers.

    Parameters
    ----------
    answers : StreamedAnswers
        The rows.
    score : callable
        From a block to values, shape (rows, K).
    by : str, optional
        A segment.

    Returns
    -------
    dict of str to AvailableMoments
        By value of the segment, those without one under '', which is left out where there are none; under '' without a segment. About the
        means of the first block.
    """
    centre: Array | None = None
    found: dict[str, AvailableMoments] = {}
    for block in answers.blocks():
        values = score(block)
        if centre is None:
            centre = np.nansum(values, axis=0) / np.maximum((~np.isnan(values)).sum(axis=0), 1)
        for level, members in _groups(answers, block, by).items():
            part = AvailableMoments.of(values if by is None else values[members], centre)
            found[level] = found[level] + part if level in found else part
    return found


def complete(
    answers: StreamedAnswers, scores: Mapping[str, Score], by: str | None = None
) -> dict[str, dict[str, Moments]]:
    """Reduce the complete rows of what is made of each block of streamed answers.

    Parameters
    ----------
    answers : StreamedAnswers
        The rows.
    scores : mapping of str to callable
        By name, from a block to values, shape (rows, K): rows must be complete in each by itself.
    by : str, optional
        A segment.

    Returns
    -------
    dict of str to dict of str to Moments
        By name, and by value of the segment as `available` has them.
    """
    found: dict[str, dict[str, Moments]] = {name: {} for name in scores}
    for block in answers.blocks():
        groups = _groups(answers, block, by)
        for name, score in scores.items():
            values = score(block)
            for level, members in groups.items():
                part = Moments.of(
                    values if by is None else values[members], [f"{name}.{j}" for j in range(values.shape[1])]
                )
                own = found[name]
                own[level] = own[level] + part if level in own else part
    return found


def item_moments(answers: StreamedAnswers, names: Sequence[str], by: str | None = None) -> dict[str, Moments]:
    """Return the moments of the rows that are complete in some items, reduced once however often they are asked for.

    Parameters
    ----------
    answers : StreamedAnswers
        The rows.
    names : sequence of str
        Items.
    by : str, optional
        A segment; rows without a value of it are left out.

    Returns
    -------
    dict of str to Moments
        By value of the segment; under '' without one.
    """
    columns = list(names)

    def make() -> dict[str, Moments]:
        found = complete(answers, {"": lambda block: block[columns].to_numpy(dtype=np.float64)}, by)[""]
        return {level: replace(m, names=tuple(columns)) for level, m in found.items() if level or by is None}

    made: dict[str, Moments] = answers.kept(("items", tuple(columns), by), make)
    return made


def summed(answers: StreamedAnswers, score: Score) -> Array:
    """Return the sum over blocks of what is made of each, of one shape."""
    return np.asarray(np.add.reduce([score(block) for block in answers.blocks()]))


def _groups(answers: StreamedAnswers, block: pd.DataFrame, by: str | None) -> dict[str, NDArray[np.bool_]]:
    if by is None:
        return {"": np.ones(len(block), dtype=bool)}
    groups = {level: (block[by] == level).to_numpy() for level in answers.levels(by)}
    blank = block[by].isna().to_numpy()
    return {**groups, "": blank} if blank.any() else groups
