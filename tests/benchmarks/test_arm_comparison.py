"""Clustered experiments' coverage, false claims, and cost on ten million rows; seeds, cells and sample numbers are fixed here."""

import time

import numpy as np
import pandas as pd
import polars as pl
import pytest

import xmresearch as xm
from xmresearch.claims.calibration import Cell, judge

pytestmark = pytest.mark.benchmark
SAMPLES, ROWS = 1000, 10_000_000
# clusters of both arms together, and the least and most that coverage may be
CELLS = [(4, 0.93, 1.0), (10, 0.93, 0.97), (40, 0.93, 0.97)]


def covered(clusters, seed):
    """Return how often a planted .3 lies in the interval, clusters of uneven size having means of their own."""
    rng, held = np.random.default_rng(seed), 0
    for _ in range(SAMPLES):
        branch = np.repeat(np.arange(clusters), rng.integers(20, 41, clusters))
        own = rng.normal(size=clusters) * 0.5
        y = own[branch] + 0.3 * (branch % 2) + rng.normal(size=len(branch))
        frame = pd.DataFrame({"arm": np.array(["a", "b"])[branch % 2], "y": y, "branch": branch})
        moments = xm.causal.arm_moments(frame, "arm", "y", cluster="branch")
        row = xm.causal.compare_arms(moments, control="a").tidy().iloc[0]
        held += bool(row["ci_lower"] <= 0.3 <= row["ci_upper"])
    return held


def test_clustered_intervals_hold_as_often_as_they_say():
    cells = []
    for k, (clusters, least, most) in enumerate(CELLS):
        held = covered(clusters, 5200 + k)
        print(f"{clusters} clusters: {held} of {SAMPLES}")
        cells.append(Cell(f"{clusters} clusters", held, SAMPLES, least, most))
    assert judge(cells)["kept"].all()


def test_ten_million_rows_with_a_covariate_cost_what_their_aggregation_costs(measured):
    rng = np.random.default_rng(1)
    before = rng.normal(size=ROWS)
    arm = rng.integers(0, 2, ROWS)
    rows = pl.DataFrame(
        {"arm": np.where(arm == 1, "b", "a"), "before": before, "y": before + 0.01 * arm + rng.normal(size=ROWS)}
    ).lazy()
    y, x = pl.col("y"), pl.col("before")
    sums = [pl.len(), y.sum(), x.sum(), (y * y).sum().alias("yy"), (x * y).sum().alias("xy"), (x * x).sum().alias("xx")]

    def ours():
        xm.causal.compare_arms(xm.causal.arm_moments(rows, "arm", "y", covariate="before"), control="a")

    def floor():
        rows.group_by("arm").agg(sums).collect(engine="streaming")

    taken = {ours: [], floor: []}
    for _ in range(4):
        for task, times in taken.items():
            start = time.perf_counter()
            task()
            times.append(time.perf_counter() - start)
    found = measured.ratio(
        "experiment with CUPED, 1e7 rows", min(taken[ours]), {"polars aggregation": min(taken[floor])}, most=1.5
    )
    assert 1 / found["polars aggregation"] <= 1.5
