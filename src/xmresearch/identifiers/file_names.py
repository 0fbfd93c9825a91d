"""Names of files that tell who somebody is."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import PurePath

from xmresearch.identifiers.patterns import find

NEUTRAL = "data"
_ENDING = r"(?:csv|tsv|txt|xlsx|xlsm|xls|ods|parquet|pq|feather|arrow|sav|zsav|por|dta|xes|gz|html?|ya?ml|ipynb|bib|json|docx?|pptx?|pdf|txt|md|png|jpe?g|svg|zip)"
_NAMED = re.compile(rf"'(?P<quoted>[^'\n]+\.{_ENDING})'|(?P<bare>[^\s'\"]+\.{_ENDING})(?!\w)", re.IGNORECASE)


@cache
def neutral_name(name: str) -> str:
    """Return a file's name for outputs: without identifiers and names of persons.

    Parameters
    ----------
    name : str
        Of the file, or another part of a path.

    Returns
    -------
    str
        The name as it is, or `data` with its ending where it tells who somebody is.
    """
    stem = PurePath(name).stem
    spaced = re.sub(r"[_\-.+()（）【】\[\]]+", " ", stem)
    told = find(name) or find(spaced) or _names_someone(spaced)
    ending = PurePath(name).suffix
    return f"{NEUTRAL}{ending if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', ending) else ''}" if told else name


def neutral_files(text: str) -> str:
    """Put neutral names in the place of the files that a text names and that tell who somebody is.

    Parameters
    ----------
    text : str
        A message; names of files stand between quotation marks, or have no spaces.

    Returns
    -------
    str
    """

    def neutral(found: re.Match[str]) -> str:
        name = found["quoted"] or found["bare"]
        parts = re.split(r"([/\\\\])", name)
        return found[0].replace(name, "".join(neutral_name(p) if p.strip(".") else p for p in parts))

    return _NAMED.sub(neutral, text)


def _names_someone(stem: str) -> bool:
    """Whether words of a file's name are the name of a person: one in Chinese, two side by side in English."""
    from xmresearch.identifiers.names import is_name

    words = re.findall(r"[A-Za-z]+|[\u4e00-\u9fff]+", stem)
    return any(map(is_name, words)) or any(is_name(" ".join(pair)) for pair in pairwise(words))
