"""Batches: throughput beside a papermill loop, arrivals over TCP, and the memory of workers.

Run by `make bench`; figures are printed, ratios asserted. Both sides are timed by the wall clock in one run, on one BLAS thread each.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import psutil
import pytest

from xmresearch.report.assemble import assemble
from xmresearch.run.batch.batch import run_batch
from xmresearch.run.batch.sweep import Sweep
from xmresearch.run.manifest import NAME
from xmresearch.run.outputs import write_document
from xmresearch.run.plan import plan_run
from xmresearch.run.stamp import front, stamp
from xmresearch.run.study import run_study

STUDIES, IN_LOOP, SINGLE = 200, 8, 3
LEAST_RATIO = 8.0
RUNS, MOST_GROWTH = 500, 100

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    """Yearly means of 40 branches, half of which get a change; 200 outcomes with planted effects of 0.3."""
    rng, folder = np.random.default_rng(1), tmp_path_factory.mktemp("panel")
    branch, year = np.repeat(np.arange(40), 8), np.tile(np.arange(2015, 2023), 40)
    first = np.where(branch % 2 == 0, 2019, 0)
    frame = pd.DataFrame({"branch": [f"b{k:02d}" for k in branch], "year": year, "since": first})
    effect = 0.3 * ((first > 0) & (year >= first))
    noise = {f"y{k}": rng.normal(0, 1, 40)[branch] + effect + rng.normal(0, 0.5, 320) for k in range(STUDIES)}
    frame.join(pd.DataFrame(noise).round(3)).to_csv(folder / "panel.csv", index=False)
    (folder / "branch.yml").write_text(
        "study: did\nname: branch\ndata: {path: panel.csv}\noutcome: y0\nfamily: gaussian\nunit: branch\ntime: year\ncohort: since\n"
        "branches: false\nrows_are: aggregates\nsmallest: 0.1\n"
    )
    return folder / "branch.yml"


def _sweep(params, outcomes):
    return Sweep(name="outcomes", params=[str(params)], cross={"outcome": outcomes})


RENDER = """
import json, sys
from pathlib import Path
from xmresearch.report.assemble import assemble
from xmresearch.run.outputs import write_document
from xmresearch.run.plan import plan_run
from xmresearch.run.stamp import front, stamp
params, outcome, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
plan = plan_run(params, [f"outcome={outcome}", f"name=branch-{outcome}"], out=folder)
notebook = json.loads((folder / "executed.ipynb").read_text("utf-8"))
write_document(assemble(notebook, stamp(plan), front=front(plan)), folder, ["html"])
"""


def _papermill_commands(params, outcomes, out):
    """A loop of commands, as papermill's own documentation has it: papermill executes, a script renders the same report."""
    for outcome in outcomes:
        folder, plan = out / outcome, plan_run(params, [f"outcome={outcome}", f"name=branch-{outcome}"], out=out)
        folder.mkdir(parents=True)
        (folder / "given.json").write_text(json.dumps(plan.params.of_notebook()))
        command = [
            "-m",
            "papermill",
            plan.notebook,
            folder / "executed.ipynb",
            "-f",
            folder / "given.json",
            "--cwd",
            plan.base,
            "--no-progress-bar",
        ]
        for arguments in (command, ["-c", RENDER, params, outcome, folder]):
            subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True)


def _papermill_loop(params, outcomes, out):
    """A loop in one process, which imports papermill once; each of its kernels imports what its notebook needs."""
    for outcome in outcomes:
        plan = plan_run(params, [f"outcome={outcome}", f"name=branch-{outcome}"], out=out)
        folder = out / outcome
        folder.mkdir(parents=True)
        notebook = papermill.execute_notebook(
            plan.notebook, folder / "executed.ipynb", plan.params.of_notebook(), cwd=plan.base, progress_bar=False
        )
        write_document(assemble(notebook, stamp(plan), front=front(plan)), folder, ["html"])


def _seconds_each(loop, params, out):
    started = time.perf_counter()
    loop(params, [f"y{k}" for k in range(IN_LOOP)], out)
    return (time.perf_counter() - started) / IN_LOOP


def test_a_batch_beside_papermill_loops(panel, tmp_path, measured):
    commands, loop = (_seconds_each(f, panel, tmp_path / f.__name__) for f in (_papermill_commands, _papermill_loop))
    done = run_batch(
        sweep=_sweep(panel, [f"y{k}" for k in range(STUDIES)]), out=tmp_path / "out", workers=os.cpu_count()
    )
    each = done.seconds / STUDIES
    peers = {"a loop of papermill commands": commands, "a loop in one process": loop}
    measured.ratio(f"one of {STUDIES} studies, {os.cpu_count()} workers", each, peers, least=LEAST_RATIO)
    assert not done.failed
    for outcome in done.outcomes[:: STUDIES // SINGLE]:
        single = run_study(outcome.job.params, outcome.job.overrides, out=tmp_path / "single")
        assert not single.cached
        recorded = [json.loads((Path(f) / NAME).read_text("utf-8"))["outputs"] for f in (single.folder, outcome.folder)]
        assert recorded[0] == recorded[1]
    assert commands / each >= LEAST_RATIO


def test_forty_runs_over_two_workers_joined_by_tcp(panel, tmp_path, tcp_cluster, measured):
    done = run_batch(
        sweep=_sweep(panel, [f"y{k}" for k in range(40)]), out=tmp_path / "out", scheduler=tcp_cluster.address
    )
    assert [outcome.state for outcome in done.outcomes] == ["done"] * 40
    measured.figure("40 runs over TCP", done.seconds, "s")


def test_workers_do_not_grow(panel, tmp_path, tcp_cluster, measured):
    """Memory of a worker, with its warm process, after 10 runs and after 500 more of one batch."""

    def held():
        trees = [[w, *w.children(recursive=True)] for nanny in tcp_cluster.nannies() for w in nanny.children()]
        return [sum(p.memory_full_info().uss for p in tree if p.status() != psutil.STATUS_ZOMBIE) for tree in trees]

    first = Sweep(name="first", params=[str(panel)], cross={"outcome": [f"y{k}" for k in range(10)]})
    run_batch(sweep=first, out=tmp_path / "first", scheduler=tcp_cluster.address)
    before = held()
    outcomes = [f"y{k}" for k in range(RUNS // 4)]
    sweep = Sweep(
        name="levels", params=[str(panel)], cross={"confidence": [0.9, 0.91, 0.92, 0.93], "outcome": outcomes}
    )
    done = run_batch(sweep=sweep, out=tmp_path / "out", scheduler=tcp_cluster.address)
    after = held()
    grown = [b - a for a, b in zip(before, after, strict=True)]
    for k, more in enumerate(grown):
        measured.figure(f"worker {k}, growth in {len(done.outcomes)} runs", more / 1e6, "MB", most=MOST_GROWTH)
    assert not done.failed
    assert max(grown) < MOST_GROWTH * 1e6
