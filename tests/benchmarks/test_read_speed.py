"""A Qualtrics export of a million rows, read and screened, against polars' own time to parse it. Run with 'make bench'."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

ROWS = int(os.environ.get("XMRESEARCH_BENCH_ROWS", 1_000_000))
ROUNDS = 5
"""Times of one run of either vary by a tenth; runs take turns."""
ITEMS = [f"{kind}{k}" for kind in "ep" for k in range(1, 23)]

MEASURED = """
import resource, sys, time
def timed(run):
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    return found, time.perf_counter() - wall, time.process_time() - cpu
if sys.argv[2] == "polars":
    import polars as pl
    run = lambda: pl.read_csv(sys.argv[1])
else:
    from xmresearch.data.load import load_survey
    run = lambda: load_survey(sys.argv[1], id_column="ResponseId", duration_column="Duration (in seconds)")
found, wall, cpu = timed(run)
del found
found, wall, cpu = timed(run)
print(len(found), wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)
"""
"""The second of two runs counts: the first loads libraries and the file."""


def columns(n, rng):
    start = np.datetime64("2026-03-01T08:00:00") + rng.integers(0, 90 * 86_400, n).astype("timedelta64[s]")
    seconds = rng.integers(120, 1500, n)
    began, ended = (
        pl.Series(t.astype("datetime64[ms]")).dt.strftime("%Y-%m-%d %H:%M:%S") for t in (start, start + seconds)
    )
    satisfied = rng.normal(size=n)
    nothing = pl.Series([None] * n, dtype=pl.String)
    own: dict = {
        "StartDate": began, "EndDate": ended, "Status": np.where(rng.random(n) < 0.01, 1, 0),
        "IPAddress": [f"10.{a}.{b}.{c}" for a, b, c in rng.integers(0, 255, (n, 3))], "Progress": np.full(n, 100),
        "Duration (in seconds)": seconds, "Finished": np.ones(n, dtype=int), "RecordedDate": ended,
        "ResponseId": [f"R_{k:015x}" for k in rng.integers(0, 2**59, n)], "RecipientLastName": nothing,
        "RecipientFirstName": nothing, "RecipientEmail": nothing, "ExternalReference": nothing,
        "LocationLatitude": np.round(31 + rng.random(n), 4), "LocationLongitude": np.round(121 + rng.random(n), 4),
        "UserLanguage": ["EN"] * n,
    }  # fmt: skip
    for name in ITEMS:
        answers = np.clip(np.rint((5.5 if name[0] == "e" else 4.8) + 0.6 * satisfied + rng.normal(size=n)), 1, 7)
        own[name] = pl.Series(answers.astype(int)).set(pl.Series(rng.random(n) < 0.01), None)
    return pl.DataFrame(own)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    path = tmp_path_factory.mktemp("speed") / "export.csv"
    frame = columns(ROWS, np.random.default_rng(1))
    head = io.StringIO()
    lines = csv.writer(head, lineterminator="\n")
    lines.writerow(frame.columns)
    lines.writerow([f"How far do you agree,\n statement {c}?" for c in frame.columns])
    lines.writerow([json.dumps({"ImportId": c}) for c in frame.columns])
    with path.open("wb") as file:
        file.write(head.getvalue().encode())
        frame.write_csv(file, include_header=False)
    return path, int((frame["Status"] == 0).sum())


def process(path, what):
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path), what],
        env=os.environ | one_thread,
        capture_output=True,
        text=True,
        check=True,
    )
    n, wall, cpu, peak = map(float, done.stdout.split())
    print(f"{what}: {n:,.0f} rows, {wall:.2f} s, CPU {cpu:.2f} s, peak {peak:.2f} GB")
    return int(n), cpu, peak


@pytest.mark.benchmark
def test_a_large_export_is_read_and_screened_in_twice_the_time_of_parsing(export, measured):
    path, real = export
    print(f"\n{ROWS:,} rows x {16 + len(ITEMS)} columns, {path.stat().st_size / 1e6:.0f} MB")
    rounds = [(process(path, "polars"), process(path, "xmresearch")) for _ in range(ROUNDS)]
    parsing, reading = (np.median([r[k][1] for r in rounds]) for k in (0, 1))
    kept, _, peak = rounds[0][1]
    measured.ratio(f"{ROWS:,} rows read and screened", reading, {"polars' parsing": parsing}, unit="s of CPU", most=2)
    assert 0.99 * real <= kept <= real
    assert peak < 4
    assert reading <= 2 * parsing
