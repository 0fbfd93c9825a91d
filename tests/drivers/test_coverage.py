"""Intervals of importance hold the planted truth, and ranks are as probable as they are said to be: small seeded runs."""

import numpy as np
import pandas as pd
import pytest
from driver_worlds import WORLDS, draw, truth

from xmresearch.claims.calibration import exact_interval
from xmresearch.drivers.importance_fit import relative_importance

RUNS = 120


@pytest.mark.parametrize("n", [50, 300])
@pytest.mark.parametrize("world", ["clear", "weak"])
def test_intervals_hold_the_planted_truth(world, n):
    known = truth(WORLDS[world])
    held = dict.fromkeys(known, 0.0)
    k = len(WORLDS[world].slopes)
    for seed in range(RUNS):
        table = relative_importance(*draw(WORLDS[world], n, seed), bootstrap=300, seed=seed).table
        for name, value in known.items():
            held[name] += int(((table[f"{name}_lower"] <= value) & (value <= table[f"{name}_upper"])).sum())
    for name, count in held.items():
        rate = count / RUNS / k
        # the drivers of one survey are correlated, so the band is that of the surveys alone
        assert exact_interval(round(rate * RUNS), RUNS, 0.002)[1] > 0.93, (name, rate)
        assert exact_interval(round(rate * RUNS), RUNS, 0.002)[0] < 0.97, (name, rate)


def test_weights_and_clusters_hold_too():
    """Weights that depend on the outcome's noise class, and branches with levels of their own."""
    known = truth(WORLDS["clear"])["beta"]
    held, alone = np.zeros(4), np.zeros(4)
    for seed in range(80):
        x, y, branch, weights = draw(WORLDS["clear"], 600, seed, branches=30)
        kept = {"weights": weights, "bootstrap": 300, "seed": seed}
        told = relative_importance(x, y, clusters=branch, **kept).table
        blind = relative_importance(x, y, **kept).table
        held += (told["beta_lower"] <= known) & (known <= told["beta_upper"])
        alone += (blind["beta_lower"] <= known) & (known <= blind["beta_upper"])
    assert (held / 80 > 0.86).all(), held / 80
    assert alone.mean() < held.mean() - 4, (alone / 80, held / 80)


def test_whole_weights_count_rows():
    x, y = draw(WORLDS["clear"], 80, 3)
    w = np.tile([1.0, 2.0, 3.0, 1.0], 20)
    weighted = relative_importance(x, y, weights=w, bootstrap=50)
    at = np.repeat(np.arange(80), w.astype(int))
    repeated = relative_importance(x.iloc[at], y.iloc[at], bootstrap=50)
    for name in ("lmg", "johnson", "beta", "share"):
        np.testing.assert_allclose(weighted.table[name], repeated.table[name], rtol=1e-9)
    grade = (y > y.median()).astype(float)
    weighted = relative_importance(x, grade, kind="binary", weights=w, bootstrap=50)
    repeated = relative_importance(x.iloc[at], grade.iloc[at], kind="binary", bootstrap=50)
    np.testing.assert_allclose(weighted.table["lmg"], repeated.table["lmg"], rtol=1e-6)
    np.testing.assert_allclose(weighted.table["johnson"], repeated.table["johnson"], rtol=1e-6)


def test_planted_effects_on_grades_are_recovered():
    rng = np.random.default_rng(14)
    x = pd.DataFrame(rng.standard_normal((3000, 3)), columns=list("abc"))
    latent = x.to_numpy() @ [1.0, 0.5, 0.0] + rng.logistic(size=3000)
    y = pd.Series(np.digitize(latent, [-2, -0.5, 0.5, 2]) + 1.0, name="y")
    found = relative_importance(x, y, kind="ordinal", bootstrap=300)
    true = np.array([1.0, 0.5, 0.0]) / np.sqrt(1.25 + np.pi**2 / 3)
    assert ((found.table["beta_lower"] - 0.01 < true) & (true < found.table["beta_upper"] + 0.01)).all()
    np.testing.assert_allclose(found.table["johnson"], true**2, atol=0.03)
    assert found.leaders() == dict.fromkeys(found.leaders(), "a")
    assert found.ranks().set_index("construct").loc["a", "rank_1"] > 0.99
    assert found.p < 1e-20


def test_grades_that_nothing_drives_are_told_as_often_as_promised():
    rejected = 0
    for seed in range(200):
        rng = np.random.default_rng([15, seed])
        x = pd.DataFrame(rng.standard_normal((150, 3)), columns=list("abc"))
        y = pd.Series(rng.integers(0, 3, 150).astype(float), name="y")
        weights = None if seed % 2 else rng.uniform(0.5, 2, 150)
        rejected += relative_importance(x, y, kind="ordinal", weights=weights, bootstrap=200, seed=seed).p < 0.05
    low, high = exact_interval(rejected, 200, 0.002)
    assert low < 0.05 < high


def test_blank_drivers_of_grades_are_filled_in():
    rng = np.random.default_rng(16)
    x, y = draw(WORLDS["clear"], 400, 16)
    grade = pd.Series(np.digitize(y, [-0.7, 0.7]).astype(float), name="y")
    x.loc[rng.random(400) < 0.2, "d0"] = np.nan
    grade.iloc[:7] = np.nan
    found = relative_importance(x, grade, kind="ordinal", bootstrap=200)
    assert found.n == 393
    assert found.imputations > 1
    assert found.table["share"].sum() == pytest.approx(1)
    assert found.summary()["driver"] == "d0"
