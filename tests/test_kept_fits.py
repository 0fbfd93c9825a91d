"""Fits that are kept on disk: the same bits, made once, whoever else reads and writes."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from normal_density import NormalDensity, normal_problem

from xmresearch import kept_fits
from xmresearch.inference import nuts
from xmresearch.inference.mode import mode
from xmresearch.kept_fits import OFF, VARIABLE, clear, kept, kept_or_made, kept_parts

SHORT = {"draws": 20, "tune": 50, "chains": 2, "seed": 4}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "density.py").write_text("x = 1\n")
    os.utime(folder / "density.py", (1, 1))
    return folder


class Maker:
    """Counts how often it is asked."""

    def __init__(self, value=1.0, size=3):
        self.asked, self.found = 0, {"a": np.full(size, value), "n": np.arange(2)}

    def __call__(self):
        self.asked += 1
        return self.found


def _same(found, made):
    assert sorted(found) == sorted(made.found)
    for name, array in made.found.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


class Parts:
    """Makes what a part comes to, as many rows as its content says, and counts how often it is asked."""

    def __init__(self, *contents):
        self.asked, self.contents = [], [bytes([k]) for k in contents]

    def __call__(self, place):
        self.asked.append(place)
        k = self.contents[place][0]
        return {"n": np.full(k, k), "text": np.array(["x" * k] * k, dtype=str)}

    def kept(self, code, given="all"):
        return kept_parts("kind", [given], [code], self.contents, self)


def test_parts_that_were_met_are_read_and_others_made(home, code):
    assert Parts(2, 0, 3).kept(code)["n"].tolist() == [2, 2, 3, 3, 3]
    grown = Parts(3, 4, 2, 0)
    assert grown.kept(code)["n"].tolist() == [3, 3, 3, 4, 4, 4, 4, 2, 2]
    assert grown.asked == [1]
    assert grown.kept(code)["text"].tolist() == ["xxx"] * 3 + ["xxxx"] * 4 + ["xx"] * 2
    assert grown.asked == [1]
    assert kept().fits == 1
    other = Parts(3)
    other.kept(code, "of other settings")
    assert other.asked == [0]
    assert kept().fits == 2


def test_parts_are_made_where_nothing_is_kept_or_it_is_damaged(home, code, monkeypatch):
    first = Parts(1, 2)
    first.kept(code)
    (path,) = home.rglob("*.fit")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert first.kept(code)["n"].tolist() == [1, 2, 2]
    monkeypatch.setenv(VARIABLE, OFF)
    assert first.kept(code)["n"].tolist() == [1, 2, 2]
    assert first.asked == [0, 1] * 3


def test_what_was_made_is_read(home, code):
    made = Maker()
    for _ in range(2):
        _same(kept_or_made("kind", [np.arange(3), "x"], [code], made), made)
    assert made.asked == 1
    assert kept().fits == 1
    assert kept().size == next(home.glob("kind/*")).stat().st_size


@pytest.mark.parametrize(
    "given",
    [[np.arange(3.0), "x"], [np.arange(3), "y"], [np.arange(4), "x"], [np.arange(3)[::-1], "x"], [np.arange(3)[None], "x"], [np.arange(3)]],
)  # fmt: skip
def test_another_content_is_another_fit(home, code, given):
    made = Maker()
    kept_or_made("kind", [np.arange(3), "x"], [code], made)
    kept_or_made("kind", given, [code], made)
    assert made.asked == 2


def test_other_code_makes_another_fit_and_newer_code_keeps_none(home, code):
    made = Maker()
    kept_or_made("kind", ["x"], [code], made)
    (code / "density.py").write_text("x = 2\n")
    os.utime(code / "density.py", (1, 1))
    kept_or_made("kind", ["x"], [code], made)
    assert (made.asked, kept().fits) == (2, 2)
    (code / "density.py").write_text("x = 3\n")
    os.utime(code / "density.py", (time.time() + 60,) * 2)
    for _ in range(2):
        kept_or_made("kind", ["x"], [code], made)
    assert (made.asked, kept().fits) == (4, 2)


def test_another_version_of_a_library_makes_another_fit(home, code, monkeypatch):
    made = Maker()
    kept_or_made("kind", ["x"], [code], made)
    monkeypatch.setattr(kept_fits.metadata, "version", lambda name: "0")
    kept_or_made("kind", ["x"], [code], made)
    assert made.asked == 2


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:60] + bytes([b[60] ^ 1]) + b[61:], lambda b: b"", lambda b: b + b"1"]
)
def test_a_damaged_fit_is_made_again(home, code, damage):
    made = Maker()
    kept_or_made("kind", ["x"], [code], made)
    path = next(home.glob("kind/*"))
    path.write_bytes(damage(path.read_bytes()))
    _same(kept_or_made("kind", ["x"], [code], made), made)
    _same(kept_or_made("kind", ["x"], [code], made), made)
    assert made.asked == 2


def test_off_keeps_nothing(code, monkeypatch):
    monkeypatch.setenv(VARIABLE, OFF)
    made = Maker()
    for _ in range(2):
        kept_or_made("kind", ["x"], [code], made)
    assert made.asked == 2
    assert kept() == (None, 0, 0)


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path, code, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    made = Maker()
    _same(kept_or_made("kind", ["x"], [code], made), made)


def test_what_was_not_used_for_longest_goes_first(home, code, monkeypatch):
    big = [Maker(k, 1000) for k in range(4)]
    one = None
    for k in range(3):
        kept_or_made("kind", [k], [code], big[k])
        if one is None:
            one = kept().size
            monkeypatch.setattr(kept_fits, "MOST_BYTES", int(3.5 * one))
    for age, path in enumerate(sorted(home.glob("kind/*"), key=lambda p: p.stat().st_mtime_ns)):
        os.utime(path, (1000 + age,) * 2)
    kept_or_made("kind", [0], [code], big[0])  # used again
    kept_or_made("kind", [3], [code], big[3])
    assert kept().fits == 3
    for k, asked in ((0, 1), (2, 1), (3, 1), (1, 2)):
        kept_or_made("kind", [k], [code], big[k])
        assert big[k].asked == asked, k


def test_all_are_forgotten_and_what_a_writer_left_as_well(home, code):
    kept_or_made("kind", ["x"], [code], Maker())
    left = home / "kind" / "left.part"
    left.write_text("")
    os.utime(left, (time.time() - 5400,) * 2)
    under_way = home / "kind" / "under_way.part"
    under_way.write_text("")
    assert clear().fits == 1
    assert kept().fits == 0
    assert list(home.glob("*/*")) == [under_way]


WRITER = """
import sys, numpy as np
from pathlib import Path
from xmresearch.kept_fits import kept_or_made
for k in range(60):
    found = kept_or_made("kind", [k % 6], [Path(sys.argv[1])], lambda: {"a": np.full(20_000, k % 6)})
    assert (found["a"] == k % 6).all() and len(found["a"]) == 20_000
    if k % 6 == 5:
        for path in Path(sys.argv[2]).glob("kind/*.fit"):
            path.unlink(missing_ok=True)
"""


def test_two_writers_do_not_harm_each_other(home, code):
    command = [sys.executable, "-c", WRITER, str(code), str(home)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(p.communicate()[1], p.returncode) for p in both] == [("", 0)] * 2
    assert not list(home.glob("kind/*.part"))


def test_draws_are_kept_and_read_bit_for_bit(home, monkeypatch):
    problem = normal_problem()
    whitened = mode(NormalDensity(), problem, np.zeros(2))
    first, stats = nuts.draw(NormalDensity(), problem, *whitened, **SHORT)
    assert kept().fits == 1
    monkeypatch.setattr(nuts, "_drawn", None)
    again, known = nuts.draw(NormalDensity(), problem, *whitened, **SHORT)
    np.testing.assert_array_equal(first, again)
    assert stats.identical(known)
    with pytest.raises(TypeError):
        nuts.draw(NormalDensity(), problem, *whitened, **(SHORT | {"seed": 5}))


@dataclass(frozen=True)
class Shifted(NormalDensity):
    by: float = 0.0


def test_a_density_with_other_settings_is_another(home):
    problem = normal_problem()
    whitened = mode(NormalDensity(), problem, np.zeros(2))
    for by in (0.0, 1.0):
        nuts.draw(Shifted(by), problem, *whitened, **SHORT)
    assert kept().fits == 2


def test_the_command_says_what_is_kept_and_forgets_it(home, code, cli):
    kept_or_made("kind", ["x"], [code], Maker())
    said = cli("cache")
    assert said.returncode == 0
    assert said.stdout.startswith("1 fits, 0.0 MB, kept in ")
    assert "(at most 1,074 MB)" in said.stdout
    assert cli("cache", "--clear").stdout.startswith("1 fits, 0.0 MB, removed from ")
    assert cli("cache").stdout.startswith("0 fits")
    assert "No fits are kept" in cli("cache", **{VARIABLE: OFF}).stdout
    assert Path(home).is_dir()
