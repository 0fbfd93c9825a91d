"""The terms that a report uses, in words for those who run no statistics: only those that occur in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from xmresearch.data.strict_yaml import read_yaml
from xmresearch.errors import StudyError
from xmresearch.report.document import Document, Part
from xmresearch.report.typesetting import typeset_markdown
from xmresearch.report.wording import labels

_LINK = re.compile(r"\]\([^)]*\)")


@cache
def terms() -> Mapping[str, Mapping[str, Any]]:
    """Return every term that reports may explain, by key: name, forms and text in each language, and what it cites."""
    path = Path(str(files("xmresearch.report"))) / "glossary.yml"
    content = read_yaml(path, str(path), StudyError).value
    if not isinstance(content, dict):
        raise StudyError(f"{path} is not a mapping of terms.")
    return content


def glossary(document: Document) -> Part | None:
    """Return the terms that a report uses.

    Parameters
    ----------
    document : Document
        With all parts in place.

    Returns
    -------
    Part or None
        Of kind glossary: `title`, `fold` (how many terms there are) and `terms`, a list of parts with the term's name as `title` and its meaning
        as text; None where no term occurs.
    """
    style = labels(document.lang)["style"]
    shown = "\n".join(_texts(document))
    found = []
    for key, term in terms().items():
        words = term[document.lang]
        if any(_pattern(form, document.lang).search(shown) for form in words["forms"]):
            found.append(
                Part(
                    "term",
                    {"key": key, "title": str(words["name"])},
                    _meaning(words["text"], term.get("cite"), document.lang),
                )
            )
    if not found:
        return None
    found.sort(key=lambda part: part.content["title"].casefold() if document.lang == "en" else "")
    return Part("glossary", {"title": style["glossary"], "fold": style["terms"].format(len(found)), "terms": found})


def _meaning(text: str, cited: str | None, lang: str) -> str:
    """Return what a term means, with where to read on before its last stop; Chinese sets no space before it."""
    text = typeset_markdown(text, lang)
    return text if cited is None else f"{text[:-1]}{'' if lang == 'zh' else ' '}[@{cited}]{text[-1]}"


@cache
def _pattern(form: str, lang: str) -> re.Pattern[str]:
    """Return what finds a form: whole words of Latin letters, and Chinese anywhere."""
    cased = form != form.lower()
    body = re.escape(form).replace(r"\ ", r"\s+")
    plural = "s?" if lang == "en" and form[-1:].isalpha() else ""
    before = r"(?<![A-Za-z])" if form[:1].isascii() and form[:1].isalpha() else ""
    after = r"(?![A-Za-z])" if form[-1:].isascii() and form[-1:].isalpha() else ""
    return re.compile(f"{before}{body}{plural}{after}", re.NOFLAG if cased else re.IGNORECASE)


def _texts(document: Document) -> Iterator[str]:
    """Go through a report's own words: sentences, captions, heads, notes and cards, but not the cells of tables."""
    yield document.title
    for part in document.parts:
        content = part.content
        if part.kind in ("prose", "callout"):
            yield _LINK.sub("]", part.text)
        elif part.kind == "table":
            yield "\n".join([content["caption"], content["note"], *content["head"]])
        elif part.kind == "figure":
            yield str(content["caption"])
        elif part.kind == "cards":
            yield "\n".join(str(item[k]) for item in content["items"] for k in ("label", "note"))
        elif part.kind == "section":
            yield str(content["title"])
