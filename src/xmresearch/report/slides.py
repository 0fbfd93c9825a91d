"""From a document to a short set of slides: title, answer, one slide a claim with its figure, how far to trust it."""

from __future__ import annotations

import io
from typing import Any

from xmresearch.report.document import Document, Part
from xmresearch.report.plain_texts import Run, plain_texts
from xmresearch.report.rasters import logo_png, rasters, shape_of
from xmresearch.report.slide_layouts import WIDTH, empty_layout, in_theme, presentation
from xmresearch.report.slide_parts import EDGE, INK, MUTED, add_run, blank, captioned, write
from xmresearch.report.slide_plan import ROOM, Slide, fitting, height_of, planned
from xmresearch.report.slide_summary import summary_slide
from xmresearch.report.slide_tables import appendix, small_table
from xmresearch.report.zipped import property_text, same_bytes

_TOP, _FOOT = 1.5, 7.2
"""Inches at which what stands below a slide's title begins, and ends."""
_NARROWEST_CAPTION = 3.5
"""Inches that the caption below a narrow figure takes at least."""
_POINTS, _MARGINS = 72.0, 15.0
"""Points of an inch, and of the margins of a box of text."""


def to_pptx(document: Document) -> bytes:
    """Render a document.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    bytes
        A .pptx without date.
    """
    template = document.front.style.reference_pptx
    deck = presentation(template)
    texts, pictures = plain_texts(document), rasters(document)
    _title_slide(deck, document)
    summary_slide(deck, document, texts)
    _answer_slide(deck, document, texts)
    for slide in planned(document):
        lines = [line for part in slide.parts for line in texts[id(part)]]
        picture = None if slide.figure is None else pictures[str(slide.figure.content["key"])]
        _slide(deck, slide, lines, picture)
    _trust_slide(deck, document, texts)
    appendix(deck, document, texts)
    if template:
        in_theme(deck)
    core, author = deck.core_properties, property_text(document.front.author) or "xmresearch"
    core.title, core.author, core.last_modified_by = property_text(document.title), author, author
    import datetime as dt

    core.created = core.modified = dt.datetime(2000, 1, 1)
    core.revision = 1
    out = io.BytesIO()
    deck.save(out)
    return same_bytes(out.getvalue())


def _title_slide(deck: Any, document: Document) -> None:
    from pptx.util import Inches

    slide = deck.slides.add_slide(empty_layout(deck))
    box = slide.shapes.add_textbox(Inches(EDGE), Inches(2.4), deck.slide_width - Inches(2 * EDGE), Inches(2.6))
    if logo := logo_png(document):
        picture = slide.shapes.add_picture(io.BytesIO(logo), Inches(EDGE), Inches(0.6), height=Inches(0.9))
        picture._element.nvPicPr.cNvPr.set("descr", document.logo_alt)
    lines = [(document.title, 38, INK, True), (document.client, 20, INK, False), (document.glance, 16, MUTED, False)]
    frame = box.text_frame
    frame.word_wrap = True
    first = True
    for text, size, colour, bold in lines:
        if text:
            paragraph = frame.paragraphs[0] if first else frame.add_paragraph()
            add_run(paragraph, text, size, colour, bold)
            first = False


def _answer_slide(deck: Any, document: Document, texts: dict[int, list[list[Run]]]) -> None:
    from pptx.dml.color import RGBColor
    from pptx.util import Inches

    first = document.opening
    if not first:
        return
    slide = blank(deck, str(first[0].content["title"]))
    top = _TOP
    for part in first:
        if part.kind == "callout":
            high = height_of(texts[id(part)], 14, ROOM - _MARGINS) / _POINTS + 0.1
            if top > _TOP and top + high > _FOOT:
                slide, top = blank(deck, str(first[0].content["title"])), _TOP
            high = min(high, _FOOT - top)
            box = slide.shapes.add_textbox(Inches(EDGE), Inches(top), deck.slide_width - Inches(2 * EDGE), Inches(high))
            write(box.text_frame, texts[id(part)], 14, "B42318" if part.content["tone"] == "warning" else "C8611A")
            top += high + 0.1
    items = [item for part in first if part.kind == "cards" for item in part.content["items"]]
    across = 3
    if top > _TOP and top + 1.95 * -(-len(items) // across) > _FOOT + 0.15:
        slide, top = blank(deck, str(first[0].content["title"])), _TOP
    wide = (WIDTH - 2 * EDGE - 0.25 * (across - 1)) / across
    for k, item in enumerate(items):
        left, y = EDGE + (k % across) * (wide + 0.25), top + (k // across) * 1.95
        shape = slide.shapes.add_shape(1, Inches(left), Inches(y), Inches(wide), Inches(1.8))
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor.from_string("F3F6F9")
        shape.line.fill.background()
        shape.shadow.inherit = False
        frame = shape.text_frame
        frame.word_wrap = True
        add_run(frame.paragraphs[0], item["value"], 22, INK, True)
        add_run(frame.add_paragraph(), item["label"], 14, INK, False)
        add_run(frame.add_paragraph(), item["note"], 12, MUTED, False)
        for paragraph in frame.paragraphs:
            paragraph.alignment = 1


def _trust_slide(deck: Any, document: Document, texts: dict[int, list[list[Run]]]) -> None:
    """Say what limits the answer: the section of limits, as it stands in the report."""
    within, lines = "", []
    for part in document.parts:
        if part.kind == "section":
            within = str(part.content["key"])
            if within == "limits":
                title = str(part.content["title"])
        elif within == "limits" and part.kind in ("prose", "callout"):
            lines += texts[id(part)]
    if lines:
        _slide(deck, Slide(title, ()), lines, None)


def _slide(deck: Any, plan: Slide, lines: list[list[Run]], picture: bytes | None) -> None:
    """Write a slide, and further ones of the same title where the text needs them; figure and table stand on the first."""
    from pptx.util import Inches

    wide = WIDTH - 2 * EDGE if picture is None else 4.9
    room = _FOOT - _TOP - (0.0 if plan.table is None else 0.34 * (len(plan.table.content["rows"]) + 2) + 0.5)
    line = wide * _POINTS - _MARGINS
    size, shares = fitting(lines, line, room * _POINTS)
    slides = [blank(deck, plan.title) for _ in shares]
    for slide, share in zip(slides, shares, strict=True):
        box = slide.shapes.add_textbox(Inches(EDGE), Inches(_TOP), Inches(wide), Inches(room))
        write(box.text_frame, share, size, INK)
    if plan.table is not None:
        small_table(slides[0], plan.table, _TOP + 0.4 + height_of(shares[0], size, line) / _POINTS)
    if picture is not None and plan.figure is not None:
        _picture(slides[0], plan.figure, picture)


def _picture(slide: Any, figure: Part, picture: bytes) -> None:
    from pptx.util import Inches

    width, height = shape_of(picture)
    scale = min(7.0 / width, 5.0 / height)
    shape = slide.shapes.add_picture(
        io.BytesIO(picture),
        Inches(WIDTH - EDGE - scale * width),
        Inches(1.5),
        Inches(scale * width),
        Inches(scale * height),
    )
    shape._element.nvPicPr.cNvPr.set("descr", figure.content["alt"])
    wide = max(scale * width, _NARROWEST_CAPTION)
    caption = slide.shapes.add_textbox(
        Inches(WIDTH - EDGE - wide), Inches(1.5 + scale * height + 0.05), Inches(wide), Inches(0.5)
    )
    write(caption.text_frame, [captioned(figure)], 11, MUTED)
