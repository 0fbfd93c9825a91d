import pandas as pd
import polars as pl
import pytest

from xmresearch.data.readers import read_survey, scan_survey
from xmresearch.errors import DataError

FRAME = pd.DataFrame({"id": [1, 2, 3], "e1": [5.0, None, 7.0], "name": ["甲", "乙", "丙"]})


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "xlsx"])
def test_formats_read_the_same_table(tmp_path, ending):
    path = tmp_path / f"survey.{ending}"
    if ending == "parquet":
        FRAME.to_parquet(path)
    elif ending == "xlsx":
        FRAME.to_excel(path, index=False)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    found = read_survey(path, columns=["e1", "name"])
    assert list(found.columns) == ["e1", "name"]
    assert found["name"].tolist() == ["甲", "乙", "丙"]
    assert found["e1"].astype(float).isna().tolist() == [False, True, False]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_found_or_given(tmp_path, encoding):
    path = tmp_path / "s.csv"
    FRAME.to_csv(path, index=False, encoding=encoding)
    assert read_survey(path)["name"].tolist() == ["甲", "乙", "丙"]
    assert read_survey(path, encoding=encoding)["name"].tolist() == ["甲", "乙", "丙"]


def test_wrong_encoding_names_file_and_line(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(b"id,name\n1,a\n2,\xff\xff\n")
    with pytest.raises(DataError, match=r"s\.csv.*line 3.*data\.encoding"):
        read_survey(path)
    with pytest.raises(DataError, match="no encoding 'utf-9'"):
        read_survey(path, encoding="utf-9")


@pytest.mark.parametrize(("delimiter", "told"), [(";", "';'"), ("\t", "tabs"), ("|", r"'\|'")])
def test_wrong_delimiter_says_which_one_it_has(tmp_path, delimiter, told):
    path = tmp_path / "s.csv"
    FRAME.to_csv(path, index=False, sep=delimiter)
    with pytest.raises(DataError, match=f"only one column.*{told}"):
        read_survey(path)
    assert len(read_survey(path, delimiter=delimiter).columns) == 3


def test_missing_file_names_the_nearest(tmp_path):
    FRAME.to_csv(tmp_path / "survey.csv", index=False)
    with pytest.raises(DataError, match=r"Did you mean 'survey\.csv'"):
        read_survey(tmp_path / "survy.csv")


def test_missing_column_names_the_nearest(tmp_path):
    path = tmp_path / "s.csv"
    FRAME.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"lacks 1 column.*'nam'.*Did you mean 'name'"):
        read_survey(path, columns=["id", "nam"])


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_duplicate_columns_are_refused(tmp_path, ending):
    path = tmp_path / f"s.{ending}"
    twice = pd.DataFrame([[1, 2]], columns=["e1", "e1"])
    twice.to_csv(path, index=False) if ending == "csv" else twice.to_excel(path, index=False)
    with pytest.raises(DataError, match=r"duplicate columns: 'e1' \(2 times\)"):
        read_survey(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.csv", b"", "is empty"),
        ("s.csv", b"\xef\xbb\xbf", "first line of 's.csv' is blank"),
        ("s.csv", b"\na,b\n1,2\n", "first line of 's.csv' is blank"),
        ("s.csv", b"\xff\xfea", "cannot be decoded as utf-16"),
        ("s.csv", b"a,,b\n1,2,3\n", r"answers below an empty header cell \(column 2\)"),
        ("s.csv", b"\x00\x01\x02,", "not a text file"),
        ("s.csv", b"a,b\n1,2\n1,2,3,4\n", "not a well-formed CSV"),
        ("s.parquet", b"nonsense", "not a readable Parquet"),
        ("s.xlsx", b"nonsense", "not a readable Excel"),
        ("s.doc", b"nonsense", "names no known format"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_survey(path)


def test_what_spreadsheets_add_is_left_out(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(b"\xef\xbb\xbfe1,,,g\n1,,,NA\n2,,,None\n,,,\n,,,\n")
    for encoding in (None, "utf-8"):
        found = read_survey(path, encoding=encoding)
        assert list(found.columns) == ["e1", "g"]
        assert found["g"].tolist() == ["NA", "None"]


@pytest.mark.parametrize("delimiter", ["\n", '"'])
def test_what_cannot_separate_columns(tmp_path, delimiter):
    (tmp_path / "s.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="cannot separate columns"):
        read_survey(tmp_path / "s.csv", delimiter=delimiter)


def test_unknown_sheet_names_the_nearest(tmp_path):
    FRAME.to_excel(tmp_path / "s.xlsx", index=False, sheet_name="Answers")
    with pytest.raises(DataError, match="Did you mean 'Answers'"):
        read_survey(tmp_path / "s.xlsx", sheet="Answer")


def test_scan_opens_files_and_folders(tmp_path):
    pl.from_pandas(FRAME).write_parquet(tmp_path / "a.parquet")
    pl.from_pandas(FRAME).write_parquet(tmp_path / "b.parquet")
    assert scan_survey(tmp_path).collect().height == 6
    assert scan_survey(tmp_path / "a.parquet").collect().height == 3
    with pytest.raises(DataError, match="does not exist"):
        scan_survey(tmp_path / "c.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no \.parquet"):
        scan_survey(tmp_path / "empty")
