"""Units of measurement change no estimate, no test and no convergence."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.sem.estimation import minimise
from xmresearch.sem.fitting import estimate as estimate_model
from xmresearch.sem.fitting import fit, objective_of

FACTORS, ITEMS = 5, 4
MODEL = "\n".join(f"f{k} =~ " + " + ".join(f"x{k}{j}" for j in range(ITEMS)) for k in range(FACTORS))
HIGHER = "A =~ a1+a2+a3\nB =~ b1+b2+b3\nC =~ c1+c2+c3\nD =~ d1+d2+d3\nQ =~ A+B+C\nD ~ Q + age"
_FIT = ("chisq", "cfi", "tli", "rmsea", "srmr", "chisq.scaled", "cfi.robust", "rmsea.robust")


def _answers(seed: int) -> pd.DataFrame:
    """Answers from 1 to 100 of a model that fits badly, with blanks, on which estimation once stalled at rounding."""
    g = np.random.default_rng(seed)
    n, names = 1050, [f"x{k}{j}" for k in range(FACTORS) for j in range(ITEMS)]
    r = np.full((FACTORS, FACTORS), 0.8)
    np.fill_diagonal(r, 1)
    f = g.multivariate_normal(np.zeros(FACTORS), r, n)
    half = len(names) // 2
    pairs = np.repeat(g.normal(size=(n, half)), 2, axis=1) * g.choice([0, 0.5], half).repeat(2)
    noise = 0.4 * g.normal(size=(n, len(names))) * np.exp(0.5 * g.normal(size=(n, 1)))
    z = 0.8 * np.repeat(f, ITEMS, axis=1) + pairs + noise
    answers = pd.DataFrame(np.clip(np.round(60 + 24 * z), 1, 100), columns=names)
    return answers.mask(g.random(answers.shape) < 0.03)


def _second_order() -> pd.DataFrame:
    g = np.random.default_rng(3)
    f = g.multivariate_normal(np.zeros(4), 0.5 + 0.5 * np.eye(4), 400)
    rows = {f"{k}{j}": 0.8 * f[:, i] + 0.5 * g.standard_t(5, 400) for i, k in enumerate("abcd") for j in (1, 2, 3)}
    return pd.DataFrame(rows | {"age": g.normal(size=400) + 0.3 * f[:, 0]})


@pytest.mark.parametrize("missing", ["fiml", "listwise"])
def test_no_scale_of_answers_stalls(missing: str) -> None:
    for seed in range(3):
        answers = _answers(seed)
        steps = set()
        for scale in (1.0, 0.1, 0.01, 10.0, 1e4, 1e-4):
            found = fit(MODEL, answers * scale, missing=missing)  # type: ignore[arg-type]
            assert found.converged, (seed, scale, found.reason)
            steps.add(found.solution.steps)
        assert max(steps) - min(steps) <= 1


@pytest.mark.parametrize(
    ("estimator", "missing"), [("ML", "listwise"), ("MLM", "listwise"), ("MLMV", "listwise"), ("MLR", "listwise"),
                               ("ML", "fiml"), ("MLR", "fiml")],
)  # fmt: skip
@pytest.mark.parametrize("units", ["1-100", "0-1000", "0.01", "mixed"])
def test_units_change_no_estimate(estimator: str, missing: str, units: str) -> None:
    rows = _second_order()
    if missing == "fiml":
        rows = rows.mask(np.random.default_rng(0).random(rows.shape) < np.where(rows.columns == "age", 0, 0.05))
    scale = {"1-100": 20.0, "0-1000": 300.0, "0.01": 0.01}.get(units, 1.0) * np.ones(rows.shape[1])
    scale = np.resize([0.01, 1.0, 300.0], rows.shape[1]) if units == "mixed" else scale
    level = 50.0 if units == "1-100" else 0.0
    before, after = (
        fit(HIGHER, d, estimator=estimator, missing=missing)  # type: ignore[arg-type]
        for d in (rows, rows * scale + level)
    )
    assert before.converged
    assert after.converged
    moved = before.estimates["op"] != "~1"
    for column in ("std_all", "z", "pvalue"):
        np.testing.assert_allclose(
            after.estimates[column][moved], before.estimates[column][moved], rtol=1e-8, atol=1e-9
        )
    for name in _FIT:
        if name in before.measures:
            assert after.measures[name] == pytest.approx(before.measures[name], rel=1e-8, abs=1e-9)


def test_units_change_no_bootstrap_interval() -> None:
    rows = _second_order()
    model = HIGHER.replace(" + age", "")
    before, after = (fit(model, d, bootstrap=60, interval="bca", seed=2) for d in (rows, rows * 1000))
    assert before.replicates is not None
    assert after.replicates is not None
    assert len(before.replicates) == len(after.replicates) >= 50
    z = [f.estimates["est"] / f.estimates["se"] for f in (before, after)]
    np.testing.assert_allclose(z[1][np.isfinite(z[0])], z[0][np.isfinite(z[0])], rtol=1e-8)
    before_low, after_low = (f.estimates["ci_lower"] / f.estimates["est"] for f in (before, after))
    np.testing.assert_allclose(after_low, before_low, rtol=1e-6, atol=1e-8)


def test_a_minimum_reached_to_rounding_is_one() -> None:
    """Where every value is as noisy as rounding allows, the gradient decides."""
    fitted = fit(MODEL, _answers(0))
    objective = objective_of(fitted.model, fitted.samples)
    exact, noise = objective.value, np.random.default_rng(1)
    objective.value = lambda implied: exact(implied) + objective.rounding * noise.uniform(-1, 1)  # type: ignore[method-assign, arg-type]
    found = estimate_model(fitted.model, objective)
    assert found.converged
    np.testing.assert_allclose(found.theta, fitted.solution.theta, rtol=1e-7, atol=1e-7)
    again = minimise(objective, found.theta)
    assert again.converged
    assert again.steps <= 2
