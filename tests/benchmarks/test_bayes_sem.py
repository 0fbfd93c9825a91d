"""Time, convergence and coverage of Bayesian structural equation models. Run with 'make bench'."""

import time

import numpy as np
import pandas as pd
import pytest

from xmresearch.sem.bayes import sample
from xmresearch.sufficient.moments import Moments

PATH_TRUTH = {("f", "=~", "x2"): 0.8, ("g", "=~", "y2"): 1.1, ("g", "~", "f"): 0.5, ("ab", ":=", "a*b"): 0.15}
PATH_MODEL = "f =~ x1 + x2 + x3\ng =~ y1 + y2 + y3\ng ~ a*f\nz ~ b*g\nab := a*b"


def five_factors(n, seed=0):
    """Moments of 22 items of five correlated factors; rows are reduced in batches."""
    rng = np.random.default_rng([22, seed])
    owner = np.sort(np.arange(22) % 5)
    names = [f"x{k}" for k in range(22)]
    total = None
    while n:
        size = min(n, 100_000)
        f = rng.multivariate_normal(np.zeros(5), 0.4 + 0.6 * np.eye(5), size)
        part = Moments.of(0.8 * f[:, owner] + 0.6 * rng.normal(size=(size, 22)), names)
        total, n = part if total is None else total + part, n - size
    model = "\n".join(f"f{j} =~ " + " + ".join(f"x{k}" for k in np.flatnonzero(owner == j)) for j in range(5))
    return model, total


@pytest.mark.benchmark
def test_five_factors_converge_at_a_cost_that_does_not_depend_on_n():
    model, small = five_factors(500)
    _, large = five_factors(1_000_000)
    start = time.process_time()
    sample(model, small, draws=10, tune=10, chains=1)
    print(f"\ncold start: {time.process_time() - start:.2f} s of CPU")
    cost = {500: 0.0, 1_000_000: 0.0}
    for _ in range(2):
        for moments in (small, large):
            start = time.process_time()
            found = sample(model, moments)
            cost[moments.n] += time.process_time() - start
            facts = found.summary()
            steps = float(found.posterior["sample_stats"]["n_steps"].mean())
            print(
                f"n = {moments.n}: {time.process_time() - start:.1f} s of CPU, {steps:.1f} steps a draw, r-hat "
                f"{facts['rhat']:.4f}, ess {facts['ess_bulk']:.0f} / {facts['ess_tail']:.0f}, "
                f"{found.divergences} divergences"
            )
            assert facts["rhat"] <= 1.01
            assert min(facts["ess_bulk"], facts["ess_tail"]) >= 1000
            assert found.divergences == 0
    print(f"ratio of CPU time: {cost[1_000_000] / cost[500]:.2f}")
    assert cost[1_000_000] / cost[500] <= 1.3


def coverage(surveys=300, n=150, draws=250, tune=150, chains=2, confidence=0.95):
    """Return, per quantity of PATH_TRUTH, the share of intervals that cover it, over simulated samples."""
    hits = []
    for seed in range(surveys):
        rng = np.random.default_rng([5, seed])
        f = rng.normal(size=n)
        g = 0.5 * f + rng.normal(size=n) * 0.8
        e = rng.normal(size=(n, 6)) * 0.7
        frame = pd.DataFrame(
            np.column_stack([f, 0.8 * f, 0.9 * f, g, 1.1 * g, 0.7 * g]) + e,
            columns=["x1", "x2", "x3", "y1", "y2", "y3"],
        ).assign(z=0.3 * g + rng.normal(size=n))
        found = sample(
            PATH_MODEL, Moments.of(frame.to_numpy(), list(frame)), draws=draws, tune=tune, chains=chains, seed=seed,
            confidence=confidence,
        )  # fmt: skip
        table = found.estimates.set_index(["lhs", "op", "rhs"])
        hits.append([table.loc[k, "ci_lower"] <= truth <= table.loc[k, "ci_upper"] for k, truth in PATH_TRUTH.items()])
    return pd.Series(np.mean(hits, axis=0), index=[" ".join(k) for k in PATH_TRUTH])


@pytest.mark.benchmark
def test_intervals_cover():
    surveys = 300
    start = time.process_time()
    found = coverage(surveys)
    print(f"\ncoverage of nominal 95 % intervals, {surveys} samples of 150: {time.process_time() - start:.0f} s of CPU")
    print((100 * found).round(1).to_string())
    # three standard errors of Monte Carlo
    assert (np.abs(found - 0.95) < 3 * np.sqrt(0.95 * 0.05 / surveys)).all()
