"""Pages of a Word file that lie on their side."""

from __future__ import annotations

import copy
from typing import Any

ACROSS, UPRIGHT = "xm-across", "xm-upright"
_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_MARK = (
    '<w:p xmlns:w="{namespace}"><w:pPr><w:pStyle w:val="{name}"/><w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/>'
    "</w:pPr></w:p>"
)
_PER_POINT = 12700


def mark(*, across: bool) -> str:
    """Return a paragraph of Word's markup after which pages lie on their side, or stand upright again."""
    return _MARK.format(namespace=_NAMESPACE, name=ACROSS if across else UPRIGHT)


def turn_pages(word: Any) -> dict[Any, float]:
    """Put what stands between marks on pages that lie on their side.

    Parameters
    ----------
    word : docx.document.Document
        Changed in place: marks become the ends of sections, which have the margins, head and foot of the file's own. In a file whose
        pages have no size, or lie on their side already, marks are taken out.

    Returns
    -------
    dict of element to float
        Points between the margins, by each table that was turned.
    """
    last = word.element.body.sectPr
    size, margins = last.pgSz, last.pgMar
    given = size is not None and margins is not None and None not in (size.w, size.h, margins.left, margins.right)
    turned: dict[Any, float] = {}
    across = False
    for element in list(word.element.body):
        kind = _kind(element)
        if kind in (ACROSS, UPRIGHT):
            across = kind == ACROSS
            element.pPr.remove(element.pPr.pStyle)
            if given and size.w < size.h:
                element.pPr.append(_section(last, across=not across))
            else:
                word.element.body.remove(element)
        elif across and element.tag.endswith("}tbl") and given and size.w < size.h:
            turned[element] = float(size.h - margins.left - margins.right) / _PER_POINT
    return turned


def _kind(element: Any) -> str:
    style = getattr(getattr(element, "pPr", None), "pStyle", None)
    return "" if style is None else str(style.val)


def _section(last: Any, *, across: bool) -> Any:
    """Return the properties of a section that ends: those of the file's last, its pages turned or not."""
    section = copy.deepcopy(last)
    if across:
        section.pgSz.w, section.pgSz.h = last.pgSz.h, last.pgSz.w
        section.pgSz.set(f"{{{_NAMESPACE}}}orient", "landscape")
    return section
