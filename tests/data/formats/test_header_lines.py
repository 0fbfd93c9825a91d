"""Tables that do not begin in the first line, and several in one file."""

import pandas as pd
import pytest
from exports import CASES, EXPORTS, needs_exports, read
from openpyxl import Workbook
from pydantic import ValidationError

from xmresearch.data.config import FileSource
from xmresearch.data.formats.header_lines import find_header
from xmresearch.errors import DataError


def written(path, text):
    path.write_text(text, "utf-8")
    return path


def test_titles_above_the_names_are_passed_over(tmp_path):
    table = read(written(tmp_path / "t.csv", "Survey of March\n\nname,q1,q2\na,1,2\nb,3,4\n"))
    assert table.frame["q1"].tolist() == [1, 3]
    assert table.notes == ("2 line(s) above the names of the columns were passed over.",)


def test_a_plain_table_stays_as_it_is(tmp_path):
    table = read(written(tmp_path / "t.csv", "q1,q2,comment\n1,2,\n3,4,\n5,6,good\n"))
    assert (list(table.frame), table.notes, table.left_out) == (["q1", "q2", "comment"], (), {})


@pytest.mark.parametrize(
    "text",
    [",a,b\n1,5,6\n2,7,8\n", "a,b\n1,5,6\n2,7,8\n", "Unnamed: 0,a,b\n0,5,6\n1,7,8\n"],
    ids=["R", "R, shorter", "pandas"],
)
def test_row_numbers_are_no_answers(tmp_path, text):
    table = read(written(tmp_path / "t.csv", text))
    assert table.frame["a"].tolist() == [5, 7]
    assert list(table.frame) == ["a", "b"]
    assert "only counts the rows" in table.notes[0]


def test_row_names_that_say_something_are_kept(tmp_path):
    table = read(written(tmp_path / "t.csv", ",a\nMazda,5\nFiat,7\n"))
    assert table.frame["row name"].tolist() == ["Mazda", "Fiat"]


def test_numbers_that_do_not_rise_are_no_row_numbers(tmp_path):
    assert "row name" in read(written(tmp_path / "t.csv", ",a\n3,5\n1,7\n")).frame


def test_merged_headings_stand_before_names_that_repeat(tmp_path):
    text = "Expected,,Perceived,\nspeed,care,speed,care\n1,2,3,4\n5,6,7,8\n"
    table = read(written(tmp_path / "t.csv", text))
    assert list(table.frame) == ["Expected [speed]", "Expected [care]", "Perceived [speed]", "Perceived [care]"]
    assert table.frame["Perceived [speed]"].tolist() == [3, 7]
    assert table.questions["Perceived [care]"] == "Perceived care"


def test_names_that_differ_stay_below_their_headings(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.append(["Customer survey 2026"])
    sheet.append([None, "Expectations", None, "Perceptions", None])
    for row in (["id", "e1", "e2", "p1", "p2"], [1, 7, 6, 5, 4], [2, 7, 5, 3, 2]):
        sheet.append(row)
    sheet.merge_cells("A1:E1")
    sheet.merge_cells("B2:C2")
    book.save(tmp_path / "m.xlsx")
    table = read(tmp_path / "m.xlsx")
    assert list(table.frame) == ["id", "e1", "e2", "p1", "p2"]
    assert table.questions["p2"] == "Perceptions p2"
    assert table.frame["p2"].tolist() == [4, 2]


def test_the_line_of_names_can_be_given(tmp_path):
    path = written(tmp_path / "t.csv", "one,two\na,b\n1,2\n3,4\n")
    assert list(read(path).frame) == ["one", "two"]
    table = read(path, header_row=2)
    assert list(table.frame) == ["a", "b"]
    assert table.frame["a"].tolist() == [1, 3]


def test_records_at_the_top_can_be_passed_over(tmp_path):
    path = written(tmp_path / "t.csv", 'made on,"1\nMarch"\nx;y,z\na,b\n1,2\n3,4\n')
    table = read(path, skip_rows=2)
    assert table.frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    assert table.notes == ("2 record(s) at the top were passed over, as the params say.",)
    with pytest.raises(DataError, match=r"no record below the first 5.*data.skip_rows"):
        read(path, skip_rows=5)


def test_an_export_below_a_title_is_recognised_once_that_is_passed_over(tmp_path):
    body = "序号,提交答卷时间,所用时间,1、满意度\n1,2026/3/1,49秒,5\n2,2026/3/1,50秒,(跳过)\n"
    path = written(tmp_path / "t.csv", f"三月调查\n\n{body}")
    for settings in ({"skip_rows": 2}, {"header_row": 3}, {"skip_rows": 1, "header_row": 3}):
        table = read(path, **settings)
        assert (table.format, table.frame["1、满意度"].sum()) == ("wjx", 5)


def test_lines_of_a_workbook_are_passed_over(tmp_path):
    book = Workbook()
    for row in (["one", "two"], ["a", "b"], [1, 2], [3, 4]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    assert read(tmp_path / "t.xlsx", skip_rows=1).frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"skip_rows": 1}, "no lines that could be passed over"), ({"table": 2}, "there is no table 2"), ({"unfinished": "drop"}, "data.unfinished: drop cannot")],
)  # fmt: skip
def test_what_a_form_has_not_is_refused(tmp_path, settings, said):
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=said):
        read(tmp_path / "t.parquet", **settings)


def test_a_line_of_names_that_is_passed_over_is_refused():
    with pytest.raises(ValidationError, match="header_row is 2, but skip_rows passes over the first 2"):
        FileSource(source="file", path="t.csv", header_row=2, skip_rows=2)


def test_totals_and_notes_below_are_no_rows(tmp_path):
    table = read(written(tmp_path / "t.csv", "branch,n,score\nA,1,2\nB,3,4\nTotal,4,6\n,,\nmade by hand,,\n"))
    assert table.frame["n"].tolist() == [1, 3]
    assert table.frame["n"].dtype == "int64"
    assert table.left_out == {"note below the table": 1, "total": 1}


def test_answers_after_a_blank_line_are_rows(tmp_path):
    table = read(written(tmp_path / "t.csv", "a,b,c\n1,2,3\n,,\n4,5,6\n"))
    assert (len(table.frame), table.left_out) == (3, {})


def test_a_single_line_is_a_header():
    assert find_header([["a", "b"]], "t.csv") is None
    assert find_header([], "t.csv") is None


def test_one_table_of_several(tmp_path):
    text = "# ----\n# Account: A\n# Start date: 20260101\n# End date: 20260131\nday,users,events\n1,5,6\n2,7,8\n\n# ----\ncity,users,events\nX,1,2\n"
    path = written(tmp_path / "g.csv", text)
    table = read(path)
    assert table.format == "ga4"
    assert table.frame["users"].tolist() == [5, 7]
    assert "The period 20260101-20260131 stands only in the comments." in table.notes
    assert any("2 tables; this is table 1" in note for note in table.notes)
    assert read(path, table=2).frame["city"].tolist() == ["X"]
    with pytest.raises(DataError, match="has 2 table.s.; there is no table 3. Set data.table"):
        read(path, table=3)


@needs_exports
def test_real_exports_of_google_analytics():
    pages = read(EXPORTS / "ga4" / "pages_and_screens.csv")
    assert (len(pages.frame), pages.frame["Views"].sum()) == (56, 779)
    assert {"/adults/", "/adults"} <= set(pages.frame["Page path and screen class"])
    resaved = read(EXPORTS / "ga4" / "traffic_acquisition_resaved_by_excel.csv")
    assert resaved.frame["Sessions"].tolist() == [482, 243, 148, 25, 6, 3]
    assert resaved.left_out["note below the table"] > 0


@needs_exports
def test_the_case_with_row_names():
    table = read(CASES / "t_rownames.csv")
    base = read(CASES / "base.csv")
    assert table.frame["e1"].tolist() == base.frame["e1"].tolist()
