"""Terms of a text that a sentiment model weighs: characters of Chinese, words of English with what they are made of, emoji, marks."""

from __future__ import annotations

import re

from xmresearch.verbatims.texts import EMOJI
from xmresearch.verbatims.valence import SCOPE, lexicon

_TOKEN = re.compile(
    "[a-z\u00e0-\u024f]+(?:['-][a-z]+)*|[\u3400-\u9fff]+|[.,;:!?\u3001\u3002\uff0c\uff1b~\u2026]|" + EMOJI.pattern
)
SHORTEST_PART, LONGEST_PART = 3, 4
"""Letters of the parts of English words, counted with the blank before and after a word."""


def terms_of(text: str) -> list[str]:
    """Cut a text into terms.

    Parameters
    ----------
    text : str
        Normalised, in simplified characters.

    Returns
    -------
    list of str
        Of Chinese one, two and three characters in a row; of English words (followed by a blank), pairs of words, words after a negator
        (`not_` before them) and parts of words (`~` before them); emoji and punctuation marks.
    """
    negators = lexicon().negators
    found: list[str] = []
    before, negated = "", 0
    for token in _TOKEN.findall(text):
        if "\u3400" <= token[0] <= "\u9fff":
            found += token
            found += [token[k : k + 2] for k in range(len(token) - 1)]
            found += [token[k : k + 3] for k in range(len(token) - 2)]
            before, negated = "", 0
        elif token[0].isalpha():
            found.append(f"{token} ")
            if before:
                found.append(f"{before} {token}")
            if negated:
                found.append(f"not_{token}")
            padded = f" {token} "
            for size in range(SHORTEST_PART, LONGEST_PART + 1):
                found += [f"~{padded[k : k + size]}" for k in range(len(padded) - size + 1)]
            before, negated = token, SCOPE if token in negators else max(negated - 1, 0)
        else:
            found.append(token)
            before, negated = "", 0
    return found
