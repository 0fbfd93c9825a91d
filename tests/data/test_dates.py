"""Dates are read in the forms people write, in the one order that all values allow; else both readings are said."""

import pandas as pd
import polars as pl
import pytest
from exports import CASES, EXPORTS, needs_exports, read

from xmresearch.data.config import FileSource
from xmresearch.data.dated_columns import dated, dated_scan, from_excel
from xmresearch.data.dates import read_dates
from xmresearch.data.panel import load_panel
from xmresearch.data.touches import load_touches
from xmresearch.errors import DataError


def iso(*texts, **settings):
    found = read_dates(texts, "when", **settings).texts
    return [found.get(t, t) for t in texts]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2025年3月", "2025-03"), ("2025年3月5日", "2025-03-05"), ("２０２５年３月５日", "2025-03-05"), ("2025年第1季度", "2025-Q1"),
        ("2025年三季度", "2025-Q3"), ("Q1 2025", "2025-Q1"), ("2025 Q4", "2025-Q4"), ("2025年", "2025"), ("Mar 2025", "2025-03"),
        ("March, 2025", "2025-03"), ("3/2025", "2025-03"), ("2025.3", "2025-03"), ("02-Mar-2026", "2026-03-02"),
        ("02-Mar-2026 09:05:10", "2026-03-02T09:05:10"), ("March 5th, 2025", "2025-03-05"), ("5 September 2025", "2025-09-05"),
        ("2025/3/5", "2025-03-05"), ("2025/3/5 下午 3:20", "2025-03-05T15:20:00"), ("2025/3/5 上午12:05", "2025-03-05T00:05:00"),
        ("2018/12/12 8:36:23 PM EST", "2018-12-12T20:36:23-05:00"), ("2025-3-5T10:00Z", "2025-03-05T10:00:00+00:00"),
        ("2025-03-05 10:00:00.123456 GMT+8", "2025-03-05T10:00:00.123456+08:00"), ("31/12/2025", "2025-12-31"),
        ("12/31/2025", "2025-12-31"), ("4/28/21 11:21:47", "2021-04-28T11:21:47"), ("31.12.2025", "2025-12-31"),
        ("03.04.2025", "2025-04-03"), ("4/28/21 1:48:42 am", "2021-04-28T01:48:42"), ("2025年3月5日 10时20分30秒", "2025-03-05T10:20:30"),
        ("Wed, 5 Mar 2025 10:00:00 +0100", "2025-03-05T10:00:00+01:00"),
    ],
)  # fmt: skip
def test_forms_that_people_write(text, written):
    assert iso(text) == [written]


@pytest.mark.parametrize(
    "text",
    [
        "wave 1",
        "2025-13-01",
        "31/02/2025 x",
        "30.02.2025x",
        "1999",
        "2025-03-05",
        "2025-W05",
        "before",
        "5 of 7",
        "12:30",
    ],
)
def test_what_is_no_date_or_in_order_already_stays(text):
    assert iso(text) == [text]


def test_one_value_settles_the_order_of_a_column():
    assert iso("3/4/2025", "13/4/2025") == ["2025-04-03", "2025-04-13"]
    assert iso("3/4/2025", "4/13/2025") == ["2025-03-04", "2025-04-13"]
    found = read_dates(["3/4/2025", "13/4/2025"], "when")
    assert found.said == "Dates of 'when': '3/4/2025' is 2025-04-03 (dmy, as '13/4/2025' shows)."


def test_what_no_value_settles_is_asked_with_both_readings():
    with pytest.raises(
        DataError,
        match=r"'3/4/2025' can be read as 2025-04-03 \(dmy\) or 2025-03-04 \(mdy\).*Set data.dates to dmy or mdy",
    ):
        iso("3/4/2025", "5/6/2025")
    with pytest.raises(DataError, match="2003-04-05 .ymd"):
        iso("03-04-05")
    assert iso("3/4/2025", order="dmy") == ["2025-04-03"]
    assert iso("3/4/2025", order="mdy") == ["2025-03-04"]
    assert iso("03-04-05", order="ymd") == ["2003-04-05"]


def test_what_is_a_day_in_no_order_settles_nothing():
    assert iso("00/00/0000", "13/4/2025") == ["00/00/0000", "2025-04-13"]
    assert iso("32/13/2025", "4/13/2025", order="mdy") == ["32/13/2025", "2025-04-13"]
    assert iso("1/1/2025", "5/5/2025") == ["2025-01-01", "2025-05-05"]


def test_orders_that_contradict_each_other_are_named():
    with pytest.raises(DataError, match="in no one order of day, month and year, such as '13/4/2025' and '4/13/2025'"):
        iso("13/4/2025", "4/13/2025")
    with pytest.raises(DataError, match=r"'4/13/2025' is no date in the order dmy \(1 such"):
        iso("3/4/2025", "4/13/2025", order="dmy")


def test_zones():
    assert iso("2025-03-05 10:00", time_zone="Asia/Shanghai") == ["2025-03-05T10:00:00+08:00"]
    assert iso("2025-03-05T10:00:00Z", time_zone="Asia/Shanghai") == ["2025-03-05T18:00:00+08:00"]
    with pytest.raises(DataError, match="the zone CST, which stands for several.*data.time_zone"):
        iso("2025/3/5 10:00 CST")
    assert iso("2025/3/5 10:00 CST", time_zone="Asia/Shanghai") == ["2025-03-05T10:00:00+08:00"]


def test_moments_are_put_on_a_clock():
    moments = pd.Series(pd.to_datetime(["2025-03-05 10:00", None]), name="t")
    assert dated(moments)[1] == ""
    assert str(dated(moments, time_zone="Asia/Shanghai")[0][0]) == "2025-03-05 10:00:00+08:00"
    zoned = moments.dt.tz_localize("UTC")
    assert str(dated(zoned, time_zone="Asia/Shanghai")[0][0]) == "2025-03-05 18:00:00+08:00"


def test_days_as_excel_counts_them_are_read_where_the_params_say_so():
    assert [from_excel(45717), from_excel(45717.5), from_excel(7)] == ["2025-03-01", "2025-03-01T12:00:00", None]
    numbers = pd.Series([45717, 45718.25], name="t")
    assert dated(numbers)[0].tolist() == [45717, 45718.25]
    assert dated(numbers, order="excel")[0].tolist() == ["2025-03-01", "2025-03-02T06:00:00"]
    with pytest.raises(DataError, match="Column 't': 7 is no day as Excel counts them"):
        dated(pd.Series([7], name="t"), order="excel")
    assert dated(pd.Series([20250301], name="t"), order="ymd")[0].tolist() == ["2025-03-01"]


def test_a_column_gets_one_form_and_keeps_its_blanks():
    found, said = dated(pd.Series(["2025/3/5", "2025/12/15", None, "2025-03-05"], name="t"))
    assert found.tolist()[:2] == ["2025-03-05", "2025-12-15"]
    assert found.isna().tolist() == [False, False, True, False]
    assert said == "Dates of 't': '2025/3/5' is 2025-03-05."


def test_scans_are_read_like_tables():
    texts = ["13/4/2025", "3/4/2025", None, "soon"]
    rows, said = dated_scan(pl.LazyFrame({"t": texts, "x": [1, 2, 3, 4]}), "t")
    assert rows.collect()["t"].to_list() == ["2025-04-13", "2025-04-03", None, "soon"]
    assert "'13/4/2025' is 2025-04-13" in said
    moments = pl.LazyFrame({"t": pd.to_datetime(["2025-03-05 10:00"])})
    assert str(dated_scan(moments, "t", time_zone="Asia/Shanghai")[0].collect()["t"][0]) == "2025-03-05 10:00:00+08:00"
    numbers = dated_scan(pl.LazyFrame({"t": [20250305, 20250306]}), "t", order="ymd")[0]
    assert numbers.collect()["t"].to_list() == ["2025-03-05", "2025-03-06"]
    plain = pl.LazyFrame({"t": ["2025-04-13"]})
    assert dated_scan(plain, "t") == (plain, "")


def rollout(path, form):
    months = [(2025, m) for m in range(1, 7)]
    rows = [
        {"branch": f"b{b}", "month": form(y, m), "rollout": form(2025, 4) if b < 3 else None, "y": b + m + (2 if b < 3 and m > 3 else 0) + (7 * b + 5 * m + 3 * k) % 11 / 10}
        for b in range(6) for y, m in months for k in range(4)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(path, index=False)
    return FileSource(source="file", path=str(path))


def test_a_panel_by_months_is_the_same_however_they_are_written(tmp_path):
    from xmresearch.causal.designs import did

    forms = [lambda y, m: f"{y}-{m:02d}", lambda y, m: f"{y}年{m}月", lambda y, m: f"{m}/{y}"]
    found = []
    for form in forms:
        panel = load_panel(rollout(tmp_path / "p.csv", form), dates=["month", "rollout"], numbers=["y"])
        found.append(did(panel.rows, outcome="y", unit="branch", time="month", cohort="rollout", draws=400, seed=1))
    assert [f.panel.periods.labels for f in found] == [tuple(f"2025-0{m}" for m in range(1, 7))] * 3
    estimates = [f.tidy()["estimate"].tolist() for f in found]
    assert estimates[1] == pytest.approx(estimates[0], abs=1e-9)
    assert estimates[2] == pytest.approx(estimates[0], abs=1e-9)


def test_a_panel_by_doubtful_days_is_refused(tmp_path):
    source = rollout(tmp_path / "p.csv", lambda y, m: f"1/{m}/{y}")
    with pytest.raises(
        DataError, match="Column 'month': '1/1/2025' can be read|Column 'month': '1/2/2025' can be read"
    ):
        load_panel(source, dates=["month", "rollout"])
    panel = load_panel(source.model_copy(update={"dates": "dmy"}), dates=["month", "rollout"])
    assert sorted(set(panel.rows["month"]))[:2] == ["2025-01-01", "2025-02-01"]
    assert "(dmy, as the params say)" in panel.table.notes[0]


def test_events_in_the_forms_of_a_tool_are_read(tmp_path):
    from xmresearch.attribution.reading import read_touches

    lines = ["customer,time,touchpoint,conversion"]
    lines += [
        f"c{k},{13 + k % 5}/3/2025 {h}:05,{t},{h // 11}"
        for k in range(30)
        for h, t in ((9, "web"), (10, "phone"), (11, "desk"))
    ]
    (tmp_path / "log.csv").write_text("\n".join(lines), "utf-8")
    source = FileSource(source="file", path=str(tmp_path / "log.csv"))
    data = load_touches(source, dates=["time"])
    assert data.rows["time"][0] == "2025-03-13T09:05:00"
    columns = {"customer": "customer", "time": "time", "touchpoint": "touchpoint", "conversion": "conversion"}
    assert read_touches(data.rows, form="events", columns=columns).summary()["conversions"] == 30


@needs_exports
def test_dates_of_real_exports():
    found, said = dated(read(EXPORTS / "nps" / "b2b_monthly_dmy.csv").frame.iloc[:, 0].rename("d"))
    columns = read(EXPORTS / "nps" / "b2b_monthly_dmy.csv").frame
    days = next(c for c in columns if columns[c].astype("string").str.contains("/").all())
    found, said = dated(columns[days])
    assert (found.min(), found.max()) == ("2023-01-12", "2023-06-30")
    assert "dmy" in said
    phones = read(EXPORTS / "ms_forms" / "phones.csv").frame
    start = next(c for c in phones if phones[c].astype("string").str.match(r"^\d+/\d+/\d\d \d").any())
    assert "2021-04-28T11:21:47" in set(dated(phones[start])[0])
    grid = read(EXPORTS / "google_forms" / "course_evaluation_grid.csv").frame
    stamps = dated(grid[grid.columns[0]])[0]
    assert (stamps.iloc[0], stamps.iloc[-1]) == ("2018-12-12T20:36:23-05:00", "2022-04-14T14:17:04-05:00")
    assert CASES.is_dir()


def test_the_encoding_that_is_given_is_taken_for_panels(tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes("filiale,y\nKöln,1\nDüsseldorf,2\n".encode("cp1252"))
    assert load_panel(FileSource(source="file", path=str(path), encoding="cp1252")).rows["filiale"].tolist() == [
        "Köln",
        "Düsseldorf",
    ]
