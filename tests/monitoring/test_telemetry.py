"""Telemetry and what people feel: by definition, against second methods, and with planted truth."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special, stats
from sklearn.isotonic import IsotonicRegression

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.apdex_scores import apdex
from xmresearch.monitoring.dose_responses import dose_response, natural_spline
from xmresearch.monitoring.satisfaction_links import satisfaction_link


def test_apdex_is_that_of_its_specification():
    """60 satisfied, 30 tolerating, 10 frustrated of 100 are .75."""
    times = np.concatenate([np.full(60, 3.0), np.full(30, 12.0), np.full(10, 12.1)])
    found = apdex(times, 3.0)
    assert (found.score, found.satisfied, found.tolerating, found.frustrated) == (0.75, 60, 30, 10)
    failed = np.arange(100) < 10
    assert apdex(times, 3.0, failed=failed).score == 0.65
    assert apdex([np.nan, 1.0, np.nan], 3.0, failed=[True, False, False]).score == 0.5
    whole = apdex(np.ones(30), 3.0)
    assert (whole.score, whole.upper) == (1, 1)
    assert 0.85 < whole.lower < 0.95


@pytest.mark.parametrize(("n", "kinds"), [(40, (0.7, 0.2, 0.1)), (200, (0.9, 0.08, 0.02)), (30, (0.5, 0.4, 0.1))])
def test_intervals_of_apdex_cover(n, kinds):
    rng, hits = np.random.default_rng(20270), 0
    truth = kinds[0] + kinds[1] / 2
    for counts in rng.multinomial(n, kinds, 1000):
        found = apdex(np.repeat([1.0, 5.0, 50.0], counts), 3.0)
        hits += found.lower <= truth <= found.upper
    low, high = stats.binomtest(int(hits), 1000).proportion_ci(1 - 0.05 / 3)
    assert low <= 0.97
    assert high >= 0.93


def test_requests_of_one_visitor_are_not_as_many_answers():
    rng = np.random.default_rng(1)
    slow = rng.random(50) < 0.3
    times = np.repeat(np.where(slow, 9.0, 1.0), 20)
    alone, by = apdex(times, 3.0), apdex(times, 3.0, visitors=np.repeat(np.arange(50), 20))
    assert (by.upper - by.lower) > 3 * (alone.upper - alone.lower)
    one = apdex(np.repeat(np.where(slow, 9.0, 1.0), 1), 3.0)
    assert (by.lower, by.upper) == pytest.approx((one.lower, one.upper))


def visits(rng, n=4000):
    t = np.exp(rng.normal(0.5, 0.7, n))
    return t, special.expit(-2.5 + 1.2 * np.maximum(np.log(t) - 0.3, 0))


def test_a_dose_response_is_the_logistic_spline_of_a_second_program():
    rng = np.random.default_rng(2)
    t, p = visits(rng)
    y = rng.binomial(1, p)
    found = dose_response(t, y)
    fit = sm.GLM(y, natural_spline(np.log(t), found.knots), family=sm.families.Binomial()).fit()
    np.testing.assert_allclose(found.coefficients, fit.params, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, fit.cov_params(), rtol=1e-5)
    # straight beyond the outer knots
    ends = natural_spline(np.array([3.0, 3.5, 4.0]), found.knots)
    np.testing.assert_allclose(ends[2] - ends[1], ends[1] - ends[0], rtol=1e-9)
    assert found.p < 1e-10
    # a monotone fit without shape runs along it
    order = IsotonicRegression(out_of_bounds="clip").fit(np.log(t), y).predict(np.log(found.table["dose"]))
    assert np.abs(order - found.table["share"]).mean() < 0.03


def test_differences_between_load_times_cover_and_rows_may_be_counts():
    """300 logs of 2 000 visits: what two seconds more do is covered in about 95 %."""
    rng, hits = np.random.default_rng(20271), 0
    edge = np.linspace(-1.2, 2.2, 60)
    t = np.exp(edge)
    p = special.expit(-2.5 + 0.9 * edge)
    truth = special.expit(-2.5 + 0.9 * np.log(3)) - special.expit(-2.5)
    for _ in range(300):
        n = rng.multinomial(2000, stats.norm.pdf(edge, 0.5, 0.7) / stats.norm.pdf(edge, 0.5, 0.7).sum())
        found = dose_response(t, rng.binomial(n, p), n=n).difference(1.0, 3.0)
        hits += found["lower"] <= truth <= found["upper"]
    assert stats.binomtest(int(hits), 300, 0.95).pvalue > 0.01
    y = rng.binomial(n, p)
    rows = dose_response(np.repeat(t, n), np.concatenate([np.arange(k) < hit for k, hit in zip(n, y, strict=True)]))
    np.testing.assert_allclose(
        rows.table, dose_response(t, y, n=n).table.assign(lower=rows.table["lower"], upper=rows.table["upper"])
    )
    with pytest.raises(DataError, match="outside"):
        rows.difference(1.0, 300.0)


def test_without_an_effect_the_test_of_one_keeps_its_level():
    rng, hits = np.random.default_rng(20272), 0
    for _ in range(400):
        t, _ = visits(rng, 800)
        hits += dose_response(t, rng.binomial(1, 0.2, 800)).p < 0.05
    assert stats.binomtest(hits, 400, 0.05).pvalue > 0.01


def test_visits_of_one_visitor_are_not_as_many():
    rng = np.random.default_rng(3)
    t, p = visits(rng, 600)
    y = rng.binomial(1, p)
    once, ten = dose_response(t, y), dose_response(np.tile(t, 10), np.tile(y, 10), visitors=np.tile(np.arange(600), 10))
    np.testing.assert_allclose(np.diag(ten.covariance), np.diag(once.covariance), rtol=0.5)
    lumps = dose_response(t, y * 10, n=np.full(600, 10))
    assert np.diag(lumps.covariance).sum() > 5 * np.diag(dose_response(np.tile(t, 10), np.tile(y, 10)).covariance).sum()


def test_a_link_finds_what_was_planted_and_says_what_it_foretells():
    rng = np.random.default_rng(4)
    n = 3000
    frame = pd.DataFrame(
        {"load_time": rng.exponential(2, n), "errors": rng.poisson(0.3, n), "crashes": rng.binomial(1, 0.05, n)}
    )
    drawn = 8 - 1.0 * np.log1p(frame["load_time"]) - 2.0 * np.log1p(frame["crashes"])
    y = drawn + rng.standard_normal(n)
    found = satisfaction_link(frame, y)
    table = found.tidy().set_index("measure")
    assert table.loc["load_time", "lower"] < -1 < table.loc["load_time", "upper"] < 0
    assert table.loc["crashes", "lower"] < -2 < table.loc["crashes", "upper"] < 0
    assert table.loc["errors", "lower"] < 0 < table.loc["errors", "upper"]
    assert table.loc["load_time", "per_doubling"] == pytest.approx(-np.log(2), abs=0.06)
    assert found.explained == pytest.approx(drawn.var() / y.var(), abs=0.04)
    assert satisfaction_link(frame, rng.permutation(y)).explained < 0.01
    # the same answers five times over, each by the same person, are no more than once
    by = satisfaction_link(pd.concat([frame] * 5), np.tile(y, 5), people=np.tile(np.arange(n), 5))
    np.testing.assert_allclose(by.tidy()["se"], found.tidy()["se"], rtol=1e-3)
    assert by.explained == pytest.approx(found.explained, abs=0.02)
    expected = found.score(pd.DataFrame({"load_time": [0.0, 10.0], "errors": 0, "crashes": 0}))
    assert expected["expected"].iloc[0] == pytest.approx(8, abs=0.2)
    assert (expected["lower"] < expected["expected"]).all()
    happy = satisfaction_link(frame, (y > 7).astype(int), kpi="share")
    assert happy.score(frame)["expected"].between(0, 1).all()
    assert happy.score(frame)["expected"].mean() == pytest.approx((y > 7).mean(), rel=1e-6)


def test_telemetry_that_says_nothing_is_refused():
    t = np.exp(np.random.default_rng(5).normal(size=200))
    for call, error in (
        (lambda: apdex([-1.0], 3.0), DataError), (lambda: apdex([1.0], 0.0), DataError), (lambda: apdex([], 3.0), InsufficientData),
        (lambda: dose_response(t, np.zeros(200)), InsufficientData), (lambda: dose_response(t - 9, t > 1), DataError),
        (lambda: dose_response(np.ones(200), np.arange(200) % 2), InsufficientData), (lambda: dose_response(t, t * 99), DataError),
        (lambda: satisfaction_link(pd.DataFrame({"a": -t}), t), DataError),
        (lambda: satisfaction_link(pd.DataFrame({"a": t}), t, kpi="share"), DataError),
        (lambda: satisfaction_link(pd.DataFrame({"a": t[:9]}), t[:9]), InsufficientData),
        (lambda: satisfaction_link(pd.DataFrame({"a": t}), t * np.nan), DataError),
    ):  # fmt: skip
        with pytest.raises(error):
            call()
