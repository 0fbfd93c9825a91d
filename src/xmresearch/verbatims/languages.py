"""The language of a text, told by the script that it is written in."""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["zh", "en", "mixed", "other", "none"]
LANGUAGES: tuple[Language, ...] = ("zh", "en", "mixed", "other", "none")
HAN_PER_WORD = 1.6
"""Chinese characters that say what one English word says."""
LESSER_SHARE = 0.2
"""Least share of the lesser language in a mixed text."""
FEWEST_OF_EACH = 2
"""English words, and Chinese characters, that a mixed text has at least: a brand or `app` does not make one."""
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+(?:['\u2019][A-Za-z]+)*")
_LETTER = re.compile(r"[^\W\d_]")


def words_said(text: str) -> float:
    """Return how much a text says, in English words: a Chinese character is 1/1.6 of one.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    float
    """
    return len(_LATIN.findall(text)) + len(_HAN.findall(text)) / HAN_PER_WORD


def language_of(text: str) -> Language:
    """Tell the language of a text by its script.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    {'zh', 'en', 'mixed', 'other', 'none'}
        `zh` for Chinese characters, `en` for Latin letters (other languages that are written in them are not told apart), `mixed` for
        both where the lesser is a fifth at least, `other` where most letters are of another script, such as kana, hangul or Cyrillic,
        `none` where there is no letter at all.

    Examples
    --------
    >>> language_of("app很好用"), language_of("very good 服务很好")
    ('zh', 'mixed')
    """
    han = len(_HAN.findall(text))
    words = _LATIN.findall(text)
    latin = sum(map(len, words))
    foreign = len(_LETTER.findall(text)) - han - sum(c.isalpha() for word in words for c in word)
    if not han and not latin and foreign <= 0:
        return "none"
    if foreign > 0 and foreign * HAN_PER_WORD >= han and foreign >= latin:
        return "other"
    said = HAN_PER_WORD * len(words)
    lesser = min(said, han) / (said + han)
    if lesser >= LESSER_SHARE and len(words) >= FEWEST_OF_EACH and han >= FEWEST_OF_EACH:
        return "mixed"
    return "zh" if han >= said else "en"
