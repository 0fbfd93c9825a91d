"""Why something is not in a report of drivers is said in the report's language."""

from typing import get_args

import page
import pytest
import yaml

from xmresearch.drivers.obstacles import Obstacle
from xmresearch.studies.drivers.study import STUDY


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_reason_has_words(lang):
    values = yaml.safe_load(STUDY.words(lang).read_text("utf-8"))["values"]
    said = {k.removeprefix("reason_") for k in values if k.startswith("reason_")}
    assert said == {*get_args(Obstacle), "other"}


def hall(n):
    return {"source": "scenario", "name": "service_hall", "n": n, "seed": 4, "missing": 0.0, "careless": 0.0}


def test_what_cannot_be_estimated_is_said_in_words_of_the_language():
    reports = page.in_both("drivers", data=hall(40), drivers="statement", bootstrap=200)
    assert "cannot be estimated:** too few respondents answered all that it needs." in page.prose(reports["en"])
    chinese = page.prose(reports["zh"])
    assert "无法估计结果由什么驱动：**回答齐全的受访者太少。" in chinese
    assert "respondents" not in chinese


def test_the_first_table_is_narrow_and_the_rest_stands_in_another():
    """Six columns with the truth, which fit a page of 1280 pixels."""
    report = page.write("drivers", data=hall(200), bootstrap=200)
    heads = {b.content["key"]: b.content["head"] for b in report.blocks if b.kind == "table"}
    assert len(heads["importance"]) <= 7
    assert "Relative weight" not in heads["importance"]
    assert {"Relative weight", "Alone", "On top of the others"} <= set(heads["measures"])
