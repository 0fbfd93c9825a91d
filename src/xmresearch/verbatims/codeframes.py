"""Codeframes: themes told by their terms, with what excludes them and what negates them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from xmresearch.data.strict_yaml import read_yaml
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, brief, nearest
from xmresearch.verbatims.segmentation import HAN
from xmresearch.verbatims.texts import as_texts, simplified

Negated = Literal["keep", "drop"]
WORDS_AFTER_NEGATION, HAN_AFTER_NEGATION = 3, 4
"""How many English words, and Chinese characters, a negation reaches."""
_KEYS = ("label", "terms", "not", "negated")
_HAN_CHARACTER = re.compile(f"[{HAN}]")
_REACH_EN = rf"(?:[^\W_]+(?:['’][^\W_]+)?\s+){{0,{WORDS_AFTER_NEGATION - 1}}}$"
_NEGATION = re.compile(
    rf"(?:\b(?:not|no|never|without|neither|nor|hardly|cannot|[a-z]+n['’]?t)\s+{_REACH_EN})"
    rf"|(?:(?<!不得)(?<!差)(?:不(?!但|仅|过|得不)|没有?|未|无需|无须|别|毫无)[{HAN}]{{0,{HAN_AFTER_NEGATION - 1}}}$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Theme:
    """A theme of a codeframe.

    Attributes
    ----------
    name : str
        By which results name it.
    label : mapping
        What readers call it, by language; empty where the name will do.
    terms : tuple of str
        Words and phrases that tell it; `*` stands for the rest of a word.
    exclusions : tuple of str
        Phrases that hold a term without being about the theme.
    negated : {'keep', 'drop'}
        Whether a negated term ('no queue') counts.
    """

    name: str
    label: Mapping[str, str]
    terms: tuple[str, ...]
    exclusions: tuple[str, ...] = ()
    negated: Negated = "keep"


@dataclass(frozen=True, repr=False)
class Codeframe(Shown):
    """Themes, and how they are found in texts.

    Attributes
    ----------
    themes : tuple of Theme
        In the order of the file.
    """

    themes: tuple[Theme, ...]
    _compiled: tuple[tuple[re.Pattern[str], re.Pattern[str] | None], ...] = field(default=(), repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the themes."""
        return [t.name for t in self.themes]

    def labels(self, lang: str) -> dict[str, str]:
        """Return what readers call each theme, by its name."""
        return {t.name: t.label.get(lang) or t.label.get("en") or t.name for t in self.themes}

    def found(self, text: str) -> list[str]:
        """Return the themes of one text, or of one clause."""
        return [t.name for t, (of, out) in zip(self.themes, self._compiled, strict=True) if _speaks(text, t, of, out)]

    def code(self, texts: Sequence[str]) -> pd.DataFrame:
        """Find the themes of texts.

        Parameters
        ----------
        texts : sequence of str
            Shape (n,).

        Returns
        -------
        DataFrame of bool
            One row per text, one column per theme.
        """
        texts = simplified(as_texts(texts))
        found = np.zeros((len(texts), len(self.themes)), dtype=bool)
        for j, (theme, (of, out)) in enumerate(zip(self.themes, self._compiled, strict=True)):
            found[:, j] = [_speaks(text, theme, of, out) for text in texts]
        return pd.DataFrame(found, columns=self.names)

    def tidy(self) -> pd.DataFrame:
        """Return one row per theme: theme, terms, exclusions, negated."""
        return pd.DataFrame(
            {"theme": t.name, "terms": ", ".join(t.terms), "exclusions": ", ".join(t.exclusions), "negated": t.negated}
            for t in self.themes
        )


def load_codeframe(path: Path | str) -> Codeframe:
    """Read a codeframe from a YAML file.

    Parameters
    ----------
    path : Path or str
        Of the file: `themes`, and below it for each theme its `terms`, and if wanted `label`, `not` (what excludes it) and `negated`.

    Returns
    -------
    Codeframe

    Raises
    ------
    CodebookError
        The file is no codeframe; the message names theme and key.
    """
    where = Path(path)
    return parse_codeframe(read_yaml(where, where.name, CodebookError).value)


def parse_codeframe(content: Any) -> Codeframe:
    """Make a codeframe of what a file says.

    Parameters
    ----------
    content : mapping
        As in the file: `{"themes": {"waiting": {"terms": ["queue*", "排队"], "not": ["queue number"]}}}`.

    Returns
    -------
    Codeframe

    Raises
    ------
    CodebookError
        It is no codeframe; the message names theme and key.
    """
    if not isinstance(content, Mapping) or set(content) != {"themes"} or not isinstance(content["themes"], Mapping):
        raise CodebookError(
            "A codeframe holds 'themes', and below it one entry per theme.", "See 'xmresearch new voice'."
        )
    themes = tuple(_theme(str(name), of) for name, of in content["themes"].items())
    if not themes:
        raise CodebookError("The codeframe has no theme.", "Name at least one, with its terms.")
    compiled = tuple((_pattern(t.terms), _pattern(t.exclusions) if t.exclusions else None) for t in themes)
    return Codeframe(themes, compiled)


def _theme(name: str, of: Any) -> Theme:
    called = f"Theme '{brief(name)}' of the codeframe"
    if isinstance(of, Sequence) and not isinstance(of, str):
        of = {"terms": of}
    if not isinstance(of, Mapping):
        raise CodebookError(f"{called} is no list of terms.", "Give it 'terms: [...]'.")
    for key in of:
        if key not in _KEYS:
            raise CodebookError(f"{called} has an unknown key '{brief(key)}'.", nearest(key, _KEYS))
    terms, exclusions = (_phrases(of.get(key, ()), f"{called}: '{key}'") for key in ("terms", "not"))
    if not terms:
        raise CodebookError(f"{called} has no terms.", "Give it the words that tell it.")
    label = of.get("label", {})
    label = {"en": label, "zh": label} if isinstance(label, str) else label
    if not isinstance(label, Mapping) or not all(isinstance(v, str) for v in label.values()):
        raise CodebookError(f"{called}: 'label' is no text.", "Give one text, or one by language.")
    negated = of.get("negated", "keep")
    if negated not in ("keep", "drop"):
        raise CodebookError(f"{called}: 'negated' is '{brief(negated)}'.", "It is keep or drop.")
    return Theme(name, dict(label), terms, exclusions, negated)


def _phrases(given: Any, where: str) -> tuple[str, ...]:
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, Sequence):
        raise CodebookError(f"{where} is no list of words.")
    for phrase in given:
        if not isinstance(phrase, str) or not any(c.isalnum() for c in phrase):
            raise CodebookError(
                f"{where} holds '{brief(phrase)}', which is no word.", 'Quote words such as "no" and "yes".'
            )
    return tuple(" ".join(p.split()) for p in given)


def _pattern(phrases: Sequence[str]) -> re.Pattern[str]:
    """Compile phrases, the longest first: whole words in letters, any place in Chinese."""
    parts = []
    for phrase in sorted(phrases, key=lambda p: (-len(p), p)):
        if _HAN_CHARACTER.search(phrase):
            parts.append(re.escape(phrase).replace(r"\*", rf"[{HAN}\w]{{0,4}}").replace(r"\ ", r"\s*"))
        else:
            parts.append(rf"(?<![^\W_]){re.escape(phrase).replace(r'\*', r'[^\W_]*').replace(r'\ ', r'\s+')}(?![^\W_])")
    return re.compile("|".join(parts), re.IGNORECASE)


def _speaks(text: str, theme: Theme, terms: re.Pattern[str], exclusions: re.Pattern[str] | None) -> bool:
    if exclusions is not None:
        text = exclusions.sub(" ; ", text)
    if theme.negated == "keep":
        return terms.search(text) is not None
    return any(not _NEGATION.search(text[: m.start()]) for m in terms.finditer(text))
