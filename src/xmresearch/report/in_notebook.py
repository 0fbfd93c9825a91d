"""How a block refers to others in a notebook, where no assembler has numbered them and no pandoc cites."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from xmresearch.report.citations import OWN_NAME, shipped, short_forms
from xmresearch.report.references import REFERENCE
from xmresearch.report.wording import escaped

_GROUP = re.compile(r"(?<!\\)\[([^\[\]]*(?<![A-Za-z0-9_\\])@[^\[\]]*)\](?!\()")
_KEY = re.compile(r"(?<![A-Za-z0-9_\\])(-?)@([A-Za-z0-9][A-Za-z0-9_:.-]*[A-Za-z0-9])")


class Numbers:
    """Numbers tables and figures in the order in which they are first shown; one that is shown again keeps its number."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, int]] = {"table": {}, "figure": {}}

    def give(self, kind: str, key: str) -> int:
        """Return a block's number, a new one if it has none."""
        known = self._found[kind]
        return known.setdefault(key, len(known) + 1)

    def get(self, kind: str, key: str) -> int | None:
        """Return a block's number, if it has been shown."""
        return self._found[kind].get(key)


def resolved(text: str, refer: Callable[[str, str], str]) -> str:
    """Resolve the references and citations of a sentence.

    Parameters
    ----------
    text : str
        Pandoc Markdown.
    refer : callable
        Gets 'figure' or 'table' and a key, and returns what a reader understands.

    Returns
    -------
    str
        Markdown that any notebook shows; citations as authors and year. What is unknown stays as it was.
    """
    text = REFERENCE.sub(lambda m: refer("figure" if m[1] == "fig" else "table", m[2]), text)
    if "@" not in text:
        return text
    own = Path(OWN_NAME)
    forms = short_forms("\n".join([shipped(), own.read_text("utf-8", "replace") if own.is_file() else ""]))
    text = _GROUP.sub(lambda m: f"({'; '.join(_cited(part.strip(), forms) for part in m[1].split(';'))})", text)
    return _KEY.sub(lambda m: _narrative(m, forms), text)


def _cited(part: str, forms: Mapping[str, tuple[str, str]]) -> str:
    """Write one citation within brackets; what stands before and after the key stays."""

    def form(match: re.Match[str]) -> str:
        if match[2] not in forms:
            return match[0]
        authors, year = forms[match[2]]
        return escaped(year if match[1] else f"{authors} {year}")

    return _KEY.sub(form, part)


def _narrative(match: re.Match[str], forms: Mapping[str, tuple[str, str]]) -> str:
    if match[2] not in forms:
        return match[0]
    authors, year = forms[match[2]]
    return f"({year})" if match[1] else f"{escaped(authors)} ({year})"
