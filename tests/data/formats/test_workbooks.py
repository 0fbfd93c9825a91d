"""Workbooks of every age, what is odd in them, and files that are named as workbooks and are none."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from exports import EXPORTS, needs_exports, read
from openpyxl.styles import numbers

from xmresearch.data import workbook_xml
from xmresearch.errors import DataError

FILES = Path(__file__).parent / "files"
"""Workbooks of Excel 97, as xlwt 1.3 writes them."""


def book_of(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book


def saved(book, path):
    book.save(path)
    return path


def rewritten(path, part, change):
    """Change the bytes of one part of a workbook."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, raw in parts.items():
            new.writestr(name, raw)
    return path


def test_a_workbook_of_excel_97():
    table = read(FILES / "answers.xls")
    frame = table.frame
    assert table.format == "excel"
    assert frame["when"].tolist() == [pd.Timestamp(2025, 3, d) for d in range(1, 7)]
    assert frame["serial"].tolist() == list(range(45718, 45724))
    assert frame["branch"].tolist() == ["城东"] * 3 + ["NA"] * 3
    assert frame["q1"].tolist() == [1, 2, 3.5, 4, 0, 1]
    assert frame["text number"].tolist() == [10, 20, 30, 40, 50, 60]
    assert frame["open"].tolist() == [True, False] * 3
    assert table.notes == (
        "Sheet 'Answers' was read; there are cells in 'Codes' (hidden) too (data.sheet decides).",
        "1 row(s) are hidden in the workbook, as by a filter; they were read.",
        "2 cell(s) are merged over several rows; each of these rows was given their value.",
        "Numbers that the workbook stores as text were read as numbers in 1 column(s): 'text number'.",
    )
    assert read(FILES / "answers.xls", sheet="Codes").frame.to_dict("list") == {"code": [1]}
    with pytest.raises(DataError, match="no sheet 'Code'.*Did you mean 'Codes'"):
        read(FILES / "answers.xls", sheet="Code")


def test_an_old_workbook_with_an_error_and_one_of_a_mac():
    with pytest.raises(DataError, match=r"1 cell\(s\) without a value: A3 \(#N/A\)"):
        read(FILES / "error.xls")
    assert read(FILES / "mac.xls").frame["when"].tolist() == [pd.Timestamp(2025, 3, 1, 10, 30)]


def test_a_workbook_that_excel_wrote():
    from statsmodels.datasets import macrodata

    path = next((Path(macrodata.__file__).parent / "src").rglob("macrodata.xls/macrodata.xls"), None)
    path = path or next((Path(macrodata.__file__).parent / "src").rglob("*.xls"))
    if not path.is_file():
        pytest.skip("statsmodels brings no workbook")
    frame = read(path, sheet="Quarterly").frame
    published = macrodata.load_pandas().data["realgdp"]
    assert frame.iloc[:, 0].dtype.kind == "M"
    assert any(
        pd.to_numeric(frame[c], errors="coerce").dropna().iloc[: len(published)].round(3).tolist()[:3] for c in frame
    )


def test_the_same_table_of_both_kinds_of_workbook(tmp_path):
    old = read(FILES / "answers.xls").frame
    with pd.ExcelWriter(tmp_path / "s.xlsx") as writer:
        old.to_excel(writer, index=False)
    pd.testing.assert_frame_equal(read(tmp_path / "s.xlsx").frame, old)


def test_dates_are_those_that_show_as_dates(tmp_path):
    book = book_of(["day", "serial", "length", "moment"])
    for k in range(3):
        book.active.append([45717 + k, 45717 + k, 4 / 1440, dt.datetime(2025, 3, 1, 12, k)])
        book.active.cell(k + 2, 1).number_format = numbers.FORMAT_DATE_YYYYMMDD2
    frame = read(saved(book, tmp_path / "s.xlsx")).frame
    assert frame["day"].tolist() == [pd.Timestamp(2025, 3, 1 + k) for k in range(3)]
    assert frame["serial"].tolist() == [45717, 45718, 45719]
    assert frame["moment"].dtype.kind == "M"
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert read(saved(book, tmp_path / "t.xlsx")).frame["day"][0] == pd.Timestamp(2029, 3, 2)


def test_a_date_that_no_calendar_has_is_refused_by_cell(tmp_path):
    book = book_of(["day"], [1e9])
    book.active["A2"].number_format = "yyyy-mm-dd"
    with pytest.raises(DataError, match="A2"):
        read(saved(book, tmp_path / "s.xlsx"))


@pytest.mark.parametrize(
    ("cells", "found", "told"),
    [
        (["1", "2", None], [1, 2], True),
        (["1", 2, "3.5"], [1, 2, 3.5], True),
        (["-1", "+2", "0"], [-1, 2, 0], True),
        (["007", "12"], ["007", "12"], False),
        (["1234567890123456", "2"], ["1234567890123456", "2"], False),
        (["5 - Agree", 4], ["5 - Agree", 4], False),
        (["1,5", "2"], ["1,5", "2"], False),
        (["NA", "2"], ["NA", "2"], False),
        ([1, 2], [1, 2], False),
    ],
)
def test_numbers_stored_as_text(tmp_path, cells, found, told):
    table = read(saved(book_of(["id", "q"], *([k, c] for k, c in enumerate(cells))), tmp_path / "s.xlsx"))
    assert table.frame["q"].dropna().tolist() == found
    assert any("stores as text" in note and "'q'" in note for note in table.notes) is told


def test_merged_cells_of_the_body(tmp_path):
    book = book_of(["branch", "q1", "q2"], ["East", 1, 2], [None, 3, 4], ["West", 5, None], [None, 6, 7])
    for where in ("A2:A3", "A4:A5", "B4:C4"):
        book.active.merge_cells(where)
    table = read(saved(book, tmp_path / "s.xlsx"))
    assert table.frame["branch"].tolist() == ["East", "East", "West", "West"]
    assert table.frame["q2"].isna().tolist() == [False, False, True, False]
    assert table.notes == (
        "2 cell(s) are merged over several rows; each of these rows was given their value.",
        "1 cell(s) are merged over several columns; their value was read in the first of these, the others are blank.",
    )


def test_hidden_rows_columns_and_sheets_are_said(tmp_path):
    book = book_of(["a", "b"], [1, 2], [3, 4])
    book.active.row_dimensions[2].hidden = True
    book.active.column_dimensions["B"].hidden = True
    table = read(saved(book, tmp_path / "s.xlsx"))
    assert table.frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    assert table.notes == (
        "1 row(s) are hidden in the workbook, as by a filter; they were read.", "Columns are hidden in the workbook; they were read.",
    )  # fmt: skip
    book.create_sheet("Next").append(["c"])
    book.active.sheet_state = "hidden"
    table = read(saved(book, tmp_path / "s.xlsx"))
    assert list(table.frame.columns) == ["c"]
    assert table.notes == ("Sheet 'Next' was read; there are cells in 'Sheet' (hidden) too (data.sheet decides).",)
    assert "Sheet 'Sheet' is hidden in the workbook." in read(tmp_path / "s.xlsx", sheet="Sheet").notes


def test_the_sheet_with_cells_is_read_and_said(tmp_path):
    book = openpyxl.Workbook()
    book.create_sheet("Data").append(["a"])
    book["Data"].append([1])
    table = read(saved(book, tmp_path / "s.xlsx"))
    assert table.frame.to_dict("list") == {"a": [1]}
    assert table.notes == ("Sheet 'Data' was read; the sheets before it have no cells.",)


@pytest.mark.parametrize(
    ("notes", "chosen"),
    [
        ([["How to read"], ["Ask Ms X"]], "Data"),
        ([["Title", None], ["a", "b"], [1, 2]], "Sheet"),
        ([["a", "b"]], "Data"),
    ],
)
def test_a_page_of_notes_before_the_table_is_passed_over(tmp_path, notes, chosen):
    book = book_of(*notes)
    book.create_sheet("Data").append(["a", "b"])
    book["Data"].append([1, 2])
    book["Data"].append([3, 4])
    assert read(saved(book, tmp_path / "s.xlsx")).notes[0].startswith(f"Sheet '{chosen}' was read")
    assert list(read(tmp_path / "s.xlsx", sheet="Data").frame) == ["a", "b"]


def test_formulas_have_the_value_that_was_stored(tmp_path):
    path = saved(book_of(["a", "b"], [1, "=A2+1"], [2, '=IF(A3="","",A3)'], [3, "=A4*2"]), tmp_path / "s.xlsx")
    sheet = "xl/worksheets/sheet1.xml"
    with pytest.raises(DataError, match=r"3 cell\(s\) without a value: B2 \(formula, never calculated\), B3"):
        read(path)

    def calculated(raw):
        raw = raw.replace(b"<f>A2+1</f><v />", b"<f>A2+1</f><v>2</v>").replace(
            b"<f>A2+1</f><v></v>", b"<f>A2+1</f><v>2</v>"
        )
        raw = raw.replace(b'<c r="B3">', b'<c r="B3" t="str">')
        return raw.replace(b"<f>A4*2</f><v />", b"<f>A4*2</f><v>6</v>").replace(
            b"<f>A4*2</f><v></v>", b"<f>A4*2</f><v>6</v>"
        )

    frame = read(rewritten(path, sheet, calculated)).frame
    assert frame["b"].dropna().tolist() == [2, 6]


def test_texts_written_into_their_cells(tmp_path):
    path = saved(book_of(["a"], [1], [2]), tmp_path / "s.xlsx")
    table = read(rewritten(path, "xl/worksheets/sheet1.xml", lambda raw: raw.replace(b'<c r="A2" t="n"><v>1</v></c>', '<c r="A2" t="inlineStr"><is><t>满意</t></is></c>'.encode())))  # fmt: skip
    assert table.frame["a"].tolist() == ["满意", 2]


def test_macros_are_not_looked_at(tmp_path):
    path = saved(book_of(["a"], [1]), tmp_path / "s.xlsm")
    with zipfile.ZipFile(path, "a") as parts:
        parts.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 Auto_Open Shell calc.exe")
    assert read(path).frame.to_dict("list") == {"a": [1]}


def test_a_sheet_that_declares_another_size_is_read_whole(tmp_path):
    path = saved(book_of(["a", "b"], [1, 2], [3, 4]), tmp_path / "s.xlsx")
    for size in (b"A1", b"A1:XFD1048576"):
        rewritten(
            path, "xl/worksheets/sheet1.xml", lambda raw, size=size: raw.replace(b'ref="A1:B3"', b'ref="' + size + b'"')
        )
        assert read(path).frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}


def test_a_stray_cell_far_away_makes_no_table(tmp_path):
    book = book_of(["a"], [1])
    book.active["XFC1048500"] = 1
    with pytest.raises(DataError, match="spans 1,048,500 rows and 16,383 columns.*stray cell"):
        read(saved(book, tmp_path / "s.xlsx"))


@pytest.mark.parametrize("ratio", [50, 150])
def test_a_workbook_that_unpacks_to_too_much_is_not_opened(tmp_path, monkeypatch, ratio):
    """The limits are lowered to those of a small file; `ratio` is how much it is blown up."""
    monkeypatch.setattr(workbook_xml, "SMALL_UNPACKED", 100_000)
    path = saved(book_of(["a"], [1]), tmp_path / "s.xlsx")
    size = path.stat().st_size
    pad = b"<!--" + b" " * (ratio * (size + 1000)) + b"-->"
    rewritten(path, "xl/worksheets/sheet1.xml", lambda raw: raw.replace(b"</worksheet>", pad + b"</worksheet>"))
    if ratio > workbook_xml.LARGEST_RATIO:
        with pytest.raises(DataError, match="would unpack to .* MB in .* it was not opened"):
            read(path)
    else:
        assert len(read(path).frame) == 1


def test_a_real_bomb_is_refused_at_once(tmp_path):
    path = saved(book_of(["a"], [1]), tmp_path / "s.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as parts, parts.open("xl/media/big.xml", "w") as file:
        for _ in range(80):
            file.write(bytes(1 << 20))
    with pytest.raises(DataError, match="would unpack to 84 MB"):
        read(path)


def test_an_archive_that_declares_less_than_it_holds_is_refused(tmp_path):
    path = saved(book_of(["a"], *([k] for k in range(2000))), tmp_path / "s.xlsx")
    with zipfile.ZipFile(path) as parts:
        size = parts.getinfo("xl/worksheets/sheet1.xml").file_size
    raw = path.read_bytes()
    assert raw.count(size.to_bytes(4, "little")) >= 1
    path.write_bytes(raw.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(DataError, match="not a readable Excel workbook"):
        read(path)


def test_entities_that_multiply_are_refused(tmp_path):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % (b, *[a] * 10) for a, b in zip(b"abcdefgh", b"bcdefghi", strict=True)
    ) + b"]>"  # fmt: skip
    path = saved(book_of(["a"], [1]), tmp_path / "s.xlsx")
    rewritten(path, "xl/worksheets/sheet1.xml", lambda raw: bomb + raw.replace(b"<v>1</v>", b"<v>&i;</v>"))
    with pytest.raises(DataError, match="not a readable Excel workbook"):
        read(path)


def test_a_workbook_cut_off_or_locked_is_refused(tmp_path):
    path = saved(book_of(["a"], [1]), tmp_path / "s.xlsx")
    raw = path.read_bytes()
    for cut in (2, 30, len(raw) // 2, len(raw) - 5):
        path.write_bytes(raw[:cut])
        with pytest.raises(DataError, match=r"'s\.xlsx' is not a readable Excel workbook"):
            read(path)
    old = bytearray((FILES / "answers.xls").read_bytes())
    path.write_bytes(bytes(old[:600]) + "EncryptedPackage".encode("utf-16-le") + bytes(old[632:]))
    with pytest.raises(DataError, match=r"'s\.xlsx' is protected by a password\. Open it in Excel"):
        read(path)
    for cut in (9, 600, 3000):
        (tmp_path / "t.xls").write_bytes(old[:cut])
        with pytest.raises(DataError, match=r"'t\.xls' "):
            read(tmp_path / "t.xls")


@pytest.mark.parametrize(
    ("inside", "ending", "what"),
    [
        ("content.xml", "ods", "a workbook of OpenDocument.*save it as .xlsx"),
        ("xl/workbook.bin", "xlsb", r"a binary workbook of Excel \(\.xlsb\)"),
        ("word/document.xml", "docx", "a document of Word"),
        ("a.csv", "zip", "a zip archive.*Unpack"),
        ("content.xml", "csv", "a workbook of OpenDocument"),
    ],
)
def test_archives_of_another_kind_are_named(tmp_path, inside, ending, what):
    path = tmp_path / f"s.{ending}"
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr(inside, "x")
    with pytest.raises(DataError, match=f"is {what}"):
        read(path)


@pytest.mark.parametrize(("start", "what"), [(b"%PDF-1.7 a,b\n", "a PDF"), (b"{\\rtf1 a,b\n", "formatted text"), (b"\x1f\x8b\x08\x00", "packed"),
                          (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?><Workbook>', "Excel 2003 as XML"), (b"FEA1" + bytes(30), "Feather of version 1")])  # fmt: skip
def test_what_is_not_read_is_named_whatever_its_ending(tmp_path, start, what):
    for ending in ("csv", "xls"):
        (tmp_path / f"s.{ending}").write_bytes(start)
        with pytest.raises(DataError, match=what):
            read(tmp_path / f"s.{ending}")


def test_text_and_workbooks_under_each_others_names(tmp_path):
    text = "id,branch\n1,城东\n2,城西\n"
    for ending, encoding in (("xlsx", "utf-8-sig"), ("xls", "gb18030"), ("xls", "utf-16")):
        (tmp_path / f"s.{ending}").write_bytes(text.replace(",", "\t").encode(encoding))
        table = read(tmp_path / f"s.{ending}")
        assert (table.format, table.why) == ("csv", "its content")
        assert table.frame["branch"].tolist() == ["城东", "城西"]
        assert table.notes[0] == f"The file is text, though its name ends in '.{ending}'."
    for source in (saved(book_of(["a"], [1]), tmp_path / "b.xlsx"), FILES / "mac.xls"):
        (tmp_path / "s.csv").write_bytes(source.read_bytes())
        table = read(tmp_path / "s.csv")
        assert (table.format, table.why) == ("excel", "its content")
        assert "though its name ends in '.csv'" in table.notes[0]


HTML = """<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head><body><table><tr><td>报表</td></tr></table>
<table border=1><tr><th>编号<th>网点</th><th>评分</th></tr><tr><td>1</td><td rowspan="2">城东&amp;西</td><td>5</td></tr>
<tr><td>2</td><td>4.5</td></tr><tr><td>3</td><td>NA<br>x</td><td>&nbsp;</td></tr></table></body></html>"""


@pytest.mark.parametrize(("charset", "encoding"), [("gb2312", "gb18030"), ("utf-8", "utf-8-sig")])
def test_a_table_in_html_that_is_named_as_a_workbook(tmp_path, charset, encoding):
    path = tmp_path / "导出.xls"
    path.write_bytes(HTML.format(charset=charset).encode(encoding))
    table = read(path)
    assert table.frame.to_dict("list")["网点"] == ["城东&西", "城东&西", "NA\nx"]
    assert table.frame["编号"].tolist() == [1, 2, 3]
    assert table.frame["评分"].dropna().tolist() == [5, 4.5]
    assert "The file is a table in HTML, though its name ends in '.xls'." in table.notes


def test_a_table_in_html_that_says_nothing_of_its_encoding_is_asked_about(tmp_path):
    path = tmp_path / "s.xls"
    path.write_bytes("<table><tr><th>filiale</th></tr><tr><td>Köln</td></tr></table>".encode("cp1252"))
    with pytest.raises(DataError, match="'Köln' in cp1252.*data.encoding"):
        read(path)
    assert read(path, encoding="cp1252").frame["filiale"].tolist() == ["Köln"]


def test_a_web_page_is_no_data(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("<!DOCTYPE html><html><body>Please log in, or else</body></html>")
    with pytest.raises(DataError, match="web page without a table"):
        read(path)


@needs_exports
def test_tables_of_population_and_response():
    population = read(EXPORTS / "weighting/population.xlsx").frame
    assert population.shape == (4, 2)
    assert {17_884_097, 57_084} <= set(population.iloc[:, 1])
    response = read(EXPORTS / "weighting/response_by_area.xlsx").frame
    assert response.shape == (6, 4)
    total = response[response.apply(lambda r: "Heideveen" in str(r.tolist()), axis=1)]
    assert {1200, 2000} <= {v for row in total.itertuples(index=False) for v in row}


@needs_exports
def test_regions_that_are_called_na_and_none(cases):
    found = read(cases / "run/na_seg.xlsx").frame
    segment = next(c for c in found if "EU" in set(found[c]))
    assert found[segment].value_counts().to_dict() == {"EU": 60, "NA": 50, "None": 10}


def test_feather_and_arrow(tmp_path):
    frame = pd.DataFrame({"id": [2**62 + 1, 2], "when": pd.to_datetime(["2025-03-01", None]), "t": ["NA", None]})
    frame.to_feather(tmp_path / "s.feather")
    for name in ("s.arrow", "s.csv", "s.feather"):
        (tmp_path / name).write_bytes((tmp_path / "s.feather").read_bytes())
        table = read(tmp_path / name)
        assert table.format == "feather"
        assert table.frame["id"].tolist() == [2**62 + 1, 2]
        assert table.frame["t"].dropna().tolist() == ["NA"]
    (tmp_path / "s.feather").write_bytes((tmp_path / "s.arrow").read_bytes()[:200])
    with pytest.raises(DataError, match="not a readable Arrow file"):
        read(tmp_path / "s.feather")
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    (tmp_path / "s.feather").write_bytes(buffer.getvalue())
    assert read(tmp_path / "s.feather").format == "parquet"
