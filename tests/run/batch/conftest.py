"""Workers over TCP, and a study whose runs do what a file tells them."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from xmresearch.run.new_study import new_study

TROUBLE = """# Do what the test tells
import os
import signal
import time
from pathlib import Path

told = Path(f"../told/{confidence:.2f}")
what = told.read_text().split() if told.is_file() else ["nothing"]
if what[0] == "sleep":
    Path(f"../told/begun-{confidence:.2f}").write_text("")
    time.sleep(float(what[1]))
elif what[0] == "kill":
    os.kill(os.getpid() if what[1] == "kernel" else os.getppid(), signal.SIGKILL)
elif what[0] == "raise":
    raise ValueError(f"the answer of {what[1]} is {what[2]}")"""


_COUNT = itertools.count()


@pytest.fixture
def waiting(tmp_path):
    """A small study of its own, named apart from others that this process knows; returns the folder of its params file, demo.yml."""
    name = f"waiting_{next(_COUNT)}"
    folder = new_study(name, tmp_path)
    path = folder / f"{name}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "trouble",
        "metadata": {},
        "outputs": [],
        "source": TROUBLE,
    }
    notebook["cells"].insert(3, cell)
    path.write_text(json.dumps(notebook), "utf-8")
    (tmp_path / "told").mkdir()
    return folder


@pytest.fixture
def tell(waiting):
    """Tell the run of a level what to do; what it is told is no part of its key."""
    return lambda level, what: (waiting.parent / "told" / f"{level:.2f}").write_text(what)


class Cluster:
    """A scheduler and workers, each a process of its own, joined over TCP."""

    def __init__(self, folder, workers):
        self.file, self.log = folder / "scheduler.json", (folder / "log").open("w")
        self.processes = []
        self._start(
            "dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--dashboard-address",
            ":0",
            "--scheduler-file",
            str(self.file),
        )
        until = time.monotonic() + 60
        while not self.file.is_file():
            assert time.monotonic() < until
            time.sleep(0.1)
        self.address = json.loads(self.file.read_text())["address"]
        for _ in range(workers):
            self._start("dask_worker", self.address, "--nthreads", "1", "--memory-limit", "0", "--dashboard-address", ":0",
                        "--local-directory", str(folder))  # fmt: skip

    def _start(self, module, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
        self.processes.append(
            subprocess.Popen(command, stdout=self.log, stderr=self.log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        )

    def nannies(self):
        return [psutil.Process(p.pid) for p in self.processes[1:]]

    def kill_a_worker(self):
        """Kill a worker that runs a study, with whatever it runs there."""
        for worker in [child for nanny in self.nannies() for child in nanny.children()]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if any("forkserver" in " ".join(c.cmdline()) for c in worker.children()):
                    worker.kill()
                    return
        raise AssertionError("no worker has begun")

    def end(self):
        for process in reversed(self.processes):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"), workers=2)
    yield made
    made.end()
