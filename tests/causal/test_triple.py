"""Triple differences against least squares with all interactions, and planted truth."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.causal.designs import did
from xmresearch.causal.robustness import sensitivity
from xmresearch.errors import DataError, ParamsError
from xmresearch.sufficient.cells import Cells

KEYS = {"outcome": "y", "unit": "branch", "time": "month", "third": "kiosk"}


def rows(units=20, periods=6, effect=0.8, shock=0.6, seed=0, cohorts=(4, 0), family="gaussian"):
    """Treated branches have a shock of their own from their date on; only kiosk rows have the effect."""
    rng = np.random.default_rng(seed)
    start = np.resize(cohorts, units)
    unit, time, third = (a.ravel() for a in np.indices((units, periods, 2)))
    cell = rng.normal(0, 0.3, (units, periods))[unit, time] + rng.normal(0, 0.2, (units, 2))[unit, third]
    on = (start[unit] > 0) & (time + 1 >= start[unit])
    mean = 1 + 0.1 * time + 0.5 * third + 0.2 * time * third + cell + on * (shock + effect * third)
    size = rng.integers(3, 12, len(unit))
    frame = pd.DataFrame({"branch": unit, "month": time + 1, "kiosk": third, "cohort": start[unit], "mean": mean})
    frame = frame.loc[frame.index.repeat(size)].reset_index(drop=True)
    y = frame["mean"] + rng.normal(0, 1, len(frame))
    made = {
        "gaussian": y, "bernoulli": (y > 1.5).astype(float), "count": rng.poisson(np.exp((y / 3).clip(-2, 2))),
        "ordinal": (y + 1).round().clip(1, 5), "nps": (2 * y + 3).round().clip(0, 10),
    }  # fmt: skip
    return frame.assign(y=made[family])


def least_squares(columns, y):
    x = np.column_stack(columns).astype(float)
    beta, rest, *_ = np.linalg.lstsq(x, np.asarray(y, dtype=float), rcond=None)
    df = len(x) - x.shape[1]
    return beta, np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * rest[0] / df), df


def test_rows_are_least_squares_with_all_interactions():
    frame = rows()
    t, a, k = frame["cohort"] > 0, frame["month"] >= 4, frame["kiosk"]
    beta, se, df = least_squares([np.ones(len(frame)), t, a, k, t * a, t * k, a * k, t * a * k], frame["y"])
    found = did(frame, cohort="cohort", cluster="none", kind="two_by_two", draws=40_000, **KEYS)
    assert found.effect["estimate"] == pytest.approx(beta[7])
    assert found.effect["sd"] == pytest.approx(se[7] * np.sqrt(df / (df - 2)), rel=0.02)
    assert found.facts["third"] == "kiosk"
    assert found.facts["rows"] == len(frame)
    tight = did(frame, cohort="cohort", cluster="none", kind="two_by_two", prior_scale=0.05, **KEYS)
    assert abs(tight.effect["estimate"]) < abs(found.effect["estimate"])
    apart = did(frame, cohort="cohort", cluster="none", kind="two_by_two", variance="unequal", **KEYS)
    assert apart.effect["estimate"] == pytest.approx(beta[7])
    assert apart.effect["sd"] == pytest.approx(se[7], rel=0.05)


@pytest.mark.parametrize("family", ["bernoulli", "ordinal", "nps", "count"])
def test_families_are_differences_of_two_analyses(family):
    frame = rows(family=family)
    options = {"cohort": "cohort", "family": family, "kind": "two_by_two", "draws": 8000}
    for cluster in ("none", "unit"):
        found = did(frame, cluster=cluster, **options, **KEYS)
        keys = {k: v for k, v in KEYS.items() if k != "third"}
        one, other = (did(frame[frame["kiosk"] == k], cluster=cluster, **options, **keys) for k in (1, 0))
        # a prior worth one answer spreads over the categories seen, which the sides may differ in
        assert found.effect["estimate"] == pytest.approx(
            one.effect["estimate"] - other.effect["estimate"], rel=5e-3, abs=1e-3
        )
        if cluster == "none":
            apart = np.hypot(one.effect["sd"], other.effect["sd"])
            assert found.effect["sd"] == pytest.approx(apart, rel=0.03)
        assert len(found.tidy("overall")) == len(one.tidy("overall"))


def cells(frame):
    return frame.groupby(["branch", "month", "kiosk", "cohort"], as_index=False)["y"].mean()


def test_event_study_is_least_squares_on_cell_means():
    """Unit by period, unit by side and period by side effects; treated x side x period, the last before left out."""
    frame = rows()
    mean = cells(frame)
    unit, time, k = mean["branch"], mean["month"], mean["kiosk"]
    dummies = [pd.get_dummies(unit.astype(str) + "." + time.astype(str)).to_numpy(float)]
    dummies += [pd.get_dummies(unit).to_numpy(float)[:, 1:] * k.to_numpy()[:, None]]
    dummies += [pd.get_dummies(time).to_numpy(float) * k.to_numpy()[:, None]]
    months = [1, 2, 4, 5, 6]
    wanted = [(time == m) * k * (mean["cohort"] > 0) for m in months]
    beta = np.linalg.lstsq(np.column_stack([*wanted, *dummies]).astype(float), mean["y"], rcond=None)[0][:5]
    found = did(frame, cohort="cohort", **KEYS)
    assert found.kind == "event_study"
    dynamic = found.tidy("dynamic").set_index("time")["estimate"]
    np.testing.assert_allclose(dynamic[months], beta, atol=1e-9)
    every = did(frame, cohort="cohort", kind="two_by_two", **KEYS)
    collapsed = [(time >= 4) * k * (mean["cohort"] > 0)]
    beta = np.linalg.lstsq(np.column_stack([*collapsed, *dummies]).astype(float), mean["y"], rcond=None)[0][0]
    assert every.effect["estimate"] == pytest.approx(beta)


@pytest.mark.parametrize("kind", ["staggered", "event_study", "two_by_two", "synthetic_control"])
def test_clustered_kinds_are_those_of_differences(kind):
    frame = rows(units=24, cohorts=(4, 0, 0) if kind != "staggered" else (4, 5, 0))
    mean = cells(frame).pivot_table(index=["branch", "month", "cohort"], columns="kiosk", values="y").reset_index()
    difference = mean.assign(y=mean[1] - mean[0])
    options = {"cohort": "cohort", "kind": kind}
    keys = {k: v for k, v in KEYS.items() if k != "third"}
    triple, plain = did(frame, **options, **KEYS), did(difference, **options, **keys)
    np.testing.assert_allclose(triple.draws, plain.draws)
    shared = ["estimate", "sd", "ci_lower", "ci_upper"]
    np.testing.assert_allclose(triple.table[shared], plain.table[shared], atol=1e-9)
    if kind != "synthetic_control":
        a, b = (sensitivity(found, placebo_units=30).table.query("check != 'prior'") for found in (triple, plain))
        np.testing.assert_allclose(a["estimate"], b["estimate"], atol=1e-9)
        assert a["changed"].tolist() == b["changed"].tolist()


def test_the_effect_is_told_from_a_shock_of_the_treated():
    estimates, plain, hits = [], [], 0
    keys = {k: v for k, v in KEYS.items() if k != "third"}
    for seed in range(60):
        frame = rows(seed=seed, periods=4, cohorts=(3, 0))
        effect = did(frame, cohort="cohort", base="all", draws=1000, **KEYS).effect
        estimates.append(effect["estimate"])
        hits += effect["ci_lower"] < 0.8 < effect["ci_upper"]
        plain.append(did(frame[frame["kiosk"] == 1], cohort="cohort", draws=100, **keys).effect["estimate"])
    assert np.mean(estimates) == pytest.approx(0.8, abs=4 * np.std(estimates) / np.sqrt(60))
    assert np.mean(plain) > 1.2
    assert hits >= 52


def test_every_input_gives_the_same_answer():
    frame = rows()
    found = did(frame, cohort="cohort", **KEYS)
    for other in (
        pl.from_pandas(frame).lazy(),
        frame.assign(kiosk=frame["kiosk"] == 1),
        frame.sample(frac=1, random_state=1),
    ):
        np.testing.assert_allclose(did(other, cohort="cohort", **KEYS).draws, found.draws, rtol=1e-9)
    thousand = did(frame.assign(y=frame["y"] * 1000), cohort="cohort", **KEYS)
    assert thousand.effect["standardised"] == pytest.approx(found.effect["standardised"])
    plain = did(frame[frame["kiosk"] == 1], cohort="cohort", outcome="y", unit="branch", time="month")
    assert found.effect["outcome_sd"] == pytest.approx(plain.effect["outcome_sd"])


def test_missing_sides_are_said_or_refused():
    frame = rows()
    hole = frame[~((frame["branch"] == 3) & (frame["month"] == 2) & (frame["kiosk"] == 0))]
    found = did(hole, cohort="cohort", **KEYS)
    assert found.panel.n[3, 1] == 0
    assert any(w.startswith("1 cell(s) of 1 unit(s) lack rows") for w in found.warnings)
    with pytest.raises(DataError, match=r"Unit 3 has no row with kiosk = 0; 1 unit\(s\) are so"):
        did(frame[~((frame["branch"] == 3) & (frame["kiosk"] == 0))], cohort="cohort", **KEYS)
    apart = frame[~((frame["branch"] == 3) & ((frame["month"] > 3) == (frame["kiosk"] == 1)))]
    with pytest.raises(DataError, match="Unit 3 never has both sides in one period"):
        did(apart, cohort="cohort", **KEYS)
    for bad, message in (
        (frame.assign(kiosk=2), "holds 2"), (frame.assign(kiosk=1), "is 1 in every row"),
        (frame.assign(kiosk=np.nan), "holds nan"), (frame.drop(columns="kiosk"), "no column 'kiosk'"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            did(bad, cohort="cohort", **KEYS)
        with pytest.raises(DataError, match=message.replace("nan", "None")):
            did(pl.from_pandas(bad).lazy(), cohort="cohort", **KEYS)
    with pytest.raises(ParamsError, match="Cells do not know"):
        did(Cells.of(frame, outcome="y", unit="branch", time="month", cohort="cohort"), third="kiosk")
