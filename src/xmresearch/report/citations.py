"""What may be cited: the references that come with the package, and a researcher's own `references.bib`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from xmresearch.errors import DataError

OWN_NAME = "references.bib"
_ENTRY = re.compile(r"^[ \t]*@(?!comment|string|preamble)\w+\s*[{(]\s*([^\s,{}()]+)\s*,", re.M | re.I)
_FIELD = re.compile(r"\b(author|editor|year|date)\s*=\s*", re.I)
_ACCENTS = {
    '"': "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "v": "\u030c",
    "c": "\u0327",
}
_ACCENT = re.compile(r"""\{?\\(["'`^~=]|[vc](?=[\s{]))\s*\{?(\\?\w)\}?\}?""")
_LETTERS = {"\\o": "ø", "\\O": "Ø", "\\ss": "ß", "\\ae": "æ", "\\l": "ł", "\\aa": "å", "\\i": "i"}


@cache
def shipped() -> str:
    """Return the BibTeX of the references that come with the package."""
    return (files("xmresearch.report") / OWN_NAME).read_text("utf-8")


def short_forms(bibtex: str) -> dict[str, tuple[str, str]]:
    """Return who and when of every entry, as a text cites it.

    Parameters
    ----------
    bibtex : str
        Entries of one or more files; of two with the same key the later one counts.

    Returns
    -------
    dict of str to tuple of str
        Authors ('Field and Welsh', 'Rubin et al.') and year, by key; '' for what an entry lacks.
    """
    starts = list(_ENTRY.finditer(bibtex))
    ends = [m.start() for m in starts[1:]] + [len(bibtex)]
    found = {}
    for start, end in zip(starts, ends, strict=True):
        fields = _fields(bibtex[start.end() : end])
        year = re.search(r"\d{4}", fields.get("year", fields.get("date", "")))
        found[start[1]] = (_authors(fields.get("author", fields.get("editor", ""))), year[0] if year else "")
    return found


def checked(path: Path) -> Path:
    """Return the path of a researcher's bibliography that can be read.

    Raises
    ------
    DataError
        It is no BibTeX; the message names the line.
    """
    import pypandoc

    try:
        pypandoc.convert_text(path.read_text("utf-8"), "csljson", format="bibtex", extra_args=["--quiet"])
    except (RuntimeError, UnicodeDecodeError) as error:
        where = re.search(r"line \d+, column \d+", str(error))
        raise DataError(
            f"'{path.name}' in '{path.parent}' is no BibTeX{f' ({where[0]})' if where else ''}.",
            "Mend it, or move it elsewhere if the report is not to cite from it.",
        ) from None
    return path


def _fields(entry: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for match in _FIELD.finditer(entry):
        found.setdefault(match[1].lower(), _value(entry[match.end() :]))
    return found


def _value(text: str) -> str:
    """Read a field's value: in braces, in quotes, or bare."""
    if not text.startswith(("{", '"')):
        return re.split(r"[,\s}]", text, maxsplit=1)[0]
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if at and depth == 0 and (text[0] == "{" or sign == '"'):
            return text[1:at]
    return text[1:]


def _authors(names: str) -> str:
    """Return the family names, as many as a citation gives."""
    people = [_plain(_family(name)) for name in re.split(r"\s+and\s+", names.strip()) if name]
    if len(people) > 2 or people[1:] == ["others"]:
        return f"{people[0]} et al."
    return " and ".join(people)


def _family(name: str) -> str:
    if name.startswith("{") and name.endswith("}"):
        return name
    return name.partition(",")[0] if "," in name else name.split()[-1]


def _plain(text: str) -> str:
    for command, letter in _LETTERS.items():
        text = re.sub(re.escape(command) + r"(?![A-Za-z])\s*", letter, text)
    text = _ACCENT.sub(lambda m: m[2] + _ACCENTS[m[1]], text)
    return unicodedata.normalize("NFC", re.sub(r"[{}]", "", text).replace("~", " ").replace("\\", ""))
