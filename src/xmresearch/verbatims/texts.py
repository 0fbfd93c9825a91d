"""Texts as methods read them: one width, one case, simplified characters, addresses as one token, emoji kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from xmresearch.errors import DataError

ADDRESS = "\ue000"
"""Stands for an address on the web."""
_URL = re.compile(r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef]+", re.IGNORECASE)
_REPEATED = re.compile(r"([^\d\s])\1{2,}")
_INVISIBLE = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f\ud800-\udfff]"
)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")
_QUOTE = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "`": "'"})
EMOJI = re.compile("[\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001faff]")
_HAN = re.compile("[\u3400-\u9fff]")


def normalised(text: str) -> str:
    r"""Write a text in one form.

    Parameters
    ----------
    text : str
        As it was given.

    Returns
    -------
    str
        Full-width letters and digits are half-width, letters small, spaces single; an address on the web is one token, a sign that stands
        three times or more stands twice (digits excepted), emoji lose their skin tone. Traditional characters stay: see `simplified`.

    Examples
    --------
    >>> normalised("ＧＯＯＤ！！！！  sooooo 好好好好  https://a.cn/x?y=1")
    'good!! soo 好好 \ue000'
    """
    text = _URL.sub(f" {ADDRESS} ", text)
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_QUOTE).lower()
    return _REPEATED.sub(r"\1\1", _SPACE.sub(" ", text)).strip()


def simplified(texts: Iterable[str]) -> list[str]:
    """Normalise texts and write them in simplified characters, for the eye of a method alone: quotes stay as they were written.

    Parameters
    ----------
    texts : iterable of str
        Any texts.

    Returns
    -------
    list of str
        As `normalised` has them, by OpenCC's tables for phrases and characters.
    """
    plain = [normalised(t) for t in texts]
    # no text has a line break any more, so that one call converts them all
    converted: list[str] = _converter().convert("\n".join(plain)).split("\n") if _HAN.search("".join(plain)) else plain
    return converted


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def as_texts(texts: Iterable[object]) -> list[str]:
    """Return texts as strings: a blank (None, NaN, NA) is an empty one.

    Parameters
    ----------
    texts : iterable
        Of texts.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        It is one text, or one of them is no text.
    """
    if isinstance(texts, str):
        raise DataError("One text stands where several should.", "Give a list of texts.")
    found = []
    for row, text in enumerate(texts):
        if isinstance(text, str):
            found.append(text)
        elif text is None or type(text).__name__ in ("NAType", "NaTType") or text != text:
            found.append("")
        else:
            raise DataError(f"Row {row} holds {type(text).__name__}, not a text.", "Give the column of verbatims.")
    return found
