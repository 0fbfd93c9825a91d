"""What two-way fixed effects mix."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.goodman_bacon import bacon
from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, InsufficientData

NAMES = {"outcome": "y", "unit": "u", "time": "t", "cohort": "g"}


def _panel(seed=0, cohorts=(0, 3, 5, 6), each=6, periods=8, effect=lambda g, t: 1.0):
    """Periods count from 1; cohort 0 is never treated."""
    rng = np.random.default_rng(seed)
    first = np.repeat(cohorts, each)
    rows = [
        (u, t, g, u + 0.3 * t + rng.normal() + (effect(g, t) if 0 < g <= t else 0.0))
        for u, g in enumerate(first)
        for t in range(1, periods + 1)
    ]
    return pd.DataFrame(rows, columns=["u", "t", "g", "y"])


def _by_regression(frame):
    """Coefficient of treatment with dummies of units and periods."""
    treated = ((frame["g"] > 0) & (frame["g"] <= frame["t"])).to_numpy(dtype=float)
    dummies = [pd.get_dummies(frame[c], dtype=float).to_numpy() for c in ("u", "t")]
    return np.linalg.lstsq(np.column_stack([treated, *dummies]), frame["y"].to_numpy(), rcond=None)[0][0]


def test_minimum_wages():
    """diff-diff 3.13.0, BaconDecomposition(weights='exact'), which its tests hold against R bacondecomp 0.1.1."""
    try:
        mpdta = load_dataset("mpdta")
    except DatasetUnavailable as error:
        pytest.skip(str(error))
    found = bacon(mpdta, outcome="lemp", unit="countyreal", time="year", cohort="first.treat")
    assert found.twfe == pytest.approx(-0.0365489, abs=1e-7)
    expected = {
        (2004, "never"): (-0.0797491, 0.0817796), (2006, "never"): (-0.0225700, 0.2453387),
        (2007, "never"): (-0.0431060, 0.5356562), (2004, 2006): (-0.0456079, 0.0052932),
        (2006, 2004): (0.0542869, 0.0105864), (2004, 2007): (-0.0910554, 0.0260027),
        (2007, 2004): (-0.0196048, 0.0260027), (2006, 2007): (0.0184804, 0.0520055),
        (2007, 2006): (0.0105755, 0.0173352),
    }  # fmt: skip
    rows = found.comparisons.set_index(["treated", "control"])[["estimate", "weight"]]
    assert set(rows.index) == set(expected)
    for pair, figures in expected.items():
        np.testing.assert_allclose(rows.loc[pair], figures, atol=1e-7)
    assert found.forbidden == pytest.approx(0.0539242, abs=1e-7)
    assert found.diagnostics()["status"].tolist() == ["pass", "warn"]
    assert found.summary()["case"] == "mixed"


@pytest.mark.parametrize("cohorts", [(0, 3, 5, 6), (3, 5, 6), (0, 4), (0, 1, 4), (1, 4, 6), (0, 1, 2, 8)])
@pytest.mark.parametrize("each", [1, 5])
def test_weighted_comparisons_are_the_regression(cohorts, each):
    frame = _panel(seed=each, cohorts=cohorts, each=each, effect=lambda g, t: g - 0.5 * t)
    found = bacon(frame, **NAMES)
    comparisons = found.comparisons
    assert comparisons["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert (comparisons["weight"] > 0).all()
    assert found.twfe == pytest.approx(_by_regression(frame), abs=1e-10)
    assert (comparisons["weight"] * comparisons["estimate"]).sum() == pytest.approx(found.twfe, abs=1e-10)
    assert (found.types["weight"] * found.types["estimate"]).sum() == pytest.approx(found.twfe, abs=1e-10)
    assert found.forbidden == pytest.approx(comparisons.loc[comparisons["forbidden"], "weight"].sum())


def test_each_comparison_is_a_regression_of_its_own():
    frame = _panel(seed=4)
    found = bacon(frame, **NAMES).comparisons.set_index(["treated", "control"])["estimate"]
    two = frame[frame["g"].isin([3, 5])]
    assert found[3, 5] == pytest.approx(_by_regression(two[two["t"] < 5]), abs=1e-10)
    late = two[two["t"] >= 3]
    assert found[5, 3] == pytest.approx(_by_regression(late.assign(g=late["g"].replace(3, 0))), abs=1e-10)
    assert found[6, "never"] == pytest.approx(_by_regression(frame[frame["g"].isin([0, 6])]), abs=1e-10)


def test_weight_of_an_effect_is_what_it_adds_to_the_estimate():
    frame = _panel(seed=2, cohorts=(0, 2, 3), each=3)
    found = bacon(frame, **NAMES)
    assert found.effect_weights["weight"].sum() == pytest.approx(1)
    for row in found.effect_weights.itertuples():
        more = frame.assign(y=frame["y"] + ((frame["g"] == row.cohort) & (frame["t"] == row.time)))
        assert bacon(more, **NAMES).twfe - found.twfe == pytest.approx(row.weight, abs=1e-10)
    assert found.negative == pytest.approx(found.effect_weights["weight"].clip(upper=0).sum())


def test_growing_effects_can_turn_the_sign():
    """All are treated in the end and effects grow: every effect is positive, the estimate is not."""
    frame = _panel(seed=1, cohorts=(2, 3), each=50, periods=12, effect=lambda g, t: 2.0 * (t - g) ** 2)
    found = bacon(frame, **NAMES)
    assert found.twfe < 0
    assert found.negative < -0.1
    assert found.forbidden > 0.3
    assert found.summary()["clean"] == pytest.approx(0, abs=0.5)  # the effect in the first period is zero
    one_date = bacon(_panel(cohorts=(0, 4)), **NAMES)
    assert (one_date.negative, one_date.forbidden, one_date.fragility) == (0, 0, float("inf"))
    assert one_date.summary()["case"] == "clean"


def test_fragility_is_the_smallest_spread_that_hides_no_effect():
    found = bacon(_panel(seed=3, cohorts=(0, 2, 5)), **NAMES)
    table = found.effect_weights
    share = table["n"] / table["n"].sum()
    relative = table["weight"] / share
    effects = found.twfe * (relative - 1) / np.average((relative - 1) ** 2, weights=share)
    assert np.average(effects, weights=share) == pytest.approx(0, abs=1e-12)
    assert (table["weight"] * effects).sum() == pytest.approx(found.twfe)
    assert np.sqrt(np.average(effects**2, weights=share)) == pytest.approx(found.fragility)


def test_bad_panels_are_one_clear_error():
    frame = _panel()
    with pytest.raises(DataError, match="no column 'yy'.*Did you mean 'y'"):
        bacon(frame, **(NAMES | {"outcome": "yy"}))
    with pytest.raises(DataError, match=r"not balanced: 1 unit\(s\) lack a period, such as 4"):
        bacon(frame[~((frame["u"] == 2) & (frame["t"] == 4))], **NAMES)
    with pytest.raises(DataError, match=r"1 row\(s\) repeat a unit's period, the first of them data row"):
        bacon(pd.concat([frame, frame.head(1)]), **NAMES)
    with pytest.raises(DataError, match=r"1 unit\(s\) change their cohort"):
        bacon(frame.assign(g=frame["g"].where(frame.index != 3, 7)), **NAMES)
    with pytest.raises(DataError, match="'t' is not numeric"):
        bacon(frame.assign(t=frame["t"].astype(str)), **NAMES)
    with pytest.raises(InsufficientData, match="does not vary beyond"):
        bacon(frame[frame["g"] == 3], **NAMES)
