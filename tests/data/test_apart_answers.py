"""Answers such as "don't know" are counted apart from blanks, wherever a file or a codebook says so."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.codebook_file import parse_codebook
from xmresearch.data.config import FileSource
from xmresearch.data.load import load_survey
from xmresearch.errors import CodebookError

BOOK = """
name: hall
labels: {en: Hall, zh: 大厅}
scale: {minimum: 1, maximum: 5}
constructs: {loyalty: {en: Loyalty, zh: 忠诚度}}
items:
  a: {kind: outcome, scale: {minimum: 1, maximum: 5, apart: {98: {en: Don't know, zh: 不知道}, 99: {en: Refused, zh: 拒答}}}}
  b: {kind: outcome}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "book.yml").write_text(BOOK, "utf-8")
    return tmp_path


def loaded(folder, frame, **settings):
    frame.to_csv(folder / "a.csv", index=False)
    return load_survey(FileSource(source="file", path="a.csv", **settings), codebook="book.yml", base=folder)


def test_codes_of_the_codebook_words_and_codes_of_the_params_are_told_apart(folder):
    a = np.tile([1, 2, 3, 98, 99], 12).astype(object)
    b = np.tile(["Don't know", "7", "4", "5", "2"], 12).astype(object)
    a[2] = None
    survey = loaded(folder, pd.DataFrame({"a": a, "b": b}), missing_codes={"b": [7]})
    assert survey.apart["a"].value_counts().to_dict() == {"98": 12, "99": 12}
    assert survey.apart["b"].value_counts().to_dict() == {"Don't know": 12, "7": 12}
    assert survey.frame["a"].notna().sum() == 35
    assert survey.frame["b"].notna().sum() == 36
    assert survey.apart.loc[2, "a"] is None  # a blank says nothing
    assert (survey.apart["a"].notna() & survey.frame["a"].notna()).sum() == 0
    assert survey.names["zh"]["a=98"] == "不知道"
    assert survey.names["en"]["a=99"] == "Refused"


def test_codes_declared_in_a_file_of_spss_bear_their_labels(folder):
    import pyreadstat

    frame = pd.DataFrame({"a": np.tile([1.0, 2, 3, 4, 5], 12), "b": np.tile([1.0, 2, 5, 9, 9], 12)})
    pyreadstat.write_sav(
        frame, folder / "a.sav", missing_ranges={"b": [9]}, variable_value_labels={"b": {9.0: "Don't know"}}
    )
    survey = load_survey(folder / "a.sav", codebook="book.yml", base=folder)
    assert survey.apart["b"].value_counts().to_dict() == {"Don't know": 24}
    assert list(survey.apart.columns) == ["b"]


def test_a_code_that_is_an_answer_is_refused():
    import yaml

    for code in ("3", "good"):
        text = BOOK.replace("98:", f"{code}:").replace("maximum: 5, apart", "maximum: 5, values: {good: 4}, apart")
        with pytest.raises(CodebookError, match="stands apart, but is an answer"):
            parse_codebook(yaml.safe_load(text), "book.yml")


def test_columns_are_carried_by_name_and_by_question(folder):
    frame = pd.DataFrame({"a": np.tile([1, 2, 3, 4, 5], 12), "b": np.tile([1, 2, 3, 4, 5], 12)})
    frame["used"] = "web"
    frame.to_csv(folder / "a.csv", index=False)
    survey = load_survey(folder / "a.csv", codebook="book.yml", base=folder, carried=["used", "unknown"])
    assert list(survey.carried.columns) == ["used"]
    assert set(survey.carried["used"]) == {"web"}
