"""Run rules and the runs test: reference/monitor/rules_hits.csv, and patterns made by hand."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError
from xmresearch.monitoring.run_rules import NELSON, RunRules, rule_hits, runs_test

CHARTS = ("p", "np", "u", "c", "x_individuals", "laney_p_prime", "laney_plain_p", "laney_u_prime", "p_phase1_0_19")
RULES = {
    "beyond_limits": ("beyond", 8), "2_of_3_beyond_2s": ("two_of_three", 8), "4_of_5_beyond_1s": ("four_of_five", 8),
    "run_8_one_side": ("run", 8), "run_9_one_side": ("run", 9), "trend_6": ("trend", 8),
}  # fmt: skip


@pytest.fixture(scope="module")
def monitor(reference):
    return reference / "monitor"


@pytest.mark.parametrize("chart", CHARTS)
def test_rules_are_met_where_the_reference_says(monitor, chart):
    """reference/monitor/rules_hits.csv."""
    hits = pd.read_csv(monitor / "rules_hits.csv", keep_default_na=False)
    hits = hits[hits["chart"] == chart].set_index("rule")["points_zero_based"]
    points = pd.read_csv(monitor / f"chart_{chart}.csv")
    z = (points["y"] - points["center"]) / points["sigma"]
    for name, (rule, run) in RULES.items():
        found = rule_hits(z, RunRules(3, 2, 1, run, 6), values=points["y"])[rule]
        assert [str(i) for i in np.flatnonzero(found)] == hits[name].split(), name
    test = runs_test(points["y"], points["center"])
    for name, value in test.summary().items():
        if name not in ("n", "random", "case"):
            key = {"longest_expected": "longest_run_limit", "fewest_expected": "crossings_limit"}.get(name, name)
            assert value == int(hits[key]), name


def test_periods_without_data_are_passed_over_and_phases_begin_anew():
    z = np.full(16, 0.5)
    z[3] = np.nan
    assert np.flatnonzero(rule_hits(z, RunRules(run=8))["run"])[0] == 8
    assert not rule_hits(z, RunRules(run=8))["run"][3]
    phases = ["a"] * 9 + ["b"] * 7
    assert np.flatnonzero(rule_hits(z, RunRules(run=8), phases=phases)["run"]).tolist() == [8]


def test_a_point_on_the_line_ends_a_run_and_the_other_side_does_not_count():
    z = np.array([0.1] * 7 + [0.0] + [0.1] * 7 + [-0.1])
    assert not rule_hits(z, RunRules(run=8))["run"].any()
    z = np.array([2.1, -2.1, 0.0, 2.1, 0.0, 2.1, 0.0])
    assert np.flatnonzero(rule_hits(z, RunRules(two_of_three=2))["two_of_three"]).tolist() == [5]


def test_ties_are_no_trend():
    values = np.array([1.0, 2, 3, 3, 4, 5, 6])
    assert not rule_hits(np.zeros(7), NELSON, values=values)["trend"].any()
    assert rule_hits(np.zeros(6), NELSON, values=np.arange(6.0))["trend"].tolist() == [False] * 5 + [True]


def test_rules_are_scaled_and_their_names_told():
    rules = RunRules(3, 2, None, 9).scaled(1.5)
    assert (rules.beyond, rules.two_of_three, rules.run) == (4.5, 3.0, 9)
    assert rules.chosen == ("beyond", "two_of_three", "run")


@pytest.mark.parametrize("given", [{"beyond": None}, {"beyond": 0.0}, {"run": 1}, {"two_of_three": float("nan")}])
def test_rules_that_mean_nothing_are_refused(given):
    with pytest.raises(DataError):
        RunRules(**given)


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(DataError, match="differ in number"):
        rule_hits([0.0, 1.0], values=[1.0])


def test_a_series_on_its_line_has_no_runs():
    assert runs_test([1.0, 1.0, np.nan], 1.0).summary() == {
        "n": 0, "longest_run": 0, "longest_expected": 0, "crossings": 0, "fewest_expected": 0, "random": True, "case": "ordinary",
    }  # fmt: skip
    assert not runs_test([1.0] * 12 + [-1.0], 0.0).random
