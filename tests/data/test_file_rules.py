"""Columns are renamed, rows left out and codes blanked as the params say, and all of it is counted."""

import pandas as pd
import pytest

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.config import FileSource
from xmresearch.data.dated_rows import open_dated, open_rows
from xmresearch.data.load import load_survey
from xmresearch.data.one_file import read_file
from xmresearch.errors import DataError


def write(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


def read(tmp_path, text, **settings):
    return read_file(FileSource(source="file", path=str(write(tmp_path, text)), **settings))


ROWS = "ID,Finished,q1,q2\n1,1,5,99\n2,0,4,3\n99,1,99,Refused\n"


def test_rows_are_left_out_by_value_and_counted(tmp_path):
    table = read(tmp_path, ROWS, where={"Finished": [1]})
    assert table.frame["ID"].tolist() == [1, 99]
    assert table.left_out == {"data.where (Finished: 1)": 1}


def test_values_are_compared_as_they_are_written_anywhere(tmp_path):
    text = "Finished,x\nTRUE,1\nFalse,2\ntrue,3\n"
    for value in (True, 1, "True", "1"):
        assert read(tmp_path, text, where={"Finished": [value]}).frame["x"].tolist() == [1, 3]


def test_a_value_that_no_row_has_is_named_with_those_there_are(tmp_path):
    with pytest.raises(DataError, match=r"'Finished' of 't.csv' has no 'yes'. It holds '1' \(2\), '0' \(1\)"):
        read(tmp_path, ROWS, where={"Finished": ["yes"]})
    with pytest.raises(DataError, match="data.where: the data have no column 'finnished'. Did you mean 'Finished'"):
        read(tmp_path, ROWS, where={"finnished": [1]})
    assert "No row has '7' in 'Finished'" in read(tmp_path, ROWS, where={"Finished": [1, 7]}).notes[0]


def test_codes_for_no_answer_are_blanked_and_counted_by_column(tmp_path):
    table = read(tmp_path, ROWS, missing_codes={"q1": [99], "q2": [99, "refused"]})
    assert table.coded_missing == {"q1": 1, "q2": 2}
    assert table.frame["q2"].tolist()[1] == 3
    assert table.frame["q2"].isna().sum() == 2
    assert table.frame["ID"].tolist() == [1, 2, 99]
    assert read(tmp_path, ROWS, missing_codes=[98]).notes == ("No cell holds '98', which data.missing_codes names.",)


def test_codes_of_every_column_leave_identifiers_alone(tmp_path):
    source = FileSource(source="file", path=str(write(tmp_path, ROWS)), missing_codes=[99])
    assert read_file(source, exempt=["ID"]).frame["ID"].tolist() == [1, 2, 99]
    assert read_file(source, exempt=["ID"]).coded_missing == {"q1": 1, "q2": 1}


def test_columns_get_other_names(tmp_path):
    assert list(read(tmp_path, ROWS, columns={"q1": "e1"}).frame) == ["ID", "Finished", "e1", "q2"]


def test_letter_case_and_spaces_of_headers_do_not_matter(tmp_path):
    assert list(read(tmp_path, ROWS, header_case="lower", columns={"ID": "who", "q2": "E1"}).frame) == [
        "who",
        "finished",
        "q1",
        "E1",
    ]
    text = "My\u00a0 column,Ｑ１\n1,2\n"
    table = read(tmp_path, text, where={"My column": [1]}, missing_codes={"Q1": [2]})
    assert list(table.frame) == ["My column", "Q1"]
    assert table.frame["Q1"].isna().all()
    assert "without regard to spaces" in table.notes[0]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"columns": {"zz": "a"}}, "data.columns: 't.csv' has no column 'zz'"),
        ({"columns": {"q1": "q2"}}, "columns 'q1', 'q2' would all be named 'q2'"),
        ({"missing_codes": {"q7": [1]}}, "data.missing_codes: the data have no column 'q7'"),
    ],
)
def test_names_that_are_not_there_are_refused(tmp_path, settings, told):
    with pytest.raises(DataError, match=told):
        read(tmp_path, ROWS, **settings)


def test_two_headers_that_differ_in_case_only_are_not_merged(tmp_path):
    with pytest.raises(DataError, match="columns 'A', 'a' would all be named 'a'"):
        read(tmp_path, "A,a\n1,2\n", header_case="lower")


def survey_rows(tmp_path, n=40, code=99):
    book = load_codebook("servqual")
    asked = [c.name for kind in ("expectation", "perception") for c in book.select(kind)]
    frame = pd.DataFrame({name: [(k + i) % 7 + 1 for k in range(n)] for i, name in enumerate(asked)})
    frame = frame.astype(object)
    frame.iloc[0, 0] = code
    frame.to_csv(tmp_path / "s.csv", index=False)
    return FileSource(source="file", path=str(tmp_path / "s.csv"), missing_codes=[code])


def test_a_survey_says_which_codes_were_blanked(tmp_path):
    survey = load_survey(survey_rows(tmp_path))
    assert sum(survey.table.coded_missing.values()) == 1


def test_a_code_that_is_an_answer_of_the_scale_is_refused(tmp_path):
    with pytest.raises(DataError, match="data.missing_codes: 3 is an answer of 'e1', whose scale is 1-7"):
        load_survey(survey_rows(tmp_path, code=3))


def test_what_is_doubtful_in_several_columns_is_said_of_all_at_once(tmp_path):
    source = survey_rows(tmp_path)
    frame = pd.read_csv(source.path).astype(object)
    frame["e1"], frame["e2"], frame["e3"] = "1,234", "no such word", ["Good", "Poor"] * 20
    frame.to_csv(source.path, index=False)
    with pytest.raises(DataError) as told:
        load_survey(source.model_copy(update={"missing_codes": []}))
    said = [str(part) for part in told.value.parts]
    assert len(said) == 3
    assert all(f"'{column}'" in line for column, line in zip(("e1", "e2", "e3"), said, strict=True))
    assert "can be read as 1234 or 1.234. Set data.decimal" in said[0]


def test_rows_that_need_no_codebook_follow_the_same_settings(tmp_path):
    path = str(write(tmp_path, "unit;y\nA;1,5\nB;99\n"))
    rows, _ = open_rows(FileSource(source="file", path=path, decimal=",", missing_codes={"y": [99]}))
    assert rows["y"].tolist()[0] == 1.5
    assert rows["y"].isna().tolist() == [False, True]
    with pytest.raises(DataError, match="folder of Parquet files, which is streamed"):
        open_rows(FileSource(source="file", path=str(tmp_path), where={"a": [1]}))


def test_codes_of_a_panel_are_looked_for_in_its_numbers_alone(tmp_path):
    path = str(write(tmp_path, "unit,day,y\n99,99,99\n98,2,5\n"))
    rows, _, table = open_dated(FileSource(source="file", path=path, missing_codes=[99]), numbers=["y"])
    assert rows["unit"].tolist() == [99, 98]
    assert table.coded_missing == {"y": 1}


def test_settings_that_contradict_each_other_are_refused():
    for wrong, told in (
        ({"decimal": ",", "thousands": ","}, "decimal and thousands are both"),
        ({"columns": {"a": "x", "b": "x"}}, "two columns the same name"),
    ):
        with pytest.raises(ValueError, match=told):
            FileSource(source="file", path="x.csv", **wrong)


def test_long_identifiers_keep_their_digits_beside_a_code(tmp_path):
    text = "ref,x\n1234567890123456789,1\n1234567890123456788,2\nrefused,3\n"
    table = read(tmp_path, text, missing_codes=["refused"])
    assert table.frame["ref"].dropna().nunique() == 2
    assert str(table.frame["ref"][0]) == "1234567890123456789"
