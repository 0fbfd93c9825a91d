"""Files as they come: what is read all the same, and what is refused with the column, the rows and what to do."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.errors import DataError, ParamsError, XMError
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import Transitions, transitions

HEADER = "customer,time,touchpoint,won"
DAY = datetime(2025, 3, 1)


def counted(path: Path, text: str, encoding: str = "utf-8", **options: object) -> Transitions:
    path.write_bytes(text.encode(encoding))
    return transitions(EventLog(path, conversion="won", **options), 1)


def of_times(path: Path, *times: str, latest: int = -1, **options: object) -> Transitions:
    won = latest % len(times)
    rows = [f"1,{t},{'ab'[k % 2]},{int(k == won)}" for k, t in enumerate(times)]
    return counted(path, "\n".join([HEADER, *rows]), **options)


def frame(**columns: object) -> dict[str, object]:
    return {"customer": [1, 2], "time": [DAY, DAY], "touchpoint": ["a", "b"], "won": [1, 0]} | columns


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.csv"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'log.csv' is empty"),
        (f"{HEADER}\n", "The data have no rows"),
        (f"{HEADER}\n1,2025-03-01,a,yes\n", r"'won' is of type String, not numeric: row 1 \(yes\)"),
        (f"{HEADER}\n1,2025-03-01,a,1,2,3\n", "'log.csv' is not a well-formed CSV, line 2: 6 cells"),
        ("customer,time,touchpoint,won,won\n1,2025-03-01,a,1,1\n", r"duplicate columns: 'won' \(2 times\)"),
    ],
)
def test_files_that_are_no_logs(path, text, message):
    with pytest.raises(DataError, match=message):
        counted(path, text)


def test_a_late_row_of_another_type(path):
    rows = [f"{k},2025-03-01,a,1,5" for k in range(1500)]
    head = f"{HEADER},value"
    assert counted(path, "\n".join([head, *rows, "9,2025-03-01,a,1,5.5"]), value="value").value.sum() == 7505.5
    assert counted(path, "\n".join([head, *rows, "x9,2025-03-01,7,1,5"]), value="value").channels == ("7", "a")
    with pytest.raises(DataError, match=r"'value' is of type String, not numeric: row 1501 \(n/a\)"):
        counted(path, "\n".join([head, *rows, "9,2025-03-01,a,1,n/a"]), value="value")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_names_in_any_script(path, encoding):
    late = "\n".join(f"c{k},2025-03-01,web,0" for k in range(200))
    found = counted(path, f"{HEADER}\n{late}\n张三,2025-03-01,微信,0\n张三,2025-03-02,大厅,1", encoding)
    assert found.channels == ("web", "大厅", "微信")
    assert (found.conversions, found.nulls) == (1, 200)


def test_other_files(tmp_path):
    (tmp_path / "log.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match="'log.xlsx' is not a readable Excel workbook"):
        transitions(EventLog(tmp_path / "log.xlsx", conversion="won"))
    (tmp_path / "log.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="'log.parquet' is not a readable Parquet file"):
        transitions(EventLog(tmp_path / "log.parquet", conversion="won"))
    for k, name in enumerate((1, "x")):
        pl.DataFrame(frame(customer=[name, name])).write_parquet(tmp_path / f"{k}.parquet")
    (tmp_path / "log.parquet").unlink()
    with pytest.raises(DataError, match="cannot be read: data type mismatch for column customer"):
        transitions(EventLog(tmp_path, conversion="won"))
    assert counted(tmp_path / "log.tsv", f"{HEADER}\n1,2025-03-01,a,1".replace(",", "\t")).conversions == 1


@pytest.mark.parametrize(
    "times",
    [
        ("2025-03-01", "2025-03-02 10:00:00", "2025-03-03T10:00"),
        ("2025/3/1", "2025/3/2 9:05", "2025-03-03 10:00:00.250"),
        ("2025-03-01T10:00:00Z", "2025-03-02T10:00:00+08:00", "2025-03-03T10:00:00.5+0800"),
        ("2025-03-01T10:00:00Z", "2025-03-02 10:00:00", "2025-03-03"),
        (" 2025-03-01 ", "2025-03-02 10:00:00+08", "2025-03-03 10:00"),
    ],
)
def test_times_written_as_in_iso_8601(path, times):
    found = of_times(path, *times, gap="40h")
    assert found.journeys == 1
    assert of_times(path, *times[::-1], latest=0, gap="40h").journeys == 1
    assert of_times(path, *times, gap="10h").journeys == 3


def test_zones_are_minded(path):
    assert of_times(path, "2025-03-01T10:00:00+08:00", "2025-03-01T03:00:00Z", gap="61min").journeys == 1
    assert of_times(path, "2025-03-01T10:00:00+08:00", "2025-03-01T03:00:00Z", gap="59min").journeys == 2
    zoned = pl.DataFrame(frame(customer=[1, 1], time=[DAY + timedelta(hours=h) for h in (7, 9)])).with_columns(
        pl.col("time").dt.replace_time_zone("Asia/Shanghai")
    )
    found = transitions(EventLog(zoned, conversion="won", until="2025-03-01 08:00"), 1)
    assert found.left_out == {"after_until": 1}


def test_days_of_which_the_month_is_not_known_are_not_guessed(path):
    with pytest.raises(DataError, match=r"2 time\(s\).*row 1 \(03/04/2025\), row 2 \(03/05/2025\).*time_format"):
        of_times(path, "03/04/2025", "03/05/2025")
    assert of_times(path, "03/04/2025", "03/05/2025", time_format="%m/%d/%Y", gap="36h").journeys == 1
    assert of_times(path, "03/04/2025", "03/05/2025", time_format="%d/%m/%Y", gap="36h").journeys == 2
    with pytest.raises(DataError, match="cannot be read: row 1"):
        of_times(path, "2025-03-01", "2025-03-02", time_format="%d/%m/%Y")


def test_days_written_as_numbers(path):
    with pytest.raises(DataError, match="numbers such as 20250228, which look like days"):
        of_times(path, "20250228", "20250301")
    assert of_times(path, "20250228", "20250301", time_format="%Y%m%d", gap="25h").journeys == 1
    for unit, name, zeros in (
        ("ms", "milliseconds", "000"),
        ("us", "microseconds", "000000"),
        ("ns", "nanoseconds", "000000000"),
    ):
        times = "1740823200" + zeros, "1740826800" + zeros
        for options in ({}, {"until": "2026-01-01"}):
            with pytest.raises(
                DataError, match=f"which look like {name} since 1970, not seconds. Give time_format='{unit}'"
            ):
                of_times(path, *times, **options)
        assert of_times(path, *times, time_format=unit, gap="61min").journeys == 1
        assert of_times(path, *times, time_format=unit, gap="59min").journeys == 2
    with pytest.raises(DataError, match="in the future.*Numbers are seconds since 1970"):
        of_times(path, "1740823200", "17408268000")


def test_blank_customers_however_written(path):
    found = counted(path, f'{HEADER}\n"",2025-03-01,a,1\n" ",2025-03-01,a,1\n,2025-03-01,a,1\nx,2025-03-02,b,1')
    assert found.left_out == {"blank_customers": 3}
    assert found.channels == ("b",)
    holes = transitions(EventLog(pl.DataFrame(frame(customer=[1.0, np.nan])), conversion="won"), 1)
    assert (holes.left_out, holes.journeys) == ({"blank_customers": 1}, 1)


def test_a_conversion_that_is_not_a_number_is_none():
    found = transitions(EventLog(pl.DataFrame(frame(won=[1.0, np.nan])), conversion="won"), 1)
    assert (found.conversions, found.nulls) == (1, 1)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"customer": [1, "x"]}, "'customer' holds values of several types: int, str"),
        ({"touchpoint": ["a", 5]}, "'touchpoint' holds values of several types: int, str"),
        ({"time": [DAY, "2025-03-01"]}, "'time' holds values of several types: datetime, str"),
        ({"time": [DAY, None]}, r"'time' has 1 time\(s\).*row 2"),
        ({"time": [True, False]}, "'time' is of type Boolean, which is no time"),
    ],
)
def test_columns_of_a_table_that_cannot_be_read(columns, message):
    with pytest.raises(DataError, match=message):
        transitions(EventLog(pd.DataFrame(frame(**columns)), conversion="won"), 1)


@pytest.mark.parametrize("column", ["customer", "touchpoint"])
@pytest.mark.parametrize(
    "values", [pl.Series([[1, 2], [3]]), pl.Series([{"a": 1}] * 2), pl.Series([1, "a"], dtype=pl.Object)]
)
def test_lists_and_objects_name_nobody(column, values):
    log = pl.DataFrame(frame()).with_columns(values.alias(column))
    with pytest.raises(DataError, match=f"Column '{column}' is of type .*, which names nobody and nothing"):
        transitions(EventLog(log, conversion="won"), 1)


def test_times_without_bound_are_named():
    log = pl.DataFrame({"customer": [1, 1], "time": [-np.inf, 5.0], "touchpoint": ["a", "b"], "won": [0, 1]})
    for form in (None, "ms"):
        with pytest.raises(DataError, match=r"'time' has 1 time\(s\) that are blank or cannot be read: row 1 \(-inf\)"):
            transitions(EventLog(log, conversion="won", time_format=form), 1)


def test_columns_named_twice():
    table = pd.DataFrame([[1, DAY, "a", 1, 1]], columns=[*HEADER.split(","), "won"])
    with pytest.raises(DataError, match="column 'won' more than once"):
        transitions(EventLog(table, conversion="won"), 1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"converting": "buy"}, ParamsError, "converting is the text 'buy'"),
        ({"mapping": {"a": " ", "b": "b"}}, ParamsError, "gives 'a' no channel"),
        ({"mapping": {"a": None, "b": "b"}}, ParamsError, "gives 'a' no channel"),
        ({"mapping": {}}, DataError, r"no 'a'\. Add it"),
        ({"gap": "1.2.3d"}, ParamsError, "gap is '1.2.3d'"),
        ({"lookback": "-3d"}, ParamsError, "lookback is '-3d'"),
        ({"gap": 0}, ParamsError, "gap is 0"),
        ({"until": "end of march"}, ParamsError, "until is 'end of march'"),
        ({"until": ""}, ParamsError, "until is ''"),
        ({"repeats": "once"}, ParamsError, "no rule 'once'"),
        ({"unknown": "rise"}, ParamsError, "no rule 'rise'.*Did you mean 'raise'"),
    ],
)
def test_rules_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        transitions(EventLog(pd.DataFrame(frame()), conversion="won", **options), 1)


def test_amounts_without_bound():
    for name in ("value", "cost"):
        with pytest.raises(DataError, match=rf"'{name}' is negative or infinite in 1 row\(s\): row 2 \(inf\)"):
            transitions(EventLog(pd.DataFrame(frame(**{name: [1, np.inf]})), conversion="won", **{name: name}), 1)
    paths = pd.DataFrame({"path": ["a", "b"], "conversions": [1, np.inf], "v": [np.inf, 1]})
    with pytest.raises(DataError, match=r"'conversions' is negative, infinite or blank in 1 row\(s\): row 2"):
        read_paths(paths)
    with pytest.raises(DataError, match=r"'v' is negative or infinite in 1 row\(s\): row 1"):
        read_paths(paths.assign(conversions=1), value="v")
    with pytest.raises(DataError, match=r"'path' is of type List\(String\), not text"):
        read_paths(pd.DataFrame({"path": [["a", "b"]], "conversions": [1]}))


def test_one_touch_at_the_edge_of_gap_and_window():
    rows = {"customer": [1, 1, 1], "touchpoint": list("abc"), "won": [0, 0, 1]}
    log = {
        "data": pd.DataFrame(rows | {"time": [DAY, DAY + timedelta(days=1), DAY + timedelta(days=3)]}),
        "conversion": "won",
    }
    assert transitions(EventLog(**log, gap="2d"), 1).journeys == 1
    assert transitions(EventLog(**log, gap=2 * 86400 - 1), 1).journeys == 2
    assert transitions(EventLog(**log, lookback="3d"), 1).left_out == {}
    assert transitions(EventLog(**log, lookback=3 * 86400 - 1), 1).left_out == {"before_lookback": 1}
    days = pd.DataFrame(rows | {"time": [date(2025, 3, d) for d in (1, 2, 4)]})
    assert transitions(EventLog(days, conversion="won", gap="2d", lookback="3d"), 1).left_out == {}


def test_rows_of_the_same_time_stay_in_their_order():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"customer": rng.integers(0, 40, 900), "time": 0, "touchpoint": rng.choice(list("abcd"), 900), "won": 0}
    )
    table.iloc[-1, 3] = 1
    apart = transitions(EventLog(table, conversion="won"), 2)
    together = transitions(EventLog(table.sort_values("customer", kind="stable"), conversion="won", ordered=True), 2)
    np.testing.assert_array_equal(apart.count, together.count)
    np.testing.assert_array_equal(apart.states, together.states)


@pytest.mark.parametrize("text", [HEADER, f"{HEADER}\n1,2,3", f"{HEADER}\n\x00\xff", f'"{HEADER}', "\n\n1"])
def test_rubbish_is_refused_in_our_words(path, text):
    with pytest.raises(XMError):
        counted(path, text, "latin-1")


@pytest.mark.parametrize(
    ("options", "paths", "found"),
    [
        ({"mapping": {"a": "A", "x": "A", "b": "B"}}, ["a>b", "a > b", "x > b"], 1),
        ({"mapping": {"a": "A", "b": "B"}, "unknown": "drop"}, ["a>b", "a>q>b", "b>a"], 2),
        ({}, ["a>b", "b>a", "a>b>a"], 3),
    ],
)
def test_sequences_are_counted_once_after_mapping(options, paths, found):
    rows = pd.DataFrame({"path": paths, "conversions": 6, "nulls": 4, "value": 10.0})
    given = read_paths(rows, nulls="nulls", value="value", **options)
    assert len(given) == found
    assert (given.conversions.sum(), given.nulls.sum(), given.value.sum()) == (18, 12, 30)


def test_blank_values_are_counted():
    rows = pd.DataFrame({"path": ["a", "b", "c"], "conversions": [3, 2, 0], "nulls": 1, "value": [9.0, np.nan, np.nan]})
    assert read_paths(rows, nulls="nulls", value="value").left_out == {"blank_values": 2}
    log = pd.DataFrame({"customer": [1, 2, 3], "time": [DAY] * 3, "touchpoint": list("aba"), "won": [1, 1, 0], "v": [5.0, np.nan, np.nan]})  # fmt: skip
    found = transitions(EventLog(log, conversion="won", value="v"))
    assert (found.left_out, found.conversions) == ({"blank_values": 1}, 2)


@pytest.mark.parametrize("slices", [None, 3])
def test_rows_that_stand_twice_are_counted_or_left_out(slices, monkeypatch):
    if slices:
        monkeypatch.setattr("xmresearch.sufficient.event_stream.SLICE_ROWS", slices)
    log = pd.DataFrame({"customer": [1, 1, 2, 2], "time": [DAY, DAY + timedelta(1)] * 2, "touchpoint": list("abab"), "won": [0, 1, 0, 1]})  # fmt: skip
    log = log.assign(cost=[1.0, 2.0, 3.0, 4.0])
    twice = log.loc[log.index.repeat(2)]
    assert transitions(EventLog(twice, conversion="won", cost="cost")).left_out == {"same_rows": 4}
    once, dropped = (transitions(EventLog(f, conversion="won", cost="cost", repeats="drop")) for f in (log, twice))
    np.testing.assert_array_equal(once.cost, dropped.cost)
    assert dropped.left_out == {"repeats": 4}
    np.testing.assert_array_equal(once.count, dropped.count)


def test_conversions_below_zero_are_refused():
    log = pd.DataFrame({"customer": [1, 2], "time": [DAY] * 2, "touchpoint": list("ab"), "won": [1, -1]})
    with pytest.raises(DataError, match=r"'won' is negative in 1 row\(s\): row 2 \(-1\)"):
        transitions(EventLog(log, conversion="won"))


def test_days_of_a_spreadsheet_are_refused_and_formats_hold_for_decimals():
    log = pd.DataFrame(
        {"customer": [1, 1, 1], "time": [45717, 45718, 45719], "touchpoint": list("aba"), "won": [0, 0, 1]}
    )
    with pytest.raises(DataError, match="45717, which look like days.*format the column as dates"):
        transitions(EventLog(log, conversion="won"))
    dated = log.assign(time=[20250301.0, 20250302.0, 20250303.0])
    found = transitions(EventLog(dated, conversion="won", time_format="%Y%m%d", gap="12h"))
    assert found.journeys == 3
