import html
import json
import re
import warnings
from html.parser import HTMLParser
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from study_words import wording as of_study

from xmresearch.claims.families import count_of
from xmresearch.errors import StudyError
from xmresearch.report import figure_style, fonts, wording
from xmresearch.report.assemble import assemble
from xmresearch.report.blocks import MIME
from xmresearch.report.compose import Report
from xmresearch.report.figures import KINDS
from xmresearch.report.render import READER, to_html
from xmresearch.report.wording import labels
from xmresearch.studies.servqual.study import STUDY

SHORT = count_of("items", ["a"], [0.001], confidence=0.95, smallest_gap=0.1, three=["a"])
TABLE = pd.DataFrame({
    "level": "dimension", "id": ["a", "b"], "construct": ["a", "b"], "n": [10, 12], "gap": [-1.0, 0.5],
    "ci_lower": [-1.5, 0.1], "ci_upper": [-0.5, 0.9], "p_adjusted": [0.0001, np.nan], "family": 2,
})  # fmt: skip


@pytest.fixture(params=["en", "zh"])
def report(request):
    return Report(request.param, STUDY, {"a": "Alpha <&> 甲", "b": "Beta|乙"})


def notebook(report, extra=()):
    cells = [nbformat.v4.new_code_cell("# quiet\nx = 1")]
    for block in report.blocks:
        data = json.loads(json.dumps(block._repr_mimebundle_()))
        cells.append(nbformat.v4.new_code_cell("# shown", outputs=[nbformat.v4.new_output("display_data", data)]))
    return nbformat.v4.new_notebook(cells=[*cells, *extra])


def titled(report):
    report.title("T", "C", n=10, instrument="x", statements=2, dimensions=2, scale="1–7")
    return report


def test_document_is_numbered_and_cross_referenced(report):
    titled(report).section("gaps")
    report.figure("gaps", "forest", TABLE)
    report.table("gap_dimensions", TABLE, ["construct", "n", "gap", "ci", "p_adjusted", "?truth"])
    report.blocks.append(type(report.blocks[0])("prose", {"text": "See @tbl:gap_dimensions and @fig:gaps."}))
    page = to_html(assemble(notebook(report), {"Run": "x"}))
    assert 'id="fig-gaps"' in page
    assert 'href="#tbl-gap_dimensions"' in page
    assert "Alpha &lt;&amp;&gt; 甲" in page
    assert "[−1.50, −0.50]" in page
    assert "&lt;\u00a0.001" in page
    assert "<title>T</title>" in page


def test_report_is_self_contained(report):
    titled(report).section("method")
    report.say("equation")
    report.figure("gaps", "forest", TABLE)
    page = to_html(assemble(notebook(report), {"Run": "x"}))
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "@import" not in page
    assert page.count("<script") == 1, "only the page's own, which its policy names"
    assert "<math" in page
    assert "data:image/svg+xml;base64," in page


def test_tables_and_figures_are_handed_out(report):
    titled(report)
    report.table("gap_dimensions", TABLE, ["construct", "gap"])
    report.figure("gaps", "forest", TABLE)
    document = assemble(notebook(report), {})
    assert document.tables["gap_dimensions"].splitlines()[0] == ",".join(TABLE.columns)
    assert document.pictures["gaps.svg"].lstrip().startswith(b"<?xml")


def test_sections_can_be_left_out(report):
    titled(report).section("drivers", when=False)
    report.say("drivers", None)
    report.figure("drivers", "bars", None)
    report.table("drivers", None, ["beta"])
    report.section("limits")
    report.say("limits")
    assert [b.kind for b in report.blocks] == ["title", "section", "prose"]


def test_reference_to_nothing_and_showing_twice_are_errors(report):
    titled(report).claim(SHORT)
    with pytest.raises(StudyError, match="refers to '@tbl:gap_statements'"):
        assemble(notebook(report), {})
    again = titled(Report("en", STUDY, {}))
    again.table("scores", TABLE, ["gap"])
    again.table("scores", TABLE, ["gap"])
    with pytest.raises(StudyError, match="'scores' twice"):
        assemble(notebook(again), {})
    with pytest.raises(StudyError, match="no report title"):
        assemble(nbformat.v4.new_notebook(cells=[]), {})


def test_a_researchers_own_cells_become_part_of_the_report(report):
    own = [
        nbformat.v4.new_markdown_cell("My *comment* on this."),
        nbformat.v4.new_markdown_cell("For the workbench.", metadata={"tags": ["workbench"]}),
        nbformat.v4.new_code_cell("frame", outputs=[nbformat.v4.new_output("display_data", {"text/html": "<table><tr><td>own</td></tr></table>"})]),
        nbformat.v4.new_code_cell("plot", outputs=[nbformat.v4.new_output("display_data", {"image/png": "aGk=\n"})]),
    ]  # fmt: skip
    page = to_html(assemble(notebook(titled(report), own), {}))
    assert "My <em>comment</em>" in page
    assert "For the workbench" not in page
    assert "<td>own</td>" in page
    assert "data:image/png;base64,aGk=" in page


def test_names_of_the_users_are_neither_markup_nor_markdown():
    nasty = "*A* <b>&</b> [x](y) $z$ `q` {w} @fig:gaps @parasuraman1988 ![i](j) \\\\"
    report = Report("en", STUDY, {"a": nasty, "book": nasty})
    report.title("T <i>", "C <i>", n=10, instrument="book", statements=2, dimensions=2, scale="1–7")
    report.section("answer")
    report.claim(SHORT)
    report.blocks[-1] = type(report.blocks[-1])(
        "prose", {"text": report.blocks[-1].content["text"].replace("@tbl:gap_statements", "")}
    )
    text = to_html(assemble(notebook(report), {}))
    shown = html.escape(nasty, quote=False)
    assert text.count(shown) == 2
    assert "T &lt;i&gt;" in text
    assert "C &lt;i&gt;" in text
    assert "References" in text
    assert "Parasuraman" not in text


NASTY = (
    "<b>&amp;</b> *i* __u__ | `q` $x$ [l](u) {w} @fig:gaps @tbl:t @parasuraman1988 ~s~ ^t^ ![v](w) \\ \"d\" 'e' ````"
)


class Parts(HTMLParser):
    """The elements of a page in order, and its words; attributes that are read count as words."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.words += [value for key, value in attributes if key == "alt"]

    def handle_data(self, data):
        self.words.append(data)


def with_a_name_everywhere(monkeypatch, lang, name):
    """A report that names something in every place there is."""
    places = {
        "texts": {"glance": "glance {x}", "begin": "{x} is {x:plain}", "call": "{x:lower} is {x:plain}"},
        "cards": {"card": {"label": "{x}", "value": "{x:plain}", "note": "{x:lower}"}}, "tables": {"t": "{x} caption"},
        "notes": {"t": "{x} note"}, "figures": {"f": {"caption": "{x} caption", "alt": "{x} alt"}},
        "concerns": {"doubt": "{x} doubt"}, "columns": {"construct": name}, "sections": {"answer": name},
    }  # fmt: skip
    known = labels(lang)
    monkeypatch.setattr(
        wording, "labels", lambda *_: {key: known.get(key, {}) | places.get(key, {}) for key in known | places}
    )
    monkeypatch.setitem(KINDS, "forest", lambda *_: "<svg></svg>")
    facts = {"x": "a"}
    report = Report(lang, None, {"a": name}, facts=facts)
    report.title(name, name)
    report.section("answer")
    report.say("begin", facts)
    report.callout("call", facts)
    report.concerns([("a", SimpleNamespace(kind="doubt", facts={"x": "a", "group": name}))])
    report.cards(card=facts)
    report.table("t", pd.DataFrame({"construct": ["a", "b"], "value": [["a", "b"], ["a"]]}), ["construct", "value"])
    report.figure("f", "forest", TABLE)
    return report


def outputs(report, name):
    """The report, and each block as JupyterLab shows it: HTML, and the Markdown of formats that hold none."""
    import pypandoc

    yield to_html(assemble(notebook(report), {name: name}))
    for block in report.blocks:
        bundle = block._repr_mimebundle_()
        yield bundle.get("text/html", "")
        yield pypandoc.convert_text(bundle["text/markdown"], "html5", format="gfm")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_name_is_shown_as_it_is_in_every_place(monkeypatch, lang):
    """A report about something with a harmless name has the same elements, and the same words but for the name."""
    with monkeypatch.context() as patch:
        harmless = [Parts(page) for page in outputs(with_a_name_everywhere(patch, lang, "ZEBRA"), "ZEBRA")]
    with monkeypatch.context() as patch:
        pages = [Parts(page) for page in outputs(with_a_name_everywhere(patch, lang, NASTY), NASTY)]
    assert sum("ZEBRA" in word for word in harmless[0].words) > 12
    for page, expected in zip(pages, harmless, strict=True):
        assert page.tags == expected.tags
        assert " ".join("".join(page.words).split()) == " ".join(
            "".join(expected.words).replace("ZEBRA", NASTY).split()
        )


def test_a_name_that_begins_a_line_begins_no_list_and_no_heading():
    import pypandoc

    names = [
        "1. first",
        "- dash",
        "(a) letter",
        "b) bracket",
        "+ plus",
        ": colon",
        "# head",
        "two\n\n# lines",
        "1.",
        NASTY,
    ]
    text = "\n\n".join(wording.escaped(name) for name in names)
    for reader in (READER, "gfm"):
        page = Parts(pypandoc.convert_text(text, "html5", format=reader, extra_args=["--wrap=none"]))
        assert page.tags == ["p"] * len(names)
        assert [w for w in page.words if w.strip()] == [" ".join(name.split()) for name in names]


def test_code_is_folded(report):
    titled(report).section("limits")
    page = to_html(assemble(notebook(report), {}))
    assert page.count('<details class="code">') == 2
    assert "quiet" in page


def test_same_document_same_bytes(report):
    titled(report).figure("gaps", "forest", TABLE)
    made = [to_html(assemble(notebook(report), {"Run": "x"})) for _ in range(2)]
    assert made[0] == made[1]
    again = Report(report.wording.lang, STUDY, report.wording.names)
    titled(again).figure("gaps", "forest", TABLE)
    assert again.blocks[1].content["svg"] == report.blocks[1].content["svg"]


def test_blocks_show_in_jupyterlab(report):
    titled(report).section("answer")
    report.cards(respondents={"case": "weighted", "n": 10, "n_eff": 9.0}, analysed=None)
    assert len(report.blocks[-1].content["items"]) == 1
    report.callout("simulated")
    report.table("gap_dimensions", TABLE, ["construct", "gap"])
    report.figure("gaps", "forest", TABLE)
    for block in report.blocks:
        bundle = block._repr_mimebundle_()
        assert {MIME, "text/markdown"} <= set(bundle)
        assert ("text/html" in bundle) == (block.kind not in ("prose", "callout"))
        assert bundle["text/markdown"]
    assert "Beta\\|乙" in report.blocks[4].markdown()


def test_a_character_without_a_glyph_has_a_mark_and_a_note(monkeypatch):
    """The page's own words have their glyphs; an installed font is taken where it has what they lack."""
    found = {}
    for name, families in (("none", []), ("installed", fonts.fallbacks("낯선"))):
        monkeypatch.setattr(figure_style, "fallbacks", lambda missing, families=families: families)
        for word in ("낯선", "plain"):
            report = Report("en", STUDY, {"a": word})
            report.figure("gaps", "forest", TABLE)
            found[name, word] = report.blocks[-1].content
    assert "HANGUL SYLLABLE NAC), 선 (HANGUL" in found["none", "낯선"]["caption"]
    assert found["none", "plain"]["caption"] in found["none", "낯선"]["caption"]
    assert found["none", "plain"] == found["installed", "plain"]
    if fonts.fallbacks("낯선"):
        assert found["installed", "낯선"]["caption"] == found["none", "plain"]["caption"]
        assert found["installed", "낯선"]["svg"] != found["none", "낯선"]["svg"]


def test_other_warnings_of_a_figure_pass():
    with pytest.warns(UserWarning, match="another"):
        assert fonts.lacking(lambda: warnings.warn("another", UserWarning, stacklevel=1)) == set()
    assert fonts.lacking(lambda: warnings.warn("Glyph 128241 (x) missing from font(s) A.", stacklevel=1)) == {"📱"}


def test_dollars_in_labels_are_no_mathematics():
    wording = of_study("servqual", "en", {"a": "Fee $5_%$ x", "b": "under $5, vouchers $10"})
    assert "<svg" in KINDS["forest"](TABLE, wording, "gaps")


def test_hypothetical_edge_figures(report):
    segments = pd.DataFrame({"segment": "s", "value": ["x", "y"], "construct": "a", "gap": [np.nan, np.nan]})
    assert "<svg" in KINDS["heatmap"](segments, report.wording, "segments")
    one = pd.DataFrame({
        "level": ["statement"], "id": ["1"], "importance": [5.0], "performance": [5.0], "importance_lower": [4.0],
        "importance_upper": [6.0], "performance_lower": [4.0], "performance_upper": [6.0], "quadrant": ["keep_up"],
    })  # fmt: skip
    assert "<svg" in KINDS["quadrants"](one, report.wording, "importance", cross=(5.0, 5.0))


def test_an_answer_is_no_statement_of_the_same_number():
    """Answers 1 and 9-10 stand as they are where statements are numbered as well; words of answers keep their names."""
    from xmresearch.studies.scorecard.study import STUDY as SCORECARD

    report = Report("en", SCORECARD, {"1": "Up-to-date equipment", "9–10": "Never", "x=none": "Does not know"})
    table = pd.DataFrame(
        {"metric": ["1", "1", "1"], "answer": ["1", "9–10", "x=none"], "row_name": ["−1", "0", "1"], "n": 3}
    )
    report.table("answers", table, ["metric", "answer", "row_name", "n"])
    assert [row[:3] for row in report.blocks[-1].content["rows"]] == [
        ["Up-to-date equipment", "1", "−1"], ["Up-to-date equipment", "9–10", "0"], ["Up-to-date equipment", "Does not know", "1"],
    ]  # fmt: skip
