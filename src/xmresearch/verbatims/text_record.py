"""What there is among texts before anything is made of them: blanks, languages, lengths, emoji, defaults of platforms, repeats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.verbatims.duplicates import Duplicates, find_duplicates
from xmresearch.verbatims.languages import LANGUAGES, language_of, words_said
from xmresearch.verbatims.texts import ADDRESS, EMOJI, as_texts, normalised, simplified

FEWEST_WORDS, MOST_WORDS = 1.5, 300.0
"""Words, a Chinese character being 1/1.6 of one: two characters or one word are very short, 480 characters or 300 words still not very long."""
LONGEST_DEFAULT = 60
_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, repr=False)
class TextRecord(Shown):
    """What was found among texts; every one of them is counted, and none is dropped.

    Attributes
    ----------
    rows : DataFrame
        One row per text: language, words (a Chinese character is 1/1.6 of one), blank, very_short, very_long, emoji, address, traditional,
        default_praise, default_nothing (texts that a platform puts where nobody wrote), repeat (says what an earlier one said), boilerplate.
    duplicates : Duplicates
        Groups of texts that repeat.
    """

    rows: pd.DataFrame
    duplicates: Duplicates

    def usable(self) -> NDArray[np.bool_]:
        """Return which texts somebody wrote: not blank, no default of a platform, and of boilerplate only the first, shape (n,)."""
        r = self.rows
        left_out = r["blank"] | r["default_praise"] | r["default_nothing"] | (r["boilerplate"] & r["repeat"])
        return np.asarray(~left_out, dtype=bool)

    def tidy(self) -> pd.DataFrame:
        """Return one row per finding: what, n and share of all texts."""
        n = len(self.rows)
        found = [("texts", n), *((f"language_{k}", int((self.rows["language"] == k).sum())) for k in LANGUAGES)]
        found += [(k, int(self.rows[k].sum())) for k in _FLAGS] + [("usable", int(self.usable().sum()))]
        return pd.DataFrame([{"what": k, "n": v, "share": v / n if n else np.nan} for k, v in found])

    def summary(self) -> dict[str, Any]:
        """Return the counts by name."""
        return {str(k): int(v) for k, v in self.tidy().set_index("what")["n"].items()}

    def _head(self) -> dict[str, Any]:
        return {k: v for k, v in self.summary().items() if v}


_FLAGS = (
    "blank", "very_short", "very_long", "emoji", "address", "traditional", "default_praise", "default_nothing", "repeat", "boilerplate",
)  # fmt: skip


def record_texts(texts: Iterable[object], *, customers: Sequence[object] | None = None) -> TextRecord:
    """Look through texts and count what there is among them.

    Parameters
    ----------
    texts : iterable
        Of texts; None, NaN and NA are blank.
    customers : sequence, optional
        Who wrote each, shape (n,).

    Returns
    -------
    TextRecord

    Raises
    ------
    DataError
        Texts and customers are not as many, or one is no text.

    References
    ----------
    Broder, A. Z. (1997). On the resemblance and containment of documents. Compression and Complexity of Sequences, 21-29.
    """
    given = as_texts(texts)
    plain = [normalised(t) for t in given]
    simple = simplified(given)
    words = np.array([words_said(t.replace(ADDRESS, " ")) for t in plain], dtype="float64")
    duplicates = find_duplicates(given, customers=customers)
    kinds = duplicates.table["kind"].to_numpy(dtype="object")
    kind_of = np.append(kinds, "")[duplicates.group]
    blank = np.array([not t for t in plain], dtype=bool)
    praise, nothing = (np.array([is_default(t, k) for t in simple], dtype=bool) for k in ("praise", "nothing"))
    rows = pd.DataFrame({
        "language": [language_of(t.replace(ADDRESS, " ")) for t in plain], "words": words, "blank": blank,
        "very_short": ~blank & (words < FEWEST_WORDS), "very_long": words > MOST_WORDS,
        "emoji": [bool(EMOJI.search(t)) for t in plain], "address": [ADDRESS in t for t in plain],
        "traditional": [a != b for a, b in zip(plain, simple, strict=True)], "default_praise": praise,
        "default_nothing": nothing & ~praise, "repeat": ~duplicates.first, "boilerplate": kind_of == "boilerplate",
    })  # fmt: skip
    return TextRecord(rows, duplicates)


def is_default(text: str, kind: str) -> bool:
    """Whether a text (normalised, in simplified characters) is what platforms put where nobody wrote: `praise`, or `nothing`."""
    letters = _MARKS.sub("", text)
    return bool(letters) and len(letters) <= LONGEST_DEFAULT and _defaults(kind).fullmatch(letters) is not None


@cache
def _defaults(kind: str) -> re.Pattern[str]:
    import yaml

    read = yaml.safe_load((files("xmresearch.verbatims") / "default_texts.yml").read_text("utf-8"))
    return re.compile("|".join(f"(?:{p.replace(' ', '')})" for p in read[kind]))
