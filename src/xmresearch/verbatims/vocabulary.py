"""The words of a corpus: how many people use each, and which may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import DataError
from xmresearch.identifiers.names import find_names, is_name
from xmresearch.verbatims.segmentation import words_of


def word_counts(texts: Sequence[str], terms: dict[str, int] | None = None) -> Any:
    """Count words.

    Parameters
    ----------
    texts : sequence of str
        Shape (n,).
    terms : dict of str to int, optional
        Column of each word; every word of the texts if absent.

    Returns
    -------
    sparse matrix, or (sparse matrix, ndarray)
        Counts, shape (n, words); with the words where they were not given.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=words_of, vocabulary=terms, dtype=np.float64)
    if terms is not None:
        return counter.transform(texts)
    try:
        matrix = counter.fit_transform(texts)
    except ValueError:  # no text has a word
        return csr_matrix((len(texts), 0)), np.array([], dtype=object)
    return matrix, counter.get_feature_names_out()


def telling_words(
    counts: Any, who: NDArray[np.int64], min_cell: int, *, common: float = 1.0, most: int | None = None
) -> list[int]:
    """Choose the words that enough people use, without names of persons.

    Parameters
    ----------
    counts : (sparse matrix, ndarray)
        Of `word_counts`.
    who : ndarray of int
        Who wrote each text, shape (n,).
    min_cell : int
        Fewest people who use a word.
    common : float
        Share of texts from which on a word is too common.
    most : int, optional
        Words at most, the most frequent.

    Returns
    -------
    list of int
        Columns, rising.
    """
    matrix, names = counts
    n = matrix.shape[0]
    people = people_by_word(matrix, who)
    often = np.asarray((matrix > 0).sum(axis=0)).ravel()
    fit = np.flatnonzero((people >= min_cell) & (often <= max(common * n, min_cell)))
    kept = [int(i) for i in fit if not _is_person(names[i])]
    return sorted(sorted(kept, key=lambda i: (-int(often[i]), names[i]))[:most])


def people_by_word(matrix: Any, who: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many people use each word, shape (words,)."""
    from scipy.sparse import csr_matrix

    n = matrix.shape[0]
    writer = pd.factorize(who)[0]
    by_person = csr_matrix((np.ones(n), (writer, np.arange(n))), shape=(int(writer.max(initial=-1)) + 1, n)) @ (
        matrix > 0
    )
    return np.asarray((by_person > 0).sum(axis=0)).ravel().astype(np.int64)


def word_frequencies(
    texts: Sequence[str], *, people: ArrayLike | None = None, min_cell: int = MIN_CELL, most: int = 100
) -> pd.DataFrame:
    """Count how many people use each word that can carry a theme.

    Parameters
    ----------
    texts : sequence of str
        Shape (n,).
    people : array_like, optional
        Who wrote each, shape (n,); somebody else each if absent.
    min_cell : int
        Fewest people who use a word that is told.
    most : int
        Words at most.

    Returns
    -------
    DataFrame
        One row per word, the most used first: word, people. Names of persons are left out.

    Raises
    ------
    DataError
        There are not as many people as texts.
    """
    n = len(texts)
    who = np.arange(n) if people is None else pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
    if len(who) != n:
        raise DataError(f"There are {n} texts and {len(who)} people.", "Name who wrote each text.")
    counts = word_counts(texts)
    kept = telling_words(counts, who, min_cell)
    table = pd.DataFrame({"word": counts[1][kept].astype(object), "people": people_by_word(counts[0], who)[kept]})
    return table.sort_values(["people", "word"], ascending=[False, True], ignore_index=True).head(most)


def _is_person(word: str) -> bool:
    return is_name(word) or bool(find_names(word)) or (word.isascii() and bool(find_names(word.capitalize())))
