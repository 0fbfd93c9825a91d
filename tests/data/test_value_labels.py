"""Codes keep their numbers; their labels are held against the codebook where they are known words."""

import pandas as pd
import pytest

from xmresearch.data.codebook import Codebook, Column, Scale
from xmresearch.data.formats.table import Table
from xmresearch.data.names import Labels
from xmresearch.data.value_labels import direction, hold_labels
from xmresearch.errors import Problems, XMError

AGREE = {1: "Strongly disagree", 2: "Disagree", 3: "Neutral", 4: "Agree", 5: "Strongly agree"}
FALLING = {6 - code: label for code, label in AGREE.items()}


def held(labels, answers=(1, 2, 5), *, reverse=False, values=None):
    named = Labels(en="q", zh="q")
    column = Column("q", "outcome", None, None, reverse, Scale(minimum=1, maximum=5, values=values or {}), named)
    book = Codebook("b", named, {}, (column,))
    problems = Problems()
    table = hold_labels(Table(pd.DataFrame({"q": answers}), "spss", "", values={"q": labels}), book, problems)
    problems.settle()
    return table


def test_the_way_labels_run_is_known_from_their_words():
    assert direction(AGREE) == 1
    assert direction(FALLING) == -1
    assert direction({1: "Strongly disagree", 7: "Strongly agree"}) == 1
    assert direction({1: "非常满意", 5: "非常不满意"}) == -1
    assert direction({1: "red", 2: "blue"}) == 0
    assert direction({1: "Agree", 2: "Strongly disagree", 3: "Strongly agree"}) == 0
    assert direction({1: "Agree"}) == 0


def test_codes_that_run_as_the_codebook_says_stay():
    assert held(AGREE).frame["q"].tolist() == [1, 2, 5]
    assert held(FALLING, reverse=True).frame["q"].tolist() == [1, 2, 5]
    assert held({1: "red", 2: "blue"}).notes == ()


def test_an_item_that_is_coded_the_other_way_is_named():
    with pytest.raises(
        XMError,
        match=r"'q' is coded from the highest answer to the lowest.*1 = 'Strongly agree', 5 = 'Strongly dis.*reverse: true",
    ):
        held(FALLING)


def test_codes_that_say_there_is_no_answer_are_blanked_and_counted():
    table = held({**AGREE, 9: "Refused", 8: "Don't know"}, (1, 9, 9, 8, 5))
    assert table.frame["q"].isna().sum() == 3
    assert table.coded_missing == {"q": 3}
    assert table.notes == ("3 answer(s) have codes whose labels say that there is no answer.",)


def test_a_code_for_no_answer_within_the_scale_is_refused_where_it_occurs():
    labels = {1: "Disagree", 2: "Neutral", 3: "Agree", 5: "Don't know"}
    with pytest.raises(
        XMError,
        match=r"labels 5 'Don't know', which is no answer.*counts it as one \(1 such\).*missing_codes: {q: \[5\]}",
    ):
        held(labels)
    assert held(labels, (1, 2)).coded_missing == {}


def test_labels_that_contradict_the_values_of_the_scale_are_refused():
    with pytest.raises(XMError, match="labels 5 'Strongly agree', the codebook's scale names it 1"):
        held(AGREE, values={"Strongly agree": 1})
