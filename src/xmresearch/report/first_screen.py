"""What stands above the fold of a page: the answer, and no more than a few warnings before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from xmresearch.report.document import Part

MOST_WARNINGS = 3
"""Warnings of the answer that a page shows at once; the others are counted and folded."""


def answer_first(parts: Sequence[Part]) -> list[Part]:
    """Put the question before all else in the answer, and what a reviewer would ask about after it.

    Parameters
    ----------
    parts : sequence of Part
        Of a document, in order.

    Returns
    -------
    list of Part
        The same parts: in the section of the answer the first sentence without a claim stands first, and warnings that are lists of
        concerns, which are worded for reviewers, stand after the last sentence.
    """
    start = next((k for k, p in enumerate(parts) if p.kind == "section" and p.content["key"] == "answer"), None)
    if start is None:
        return list(parts)
    end = next((k for k in range(start + 1, len(parts)) if parts[k].kind in ("section", "code")), len(parts))
    inner = list(parts[start + 1 : end])
    question = [p for p in inner if p.kind == "prose" and not p.content.get("claims")][:1]
    concerns = [p for p in inner if p.kind == "callout" and "key" not in p.content]
    apart = {id(p) for p in (*question, *concerns)}
    others = [p for p in inner if id(p) not in apart]
    last = max((k for k, p in enumerate(others) if p.kind in ("prose", "cards")), default=-1) + 1
    ordered = [*question, *others[:last], *concerns, *others[last:]]
    return [*parts[: start + 1], *ordered, *parts[end:]]


def first_screen(parts: Iterable[Part]) -> Iterator[Part]:
    """Fold what the answer has in warnings beyond the first few.

    Parameters
    ----------
    parts : iterable of Part
        Of a document, in order.

    Yields
    ------
    Part
        As given; a callout of the answer that has folded warnings holds them as `folded` (Markdown), with their `count`.
    """
    section, left = "", MOST_WARNINGS
    for part in parts:
        if part.kind == "section":
            section = str(part.content["key"])
        if section != "answer" or part.kind != "callout" or part.content["tone"] != "warning":
            yield part
            continue
        lines = part.text.split("\n")
        points = [k for k, line in enumerate(lines) if line.startswith("- ")]
        count = len(points) or 1
        if count <= left:
            yield part
        else:
            cut = points[left] if points and left else 0
            told = {"folded": "\n".join(lines[cut:]), "count": count - left}
            yield replace(part, content={**part.content, **told}, text="\n".join(lines[:cut]).rstrip())
        left = max(0, left - count)
