"""Texts that repeat, letter by letter or nearly: boilerplate of many customers, and one customer who says it again and again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.verbatims.texts import as_texts, simplified

SHINGLE, HASHES, BANDS = 3, 32, 8
LIKE = 0.7
"""Jaccard similarity of shingles from which two texts are nearly the same; bands find pairs at it with a chance of .89 and more."""
SHORTEST = 12
"""Letters from which a text that repeats is not by chance what many say."""
FEWEST_CUSTOMERS, FEWEST_REPEATS = 5, 3
_CHUNK = 50_000
_MARKS = re.compile(r"[\W_]+")
_Codes = NDArray[np.uint64]


@dataclass(frozen=True, repr=False)
class Duplicates(Shown):
    """Groups of texts that repeat.

    Attributes
    ----------
    table : DataFrame
        One row per group of two or more, largest first: group, texts, distinct (ways of writing it), customers (NaN where they are not known),
        letters, kind: `short` (fewer than twelve letters: what many say), `boilerplate` (five customers or more; where customers are not known,
        five texts), `repeated` (three texts or more of fewer customers), `pair` (two).
    group : ndarray
        Group of each text, -1 where it stands alone, shape (n,).
    first : ndarray
        Whether a text is the first of its group, or stands alone, shape (n,).
    """

    table: pd.DataFrame
    group: NDArray[np.int64]
    first: NDArray[np.bool_]

    def tidy(self) -> pd.DataFrame:
        """Return one row per kind: groups, and texts in them."""
        by = self.table.groupby("kind")["texts"]
        kinds = ["short", "boilerplate", "repeated", "pair"]
        return (
            pd.DataFrame({"groups": by.size(), "texts": by.sum()})
            .reindex(kinds, fill_value=0)
            .rename_axis("kind")
            .reset_index()
        )

    def summary(self) -> dict[str, Any]:
        """Return texts, those that repeat an earlier one, and those in boilerplate."""
        boilerplate = self.table.loc[self.table["kind"] == "boilerplate", "texts"].sum()
        return {"texts": len(self.group), "repeat_another": int((~self.first).sum()), "boilerplate": int(boilerplate)}


def find_duplicates(texts: Iterable[object], *, customers: Sequence[object] | None = None) -> Duplicates:
    """Find texts that are the same, or nearly.

    Parameters
    ----------
    texts : iterable
        Of texts. Blank ones are not counted as the same.
    customers : sequence, optional
        Who wrote each, shape (n,).

    Returns
    -------
    Duplicates
        Texts with the same letters and digits (marks, case, width and traditional characters aside) are one group; of twelve letters and more
        also those whose shingles of three letters are alike by .7 (Jaccard), found by min-wise hashing. Nothing is dropped.

    Raises
    ------
    DataError
        Texts and customers are not as many, or one is no text.

    References
    ----------
    Broder, A. Z. (1997). On the resemblance and containment of documents. Compression and Complexity of Sequences, 21-29. Leskovec, J.,
    Rajaraman, A. & Ullman, J. D. (2020). Mining of massive datasets, 3rd ed., chapter 3.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    letters = [_MARKS.sub("", t) for t in simplified(as_texts(texts))]
    if customers is not None and len(customers) != len(letters):
        raise DataError(f"{len(letters)} texts and {len(customers)} customers.", "Every text needs one customer.")
    same, distinct = pd.factorize(np.array(letters, dtype="object"))
    distinct = [str(t) for t in distinct]
    long = np.flatnonzero([len(t) >= SHORTEST for t in distinct])
    pairs = near_pairs([distinct[i] for i in long])
    graph = coo_matrix((np.ones(len(pairs)), (long[pairs[:, 0]], long[pairs[:, 1]])), shape=(len(distinct),) * 2)
    family = connected_components(graph, directed=False)[1] if len(distinct) else np.zeros(0, dtype="int64")
    of = np.asarray(family, dtype="int64")[same] if len(same) else np.zeros(0, dtype="int64")
    blank = np.array([not t for t in letters], dtype=bool)
    of = np.where(blank, -1, of)
    frame = pd.DataFrame({
        "of": of, "same": same, "letters": [len(t) for t in letters],
        "customer": pd.Series(list(customers), dtype="object") if customers is not None else pd.Series([None] * len(of), dtype="object"),
    })  # fmt: skip
    grouped = frame[frame["of"] >= 0].groupby("of")
    table = grouped.agg(
        texts=("same", "size"),
        distinct=("same", "nunique"),
        customers=("customer", "nunique"),
        letters=("letters", "median"),
    )
    table = table[table["texts"] > 1].sort_values(["texts", "letters"], ascending=False, kind="stable")
    known = table["customers"].where(table["customers"] > 0, table["texts"])
    table["kind"] = np.select(
        [table["letters"] < SHORTEST, known >= FEWEST_CUSTOMERS, table["texts"] >= FEWEST_REPEATS],
        ["short", "boilerplate", "repeated"], "pair",
    )  # fmt: skip
    table["customers"] = table["customers"].astype("float64").where(table["customers"] > 0)
    number = pd.Series(np.arange(len(table)), index=table.index)
    group = frame["of"].map(number).fillna(-1).astype("int64").to_numpy()
    first = (group < 0) | ~frame["of"].duplicated().to_numpy()
    return Duplicates(table.reset_index(drop=True).rename_axis("group").reset_index(), group, first)


def near_pairs(texts: Sequence[str]) -> NDArray[np.int64]:
    """Find pairs of texts whose shingles are alike, each text with the first that shares a band with it.

    Parameters
    ----------
    texts : sequence of str
        Each of three letters at least.

    Returns
    -------
    ndarray
        Positions, shape (pairs, 2).

    References
    ----------
    Broder, A. Z. (1997). Compression and Complexity of Sequences, 21-29.
    """
    if not len(texts):
        return np.zeros((0, 2), dtype="int64")
    signatures = np.concatenate([_signatures(texts[k : k + _CHUNK]) for k in range(0, len(texts), _CHUNK)])
    width = HASHES // BANDS
    candidates = []
    for band in range(BANDS):
        part = np.ascontiguousarray(signatures[:, band * width : (band + 1) * width])
        keys = part.view(np.dtype((np.void, part.dtype.itemsize * width))).ravel()
        _, first, back = np.unique(keys, return_index=True, return_inverse=True)
        with_first = np.stack([first[back], np.arange(len(texts))], axis=1)
        candidates.append(with_first[with_first[:, 0] != with_first[:, 1]])
    pairs = np.unique(np.concatenate(candidates), axis=0)
    alike = [_jaccard(texts[a], texts[b]) >= LIKE for a, b in pairs]
    return np.asarray(pairs[np.array(alike, dtype=bool)], dtype="int64")


def _jaccard(first: str, second: str) -> float:
    a, b = ({t[k : k + SHINGLE] for k in range(len(t) - SHINGLE + 1)} for t in (first, second))
    both = len(a & b)
    return both / (len(a) + len(b) - both)


def _signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return the least hashes of each text's shingles, shape (texts, 32)."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    sizes = np.array([len(t) for t in texts])
    ends = np.cumsum(sizes)
    shingle = _mixed(codes[:-2] * np.uint64(0x1FFFFF1) ^ (codes[1:-1] << np.uint64(21)) ^ (codes[2:] << np.uint64(42)))
    inside = np.ones(len(shingle), dtype=bool)
    for back in (1, 2):  # shingles that run over into the next text
        over = ends[:-1] - back
        inside[over[over < len(shingle)]] = False
    starts = np.concatenate([[0], np.cumsum(sizes - SHINGLE + 1)[:-1]])
    shingle = shingle[inside]
    rng = np.random.default_rng(0)
    found = np.empty((len(texts), HASHES), dtype=np.uint32)
    for k, factor in enumerate(rng.integers(1, 2**63, HASHES, dtype=np.uint64) | np.uint64(1)):
        found[:, k] = np.minimum.reduceat((shingle * factor) >> np.uint64(32), starts)
    return found


def _mixed(x: _Codes) -> _Codes:
    """Spread the bits of numbers over all places (the finaliser of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
