"""Clauses: cut where the thought turns or ends, in both languages, and nowhere else."""

import pytest

from xmresearch.verbatims.clauses import clauses_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The clerk was kind, but I waited an hour.", ["The clerk was kind", "but I waited an hour"]),
        ("环境很好，但是排队太久", ["环境很好", "但是排队太久"]),
        ("环境很好但排队太久！", ["环境很好", "但排队太久"]),
        ("不但快而且好", ["不但快而且好"]),
        ("再好不过了", ["再好不过了"]),
        ("It cost 1,200.50 in total. Too much", ["It cost 1,200.50 in total", "Too much"]),
        ("However, staff were kind", ["staff were kind"]),
        ("Attribute butter", ["Attribute butter"]),
        ("Good service however slow website", ["Good service", "however slow website"]),
        ("虽然人多，服务很好", ["虽然人多", "服务很好"]),
        ("", []),
        ("!!! 。。。 👍", []),
    ],
)
def test_texts_are_cut_into_clauses(text, expected):
    assert [c.text for c in clauses_of(text)] == expected


def test_sentences_are_numbered_and_turns_marked():
    found = clauses_of("Nice hall, clean. But slow. 很快，但是贵")
    assert [(c.sentence, c.turns) for c in found] == [(0, False), (0, False), (1, True), (2, False), (2, True)]
    assert [c.turns for c in clauses_of("However, staff were kind")] == [True]
    assert len(clauses_of("，，a" * 10_000)) == 10_000
