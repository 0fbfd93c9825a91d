"""The layouts of a set of slides, found by what they are: names differ from language to language."""

from __future__ import annotations

import io
from typing import Any

WIDTH, HEIGHT = 13.333, 7.5
"""Inches of a slide."""


def presentation(template: bytes) -> Any:
    """Begin a set of slides, in a client's layouts where there are any; slides that the file holds are left out.

    Parameters
    ----------
    template : bytes
        A .pptx; empty for plain layouts.

    Returns
    -------
    Presentation
        Of python-pptx.
    """
    import pptx
    from pptx.util import Inches

    if not template:
        deck = pptx.Presentation()
        deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
        return deck
    deck = pptx.Presentation(io.BytesIO(template))
    listed = deck.slides._sldIdLst
    for entry in list(listed):
        deck.part.drop_rel(entry.rId)
        listed.remove(entry)
    return deck


def title_layout(deck: Any) -> Any:
    """Return the layout that has a title and little else; None where none has a title."""
    titled = [layout for layout in deck.slide_layouts if any(_is_title(p) for p in layout.placeholders)]
    return min(titled, key=_crowded, default=None)


def empty_layout(deck: Any) -> Any:
    """Return the layout with the fewest things to fill in."""
    return min(deck.slide_layouts, key=lambda layout: len(list(layout.placeholders)))


def _is_title(placeholder: Any) -> bool:
    from pptx.enum.shapes import PP_PLACEHOLDER

    return placeholder.placeholder_format.type in (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE)


def _crowded(layout: Any) -> tuple[bool, int]:
    """Rank layouts: that for a title alone first, then by the number of their placeholders."""
    return layout._element.get("type") != "titleOnly", len(list(layout.placeholders))


def in_theme(deck: Any) -> None:
    """Let texts take their fonts from the client's theme, and titles their colour."""
    from pptx.oxml.ns import qn

    for slide in deck.slides:
        for kind in ("a:latin", "a:ea"):
            for font in list(slide._element.iter(qn(kind))):
                font.getparent().remove(font)
        title = slide.shapes.title
        if title is not None:
            for fill in list(title._element.iter(qn("a:solidFill"))):
                fill.getparent().remove(fill)
