"""Batches over workers that are processes of their own, joined to a scheduler over TCP."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from xmresearch.errors import OutputError, RepeatError
from xmresearch.run import cache
from xmresearch.run.batch import cluster as workers
from xmresearch.run.batch.batch import run_batch
from xmresearch.run.batch.sweep import Sweep
from xmresearch.run.manifest import NAME, is_whole
from xmresearch.run.study import run_study

LEVELS = [0.8, 0.82, 0.84, 0.86]


def _sweep(folder, levels=LEVELS, **more):
    return Sweep(name="levels", params=[str(folder / "demo.yml")], cross={"confidence": levels}, **more)


def _states(done):
    return [outcome.state for outcome in done.outcomes]


def _outputs(folder):
    return json.loads((folder / NAME).read_text("utf-8"))["outputs"]


def test_runs_are_those_of_single_ones_and_failures_hold_nothing_up(waiting, tell, tcp_cluster, tmp_path):
    tell(0.82, "raise Zhang 7391")
    told = []
    done = run_batch(sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "out", tell=told.append)
    assert _states(done) == ["done", "failed", "done", "done"]
    assert [(p.ended, p.failed) for p in (told[0], told[-1])] == [(0, 0), (4, 1)]
    assert told[0].left is None
    assert told[-1].left == 0
    # bit for bit what a run of its own makes, in a kernel of its own
    for outcome in (done.outcomes[0], done.outcomes[3]):
        single = run_study(outcome.job.params, outcome.job.overrides, out=tmp_path / "single")
        assert _outputs(single.folder) == _outputs(Path(outcome.folder))
        assert not single.cached
    # the notebook as far as it came says what was wrong, without what Python quoted of the data
    failed = done.failed[0]
    assert "Do what the test tells" in failed.error
    kept = json.loads((home := Path(failed.folder)).read_text("utf-8"))
    assert home.parent.parent == tmp_path / "out" / waiting.name / "demo-0-82"
    assert "Zhang" not in home.read_text("utf-8")
    errors = [o for cell in kept["cells"] for o in cell.get("outputs", []) if o["output_type"] == "error"]
    assert [error["evalue"] for error in errors] == [failed.error]
    # only what is missing is run again, and the notebook that was kept goes
    tell(0.82, "nothing")
    again = run_batch(sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "out")
    assert _states(again) == ["at_hand", "done", "at_hand", "at_hand"]
    assert not home.exists()


def test_no_more_is_begun_after_a_failure_where_that_is_asked_for(waiting, tell, tcp_cluster, tmp_path):
    levels = [0.8 + k / 100 for k in range(12)]
    tell(0.8, "raise Li 3")
    done = run_batch(
        sweep=_sweep(waiting, levels), scheduler=tcp_cluster.address, keep_going=False, out=tmp_path / "out"
    )
    assert done.failed
    assert 0 < len(done.not_begun) == 12 - len(done.outcomes)


@pytest.mark.parametrize("who", ["kernel", "run"])
def test_what_ends_without_a_word_is_said_to_have_run_out_of_memory(waiting, tell, tcp_cluster, tmp_path, who):
    tell(0.84, f"kill {who}")
    done = run_batch(sweep=_sweep(waiting, [0.84, 0.86]), scheduler=tcp_cluster.address, out=tmp_path / "out")
    assert _states(done) == ["failed", "done"]
    assert "memory ran out" in done.failed[0].error
    assert done.failed[0].exit_code == 5


def test_a_worker_killed_in_the_middle_loses_nothing(waiting, tell, tcp_cluster, tmp_path):
    for level in LEVELS:
        tell(level, "sleep 4")

    def kill():
        while not list((tmp_path / "told").glob("begun-*")):
            time.sleep(0.1)
        tcp_cluster.kill_workers(1)

    killer = threading.Thread(target=kill)
    killer.start()
    done = run_batch(sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "out")
    killer.join()
    assert _states(done) == ["done"] * 4
    assert all(
        is_whole(tmp_path / "out" / waiting.name / o.job.name / o.folder.rpartition("/")[2]) for o in done.outcomes
    )
    assert not list((tmp_path / "out").rglob(".unfinished-*"))


def test_a_client_killed_and_started_again_does_only_the_rest(waiting, tell, tcp_cluster, tmp_path):
    for level in LEVELS[2:]:
        tell(level, "sleep 60")
    sweep = tmp_path / "sweep.yml"
    sweep.write_text(
        json.dumps({"name": "levels", "params": str(waiting / "demo.yml"), "cross": {"confidence": LEVELS}})
    )
    command = [
        sys.executable,
        "-c",
        "from xmresearch.cli import main; main()",
        "batch",
        "--sweep",
        str(sweep),
        "--scheduler",
        tcp_cluster.address,
    ]
    client = subprocess.Popen([*command, "--out", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True)
    while len(list((tmp_path / "told").glob("begun-*"))) < 2:
        time.sleep(0.1)
        assert client.poll() is None
    os.kill(client.pid, signal.SIGKILL)
    client.communicate()
    for level in LEVELS:
        tell(level, "nothing")
    # what the killed client had begun ends with its workers' tasks
    tcp_cluster.kill_workers(2)
    done = run_batch(sweep=sweep, scheduler=tcp_cluster.address, out=tmp_path / "out")
    assert _states(done) == ["at_hand", "at_hand", "done", "done"]


def test_workers_with_another_program_are_refused(waiting, tcp_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "versions", lambda: {"numpy": "0.1"})
    with pytest.raises(RepeatError, match=r"has another version of: numpy\. .*the same lock"):
        run_batch(sweep=_sweep(waiting), scheduler=tcp_cluster.address, out=tmp_path / "out")


def test_an_address_where_nothing_answers_is_named(waiting, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_PATIENCE", "1s")
    with pytest.raises(OutputError, match="No scheduler answers at 'tcp://"):
        run_batch(sweep=_sweep(waiting), scheduler="tcp://127.0.0.1:9", out=tmp_path / "out")
