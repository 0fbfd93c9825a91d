"""A client's look as reports use it: files read and examined before anything is computed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xmresearch.display import Shown
from xmresearch.errors import ParamsError, Problems
from xmresearch.report.colours import contrast, legible
from xmresearch.report.slide_layouts import HEIGHT, WIDTH, title_layout

LARGEST_FILE = 20_000_000
LARGEST_LOGO = 2_000_000
"""Bytes of a file of the style, and of a logo, which stands in every report."""
NEEDED_STYLES = ("Normal", "Title", "Heading 1")
_NEAR = 0.01
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?!data:)|@import|image-set\(|</|\\", re.I)
_LINKED = re.compile(r"<!DOCTYPE|<!ENTITY|<\?xml-stylesheet|<script|(?:href|src)\s*=\s*[\"'](?!#|data:)|url\(\s*['\"]?(?!#|data:)|@import", re.I)  # fmt: skip


@dataclass(frozen=True, repr=False)
class ClientStyle(Shown):
    """What a client's reports look like.

    Attributes
    ----------
    accent : str
        Colour as #rrggbb, legible on white; '' for the house's own.
    logo : bytes
        The picture at the top; empty where there is none.
    logo_ending : str
        png or svg.
    css : str
        Style sheet after the report's own.
    reference_docx, reference_pptx : bytes
        Documents that others are modelled on; empty where there is none.
    notes : tuple of str
        What a user should know of what became of the style.
    """

    accent: str = ""
    logo: bytes = b""
    logo_ending: str = "png"
    css: str = ""
    reference_docx: bytes = b""
    reference_pptx: bytes = b""
    notes: tuple[str, ...] = ()


def read_style(accent: str | None, files: Mapping[str, Path]) -> ClientStyle:
    """Read a client's style.

    Parameters
    ----------
    accent : str, optional
        As #rrggbb; one that white letters or a white page would swallow is darkened, with a note.
    files : mapping of str to Path
        By key: logo, css, reference_docx, reference_pptx.

    Returns
    -------
    ClientStyle

    Raises
    ------
    ParamsError
        A file is missing or broken, refers to what lies elsewhere, or lacks what a report needs; all are told at once.
    """
    problems, found = Problems(), {}
    for key, path in files.items():
        with problems.step():
            found[key] = _EXAMINED[key](key, path, _content(key, path))
    problems.settle()
    notes: tuple[str, ...] = ()
    shown = legible(accent) if accent else ""
    if accent and shown != accent.lower():
        notes = (
            f"style.accent {accent} has a contrast of {contrast(accent, '#ffffff'):.1f} to white: {shown} is used instead"
            f" ({contrast(shown, '#ffffff'):.1f}; at least 4.5 is needed to be read).",
        )
    ending = files["logo"].suffix[1:].lower() if "logo" in files else "png"
    return ClientStyle(accent=shown, logo_ending=ending, notes=notes, **found)


def _content(key: str, path: Path) -> bytes:
    if not path.is_file():
        raise ParamsError(
            f"style.{key}: the file '{path.name}' does not exist in '{path.parent}'.",
            "Relative paths start from the folder of the params file.",
        )
    most = LARGEST_LOGO if key == "logo" else LARGEST_FILE
    if path.stat().st_size > most:
        raise ParamsError(f"style.{key}: '{path.name}' has more than {most / 1e6:.0f} MB.", "Use a smaller file.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ParamsError(f"style.{key}: '{path.name}' cannot be read: {error.strerror or error}.") from None


def _logo(key: str, path: Path, content: bytes) -> bytes:
    if path.suffix.lower() == ".svg":
        return _plain_svg(key, path, content)
    if path.suffix.lower() != ".png":
        raise ParamsError(f"style.{key}: '{path.name}' is neither .png nor .svg.", "Save the logo as one of these.")
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            picture.load()
    except Exception:
        raise _broken(key, path, "PNG picture") from None
    return content


def _plain_svg(key: str, path: Path, content: bytes) -> bytes:
    """Refuse what is no SVG, and what would run or load something."""
    from xml.parsers import expat

    text = _decoded(key, path, content, "SVG picture in UTF-8")
    if _LINKED.search(text):
        raise ParamsError(
            f"style.{key}: '{path.name}' has a script or a DOCTYPE, or refers to something outside of itself.",
            "Save it as plain SVG with everything embedded, or as PNG.",
        )
    tags: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _: tags.append(tag)
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise _broken(key, path, "SVG picture in UTF-8") from None
    if tags[0].rpartition(":")[2] != "svg":
        raise _broken(key, path, "SVG picture in UTF-8")
    return content


def _decoded(key: str, path: Path, content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _broken(key, path, what) from None


def _css(key: str, path: Path, content: bytes) -> str:
    text = _decoded(key, path, content, "text in UTF-8")
    if found := _OUTSIDE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ParamsError(
            f"style.{key}: line {line} of '{path.name}' has '{found[0].strip()}': a report loads nothing from elsewhere, and what ends"
            " its style sheet has no place in it.",
            "Embed fonts and pictures as data: addresses, and write characters as they are, without \\.",
        )
    return text


def _docx(key: str, path: Path, content: bytes) -> bytes:
    import docx

    _plain_archive(key, path, content)
    try:
        names = {style.name for style in docx.Document(io.BytesIO(content)).styles}
    except Exception:
        raise _broken(key, path, "Word document (.docx)") from None
    if lacking := [name for name in NEEDED_STYLES if name not in names]:
        raise ParamsError(
            f"style.{key}: '{path.name}' has no style '{lacking[0]}', which reports are written in.",
            "Begin from a document that Word or pandoc made, and change its styles.",
        )
    return content


def _pptx(key: str, path: Path, content: bytes) -> bytes:
    import pptx

    _plain_archive(key, path, content)
    try:
        deck = pptx.Presentation(io.BytesIO(content))
        wide, high = (float(size or 0) / 914400 for size in (deck.slide_width, deck.slide_height))
        layout = title_layout(deck)
    except Exception:
        raise _broken(key, path, "PowerPoint file (.pptx)") from None
    if abs(wide - WIDTH) > _NEAR or abs(high - HEIGHT) > _NEAR:
        raise ParamsError(
            f"style.{key}: the slides of '{path.name}' have {wide:.2f} by {high:.2f} inches; reports need 13.33 by 7.5.",
            "Set the slide size to widescreen (16:9) in PowerPoint.",
        )
    if layout is None:
        raise ParamsError(
            f"style.{key}: '{path.name}' has no layout with a title.",
            "Add one, such as 'Title Only', in its slide master.",
        )
    return content


def _plain_archive(key: str, path: Path, content: bytes) -> None:
    """Refuse macros, and pictures or objects that lie elsewhere."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            linked = any(
                re.search(rb'TargetMode="External"', entry) and not re.search(rb"/hyperlink\"", entry)
                for name in names
                if name.endswith(".rels")
                for entry in re.findall(rb"<Relationship\b[^>]*>", archive.read(name))
            )
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError):
        raise _broken(key, path, "Office document") from None
    if linked or any("vbaProject" in name or "activeX" in name for name in names):
        raise ParamsError(
            f"style.{key}: '{path.name}' has macros, or pictures and objects that lie elsewhere.",
            "Save it without macros, with everything embedded.",
        )


def _broken(key: str, path: Path, what: str) -> ParamsError:
    return ParamsError(f"style.{key}: '{path.name}' is no {what}, or is damaged.", "Open and save it anew.")


_EXAMINED: Mapping[str, Callable[[str, Path, bytes], Any]] = {
    "logo": _logo, "css": _css, "reference_docx": _docx, "reference_pptx": _pptx,
}  # fmt: skip
