"""Tables of the appendix of slides."""

import io

import pptx
import pytest
from pptx.util import Pt

from xmresearch.report.document import Document, Part
from xmresearch.report.formats import rendered


def tables(rows):
    """The tables of the slides that show what was asked."""
    content = {
        "key": "questionnaire", "caption": "Items", "note": "", "head": ["Code", "Scale"], "align": ["left", "left"], "rows": rows,
        "csv": "a\n1\n", "statements": False, "sheet": [["", ""]],
    }  # fmt: skip
    deck = pptx.Presentation(
        io.BytesIO(rendered(Document("T", "", "", "en", [Part("table", content, number="1")]), "pptx"))
    )
    return [shape.table for slide in deck.slides for shape in slide.shapes if shape.has_table]


@pytest.mark.parametrize("rows", [1, 19, 20, 21, 38, 39, 80])
def test_slides_are_about_as_full_as_one_another(rows):
    """No row is lost or twice, none stands alone on a last slide, and no more slides are used than full ones would be."""
    given = [[f"c{k}", "1–7"] for k in range(rows)]
    shown = [[[cell.text for cell in row.cells] for row in list(table.rows)[1:]] for table in tables(given)]
    assert [row for page in shown for row in page] == given
    sizes = [len(page) for page in shown]
    assert max(sizes) - min(sizes) <= len(sizes)
    assert len(sizes) == -(-rows // 19), sizes


def test_rows_with_an_empty_cell_are_no_higher():
    (table,) = tables([["c1", ""], ["c2", "1–7"]])
    empty = table.cell(1, 1).text_frame.paragraphs[0]._p
    assert empty.endParaRPr is not None
    assert int(empty.endParaRPr.get("sz")) == table.cell(2, 1).text_frame.paragraphs[0].runs[0].font.size / Pt(0.01)
