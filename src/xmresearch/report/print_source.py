"""A document as pandoc Markdown for pages: code is left out, tables and figures stand as each format has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from xmresearch.report.document import Document, Part
from xmresearch.report.render import READER, converted, definitions, fenced
from xmresearch.report.wide_tables import laid_out
from xmresearch.report.wording import escaped


def printed(document: Document, block: Callable[[Part], str | None]) -> str:
    """Return a document's Markdown for a printed format, its wide tables laid out for pages.

    Parameters
    ----------
    document : Document
        From `assemble`.
    block : callable
        Writes a part as the format has it; None where Markdown does.

    Returns
    -------
    str
        Pandoc Markdown.
    """
    return joined(laid_out(document.parts), block)


def joined(parts: Iterable[Part], block: Callable[[Part], str | None]) -> str:
    """Return the Markdown of some parts of a document; see `printed`."""
    texts = (_markdown(part) if (own := block(part)) is None else own for part in parts if part.kind != "code")
    return "\n\n".join(text for text in texts if text) + "\n"


def _markdown(part: Part) -> str:
    content = part.content
    match part.kind:
        case "section":
            return f"# {escaped(content['title'])} {{#sec-{content['key']}}}"
        case "references":
            return f"# {escaped(content['title'])} {{#references}}\n\n::: {{#refs}}\n:::"
        case "glossary":
            return f"# {escaped(content['title'])} {{#sec-glossary}}\n\n{definitions(content['terms'])}"
        case "text":
            return fenced("", content["text"])
        case "html":
            return _from_html(content["html"])
        case _:
            return part.text


def _from_html(markup: str) -> str:
    """Return the Markdown of what a cell shows as HTML, such as a styled table."""
    return converted(markup, "markdown-raw_html-raw_attribute-native_divs-native_spans", "en", reader="html")


def to_pandoc(
    text: str, kind: str, document: Document, settings: Mapping[str, Any] | None = None, out: Path | None = None
) -> str:
    """Convert print Markdown, with its citations resolved.

    Parameters
    ----------
    text : str
        From `printed`.
    kind : str
        Format that pandoc writes.
    document : Document
        Whose bibliography counts.
    settings : mapping, optional
        More for pandoc, as its files of defaults have it.
    out : Path, optional
        File to write; needed by formats that are no text.

    Returns
    -------
    str
        What pandoc wrote; '' where it wrote a file.

    Raises
    ------
    StudyError
        Pandoc fails.
    """
    reader = READER.replace("+markdown_in_html_blocks", "-raw_html")
    return converted(
        text,
        kind,
        document.lang,
        document.bibliography,
        {"columns": 100_000, **(settings or {})},
        reader=reader,
        out=out,
    )
