"""Exemplar quotes: the words of respondents, without what tells who they are, and none of a group that is too small."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import DataError
from xmresearch.identifiers.open_text import scrub_open

LONGEST_QUOTE = 240
"""Characters of a quote; an ellipsis stands for the rest."""
SHORTEST_QUOTE = 6
LOOKED_AT = 200
"""Texts, those most of their group first, among which quotes are looked for."""

_TELLING = re.compile(r"\d{1,4}[-/.:年月]\d|\d{3,}")
"""Days, times and long numbers: no identifiers, but somebody may be told by them."""


def plain_quote(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Make a text fit to be quoted.

    Parameters
    ----------
    text : str
        In somebody's own words.
    longest : int
        Characters of the quote at most.

    Returns
    -------
    str
        On one line, without control characters and marks of direction, identifiers and likely names of persons replaced; shortened at
        a space where there is one. What HTML, Markdown and spreadsheets make of it is for who writes them to see to.
    """
    # what is scrubbed needs its context, but not all of a text that goes on for pages
    line = " ".join("".join(_seen(c) for c in text[: 4 * longest]).split())
    told = scrub_open(line)
    if len(told) <= longest and len(text) <= 4 * longest:
        return told
    cut = told[: longest - 1]
    space = cut.rfind(" ", longest // 2)
    return f"{cut[:space] if space > 0 else cut}…"


def _seen(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cc" or kind in ("Zl", "Zp"):
        return " "
    # joiners of emoji stay, marks of direction do not
    return "" if kind in ("Cf", "Co", "Cs", "Cn") and character not in "\u200d" else character


def exemplars(
    texts: Sequence[str],
    groups: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    people: ArrayLike | None = None,
    number: int = 3,
    min_cell: int = MIN_CELL,
) -> pd.DataFrame:
    """Choose quotes that stand for each group of texts, such as those of a topic.

    Parameters
    ----------
    texts : sequence of str
        Shape (n,).
    groups : array_like
        Group of each text, shape (n,); '' and blanks are in none.
    weight : array_like, optional
        How far each text stands for its group, shape (n,); the first come first if absent.
    people : array_like, optional
        Who wrote each, shape (n,); somebody else each if absent. Nobody is quoted twice.
    number : int
        Quotes of a group at most.
    min_cell : int
        Fewest people of a group that is quoted.

    Returns
    -------
    DataFrame
        One row per quote: group, quote. Texts in which nothing had to be replaced, short ones, and those without days, times and long numbers
        come before others; no quote comes twice.

    Raises
    ------
    DataError
        Lengths differ.
    """
    n = len(texts)
    frame = pd.DataFrame({"group": np.asarray(groups, dtype=object)})
    if len(frame) != n:
        raise DataError(f"There are {n} texts and {len(frame)} groups.")
    frame["weight"] = 0.0 if weight is None else np.asarray(weight, dtype=float)
    frame["who"] = np.arange(n) if people is None else pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
    frame = frame[frame["group"].notna() & (frame["group"] != "")]
    rows = []
    for group, members in frame.groupby("group", sort=True):
        if members["who"].nunique() < min_cell:
            continue
        nearest = members.sort_values("weight", ascending=False, kind="stable").drop_duplicates("who")
        chosen: dict[str, bool] = {}
        for i in nearest.index[:LOOKED_AT]:
            text = str(texts[i])
            quote = plain_quote(text)
            if len(re.sub(r"\W", "", quote)) >= SHORTEST_QUOTE:
                chosen.setdefault(quote, "[" not in quote and not quote.endswith("…") and not _TELLING.search(quote))
            if sum(chosen.values()) >= number:
                break
        best = sorted(chosen, key=lambda q: not chosen[q])[:number]
        rows += [{"group": group, "quote": quote} for quote in best]
    return pd.DataFrame(rows, columns=["group", "quote"])
