"""From a document to PDF, by pandoc and typst: fonts embedded, tagged, nothing fetched, the same bytes for the same document."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

from xmresearch.errors import StudyError
from xmresearch.report.colours import HOUSE
from xmresearch.report.document import Document, Part, picture_name
from xmresearch.report.fonts import characters_of, cjk_font_path, latin_font_path
from xmresearch.report.print_source import joined, printed, to_pandoc
from xmresearch.report.wording import escaped, labels

WIDEST, TALLEST = 15.2, 19.0
"""Centimetres that a figure may take of a page."""
LONGEST_HEAD = 120
"""Characters of the title at the head of every page."""
LONGEST_PAGE = 8_000
"""Characters of a summary up to which its letters are made to fit one page; no page holds more."""
_SVG_SIZE = re.compile(
    r'<svg[^>]*?\bheight="([\d.]+)pt"[^>]*?\bwidth="([\d.]+)pt"|<svg[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"'
)
_POINTS_PER_CM = 72 / 2.54


def to_pdf(document: Document) -> bytes:
    """Render a document.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    bytes
        A tagged PDF without date.

    Raises
    ------
    StudyError
        Pandoc or typst fails.
    """
    style = labels(document.lang)["style"]
    block = partial(_block, document.lang)
    page = joined(document.summary, block)
    logo = _logo_name(document)
    words = (logo, document.logo_alt, document.title, document.client, document.glance, style["contents"])
    fitted = sum(map(len, words)) + len(page) <= LONGEST_PAGE
    given = ", ".join([*map(literal, words), *(str(so).lower() for so in (bool(document.summary), fitted))])
    top = f"{_raw(f'#opening({given})[')}\n\n{page}\n\n{_raw(']')}\n\n"
    with as_file(files("xmresearch.report") / "templates" / "formula.lua") as formulas:
        body = to_pandoc(top + printed(document, block), "typst", document, {"filters": [str(formulas)]})
    front = {
        "title": document.title, "running": _short(document.title), "author": document.front.author, "lang": document.lang, "region": "CN" if document.lang == "zh" else "GB",
        "formula": style["formula"], "families": _families(document), "other": _others(top + body),
    }  # fmt: skip
    arguments = ", ".join(f"{key}: {literal(value)}" for key, value in front.items())
    preamble = (
        (files("xmresearch.report") / "templates" / "report.typ").read_text("utf-8").replace(HOUSE, document.accent)
    )
    text = f"{preamble}\n#show: report.with({arguments})\n{body}"
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**document.pictures, **({logo: document.front.style.logo} if logo else {})}.items():
            (Path(folder) / name).write_bytes(content)
        return compiled(text, Path(folder), "pdf", system=lacks(text))[0]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_HEAD else f"{text[: LONGEST_HEAD - 1]}…"


def _logo_name(document: Document) -> str:
    """Return the name of the logo's file beside the figures, '' where there is none; no figure's key begins with a point."""
    return f".logo.{document.front.style.logo_ending}" if document.front.style.logo else ""


def compiled(
    text: str, folder: Path, kind: Literal["pdf", "png"], *, ppi: float | None = None, system: bool = False
) -> list[bytes]:
    """Set a typst text.

    Parameters
    ----------
    text : str
        Markup; files that it names lie in `folder`.
    folder : Path
        Where the text is put; nothing outside is read.
    kind : {'pdf', 'png'}
        Of what comes back.
    ppi : float, optional
        Pixels per inch, of PNG.
    system : bool
        Whether fonts of the machine may draw what those of the package lack.

    Returns
    -------
    list of bytes
        One PDF, or a picture for each page.

    Raises
    ------
    StudyError
        The text is no typst.
    """
    import typst

    source = folder / "main.typ"
    source.write_text(text, "utf-8")
    fonts = folder / ".fonts"
    fonts.mkdir(exist_ok=True)
    # alone: others of its folder have letters where signs belong
    shutil.copy(latin_font_path(), fonts)
    common: dict[str, Any] = {
        "root": str(folder), "font_paths": [str(cjk_font_path().parent), str(fonts)], "ignore_system_fonts": not system, "format": kind,
        "timestamp": 0, **({} if ppi is None else {"ppi": ppi}),
    }  # fmt: skip
    try:
        made: Any = _tagged(source, common) if kind == "pdf" else typst.compile(str(source), **common)
    except (typst.TypstError, RuntimeError) as error:
        raise StudyError(f"Typst could not set the report: {error}") from None
    return made if isinstance(made, list) else [made]


def _tagged(source: Path, common: Mapping[str, Any]) -> bytes:
    """Set a PDF that screen readers can read (PDF/UA-1); a plain one where a researcher's own cells do not allow it."""
    import typst

    try:
        return bytes(typst.compile(str(source), **common, pdf_standards="ua-1"))
    except (typst.TypstError, RuntimeError) as error:
        if "PDF/UA" not in str(error):
            raise
        return bytes(typst.compile(str(source), **common))


def literal(value: Any) -> str:
    """Write a text, a list or a mapping as typst does; a text stays a text whatever it holds."""
    if isinstance(value, str):
        clean = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", value)
        return '"' + clean.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{key}: {literal(v)}" for key, v in value.items()) + ",)" if value else "(:)"
    return "(" + "".join(f"{literal(v)}, " for v in value) + ")"


def lacks(text: str) -> bool:
    """Whether a text has letters or signs that the packages' own fonts have not."""
    return bool(_unseen_by_cjk(text) - characters_of(str(latin_font_path())))


def _unseen_by_cjk(text: str) -> set[int]:
    return {ord(c) for c in text if c.isprintable() and not c.isspace()} - characters_of(str(cjk_font_path()))


def _others(text: str) -> str:
    """Return a pattern of what the second font draws whole, as "ć": the first would put it together from a letter and an accent."""
    codes = sorted(_unseen_by_cjk(text) & characters_of(str(latin_font_path())))
    return "[" + "".join(f"\\u{{{code:x}}}" for code in codes) + "]" if codes else ""


def _families(document: Document) -> list[str]:
    return ["Noto Sans SC", "DejaVu Sans", *(["Noto Sans CJK SC"] if lacks(_words(document)) else [])]


def _words(document: Document) -> str:
    texts = [document.title, document.client, document.glance, *(part.text for part in document.parts)]
    return "".join([*texts, *(str(dict(part.content)) for part in document.parts if part.kind in ("table", "cards"))])


def _block(lang: str, part: Part) -> str | None:
    """Write a part as typst where pandoc's own would not do."""
    content = part.content
    match part.kind:
        case "head":
            return _raw(f"#page-head({literal(content['title'])})")
        case "callout":
            return f"{_raw(f'#callout({literal(content["tone"])})[')}\n\n{part.text}\n\n{_raw(']')}"
        case "cards":
            items = [{k: item[k] for k in ("value", "label", "note")} for item in content["items"]]
            return _raw(f"#cards({literal(items)})") if items else ""
        case "table":
            cells = [[str(v) for v in row] for row in content["rows"]]
            aligns = [a.split()[0] for a in content["align"]]
            given = [part.number, content["caption"], content["note"], aligns, content["head"], cells]
            return _raw(f"#block(width: 100%, listing({', '.join(map(literal, given))})) <tbl-{content['key']}>")
        case "turn":
            return _raw(f"#set page(flipped: {str(content['across']).lower()})")
        case "figure":
            size = figure_width(content)
            words = [content["alt"], part.number, content["caption"]]
            call = f"picture({literal(picture_name(content))}, {size}, {', '.join(map(literal, words))})"
            return _raw(f"#block(width: 100%, {call}) <fig-{content['key']}>")
        case "stamp":
            return f"# {escaped(content['title'])} {{#sec-stamp}}\n\n" + _raw(
                f"#stamp({literal(list(content['lines'].items()))})"
            )
    return None


def figure_width(content: Mapping[str, Any]) -> str:
    """Return how wide a figure is printed: as drawn, or as the page allows."""
    found = _SVG_SIZE.search(content.get("svg", ""))
    if found is None:
        return f"{WIDEST}cm"
    height, width = (float(found[1]), float(found[2])) if found[1] else (float(found[4]), float(found[3]))
    drawn = width / _POINTS_PER_CM
    return f"{min(WIDEST, max(drawn, 13.0), TALLEST * width / height):.2f}cm"


def _raw(markup: str) -> str:
    from xmresearch.report.render import fenced

    return fenced("{=typst}", markup)
