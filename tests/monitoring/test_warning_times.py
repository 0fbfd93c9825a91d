"""Warnings counted by hand, by chance, and with a planted lead."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.warning_times import early_warning, innovations, lead_correlations


def test_warnings_are_those_counted_by_hand():
    found = early_warning([5, 8, 30, 95], [10, 33, 60, 30], periods=100, longest=6)
    table = found.tidy().set_index("outcome")
    # the first of two warnings counts; an alarm in the same period is none, the last cannot be followed to the end
    assert table["warned"].to_dict() == {10: 5, 30: -1, 33: 30, 60: -1}
    assert table["lead"].dropna().tolist() == [5, 3]
    assert (found.hits, found.lead, found.outcomes) == (0.5, 4.0, 4)
    assert (found.warnings_given, found.false_alarms) == (3, 0.0)
    assert np.isnan(found.lead_lower)
    early = early_warning([9], [50], periods=100, longest=6)
    assert (early.hits, early.false_alarms) == (0, 1)
    none = early_warning([], [50], periods=100, longest=6)
    assert (none.hits, none.p, none.by_chance) == (0, 1, 0)
    assert np.isnan(none.false_alarms)


def test_chance_is_what_every_place_of_the_pattern_would_do():
    first, then = np.array([3, 20, 21, 70]), np.array([5, 26, 71, 90])
    found = early_warning(first, then, periods=100, longest=4)
    counts = [sum(any(1 <= (t - s - k) % 100 <= 4 for s in first) for t in then) for k in range(100)]
    others = counts[5:96]
    assert found.by_chance == pytest.approx(np.mean(others) / 4)
    assert found.p == pytest.approx((1 + sum(c >= counts[0] for c in others)) / 92)


def test_warnings_beyond_chance_are_claimed_at_most_as_often_as_promised():
    """1 000 histories of 300 periods with 12 and 8 alarms that have nothing to do with each other."""
    rng, hits = np.random.default_rng(20273), 0
    for _ in range(1000):
        found = early_warning(rng.choice(300, 12, False), rng.choice(300, 8, False), periods=300, longest=7)
        hits += found.p <= 0.05
    assert stats.binomtest(hits, 1000, 0.05, alternative="greater").pvalue > 0.01


def test_a_planted_lead_is_found_with_its_interval():
    rng, covered = np.random.default_rng(20274), 0
    for _ in range(200):
        then = 15 + rng.integers(20, 60, 14).cumsum()
        lead = rng.integers(3, 8, 14)
        found = early_warning(np.concatenate([then - lead, rng.choice(900, 6, False)]), then, periods=900, longest=10)
        assert found.p < 0.01
        covered += found.lead_lower <= 5 <= found.lead_upper
    assert stats.binomtest(covered, 200, 0.95, alternative="less").pvalue > 0.01
    assert found.hits == 1


def test_correlations_with_a_lead_are_not_those_of_two_memories():
    rng, false, naive = np.random.default_rng(20275), 0, 0
    for _ in range(300):
        both = np.zeros((2, 150))
        shocks = rng.standard_normal((2, 150))
        for k in range(1, 150):
            both[:, k] = 0.8 * both[:, k - 1] + shocks[:, k]
        false += (lead_correlations(*both, longest=6)["p_adjusted"] < 0.05).any()
        naive += stats.pearsonr(*both).pvalue < 0.05
    assert stats.binomtest(false, 300, 0.05, alternative="greater").pvalue > 0.01
    assert naive > 60
    later = np.concatenate([np.zeros(3), both[0, :-3]]) + 0.3 * rng.standard_normal(150)
    table = lead_correlations(both[0], later, longest=6).set_index("lead")
    assert table["p_adjusted"].idxmin() == 3
    assert table.loc[3, "p_adjusted"] < 1e-6
    assert table.loc[0, "p_adjusted"] > 0.05


def test_innovations_are_those_of_the_order_that_is_there():
    rng = np.random.default_rng(6)
    shocks, y = rng.standard_normal(400), np.zeros(400)
    for k in range(2, 400):
        y[k] = 0.5 * y[k - 1] - 0.6 * y[k - 2] + shocks[k]
    y[200] = np.nan
    found = innovations(y)
    there = np.isfinite(found)
    assert np.corrcoef(found[there], shocks[there])[0, 1] > 0.99
    assert np.isnan(found[[0, 1, 200, 201, 202]]).all()
    assert np.isfinite(found[203])


def test_histories_without_warnings_to_measure_are_refused():
    with pytest.raises(InsufficientData):
        early_warning([1], [], periods=100, longest=5)
    for given in (([1], [100], 100, 5), ([-1], [5], 100, 5), ([1], [5], 100, 0), ([1], [5], 100, 50)):
        with pytest.raises(DataError):
            early_warning(given[0], given[1], periods=given[2], longest=given[3])
    with pytest.raises(DataError):
        lead_correlations(np.ones(9), np.ones(8), longest=1)
    with pytest.raises(InsufficientData):
        lead_correlations(np.arange(20.0), np.arange(20.0), longest=1)
    with pytest.raises(InsufficientData, match="vary"):
        lead_correlations(np.zeros(60), np.random.default_rng(7).random(60), longest=1)
