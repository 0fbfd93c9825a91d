"""Run lengths: published ones, and a simulation beside the Markov chain."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError
from xmresearch.monitoring.cumulated_charts import cusum_chart, ewma_chart
from xmresearch.monitoring.cumulated_run_lengths import cusum_limit, cusum_run_length, ewma_limit, ewma_run_length
from xmresearch.monitoring.run_lengths import average_run_length, simulated_run_length
from xmresearch.monitoring.run_rules import RunRules

SHIFTS = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
# Champ & Woodall (1987), table 1
PUBLISHED = {
    RunRules(3): [370.40, 308.43, 200.08, 119.67, 71.55, 43.89],
    RunRules(3, 2): [225.44, 177.56, 104.46, 57.92, 33.12, 20.01],
    RunRules(3, None, 1): [166.05, 120.70, 63.88, 33.99, 19.78, 12.66],
    RunRules(3, None, None, 8): [152.73, 110.52, 59.76, 33.64, 21.07, 14.58],
    RunRules(3, 2, 1, 8): [91.75, 66.80, 36.61, 20.90, 13.25, 9.22],
}


@pytest.mark.parametrize("rules", PUBLISHED, ids=str)
def test_run_lengths_of_rules_are_those_of_champ_and_woodall(rules):
    np.testing.assert_allclose(average_run_length(rules, shift=SHIFTS), PUBLISHED[rules], atol=0.006)


def test_runs_alone_have_the_run_length_of_coins():
    """Of runs of heads or tails: 2 ** (length - 1) ... 2 ** length - 1 tosses (Feller, 1968, XIII.7)."""
    for run in (5, 8, 9):
        np.testing.assert_allclose(average_run_length(RunRules(None, run=run)), 2**run - 1)


@pytest.mark.parametrize(("rules", "shift"), [(RunRules(2.5, 1.6, 1.1, 7), 0.0), (RunRules(3, 2), 0.7)])
def test_the_chain_agrees_with_simulation(rules, shift):
    found, se = simulated_run_length(rules, shift=shift, expected=40, series=3000)
    assert abs(found - average_run_length(rules, shift=shift)) < 3.5 * se


def test_a_trend_has_a_simulated_run_length_alone():
    with pytest.raises(DataError, match="trend"):
        average_run_length(RunRules(trend=6))
    found, se = simulated_run_length(RunRules(None, trend=3), expected=8, series=4000)
    # up-down runs of three distinct values: first of three rising or falling; E = sum of P(T > t), alternating permutations E_n / n!
    zigzag = [1, 1, 1, 2, 5, 16, 61, 272, 1385, 7936, 50521, 353792, 2702765]
    factorial = np.cumprod([1, *range(1, 13)], dtype=float)
    chance = [1.0, 1.0, *(2 * z / f for z, f in zip(zigzag[2:], factorial[2:], strict=True))]
    want = sum(chance) + chance[-1] * (2 / np.pi) / (1 - 2 / np.pi)
    assert abs(found - want) < 3.5 * se


def test_a_chart_whose_alarm_never_comes_has_no_run_length():
    assert np.isinf(average_run_length(RunRules(3), scale=1e-3))
    assert np.isinf(average_run_length(RunRules(3, 2), scale=1e-3))


def test_run_lengths_of_cusums_are_published_ones():
    """Upper sum, k = .5: h = 4 has 335.37, h = 5 has 930.89; both sides half (Hawkins & Olwell, 1998; R package spc, xcusum.arl)."""
    np.testing.assert_allclose(cusum_run_length(0.5, 4, sides=1), 335.37, atol=0.02)
    np.testing.assert_allclose(cusum_run_length(0.5, 5, sides=1), 930.89, atol=0.02)
    np.testing.assert_allclose(cusum_run_length(0.5, 5), 465.44, atol=0.02)
    np.testing.assert_allclose(cusum_run_length(0.5, 5, shift=1, sides=1), 10.38, atol=0.02)
    np.testing.assert_allclose(cusum_run_length(0.5, cusum_limit(370)), 370, rtol=1e-6)


def test_run_lengths_of_ewmas_are_those_of_lucas_and_saccucci():
    """Lucas & Saccucci (1990), table 3: run length 500."""
    for weight, limit in ((0.1, 2.814), (0.25, 2.998), (0.5, 3.071), (1.0, 3.090)):
        np.testing.assert_allclose(ewma_run_length(weight, limit), 500, rtol=0.005)
        np.testing.assert_allclose(ewma_limit(500, weight=weight), limit, atol=0.002)
    np.testing.assert_allclose(ewma_run_length(0.25, 2.998, shift=1.0), 11.0, atol=0.2)
    np.testing.assert_allclose(ewma_run_length(1.0, 3.0), 370.40, atol=0.01)


def test_ewma_and_cusum_are_those_of_the_reference(reference):
    """reference/monitor/ewma_cusum.csv: mu and sigma from t = 0..19, in units of the series."""
    want = pd.read_csv(reference / "monitor/ewma_cusum.csv")
    told = want["x"].to_numpy()[:20]
    mu, sigma = told.mean(), np.abs(np.diff(told)).mean() / 1.128
    z = (want["x"] - mu) / sigma
    ewma, cusum = ewma_chart(z).tidy(), cusum_chart(z).tidy()
    for name in ("ewma", "lower", "upper"):
        np.testing.assert_allclose(mu + sigma * ewma[name], want[name], rtol=1e-9)
    np.testing.assert_allclose(cusum["high"], want["cusum_high"], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(cusum["low"], want["cusum_low"], rtol=1e-9, atol=1e-10)


def test_periods_without_data_carry_sums_on():
    z = [1.0, np.nan, 2.0]
    assert cusum_chart(z).tidy()["high"].tolist() == [0.5, pytest.approx(np.nan, nan_ok=True), 2.0]
    np.testing.assert_allclose(ewma_chart(z).tidy()["ewma"].dropna(), ewma_chart([1.0, 2.0]).tidy()["ewma"])
    assert not ewma_chart(z).tidy()["signal"].iloc[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: cusum_run_length(-1, 5), lambda: cusum_run_length(0.5, 0), lambda: ewma_run_length(0, 3), lambda: cusum_limit(2),
        lambda: ewma_chart([[1.0]]), lambda: ewma_limit(2),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(make):
    with pytest.raises(DataError):
        make()
