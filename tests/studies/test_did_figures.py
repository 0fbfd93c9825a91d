"""Figures of the difference-in-differences study, at their edges."""

import numpy as np
import pandas as pd
import pytest
from study_words import wording as of_study

from xmresearch.report.wording import Wording
from xmresearch.studies.did.figures import KINDS


def effects(cohorts, periods):
    """Effects of cohorts that start one period apart, the last one after all periods that are shown."""
    cohort, time = (a.ravel() for a in np.indices((cohorts, periods)))
    start = periods - cohorts + 1 + cohort
    estimate = np.where(time >= start, 0.3, 0.01 * (-1.0) ** time)
    return pd.DataFrame({
        "cohort": start.astype(str), "time": time.astype(str), "position": time, "event_time": time - start,
        "estimate": estimate, "ci_lower": estimate - 0.1, "ci_upper": estimate + 0.1, "band_lower": estimate - 0.2,
        "band_upper": estimate + 0.2,
    })  # fmt: skip


@pytest.fixture(params=["en", "zh"])
def wording(request):
    return of_study("did", request.param, {"3": "Q3 / 三季度"}, decimals=3)


@pytest.mark.parametrize(("cohorts", "periods"), [(1, 2), (3, 6), (4, 18), (48, 70)])
def test_grid_of_effects(wording, cohorts, periods):
    table = effects(cohorts, periods)
    for better in ("higher", "lower"):
        assert "<svg" in KINDS["att_grid"](table, wording, "att_gt", better=better)
    holes = table[table["event_time"] != -1]
    assert "<svg" in KINDS["att_grid"](holes, wording, "att_gt")


def test_event_study_with_reference_truth_and_wide_bands(wording):
    table = effects(1, 12).assign(truth=0.3)
    table.loc[5, ["ci_lower", "ci_upper", "band_lower", "band_upper"]] = table.loc[5, "estimate"]
    table.loc[11, ["band_lower", "band_upper"]] = -900.0, 900.0
    drawn = KINDS["event_study"](table, wording, "dynamic")
    assert drawn == KINDS["event_study"](table, wording, "dynamic")
    assert "<svg" in KINDS["event_study"](effects(1, 90), wording, "dynamic")


def test_trends_without_a_control_group(wording):
    long = pd.DataFrame({
        "series": np.repeat(["treated", "control", "counterfactual"], 4), "time": list("1234") * 3, "position": [0, 1, 2, 3] * 3,
        "mean": [1.0, 2, 3, 4, *[np.nan] * 4, np.nan, 2, 2, np.nan], "after": [False, False, True, True] * 3,
    })  # fmt: skip
    assert "<svg" in KINDS["trends"](long, wording, "raw_means")


@pytest.mark.parametrize("breakdown", [0.0, 0.4, 1.9, 7.0, np.inf, np.nan])
def test_sensitivity_curve_marks_the_breakdown_value_within_reach(wording, breakdown):
    bound = np.array([0.0, 0.5, 1.0, 2.0])
    table = pd.DataFrame({
        "bound": bound, "ci_lower": 0.2 - bound / 2, "ci_upper": 0.4 + bound / 2, "set_lower": 0.3 - bound / 3,
        "set_upper": 0.3 + bound / 3, "distinguishable": bound < 0.4,
    })  # fmt: skip
    plain = KINDS["sensitivity_curve"](table, wording, "honest")
    marked = KINDS["sensitivity_curve"](table, wording, "honest", breakdown=breakdown)
    assert (marked != plain) == (0 < breakdown <= 2)


def test_densities(wording):
    x = np.linspace(-1, 1, 50)
    table = pd.DataFrame({"effect": x, "prior": np.exp(-(x**2)), "posterior": 5 * np.exp(-((x - 0.2) ** 2) / 0.01)})
    assert "<svg" in KINDS["densities"](table, wording, "densities")


def test_figures_in_units_of_the_outcome():
    wording = of_study("did", "en", decimals=0)
    assert wording.number(-11863.9, "+scale") == "−11,864"
    assert wording.number(-11863.9, "scale", 1) == "−11,863.9"
    assert wording.interval(-1.26, 2.0, "+scale", 1) == "[−1.3, +2.0]"
    assert Wording("en", {}, decimals=4).number(-0.005177, "scale") == "−0.0052"
    assert wording.number(float("inf"), ".2f") == "∞"
