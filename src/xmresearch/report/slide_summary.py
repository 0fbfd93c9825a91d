"""The one-page summary as a slide: what is said on the left, the figures on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xmresearch.report.document import Document
from xmresearch.report.plain_texts import Run
from xmresearch.report.slide_layouts import HEIGHT, WIDTH
from xmresearch.report.slide_parts import EDGE, INK, MUTED, add_run, blank, lines_of, write
from xmresearch.report.wording import labels

SIZES = (16.0, 14.0, 13.0, 12.0, 11.0, 10.0, 9.0)
"""Points in which the summary is set: the largest at which it fits."""
_WIDE, _TOP, _GAP = 8.3, 1.3, 0.3
_LINE, _BETWEEN = 1.22, 0.35
"""Height of a line and of the gap between paragraphs, in the size of the letters."""
_TONES = {"warning": "B42318", "simulated": "C8611A"}
Line = tuple[list[Run], str]
"""Runs of a paragraph, and its colour."""


def summary_slide(deck: Any, document: Document, texts: Mapping[int, list[list[Run]]]) -> None:
    """Add the summary; nothing where the report has none.

    Parameters
    ----------
    deck : Presentation
        Of python-pptx.
    document : Document
        From `assemble`.
    texts : mapping
        From `xmresearch.report.plain_texts`.
    """
    from pptx.util import Inches

    if not document.summary:
        return
    slide = blank(deck, str(labels(document.lang)["summary"]["page"]))
    said: list[Line] = []
    figures: list[Mapping[str, Any]] = []
    for part in document.summary:
        if part.kind == "cards":
            figures += part.content["items"]
            said.pop()  # the head of the cards, which stand beside the text
        elif part.kind == "head":
            said.append(([(str(part.content["title"]), True)], document.accent[1:].upper()))
        else:
            said += [(line, _TONES.get(part.content.get("tone", ""), INK)) for line in texts[id(part)]]
    room = HEIGHT - _TOP - 0.3
    wide = _WIDE if figures else WIDTH - 2 * EDGE
    box = slide.shapes.add_textbox(Inches(EDGE), Inches(_TOP), Inches(wide), Inches(room))
    size = fitting([line for line, _ in said], wide - 0.2, room - 0.1)
    box.text_frame.word_wrap = True
    for k, (line, colour) in enumerate(said):
        paragraph = box.text_frame.paragraphs[0] if k == 0 else box.text_frame.add_paragraph()
        _spaced(paragraph, size)
        for text, bold in line:
            add_run(paragraph, text, size, colour, bold)
    _cards(slide, figures, EDGE + wide + _GAP)


def fitting(lines: Sequence[Sequence[Run]], wide: float, high: float) -> float:
    """Return the largest size in points at which paragraphs fit into a box of so many inches; the smallest where none does."""
    for size in SIZES:
        rows = sum(lines_of("".join(text for text, _ in line), size, 72 * wide) for line in lines)
        if (rows * _LINE + len(lines) * _BETWEEN) * size <= 72 * high:
            return size
    return SIZES[-1]


def _spaced(paragraph: Any, size: float) -> None:
    from pptx.util import Pt

    paragraph.alignment, paragraph.space_after = 1, Pt(_BETWEEN * size)


def _cards(slide: Any, items: Sequence[Mapping[str, Any]], left: float) -> None:
    from pptx.util import Inches

    high = (HEIGHT - _TOP - 0.4 - 0.2 * (len(items) - 1)) / max(3, len(items))
    for k, item in enumerate(items):
        box = slide.shapes.add_textbox(
            Inches(left), Inches(_TOP + k * (high + 0.2)), Inches(WIDTH - EDGE - left), Inches(high)
        )
        _fill(box)
        frame = box.text_frame
        frame.word_wrap = True
        write(frame, [[(item["value"], True)]], 20, INK)
        for text, size, colour in ((item["label"], 13, INK), (item["note"], 11, MUTED)):
            add_run(frame.add_paragraph(), text, size, colour, False)


def _fill(shape: Any) -> None:
    from pptx.dml.color import RGBColor

    shape.fill.solid()
    shape.fill.fore_color.rgb = RGBColor.from_string("F3F6F9")
