"""What the commands for batches and for watching say, and how they end."""

import os
import signal
import subprocess
import sys

import pytest
from distributed import CancelledError, KilledWorker

from xmresearch.cli.progress import Teller, line_of, spoken
from xmresearch.run.batch.cluster import received
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.batch.progress import Progress


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3599, "60 min"), (3601, "1.0 h"), (12_240, "3.4 h")],
)
def test_durations_are_spoken(seconds, said):
    assert spoken(seconds) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Progress(40), "0 of 40 runs"),
        (Progress(40, done=3, at_hand=2, failed=1, left=240.0), "6 of 40 runs, 2 at hand, 1 failed, about 4 min left"),
        (Progress(6, done=6, left=0.0), "6 of 6 runs"),
    ],
)
def test_how_far_a_batch_is(given, said):
    assert line_of(given) == said


def _failed(notebook):
    return Outcome(Job("north", "did", "p.yml"), "failed", notebook, error="There are no rows.")


def test_nobody_watching_is_told_ten_times_and_of_every_failure(capsys):
    tell = Teller(live=False)
    for done in range(101):
        tell(Progress(101, done=done))
    tell(Progress(101, done=100, failed=1, last=_failed("somewhere/executed.ipynb")))
    lines = capsys.readouterr().err.splitlines()
    assert sum("of 101 runs" in line for line in lines) == 11
    assert "Failed: did north: There are no rows." in lines
    assert "Note: The notebook, as far as it came: somewhere/executed.ipynb" in lines


def test_somebody_watching_sees_one_line_kept_up_to_date(capsys):
    tell = Teller(live=True)
    for done in range(3):
        tell(Progress(2, done=done))
    said = capsys.readouterr().err
    assert said.count("\r") == 3
    assert said.count("\n") == 1
    assert {len(part.rstrip("\n")) for part in said.split("\r")[1:]} == {78}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["batch"], "Give either params files or --sweep."),
        (["batch", "servqual/service_hall", "--sweep", "s.yml"], "Give either params files or --sweep."),
        (
            ["batch", "servqual/service_hall", "--workers", "2", "--scheduler", "tcp://h:1"],
            "--workers goes with workers of this machine",
        ),
        (["batch", "servqual/service_hall", "--workers", "0"], "0 is not in the range"),
        (["batch", "nowhere.yml"], "'nowhere.yml' does not exist"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(cli, tmp_path, arguments, said):
    done = cli(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_cannot_fork_is_named(monkeypatch):
    from xmresearch.errors import OutputError
    from xmresearch.run.batch import cluster

    monkeypatch.setattr(cluster.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    with pytest.raises(OutputError, match="processes can fork. Use Linux"), cluster.connected(1, None):
        pass


def test_a_watch_tells_of_reports_and_ends_with_control_c(tmp_path):
    (tmp_path / "w.yml").write_text("study: scorecard\nname: w\ndata: {source: scenario, n: 60, seed: 1}\n")
    command = [sys.executable, "-u", "-c", "from xmresearch.cli import main; main()", "watch", "w.yml", "--out", "o"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout.readline().startswith("Report (")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("lost", "code", "said"),
    [
        (
            KilledWorker("run", None, 3),
            5,
            "Several workers, one after the other, ended while they ran it. Most often memory ran out",
        ),
        (CancelledError("run"), 4, "went away before it ended. Run the batch again: it does only the rest."),
        (OSError("connection closed"), 4, "went away before it ended."),
    ],
)
def test_what_becomes_of_workers_is_told_of_the_run(lost, code, said):
    class Future:
        def result(self):
            raise lost

    outcome = received(Future(), Job("north", "did", "p.yml"))
    assert (outcome.state, outcome.exit_code) == ("failed", code)
    assert said in outcome.error
