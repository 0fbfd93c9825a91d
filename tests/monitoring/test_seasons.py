"""Seasons against a second method, planted effects, and series as people have them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special, stats
from statsmodels.stats.diagnostic import acorr_ljungbox

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.monitoring.autocorrelation import long_run_covariance, portmanteau
from xmresearch.monitoring.change_points import level_changes
from xmresearch.monitoring.seasons import season

WEEK = np.array([0.3, 0.1, 0.0, -0.1, -0.2, -0.3, 0.2])


def days(n, first=date(2023, 1, 2)):
    return [first + timedelta(days=k) for k in range(n)]


def planted(n, rng, *, phi=0.0, spread=0.0, holiday=0.0):
    when = days(n)
    noise = np.zeros(n)
    shocks = rng.standard_normal(n) * spread * np.sqrt(1 - phi**2)
    noise[0] = rng.standard_normal() * spread
    for k in range(1, n):
        noise[k] = phi * noise[k - 1] + shocks[k]
    size = rng.integers(50, 400, n)
    return when, size, 0.5 + WEEK[[d.weekday() for d in when]] + noise


def dummies(when):
    weekday = np.array([d.weekday() for d in when])
    return np.stack([np.ones(len(when)), *[(weekday == k).astype(float) - (weekday == 6) for k in range(6)]], axis=1)


@pytest.mark.parametrize("kpi", ["share", "rate", "mean"])
def test_a_season_is_the_generalised_linear_model_of_a_second_program(kpi):
    rng = np.random.default_rng(1)
    when, n, eta = planted(150, rng)
    x = dummies(when)
    if kpi == "share":
        y = rng.binomial(n, special.expit(eta))
        fit = sm.GLM(np.stack([y, n - y], axis=1), x, family=sm.families.Binomial()).fit(scale="X2")
    elif kpi == "rate":
        y = rng.poisson(n * np.exp(eta))
        fit = sm.GLM(y, x, family=sm.families.Poisson(), exposure=n).fit(scale="X2")
    else:
        y = n * (eta + rng.standard_normal(150) / np.sqrt(n))
        fit = sm.WLS(y / n, x, weights=n).fit()
    found = season(when, y, n, kpi=kpi, country="", extra="scaled")
    effects = found.tidy()["estimate"].to_numpy()
    np.testing.assert_allclose(effects[:6], fit.params[1:], rtol=1e-7, atol=1e-9)
    assert effects.sum() == pytest.approx(0, abs=1e-12)
    scale = fit.scale
    if kpi == "share":  # of counts, not of shares
        scale = ((y - n * fit.fittedvalues) ** 2 / (n * fit.fittedvalues * (1 - fit.fittedvalues))).sum() / fit.df_resid
    assert found.dispersion == pytest.approx(scale, rel=1e-7)
    if kpi == "mean":
        hac = sm.WLS(y / n, x, weights=n).fit(cov_type="HAC", cov_kwds={"maxlags": 5})
        scores = hac.model.wexog * hac.wresid[:, None]
        ours = long_run_covariance(scores, np.arange(150), width=5.0)
        bread = np.linalg.inv(hac.model.wexog.T @ hac.model.wexog)
        np.testing.assert_allclose(bread @ ours @ bread, hac.cov_params(), rtol=1e-8)


def test_the_test_of_independence_is_ljung_and_box():
    z = np.random.default_rng(2).standard_normal(200).cumsum() * 0.1
    z -= z.mean()
    table, p = portmanteau(z, np.arange(200), 10, used=0)
    theirs = acorr_ljungbox(z, lags=[10])
    assert p == pytest.approx(float(theirs["lb_pvalue"].iloc[0]), rel=1e-9, abs=1e-300)
    np.testing.assert_allclose(table["r"], sm.tsa.acf(z, nlags=10)[1:], rtol=1e-10)


def test_intervals_of_weekdays_cover_under_autocorrelation():
    """300 series of 364 days, shares over-dispersed with correlation .5: seven effects each cover in about 95 %."""
    rng, truth = np.random.default_rng(20261), WEEK - WEEK.mean()
    inside, adjusted = [], []
    for _ in range(300):
        when, n, eta = planted(364, rng, phi=0.5, spread=0.15)
        found = season(when, rng.binomial(n, special.expit(eta)), n, kpi="share", country="")
        table = found.tidy()
        inside.append((table["lower"] <= truth) & (truth <= table["upper"]))
        adjusted.append(found.summary()["p_weekday"] < 0.05)
    inside = np.array(inside)
    # effects of a series hang together: the exact interval is that of one effect's 300 series, Holm over seven
    for covered in inside.sum(axis=0):
        assert stats.binomtest(int(covered), 300, 0.95).pvalue > 0.05 / 7
    assert all(adjusted)


def test_periods_that_differ_have_a_variance_of_their_own():
    """Days differ by .3 in log odds, whatever their size: large ones are not as sure as their counts."""
    rng = np.random.default_rng(8)
    when, n, eta = planted(700, rng, spread=0.3)
    n = np.where(rng.random(700) < 0.5, 20, 2000)
    y = rng.binomial(n, special.expit(eta))
    added, scaled = (season(when, y, n, kpi="share", country="", extra=e) for e in ("added", "scaled"))
    assert added.between == pytest.approx(0.3, abs=0.04)
    assert (scaled.between, added.dispersion) == (0, scaled.dispersion)
    for found, apart in ((added, False), (scaled, True)):
        z = found.periods["z"]
        assert (z[n == 2000].std() / z[n == 20].std() > 2) == apart
    # half of the days decide the scaled fit, and it takes them to be surer than they are
    assert added.tidy()["se"].sum() > 1.1 * scaled.tidy()["se"].sum()


@pytest.mark.parametrize(("phi", "spread"), [(0.0, 0.0), (0.5, 0.3), (-0.3, 0.3)])
def test_without_a_season_the_test_keeps_its_level(phi, spread):
    """300 series of 120 days of uneven size, with days that differ and resemble, or do not, the day before."""
    rng, hits = np.random.default_rng(20262), 0
    for _ in range(300):
        when, n, eta = planted(120, rng, phi=phi, spread=spread)
        noise = eta - 0.5 - WEEK[[d.weekday() for d in when]]
        found = season(when, rng.binomial(n, special.expit(1 + noise)), n, kpi="share", country="")
        hits += found.summary()["p_weekday"] < 0.05
    assert stats.binomtest(hits, 300, 0.05).pvalue > 0.01 / 3


def test_holidays_phases_and_a_baseline_are_told_apart():
    rng = np.random.default_rng(3)
    when = days(730)
    from xmresearch.monitoring.calendars import day_kinds

    kind = day_kinds(when).tidy()["kind"]
    shift = np.arange(730) >= 500
    eta = 0.5 + WEEK[[d.weekday() for d in when]] - 0.6 * (kind == "holiday") + 0.4 * (kind == "make_up") + 0.5 * shift
    n = rng.integers(200, 500, 730)
    y = rng.binomial(n, special.expit(eta))
    found = season(when, y, n, kpi="share", phases=np.where(shift, "after", "before"))
    effect = found.tidy().set_index(["term", "level"])
    for at, truth in {("holiday", "holiday"): -0.6, ("holiday", "make_up"): 0.4, ("phase", "after"): 0.5}.items():
        assert abs(effect.loc[at, "estimate"] - truth) < 4 * effect.loc[at, "se"] < 0.4
    assert effect.loc[("month", "1"), "lower"] < 0 < effect.loc[("month", "1"), "upper"]
    # judged by its first 490 days alone, the shift of day 500 stands out in what is left
    past = season(when, y, n, kpi="share", baseline=np.arange(730) < 490)
    z = past.periods["z"].to_numpy()
    assert abs(z[:490].mean()) < 0.2
    assert z[500:].mean() > 2
    # and the adjusted series keeps its deviations but has no weekdays
    adjusted = past.periods["adjusted"].to_numpy()[:490]
    by_day = pd.Series(adjusted).groupby([d.weekday() for d in when[:490]]).mean()
    raw = past.periods["observed"][:490].groupby([d.weekday() for d in when[:490]]).mean()
    assert np.ptp(by_day) < 0.15 * np.ptp(raw)


def test_a_change_is_dated_in_what_is_left_without_the_season():
    rng = np.random.default_rng(9)
    when, n, eta = planted(210, rng, phi=0.3, spread=0.1)
    shift = 0.5 * (np.arange(210) >= 150)
    n[20] = 0
    y = rng.binomial(n, special.expit(eta + shift))
    left = season(when, y, n, kpi="share", country="").periods
    found = level_changes(left["adjusted"], periods=left["period"], weights=left["weight"])
    row = found.tidy().iloc[0]
    assert len(found.tidy()) == 1
    assert row["start_lower"] <= when[150] <= row["start_upper"]
    assert (row["start_upper"] - row["start_lower"]).days < 15
    assert found.claim("level").verdict == "above"


def test_a_mean_with_spreads_has_a_dispersion_against_its_answers():
    rng = np.random.default_rng(4)
    when, n = days(300), rng.integers(20, 60, 300)
    answers = [rng.normal(7, 2, k) for k in n]
    total, squares = np.array([a.sum() for a in answers]), np.array([(a**2).sum() for a in answers])
    found = season(when, total, n, kpi="mean", squares=squares, country="")
    assert found.dispersion == pytest.approx(1, abs=0.25)
    assert season(when, total, n, kpi="mean", country="").dispersion == pytest.approx(4, rel=0.25)


def test_months_quarters_and_weeks_have_their_season():
    rng = np.random.default_rng(5)
    months = [f"{2020 + k // 12}-{k % 12 + 1:02d}" for k in range(60)]
    wave = 0.2 * np.sin(2 * np.pi * np.arange(60) / 12)
    y = rng.poisson(1000 * np.exp(wave))
    found = season(months, y, np.ones(60) * 1000, kpi="rate")
    assert found.tests["term"].tolist() == ["month"]
    np.testing.assert_allclose(found.tidy()["estimate"], wave[:12], atol=0.06)
    quarters = [f"{2018 + k // 4}-Q{k % 4 + 1}" for k in range(24)]
    assert season(quarters, rng.poisson(500, 24), np.full(24, 500.0), kpi="rate").tidy()["level"].tolist() == list(
        "1234"
    )
    weeks = [f"2024-W{k:02d}" for k in range(1, 53)]
    assert season(weeks, rng.poisson(500, 52), np.full(52, 500.0), kpi="rate").tests["term"].tolist() == ["holiday"]


def test_gaps_empty_days_and_zeros_are_borne():
    rng = np.random.default_rng(6)
    when = [d for d in days(200) if d.day != 13]
    n = rng.integers(0, 3, len(when)) * rng.integers(0, 20, len(when))
    y = rng.binomial(n, 0.02)
    found = season(when, y, n, kpi="share", country="")
    empty = n == 0
    assert found.periods.loc[empty, ["observed", "z", "adjusted"]].isna().all(axis=None)
    assert found.periods.loc[~empty, ["z", "adjusted"]].notna().all(axis=None)
    gaps = [k for k in range(1, len(when)) if (when[k] - when[k - 1]).days > 1]
    assert found.periods["innovation"].iloc[gaps].isna().all()
    # a weekday that never had such an answer: said, and not endless
    monday = np.array([d.weekday() == 0 for d in when])
    odd = season(
        when, np.where(monday, 0, rng.binomial(40, 0.3, len(when))), np.full(len(when), 40), kpi="share", country=""
    )
    assert "never" in odd.warnings[0]
    assert np.isfinite(odd.periods["z"]).all()


def test_wrong_series_are_refused():
    when = days(30)
    n = np.full(30, 10.0)
    for given, error in (
        ((when[::-1], n / 2, n), DataError), ((when, n * 2, n), DataError), ((when[:2], n[:2] / 2, n[:2]), InsufficientData),
        ((when, n / 2, -n), DataError), ((["x"] * 30, n / 2, n), DataError), ((when, n / 2, n), InsufficientData),
    ):  # fmt: skip
        with pytest.raises(error):
            season(*given, kpi="share", country="")
    for y, options in ((n * 0, {}), (n, {}), (n / 2, {"baseline": np.zeros(30)}), (n * 0.7, {})):
        with pytest.raises(InsufficientData):
            season(when, y, n, kpi="share", **options)
    for nothing in ([], when):
        with pytest.raises(InsufficientData, match="No period"):
            season(nothing, np.zeros(len(nothing)), np.zeros(len(nothing)), kpi="share")
    with pytest.raises(DataError, match="weekday"):
        season(["2024-01", "2024-02", "2024-03"], [1, 2, 3], [9, 9, 9], kpi="share", terms=["weekday"])
    mondays = [d for d in days(300) if d.weekday() == 0]
    with pytest.raises((ModelError, InsufficientData)):
        season(
            mondays,
            np.full(len(mondays), 3),
            np.full(len(mondays), 9),
            kpi="share",
            trend=True,
            phases=range(len(mondays)),
        )
