"""Interrupted time series: published figures, planted changes, a second method, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.causal.serial_errors import serial_posterior
from xmresearch.errors import DataError, InsufficientData, ParamsError

COLUMNS = {"ols": "se_ols", "hc1": "se_HC1", 4: "nw_lag4", 12: "nw_lag12"}


@pytest.fixture(scope="module")
def seatbelts(reference):
    return pd.read_csv(reference / "did2/seatbelts_data.csv")


@pytest.fixture(scope="module")
def design(seatbelts):
    turn = 2 * np.pi * seatbelts["time"] / 12
    plain = pd.DataFrame(
        {"(Intercept)": 1.0, "time": seatbelts["time"], "law": seatbelts["law"], "after": seatbelts["after"]}
    )
    return plain.assign(s1=np.sin(turn), c1=np.cos(turn))


def told(errors):
    return (
        {"errors": "newey_west", "lags": errors, "adjusted": False} if isinstance(errors, int) else {"errors": errors}
    )


@pytest.mark.parametrize("errors", COLUMNS)
@pytest.mark.parametrize("model", ["level_slope", "level_slope_harmonic"])
def test_segmented_regression_has_the_figures_of_r(reference, seatbelts, design, model, errors):
    """lm with sandwich 3.0.2 (HC1, NeweyWest without prewhitening) on datasets::Seatbelts, R 4.2.2."""
    wanted = pd.read_csv(reference / "did2/its_seatbelts.csv").query("model == @model").set_index("term")
    found = (
        xm.causal.segmented(design[list(wanted.index)], np.log(seatbelts["drivers"]), **told(errors))
        .tidy()
        .set_index("term")
    )
    np.testing.assert_allclose(found["estimate"], wanted["estimate"], rtol=1e-6)
    np.testing.assert_allclose(found["se"], wanted[COLUMNS[errors]], rtol=1e-6)


def test_the_small_sample_factor_and_durbin_watson_are_those_of_r(reference, seatbelts, design):
    """sandwich's adjust = TRUE; lmtest 0.9.40."""
    wanted = pd.read_csv(reference / "did2/its_seatbelts.csv").query("model == 'level_slope_harmonic'")
    found = xm.causal.segmented(design, np.log(seatbelts["drivers"]), lags=12)
    np.testing.assert_allclose(found.tidy()["se"], wanted["nw_lag12_adjusted"], rtol=1e-6)
    checks = pd.read_csv(reference / "did2/its_seatbelts_diagnostics.csv").set_index("model")
    assert found.durbin_watson == pytest.approx(checks.loc["level_slope_harmonic", "durbin_watson"], rel=1e-6)


def test_generalised_least_squares_has_the_figures_of_nlme(reference, seatbelts, design):
    """nlme 3.1.162, gls with corAR1 by maximum likelihood: phi .3875720818."""
    wanted = pd.read_csv(reference / "did2/its_seatbelts_gls_ar1.csv")
    found = xm.causal.segmented(design, np.log(seatbelts["drivers"]), errors="ar1")
    assert found.phi == pytest.approx(0.3875720818, abs=1e-6)
    np.testing.assert_allclose(found.tidy()["estimate"], wanted["estimate"], rtol=1e-6)
    np.testing.assert_allclose(found.tidy()["se"], wanted["se"], rtol=1e-6)


def test_the_seat_belt_law_saved_drivers(seatbelts):
    found = xm.causal.interrupted(
        seatbelts, outcome="drivers", time="month", every="M", start="1983-02", measure="total", season=12, log=True
    )
    assert (found.before, found.after, found.missing) == (169, 23, 0)
    relative = found.effect("relative")
    assert relative["upper"] < 0
    assert relative["lower"] < np.expm1(-0.21) < relative["upper"]  # Harvey & Durbin (1986): about 18 % fewer
    assert set(found.diagnostics()["check"]) >= {"placebo_changes", "comparison_series"}
    assert len(repr(found)) < 2000


def errors_of(rng, n, rho):
    e = rng.normal(size=n)
    e[0] /= np.sqrt(1 - rho**2)
    for t in range(1, n):
        e[t] += rho * e[t - 1]
    return e


def test_the_filter_agrees_with_the_covariance_written_out():
    """One cell of the grid by dense generalised least squares, with missing periods and uneven noise."""
    rng = np.random.default_rng(3)
    at = np.delete(np.arange(40), [5, 6, 20])
    noise = rng.uniform(0.5, 2.0, len(at))
    design = np.column_stack([np.ones(len(at)), at, at >= 25]).astype(float)
    y = design @ [3.0, 0.1, 1.0] + rng.normal(size=len(at))
    found = serial_posterior(design, y, np.diff(at, prepend=0), noise)
    for g in (10, 57, 101):
        phi, share = found.persistence[g], found.persisting[g]
        v = share * phi ** np.abs(np.subtract.outer(at, at)) + (1 - share) * np.diag(noise / noise.mean())
        inverse = np.linalg.inv(v)
        covariance = np.linalg.inv(design.T @ inverse @ design)
        beta = covariance @ design.T @ inverse @ y
        rest = y - design @ beta
        np.testing.assert_allclose(found.mean[g], beta, rtol=1e-8)
        np.testing.assert_allclose(found.root[g] @ found.root[g].T, covariance, rtol=1e-8)
        assert found.squares[g] == pytest.approx(rest @ inverse @ rest, rel=1e-8)


def rows_of_periods(seed, shift, measure):
    rng = np.random.default_rng(seed)
    time = np.repeat(np.arange(72), rng.integers(150, 250, 72))
    lift = shift * (time >= 48)
    if measure == "nps":
        answer = np.where(rng.random(len(time)) < 0.4 + lift, 10, np.where(rng.random(len(time)) < 0.5, 8, 3))
    else:
        answer = (rng.random(len(time)) < 0.6 + lift).astype(int)
    return pd.DataFrame({"time": time, "answer": answer})


@pytest.mark.parametrize(("measure", "shift", "truth"), [("mean", 0.1, 0.1), ("nps", 0.1, 15.0)])
def test_rows_of_shares_and_nps_give_the_planted_shift(measure, shift, truth):
    """Of the others half are passive and half detractors: each hundredth of promoters is worth 1.5 points of NPS."""
    found = xm.causal.interrupted(
        rows_of_periods(1, shift, measure), outcome="answer", time="time", start=48, measure=measure, slope=False
    )
    effect = found.effect()
    assert effect["lower"] < truth < effect["upper"]
    assert effect["lower"] > 0
    assert np.isnan(found.effect("relative")["estimate"]) == (measure == "nps")


def test_totals_are_sums_and_the_cumulative_effect_is_their_sum():
    rng = np.random.default_rng(5)
    time = np.repeat(np.arange(60), 3)
    frame = pd.DataFrame({"time": time, "calls": rng.poisson(30 + 10 * (time >= 40))})
    found = xm.causal.interrupted(frame, outcome="calls", time="time", start=40, measure="total", slope=False)
    np.testing.assert_allclose(found.series["observed"], frame.groupby("time")["calls"].sum())
    effects = found.tidy().set_index("effect")["estimate"]
    assert effects["cumulative"] == pytest.approx(20 * effects["mean"])
    found_lower, found_upper = found.effect("cumulative")["lower"], found.effect("cumulative")["upper"]
    assert found_lower < 600 < found_upper


def test_coverage_and_false_shifts_under_persistent_errors():
    """Null series of 48 and 12 periods, errors correlated .5: 95 % intervals hold in 88 % of 120 at least, chance is 1 in 1000."""
    rng = np.random.default_rng(11)
    at = np.arange(60) - 48
    design = np.column_stack([np.ones(60), at, at >= 0]).astype(float)
    held, naive = 0, 0
    for _ in range(120):
        y = errors_of(rng, 60, 0.5)
        low, high = np.quantile(
            serial_posterior(design, y, np.ones(60, int), np.ones(60)).draws(2000, rng)[:, 2], [0.025, 0.975]
        )
        held += low <= 0 <= high
        row = xm.causal.segmented(pd.DataFrame(design), y, errors="ols").tidy().iloc[2]
        naive += row["ci_lower"] <= 0 <= row["ci_upper"]
    assert held >= 106
    assert naive < 106  # what the errors' correlation would do to plain least squares


def world(shift, seed=2, **options):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"t": np.arange(80), "y": 5 + 0.02 * np.arange(80) + errors_of(rng, 80, 0.3) * 0.3})
    frame["y"] += shift * (frame["t"] >= 60)
    return frame


def test_a_bent_trend_takes_the_effect_back():
    found = xm.causal.interrupted(world(2.0), outcome="y", time="t", start=60, slope=False)
    table = found.bent((0.0, 1.0))
    assert list(table["beyond"]) == [True, False, False]
    assert table["ci_lower"].iloc[-1] == pytest.approx(0.0, abs=1e-12)  # the breakdown
    assert table["ci_upper"].iloc[1] - table["ci_upper"].iloc[0] == pytest.approx(10.5)  # mean of 1 .. 20 periods


def test_changes_that_were_not_there_are_found_where_something_else_happened():
    quiet, broken = world(1.0), world(1.0)
    broken.loc[broken["t"].between(20, 59), "y"] += 3.0
    for frame, status in ((quiet, "pass"), (broken, "fail")):
        checks = xm.causal.interrupted(frame, outcome="y", time="t", start=60).diagnostics().set_index("check")
        assert checks.loc["placebo_changes", "status"] == status


def test_a_comparison_series_takes_out_what_happened_to_all():
    rng = np.random.default_rng(8)
    common = np.cumsum(rng.normal(size=90))
    frame = pd.DataFrame({"t": np.arange(90), "other": 3 + common, "y": 10 + common + rng.normal(size=90) * 0.2})
    frame["y"] += 1.0 * (frame["t"] >= 70)
    alone = xm.causal.interrupted(frame, outcome="y", time="t", start=70, slope=False)
    beside = xm.causal.interrupted(frame, outcome="y", time="t", start=70, slope=False, controls=["other"])
    assert beside.effect()["sd"] < 0.3 * alone.effect()["sd"]
    assert beside.effect()["lower"] < 1.0 < beside.effect()["upper"]
    assert beside.detectable() == pytest.approx((1.959964 + 0.841621) * beside.effect("shift")["sd"], rel=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"outcome": "z"}, DataError, "no column 'z'"),
        ({"start": 3}, InsufficientData, "3 period"),
        ({"start": "soon"}, ParamsError, "start"),
        ({"measure": "median"}, ParamsError, "median"),
        ({"season": 1}, ParamsError, "season"),
        ({"every": "H"}, ParamsError, "period 'H'"),
        ({"covariates": ["law"]}, DataError, "change"),
        ({"log": True}, DataError, "0 or below"),
        ({"measure": "nps"}, DataError, "0 to 10"),
        ({"time": "name"}, DataError, "whole numbers"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(change, error, says):
    frame = world(0.0).assign(law=lambda f: (f["t"] >= 60) * 1.0, name="a")
    frame.loc[3, "y"] = -1.0
    with pytest.raises(error, match=says):
        xm.causal.interrupted(frame, **{"outcome": "y", "time": "t", "start": 60} | change)
