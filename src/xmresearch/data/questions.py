"""What was asked: wording, scale and codes of every item, as an appendix of a report has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from xmresearch.data.codebook import Codebook, Column
from xmresearch.data.config import OwnRows

COLUMNS = ("code", "wording", "construct", "asked", "reverse", "scale", "answers", "no_answer")
_OPTIONAL = ("construct", "reverse", "scale", "answers", "no_answer")
QUESTIONNAIRE = tuple(f"?{column}" if column in _OPTIONAL else column for column in COLUMNS)
"""Columns as a report's table takes them: those with a question mark only where there are any."""


def questions(book: Codebook, lang: str, data: Any = None) -> pd.DataFrame:
    """List the items of a codebook.

    Parameters
    ----------
    book : Codebook
        Of the columns that the data have.
    lang : {'en', 'zh'}
        Language of the wording.
    data : FileSource or SqlSource, optional
        Where the rows come from; its codes for no answer are listed.

    Returns
    -------
    DataFrame
        In the order of the codebook: code, wording, construct, asked (what is rated), reverse, scale, answers (the words of answers, by
        their values) and no_answer (codes and words that are no answer). Columns that say nothing of any item are left out. Nothing of
        it comes from respondents.
    """
    return _listed(
        {
            "code": column.name, "wording": getattr(column.labels, lang), "construct": column.construct,
            "asked": f"asked_{column.kind}", "reverse": column.reverse,
            "scale": f"{_short(column.scale.minimum)}–{_short(column.scale.maximum)}",
            "answers": _answers(column), "no_answer": "; ".join([*_codes(column.name, data), *_apart(column, lang)]),
        }
        for column in book.columns
    )  # fmt: skip


def outcome_questions(
    outcomes: Mapping[str, Mapping[str, Any]], names: Mapping[str, str], *, asked: str = "asked_outcome"
) -> pd.DataFrame:
    """List outcomes that no codebook describes.

    Parameters
    ----------
    outcomes : mapping of str to mapping
        By column: `levels` (lowest and highest value, or all in order), `missing_codes` where they are known.
    names : mapping of str to str
        Labels of columns, in the report's language.
    asked : str
        What is asked, as the labels have it: asked_outcome, or asked_rating.

    Returns
    -------
    DataFrame
        As from `questions`.
    """
    return _listed(
        {
            "code": name, "wording": names.get(name, name), "construct": None, "asked": asked, "reverse": False,
            "scale": f"{_short(min(levels))}–{_short(max(levels))}" if (levels := list(said.get("levels") or [])) else "",
            "answers": "", "no_answer": "; ".join(map(_short, said.get("missing_codes") or [])),
        }
        for name, said in outcomes.items()
    )  # fmt: skip


def _short(value: float) -> str:
    return f"{value:g}"


def _listed(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame([dict(row) for row in rows], columns=list(COLUMNS))
    empty = [name for name in _OPTIONAL if not frame[name].map(bool).any()]
    return frame.drop(columns=empty)


def _answers(column: Column) -> str:
    return "; ".join(f"{_short(value)} = {word}" for word, value in sorted(column.scale.values.items(), key=_value))


def _value(entry: tuple[str, float]) -> float:
    return entry[1]


def _apart(column: Column, lang: str) -> list[str]:
    return [f"{said} = {getattr(label, lang)}" for said, label in column.scale.apart.items()]


def _codes(name: str, data: Any) -> list[str]:
    if not isinstance(data, OwnRows):
        return []
    codes = data.missing_codes
    chosen = codes.get(name, []) if isinstance(codes, Mapping) else codes
    return [_short(code) if isinstance(code, (int, float)) else str(code) for code in chosen]
