"""Speed and memory of journeys: a hundred million events in one pass, and a million against pm4py. Run with 'make bench'.

XMRESEARCH_PM4PY names the Python of an environment that has pm4py 2.7 (AGPL-3), for the race.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import xmresearch as xm

pytestmark = pytest.mark.benchmark
PEER = "XMRESEARCH_PM4PY"
EVENTS, PER_PART, EACH = 100_000_000, 400_000, 10
MOST_OF_DECODING, MOST_GB, LEAST_FASTER = 3.0, 4.0, 5.0
RACE = """
import json, sys, time, warnings
import pandas as pd, pm4py
warnings.filterwarnings("ignore")
frame = pd.read_csv(sys.argv[1], dtype={"case": str}, parse_dates=["time"])
begin = time.perf_counter()
log = pm4py.format_dataframe(frame, case_id="case", activity_key="activity", timestamp_key="time")
durations = pm4py.get_all_case_durations(log)
performance = pm4py.discover_performance_dfg(log, perf_aggregation_key="all")[0]
variants = pm4py.get_variants(log)
passed = time.perf_counter() - begin
rework = pm4py.get_rework_cases_per_activity(log)
spent = time.perf_counter() - begin
print("RESULT" + json.dumps([spent, sum(durations) / len(durations), len(variants), sum(rework.values()), passed]))
"""


def part(cases: int, seed: int, first: int) -> pl.DataFrame:
    """Cases of ten events on average, of twelve activities, five desks, two by each customer."""
    rng = np.random.default_rng(seed)
    lengths = rng.geometric(1 / EACH, cases)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    case = np.repeat(np.arange(cases), lengths)
    clock = np.cumsum(rng.exponential(3600, starts[-1]))
    time_ = clock - np.repeat(clock[starts[:-1]], lengths) + np.repeat(rng.uniform(0, 3e7, cases), lengths)
    names, desks = np.array([f"step {k}" for k in range(12)]), np.array(list("abcde"))
    return pl.DataFrame({
        "case": case + first, "activity": pl.Series(names[rng.integers(0, 12, starts[-1])]).cast(pl.Categorical),
        "time": pl.Series((time_ * 1e6).astype(np.int64) + 1_700_000_000_000_000).cast(pl.Datetime("us")),
        "desk": pl.Series(np.repeat(desks[rng.integers(0, 5, cases)], lengths)).cast(pl.Categorical), "customer": (case + first) // 2,
    })  # fmt: skip


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    """A hundred million events, sorted by case and time."""
    folder = tmp_path_factory.mktemp("log")
    for number in range(EVENTS // (PER_PART * EACH)):
        part(PER_PART, number, number * PER_PART).write_parquet(folder / f"part{number:04d}.parquet")
    return folder


def in_a_process(code: str, path: Path) -> tuple[float, float]:
    """Seconds of a statement and peak GB of a fresh process."""
    program = (
        "import resource, sys, time, polars as pl\nfrom xmresearch.journeys import scan_times\nimport xmresearch.journeys.streamed_times\n"
        f"begin = time.perf_counter()\n{code}\nprint(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    spent, peak = map(float, done.stdout.split())
    return spent, peak / (2**30 if sys.platform == "darwin" else 2**20)


def test_a_hundred_million_events_in_one_pass(log, measured):
    """Times of steps, paths and groups with their differences, against decoding alone."""
    runs = {
        "decode": "pl.scan_parquet(sys.argv[1] + '/*.parquet').collect(engine='streaming')",
        "scan": "scan_times(sys.argv[1], group='desk', customer='customer')",
    }
    seconds: dict[str, float] = {}
    peak: dict[str, float] = {}
    for name in (*runs, *runs):
        spent, used = in_a_process(runs[name], log)
        seconds[name], peak[name] = min(spent, seconds.get(name, np.inf)), max(used, peak.get(name, 0.0))
    task = f"{EVENTS:,} events to times, paths and groups"
    measured.ratio(task, seconds["scan"], {"decoding alone": seconds["decode"]}, most=MOST_OF_DECODING)
    measured.figure(f"{task}, peak", peak["scan"], "GB", most=MOST_GB)
    assert peak["scan"] < MOST_GB
    assert seconds["scan"] <= MOST_OF_DECODING * seconds["decode"]


def test_a_million_events_against_pm4py(tmp_path, measured):
    """Throughput, times of steps and paths in one pass; and, in memory, with rework and the intervals that pm4py does not give; with the same answers."""
    python = os.environ.get(PEER)
    if not python:
        pytest.skip(f"Set {PEER} to the Python of an environment with pm4py.")
    frame = part(100_000, 1, 0).with_columns(pl.col("activity", "desk").cast(pl.String))
    path = tmp_path / "log.csv"
    frame.write_csv(path)
    done = subprocess.run([python, "-c", RACE, str(path)], capture_output=True, text=True, check=True)
    theirs = json.loads(next(r for r in done.stdout.splitlines() if r.startswith("RESULT")).removeprefix("RESULT"))
    rows = frame.to_pandas()
    # modules are loaded by then, as pm4py's are
    for work in (in_memory, xm.journeys.scan_times):
        work(rows.head(2000))
    begin = time.perf_counter()
    found = xm.journeys.scan_times(rows)
    passed = time.perf_counter() - begin
    begin = time.perf_counter()
    log, paths, again = in_memory(rows)
    spent = time.perf_counter() - begin
    assert log.throughput.mean() == pytest.approx(theirs[1], rel=1e-9)
    assert found.groups["mean_hours"].iloc[0] * 3600 == pytest.approx(theirs[1], rel=1e-9)
    assert len(paths.table) == found.paths == theirs[2]
    assert int(again.table["cases"].sum()) == theirs[3]
    measured.ratio("a million events, one pass, and pm4py", passed, {"pm4py": theirs[4]}, least=LEAST_FASTER)
    measured.ratio("a million events, in memory with intervals and rework, and pm4py", spent, {"pm4py": theirs[0]})
    assert theirs[4] >= LEAST_FASTER * passed


def in_memory(rows):
    """Read cases, and describe their times, paths and rework with intervals over customers."""
    log = xm.journeys.read_cases(rows)
    xm.journeys.case_times(log)
    return log, xm.journeys.variants(log), xm.journeys.rework(log)
