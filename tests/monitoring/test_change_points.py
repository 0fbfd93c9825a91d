"""Dated changes against R's strucchange, a second search, and planted shifts."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import ruptures
from scipy import stats

from xmresearch.errors import DataError, InsufficientData, XMError
from xmresearch.monitoring.autoregressive_noise import Noise, estimated_phi
from xmresearch.monitoring.change_distributions import argmax_distribution, sup_f_chance
from xmresearch.monitoring.change_points import level_changes
from xmresearch.monitoring.level_shifts import best_shifts, levels_fit, one_shift
from xmresearch.monitoring.level_stability import stability_tests

REFERENCE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "reference" / "monitor"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs R's figures in XMRESEARCH_DATA")


def noise(n, phi=0.0, gaps=()):
    steps = np.ones(n)
    steps[0] = 0
    steps[list(gaps)] = 3
    return Noise(np.ones(n), steps, np.array(phi))


@needs_reference
def test_changes_of_the_nile_are_those_of_strucchange():
    nile = pd.read_csv(REFERENCE / "nile_data.csv")
    found = level_changes(nile["flow"], periods=nile["year"], autocorrelation=False, interval="bai")
    fits = pd.read_csv(REFERENCE / "nile_breaks_rss_bic.csv")
    np.testing.assert_allclose(found.numbers[["rss", "bic"]], fits[["RSS", "BIC"]], rtol=1e-9)
    places = pd.read_csv(REFERENCE / "nile_breaks_positions.csv")["observations_one_based"]
    # the last year of a level, counted from 1, is the first of the next, counted from 0
    assert [" ".join(map(str, s)) for s in found.numbers["starts"][1:]] == [str(p) for p in places]
    interval = pd.read_csv(REFERENCE / "nile_breaks_confint.csv").to_numpy()[0]
    assert found.tidy()[["position_lower", "position", "position_upper"]].to_numpy()[0].tolist() == interval.tolist()
    assert found.tidy()["start"].tolist() == [1899]
    test = pd.read_csv(REFERENCE / "nile_sctest.csv").set_index("test")
    assert found.sup_f == pytest.approx(test.loc["supF", "statistic"], rel=1e-9)
    # R's approximation ends at the smallest step of its numbers
    assert found.p < test.loc["supF", "p"] * 2


@needs_reference
def test_stability_of_the_nile_is_tested_as_in_strucchange():
    """nile_sctest.csv: sup-F, exp-F and the CUSUM of residuals."""
    found = stability_tests(pd.read_csv(REFERENCE / "nile_data.csv")["flow"]).set_index("test")
    theirs = pd.read_csv(REFERENCE / "nile_sctest.csv").set_index("test")
    for ours, name in (("sup-F", "supF"), ("exp-F", "expF"), ("OLS-CUSUM", "OLS-CUSUM")):
        assert found.loc[ours, "statistic"] == pytest.approx(theirs.loc[name, "statistic"], rel=1e-9)
    assert found.loc["sup-F", "position"] == theirs.loc["supF", "at"]
    assert found.loc["OLS-CUSUM", "p"] == pytest.approx(theirs.loc["OLS-CUSUM", "p"], rel=1e-9)
    assert found.loc["exp-F", "p"] == 1e-4  # none of 9 999 simulated series


def test_stability_tests_are_right_as_often_as_they_say():
    """Of 400 steady series of 60 values each test rejects about one in twenty (exact 99.9 % interval .022 to .095)."""
    rng = np.random.default_rng(20261127)
    p = np.array([stability_tests(rng.standard_normal(60))["p"] for _ in range(400)])
    shares = (p < 0.05).mean(axis=0)
    assert (shares[:2] >= 0.022).all()
    assert (shares <= 0.095).all()  # the CUSUM's limit is cautious in short series
    moved = stability_tests(np.concatenate([rng.standard_normal(30), 2 + rng.standard_normal(30)]))
    assert (moved["p"] < 0.001).all()
    for wrong, told in (([1.0, np.nan] * 10, "complete"), ([1.0] * 20, "alike"), ([1.0, 2.0], "too few")):
        with pytest.raises(XMError, match=told):
            stability_tests(wrong)
    with pytest.raises(XMError, match="between 0 and"):
        stability_tests(rng.standard_normal(20), shortest=0.6)


def test_the_best_places_are_those_of_a_second_search():
    rng = np.random.default_rng(1)
    for seed in range(5):
        y = rng.standard_normal(80) + np.repeat([0, 1.5, -1, 0.5], 20)
        found = best_shifts(y, noise(80), 3, 6)
        for m in range(1, 4):
            theirs = ruptures.KernelCPD(kernel="linear", min_size=6, jump=1).fit(y[:, None]).predict(n_bkps=m)
            assert list(found[m]) == theirs[:-1], (seed, m)


@pytest.mark.parametrize("phi", [0.0, 0.6, -0.4])
def test_sums_of_squares_of_each_place_are_those_of_generalised_least_squares(phi):
    rng = np.random.default_rng(2)
    n = 40
    w = rng.uniform(0.5, 2, n)
    scheme = noise(n, phi, gaps=(7, 30))
    scheme = Noise(np.sqrt(w), scheme.steps, scheme.phi)
    y = rng.standard_normal(n)
    none, one = one_shift(y, scheme, 5)
    at = np.cumsum(scheme.steps)
    v = phi ** np.abs(at[:, None] - at) if phi > 0 else np.sign(phi + 1e-9) ** np.abs(at[:, None] - at) * abs(phi) ** np.abs(
        at[:, None] - at
    )  # fmt: skip
    inverse = np.linalg.inv(v / np.sqrt(w)[:, None] / np.sqrt(w)) * (1 - phi**2)

    def rss(x):
        b = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
        return (y - x @ b) @ inverse @ (y - x @ b)

    assert none == pytest.approx(rss(np.ones((n, 1))), rel=1e-9)
    for k in (5, 7, 20, 30, 35):
        step = (np.arange(n) >= k).astype(float)
        want = rss(np.stack([1 - step, step], axis=1))
        assert one[k] == pytest.approx(want, rel=1e-9)
        assert levels_fit(y, scheme, (k,))[2] == pytest.approx(want, rel=1e-9)
    assert np.isinf(one[[4, 36]]).all()


def test_chances_of_the_largest_statistic_are_the_published_ones():
    """Andrews (1993, 2003 corrigendum), table 1, p = 1: critical values at 10, 5 and 1 % by trimming."""
    for share, values in {0.15: (7.12, 8.68, 12.16), 0.25: (6.35, 7.93, 11.48)}.items():
        for value, chance in zip(values, (0.10, 0.05, 0.01), strict=True):
            assert sup_f_chance(value, share) == pytest.approx(chance, rel=0.11)
    assert sup_f_chance(0.5, 0.15) == 1


def test_the_distribution_of_a_dated_change_is_the_published_one():
    """Bai (1997): 90, 95 and 97.5 % of the symmetric distribution lie below 4.7, 7.7 and 11.0."""
    for x, p in {4.70: 0.90, 7.69: 0.95, 11.03: 0.975}.items():
        assert argmax_distribution(x, 1.0) == pytest.approx(p, abs=6e-4)
        assert argmax_distribution(-x, 1.0) == pytest.approx(1 - p, abs=6e-4)
    # against simulated motions of other spread behind the change
    rng = np.random.default_rng(3)
    step, many = 0.02, 4000
    sides = [rng.standard_normal((many, 2000)).cumsum(axis=1) * np.sqrt(step * v) - np.arange(1, 2001) * step / 2
             for v in (1.0, 2.5)]  # fmt: skip
    before = np.maximum(sides[0].max(axis=1), 0) > np.maximum(sides[1].max(axis=1), 0)
    assert argmax_distribution(0.0, 2.5) == pytest.approx(before.mean(), abs=0.03)
    late = (~before & (sides[1].argmax(axis=1) * step > 5)).mean()
    assert 1 - argmax_distribution(5.0, 2.5) == pytest.approx(late, abs=0.03)


def test_autocorrelation_is_found_and_is_no_change():
    rng = np.random.default_rng(20263)
    drawn = noise(100, 0.6).simulate(rng, 60)
    phi = estimated_phi(drawn - drawn.mean(axis=1, keepdims=True), np.ones(100), noise(100).steps, parameters=1)
    assert phi.mean() == pytest.approx(0.6, abs=0.04)
    found = sum(len(level_changes(y).tidy()) > 0 for y in drawn)
    naive = sum(len(level_changes(y, autocorrelation=False).tidy()) > 0 for y in drawn)
    assert stats.binomtest(found, 60, 0.05).pvalue > 0.01
    assert naive > 25


def test_a_shift_is_dated_and_claimed():
    rng = np.random.default_rng(4)
    y = noise(120, 0.4).simulate(rng, 1)[0] + 3.0 * (np.arange(120) >= 70)
    days = pd.date_range("2024-01-01", periods=120)
    found = level_changes(y, periods=days)
    row = found.tidy().iloc[0]
    assert len(found.tidy()) == 1
    assert row["position_lower"] <= 70 <= row["position_upper"]
    assert row["position_upper"] - row["position_lower"] < 12
    assert row["lower"] < 3 < row["upper"]
    claim = found.claim("level")
    assert (claim.verdict, claim.facts["since"]) == ("above", row["start"])
    none = level_changes(noise(120, 0.4).simulate(rng, 1)[0])
    assert (len(none.tidy()), none.claim("level").state) == (0, "unsettled")
    assert len(none.levels) == 1


def test_gaps_weights_and_blanks_are_borne():
    rng = np.random.default_rng(5)
    w = rng.uniform(1, 100, 90)
    y = rng.standard_normal(90) / np.sqrt(w) * 3 + (np.arange(90) >= 45)
    whole = level_changes(y, weights=w)
    blank = y.copy()
    blank[[3, 44, 80]] = np.nan
    found = level_changes(blank, weights=w, positions=np.arange(90) * 2)
    assert abs(whole.tidy()["position"].iloc[0] - 45) <= 2
    assert abs(found.tidy()["position"].iloc[0] - 45) <= 2
    assert found.levels["n"].sum() == 87
    # a value of little weight does not move the level
    y[80], w[80] = 1e3, 1e-6
    assert level_changes(y, weights=w, autocorrelation=False).levels["level"].iloc[-1] == pytest.approx(1, abs=0.3)
    two = level_changes(y[:60], weights=w[:60], changes=2, shortest=5)
    assert len(two.tidy()) == 2


@pytest.mark.parametrize("autocorrelation", [True, False])
def test_a_step_without_noise_is_one_change(autocorrelation):
    found = level_changes(np.r_[np.zeros(20), np.ones(20)], autocorrelation=autocorrelation)
    row = found.tidy().iloc[0]
    assert len(found.tidy()) == 1
    assert (row["position"], row["position_lower"], row["position_upper"]) == (20, 20, 20)
    spike = level_changes(np.r_[np.zeros(20), 5, np.zeros(9)], autocorrelation=autocorrelation)
    assert spike.tidy().empty


def test_wrong_series_are_refused():
    y = np.arange(20.0)
    for given, options, error in (
        (y[:5], {}, InsufficientData), (np.ones(20), {}, InsufficientData), (y, {"weights": -y}, DataError),
        (y, {"weights": y[:3]}, DataError), (y, {"positions": y[::-1]}, DataError), (y, {"periods": [1]}, DataError),
        (y, {"changes": 5, "shortest": 8}, InsufficientData), (y, {"shortest": 15}, InsufficientData),
    ):  # fmt: skip
        with pytest.raises(error):
            level_changes(given, **options)
