"""Synthetic control and synthetic difference-in-differences."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.simplex import simplex_weights
from xmresearch.causal.synthetic import METHODS, synthetic_control
from xmresearch.errors import DataError, InsufficientData, ParamsError


@pytest.fixture(scope="module")
def smoking():
    """Packs per head in 39 states, 1970-2000 (Abadie et al., 2010; from the Tax Burden on Tobacco); law in 1989."""
    return pd.read_csv(Path(__file__).parent / "california_prop99.csv", index_col=0)


def _california(smoking, **options):
    mask = (smoking.index == "California").astype(bool)
    return synthetic_control(smoking.to_numpy(), mask, 19, units=smoking.index, periods=smoking.columns, **options)


@pytest.mark.parametrize(
    ("method", "effect", "near", "se"),
    [("sdid", -15.6, 0.05, 8.4), ("sc", -19.6, 0.15, 9.9), ("did", -27.3, 0.06, 17.7)],
)
def test_california(smoking, method, effect, near, se):
    """Arkhangelsky et al. (2021), table 1. Their sc stops short of the minimum: see the next test."""
    found = _california(smoking, method=method)
    assert found.effect == pytest.approx(effect, abs=near)
    assert found.se == pytest.approx(se, rel=0.13)  # theirs draws states at random, here each is taken in turn


def test_california_weights(smoking):
    """Abadie et al. (2010), table 2, has .164 Colorado, .069 Connecticut, .199 Montana, .234 Nevada, .334 Utah with covariates."""
    found = _california(smoking, method="sc", variance="none")
    weights = found.unit_weights.set_index("unit")["weight"]
    assert set(weights[weights > 1e-6].index) == {
        "Utah",
        "Montana",
        "Nevada",
        "Connecticut",
        "New Hampshire",
        "Colorado",
    }
    assert weights.sum() == pytest.approx(1)
    pool = smoking.drop(index="California").iloc[:, :19].to_numpy()
    gradient = pool @ (
        weights[smoking.drop(index="California").index] @ pool - smoking.loc["California"].to_numpy()[:19]
    )
    used = weights[smoking.drop(index="California").index].to_numpy() > 0
    assert np.ptp(gradient[used]) < 1e-6 * np.abs(gradient).max()  # Karush-Kuhn-Tucker: level where used ...
    assert gradient[~used].min() > gradient[used].mean()  # ... and higher elsewhere
    assert np.isnan(found.se)
    assert found.summary()["heaviest"] == "Utah"
    assert found.diagnostics()["check"].tolist() == [
        "relative_rmspe", "effective_controls", "smallest_p", "loo_same_sign",
    ]  # fmt: skip


def test_california_placebos(smoking):
    """Abadie et al.: California's ratio is the largest of 39, p = .026; so it is here with intercepts."""
    found = _california(smoking)
    assert found.p_placebo == pytest.approx(1 / 39)
    assert len(found.placebos) == 39
    assert found.se == pytest.approx(found.placebos["effect"].iloc[1:].std(ddof=0))
    assert found.leave_one_out["effect"].between(-17.5, -14.5).all()
    years = found.path.set_index("period")["weight"].dropna()
    np.testing.assert_allclose(years[["1986", "1987", "1988"]], [0.366, 0.206, 0.427], atol=1e-3)  # their figure 1
    assert found.path.query("after")["gap"].mean() == pytest.approx(found.effect)


def _by_enumeration(design, target, ridge):
    """Least of the minima over all sets of columns whose unconstrained weights are positive."""
    best, k = np.inf, design.shape[1]
    gram, moment = design.T @ design + ridge * np.eye(k), design.T @ target
    for size in range(1, k + 1):
        for chosen in combinations(range(k), size):
            at = list(chosen)
            system = np.block([[gram[np.ix_(at, at)], np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            w = np.linalg.lstsq(system, np.append(moment[at], 1.0), rcond=None)[0][:size]
            if (w >= -1e-12).all() and abs(w.sum() - 1) < 1e-9:
                best = min(best, w @ gram[np.ix_(at, at)] @ w - 2 * w @ moment[at])
    return best


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_weights_are_the_minimum_over_all_active_sets(ridge):
    rng = np.random.default_rng(7)
    for rows in (2, 5, 12):
        for _ in range(8):
            design, target = rng.normal(size=(rows, 7)), rng.normal(size=rows)
            w = simplex_weights(design, target, ridge=ridge)
            assert w.min() >= 0
            assert w.sum() == pytest.approx(1)
            value = w @ (design.T @ design + ridge * np.eye(7)) @ w - 2 * w @ design.T @ target
            assert value == pytest.approx(_by_enumeration(design, target, ridge), abs=1e-8)


def test_a_mean_that_is_there_is_found_among_many_columns():
    rng = np.random.default_rng(8)
    design = rng.normal(size=(15, 60)) + np.arange(60)
    target = design[:, :3] @ [0.5, 0.3, 0.2] + 40
    w = simplex_weights(design, target, intercept=True)
    residual = design @ w - target
    assert np.ptp(residual) < 1e-6


def _waves():
    i, t = np.meshgrid(np.arange(12), np.arange(10), indexing="ij")
    y = 3 * np.sin(1.7 * i) + 0.5 * t + np.cos(0.9 * i) * np.sin(0.8 * t) + 0.3 * np.sin(12.9 * i + 7.3 * t)
    y[:3, 7:] += 2
    return y, np.arange(12) < 3


def test_several_treated_units():
    """diff-diff 3.13.0, SyntheticDiD(variance_method='jackknife'): its time weights stop short of the minimum."""
    y, mask = _waves()
    found = synthetic_control(y, mask, 7, variance="jackknife")
    theirs = {3: 0.0110303, 4: 0, 5: 0.1095019, 6: 0.2680321, 7: 0.3286192, 8: 0.2339618, 9: 0.0488548, 10: 0, 11: 0}
    mine = found.unit_weights.set_index("unit")["weight"]
    np.testing.assert_allclose(mine[list(theirs)], list(theirs.values()), atol=1e-4)
    assert found.effect == pytest.approx(2.1984202, rel=0.01)
    assert found.se == pytest.approx(0.0529393, rel=0.06)
    their_time = np.array([0.0083154, 0.0248961, 0.4100304, 0.0949093, 0.0083154, 0.0083154, 0.4452182])
    fit = [np.var(y[3:, :7] @ w - y[3:, 7:].mean(axis=1)) for w in (found.path["weight"][:7].to_numpy(), their_time)]
    assert fit[0] < fit[1]


def test_sdid_is_weighted_two_way_fixed_effects():
    y, mask = _waves()
    found = synthetic_control(y, mask, 7, variance="none")
    unit = np.full(12, 1 / 3)
    unit[3:] = found.unit_weights.sort_values("unit")["weight"]
    time = np.append(found.path["weight"].to_numpy()[:7], np.full(3, 1 / 3))
    treated = np.outer(mask, np.arange(10) >= 7).astype(float).ravel()
    dummies = [np.kron(np.eye(12), np.ones((10, 1))), np.kron(np.ones((12, 1)), np.eye(10))]
    root = np.sqrt(np.outer(unit, time).ravel())[:, None]
    design = np.column_stack([treated, *dummies]) * root
    assert np.linalg.lstsq(design, y.ravel() * root[:, 0], rcond=None)[0][0] == pytest.approx(found.effect, abs=1e-8)
    even = synthetic_control(y, mask, 7, variance="none", method="did")
    change = y[:, 7:].mean(axis=1) - y[:, :7].mean(axis=1)
    assert even.effect == pytest.approx(change[mask].mean() - change[~mask].mean())


def _factors(rng, n=30, periods=24, effect=0.0, treated=1, drift=0.0):
    """Units that load on two common movements; the treated load most."""
    load = rng.normal(size=(n, 2)) + 5
    load[:treated] += drift
    common = np.cumsum(rng.normal(size=(2, periods)), axis=1) * 0.3
    y = load @ common + rng.normal(size=(n, 1)) + rng.normal(0, 0.3, size=(n, periods))
    y[:treated, periods - 6 :] += effect
    return y, np.arange(n) < treated


def test_planted_effect_is_found_where_plain_differences_fail():
    rng = np.random.default_rng(1)
    errors = {m: [] for m in METHODS}
    for _ in range(15):
        y, mask = _factors(rng, n=20, effect=2.0, treated=3, drift=1.5)
        for method in METHODS:
            found = synthetic_control(y, mask, 18, method=method, variance="none")
            errors[method].append(found.effect - 2.0)
    spread = {m: np.sqrt(np.mean(np.square(e))) for m, e in errors.items()}
    assert spread["sdid"] < 0.5 * spread["did"]
    assert abs(np.mean(errors["sdid"])) < 0.15


def test_placebo_interval_and_p_value_hold_without_effect():
    rng = np.random.default_rng(2)
    covered, small, runs = 0, 0, 40
    for _ in range(runs):
        y, mask = _factors(rng, n=20, periods=16)
        found = synthetic_control(y, mask, 10, confidence=0.9)
        covered += found.ci_lower <= 0 <= found.ci_upper
        small += found.p_placebo <= 0.1
    assert 0.8 <= covered / runs <= 0.99
    assert small / runs <= 0.2


def test_jackknife_leaves_out_each_unit_with_weights_held():
    y, mask = _waves()
    found = synthetic_control(y, mask, 7, variance="jackknife")
    omega = found.unit_weights.sort_values("unit")["weight"].to_numpy()
    before = found.path["weight"].to_numpy()[:7]
    effects = []
    for out in range(12):
        keep = np.arange(12) != out
        w = omega * keep[3:]
        gap = y[mask & keep].mean(axis=0) - (w / w.sum()) @ y[3:]
        effects.append(gap[7:].mean() - gap[:7] @ before)
    assert found.se == pytest.approx(np.sqrt(11 / 12 * np.sum((effects - np.mean(effects)) ** 2)))


@pytest.mark.parametrize("method", METHODS)
def test_units_of_the_outcome_do_not_matter(method):
    y, mask = _waves()
    one, other = (synthetic_control(v, mask, 7, method=method, replications=20) for v in (y, 1000 * y))
    assert other.effect == pytest.approx(1000 * one.effect, rel=1e-6)
    assert other.se == pytest.approx(1000 * one.se, rel=1e-6)
    assert other.p_placebo == one.p_placebo
    assert "<table" in one._repr_html_()


def test_bad_panels_are_one_clear_error():
    y, mask = _waves()
    with pytest.raises(ParamsError, match="no method or variance 'sdd'.*Did you mean 'sdid'"):
        synthetic_control(y, mask, 7, method="sdd")
    with pytest.raises(InsufficientData, match="jackknife variance cannot be had from 1 treated and 11"):
        synthetic_control(y, np.arange(12) < 1, 7, variance="jackknife")
    with pytest.raises(InsufficientData, match="placebo variance cannot be had from 7 treated and 5"):
        synthetic_control(y, np.arange(12) < 7, 7)
    with pytest.raises(InsufficientData, match="12 treated and 0 untreated"):
        synthetic_control(y, np.ones(12, dtype=bool), 7)
    with pytest.raises(InsufficientData, match="column 10 of 10"):
        synthetic_control(y, mask, 10)
    with pytest.raises(InsufficientData, match="takes 2 period"):
        synthetic_control(y, mask, 1)
    with pytest.raises(DataError, match="one treated flag per unit"):
        synthetic_control(y, mask[:5], 7)
    with pytest.raises(DataError, match="3 units are named"):
        synthetic_control(y, mask, 7, units=["a", "b", "c"])
    y[4, 2] = np.nan
    with pytest.raises(DataError, match="unit 4 in period 2 is missing"):
        synthetic_control(y, mask, 7)
