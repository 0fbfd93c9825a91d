"""What a client's Word document, which reports are modelled on, has and lacks."""

from __future__ import annotations

from typing import Any

ROOM = 458.0
"""Points between the margins."""


def define_styles(word: Any) -> None:
    """Define the styles that pandoc names and a client's document has not."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn

    kinds = {
        "w:pStyle": WD_STYLE_TYPE.PARAGRAPH,
        "w:rStyle": WD_STYLE_TYPE.CHARACTER,
        "w:tblStyle": WD_STYLE_TYPE.TABLE,
    }
    known = {style.style_id for style in word.styles}
    for tag, kind in kinds.items():
        for name in sorted({str(e.get(qn("w:val"))) for e in word.element.body.iter(qn(tag))} - known):
            word.styles.add_style(name, kind)


def room_of(word: Any) -> float:
    """Return the points between the margins: of the house's page, or of the client's."""
    section = word.sections[0]
    sizes = (section.page_width, section.left_margin, section.right_margin)
    return ROOM if None in sizes else min(ROOM, (sizes[0] - sizes[1] - sizes[2]) / 12700)
