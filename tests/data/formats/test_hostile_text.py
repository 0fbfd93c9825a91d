"""Text as mail, editors and broken transfers leave it ends in the right answers or in an error that says what to do."""

import contextlib

import pytest
from exports import read
from hypothesis import given, settings
from hypothesis import strategies as st

from xmresearch.errors import DataError, XMError

WJX = "序号,提交答卷时间,所用时间,1、满意度,2、意见\n1,2026/3/1,49秒,5,服务很好下次再来\n2,2026/3/1,50秒,(跳过),办理速度快环境整洁\n"
QUALTRICS = (
    'StartDate,Q1,Q1\n"Start\nDate","How ""was""\n it?",b\n"{""ImportId"":""startDate""}","{""ImportId"":""Q""}",'
    '"{""ImportId"":""R""}"\n2026-03-01,"a, ""b""\nc",3\n'
)
SURVEYMONKEY = "Respondent ID,Collector ID,Which?,,How?\n,,Web,Phone,Response\n1,7,Web,,5\n2,7,,,4\n"
LIMESURVEY = "id,submitdate,G1Q1[SQ1],G1Q1[SQ2]\n1,2026-03-01,Y,N\n2,,N,Y\n"
GA4 = "# ----\n# Account: A\n# Start date: 20260101\nday,users,events\n1,5,6\n\nnote\n"
GOOGLE = "Timestamp,Course [Pace],\n2026/03/01 8:36:23 PM EST,Good,x\n"
TENCENT = "编号,开始答题时间,结束答题时间,答题时长,1.如何？:A.好,1.如何？:B.坏,\n1,02-Mar-2026,02-Mar-2026,9,A.好,,\n"
EXPORTS = (WJX, QUALTRICS, SURVEYMONKEY, LIMESURVEY, GA4, GOOGLE, TENCENT)


def written(path, raw):
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_every_encoding_line_end_and_mark_gives_the_same_answers(tmp_path, encoding, end, mark):
    text = WJX.replace(",", mark).replace("\n", end)
    table = read(written(tmp_path / "w.csv", text.encode(encoding)))
    assert (table.format, table.frame.shape) == ("wjx", (2, 5))
    assert table.frame["1、满意度"].iloc[0] == 5
    assert table.frame["2、意见"].tolist() == ["服务很好下次再来", "办理速度快环境整洁"]
    assert table.declared_missing == {"1、满意度": 1}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_quotes_and_line_breaks_stay_in_their_cells(tmp_path, end):
    table = read(written(tmp_path / "q.csv", QUALTRICS.replace("\n", end).encode()))
    assert list(table.frame) == ["StartDate", "Q1", "Q1 (2)"]
    assert table.questions["Q1"] == 'How "was" it?'
    assert "".join(table.frame["Q1"].iloc[0].split()) == 'a,"b"c'
    assert table.frame["Q1 (2)"].tolist() == [3]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a,b\n" + b"1,2\n" * 3000 + b"1,\x00\n", "NUL byte in line 3002"),
        (WJX.encode("utf-16-le"), "not a text file"),
        ("a,b\nsch\u00f6n,1\n".encode("latin-1"), "data.encoding"),
        (b"a,a\n1,2\n", "duplicate columns"),
        (b"", "is empty"),
        (b"x" * 100_000_000 + b",b\n1,2\n", "field larger than field limit"),
    ],
    ids=["NUL", "UTF-16 without mark", "latin-1", "duplicates", "empty", "a long header"],
)
def test_what_cannot_be_read_is_said(tmp_path, raw, said):
    with pytest.raises(DataError, match=said):
        read(written(tmp_path / "h.csv", raw))


def test_a_cell_of_100_mb_is_read(tmp_path):
    frame = read(written(tmp_path / "h.csv", b'a,b\n1,"' + b"x" * 100_000_000 + b'"\n2,y\n')).frame
    assert frame["b"].str.len().tolist() == [100_000_000, 1]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(EXPORTS),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(list('",;\n\r\t#{}[]:┋—é1 ') + [""])), max_size=6),
    st.floats(0, 1),
)
def test_exports_with_characters_put_in_or_cut_off_end_in_our_errors_alone(tmp_path_factory, text, edits, cut):
    for at, put in edits:
        k = int(at * len(text))
        text = text[:k] + put + text[k + 1 :]
    path = tmp_path_factory.mktemp("f") / "f.csv"
    with contextlib.suppress(XMError):
        read(written(path, text[: int((0.2 + 0.8 * cut) * len(text))].encode()))
