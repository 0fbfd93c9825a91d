"""Names that a file itself gives in its columns of names, found again in its texts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from xmresearch.identifiers.names import PLACEHOLDER, is_other_word

HAN_LENGTHS = range(2, 5)
"""Characters of a Chinese name."""
FEWEST_LETTERS = 3
"""A single word that is shorter is not looked for."""
_HAN = re.compile("[\u4e00-\u9fff]{2,}")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_MOST_WORDS = 4


class KnownNames:
    """Names of persons that a file gives.

    Parameters
    ----------
    values : iterable
        Cells of columns of names: whole names, first names or last names.
    """

    def __init__(self, values: Iterable[object]) -> None:
        texts = [" ".join(str(v).split()) for v in values if isinstance(v, str)]
        self._han = {t for t in texts if len(t) in HAN_LENGTHS and _HAN.fullmatch(t)}
        words = [tuple(w.casefold() for w in _WORD.findall(t)) for t in texts if not _HAN.search(t)]
        self._whole = {w for w in words if 2 <= len(w) <= _MOST_WORDS}
        self._single = {
            w for parts in words for w in parts
            if len(parts) <= _MOST_WORDS and len(w) >= FEWEST_LETTERS and not is_other_word(w)
        }  # fmt: skip

    def __bool__(self) -> bool:
        return bool(self._han or self._whole or self._single)

    def scrub(self, text: str) -> str:
        """Put `[name]` in the place of each of the names; a single word counts where it begins with a capital.

        Parameters
        ----------
        text : str
            Any.

        Returns
        -------
        str
        """
        spans = [*self._in_words(text), *self._in_han(text)]
        for start, end in sorted(spans, reverse=True):
            text = f"{text[:start]}{PLACEHOLDER}{text[end:]}"
        return text

    def _in_han(self, text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        if not self._han or text.isascii():
            return found
        for run in _HAN.finditer(text):
            at = run.start()
            while at < run.end() - 1:
                length = next((n for n in reversed(HAN_LENGTHS) if text[at : min(at + n, run.end())] in self._han), 0)
                if length:
                    found.append((at, at + length))
                at += length or 1
        return found

    def _in_words(self, text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        if not self._whole and not self._single:
            return found
        words = [*_WORD.finditer(text)]
        plain = [re.sub(r"['’]s$", "", m[0]).casefold() for m in words]
        k = 0
        while k < len(words):
            n = next(
                (n for n in range(min(_MOST_WORDS, len(words) - k), 1, -1) if tuple(plain[k : k + n]) in self._whole), 0
            )
            if not n and plain[k] in self._single and words[k][0][0].isupper():
                n = 1
            if n:
                last = words[k + n - 1]
                found.append((words[k].start(), last.start() + len(plain[k + n - 1])))
            k += n or 1
        return found
