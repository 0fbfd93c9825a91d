"""A CUSUM with a guaranteed run length: it is reached in most baselines, and shifts are found sooner than by single points."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import DataError
from xmresearch.monitoring.baseline_errors import process_of
from xmresearch.monitoring.count_charts import p_chart
from xmresearch.monitoring.cumulated_run_lengths import cusum_limit, cusum_run_length
from xmresearch.monitoring.guaranteed_cusum import cusum_alarms, cusum_rules
from xmresearch.monitoring.individuals_chart import xmr_chart
from xmresearch.monitoring.run_length_limits import alarm_rules, false_alarm_chance


def test_a_known_process_has_the_plain_limit():
    rules = cusum_rules(xmr_chart([0.0, 1.0, 2.0], centre=0.0, sigma=1.0), run_length=370)
    assert rules.guarantee is None
    assert rules.limit == pytest.approx(cusum_limit(370))
    assert rules.expected == rules.guaranteed == 370


def test_the_run_length_is_reached_in_nine_baselines_of_ten():
    """200 baselines of 60 values: the run length each chart truly has, by the integral equation."""
    rng = np.random.default_rng(3)
    chart = xmr_chart(rng.normal(size=60))
    rules = cusum_rules(chart, run_length=200, draws=400, shifts=())
    charts = [xmr_chart(rng.normal(size=60)).tidy().iloc[0] for _ in range(200)]
    had = [cusum_run_length(0.5, rules.limit, shift=-c["centre"] / c["sigma"], scale=1 / c["sigma"]) for c in charts]
    assert stats.binomtest(int(np.sum(np.array(had) >= 200)), 200, 0.9).pvalue > 0.01
    plain = [
        cusum_run_length(0.5, cusum_limit(200), shift=-c["centre"] / c["sigma"], scale=1 / c["sigma"]) for c in charts
    ]
    assert np.mean(np.array(plain) >= 200) < 0.6


def test_small_shifts_are_found_sooner_than_by_single_points():
    chart = xmr_chart(np.random.default_rng(4).normal(size=100))
    sums, points = cusum_rules(chart, run_length=200), alarm_rules(chart, run_length=200)
    one = sums.delays.set_index("shift").loc[1.0]
    assert one["delay"] < 0.6 * points.delays.set_index("shift").loc[1.0, "delay"]
    assert one["optimum"] == pytest.approx(one["delay"])
    process = process_of(chart, draws=200)
    assert 0 < false_alarm_chance(sums, process, 20) < false_alarm_chance(sums, process, 200) < 1


def test_sums_of_counts_begin_anew_after_an_alarm():
    rng = np.random.default_rng(5)
    n = np.full(120, 50)
    x = np.concatenate([rng.binomial(50, 0.2, 80), rng.binomial(50, 0.45, 40)])
    chart = p_chart(x, n, baseline=np.arange(120) < 80)
    table = cusum_alarms(chart, cusum_rules(chart, run_length=200, draws=100, shifts=()))
    first = int(np.flatnonzero(table["alarm"])[0])
    assert 80 <= first < 90
    assert table["high"].iloc[first + 1] < table["high"].iloc[first]
    assert table["upper"].isna().all()


def test_baselines_that_leave_the_centre_open_are_refused():
    chart = xmr_chart(np.random.default_rng(6).normal(size=5))
    with pytest.raises(DataError, match="longer baseline"):
        cusum_rules(chart, run_length=10_000)
    with pytest.raises(DataError, match="guarantee"):
        cusum_rules(chart, guarantee=0.2)
