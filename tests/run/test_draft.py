"""The command draft: what it writes, what it refuses, and what it never does."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from xmresearch.cli import cli
from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.errors import DataError, OutputError, ParamsError
from xmresearch.run.check import check_study
from xmresearch.run.draft import draft_study
from xmresearch.run.new_study import new_study


@pytest.fixture(scope="module")
def hall():
    frame = ServiceHall(300, 5).survey()
    return frame[[c for c in frame if re.fullmatch(r"[ep]\d+|respondent|duration|weight|branch|quality", c)]]


@pytest.fixture
def survey(hall, tmp_path):
    path = tmp_path / "hall.csv"
    hall.to_csv(path, index=False)
    return path


def test_a_survey_of_pairs_becomes_a_study_that_passes_the_check(survey, tmp_path):
    done = draft_study(survey, out=tmp_path / "a.yml")
    params = yaml.safe_load(done.params.read_text("utf-8"))
    assert done.study == "servqual"
    assert params["id_column"] == "respondent"
    assert params["weight_column"] == "weight"
    assert params["duration_column"] == "duration"
    assert params["segments"] == ["branch"]
    assert params["data"]["path"] == "hall.csv"
    assert "22 statements in 5 dimensions" in check_study(done.params)


def test_wording_of_the_instrument_in_chinese_gives_its_dimensions_without_a_doubt(hall, tmp_path):
    book = load_codebook("servqual")
    wording = {
        c.name: f"{'期望' if c.kind == 'expectation' else '感知'} [{c.labels.zh}]"
        for c in book.columns
        if c.name[0] in "ep"
    }
    order = np.random.default_rng(2).permutation([c.statement for c in book.select("perception")])
    columns = [*(f"e{s}" for s in order), *(f"p{s}" for s in order)]
    path = tmp_path / "forms.csv"
    hall[columns].rename(columns=wording).to_csv(path, index=False)
    done = draft_study(path, out=tmp_path / "a.yml")
    drafted = load_codebook("a_codebook.yml", tmp_path)
    true = {c.labels.zh: c.construct for c in book.select("perception")}
    assert {c.labels.zh: c.construct for c in drafted.select("perception")} == true
    assert "DOUBTFUL:" not in done.codebook.read_text("utf-8").partition("statements:")[0]


def test_a_reversed_statement_is_turned_in_both_batteries(hall, tmp_path):
    path = tmp_path / "turned.csv"
    hall.assign(e7=8 - hall["e7"], p7=8 - hall["p7"]).to_csv(path, index=False)
    draft_study(path, out=tmp_path / "a.yml")
    assert [c.name for c in load_codebook("a_codebook.yml", tmp_path).columns if c.reverse] == ["e7", "p7"]


def test_a_weight_for_every_year_is_not_chosen_but_asked_for(hall, tmp_path):
    path = tmp_path / "years.csv"
    hall.rename(columns={"weight": "weight2024"}).assign(weight2023=hall["weight"]).to_csv(path, index=False)
    done = draft_study(path, out=tmp_path / "a.yml")
    text = done.params.read_text("utf-8")
    assert yaml.safe_load(text)["weight_column"] is None
    assert "DOUBTFUL: each may count for its own wave" in " ".join(text.replace("#", " ").split())


def test_an_existing_file_is_never_overwritten(survey, tmp_path):
    (tmp_path / "a_codebook.yml").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="exists already"):
        draft_study(survey, out=tmp_path / "a.yml")
    assert (tmp_path / "a_codebook.yml").read_text("utf-8") == "mine"
    assert not (tmp_path / "a.yml").exists()


def test_no_value_of_a_respondent_is_written_or_said(hall, tmp_path):
    rng = np.random.default_rng(1)
    canary = pd.DataFrame({
        "Full name": [f"Zebedee Quillfeather{k}" for k in range(len(hall))],
        "email": [f"canary{k}@example.org" for k in range(len(hall))],
        "remarks": [f"Ask for Quillfeather{k}, he knows" for k in range(len(hall))],
        "手机号": [f"139{rng.integers(10**7, 10**8)}" for _ in range(len(hall))],
        "clerk": rng.choice(["Aurelia Canaryface", "Bartholomew Canaryface", "Cosima Canaryface"], len(hall)),
    })  # fmt: skip
    path = tmp_path / "people.csv"
    pd.concat([hall.reset_index(drop=True), canary], axis=1).to_csv(path, index=False)
    result = CliRunner().invoke(cli, ["draft", str(path), "--out", str(tmp_path / "a.yml")])
    assert result.exit_code == 0, result.output
    said = result.output + "".join(p.read_text("utf-8") for p in tmp_path.glob("*.yml"))
    assert not re.search(r"Quillfeather|canary\d|Canaryface|139\d{8}", said)
    assert "Identifier columns are left out: Full name, email, 手机号." in said


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"Question ID": [f"Q{k}" for k in range(12)], "Question": [f"How was part {k} of the day?" for k in range(12)]}), "code book"),
        (pd.DataFrame({"area": list("abcdefghijkl"), "population": np.arange(12) * 1000 + 17}), "table of figures"),
        (pd.DataFrame({"Q1": [1, 2, 3], "Q2": [2, 3, 1]}), "fewer than the 10"),
        (pd.DataFrame({"answer": np.arange(40) % 5 + 1, "city": ["x", "y"] * 20}), "answers of people"),
    ],
)  # fmt: skip
def test_a_file_that_no_study_suits_is_named_with_a_reason_for_every_study(frame, said, tmp_path):
    path = tmp_path / "odd.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(DataError, match=said) as refused:
        draft_study(path, out=tmp_path / "a.yml")
    assert refused.value.exit_code == 3
    for study in ("servqual", "sem", "did", "attribution", "scorecard", "drivers"):
        assert f"- {study}: " in str(refused.value)
    assert not (tmp_path / "a.yml").exists()


def test_a_study_can_be_asked_for(survey, tmp_path):
    done = draft_study(survey, study="sem", out=tmp_path / "a.yml")
    assert done.study == "sem"
    assert "DOUBTFUL: letters and numbers alone" in done.params.read_text("utf-8").replace("\n# ", " ")
    with pytest.raises(DataError, match="which no study suits"):
        draft_study(survey, study="did", out=tmp_path / "b.yml")
    with pytest.raises(ParamsError, match="no study 'semm'"):
        draft_study(survey, study="semm", out=tmp_path / "c.yml")


def test_settings_of_reading_are_taken_and_written(hall, tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(
        hall.assign(branch=np.where(hall["branch"] == "north", "Düsseldorf", "Köln"))
        .to_csv(index=False)
        .encode("cp1252")
    )
    with pytest.raises(DataError, match=r"data\.encoding"):
        draft_study(path, out=tmp_path / "a.yml")
    done = draft_study(path, out=tmp_path / "a.yml", settings=["encoding=cp1252"])
    assert yaml.safe_load(done.params.read_text("utf-8"))["data"]["encoding"] == "cp1252"
    with pytest.raises(ParamsError, match="encodings"):
        draft_study(path, out=tmp_path / "b.yml", settings=["encodings=cp1252"])


def test_the_command_says_what_is_doubtful_and_what_to_do_next(survey, tmp_path):
    result = CliRunner().invoke(cli, ["draft", str(survey), "--out", str(tmp_path / "a.yml"), "--name", "first"])
    assert result.exit_code == 0, result.output
    assert "Study servqual:" in result.output
    assert "Doubtful, marked in the files" in result.output
    assert "then: xmresearch run" in result.output
    assert yaml.safe_load((tmp_path / "a.yml").read_text("utf-8"))["name"] == "first"


def test_every_line_marked_doubtful_is_a_comment_and_every_guess_has_one(survey, tmp_path):
    done = draft_study(survey, out=tmp_path / "a.yml")
    for path in (done.params, done.codebook):
        lines = path.read_text("utf-8").splitlines()
        assert all("#" in line.partition("DOUBTFUL")[0] for line in lines if "DOUBTFUL" in line)


def test_a_study_of_ones_own_drafts_like_any_other(tmp_path):
    new_study("twogroups", tmp_path)
    path = tmp_path / "shops.csv"
    rng = np.random.default_rng(4)
    pd.DataFrame({"shop": ["a", "b"] * 50, "minutes": rng.normal(30, 4, 100)}).to_csv(path, index=False)
    done = draft_study(path, out=tmp_path / "a.yml")
    assert done.study == "twogroups"
    assert yaml.safe_load(done.params.read_text("utf-8"))["outcome"] == "minutes"
    assert done.codebook is None
    assert done.reasons["sem"].startswith("no question has several items")


def test_a_file_named_after_a_person_gives_the_run_another_name(hall, tmp_path):
    path = tmp_path / "13912345678 zebedee@example.org.csv"
    hall.to_csv(path, index=False)
    done = draft_study(path, out=tmp_path / "a.yml")
    params = yaml.safe_load(done.params.read_text("utf-8"))
    assert "zebedee" not in params["name"]
    assert "13912345678" not in params["name"]
    head = done.params.read_text("utf-8").partition("data:")[0]
    assert "zebedee" not in head
