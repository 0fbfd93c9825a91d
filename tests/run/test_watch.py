"""A study that is watched runs again when it is saved, and only then."""

import os
import threading
import time

import pytest

from xmresearch.run import watch
from xmresearch.run.manifest import is_whole

PARAMS = "study: scorecard\nname: w\ndata: {{source: scenario, n: {n}, seed: 1}}\n"


def test_it_runs_again_once_something_is_saved(tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: (looks.append(seconds), os.sched_yield()))
    params = tmp_path / "w.yml"
    params.write_text(PARAMS.format(n=60))
    runs = watch.watch_study(params, out=tmp_path / "out")
    first = next(runs)
    assert (first.state, is_whole(tmp_path / "out/scorecard/w" / first.folder.rpartition("/")[2])) == ("done", True)

    def save():
        while len(looks) < 3:
            time.monotonic()
        params.write_text(PARAMS.format(n="many"))

    saver = threading.Thread(target=save)
    saver.start()
    second = next(runs)
    saver.join()
    assert len(looks) >= 3
    assert second.state == "failed"
    assert "w.yml, line 3: data.n" in second.error
    # wrong params do not end the watch
    params.write_text(PARAMS.format(n=61))
    third = next(runs)
    assert (third.state, third.folder != first.folder) == ("done", True)
    runs.close()


@pytest.mark.parametrize("name", ["params", "notebook", "data"])
def test_what_is_watched_is_what_a_run_depends_on(tmp_path, root, name):
    (tmp_path / "rows.csv").write_text("branch,score\nA,1\n")
    params = tmp_path / "p.yml"
    params.write_text(
        "study: did\nname: p\ndata: {path: rows.csv}\noutcome: score\nunit: branch\ntime: branch\ncohort: branch\n"
    )
    job = watch.Job("p", "did", str(params), out=str(tmp_path))
    files = {"params": params, "notebook": root / "notebooks/did.ipynb", "data": tmp_path / "rows.csv"}
    assert files[name] in watch._files(job)
