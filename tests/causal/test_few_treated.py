"""Synthetic control as a kind of did()."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.causal.designs import did
from xmresearch.causal.robustness import sensitivity
from xmresearch.causal.synthetic import synthetic_control
from xmresearch.errors import DataError, InsufficientData, ModelError, ParamsError

KEYS = {"outcome": "packs", "unit": "state", "time": "year", "kind": "synthetic_control"}
LAW = {"treated": ["California"], "treated_from": "1989"}


@pytest.fixture(scope="module")
def wide():
    return pd.read_csv(Path(__file__).parent / "california_prop99.csv", index_col=0)


@pytest.fixture(scope="module")
def smoking(wide):
    return wide.reset_index(names="state").melt("state", var_name="year", value_name="packs")


@pytest.mark.parametrize("method", ["sdid", "sc", "did"])
def test_figures_are_those_of_synthetic_control(wide, smoking, method):
    alone = synthetic_control(wide.to_numpy(), (wide.index == "California").astype(bool), 19, method=method)
    found = did(smoking, method=method, draws=40_000, **KEYS, **LAW)
    assert found.effect["estimate"] == pytest.approx(alone.effect)
    assert found.facts["p_placebo"] == alone.p_placebo
    reach = stats.t.ppf(0.975, 37) * alone.se
    assert found.effect["ci_upper"] - found.effect["ci_lower"] == pytest.approx(2 * reach, rel=0.03)
    dynamic = found.tidy("dynamic")
    np.testing.assert_allclose(dynamic["estimate"], alone.path["gap"])
    assert dynamic["time"].tolist() == list(wide.columns)
    np.testing.assert_allclose(
        dynamic["sd"], alone.placebo_gaps.std(axis=0) * np.sqrt(37 / 35), rtol=0.05, atol=1e-9
    )  # fmt: skip
    np.testing.assert_allclose(found.event_draws[:, 19:].mean(axis=1), found.draws)
    assert sum(found.facts["weights"].values()) == pytest.approx(1, abs=1e-4)
    assert found.diagnostics()["check"].tolist() == ["units_per_arm", "posterior_draws", "relative_rmspe"]
    assert "38 placebo treatments" in found.warnings[-1]


def test_sensitivity_takes_other_states_and_years(wide, smoking):
    some = smoking[smoking["state"].isin(["California", *wide.index[:11]])]
    found = did(some, draws=400, **KEYS, **LAW)
    checked = sensitivity(found)
    assert checked.honest is None
    states = checked.tidy("placebo_unit").set_index("changed")["estimate"]
    table = some.pivot_table(index="state", columns="year", values="packs")
    for state in ("Alabama", "Colorado"):
        alone = synthetic_control(table.to_numpy(), (table.index == state).astype(bool), 19, variance="none")
        assert states[state] == pytest.approx(alone.effect)
    assert checked.placebo_p == pytest.approx(
        np.mean(np.abs([found.effect["estimate"], *states]) >= abs(found.effect["estimate"]))
    )
    early = checked.tidy("placebo_time").set_index("changed")
    assert early.index.tolist() == [str(y) for y in range(1972, 1989)]  # two years before are needed
    alone = synthetic_control(table.to_numpy()[:, :19], (table.index == "California").astype(bool), 12, variance="none")
    assert early.loc["1982", "estimate"] == pytest.approx(alone.effect)
    assert np.isnan(checked.tidy("leave_one_out").set_index("changed").loc["California", "estimate"])


def test_intervals_cover_exchangeable_units():
    rng, hits, times = np.random.default_rng(2), 0, 150
    unit, time = (a.ravel() for a in np.indices((14, 8)))
    frame = pd.DataFrame({"state": unit, "year": time})
    for _ in range(times):
        y = rng.normal(size=(14, 1)) + np.cumsum(rng.normal(0, 0.5, (14, 8)), axis=1) + rng.normal(0, 0.3, (14, 8))
        y[:2, 5:] += 1.5
        effect = did(
            frame.assign(packs=y.ravel()), treated=[0, 1], treated_from=5, replications=40, draws=500, **KEYS
        ).effect
        hits += effect["ci_lower"] < 1.5 < effect["ci_upper"]
    assert hits / times == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / times))


def test_what_does_not_fit_is_refused(smoking):
    with pytest.raises(DataError, match="Utah has no row in 1975"):
        did(smoking[~((smoking["state"] == "Utah") & (smoking["year"] == "1975"))], **KEYS, **LAW)
    late = smoking.assign(g=smoking["state"].map({"California": "1989", "Utah": "1990"}))
    with pytest.raises(ModelError, match="several times"):
        did(late, cohort="g", **KEYS)
    with pytest.raises(ParamsError, match="no method or variance 'synth'"):
        did(smoking, method="synth", **KEYS, **LAW)
    with pytest.raises(ParamsError, match="has no option 'base'"):
        did(smoking, base="last", **KEYS, **LAW)
    with pytest.raises(ParamsError, match="anticipation"):
        did(smoking, anticipation=1, **KEYS, **LAW)
    with pytest.raises(InsufficientData, match="placebo variance cannot be had"):
        did(smoking, treated=smoking["state"].unique()[:30].tolist(), treated_from="1989", **KEYS)
