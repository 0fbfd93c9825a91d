"""A survey that is gone through a block at a time is the one that is read whole."""

import gc
import os

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.data import streamed_survey
from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.config import FileSource
from xmresearch.data.load import load_survey
from xmresearch.data.remote.fetched import located
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.data.screening_params import Screening
from xmresearch.data.streamed_survey import BLOCK_ROWS, LARGE_CSV, LARGE_ROWS, is_streamed
from xmresearch.errors import DataError, InsufficientData

ASKED = {"codebook": "service_hall", "duration_column": "duration", "segments": ["branch", "channel"]}
QUIET = Screening.model_validate({"duplicate_rows": {"action": "off"}})
ROWS = 1500


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(streamed_survey, "LARGE_ROWS", 100)
    monkeypatch.setattr(streamed_survey, "BLOCK_ROWS", 400)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("hall")
    frame = ServiceHall(ROWS, 7, missing=0.02, careless=0.05).survey()
    frame.loc[[3, 900, 1400], "channel"] = None
    for k in range(3):
        pl.from_pandas(frame[k * ROWS // 3 : (k + 1) * ROWS // 3]).write_parquet(made / f"{k}.parquet")
    return made


def source(folder, **more):
    return FileSource(source="file", path=str(folder), **more)


def rows_of(survey):
    return pd.concat(survey.frame.blocks(), ignore_index=True)


def assert_same(part, whole):
    assert part.streamed
    assert not whole.streamed
    pd.testing.assert_frame_equal(rows_of(part), whole.frame, check_dtype=False)
    assert len(part) == len(whole)
    pd.testing.assert_frame_equal(part.log.rules, whole.log.rules)
    assert (part.log.received, part.log.kept) == (whole.log.received, whole.log.kept)
    assert part.log.missing_share == pytest.approx(whole.log.missing_share)
    np.testing.assert_allclose(part.frame.isna().mean(), whole.frame.isna().mean())


def test_a_folder_is_streamed_to_what_reading_it_gives(folder):
    assert_same(
        load_survey(source(folder), **ASKED, screening=QUIET, stream=True),
        load_survey(source(folder), **ASKED, screening=QUIET),
    )


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_file_is_streamed_likewise(folder, tmp_path, monkeypatch, form):
    table = pl.read_parquet(folder / "*.parquet")
    path = tmp_path / f"hall.{form}"
    table.write_parquet(path) if form == "parquet" else table.write_csv(path)
    monkeypatch.setattr(streamed_survey, "LARGE_CSV", 1000)
    part = load_survey(source(path), **ASKED, screening=QUIET, stream=True)
    assert part.table.format == form
    assert_same(part, load_survey(source(path), **ASKED, screening=QUIET))


def test_what_params_say_of_rows_and_cells_is_done_in_every_block(folder, tmp_path):
    table = pl.read_parquet(folder / "*.parquet").with_columns(
        pl.when(pl.col("p1") == 2).then(99).otherwise("p1").alias("p1")
    )
    table = table.rename({"p2": "Second item"})
    path = tmp_path / "hall.parquet"
    table.write_parquet(path)
    channels = table["channel"].drop_nulls().unique().sort().to_list()[:2]
    said = {"columns": {"Second item": "p2"}, "missing_codes": {"p1": [99]}, "where": {"channel": channels}}
    part = load_survey(source(path, **said), **ASKED, screening=QUIET, stream=True)
    whole = load_survey(source(path, **said), **ASKED, screening=QUIET)
    assert_same(part, whole)
    assert part.table.left_out == whole.table.left_out
    # codes are counted among the rows that are read; those left out are counted apart
    assert part.table.coded_missing["p1"] >= whole.table.coded_missing["p1"] > 0


def test_reversed_items_are_turned(tmp_path):
    (tmp_path / "book.yml").write_text(REVERSED, "utf-8")
    rng = np.random.default_rng(1)
    pl.DataFrame({f"x{k}": rng.integers(1, 6, 900) for k in range(3)}).write_parquet(tmp_path / "a.parquet")
    asked = {"codebook": str(tmp_path / "book.yml"), "screening": QUIET}
    part = load_survey(source(tmp_path / "a.parquet"), **asked, stream=True)
    raw = pl.read_parquet(tmp_path / "a.parquet")["x1"].to_numpy()
    np.testing.assert_array_equal(rows_of(part)["x1"], 6 - raw)


REVERSED = """
name: three
labels: {en: Three, zh: 三}
constructs: {one: {en: One, zh: 一}}
items:
  x0: {kind: perception, construct: one, statement: s0, scale: {minimum: 1, maximum: 5}, labels: {en: A, zh: 甲}}
  x1: {kind: perception, construct: one, statement: s1, reverse: true, scale: {minimum: 1, maximum: 5}, labels: {en: B, zh: 乙}}
  x2: {kind: perception, construct: one, statement: s2, scale: {minimum: 1, maximum: 5}, labels: {en: C, zh: 丙}}
"""


@pytest.mark.parametrize("more", [{"weight_column": "weight"}, {"cluster_column": "branch"}])
def test_what_needs_all_rows_is_refused(folder, more):
    with pytest.raises(DataError, match=rf"^{next(iter(more))}: .* needs all of them"):
        load_survey(source(folder), **ASKED, **more, stream=True)


def test_what_is_wrong_is_said_with_its_rows(folder, tmp_path):
    table = pl.read_parquet(folder / "*.parquet").with_row_index()
    table = table.with_columns(p3=pl.when(pl.col("index") == 950).then(9.0).otherwise("p3")).drop("index")
    table.write_parquet(tmp_path / "hall.parquet")
    with pytest.raises(
        DataError, match=r"Rows 801 to 1,200 of 'hall.parquet': Column 'p3', data row 151: 9 is outside the scale 1-7"
    ):
        load_survey(source(tmp_path / "hall.parquet"), **ASKED, stream=True)


def test_words_need_a_codebook_that_says_what_they_mean(folder, tmp_path):
    table = pl.read_parquet(folder / "*.parquet").with_columns(
        p1=pl.col("p1").replace_strict({1.0: "poor"}, default="good")
    )
    table.write_parquet(tmp_path / "hall.parquet")
    with pytest.raises(DataError, match="'p1' holds answers in words"):
        load_survey(source(tmp_path / "hall.parquet"), **ASKED, stream=True)


@pytest.mark.parametrize(("answers", "error", "said"), [
    (pl.lit(None, pl.Float64), InsufficientData, "'p1' holds fewer than 10 answers"), (pl.lit(4.0), InsufficientData, "'p1' is constant"),
])  # fmt: skip
def test_items_without_answers_or_with_one_are_refused(folder, tmp_path, answers, error, said):
    pl.read_parquet(folder / "*.parquet").with_columns(p1=answers).write_parquet(tmp_path / "hall.parquet")
    with pytest.raises(error, match=said):
        load_survey(source(tmp_path / "hall.parquet"), **ASKED, stream=True)


def test_a_value_that_no_row_has_is_refused(folder):
    with pytest.raises(DataError, match="data.where: column 'channel' of .* has none of the values"):
        load_survey(source(folder, where={"channel": ["nowhere"]}), **ASKED, stream=True)


def test_groups_that_tell_who_somebody_is_are_refused(folder, tmp_path):
    table = pl.read_parquet(folder / "*.parquet").with_row_index()
    table = table.with_columns(branch=pl.concat_str(pl.lit("p"), pl.col("index") % 30, pl.lit("@example.org"))).drop(
        "index"
    )
    table.write_parquet(tmp_path / "hall.parquet")
    with pytest.raises(DataError, match="holds identifiers of persons"):
        load_survey(source(tmp_path / "hall.parquet"), **ASKED, stream=True)


def test_too_many_groups_are_refused(folder, tmp_path):
    table = (
        pl.read_parquet(folder / "*.parquet")
        .with_row_index()
        .with_columns(branch=pl.format("b{}", pl.col("index") % 41))
    )
    table.drop("index").write_parquet(tmp_path / "hall.parquet")
    with pytest.raises(DataError, match="'branch' has 41 different values"):
        load_survey(source(tmp_path / "hall.parquet"), **ASKED, stream=True)


def test_answers_are_kept_as_they_are_and_leave_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    answers = StreamedAnswers(["a", "b"], ["g"])
    parts = [
        pd.DataFrame({"a": [1.0, np.nan, 127.0], "b": [0.0, -127.0, 3.0], "g": ["x", None, "y"]}),
        pd.DataFrame({"a": [0.5, 1e9], "b": [np.nan, -128.0], "g": ["z", "x"]}),
    ]
    for part in parts:
        answers.append(part)
    assert not list(tmp_path.iterdir()) or os.name == "nt"
    for _ in range(2):
        found, given = (pd.concat(tables, ignore_index=True) for tables in (answers.blocks(), parts))
        pd.testing.assert_frame_equal(found[["a", "b"]], given[["a", "b"]])
        assert found["g"].tolist() == ["x", None, "y", "z", "x"]
    assert answers.levels("g") == ["x", "y", "z"]
    del answers
    gc.collect()


def test_how_large_is_streamed(tmp_path, monkeypatch):
    monkeypatch.undo()
    for rows, streamed in ((1_000_000, False), (1_000_001, True)):
        pl.DataFrame({"x": np.zeros(rows, dtype=np.int8)}).write_parquet(tmp_path / "a.parquet")
        for path in (tmp_path, tmp_path / "a.parquet"):
            assert is_streamed(located(source(path), tmp_path)) is streamed
    assert (LARGE_ROWS, LARGE_CSV, BLOCK_ROWS) == (1_000_000, 200_000_000, 200_000)
