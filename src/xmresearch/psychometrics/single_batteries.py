"""Instruments that ask each statement once: scores of perceptions alone, and gaps that are themselves the answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_formats import answer_format
from xmresearch.data.codebook import Codebook
from xmresearch.data.delimited import require_unique_columns
from xmresearch.display import Shown
from xmresearch.psychometrics.batteries import Units, person_mean, units_of

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Battery(Shown):
    """One battery: its statements, and the dimensions that they form.

    Attributes
    ----------
    columns : tuple of str
        Item columns, in order.
    table : DataFrame
        One row per statement and per dimension: level, id, construct.
    members : tuple of tuple of int
        For each of them the positions of its items.
    neutral, middle : ndarray
        Shape (len(columns),): the answer 'as expected', and the middle of the scale, of each item.
    """

    columns: tuple[str, ...]
    table: pd.DataFrame
    members: tuple[tuple[int, ...], ...]
    neutral: Array
    middle: Array

    @classmethod
    def of(cls, codebook: Codebook, kind: str) -> Battery:
        """List the items of one kind, and the dimensions that they form."""
        items = codebook.select(kind)
        table, members = units_of([c.statement for c in items], [c.construct for c in items], codebook)
        neutral, middle = np.array([c.neutral for c in items]), np.array([c.scale.middle for c in items])
        return cls(tuple(c.name for c in items), table, members, neutral, middle)

    def scores(self, values: Array, min_answered: float) -> Array:
        """Average each respondent's answers by statement and dimension.

        Parameters
        ----------
        values : ndarray
            Shape (n, len(columns)).
        min_answered : float
            As for `person_mean`.

        Returns
        -------
        ndarray
            Shape (n, statements + dimensions).
        """
        return np.column_stack([person_mean(values[:, list(at)], min_answered) for at in self.members])

    def middles(self) -> Array:
        """Return the middle of the scale of each statement and dimension, shape (statements + dimensions,)."""
        return np.array([self.middle[list(at)].mean() for at in self.members])


def direct_scores(frame: pd.DataFrame, codebook: Codebook, min_answered: float) -> tuple[pd.DataFrame, Array]:
    """Take gaps from answers that are themselves the gap: each answer less the one that says 'as expected'.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        With items of kind gap.
    min_answered : float
        Share of a dimension's items that a respondent must answer.

    Returns
    -------
    table : DataFrame
        One row per statement and dimension: level, id, construct.
    gaps : ndarray
        Shape (n, rows of the table).
    """
    require_unique_columns(frame)
    battery = Battery.of(codebook, "gap")
    values = frame[list(battery.columns)].to_numpy(dtype=float) - battery.neutral
    return battery.table, battery.scores(values, min_answered)


def statement_figures(frame: pd.DataFrame, codebook: Codebook, min_answered: float) -> pd.DataFrame:
    """Return what a study of this instrument is about, by statement: as `dimension_figures`, shape (n, statements)."""
    return _figures(frame, codebook, min_answered, "statement")


def dimension_figures(frame: pd.DataFrame, codebook: Codebook, min_answered: float) -> pd.DataFrame:
    """Return what a study of this instrument is about, by dimension: gaps, or perceptions where these alone were asked.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Which items form which dimension.
    min_answered : float
        Share of a dimension's items that a respondent must answer.

    Returns
    -------
    DataFrame
        Shape (n, dimensions).
    """
    return _figures(frame, codebook, min_answered, "dimension")


def _figures(frame: pd.DataFrame, codebook: Codebook, min_answered: float, level: str) -> pd.DataFrame:
    asked = answer_format(codebook)
    require_unique_columns(frame)
    if asked == "pairs":
        units = Units.of(codebook)
        low, high = units.scores(frame[list(units.columns)].to_numpy(dtype=float), min_answered)
        table, scores = units.table, high - low
    else:
        battery = Battery.of(codebook, "gap" if asked == "direct" else "perception")
        values = frame[list(battery.columns)].to_numpy(dtype=float) - (battery.neutral if asked == "direct" else 0.0)
        table, scores = battery.table, battery.scores(values, min_answered)
    own = (table["level"] == level).to_numpy()
    return pd.DataFrame(scores[:, own], columns=table.loc[own, "id"], index=frame.index)
