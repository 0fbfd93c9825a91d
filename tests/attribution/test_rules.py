"""Rules of thumb and Shapley values against sums by hand and brute force."""

import itertools
import math
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from xmresearch.attribution.comparison import side_by_side
from xmresearch.attribution.markov_removal import markov
from xmresearch.attribution.rules_of_thumb import RULES, heuristics
from xmresearch.attribution.shapley_values import shapley, subset_shapley
from xmresearch.errors import InsufficientData, ParamsError
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import transitions

PATHS = pd.DataFrame(
    {"path": ["a > b > c > a", "b", "c > d", "d > a"], "conversions": [10, 2, 4, 0], "nulls": [1, 5, 2, 9]}
)


@pytest.fixture(scope="module")
def few():
    return read_paths(PATHS.assign(value=[100.0, 2, 40, 0]), nulls="nulls", value="value")


def test_every_rule_by_hand(few):
    table = heuristics(few, direct="d", half_life=1).conversions.set_index("channel")
    assert table["first"].to_dict() == {"a": 10, "b": 2, "c": 4, "d": 0}
    assert table["last"].to_dict() == {"a": 10, "b": 2, "c": 0, "d": 4}
    assert table["last_non_direct"].to_dict() == {"a": 10, "b": 2, "c": 4, "d": 0}
    assert table["linear"].to_dict() == {"a": 5, "b": 4.5, "c": 4.5, "d": 2}
    assert table["position"].round(12).to_dict() == {"a": 8, "b": 3, "c": 3, "d": 2}
    decay = {"a": 10 * (1 + 1 / 8) / 1.875, "b": 2 + 10 * 0.25 / 1.875, "c": 10 * 0.5 / 1.875 + 4 / 3, "d": 8 / 3}
    assert table["time_decay"].to_dict() == pytest.approx(decay)
    value = heuristics(few).value.set_index("channel")
    assert value["first"].to_dict() == {"a": 100, "b": 2, "c": 40, "d": 0}


def test_all_weight_between_is_shared_where_there_is_no_touch_between(few):
    table = heuristics(few, position=(0, 1, 0)).conversions.set_index("channel")["position"]
    assert table.to_dict() == pytest.approx({"a": 0, "b": 2 + 5, "c": 5 + 2, "d": 2})


def test_time_decay_goes_by_time_where_there_is_one():
    day = datetime(2025, 1, 1)
    rows = [(1, day, "a", 0), (1, day + timedelta(days=7), "b", 1)]
    log = EventLog(pd.DataFrame(rows, columns=["customer", "time", "touchpoint", "won"]), conversion="won")
    table = heuristics(log).conversions.set_index("channel")["time_decay"]
    assert table.to_dict() == pytest.approx({"a": 1 / 3, "b": 2 / 3})


def test_rules_share_out_everything(demo):
    found = heuristics(demo)
    np.testing.assert_allclose(found.conversions[list(RULES)].sum(), 19_785)
    np.testing.assert_allclose(found.value[list(RULES)].sum(), demo.value.sum())
    assert (found.diagnostics()["status"] == "pass").all()
    assert len(found.tidy()) == 12 * len(RULES)


def rate(paths: pd.DataFrame, allowed: set[str]) -> float:
    inside = [set(p.split(" > ")) <= allowed for p in paths["path"]]
    won, lost = paths.loc[inside, "conversions"].sum(), paths.loc[inside, "nulls"].sum()
    return won / (won + lost) if won + lost else 0.0


def by_permutations(worth, players: list[str]) -> dict[str, float]:
    out = dict.fromkeys(players, 0.0)
    for order in itertools.permutations(players):
        for k, player in enumerate(order):
            out[player] += (worth(set(order[: k + 1])) - worth(set(order[:k]))) / math.factorial(len(players))
    return out


def test_shapley_values_equal_the_mean_over_all_orders(few):
    players = list("abcd")

    def inside(allowed):
        return sum(
            n for p, n in zip(PATHS["path"], PATHS["conversions"], strict=True) if set(p.split(" > ")) <= allowed
        )

    for worth, of in (("conversions", inside), ("rate", lambda allowed: rate(PATHS, allowed))):
        table = shapley(few, worth=worth).table.set_index("channel")
        assert table["shapley"].to_dict() == pytest.approx(by_permutations(of, players))
        assert table["credit"].sum() == pytest.approx(16)


def test_sampled_values_are_within_their_standard_error(demo, monkeypatch):
    exact = shapley(demo, worth="rate")
    assert exact.exact
    monkeypatch.setattr("xmresearch.attribution.shapley_values.EXACT_CHANNELS", 3)
    sampled = shapley(demo, worth="rate", samples=4000, seed=1)
    assert not sampled.exact
    a, b = (r.table.set_index("channel").sort_index() for r in (exact, sampled))
    z = (b["shapley"] - a["shapley"]) / b["se"].where(b["se"] > 0)
    assert z.abs().max() < 4
    assert z.abs().median() > 0.05
    assert b["shapley"].sum() == pytest.approx(a["shapley"].sum())


def test_a_dummy_gets_nothing_and_twins_get_the_same():
    worth = np.array([float((s & 3) == 3) for s in range(8)])
    np.testing.assert_allclose(subset_shapley(worth, 3), [0.5, 0.5, 0])


def test_side_by_side(demo):
    result = markov(transitions(demo, 1), draws=100)
    table = side_by_side(result, heuristics(demo), shapley(demo))
    assert table["channel"].tolist() == result.table["channel"].tolist()
    np.testing.assert_allclose(table[["markov", "shapley", *RULES]].sum(), 1)
    expected = sum(~table[m].between(table["markov_lower"], table["markov_upper"]) for m in ("shapley", *RULES))
    assert table["outside"].tolist() == expected.tolist()
    assert (
        table[list(RULES)].lt(table["markov_lower"], axis=0).any()
        & table[list(RULES)].gt(table["markov_upper"], axis=0).any()
    ).any()


def test_what_cannot_be_asked_is_refused(few):
    with pytest.raises(ParamsError, match="weights by position"):
        heuristics(few, position=(0.5, 0.5, 0.5))
    with pytest.raises(ParamsError, match="'direkt' is no channel"):
        heuristics(few, direct="direkt")
    with pytest.raises(ParamsError, match="no worth 'rates'.*Did you mean 'rate'"):
        shapley(few, worth="rates")
    nothing = few.reweighted(0 * few.conversions, few.weight)
    for method in (heuristics, shapley):
        with pytest.raises(InsufficientData, match="No journey converted"):
            method(nothing)
    counted = transitions(few, 1)
    for method in (heuristics, shapley):
        with pytest.raises(ParamsError, match="Transitions is given where Journeys or EventLog is needed"):
            method(counted)
    wide = read_paths(pd.DataFrame({"path": [f"c{k}" for k in range(63)], "conversions": 1}))
    with pytest.raises(InsufficientData, match="up to 62 channels; here are 63"):
        shapley(wide)


def test_shapley_values_of_a_log_are_those_of_its_journeys(hall_log):
    pd.testing.assert_frame_equal(shapley(hall_log).table, shapley(hall_log.journeys()).table)
