"""NUTS on densities whose moments are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from normal_density import COV, NormalDensity, normal_problem

from xmresearch.errors import ModelError
from xmresearch.inference.mode import mode
from xmresearch.inference.nuts import Convergence, convergence, draw
from xmresearch.kept_fits import OFF, VARIABLE


@pytest.fixture(autouse=True)
def none_kept(monkeypatch):
    monkeypatch.setenv(VARIABLE, OFF)


@pytest.fixture(scope="module")
def problem():
    return normal_problem()


@pytest.fixture(scope="module")
def whitened(problem):
    return mode(NormalDensity(), problem, np.zeros(2))


def test_mode_and_spread_of_a_normal(problem, whitened):
    centre, spread = whitened
    np.testing.assert_allclose(centre, problem.mean, atol=1e-4)
    np.testing.assert_allclose(spread @ spread, COV, rtol=1e-6)


def test_draws_have_the_moments_of_the_density(problem, whitened):
    x, stats = draw(NormalDensity(), problem, *whitened, draws=1500, tune=300, chains=2, seed=4)
    flat = x.reshape(-1, 2)
    found = convergence(x, stats)
    assert found.rhat < 1.01
    assert found.divergences == 0
    error = np.sqrt(np.diag(COV) / found.ess_bulk)
    assert (np.abs(flat.mean(axis=0) - problem.mean) < 4 * error).all()
    np.testing.assert_allclose(np.cov(flat.T) / COV, 1, atol=0.12)


def test_the_same_seed_gives_the_same_draws_and_another_problem_others(problem, whitened):
    settings = {"draws": 20, "tune": 50, "chains": 2, "seed": 4}
    first, second = (draw(NormalDensity(), problem, *whitened, **settings)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    moved = problem._replace(mean=problem.mean + 100)
    third = draw(NormalDensity(), moved, *mode(NormalDensity(), moved, np.zeros(2)), **settings)[0]
    np.testing.assert_allclose(third.mean(axis=(0, 1)), moved.mean, atol=3)


def test_chains_that_disagree_are_found_out(problem, whitened):
    x, stats = draw(NormalDensity(), problem, *whitened, draws=100, tune=100, chains=2, seed=4)
    x[0] += 3
    assert convergence(x, stats).rhat > 1.2
    assert not convergence(x, stats).settled


@pytest.mark.parametrize(
    ("figures", "settled"),
    [
        ((1.01, 400, 400, 0), True),
        ((1.011, 900, 900, 0), False),
        ((1.0, 900, 399, 0), False),
        ((1.0, 900, 900, 1), False),
    ],
)
def test_settled_takes_every_figure(figures, settled):
    assert Convergence(*figures).settled == settled


@dataclass(frozen=True)
class Nowhere:
    def __call__(self, x, problem):
        return -np.inf, np.zeros_like(x)


def test_no_density_at_the_start_is_an_error_and_not_an_endless_search(problem):
    with pytest.raises(ModelError, match="no density"):
        mode(Nowhere(), problem, np.zeros(2))
