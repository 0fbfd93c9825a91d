"""The lines of the README that lead from one study to a cluster, each as it stands there, but for fewer answers, a port of its own, and a folder to write to."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

SMALL = ["-p", "data.n=60"]


def _lines(root):
    section = (root / "README.md").read_text("utf-8").partition("## From one study to a cluster\n")[2]
    return [line.strip() for line in re.findall(r"^    (.+)$", section.partition("\n\nA sweep")[0], re.M)]


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_each_line_does_what_it_says(root, tmp_path):
    one, several, sweep, cluster, on_cluster = _lines(root)
    port, path = _free_port(), f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}

    def command(line):
        given = line.replace("8786", str(port)).split()
        done = subprocess.run(
            [*given, *SMALL, "--out", str(tmp_path)], capture_output=True, text=True, env=env, cwd=root, timeout=280
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "Report: " in command(one)
    assert re.search(r"^2 runs in .*: 1 computed, 1 at hand, 0 failed\.$", command(several), re.M)
    assert re.search(r"^4 runs in .*: 4 computed, 0 at hand, 0 failed\.$", command(sweep), re.M)
    parts = [part.strip().replace("8786", str(port)).split() for part in cluster.split("&") if part.strip()]
    started = [
        subprocess.Popen([*part, "--dashboard-address", ":0"], env=env, stderr=subprocess.DEVNULL, cwd=tmp_path)
        for part in parts
    ]
    try:
        time.sleep(2)
        assert re.search(r"^4 runs in .*: 0 computed, 4 at hand, 0 failed\.$", command(on_cluster), re.M)
        again = re.search(r"^4 runs in .*: 4 computed, 0 at hand, 0 failed\.$", command(f"{on_cluster} --force"), re.M)
        assert again
    finally:
        for process in reversed(started):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()
