"""Influences against standard errors and against the data left out."""

import numpy as np

from xmresearch.inference.influences import of_covariances, of_means


def test_means_with_blanks_and_weights():
    rng = np.random.default_rng(2)
    y, w = rng.normal(size=(60, 2)), rng.uniform(0.5, 2, 60)
    y[3, 1] = np.nan
    found = of_means(y, w)
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-14)
    assert found[3, 1] == 0
    np.testing.assert_allclose(np.sqrt((of_means(y[:, :1]) ** 2).sum()), y[:, 0].std() / np.sqrt(60), rtol=1e-12)


def test_slope_is_the_residual_times_the_centred_driver():
    rng = np.random.default_rng(3)
    x = 100 * rng.normal(size=200)
    y = 0.02 * x + rng.normal(size=200)
    found = of_covariances(np.column_stack([x, y]), lambda s: s[..., :1, 1] / s[..., :1, 0])[:, 0]
    z, slope = x - x.mean(), np.polyfit(x, y, 1)[0]
    np.testing.assert_allclose(found, z * (y - y.mean() - slope * z) / (z @ z), rtol=1e-5, atol=1e-12)
