"""Sentences as plain texts, for formats that hold no Markdown: paragraphs of words, each bold or not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from xmresearch.report.document import Document
from xmresearch.report.print_source import to_pandoc

Run = tuple[str, bool]
"""A text, and whether it is bold."""


def plain_texts(document: Document) -> dict[int, list[list[Run]]]:
    """Return the paragraphs of every prose and callout, by the identity of its part: texts, each bold or not.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    dict of int to list
        A paragraph is a list of (text, bold); links and citations are their texts.
    """
    terms = [term for part in document.of_kind("glossary") for term in part.content["terms"]]
    every = {id(p): p for p in (*document.parts, *document.summary, *terms) if p.kind in ("prose", "callout", "term")}
    parts = list(every.values())
    text = "\n\n".join(f"::: {{.part number={k}}}\n{part.text}\n:::" for k, part in enumerate(parts))
    tree = json.loads(to_pandoc(text, "json", document))
    found: dict[int, list[list[Run]]] = {}
    for block in tree["blocks"]:
        if block["t"] == "Div" and (number := dict(block["c"][0][2]).get("number")) is not None:
            found[id(parts[int(number)])] = list(_paragraphs(block["c"][1]))
    return found


def _paragraphs(blocks: Sequence[Any]) -> Iterator[list[Run]]:
    for block in blocks:
        if block["t"] in ("Para", "Plain"):
            yield _joined(_runs(block["c"], False))
        elif block["t"] == "BulletList":
            for item in block["c"]:
                for k, paragraph in enumerate(_paragraphs(item)):
                    yield [("• ", False), *paragraph] if k == 0 else paragraph
        elif block["t"] in ("Div", "BlockQuote"):
            yield from _paragraphs(block["c"][1] if block["t"] == "Div" else block["c"])


def _runs(inlines: Sequence[Any], bold: bool) -> Iterator[Run]:
    for inline in inlines:
        kind, content = inline["t"], inline.get("c")
        if kind == "Str":
            yield content, bold
        elif kind in ("Space", "SoftBreak"):
            yield " ", bold
        elif kind == "LineBreak":
            yield "\n", bold
        elif kind in ("Code", "Math"):
            yield content[1], bold
        elif kind in ("Link", "Span", "Cite", "Quoted"):
            yield from _runs(content[1], bold)
        elif isinstance(content, list):
            yield from _runs(content, bold or kind == "Strong")


def _joined(runs: Iterator[Run]) -> list[Run]:
    out: list[Run] = []
    for text, bold in runs:
        if out and out[-1][1] == bold:
            out[-1] = (out[-1][0] + text, bold)
        else:
            out.append((text, bold))
    return out
