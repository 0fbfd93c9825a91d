"""What a reader meets first: the answer, few warnings, figures in words; how wide tables are; how code is shown."""

import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from xmresearch.report.alternative import MOST_FINDINGS, extremes, findings
from xmresearch.report.answer import answer_of, lead, trust_light
from xmresearch.report.blocks import FITS_PAGE, FITS_PHONE, FITS_TABLET, MIME, table_width
from xmresearch.report.document import Document, Part
from xmresearch.report.first_screen import MOST_WARNINGS, answer_first, first_screen
from xmresearch.report.render import to_html
from xmresearch.report.wording import NONE_SHOWN, Wording

CHECKS = "check,value,threshold,status\na,1,2,pass\nb,3,2,{}\n"


def claim(name, state="settled"):
    return {"name": name, "state": state}


def prose(text, *claims, key="k"):
    return {"kind": "prose", "key": key, "text": text, "claims": list(claims)}


def notebook(*blocks):
    outputs = [new_output("display_data", {MIME: dict(block)}) for block in blocks]
    return new_notebook(cells=[new_code_cell("x", outputs=outputs)])


def page(*blocks, checks="pass", lang="en"):
    return notebook(
        {"kind": "title", "title": "T", "lang": lang, "client": "", "glance": ""}, {"kind": "section", "key": "answer", "title": "A"},
        prose("Is it so?"), *blocks, {"kind": "section", "key": "checks", "title": "C"},
        {"kind": "table", "key": "checks", "csv": CHECKS.format(checks)},
    )  # fmt: skip


def test_what_a_run_answers():
    found = answer_of(
        page({"kind": "callout", "key": "few", "text": "x", "tone": "warning", "claims": []},
             {"kind": "cards", "items": [{"claims": [claim("b", "unsettled")]}]},
             prose("**Yes, in \\*two\\*.** See @fig:a.", claim("a")), prose("Which, is open (@fig:a; 95 % sure). More.", claim("b", "unsettled")),
             prose("Not claimed."), checks="fail")
    )  # fmt: skip
    assert found == {
        "title": "T", "question": "Is it so?", "said": ["Yes, in *two*.", "Which, is open."],
        "claims": {"unsettled": 1, "settled": 1}, "failed": 1, "warnings": 1, "simulated": False, "light": "amber",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("states", "failed", "warnings", "light"),
    [
        ([], 0, 0, "none"), (["settled"], 0, 0, "green"), (["settled", "unsettled"], 0, 0, "amber"), (["settled"], 1, 0, "amber"),
        (["settled"], 0, 1, "amber"), (["unsettled", "conditional"], 0, 0, "red"), (["settled", "withheld"], 0, 0, "red"),
    ],
)  # fmt: skip
def test_light_follows_from_claims_and_checks(states, failed, warnings, light):
    assert trust_light(states, failed, warnings) == light


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**It fits,** by [@holm1979] all tests. More.", "It fits, by all tests."),
        ("Only 1.5 % more [@a; @b]. Then.", "Only 1.5 % more."),
        ("**没有，5 个中有 4 个。** 见 @fig:a。", "没有，5 个中有 4 个。"),
        ("**价值：**约 3.5 万（@tbl:a）。更多。", "价值：约 3.5 万。"),
        ("可能是甲（@tbl:t）。另外。", "可能是甲。"),
    ],
)
def test_beginning_of_a_sentence_is_plain(text, said):
    assert lead(text) == said


def warning(*points, key=None):
    text = "\n".join(["Head:", "", *(f"- {p}" for p in points)]) if points else "One."
    return Part("callout", {"tone": "warning", "text": text, **({"key": key} if key else {})}, text)


def section(key):
    return Part("section", {"key": key, "title": key})


def test_question_stands_first_and_concerns_after_the_answer():
    question, said = Part("prose", {"key": "q", "claims": []}), Part("prose", {"key": "c", "claims": [claim("a")]})
    failed, asked, code = (
        warning(key="failed_checks"),
        warning("x", "y"),
        Part("code", {"sources": ["s"], "summary": "c"}),
    )
    found = answer_first([section("answer"), failed, asked, question, said, code, section("more"), asked])
    assert found == [section("answer"), question, failed, said, asked, code, section("more"), asked]
    assert answer_first([section("more"), asked]) == [section("more"), asked]


@pytest.mark.parametrize("count", [MOST_WARNINGS, MOST_WARNINGS + 1])
def test_warnings_beyond_the_first_are_folded_and_counted(count):
    one, many = warning(key="few"), warning(*(f"p{k}" for k in range(count - 1)))
    shown = list(first_screen([section("answer"), one, many, section("more"), many]))
    folded = shown[2].content.get("folded")
    if count == MOST_WARNINGS:
        assert shown[2] == many
    else:
        assert folded == f"- p{count - 2}"
        assert shown[2].content["count"] == 1
        assert "- p0\n- p1" in shown[2].text
    assert shown[4] == many, "other sections have theirs whole"


def test_folded_warnings_are_in_the_page():
    text = to_html(Document("T", "", "", "en", [section("answer"), warning(*"abcde"), warning(key="few")]))
    assert ">\n1 more\n</summary>" in text
    assert text.index("<li>c</li>") < text.index("and 2 more") < text.index("<li>d</li>")


def test_alternative_text_states_what_claims_find():
    found = findings(
        [
            {"kind": "section", "key": "answer"}, prose("**Up.** See @fig:a.", claim("x")),
            {"kind": "section", "key": "s"}, {"kind": "figure", "key": "a"}, {"kind": "figure", "key": "b"},
            *(prose(f"**Finding {k}.**", claim(str(k))) for k in range(MOST_FINDINGS + 1)), prose("**No claim.**"),
            {"kind": "section", "key": "t"}, {"kind": "figure", "key": "c"},
        ]
    )  # fmt: skip
    assert found == {"a": "Up.", "b": " ".join(f"Finding {k}." for k in range(MOST_FINDINGS)), "c": "Up."}


def test_ends_of_a_figure_are_named_as_they_are_written():
    frame = pd.DataFrame({"event_time": [-3, -2, 0], "estimate": [0.1, -0.2, np.nan]})
    found = extremes(frame, {"estimate": "no column"})
    assert found == {"low": -0.2, "low_at": -2, "high": 0.1, "high_at": -3}
    assert Wording("en", {}).plain.vformat("{low_at}", (), found) == "−2"
    assert extremes(frame.assign(estimate=np.nan), {})["low_at"] == NONE_SHOWN


def wide(rems):
    """A table of one column of figures that needs this width, in rems."""
    cell = "1" * round((rems - 1.3) / (0.8 * 0.64))
    return {"head": ["n"], "align": ["right"], "rows": [[cell]]}


@pytest.mark.parametrize(
    ("most", "below", "above"),
    [(FITS_PHONE, [], ["medium"]), (FITS_TABLET, ["medium"], ["large"]), (FITS_PAGE, ["large"], ["large", "dense"])],
)
def test_width_of_a_table_decides_where_it_is_stacked(most, below, above):
    assert table_width(wide(most - 0.5)) == below
    assert table_width(wide(most + 0.5)) == above


@pytest.mark.parametrize(
    ("code", "there", "open_"), [("hide", False, False), ("fold", True, False), ("show", True, True)]
)
def test_code_is_hidden_folded_or_shown(code, there, open_):
    part = Part("code", {"summary": "Code", "sources": ["zanzibar = 1"]})
    text = to_html(Document("T", "", "", "en", [Part("markdown", text="# A\n\n## B"), part], code=code))
    assert ("zanzibar" in text) == there
    assert ('<details class="code">' in text) == (there and not open_)
    assert text.count("<h1>") == 1
    assert "<h2 " in text
    assert "<h3 " in text
