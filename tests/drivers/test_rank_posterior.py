"""Probabilities of ranks: drivers are alike until the answers tell them apart."""

import numpy as np
import pytest

from xmresearch.drivers.rank_posterior import chance_of_lead, pulled_together


def bootstrap(estimate, se, seed=0, size=4000, rho=0.0):
    k = len(estimate)
    cov = se**2 * (rho + (1 - rho) * np.eye(k))
    return np.random.default_rng(seed).multivariate_normal(estimate, cov, size)


def test_against_a_numerical_integral():
    """Posterior means by quadrature over the spread, for independent errors of one size."""
    y, se = np.array([0.5, 0.3, 0.2, 0.1]), 0.1
    raw = bootstrap(y, se, size=200_000)
    raw = y + (raw - raw.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T * se
    scale = 0.5 * np.abs(y).mean()
    t = np.tan(np.linspace(0, np.pi / 2, 20_001)[1:-1])
    apart = ((y - y.mean()) ** 2).sum()
    like = np.exp(-1.5 * np.log((scale * t) ** 2 + se**2) - apart / 2 / ((scale * t) ** 2 + se**2))
    none = np.exp(-1.5 * np.log(se**2) - apart / 2 / se**2)
    kept = (like * (scale * t) ** 2 / ((scale * t) ** 2 + se**2)).mean() * 2 / 3 / (like.mean() * 2 / 3 + none / 3)
    found = pulled_together(y, raw)
    np.testing.assert_allclose(found.mean(axis=0), y.mean() + kept * (y - y.mean()), atol=3e-3)
    assert found.mean(axis=1).std() == pytest.approx(se / 2, rel=0.02)


def test_chance_differences_are_pulled_together_and_clear_ones_are_not():
    near = np.array([0.26, 0.25, 0.25, 0.24])
    raw = bootstrap(near, 0.03)
    assert chance_of_lead(pulled_together(near, raw)).max() < 0.35 < chance_of_lead(raw).max()
    clear = np.array([0.7, 0.1, 0.1, 0.1])
    found = pulled_together(clear, bootstrap(clear, 0.02))
    assert chance_of_lead(found)[0] == 1
    np.testing.assert_allclose(found.mean(axis=0), clear, atol=0.005)


def test_equal_figures_lead_equally_often():
    y = np.full(5, 0.2)
    np.testing.assert_allclose(chance_of_lead(pulled_together(y, bootstrap(y, 0.05))), 0.2, atol=0.03)


def test_shares_still_add_up_and_one_driver_is_left_alone():
    y = np.array([0.5, 0.3, 0.2])
    raw = bootstrap(y, 0.05)
    raw = raw - raw.mean(axis=1, keepdims=True) + 1 / 3
    np.testing.assert_allclose(pulled_together(y, raw).sum(axis=1), 1)
    alone = raw[:, :1]
    assert pulled_together(y[:1], alone) is alone


def test_common_errors_move_the_level_with_the_differences():
    """A driver whose error is the level's: what it is pulled by, the level follows."""
    y, rng = np.array([1.0, 0.0]), np.random.default_rng(3)
    raw = y + np.column_stack([rng.standard_normal(50_000), np.zeros(50_000)])
    assert np.abs(pulled_together(y, raw)[:, 1]).max() < 0.02


def test_nothing_differs_where_nothing_is_measured():
    assert np.isfinite(pulled_together(np.zeros(3), np.zeros((200, 3)))).all()
