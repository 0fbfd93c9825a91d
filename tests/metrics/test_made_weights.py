"""Weights made from the same people as the index, and what that adds to its variance."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.drivers import index_weights
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics import composite_index, indicator_scores, resampled_weights
from xmresearch.metrics.made_weights import RESAMPLES, ResampledWeights


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(4)
    trait = rng.normal(size=600)
    x = pd.DataFrame(
        {k: 50 + s * (0.7 * trait + 0.7 * rng.normal(size=600)) for k, s in zip("abc", (10, 15, 20), strict=True)}
    )
    return x, pd.Series(np.repeat(["g", "h", "i"], 200)), 0.05 * x["a"] + 0.02 * x["b"] + rng.normal(size=600)


def derived(means, covariances):
    return index_weights(covariances)


def test_weights_that_are_held_add_nothing_to_the_variance(people):
    x, groups, _ = people
    found = resampled_weights(x, groups, lambda m, c: np.tile([1.0, 2, 1], (len(m), 1)), draws=4000)
    assert found.weights == {"a": 0.25, "b": 0.5, "c": 0.25}
    np.testing.assert_allclose(np.diag(found.added), 0, atol=1e-12)
    own = x @ [0.25, 0.5, 0.25]
    np.testing.assert_allclose(found.fixed, own.groupby(groups).var() / 200, rtol=0.1)
    assert np.abs(found.added[np.triu_indices(3, 1)]).max() < 0.1 * found.fixed.min()


def test_the_spread_of_made_weights_is_that_of_a_jackknife(people):
    x, groups, y = people
    found = resampled_weights(x, groups, derived, outcome=y, draws=2000)
    z = np.column_stack([x, y])
    left_out = np.array([index_weights(np.cov(np.delete(z, i, axis=0).T)) for i in range(600)])
    jackknife = np.sqrt(599 / 600 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found.table["se"], jackknife, rtol=0.1)
    np.testing.assert_allclose(found.table["weight"], index_weights(np.cov(z.T)), rtol=1e-9)


def test_the_index_takes_what_the_making_adds(people):
    x, groups, y = people
    made = resampled_weights(x, groups, derived, outcome=y)
    assert made.draws == RESAMPLES
    means, covariances, n = indicator_scores(x, groups)
    ranges = dict.fromkeys("abc", (0.0, 100.0))
    held = composite_index(means, ranges, {"d": made.weights}, covariances=covariances, n=n)
    taken = composite_index(means, ranges, {"d": made.weights}, covariances=covariances, made={"d": made}, n=n)
    np.testing.assert_allclose(taken.covariances["d"], held.covariances["d"] + made.added)
    np.testing.assert_allclose(taken.se["d"] ** 2, held.se["d"] ** 2 + np.diag(made.added))


def test_intervals_are_as_skewed_as_the_draws_and_as_wide_as_their_standard_error():
    skewed = np.random.default_rng(1).exponential(size=(100_000, 1)) ** [[1.0, 0.5]]
    made = ResampledWeights(pd.DataFrame({"indicator": ["a"], "weight": [1.0]}), skewed, np.ones(2))
    at, se = skewed.mean(axis=0), skewed.std(axis=0, ddof=1)
    lower, upper = made.ends(at, se, 1.0, 0.9)
    np.testing.assert_allclose([lower, upper], np.quantile(skewed, [0.05, 0.95], axis=0))
    wide_lower, wide_upper = made.ends(at, 2 * se, [1.0, 1.5], 0.9)
    np.testing.assert_allclose(wide_lower, at + [2, 3] * (lower - at))
    np.testing.assert_allclose(wide_upper, at + [2, 3] * (upper - at))


def test_weights_that_are_held_leave_the_interval_as_it_is(people):
    x, groups, _ = people
    held = resampled_weights(x, groups, lambda m, c: np.tile([1.0, 2, 1], (len(m), 1)), draws=20_000)
    means, covariances, n = indicator_scores(x, groups)
    given = {
        "ranges": dict.fromkeys("abc", (0.0, 100.0)),
        "weights": {"d": held.weights},
        "covariances": covariances,
        "n": n,
    }
    plain, drawn = composite_index(means, **given), composite_index(means, **given, made={"d": held})
    half = plain.upper["d"] - plain.table["d"]
    np.testing.assert_allclose((drawn.lower["d"] - plain.lower["d"]) / half, 0, atol=0.05)
    np.testing.assert_allclose((drawn.upper["d"] - plain.upper["d"]) / half, 0, atol=0.05)


def test_design_weights_weigh(people):
    x, groups, y = people
    twice = np.where(np.arange(600) % 2, 2.0, 1.0)
    found = resampled_weights(x, groups, derived, outcome=y, weights=twice, draws=100)
    doubled = np.repeat(np.arange(600), twice.astype(int))
    same = index_weights(np.cov(np.column_stack([x, y])[doubled].T))
    np.testing.assert_allclose(found.table["weight"], same, rtol=1e-9)


def test_what_gives_no_weights_is_refused(people):
    x, groups, y = people
    with pytest.raises(DataError, match="too few"):
        resampled_weights(x, groups, derived, outcome=y, draws=99)
    with pytest.raises(DataError, match="weight above zero"):
        resampled_weights(x, groups, derived, outcome=y, weights=np.zeros(600))
    with pytest.raises(InsufficientData):
        resampled_weights(x.assign(a=x["a"].where(groups != "g")), groups, derived, outcome=y)
