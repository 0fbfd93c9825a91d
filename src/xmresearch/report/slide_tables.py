"""The appendix of a set of slides: the terms used, and what was asked, as tables of as many slides as they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xmresearch.report.column_widths import column_widths
from xmresearch.report.document import Document, Part
from xmresearch.report.plain_texts import Run
from xmresearch.report.slide_layouts import HEIGHT, WIDTH
from xmresearch.report.slide_parts import EDGE, INK, MUTED, blank, captioned, lines_of, write

APPENDED = ("questionnaire",)
"""Tables that stand in the appendix."""
LONGEST_CELL = 400
"""Characters of a cell; longer ones are cut, with a mark: the workbook has them whole."""
SMALLEST, LARGEST = 8.5, 12.0
"""Points that a table on a slide of a claim is set in: smaller ones are left out, larger ones are not needed."""
_TOP, _FOOT, _SIZE, _PADDING = 1.3, 0.4, 11.0, 6.0
_LINE, _MARGINS = 1.45, 4.0
"""Height of a line, in ems, of the tallest of the fonts for Chinese that programs take; points above and below it."""


def appendix(deck: Any, document: Document, texts: Mapping[int, list[list[Run]]]) -> None:
    """Add the appendix.

    Parameters
    ----------
    deck : Presentation
        Of python-pptx.
    document : Document
        From `assemble`.
    texts : mapping
        From `xmresearch.report.plain_texts`.
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


def small_table(slide: Any, part: Part, top: float) -> None:
    """Set a table below a text, with its number and caption above it.

    Parameters
    ----------
    slide : Slide
        Of python-pptx.
    part : Part
        A table.
    top : float
        Inches from the top of the slide.
    """
    from pptx.util import Inches

    content = part.content
    room = 72 * (WIDTH - 2 * EDGE)
    size, widths = column_widths(content["head"], content["rows"], content["align"], room * SMALLEST / LARGEST)
    scale = min(LARGEST / size, room / sum(widths))
    box = slide.shapes.add_textbox(Inches(EDGE), Inches(top), Inches(WIDTH - 2 * EDGE), Inches(0.35))
    write(box.text_frame, [captioned(part)], _SIZE, MUTED)
    lines = [content["head"], *content["rows"]]
    placed = (top + 0.35, 0.34 * len(lines))
    _grid(slide, lines, [scale * width for width in widths], content["align"], placed, size * scale)


def _table(
    deck: Any, title: str, head: Sequence[str] | None, rows: Sequence[Sequence[str]], align: Sequence[str]
) -> None:

    cells = [[_cut(str(v)) for v in row] for row in rows]
    room = 72 * (WIDTH - 2 * EDGE)
    widths = column_widths(list(head or [""] * len(align)), cells, list(align), room)[1]
    scale = room / sum(widths)
    widths = [width * scale for width in widths]
    for k, page in enumerate(_pages(cells, widths, headed=head is not None)):
        slide = blank(deck, title if k == 0 else f"{title} ({k + 1})")
        shown = [list(head), *page] if head else page
        _grid(slide, shown, widths, align, (_TOP, 20 / 72), _SIZE, headed=head is not None)


def _grid(
    slide: Any, lines: Sequence[Sequence[str]], widths: Sequence[float], align: Sequence[str], placed: tuple[float, float],
    size: float, *, headed: bool = True,
) -> None:  # fmt: skip
    """Set a table at so many inches from the top and of so many in height, with its head, or its first column, in bold."""
    from pptx.enum.text import MSO_ANCHOR
    from pptx.util import Inches, Pt

    top, high = placed
    shape = slide.shapes.add_table(len(lines), len(widths), Inches(EDGE), Inches(top), Pt(sum(widths)), Inches(high))
    shape.table.horz_banding, shape.table.first_row = False, headed
    for column, width in zip(shape.table.columns, widths, strict=True):
        column.width = Pt(width)
    for i, line in enumerate(lines):
        for j, text in enumerate(line):
            cell = shape.table.cell(i, j)
            cell.margin_left = cell.margin_right = Pt(_PADDING / 2)
            cell.margin_top = cell.margin_bottom = Pt(2)
            # the fonts of figures and of Chinese have lines of different heights
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE if headed else MSO_ANCHOR.TOP
            cell.fill.background()
            write(cell.text_frame, [[(str(text), i == 0 if headed else j == 0)]], size, INK)
            if align[j] == "right":
                cell.text_frame.paragraphs[0].alignment = 3


def _pages(rows: Sequence[Sequence[str]], widths: Sequence[float], *, headed: bool) -> list[list[Sequence[str]]]:
    """Put rows, below a head of one line, on as few slides as hold them, about as full as one another."""
    room = 72 * (HEIGHT - _TOP - _FOOT) - (_LINE * _SIZE + _MARGINS if headed else 0)
    lines = [
        max(lines_of(text, _SIZE, max(width - _PADDING, _SIZE)) for text, width in zip(row, widths, strict=True))
        for row in rows
    ]
    heights = [count * _LINE * _SIZE + _MARGINS for count in lines]
    fewest = len(_filled(rows, heights, room))
    # in steps finer than a row is high
    tried = (room * (share / 50) for share in range(1, 51))
    return next(pages for most in tried if len(pages := _filled(rows, heights, most)) <= fewest)


def _filled(rows: Sequence[Sequence[str]], heights: Sequence[float], most: float) -> list[list[Sequence[str]]]:
    """Fill slides one after the other, each up to a height; a higher row has one to itself."""
    pages: list[list[Sequence[str]]] = []
    used = 0.0
    for row, high in zip(rows, heights, strict=True):
        if not pages or used + high > most:
            pages.append([])
            used = 0.0
        pages[-1].append(row)
        used += high
    return pages


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
