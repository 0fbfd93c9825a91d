"""Trouble in the middle of a batch: a clear message, nothing lost, nothing half-written."""

import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xmresearch.run.batch.batch import run_batch
from xmresearch.run.batch.sweep import Sweep
from xmresearch.run.manifest import is_whole

LEVELS = [0.8, 0.82, 0.84]
LARGEST_FILE = 60_000


def _sweep(folder):
    return Sweep(name="levels", params=[str(folder / "demo.yml")], cross={"confidence": LEVELS})


def _states(done):
    return [outcome.state for outcome in done.outcomes]


def test_a_result_that_was_damaged_is_computed_again(waiting, tcp_cluster, tmp_path):
    first = run_batch(sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "out")
    assert _states(first) == ["done"] * 3
    report = Path(first.outcomes[1].folder) / "report.html"
    before = report.read_bytes()
    report.write_bytes(before[:-1])
    second = run_batch(sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "out")
    assert _states(second) == ["at_hand", "done", "at_hand"]
    assert any("report.html is not as the run left it" in note for note in second.outcomes[1].notes)
    assert report.read_bytes() == before
    assert (report.parent / "report.yours.html").read_bytes() == before[:-1]


def test_two_batches_on_the_same_outputs_share_the_work(waiting, tell, tcp_cluster, tmp_path):
    for level in LEVELS:
        tell(level, "sleep 1")
    with ThreadPoolExecutor(2) as both:
        jobs = [
            both.submit(run_batch, sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "out")
            for _ in range(2)
        ]
        states = [_states(job.result()) for job in jobs]
    assert sorted(zip(*states, strict=True)) in (
        [("at_hand", "done")] * k + [("done", "at_hand")] * (3 - k) for k in range(4)
    )
    assert all(is_whole(folder.resolve()) for folder in (tmp_path / "out").glob("*/demo-*/latest-en"))
    assert not list((tmp_path / "out").rglob(".unfinished-*"))


def test_an_output_folder_that_cannot_be_written_is_told_for_every_run(waiting, tcp_cluster, tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = run_batch(sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "file" / "out")
    assert _states(done) == ["failed"] * 3
    assert all("cannot be written" in outcome.error and "--out" in outcome.error for outcome in done.failed)
    assert {outcome.exit_code for outcome in done.failed} == {4}


def test_a_disk_that_is_full_leaves_nothing_half_written(waiting, tmp_path):
    """The system lets the workers write no file that is larger than a report."""
    sweep, out = tmp_path / "sweep.yml", tmp_path / "out"
    sweep.write_text(
        json.dumps({"name": "levels", "params": str(waiting / "demo.yml"), "cross": {"confidence": LEVELS[:2]}})
    )
    command = [
        sys.executable,
        "-c",
        "from xmresearch.cli import main; main()",
        "batch",
        "--sweep",
        sweep,
        "--workers",
        "1",
        "--out",
        out,
    ]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, resource.RLIM_INFINITY))

    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    full = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, env=env, timeout=300)
    assert full.returncode == 4, full.stderr
    assert full.stderr.count("cannot be written") >= 2
    assert not list((out / waiting.name).rglob("report.html"))
    assert not list(out.rglob(".unfinished-*"))
    assert not list(out.rglob(".lock-*"))
    enough = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert enough.returncode == 0, enough.stderr
    assert "2 computed, 0 at hand, 0 failed" in enough.stdout
