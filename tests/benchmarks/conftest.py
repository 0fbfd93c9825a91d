"""Keeps what benchmarks measure: outputs/bench/bench.json, and a page of it; of a benchmark that is run again, the last figures."""

import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path

import pytest
from bench_page import page, study_of
from measured import Measured

ROOT = Path(__file__).resolve().parents[2]
_HERE = "tests/benchmarks/"


@pytest.fixture
def measured(request):
    return Measured(request.node)


def pytest_configure(config):
    config.pluginmanager.register(_Kept(config), "kept-figures")


class _Kept:
    def __init__(self, config):
        self._config, self._said, self._entries = config, {}, {}

    def pytest_collection_modifyitems(self, items):
        for item in items:
            says = (getattr(item.obj, "__doc__", None) or "").strip()
            self._said[item.nodeid] = says

    def pytest_runtest_logreport(self, report):
        ended = report.when == "call" or (report.when == "setup" and not report.passed)
        if not report.nodeid.startswith(_HERE) or not ended or report.skipped:
            return
        printed = report.capstdout
        if printed and self._config.option.capture != "no":
            self._config.get_terminal_writer().write(f"\n{report.nodeid}\n{printed}")
        file, _, name = report.nodeid.removeprefix(_HERE).partition("::")
        self._entries[report.nodeid] = {
            "study": study_of(file), "file": file, "name": name, "says": self._said.get(report.nodeid, ""), "outcome": report.outcome,
            "seconds": round(report.duration, 2), "when": time.strftime("%Y-%m-%d"), "printed": printed.strip("\n"),
            "figures": list(report.user_properties),
        }  # fmt: skip

    def pytest_sessionfinish(self):
        if not self._entries or hasattr(self._config, "workerinput"):
            return
        folder = Path(os.environ.get("XMRESEARCH_BENCH_OUT", ROOT / "outputs" / "bench"))
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / "bench.json"
        known = json.loads(kept.read_text("utf-8"))["benchmarks"] if kept.is_file() else {}
        found = dict(sorted((known | self._entries).items()))
        about = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, " + ", ".join(
            f"{name} {metadata.version(name)}" for name in ("numpy", "polars", "pymc", "papermill")
        )
        kept.write_text(json.dumps({"about": about, "benchmarks": found}, indent=1, ensure_ascii=False), "utf-8")
        (folder / "index.html").write_text(page(list(found.values()), about), "utf-8")
        self._config.get_terminal_writer().write(f"\nFigures: {kept}, {folder / 'index.html'}\n")
