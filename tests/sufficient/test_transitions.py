"""Transitions add up, are the same however the rows come, and nothing that is left out goes uncounted."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import DataError, InsufficientData, ModelError, ParamsError
from xmresearch.sufficient import event_stream
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import Journeys
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import START, Transitions, transitions

COLUMNS = {"conversion": "settled", "value": "value", "cost": "cost"}
DAY = datetime(2025, 3, 1)


def by_hand(paths: list[list[str]], ends: list[bool], order: int) -> dict[tuple[tuple[str, ...], str], int]:
    counts: dict[tuple[tuple[str, ...], str], int] = {}
    for path, won in zip(paths, ends, strict=True):
        symbols = ["^"] * order + path + ["+" if won else "-"]
        for k in range(order, len(symbols)):
            step = (tuple(symbols[k - order : k]), symbols[k])
            counts[step] = counts.get(step, 0) + 1
    return counts


def named(found: Transitions) -> dict[tuple[tuple[str, ...], str], int]:
    label = {START: "^", **dict(enumerate(found.channels)), len(found.channels): "+", len(found.channels) + 1: "-"}
    return {
        (tuple(label[c] for c in found.states[r].tolist()), label[s]): int(n)
        for r, s, n in zip(found.row.tolist(), found.symbol.tolist(), found.count.tolist(), strict=True)
    }


def assert_same(a: Transitions, b: Transitions) -> None:
    assert a.channels == b.channels
    for name in ("states", "row", "symbol"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for name in ("count", "value", "squares", "valued", "cost"):
        left, right = getattr(a, name), getattr(b, name)
        if left is None:
            assert right is None
        else:
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=name)


def events(*rows: tuple[object, ...], **options: object) -> EventLog:
    frame = pd.DataFrame(rows, columns=["customer", "time", "touchpoint", "won"][: len(rows[0])])
    return EventLog(frame, conversion="won" if "won" in frame else None, **options)


@pytest.fixture(scope="module")
def hall() -> pd.DataFrame:
    return TouchpointLog(1500, 5).events()


@settings(max_examples=30, deadline=None)
@given(
    data=st.lists(
        st.tuples(st.lists(st.sampled_from("abcd"), min_size=1, max_size=7), st.booleans()), min_size=1, max_size=20
    ),
    order=st.integers(1, 4),
)
def test_counts_equal_counting_by_hand(data, order):
    paths, ends = [p for p, _ in data], [w for _, w in data]
    frame = pd.DataFrame({"path": [" > ".join(p) for p in paths], "conversions": [int(w) for w in ends]})
    assert named(transitions(read_paths(frame), order)) == by_hand(paths, ends, order)
    rows = [
        (k, DAY + timedelta(hours=h), t, w and h == len(p) - 1)
        for k, (p, w) in enumerate(data)
        for h, t in enumerate(p)
    ]
    assert named(transitions(events(*rows), order)) == by_hand(paths, ends, order)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_parts_add_to_the_whole_and_lower_orders_follow(hall, order):
    of = lambda part, k: transitions(EventLog(part, **COLUMNS), k)  # noqa: E731
    whole = of(hall, order)
    cut = hall["customer"] < 400
    assert_same(of(hall[cut], order) + of(hall[~cut], order), whole)
    assert_same(of(hall, 4).lower(order), whole)
    with pytest.raises(ValueError, match="do not add"):
        _ = whole + of(hall, order + 1)


def test_parts_with_other_channels_add():
    a, b = (transitions(read_paths(pd.DataFrame({"path": [p], "conversions": [1]})), 2) for p in ("a > c > a", "b > c"))
    both = transitions(read_paths(pd.DataFrame({"path": ["a > c > a", "b > c"], "conversions": [1, 1]})), 2)
    assert_same(a + b, both)
    assert (a + b).conversions == 2


def test_every_source_gives_the_same(hall, tmp_path):
    expected = transitions(EventLog(hall, **COLUMNS), 2)
    hall.to_parquet(tmp_path / "one.parquet")
    hall.to_csv(tmp_path / "one.csv", index=False)
    (tmp_path / "folder").mkdir()
    for k in range(3):
        hall.iloc[k * 1500 : (k + 1) * 1500 if k < 2 else None].to_parquet(tmp_path / "folder" / f"{k}.parquet")
    mixed = hall.sample(frac=1, random_state=1)
    sources = [tmp_path / "one.parquet", tmp_path / "one.csv", tmp_path / "folder", pl.from_pandas(hall), pl.from_pandas(hall).lazy(),
               mixed, hall.assign(touchpoint=hall["touchpoint"].astype("category")), hall.assign(customer=hall["customer"].map("{:05d}".format)),
               pl.from_pandas(mixed).with_columns(pl.col("customer").cast(pl.String))]  # fmt: skip
    for source in sources:
        assert_same(transitions(EventLog(source, **COLUMNS), 2), expected)
    assert_same(transitions(EventLog(hall, **COLUMNS).journeys(), 2), expected)


def test_small_slices_and_many_parts_change_nothing(hall, monkeypatch):
    log = EventLog(hall, **COLUMNS, gap="2d", lookback="5d", repeats="drop")
    expected = transitions(log, 2)
    assert {"before_lookback", "repeats"} <= set(expected.left_out)
    monkeypatch.setattr(event_stream, "SLICE_ROWS", 3)
    small = transitions(log, 2)
    assert_same(small, expected)
    assert small.left_out == expected.left_out
    monkeypatch.setattr(event_stream, "SORTED_AT_ONCE", 500)
    mixed = transitions(
        EventLog(hall.sample(frac=1, random_state=2), **COLUMNS, gap="2d", lookback="5d", repeats="drop"), 2
    )
    assert_same(mixed, expected)
    assert mixed.left_out == expected.left_out


def test_a_conversion_a_pause_and_the_window_end_a_journey():
    hour = timedelta(hours=1)
    rows = [(1, DAY, "a", 0), (1, DAY + hour, "b", 1), (1, DAY + 2 * hour, "c", 0), (1, DAY + 90 * hour, "d", 1)]
    expected = {"": [(["a", "b"], True), (["c", "d"], True)], "gap": [(["a", "b"], True), (["d"], True)],
                "lookback": [(["a", "b"], True), (["d"], True)]}  # fmt: skip
    for option, journeys in expected.items():
        log = events(*rows, **({option: "48h"} if option else {}))
        found = transitions(log, 1)
        assert named(found) == by_hand([p for p, _ in journeys], [w for _, w in journeys], 1)
    assert found.left_out == {"before_lookback": 1}
    found = transitions(events(*rows, gap="48h", after_conversion="new_journey"), 1)
    assert named(found) == by_hand([["a", "b"], ["c"], ["d"]], [True, False, True], 1)
    assert found.left_out == {"lost_after_conversion": 1}
    for options, path, left in (
        ({"after_conversion": "ignore"}, [], {"after_conversion": 2, "later_conversions": 1}),
        ({"after_conversion": "ignore", "gap": "48h"}, [["d"]], {"after_conversion": 1}),
    ):
        found = transitions(events(*rows, **options), 1)
        assert named(found) == by_hand([["a", "b"], *path], [True, True][: 1 + len(path)], 1)
        assert found.left_out == left


def test_touchpoints_that_are_the_conversion_are_no_channels():
    rows = [(1, DAY, "a"), (1, DAY + timedelta(1), "Purchase"), (2, DAY, "Purchase"), (3, DAY, "b")]
    found = transitions(events(*rows, converting=("Purchase",)), 1)
    assert named(found) == by_hand([["a"], ["b"]], [True, False], 1)
    assert found.left_out == {"empty_journeys": 1, "empty_conversions": 1}


def test_repeats_and_blanks_and_mappings():
    rows = [(1, 0, " a "), (1, 1, "A"), (1, 2, None), (1, 3, "b"), (2, 0, "x"), (None, 0, "b"), (2, 1, "buy")]
    options = {"mapping": {"a": "one", "A": "one", "b": "two"}, "converting": ("buy",), "repeats": "drop"}
    found = transitions(events(*rows, unknown="drop", **options), 1)
    assert named(found) == by_hand([["one", "two"]], [False], 1)
    assert found.left_out == {
        "repeats": 1,
        "blank_touchpoints": 1,
        "unknown_touchpoints": 1,
        "blank_customers": 1,
        "empty_journeys": 1,
        "empty_conversions": 1,
    }
    assert transitions(events(*rows, unknown="keep", **options), 1).channels == ("one", "two", "x")
    with pytest.raises(DataError, match="The channel mapping has no 'x'"):
        transitions(events(*rows, **options), 1)


def test_times_that_cannot_be_read_are_named_by_row():
    rows = [
        (1, "2025-03-01 10:00:00", "a", 0),
        (1, "yesterday", "b", 1),
        (2, None, "a", 0),
        (2, "2025-03-01 11:00:00", "a", 1),
    ]
    with pytest.raises(
        DataError, match=r"'time' has 2 time\(s\) that are blank or cannot be read: row 2 \(yesterday\), row 3 \(None\)"
    ):
        transitions(events(*rows), 1)


def test_times_in_the_future_are_an_error_or_left_out():
    rows = [(1, DAY, "a", 0), (1, datetime(2999, 1, 1), "b", 1)]
    with pytest.raises(DataError, match=r"1 time\(s\) in the future: row 2 \(2999-01-01"):
        transitions(events(*rows), 1)
    now = datetime.now()
    assert transitions(events((1, now + timedelta(hours=1), "a", 1)), 1).journeys == 1
    with pytest.raises(DataError, match="in the future"):
        transitions(events((1, now + timedelta(days=7), "a", 1)), 1)
    found = transitions(events(*rows, until="2026-01-01"), 1)
    assert found.left_out == {"after_until": 1}
    assert named(found) == by_hand([["a"]], [False], 1)


@pytest.mark.parametrize("kind", ["date", "seconds", "float", "text", "zoned"])
def test_times_of_every_kind(kind):
    days = pd.date_range("2025-01-01", periods=4)
    stamps = days.astype("datetime64[s]").astype("int64")
    time = {"date": days.date, "seconds": stamps, "float": stamps / 1.0,
            "text": days.strftime("%Y-%m-%d %H:%M:%S"), "zoned": days.tz_localize("Asia/Shanghai")}[kind]  # fmt: skip
    frame = pd.DataFrame({"customer": 1, "time": time, "touchpoint": list("abcd"), "won": [0, 0, 0, 1]})
    found = transitions(EventLog(frame, conversion="won", gap="36h"), 1)
    assert named(found) == by_hand([list("abcd")], [True], 1)
    assert transitions(EventLog(frame, conversion="won", gap="12h"), 1).journeys == 4


def test_rows_out_of_order_are_refused_where_order_is_promised(monkeypatch):
    rows = [(2, DAY, "a", 0), (1, DAY, "b", 1)]
    with pytest.raises(DataError, match="ordered=True"):
        transitions(events(*rows, ordered=True), 1)
    assert transitions(events(*rows), 1).journeys == 2
    back = [(1, DAY, "a", 0), (1, DAY - timedelta(1), "b", 1)]
    for slice_rows in (1, 10):
        monkeypatch.setattr(event_stream, "SLICE_ROWS", slice_rows)
        with pytest.raises(DataError, match="not sorted by 'customer' and 'time'"):
            transitions(events(*back, ordered=True), 1)
        found = transitions(events(*back, after_conversion="new_journey"), 1)
        assert named(found) == by_hand([["b"], ["a"]], [True, False], 1)


def test_negative_amounts_are_named_by_row():
    frame = pd.DataFrame(
        {"customer": [1, 1], "time": [0, 1], "touchpoint": ["a", "b"], "won": [0, 1], "value": [0.0, -5.0]}
    )
    with pytest.raises(DataError, match=r"'value' is negative or infinite in 1 row\(s\): row 2 \(-5.0\)"):
        transitions(EventLog(frame, conversion="won", value="value"), 1)
    with pytest.raises(DataError, match=r"'cost' is negative or infinite in 1 row\(s\): row 2"):
        transitions(EventLog(frame.rename(columns={"value": "cost"}), conversion="won", cost="cost"), 1)
    paths = pd.DataFrame({"path": ["a", "b", "c"], "conversions": [1, -2, None]})
    with pytest.raises(
        DataError, match=r"'conversions' is negative, infinite or blank in 2 row\(s\): row 2 \(-2.0\), row 3"
    ):
        read_paths(paths)
    with pytest.raises(DataError, match=r"'v' is negative or infinite in 1 row\(s\): row 1"):
        read_paths(pd.DataFrame({"path": ["a"], "conversions": [1], "v": [-1.0]}), value="v")


def test_paths_without_touchpoints_are_counted():
    frame = pd.DataFrame(
        {
            "path": ["a > b", "", None, " > ", "a > > b", "b"],
            "conversions": [1, 2, 0, 3, 4, 0],
            "v": [5, 0, 0, 0, 0, 7.0],
        }
    )
    found = read_paths(frame, value="v")
    assert found.left_out == {
        "empty_journeys": 6,
        "empty_conversions": 5,
        "blank_touchpoints": 10,
        "value_without_conversion": 1,
    }
    assert float(found.conversions.sum()) == 5
    assert float(found.value.sum()) == 5
    sums = pd.DataFrame({"path": ["a", "a"], "conversions": [4, 1], "nulls": [9, 0], "v": [12.0, 7]})
    both = transitions(read_paths(sums, value="v", nulls="nulls"), 1)
    assert (both.value.sum(), both.squares.sum(), both.valued.sum()) == (19, 144 / 4 + 49, 2)
    with pytest.raises(InsufficientData, match="No row of column 'path' has a touchpoint"):
        read_paths(frame[1:4])


def test_equal_paths_written_apart_are_one():
    frame = pd.DataFrame({"path": ["a>b", "a > b", "a  >  b"], "conversions": [1, 1, 0]})
    found = transitions(read_paths(frame), 1)
    assert (found.conversions, found.nulls) == (2, 1)
    dashed = transitions(
        read_paths(pd.DataFrame({"path": ["a-b", "a - b", "a-b"], "conversions": [1, 1, 0]}), separator="-"), 1
    )
    assert_same(found, dashed)


def test_ten_thousand_channels_and_ten_thousand_steps():
    rng = np.random.default_rng(0)
    codes = np.concatenate([np.arange(10_000), rng.integers(0, 10_000, 40_000)]).astype(np.int32)
    starts = np.arange(0, 50_001, 5)
    won = (np.arange(10_000) % 2).astype(float)
    wide = Journeys(tuple(f"c{k:05d}" for k in range(10_000)), codes, starts, won, 1 - won, 0 * won, 0 * won, 0 * won)
    found = transitions(wide, 2)
    assert found.journeys == 10_000
    assert found.volume.sum() == 50_000
    pooled = found.pooled(50)
    assert len(pooled.channels) == 50
    assert (pooled.journeys, pooled.volume.sum()) == (found.journeys, found.volume.sum())
    with pytest.raises(ModelError, match="10000 channels at order 5"):
        transitions(wide, 5)
    frame = pd.DataFrame({"path": [" > ".join(np.array(list("abc"))[rng.integers(0, 3, 10_000)])], "conversions": [1]})
    assert transitions(read_paths(frame), 3).volume.sum() == 10_000


def test_growing_channels_keep_what_was_counted():
    rows = [(k, 0, f"c{k:03d}", 1) for k in range(300)]
    found = transitions(events(*rows), 2)
    assert found.conversions == 300
    assert (found.count == 1).sum() >= 300


def test_what_cannot_be_asked_is_refused(hall):
    with pytest.raises(ParamsError, match="order of the chain is 0"):
        transitions(EventLog(hall, **COLUMNS), 0)
    with pytest.raises(DataError, match="no column 'setled'.*Did you mean 'settled'"):
        transitions(EventLog(hall, conversion="setled"), 1)
    with pytest.raises(ParamsError, match="Nothing says which events are conversions"):
        EventLog(hall)
    with pytest.raises(ParamsError, match="gap is 'soon'"):
        EventLog(hall, conversion="settled", gap="soon")
    with pytest.raises(DataError, match="'touchpoint' is of type"):
        transitions(EventLog(hall, conversion="touchpoint"), 1)
    with pytest.raises(ModelError, match="hold no order 3"):
        transitions(EventLog(hall, **COLUMNS), 2).lower(3)
    with pytest.raises(InsufficientData, match="no journey"):
        transitions(EventLog(hall[:0], **COLUMNS), 1)
