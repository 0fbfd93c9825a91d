"""A client's look: legible colours, a logo in every format, documents to model others on, and clear words where a file will not do."""

import base64
import io
import re
import zipfile

import docx
import openpyxl
import pandas as pd
import pptx
import pypdf
import pytest
from PIL import Image
from pptx.util import Inches

from xmresearch.errors import ParamsError, XMError
from xmresearch.report.assemble import assemble
from xmresearch.report.blocks import MIME
from xmresearch.report.citing import Front, citation
from xmresearch.report.client_style import LARGEST_LOGO, read_style
from xmresearch.report.colours import HOUSE, LEAST_CONTRAST, contrast, legible, on_dark, recoloured
from xmresearch.report.document import Document, Part
from xmresearch.report.figures import bars
from xmresearch.report.formats import FORMATS, rendered
from xmresearch.report.summary import summarised
from xmresearch.report.wording import Wording, escaped
from xmresearch.report.zipped import LONGEST_PROPERTY
from xmresearch.studies.servqual.study import STUDY

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="90" height="30" fill="#7a1fa2"/>{}</svg>'
HOSTILE = '=1+1 #eval("x") </title><script>alert(1)</script> **x** مرحبا 😀 "'


@pytest.fixture
def files(tmp_path):
    """Files of a style that will do."""
    (tmp_path / "logo.svg").write_text(SVG.format(""), "utf-8")
    Image.new("RGB", (90, 30), "purple").save(tmp_path / "logo.png")
    (tmp_path / "own.css").write_text(".card { border-radius: 12px; }", "utf-8")
    word = docx.Document()
    word.styles["Heading 1"].font.name = "Georgia"
    word.save(tmp_path / "own.docx")
    deck = pptx.Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "An old slide"
    deck.save(tmp_path / "own.pptx")
    return {"logo": tmp_path / "logo.svg", "css": tmp_path / "own.css", "reference_docx": tmp_path / "own.docx", "reference_pptx": tmp_path / "own.pptx"}  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#1d5b8f", "#1d5b8f", 1)]
)
def test_contrast_is_that_of_the_guidelines(first, second, ratio):
    """Known figures: black on white 21, #777 on white 4.48."""
    assert contrast(first, second) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("colour", ["#ffcc00", "#ffffff", "#00ff00", "#767676", "#777777", HOUSE])
def test_colours_are_changed_only_where_they_cannot_be_read(colour):
    light, dark = legible(colour), on_dark(colour)
    assert contrast(light, "#ffffff") >= LEAST_CONTRAST
    assert contrast(dark, "#11161b") >= LEAST_CONTRAST
    assert (light == colour) == (contrast(colour, "#ffffff") >= LEAST_CONTRAST)


@pytest.mark.parametrize("colour", [HOUSE, "#7a1fa2", "#000000", "#0000ff"])
def test_accents_are_read_on_every_ground_of_a_dark_page(colour, root):
    sheet = (root / "src/xmresearch/report/templates/report.css").read_text("utf-8")
    dark = sheet.split("prefers-color-scheme: dark", 1)[1].split("}", 1)[0]
    grounds = dict(re.findall(r"--(paper|tint|warn-tint|alarm-tint): (#[0-9a-f]{6});", dark))
    assert len(grounds) == 4
    assert {
        name: contrast(on_dark(colour), ground) >= LEAST_CONTRAST for name, ground in grounds.items()
    } == dict.fromkeys(grounds, True)


@pytest.mark.parametrize(("spread", "coloured"), [(38, False), (39, True)])
def test_greys_have_less_than_a_set_difference_of_red_green_and_blue(spread, coloured):
    """0.15 of 255 is 38.25."""
    svg = f'<path fill="{HOUSE}"/><path fill="#{100 + spread:02x}6464"/>'
    assert (recoloured(svg, "#7a1fa2") == svg) == coloured


def test_a_pale_accent_is_darkened_and_the_user_is_told():
    assert read_style("#767676", {}).notes == ()
    pale = read_style("#FFCC00", {})
    assert "#FFCC00 has a contrast of 1.5 to white" in pale.notes[0]
    assert pale.accent in pale.notes[0]


def test_only_figures_of_one_colour_take_the_accent():
    one = f'<path style="fill: {HOUSE}"/><path style="stroke: #8a949e"/><text fill="#1f2933"/>'
    assert recoloured(one, "#7a1fa2") == one.replace(HOUSE, "#7a1fa2")
    two = one + '<path style="fill: #c8611a"/>'
    assert recoloured(two, "#7a1fa2") == two
    assert recoloured("<path/>", "#7a1fa2") == "<path/>"


def test_figures_of_the_house_have_the_colour_that_an_accent_replaces():
    table = pd.DataFrame({"construct": ["a"], "share": [0.2], "share_lower": [0.1], "share_upper": [0.3]})
    drawn = bars(table, Wording("en", {}, words=STUDY.words("en")), "gaps")
    assert HOUSE in drawn
    assert HOUSE not in recoloured(drawn, "#7a1fa2")


def deck_of(tmp_path, inches=(13.333, 7.5), titled=True):
    deck = pptx.Presentation()
    deck.slide_width, deck.slide_height = map(Inches, inches)
    for layout in deck.slide_layouts if not titled else ():
        for holder in list(layout.placeholders):
            holder._element.getparent().remove(holder._element)
    path = tmp_path / "a.pptx"
    deck.save(path)
    return path


def archive_with(path, name, content):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)
    return path


def written(tmp_path, name, content):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path / name


EXTERNAL = (
    '<Relationships><Relationship Id="r" Type="x/image" Target="http://a/b.png" TargetMode="External"/></Relationships>'
)
REFUSED = {
    "missing": ("logo", lambda at: at / "no.png", "does not exist"),
    "not a picture": ("logo", lambda at: written(at, "a.png", b"no"), "is no PNG"),
    "another kind": ("logo", lambda at: written(at, "a.gif", b"GIF89a"), "neither .png nor .svg"),
    "too large": ("logo", lambda at: written(at, "a.png", b"0" * (LARGEST_LOGO + 1)), "more than 2 MB"),
    "no svg": ("logo", lambda at: written(at, "a.svg", "<p/>"), "is no SVG"),
    "broken svg": ("logo", lambda at: written(at, "a.svg", "<svg>"), "is no SVG"),
    "script": ("logo", lambda at: written(at, "a.svg", SVG.format("<script>alert(1)</script>")), "has a script"),
    "link": ("logo", lambda at: written(at, "a.svg", SVG.format('<image href="/etc/passwd"/>')), "outside of itself"),
    "entities": ("logo", lambda at: written(at, "a.svg", "<!DOCTYPE svg [<!ENTITY a 'a'>]>" + SVG.format("")), "DOCTYPE"),
    "no text": ("css", lambda at: written(at, "a.css", b"\xff\xfe\x00"), "is no text in UTF-8"),
    "end of style": ("css", lambda at: written(at, "a.css", "p{}\n</style><script>"), "line 2 of 'a.css'"),
    "import": ("css", lambda at: written(at, "a.css", "@import 'http://a';"), "loads nothing"),
    "address": ("css", lambda at: written(at, "a.css", "p{background:url( 'http://a')}"), "loads nothing"),
    "escape": ("css", lambda at: written(at, "a.css", "p{background:\\75rl(http://a)}"), "loads nothing"),
    "no word": ("reference_docx", lambda at: written(at, "a.docx", b"PK"), "is no Office document"),
    "no styles": ("reference_docx", lambda at: archive_with(at / "a.docx", "x", "y"), "is no Word document"),
    "narrow": ("reference_pptx", lambda at: deck_of(at, (10, 7.5)), "10.00 by 7.50 inches"),
    "untitled": ("reference_pptx", lambda at: deck_of(at, titled=False), "no layout with a title"),
    "macros": ("reference_pptx", lambda at: archive_with(deck_of(at), "ppt/vbaProject.bin", "x"), "macros"),
    "elsewhere": ("reference_pptx", lambda at: archive_with(deck_of(at), "ppt/x.rels", EXTERNAL), "elsewhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_will_not_do_is_refused_in_one_line(case, tmp_path):
    key, make, said = REFUSED[case]
    with pytest.raises(ParamsError, match=f"style.{key}") as error:
        read_style(None, {key: make(tmp_path)})
    assert said in str(error.value)


def test_a_document_without_needed_styles_is_refused(tmp_path):
    word = docx.Document()
    style = word.styles["Heading 1"].element
    style.getparent().remove(style)
    word.save(tmp_path / "a.docx")
    with pytest.raises(ParamsError, match="no style 'Heading 1'"):
        read_style(None, {"reference_docx": tmp_path / "a.docx"})


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    with pytest.raises(XMError) as error:
        read_style(None, {"logo": tmp_path / "no.png", "css": tmp_path / "no.css"})
    assert "style.logo" in str(error.value)
    assert "style.css" in str(error.value)


@pytest.mark.parametrize(
    ("front", "date", "lang", "said"),
    [
        (Front("Chen, L.", "Acme", run="s/n/k", version="1.0"), "2025-05 to 2026-01", "en", "Chen, L. (2026). *T*. Acme. Data of 2025-05 to 2026-01; run s/n/k; xmresearch 1.0."),
        (Front("", "Acme", run="s/n/k"), "", "en", "Acme (n.d.). *T*. Run s/n/k."),
        (Front(run="s/n/k"), "wave 20251", "en", "*T* (n.d.). Data of wave 20251; run s/n/k."),
        (Front("陈莉", "甲公司", run="s/n/k", version="1.0"), "2025年5月", "zh", "陈莉. T\\[R\\]. 甲公司, 2025. 数据时间：2025年5月；运行 s/n/k；xmresearch 1.0."),
        (Front(run="s/n/k"), "", "zh", "T\\[R\\]. 日期不详. 运行 s/n/k."),
    ],
)  # fmt: skip
def test_a_report_is_cited_by_its_data(front, date, lang, said):
    assert citation(front, "T", date, lang) == said


def test_every_format_has_the_look(files):
    """Logo with words for who cannot see it, accent, style sheet, layouts; names of people stand as text whatever they hold."""
    style = read_style("#7a1fa2", files)
    record = {"name": "c", "state": "settled", "promised": 0.05}
    parts = [
        Part("section", {"key": "answer", "title": "A"}),
        Part("prose", {"claims": [record], "title": "C", "key": "c"}, "**Said.**"),
    ]
    front = Front(HOSTILE, HOSTILE, HOSTILE, "s/n/k", "1.0", style)
    made = Document(
        "T",
        HOSTILE,
        "",
        "en",
        [*parts, Part("prose", {"claims": []}, citation(front, "T", HOSTILE, "en"))],
        front=front,
    )
    made.summary = summarised(made)
    out = {kind: rendered(made, kind) for kind in FORMATS}
    assert rendered(made, "pptx") == out["pptx"]
    page = out["html"].decode()
    assert '<img class="logo" src="data:image/' in page
    assert "--blue: #7a1fa2" in page
    assert page.index("border-radius: 12px") > page.index("--blue: #7a1fa2")
    assert "<script>alert" not in page
    reader = pypdf.PdfReader(io.BytesIO(out["pdf"]))
    assert reader.metadata.author == HOSTILE
    assert len(reader.pages[0].images) + out["pdf"].count(b"/Figure") > 0
    word = docx.Document(io.BytesIO(out["docx"]))
    assert word.styles["Heading 1"].font.name == "Georgia"
    assert word.core_properties.author == HOSTILE
    assert len(word.inline_shapes) == 1
    defined = {s.style_id for s in word.styles}
    used = {e.val for e in word.element.body.iter() if e.tag.endswith(("}pStyle", "}tblStyle"))}
    assert used <= defined
    deck = pptx.Presentation(io.BytesIO(out["pptx"]))
    shown = [s for slide in deck.slides for s in slide.shapes]
    assert "An old slide" not in "".join(s.text_frame.text for s in shown if s.has_text_frame)
    assert [s._element.nvPicPr.cNvPr.get("descr") for s in shown if s.shape_type == 13] == [made.logo_alt]
    book = openpyxl.load_workbook(io.BytesIO(out["xlsx"]))
    assert len(book["summary"]._images) == 1


@pytest.mark.parametrize("kind", FORMATS)
def test_texts_of_ten_thousand_characters_stand_and_run_nowhere(kind):
    """A name as long as a page in title, client, cards, sentences, author and stamp: every format is written, and nothing of it runs."""
    long = (HOSTILE + "]) #panic() ") * 125 + "甲" * 2_000
    record = {"name": "c", "state": "unsettled", "promised": 0.05}
    some = HOSTILE if kind == "pdf" else long  # setting pages of letters takes typst seconds
    cards = Part("cards", {"items": [{"label": some, "value": some, "note": long, "claims": [record]}]})
    parts = [
        Part("section", {"key": "answer", "title": "A"}), cards, Part("prose", {"claims": [record], "title": long, "key": "c"}, escaped(long)),
        Part("prose", {"claims": []}, citation(Front(some, long, some, "s/n/k", "1.0"), some, some, "zh")), Part("stamp", {"title": "S", "lines": {"Params": some}}),
    ]  # fmt: skip
    made = Document(long, some, some, "zh", parts, front=Front(long, some, some, "s/n/k", "1.0"))
    made.summary = summarised(made)
    content = rendered(made, kind)
    if kind == "html":
        page = content.decode()
        assert "<script>alert" not in page
        assert page.count("&lt;script&gt;alert(1)") > 1_000
    if kind in ("docx", "pptx"):
        made = (docx.Document if kind == "docx" else pptx.Presentation)(io.BytesIO(content)).core_properties
        assert len(made.title) == len(made.author) == LONGEST_PROPERTY
    if kind == "pdf":
        assert "eval(" in "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def test_a_logo_of_pixels_is_embedded_as_it_is(files):
    path = files["logo"].with_suffix(".png")
    made = Document("T", "", "", "en", front=Front(style=read_style(None, {"logo": path})))
    assert f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}" in rendered(made, "html").decode()


@pytest.mark.parametrize(
    ("front", "said"),
    [(Front(run="s/n/k"), "*T* (2025). Data of 2024-01–2025-06; run s/n/k."), (Front(data_date="2019", run="s/n/k"), "*T* (2019). Data of 2019; run s/n/k."), (Front(), None)],
)  # fmt: skip
def test_a_run_says_how_it_is_cited_by_its_data(front, said):
    """By the date that the params name, else by the periods of the data; what is no run has no citation."""
    title = {"kind": "title", "title": "T", "client": "", "glance": "", "lang": "en", "period": "2024-01–2025-06"}
    cells = [{"cell_type": "code", "source": "", "metadata": {}, "outputs": [{"data": {MIME: title}}]}]
    made = assemble({"cells": cells}, {}, front=front)
    assert [p.text for p in made.parts if p.kind == "prose" and p.content.get("key") == "cite"] == (
        [said] if said else []
    )
