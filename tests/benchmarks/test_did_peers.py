"""Speed against CausalPy in its own environment, and against a row-level PyMC model. Run with 'make bench'."""

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.designs import did

ROWS = 100_000
LEAST_OF_CAUSALPY, LEAST_OF_ROWS = 100, 20
PEER = "XMRESEARCH_CAUSALPY"
THEIRS = """
import sys, pandas as pd, causalpy as cp
frame = pd.read_parquet(sys.argv[1])
model = cp.pymc_models.LinearRegression(sample_kwargs={"progressbar": False, "random_seed": 1})
found = cp.DifferenceInDifferences(frame, formula="y ~ 1 + group*post_treatment", time_variable_name="t",
                                   group_variable_name="group", model=model)
draws = found.causal_impact.values
print(float(draws.mean()), float(draws.std()))
"""
OURS = """
import sys, polars as pl
from xmresearch.causal.designs import did
found = did(pl.scan_parquet(sys.argv[1]), outcome="y", time="t", treated="group", treated_from=1, kind="two_by_two")
print(found.effect["estimate"], found.effect["sd"])
"""


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    group, t = rng.integers(0, 2, ROWS), rng.integers(0, 2, ROWS)
    y = 3.5 + 0.2 * group + 0.1 * t + 0.4 * group * t + 1.8 * rng.standard_normal(ROWS)
    return pd.DataFrame({"unit": np.arange(ROWS), "group": group, "t": t, "post_treatment": t.astype(bool), "y": y})


def end_to_end(interpreter: str, code: str, path: str) -> tuple[float, float, float]:
    """Seconds of a fresh process, and the estimate and SD that it prints."""
    begin = time.perf_counter()
    done = subprocess.run([interpreter, "-c", code, path], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    assert done.returncode == 0, done.stderr[-2000:]
    estimate, sd = (float(v) for v in done.stdout.split()[-2:])
    return seconds, estimate, sd


@pytest.mark.benchmark
def test_two_by_two_against_causalpy(tmp_path, measured):
    interpreter = os.environ.get(PEER)
    if not interpreter:
        pytest.skip(f"Set {PEER} to the Python of an environment that has CausalPy (it needs another PyMC).")
    path = str(tmp_path / "rows.parquet")
    frame().to_parquet(path)
    theirs = end_to_end(interpreter, THEIRS, path)
    ours = min(end_to_end(sys.executable, OURS, path) for _ in range(3))
    task = f"two by two of {ROWS:,} rows, fresh processes"
    (faster,) = measured.ratio(task, ours[0], {"CausalPy": theirs[0]}, least=LEAST_OF_CAUSALPY).values()
    print(f"CausalPy {theirs[1]:.4f} ({theirs[2]:.4f}); did {ours[1]:.4f} ({ours[2]:.4f})")
    assert ours[1] == pytest.approx(theirs[1], abs=0.2 * ours[2])
    assert ours[2] == pytest.approx(theirs[2], rel=0.1)
    assert faster >= LEAST_OF_CAUSALPY


@pytest.mark.benchmark
def test_two_by_two_against_rows_in_pymc(measured):
    import arviz
    import pymc

    data = frame()
    with pymc.Model():
        beta = pymc.Normal("beta", 0, 10, shape=4)
        sigma = pymc.HalfNormal("sigma", 10)
        x = np.column_stack([np.ones(ROWS), data["group"], data["t"], data["group"] * data["t"]])
        pymc.Normal("y", x @ beta, sigma, observed=data["y"].to_numpy())
        rows = pymc.sample(500, tune=500, chains=2, cores=1, random_seed=1, progressbar=False, nuts_sampler="pymc",
                           compute_convergence_checks=False)  # fmt: skip
    effect = rows["posterior"]["beta"].to_numpy()[..., 3]
    seconds = float(rows["posterior"].attrs["sampling_time"])
    theirs = float(arviz.ess(effect, chain_axis=0, draw_axis=1)) / seconds
    begin = time.perf_counter()
    found = did(data, outcome="y", time="t", treated="group", treated_from=1, kind="two_by_two", inference="nuts")
    spent = time.perf_counter() - begin
    ours = found.facts["ess_bulk"] / spent
    task = f"one effective draw of {ROWS:,} rows by NUTS"
    peers = {"row-level PyMC, compilation not counted": 1 / theirs}
    (faster,) = measured.ratio(task, 1 / ours, peers, least=LEAST_OF_ROWS).values()
    assert found.effect["estimate"] == pytest.approx(float(effect.mean()), abs=0.2 * found.effect["sd"])
    assert faster >= LEAST_OF_ROWS
