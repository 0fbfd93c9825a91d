"""Figures as PNG, for formats that hold no SVG."""

from __future__ import annotations

import tempfile
from pathlib import Path

from xmresearch.report.document import Document, picture_bytes, picture_name
from xmresearch.report.pdf import compiled, literal

PPI = 200.0
"""Pixels per inch of a figure as drawn."""


def rasters(document: Document) -> dict[str, bytes]:
    """Return every figure as a picture of pixels.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    dict of str to bytes
        PNG by key of the figure; a JPEG of the researcher's own stays one.
    """
    figures = document.of_kind("figure")
    drawn = [part for part in figures if "svg" in part.content]
    found = {str(part.content["key"]): picture_bytes(part.content) for part in figures if "svg" not in part.content}
    if not drawn:
        return found
    with tempfile.TemporaryDirectory() as folder:
        for part in drawn:
            (Path(folder) / picture_name(part.content)).write_bytes(picture_bytes(part.content))
        pages = "\n#pagebreak(weak: true)\n".join(f"#image({literal(picture_name(part.content))})" for part in drawn)
        sheet = f"#set page(width: auto, height: auto, margin: 2pt, fill: white)\n{pages}"
        made = compiled(sheet, Path(folder), "png", ppi=PPI)
    return found | {str(part.content["key"]): png for part, png in zip(drawn, made, strict=True)}


def logo_png(document: Document) -> bytes:
    """Return the client's logo as PNG; empty where there is none."""
    style = document.front.style
    if not style.logo or style.logo_ending == "png":
        return style.logo
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "logo.svg").write_bytes(style.logo)
        page = '#set page(width: auto, height: auto, margin: 0pt, fill: none)\n#image("logo.svg", height: 2cm)'
        return compiled(page, Path(folder), "png", ppi=PPI)[0]


def shape_of(content: bytes) -> tuple[int, int]:
    """Return width and height of a picture, in pixels."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return image.size
