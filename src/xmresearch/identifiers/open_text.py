"""Columns of answers in respondents' own words, and what is taken out of such answers."""

from __future__ import annotations

import re

import pandas as pd

from xmresearch.identifiers.names import scrub_names
from xmresearch.identifiers.patterns import scrub

LOOKED_AT = 2000
"""Different texts of a column that are looked at."""
FEWEST_TEXTS, OWN_SHARE = 5, 0.5
"""From so many different sentences on, and from such a share of the answers on, a column holds respondents' own words."""
_SENTENCE = re.compile(
    r"[^\W\d_]{2,}[^\w@]+[^\W\d_]{2,}(?:.*\s)?|[\u4e00-\u9fff][\u4e00-\u9fff，。！？、\s]{4,}[\u4e00-\u9fff]", re.DOTALL
)


def is_open_text(cells: pd.Series, between: str = "") -> bool:
    """Whether a column holds answers in respondents' own words: mostly different ones, mostly of several words.

    Parameters
    ----------
    cells : Series
        Texts; others are none.
    between : str, optional
        Pattern of what stands between several answers of a cell, which are then looked at one by one.

    Returns
    -------
    bool
    """
    if not (cells.dtype == object or pd.api.types.is_string_dtype(cells)):
        return False
    given = cells.dropna()
    if len(given) < FEWEST_TEXTS:
        return False
    head = given.iloc[: 2 * LOOKED_AT]
    values = {part for v in head.drop_duplicates() for part in (re.split(between, str(v)) if between else [str(v)])}
    sentences = sum(bool(_SENTENCE.search(v)) for v in values)
    return sentences >= FEWEST_TEXTS and sentences >= OWN_SHARE * len(head)


def scrub_open(text: str) -> str:
    """Take structured identifiers, and what are likely names of persons, out of a text.

    Parameters
    ----------
    text : str
        An answer in somebody's own words.

    Returns
    -------
    str
        With a word for its kind in the place of each. Not every name is found: `tests/benchmarks/test_identifiers.py` measures how many are.
    """
    return scrub_names(scrub(text))
