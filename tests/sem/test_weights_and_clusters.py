"""Design weights and clusters in simulated samples; `test_weights` holds them against lavaan."""

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.errors import DataError, InsufficientData, ModelError

MODEL = "f =~ a + b + c + d"


def drawn(rng, n, clusters=None, informative=False):
    """Draw answers to four items; clusters share a part of them, and informative weights go with the factor."""
    f = rng.normal(size=n)
    unit = np.arange(n) % clusters if clusters else np.arange(n)
    shared = rng.normal(size=(n, 4))[unit] * 0.7 if clusters else 0.0
    items = f[:, None] * [1.0, 0.8, 0.9, 0.7] + rng.normal(size=(n, 4)) * 0.8 + shared
    frame = pd.DataFrame(items, columns=list("abcd")).assign(unit=unit)
    if informative:
        chance = 1 / (1 + np.exp(-1.2 * items[:, 0] * items[:, 1]))
        kept = rng.random(n) < chance
        frame = frame.assign(w=1 / chance)[kept].reset_index(drop=True)
    return frame


def test_weights_undo_an_unequal_draw():
    rng = np.random.default_rng(5)
    plain, weighted = [], []
    for _ in range(40):
        frame = drawn(rng, 1500, informative=True)
        for found, more in ((plain, {}), (weighted, {"sampling_weights": "w"})):
            row = (
                xm.sem.fit(MODEL, frame, estimator="MLR", **more)
                .estimates.set_index(["lhs", "op", "rhs"])
                .loc[("f", "=~", "b")]
            )
            found.append([row["est"], abs(row["est"] - 0.8) < 1.96 * row["se"]])
    plain, weighted = np.array(plain), np.array(weighted)
    assert abs(plain[:, 0].mean() - 0.8) > 0.025
    assert abs(weighted[:, 0].mean() - 0.8) < 0.02
    assert weighted[:, 1].mean() >= 0.85


def test_clusters_widen_intervals_until_they_cover():
    rng = np.random.default_rng(6)
    hits = {None: 0, "unit": 0}
    for _ in range(60):
        frame = drawn(rng, 600, clusters=40)
        for cluster in hits:
            fitted = xm.sem.fit(f"{MODEL}\na ~ 1", frame, estimator="MLR", cluster=cluster)
            row = fitted.estimates.set_index(["lhs", "op", "rhs"]).loc[("a", "~1", "")]
            hits[cluster] += abs(row["est"]) < 1.96 * row["se"]
    assert hits[None] / 60 < 0.75
    assert hits["unit"] / 60 > 0.85


def test_equal_weights_change_nothing():
    frame = drawn(np.random.default_rng(7), 300).assign(w=3.0)
    plain, weighted = (xm.sem.fit(MODEL, frame, estimator="MLR", **more) for more in ({}, {"sampling_weights": "w"}))
    pd.testing.assert_frame_equal(plain.estimates, weighted.estimates, rtol=1e-6)
    np.testing.assert_allclose(plain.measures, weighted.measures, rtol=1e-6)


def test_weights_with_blanks_give_the_likelihood_of_repeated_rows():
    frame = drawn(np.random.default_rng(8), 200)
    frame.loc[::5, "b"] = np.nan
    frame.loc[1::7, "d"] = np.nan
    frame["w"] = 1.0 + (np.arange(200) % 3)
    weighted = xm.sem.fit(MODEL, frame, estimator="MLR", missing="fiml", sampling_weights="w")
    repeated = xm.sem.fit(MODEL, frame.loc[frame.index.repeat(frame["w"].astype(int))], estimator="MLR", missing="fiml")
    np.testing.assert_allclose(weighted.estimates["est"], repeated.estimates["est"], rtol=1e-5, atol=1e-6)
    assert (weighted.estimates["se"] >= repeated.estimates["se"] - 1e-12).all()


def test_single_rows_as_clusters_are_the_sandwich_with_its_factor():
    frame = drawn(np.random.default_rng(9), 250).assign(own=np.arange(250))
    plain = xm.sem.fit(f"{MODEL}\na ~ 1\nb ~ 1\nc ~ 1\nd ~ 1", frame, estimator="MLR").estimates
    alone = xm.sem.fit(MODEL, frame, estimator="MLR", cluster="own").estimates
    both = plain.merge(alone, on=["lhs", "op", "rhs"], suffixes=("", "_c"))
    some = both["se"] > 0
    np.testing.assert_allclose(both.loc[some, "se_c"] / both.loc[some, "se"], np.sqrt(250 / 249), rtol=1e-6)


def test_the_bootstrap_draws_whole_clusters():
    frame = drawn(np.random.default_rng(10), 600, clusters=30)
    fitted = xm.sem.fit(f"{MODEL}\na ~ 1", frame, estimator="MLR", cluster="unit")
    again = xm.sem.fit(f"{MODEL}\na ~ 1", frame, estimator="MLR", cluster="unit", bootstrap=400, seed=1)
    pick = (fitted.estimates["op"] == "~1") & (fitted.estimates["lhs"] == "a")
    assert float(again.estimates.loc[pick, "se"].iloc[0]) == pytest.approx(
        float(fitted.estimates.loc[pick, "se"].iloc[0]), rel=0.15
    )


@pytest.mark.parametrize(
    ("settings", "change", "error", "told"),
    [
        ({"sampling_weights": "w"}, {"w": -1.0}, DataError, "'-1.0' is not a positive number .200 such row"),
        ({"sampling_weights": "nothing"}, {}, DataError, "no column 'nothing'"),
        ({"cluster": "unit"}, {"unit": 1}, InsufficientData, "has a single cluster"),
        ({"cluster": "unit"}, {"unit": np.nan}, DataError, "is blank in 200 row"),
        ({"sampling_weights": "w", "estimator": "MLM"}, {"w": 1.0}, ModelError, "knows no weights"),
    ],
)
def test_what_cannot_be_a_design_is_named(settings, change, error, told):
    frame = drawn(np.random.default_rng(11), 200).assign(**change)
    with pytest.raises(error, match=told):
        xm.sem.fit(MODEL, frame, **settings)


def test_moments_and_ordered_answers_have_no_design():
    frame = drawn(np.random.default_rng(12), 200).assign(w=1.0)
    with pytest.raises(DataError, match="need rows"):
        xm.sem.fit(MODEL, xm.sem.Moments.of(frame[list("abcd")].to_numpy(), list("abcd")), sampling_weights="w")
    coarse = (frame[list("abcd")] > 0).astype(int).assign(w=1.0)
    with pytest.raises(ModelError, match="Ordered variables cannot have weights"):
        xm.sem.fit(MODEL, coarse, ordered=True, estimator="WLSMV", sampling_weights="w")
