"""Answers that are none, such as "don't know": told apart from blanks, so that they can be counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from xmresearch.data.answers import is_no_answer, plain_word
from xmresearch.data.cell_values import cell_text
from xmresearch.data.codebook import Codebook, Column


def without_apart(given: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Blank an item's cells that say that there is no answer, by the codebook, and tell what such cells say.

    Parameters
    ----------
    given : Series
        As in the file.
    column : Column
        The item; `scale.apart` names codes and words.

    Returns
    -------
    cells : Series
        Without those that the codebook names.
    said : Series
        Of those, and of words that are known to say so: the code or word, under its row; no other rows.
    """
    if pd.api.types.is_numeric_dtype(given) and not column.scale.apart:
        return given, pd.Series(dtype=object)
    codes, uniques = pd.factorize(given, use_na_sentinel=True)
    texts = [cell_text(u) for u in uniques]
    by_word = {plain_word(code): code for code in column.scale.apart}
    named = {plain_word(w) for w in column.scale.values}
    said: list[str | None] = []
    for text in texts:
        word = plain_word(text)
        silent = text if word not in named and is_no_answer(word) else None
        said.append(by_word.get(word, silent))
    met = np.array([*said, None], dtype=object)[codes]
    declared = np.array([*(plain_word(t) in by_word for t in texts), False], dtype=bool)[codes]
    cells = given.mask(declared) if declared.any() else given
    there = np.array([m is not None for m in met], dtype=bool)
    return cells, pd.Series(met[there], index=given.index[there], dtype=object)


def apart_answers(
    given: pd.DataFrame, codebook: Codebook, blanked: Mapping[str, pd.Series] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell apart from blanks what says that there is no answer.

    Parameters
    ----------
    given : DataFrame
        One row per respondent, numbered from 0.
    codebook : Codebook
        Items that are not among the columns are left out.
    blanked : mapping of str to Series, optional
        What was blanked when the file was read, by column; see `Table.apart`.

    Returns
    -------
    rows : DataFrame
        As given, without codes that the codebook says are no answer.
    apart : DataFrame
        Under the items that have any: what each respondent said instead of an answer; None where nothing.
    """
    changed, found = {}, {}
    for column in codebook.columns:
        if column.name not in given.columns:
            continue
        cells, said = without_apart(given[column.name], column)
        if cells is not given[column.name]:
            changed[column.name] = cells
        earlier = (blanked or {}).get(column.name)
        if earlier is not None:
            by_word = {plain_word(code): code for code in column.scale.apart}
            said = pd.concat([earlier.map(lambda t, known=by_word: known.get(plain_word(t), t)), said])
        if len(said):
            found[column.name] = said.reindex(given.index).astype(object).where(lambda s: s.notna(), None)
    rows = given.assign(**changed) if changed else given
    return rows, pd.DataFrame(found, index=given.index, dtype=object)
