"""The formats that clients are sent: what stands in one stands in all, nothing of a user's runs, and bytes do not change."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import get_args

import docx
import nbformat
import numpy as np
import openpyxl
import pandas as pd
import pptx
import pypdf
import pytest
from format_texts import docx_text, pdf_text, pptx_text, squeezed, xlsx_text
from matplotlib import ft2font
from matplotlib.figure import Figure
from PIL import Image
from pptx.enum.text import MSO_ANCHOR

from xmresearch.claims.families import count_of
from xmresearch.cli.running import run as run_command
from xmresearch.errors import StudyError
from xmresearch.params.base import FormatName
from xmresearch.report.assemble import assemble
from xmresearch.report.charted import chart_numbers
from xmresearch.report.citing import Front
from xmresearch.report.client_style import ClientStyle
from xmresearch.report.column_widths import PADDING, SIZES, column_widths, printed_ems, text_ems
from xmresearch.report.compose import Report
from xmresearch.report.document import Document, Part
from xmresearch.report.figure_style import percent_axis, wrap
from xmresearch.report.fonts import cjk_font_path
from xmresearch.report.formats import FORMATS, rendered
from xmresearch.report.pdf import figure_width, lacks
from xmresearch.report.slide_plan import MOST_ROWS, figure_for, fitting, height_of, planned
from xmresearch.report.wording import Wording
from xmresearch.report.workbook import HEAD_ROW, number_format, sheet_names
from xmresearch.studies.servqual.study import STUDY

SHORT = count_of("items", ["a"], [0.001], confidence=0.95, smallest_gap=0.1, three=["a"])
HOSTILE = (
    '#eval("1+1")', '#image("/etc/passwd")', "$x$ #let", "````{=typst}", "=HYPERLINK(\"http://a\")", "+1+cmd|' /C calc'!A0",
    "<script>alert(1)</script>", "**bold** [l](http://a)", "]) #panic()", "\\input{x}", "مرحبا 😀", 'a\\"); #panic("b', "{{7*7}} ${7*7}", "http://a.example/x", "甲|乙\t丙",
)  # fmt: skip
FRAME = pd.DataFrame({
    "level": "dimension", "id": [f"k{k}" for k in range(len(HOSTILE))], "construct": [f"k{k}" for k in range(len(HOSTILE))],
    "n": np.arange(len(HOSTILE)) + 10, "gap": np.linspace(-1, 1, len(HOSTILE)), "ci_lower": np.linspace(-1.5, 0.5, len(HOSTILE)),
    "ci_upper": np.linspace(-0.5, 1.5, len(HOSTILE)), "p_adjusted": np.geomspace(1e-9, 1, len(HOSTILE)), "family": 2,
    "setting": HOSTILE,
})  # fmt: skip


def page(lang, title="T & <b> #x", names=HOSTILE):
    """A report whose names are hostile, assembled as a run does."""
    report = Report(lang, STUDY, {f"k{k}": name for k, name in enumerate(names)} | {"a": "Alpha *x* #y"})
    report.title(title, f"=2+3 {HOSTILE[0]}", n=10, instrument="x", statements=2, dimensions=2, scale="1–7")
    report.section("answer")
    report.callout("simulated", tone="simulated")
    report.section("gaps")
    report.claim(SHORT)
    report.figure("gaps", "forest", FRAME.head(5))
    report.table("gap_dimensions", FRAME, ["construct", "n", "gap", "ci", "p_adjusted", "setting"])
    report.section("method")
    report.say("equation")
    report.table("gap_statements", FRAME.head(3), ["construct", "n", "gap"])
    report.section("limits")
    report.say("limits")
    cells = [nbformat.v4.new_code_cell("# quiet\nx = 1")]
    for block in report.blocks:
        data = json.loads(json.dumps(block._repr_mimebundle_()))
        cells.append(nbformat.v4.new_code_cell("# shown", outputs=[nbformat.v4.new_output("display_data", data)]))
    return assemble(nbformat.v4.new_notebook(cells=cells), {"Run": "a/b/" + "0" * 64, "Params": HOSTILE[1]})


@pytest.fixture(scope="module", params=["en", "zh"])
def made(request):
    document = page(request.param)
    return document, {kind: rendered(document, kind) for kind in FORMATS}


def shown_in(text, name):
    """Whether a name stands in an extracted text: letters alone, as extraction from PDF reorders signs and joins Arabic letters."""
    return re.sub(r"\W", "", name.replace("مرحبا", "")) in re.sub(r"\W", "", text)


def test_names_stand_as_text_in_every_format(made):
    _, files = made
    texts = {"pdf": pdf_text, "docx": docx_text, "xlsx": xlsx_text}
    for kind, extract in texts.items():
        text = extract(files[kind])
        lost = [name for name in HOSTILE if not shown_in(text, name)]
        assert not lost, f"{kind} lacks {lost}"
    for kind in ("pdf", "docx", "xlsx", "pptx"):
        text = (texts | {"pptx": pptx_text})[kind](files[kind])
        assert squeezed("T & <b> #x") in text, kind
        assert "#eval" in text, kind


def test_nothing_of_a_users_runs_or_loads_anything(made):
    _, files = made
    for kind in ("docx", "xlsx", "pptx"):
        with zipfile.ZipFile(io.BytesIO(files[kind])) as archive:
            for name in archive.namelist():
                content = archive.read(name).decode("utf-8", "ignore")
                assert "vbaProject" not in name
                if name.endswith(".rels"):
                    for address in re.findall(r'Target="([^"]*)"[^>]*TargetMode="External"', content):
                        assert address.startswith("https://doi.org/"), (kind, name, address)
                if name.startswith("xl/worksheets"):
                    assert "<f>" not in content
    reader = pypdf.PdfReader(io.BytesIO(files["pdf"]))
    for sheet in reader.pages:
        for note in sheet.get("/Annots", []):
            action = note.get_object().get("/A", {})
            assert action.get("/S") in (None, "/GoTo", "/URI")
            assert "http://a" not in str(action.get("/URI", ""))
    assert "root:" not in pdf_text(files["pdf"])


def test_tables_of_the_workbook_are_those_of_the_csv_files(made):
    document, files = made
    names = sheet_names(list(document.tables))
    for key, text in document.tables.items():
        expected = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
        read = pd.read_excel(
            io.BytesIO(files["xlsx"]), sheet_name=names[key], header=HEAD_ROW, keep_default_na=False, na_values=[""]
        )
        pd.testing.assert_frame_equal(read, expected, check_dtype=False, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("lang", "heads"),
    [
        ("en", ["Gap", "Lower end", "Upper end", "Gap: Lower end", "Share of R²: Upper end", ""]),
        ("zh", ["差距", "区间下限", "区间上限", "差距：区间下限", "R² 份额：区间上限", ""]),
    ],
)
def test_limits_are_named_in_the_workbook(lang, heads):
    """Every limit of an interval has a head in the report's language, and says of what it is one where it is not the only one."""
    frame = pd.DataFrame(
        [[0.1] * 5 + [2]], columns=["gap", "ci_lower", "ci_upper", "gap_lower", "share_upper", "family"]
    )
    report = Report(lang, STUDY, {})
    report.section("gaps")
    report.table("gap_dimensions", frame, ["gap"])
    (made,) = (block for block in report.blocks if block.kind == "table")
    assert [word for word, _ in made.content["sheet"]] == heads


def test_fonts_are_embedded_and_chinese_can_be_read_out():
    document = page("zh", names=["有形性", "可靠性"])
    content = rendered(document, "pdf")
    reader = pypdf.PdfReader(io.BytesIO(content))
    fonts = {}
    for sheet in reader.pages:
        for name, font in sheet["/Resources"].get("/Font", {}).items():
            fonts[name] = font.get_object()
    assert fonts
    for font in fonts.values():
        below = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(below)
    assert "有形性" in pdf_text(content)
    assert reader.trailer["/Root"]["/Lang"].startswith("zh")
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.metadata["/CreationDate"] == "D:19700101000000Z"


def test_figures_tell_what_they_show_and_pages_are_numbered(made):
    document, files = made
    alt = document.of_kind("figure")[0].content["alt"]
    word = docx.Document(io.BytesIO(files["docx"]))
    described = [p.get("descr") for p in word.element.body.iter("{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr")]  # fmt: skip
    assert described == [alt]
    assert "PAGE" in word.sections[0].footer._element.xml
    deck = pptx.Presentation(io.BytesIO(files["pptx"]))
    pictures = [s for slide in deck.slides for s in slide.shapes if s.shape_type == 13]
    assert [p._element.nvPicPr.cNvPr.get("descr") for p in pictures] == [alt]


def test_slides_are_title_answer_claims_and_limits(made):
    document, files = made
    deck = pptx.Presentation(io.BytesIO(files["pptx"]))
    claims = [p for p in document.of_kind("prose") if p.content.get("claims")]
    assert len(deck.slides) == 2 + len(claims) + 1 + len(document.of_kind("glossary"))
    assert figure_for(document, claims[0]).content["key"] == "gaps"
    edge = deck.slide_width
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= edge
            assert shape.top + shape.height <= deck.slide_height


_AGAIN = """
import hashlib, json, sys
import test_formats
from xmresearch.report.document import Document, Part
from xmresearch.report.figure_style import wrap
from xmresearch.report.fonts import cjk_font_path
from xmresearch.report.formats import FORMATS, rendered
document = test_formats.page("zh")
print(json.dumps({kind: hashlib.sha256(rendered(document, kind)).hexdigest() for kind in FORMATS}))
"""


def test_bytes_are_the_same_elsewhere_and_later(tmp_path):
    """Another folder, another time zone, another locale, another process."""
    here = os.path.dirname(__file__)
    found = []
    for zone, locale in (("Asia/Shanghai", "C"), ("America/New_York", "C.UTF-8")):
        folder = tmp_path / zone.replace("/", "-")
        folder.mkdir()
        paths = os.pathsep.join([here, os.path.dirname(here), *filter(None, [os.environ.get("PYTHONPATH")])])
        given = os.environ | {"TZ": zone, "LC_ALL": locale, "PYTHONPATH": paths, "PYTHONHASHSEED": str(len(zone))}
        done = subprocess.run(
            [sys.executable, "-c", _AGAIN], cwd=folder, env=given, capture_output=True, text=True, check=True
        )
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert set(found[0]) == set(FORMATS)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_office_opens_the_files(made, tmp_path):
    _, files = made
    for kind in ("docx", "pptx", "xlsx"):
        (tmp_path / f"report-{kind}.{kind}").write_bytes(files[kind])
        subprocess.run(
            ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "pdf", "--outdir", str(tmp_path),
             str(tmp_path / f"report-{kind}.{kind}")], check=True, capture_output=True, timeout=180,
        )  # fmt: skip
        text = pdf_text((tmp_path / f"report-{kind}.pdf").read_bytes())
        assert "#eval" in text


def test_a_format_that_is_none_is_refused():
    with pytest.raises(StudyError, match="no report format 'odt'"):
        rendered(page("en"), "odt")


def test_long_words_do_not_leave_the_page():
    """A word of 10 000 letters is broken into lines, none of which is wider than a page of them can be."""
    document = page("en", names=["x" * 10_000, "甲" * 3000], title="y" * 200)
    text = "\n".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(rendered(document, "pdf"))).pages)
    lines = [len(run) for line in text.replace("\u200b", "").splitlines() for run in re.findall("x{5,}", line)]
    assert sum(lines) >= 10_000
    assert max(lines) < 250


@pytest.mark.parametrize(("lang", "word"), [("en", "measured service "), ("zh", "政务服务体验")])
def test_labels_of_figures_have_four_lines(lang, word):
    """What is longer is cut with a mark; what has four lines stands whole."""
    long = wrap(word * 30, 20, lang).split("\n")
    assert len(long) == 4
    assert long[-1].endswith("…")
    assert max(map(len, long)) <= 20
    four = wrap((word * 4).strip() if lang == "en" else (word * 30)[:75], 20, lang)
    assert four.count("\n") == 3
    assert "…" not in four


def test_formats_are_named_alike_everywhere():
    offered = next(p for p in run_command.params if p.name == "formats").type.choices
    assert tuple(offered) == FORMATS == get_args(FormatName)


def test_a_pasted_picture_does_not_take_the_words_of_a_figure():
    """Every picture of a Word file keeps its own alternative text, whatever stands before it."""
    document = page("en")
    tiny = base64.b64encode(rendered_png()).decode()
    document.parts.insert(0, Part("markdown", text=f"![Mine](data:image/png;base64,{tiny})\\ "))
    word = docx.Document(io.BytesIO(rendered(document, "docx")))
    described = [p.get("descr") for p in word.element.body.iter("{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr")]  # fmt: skip
    assert described == ["Mine", document.of_kind("figure")[0].content["alt"]]


def rendered_png():
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "png")
    return out.getvalue()


def figure(width, height):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" height="{height}pt" width="{width}pt" viewBox="0 0 {width} {height}"><rect width="9" height="9"/></svg>'
    return Part("figure", {"key": "f", "caption": "c", "alt": "a", "svg": svg}, number="Figure 1.")


TOP_OF_TEXT = 771.0
"""Points from the foot of a page; running heads stand above."""


@pytest.mark.parametrize("lines", [2, 20, 45])
def test_figures_stand_below_their_headings_in_print(lines):
    """However much stands before them on the page: nothing floats to its top."""
    parts = [
        Part("section", {"key": "first", "title": "Firstsection"}), Part("prose", {"claims": []}, "Words of a line.\n\n" * lines),
        Part("section", {"key": "second", "title": "Secondsection"}), Part("prose", {"claims": []}, "Before it."), figure(400, 300),
        Part("prose", {"claims": []}, "After it."),
    ]  # fmt: skip
    document = Document("T", "", "", "en", parts)
    places = {}
    for number, sheet in enumerate(pypdf.PdfReader(io.BytesIO(rendered(document, "pdf"))).pages):

        def note(text, outer, inner, *_, page=number):
            height = inner[4] * outer[1] + inner[5] * outer[3] + outer[5]
            for word in ("Firstsection", "Secondsection", "Before", "Figure", "After"):
                if word in text and height < TOP_OF_TEXT:
                    places[word] = (page, -height)

        sheet.extract_text(visitor_text=note)
    order = sorted(places, key=places.get)
    assert order == ["Firstsection", "Secondsection", "Before", "Figure", "After"], places


@pytest.mark.parametrize(("width", "height"), [(400, 300), (300, 3000), (3000, 300)])
def test_figures_fit_on_their_page(width, height):
    """At most 15.2 by 19 cm in PDF, 6.1 by 6.4 inches in Word, 7 by 5 on a slide, in their own proportions."""
    document = Document("T", "", "", "en", [Part("section", {"key": "s", "title": "S"}), Part("prose", {"claims": [{"name": "x"}]}, "Said."), figure(width, height)])  # fmt: skip
    wide = float(figure_width(document.of_kind("figure")[0].content).removesuffix("cm"))
    assert wide <= 15.2
    assert wide * height / width <= 19.01
    assert wide == 15.2 or wide * height / width > 18.9 or wide >= 13
    extent = next(docx.Document(io.BytesIO(rendered(document, "docx"))).element.body.iter("{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}extent"))  # fmt: skip
    inches = [int(extent.get(k)) / 914400 for k in ("cx", "cy")]
    assert inches[0] <= 6.11
    assert inches[1] <= 6.45
    assert inches[0] / inches[1] == pytest.approx(width / height, rel=0.03)
    deck = pptx.Presentation(io.BytesIO(rendered(document, "pptx")))
    shown = next(s for slide in deck.slides for s in slide.shapes if s.shape_type == 13)
    assert shown.width / 914400 <= 7.001
    assert shown.height / 914400 <= 5.001


def claim(key, text, **more):
    return Part("prose", {"claims": [{"name": key}], "key": key, **more}, text)


def small(key, rows):
    return Part("table", {"key": key, "caption": "Few", "note": "", "head": ["a", "b"], "align": ["left", "right"], "rows": [["x", "1.0"]] * rows, "csv": "a,b\n"}, number="Table 1.")  # fmt: skip


def test_slides_number_figures_and_tables_as_sentences_refer_to_them():
    content = {
        "key": "k",
        "caption": "Caption",
        "head": ["a"],
        "align": ["left"],
        "rows": [["1"]],
        "note": "",
        "csv": "a\n1\n",
    }
    parts = [
        Part("section", {"key": "s", "title": "S"}),
        Part("prose", {"claims": [{"name": "c"}], "title": "C"}, "See [Table 7](#tbl-k)."),
        Part("table", {**content, "statements": False, "sheet": [["", ""]]}, number="Table 7."),
    ]
    deck = pptx.Presentation(io.BytesIO(rendered(Document("T", "", "", "en", parts), "pptx")))
    texts = [s.text_frame.text for slide in deck.slides for s in slide.shapes if s.has_text_frame]
    assert "Table 7. Caption" in texts


@pytest.mark.parametrize(("shape", "wide"), [((6, 3), 7.0), ((2, 5), 3.5), ((5, 5), 5.0)])
def test_captions_of_slides_stand_below_their_figures(shape, wide):
    """A caption begins where its figure does, unless that is too narrow for words."""
    figure = Figure(figsize=shape)
    svg = io.StringIO()
    figure.savefig(svg, format="svg")
    drawn = {"key": "k", "caption": "Caption", "alt": "a", "svg": svg.getvalue()}
    parts = [
        Part("section", {"key": "s", "title": "S"}),
        Part("prose", {"claims": [{"name": "c"}], "title": "C"}, "See [Figure 1](#fig-k)."),
        Part("figure", drawn, number="Figure 1."),
    ]
    deck = pptx.Presentation(io.BytesIO(rendered(Document("T", "", "", "en", parts), "pptx")))
    (caption,) = (
        s
        for slide in deck.slides
        for s in slide.shapes
        if s.has_text_frame and s.text_frame.text == "Figure 1. Caption"
    )
    assert caption.width.inches == pytest.approx(wide, abs=0.1)
    assert (caption.left + caption.width) / 914_400 == pytest.approx(13.333 - 0.6, abs=0.01)


def test_tables_of_the_appendix_stay_on_their_slides():
    """Lines of 1.45 ems, as fonts for Chinese have them, and margins of 4 points; the foot of a slide stays free."""
    content = {
        "key": "questionnaire",
        "caption": "C",
        "head": ["a", "b"],
        "align": ["left", "left"],
        "note": "",
        "csv": "a\n1\n",
    }
    parts = [
        Part("section", {"key": "s", "title": "S"}),
        Part(
            "table", {**content, "rows": [[f"e{k}", "甲"] for k in range(40)], "statements": False, "sheet": [["", ""]]}
        ),
    ]
    deck = pptx.Presentation(io.BytesIO(rendered(Document("T", "", "", "zh", parts), "pptx")))
    tables = [s for slide in deck.slides for s in slide.shapes if s.has_table]
    free = [
        deck.slide_height.pt
        - s.top.pt
        - len(s.table.rows) * (1.45 * s.table.cell(0, 0).text_frame.paragraphs[0].runs[0].font.size.pt + 4)
        for s in tables
    ]
    assert len(tables) == 3
    assert min(free) >= 0.4 * 72
    assert all(c.vertical_anchor == MSO_ANCHOR.MIDDLE for s in tables for row in s.table.rows for c in row.cells)


def test_claims_without_a_figure_share_a_slide():
    """One slide a figure or small table, each shown once; the other claims of a section stand together, in order."""
    document = Document("T", "", "", "en", [
        Part("section", {"key": "s", "title": "S"}), claim("x", "One ([Table 1](#tbl-t)).", title="X"), claim("y", "Two."),
        claim("z", "Three ([Table 1](#tbl-t)).", title="Z"), small("t", MOST_ROWS), Part("section", {"key": "r", "title": "R"}), claim("w", "Four.", title="W"),
        claim("v", "Five.", title="V"), figure(400, 300), claim("x", "Again."),
    ])  # fmt: skip
    found = [
        (s.title, [p.content["key"] for p in s.parts], s.figure is not None, s.table is not None)
        for s in planned(document)
    ]
    assert found == [
        ("X", ["x"], False, True),
        ("S", ["y", "z"], False, False),
        ("W", ["w"], True, False),
        ("V", ["v"], False, False),
    ]
    document.parts[4] = small("t", MOST_ROWS + 1)
    assert [s.table for s in planned(document)] == [None] * 3
    document.parts[4] = small("t", 2)
    deck = pptx.Presentation(io.BytesIO(rendered(document, "pptx")))
    assert [s.table.cell(1, 1).text for slide in deck.slides for s in slide.shapes if s.has_table] == ["1.0"]


def test_texts_of_slides_are_set_smaller_and_then_go_on():
    """389 points hold 18 lines of 18 points, 20 of 16 and 23 of 14; nothing is lost."""
    line = [("a" * 80, False)]
    for count, size, slides in ((18, 18, 1), (19, 16, 1), (20, 16, 1), (21, 14, 1), (23, 14, 1), (24, 14, 2)):
        found, shares = fitting([line] * count, 873, 389)
        assert (found, len(shares)) == (size, slides), count
    long = [("One sentence is said here. " * 300, True)]
    _, shares = fitting([long], 873, 389)
    assert len(shares) > 2
    assert "".join(t for share in shares for piece in share for t, _ in piece).replace(" ", "") == long[0][0].replace(
        " ", ""
    )
    word = [("甲" * 3000, False)]
    size, shares = fitting([word], 873, 389)
    assert sum(len(t) for share in shares for piece in share for t, _ in piece) == 3000
    assert max(height_of(share, size, 873) for share in shares) <= 389


def test_formulas_are_read_out():
    """A formula of a PDF has a text of its own for who listens, not the word for it."""
    document = Document(
        "T", "", "", "en", [Part("prose", {"claims": []}, r"It is $\frac{1}{k_d}$ or $$G_{id} = \sqrt{x^2} - 1.$$")]
    )
    reader = pypdf.PdfReader(io.BytesIO(rendered(document, "pdf")))
    found, waiting = [], [reader.trailer["/Root"]["/StructTreeRoot"].get_object()]
    while waiting:
        node = waiting.pop()
        if node.get("/S") == "/Formula":
            found.append(node["/Alt"])
        kids = node.get("/K", [])
        waiting += [
            k.get_object() for k in (kids if isinstance(kids, list) else [kids]) if isinstance(k.get_object(), dict)
        ]
    assert set(found) == {"(1)/(k_d)", "G_(i d) = √(x^2) − 1 ."}


def test_charts_are_drawn_where_they_are_asked_for(made):
    """A sheet for a figure of estimates: its numbers as the table has them, and a chart of them with its intervals."""
    document, files = made
    plain = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
    assert not [s for s in plain if s._charts]
    content = rendered(replace(document, charts=True), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert set(book.sheetnames) - set(plain.sheetnames) == {"chart gaps"}
    sheet = book["chart gaps"]
    rows = list(sheet.iter_rows(min_row=4, values_only=True))
    shown = FRAME.head(5)
    np.testing.assert_allclose([r[1:4] for r in rows], shown[["gap", "ci_lower", "ci_upper"]])
    np.testing.assert_allclose([r[4] for r in rows], shown["gap"] - shown["ci_lower"])
    np.testing.assert_allclose([r[5] for r in rows], shown["ci_upper"] - shown["gap"])
    assert rows[0][0] == HOSTILE[0]
    chart = sheet._charts[0].series[0]
    assert chart.val.numRef.f == "'chart gaps'!$B$4:$B$8"
    assert chart.errBars.plus.numRef.f == "'chart gaps'!$F$4:$F$8"
    links = [c.hyperlink.location for row in book["contents"] for c in row if c.hyperlink]
    assert "'chart gaps'!A1" in links


def test_charts_take_the_accent(made):
    document, _ = made
    own = replace(document, charts=True, front=Front(style=ClientStyle(accent="#7a1fa2")))
    with zipfile.ZipFile(io.BytesIO(rendered(own, "xlsx"))) as archive:
        assert 'val="7A1FA2"' in archive.read("xl/charts/chart1.xml").decode()


@pytest.mark.parametrize(("two_sided", "text"), [(False, "−10\u00a0%"), (True, "10\u00a0%")])
def test_only_axes_of_two_sides_have_no_sign(two_sided, text):
    axis = Figure().subplots().xaxis
    percent_axis(axis, Wording("en", {}), two_sided=two_sided)
    assert axis.get_major_formatter()(-0.1) == text


def test_shares_of_a_chart_go_from_the_largest():
    wording = Wording("en", {"a": "Alpha"})
    frame = pd.DataFrame(
        {"construct": ["b", "a"], "share": [0.2, 0.8], "share_lower": [0.1, np.nan], "share_upper": [0.3, 0.9]}
    )
    found = chart_numbers("bars", frame, {}, wording, "Share")
    assert (found["names"], found["estimate"], found["lower"], found["percent"]) == (
        ["Alpha", "b"],
        [0.8, 0.2],
        [None, 0.1],
        True,
    )
    assert chart_numbers("heatmap", frame, {}, wording, "") is None


def test_an_apostrophe_of_a_name_stays_narrow_in_pdf():
    """It is no curly one, which the package's font has as wide as a Chinese character."""
    document = Document("T", "", "", "en", [Part("prose", {"claims": []}, "By Callaway and Sant'Anna.")])
    assert "Sant'Anna" in pdf_text(rendered(document, "pdf"))


def fonts_of_letters(content):
    """Which fonts of a PDF draw each letter."""
    found = {}

    def visit(text, _, __, font, ___):
        for letter in text:
            found.setdefault(letter, set()).add(font["/BaseFont"].split("+")[-1] if font else "")

    for sheet in pypdf.PdfReader(io.BytesIO(content)).pages:
        sheet.extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_names_and_titles_of_the_references_are_drawn_whole_and_narrow(lang, monkeypatch):
    """The font for Chinese has wide quotation marks, and puts ć together; the other comes along, so that no machine's font is needed."""
    asked = []
    monkeypatch.setattr("xmresearch.report.pdf.lacks", lambda text: asked.append(lacks(text)) or asked[-1])
    parts = [Part("prose", {"claims": []}, "[@mikulic2008; @rocks2016]"), Part("references", {"title": "R"}, "")]
    document = Document("T", "", "", lang, parts)
    drawn = fonts_of_letters(rendered(document, "pdf"))
    assert {tuple(drawn[letter]) for letter in "ć“”"} == {("DejaVuSans",)}
    assert not any(asked)


def test_code_in_word_stays_code():
    document = Document("T", "", "", "en", [Part("prose", {"claims": []}, "```\na =~ b\n```")])
    word = docx.Document(io.BytesIO(rendered(document, "docx")))
    assert 'w:ascii="Courier New"' in word.styles["Verbatim Char"].element.xml
    assert 'w:ascii="Arial"' in word.styles["Normal"].element.xml


def test_widths_are_counted_in_ems():
    """A digit .64 on screens and .58 in print, a Chinese letter one; 8 points beside every column; words of 14 ems are not narrowed."""
    assert text_ems("12.5甲") == pytest.approx(4 * 0.64 + 1)
    assert printed_ems("12.5甲") == pytest.approx(3 * 0.58 + 0.28 + 1)
    size, widths = column_widths(["n"], [["12345"]], ["right"], 500.0)
    assert widths == [pytest.approx(5 * 0.58 * size + 8)]
    head, rows, align = ["a", "n"], [["甲" * 40, "1" * 60]], ["left", "right"]
    # 14 ems of words and 60 digits in 9 points, and the padding of two columns
    needed = 9 * (14 + 60 * 0.58) + 2 * 8
    assert column_widths(head, rows, align, needed + 0.01)[0] == 9.0
    assert column_widths(head, rows, align, needed - 0.01)[0] == 8.5


def test_signs_are_counted_as_wide_as_print_has_them():
    """At least as wide as the package's face draws them, so that figures stay whole, and on the whole hardly wider."""
    face = ft2font.FT2Font(str(cjk_font_path()))
    face.set_size(1000, 72)

    def drawn(text):
        return (
            sum(face.load_char(ord(c), flags=ft2font.LoadFlags.NO_HINTING).linearHoriAdvance for c in text)
            / 65536
            / 1000
        )

    for sign in [*map(chr, range(32, 127)), *"−–—…‰±×÷≤≥·αβωχλρδμσθφψ甲，"]:
        assert printed_ems(sign) >= drawn(sign) - 0.02, sign
    for text in (
        "[−25.2, +7.0]",
        "Self-service machine",
        "> 99.9 %",
        "Likelihood to recommend",
        "1,234.56",
        "95 % interval",
    ):
        assert printed_ems(text) <= 1.15 * drawn(text), text


def test_heads_of_figures_give_way_before_letters_shrink():
    """Over figures a head of several words is broken where that keeps the size; else it stays on one line if it is short."""
    head, rows, align = ["a b c d e f"] * 10, [["1234"] * 10], ["right"] * 10
    roomy, tight = (column_widths(head, rows, align, room) for room in (600.0, 10 * (9 * 4 * 0.58 + 8) + 0.1))
    assert roomy[0] == tight[0] == 9.0
    assert roomy[1][0] > 1.2 * tight[1][0]


def test_columns_share_the_page():
    """Figures keep their width where they fit, words take the rest, and all stay within."""
    head, align = ["name", "n", "estimate"], ["left", "right", "right"]
    rows = [["a rather long name of a thing that is measured " * 3, "1,234", "−0.123"]]
    size, widths = column_widths(head, rows, align, 300.0)
    assert size == SIZES[0]
    assert sum(widths) == pytest.approx(300.0)
    assert widths[0] == max(widths)
    few = column_widths(head, [["a", "1", "2"]], align, 300.0)[1]
    assert sum(few) < 150
    many = [f"c{k}" for k in range(30)]
    size, widths = column_widths(many, [["1,234.56"] * 30], ["right"] * 30, 300.0)
    assert size == SIZES[-1]
    assert sum(widths) == pytest.approx(300.0)
    assert min(widths) > PADDING


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("pct", "0%"),
        ("+.2f", "+0.00;-0.00;0.00"),
        (",d", "#,##0"),
        (",.1f", "#,##0.0"),
        (".0f", "0"),
        ("scale", "General"),
        ("p", "0.000"),
    ],
)
def test_numbers_are_formatted_as_in_the_report(spec, shown):
    assert number_format(spec) == shown


def test_names_of_sheets_fit_and_differ():
    names = sheet_names(["a" * 40, "a" * 41, "Contents"])
    assert len({n.lower() for n in names.values()} | {"contents"}) == 4
    assert max(map(len, names.values())) <= 31
