"""A hundred million answers to a monitoring study: memory and time, with twelve branches and half a year of days.

Run with 'make bench'; XMRESEARCH_BENCH_ROWS=10000000 stops earlier.
"""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

ROWS = int(os.environ.get("XMRESEARCH_BENCH_ROWS", 100_000_000))
FILE_ROWS, DISTINCT, MOST_GB = 1_000_000, 10, 8
BODY = """
import json, resource, sys, time
from pathlib import Path
from xmresearch.data.config import FileSource
from xmresearch.data.panel import load_panel
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.series import feedback_series
from xmresearch.studies.monitor.watching import watch, watch_branches
params = MonitorParams(data=FileSource(source="file", path=sys.argv[1]), outcome="satisfaction", top=4.0, branch="branch", baseline_until="2025-04-30")
start, cpu = time.perf_counter(), time.process_time()
series = feedback_series(params, load_panel(**params.panel_settings()))
middle, spent = time.perf_counter(), time.process_time() - cpu
found = watch(params, series)
watch_branches(params, series)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"rows": series.facts["rows"], "seconds": middle - start, "cpu": spent, "watch": time.perf_counter() - middle, "gb": peak}))
"""


def answers(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    days = np.array(np.datetime64("2025-01-01") + np.arange(181))
    return pl.DataFrame({
        "date": pl.Series(days[rng.integers(0, 181, FILE_ROWS)]).cast(pl.Date),
        "branch": pl.Series([f"branch {k}" for k in range(12)]).gather(rng.integers(0, 12, FILE_ROWS)).cast(pl.Categorical),
        "satisfaction": rng.integers(1, 6, FILE_ROWS).astype(np.int8),
    })  # fmt: skip


@pytest.mark.benchmark
def test_a_hundred_million_answers_are_watched_within_eight_gigabytes(tmp_path):
    folder = tmp_path / "answers"
    folder.mkdir()
    for k in range(ROWS // FILE_ROWS):
        if k < DISTINCT:
            answers(k).write_parquet(folder / f"{k:03d}.parquet", compression="lz4")
        else:
            os.link(folder / f"{k % DISTINCT:03d}.parquet", folder / f"{k:03d}.parquet")
    done = subprocess.run([sys.executable, "-c", BODY, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    print(
        f"\n{found['rows']:,d} answers: {found['seconds']:.1f} s ({found['cpu']:.1f} s of CPU), watched in {found['watch']:.1f} s, {found['gb']:.2f} GB"
    )
    assert found["rows"] == ROWS
    assert found["gb"] < MOST_GB
