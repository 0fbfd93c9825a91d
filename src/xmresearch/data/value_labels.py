"""Labels that a file gives to its codes, held against the codebook: which way they run, and which say that there is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.answers import fitting_scales, is_no_answer, plain_word
from xmresearch.data.codebook import Codebook, Column
from xmresearch.data.formats.cells import told_apart
from xmresearch.data.formats.table import Table
from xmresearch.errors import DataError, Problems, brief


def direction(labels: Mapping[float, str]) -> int:
    """Return which way the labels of codes run, where they are words of a known scale.

    Parameters
    ----------
    labels : mapping of float to str
        Code to label, without codes for no answer.

    Returns
    -------
    int
        1: a higher code says more; -1: it says less; 0: the words are not known, or not in the order of a known scale.
    """
    words = {code: plain_word(label) for code, label in labels.items()}
    if len(set(words.values())) < max(2, len(words)):
        return 0
    ways = set()
    for forms in fitting_scales(list(words.values())).values():
        for at in forms:
            steps = np.diff([at[words[code]] for code in sorted(words)])
            ways.add(1 if (steps > 0).all() else -1 if (steps < 0).all() else 0)
    return ways.pop() if len(ways) == 1 else 0


def hold_labels(table: Table, book: Codebook, problems: Problems) -> Table:
    """Hold the labels of coded items against the codebook, and blank codes that say that there is no answer.

    Parameters
    ----------
    table : Table
        As read.
    book : Codebook
        Columns that are not in the table are left out.
    problems : Problems
        Gets a DataError for every item whose labels contradict the codebook.

    Returns
    -------
    Table
        With codes outside the scale blanked whose label says that there is no answer; they are counted.
    """
    changed: dict[str, pd.Series] = {}
    counts: dict[str, int] = {}
    apart = dict(table.apart)
    for column in book.columns:
        labels = _numbered(table.values.get(column.name, {}))
        if not labels or column.name not in table.frame.columns:
            continue
        given = table.frame[column.name]
        silent = [code for code, label in labels.items() if is_no_answer(plain_word(label))]
        inside = [c for c in silent if column.scale.minimum <= c <= column.scale.maximum]
        outside = given.isin([c for c in silent if c not in inside]).to_numpy(dtype=bool)
        if outside.any():
            changed[column.name], counts[column.name] = given.mask(outside), int(outside.sum())
            apart[column.name] = _both(apart.get(column.name), told_apart(given, changed[column.name], labels))
        with problems.step():
            _require_answers(column, labels, inside, given)
            _require_direction(column, {c: text for c, text in labels.items() if c not in silent})
    if not changed:
        return table
    note = f"{sum(counts.values())} answer(s) have codes whose labels say that there is no answer."
    return replace(
        table, frame=table.frame.assign(**changed), notes=(*table.notes, note),
        apart=apart, coded_missing={**table.coded_missing, **{c: n + table.coded_missing.get(c, 0) for c, n in counts.items()}},
    )  # fmt: skip


def _both(earlier: pd.Series | None, later: pd.Series) -> pd.Series:
    return later if earlier is None else pd.concat([earlier, later])


def _numbered(labels: Mapping[Any, str]) -> dict[float, str]:
    return {float(code): str(text) for code, text in labels.items() if isinstance(code, int | float)}


def _require_answers(column: Column, labels: Mapping[float, str], inside: list[float], given: pd.Series) -> None:
    met = [c for c in inside if given.eq(c).any()]
    if met and plain_word(labels[met[0]]) not in {plain_word(w) for w in column.scale.values}:
        raise DataError(
            f"Column '{column.name}': the file labels {met[0]:g} '{brief(labels[met[0]])}', which is no answer, but the codebook's "
            f"scale {column.scale.minimum:g}-{column.scale.maximum:g} counts it as one ({int(given.eq(met[0]).sum())} such).",
            f"Set data.missing_codes: {{{column.name}: [{met[0]:g}]}} and correct the scale; or name the word in its values.",
        )


def _require_direction(column: Column, labels: Mapping[float, str]) -> None:
    shown = (
        f"{min(labels):g} = '{brief(labels[min(labels)])}', {max(labels):g} = '{brief(labels[max(labels)])}'"
        if labels
        else ""
    )
    named = {plain_word(w): v for w, v in column.scale.values.items()}
    apart = [c for c, text in labels.items() if named.get(plain_word(text), c) != c]
    if apart:
        raise DataError(
            f"Column '{column.name}': the file labels {apart[0]:g} '{brief(labels[apart[0]])}', the codebook's scale names it "
            f"{named[plain_word(labels[apart[0]])]:g}.",
            "Correct the values of the codebook's scale, or export the answers as words.",
        )
    if direction(labels) < 0 and not column.reverse:
        raise DataError(
            f"Column '{column.name}' is coded from the highest answer to the lowest in the file ({shown}), but the codebook does not "
            "mark it as reversed.",
            "Set 'reverse: true' for its statement or item in the codebook, or recode it.",
        )
