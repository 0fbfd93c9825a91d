"""Bounds on what reports show and take: each has its value, and turns on the right side of it."""

import importlib
import re

import pytest

from xmresearch.errors import ParamsError
from xmresearch.report import pdf
from xmresearch.report.blocks import FITS_PAGE, FITS_PHONE, FITS_TABLET
from xmresearch.report.client_style import LARGEST_FILE, LARGEST_LOGO, read_style
from xmresearch.report.document import Document, Part
from xmresearch.report.summary import summarised
from xmresearch.report.wording import labels

BOUNDS = {
    "alternative": {"MOST_FINDINGS": 2},
    "blocks": {"LONG_TABLE": 25, "FITS_PHONE": 22.0, "FITS_TABLET": 36.0, "FITS_PAGE": 52.0},
    "client_style": {"LARGEST_FILE": 20_000_000, "LARGEST_LOGO": 2_000_000},
    "colours": {"LEAST_CONTRAST": 4.5, "COLOURED": 0.15},  # WCAG 2.2, level AA
    "figure_style": {"MOST_LINES": 4, "TYPE": 10.0},
    "first_screen": {"MOST_WARNINGS": 3},
    "pdf": {"LONGEST_HEAD": 120, "LONGEST_PAGE": 8_000, "WIDEST": 15.2, "TALLEST": 19.0},
    "slide_plan": {"SIZES": (18.0, 16.0, 14.0), "MOST_ROWS": 9},
    "slide_tables": {"LONGEST_CELL": 400, "SMALLEST": 8.5, "LARGEST": 12.0},
    "summary": {"MOST_SENTENCES": 4, "MOST_CARDS": 3, "MOST_ADVICE": 2, "MOST_WARNINGS": 3},
    "word": {"WIDEST": 6.1, "TALLEST": 6.4, "MOST_TOGETHER": 14, "MOST_LINES": 26, "LONGEST_TOGETHER": 900},
    "workbook": {"SHEET_NAME": 31},  # of Excel
    "zipped": {"LONGEST_PROPERTY": 255},
}


@pytest.mark.parametrize("module", BOUNDS)
def test_a_bound_has_its_value(module):
    loaded = importlib.import_module(f"xmresearch.report.{module}")
    assert {name: getattr(loaded, name) for name in BOUNDS[module]} == BOUNDS[module]


def test_rows_are_stacked_in_the_style_sheet_where_tables_are_too_wide(root):
    """A table that stands in columns fits where it stands so, and the page has room for the widest."""
    sheet = (root / "src/xmresearch/report/templates/report.css").read_text("utf-8")
    stacked = {
        kind: float(rems) for rems, kind in re.findall(r"@container \(max-width: (\d+)rem\) \{\s*\.(\w+)", sheet)
    }
    assert FITS_PHONE < stacked["medium"] == FITS_TABLET
    assert FITS_PAGE <= stacked["large"] < 2 * FITS_TABLET


@pytest.mark.parametrize(
    ("key", "name", "most"), [("logo", "a.svg", LARGEST_LOGO), ("reference_docx", "a.docx", LARGEST_FILE)]
)
def test_files_of_a_style_have_a_largest_size(key, name, most, tmp_path):
    for size, said in ((most, "is no "), (most + 1, "has more than")):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
        with pytest.raises(ParamsError, match=said):
            read_style(None, {key: tmp_path / name})


@pytest.fixture
def typst(monkeypatch):
    """What is handed to typst."""
    monkeypatch.setattr(pdf, "compiled", lambda text, *_, **__: [text])
    return pdf.to_pdf


def test_titles_at_the_head_of_pages_are_cut(typst):
    for long, shown in ((120, "T" * 120), (121, "T" * 119 + "…")):
        assert f'running: "{shown}"' in typst(Document("T" * long, "", "", "en"))


def test_only_a_summary_that_a_page_may_hold_is_made_to_fit(typst):
    document = Document("T", "", "", "en")
    told = len(document.logo_alt) + len("T") + len(labels("en")["style"]["contents"]) + len("\n")
    for length, fitted in ((8_000, "true"), (8_001, "false")):
        document.summary = [Part("prose", {}, "a" * (length - told))]
        assert f", true, {fitted})[" in typst(document)


@pytest.mark.parametrize(
    ("lang", "states", "said"),
    [
        ("en", ["settled"], "Settled statements of this report: 1 of 1."), ("en", ["unsettled"], "Settled statements of this report: none of 1."),
        ("zh", ["settled"], "本报告的 1 条结论中，1 条已定。"), ("zh", ["withheld"], "本报告共 1 条结论，其中没有一条已定。"),
    ],
)  # fmt: skip
def test_one_statement_is_counted_as_one(lang, states, said):
    parts = [Part("section", {"key": "answer", "title": "A"})]
    parts += [
        Part("prose", {"claims": [{"name": "c", "state": s, "promised": None}], "title": "C"}, "**S.**") for s in states
    ]
    assert said in [p.text for p in summarised(Document("T", "", "", lang, parts))]
