"""What there is among texts is counted: languages, lengths, defaults of platforms, repeats."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from xmresearch.errors import DataError
from xmresearch.verbatims.duplicates import LIKE, find_duplicates, near_pairs
from xmresearch.verbatims.text_record import record_texts

LONG = "办事大厅的工作人员态度很好讲解耐心"


def one(text):
    return record_texts([text]).rows.iloc[0]


@pytest.mark.parametrize(
    ("text", "praise", "nothing"),
    [
        ("系统默认好评!", True, False),
        ("评价方未及时做出评价,系统默认好评!", True, False),
        ("系統默認好評", True, False),
        ("未评价，系统默认满意", True, False),
        ("该用户超时未评价，系统自动好评", True, False),
        ("此用户没有填写评价。", False, True),
        ("该用户未填写评价内容", False, True),
        ("This user did not leave a comment.", False, True),
        ("No comment", False, True),
        ("Did not answer", False, True),
        ("好评", False, False),
        ("服务好，默认好评也行", False, False),
        ("系统默认好评是不对的", False, False),
        ("no comment on the food but staff were rude", False, False),
        ("", False, False),
    ],
)
def test_defaults_of_platforms_are_told_from_what_people_wrote(text, praise, nothing):
    assert (one(text)["default_praise"], one(text)["default_nothing"]) == (praise, nothing)


def test_texts_are_counted_and_none_is_dropped():
    texts = [
        None,
        " ",
        "好",
        "👍",
        "服務很好，下次再來",
        "good",
        "very good service",
        "好" * 481,
        "好" * 480,
        "see http://a.cn very nice",
        "系统默认好评",
    ]
    record = record_texts(texts)
    found = record.summary()
    assert len(record.rows) == found["texts"] == 11
    assert found["blank"] == 2
    assert record.rows.index[record.rows["very_short"]].tolist() == [2, 3, 5, 7, 8]  # 好好好 is 好好
    assert found["very_long"] == 0
    assert record.rows.index[record.rows["traditional"]].tolist() == [4]
    assert record.rows.index[record.rows["emoji"]].tolist() == [3]
    assert record.rows.index[record.rows["address"]].tolist() == [9]
    assert record.rows["language"].tolist() == ["none", "none", "zh", "none", "zh", "en", "en", "zh", "zh", "en", "zh"]
    assert record.usable().tolist() == [False, False, *[True] * 8, False]
    assert sum(found[f"language_{k}"] for k in ("zh", "en", "mixed", "other", "none")) == 11
    assert record_texts([]).summary()["texts"] == 0


def test_lengths_turn_at_their_bounds():
    for text, short in {"很好": True, "很好啊": False, "good": True, "good job": False}.items():
        assert one(text)["very_short"] == short, text
    for words, long in {300: False, 301: True}.items():
        assert one(" ".join(f"a{'bc'[k % 2]}" for k in range(words)))["very_long"] == long
    for han, long in {480: False, 481: True}.items():
        assert one("好坏" * (han // 2) + "好" * (han % 2))["very_long"] == long


def test_boilerplate_is_told_from_what_many_say_and_from_one_who_repeats():
    texts = (
        [LONG] * 5
        + ["很好"] * 6
        + ["等了三个小时都没有人来管一管"] * 3
        + ["电话打了二十次都没有人接听过"] * 2
        + ["独一无二的一条意见在这里写着"]
    )
    customers = [*range(5), *range(6), 1, 1, 2, 7, 8, 9]
    found = find_duplicates(texts, customers=customers)
    kinds = found.table.set_index("group")["kind"]
    assert [kinds[found.group[k]] for k in (0, 5, 11, 14)] == ["boilerplate", "short", "repeated", "pair"]
    assert found.group[16] == -1
    assert found.first.tolist() == [True, *[False] * 4, True, *[False] * 5, True, False, False, True, False, True]
    four = find_duplicates([LONG] * 5, customers=[1, 2, 3, 4, 4])
    assert four.table["kind"].tolist() == ["repeated"]
    assert find_duplicates([LONG] * 5).table["kind"].tolist() == ["boilerplate"]
    assert np.isnan(find_duplicates([LONG] * 5).table["customers"][0])
    assert find_duplicates(["", "", None]).table.empty
    record = record_texts(texts, customers=customers)
    assert record.usable().sum() == len(texts) - 4
    assert record.summary()["boilerplate"] == 5
    with pytest.raises(DataError, match="1 customers"):
        find_duplicates(["a", "b"], customers=[1])


def test_marks_case_width_and_characters_do_not_make_a_text_another():
    found = find_duplicates(
        ["Very GOOD, service!", "very good service", "服務態度真的非常好呀謝謝你們", "服务态度真的，非常好呀！谢谢你们"]
    )
    assert found.group.tolist() == [0, 0, 1, 1] or found.group.tolist() == [1, 1, 0, 0]


def test_nearly_the_same_texts_are_found_and_others_are_not():
    """Planted: 300 texts of 60 letters, each with a copy in which two letters differ, among 3000 others."""
    rng = np.random.default_rng(4)
    letters = np.array([chr(0x4E00 + k) for k in range(2000)])
    rows = rng.integers(0, 2000, (3300, 60))
    copies = rows[:300].copy()
    for row in copies:
        row[rng.choice(60, 2, replace=False)] = rng.integers(0, 2000, 2)
    texts = ["".join(letters[r]) for r in [*rows, *copies]]
    pairs = {tuple(p) for p in near_pairs(texts)}
    planted = {(k, 3300 + k) for k in range(300)}
    assert len(pairs & planted) >= 0.97 * 300
    assert pairs <= planted
    groups = find_duplicates(texts)
    assert set(groups.table["texts"]) == {2}


def test_similarity_turns_at_its_bound():
    """One letter of n differs at the end: 1 of n - 2 shingles, so that the similarity is (n - 3) / (n - 1)."""
    for size, like in {8: True, 7: False}.items():
        base = "".join(chr(0x4E00 + k) for k in range(size))
        other = base[:-1] + "z"
        assert ((size - 3) / (size - 1) >= LIKE) == like
        pairs = near_pairs([base, other])
        assert len(pairs) == like


def test_near_pairs_agree_with_all_pairs_by_brute_force():
    rng = np.random.default_rng(6)
    texts = ["".join(rng.choice(list("abcdef"), 40)) for _ in range(40)]
    texts += [t[:20] + t[21:] for t in texts[:20]] + [t + t[:5] for t in texts[10:20]]

    def shingles(t):
        return {t[k : k + 3] for k in range(len(t) - 2)}

    def alike(a, b):
        return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b))

    every = {(i, j) for i in range(len(texts)) for j in range(i + 1, len(texts)) if alike(texts[i], texts[j]) >= LIKE}
    found = {tuple(sorted(p)) for p in near_pairs(texts)}
    assert found <= every
    # the links that joining all alike texts takes: each with the first of its group
    a, b = np.array(sorted(every)).T
    groups = connected_components(
        coo_matrix((np.ones(len(a)), (a, b)), shape=(len(texts), len(texts))), directed=False
    )[0]
    assert len(found) >= 0.9 * (len(texts) - groups)


def test_several_chunks_find_what_one_does(monkeypatch):
    texts = [f"{LONG}第{k % 7}次办理业务" for k in range(40)]
    whole = find_duplicates(texts)
    monkeypatch.setattr("xmresearch.verbatims.duplicates._CHUNK", 2)
    pd.testing.assert_frame_equal(whole.table, find_duplicates(texts).table)
