"""From items to one value per respondent and dimension."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import Codebook
from xmresearch.data.delimited import require_unique_columns
from xmresearch.display import Shown

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


def units_of(
    statements: Sequence[str | None], constructs: Sequence[str | None], codebook: Codebook
) -> tuple[pd.DataFrame, tuple[tuple[int, ...], ...]]:
    """List statements and the dimensions that they form.

    Parameters
    ----------
    statements, constructs : sequence of str
        Of each item, in order.
    codebook : Codebook
        Whose dimensions count, in its order.

    Returns
    -------
    table : DataFrame
        One row per statement and per dimension that has any: level, id, construct.
    members : tuple of tuple of int
        For each of them the positions of its statements.
    """
    rows = [("statement", s, c) for s, c in zip(statements, constructs, strict=True)]
    members: list[tuple[int, ...]] = [(k,) for k in range(len(rows))]
    for construct in codebook.constructs:
        inside = tuple(k for k, of in enumerate(constructs) if of == construct)
        if inside:
            rows.append(("dimension", construct, construct))
            members.append(inside)
    return pd.DataFrame(rows, columns=["level", "id", "construct"]), tuple(members)


@dataclass(frozen=True, repr=False)
class Units(Shown):
    """The pairs that gaps are taken of: every statement, and every dimension.

    Attributes
    ----------
    columns : tuple of str
        Item columns to read, in order.
    table : DataFrame
        One row per unit: level (statement or dimension), id, construct.
    members : tuple of tuple of int
        For each unit, the positions of its statements; statement k has columns 2k (first battery, such as the
        expectation) and 2k + 1 (second, such as the perception).
    reflect : ndarray
        Shape (len(columns),): for a reverse-keyed item minimum + maximum of its scale, otherwise NaN.
    """

    columns: tuple[str, ...]
    table: pd.DataFrame
    members: tuple[tuple[int, ...], ...]
    reflect: Array

    @classmethod
    def of(cls, codebook: Codebook, first: str = "expectation", second: str = "perception") -> Units:
        """List the statements asked in both kinds, and the dimensions that they form."""
        statements = codebook.statements(first, second)
        pairs = [(codebook.item(first, s), codebook.item(second, s)) for s in statements]
        columns = tuple(c.name for pair in pairs for c in pair)
        table, members = units_of(statements, [pair[0].construct for pair in pairs], codebook)
        return cls(
            columns,
            table,
            members,
            np.array([c.scale.minimum + c.scale.maximum if c.reverse else np.nan for pair in pairs for c in pair]),
        )

    def scores(self, values: Array, min_answered: float) -> tuple[Array, Array]:
        """Score every unit from the statements that were answered in both batteries.

        Parameters
        ----------
        values : ndarray
            Shape (n, len(columns)).
        min_answered : float
            As for `person_mean`.

        Returns
        -------
        low, high : ndarray
            Shape (n, units): mean of the first and of the second battery; NaN in both where too few pairs are answered.
        """
        paired = _blank_incomplete([values[:, 0::2], values[:, 1::2]])
        low = np.column_stack([person_mean(paired[0][:, list(at)], min_answered) for at in self.members])
        high = np.column_stack([person_mean(paired[1][:, list(at)], min_answered) for at in self.members])
        return low, high

    def pair_blocks(self, min_answered: float) -> Callable[[Array], Mapping[str, Array]]:
        """Return what `reduce_rows` needs: from a batch of raw answers to one (low, high) block per unit."""

        def derive(values: Array) -> dict[str, Array]:
            recoded = np.where(np.isnan(self.reflect), values, self.reflect - values)
            low, high = self.scores(recoded, min_answered)
            return {str(k): np.column_stack([low[:, k], high[:, k]]) for k in range(low.shape[1])}

        return derive


def _blank_incomplete(blocks: list[Array]) -> list[Array]:
    """Blank a statement in every battery where it is blank in one."""
    missing = np.logical_or.reduce([np.isnan(block) for block in blocks])
    return [np.where(missing, np.nan, block) for block in blocks]


def paired_scores(
    frame: pd.DataFrame, codebook: Codebook, min_answered: float, kinds: Sequence[str] = ("expectation", "perception")
) -> list[pd.DataFrame]:
    """Average each respondent's answers by dimension, over the statements answered in all of several kinds.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Which items form which dimension.
    min_answered : float
        Share of a dimension's statements that must be answered in all kinds.
    kinds : sequence of str
        Such as expectation and perception.

    Returns
    -------
    list of DataFrame
        One per kind, shape (n, dimensions); what is compared rests on the same statements.
    """
    require_unique_columns(frame)
    statements = codebook.statements(*kinds)
    blocks = _blank_incomplete(
        [frame[[codebook.item(kind, s).name for s in statements]].to_numpy(dtype=float) for kind in kinds]
    )
    belongs = [codebook.item(kinds[0], s).construct for s in statements]
    at = {d: [k for k, c in enumerate(belongs) if c == d] for d in codebook.constructs if d in belongs}
    return [
        pd.DataFrame({d: person_mean(block[:, where], min_answered) for d, where in at.items()}, index=frame.index)
        for block in blocks
    ]


def service_dimensions(codebook: Codebook) -> list[str]:
    """Return the dimensions of the service, in the codebook's order: those with a statement asked both ways, or in the one battery.

    Parameters
    ----------
    codebook : Codebook
        Its other constructs, such as outcomes, are none of the service.

    Returns
    -------
    list of str
    """
    if codebook.names("expectation"):
        paired = {codebook.item("perception", s).construct for s in codebook.statements("expectation", "perception")}
    else:
        paired = {c.construct for kind in ("perception", "gap") for c in codebook.select(kind)}
    return [d for d in codebook.constructs if d in paired]


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
    if isinstance(frame, StreamedAnswers):
        return frame.derived(lambda rows: dimension_scores(rows, codebook, kind, min_answered))
    require_unique_columns(frame)
    blocks = {d: codebook.names(kind, d) for d in codebook.constructs}
    return pd.DataFrame(
        {d: person_mean(frame[names].to_numpy(dtype=float), min_answered) for d, names in blocks.items() if names},
        index=frame.index,
    )
