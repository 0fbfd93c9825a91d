"""What was asked: every item of a codebook with its wording, scale and codes, and nothing of respondents."""

import pandas as pd
import pytest

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.config import FileSource
from xmresearch.data.questions import outcome_questions, questions
from xmresearch.params.registry import find_study

OWN = """
name: own
labels: {en: Own, zh: 自有}
scale: {minimum: 1, maximum: 5, values: {bad: 1, good: 5}, apart: {98: {en: Do not know, zh: 不清楚}}}
constructs: {speed: {en: Speed, zh: 速度}}
statements:
  "1": {construct: speed, reverse: true, labels: {en: "Slow = bad", zh: 慢}}
  "2": {construct: speed, labels: {en: Quick, zh: 快}}
batteries: {perception: {pattern: "q{id}"}}
"""


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "own.yml"
    path.write_text(OWN, "utf-8")
    return load_codebook(str(path))


@pytest.mark.parametrize(("lang", "wordings"), [("en", ["Slow = bad", "Quick"]), ("zh", ["慢", "快"])])
def test_each_item_is_listed_as_it_was_asked(book, lang, wordings):
    data = FileSource(source="file", path="x.csv", missing_codes={"q1": [9]})
    frame = questions(book, lang, data)
    assert list(frame["code"]) == ["q1", "q2"]
    assert list(frame["wording"]) == wordings
    assert list(frame["construct"]) == ["speed", "speed"]
    assert list(frame["reverse"]) == [True, False]
    assert list(frame["scale"]) == ["1–5"] * 2
    assert list(frame["answers"]) == ["1 = bad; 5 = good"] * 2
    apart = "98 = Do not know" if lang == "en" else "98 = 不清楚"
    assert list(frame["no_answer"]) == [f"9; {apart}", apart]


def test_codes_for_all_columns_stand_at_each(book):
    frame = questions(book, "en", FileSource(source="file", path="x.csv", missing_codes=[99, "n/a"]))
    assert list(frame["no_answer"]) == ["99; n/a; 98 = Do not know"] * 2


def test_columns_that_say_nothing_are_left_out():
    assert list(questions(load_codebook("servperf"), "en").columns) == [
        "code",
        "wording",
        "construct",
        "asked",
        "scale",
    ]


def test_outcomes_without_a_codebook_are_listed():
    frame = outcome_questions({"y": {"levels": [1, 2, 3], "missing_codes": [9.0]}, "z": {}}, {"y": "Satisfaction"})
    expected = pd.DataFrame({"code": ["y", "z"], "wording": ["Satisfaction", "z"], "asked": ["asked_outcome"] * 2, "scale": ["1–3", ""], "no_answer": ["9", ""]})  # fmt: skip
    pd.testing.assert_frame_equal(frame, expected)


def test_the_family_of_an_outcome_says_its_scale():
    params = find_study("did").params(family="nps", further={"solved": "bernoulli", "wait": "gaussian"})
    frame = outcome_questions(params.asked_outcomes(), {})
    assert dict(zip(frame["code"], frame["scale"], strict=True)) == {
        params.outcome: "0–10",
        "solved": "0–1",
        "wait": "",
    }
