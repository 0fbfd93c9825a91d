"""Weights of an index by what goes with an outcome."""

import numpy as np
import pytest

from xmresearch.drivers import index_weights, relative_weights
from xmresearch.errors import DataError


@pytest.fixture(scope="module")
def covariance():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, 3)) @ np.array([[1, 0.5, 0.2], [0, 1, 0.4], [0, 0, 1]]) * [10, 20, 5]
    return np.cov(np.column_stack([x, x @ [0.05, 0.02, 0.1] + rng.normal(size=4000)]).T)


def test_derived_weights_are_shares_of_relative_weights(covariance):
    raw = relative_weights(covariance)
    np.testing.assert_allclose(index_weights(covariance), raw / raw.sum())


def test_pls_weights_are_slopes_of_each_indicator_on_the_outcome(covariance):
    """Of one composite with one outcome, mode A weighs a standardised indicator by its correlation: cov / var on its own scale."""
    slopes = covariance[:3, 3] / np.diag(covariance)[:3]
    np.testing.assert_allclose(index_weights(covariance, "pls"), slopes / slopes.sum(), rtol=1e-9)
    many = index_weights(np.stack([covariance, 4 * covariance]), "pls")
    np.testing.assert_allclose(many[0], many[1])


def test_an_indicator_that_goes_against_the_outcome_counts_nothing():
    against = np.array([[1.0, 0.1, -0.3], [0.1, 1, 0.6], [-0.3, 0.6, 1]])
    assert index_weights(against, "pls").tolist() == [0, 1]


def test_nothing_to_go_with_gives_no_weights():
    with pytest.raises(DataError, match="same for everybody"):
        index_weights(np.diag([1.0, 0, 1]))
    for method in ("derived", "pls"):
        with pytest.raises(DataError, match="No indicator goes with"):
            index_weights(np.array([[1.0, 0.2, 0], [0.2, 1, 0], [0, 0, 1]]), method)
