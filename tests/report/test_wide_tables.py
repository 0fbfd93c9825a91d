"""Tables that are too wide for an upright page: turned over where they are short, else on pages that lie on their side."""

import io
from dataclasses import replace

import docx
import pypdf
import pytest
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from xmresearch.report.citing import Front
from xmresearch.report.client_style import ClientStyle
from xmresearch.report.column_widths import column_widths
from xmresearch.report.document import Document, Part
from xmresearch.report.formats import rendered
from xmresearch.report.wide_tables import LEAST_SIZE, MOST_OVER, ROOM, TURN, laid_out, set_in


def table(key, columns, rows, cell="1,234.56", first="row {}"):
    head = ["Name", *(f"c{k}" for k in range(columns - 1))]
    body = [[first.format(i), *[cell] * (columns - 1)] for i in range(rows)]
    content = {"key": key, "caption": f"Caption {key}", "note": "", "head": head, "align": ["left", *["right"] * (columns - 1)], "rows": body, "csv": "a\n1\n"}  # fmt: skip
    return Part("table", {**content, "statements": False, "sheet": [["", ""]]}, number="Table 1.")


def section(key):
    return Part("section", {"key": key, "title": f"Section {key}"})


def prose(text):
    return Part("prose", {"claims": []}, text)


def kinds(parts):
    return [f"{p.kind}{'' if p.kind != TURN else '-across' if p.content['across'] else '-upright'}" for p in parts]


@pytest.mark.parametrize(("size", "wide"), [(6.5, True), (7.0, False), (7.5, False)])
def test_tables_of_less_than_a_set_size_are_wide(size, wide):
    tables = (table("a", columns, 9, "8" * digits) for columns in range(6, 20) for digits in range(1, 20))
    some = next(one for one in tables if set_in(one.content) == size)
    assert (len(laid_out([some])) == 3) == wide == (size < LEAST_SIZE)


@pytest.mark.parametrize(("rows", "over"), [(1, True), (5, True), (6, False)])
def test_short_tables_are_turned_over(rows, over):
    made = laid_out([table("a", 14, rows)])
    assert (kinds(made) == ["table"]) == over == (rows <= MOST_OVER)
    if over:
        content = made[0].content
        assert content["head"] == ["Name", *(f"row {i}" for i in range(rows))]
        assert content["rows"][0] == ["c0", *["1,234.56"] * rows]
        assert len(content["rows"]) == 13
        assert len(content["align"]) == rows + 1
        assert set_in(content) == 9.0


def test_rows_of_one_name_are_not_turned_over():
    assert kinds(laid_out([table("a", 14, 2, first="same")])) == ["turn-across", "table", "turn-upright"]


def test_a_heading_goes_with_its_table_and_tables_share_their_pages():
    parts = [
        section("a"), prose("Text."), table("narrow", 3, 9), prose("Of a wide one."), table("w1", 14, 9), prose("Between."), table("w2", 14, 9),
        section("b"), prose("More."), table("w3", 14, 9), prose("After."), section("c"), table("narrow", 3, 9), Part("code", {}),
    ]  # fmt: skip
    assert kinds(laid_out(parts)) == [
        "section", "prose", "table", "prose", "turn-across", "table", "prose", "table", "section", "prose", "table", "turn-upright", "prose", "section", "table",
    ]  # fmt: skip
    whole = [section("a"), prose("Text."), table("w", 14, 9)]
    assert kinds(laid_out(whole)) == ["turn-across", "section", "prose", "table", "turn-upright"]


def document(style=None):
    parts = [section("a"), prose("Upright."), section("b"), prose("Across."), table("w", 14, 9), section("c"), prose("Upright again.")]  # fmt: skip
    return Document("T", "", "", "en", parts, front=Front(style=style or ClientStyle()))


def test_pages_of_print_are_turned_for_them_alone():
    sheets = pypdf.PdfReader(io.BytesIO(rendered(document(), "pdf"))).pages
    shown = [(sheet.mediabox.width > sheet.mediabox.height, sheet.extract_text()) for sheet in sheets]
    across = "".join(text for turned, text in shown if turned)
    upright = "".join(text for turned, text in shown if not turned)
    assert "Across." in across
    assert "Caption w" in across
    assert "1,234.56" in across
    assert "Upright again." in upright
    assert "1,234.56" not in upright


def test_pages_of_word_are_turned_for_them_alone():
    word = docx.Document(io.BytesIO(rendered(document(), "docx")))
    assert [(s.page_width > s.page_height) for s in word.sections] == [False, True, False]
    assert {s.left_margin for s in word.sections} == {word.sections[0].left_margin}
    assert all("PAGE" in s.footer._element.xml for s in word.sections)
    room = (word.sections[1].page_width - 2 * word.sections[1].left_margin) / Pt(1)
    assert room > ROOM * 1.5
    wide = next(t for t in word.tables if len(t.columns) == 14)
    assert ROOM < sum(c.width for c in wide.columns) / Pt(1) <= room + 1
    size = wide.cell(1, 1).paragraphs[0].runs[0].font.size.pt
    texts = [[c.text for c in row.cells] for row in wide.rows]
    assert size == column_widths(texts[0], texts[1:], ["left", *["right"] * 13], room)[0] >= LEAST_SIZE
    marks = [p for p in word.element.body.iter() if p.tag.endswith("}pStyle") and str(p.val).startswith("xm-")]
    assert marks == []


@pytest.mark.parametrize("wide", [True, False])
def test_a_clients_document_keeps_its_pages(wide):
    """Pages of its own size are turned; those that lie on their side already stay as they are."""
    model = docx.Document()
    given = model.sections[0]
    given.page_width, given.page_height = (Cm(29.7), Cm(21)) if wide else (Cm(21.6), Cm(27.9))
    out = io.BytesIO()
    model.save(out)
    word = docx.Document(io.BytesIO(rendered(document(ClientStyle(reference_docx=out.getvalue())), "docx")))
    turned = [(round(s.page_width / Cm(1), 1), round(s.page_height / Cm(1), 1)) for s in word.sections]
    assert turned == ([(29.7, 21.0)] if wide else [(21.6, 27.9), (27.9, 21.6), (21.6, 27.9)])


@pytest.mark.parametrize("note", ["", "A note."])
@pytest.mark.parametrize(
    ("rows", "cell", "kept"),
    [(14, "1", range(14)), (15, "1", (0, 1, 14)), (3, "9" * 900, range(3)), (3, "9" * 901, ())],
)
def test_word_keeps_short_tables_whole_and_notes_with_their_tables(rows, cell, kept, note):
    made = table("a", 3, rows, cell)
    made = replace(made, content=made.content | {"note": note})
    word = docx.Document(io.BytesIO(rendered(Document("T", "", "", "en", [section("s"), made]), "docx")))
    with_next = [
        {p.paragraph_format.keep_with_next for c in row.cells for p in c.paragraphs} for row in word.tables[0].rows
    ]
    expected = {*kept, *([rows] if note else [])}
    assert [k for k, found in enumerate(with_next) if found == {True}] == sorted(expected)
    assert all(found == {None} for k, found in enumerate(with_next) if k not in expected)
    assert [row._tr.find(".//" + qn("w:cantSplit")) is None for row in word.tables[0].rows[1:]] == [
        len(cell) > 900
    ] * rows


def in_word(cells):
    """The first table of a Word file whose rows have these words and a figure each."""
    made = table("a", 2, len(cells))
    made = replace(made, content=made.content | {"rows": [[cell, "1"] for cell in cells]})
    return docx.Document(io.BytesIO(rendered(Document("T", "", "", "zh", [section("s"), made]), "docx"))).tables[0]


@pytest.mark.parametrize(("most", "whole"), [(4, True), (5, False)])
def test_short_tables_of_many_lines_may_go_overleaf_in_word(most, whole):
    """A head of one line, seven rows of three and one of four make 26 lines, half a page; one more is too many."""
    column = in_word(["甲" * 200] * 8).columns[0]
    size = column.cells[1].paragraphs[0].runs[0].font.size.pt
    a_line = int((column.width.pt - 6) / size)
    made = in_word([*["甲" * (3 * a_line)] * 7, "甲" * (most * a_line)])
    kept = [row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in made.rows]
    assert kept == ([True] * 8 + [None] if whole else [True, True, None, None, None, None, None, True, None])
