"""The package as people install it: a wheel in an empty environment, far from the checkout. Run by `make wheel`."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from xmresearch.data.scenarios.service_hall import ServiceHall

pytestmark = pytest.mark.wheel


@pytest.fixture(scope="module")
def uv():
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        pytest.skip("uv is not on the path: `make wheel` has it")
    return found


def other_python():
    """Return the interpreter of the other version that the package supports, or None."""
    wanted = "3.12" if sys.version_info[:2] != (3, 12) else "3.13"
    found = [*Path.home().glob(f".pyenv/versions/{wanted}*/bin/python"), shutil.which(f"python{wanted}")]
    for path in filter(None, found):
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(path)
    return None


@pytest.fixture(scope="module")
def made(uv, root, tmp_path_factory):
    """Return a function that makes an empty environment with the wheel, and returns its runner of commands."""
    place = tmp_path_factory.mktemp("wheel")
    keep = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "XMRESEARCH_HOME")}

    def do(*command, cwd=place):
        done = subprocess.run(list(map(str, command)), cwd=cwd, env=keep, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    # the versions of the lock, since this is no test of what was published since
    (place / "lock.txt").write_text(
        do(uv, "export", "--locked", "--no-emit-project", "--no-hashes", "--quiet", "--project", root)
    )
    do(uv, "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", place / "dist", root)
    wheel = next((place / "dist").glob("*.whl"))

    def make(python, *more):
        home = Path(tempfile.mkdtemp(dir=place))
        do(uv, "venv", "--quiet", "--python", python, home / "env")
        do(uv, "pip", "install", "--quiet", "--python", home / "env", "-c", place / "lock.txt", wheel, *more)
        (home / "work").mkdir()

        def run(name, *rest, cwd=home / "work"):
            return do(home / "env/bin" / name, *rest, cwd=cwd)

        run.folder = home / "work"
        return run

    return make


@pytest.fixture(scope="module")
def installed(made):
    return made(sys.executable)


def test_the_package_is_the_installed_one(installed, root):
    said = installed("python", "-c", "import xmresearch; print(xmresearch.__file__)")
    assert str(root) not in said
    assert "site-packages" in said


def test_notebooks_params_and_lock_travel_along(installed, root):
    names = installed("xmresearch", "studies", "--names").split()
    assert set(names) == {p.parent.name for p in root.glob("src/xmresearch/studies/*/study.py")}
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


def test_the_other_python_runs_the_smoke_part_of_the_suite(made, root):
    """3.12 and 3.13 are supported: a demo, and tests of params, statistics, fits and reports."""
    python = other_python()
    if python is None:
        pytest.skip("neither pyenv nor the path has the other Python")
    run = made(python, "pytest", "hypothesis", "pytest-xdist")
    run("xmresearch", "run", "servqual/service_hall", "-p", "bootstrap=200")
    smoke = ("params", "test_disclosure.py", "claims/test_rules.py", "sem/test_fit.py", "psychometrics/test_gaps.py", "causal/test_two_by_two.py",
             "sufficient/test_transitions.py", "report/test_wording.py")  # fmt: skip
    said = run(
        "python",
        "-m",
        "pytest",
        "-q",
        "-n2",
        "-p",
        "no:cacheprovider",
        *(root / "tests" / part for part in smoke),
        cwd=root,
    )
    assert " passed" in said
