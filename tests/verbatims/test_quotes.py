"""Quotes: nobody is told by them, small groups have none, and hostile characters do no harm."""

import pytest

from xmresearch.errors import DataError
from xmresearch.verbatims.quotes import LONGEST_QUOTE, exemplars, plain_quote


def test_identifiers_and_names_are_replaced():
    quote = plain_quote("My name is Jennifer Smith, call 13812345678 or jen@example.org")
    assert "Jennifer" not in quote
    assert "13812345678" not in quote
    assert "jen@" not in quote
    assert "王芳" not in plain_quote("我叫王芳，手机13812345678")


def test_control_and_direction_marks_go_and_emoji_stay():
    assert plain_quote("good\u202eevil\u2066 ok\x00\nnext\t👍") == "goodevil ok next 👍"


def test_an_identifier_across_the_cut_is_not_left_half():
    text = "x" * 230 + " 13812345678 " + "y " * 5000
    quote = plain_quote(text)
    assert len(quote) <= LONGEST_QUOTE
    assert quote.endswith("…")
    assert "138" not in quote


def test_the_nearest_clean_quotes_of_different_people_are_chosen():
    texts = [
        f"the queue was long, number {['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven'][i]}"
        for i in range(11)
    ]
    texts.append("call me at 13812345678 please")
    found = exemplars(texts, ["w"] * 12, weight=[*range(11), 99], people=[*range(10), 9, 11], number=2)
    assert found["quote"].tolist() == [texts[10], texts[8]]


def test_quotes_with_days_and_times_come_last():
    texts = [f"we waited a long while {'x' * i}" for i in range(9)] + ["he died on 1-1-2022 at 1:41 in the queue"] * 1
    found = exemplars(texts, ["w"] * 10, weight=[*[0] * 9, 9], number=9)
    assert "1:41" not in " ".join(found["quote"])
    assert exemplars(texts[9:] * 10, ["w"] * 10, number=1)["quote"].tolist() == texts[9:]


@pytest.mark.parametrize(("people", "shown"), [(9, 0), (10, 1)])
def test_a_group_of_few_people_is_not_quoted(people, shown):
    texts = [f"the hall is too crowded {'a' * i}" for i in range(40)]
    found = exemplars(texts, ["w"] * 40, people=[i % people for i in range(40)], number=1)
    assert len(found) == shown


def test_texts_without_a_group_and_of_two_letters_are_not_quoted():
    assert exemplars(["long enough text"] * 20, [None, ""] * 10).empty
    assert exemplars(["ok"] * 20, ["w"] * 20).empty
    with pytest.raises(DataError, match="20 texts and 3 groups"):
        exemplars(["ok"] * 20, ["w"] * 3)
