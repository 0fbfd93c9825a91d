"""The glossary explains what a report uses and nothing else; both languages explain the same terms, and cite what there is."""

import io

import docx
import openpyxl
import pptx
import pypdf
import pytest

from xmresearch.report.citations import shipped, short_forms
from xmresearch.report.document import Document, Part
from xmresearch.report.formats import FORMATS, rendered
from xmresearch.report.glossary import glossary, terms
from xmresearch.report.slide_tables import LONGEST_CELL


def found(text, lang="en", **more):
    part = glossary(Document("T", "", "", lang, [Part("prose", more, text)]))
    return set() if part is None else {term.content["key"] for term in part.content["terms"]}


def test_every_term_is_explained_in_both_languages():
    for key, term in terms().items():
        for lang in ("en", "zh"):
            assert {"name", "forms", "text"} == term[lang].keys(), key
            assert term[lang]["text"].endswith("。" if lang == "zh" else "."), key
            assert len(term[lang]["text"]) <= 260, key
        assert term.get("cite", "holm1979") in short_forms(shipped()), key


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_form_finds_its_term(lang):
    for key, term in terms().items():
        for form in term[lang]["forms"]:
            assert key in found(f"Here {form}, there.", lang), (key, form)


@pytest.mark.parametrize(
    ("text", "lang", "key"),
    [
        ("to haven a rest; saves", "en", "ave"),
        ("The unloading of cargo", "en", "loading"),
        ("[Table 2](#tbl-placebo) shows it", "en", "placebo"),
        ("与去年相同", "zh", "interval"),
        ("prioritise it", "en", "prior"),
    ],
)
def test_what_only_looks_like_a_term_is_none(text, lang, key):
    assert key not in found(text, lang)


def test_plurals_and_heads_count_but_cells_do_not():
    assert found("Removal effects and loadings") == {"removal", "loading"}
    table = {"caption": "c", "note": "", "head": ["HTMT2"], "rows": [["Kano"]], "key": "k", "align": ["left"], "csv": "", "statements": False}  # fmt: skip
    part = glossary(Document("T", "", "", "en", [Part("table", table)]))
    assert [term.content["key"] for term in part.content["terms"]] == ["htmt"]
    assert glossary(Document("T", "", "", "en", [Part("prose", {}, "Nothing.")])) is None


HOSTILE = "=1+1 #eval <script>alert(1)</script> **x** مرحبا 😀"


def test_terms_and_questions_stand_in_every_format():
    """What was asked and the terms are in each format, in whole, as text; long cells of slides are cut with a mark."""
    lang = "zh"
    long = "甲" * 10_000
    rows = [["q1", HOSTILE, "1–7"], *([f"q{k}", "wording " * 8, "1–7"] for k in range(2, 40)), ["q40", long, "1–7"]]
    table = {"key": "questionnaire", "caption": "Asked", "note": "", "head": ["Code", "Statement", "Scale"], "align": ["left", "left", "left"], "rows": rows, "csv": "code\nq1\n", "statements": False}  # fmt: skip
    parts = [Part("section", {"key": "answer", "title": "A"}), Part("prose", {"claims": []}, "HTMT2, Kano."), Part("table", table, number="Table 1.")]  # fmt: skip
    made = Document("T", "", "", lang, parts)
    made.parts.append(glossary(made))
    files = {kind: rendered(made, kind) for kind in FORMATS}
    names = [terms()[key][lang]["name"] for key in ("htmt", "kano")]
    texts = {
        "html": files["html"].decode(),
        "pdf": "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(files["pdf"])).pages),
        "docx": "".join(p.text for p in docx.Document(io.BytesIO(files["docx"])).paragraphs),
        "xlsx": "".join(
            str(v) for row in openpyxl.load_workbook(io.BytesIO(files["xlsx"]))["glossary"].values for v in row
        ),
    }
    slides = pptx.Presentation(io.BytesIO(files["pptx"])).slides
    cells = [c.text for slide in slides for s in slide.shapes if s.has_table for r in s.table.rows for c in r.cells]
    for name in names:
        assert all(name.replace(" ", "") in text.replace(" ", "").replace("\n", "") for text in texts.values()), name
        assert name in cells
    assert HOSTILE in cells
    assert texts["html"].count("<script") == 1, "only the page's own"
    assert max(map(len, cells)) == LONGEST_CELL
    assert {f"q{k}" for k in range(1, 41)} <= set(cells)
    assert sum(s.has_table for slide in slides for s in slide.shapes) > 2
    assert '<details class="glossary">' in texts["html"]
