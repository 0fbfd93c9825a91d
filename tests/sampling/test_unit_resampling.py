"""Replicates of sampling units vary as linearised estimates do, and meet the margins."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.sampling.estimates import mean
from xmresearch.sampling.raking import rake
from xmresearch.sampling.sampling_stages import design
from xmresearch.sampling.unit_resampling import resampled_units

DRAWS = 4000


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    shop = np.repeat(np.arange(40), 8)
    age = rng.choice(["a", "b", "c"], 320)
    y = rng.normal(0, 1, 40)[shop] + (age == "a") * 2.0 + rng.normal(0, 1, 320)
    return pd.DataFrame(
        {"shop": shop, "region": shop % 4, "age": age, "sex": rng.choice(["f", "m"], 320), "y": y, "w": rng.uniform(0.5, 2, 320),
         "size": np.array([20, 25, 40, 100])[shop % 4]}
    )  # fmt: skip


DESIGNS = {
    "weights": {"weights": "w"}, "clusters": {"weights": "w", "clusters": "shop"},
    "strata": {"weights": "w", "clusters": "shop", "strata": "region"},
    "finite": {"weights": "w", "clusters": "shop", "strata": "region", "population": "size"},
}  # fmt: skip


@pytest.mark.parametrize("raked", [False, True])
@pytest.mark.parametrize("name", DESIGNS)
def test_replicates_vary_as_linearised_estimates_do(frame, name, raked):
    drawn = design(frame, **DESIGNS[name])
    if raked:
        drawn = rake(drawn, {"age": {"a": 0.5, "b": 0.3, "c": 0.2}, "sex": {"f": 0.6, "m": 0.4}}).design
    w, y = drawn.weights, frame["y"].to_numpy()
    factors = np.concatenate(list(resampled_units(drawn, DRAWS, 7)))
    assert factors.shape == (DRAWS, 320)
    assert (factors >= 0).all()
    found = (factors * w) @ y / (factors @ w)
    want = mean(drawn, "y").summary()
    # four standard errors of a standard deviation from 4000 draws are 4.5 %; the rest is what linearisation leaves out
    assert found.std() == pytest.approx(want["se"], rel=0.07)
    assert found.mean() == pytest.approx(want["estimate"], abs=0.1 * want["se"])
    if raked:
        for column in ("age", "sex"):
            for level in frame[column].unique():
                inside = (frame[column] == level).to_numpy()
                np.testing.assert_allclose(factors[:, inside] @ w[inside], w[inside].sum(), rtol=1e-8)


def test_the_same_seed_gives_the_same_replicates(frame):
    drawn = design(frame, **DESIGNS["strata"])
    once, again, other = (np.concatenate(list(resampled_units(drawn, 20, seed))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    for shop in range(40):  # people of one shop are drawn together
        assert np.ptp(once[:, frame["shop"] == shop], axis=1).max() == 0


def test_all_units_of_a_population_never_vary(frame):
    drawn = design(frame.assign(size=10), **DESIGNS["finite"])
    factors = np.concatenate(list(resampled_units(drawn, 10, 1)))
    np.testing.assert_array_equal(factors, 1.0)


@pytest.mark.parametrize("alone", [1, 2])
def test_strata_of_one_unit_are_drawn_together(frame, alone):
    region = frame["region"].astype(str).where(frame["shop"] >= alone, "alone " + frame["shop"].astype(str))
    drawn = design(frame.assign(region=region), weights="w", clusters="shop", strata="region", lonely="adjust")
    factors = np.concatenate(list(resampled_units(drawn, 200, 1)))
    for shop in range(alone):
        assert factors[:, (frame["shop"] == shop).to_numpy()].std() > 0.3
    assert factors.mean() == pytest.approx(1, abs=0.05)
