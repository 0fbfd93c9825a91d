"""The posterior of figures that are alike until told apart, against another way of finding it."""

import numpy as np
import pytest
from scipy import integrate, stats

from xmresearch.claims.exchangeable import exchangeable_draws
from xmresearch.drivers.rank_posterior import chance_of_lead, pulled_together
from xmresearch.metrics.league_tables import draws_of_groups, rank_chances


def lead_by_quadrature(y, error, scale, alike=1 / 3):
    """The probability of leading of each of three figures: over the spread by quadrature, over the figures by their joint normal."""
    apart = np.array([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0]])

    def likelihood(tau):
        return stats.multivariate_normal.pdf(apart @ y, cov=apart @ (error + tau**2 * np.eye(3)) @ apart.T)

    def leads(tau):
        gain = tau**2 * np.eye(3) @ apart.T @ np.linalg.inv(apart @ (error + tau**2 * np.eye(3)) @ apart.T)
        # the differences' posterior; their common level does not bear on who leads
        mean = apart @ gain @ (apart @ y)
        cov = apart @ (tau**2 * np.eye(3)) @ apart.T - apart @ gain @ apart @ (tau**2 * np.eye(3)) @ apart.T
        out = []
        for k in range(3):
            turn = np.array([np.eye(3)[k] - np.eye(3)[j] for j in range(3) if j != k]) @ np.linalg.pinv(apart)
            out.append(stats.multivariate_normal.cdf(turn @ mean, cov=turn @ cov @ turn.T, rng=1))
        return np.array(out)

    prior = stats.halfcauchy(scale=scale).pdf
    whole = integrate.quad(lambda t: prior(t) * likelihood(t), 0, np.inf)[0] * (1 - alike)
    lead = np.array([integrate.quad(lambda t, k=k: prior(t) * likelihood(t) * leads(t)[k], 1e-6, 50 * scale, limit=100, epsrel=1e-3)[0] for k in range(3)]) * (1 - alike)  # fmt: skip
    none = alike * likelihood(0.0)
    return (lead + none / 3) / (whole + none)


Y, ERROR = np.array([0.0, 1.0, 2.2]), np.array([[1.0, 0.3, 0.0], [0.3, 0.8, 0.0], [0.0, 0.0, 0.6]])


def test_leads_are_those_of_quadrature():
    found = exchangeable_draws(Y, ERROR, 0.7, draws=200_000, seed=1)
    np.testing.assert_allclose(chance_of_lead(found), lead_by_quadrature(Y, ERROR, 0.7), atol=0.006)


def test_groups_have_the_scale_and_the_variance_that_they_borrow():
    """A tenth of the standard deviation of an answer; a variance counts as 20 answers of all groups'."""
    y, se, n = np.array([0.0, 10.0, 28.0]), np.array([6.0, 9.0, 2.0]), np.array([150, 90, 40])
    own, common = se**2 * n, np.average(se**2 * n, weights=n)
    error = np.diag((n * own + 20 * common) / (n + 20) / n)
    expected = lead_by_quadrature(y, error, 0.1 * np.sqrt(common))
    np.testing.assert_allclose(rank_chances(draws_of_groups(y, se, n, draws=200_000))[:, 0], expected, atol=0.006)


def test_drivers_differ_by_half_their_mean_importance():
    """The error of the estimates is the mean square of the draws about them, bias included."""
    rng = np.random.default_rng(4)
    y = np.array([0.2, 0.3, 0.45])
    draws = y + 0.02 + rng.multivariate_normal(np.zeros(3), 0.012 * ERROR, 100_000)
    expected = lead_by_quadrature(y, (draws - y).T @ (draws - y) / len(draws), 0.5 * y.mean())
    np.testing.assert_allclose(chance_of_lead(pulled_together(y, draws)), expected, atol=0.008)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_scale_bears_on_who_leads(factor):
    """Or the tests above would pass with any."""
    assert np.abs(lead_by_quadrature(Y, ERROR, 0.7) - lead_by_quadrature(Y, ERROR, 0.7 * factor)).max() > 0.012
