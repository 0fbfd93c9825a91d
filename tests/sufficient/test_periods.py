"""Periods are found in the calendar, whatever a date is written as, and lie at their real distances."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, ParamsError
from xmresearch.sufficient.calendar import span
from xmresearch.sufficient.cells import Cells
from xmresearch.sufficient.periods import Periods, Start

MONTHS = tuple(f"2024-{k:02d}" for k in range(1, 13))
FIRSTS = tuple(pd.date_range("2024-01-01", periods=12, freq="MS"))


@pytest.mark.parametrize(
    ("labels", "kind", "given", "taken"),
    [
        (MONTHS, "text", "2024-07-01", 6),
        (MONTHS, "text", "2024-07-31", 6),
        (MONTHS, "text", date(2024, 7, 15), 6),
        (MONTHS, "text", pd.Timestamp("2024-07-15 09:30", tz="Asia/Shanghai"), 6),
        (MONTHS, "text", pd.Period("2024-07", "M"), 6),
        (MONTHS, "text", "2024-Q3", 6),
        (MONTHS, "text", "2024/07", 6),
        (MONTHS, "text", 202407, 6),
        (MONTHS, "text", "2024", 0),
        (MONTHS, "text", "2025-01-01", 12),
        (MONTHS, "text", "2023-12-31", 0),
        (("2024-01", "2024-02", "2024-05"), "text", "2024-03-15", 2),
        (("2024-Q1", "2024-Q2", "2024-Q3"), "text", "2024-05", 1),
        (("2024-W26", "2024-W27", "2024-W28"), "text", "2024-07-05", 1),
        (("2023", "2024", "2025"), "text", "2024-07", 1),
        ((2023, 2024, 2025), "number", "2024-07-01", 1),
        ((202406, 202407, 202408), "number", "2024-07-20", 1),
        ((1, 2, 3), "number", 2.5, 2),
        (FIRSTS, "date", "2024-07-15", 6),
        (tuple(pd.date_range("2024-01-31", periods=12, freq="ME")), "date", "2024-07-15", 6),
        (tuple(pd.date_range("2024-01-01", periods=4, freq="QS")), "date", "2024-08-20", 2),
        (tuple(pd.date_range("2024-01-03", periods=9, freq="7D")), "date", "2024-01-16", 1),
        (tuple(pd.date_range("2024-01-01", periods=2, freq="MS")), "date", "2024-01-15", 1),
        (tuple(pd.date_range("2024-07-01", periods=4, freq="D")), "date", pd.Timestamp("2024-07-02 18:00"), 1),
    ],
)
def test_a_date_counts_from_the_period_that_holds_it(labels, kind, given, taken):
    assert Periods.of("t", labels, kind).locate(given) == taken


@pytest.mark.parametrize("given", ["3", "2024-S1", "July", "2024-13", "2024-W60", None])
def test_what_is_no_period_is_refused(given):
    with pytest.raises(DataError, match="is no period of time column 't'.*run from '2024-01' to '2024-12'"):
        Periods.of("t", MONTHS, "text").locate(given)


def test_what_was_converted_is_said():
    months = Periods.of("t", MONTHS, "text")
    assert months.converted("2024-07-01") == Start("2024-07-01", "2024-07", "mapped")
    assert months.converted("2024-07-02") == Start("2024-07-02", "2024-07", "within")
    assert months.converted("2024-Q3") == Start("2024-Q3", "2024-07", "longer")
    assert months.converted("2024-07") is None
    assert months.converted("2025-01-01") is None
    assert Periods.of("t", FIRSTS, "date").converted("2024-07-01") is None
    assert Periods.of("t", FIRSTS, "date").converted("2024-07-09").case == "within"


@pytest.mark.parametrize(
    ("labels", "kind", "steps"),
    [
        (MONTHS[:4], "text", [0, 1, 2, 3]),
        (("2024-02", "2024-03", "2024-07"), "text", [0, 1, 5]),
        (("2023-Q4", "2024-Q1", "2024-Q4"), "text", [0, 1, 4]),
        ((2000, 2004, 2008, 2010), "number", [0, 2, 4, 5]),
        ((202311, 202312, 202401), "number", [0, 1, 2]),
        (tuple(pd.date_range("2024-01-31", periods=3, freq="ME")), "date", [0, 1, 2]),
        (("2024-12-30", "2025-01-06", "2025-01-27"), "text", [0, 1, 4]),
        (("2024-W52", "2025-W01", "2025-W02"), "text", [0, 1, 2]),
        (("1", "2", "10"), "text", [0, 1, 9]),
        (("2024-S1", "2024-S2", "2025-S2"), "text", [0, 1, 2]),
    ],
)
def test_periods_lie_at_their_real_distances(labels, kind, steps):
    assert Periods.of("t", labels, kind).steps.tolist() == steps


def test_distances_that_are_no_whole_steps_leave_the_order():
    uneven = Periods.of("t", (0.0, 1.0, 2.5), "number")
    assert uneven.steps.tolist() == [0, 1, 2.5]
    assert uneven.when.tolist() == [0, 1, 2]


def test_no_date_is_none():
    assert span("never") is None
    assert span(3.5) is None
    assert span(float("nan")) is None
    assert span("0999") is None
    assert span(pd.NaT) is None


def answers(days, **columns):
    rng = np.random.default_rng(0)
    unit = np.arange(len(days)) % 4
    return pd.DataFrame({"u": unit, "t": days, "y": rng.integers(1, 6, len(days))}).assign(**columns)


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(
    ("period", "labels"),
    [
        ("week", 52), ("month", 12), ("quarter", 4), ("year", 1), ("day", 364), (None, 12),
    ],
)  # fmt: skip
def test_dates_are_put_into_periods(period, labels, as_text):
    days = pd.date_range("2024-01-01 08:15", periods=364, freq="D")
    frame = answers(days.strftime("%Y-%m-%d %H:%M") if as_text else days)
    cells = Cells.of(frame, outcome="y", unit="u", time="t", period=period)
    assert len(cells.periods) == labels
    assert cells.n.sum() == 364
    assert cells.guessed is (period is None)
    whole = Cells.of(frame.iloc[:99], outcome="y", unit="u", time="t", period=period or "month")
    rest = Cells.of(frame.iloc[99:], outcome="y", unit="u", time="t", period=period or "month")
    np.testing.assert_allclose((whole + rest).mean, cells.mean)


def test_few_dates_and_regular_ones_stay_as_they_are():
    for days in (pd.date_range("2024-01-01", periods=31), pd.date_range("2020-01-06", periods=200, freq="7D")):
        cells = Cells.of(answers(days), outcome="y", unit="u", time="t")
        assert len(cells.periods) == len(days)
        assert not cells.guessed
    weeks = Cells.of(answers(pd.date_range("2024-01-01", periods=70)), outcome="y", unit="u", time="t")
    assert weeks.periods.labels[:2] == ("2024-W01", "2024-W02")


def test_a_treatment_that_starts_within_a_period_counts_for_all_of_it():
    days = pd.date_range("2024-01-01", periods=60)
    frame = answers(days, d=lambda f: ((f["u"] < 2) & (f["t"] >= "2024-02-10")).astype(int))
    cells = Cells.of(frame, outcome="y", unit="u", time="t", treated="d", period="month")
    assert cells.within == 2
    status = dict(zip(zip(cells.unit.tolist(), cells.time.tolist(), strict=True), cells.arms[cells.arm], strict=True))
    assert [status[u, 1] for u in range(4)] == [1, 1, 0, 0]
    assert len(status) == 8


def test_times_that_are_no_dates_are_refused():
    frame = answers(["2024-Q1", "2024-Q2"])
    with pytest.raises(DataError, match="'2024-Q1', a quarter, which is longer than a month"):
        Cells.of(frame, outcome="y", unit="u", time="t", period="month")
    with pytest.raises(DataError, match="holds '3', which is no date to put into a month"):
        Cells.of(answers([3, 4]), outcome="y", unit="u", time="t", period="month")
    with pytest.raises(ParamsError, match="period is 'monht'.*Did you mean 'month'"):
        Cells.of(frame, outcome="y", unit="u", time="t", period="monht")


@pytest.mark.parametrize(
    ("chinese", "iso"),
    [("2025年3月", "2025-03"), ("2025年3月5日", "2025-03-05"), ("2025年第2季度", "2025-Q2"), ("2025年", "2025")],
)
def test_periods_may_be_written_in_chinese(chinese, iso):
    assert span(chinese) == span(iso)
