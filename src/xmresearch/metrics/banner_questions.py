"""Rows of a banner table: the answers to a question, nets of them, and their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import CodebookError, DataError, brief, nearest

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Question(Shown):
    """A question as a banner table shows it.

    Attributes
    ----------
    name : str
        Column of a question with one answer; title of one with several.
    answers : mapping
        What is shown of it: labels by code, in order, empty ones included; of a question with several answers, labels by column (1 where it
        was chosen, 0 where not, blank where not asked).
    nets : mapping
        Codes (or columns) by label: the share of people with any of them.
    several : bool
        Whether more than one answer may be given.
    mean : bool
        Whether the mean of the codes is shown as well.
    apart : sequence
        Codes such as "don't know": shown as shares of everybody asked, and no part of the base of the other rows.
    only_nets : bool
        Whether answers are shown as far as they are nets alone.
    """

    name: str
    answers: Mapping[object, str]
    nets: Mapping[str, Sequence[object]] = field(default_factory=dict)
    several: bool = False
    mean: bool = False
    apart: Sequence[object] = ()
    only_nets: bool = False

    def __post_init__(self) -> None:
        for label, codes in self.nets.items():
            if unknown := [c for c in codes if c not in self.answers]:
                raise CodebookError(
                    f"Net '{brief(label)}' of '{brief(self.name)}' has the answer '{brief(unknown[0])}', which the question has not.",
                    nearest(unknown[0], map(str, self.answers)),
                )
        if self.several and (self.mean or self.apart):
            raise CodebookError(f"'{brief(self.name)}' has several answers: it has no mean, and nothing apart.")


@dataclass(frozen=True, repr=False)
class Row(Shown):
    """A row of a banner table.

    Attributes
    ----------
    question, label, kind : str
        kind is answer, net, apart or mean.
    values : ndarray
        What is averaged, shape (n,); NaN where the row has no answer.
    """

    question: str
    label: str
    kind: str
    values: Array


def rows_of(question: Question, frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a question.

    Parameters
    ----------
    question : Question
        What to show.
    frame : DataFrame
        One row per respondent.

    Returns
    -------
    list of Row

    Raises
    ------
    DataError
        A column is not there; an answer is not among those of the question; a chosen answer is neither 0 nor 1.
    """
    needed = [str(c) for c in question.answers] if question.several else [question.name]
    for name in needed:
        if name not in frame.columns:
            raise DataError(f"The data have no column '{name}'.", nearest(name, map(str, frame.columns)))
    return _several(question, frame) if question.several else _single(question, frame)


def _single(question: Question, frame: pd.DataFrame) -> list[Row]:
    given = frame[question.name]
    there = given.notna().to_numpy()
    odd = given[there][~given[there].isin(list(question.answers))]
    if len(odd):
        raise DataError(
            f"'{brief(question.name)}' has the answer '{brief(odd.iloc[0])}', which is not among its answers.",
            "Add it to the answers, or name it as missing.",
        )
    apart = given.isin(list(question.apart)).to_numpy()
    base = there & ~apart

    def share(codes: Sequence[object], of: NDArray[np.bool_]) -> Array:
        return np.where(of, given.isin(list(codes)).to_numpy(dtype="float64"), np.nan)

    name = question.name
    rows = [Row(name, label, "net", share(codes, base)) for label, codes in question.nets.items()]
    rows += [
        Row(name, label, "answer", share([code], base))
        for code, label in question.answers.items()
        if code not in question.apart and not question.only_nets
    ]
    rows += [Row(name, question.answers[code], "apart", share([code], there)) for code in question.apart]
    if question.mean:
        numbers = pd.to_numeric(given, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
        rows.append(Row(name, "mean", "mean", np.where(base, numbers, np.nan)))
    return rows


def _several(question: Question, frame: pd.DataFrame) -> list[Row]:
    columns = [str(c) for c in question.answers]
    x = frame[columns].apply(pd.to_numeric, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    if not np.isin(x[np.isfinite(x)], (0, 1)).all():
        raise DataError(
            f"'{brief(question.name)}' has values other than 0 and 1.", "Several answers need a column each."
        )
    asked = np.isfinite(x).any(axis=1)
    chosen = np.nan_to_num(x)

    def share(codes: Sequence[object]) -> Array:
        at = [columns.index(str(c)) for c in codes]
        return np.where(asked, chosen[:, at].max(axis=1), np.nan)

    rows = [Row(question.name, label, "net", share(codes)) for label, codes in question.nets.items()]
    return rows + [Row(question.name, label, "answer", share([code])) for code, label in question.answers.items()]
