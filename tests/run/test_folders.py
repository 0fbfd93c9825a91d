"""Folders of runs: who is alive, what is whole, what is a user's."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from xmresearch.run.cache import file_hash
from xmresearch.run.folders import foreign, publish, workplace
from xmresearch.run.latest import point
from xmresearch.run.lock import held, held_if_free
from xmresearch.run.manifest import NAME, flaws

OUTPUTS = {"report.html": "report", "executed.ipynb": "{}", "tables/a.csv": "a\n1\n"}


def filled(folder: Path, **more: str) -> Path:
    """Write what a run leaves, with its manifest."""
    for name, text in (OUTPUTS | more).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    hashes = {name: file_hash(folder / name) for name in OUTPUTS | more}
    (folder / NAME).write_text(json.dumps({"key": folder.name, "outputs": hashes}))
    return folder


def waits(path: Path) -> subprocess.Popen:
    """Another process that holds a lock until it is told to go."""
    code = (
        "import sys; from pathlib import Path; from xmresearch.run.lock import held\n"
        "with held(Path(sys.argv[1]), lambda: None): print('held', flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    return other


def test_a_folder_is_whole_only_with_every_output_as_it_was(tmp_path):
    folder = filled(tmp_path / "abc")
    assert flaws(folder) == []
    (folder / "tables/a.csv").write_text("a\n2\n")
    assert flaws(folder) == ["tables/a.csv is not as the run left it"]
    (folder / "tables/a.csv").unlink()
    assert flaws(folder) == ["tables/a.csv is missing"]
    manifest = (folder / NAME).read_text()
    for text in (manifest[:40], "[]", "{}", '{"outputs": {}}', '{"outputs": {"report.html": 1}}', '{"outputs": 3}'):
        (folder / NAME).write_text(text)
        assert flaws(folder) == [f"{NAME} is missing or damaged"], text
    (folder / NAME).unlink()
    assert flaws(folder)
    assert flaws(tmp_path / "none")


def test_what_killed_runs_left_is_cleared_and_what_they_moved_aside_comes_back(tmp_path):
    names = (".unfinished-def-0a1b", ".unfinished-123-0a1b-old", ".unfinished-note", ".lock-def", ".lock-latest-en")
    left, aside, strange, *locks = (tmp_path / name for name in names)
    for folder in (left, aside, strange):
        folder.mkdir()
    for lock in (*locks, tmp_path / ".unfinished-def-0a1b.lock"):
        lock.write_text("")
    (aside / "report.html").write_text("whole")
    with workplace(tmp_path, "abc") as work:
        assert work.is_dir()
        assert {p.name for p in tmp_path.iterdir()} == {strange.name, "123", work.name, f"{work.name}.lock"}
    assert {p.name for p in tmp_path.iterdir()} == {strange.name, "123"}
    assert (tmp_path / "123/report.html").read_text() == "whole"


def test_the_folder_of_a_run_that_is_still_at_work_is_left_alone(tmp_path):
    """Known by its lock, since the process of another machine or container may bear any number."""
    at_work, aside = tmp_path / ".unfinished-def-0a1b", tmp_path / ".unfinished-def-0a1b-old"
    for folder in (at_work, aside):
        folder.mkdir()
        (folder / "report.html").write_text("theirs")
    other = waits(tmp_path / ".unfinished-def-0a1b.lock")
    with workplace(tmp_path, "abc"):
        assert {(folder / "report.html").read_text() for folder in (at_work, aside)} == {"theirs"}
        assert not (tmp_path / "def").exists()
    other.kill()
    other.communicate()
    with workplace(tmp_path, "fed"):
        assert (tmp_path / "def/report.html").read_text() == "theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["def"]


def test_a_lock_is_waited_for_with_a_word_and_leaves_nothing(tmp_path):
    path, said = tmp_path / ".lock-abc", []
    other = waits(path)
    with held_if_free(path) as free:
        assert not free
    threading.Timer(1.5, other.communicate, ["\n"]).start()
    with held(path, lambda: said.append("waiting")), held_if_free(path) as free:
        assert not free
    assert said == ["waiting"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_there_are_no_locks_nobody_is_held_back_and_nothing_is_cleared(tmp_path, monkeypatch, number):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".unfinished-def-0a1b").mkdir()
    (tmp_path / ".unfinished-def-0a1b.lock").write_text(f"{os.getpid()}\n")
    with held(tmp_path / ".lock-abc", lambda: None), workplace(tmp_path, "abc") as work:
        filled(work)
        assert publish(work, tmp_path / "abc") == []
    assert flaws(tmp_path / "abc") == []


def test_what_a_user_put_into_a_folder_or_edited_comes_along(tmp_path):
    folder = filled(tmp_path / "abc")
    (folder / "tables/a.csv").write_text("edited")
    (folder / "mine").mkdir()
    (folder / "mine/notes.docx").write_text("notes")
    (folder / "away").symlink_to("nowhere")
    assert foreign(folder) == ["away", "mine/notes.docx", "tables/a.csv"]
    for copies in (["tables/a.yours.csv"], ["tables/a.yours.csv", "tables/a.yours-2.csv"]):
        with workplace(tmp_path, "abc") as work:
            said = publish(filled(work, **{"new.csv": "b"}), folder)
        assert flaws(folder) == []
        assert (folder / "mine/notes.docx").read_text() == "notes"
        assert os.readlink(folder / "away") == "nowhere"
        assert f"'tables/a.csv' had been changed: it is kept as '{copies[-1]}'." in said
        assert all((folder / copy).read_text() == "edited" for copy in copies)
        (folder / "tables/a.csv").write_text("edited")
    assert [p.name for p in tmp_path.iterdir()] == ["abc"]


def test_of_a_folder_without_manifest_whatever_differs_is_kept(tmp_path):
    folder = filled(tmp_path / "abc")
    (folder / "executed.ipynb").write_text("another")
    (folder / NAME).write_text("{")
    with workplace(tmp_path, "abc") as work:
        said = publish(filled(work), folder)
    assert said == ["'executed.ipynb' had been changed: it is kept as 'executed.yours.ipynb'."]


def refused(*_, **__):
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False])
def test_latest_leads_to_the_newest_report_of_its_language(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "symlink", refused)
    first, second, chinese = (filled(tmp_path / key, **{"report.html": key}) for key in ("a1", "b2", "c3"))
    for folder, lang in ((first, "en"), (chinese, "zh"), (second, "en"), (second, "en")):
        shown, notes = point(tmp_path, folder, lang)
        assert notes == []
        assert shown == tmp_path / f"latest-{lang}"
        assert shown.is_symlink() == links
        assert (shown / "report.html").read_text() == folder.name
        assert (shown / "tables/a.csv").is_file()
    assert (tmp_path / "latest-zh/report.html").read_text() == "c3"
    assert {p.name for p in tmp_path.iterdir()} == {"a1", "b2", "c3", "latest-en", "latest-zh"}


def test_what_a_user_put_where_latest_leads_is_not_lost(tmp_path, monkeypatch):
    first, second, third = (filled(tmp_path / key, **{"report.html": key}) for key in ("a1", "b2", "c3"))
    (point(tmp_path, first, "en")[0] / "notes.txt").write_text("mine")
    _, notes = point(tmp_path, second, "en")
    assert notes == ["'notes.txt': not of a run, kept in 'a1', which 'latest-en' no longer names."]
    with monkeypatch.context() as patch:
        patch.setattr(os, "symlink", refused)
        copy, _ = point(tmp_path, third, "en")
        assert not copy.is_symlink()
        (copy / "report.html").write_text("edited")
        (copy / "more.txt").write_text("more")
        _, notes = point(tmp_path, first, "en")
        assert notes == [
            "'more.txt' is not of this run: it is kept.",
            "'report.html' had been changed: it is kept as 'report.yours.html'.",
        ]
        assert (copy / "report.html").read_text() == "a1"
        assert (copy / "report.yours.html").read_text() == "edited"
    point(tmp_path, second, "en")
    assert copy.is_symlink()
    assert (copy / "more.txt").read_text() == "more"
    assert (first / "notes.txt").read_text() == "mine"


def test_a_latest_that_cannot_be_written_does_not_lose_the_run(tmp_path, monkeypatch):
    folder = filled(tmp_path / "a1")
    monkeypatch.setattr(os, "symlink", refused)
    monkeypatch.setattr(Path, "mkdir", refused)
    shown, notes = point(tmp_path, folder, "en")
    assert shown == folder
    assert notes == ["'latest-en' cannot be made to name this run: Operation not permitted."]
