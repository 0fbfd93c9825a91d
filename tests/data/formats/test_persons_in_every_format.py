"""Persons planted in a file of every form are in nothing that reading, `check` and `draft` make of it."""

import gzip
import json
import struct
from typing import get_args
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from canaries import Canaries, comments, left_in, person_columns

from xmresearch.data.config import FileSource, FormatName, Protect
from xmresearch.data.dated_rows import open_dated
from xmresearch.data.one_file import read_file
from xmresearch.data.protection import protect
from xmresearch.errors import XMError
from xmresearch.run.draft import describe, draft_study
from xmresearch.studies.survey import reading_lines

ROWS = 24


def people(planted, waited="姓名", **more):
    """Rows of persons: identifiers in columns of their own, groups and comments that tell some of them."""
    frame = pd.DataFrame(
        {"q1": np.resize([5, 4, 3, 2], ROWS), "q2": np.resize([1, 2, 3], ROWS), **person_columns(planted, ROWS)}
    )
    desks = [f"desk of {planted.make('mobile', 'a group')}", f"desk of {planted.make('email', 'a group')}"]
    told = [f"{text}, {name} waited" for text, name in zip(comments(planted, ROWS), frame[waited], strict=True)]
    return frame.assign(desk=np.resize(desks, ROWS), remark=told, **more)


def text(path, *heads, frame, encoding="utf-8", sep=","):
    """Write lines of names above rows."""
    body = pd.DataFrame([*heads, *frame.astype(str).to_numpy().tolist()])
    body.to_csv(path, header=False, index=False, encoding=encoding, sep=sep)
    return path


def csv(folder, planted):
    frame = people(planted)
    return text(folder / "s.csv", list(frame), frame=frame)


def tsv(folder, planted):
    frame = people(planted)
    return text(folder / "s.tsv", list(frame), frame=frame, sep="\t", encoding="utf-16")


def qualtrics(folder, planted):
    frame = people(planted, ResponseId=[f"R_{k:015d}" for k in range(ROWS)])
    wordings = [f"Asked by {planted.make('email', 'a question')}: {c}" for c in frame]
    return text(
        folder / "s.csv", list(frame), wordings, [json.dumps({"ImportId": f"QID_{c}"}) for c in frame], frame=frame
    )


def surveymonkey(folder, planted):
    persons = people(planted, "RecipientFirstName")
    own = {
        "Respondent ID": range(1, ROWS + 1),
        "Collector ID": [7] * ROWS,
        "IP Address": persons["IPAddress"],
        "Email Address": persons["RecipientEmail"],
        "First Name": persons["RecipientFirstName"],
    }
    frame = pd.DataFrame(own).assign(
        **{
            f"How was {planted.make('mobile', 'a question')}?": persons["q1"],
            "Anything else?": persons["remark"],
            "Your name?": persons["姓名"],
            "Where?": persons["desk"],
        }
    )
    second = ["", "", "", "", "", "Response", "Open-Ended Response", "Response", "Response"]
    return text(folder / "s.csv", list(frame), second, frame=frame)


def limesurvey(folder, planted):
    persons = people(planted, "RecipientFirstName")
    frame = pd.DataFrame(
        {
            "id": range(1, ROWS + 1),
            "submitdate": "2026-03-01 10:00:00",
            "lastpage": 3,
            "startlanguage": "en",
            "ipaddr": persons["IPAddress"],
            "token": persons["other"],
            "firstname": persons["RecipientFirstName"],
        }
    )
    coded = frame.assign(
        **{
            f"Q1. Did {planted.make('plate', 'a question')} help?": persons["q1"],
            "Q2. Remarks": persons["remark"],
            "Q3. 手机": persons["手机号"],
            "Q4. Desk": persons["desk"],
        }
    )
    return text(folder / "s.csv", list(coded), frame=coded)


def wjx(folder, planted):
    persons = people(planted)
    frame = pd.DataFrame({"序号": range(1, ROWS + 1), "提交答卷时间": "2026/3/1 10:00:00", "所用时间": "218秒", "来源": "微信", "来源详情": persons["desk"], "来自IP": persons["IPAddress"], "1、满意度": persons["q1"],
                          "2、您的姓名": persons["姓名"], "3、手机号码": persons["手机号"], "4、意见": persons["remark"], f"5、{planted.make('mobile', 'a question')}好吗": persons["q2"]})  # fmt: skip
    return text(folder / "s.csv", list(frame), frame=frame, encoding="gb18030")


def tencent_wj(folder, planted):
    persons = people(planted)
    frame = pd.DataFrame({"编号": range(1, ROWS + 1), "开始答题时间": "02-Mar-2026 09:16:02", "结束答题时间": "02-Mar-2026 09:19:34", "答题时长": 212, "地理位置市": "上海市", "用户标识": persons["other"], "昵称": persons["姓名"],
                          "IP": persons["IPAddress"], "1.满意度": persons["q1"], "2.您的意见：_填空1": persons["remark"], "3.身份证号": persons["身份证号"], f"4.{planted.make('email', 'a question')}:A": persons["desk"]})  # fmt: skip
    return text(folder / "s.csv", list(frame), frame=frame, encoding="gb18030")


def tencent_docs(folder, planted):
    persons = people(planted)
    frame = pd.DataFrame(
        {
            "提交者（自动）": persons["姓名"],
            "提交时间（自动）": "2026-03-01 10:00:00",
            "满意吗": persons["q1"],
            "意见": persons["remark"],
            "车牌": persons["车牌号"],
            "窗口": persons["desk"],
        }
    )
    frame.to_excel(folder / "s.xlsx", index=False)
    return folder / "s.xlsx"


def google_forms(folder, planted):
    persons = people(planted, "RecipientFirstName")
    frame = pd.DataFrame(
        {
            "Timestamp": "2026/03/01 10:00:00 AM",
            "Email Address": persons["RecipientEmail"],
            f"Staff [{planted.make('mobile', 'a question')}]": persons["q1"],
            "Staff [Pace]": persons["q2"],
            "Your name": persons["RecipientFirstName"],
            "Comments": persons["remark"],
            "Desk": persons["desk"],
        }
    )
    return text(folder / "s.csv", list(frame), frame=frame)


def ms_forms(folder, planted):
    persons = people(planted, "RecipientFirstName")
    frame = pd.DataFrame(
        {
            "ID": range(1, ROWS + 1),
            "Start time": "3/13/26 10:00:00",
            "Completion time": "3/13/26 10:05:00",
            "Email": persons["RecipientEmail"],
            "Name": persons["RecipientFirstName"],
            "How was it?": persons["q1"],
            "Why?": persons["remark"] + "; yes",
            "Desk": persons["desk"],
        }
    )
    frame.to_excel(folder / "s.xlsx", index=False)
    return folder / "s.xlsx"


def labelled(planted):
    frame = people(planted).rename(
        columns={"姓名": "full_name", "手机号": "mobile", "身份证号": "id_no", "车牌号": "plate"}
    )
    labels = {c: f"{c} as {planted.make('email', 'a label')} asked" for c in ("q1", "desk")} | {
        "full_name": "姓名",
        "who": "姓名",
    }
    names = {k: planted.make("name_zh", "a value label of a column of names") for k in (1, 2)}
    frame = frame.assign(who=np.resize([1.0, 2.0], ROWS), q1=frame["q1"].astype(float))
    values = {"q1": {2: f"as {planted.make('mobile', 'a value label')} said", 5: "good"}, "who": names}
    return frame, labels, values


def spss(folder, planted):
    frame, labels, values = labelled(planted)
    pyreadstat.write_sav(
        frame,
        folder / "s.sav",
        column_labels=labels,
        variable_value_labels=values,
        note=planted.make("email", "a note"),
    )
    return folder / "s.sav"


def stata(folder, planted):
    frame, labels, values = labelled(planted)
    pyreadstat.write_dta(frame, folder / "s.dta", column_labels=labels, variable_value_labels=values)
    return folder / "s.dta"


def ga4(folder, planted):
    persons = people(planted)
    frame = pd.DataFrame(
        {
            "Page path": persons["desk"] + [f"/{k}" for k in range(ROWS)],
            "Views": persons["q1"],
            "User name": persons["RecipientFirstName"],
            "Event count": persons["other"],
        }
    )
    head = f"# ----\n# Account: {planted.make('email', 'an account')}\n# Start date: 20260224\n# End date: 20260323\n"
    (folder / "s.csv").write_text(head + frame.to_csv(index=False), "utf-8")
    return folder / "s.csv"


def event_log(folder, planted, ending):
    persons = people(planted)

    def entry(key, value):
        return f'<string key="{key}" value={quoteattr(str(value))}/>'

    traces = [
        f"<trace>{entry('concept:name', row['手机号'])}{entry('creator', row['姓名'])}<event>{entry('concept:name', row['desk'])}{entry('org:resource', row['RecipientFirstName'])}"
        f'{entry("remark", row["remark"])}{entry("客户姓名", row["姓名"])}<date key="time:timestamp" value="2026-03-01T10:00:00.000+08:00"/></event></trace>'
        for row in persons.to_dict("records")
    ]
    raw = f"<?xml version='1.0' encoding='UTF-8'?><log xes.version='1.0'>{''.join(traces)}</log>".encode()
    path = folder / f"s.{ending}"
    path.write_bytes(gzip.compress(raw) if ending.endswith("gz") else raw)
    return path


def xes(folder, planted):
    return event_log(folder, planted, "xes")


def packed_xes(folder, planted):
    return event_log(folder, planted, "xes.gz")


def excel(folder, planted):
    with pd.ExcelWriter(folder / "s.xlsx") as book:
        people(planted).to_excel(book, sheet_name="Answers", index=False)
        pd.DataFrame({"a": [1]}).to_excel(book, sheet_name=planted.make("email", "the name of a sheet"), index=False)
    return folder / "s.xlsx"


def old_excel(folder, planted):
    """Records of Excel 2, which know texts in one byte a character and numbers."""
    frame = (
        people(planted)
        .drop(columns=["姓名", "remark"])
        .rename(columns={"手机号": "mobile", "身份证号": "id no", "车牌号": "plate"})
        .drop(columns="plate")
    )
    records = [struct.pack("<HHHH", 0x0009, 4, 2, 0x0010)]
    for r, row in enumerate([list(frame), *frame.to_numpy().tolist()]):
        for c, value in enumerate(row):
            place = struct.pack("<HH3x", r, c)
            if isinstance(value, str):
                body, kind = place + struct.pack("B", len(value)) + value.encode("ascii"), 0x0004
            else:
                body, kind = place + struct.pack("<d", value), 0x0003
            records.append(struct.pack("<HH", kind, len(body)) + body)
    (folder / "s.xls").write_bytes(b"".join([*records, struct.pack("<HH", 0x000A, 0)]))
    return folder / "s.xls"


def web_excel(folder, planted):
    people(planted).to_html(folder / "s.xls", index=False)
    return folder / "s.xls"


def feather(folder, planted):
    people(planted).to_feather(folder / "s.feather")
    return folder / "s.feather"


def parquet(folder, planted):
    people(planted).to_parquet(folder / "s.parquet")
    return folder / "s.parquet"


WRITERS = {
    write: form
    for form, writers in {
        "csv": [csv, tsv], "qualtrics": [qualtrics], "surveymonkey": [surveymonkey], "limesurvey": [limesurvey], "wjx": [wjx], "tencent_wj": [tencent_wj],
        "tencent_docs": [tencent_docs], "google_forms": [google_forms], "ms_forms": [ms_forms], "spss": [spss], "stata": [stata], "ga4": [ga4],
        "xes": [xes, packed_xes], "excel": [excel, old_excel, web_excel], "feather": [feather], "parquet": [parquet],
    }.items()
    for write in writers
}  # fmt: skip


def everything(table):
    """Return all that a table holds, as text: rows, labels, notes and what was done."""
    parts = {
        "rows": table.frame.to_csv(), "said": reading_lines(table), "questions": table.questions, "values": table.values, "several": table.several,
        "notes": table.notes, "doubts": table.doubts, "left out": table.left_out, "protected": [vars(p) for p in table.protected],
    }  # fmt: skip
    return {name: str(part).encode() for name, part in parts.items()}


def test_every_form_has_a_writer():
    assert set(WRITERS.values()) == set(get_args(FormatName))


@pytest.mark.parametrize("write", WRITERS, ids=lambda w: w.__name__)
def test_nobody_is_left_after_reading(write, tmp_path):
    planted = Canaries()
    chinese = {"encoding": "gb18030"} if WRITERS[write] in ("wjx", "tencent_wj") else {}
    source = FileSource(source="file", path=str(write(tmp_path, planted)), **chinese)
    table = read_file(source)
    assert table.format == WRITERS[write]
    assert planted.leaks(everything(table)), "the search finds what is there"
    columns = list(map(str, table.frame.columns))
    for settings in (Protect(), Protect(free_text="scrubbed")):
        for used in (None, [c for c in columns if "q1" in c or "desk" in c.lower()]):
            found = protect(table, settings, used=used)
            leaks = planted.leaks(everything(found))
            assert not leaks, "\n".join(leaks)
            assert found.protected
    rows, _, opened = open_dated(source)
    frame = rows if isinstance(rows, pd.DataFrame) else rows.collect().to_pandas()
    assert not planted.leaks({"rows": frame.to_csv().encode(), "said": "\n".join(reading_lines(opened)).encode()})


@pytest.mark.parametrize("write", WRITERS, ids=lambda w: w.__name__)
def test_nobody_is_in_a_draft(write, tmp_path):
    planted, data = Canaries(), tmp_path / "data"
    data.mkdir()
    (tmp_path / "drafts").mkdir()
    path, said = write(data, planted), ""
    try:
        done = draft_study(path, out=tmp_path / "drafts" / "p.yml")
        said = "\n".join(describe(done))
    except XMError as error:
        said = str(error)
    leaks = planted.leaks(left_in(tmp_path / "drafts") | {"said": said.encode()})
    assert not leaks, "\n".join(leaks)
