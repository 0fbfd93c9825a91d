"""Numbers are read by the marks of their file; what can be read in two ways is refused where it is used."""

import pandas as pd
import pytest
from exports import read

from xmresearch.data.numerals import Marks, find_numerals, require_settled
from xmresearch.errors import DataError


def csv(tmp_path, text, **settings):
    path = tmp_path / "t.csv"
    path.write_text(text, "utf-8")
    return read(path, **settings)


def test_a_decimal_comma_is_found_by_a_cell_that_can_be_nothing_else(tmp_path):
    table = csv(tmp_path, "a;b;c\n7,5;1,234;x\n6;2,5;y\n;;z\n")
    assert table.frame["a"].tolist()[:2] == [7.5, 6]
    assert table.frame["b"].tolist()[0] == 1.234
    assert table.notes == (
        "Numbers of 2 column(s) have the decimal mark ',', '.' between thousands (column 'a' holds '7,5').",
    )
    assert not table.doubts


def test_a_point_between_thousands_is_seen_where_the_decimal_mark_is_a_comma(tmp_path):
    table = csv(tmp_path, "a;b\n7,5;1.234\n6;999\n1;2.500\n")
    assert table.frame["b"].tolist() == [1234, 999, 2500]


def test_thousands_set_apart_are_numbers(tmp_path):
    assert csv(tmp_path, 'a,b\n"1,234,567",1.5\n"2,000",2.25\n').frame["a"].tolist() == [1234567, 2000]
    assert csv(tmp_path, "a;b\n1 234;x\n12;y\n").frame["a"].tolist() == [1234, 12]
    assert csv(tmp_path, "a;b\n1'234,5;x\n12;y\n").frame["a"].tolist() == [1234.5, 12]


@pytest.mark.parametrize(
    ("settings", "number"), [({"decimal": ","}, 1.234), ({"decimal": "."}, 1234.0), ({"thousands": ","}, 1234.0)]
)
def test_what_can_be_read_in_two_ways_is_left_and_said_until_the_params_decide(tmp_path, settings, number):
    text = 'a,b\n"1,234",x\n12,y\n'
    table = csv(tmp_path, text)
    assert table.frame["a"].tolist() == ["1,234", "12"]
    assert table.doubts == {"a": "Column 'a': '1,234' can be read as 1234 or 1.234."}
    with pytest.raises(DataError, match="'1,234' can be read as 1234 or 1.234. Set data.decimal to"):
        require_settled(table.doubts, ["a"])
    require_settled(table.doubts, ["b"])
    if settings == {"decimal": "."}:
        settings = {"decimal": ".", "thousands": ","}
    assert csv(tmp_path, text, **settings).frame["a"].tolist() == [number, 12]


def test_marks_that_contradict_each_other_are_doubtful():
    found = find_numerals(pd.DataFrame({"a": ["7,5", "6"], "b": ["1.5", "x1"], "c": ["2.5", "3"]}))
    assert found.columns == ()
    assert found.doubts["a"] == "Column 'a': the file has both decimal marks, '7,5' in 'a' and '2.5' in 'c'."


def test_answers_joined_by_a_comma_do_not_make_points_doubtful(tmp_path):
    table = csv(tmp_path, 'weight,ticked\n1.25,"1,3"\n0.8,"2,4"\n')
    assert table.frame["weight"].tolist() == [1.25, 0.8]
    assert table.doubts == {"ticked": "Column 'ticked': '1,3' can be read as 1.3 or as the answers 1 and 3."}
    assert csv(tmp_path, 'a,b\n"1,3","0,85"\n"2,4","0,9"\n').frame["a"].tolist() == [1.3, 2.4]


def test_words_for_no_answer_leave_the_numbers_beside_them_readable(tmp_path):
    table = csv(tmp_path, "a;b\n7,5;x\nDid not answer;y\n6;z\n")
    assert table.frame["a"].tolist() == ["7.5", "Did not answer", "6"]


def test_ordinary_numbers_and_texts_are_left_alone(tmp_path):
    table = csv(tmp_path, "a,b,c\n1.234,2025-03-01,x\n2.5,2025-03-02,1;2\n")
    assert table.frame["a"].tolist() == [1.234, 2.5]
    assert (table.notes, dict(table.doubts)) == ((), {})


def test_what_a_given_mark_does_not_fit_is_said(tmp_path):
    table = csv(tmp_path, "a;b\n7,5;3.14\n6;2.5\n", decimal=",")
    assert table.frame["a"].tolist() == [7.5, 6]
    assert table.doubts == {"b": "Column 'b': '3.14' is no number with the decimal mark ','."}
    assert Marks(",", ".") != Marks(",")
