"""A hundred million rows to each statistic: time by rows, memory, and a fit that does not know how many there were.

Run with 'make bench'; XMRESEARCH_BENCH_ROWS=10000000 stops earlier.
"""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

MOST = int(os.environ.get("XMRESEARCH_BENCH_ROWS", 100_000_000))
SIZES = [n for n in (1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000) if n <= MOST]
FILE_ROWS = 1_000_000
MOST_GROWTH, FLAT, MOST_GB = 1.05, 0.05, 4
ITEMS = [f"i{k}" for k in range(9)]
MODEL = "visual =~ i0 + i1 + i2\ntextual =~ i3 + i4 + i5\nspeed =~ i6 + i7 + i8"

HEAD = """
import json, resource, sys, time
import xmresearch as xm
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.event_partitions import reduce_by_customer
import polars, pyarrow.parquet, pandas, scipy.stats
folder = sys.argv[1]
def measured(reduce, fit):
    start = time.perf_counter(); cpu = time.process_time()
    found = reduce()
    middle = time.perf_counter(); spent = time.process_time() - cpu
    fit(found)
    fits = []
    while sum(fits) < 2 and len(fits) < 200:
        begin = time.process_time(); fit(found); fits.append(time.process_time() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": middle - start, "cpu": spent, "fit": min(fits), "gb": peak}))
"""
BODIES = {
    "moments": f"measured(lambda: xm.sufficient.Moments.scan(folder, {ITEMS!r}), lambda m: xm.sem.fit({MODEL!r}, m))",
    "cells": "measured(lambda: xm.sufficient.Cells.scan(folder, outcome='i0', unit='u', time='t', cohort='c'), xm.causal.did)",
    "counts": "measured(lambda: xm.sufficient.Counts.scan(folder, 'i0', by=['u', 't'], weights='w'), lambda c: c.over('u').tidy())",
    "transitions": "measured(lambda: xm.sufficient.Transitions.scan(EventLog(folder, conversion='won', gap='12h'), 2), xm.attribution.markov)",
    "journeys": "measured(lambda: EventLog(folder, conversion='won', gap='12h', max_touches=2).scan_journeys(), lambda j: xm.attribution.shapley(j))",
}


def survey(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(FILE_ROWS, 3)) @ np.linalg.cholesky(0.6 * np.eye(3) + 0.4).T
    items = 4 + np.repeat(factors, 3, axis=1) + rng.normal(size=(FILE_ROWS, 9))
    answers = np.clip(items.round(), 1, 7).astype(np.int8)
    u, t = rng.integers(0, 40, FILE_ROWS), rng.integers(1, 13, FILE_ROWS)
    keys = {"u": u.astype(np.int16), "t": t.astype(np.int8), "c": np.array([0, 5, 7, 9])[u % 4].astype(np.int8)}
    return pl.DataFrame(
        {name: answers[:, k] for k, name in enumerate(ITEMS)} | keys | {"w": rng.random(FILE_ROWS, np.float32) + 0.5}
    )


def events(seed: int) -> pl.DataFrame:
    """Events of customers, ten each whatever the size, so that rows alone differ; that files share customers costs nothing, as none is told."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, FILE_ROWS // 10, FILE_ROWS) + FILE_ROWS // 10 * seed
    return pl.DataFrame({
        "customer": who.astype(np.int64), "time": rng.integers(1_700_000_000, 1_702_592_000, FILE_ROWS),
        "touchpoint": pl.Series([f"touch {k}" for k in range(4)]).gather(rng.integers(0, 4, FILE_ROWS)).cast(pl.Categorical), "won": rng.random(FILE_ROWS) < 0.05,
    })  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for name, rows in (("survey", survey), ("events", events)):
        every = tmp_path_factory.mktemp(name)
        for k in range(SIZES[-1] // FILE_ROWS):
            rows(k).write_parquet(every / f"{k:03d}.parquet", compression="lz4")
        for n in SIZES:
            some = tmp_path_factory.mktemp(f"{name}-{n}")
            for k in range(n // FILE_ROWS):
                os.link(every / f"{k:03d}.parquet", some / f"{k:03d}.parquet")
            made[name, n] = some
    yield made
    for folder in made.values():
        for path in folder.iterdir():
            path.unlink()


@pytest.mark.benchmark
@pytest.mark.parametrize("statistic", list(BODIES))
def test_each_statistic_of_a_hundred_million_rows(folders, statistic, measured):
    kind = "events" if statistic in ("transitions", "journeys") else "survey"
    table = []
    for n in SIZES:
        command = [sys.executable, "-c", HEAD + BODIES[statistic], str(folders[kind, n])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        table.append({"rows": n} | json.loads(done.stdout.splitlines()[-1]))
    found = pl.DataFrame(table)
    rows = found["rows"].to_numpy()
    time = measured.growth(f"{statistic} reduced", rows, found["cpu"].to_numpy(), most=MOST_GROWTH)
    fit = measured.growth(f"{statistic} fitted", rows, found["fit"].to_numpy(), most=FLAT)
    measured.figure(f"{statistic}, peak at {SIZES[-1]:,} rows", found["gb"].max(), "GB", most=MOST_GB)
    with pl.Config(tbl_rows=9, float_precision=3):
        print(found)
    assert found["gb"].max() < MOST_GB
    assert time <= MOST_GROWTH
    assert fit <= FLAT
