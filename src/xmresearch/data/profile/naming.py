"""Names of columns: what they say, and how a question and its rows are told apart."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from xmresearch.data.strict_yaml import parse_yaml
from xmresearch.display import Shown

_BRACKETS = re.compile(r"^(?P<stem>.+?)\s*\[(?P<row>[^\[\]]+)\](?:\.\d+)?$", re.DOTALL)
_NUMBERED = re.compile(r"^(?P<number>\d{1,3})\s*[、.．)]\s*(?P<rest>.+)$", re.DOTALL)
_DASHED = re.compile(r"^(?P<stem>.+?)\s*(?:—+|–|\s-\s)\s*(?P<row>.+)$", re.DOTALL)
_COUNTED = re.compile(r"^(?P<stem>\D*?\D)(?P<row>\d{1,3})(?P<tail>\D*)$")
_LAST_NUMBER = re.compile(r"^(?P<stem>.*\d[^\d]+)(?P<row>\d{1,3})$")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_EMPTY_STEM = re.compile(r"^([a-z]|questions?|items?|var|frage|vraag|题|问题)?[\s_.\-]*$", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class Parts(Shown):
    """A column's name, taken apart.

    Attributes
    ----------
    stem : str
        What it has in common with the other rows of its question.
    row : str
        Which row it is: a number, or words.
    how : str
        By what they were told apart: brackets, question number, dash, number.
    """

    stem: str
    row: str
    how: str


def plain(text: str) -> str:
    """Return a name in lower case, with its separators as spaces."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", text))
    return " ".join(re.sub(r"[_.\-/:：]+", " ", spaced).casefold().split())


@cache
def _patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    content = parse_yaml((files("xmresearch.data.profile") / "words.yml").read_text("utf-8")).value
    return {
        (group, name): re.compile("|".join(f"(?:{one})" for one in patterns), re.IGNORECASE)
        for group, named in content.items()
        for name, patterns in named.items()
    }


def says(text: str, what: str, group: str = "columns") -> bool:
    """Whether a name or a question has words that stand for something.

    Parameters
    ----------
    text : str
        The name, as it is written.
    what, group : str
        As in `words.yml`.

    Returns
    -------
    bool
    """
    return _patterns()[group, what].search(plain(text)) is not None


def empty_stem(stem: str) -> bool:
    """Whether what items have in common says only that they are items, such as Q or x."""
    return _EMPTY_STEM.match(stem.strip()) is not None


def parts_of(name: str, question: str = "") -> Parts | None:
    """Take a column's name apart.

    Parameters
    ----------
    name : str
        Of the column.
    question : str
        Its wording, where the file has it; looked at where the name does not tell.

    Returns
    -------
    Parts or None
        None where it stands alone.
    """
    counted = _COUNTED.match(name)
    short = len(name) <= 24 and (counted is not None or _LAST_NUMBER.match(name) is not None)
    brackets = _BRACKETS.match(name)
    if brackets:
        return Parts(brackets["stem"].strip(), brackets["row"].strip(), "brackets")
    numbered = _NUMBERED.match(name)
    if numbered:
        dashed = _DASHED.match(numbered["rest"])
        row = dashed["row"] if dashed else numbered["rest"]
        return Parts(numbered["number"], row.strip(), "question number")
    if short:
        if counted:
            tail = counted["tail"]
            return Parts(f"{counted['stem']}#{tail}" if tail else counted["stem"], counted["row"], "number")
        last = _LAST_NUMBER.match(name)
        if last:
            return Parts(last["stem"], last["row"], "number")
    dashed = _DASHED.match(name)
    if dashed and len(dashed["stem"]) > 2:
        return Parts(dashed["stem"].strip(), dashed["row"].strip(), "dash")
    return None


def chinese(text: str) -> bool:
    """Whether a text is written in Chinese characters rather than Latin letters."""
    han = sum("\u4e00" <= c <= "\u9fff" for c in text)
    return han > 0 and han * 3 >= sum(c.isalpha() and c.isascii() for c in text)


def slug(text: str, taken: set[str], otherwise: str) -> str:
    """Return a short name of small letters, digits and _, that no other has, and remember it.

    Parameters
    ----------
    text : str
        What it is made of.
    taken : set of str
        Names in use; gets the new one.
    otherwise : str
        What it is made of where the text has no letters for it.

    Returns
    -------
    str
    """
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", ascii_only).strip("_").lower()[:32].strip("_")
    found = words if words and words[0].isalpha() and len(words) > 1 else otherwise
    number, base = 1, found
    while found in taken:
        number += 1
        found = f"{base}_{number}"
    taken.add(found)
    return found
