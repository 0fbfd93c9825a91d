"""Forecasts that know which day it will be."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import special

from xmresearch.errors import DataError
from xmresearch.monitoring.calendar_forecasts import calendar_forecast
from xmresearch.monitoring.calendars import day_kinds
from xmresearch.monitoring.forecasts import forecast

WEEK = np.array([0.3, 0.1, 0.0, -0.1, -0.2, -0.3, 0.2])


def service(rng, first, days):
    when = [first + timedelta(days=k) for k in range(days)]
    free = (day_kinds(when).tidy()["kind"] == "holiday").to_numpy()
    truth = special.expit(1.0 + WEEK[[d.weekday() for d in when]] - 1.2 * free)
    n = rng.integers(200, 400, days)
    return when, n, rng.binomial(n, truth), truth, free


def test_a_holiday_to_come_is_foreseen():
    """From September 2023 to the eve of the Spring Festival of 2024, then eight days off."""
    rng = np.random.default_rng(1)
    when, n, y, truth, free = service(rng, date(2023, 9, 1), 172)
    known = when.index(date(2024, 2, 10))
    found = calendar_forecast(when[:known], y[:known], n[:known], kpi="share", horizon=10, model="smoothing")
    table = found.tidy()
    assert table["period"].tolist() == when[known:]
    assert free[known : known + 8].all()
    np.testing.assert_allclose(table["forecast"], truth[known:], atol=0.06)
    assert ((table["lower95"] <= truth[known:]) & (truth[known:] <= table["upper95"])).mean() > 0.8
    blind = forecast(y[:known], n=n[:known], horizon=10, cycle=7, model="smoothing").tidy()
    assert (
        np.abs(blind["forecast"] - truth[known:])[:8].mean() > 4 * np.abs(table["forecast"] - truth[known:])[:8].mean()
    )
    # the middle of each day to come is as likely passed as not
    for step in (0, 9):
        assert found.chance_above(table["forecast"][step])["chance"][step] == pytest.approx(0.5)


def test_days_left_out_and_other_kpis_are_foretold():
    rng = np.random.default_rng(2)
    when, n, _, _, _ = service(rng, date(2024, 3, 1), 90)
    kept = [k for k in range(90) if k % 11]
    mean = 7 + WEEK[[d.weekday() for d in when]]
    for kpi, total in (
        ("mean", n * (mean + rng.standard_normal(90) * 0.1)),
        ("rate", rng.poisson(n * np.exp(mean - 7))),
    ):
        found = calendar_forecast(
            [when[k] for k in kept],
            np.asarray(total)[kept],
            n[kept],
            kpi=kpi,
            horizon=7,
            terms=["weekday"],
            model="smoothing",
        )
        shown = found.tidy()["forecast"].to_numpy()
        days = [d.weekday() for d in found.tidy()["period"]]
        np.testing.assert_allclose((np.log(shown) if kpi == "rate" else shown - 7) - WEEK[days], 0, atol=0.15)
        assert "filled" in found.warnings[0]


def test_months_follow_each_other_and_wrong_figures_are_refused():
    rng = np.random.default_rng(3)
    months = [f"{2020 + k // 12}-{k % 12 + 1:02d}" for k in range(36)]
    wave = 7 + np.sin(2 * np.pi * np.arange(39) / 12)
    found = calendar_forecast(
        months, 100 * (wave[:36] + rng.standard_normal(36) * 0.05), [100] * 36, kpi="mean", horizon=3, model="smoothing"
    )
    assert found.tidy()["period"].tolist() == [date(2023, k, 1) for k in (1, 2, 3)]
    np.testing.assert_allclose(found.tidy()["forecast"], wave[36:], atol=0.2)
    with pytest.raises(DataError):
        calendar_forecast(months, [1], [100] * 36, kpi="mean", horizon=3)
    with pytest.raises(DataError):
        calendar_forecast(months, [50] * 36, [100] * 36, kpi="share", horizon=0)
