"""Clauses: the parts of a text that can each be about something else, and be of another mind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_SENTENCE = re.compile(r"[。！？；!?;…\r\n]+|\.+(?=\s|$)")
_CONTRAST = re.compile(
    r"\b(?:but|however|although|though|whereas|nevertheless|on the other hand)\b"
    r"|(?<![不非])但(?!愿)是?|(?<![只好])不过(?!如此|来|去)|然而|可是|只是|虽然|尽管|(?<![冷忘退推])却(?!步)",
    re.IGNORECASE,
)
_COMMA = re.compile(r"[，,]+(?!\d)")


@dataclass(frozen=True)
class Clause:
    """A part of a text.

    Attributes
    ----------
    text : str
        Its words, without punctuation about them.
    sentence : int
        Number of the sentence that it is part of, from 0.
    turns : bool
        Whether it turns against what stands before, as after 'but' and 但是.
    """

    text: str
    sentence: int
    turns: bool


def clauses_of(text: str) -> list[Clause]:
    """Cut a text into clauses.

    Parameters
    ----------
    text : str
        English, Chinese or both.

    Returns
    -------
    list of Clause
        In order: cut at the ends of sentences, before words that turn the thought (but, however, 但是, 不过, ...) and at commas, English
        and Chinese. Empty where there is no word.

    Examples
    --------
    >>> [c.text for c in clauses_of("The clerk was kind, but I waited an hour. 环境很好，但是排队太久")]
    ['The clerk was kind', 'but I waited an hour', '环境很好', '但是排队太久']
    """
    found: list[Clause] = []
    for number, sentence in enumerate(part for part in _SENTENCE.split(text) if part.strip()):
        turns = {m.start() for m in _CONTRAST.finditer(sentence)}
        ends = sorted({0, len(sentence), *turns, *(m.end() for m in _COMMA.finditer(sentence))})
        turned = False
        for begin, end in pairwise(ends):
            turned |= begin in turns
            words = sentence[begin:end].strip(" \t,，、:：-—\"'“”‘’()（）")
            if any(c.isalnum() for c in words):
                # 'However, ...': the word alone is no clause, but what follows turns
                if _CONTRAST.fullmatch(words):
                    continue
                found.append(Clause(words, number, turned))
                turned = False
    return found
