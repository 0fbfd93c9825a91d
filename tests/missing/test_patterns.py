"""Blanks are counted by what is blank together, and rare patterns are not shown."""

import typing
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
import yaml

from xmresearch.errors import DataError, InsufficientData
from xmresearch.missing.answer_patterns import patterns
from xmresearch.missing.blank_answers import blanks
from xmresearch.missing.little import Obstacle


def answers(kinds, columns="abc"):
    """Build rows with the blanks named, as often as said."""
    rows = [[np.nan if c in blank else float(k % 7) for c in columns] for blank, n in kinds.items() for k in range(n)]
    return pd.DataFrame(rows, columns=list(columns))


def test_patterns_are_counted_the_most_frequent_first():
    found = patterns(answers({"": 60, "a": 15, "bc": 25}), list("abc"))
    assert found.table["pattern"].tolist() == ["complete", "blanks", "blanks"]
    assert found.table["blank"].tolist() == [[], ["b", "c"], ["a"]]
    assert found.table["n"].tolist() == [60, 25, 15]
    assert found.table["share"].tolist() == [0.60, 0.25, 0.15]
    assert found.items["blank"].tolist() == [15, 25, 25]
    assert found.items["share"].tolist() == [0.15, 0.25, 0.25]
    assert found.complete == 60
    assert found.summary()["incomplete"] == 40


@pytest.mark.parametrize(("rare", "shown"), [(9, {"complete", "other_patterns"}), (10, {"complete", "blanks"})])
def test_a_pattern_of_fewer_than_ten_people_is_not_shown(rare, shown):
    found = patterns(answers({"": 60, "a": rare, "b": 20}), list("abc"))
    assert set(found.table["pattern"]) == shown
    assert found.table["n"].sum() == 60 + 20 + rare


def test_a_rare_pattern_cannot_be_worked_out_from_the_total():
    """Three people alone would be the rest of the total; the next larger pattern is hidden with them."""
    found = patterns(answers({"": 60, "a": 3, "b": 20}), list("abc"))
    assert found.table["n"].tolist() == [60, 23]
    assert found.table["pattern"].tolist() == ["complete", "other_patterns"]


def test_no_smaller_group_is_shown_whatever_is_asked():
    found = patterns(answers({"": 60, "a": 5, "b": 7}), list("abc"), min_cell=1)
    assert found.min_cell == 10
    assert "blanks" not in set(found.table["pattern"])


def test_a_report_names_six_items_of_a_pattern_and_adds_up_what_it_leaves_out():
    columns = "abcdefgh"
    found = patterns(answers({"": 60, columns[:7] + "h": 0, "abcdefg": 30, "a": 12, "b": 11}, columns), list(columns))
    shown = found.top(2)
    assert shown["blank"].tolist() == [[], ["a", "b", "c", "d", "e", "f", "+1"], []]
    assert shown["n"].tolist() == [60, 30, 23]


def test_order_of_rows_does_not_matter():
    frame = answers({"": 60, "a": 15, "b": 15, "c": 15})
    mixed = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(patterns(frame, list("abc")).table, patterns(mixed, list("abc")).table)


def test_what_cannot_be_counted_is_refused():
    frame = answers({"": 20})
    with pytest.raises(DataError, match="no column 'd'"):
        patterns(frame, ["d"])
    with pytest.raises(InsufficientData, match="No columns"):
        patterns(frame, [])


def test_complete_answers_need_no_test():
    found = blanks(answers({"": 20}), list("abc"))
    assert found.summary()["case"] == "complete"
    assert found.diagnostics().empty
    assert found.tidy()["n"].tolist() == [20]


def test_what_cannot_be_tested_says_why():
    found = blanks(answers({"": 60, "a": 15}).assign(c=1.0), list("abc"))
    assert found.summary()["case"] == "untested_constant"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_obstacle_has_words(lang):
    labels = yaml.safe_load(files("xmresearch.report").joinpath(f"labels/{lang}.yml").read_text("utf-8"))
    assert {f"untested_{o}" for o in typing.get_args(Obstacle)} <= set(labels["texts"]["blanks"])
