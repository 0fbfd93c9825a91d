"""What a profile says of columns, scales, batteries and pairs: the traps that files set."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.formats.table import Table
from xmresearch.data.profile.file_profile import profile_file
from xmresearch.data.profile.naming import parts_of
from xmresearch.data.profile.scales import (
    ENOUGH_AT_END,
    labels_scale,
    numbers_scale,
    words_scale,
)

RNG = np.random.default_rng(7)


def table(**columns):
    return Table(pd.DataFrame(columns), "csv", "test")


def answers(low, high, n=200):
    return RNG.integers(low, high + 1, n)


def spread(low, high, each=20):
    return Counter({str(v): each for v in range(low, high + 1)})


@pytest.mark.parametrize(
    ("low", "high", "wording", "scale", "sure"),
    [
        (1, 5, "Q1", "1-5", True),
        (1, 7, "Q1", "1-7", True),
        (0, 10, "Q1", "0-10", True),
        (1, 10, "Q1", "1-10", True),
        (1, 11, "NPS", "1-11", False),  # 0-10 as some tools write it
        (1, 10, "How likely are you to recommend us", "0-10", False),  # nobody gave 0
        (0, 10, "您有多大可能推荐给亲友", "0-10", True),
        (2, 5, "Q1", "1-5", False),
        (3, 7, "Q1", "1-7", False),
        (1, 4, "Q1", "1-5", False),
        (1, 6, "Q1", "1-7", False),
        (2, 9, "满意吗？(0-10)", "0-10", True),  # the question says it
        (2, 5, "谁来修改？（1=我自己，5=让AI）", "1-5", True),
    ],
)
def test_a_scale_in_numbers_is_taken_for_the_nearest_known_one_and_doubted_where_its_ends_are_not_used(
    low, high, wording, scale, sure
):
    found = numbers_scale(spread(low, high), wording, columns=1)
    assert (found.what, found.sure) == (scale, sure)


def test_an_end_that_a_handful_gave_is_not_taken_for_the_end():
    few, enough = spread(1, 5), spread(1, 5)
    few["5"], enough["5"] = ENOUGH_AT_END - 1, ENOUGH_AT_END
    assert not numbers_scale(few, "Q", columns=1).sure
    assert numbers_scale(enough, "Q", columns=1).sure
    ten = spread(1, 10)
    ten["1"] = 2 * ENOUGH_AT_END - 1  # 0 may just be rarer than 1
    assert not numbers_scale(ten, "Q", columns=1).sure


def test_five_answers_at_both_ends_are_enough():
    ends = Counter({"1": 5, "2": 30, "3": 30, "4": 30, "5": 5})
    assert numbers_scale(ends, "Q", columns=1).sure
    ends["1"] = 2
    assert not numbers_scale(ends, "Q", columns=1).sure


def test_numbers_with_decimals_are_scores_and_always_doubtful():
    found = numbers_scale(Counter({"1.5": 20, "4.25": 20, "6.75": 20}), "x", columns=1)
    assert not found.sure
    assert not found.whole
    assert (found.minimum, found.maximum) == (1, 7)


def test_words_of_which_more_scales_are_made_are_doubtful_until_all_of_one_occur():
    some = Counter({"Strongly agree": 40, "Agree": 20, "Neutral": 5, "Disagree": 3})
    found = words_scale(some)
    assert (found.points, found.sure) == (5, False)
    assert found.values == {"Disagree": 2, "Neutral": 3, "Agree": 4, "Strongly agree": 5}
    assert words_scale(some + Counter({"Strongly disagree": 2})).sure
    assert words_scale(Counter({"Yes": 3, "No": 4})) is None
    assert words_scale(Counter({"red": 3, "green": 4, "blue": 2})) is None


def test_value_labels_from_the_best_answer_down_are_doubtful():
    down = {1: "Very satisfied", 2: "Moderately satisfied", 3: "A little dissatisfied", 4: "Very dissatisfied"}
    up = {1: "Strongly disagree", 2: "Disagree", 3: "Neutral", 4: "Agree", 5: "Strongly agree", 9: "Don't know"}
    assert "1 is the best" in labels_scale(down, spread(1, 4)).doubt
    found = labels_scale(up, spread(1, 5))
    assert (found.what, found.sure) == ("1-5", True)
    assert not labels_scale(up, spread(1, 6)).sure  # 6 has no label
    assert labels_scale({1: "White", 2: "Black", 3: "Other"}, spread(1, 3)) is None


@pytest.mark.parametrize(
    ("name", "stem", "row"),
    [
        ("e12", "e", "12"),
        ("Q7_3", "Q7_", "3"),
        ("E[4]", "E", "4"),
        ("Course content [Grading was prompt]", "Course content", "Grading was prompt"),
        ("7、请评分：—我害怕拒绝", "7", "我害怕拒绝"),
        ("7、我经常担心", "7", "我经常担心"),
        ("kano12pos", "kano#pos", "12"),
    ],
)
def test_a_name_is_taken_apart_into_question_and_row(name, stem, row):
    parts = parts_of(name)
    assert (parts.stem, parts.row) == (stem, row)


def test_a_name_that_stands_alone_is_not_taken_apart():
    assert parts_of("satisfaction") is None


def test_columns_are_told_apart():
    n = 200
    profile = profile_file(
        table(
            respondent=np.arange(1, n + 1),
            gender=np.tile(["f", "m"], n // 2),
            weight=RNG.uniform(0.5, 2, n),
            duration=RNG.integers(60, 900, n),
            when=pd.date_range("2025-01-01", periods=n).strftime("%d/%m/%Y"),
            Q1_1=answers(1, 5),
            Q1_2=answers(1, 5),
            constant=1,
            mail=[f"a{k}@example.org" for k in range(n)],
            comment=[f"It took too long at counter {k} and nobody came" for k in range(n)],
        )
    )
    kinds = {c.name: c.kind.what for c in profile.columns.values()}
    assert kinds == {
        "respondent": "identifier",
        "gender": "choice",
        "weight": "weight",
        "duration": "duration",
        "when": "date",
        "Q1_1": "rating",
        "Q1_2": "rating",
        "constant": "constant",
        "mail": "personal",
        "comment": "text",
    }
    assert [b.columns for b in profile.items.batteries] == [("Q1_1", "Q1_2")]


def test_batteries_of_the_same_rows_that_ask_of_the_same_things_are_paired_and_share_a_scale():
    columns = {f"e{k}": answers(4, 7) for k in range(1, 13)} | {f"p{k}": answers(1, 7) for k in range(1, 13)}
    profile = profile_file(table(**columns))
    assert profile.pairing.ground.sure
    assert profile.pairing.expected.scale.what == profile.pairing.perceived.scale.what == "1-7"
    columns.pop("p12")
    lost = profile_file(table(**columns)).pairing
    assert "1 item(s) have no counterpart" in lost.ground.doubt
    assert lost.rows == tuple(str(k) for k in range(1, 12))
    few = profile_file(table(**{k: v for k, v in columns.items() if int(k[1:]) <= 4})).pairing
    assert not few.ground.sure  # two letters over four rows may be anything


def test_a_panel_is_told_by_what_is_constant_within_units():
    units, periods = np.repeat(np.arange(20), 6), np.tile(np.arange(2001, 2007), 20)
    cohort = np.where(units < 10, 2004, 0)
    panel = profile_file(table(u=units, year=periods, g=cohort, y=RNG.normal(size=120))).panel
    assert (panel.unit.what, panel.time.what, panel.cohort.what, panel.outcome.what) == ("u", "year", "g", "y")
    wandering = RNG.permutation(cohort)
    assert profile_file(table(u=units, year=periods, g=wandering, y=RNG.normal(size=120))).panel is None


def test_codes_far_from_all_answers_of_an_outcome_are_named():
    units, periods = np.repeat(np.arange(20), 12), np.tile(np.arange(1, 7), 40)
    y = answers(1, 5, 240)
    y[::17] = 99
    panel = profile_file(table(branch=units, period=periods, g=np.where(units < 10, 4, 0), y=y)).panel
    assert panel.missing == (99,)
    assert panel.levels == (1, 5)


def test_blanks_in_words_do_not_make_numbers_text():
    profile = profile_file(table(x1=["1", "NA", "5"] * 10, x2=["2", "5", "NA"] * 10, region=["NA", "EU", "EU"] * 10))
    assert profile.columns["x1"].kind.what == "rating"
    assert profile.columns["region"].kind.what == "choice"
    assert profile.table.frame["region"].eq("NA").sum() == 10
