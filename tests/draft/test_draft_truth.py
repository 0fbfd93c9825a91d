"""Every shared file is drafted, and each guess is held against what is in the file: right, marked doubtful, or wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from xmresearch.data import FOLDER_VARIABLE
from xmresearch.data.codebook_file import load_codebook
from xmresearch.errors import DataError
from xmresearch.run.check import check_study
from xmresearch.run.draft import draft_study

TRUTH = yaml.safe_load(Path(__file__).with_name("truth.yml").read_text("utf-8"))
TABLE: list[tuple[str, ...]] = []
PARAMS = {
    "unit": "unit", "time": "time", "cohort": "cohort", "outcome": "outcome", "family": "family", "better": "better", "rows": "rows_are",
    "case": "customer", "touchpoint": "touchpoint", "path": "path", "id": "id_column", "weight": "weight_column",
    "person": "person_column", "wave": "wave_column", "default": "default_column",
}  # fmt: skip


class Tally:
    """Guesses of one topic."""

    def __init__(self):
        self.right, self.doubtful, self.wrong = [], [], []

    def take(self, name, is_right, is_marked):
        (self.right if is_right else self.doubtful if is_marked else self.wrong).append(name)

    def __str__(self):
        return f"{len(self.right)}/{len(self.doubtful)}/{len(self.wrong)}"


def marked(text: str, key: str, *, above: bool = True) -> bool:
    """Whether the line of a key, or the comment over it, says DOUBTFUL."""
    lines = text.splitlines()
    shown = yaml.safe_dump([key], allow_unicode=True, default_flow_style=True, width=10**6).strip()[1:-1]
    at = next((k for k, line in enumerate(lines) if line.strip().startswith(f"{shown}:")), None)
    if at is None:
        return False
    comment = lines[at]
    while above and at > 0 and lines[at - 1].strip().startswith("#"):
        at -= 1
        comment += lines[at]
    return "DOUBTFUL" in comment


def block_marked(text: str, key: str) -> bool:
    """Whether the comment over the block of items that a key stands in says DOUBTFUL."""
    lines = text.splitlines()
    shown = yaml.safe_dump([key], allow_unicode=True, default_flow_style=True, width=10**6).strip()[1:-1]
    at = next((k for k, line in enumerate(lines) if line.strip().startswith(f"{shown}:")), None)
    while at is not None and at > 0 and not lines[at].strip().startswith("#"):
        at -= 1
    found = ""
    while at is not None and at > 0 and lines[at].strip().startswith("#"):
        found += lines[at]
        at -= 1
    return "DOUBTFUL" in found


def find(name: str) -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    if not given:
        pytest.skip(f"The shared files are below {FOLDER_VARIABLE}, which is not set.")
    path = Path(given).parent / name
    if not path.is_file():
        pytest.skip(f"'{name}' is not there.")
    return path


@pytest.mark.parametrize("name", TRUTH)
def test_a_draft_runs_and_what_it_guesses_is_right_or_marked(name, tmp_path):
    truth, path = TRUTH[name], find(name)
    if truth["study"] == "none":
        with pytest.raises(DataError, match=truth["nature"].replace("(", r"\(").replace(")", r"\)")) as refused:
            draft_study(path, out=tmp_path / "p.yml", name="draft")
        assert refused.value.exit_code == 3
        assert not list(tmp_path.iterdir())
        TABLE.append((name, "none: " + truth["nature"], "", "", "", ""))
        return
    done = draft_study(path, out=tmp_path / "p.yml", name="draft")
    assert done.study == truth["study"], done.reasons
    assert "Params are valid" in check_study(done.params)
    text = done.params.read_text("utf-8")
    params = yaml.safe_load(text)
    tallies = {"scales": Tally(), "batteries": Tally(), "reversed": Tally(), "columns": Tally()}
    flat = {**params, **params.get("events", {}), **params.get("paths", {})}
    for topic, key in PARAMS.items():
        if topic in truth:
            tallies["columns"].take(topic, flat.get(key) == truth[topic], marked(text, key))
    if "conversion" in truth:
        given = flat.get("conversion") or flat.get("conversions") or ", ".join(flat.get("converting", []))
        tallies["columns"].take(
            "conversion", given == truth["conversion"], any(marked(text, k) for k in ("conversion", "converting"))
        )
    if "metrics" in truth:
        found = [m["measure"] for m in params["metrics"]]
        tallies["columns"].take("metrics", found == truth["metrics"], marked(text, "metrics"))
    if done.codebook is not None:
        hold_codebook(done, truth, params, tallies)
    TABLE.append((name, done.study, *(str(t) for t in tallies.values())))
    assert not {topic: t.wrong for topic, t in tallies.items() if t.wrong}


def hold_codebook(done, truth, params, tallies):
    text, book = done.codebook.read_text("utf-8"), load_codebook(done.codebook.name, done.codebook.parent)
    raw = yaml.safe_load(text)
    names = params["data"].get("columns", {})
    columns = {c.name: c for c in book.columns}
    for column, ends in truth.get("scales", {}).items():
        name = names.get(column, column)
        found = columns[name].scale
        own = marked(text, name) or (
            marked(text, "scale", above=True) and "scale" not in raw.get("items", {}).get(name, {})
        )
        tallies["scales"].take(column, [found.minimum, found.maximum] == ends, own or block_marked(text, name))
    if "pairs" in truth:
        tallies["batteries"].take(
            "pairs", len(book.statements("expectation", "perception")) == truth["pairs"], "DOUBTFUL: a single" in text
        )
    order = [c.name for c in book.columns]
    for first, last in truth.get("batteries", []):
        members = order[order.index(first) : order.index(last) + 1]
        homes = {columns[m].construct for m in members}
        alone = {c.name for c in book.columns if c.construct in homes} == set(members)
        tallies["batteries"].take(f"{first}..{last}", len(homes) == 1 and alone, all(marked(text, h) for h in homes))
    if "reversed" in truth:
        true = {names.get(c, c) for c in truth["reversed"]}
        keyed = raw.get("statements") or raw["items"]
        for key, body in keyed.items():
            if body.get("reverse") or key in true:
                tallies["reversed"].take(key, bool(body.get("reverse")) == (key in true), marked(text, key))


def test_no_shared_file_is_left_out():
    given = os.environ.get(FOLDER_VARIABLE)
    if not given:
        pytest.skip(f"The shared files are below {FOLDER_VARIABLE}, which is not set.")
    base = Path(given).parent
    kept = [base / "data" / "exports", base / "cases" / "survey", base / "data" / "sem", base / "data" / "servqual"]
    there = {p.relative_to(base).as_posix() for k in kept for p in k.rglob("*") if p.is_file()}
    there = {p for p in there if not p.endswith((".md", ".yml", ".py", ".model"))}
    assert there <= set(TRUTH)


def test_the_table_of_what_was_guessed():
    if not TABLE:
        pytest.skip("Nothing was drafted.")
    print("\nright/doubtful/wrong     scales batteries reversed columns")
    for name, study, *rest in TABLE:
        print(f"{name[-52:]:54} {study[:34]:36} {'  '.join(rest)}")
