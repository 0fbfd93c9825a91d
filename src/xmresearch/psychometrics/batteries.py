"""From items to one value per respondent and dimension."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook

Array = NDArray[np.float64]


def person_mean(values: Array, min_answered: float) -> Array:
    """Average each respondent's answers.

    Parameters
    ----------
    values : ndarray
        Shape (n, items); NaN is a blank.
    min_answered : float
        Smallest share of items that must be answered; below it the mean is NaN.

    Returns
    -------
    ndarray
        Shape (n,).
    """
    answered = (~np.isnan(values)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean = np.nansum(values, axis=1) / np.where(answered > 0, answered, np.nan)
    return np.where(answered >= max(1.0, min_answered * values.shape[1]), mean, np.nan)


@dataclass(frozen=True)
class Units:
    """The pairs that gaps are taken of: every statement, and every dimension.

    Attributes
    ----------
    columns : tuple of str
        Item columns to read, in order.
    table : DataFrame
        One row per unit: level (statement or dimension), id, construct.
    low, high : tuple of tuple of int
        For each unit, the positions in `columns` of its first and second battery (expectation and perception).
    """

    columns: tuple[str, ...]
    table: pd.DataFrame
    low: tuple[tuple[int, ...], ...]
    high: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, codebook: Codebook, first: str = "expectation", second: str = "perception") -> Units:
        """List the statements asked in both kinds, and the dimensions that they form."""
        statements = codebook.statements(first, second)
        pairs = [(codebook.item(first, s), codebook.item(second, s)) for s in statements]
        columns = tuple(c.name for pair in pairs for c in pair)
        rows = [("statement", s, pair[0].construct) for s, pair in zip(statements, pairs, strict=True)]
        members: list[tuple[int, ...]] = [(k,) for k in range(len(pairs))]
        for construct in codebook.constructs:
            inside = tuple(k for k, pair in enumerate(pairs) if pair[0].construct == construct)
            if inside:
                rows.append(("dimension", construct, construct))
                members.append(inside)
        return cls(
            columns,
            pd.DataFrame(rows, columns=["level", "id", "construct"]),
            tuple(tuple(2 * k for k in m) for m in members),
            tuple(tuple(2 * k + 1 for k in m) for m in members),
        )

    def scores(self, values: Array, min_answered: float) -> tuple[Array, Array]:
        """Score every unit.

        Parameters
        ----------
        values : ndarray
            Shape (n, len(columns)).
        min_answered : float
            As for `person_mean`.

        Returns
        -------
        low, high : ndarray
            Shape (n, units): mean of the first and of the second battery; NaN in both where either is missing.
        """
        low = np.column_stack([person_mean(values[:, list(at)], min_answered) for at in self.low])
        high = np.column_stack([person_mean(values[:, list(at)], min_answered) for at in self.high])
        missing = np.isnan(low) | np.isnan(high)
        return np.where(missing, np.nan, low), np.where(missing, np.nan, high)

    def pair_blocks(self, min_answered: float) -> Callable[[Array], Mapping[str, Array]]:
        """Return what `reduce_rows` needs: from a batch to one (low, high) block per unit."""

        def derive(values: Array) -> dict[str, Array]:
            low, high = self.scores(values, min_answered)
            return {str(k): np.column_stack([low[:, k], high[:, k]]) for k in range(low.shape[1])}

        return derive


def dimension_scores(frame: pd.DataFrame, codebook: Codebook, kind: str, min_answered: float) -> pd.DataFrame:
    """Average each respondent's answers of one kind by dimension.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Which items form which dimension.
    kind : str
        expectation, minimum, perception or importance.
    min_answered : float
        As for `person_mean`.

    Returns
    -------
    DataFrame
        Shape (n, dimensions asked in that kind).
    """
    blocks = {d: codebook.names(kind, d) for d in codebook.constructs}
    return pd.DataFrame(
        {d: person_mean(frame[names].to_numpy(dtype=float), min_answered) for d, names in blocks.items() if names},
        index=frame.index,
    )
