"""What slides are made of: titles, boxes of text and pictures, at the same places on every slide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xmresearch.report.document import Part
from xmresearch.report.plain_texts import Run
from xmresearch.report.slide_layouts import title_layout

INK, MUTED = "1F2933", "5B6670"
EDGE = 0.6
"""Inches of a slide's margin."""
LATIN = 0.54
"""Mean width of a letter that is not Chinese, in the size of the letters."""


def blank(deck: Any, title: str) -> Any:
    """Begin a slide that has a title only."""
    from pptx.util import Inches

    slide = deck.slides.add_slide(title_layout(deck))
    holder = slide.shapes.title
    holder.left, holder.top = Inches(EDGE), Inches(0.35)
    holder.width, holder.height = deck.slide_width - Inches(2 * EDGE), Inches(0.9)
    write(holder.text_frame, [[(title, True)]], 26, INK)
    return slide


def _ems(text: str) -> float:
    """Return about how wide a text is, in the size of its letters."""
    return sum(LATIN if character < "\u2e80" else 1.0 for character in text)


def lines_of(text: str, size: float, width: float) -> int:
    """Return about how many lines a paragraph takes.

    Parameters
    ----------
    text : str
        Of one paragraph; line breaks count.
    size, width : float
        Of the letters and of the line, in points.

    Returns
    -------
    int
    """
    return sum(max(1, math.ceil(_ems(line) * size / width)) for line in text.split("\n"))


def captioned(part: Part) -> list[Run]:
    """Return the caption of a figure or table after the number by which sentences refer to it."""
    return [*([(f"{part.number} ", True)] if part.number else []), (str(part.content["caption"]), False)]


def write(frame: Any, lines: Sequence[Sequence[Run]], size: float, colour: str) -> None:
    """Write paragraphs into an empty frame, all of one size and colour."""
    frame.word_wrap = True
    for k, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if k == 0 else frame.add_paragraph()
        paragraph.alignment = 1
        for text, bold in line:
            add_run(paragraph, text, size, colour, bold)
        if not any(text for text, _ in line):
            # else an empty line is as high as one of the slide's own size
            paragraph._p.get_or_add_endParaRPr().set("sz", str(round(100 * size)))


def add_run(paragraph: Any, text: str, size: float, colour: str, bold: bool) -> None:
    """Add a text to a paragraph, in the fonts of slides."""
    from pptx.dml.color import RGBColor
    from pptx.util import Pt

    run = paragraph.add_run()
    run.text = text
    run.font.size, run.font.bold, run.font.color.rgb = Pt(size), bold, RGBColor.from_string(colour)
    run.font.name = "Arial"
    properties = run._r.get_or_add_rPr()
    from pptx.oxml.ns import qn

    east = properties.makeelement(qn("a:ea"), {"typeface": "Microsoft YaHei"})
    properties.append(east)
