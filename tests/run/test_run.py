import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from xmresearch.errors import DataError, OutputError, StudyError
from xmresearch.run import cache
from xmresearch.run.cache import identify
from xmresearch.run.determinism import SETTINGS, deterministic_environment
from xmresearch.run.manifest import CRATE, NAME, is_whole
from xmresearch.run.plan import plan_run
from xmresearch.run.study import _unwritten, run_study

DEMO = "study: servqual\nname: small\ndata: {n: 60}\nbootstrap: 200\n"


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    path = tmp_path_factory.mktemp("params") / "small.yml"
    path.write_text(DEMO, "utf-8")
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def done(params, out):
    return run_study(params, out=out)


def content(folder: Path) -> dict[str, bytes]:
    wanted = [folder / "report.html", *folder.glob("tables/*"), *folder.glob("figures/*")]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in wanted}


def hidden(home: Path) -> list[str]:
    """What a run may leave there only while it is at work."""
    return sorted(p.name for p in home.iterdir() if p.name.startswith("."))


def test_run_writes_everything(done, out):
    assert not done.cached
    assert done.report == out / "servqual" / "small" / "latest-en" / "report.html"
    assert {p.name for p in done.folder.iterdir()} == {
        "report.html",
        "executed.ipynb",
        "tables",
        "figures",
        "archive",
        CRATE,
        NAME,
    }
    assert hidden(done.folder.parent) == []


def test_manifest_records_what_determined_the_result(done):
    manifest = json.loads((done.folder / NAME).read_text("utf-8"))
    assert manifest["key"] == done.folder.name
    assert manifest["params"]["data"]["n"] == 60
    assert manifest["seeds"] == {"data.seed": 20260101, "seed": 20260101}
    assert manifest["threads"]["settings"]["OMP_NUM_THREADS"] == "1"
    assert {"git", "lock", "code", "versions", "cells", "started", "python"} <= set(manifest)
    assert all(c["cell"] and c["seconds"] >= 0 for c in manifest["cells"])
    assert "report.html" in manifest["outputs"]


def test_second_run_finds_the_result(params, out, done):
    again = run_study(params, out=out)
    assert again.cached
    assert again.folder == done.folder


def test_formats_are_added_to_an_earlier_result(params, out, done):
    """Nothing is computed again, nothing that was there changes, a user's file stays, and the manifest has all."""
    before = content(done.folder)
    (done.folder / "report.xlsx").write_text("mine", "utf-8")
    again = run_study(params, ["formats=[pdf, xlsx]"], out=out)
    assert again.cached
    assert again.folder == done.folder
    assert content(done.folder) == before
    assert (done.folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (done.folder / "report.xlsx").read_bytes().startswith(b"PK")
    assert (done.folder / "report.yours.xlsx").read_text("utf-8") == "mine"
    assert is_whole(done.folder)
    assert any("pdf, xlsx" in note for note in again.notes)
    pdf = (done.folder / "report.pdf").stat().st_mtime_ns
    assert not [n for n in run_study(params, ["formats=[pdf]"], out=out).notes if "now written" in n]
    assert (done.folder / "report.pdf").stat().st_mtime_ns == pdf
    for name in ("report.pdf", "report.xlsx", "report.yours.xlsx"):
        (done.folder / name).unlink()
    run_study(params, out=out, force=True)


def test_same_params_same_bytes(params, done, tmp_path):
    again = run_study(params, out=tmp_path)
    assert content(again.folder) == content(done.folder)


def test_forced_run_replaces_the_result(params, out, done):
    before = content(done.folder)
    again = run_study(params, out=out, force=True)
    assert not again.cached
    assert content(again.folder) == before


def test_a_damaged_result_is_computed_again_with_a_word(params, out, done):
    said = []
    (done.folder / "report.html").write_text("damaged")
    (done.folder / "notes.txt").write_text("mine")
    assert not is_whole(done.folder)
    again = run_study(params, out=out, tell=said.append)
    assert not again.cached
    assert is_whole(again.folder)
    assert said == list(again.notes)
    assert re.search(r"not whole \(report.html is not as the run left it\): it is computed again", said[0])
    assert (done.folder / "report.yours.html").read_text() == "damaged"
    assert (done.folder / "notes.txt").read_text() == "mine"
    assert "'report.html' had been changed: it is kept as 'report.yours.html'." in said
    assert "'notes.txt' is not of this run: it is kept." in said
    assert run_study(params, out=out).notes == ()
    for name in ("report.yours.html", "notes.txt"):
        (done.folder / name).unlink()


def test_whatever_determines_the_result_changes_the_key(params, tmp_path, root):
    plan = plan_run(params)
    assert plan_run(params).identity.key == plan.identity.key
    assert plan_run(params, ["confidence=0.9"]).identity.key != plan.identity.key
    assert plan_run(params, lang="zh").identity.key != plan.identity.key
    data = tmp_path / "a.csv"
    keys = set()
    for text in ("a\n1\n", "a\n2\n"):
        data.write_text(text)
        keys.add(identify({}, {"data": data}, plan.notebook, plan.study.folder).key)
    assert len(keys) == 2


def test_the_lock_and_what_is_installed_change_the_key(params, tmp_path, monkeypatch, root):
    """Each part of the identity alone gives another key; no part may be left out of it."""
    identity = plan_run(params).identity
    for part in dataclasses.fields(identity):
        old = getattr(identity, part.name)
        new = {**old, "other": "1"} if isinstance(old, dict) else f"{old}1"
        assert dataclasses.replace(identity, **{part.name: new}).key != identity.key, part.name

    def key():
        return identify({}, {}, root / "notebooks/servqual.ipynb", root / "src/xmresearch/studies/servqual").key

    keys = [key()]
    monkeypatch.setattr(cache, "shipped", lambda: tmp_path)
    for text in ("numpy 1", "numpy 2"):
        (tmp_path / "uv.lock").write_text(text)
        keys.append(key())
    version = metadata.version
    for package in cache.PACKAGES:
        with monkeypatch.context() as patch:
            patch.setattr(metadata, "version", lambda name, p=package: "0.0" if name == p else version(name))
            keys.append(key())
    assert len(set(keys)) == len(keys)


def test_every_dependency_is_among_the_versions(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    named = {re.match(r"[\w.-]+", line)[0].lower() for line in project["dependencies"]}
    assert named <= set(cache.PACKAGES)
    assert set(cache.versions()) == set(cache.PACKAGES)


def test_every_file_of_the_package_changes_the_key(root, tmp_path, monkeypatch):
    package = tmp_path / "xmresearch"
    shutil.copytree(root / "src/xmresearch", package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "PACKAGE", package)
    notebook, study = root / "notebooks/sem.ipynb", package / "studies/sem"
    before = cache.code_hash(notebook, study)
    first_of_each_kind = {path.suffix: path for path in sorted(package.rglob("*")) if path.is_file()}
    assert {".py", ".yml", ".lav", ".bib", ".css", ".html"} <= set(first_of_each_kind)
    for path in first_of_each_kind.values():
        text = path.read_bytes()
        path.write_bytes(text + b"\n")
        assert cache.code_hash(notebook, study) != before, path
        path.write_bytes(text)
    model = package / "sem/models/servqual_satisfaction.lav"
    model.rename(model.with_stem("other"))
    assert cache.code_hash(notebook, study) != before
    model.with_stem("other").rename(model)
    (package / "sem/models/__pycache__").mkdir()
    for name in ("a.cpython-312.pyc", "a.cpython-312.pyc.140001", "b.nbi"):
        (package / "sem/models/__pycache__" / name).write_bytes(b"compiled")
    assert cache.code_hash(notebook, study) == before
    within = package / "sem.ipynb"
    within.write_bytes(notebook.read_bytes())
    with_notebook = cache.code_hash(notebook, study)
    assert with_notebook != before
    within.write_text(json.dumps(json.loads(within.read_text("utf-8")) | {"metadata": {}}))
    assert cache.code_hash(notebook, study) == with_notebook
    own = tmp_path / "churn"
    for name in (
        "study.py",
        "outputs/index.html",
        "o/churn/a/b1/manifest.json",
        "o/churn/a/b1/report.html",
        ".git/HEAD",
    ):
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(name)
    before = cache.code_hash(notebook, own)
    for name in ("outputs/index.html", "o/churn/a/b1/report.html", ".git/HEAD"):
        (own / name).write_text("another")
        assert cache.code_hash(notebook, own) == before, name
    (own / "study.py").write_text("another")
    assert cache.code_hash(notebook, own) != before


def test_a_notebook_enters_the_key_by_its_cells_and_not_by_what_they_showed(root, tmp_path):
    path = tmp_path / "sem.ipynb"
    notebook = nbformat.read(root / "notebooks/sem.ipynb", 4)
    nbformat.write(notebook, path)
    before = cache.code_hash(path)
    code = next(c for c in notebook.cells if c.cell_type == "code")
    code.outputs = [nbformat.v4.new_output("stream", text="shown")]
    code.execution_count = 7
    code.metadata["collapsed"] = True
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "another", "language": "python"}
    nbformat.write(notebook, path)
    assert cache.code_hash(path) == before
    for change in ("source", "tags", "cell_type"):
        changed = nbformat.from_dict(json.loads(json.dumps(notebook)))
        cell = next(c for c in changed.cells if c.cell_type == "code")
        if change == "tags":
            cell.metadata.setdefault("tags", []).append("workbench")
        else:
            cell[change] = {"source": cell.source + "\n1", "cell_type": "markdown"}[change]
        path.write_text(json.dumps(changed), "utf-8")
        assert cache.code_hash(path) != before, change
    for text in ("no JSON", "[]", '{"cells": [{}]}'):
        path.write_text(text)
        with pytest.raises(StudyError, match="no Jupyter notebook"):
            cache.code_hash(path)


def test_environment_is_set_and_restored(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTENSOR_FLAGS", "device=cpu")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("XMRESEARCH_DATA", ".")
    with deterministic_environment():
        assert {k: os.environ[k] for k in SETTINGS if k != "PYTENSOR_FLAGS"} == {
            k: v for k, v in SETTINGS.items() if k != "PYTENSOR_FLAGS"
        }
        assert os.environ["PYTENSOR_FLAGS"] == "device=cpu,numba__fastmath=False"
        assert "PYTHONDONTWRITEBYTECODE" not in os.environ
        assert Path(os.environ["XMRESEARCH_DATA"]).is_absolute()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "SOURCE_DATE_EPOCH" not in os.environ


def test_an_output_folder_that_cannot_be_written(params, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written.*--out"):
        run_study(params, out=tmp_path / "file" / "below")


def test_a_folder_with_braces(params, tmp_path):
    done = run_study(params, out=tmp_path / "a {b} {name}")
    assert done.folder.parent == tmp_path / "a {b} {name}" / "servqual" / "small"
    assert is_whole(done.folder)


def test_an_error_in_the_kernel_keeps_its_class_and_words(tmp_path, params):
    path = tmp_path / "bad.yml"
    path.write_text(DEMO + "segments: [brnch]\n", "utf-8")
    with pytest.raises(DataError, match="no column 'brnch'. Did you mean 'branch'"):
        run_study(path, out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("report.html"))
    assert hidden(tmp_path / "out/servqual/small") == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\nos._exit(1)", r"kernel that ran servqual\.ipynb died"),
        ("# Divide\n1 / 0", r"\(Divide\) stopped with ZeroDivisionError"),
    ],
)
def test_what_stops_a_notebook_is_named(tmp_path, params, monkeypatch, root, source, message):
    from xmresearch.run import plan

    monkeypatch.setattr(plan, "project_root", lambda: tmp_path)
    (tmp_path / "notebooks").mkdir()
    notebook = nbformat.read(root / "notebooks/servqual.ipynb", 4)
    notebook.cells[2].source = source
    nbformat.write(notebook, tmp_path / "notebooks/servqual.ipynb")
    with pytest.raises(StudyError, match=message):
        run_study(params, out=tmp_path / "out")


def start(params, out):
    return subprocess.Popen(
        [sys.executable, "-c", "from xmresearch.cli import main; main()", "run", str(params), "--out", str(out),
         "-p", "bootstrap=90000", "-p", "data.n=4000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def wait_until_working(out, process):
    for _ in range(600):
        if list(Path(out).rglob(".unfinished-*")):
            time.sleep(5)
            assert process.poll() is None, process.communicate()
            return
        time.sleep(0.1)
    raise AssertionError("the run did not start")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_the_earlier_one_whole(params, out, done, how):
    before = content(done.folder)
    process = start(params, out)
    wait_until_working(out, process)
    os.killpg(process.pid, how)
    _, errors = process.communicate(timeout=60)
    home = done.folder.parent
    assert content(home / "latest-en") == before
    assert is_whole(done.folder)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "Interrupted" in errors
        assert "Traceback" not in errors
        assert hidden(home) == []
    else:
        assert hidden(home) != []
        run_study(params, ["confidence=0.8"], out=out)
        assert hidden(home) == []


@pytest.mark.parametrize(
    ("had", "asked", "formats", "again"),
    [
        (False, False, ["xlsx"], []),
        (False, True, ["xlsx"], ["xlsx"]),
        (True, False, [], ["xlsx"]),
        (None, True, ["pdf"], ["pdf"]),
        (None, True, ["xlsx"], ["xlsx"]),
    ],
)
def test_a_workbook_is_written_again_where_its_charts_are_not_as_asked_for(tmp_path, had, asked, formats, again):
    """`had` is None where the earlier run has no workbook; what is missing is written once."""
    outputs = {"report.html": "0"} | ({} if had is None else {"report.xlsx": "0"})
    shown = {"code": "fold", "charts": bool(had)}
    (tmp_path / "manifest.json").write_text(json.dumps({"outputs": outputs, "shown": shown}), "utf-8")
    params = SimpleNamespace(code="fold", charts=asked, formats=["html", *formats])
    assert _unwritten(SimpleNamespace(folder=tmp_path, params=params)) == again
