"""Event logs in XES: what they hold, what they lack, and what must not be read."""

import gzip
import io
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from exports import EXPORTS, needs_exports, read

from xmresearch.attribution.reading import read_touches
from xmresearch.data.formats import xes_stream
from xmresearch.data.readers import scan_survey
from xmresearch.data.touches import load_touches
from xmresearch.errors import DataError
from xmresearch.studies.attribution.params import AttributionParams
from xmresearch.sufficient.event_log import EventLog

ATTRIBUTES = """<string key="concept:name" value="{activity}"/><date key="time:timestamp" value="{time}"/>"""


def event(activity="web", time="2025-03-01T10:00:00.000+08:00", more=""):
    return f"<event>{ATTRIBUTES.format(activity=activity, time=time)}{more}</event>"


def trace(name, *events, more=""):
    return f'<trace><string key="concept:name" value="{name}"/>{more}{"".join(events)}</trace>'


def written(path, *inside, head="<?xml version='1.0' encoding='UTF-8'?>", root="<log xes.version='1.0'>"):
    raw = f"{head}{root}{''.join(inside)}</log>".encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.xes"


@needs_exports
@pytest.mark.parametrize(
    ("name", "cases", "events", "activities", "frequent", "first", "lifecycle"),
    [
        ("repair_1970_clock.xes.gz", 1104, 11855, 8, {"Test Repair": 3016}, "1970-01-01T06:36:00.000+01:00", {"complete": 7733, "start": 4122}),
        ("road_fines_variants.xes.gz", 231, 1891, 11, {"Payment": 386}, "2000-01-31T00:00:00", None),
        ("running_example.xes", 6, 42, 8, {"check ticket": 9}, "2010-12-30T11:02:00.000+01:00", None),
    ],
)  # fmt: skip
def test_logs_that_tools_wrote(name, cases, events, activities, frequent, first, lifecycle):
    table = read(EXPORTS / "xes" / name)
    frame = table.frame
    assert (table.format, table.why) == ("xes", "the ending .xes")
    assert (frame["case"].nunique(), len(frame), frame["activity"].nunique()) == (cases, events, activities)
    assert frame["activity"].value_counts().head(1).to_dict() == frequent
    assert frame["time"].min() == pd.Timestamp(first)
    assert (frame["lifecycle"].value_counts().to_dict() if "lifecycle" in frame else None) == lifecycle
    assert list(frame)[:3] == ["case", "activity", "time"]
    assert [table.questions[c] for c in list(frame)[:3]] == ["case:concept:name", "concept:name", "time:timestamp"]


@needs_exports
def test_attributes_of_the_textbook_log_keep_their_names():
    table = read(EXPORTS / "xes/running_example.xes")
    assert {"resource", "case:creator", "Activity", "Resource", "Costs"} < set(table.frame)
    assert table.questions["resource"] == "org:resource"
    assert table.frame["Costs"].dtype == np.int64
    assert table.roles == {"case": "id", "resource": "name", "Resource": "name"}


def test_types_are_those_that_the_log_gives(path):
    kinds = """<int key="n" value="3"/><int key="long" value="9007199254740993"/><float key="x" value="1.5"/><boolean key="b" value="true"/>
        <id key="u" value="00ab"/><date key="due" value="2025-03-02"/><string key="s" value=" 满意 "/><string key="blank" value=""/>
        <string key="code" value="007"/>"""
    written(path, trace("1", event(more=kinds), event()))
    frame = read(path).frame
    assert frame["n"].tolist()[0] == 3
    assert frame["n"].isna().tolist() == [False, True]
    assert frame["long"].dropna().tolist() == [9007199254740993]
    assert frame.loc[0, ["x", "b", "u", "s", "code"]].tolist() == [1.5, True, "00ab", "满意", "007"]
    assert frame["due"][0] == pd.Timestamp("2025-03-02")
    assert frame["blank"].isna().all()


def test_a_type_that_does_not_hold_is_said_and_the_text_kept(path):
    written(
        path,
        trace(
            "1",
            event(more='<int key="n" value="3"/><date key="d" value="soon"/>'),
            event(more='<int key="n" value="many"/>'),
        ),
    )
    table = read(path)
    assert table.frame["n"].tolist() == ["3", "many"]
    assert table.frame["d"].dropna().tolist() == ["soon"]
    assert any("'n' is not a number throughout" in note for note in table.notes)
    assert any("'d' is not a time throughout" in note for note in table.notes)


def test_attributes_of_attributes_and_lists(path):
    nested = """<string key="org:resource" value="A"><string key="role" value="clerk"><int key="level" value="2"/></string></string>
        <list key="steps"><values><string key="a" value="x"/><string key="a" value="y"/></values></list>
        <list key="old"><string key="a" value="x"/></list><container key="box"><int key="n" value="1"/></container>"""
    written(path, trace("1", event(more=nested)))
    row = read(path).frame.iloc[0]
    assert row[["resource", "org:resource.role", "org:resource.role.level", "steps", "old", "box"]].tolist() == [
        "A",
        "clerk",
        2,
        "x; y",
        "x",
        1,
    ]


def test_namespaces_globals_and_attributes_of_the_log(path):
    head = '<extension name="Time" prefix="time" uri="u"/><global scope="event"><string key="concept:name" value="__INVALID__"/><string key="org:resource" value="nobody"/></global><global scope="trace"><string key="vip" value="no"/></global><classifier name="c" keys="concept:name"/><string key="source" value="x"/>'
    for root in ('<log xmlns="http://www.xes-standard.org/">', "<log>"):
        table = read(
            written(path, head, trace("1", event(more='<string key="org:resource" value="A"/>'), event()), root=root)
        )
        assert list(table.frame) == ["case", "activity", "time", "resource"]
        assert table.frame["resource"].isna().tolist() == [False, True]
        assert "The log declares 'org:resource' of every event, but 1 have none; they are blank." in table.notes


def test_names_that_the_columns_have_already(path):
    more = '<string key="case" value="x"/><string key="time" value="y"/><string key="case:vip" value="z"/>'
    table = read(written(path, trace("1", event(more=more), more='<boolean key="vip" value="true"/>')))
    assert {
        "event:case": "case",
        "event:time": "time",
        "case:vip": "case:vip",
        "event:case:vip": "case:vip",
    }.items() <= table.questions.items()
    assert table.frame.loc[0, ["event:case", "event:time", "case:vip", "event:case:vip"]].tolist() == [
        "x",
        "y",
        True,
        "z",
    ]


def test_traces_without_name_or_events_and_events_without_trace(path):
    unnamed = f"<trace>{event('a')}</trace>"
    table = read(
        written(path, unnamed, unnamed, trace("7"), trace("8", event("b")), trace("8", event("c")), event("d"))
    )
    assert table.frame["activity"].tolist() == ["a", "a", "b", "c", "d"]
    assert table.frame["case"].tolist()[:4] == ["(trace 1)", "(trace 2)", "8", "8"]
    assert table.frame["case"].isna().tolist()[4]
    assert table.notes[:3] == (
        "2 trace(s) have no name; each was taken for a case of its own.", "1 trace(s) have no events; they have no row.",
        "Several traces have the same name; their events were taken for those of one case.",
    )  # fmt: skip


def test_a_name_after_the_events_is_the_name_of_their_trace(path):
    late = f'<trace>{event("a")}<string key="concept:name" value="9"/></trace>'
    assert read(written(path, late)).frame["case"].tolist() == ["9"]


@pytest.mark.parametrize(
    ("times", "found", "told"),
    [
        (["2025-03-01T10:00:00", "2025-03-01T10:00:00.5"], ["2025-03-01 10:00:00", "2025-03-01 10:00:00.5"], ""),
        (["2025-03-01T10:00:00Z", "2025-03-01T10:00:00.123456+08:00"], ["2025-03-01 10:00:00+00:00", "2025-03-01 02:00:00.123456+00:00"], r"+08:00"),
        (["2025-03-01T10:00:00+0800", "2025-03-01"], ["2025-03-01 02:00:00+00:00", "2025-03-01 00:00:00+00:00"], "1 value(s) of 'time:timestamp' say no time zone"),
        (["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z"], ["1970-01-01 00:00:00+00:00", "1969-12-31 23:59:59+00:00"], ""),
    ],
)  # fmt: skip
def test_times_with_and_without_zones(path, times, found, told):
    table = read(written(path, trace("1", *(event(time=t) for t in times))))
    assert [str(t) for t in table.frame["time"]] == [str(pd.Timestamp(t)) for t in found]
    assert any(told in note for note in table.notes) if told else table.notes == ()


def test_a_time_that_is_none_is_named(path):
    written(path, trace("1", event(), event(time="yesterday")))
    with pytest.raises(DataError, match=r"1 event\(s\) have a time that cannot be read: event 2 \('yesterday'\)"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<log><trace>", "not a readable event log in XES"),
        ("", "not a readable event log in XES"),
        ("<html><log/></html>", "no event log: it begins with <html>|web page"),
        ("<?xml version='1.0'?><mxml><log/></mxml>", "no event log: it begins with <mxml>"),
        ("<log/>", r"holds no events \(0 traces\)"),
        ("<log>" + "<list key='a'>" * 100 + "</list>" * 100 + "</log>", "more than 32 deep"),
        ("<!DOCTYPE log [<!ENTITY a 'b'>]><log><trace/></log>", "declares entities"),
        ("<?xml version='1.0'?><!DOCTYPE log SYSTEM 'http://localhost/x.dtd'><log><trace/></log>", "declares entities"),
    ],
)
def test_what_is_no_log_is_refused(path, text, message):
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read(path)


def test_entities_that_multiply_cost_nothing(path):
    laughs = "".join(f'<!ENTITY l{k + 1} "{f"&l{k};" * 10}">' for k in range(12))
    path.write_text(
        f'<!DOCTYPE log [<!ENTITY l0 "ha">{laughs}]><log><trace><string key="a" value="&l12;"/></trace></log>'
    )
    tracemalloc.start()
    with pytest.raises(DataError, match="declares entities"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


@pytest.mark.parametrize("times", [0.5, 2])
def test_a_packed_log_that_unpacks_to_too_much_is_left(tmp_path, monkeypatch, times):
    """A comment of blanks packs a thousandfold; the size from which the ratio counts is lowered to keep the test small."""
    monkeypatch.setattr(xes_stream, "SMALL_UNPACKED", 100_000)
    noise = "".join(event(activity=f"{k * 7919 % 10007:x}") for k in range(400))
    body = len(gzip.compress(noise.encode()))
    path = written(
        tmp_path / "log.xes.gz", f"<!--{' ' * int(times * xes_stream.LARGEST_RATIO * body)}-->", trace("1", noise)
    )
    if times > 1:
        with pytest.raises(DataError, match=r"'log\.xes\.gz' unpacks to more than .* MB from"):
            read(path)
    else:
        assert len(read(path).frame) == 400


@pytest.mark.parametrize("cut", [5, 40, 200])
def test_a_packed_log_cut_off_is_refused(tmp_path, cut):
    path = written(tmp_path / "log.xes.gz", trace("1", *(event(f"a{k}") for k in range(50))))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"not a readable event log in XES.*cut off"):
        read(path)


def test_a_log_is_told_by_its_content(tmp_path):
    for ending in ("xml", "csv", "txt"):
        path = written(tmp_path / f"log.{ending}", "<extension/>", trace("1", event()))
        table = read(path)
        assert (table.format, table.why) == ("xes", "its content")
        assert table.notes[0] == f"The file is an event log in XES, though its name ends in '.{ending}'."
    (tmp_path / "answers.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(DataError, match=r"is packed \(gzip\)\. Unpack it first"):
        read(tmp_path / "answers.csv.gz")


def test_a_long_log_is_gone_through_without_holding_its_tree(tmp_path):
    one = trace("1", *(event(f"a{k % 5}", more=f'<string key="note" value="{"x" * 200}"/>') for k in range(100)))
    path = written(tmp_path / "log.xes", one * 100)
    tracemalloc.start()
    assert len(read(path).frame) == 10_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the tree of this log alone takes over 30 MB
    assert peak < 15e6


@needs_exports
def test_the_study_of_journeys_runs_from_a_log():
    data = {"path": str(EXPORTS / "xes/repair_1970_clock.xes.gz")}
    params = AttributionParams.model_validate({"data": data, "events": {"converting": ["Archive Repair"]}})
    assert (params.events.customer, params.events.time, params.events.touchpoint) == ("case", "time", "activity")
    rows = load_touches(params.data).rows
    found = read_touches(rows, **params.reading()).summary()
    complete = rows[(rows["lifecycle"] == "complete") & (rows["activity"] != "Archive Repair")]
    assert (found["journeys"], found["conversions"], found["touches"]) == (1104, 1000, len(complete))
    only = read_touches(rows[rows["lifecycle"] == "complete"].drop(columns="lifecycle"), **params.reading()).summary()
    assert found == only
    streamed = EventLog(
        EXPORTS / "xes/repair_1970_clock.xes.gz", customer="case", touchpoint="activity", converting=("Archive Repair",)
    ).journeys()
    assert float(streamed.weight.sum()) == 1104


def test_columns_that_are_named_stay_named(tmp_path):
    given = {"data": {"path": "a.xes.gz"}, "events": {"customer": "case:vip", "converting": ["x"]}}
    assert AttributionParams.model_validate(given).events.customer == "case:vip"
    plain = AttributionParams.model_validate({"data": {"path": "a.csv"}, "events": {"converting": ["x"]}})
    assert (plain.events.customer, plain.events.touchpoint) == ("customer", "touchpoint")
    other = AttributionParams.model_validate(
        {"data": {"path": "a.xml", "format": "xes"}, "events": {"converting": ["x"]}}
    )
    assert other.events.customer == "case"


def test_every_form_can_be_opened_as_a_stream(tmp_path):
    import openpyxl
    import pyreadstat

    frame = pd.DataFrame({"id": [1, 2, 3], "t": ["a", "b", None], "x": [0.5, 1.5, 2.5]})
    pyreadstat.write_sav(frame, tmp_path / "s.sav")
    pyreadstat.write_dta(frame, tmp_path / "s.dta")
    frame.to_feather(tmp_path / "s.feather")
    frame.to_excel(tmp_path / "s.xlsx", index=False)
    for name in ("s.sav", "s.dta", "s.feather", "s.xlsx"):
        found = scan_survey(tmp_path / name).collect()
        assert found.to_dict(as_series=False) == {"id": [1, 2, 3], "t": ["a", "b", None], "x": [0.5, 1.5, 2.5]}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.dta", "s.feather", "s.sav", "s.xlsx"]
    book = openpyxl.Workbook()
    for row in (["a"], [1], ["x"]):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    (tmp_path / "mixed.xlsx").write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match=r"'mixed\.xlsx' cannot be read|Column 'a' holds values of several types"):
        scan_survey(tmp_path / "mixed.xlsx").collect()
