"""Answers in words become numbers where the words leave no doubt; otherwise the reader is asked."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.answers import fitting_scales, merged, plain_word, to_numbers
from xmresearch.data.codebook import Column, Scale
from xmresearch.data.durations import read_durations, seconds_of
from xmresearch.data.names import Labels
from xmresearch.errors import DataError


def item(low=1, high=5, name="q", **values):
    scale = Scale(minimum=low, maximum=high, values=values)
    return Column(name, "perception", "c", "1", False, scale, Labels(en=name, zh=name))


def read(answers, column):
    return to_numbers(pd.Series(answers), column)[0].tolist()


@pytest.mark.parametrize(
    ("answers", "scale", "numbers"),
    [
        (["Strongly agree", "agree ", "Somewhat  Agree", "Neither agree nor disagree"], (1, 7), [7, 6, 5, 4]),
        (["Strongly Agree", "AGREE", "Neutral.", "Strongly disagree"], (1, 5), [5, 4, 3, 1]),
        (["Strongly agree", "Agree", "Disagree"], (1, 4), [4, 3, 2]),
        (["非常同意", "同意", "一般", "完全不同意"], (1, 5), [5, 4, 3, 1]),
        (["非常满意", "满意", "基本满意", "非常不满意"], (1, 5), [5, 4, 3, 1]),
        (["非常满意", "比较满意", "一般", "较不满意"], (1, 5), [5, 4, 3, 2]),
        (["满意", "较满意", "较不满意", "不满意"], (1, 4), [4, 3, 2, 1]),
        (["A.非常满意", "C.一般", "E.非常不满意"], (1, 5), [5, 3, 1]),
        (["Very satisfied", "Neither satisfied nor dissatisfied"], (0, 4), [4, 2]),
        (["5 - Agree", "1 = No", "3: so so", "2 (little)"], (1, 5), [5, 1, 3, 2]),
        (["0 - Not at all", "7", "10 - Extremely likely"], (0, 10), [0, 7, 10]),
        (["5分", "３分"], (1, 5), [5, 3]),
        (["Agree (4)", "Disagree (2)"], (1, 5), [4, 2]),
        (["A7", "A1"], (1, 7), [7, 1]),
        (["Yes", "no"], (0, 1), [1, 0]),
        (["是", "否"], (0, 1), [1, 0]),
        (["Excellent", "Very good", "Satisfactory"], (1, 5), [5, 4, 3]),
        (["✓", "×"], (0, 1), [1, 0]),
        (["Not at all likely - 0", "7", "Extremely likely - 10"], (0, 10), [0, 7, 10]),
        (["Not at all likely", "7", "9", "Extremely likely"], (0, 10), [0, 7, 9, 10]),
        (["Slightly likely", "Moderately unlikely", "Extremely likely"], (1, 7), [5, 2, 7]),
        (["Moderately satisfied", "Slightly dissatisfied"], (1, 7), [6, 3]),
        (["Very favourable", "Somewhat unfavorable"], (1, 5), [5, 2]),
        (["About half the time", "Most of the time"], (1, 5), [3, 4]),
        (["完全符合", "比较符合", "一般"], (1, 5), [5, 4, 3]),
    ],
)
def test_words_of_known_scales_are_read(answers, scale, numbers):
    assert read(answers, item(*scale)) == numbers


def test_words_that_say_there_is_no_answer_are_counted_apart_from_blanks():
    values, found = to_numbers(pd.Series(["Agree", "N/A", "Did not answer", None, "不清楚", "Did not answer"]), item())
    assert values.isna().tolist() == [False, True, True, True, True, True]
    assert found.missing == {"N/A": 1, "Did not answer": 2, "不清楚": 1}


@pytest.mark.parametrize(
    ("answers", "scale", "told"),
    [
        (["Agree", "Somewhat agree"], (1, 5), "fit agreement with .*7 points.*has 5 points"),
        (["Good", "Poor"], (1, 5), "can be read in 2 ways: .*'Good' = 4.*'Good' = 3"),
        (["wonderful", "Agree"], (1, 5), "1 answer.* no known scale: 'wonderful' .first in data row 1, 1 in all"),
        (["3-4 hours", "2 hours"], (1, 5), "no known scale"),
        (["4", "good-ish", "good-ish"], (1, 5), "2 in all"),
        (["Agree", "Satisfied"], (1, 5), "no known scale together"),
        (["Yes", "No"], (1, 2), "fit yes_no with 2 points"),
        (["9", "10", "Extremely likely"], (0, 10), "fit .*likelihood"),
    ],
)
def test_what_is_doubtful_stops_with_the_key_that_decides(answers, scale, told):
    with pytest.raises(DataError, match=rf"Column 'q'.*{told}.*'values: {{Word: number}}'"):
        read(answers, item(*scale))


def test_the_codebook_decides_and_names_what_it_lacks():
    column = item(1, 5, **{"Good": 4, "Poor": 1, "n/a": 3})
    assert read(["good", "POOR", "n/a", None], column)[:3] == [4, 1, 3]
    with pytest.raises(DataError, match="1 answer.* that its scale's values do not name: 'Fair'.*'Good', 'Poor'"):
        read(["Good", "Fair"], column)
    with pytest.raises(ValueError, match="value of 'Great' lies outside the scale 1-5"):
        item(1, 5, Great=6)


def test_ends_of_a_scale_may_be_words_among_numbers():
    assert read(["Strongly disagree", "2", "4", "Strongly agree"], item(1, 5)) == [1, 2, 4, 5]
    with pytest.raises(DataError, match="has words among numbers: 'Agree' .first in data row 2, 1 in all"):
        read(["2", "Agree", "5"], item(1, 5))


def test_numbers_as_text_stay_numbers():
    values, found = to_numbers(pd.Series([" 4 ", "5.0", "", None]), item())
    np.testing.assert_array_equal(values, [4, 5, np.nan, np.nan])
    assert found is None


def test_answers_are_read_whatever_holds_them():
    assert to_numbers(pd.Series(["Agree", "Neutral"], dtype="category"), item())[0].tolist() == [4, 3]
    assert to_numbers(pd.Series([1, 5], dtype="category"), item())[0].tolist() == [1, 5]
    for kind in ("Int64", "boolean"):
        values = to_numbers(pd.Series([1, None], dtype=kind), item())[0]
        np.testing.assert_array_equal(values, [1, np.nan])
    with pytest.raises(DataError, match="Column 'q' holds datetime64.* which is no answer"):
        to_numbers(pd.Series(pd.to_datetime(["2025-01-01"])), item())


def test_items_that_are_read_alike_are_told_together():
    columns = [pd.Series(["Agree", "Refused"]), pd.Series(["Strongly agree", "Refused"]), pd.Series(["5 - x", "4 - y"])]
    found = merged([to_numbers(c, item(name=f"q{k}"))[1] for k, c in enumerate(columns)])
    assert [c.columns for c in found] == [("q0", "q1"), ("q2",)]
    assert found[0].missing == {"Refused": 2}
    assert (
        found[0].line()
        == "'q0', 'q1': 'Agree' = 4, 'Strongly agree' = 5 (agreement, 5 points); no answer: 'Refused' (2)."
    )


def test_a_scale_is_known_by_all_of_its_words():
    words = [plain_word(w) for w in ("Agree", "Strongly agree")]
    assert set(fitting_scales(words)) == {"agreement"}
    assert fitting_scales(words, 5) == {"agreement": [{"agree": 3, "strongly agree": 4}]}
    assert fitting_scales(["no such word"]) == {}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("218秒", 218), ("3分38秒", 218), ("1小时2分", 3720), ("4 min 10 s", 250), ("00:04:10", 250), ("4:10", 250), ("213", 213),
        ("1h 2m", 3720), ("2.5 min", 150), ("１２秒", 12), ("1 day 00:00:05", 86405), ("500 ms", 0.5),
    ],
)  # fmt: skip
def test_durations_are_read(text, seconds):
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["soon", "1:2:3", "5 months", "12秒钟后", "inf", "1_0"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(DataError, match="Duration column 't', data row 2: .* is no duration"):
        read_durations(pd.Series(["5", text, None]), "t")


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("Duration (in seconds)", 218), ("time_ms", 0.218), ("用时（毫秒）", 0.218), ("length (min)", 13080)],
)
def test_the_name_of_a_column_says_its_unit(name, seconds):
    assert read_durations(pd.Series([218]), name)[0] == pytest.approx(seconds)
    assert read_durations(pd.Series(["218", ""]), name)[0] == pytest.approx(seconds)


def test_numbers_that_are_hardly_seconds_are_asked_for():
    with pytest.raises(
        DataError, match="median of 218000 would be 61 hours in seconds, or 218 s in milliseconds.*data.columns"
    ):
        read_durations(pd.Series([218_000, 150_000, 900_000]), "time")
    assert read_durations(pd.Series([43_200, 43_200]), "time")[0] == 43_200
    with pytest.raises(DataError, match="12 hours"):
        read_durations(pd.Series([43_201]), "time")


def test_blank_durations_stay_blank():
    np.testing.assert_array_equal(read_durations(pd.Series(["49秒", None, " "]), "t"), [49, np.nan, np.nan])
    np.testing.assert_array_equal(read_durations(pd.to_timedelta(pd.Series(["00:01:00"])), "t"), [60])
