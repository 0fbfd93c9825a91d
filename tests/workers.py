"""Workers of a Dask cluster that are processes of their own, joined over TCP."""

import contextlib
import json
import os
import subprocess
import sys
import time

import psutil
import pytest


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

    def kill_workers(self, most):
        """Kill workers that have run studies, with whatever they run."""
        begun = []
        for worker in [child for nanny in self.nannies() for child in nanny.children()]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if any("forkserver" in " ".join(c.cmdline()) for c in worker.children()):
                    begun.append(worker)
        assert begun, "no worker has begun"
        for worker in begun[:most]:
            worker.kill()

    def end(self):
        for process in reversed(self.processes):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def tcp_cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"), workers=2)
    yield made
    made.end()
