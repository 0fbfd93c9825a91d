"""From a document to a Word file that is edited further: headings, tables and captions are Word's own."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from xmresearch.report.column_widths import column_widths
from xmresearch.report.document import Document, Part
from xmresearch.report.print_source import joined, printed, to_pandoc
from xmresearch.report.rasters import logo_png, rasters, shape_of
from xmresearch.report.render import fenced
from xmresearch.report.slide_parts import lines_of
from xmresearch.report.word_pages import mark, turn_pages
from xmresearch.report.word_template import define_styles, room_of
from xmresearch.report.wording import escaped
from xmresearch.report.zipped import property_text, same_bytes

LATIN, CHINESE = "Arial", "Microsoft YaHei"
"""Fonts that Word finds on the client's machine; it takes others of their kind where they are not there."""
WIDEST, TALLEST = 6.1, 6.4
"""Inches that a figure may take of a page."""
CODE = "Courier New"
MOST_TOGETHER = 14
"""Rows of a table up to which Word keeps it on one page, as the PDF does; longer ones may begin on one and go on overleaf."""
MOST_LINES = 26
"""Lines of text, its head among them, up to which a short table is kept on one page: those of half a page."""
LONGEST_TOGETHER = 900
"""Characters of a cell above which its row, and so its table, may go on overleaf: it may be as long as a page."""
CELL_MARGIN = 3.0
"""Points beside the text of a cell; less than half of `PADDING`, as programs that set the table measure letters otherwise."""
_INK, _MUTED, _LINE, _TINT = "1F2933", "5B6670", "DDE3E8", "F3F6F9"
_TONES = {"warning": ("B42318", "FDF1EF"), "simulated": ("C8611A", "FDF5EE")}

_RIGHT = 2


def to_docx(document: Document) -> bytes:
    """Render a document.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    bytes
        A .docx without date.

    Raises
    ------
    StudyError
        Pandoc fails.
    """
    import docx

    pictures = rasters(document)
    with tempfile.TemporaryDirectory() as folder:
        for key, picture in pictures.items():
            (Path(folder) / f"{key}.png").write_bytes(picture)
        text = printed(document, partial(_block, pictures))
        top = f"::: {{custom-style=Title}}\n{escaped(document.title)}\n:::\n\n"
        for line, style in ((document.client, "Subtitle"), (document.glance, "Author")):
            top += f"::: {{custom-style={style}}}\n{escaped(line)}\n:::\n\n" if line else ""
        settings: dict[str, Any] = {"number-sections": True, "resource-path": [folder]}
        if template := document.front.style.reference_docx:
            (Path(folder) / "reference.docx").write_bytes(template)
            settings["reference-doc"] = str(Path(folder) / "reference.docx")
        if logo := logo_png(document):
            (Path(folder) / ".logo.png").write_bytes(logo)
            top = f"![{escaped(document.logo_alt)}](.logo.png){{height=1.3cm}}\\ \n\n{top}"
        if page := joined(document.summary, partial(_block, pictures)).strip():
            top += f"{page}\n\n"
        made = Path(folder) / "report.docx"
        to_pandoc(top + text, "docx", document, settings, made)
        word = docx.Document(str(made))
    _finish(word, document)
    out = io.BytesIO()
    word.save(out)
    return same_bytes(out.getvalue())


def _block(pictures: Mapping[str, bytes], part: Part) -> str | None:
    content = part.content
    match part.kind:
        case "head":
            return f"::: {{custom-style='Page Head'}}\n{escaped(content['title'])}\n:::"
        case "callout":
            return f"::: {{custom-style=Callout-{content['tone']}}}\n{part.text}\n:::"
        case "cards":
            rows = [[f"**{escaped(i['value'])}**", escaped(i["label"]), escaped(i["note"])] for i in content["items"]]
            return _pipes(None, rows, ["left"] * 3) if rows else ""
        case "table":
            caption = f"::: {{#tbl-{content['key']} custom-style='Table Caption'}}\n**{part.number}** {escaped(content['caption'])}\n:::"
            rows = [[escaped(str(v)) for v in row] for row in content["rows"]]
            note = f"\n\n::: {{custom-style=Note}}\n{escaped(content['note'])}\n:::" if content["note"] else ""
            return f"{caption}\n\n{_pipes([escaped(h) for h in content['head']], rows, content['align'])}{note}"
        case "turn":
            return fenced("{=openxml}", mark(across=content["across"]))
        case "figure":
            width, height = shape_of(pictures[content["key"]])
            inches = min(WIDEST, TALLEST * width / height)
            name = f"{content['key']}.png){{#fig-{content['key']} width={inches:.2f}in}}"
            # a space after it keeps pandoc from taking the alternative text for the caption
            picture = f"::: {{custom-style='Captioned Figure'}}\n![{escaped(content['alt'])}]({name}\\ \n:::"
            caption = f"**{part.number}** {escaped(content['caption'])}"
            return f"{picture}\n\n::: {{custom-style='Image Caption'}}\n{caption}\n:::"
        case "stamp":
            rows = [[escaped(k), escaped(v)] for k, v in content["lines"].items()]
            return f"# {escaped(content['title'])} {{#sec-stamp}}\n\n{_pipes(None, rows, ['left'] * 2)}"
    return None


def _pipes(head: list[str] | None, rows: list[list[str]], align: list[str]) -> str:
    rule = ["---:" if a == "right" else ":---" for a in align]
    lines = [head or [" "] * len(align), rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _finish(word: Any, document: Document) -> None:
    """Set what pandoc leaves plain: fonts, tables, page numbers; nothing of it dates the file."""
    from docx.shared import Pt, RGBColor

    styles = word.styles
    for name, size, colour in (("Note", 8, _MUTED), ("Table Caption", 9, _INK), ("Image Caption", 9, _INK)):
        style = _style(styles, name)
        style.font.size, style.font.color.rgb, style.font.italic = Pt(size), RGBColor.from_string(colour), False
    head = _style(styles, "Page Head")
    accent = document.accent[1:].upper()
    head.font.bold, head.font.color.rgb = True, RGBColor.from_string(accent)
    head.paragraph_format.keep_with_next, head.paragraph_format.space_before = True, Pt(8)
    caption = _style(styles, "Table Caption").paragraph_format
    caption.keep_with_next, caption.space_before, caption.space_after = True, Pt(12), Pt(3)
    if "Captioned Figure" in [s.name for s in styles]:
        styles["Captioned Figure"].paragraph_format.keep_with_next = True
    for tone in ("note", "warning", "simulated"):
        _shade(_style(styles, f"Callout-{tone}"), *_TONES.get(tone, (accent, _TINT)))
    if not document.front.style.reference_docx:
        _house(word)
    else:
        define_styles(word)
    room, turned = room_of(word), turn_pages(word)
    for table in word.tables:
        _table(table, turned.get(table._tbl, room))
    if document.summary:
        first = next((p for p in word.paragraphs if p.style is not None and p.style.name == "Heading 1"), None)
        if first is not None:
            first.paragraph_format.page_break_before = True
    _properties(word, document)


def _house(word: Any) -> None:
    from docx.shared import Cm, Pt, RGBColor

    for style in word.styles:
        fonts = style.element.find(f"{_tag('w:rPr')}/{_tag('w:rFonts')}")
        if (
            style.name in ("Normal", "Title", "Subtitle", "Author")
            or style.name.startswith("Heading")
            or fonts is not None
        ):
            _font(style, CODE if style.name in ("Source Code", "Verbatim Char") else LATIN)
    for name, size in (("Normal", 10.5), ("Title", 20), ("Heading 1", 14), ("Heading 2", 11.5), ("Author", 9.5)):
        word.styles[name].font.size = Pt(size)
        word.styles[name].font.bold = name == "Title" or name.startswith("Heading")
        word.styles[name].font.color.rgb = RGBColor.from_string(_MUTED if name == "Author" else _INK)
    for section in word.sections:
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = Cm(2.4)
        section.top_margin, section.bottom_margin = Cm(2.3), Cm(2.2)
        _page_number(section.footer.paragraphs[0])
        head = section.header.paragraphs[0]
        head.text = ""
        run = head.add_run()
        run.font.size, run.font.color.rgb = Pt(8), RGBColor.from_string(_MUTED)
        _field(run, "TITLE")


def _font(style: Any, latin: str) -> None:
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for kind in ("ascii", "hAnsi", "cs"):
        fonts.set(_tag(f"w:{kind}"), latin)
    fonts.set(_tag("w:eastAsia"), CHINESE)


def _style(styles: Any, name: str) -> Any:
    from docx.enum.style import WD_STYLE_TYPE

    if name in [s.name for s in styles]:
        return styles[name]
    style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = styles["Normal"]
    return style


def _shade(style: Any, edge: str, fill: str) -> None:
    properties = style.element.get_or_add_pPr()
    borders = _element("w:pBdr")
    borders.append(_element("w:left", val="single", sz="24", space="8", color=edge))
    properties.append(borders)
    properties.append(_element("w:shd", val="clear", color="auto", fill=fill))


def _table(table: Any, room: float) -> None:
    """Rule a table above, below and between its rows, repeat the head on every page, and give columns what they need."""
    from docx.shared import Pt

    texts = [[cell.text for cell in row.cells] for row in table.rows]
    right = [cell.paragraphs[0].alignment == _RIGHT for cell in table.rows[-1].cells]
    size, widths = column_widths(texts[0], texts[1:] or texts, ["right" if r else "left" for r in right], room)
    properties = table._tbl.tblPr
    borders = _element("w:tblBorders")
    for side in ("top", "bottom"):
        borders.append(_element(f"w:{side}", val="single", sz="8", color=_INK))
    borders.append(_element("w:insideH", val="single", sz="2", color=_LINE))
    for kind in ("w:tblBorders", "w:tblLayout", "w:tblW"):
        for old in properties.findall(_tag(kind)):
            properties.remove(old)
    properties.append(_element("w:tblW", w=str(round(20 * sum(widths))), type="dxa"))
    properties.append(borders)
    properties.append(_element("w:tblLayout", type="fixed"))
    margins = _element("w:tblCellMar")
    for side in ("left", "right"):
        margins.append(_element(f"w:{side}", w=str(round(20 * CELL_MARGIN)), type="dxa"))
    properties.append(margins)
    for column, width in zip(table._tbl.tblGrid.gridCol_lst, widths, strict=True):
        column.w = Pt(width)
    lines = sum(
        max(lines_of(text, size, max(wide - 2 * CELL_MARGIN, size)) for text, wide in zip(row, widths, strict=True))
        for row in texts
    )
    together = _together(table, texts, lines)
    for k, row in enumerate(table._tbl.tr_lst):
        if all(len(text) <= LONGEST_TOGETHER for text in texts[k]):
            row.get_or_add_trPr().append(_element("w:cantSplit"))
        for cell, width in zip(row.tc_lst, widths, strict=True):
            cell.width = Pt(width)
        for paragraph in row.iter(_tag("w:p")):
            if k in together:
                paragraph.get_or_add_pPr().get_or_add_keepNext()
            spacing = paragraph.get_or_add_pPr().get_or_add_spacing()
            spacing.set(_tag("w:before"), "20")
            spacing.set(_tag("w:after"), "20")
            for run in paragraph.iter(_tag("w:r")):
                run.get_or_add_rPr().get_or_add_sz().val = Pt(size)


def _together(table: Any, texts: Sequence[Sequence[str]], lines: int) -> set[int]:
    """Return the rows that stay on the page of what follows: all of a short table, and the two at either end of a long one."""
    last = len(texts) - 1
    following = table._tbl.getnext()
    noted = {last} if following is not None and following.tag == _tag("w:p") and following.style == "Note" else set()
    if any(len(text) > LONGEST_TOGETHER for row in texts for text in row):
        return noted
    return noted | (set(range(last)) if last <= MOST_TOGETHER and lines <= MOST_LINES else {0, 1, last - 1})


def _properties(word: Any, document: Document) -> None:
    import datetime as dt

    core = word.core_properties
    title, author = property_text(document.title), property_text(document.front.author) or "xmresearch"
    core.title, core.author, core.last_modified_by, core.comments = title, author, author, ""
    core.created = core.modified = dt.datetime(2000, 1, 1)
    core.language = "zh-CN" if document.lang == "zh" else "en-GB"
    core.subject = property_text(document.glance)


def _page_number(paragraph: Any) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph.text, paragraph.alignment = "", WD_ALIGN_PARAGRAPH.CENTER
    for kind in ("PAGE", " / ", "NUMPAGES"):
        run = paragraph.add_run()
        run.font.size = Pt(8)
        if kind == " / ":
            run.text = kind
        else:
            _field(run, kind)


def _field(run: Any, name: str) -> None:
    for kind in ("begin", "", "end"):
        if kind:
            run._r.append(_element("w:fldChar", fldCharType=kind))
        else:
            code = _element("w:instrText")
            code.text = name
            run._r.append(code)


def _element(name: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement

    element = OxmlElement(name)
    for key, value in attributes.items():
        element.set(_tag(f"w:{key}"), value)
    return element


def _tag(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))
