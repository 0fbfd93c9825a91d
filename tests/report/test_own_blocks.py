"""Own tables and figures, and how blocks look and refer to one another in JupyterLab."""

import datetime
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.data.config import ScenarioSource
from xmresearch.data.load import load_survey
from xmresearch.errors import StudyError
from xmresearch.report import own_blocks
from xmresearch.report.blocks import Block, table_figure
from xmresearch.report.citations import shipped, short_forms
from xmresearch.report.compose import Report
from xmresearch.report.references import closed, named_headings, resolved, slug
from xmresearch.report.rows import read_rows, refuse_rows
from xmresearch.report.scope import style
from xmresearch.studies.servqual.study import STUDY


@pytest.fixture(params=["en", "zh"])
def report(request):
    return Report(request.param, STUDY, {"a": "Alpha", "b": "Beta|乙"})


def shown(report):
    content = report.blocks[-1].content
    return [content["head"], *content["rows"]]


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"who": ["a", "x=y"], "n": [3, 12000]}),
        pd.DataFrame({"n": [3, 12000]}, index=pd.Index(["a", "x=y"], name="who")),
        pd.Series([3, 12000], index=pd.Index(["a", "x=y"], name="who"), name="n"),
        pl.DataFrame({"who": ["a", "x=y"], "n": [3, 12000]}),
        [{"who": "a", "n": 3}, {"who": "x=y", "n": 12000}],
        SimpleNamespace(tidy=lambda: pd.DataFrame({"who": ["a", "x=y"], "n": [3, 12000]})),
    ],
)
def test_whatever_is_a_table_is_shown_alike(report, table):
    report.own_table(table, caption="Mine")
    assert shown(report) == [["who", "n"], ["Alpha", "3"], ["x=y", "12000"]]
    assert report.blocks[-1].content["align"] == ["left", "right"]
    assert report.blocks[-1].content["csv"] == "who,n\na,3\nx=y,12000\n"


def test_numbers_are_written_by_what_the_column_holds():
    report = Report("en", STUDY, {})
    report.own_table(
        pd.DataFrame({
            "whole": [1.0, np.nan], "small": [-0.00001, 0.5], "tiny": [0.0012, 2], "big": [1234.56, 2], "plain": [-0.456, 2],
            "day": [pd.Timestamp("2026-01-31"), pd.NaT], "at": [datetime.datetime(2026, 1, 31, 9, 30), None],
            "parts": [["a", 1], []], "share": [0.256, 1.0],
        }),
        caption="x", formats={"share": "pct"},
    )  # fmt: skip
    assert shown(report)[1:] == [
        ["1", "> −0.0001", "0.0012", "1,234.6", "−0.46", "2026-01-31", "2026-01-31 09:30", "a, 1", "26 %"],
        ["–", "0.5000", "2.0000", "2.0", "2.00", "–", "–", "", "100 %"],
    ]


def test_keys_come_from_captions_and_captions_from_the_language():
    for lang in ("en", "zh"):
        report = Report(lang, STUDY, {})
        report.own_table([{"x": 1}], caption={"en": "By Branch, 2026!", "zh": "按网点"}, note={"en": "n", "zh": "注"})
        content = report.blocks[-1].content
        assert (content["key"], content["caption"], content["note"]) == (
            "by_branch_2026", {"en": "By Branch, 2026!", "zh": "按网点"}[lang], {"en": "n", "zh": "注"}[lang],
        )  # fmt: skip
        report.own_table([{"x": 1}], caption="只有中文")
        report.own_table([{"x": 1}], caption="x", key="chosen")
        assert [b.content["key"] for b in report.blocks[1:]] == ["own_table_2", "chosen"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"caption": "x", "key": "No Key"}, "'No Key' is no key. Keys have small letters"),
        ({"caption": {"zh": "表"}}, "caption is not given in 'en'"),
        ({"caption": "x", "formats": {"y": "d"}}, "formats names 'y', which is no column"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(settings, message):
    with pytest.raises(StudyError, match=message):
        Report("en", STUDY, {}).own_table([{"x": 1}], **settings)


def test_what_is_no_table_and_no_figure_is_said():
    report = Report("en", STUDY, {})
    with pytest.raises(StudyError, match="A int is no table"):
        report.own_table(3, caption="x")
    with pytest.raises(StudyError, match="A str is no figure"):
        report.own_figure("x", caption="x")


def test_own_blocks_are_shown_after_a_section_that_is_left_out(report):
    report.section("drivers", when=False)
    report.own_table([{"x": 1}], caption="Mine")
    assert [b.kind for b in report.blocks] == ["table"]


def test_figures_are_found_drawn_alike_and_closed(report, monkeypatch):
    import matplotlib.pyplot as plt
    import seaborn as sns

    data = pd.DataFrame({"x": [1, 2, 3, 4], "g": list("aabb")})
    grid = sns.FacetGrid(data, col="g").map(plt.plot, "x")
    figure, axes = plt.subplots(1, 2)
    axes[0].set_title("直方图")
    svgs = []
    for drawing in (grid, figure, axes, axes[0]):
        report.own_figure(drawing, caption="x", key="k")
        content = report.blocks[-1].content
        assert "<svg" in content["svg"]
        svgs.append(content["svg"])
    assert svgs[1] == svgs[2] == svgs[3] != svgs[0]
    assert content["alt"] == "直方图"
    assert not plt.get_fignums()
    monkeypatch.setattr(own_blocks, "LARGEST_SVG", 10)
    report.own_figure(figure, caption="x", alt="told", key="k")
    content = report.blocks[-1].content
    assert "svg" not in content
    assert (content["media"], content["ending"], content["alt"]) == ("image/png", "png", "told")
    assert content["base64"].startswith("iVBOR")


def test_rows_of_respondents_are_refused_and_aggregates_are_not():
    survey = load_survey(ScenarioSource(n=80), codebook="service_hall", id_column="respondent", segments=["branch"])
    frame = survey.frame
    sources = read_rows({"survey": survey, "frame": frame, "n": 3})
    assert len(sources) == 1
    for rows in (
        frame.head(),
        frame[["p1", "branch"]].tail(1),
        frame["p1"].head(3),
        frame.assign(z=1).sample(4),
        frame,
    ):
        with pytest.raises(StudyError, match="rows of the data"):
            refuse_rows(rows, sources)
    for table in (
        frame.groupby("branch", as_index=False)[["p1", "p2"]].mean(), frame["branch"].value_counts(), frame.describe(),
        frame[["p1"]].median().to_frame().T, frame.groupby("branch")["p1"].agg(["size", "mean"]), {"x": [1]},
    ):  # fmt: skip
        refuse_rows(table, sources)


@pytest.fixture
def displayed(monkeypatch):
    """What a kernel would be given to show."""
    import IPython.core.getipython
    import IPython.display

    blocks = []
    monkeypatch.setattr(IPython.core.getipython, "get_ipython", lambda: SimpleNamespace(user_ns={}))
    monkeypatch.setattr(IPython.display, "display", lambda block: blocks.append(block._repr_mimebundle_()))
    return blocks


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_blocks_refer_to_one_another_in_a_notebook(displayed, lang):
    report = Report(lang, STUDY, {})
    table, _ = report.wording.get("style", "table"), report.wording.get("style", "figure")
    report._show(
        "prose", text=r"See @tbl:mine, @tbl:gap_dimensions [see @rubin1981, p. 3; @kish1965]; a@b.de \@rubin1981 \[@x"
    )
    report.own_table([{"x": 1}], caption="Mine")
    report.own_table([{"x": 1}], caption="Other")
    report.own_table([{"x": 1}], caption="Mine")
    report._show("callout", text="@tbl:other, by @efron1993 and -@efron1993", tone="warning")
    texts = [bundle["text/markdown"] for bundle in displayed]
    later = report.wording.plain.text("tables", "gap_dimensions")
    assert texts[0] == (
        f"See {table} “mine”, {table} “{later}” (see Rubin 1981, p. 3; Kish 1965); a@b.de \\@rubin1981 \\[@x"
    )
    assert f"\n\n{table} 2, by Efron and Tibshirani (1993) and (1993)\n\n" in texts[-1]
    assert texts[-1].startswith('<div style="border-left: 4px solid #b42318')
    numbers = [re.search(r"<b>([^<]*)</b>", bundle["text/html"])[1] for bundle in displayed[1:4]]
    assert numbers == [f"{table} 1.", f"{table} 2.", f"{table} 1."]


def test_every_shipped_reference_can_be_cited_in_a_notebook():
    forms = short_forms(shipped())
    assert len(forms) == len(re.findall(r"^@", shipped(), re.M))
    assert all(author and year for author, year in forms.values())
    own = short_forms(
        '@misc(x1,\n author="M{\\"u}ller, A. and {R Core Team}", year=2020)\n@comment{c}\n@book{y, editor = {Ø, B and others}}'
    )
    assert own == {"x1": ("Müller and R Core Team", "2020"), "y": ("Ø et al.", "")}


def test_blocks_look_as_in_the_report_whatever_the_page_around_says():
    """Their computed style beside other rules for tables, such as JupyterLab's, and in the report's own sheet."""
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    from importlib.resources import files

    from playwright.sync_api import sync_playwright

    block = Block("table", {
        "key": "k", "caption": "Cap", "note": "Note", "head": ["Who", "n"], "align": ["left", "right"], "statements": False,
        "rows": [["a", "1"], ["b", "2"]], "csv": "",
    }, "Table 1.")  # fmt: skip
    lab = (
        ".lab table{table-layout:fixed;margin-left:auto;margin-right:auto;font-size:12px;border:none}"
        ".lab td,.lab th,.lab tr{text-align:right;vertical-align:middle;padding:.5em;line-height:normal;white-space:normal;"
        "max-width:none;border:none} .lab th{font-weight:bold} .lab tbody tr:nth-child(even){background:#f5f5f5}"
    )
    sheet = (files("xmresearch.report") / "templates" / "report.css").read_text("utf-8")
    pages = {
        "lab": f"<style>{lab}</style><div class=lab>{block.html()}</div>",
        "report": f"<style>{sheet}</style><main>{table_figure(block.content, 'Table 1.')}</main>",
    }
    wanted = ["textAlign", "fontSize", "fontWeight", "paddingLeft", "borderBottom", "backgroundColor", "verticalAlign", "color", "whiteSpace"]  # fmt: skip
    found = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        for name, markup in pages.items():
            page.set_content(f"<!DOCTYPE html>{markup}")
            found[name] = page.evaluate(
                "wanted => [...document.querySelectorAll('figcaption, th, td, .note')].map("
                "e => [e.textContent, getComputedStyle(e.parentElement).backgroundColor, ...wanted.map(w => getComputedStyle(e)[w])])", wanted,
            )  # fmt: skip
        browser.close()
    assert found["lab"] == found["report"]
    assert len(found["lab"]) == 8
    assert "url(" not in style()


def link(kind, key):
    return f"[{kind} {key}](#x)" if key == "known" else None


@pytest.mark.parametrize(
    ("text", "done", "unknown"),
    [
        ("@tbl:known的", "[tbl known](#x)的", []),
        ("a@b.de \\@tbl:x `@tbl:x` ``@y``", "a@b.de \\@tbl:x `@tbl:x` ``@y``", []),
        ("~~~\n@tbl:x\n~~~\n@me.", "~~~\n@tbl:x\n~~~\n[\\@me]{.unresolved}.", ["@me"]),
        ("[see @k1, p. 3; -@k1]", "[see @{k1}, p. 3; -@{k1}]", []),
        ("@{k1}、@k1。", "@{k1}、@{k1}。", []),
        ("@sec:known and @fig:x", "[sec known](#x) and [\\@fig:x]{.unresolved}", ["@fig:x"]),
    ],
)
def test_references_in_markdown(text, done, unknown):
    assert resolved(text, link, {"k1"}) == (done, unknown)


def test_headings_have_names_and_fences_end():
    taken = {"gaps": ("Gaps", "sec-gaps")}
    text = "# Gaps\n## My *own* part\n# 中文\n# Mine {#sec-x .unnumbered}\n```\n# no heading"
    assert named_headings(closed(text), taken) == (
        "# Gaps\n## My *own* part {#sec-my_own_part}\n# 中文\n# Mine {#sec-x .unnumbered}\n```\n# no heading\n```"
    )
    assert taken == {
        "gaps": ("Gaps", "sec-gaps"), "my_own_part": ("My *own* part", "sec-my_own_part"), "x": ("Mine", "sec-x"),
    }  # fmt: skip
    assert closed("```\nx\n```\ny") == "```\nx\n```\ny"
    assert slug("数据") == ""
