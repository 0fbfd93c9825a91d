"""How rows become cases, and what is computed of them: by hand."""

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.errors import DataError, InsufficientData
from xmresearch.journeys import PathStage, WorkingHours
from xmresearch.journeys.declared_paths import align
from xmresearch.journeys.rare_activities import pool_rare

START = pd.Timestamp("2025-03-03 09:00")


def rows(*events, lifecycle=None):
    """Events as (case, activity, minute[, says]); times count from a Monday at nine."""
    frame = pd.DataFrame([e[:3] for e in events], columns=["case", "activity", "time"])
    frame["time"] = START + pd.to_timedelta(frame["time"], unit="min")
    if lifecycle:
        frame["lifecycle"] = [e[3] for e in events]
    return frame


def minutes(values):
    return [round(v / 60, 6) if np.isfinite(v) else None for v in values]


def test_starts_are_paired_with_completions_first_in_first_out():
    log = xm.journeys.read_cases(rows(
        (1, "a", 0, "start"), (1, "a", 5, "start"), (1, "a", 7, "complete"), (1, "b", 8, "complete"), (1, "a", 9, "complete"),
        (1, "a", 12, "complete"), (1, "c", 13, "start"), (2, "b", 1, "suspend"), (2, "b", 2, "complete"), lifecycle=True,
    ))  # fmt: skip
    assert minutes(log.worked) == [7, None, 4, None, None]
    assert [log.sequence(k) for k in range(2)] == [("a", "b", "a", "a"), ("b",)]
    assert log.noted == {"other_transitions": 1, "without_start": 3, "without_end": 1}
    # from the first start to the last completion
    assert minutes(log.throughput) == [12, 0]
    # a start before the completion of the step before is no wait
    assert minutes(log.waited) == [None, 1, 0, 3, None]


def test_ties_keep_the_order_of_rows_or_the_declared_one():
    frame = rows((1, "b", 0), (1, "a", 0), (1, "c", 0), (2, "a", 3), (2, "a", 3))
    log = xm.journeys.read_cases(frame)
    assert log.sequence(0) == ("b", "a", "c")
    assert log.noted == {"same_time": 2, "same_rows": 1}
    assert xm.journeys.read_cases(frame, tie_order=["a", "c", "b"]).sequence(0) == ("a", "c", "b")
    # what is named comes first
    assert xm.journeys.read_cases(frame, tie_order=["c"]).sequence(0) == ("c", "b", "a")


def test_rows_in_any_order_give_the_same_log():
    frame = rows((1, "a", 0), (1, "b", 4), (2, "a", 1), (2, "c", 9), (2, "b", 11))
    one = xm.journeys.read_cases(frame)
    other = xm.journeys.read_cases(frame.sample(frac=1, random_state=3))
    assert [one.sequence(k) for k in range(2)] == [other.sequence(k) for k in range(2)]
    assert (one.throughput == other.throughput).all()


def test_a_pause_begins_a_new_case_and_customers_stay():
    frame = rows((1, "a", 0), (1, "b", 10), (1, "a", 200), (2, "a", 5))
    log = xm.journeys.read_cases(frame, gap="1h")
    assert len(log) == 3
    assert log.customer.tolist() == [0, 0, 1]


def test_open_cases_count_for_as_long_as_they_were_seen():
    """Five cases: 10, 20 and 40 minutes, and two that are open after 15 and 60: survival 4/5, then 4/5 x 2/3, then half of that."""
    log = xm.journeys.read_cases(
        rows(
            (1, "a", 50), (1, "z", 60), (2, "a", 20), (2, "z", 40), (3, "a", 0), (3, "z", 40), (4, "a", 45), (5, "a", 0)
        ),
        ends=["z"],
    )
    assert log.closed.tolist() == [True, True, True, False, False]
    found = xm.journeys.case_times(log).until_closed
    assert found["median"] * 60 == pytest.approx(40)
    assert found["open"] == 2


def test_the_median_with_open_cases_is_that_of_the_curve():
    rng = np.random.default_rng(4)
    long = np.rint(rng.exponential(300, 80))
    begin = rng.integers(0, 600, 80)
    seen = begin + long <= 900
    events = [(k, "a", int(b)) for k, b in enumerate(begin)] + [
        (k, "z", int(b + d)) for k, (b, d, s) in enumerate(zip(begin, long, seen, strict=True)) if s
    ]
    log = xm.journeys.read_cases(rows(*events), ends=["z"])
    end = max(e[2] for e in events)
    order = np.argsort([e[0] for e in events[:80]])
    curve = xm.monitoring.survival_curve(np.where(seen, long, end - begin)[order], seen[order])
    low, high = (curve.quantiles([0.5])[k].iloc[0] for k in ("lower", "upper"))
    found = xm.journeys.case_times(log).until_closed
    assert found["median"] * 60 == pytest.approx(curve.quantiles([0.5])["quantile"].iloc[0])
    # another interval, by customers: near Brookmeyer and Crowley's
    assert found["lower"] * 60 == pytest.approx(low, rel=0.15)
    assert found["upper"] * 60 == pytest.approx(high, rel=0.15)


def test_working_time_leaves_out_nights_weekends_and_holidays():
    hours = WorkingHours(9, 17, "CN")
    moment = lambda text: float(pd.Timestamp(text).timestamp())  # noqa: E731
    clock = hours.clock(np.array([moment(t) for t in (
        "2025-01-24 16:00", "2025-01-25 12:00", "2025-01-26 10:00", "2025-02-05 10:00", "2025-02-05 03:00", "2025-02-05 20:00")]))  # fmt: skip
    spent = (clock - clock[0]) / 3600
    # Friday's last hour; Sunday 26 January is worked to make up; the holiday runs to 4 February
    assert spent.tolist() == [0, 1, 2, 18, 17, 25]
    assert (
        WorkingHours(9, 17, "", weekends=True).clock(np.array([moment("2025-01-25 12:00"), moment("2025-01-24 16:00")]))
        @ [1, -1]
        == 4 * 3600
    )
    with pytest.raises(DataError, match="Opening hours"):
        WorkingHours(17, 9)


def test_a_sequence_is_aligned_at_the_fewest_departures():
    path = [
        PathStage("in", ("a",)),
        PathStage("work", ("b", "c"), repeats=True),
        PathStage("more", ("d",), optional=True),
        PathStage("out", ("e",)),
    ]
    for text, departures in (
        ("abe", []), ("abcbe", []), ("abde", []), ("ae", [("skipped", "work")]), ("abxe", [("extra", "x")]), ("bae", [("extra", "b"), ("skipped", "work")]),
        ("", [("skipped", "in"), ("skipped", "work"), ("skipped", "out")]), ("abxbe", [("extra", "x")]), ("aabe", [("extra", "a")]),
    ):  # fmt: skip
        found, places = align(tuple(text), path)
        assert len(found) == len(departures), text
        assert sorted(found) == sorted(departures) or text == "bae", text
        assert len(places) == len(text)


def test_time_limits_are_from_one_step_of_the_path_to_the_next():
    frame = rows(
        (1, "a", 0), (1, "b", 50), (1, "b", 130), (2, "a", 0), (2, "x", 30), (2, "b", 70), (3, "a", 0), (3, "b", 60)
    )
    path = [PathStage("in", ("a",)), PathStage("out", ("b",), repeats=True, within="1h")]
    held = xm.journeys.conformance(xm.journeys.read_cases(frame), path)
    assert held.late.tolist() == [0, 1, 0]
    assert held.fits.tolist() == [True, False, True]
    assert held.departures.tolist() == [0, 1, 0]


def test_queues_obey_littles_law():
    rng = np.random.default_rng(1)
    arrived = np.cumsum(rng.exponential(10, 200))
    left = arrived + rng.exponential(25, 200)
    events = [(k, "a", t, "complete") for k, t in enumerate(arrived)] + [
        (k, "b", t, "start") for k, t in enumerate(left)
    ]
    events += [(k, "b", t + 5, "complete") for k, t in enumerate(left)]
    table = xm.journeys.step_queues(xm.journeys.read_cases(rows(*events, lifecycle=True)))
    row = table.iloc[0]
    assert row["queue_mean"] == pytest.approx(row["arrivals"] / 24 * row["wait_mean_hours"])
    grid = np.linspace(arrived[0], left.max(), 20_001)
    waiting = ((arrived[:, None] <= grid) & (grid < left[:, None])).sum(axis=0)
    assert row["queue_mean"] == pytest.approx(waiting.mean(), rel=0.01)
    assert row["queue_most"] == waiting.max()


def test_rare_activities_are_one_that_none_can_be_told_from():
    events = (
        [(k, "a", 0) for k in range(40)]
        + [(k, "b", 5) for k in range(40)]
        + [(k, "c", 7) for k in range(15)]
        + [(0, "rare", 9), (1, "odd", 9)]
    )
    log, pooled = pool_rare(xm.journeys.read_cases(rows(*events)), 10)
    assert pooled == 3
    assert set(log.activities) == {"a", "b", "(other)"}
    assert pool_rare(xm.journeys.read_cases(rows(*events[:80])), 10)[1] == 0


def test_a_map_has_at_most_the_steps_asked_for_and_nothing_floats():
    rng = np.random.default_rng(8)
    events = []
    for k in range(400):
        path = ["a", *rng.permutation(list("bcdefgh"))[: rng.integers(0, 5)], "z"]
        events += [(k, step, 10 * i) for i, step in enumerate(path)]
    log = xm.journeys.read_cases(rows(*events), goal=["h"])
    for most in (6, 12, 30):
        drawn = xm.journeys.step_map(log, steps=most)
        assert 0 < len(drawn.edges) <= most
        ahead = drawn.edges.groupby("source")["target"].agg(set).to_dict()
        reached, waiting = {"(start)"}, ["(start)"]
        while waiting:
            fresh = ahead.get(waiting.pop(), set()) - reached
            reached |= fresh
            waiting += list(fresh)
        assert reached == set(drawn.nodes["node"])
        assert set(drawn.nodes["node"]) & {"(converted)", "(left)"}
        inner = set(drawn.nodes.loc[drawn.nodes["kind"] == "touchpoint", "node"])
        assert inner <= set(drawn.edges["source"])


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"case": "who"}, DataError, "who"), ({"ends": ["q"]}, DataError, "'q'"), ({"goal": ["q"]}, DataError, "goal"),
        ({"lifecycle": "activity"}, DataError, "never says"), ({"score": "activity"}, DataError, "activity"), ({"attributes": ["q"]}, DataError, "q"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(more, error, said):
    with pytest.raises(error, match=said):
        xm.journeys.read_cases(rows((1, "a", 0), (1, "b", 4)), **more)


def test_groups_and_changes_need_two_sides():
    log = xm.journeys.read_cases(rows((1, "a", 0), (1, "b", 4), (2, "a", 9)))
    with pytest.raises(InsufficientData, match="one group"):
        xm.journeys.compare_groups(log, ["x", "x"])
    with pytest.raises(InsufficientData, match="one side"):
        xm.journeys.before_after(log, np.ones(2, dtype=bool))


def test_names_that_differ_in_form_and_a_robot_are_told():
    from xmresearch.journeys.concerns import odd_about
    from xmresearch.journeys.rare_activities import merge_label_forms

    events = [(k, a, n) for k in range(30) for n, a in enumerate(("Email", "email", "web"))] + [
        (99, "web", n) for n in range(70)
    ]
    log = xm.journeys.read_cases(rows(*events, (0, "(not set)", 9)))
    kinds = {c.kind: c.facts for c in odd_about(log)}
    assert set(kinds) == {"same_forms", "placeholder_labels", "longest_case"}
    assert kinds["longest_case"]["steps"] == 70
    one = merge_label_forms(log)
    assert set(one.activities) == {"Email", "web", "(not set)"}
    assert one.sequence(1) == ("Email", "Email", "web")
    # a case that is long is no robot where others are as long
    assert not odd_about(xm.journeys.read_cases(rows(*[(k, "abc"[n % 3], n) for k in range(9) for n in range(20)])))
