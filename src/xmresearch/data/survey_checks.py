"""What must hold of a survey's columns and answers before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook
from xmresearch.data.screening import screened_items
from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import DataError, InsufficientData, Problems, nearest

_SHOWN = 8
_HEAD = 1000


def check_columns(
    raw: pd.DataFrame, codebook: Codebook, given: Mapping[str, str], segments: Sequence[str], problems: Problems
) -> None:
    """Collect an error for all items that are not there, and one for every other column that is not or cannot be used."""
    names, own = [c.name for c in codebook.columns], list(map(str, raw.columns))
    for name in dict.fromkeys(segments):
        if list(segments).count(name) > 1 or name in names:
            problems.errors.append(
                DataError(
                    f"The segment column '{name}' is given twice, or is itself an item.", "Remove it from 'segments'."
                )
            )
    lacking = [name for name in names if name not in raw.columns]
    if lacking:
        shown = ", ".join(f"'{name}'" for name in lacking[:_SHOWN]) + (", ..." if len(lacking) > _SHOWN else "")
        what = f"column {shown}" if len(lacking) == 1 else f"columns {shown} ({len(lacking)} items of the codebook)"
        problems.errors.append(DataError(f"The data have no {what}.", nearest(lacking[0], own)))
    for key in given:
        if key.startswith(("weight_column", "cluster_column", "sampling.")) and given[key] in names:
            problems.errors.append(
                DataError(
                    f"{key}: '{given[key]}' is an item of the codebook.", "Name another column, or remove the item."
                )
            )
    for key, name in [*given.items(), *(("segments", name) for name in segments)]:
        if name not in raw.columns:
            problems.errors.append(DataError(f"{key}: the data have no column '{name}'.", nearest(name, own)))


def check_items(frame: pd.DataFrame, codebook: Codebook, problems: Problems, *, error_on_constant: bool) -> None:
    """Collect an error for every item without enough answers, or with one answer throughout where that is an error."""
    judged = set(screened_items(codebook)[0])
    for column in codebook.columns:
        given = frame[column.name].to_numpy()
        first = _answered(given[:_HEAD])
        if len(first) >= MIN_CELL and first.min() < first.max():
            continue
        answers = _answered(given)
        with problems.step():
            if not len(answers):
                raise InsufficientData(
                    f"Column '{column.name}' holds no answer from the {len(frame)} respondents kept.",
                    "Remove the item from the codebook, or check the export.",
                )
            if len(answers) < MIN_CELL:
                raise InsufficientData(
                    f"Column '{column.name}' holds fewer than {MIN_CELL} answers; so few are never published.",
                    "Remove the item from the codebook, or the column from the file.",
                )
            if column.name in judged and error_on_constant and answers.min() == answers.max():
                raise InsufficientData(
                    f"Column '{column.name}' is constant: all {len(answers)} answers are {answers[0]:g}.",
                    "Remove the item from the codebook, or set screening.constant_items.action to flag.",
                )
    if not problems.errors:
        with problems.step():
            _require_pairs_answered(frame, codebook)


def _answered(given: NDArray[np.float64]) -> NDArray[np.float64]:
    return given[~np.isnan(given)]


def _require_pairs_answered(frame: pd.DataFrame, codebook: Codebook) -> None:
    """Refuse a statement that fewer people answered both ways than may be published."""
    for statement in codebook.statements("expectation", "perception"):
        names = [codebook.item(kind, statement).name for kind in ("expectation", "perception")]
        pair = [frame[name].to_numpy() for name in names]
        if all(np.isfinite(pair[0][rows] + pair[1][rows]).sum() < MIN_CELL for rows in (slice(_HEAD), slice(None))):
            raise InsufficientData(
                f"Fewer than {MIN_CELL} respondents answered both '{names[0]}' and '{names[1]}'; so few are never published.",
                "Remove the statement from the codebook, or both columns from the file.",
            )
