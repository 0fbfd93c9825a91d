"""Starts and completions of activities as intervals."""

import pandas as pd
import pytest
from exports import EXPORTS, needs_exports, read

from xmresearch.errors import DataError
from xmresearch.sufficient.lifecycle import activity_intervals


def log(*steps, case="1", activity="a"):
    says = {"s": "start", "c": "complete", "p": "suspend"}
    return pd.DataFrame({"case": case, "activity": activity, "time": [pd.Timestamp("2025-03-01") + pd.Timedelta(seconds=t) for t, _ in steps],
                         "lifecycle": [says[what] for _, what in steps]})  # fmt: skip


def by_hand(steps):
    """The first that is open is the first to be completed."""
    waiting, found = [], []
    for t, what in sorted(steps, key=lambda step: (step[0], step[1] == "c")):
        if what == "s":
            waiting.append(t)
        elif what == "c":
            found.append(t - waiting.pop(0) if waiting else None)
    return found


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([(0, "s"), (5, "c")], [5]),
        ([(0, "s"), (2, "s"), (5, "c"), (9, "c")], [5, 7]),
        ([(3, "c"), (4, "s"), (9, "c")], [None, 5]),
        ([(0, "s"), (1, "c"), (2, "c"), (3, "c"), (4, "s"), (6, "c")], [1, None, None, 2]),
        ([(0, "s"), (1, "p"), (7, "c"), (8, "s")], [7]),
        ([(0, "c"), (0, "s")], [0]),
        ([(0, "s")], []),
    ],
)
def test_pairs(steps, seconds):
    found = activity_intervals(log(*steps))
    assert found["seconds"].to_list() == seconds == by_hand(steps)
    assert found.columns == ["case", "activity", "started", "completed", "seconds"]


def test_each_case_and_activity_is_paired_for_itself():
    parts = [log((0, "s"), (9, "c")), log((1, "s"), (3, "c"), case="2"), log((2, "s"), (4, "c"), activity="b")]
    found = activity_intervals(pd.concat(parts))
    assert found.select("case", "activity", "seconds").rows() == [("1", "b", 2.0), ("1", "a", 9.0), ("2", "a", 2.0)]


@needs_exports
def test_every_repair_that_was_started_and_completed():
    frame = read(EXPORTS / "xes/repair_1970_clock.xes.gz").frame
    found = activity_intervals(frame)
    want = []
    for _, group in frame.groupby(["case", "activity"]):
        at = (group["time"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
        want += by_hand(list(zip(at, group["lifecycle"].str[0], strict=True)))
    assert len(found) == 7733
    assert sorted(found["seconds"].drop_nulls()) == sorted(w for w in want if w is not None)
    assert found["seconds"].null_count() == sum(w is None for w in want)
    assert found["seconds"].drop_nulls().min() >= 0


def test_what_is_no_log_is_refused():
    with pytest.raises(DataError, match="no column 'lifecycle'"):
        activity_intervals(log((0, "s")).drop(columns="lifecycle"))
    with pytest.raises(DataError, match="'time' is of type Int64, not datetimes"):
        activity_intervals(log((0, "s")).assign(time=1))
