"""Codeframes: terms, exclusions and negation in both languages, aspects by clause, and what is no codeframe."""

import numpy as np
import pytest

from xmresearch.errors import CodebookError, DataError
from xmresearch.verbatims.aspect_sentiment import aspects, by_theme
from xmresearch.verbatims.codeframes import load_codeframe, parse_codeframe

FRAME = parse_codeframe(
    {"themes": {
        "waiting": {"label": {"en": "Waiting", "zh": "等候"}, "terms": ["wait*", "queue", "long line", "排队", "等*小时"], "not": ["can't wait", "waiter*", "排队机"]},
        "staff": {"terms": ["clerk*", "staff", "态度", "工作人员"]},
        "problem": {"terms": ["problem*", "问题"], "negated": "drop"},
    }}
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "themes"),
    [
        ("We WAITED for ages", ["waiting"]),
        ("a long   line of people", ["waiting"]),
        ("queued for hours", []),
        ("I can't wait to come back", []),
        ("I can't wait, the queue is short", ["waiting"]),
        ("The waiter was nice", []),
        ("排队太久，工作人员态度差", ["waiting", "staff"]),
        ("排队机坏了", []),
        ("等了两个小时", ["waiting"]),
        ("no queue at all", ["waiting"]),
        ("there was no problem", []),
        ("never had any problem", []),
        ("there wasn't a problem", []),
        ("no, there was a big problem", ["problem"]),
        ("not only slow and rude but a problem", ["problem"]),
        ("没有问题", []),
        ("没有任何问题", []),
        ("不少人有问题", []),
        ("没有人管，有问题", ["problem"]),
        ("staffing", []),
        ("", []),
    ],
)
def test_themes_are_told_by_their_terms(text, themes):
    assert FRAME.found(text) == themes
    assert FRAME.code([text]).loc[0].to_dict() == {name: name in themes for name in FRAME.names}


def test_traditional_characters_and_blanks_are_read():
    assert FRAME.code(["工作人員態度差", None, "ＱＵＥＵＥ"]).to_numpy().tolist() == [
        [False, True, False],
        [False] * 3,
        [True, False, False],
    ]


def test_labels_fall_back_to_names():
    assert FRAME.labels("zh") == {"waiting": "等候", "staff": "staff", "problem": "problem"}
    assert FRAME.tidy()["theme"].tolist() == FRAME.names


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "holds 'themes'"),
        ({"themes": {}}, "no theme"),
        ({"themes": {"a": {"term": ["x"]}}}, "unknown key 'term'. Did you mean 'terms'"),
        ({"themes": {"a": {"terms": []}}}, "'a' of the codeframe has no terms"),
        ({"themes": {"a": {"terms": [False]}}}, "holds 'False', which is no word"),
        ({"themes": {"a": {"terms": ["x"], "negated": "maybe"}}}, "'negated' is 'maybe'"),
        ({"themes": {"a": {"terms": ["x"], "label": 3}}}, "'label' is no text"),
        ({"themes": {"a": 3}}, "no list of terms"),
        ({"themes": {"a": {"terms": 3}}}, "no list of words"),
    ],
)
def test_what_is_no_codeframe_is_told(content, told):
    with pytest.raises(CodebookError, match=told):
        parse_codeframe(content)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "frame.yml"
    path.write_text("themes:\n  waiting: [queue, 排队]\n", "utf-8")
    assert load_codeframe(path).code(["排队", "x"])["waiting"].tolist() == [True, False]


def mind(texts):
    return [0.9 if any(w in t for w in ("kind", "好", "nice")) else 0.1 for t in texts]


def test_each_theme_has_the_sentiment_of_its_own_clause():
    texts = ["The clerk was kind, but we waited", "排队太久，但是工作人员很好", "Hall is white"]
    found = aspects(texts, FRAME, mind)
    assert found.to_dict("list") == {
        "text": [0, 0, 1, 1],
        "theme": ["waiting", "staff", "waiting", "staff"],
        "positive": [0.1, 0.9, 0.1, 0.9],
        "clauses": [1, 1, 1, 1],
    }
    spread = by_theme(found, FRAME.names, 3)
    np.testing.assert_array_equal(spread, [[0.1, 0.9, np.nan], [0.1, 0.9, np.nan], [np.nan] * 3])


def test_clauses_without_a_theme_belong_to_their_neighbours():
    asked = []

    def listen(texts):
        asked.extend(texts)
        return [0.5] * len(texts)

    aspects(
        ["The staff, all of them, were rude. Red", "Honestly, the queue moved, but nice hall", "Lovely, but we waited"],
        FRAME,
        listen,
    )
    assert asked == ["The staff, all of them, were rude", "Honestly, the queue moved", "but we waited"]


def test_sentiment_must_be_a_probability_of_each_clause():
    assert aspects(["nothing"], FRAME, mind).empty
    for wrong in ([2.0], [0.1, 0.2], [np.nan]):
        with pytest.raises(DataError, match="no probability"):
            aspects(["the queue"], FRAME, lambda texts, wrong=wrong: wrong)
