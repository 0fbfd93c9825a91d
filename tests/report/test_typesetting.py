"""What belongs together stays on one line, and Chinese pages are set as Chinese ones are."""

import json
import re

import nbformat
import pytest

from xmresearch.claims.families import count_of
from xmresearch.report.assemble import assemble
from xmresearch.report.compose import Report
from xmresearch.report.document import Document, Part
from xmresearch.report.render import to_html
from xmresearch.report.typesetting import typeset, typeset_block, typeset_markdown
from xmresearch.studies.servqual.study import STUDY

SHORT = count_of("items", ["a"], [0.001], confidence=0.95, smallest_gap=0.1, three=["a"])


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("95 % interval", "95\u00a0% interval", "95% interval"),
        ("> 99.9 %", ">\u00a099.9\u00a0%", ">99.9%"),
        ("p < .001)", "p <\u00a0.001)", "p <\u00a0.001)"),
        ("a < b, 12–18 %", "a < b, 12–18\u00a0%", "a < b, 12–18%"),
    ],
)
def test_signs_stay_with_their_figures(text, en, zh):
    assert typeset(text, "en") == en
    assert typeset(text, "zh") == zh


def test_chinese_citations_stand_without_spaces():
    text = "已校正 [@holm1979]。按 [@hu1999] 显示，**强调** [@efron1975]。"
    assert typeset_markdown(text, "zh") == "已校正[@holm1979]。按[@hu1999]显示，**强调**[@efron1975]。"
    assert typeset_markdown(text, "en") == text


def test_chinese_references_and_figures_after_citations_stand_without_spaces():
    text = "见 @fig:gaps 和 @tbl:gaps 所列，自助法 [@rubin1981] 2,000 次。See @tbl:gaps."
    assert typeset_markdown(text, "zh") == "见@fig:gaps 和@tbl:gaps 所列，自助法[@rubin1981]2,000 次。See @tbl:gaps."
    assert typeset_markdown(text, "en") == text


def test_a_chinese_sentence_follows_strong_words_without_a_space():
    text = "**没有。** 它们低于期望，**首先改进**：可靠性 **5** 项。**No.** They do."
    assert typeset_markdown(text, "zh") == text.replace("** 它", "**它")
    assert typeset_markdown(text, "en") == text


def test_files_and_figures_are_left_alone():
    block = {"kind": "table", "key": "t", "caption": "at 95 %", "note": "", "head": ["95 % interval"], "rows": [["5 %"]], "csv": "x\n5 %\n"}  # fmt: skip
    found = typeset_block(block, "zh")
    assert found["csv"] == block["csv"]
    assert (found["caption"], found["head"], found["rows"]) == ("at 95%", ["95% interval"], [["5%"]])
    assert typeset_block({"kind": "figure", "svg": "<svg>5 %</svg>"}, "zh")["svg"] == "<svg>5 %</svg>"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pages_are_set(lang):
    report = Report(lang, STUDY, {"a": "Alpha"})
    report.title("T", "", n=10, instrument="x", statements=2, dimensions=2, scale="1–7")
    report.section("gaps")
    report.claim(SHORT)
    report._show("table", key="gap_statements", caption="95 %", note="", head=["a"], align=["left"], rows=[["1 %"]], csv="a\n1 %\n", statements=False)  # fmt: skip
    cells = [
        nbformat.v4.new_code_cell("# x", outputs=[nbformat.v4.new_output("display_data", json.loads(json.dumps(b._repr_mimebundle_())))])
        for b in report.blocks
    ]  # fmt: skip
    page = to_html(assemble(nbformat.v4.new_notebook(cells=cells), {}))
    text = re.sub(r"<[^>]+>", "", page[page.index("<main") :])
    assert not re.search(r"\d %", text)
    assert ("（Benjamini 和 Hochberg，1995）" in text) == (lang == "zh")
    assert ("(Benjamini and Hochberg 1995)" in text) == (lang == "en")


def test_references_keep_their_own_marks_in_chinese():
    """Titles are as they were published: quotation marks are not those of Chinese books."""
    document = Document(
        "T",
        "",
        "",
        "zh",
        [Part("prose", {"claims": []}, "净推荐值[@rocks2016]。"), Part("references", {"title": "参考文献"})],
    )
    text = re.sub("<[^>]*>", "", to_html(document))
    assert "《" not in text
    assert "“Net Promoter Score”" in text
