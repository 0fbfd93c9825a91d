from pathlib import Path

import openpyxl
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


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    path = tmp_path / "s.csv"
    FRAME.to_csv(path, index=False, sep=delimiter)
    assert len(read_survey(path).columns) == 3
    with pytest.raises(DataError, match="only one column"):
        read_survey(path, delimiter="," if delimiter != "," else ";")


def test_decimal_commas_do_not_look_like_columns(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("a;b\n1,5;2,5\n3,5;4,5\n", "utf-8")
    assert list(read_survey(path).columns) == ["a", "b"]


def test_a_delimiter_that_is_doubtful_is_asked_for(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("a,b;c\n1,2;3\n4,5;6\n", "utf-8")
    with pytest.raises(DataError, match=r"comma \(','\) or semicolon \(';'\) alike. Set data.delimiter"):
        read_survey(path)
    assert list(read_survey(path, delimiter=";").columns) == ["a,b", "c"]


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
        ("s.csv", b"\na,b\n", "first line of 's.csv' is blank"),
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


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("latin-1", ["Köln", "Düsseldorf", "Größe"]),
        ("cp1250", ["Łódź", "Kraków", "Gdańsk"]),
        ("cp1251", ["Москва", "услуга", "очень хорошо"]),
        ("big5", ["滿意度", "臺北", "櫃檯"]),
        ("euc-kr", ["여", "남"]),
        ("euc-kr", ["만족", "서울", "매우", "보통", "서비스", "불만", "전혀", "아니다", "그렇다"]),
        ("shift_jis", ["満足", "東京", "とても良い"]),
    ],
)
def test_what_is_not_clearly_chinese_is_asked_about(tmp_path, encoding, words):
    """Each of these is valid GB 18030 or may be; the right reading is among those that the message shows."""
    path, words = tmp_path / "s.csv", words * 3
    pd.DataFrame({"id": range(len(words)), "answer": words}).to_csv(path, index=False, encoding=encoding)
    for read in (read_survey, scan_survey):
        with pytest.raises(DataError, match=r"line 2 reads .*data\.encoding") as caught:
            read(path)
        assert words[0] in str(caught.value) or len(words[0]) > 12
    assert read_survey(path, encoding=encoding)["answer"].tolist() == words
    assert scan_survey(path, encoding=encoding).collect()["answer"].to_list() == words


@pytest.mark.parametrize(
    ("encoding", "name", "shown"), [("latin-1", "Zöe", "'öe' in cp1252"), ("big5", "歐陽硯秋", "'歐' in big5")]
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_word_that_may_be_a_name_is_not_shown_whole(tmp_path, encoding, name, shown, times):
    path = tmp_path / "s.csv"
    path.write_bytes(("id,who\n" + f"1,{name}\n" * times).encode(encoding))
    with pytest.raises(DataError, match=shown) as caught:
        read_survey(path)
    assert name not in str(caught.value)


@pytest.mark.parametrize(
    "words", [["城东", "城西", "满意"], ["非常满意", "比较满意", "一般", "不满意"], ["男性", "女性"]]
)
def test_chinese_is_read_as_chinese(tmp_path, words):
    path = tmp_path / "s.csv"
    pd.DataFrame({"id": range(len(words)), "答案": words}).to_csv(path, index=False, encoding="gb18030")
    assert read_survey(path)["答案"].tolist() == scan_survey(path).collect()["答案"].to_list() == words


def test_cologne_is_asked_about_and_a_chinese_export_is_read(cases):
    with pytest.raises(DataError, match="'Köln' in cp1252"):
        read_survey(cases / "survey/koeln_latin1.csv")
    assert "Düsseldorf" in set(read_survey(cases / "survey/koeln_latin1.csv", encoding="cp1252")["filiale"])
    found = read_survey(cases / "survey/wjx_text_gb18030.csv")
    assert found.attrs["encoding"] == "gb18030"
    assert list(found.columns[:2]) == ["序号", "提交答卷时间"]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("unit, y ,t\nA, 5,1\n B,6,2\n", {"unit": ["A", "B"], "y": [5, 6], "t": [1, 2]}),
        ('unit,y\n"A ",5\nNA,6\n', {"unit": ["A", "NA"], "y": [5, 6]}),
        ("unit,y,\nA,5,\nB,6,\n", {"unit": ["A", "B"], "y": [5, 6]}),
        ("unit,y\nA,5\n\n,\nB,6\n,\n\n", {"unit": ["A", None, None, "B"], "y": [5, None, None, 6]}),
        ("unit,y\n001,5\n002,6\n", {"unit": [1, 2], "y": [5, 6]}),
        ("\ufeffunit,y\nA,true\nB, FALSE\n", {"unit": ["A", "B"], "y": [True, False]}),
        ("unit,y\nA,1e400\nB, inf\n", {"unit": ["A", "B"], "y": [float("inf")] * 2}),
        ("unit,y\nA,1\nB\n", {"unit": ["A", "B"], "y": [1, None]}),
        ("unit,y\n12345678901234567890,1\n1,2\n", {"unit": ["12345678901234567890", "1"], "y": [1, 2]}),
        ("unit,y\r\nA, 5.5\r\nB,6\r\n", {"unit": ["A", "B"], "y": [5.5, 6.0]}),
        ("unit,y\rA,5\rB,6\r", {"unit": ["A", "B"], "y": [5, 6]}),
        ("unit,y\nA,0x1F\nB,1\n", {"unit": ["A", "B"], "y": ["0x1F", "1"]}),
        ("unit,y\nA,nan\nB,1\n", {"unit": ["A", "B"], "y": ["nan", "1"]}),
    ],
)
def test_read_and_scanned_tables_are_the_same(tmp_path, text, table):
    """Whichever size a CSV has, and so whichever way it is opened, its cells mean the same."""
    path = tmp_path / "s.csv"
    path.write_bytes(text.encode())
    scanned = scan_survey(path).collect()
    assert scanned.to_dict(as_series=False) == table
    pd.testing.assert_frame_equal(read_survey(path), scanned.to_pandas())


def test_a_row_that_is_too_long_is_named(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("a,b\n1,2\n1,2,3,4\n")
    with pytest.raises(DataError, match="line 3: 4 cells where the first line names 2 columns"):
        read_survey(path)


def test_text_of_a_workbook_is_text(tmp_path):
    """120 people of three regions, as CSV and as XLSX (60, 50, 10)."""
    regions = ["EU"] * 60 + ["NA"] * 50 + ["None"] * 10
    frame = pd.DataFrame({"n": range(120), "region": regions, "word": ["null", "n/a"] * 60})
    frame.to_csv(tmp_path / "s.csv", index=False)
    frame.to_excel(tmp_path / "s.xlsx", index=False)
    found = read_survey(tmp_path / "s.xlsx")
    assert found["region"].value_counts().to_dict() == {"EU": 60, "NA": 50, "None": 10}
    assert found.to_dict("list") == read_survey(tmp_path / "s.csv").to_dict("list")


def workbook(path: Path, rows) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_cells_without_a_value_are_refused_by_name(tmp_path):
    path = workbook(tmp_path / "s.xlsx", [["a", "b"], [1, "#N/A"], ["#DIV/0!", 2], [3, 4]])
    with pytest.raises(DataError, match=r"2 cell\(s\) without a value: B2 \(#N/A\), A3 \(#DIV/0!\).*clear the cell"):
        read_survey(path)
    path = workbook(tmp_path / "t.xlsx", [["a", "b"], [1, "=A2+1"], [3, 4]])
    with pytest.raises(DataError, match=r"B2 \(formula, never calculated\).*saved"):
        read_survey(path)


def test_blank_rows_of_a_workbook_within_the_table_are_rows(tmp_path):
    path = workbook(
        tmp_path / "s.xlsx", [["a", None, "b"], [1, None, " x "], [None] * 3, [2.0, None, "y"], [None] * 3, [" "]]
    )
    found = read_survey(path)
    assert list(found.columns) == ["a", "b"]
    assert found["b"].tolist()[::2] == ["x", "y"]
    assert found.isna().all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("read", [read_survey, scan_survey])
def test_duplicate_columns_of_parquet_are_refused(tmp_path, read):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table([[1], [2]], names=["e1", "e1"]), tmp_path / "s.parquet")
    with pytest.raises(DataError, match="e1"):
        read(tmp_path / "s.parquet")


def test_full_width_digits_do_not_stop_the_reader(tmp_path):
    (tmp_path / "w.csv").write_text("q,r\n８,x\n7,y\n", "utf-8")
    assert read_survey(tmp_path / "w.csv")["q"].tolist() == ["８", "7"]


@pytest.mark.parametrize("read", [read_survey, scan_survey])
def test_a_line_with_too_many_cells_is_named_whatever_is_read_of_it(tmp_path, read):
    """A comma that nobody quoted moves all cells after it."""
    path = tmp_path / "a.csv"
    rows = [f"u{k % 5},{2000 + k % 9},{k / 7:.3f},0" for k in range(3000)]
    path.write_text("\n".join(["unit,time,y,cohort", *rows, "u1,2001,Hall, north,0", ""]))
    with pytest.raises(DataError, match="line 3002: 5 cells where the first line names 4 columns"):
        read(path)


@pytest.mark.parametrize("read", [read_survey, scan_survey])
def test_a_title_above_the_names_is_passed_over(tmp_path, read):
    path = tmp_path / "a.csv"
    path.write_text("Answers of the hall\n\n" + "unit,time,y,g\n" + "a,1,1,0\nb,1,2,0\n" * 50)
    found = read(path)
    frame = found if isinstance(found, pd.DataFrame) else found.collect().to_pandas()
    assert frame["y"].sum() == 150


@pytest.mark.parametrize("name", ["all[1]{a,b}*?.csv", "all[1]{a,b}*?.parquet", "folder[1]*"])
def test_names_that_are_patterns_name_one_file(tmp_path, name):
    """Nothing is read that a pattern would find beside it, and a name that is no well-formed pattern is read."""
    frame = pd.DataFrame({"a": [1, 2]})
    for folder, some in ((tmp_path / name, frame), (tmp_path / "folder1", frame * 9)):
        if "folder" in name:
            folder.mkdir()
            some.to_parquet(folder / "a.parquet")
    for file, some in ((name, frame), ("all1ax.csv", frame * 9), ("all1ax.parquet", frame * 9)):
        if file.endswith("csv"):
            some.to_csv(tmp_path / file, index=False)
        elif file.endswith("parquet"):
            some.to_parquet(tmp_path / file)
    assert scan_survey(tmp_path / name).collect()["a"].to_list() == [1, 2]
