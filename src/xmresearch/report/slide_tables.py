"""The appendix of a set of slides: the terms used, and what was asked, as tables of as many slides as they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xmresearch.report.column_widths import column_widths
from xmresearch.report.document import Document
from xmresearch.report.slide_parts import EDGE, HEIGHT, INK, MUTED, WIDTH, Run, add_run, blank, ems, write

APPENDED = ("questionnaire",)
"""Tables that stand in the appendix."""
LONGEST_CELL = 400
"""Characters of a cell; longer ones are cut, with a mark: the workbook has them whole."""
SMALLEST, LARGEST = 8.5, 12.0
"""Points that a table on a slide of a claim is set in: smaller ones are left out, larger ones are not needed."""
_TOP, _SIZE, _PADDING = 1.3, 11.0, 6.0


def appendix(deck: Any, document: Document, texts: Mapping[int, list[list[Run]]]) -> None:
    """Add the appendix.

    Parameters
    ----------
    deck : Presentation
        Of python-pptx.
    document : Document
        From `assemble`.
    texts : mapping
        From `slides.plain_texts`.
    """
    for part in document.of_kind("table"):
        if part.content["key"] in APPENDED:
            _table(
                deck, str(part.content["caption"]), part.content["head"], part.content["rows"], part.content["align"]
            )
    for part in document.of_kind("glossary"):
        rows = [
            [str(term.content["title"]), " ".join(text for line in texts[id(term)] for text, _ in line)]
            for term in part.content["terms"]
        ]
        _table(deck, str(part.content["title"]), None, rows, ["left", "left"])


def small_table(slide: Any, content: Mapping[str, Any], top: float) -> None:
    """Set a table below a text, with its caption above it.

    Parameters
    ----------
    slide : Slide
        Of python-pptx.
    content : mapping
        Of a table, as `xmresearch.report.blocks.Block` has it.
    top : float
        Inches from the top of the slide.
    """
    from pptx.util import Inches, Pt

    room = 72 * (WIDTH - 2 * EDGE)
    size, widths = column_widths(content["head"], content["rows"], content["align"], room * SMALLEST / LARGEST)
    scale = min(LARGEST / size, room / sum(widths))
    box = slide.shapes.add_textbox(Inches(EDGE), Inches(top), Inches(WIDTH - 2 * EDGE), Inches(0.35))
    write(box.text_frame, [[(str(content["caption"]), False)]], _SIZE, MUTED)
    lines = [content["head"], *content["rows"]]
    frame = slide.shapes.add_table(
        len(lines), len(widths), Inches(EDGE), Inches(top + 0.35), Pt(scale * sum(widths)), Inches(0.34 * len(lines))
    )
    frame.table.horz_banding = False
    for column, width in zip(frame.table.columns, widths, strict=True):
        column.width = Pt(scale * width)
    for i, line in enumerate(lines):
        for j, text in enumerate(line):
            cell = frame.table.cell(i, j)
            cell.margin_left = cell.margin_right = Pt(_PADDING / 2)
            cell.margin_top = cell.margin_bottom = Pt(2)
            cell.fill.background()
            write(cell.text_frame, [[(str(text), i == 0)]], size * scale, INK)
            cell.text_frame.paragraphs[0].alignment = 3 if content["align"][j] == "right" else 1


def _table(
    deck: Any, title: str, head: Sequence[str] | None, rows: Sequence[Sequence[str]], align: Sequence[str]
) -> None:
    from pptx.util import Inches, Pt

    cells = [[_cut(str(v)) for v in row] for row in rows]
    room = 72 * (WIDTH - 2 * EDGE)
    widths = column_widths(list(head or [""] * len(align)), cells, list(align), room)[1]
    scale = room / sum(widths)
    widths = [width * scale for width in widths]
    for k, page in enumerate(_pages(cells, widths)):
        slide = blank(deck, title if k == 0 else f"{title} ({k + 1})")
        shown = [list(head), *page] if head else page
        frame = slide.shapes.add_table(
            len(shown), len(widths), Inches(EDGE), Inches(_TOP), Inches(WIDTH - 2 * EDGE), Pt(20)
        )
        table = frame.table
        table.first_row = head is not None
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Pt(width)
        for i, row in enumerate(shown):
            for j, text in enumerate(row):
                cell = table.cell(i, j)
                cell.margin_left = cell.margin_right = Pt(_PADDING / 2)
                cell.margin_top = cell.margin_bottom = Pt(2)
                cell.fill.background()
                add_run(
                    cell.text_frame.paragraphs[0],
                    text,
                    _SIZE,
                    INK,
                    (head is not None and i == 0) or (head is None and j == 0),
                )


def _pages(rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Iterator[list[Sequence[str]]]:
    """Put rows on slides, by the lines that they need."""
    room = 72 * (HEIGHT - _TOP - 0.7)
    page: list[Sequence[str]] = []
    used = 0.0
    for row in rows:
        lines = max(
            1 + int(ems(text) * _SIZE / max(width - _PADDING, _SIZE)) for text, width in zip(row, widths, strict=True)
        )
        high = lines * _SIZE * 1.25 + 5
        if page and used + high > room:
            yield page
            page, used = [], 0.0
        page.append(row)
        used += high
    if page:
        yield page


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
