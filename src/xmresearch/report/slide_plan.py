"""What goes on which slide: a claim with its figure or small table has its own, claims without share one, and no text runs over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xmresearch.display import Shown
from xmresearch.report.column_widths import column_widths
from xmresearch.report.document import Document, Part
from xmresearch.report.plain_texts import Run
from xmresearch.report.slide_layouts import WIDTH
from xmresearch.report.slide_parts import EDGE, lines_of
from xmresearch.report.slide_tables import SMALLEST

SIZES = (18.0, 16.0, 14.0)
"""Points that a slide's text may be set in, the largest that fits first; what does not fit in the smallest goes on."""
LINE = 1.2
"""Height of a line, in ems."""
MOST_ROWS = 9
"""Rows of a table that a slide shows; longer ones stay in the report."""
ROOM = 72 * (WIDTH - 2 * EDGE)
"""Points between the edges of a slide."""
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])")


@dataclass(frozen=True, repr=False)
class Slide(Shown):
    """One slide of claims.

    Attributes
    ----------
    title : str
        At its top.
    parts : tuple of Part
        Sentences, in order.
    figure, table : Part or None
        What stands beside or below them.
    """

    title: str
    parts: tuple[Part, ...]
    figure: Part | None = None
    table: Part | None = None


def planned(document: Document) -> Iterator[Slide]:
    """Share out the sentences that claim something.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Yields
    ------
    Slide
        In the order of the report. A figure or table is shown once.
    """
    section, seen, shown = document.title, set[str](), set[str]()
    waiting: list[Part] = []
    for part in document.parts:
        if part.kind == "section":
            yield from _together(section, waiting)
            section, waiting = str(part.content["title"]), []
        elif part.kind == "prose" and part.content.get("claims"):
            names = {c["name"] for c in part.content["claims"]}
            if names <= seen:
                continue
            seen |= names
            figure, table = figure_for(document, part), _small_table(document, part)
            figure, table = (None if x is None or _key(x) in shown else x for x in (figure, table))
            if figure is None and table is None:
                waiting.append(part)
                continue
            yield from _together(section, waiting)
            waiting, table = [], None if figure is not None else table
            shown |= {_key(x) for x in (figure, table) if x is not None}
            yield Slide(str(part.content.get("title", section)), (part,), figure, table)
    yield from _together(section, waiting)


def _together(section: str, parts: Sequence[Part]) -> Iterator[Slide]:
    if len(parts) == 1:
        yield Slide(str(parts[0].content.get("title", section)), tuple(parts))
    elif parts:
        yield Slide(section, tuple(parts))


def _key(part: Part) -> str:
    return f"{part.kind} {part.content['key']}"


def figure_for(document: Document, part: Part) -> Part | None:
    """Return the figure that goes with a sentence: the one that it refers to, else the first of its section; None if there is none."""
    figures = {str(f.content["key"]): f for f in document.of_kind("figure")}
    for key in re.findall(r"\(#fig-([a-z0-9_]+)\)", part.text):
        if key in figures:
            return figures[key]
    at = next(k for k, other in enumerate(document.parts) if other is part)
    kinds = [other.kind for other in document.parts]
    begin = max((k for k in range(at) if kinds[k] == "section"), default=0)
    end = next((k for k in range(at, len(kinds)) if kinds[k] == "section"), len(kinds))
    return next((p for p in document.parts[begin:end] if p.kind == "figure"), None)


def _small_table(document: Document, part: Part) -> Part | None:
    """Return the table that a sentence refers to, if all of it can be read on a slide."""
    keys = re.findall(r"\(#tbl-([a-z0-9_]+)\)", part.text)
    for table in document.of_kind("table"):
        if table.content["key"] in keys and len(table.content["rows"]) <= MOST_ROWS:
            content = table.content
            size, _ = column_widths(content["head"], content["rows"], content["align"], ROOM)
            return table if size >= SMALLEST else None
    return None


def height_of(lines: Sequence[Sequence[Run]], size: float, width: float) -> float:
    """Return about how high paragraphs are, in points."""
    return LINE * size * sum(lines_of("".join(text for text, _ in line), size, width) for line in lines)


def fitting(lines: Sequence[Sequence[Run]], width: float, height: float) -> tuple[float, list[list[Sequence[Run]]]]:
    """Choose the size of a text, and share it out over as many slides as it needs.

    Parameters
    ----------
    lines : sequence of sequence of (str, bool)
        Paragraphs.
    width, height : float
        Of the room on each slide, in points.

    Returns
    -------
    size : float
        One of `SIZES`.
    slides : list of list
        Paragraphs of each slide; one that is longer than a slide is parted between sentences, or where there are none, anywhere.
    """
    for size in SIZES:
        if height_of(lines, size, width) <= height:
            return size, [list(lines)]
    most = int(height / (LINE * size))
    slides: list[list[Sequence[Run]]] = [[]]
    left = most
    for line in lines:
        for piece in _parted(line, size, width, most):
            needed = lines_of("".join(text for text, _ in piece), size, width)
            if needed > left and slides[-1]:
                slides.append([])
                left = most
            slides[-1].append(piece)
            left -= needed
    return size, slides


def _parted(line: Sequence[Run], size: float, width: float, most: int) -> Iterator[Sequence[Run]]:
    """Part a paragraph of more than `most` lines."""
    if lines_of("".join(text for text, _ in line), size, width) <= most:
        yield line
        return
    room = int(most * width / size)
    pieces: list[Run] = []
    for text, bold in line:
        for sentence in _SENTENCE.split(text):
            pieces += [(sentence[k : k + room], bold) for k in range(0, len(sentence), room)]
    held: list[Run] = []
    for piece in pieces:
        if held and lines_of(" ".join(t for t, _ in (*held, piece)), size, width) > most:
            yield held
            held = []
        held.append((f" {piece[0]}" if held else piece[0], piece[1]))
    if held:
        yield held
