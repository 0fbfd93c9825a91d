"""Charts on residuals: season and autocorrelation are found, and the run length holds in most baselines."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.residuals import residual_chart
from xmresearch.monitoring.run_length_limits import alarm_rules

LEVELS = np.array([0.0, 0.5, 1.0, 0.2, -0.4, 0.8, -1.0])


def series(rng, length, phi, n=None):
    out = rng.standard_normal(length)
    for t in range(1, length):
        out[t] = phi * out[t - 1] + np.sqrt(1 - phi**2) * out[t]
    return LEVELS[np.arange(length) % 7] + out / np.sqrt(1.0 if n is None else n)


def test_season_and_autocorrelation_are_found_without_bias():
    rng = np.random.default_rng(0)
    season = np.arange(84) % 7
    charts = [residual_chart(series(rng, 84, 0.5), season=season) for _ in range(150)]
    levels = np.array([c.seasons["level"] for c in charts])
    np.testing.assert_allclose(levels.mean(axis=0), LEVELS, atol=4 * levels.std(axis=0).max() / np.sqrt(150))
    found = np.array([c.autocorrelation for c in charts])
    assert abs(np.median(found) - 0.5) < 4 * 1.25 * found.std() / np.sqrt(150)
    sigma = np.array([c.tidy()["sigma"].iloc[-1] for c in charts])
    np.testing.assert_allclose(sigma.mean(), np.sqrt(0.75), rtol=0.04)


def test_many_answers_make_narrow_limits():
    rng = np.random.default_rng(1)
    n = rng.integers(5, 100, 140)
    table = residual_chart(series(rng, 140, 0.0, n), n=n, season=np.arange(140) % 7, lagged=False).tidy()
    np.testing.assert_allclose(table["sigma"] * np.sqrt(n), (table["sigma"] * np.sqrt(n)).iloc[0])
    np.testing.assert_allclose(table["z"].std(), 1.0, atol=0.15)


def test_an_unknown_season_and_a_gap_are_not_guessed():
    rng = np.random.default_rng(2)
    y, season = series(rng, 70, 0.6), [*(["work"] * 60), *(["feast"] * 10)]
    y[30] = np.nan
    made = residual_chart(y, season=season, baseline=np.arange(70) < 56)
    table = made.tidy()
    assert table["z"].iloc[60:].isna().all()
    assert not table["signal"].iloc[60:].any()
    # after a gap the level alone is expected, with the whole spread
    assert table["centre"].iloc[31] == pytest.approx(made.seasons["level"].iloc[0])
    assert table["sigma"].iloc[31] == pytest.approx(table["sigma"].iloc[40] / np.sqrt(1 - made.autocorrelation**2))


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_the_run_length_is_reached_in_most_baselines_with_season_and_autocorrelation(phi):
    """60 baselines of 12 weeks: the rate of alarms of each chart over 5 000 further days."""
    rng = np.random.default_rng(int(10 * phi))
    season = np.arange(84) % 7
    reached = 0
    for _ in range(60):
        made = residual_chart(series(rng, 84, phi), season=season)
        rules = alarm_rules(made.chart, run_length=50, process=made.process(draws=200), shifts=())
        days = np.arange(5_000)
        away = series(rng, 5_000, phi) - made.seasons["level"].to_numpy()[days % 7]
        z = (away[1:] - made.autocorrelation * away[:-1]) / made.tidy()["sigma"].iloc[-1]
        reached += 1 / max((np.abs(z) > rules.rules.beyond).mean(), 1e-9) >= 50
    assert stats.binomtest(int(reached), 60, 0.9).pvalue > 0.01


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"values": [1.0, 2.0], "n": [1]}, DataError),
        ({"values": [1.0, 2, 3]}, InsufficientData),
        ({"values": np.arange(9.0), "season": np.arange(9) % 7}, InsufficientData),
        ({"values": [1.0] * 30}, InsufficientData),
    ],
)
def test_baselines_that_tell_nothing_are_refused(given, error):
    with pytest.raises(error):
        residual_chart(given.pop("values"), **given)
