"""Valence of a text by a lexicon: words that please or annoy, turned round by negation, stressed by what stands before them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from xmresearch.verbatims.texts import EMOJI

Array = NDArray[np.float64]
POSITIVE_NEGATED, NEGATIVE_NEGATED = -0.8, -0.4
"""What negation leaves of a word's strength: 'not good' is nearly bad, 'not bad' only half good."""
STRESSED, SOFTENED, BEFORE_CONTRAST = 1.4, 0.7, 0.5
SCOPE = 3
"""English words after a negator that it can turn round."""
SATURATION = 4.0
"""The sum of strengths at which a score is .71: more words of the same kind add less and less."""
WEAK = 0.5
_STRONG, _WEAK, _END, _CONTRAST = "strong", "weak", "end", "contrast"
FEATURES = 7
_WORD = re.compile(
    "[a-z\u00e0-\u024f]+(?:['-][a-z]+)*|[0-9]+|[\u3400-\u9fff]+|[.,;:!?\u3001\u3002\uff0c\uff1b~\u2026]+|"
    + EMOJI.pattern
)
_STOPS = frozenset(".,;:!?、。，；~…")
_ENDINGS = (("ies", "y"), ("es", ""), ("es", "e"), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("est", ""),
            ("est", "e"), ("ier", "y"), ("er", ""), ("ily", "y"), ("ly", ""))  # fmt: skip


@dataclass(frozen=True)
class Lexicon:
    """Words with their valence, what turns, stresses or softens them, and texts that every model learns."""

    han: dict[str, float]
    words: dict[str, float]
    phrases: dict[str, float]
    emoji: dict[str, float]
    han_negators: frozenset[str]
    negators: frozenset[str]
    between: frozenset[str]
    degrees: dict[str, float]
    contrasts: frozenset[str]
    seeds: dict[str, float]
    longest: int


@cache
def lexicon() -> Lexicon:
    """Return the lexicon that this project has written."""
    import yaml

    read = yaml.safe_load((files("xmresearch.verbatims") / "valence.yml").read_text("utf-8"))

    def valued(part: str, separator: str | None = None) -> dict[str, float]:
        return {w.strip(): float(v) for v, words in read[part].items() for w in words.split(separator)}

    def named(part: str, language: str) -> frozenset[str]:
        return frozenset(read[part][language].split())

    degrees = {w: STRESSED for k in ("zh", "en") for w in named("intensifiers", k)}
    degrees |= {w: SOFTENED for k in ("zh", "en") for w in named("downtoners", k)}
    han = valued("zh")
    entries = [*han, *named("negators", "zh"), *degrees, *named("contrasts", "zh")]
    return Lexicon(
        han, valued("en"), valued("phrases", ","), valued("emoji"), named("negators", "zh"), named("negators", "en"),
        named("between", "zh"), degrees, named("contrasts", "zh") | named("contrasts", "en"),
        valued("seeds", ","), max(len(w) for w in entries if not w.isascii()),
    )  # fmt: skip


def valence_features(text: str) -> tuple[float, ...]:
    """Measure the valence of a text.

    Parameters
    ----------
    text : str
        Normalised, in simplified characters.

    Returns
    -------
    tuple of float
        Between -1 and 1: the whole, its pleasing words, its annoying words, the strongest of each, the last clause with a word of either
        kind, and the weak words, shape (7,).
    """
    strong: list[float] = []
    weak = 0.0
    last = clause = 0.0
    for kind, value in _values(text):
        if kind is _END:
            last, clause = (clause or last), 0.0
        elif kind is _CONTRAST:  # what came before counts for less
            strong = [v * BEFORE_CONTRAST for v in strong]
        elif kind is _WEAK:
            weak += value
        else:
            strong.append(value)
            clause += value
    last = clause or last
    up, down = sum(v for v in strong if v > 0), sum(v for v in strong if v < 0)
    parts = (up + down, up, down, max(strong, default=0.0), min(strong, default=0.0), last, weak)
    return tuple(p / (p * p + SATURATION) ** 0.5 for p in parts)


def valence(text: str) -> float:
    """Return the valence of a text as one number.

    Parameters
    ----------
    text : str
        Normalised, in simplified characters.

    Returns
    -------
    float
        From -1 to 1; 0 where no word is known.

    References
    ----------
    Taboada, M., Brooke, J., Tofiloski, M., Voll, K. & Stede, M. (2011). Lexicon-based methods for sentiment analysis. Computational
    Linguistics, 37, 267-307.
    """
    return valence_features(text)[0]


def _values(text: str) -> list[tuple[str, float]]:
    """Return the words of a text that matter, in order: of which kind each is, and its value."""
    lex = lexicon()
    tokens = _WORD.findall(text)
    found: list[tuple[str, float]] = []
    at, turned, degree = 0, 0, 1.0
    while at < len(tokens):
        token = tokens[at]
        if token[0] in _STOPS:
            found.append((_END, 0.0))
            at, turned, degree = at + 1, 0, 1.0
            continue
        if "\u3400" <= token[0] <= "\u9fff":
            found += _han_values(token, lex)
            at, turned, degree = at + 1, 0, 1.0
            continue
        if (feeling := lex.emoji.get(token)) is not None:
            found.append((_STRONG, feeling))
            at += 1
            continue
        size, value = _english(tokens, at, lex)
        if token in lex.contrasts:
            found.append((_CONTRAST, 0.0))
            turned, degree = 0, 1.0
        elif value is not None and abs(value) > WEAK:
            found.append((_STRONG, _turned(value * degree, turned > 0)))
            degree = 1.0
        elif value is not None:
            found.append((_WEAK, value))
        if size == 1 and token in lex.negators:
            turned, degree = SCOPE + 1, 1.0
        elif size == 1 and token in lex.degrees:
            degree = lex.degrees[token]
            turned += turned > 0  # 'not very good': a word of degree does not use up the scope
        turned = max(turned - size, 0)
        at += size
    return found


def _english(tokens: list[str], at: int, lex: Lexicon) -> tuple[int, float | None]:
    """Return how many tokens the longest phrase or word at a place takes, and its value."""
    for size in (3, 2):
        phrase = " ".join(tokens[at : at + size])
        if phrase in lex.phrases:
            return size, lex.phrases[phrase]
    word = tokens[at]
    if (value := lex.words.get(word)) is not None:
        return 1, value
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word[: -len(ending)] + instead
            known = lex.words.get(stem)
            if known is None and len(stem) > 2 and stem[-1] == stem[-2]:
                known = lex.words.get(stem[:-1])
            if known is not None and abs(known) > WEAK:
                return 1, known
    return 1, None


def _han_values(run: str, lex: Lexicon) -> list[tuple[str, float]]:
    """Return the values of a run of Chinese characters, by longest match from the left."""
    found: list[tuple[str, float]] = []
    at, turned, degree, size = 0, False, 1.0, len(run)
    while at < size:
        for length in range(min(lex.longest, size - at), 0, -1):
            word = run[at : at + length]
            value = lex.han.get(word)
            if word in lex.han_negators and (value is None or abs(value) <= WEAK):
                turned, degree = not turned, 1.0
                if value:
                    found.append((_WEAK, value))
            elif word in lex.contrasts:
                turned, degree = False, 1.0
                found.append((_CONTRAST, 0.0))
            elif word in lex.degrees and not (length == 1 and word == "好" and not _opens(run, at + 1, lex)):
                degree *= lex.degrees[word]
                if value and abs(value) <= WEAK:
                    found.append((_WEAK, value))
            elif value is not None:
                if abs(value) > WEAK:
                    found.append((_STRONG, _turned(value * degree, turned)))
                    turned, degree = False, 1.0
                elif value:
                    found.append((_WEAK, value))
            elif length == 1 and word not in lex.between:
                turned, degree = False, 1.0
            elif length > 1:
                continue
            at += length
            break
        else:
            at += 1
    return found


def _opens(run: str, at: int, lex: Lexicon) -> bool:
    """Whether a word of feeling begins at a place: then 好 before it means very."""
    return any(abs(lex.han.get(run[at : at + k], 0.0)) >= WEAK for k in range(1, 4) if at + k <= len(run))


def _turned(value: float, negated: bool) -> float:
    if not negated:
        return value
    return value * (POSITIVE_NEGATED if value > 0 else NEGATIVE_NEGATED)
