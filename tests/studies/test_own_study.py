"""A study of one's own: made by one command, outside the package, with nothing edited inside."""

import ast
import json
import os
import re
import subprocess
import sys

import pytest

from xmresearch.errors import OutputError, ParamsError
from xmresearch.params.registry import FOLDERS_VARIABLE, find_study, study_names
from xmresearch.run.new_study import new_study
from xmresearch.run.plan import plan_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return new_study("churn", tmp_path_factory.mktemp("mine"))


def test_it_runs_checks_and_renders_in_both_languages(cli, made, tmp_path):
    checked = cli("check", made / "demo.yml")
    assert checked.returncode == 0, checked.stderr
    assert "200 in 'counter', 200 in 'online'" in checked.stdout
    pages = {}
    for lang in ("en", "zh"):
        done = cli("run", made / "demo.yml", "--lang", lang, "--out", tmp_path)
        assert done.returncode == 0, done.stderr
        pages[lang] = (tmp_path / f"churn/demo/latest-{lang}/report.html").read_text("utf-8")
    assert "<strong>online is ahead of counter</strong>" in pages["en"]
    assert "<strong>online 高于 counter</strong>" in pages["zh"]
    assert all("data:image/svg+xml" in page for page in pages.values())


def test_params_may_lie_far_from_it(cli, made, tmp_path):
    """Found from the working directory; the kernel, which works beside the params, has to be told."""
    (tmp_path / "mine.yml").write_text(f"study: churn\nname: mine\ndata: {{path: '{made / 'example.csv'}'}}\n", "utf-8")
    done = cli("run", tmp_path / "mine.yml", "--out", tmp_path / "o", cwd=made.parent)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o/churn/mine/latest-en/report.html").is_file()


@pytest.mark.parametrize("name", ["difference.py", "words/en.yml"])
def test_every_file_of_it_changes_the_key(made, name):
    before = plan_run(made / "demo.yml").identity.key
    text = (made / name).read_text("utf-8")
    try:
        (made / name).write_text(f"{text}\n", "utf-8")
        assert plan_run(made / "demo.yml").identity.key != before
    finally:
        (made / name).write_text(text, "utf-8")
    assert plan_run(made / "demo.yml").identity.key == before


def test_it_appears_in_the_list_where_people_work(made, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "churn" not in study_names()
    assert "churn" in study_names(made)
    assert find_study("churn", made).folder == made
    monkeypatch.chdir(made.parent)
    assert study_names()[-1] == "churn"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FOLDERS_VARIABLE, str(made.parent))
    assert find_study("churn").name in study_names()


def test_a_list_of_it_by_command(made):
    command = [sys.executable, "-c", "from xmresearch.cli import main; main()", "studies", "--names"]
    done = subprocess.run(command, cwd=made.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == study_names(made)


def test_its_own_test_passes(made):
    """As its owner runs it, outside the project."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "churn", "-k", "difference or words"]
    done = subprocess.run(command, cwd=made.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_its_notebook_holds_the_defaults_of_its_params(made):
    book = json.loads((made / "churn.ipynb").read_text("utf-8"))
    source = next("".join(c["source"]) for c in book["cells"] if "parameters" in c["metadata"].get("tags", []))
    given = {n: ast.literal_eval(v) for n, v in (line.split(" = ", 1) for line in source.splitlines()[1:])}
    model = find_study("churn", made).params
    assert set(given) == set(model.model_fields) - model.shown_only - model.front_only
    assert model.model_validate(given) == model()


def test_what_it_writes_is_lint_free(made, root):
    for check in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length", "120", "--select", "E,F,I,W,D1", "--ignore", "E501,D103", str(made)]
            if check == ["check"] else [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length", "120", str(made)],
            capture_output=True, text=True, check=False, cwd=made.parent,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [("Churn", "cannot name"), ("9lives", "cannot name"), ("a-b", "cannot name"), ("class", "cannot name"), ("../x", "cannot name"),
     ("statistics", "name of a Python package"), ("pandas", "name of a Python package"), (study_names()[0], "a study '.*' already")],
)  # fmt: skip
def test_names_that_cannot_be(tmp_path, name, words):
    with pytest.raises(ParamsError, match=words):
        new_study(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_never_overwritten(made):
    (made.parent / "loyal").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        new_study("loyal", made.parent)


@pytest.mark.parametrize(
    ("text", "words"),
    [("x =", "cannot be imported: SyntaxError"), ("import nothing_of_the_kind", "cannot be imported: ModuleNotFoundError"), ("STUDY = 1", "does not declare")],
)  # fmt: skip
def test_a_broken_study_is_named(tmp_path, text, words):
    name = f"broken_{abs(hash(text)) % 10**6}"
    (tmp_path / name / "words").mkdir(parents=True)
    (tmp_path / name / "study.py").write_text(text)
    with pytest.raises(ParamsError, match=words):
        find_study(name, tmp_path)


# The rooms that know no study; methods and data have names of the field, such as the instrument SERVQUAL.
ROOMS = ("cli", "run", "report", "params", "claims", "disclosure.py", "concerns.py", "lazy.py", "errors.py")


def test_studies_name_themselves_nowhere_outside_their_folder(root):
    """A new study would otherwise edit the places that name the others."""
    package = root / "src/xmresearch"
    shipped = "|".join(n for n in study_names() if (package / "studies" / n).is_dir())
    assert len(shipped.split("|")) > 5
    imported = re.compile(rf"studies[./](?:{shipped})\b")
    named = re.compile(rf"""["']?\b(?:{shipped})(?:_\w+)?(?:["']|:|\.ipynb)""")
    places = [p for room in ROOMS for p in (package / room, *(package / room).rglob("*")) if p.is_file()]
    places += list((package / "studies").glob("*.py"))
    texts = {p: named for p in places if p.suffix in (".py", ".yml", ".txt", ".html", ".css")}
    texts |= {
        p: imported for p in package.rglob("*.py") if p not in texts and "studies" not in p.relative_to(package).parts
    }
    texts |= {root / ".ci/run": named}
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path, pattern in texts.items()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_folders_above_are_looked_in_without_listing_them(tmp_path, monkeypatch):
    """Looking a study up by name lists no folder: homes and network drives are large."""
    monkeypatch.setattr(os, "scandir", lambda *_: pytest.fail("a folder was listed"))
    monkeypatch.setattr("xmresearch.params.registry._own_names", lambda _: [])
    with pytest.raises(ParamsError, match="no study 'nowhere'"):
        find_study("nowhere", tmp_path)
