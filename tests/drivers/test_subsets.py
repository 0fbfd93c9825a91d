"""All subsets, sampled orders, and fits of grades against what they stand for."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from xmresearch.drivers.cumulative_logit import GradedOutcome, fit_subsets, replicate_subsets
from xmresearch.drivers.dominance_analysis import dominance
from xmresearch.drivers.explained import standardised_slopes
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.johnson_weights import latent_relative_weights, relative_weights
from xmresearch.drivers.subsets import (
    MOST_EXACT,
    conditional_dominance,
    explained_by_subsets,
    lmg,
    lmg_sampled,
    sample_orders,
    shapley_values,
    subset_masks,
)
from xmresearch.errors import InsufficientData


def covariance(k, seed, n=400):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, k)) @ rng.standard_normal((k, k)) / np.sqrt(k) + rng.standard_normal((n, 1))
    y = x @ rng.uniform(0, 1, k) + 2 * rng.standard_normal(n)
    return np.cov(np.column_stack([x, y]), rowvar=False)


def test_every_subset_is_a_regression():
    cov = covariance(5, 1)
    found = explained_by_subsets(cov)
    for mask, value in zip(subset_masks(5), found, strict=True):
        at = np.flatnonzero(mask)
        slope = np.linalg.solve(cov[np.ix_(at, at)], cov[at, 5]) if len(at) else np.zeros(0)
        assert value == pytest.approx(slope @ cov[at, 5] / cov[5, 5], abs=1e-12)


def test_shapley_values_are_means_over_all_orders():
    values = np.random.default_rng(2).uniform(size=16)
    gains = np.zeros(4)
    for order in permutations(range(4)):
        before = 0
        for j in order:
            gains[j] += values[before | 1 << j] - values[before]
            before |= 1 << j
    np.testing.assert_allclose(shapley_values(values), gains / 24)
    np.testing.assert_allclose(conditional_dominance(values).mean(axis=-1), gains / 24)


def test_sampled_orders_agree_within_their_own_error():
    cov = covariance(9, 3)
    shares, error = lmg_sampled(cov, sample_orders(9, 1000, seed=5))
    assert shares.sum() == pytest.approx(lmg(cov).sum(), abs=1e-9)
    assert (np.abs(shares - lmg(cov)) < 4 * error + 1e-12).all()
    assert 0 < error.max() < 0.01


@pytest.mark.parametrize(("k", "sampled"), [(MOST_EXACT, False), (MOST_EXACT + 1, True)])
def test_orders_are_sampled_beyond_fifteen_drivers(k, sampled):
    assert MOST_EXACT == 15
    rng = np.random.default_rng(4)
    x = pd.DataFrame(rng.standard_normal((200, k)), columns=[f"d{j}" for j in range(k)])
    y = pd.Series(x.sum(axis=1) + rng.standard_normal(200), name="y")
    found = relative_importance(x, y, bootstrap=20)
    assert (found.sampling_error > 0) is sampled
    assert found.table["share"].sum() == pytest.approx(1)
    if sampled:
        with pytest.raises(InsufficientData, match="up to 15"):
            dominance(found)


def test_sampled_orders_of_grades_agree_with_all(monkeypatch):
    rng = np.random.default_rng(5)
    x = pd.DataFrame(rng.standard_normal((300, 5)) + rng.standard_normal((300, 1)), columns=list("abcde"))
    y = pd.Series((x["a"] + x["b"] / 2 + rng.logistic(size=300) > 0).astype(float), name="y")
    whole = relative_importance(x, y, kind="binary", bootstrap=50)
    monkeypatch.setattr("xmresearch.drivers.explained.MOST_EXACT", 4)
    sampled = relative_importance(x, y, kind="binary", bootstrap=50)
    assert sampled.sampling_error > 0
    assert (np.abs(sampled.table["lmg"] - whole.table["lmg"]) < 4 * sampled.sampling_error * whole.r2 + 1e-12).all()
    assert sampled.r2 == pytest.approx(whole.r2)


def test_relative_weights_of_unrelated_drivers_are_squared_slopes():
    cov = np.eye(4)
    cov[:3, 3] = cov[3, :3] = [0.6, 0.3, 0.1]
    np.testing.assert_allclose(relative_weights(cov), [0.36, 0.09, 0.01], atol=1e-12)
    cov = covariance(4, 6)
    sd = np.sqrt(np.diag(cov))
    r = cov / np.outer(sd, sd)
    np.testing.assert_allclose(
        latent_relative_weights(r[:4, :4], standardised_slopes(cov)), relative_weights(cov), atol=1e-12
    )


def test_grades_equal_statsmodels():
    """Binary: Logit; ordinal: OrderedModel."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rng = np.random.default_rng(7)
    x = rng.standard_normal((400, 3))
    latent = x @ [1.0, 0.5, 0.0] + rng.logistic(size=400)
    y = np.digitize(latent, [-1.0, 0.3, 1.5])
    fits = fit_subsets(GradedOutcome(x, y), subset_masks(3), np.ones(400))
    for mask, slopes, value in zip(fits.masks[1:], fits.slopes[1:], fits.log_likelihood[1:], strict=True):
        peer = OrderedModel(y, x[:, mask], distr="logit").fit(disp=False, method="bfgs", gtol=1e-9)
        assert value == pytest.approx(peer.llf, abs=1e-6)
        np.testing.assert_allclose(slopes[mask], peer.params[: mask.sum()], atol=1e-4)
        assert (slopes[~mask] == 0).all()
    binary = (latent > 0).astype(int)
    found = fit_subsets(GradedOutcome(x, binary), subset_masks(3), np.ones(400))
    peer = sm.Logit(binary, sm.add_constant(x)).fit(disp=False)
    np.testing.assert_allclose(found.slopes[-1], peer.params[1:], atol=1e-7)
    np.testing.assert_allclose(found.covariance, peer.cov_params()[1:, 1:], atol=1e-7)


def test_one_newton_step_stands_for_a_refit():
    rng = np.random.default_rng(8)
    x = rng.standard_normal((500, 3))
    y = np.digitize(x @ [0.8, 0.4, 0.1] + rng.logistic(size=500), [-1.0, 1.0])
    outcome = GradedOutcome(x, y)
    fits = fit_subsets(outcome, subset_masks(3), np.ones(500))
    draws = [w * 500 / w.sum() for w in rng.standard_exponential((30, 500))]
    likelihood, empty, thresholds, slopes = replicate_subsets(outcome, fits, draws)
    refits = [fit_subsets(outcome, subset_masks(3), w) for w in draws]
    again = np.array([f.log_likelihood for f in refits])
    whole = np.array([f.slopes[-1] for f in refits])
    np.testing.assert_allclose(empty, again[:, 0])
    assert np.abs(likelihood - again).max() < 0.1 * (again[:, -1] - again[:, 0]).std()
    assert (np.abs(slopes - whole).max(axis=0) < 0.35 * whole.std(axis=0)).all()
    assert (np.diff(thresholds, axis=1) > 0).all()


def test_grades_that_are_foretold_without_error_are_refused():
    x = pd.DataFrame({"a": np.arange(60.0), "b": np.tile([0.0, 1.0, 2.0], 20)})
    with pytest.raises(InsufficientData, match="without error"):
        relative_importance(x, (x["a"] > 30).astype(float).rename("y"), kind="binary", bootstrap=20)


@pytest.mark.parametrize(
    ("grades", "kind", "said"), [(3, "binary", "not binary"), (21, "ordinal", "at most 20"), (20, "ordinal", None)]
)
def test_an_outcome_must_be_what_it_is_declared(grades, kind, said):
    rng = np.random.default_rng(9)
    x = pd.DataFrame(rng.standard_normal((200, 2)), columns=["a", "b"])
    y = pd.Series(np.arange(200) % grades + 0.0, name="y")
    if said:
        with pytest.raises(InsufficientData, match=said):
            relative_importance(x, y, kind=kind, bootstrap=20)
    else:
        assert relative_importance(x, y, kind=kind, bootstrap=20).kind == kind


def test_dominance_is_stated_from_the_strongest_on():
    rng = np.random.default_rng(10)
    x = pd.DataFrame(rng.standard_normal((2000, 3)), columns=list("abc"))
    y = pd.Series(x["a"] + 0.5 * x["b"] + rng.standard_normal(2000), name="y")
    found = dominance(relative_importance(x, y, bootstrap=200))
    assert list(found.pairs["dominance"]) == ["complete"] * 3
    assert set(zip(found.pairs["first"], found.pairs["second"], strict=True)) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert (found.pairs[["complete", "conditional", "general"]] == 1).all(axis=None)
    assert found.summary() == {"pairs": 3, "complete": 3, "conditional": 0, "general": 0, "none": 0}


def test_a_suppressor_dominates_on_average_only():
    """b adds most beside a, though alone it explains nothing: neither dominates the other in every subset."""
    cov = np.eye(4)
    cov[0, 1] = cov[1, 0] = 0.6
    cov[0, 3] = cov[3, 0] = 0.5
    cov[2, 3] = cov[3, 2] = 0.3
    rng = np.random.default_rng(11)
    data = rng.multivariate_normal(np.zeros(4), cov, 5000)
    x, y = pd.DataFrame(data[:, :3], columns=list("abc")), pd.Series(data[:, 3], name="y")
    pairs = dominance(relative_importance(x, y, bootstrap=200)).pairs.set_index(["first", "second"])
    assert (
        pairs.loc[("b", "c"), "dominance"] == "general"
        if ("b", "c") in pairs.index
        else pairs.loc[("c", "b"), "dominance"] == "general"
    )
    assert pairs.loc[("a", "b"), "dominance"] in ("complete", "conditional")


def test_half_of_the_resamples_must_tell_the_drivers_apart():
    from xmresearch.drivers.explained import _usable
    from xmresearch.errors import InsufficientData

    sound, flat = np.eye(3), np.diag([1.0, 0.0, 1.0])
    assert _usable(np.stack([sound] * 5 + [flat] * 5), 2).sum() == 5
    with pytest.raises(InsufficientData, match="Most resamples cannot tell the drivers apart"):
        _usable(np.stack([sound] * 4 + [flat] * 6), 2)


@pytest.mark.parametrize(("k", "kept"), [(10, True), (11, False)])
def test_draws_of_all_subsets_are_kept_up_to_ten_drivers(k, kept):
    rng = np.random.default_rng(2)
    x = pd.DataFrame(rng.normal(size=(60, k)), columns=[f"d{j}" for j in range(k)])
    y = pd.Series(x.sum(axis=1) + rng.normal(size=60), name="y")
    assert (relative_importance(x, y, bootstrap=20).values_drawn is not None) == kept
