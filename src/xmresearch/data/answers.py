"""Answers in words, read as numbers where the words leave no doubt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from xmresearch.data.codebook import Column
from xmresearch.data.strict_yaml import parse_yaml
from xmresearch.display import Shown
from xmresearch.errors import DataError, brief
from xmresearch.identifiers.names import scrub_names

BLANKS = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
_SHOWN = 6
_UNIT = r"(?:分|点|星|points?|stars?)"
_NUMBERED = re.compile(
    rf"^(?P<n>[+-]?\d{{1,3}}(?:\.\d+)?)\s*(?:{_UNIT}\s*$|(?:{_UNIT}|[-–—=:.、)\]]|(?=\()|\s)\s*[^\s\d].*$)",
    re.IGNORECASE,
)
_NUMBER_LAST = re.compile(r"^\D.*[(\[]\s*(?P<n>[+-]?\d{1,3})\s*(?:分|points?)?\s*[)\]]$", re.IGNORECASE)
_NUMBER_AFTER_DASH = re.compile(r"^[^\d]*[^\d\s]\s*[-–—=:]\s*(?P<n>\d{1,2})$")
_CODE = re.compile(r"^(?P<letter>[a-z]{1,3})(?P<n>\d{1,2})$")
_LETTERED = re.compile(r"^[a-z]\s*[.、):]\s*(?=\S)")


@dataclass(frozen=True, repr=False)
class Conversion(Shown):
    """How the words of some items became numbers.

    Attributes
    ----------
    columns : tuple of str
        The items.
    how : str
        By what: `codebook`, the name of a known scale, `numbers in words` or `answer codes`.
    values : mapping of str to float
        Word, as it was first met, to number; from low to high.
    missing : mapping of str to int
        Words that say that there is no answer, and how often they occur.
    """

    columns: tuple[str, ...]
    how: str
    values: Mapping[str, float]
    missing: Mapping[str, int]

    def line(self) -> str:
        """Say it in one line."""
        shown = ", ".join(f"'{brief(w)}' = {v:g}" for w, v in self.values.items())
        said = f"{_named(self.columns)}: {shown} ({self.how})" if self.values else _named(self.columns)
        if self.missing:
            said += "; no answer: " + ", ".join(f"'{brief(w)}' ({n})" for w, n in self.missing.items())
        return said + "."


def _named(columns: Sequence[str]) -> str:
    shown = ", ".join(f"'{brief(c)}'" for c in columns[:3])
    return shown if len(columns) <= 3 else f"{shown} and {len(columns) - 3} more"


def plain_word(text: object) -> str:
    """Return an answer without case, width, repeated spaces and surrounding marks."""
    word = unicodedata.normalize("NFKC", str(text)).casefold().replace("’", "'").replace("\u200b", "")
    return " ".join(word.split()).strip(" .。!！,，;；*:：\"'“”")


@cache
def _known() -> tuple[dict[str, list[dict[str, int]]], frozenset[str]]:
    """Return the known scales by name, each a mapping of word to position, and the words for no answer."""
    content = parse_yaml((files("xmresearch.data") / "answer_words.yml").read_text("utf-8")).value
    scales: dict[str, list[dict[str, int]]] = {}
    for name, forms in content["scales"].items():
        scales[name] = [{plain_word(w): k for k, words in enumerate(form) for w in words} for form in forms]
    return scales, frozenset(plain_word(w) for group in content["no_answer"] for w in group)


def is_no_answer(word: str) -> bool:
    """Whether a word, as `plain_word` gives it, says that there is no answer."""
    return word in _known()[1]


def fitting_scales(words: Sequence[str], points: int | None = None) -> dict[str, list[dict[str, int]]]:
    """Return the known scales that have all of some words.

    Parameters
    ----------
    words : sequence of str
        As `plain_word` gives them.
    points : int, optional
        How many answers the scale has; any number if absent.

    Returns
    -------
    dict of str to list of dict
        By name of the scale: position of each of the words, counted from 0, each another one; alike ones once.
    """
    found: dict[str, list[dict[str, int]]] = {}
    for name, forms in _known()[0].items():
        for form in forms:
            if points in (None, max(form.values()) + 1) and all(w in form for w in words):
                at = {w: form[w] for w in words}
                if len(set(at.values())) == len(at) and at not in found.setdefault(name, []):
                    found[name].append(at)
    return {name: forms for name, forms in found.items() if forms}


def to_numbers(raw: pd.Series, column: Column) -> tuple[pd.Series, Conversion | None]:
    """Read one item's answers as numbers.

    Parameters
    ----------
    raw : Series
        As in the file.
    column : Column
        The item: its scale says how many answers there are, and may name them.

    Returns
    -------
    numbers : Series of float64
        Blanks, and words that say that there is no answer, are NaN.
    conversion : Conversion or None
        How words became numbers; None where there were none.

    Raises
    ------
    DataError
        An answer is neither a number nor a word whose number is beyond doubt.
    """
    if isinstance(raw.dtype, pd.CategoricalDtype):
        raw = raw.astype(raw.cat.categories.dtype)
    if pd.api.types.is_numeric_dtype(raw):
        numbers = raw if raw.dtype == np.float64 else raw.to_numpy(dtype="float64", na_value=np.nan)
        return pd.Series(numbers, index=raw.index, name=raw.name), None
    if not (raw.dtype == object or pd.api.types.is_string_dtype(raw)):
        raise DataError(
            f"Column '{column.name}' holds {raw.dtype}, which is no answer.", "Check the codebook's columns."
        )
    codes, uniques = pd.factorize(raw.astype("string"), use_na_sentinel=True)
    texts = [str(u).strip() for u in uniques]
    plain = [plain_word(t) for t in texts]
    numbers = np.array([_number(t) for t in texts], dtype="float64")
    named = {plain_word(w): v for w, v in column.scale.values.items()}
    blank = np.array([t.lower() in BLANKS and p not in named for t, p in zip(texts, plain, strict=True)], dtype=bool)
    blank &= np.array([not is_no_answer(p) for p in plain], dtype=bool)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    silent = np.array([is_no_answer(p) and p not in named for p in plain], dtype=bool) & ~blank & np.isnan(numbers)
    open_ = np.isnan(numbers) & ~blank & ~silent
    if named and (open_.any() or not np.isnan(numbers).any()):
        open_ |= np.array([p in named for p in plain], dtype=bool)
    conversion = None
    if open_.any() or silent.any():
        words = {plain[k]: texts[k] for k in np.flatnonzero(open_)[::-1]}
        how, values = (
            _values(words, column, raw, numeric=bool((~np.isnan(numbers) & ~open_).any())) if words else ("", {})
        )
        for k in np.flatnonzero(open_):
            numbers[k] = values[plain[k]]
        shown = {words[w]: v for w, v in sorted(values.items(), key=lambda item: item[1])}
        missing = {texts[k]: int(counts[k]) for k in np.flatnonzero(silent)}
        conversion = Conversion((column.name,), how, shown, missing)
    out = np.full(len(raw), np.nan)
    out[codes >= 0] = numbers[codes[codes >= 0]]
    return pd.Series(out, index=raw.index, name=raw.name), conversion


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else np.nan
    except ValueError:
        return np.nan


def _values(words: Mapping[str, str], column: Column, raw: pd.Series, *, numeric: bool) -> tuple[str, dict[str, float]]:
    """Return by what, and to which numbers, the words of an item are read; refuse what is doubtful."""
    scale, name = column.scale, column.name
    if scale.values:
        named = {plain_word(w): v for w, v in scale.values.items()}
        unknown = [w for w in words if w not in named]
        if unknown:
            raise DataError(
                f"Column '{name}' has {len(unknown)} answer(s) that its scale's values do not name: "
                f"{_quoted(words, unknown)}{_place(raw, words, unknown)}.",
                f"Named are {', '.join(repr(w) for w in scale.values)}; add them to the codebook's scale, or to data.missing_codes.",
            )
        return "as the codebook says", {w: named[w] for w in words}
    for pattern in (_NUMBERED, _NUMBER_LAST, _NUMBER_AFTER_DASH):
        matches = {w: pattern.match(unicodedata.normalize("NFKC", t)) for w, t in words.items()}
        if all(matches.values()):
            return "numbers in words", {w: float(m["n"]) for w, m in matches.items() if m}
    codes = {w: _CODE.match(w) for w in words}
    if all(codes.values()) and len({m["letter"] for m in codes.values() if m}) == 1 and not numeric:
        return "answer codes", {w: float(m["n"]) for w, m in codes.items() if m}
    return _by_known_scale(words, column, raw, numeric=numeric)


def _by_known_scale(
    words: Mapping[str, str], column: Column, raw: pd.Series, *, numeric: bool
) -> tuple[str, dict[str, float]]:
    scale, name = column.scale, column.name
    stripped = {w: _LETTERED.sub("", w) for w in words}
    look = stripped if all(_LETTERED.match(w) for w in words) else {w: w for w in words}
    points = round(scale.maximum - scale.minimum) + 1
    whole = float(scale.maximum - scale.minimum).is_integer()
    known = _known()[0]
    strange = [w for w in words if not any(look[w] in form for forms in known.values() for form in forms)]
    if strange:
        mixed = " among numbers" if numeric else ""
        raise DataError(
            f"Column '{name}' has {len(strange)} answer(s){mixed} that are no number and belong to no known scale: "
            f"{_quoted(words, strange)}{_place(raw, words, strange)}.",
            "Say what they mean in the codebook, as 'values: {Word: number}' below the item's scale, or name those that are no "
            "answer in data.missing_codes.",
        )
    fits = fitting_scales(list(look.values()), points) if whole else {}
    if (scale.minimum, scale.maximum) != (0, 1):
        fits.pop("yes_no", None)  # 1 and 2 are given to yes and no in either order
    if numeric and not fits and (ends := _ends(look, column, raw)):
        return "ends of the scale", ends
    maps = {tuple(sorted(m.items())): n for n, forms in fits.items() for m in forms}
    if numeric and any(0 < k < points - 1 for at in maps for _, k in at):
        raise DataError(
            f"Column '{name}' has words among numbers: {_quoted(words, list(words))}{_place(raw, words, list(words))}. Only the ends "
            "of a scale are taken for words there.",
            "Say what they mean in the codebook, as 'values: {Word: number}' below the item's scale, or correct the cells.",
        )
    if len(maps) == 1:
        at, found = next(iter(maps.items()))
        position = dict(at)
        return f"{found}, {points} points", {w: scale.minimum + position[look[w]] for w in words}
    other = {n: sorted({max(f.values()) + 1 for f in known[n]}) for n in fitting_scales(list(look.values()))}
    if maps:
        readings = "; or ".join(
            ", ".join(f"'{brief(words[w])}' = {scale.minimum + dict(at)[look[w]]:g}" for w in words) for at in maps
        )
        problem = f"Column '{name}': its words can be read in {len(maps)} ways: {readings}."
    else:
        fitting = (
            ", ".join(f"{n} with {' or '.join(map(str, p))} points" for n, p in other.items())
            or "no known scale together"
        )
        problem = (
            f"Column '{name}' has the answers {_quoted(words, list(words))}, which fit {fitting}, but the codebook's scale "
            f"{scale.minimum:g}-{scale.maximum:g} has {points} points."
        )
    raise DataError(problem, "Say what they mean in the codebook, as 'values: {Word: number}' below the item's scale.")


def _ends(look: Mapping[str, str], column: Column, raw: pd.Series) -> dict[str, float]:
    """Return the numbers of words that stand for the lowest and highest answer among numbers, where no number does."""
    low, high = column.scale.minimum, column.scale.maximum
    places = {
        word: {
            low if form[at] == 0 else high if form[at] == max(form.values()) else None
            for forms in _known()[0].values()
            for form in forms
            if at in form
        }
        for word, at in look.items()
    }
    found = {word: next(iter(at)) for word, at in places.items() if len(at) == 1}
    numbers = set(pd.to_numeric(raw, errors="coerce").dropna())
    values = {word: value for word, value in found.items() if value is not None and value not in numbers}
    return values if len(values) == len(look) == len(set(values.values())) else {}


def _quoted(words: Mapping[str, str], chosen: Sequence[str]) -> str:
    return ", ".join(f"'{brief(scrub_names(words[w]))}'" for w in chosen[:_SHOWN]) + (
        ", ..." if len(chosen) > _SHOWN else ""
    )


def _place(raw: pd.Series, words: Mapping[str, str], chosen: Sequence[str]) -> str:
    texts = {words[w] for w in chosen}
    hit = raw.astype("string").str.strip().isin(texts).to_numpy(dtype=bool, na_value=False)
    return f" (first in data row {int(hit.argmax()) + 1}, {int(hit.sum())} in all)"


def merged(conversions: Sequence[Conversion]) -> tuple[Conversion, ...]:
    """Put together the items whose words became numbers in the same way.

    Parameters
    ----------
    conversions : sequence of Conversion
        One per item.

    Returns
    -------
    tuple of Conversion
        In order of first appearance; how often a word for no answer occurs is summed.
    """
    groups: list[list[Conversion]] = []
    for found in conversions:
        for members in groups:
            together = {**_sum(members).values}
            alike = members[0].how == found.how or not (members[0].how and found.how)
            if alike and all(together.get(w, v) == v for w, v in found.values.items()):
                members.append(found)
                break
        else:
            groups.append([found])
    return tuple(_sum(members) for members in groups)


def _sum(members: Sequence[Conversion]) -> Conversion:
    values: dict[str, float] = {}
    missing: dict[str, int] = {}
    for c in members:
        values |= {w: v for w, v in c.values.items() if w not in values}
        for word, count in c.missing.items():
            missing[word] = missing.get(word, 0) + count
    ordered = dict(sorted(values.items(), key=lambda item: item[1]))
    how = next((c.how for c in members if c.how), "")
    return Conversion(tuple(n for c in members for n in c.columns), how, ordered, missing)
