"""Forecasts against R's figures, and what they say of their own past."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring import forecasts
from xmresearch.monitoring.autocorrelation import portmanteau
from xmresearch.monitoring.decomposed_models import stl_smoothing, theta
from xmresearch.monitoring.forecast_models import arima, chosen_arima, seasonal_naive
from xmresearch.monitoring.forecasts import forecast
from xmresearch.monitoring.holt_winters_filter import holt_winters
from xmresearch.monitoring.seasonal_parts import decomposed, seasonal_strength, stl
from xmresearch.monitoring.smoothing_models import Shape, chosen_smoothing, smoothing

REFERENCE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "reference" / "monitor"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs R's figures in XMRESEARCH_DATA")
Z80, Z95 = stats.norm.ppf([0.9, 0.975])


def r(name):
    return pd.read_csv(REFERENCE / f"{name}.csv")


@pytest.fixture(scope="module")
def passengers():
    return r("airpassengers_data")["passengers"].to_numpy(float)


@pytest.fixture(scope="module")
def rate():
    return r("rate_data")["rate"].to_numpy(float)


@needs_reference
def test_the_airline_model_is_that_of_r(passengers):
    y = np.log(passengers)
    found = arima(y, (0, 1, 1), (0, 1, 1), 12, False)
    want = r("airline_model_arima").set_index("parameter")["value"]
    got = found.parameters
    np.testing.assert_allclose(
        [got["ma.L1"], got["ma.S.L12"], got["sigma2"]], want[["ma1", "sma1", "sigma2"]], rtol=1e-3
    )
    # R's large but finite variance of the start moves its likelihood by .003
    assert got["loglikelihood"] == pytest.approx(want["loglik"], abs=0.004)
    ahead, theirs = found.ahead(y, 12), r("airline_model_forecast")
    np.testing.assert_allclose(ahead.mean, theirs["mean"], rtol=1e-6)
    # ours say as well that two coefficients were fitted to 131 differences
    np.testing.assert_allclose(ahead.se * np.sqrt(ahead.df / 131), theirs["se"], rtol=1e-3)


@needs_reference
def test_residuals_of_the_airline_model_are_tested_as_in_r(passengers):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    y = np.log(passengers)
    want = r("airline_model_arima").set_index("parameter")["value"]
    model = SARIMAX(y, order=(0, 1, 1), seasonal_order=(0, 1, 1, 12))
    # R's start: states of variance 1e6, and residuals over their spread
    model.ssm.initialize_approximate_diffuse(1e6 * want["sigma2"])
    found = model.filter(want[["ma1", "sma1", "sigma2"]].to_numpy())
    test = r("airline_ljung_box").iloc[0]
    p = portmanteau(found.standardized_forecasts_error[0], np.arange(144), 24, used=2)[1]
    # what is left comes from residuals of the first season
    assert stats.chi2.isf(p, test["df"]) == pytest.approx(test["statistic"], rel=0.012)


@needs_reference
def test_the_models_chosen_and_their_forecasts_are_those_of_r(passengers, rate):
    for y, file, name in (
        (passengers, "airpassengers_arima", "ARIMA(2,1,1)(0,1,0)[12]"), (rate, "rate_arima", "ARIMA(0,0,0)(1,1,0)[12] with drift"),
    ):  # fmt: skip
        found, theirs = chosen_arima(y, 12), r(file)
        model = r(f"{file}_model").set_index("quantity")["value"]
        assert found.name == name
        assert found.aicc == pytest.approx(model["aicc"], rel=2e-6)
        ahead = found.ahead(y, len(theirs))
        np.testing.assert_allclose(ahead.mean, theirs["mean"], rtol=1e-3)
        np.testing.assert_allclose(Z95 * ahead.se, theirs["upper95"] - theirs["mean"], rtol=2e-3)
    logs = chosen_arima(np.log(passengers), 12)
    assert logs.name == "ARIMA(0,1,1)(0,1,1)[12]"
    np.testing.assert_allclose(
        np.exp(logs.ahead(np.log(passengers), 12).mean), r("airpassengers_arima_log")["mean"], rtol=1e-3
    )
    plain = arima(rate, (0, 1, 0), (0, 0, 0), 1, False)
    np.testing.assert_allclose(plain.ahead(rate, 6).mean, r("rate_arima_nonseasonal")["mean"], rtol=1e-9)


@needs_reference
def test_naive_forecasts_and_the_decomposition_are_those_of_r(passengers, rate):
    for y, name in ((passengers, "airpassengers_snaive"), (rate, "rate_snaive")):
        theirs = r(name)
        ahead = seasonal_naive(y, 12).ahead(y, len(theirs))
        np.testing.assert_allclose(ahead.mean, theirs["mean"], rtol=1e-9)
        np.testing.assert_allclose(Z95 * ahead.se, theirs["upper95"] - theirs["mean"], rtol=1e-7)
    trend, season, rest = decomposed(np.log(passengers), 12)
    want = r("stl_airpassengers_log")
    for ours, column in ((trend, "trend"), (season, "seasonal"), (rest, "remainder")):
        np.testing.assert_allclose(ours, want[column], atol=1e-9)


def r_loglikelihood(fit, n):
    """Ours without the constants that R's `ets` leaves out."""
    return fit.parameters["loglikelihood"] + n / 2 * (np.log(2 * np.pi / n) + 1)


@needs_reference
@pytest.mark.parametrize(
    ("name", "shape", "exact"),
    [("rate", Shape("mul", True, False, "add"), 1e-9), ("airpassengers", Shape("mul", True, True, "mul"), 1e-3)],
)
def test_smoothing_in_proportion_to_the_level_is_that_of_ets(passengers, rate, name, shape, exact):
    """*_ets.csv and *_ets_model.csv: likelihood and forecasts at R's coefficients, which are no better than ours.

    The library lets a season in proportion to the level take up an error by the level after it, R by that before; with a season that
    hardly moves that is 3e-7 of the likelihood and up to 2e-3 of an interval's end.
    """
    y, model, theirs = (
        passengers if name == "airpassengers" else rate,
        r(f"{name}_ets_model").set_index("quantity")["value"],
        r(f"{name}_ets"),
    )
    season = [model[f"s{k}"] for k in range(11)]
    season.append((12 if shape.season == "mul" else 0) - sum(season))
    weights = ["alpha", "beta", "gamma", *(["phi"] if shape.damped else []), "l", "b"]
    found = smoothing(y, 12, shape, np.array([*model[weights], *season]))
    assert r_loglikelihood(found, len(y)) == pytest.approx(model["logLik"], rel=1e-6)
    ahead = found.ahead(y, len(theirs))
    np.testing.assert_allclose(ahead.mean, theirs["mean"], rtol=exact)
    known = ahead.se * np.sqrt(ahead.df / len(y) * model["sigma2"] / found.parameters["sigma2"])
    for end, sign in (("lower95", -1), ("upper95", 1), ("lower80", -Z80 / Z95), ("upper80", Z80 / Z95)):
        np.testing.assert_allclose(ahead.mean + sign * Z95 * known, theirs[end], rtol=max(2 * exact, 1e-7))
    best = smoothing(y, 12, shape)
    assert r_loglikelihood(best, len(y)) > model["logLik"]
    assert chosen_smoothing(y, 12).aicc <= best.aicc


@needs_reference
def test_theta_and_smoothing_without_the_season_are_those_of_r(passengers, rate):
    """*_theta.csv, *_stlf.csv; of the rate R's search stopped early: its ETS(A,A,N) has log-likelihood 190.2802 (forecast 8.20, run here)."""
    for model, name in ((theta, "airpassengers_theta"), (stl_smoothing, "airpassengers_stlf")):
        theirs = r(name)
        ahead = model(passengers, 12).ahead(passengers, 12)
        np.testing.assert_allclose(ahead.mean, theirs["mean"], rtol=1e-4)
        se = (theirs["upper95"] - theirs["mean"]) / Z95
        freedom = (
            1 if model is theta else np.sqrt(ahead.df / 144 * 0.001668234096 / 0.001621905780)
        )  # R divides by what is left of n
        np.testing.assert_allclose(ahead.se * freedom, se, rtol=1e-3)
    level = rate - stl(rate, 12, 11)[1]
    shape, coefficients = (
        Shape("add", True, False, None),
        np.array([0.033333720888, 0.033333715035, 0.621113036426, 0.001032297622]),
    )
    found = smoothing(level, 1, shape, coefficients)
    assert r_loglikelihood(found, 60) == pytest.approx(190.2802179, rel=1e-6)
    season = stl(rate, 12, 11)[1][-12:-6]
    np.testing.assert_allclose(found.ahead(level, 6).mean + season, r("rate_stlf")["mean"], rtol=1e-6)
    assert r_loglikelihood(smoothing(level, 1, shape), 60) > 190.2802179 + 2


@needs_reference
def test_holt_winters_is_that_of_r(passengers):
    """holtwinters_airpassengers.csv: smallest squared errors, whose minimum is flat."""
    want = r("holtwinters_airpassengers").set_index("parameter")["value"]
    found = holt_winters(passengers, 12).parameters
    assert found["sse"] == pytest.approx(want["SSE"], rel=1e-6)
    for name in want.index.drop("SSE"):
        assert found[name] == pytest.approx(want[name], rel=1e-3)
    assert holt_winters(passengers, 12).ahead(passengers, 12).mean[0] == pytest.approx(
        (want["a"] + want["b"]) * want["s1"], rel=1e-4
    )


def test_variances_in_proportion_to_the_level_are_those_of_simulated_series():
    """The recursions of classes 2 and 3 against 40 000 simulated futures."""
    rng = np.random.default_rng(5)
    cycle, horizon = 4, 9
    y = (20 + np.arange(48) * 0.2) * np.tile([1.1, 0.9, 1.2, 0.8], 12) * (1 + 0.03 * rng.standard_normal(48))
    for season in ("add", "mul"):
        weights = np.array(
            [0.4, 0.1, 0.2, 20.0, 0.2, *([1.0, 1.1, 0.9, 1.0] if season == "mul" else [0.0, 2.0, -2.0, 0.0])]
        )
        fit = smoothing(y, cycle, Shape("mul", True, False, season), weights)
        ahead = fit.ahead(y, horizon)
        sigma = np.sqrt(fit.parameters["sigma2"])
        level, trend, seasons = replayed(y, weights, cycle, season)
        paths = np.empty((40_000, horizon))
        now, slope, s = (
            np.full(len(paths), level),
            np.full(len(paths), trend),
            [np.full(len(paths), v) for v in seasons],
        )
        for h in range(horizon):
            e = sigma * rng.standard_normal(len(paths))
            straight = now + slope
            mean = straight * s[h] if season == "mul" else straight + s[h]
            paths[:, h] = mean * (1 + e)
            if season == "mul":
                now, slope = straight * (1 + 0.4 * e), slope + 0.1 * straight * e
                s.append(s[h] * (1 + 0.2 * e))
            else:
                now, slope = straight + 0.4 * mean * e, slope + 0.1 * mean * e
                s.append(s[h] + 0.2 * mean * e)
        more = np.sqrt(len(y) / ahead.df)
        np.testing.assert_allclose(ahead.se / more, paths.std(axis=0), rtol=0.03)


def replayed(y, weights, cycle, season):
    """Level, trend and coming seasons after a series, by the library's own recursions."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    made = ETSModel(y, error="mul", trend="add", seasonal=season, seasonal_periods=cycle).smooth(weights)
    return float(made.level[-1]), float(made.slope[-1]), np.asarray(made.season)[-cycle:].tolist()


@pytest.mark.parametrize("shape", [(False, False, False), (True, True, False), (True, False, True)])
def test_intervals_of_smoothing_are_those_of_the_library(shape):
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    rng = np.random.default_rng(1)
    y = 20 + rng.standard_normal(80).cumsum() * 0.3 + np.tile([1, -1, 2, -2], 20) + rng.standard_normal(80)
    trend, damped, seasonal = shape
    found = smoothing(y, 4, Shape("add", trend, damped, "add" if seasonal else None))
    made = ETSModel(
        pd.Series(y / y.std()), error="add", trend="add" if trend else None, damped_trend=damped,
        seasonal="add" if seasonal else None, seasonal_periods=4 if seasonal else None,
    ).smooth([v / (y.std() if "initial" in k else 1) for k, v in found.parameters.items() if "_" in k])  # fmt: skip
    frame = made.get_prediction(start=80, end=89).summary_frame(alpha=0.05) * y.std()
    ahead = found.ahead(y, 10)
    more = np.sqrt(80 / ahead.df)
    np.testing.assert_allclose(ahead.mean, frame["mean"], rtol=1e-9)
    np.testing.assert_allclose(Z95 * ahead.se / more, (frame["pi_upper"] - frame["pi_lower"]) / 2, rtol=1e-7)


def test_a_model_has_only_what_was_known_at_each_origin():
    """What comes after an origin moves nothing that was said at it."""
    rng = np.random.default_rng(2)
    y = rng.standard_normal(60).cumsum()
    other = y.copy()
    other[45:] += 50
    for name in [m for m in forecasts.MODELS if m not in ("stl", "holt_winters")]:
        a, b = (dict(forecasts._past(v, 30, 4, 1, name)) for v in (y, other))
        for origin in a:
            same = np.array_equal(a[origin].mean, b[origin].mean)
            assert same == (origin <= 45), (name, origin)


def test_scores_are_those_of_their_definitions(monkeypatch):
    ahead = forecasts.Ahead(np.array([1.0, 2.0]), np.array([1.0, 1.0]), 1e9)
    y = np.array([0.0, 2.0, 1.0, 3.0, 0.5, 9.0])
    found = forecasts._scores(y, [(4, ahead)], lambda v: v, 4, 1, (0.8,))
    z = stats.norm.ppf(0.9)
    # 0.5 is within, 9 lies 7 - z above
    assert found["interval_score"] == pytest.approx((2 * z + 2 * z + 10 * (7 - z)) / 2, rel=1e-6)
    assert found["cover80"] == 0.5
    assert found["mase"] == pytest.approx((0.5 + 7) / 2 / (5 / 3))


def test_intervals_that_missed_in_the_past_are_widened():
    rng = np.random.default_rng(7)
    y = rng.standard_normal(400) * 3
    ahead = forecasts.Ahead(np.zeros(200), np.ones(200), 1e9)
    # three times the spread that was promised, of which three quarters are made up
    assert forecasts._widened(y, [(200, ahead)]) == pytest.approx(2.5, abs=0.15)
    assert forecasts._widened(y / 30, [(200, ahead)]) == 1
    found = forecast(y[:40].cumsum(), horizon=3, model="naive")
    more = found.coverage.set_index("level")["widened"]
    plain = seasonal_naive(y[:40].cumsum(), 1).ahead(y[:40].cumsum(), 3)
    width = (found.tidy()["upper95"] - found.tidy()["lower95"]) / 2
    np.testing.assert_allclose(width, more[0.95] * stats.t.ppf(0.975, plain.df) * plain.se)


def test_shares_stay_within_their_bounds_and_counts_may_be_extreme():
    rng = np.random.default_rng(3)
    n = np.full(40, 30)
    count = rng.binomial(n, 0.97)
    count[5], n[7], count[7] = 30, 0, 0
    found = forecast(count, horizon=5, n=n)
    ends = found.tidy().drop(columns="step").to_numpy()
    assert ((ends > 0) & (ends < 1)).all()
    row = found.tidy().iloc[2]
    for value, chance in ((row["lower80"], 0.9), (row["forecast"], 0.5), (row["upper95"], 0.025)):
        assert found.chance_above(value)["chance"][2] == pytest.approx(chance)
    with pytest.raises(DataError):
        found.chance_above(1.0)
    assert "1 period" in found.warnings[0]
    t = found.tidy()
    assert (t["lower95"] < t["lower80"]).all()
    assert (t["lower80"] < t["forecast"]).all()
    assert (t["upper80"] < t["upper95"]).all()


def test_a_season_is_found_and_chosen_for():
    rng = np.random.default_rng(4)
    week = np.array([3, 1, 0, 0, -1, -4, 1.0])
    y = 50 + week[np.arange(84) % 7] + rng.standard_normal(84) * 0.5
    found = forecast(y, horizon=7, cycle=7)
    assert found.models.set_index("model").loc[found.models["model"][found.models["chosen"]].iloc[0], "mase"] < 1
    np.testing.assert_allclose(found.tidy()["forecast"], 50 + week, atol=1.2)
    assert seasonal_strength(y, 7) > 0.64 > seasonal_strength(rng.standard_normal(200), 7)
    assert found.models["origins"].tolist() == [42] * 3


def test_a_season_longer_than_models_carry_is_taken_out_first():
    rng = np.random.default_rng(5)
    wave = 10 * np.sin(2 * np.pi * np.arange(170) / 52)
    found = forecast((wave + rng.standard_normal(170))[:156], horizon=14, cycle=52, model="smoothing")
    np.testing.assert_allclose(found.tidy()["forecast"], wave[156:], atol=2.5)
    assert found.summary()["model"].startswith("season + ETS")


@pytest.mark.parametrize(
    "y",
    [np.r_[np.zeros(20), 5, np.zeros(9)], np.r_[np.ones(20), np.random.default_rng(1).random(10)], np.arange(30.0) ** 1.5,
     np.random.default_rng(2).random(20), np.random.default_rng(3).integers(0, 2, 30).astype(float)],
)  # fmt: skip
def test_odd_series_have_a_forecast(y):
    found = forecast(y, horizon=2)
    assert np.isfinite(found.tidy()).all(axis=None)
    assert (found.tidy()["lower95"] < found.tidy()["upper95"]).all()


def test_a_series_of_two_seasons_is_not_judged_by_its_past():
    y = np.random.default_rng(4).random(24)
    found = forecast(y, horizon=2, cycle=12)
    assert found.summary()["model"] == "seasonal naive"
    assert "too short" in found.warnings[0]
    assert found.models["forecasts"].eq(0).all()


def test_series_that_cannot_be_foretold_are_refused():
    y = np.random.default_rng(6).random(30)
    for values, options, error in (
        (y[:5], {}, InsufficientData), (np.ones(30), {}, InsufficientData), (np.tile(y[:7], 6), {"cycle": 7}, InsufficientData), (y, {"cycle": 24}, InsufficientData),
        (y - 0.5, {"scale": "log"}, DataError), (y * 3, {"scale": "share"}, DataError), (y * 0, {"scale": "share"}, DataError),
        (y, {"n": y / 2}, DataError), (y, {"model": "oracle"}, DataError), (y * np.nan, {}, InsufficientData),
    ):  # fmt: skip
        with pytest.raises(error):
            forecast(values, horizon=3, **options)
    with pytest.raises(DataError):
        forecast(y, horizon=0)
