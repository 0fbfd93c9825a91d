"""Do intervals of an index hold the truth when its weights come from the same answers, and how often is a light of a tree false?

Cells, seeds and sample numbers are fixed; a cell fails where its exact binomial interval, Holm-corrected over the cells of its size,
excludes the band.
Run with 'make bench'.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.claims.calibration import Cell, judge
from xmresearch.drivers import index_weights
from xmresearch.metrics import composite_index, indicator_scores, indicator_tree, resampled_weights, weights_from_data

pytestmark = pytest.mark.benchmark
SAMPLES, BAND = {50: 1000, 300: 1000, 5000: 200}, (0.93, 0.97)
NAMES = list("abc")
LEVEL, LOADING = np.array([40.0, 65, 75]), np.array([0.8, 0.6, 0.4])
SHIFT = np.array([[6, 10, -4.0], [-6, 2, 8], [3, -12, 0], [-3, 0, -4]])
STEPS = np.arange(0, 101, 10.0)


def drawn(rng, n):
    """Answers in steps of ten of n people in each of four groups, and an outcome."""
    group = np.repeat(np.arange(len(SHIFT)), n)
    trait = rng.normal(size=len(group))
    latent = trait[:, None] * LOADING + rng.normal(size=(len(group), 3)) * np.sqrt(1 - LOADING**2)
    x = np.clip(np.rint((LEVEL + SHIFT[group] + 20 * latent) / 10) * 10, 0, 100)
    outcome = np.rint(x @ [0.03, 0.02, 0.01] + rng.normal(size=len(group)))
    return pd.DataFrame(x, columns=NAMES), pd.Series(group).map("g{}".format), outcome


def entropy(means, _):
    return np.array([weights_from_data(table, NAMES).to_numpy() for table in means])


MAKE = {
    "derived": lambda _, covariances: index_weights(covariances, "derived"),
    "pls": lambda _, covariances: index_weights(covariances, "pls"),
    "entropy": entropy,
}


@pytest.fixture(scope="module")
def truth():
    """Means are exact; what derived importance and PLS weigh by comes from two million people."""
    edges = np.concatenate([[-np.inf], STEPS[:-1] + 5, [np.inf]])
    chances = np.diff(stats.norm.cdf((edges[:, None, None] - LEVEL - SHIFT) / 20), axis=0)
    means = np.einsum("s,sgk->gk", STEPS, chances)
    x, _, outcome = drawn(np.random.default_rng(0), 500_000)
    covariance = np.cov(np.column_stack([x, outcome]).T)[None]
    return means, {name: means @ make(means[None], covariance)[0] for name, make in MAKE.items()}


@pytest.mark.parametrize("n", SAMPLES)
def test_intervals_of_an_index_hold_the_truth(truth, n):
    rng, held = np.random.default_rng([7, n]), {name: np.zeros(len(SHIFT)) for name in MAKE}
    for sample in range(SAMPLES[n]):
        x, group, outcome = drawn(rng, n)
        made = {k: resampled_weights(x, group, make, outcome=outcome, seed=sample) for k, make in MAKE.items()}
        means, covariances, sizes = indicator_scores(x, group)
        found = composite_index(
            means, dict.fromkeys(NAMES, (0.0, 100.0)), {k: m.weights for k, m in made.items()}, covariances=covariances,
            made=made, n=sizes, draws=10,
        )  # fmt: skip
        for name in MAKE:
            inside = (found.lower[name] <= truth[1][name]) & (truth[1][name] <= found.upper[name])
            held[name] += inside.to_numpy()
    print({f"{name}, n = {n}": (count / SAMPLES[n]).round(3).tolist() for name, count in held.items()})
    cells = [Cell(f"{k}, n = {n}, first group", int(held[k][0]), SAMPLES[n], *BAND) for k in MAKE]
    table = judge(cells)
    print(table.to_string(index=False))
    assert table["kept"].all()


@pytest.mark.parametrize("n", SAMPLES)
def test_lights_of_indicators_at_their_targets_are_seldom_green_or_red(truth, n):
    """Every indicator lies at its target: any light but amber is false. Intervals hold the truth as well."""
    parts = {"all": {"ab": 2, "c": 1}, "ab": {"a": 1, "b": 1}, "only": {"d": 1}}
    means = truth[0].mean(axis=0)
    targets = {"ab": means[:2].mean(), "all": (means[0] + means[1] + means[2]) / 3, "only": means[0]}
    rng, false, inside = np.random.default_rng([8, n]), 0, np.zeros(3)
    for _ in range(1000):
        x = drawn(rng, -(-n // 4))[0]
        found = indicator_tree(x.assign(d=x["a"].sample(frac=1, random_state=1).to_numpy()), parts, targets).table
        row = found.set_index("indicator").loc[list(targets)]
        false += bool((row["p_adjusted"] < 0.05).any())
        inside += ((row["ci_lower"] <= row["target"]) & (row["target"] <= row["ci_upper"])).to_numpy()
    cells = [Cell(f"any false light, n = {n}", false, 1000, at_most=0.05)]
    cells += [Cell(f"{k}, n = {n}", int(v), 1000, *BAND) for k, v in zip(targets, inside, strict=True)]
    table = judge(cells)
    print(table.to_string(index=False))
    assert table["kept"].all()
