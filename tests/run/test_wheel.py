"""The package as people install it: a wheel in an empty environment, far from the checkout. Run by `make wheel`."""

import os
import shutil
import subprocess
import sys

import pytest

from xmresearch.data.scenarios.service_hall import ServiceHall

pytestmark = pytest.mark.wheel


@pytest.fixture(scope="module")
def uv():
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        pytest.skip("uv is not on the path: `make wheel` has it")
    return found


@pytest.fixture(scope="module")
def installed(uv, root, tmp_path_factory):
    """Return a function that runs a command of the installed package in an empty folder."""
    place = tmp_path_factory.mktemp("wheel")
    keep = {
        k: v
        for k, v in os.environ.items()
        if k not in ("PYTHONPATH", "VIRTUAL_ENV", "XMRESEARCH_HOME", "XMRESEARCH_DATA")
    }

    def do(*command, cwd=place):
        done = subprocess.run(list(map(str, command)), cwd=cwd, env=keep, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    # the versions of the lock, since this is no test of what was published since
    (place / "lock.txt").write_text(
        do(uv, "export", "--locked", "--no-dev", "--no-emit-project", "--no-hashes", "--quiet", "--project", root)
    )
    do(uv, "build", "--wheel", "--quiet", "--out-dir", place / "dist", root)
    do(uv, "venv", "--quiet", "--python", sys.executable, place / "env")
    wheel = next((place / "dist").glob("*.whl"))
    do(uv, "pip", "install", "--quiet", "--python", place / "env", "-c", place / "lock.txt", wheel)
    (place / "work").mkdir()

    def run(*command):
        name, *rest = command
        return do(place / "env/bin" / name, *rest, cwd=place / "work")

    run.folder = place / "work"
    return run


def test_the_package_is_the_installed_one(installed, root):
    said = installed("python", "-c", "import xmresearch; print(xmresearch.__file__)")
    assert str(root) not in said
    assert "site-packages" in said


def test_notebooks_params_and_lock_travel_along(installed, root):
    names = installed("xmresearch", "studies", "--names").split()
    assert len(names) == 4
    shipped = installed("python", "-c", "from xmresearch.run.project import shipped; print(shipped())").strip()
    for folder in ("notebooks", "params"):
        theirs, ours = (
            {
                os.path.relpath(os.path.join(at, f), top)
                for at, _, files in os.walk(top)
                for f in files
                if f.endswith((".ipynb", ".yml"))
            }
            for top in (os.path.join(shipped, folder), root / folder)
        )
        assert theirs == ours
    with open(os.path.join(shipped, "uv.lock"), "rb") as theirs:
        assert theirs.read() == (root / "uv.lock").read_bytes()


@pytest.mark.parametrize("given", ["params/servqual/service_hall.yml", "servqual/service_hall"])
def test_a_shipped_demo_runs(installed, given):
    said = installed("xmresearch", "run", given, "-p", "bootstrap=200")
    report = installed.folder / said.split("Report: ")[1].strip()
    assert report.is_relative_to(installed.folder / "outputs/servqual/service_hall")
    assert "<svg" in report.read_text("utf-8") or "image/svg+xml" in report.read_text("utf-8")


def test_a_file_of_ones_own_runs(installed):
    hall = ServiceHall(150, 4, careless=0, missing=0).survey()
    hall[[c for c in hall.columns if c[0] in "ep" and c[1:].isdigit()]].to_csv(installed.folder / "s.csv", index=False)
    (installed.folder / "mine.yml").write_text("study: servqual\nname: mine\ndata: {path: s.csv}\nbootstrap: 200\n")
    assert "150 respondents from s.csv" in installed("xmresearch", "check", "mine.yml")
    said = installed("xmresearch", "run", "mine.yml", "--lang", "zh")
    assert (installed.folder / said.split("Report: ")[1].strip()).is_file()


def test_a_study_of_ones_own_runs(installed):
    installed("xmresearch", "new-study", "churn")
    assert "churn" in installed("xmresearch", "studies", "--names").split()
    said = installed("xmresearch", "run", "churn/demo.yml")
    assert (installed.folder / said.split("Report: ")[1].strip()).is_file()
