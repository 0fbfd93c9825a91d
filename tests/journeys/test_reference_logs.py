"""Real logs against pm4py 2.7.23.11: times, variants, rework, optimal alignments. Its figures are quoted, seconds as it gives them.

`get_all_case_durations`, `get_variants`, `discover_performance_dfg`, `get_rework_cases_per_activity`, `to_interval` and alignments with the Petri net of the path.
Steps and rework of pairs are those of the completions alone. pm4py counts a start that was never completed into a case's duration: with pairs its mean is
3950.5434782608695 on the repair log, and 3950.4347826086955 on its completions.
"""

import numpy as np
import pytest
from exports import EXPORTS, needs_exports

import xmresearch as xm
from xmresearch.errors import DatasetUnavailable
from xmresearch.journeys import PathStage

EXACT = {"rel": 1e-9, "abs": 1e-6}
RELEASES = tuple(f"Release {k}" for k in "ABCDE")
pytestmark = needs_exports
LOGS = {
    "repair_1970_clock.xes.gz": {
        "path": (
            (("Register",), False, False), (("Analyze Defect",), False, False), (("Repair (Simple)", "Repair (Complex)"), False, False),
            (("Test Repair",), False, True), (("Inform User",), False, False), (("Archive Repair",), False, False),
        ),
        "cases": 1104, "variants": 62, "most": 328, "mean": 3950.4347826086955, "median": 3690.0, "departures": 2548, "fit": 196,
        "rework": {"Repair (Complex)": 51, "Repair (Simple)": 213, "Restart Repair": 111, "Test Repair": 293},
        "steps": {("Register", "Analyze Defect"): (1104, 480.0, 454.1847826086956), ("Repair (Simple)", "Test Repair"): (682, 420.0, 446.7448680351906)},
    },
    "running_example.xes": {
        "path": (
            (("register request",), False, False), (("examine casually", "examine thoroughly"), False, False), (("check ticket",), False, False),
            (("decide",), False, False), (("pay compensation", "reject request"), False, False),
        ),
        "cases": 6, "variants": 6, "most": 1, "mean": 966890.0, "median": 815940.0, "departures": 16, "fit": 2,
        "rework": {"check ticket": 2, "decide": 2, "examine casually": 1, "reinitiate request": 1},
        "steps": {("check ticket", "decide"): (6, 129300.0, 181960.0), ("decide", "pay compensation"): (3, 521400.0, 514160.0)},
    },
    "road_fines_variants.xes.gz": {
        "path": (
            (("Create Fine",), False, False), (("Send Fine",), False, False), (("Insert Fine Notification",), True, False),
            (("Add penalty",), True, False), (("Payment", "Send for Credit Collection"), False, True),
        ),
        "cases": 231, "variants": 231, "most": 1, "mean": 48612529.87012987, "median": 35942400.0, "departures": 675, "fit": 17,
        "rework": {"Payment": 78},
        "steps": {("Payment", "Payment"): (209, 2764800.0, 3580019.138755981), ("Send Fine", "Insert Fine Notification"): (194, 864000.0, 1118301.030927835)},
    },
    "sepsis": {
        "path": (
            (("ER Registration",), False, False), (("ER Triage",), False, False), (("ER Sepsis Triage",), False, False),
            (("Leucocytes", "CRP", "LacticAcid"), True, True), (("IV Liquid",), True, False), (("IV Antibiotics",), False, False),
            (("Admission NC", "Admission IC"), True, True), (RELEASES, False, False),
        ),
        "cases": 1049, "variants": 845, "most": 35, "mean": 2461063.8284080075, "median": 461319.0, "departures": 3992, "fit": 17,
        "rework": {"Admission IC": 7, "Admission NC": 312, "CRP": 691, "ER Triage": 3, "LacticAcid": 171, "Leucocytes": 676},
        "steps": {("Leucocytes", "CRP"): (1774, 0.0, 20695.569334836528), ("ER Registration", "ER Triage"): (970, 474.5, 635.8164948453608)},
    },
}  # fmt: skip


def rows_of(name):
    try:
        return xm.load_dataset(name) if name == "sepsis" else xm.load_cases(EXPORTS / "xes" / name).rows
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def opened(name, **more):
    columns = {"case": "case_id", "time": "timestamp"} if name == "sepsis" else {}
    return xm.journeys.read_cases(rows_of(name), **columns, **more)


@pytest.mark.parametrize("name", LOGS)
def test_times_paths_rework_and_departures_are_pm4pys(name):
    known = LOGS[name]
    log = opened(name)
    assert len(log) == known["cases"]
    assert log.throughput.mean() == pytest.approx(known["mean"], **EXACT)
    assert np.median(log.throughput) == pytest.approx(known["median"], **EXACT)
    paths = xm.journeys.variants(log).table
    assert (len(paths), paths["cases"].iloc[0]) == (known["variants"], known["most"])
    again = xm.journeys.rework(log).table
    assert dict(zip(again["activity"], again["cases"], strict=True)) == known["rework"]
    path = [PathStage(str(k), *stage) for k, stage in enumerate(known["path"])]
    held = xm.journeys.conformance(log, path)
    assert held.departures.sum() == known["departures"]
    assert (held.departures == 0).sum() == known["fit"]
    completes = opened(name) if not log.paired else xm.journeys.read_cases(
        rows_of(name).query("lifecycle == 'complete'"), lifecycle=None
    )  # fmt: skip
    steps = xm.journeys.case_times(completes).steps.set_index(["source", "target"])
    for step, (count, median, mean) in known["steps"].items():
        row = steps.loc[step]
        assert row["count"] == count
        assert row["median_hours"] * 3600 == pytest.approx(median, **EXACT)
        assert row["mean_hours"] * 3600 == pytest.approx(mean, **EXACT)


def test_pairs_and_completions_alone_take_the_same_paths_and_work_is_told_only_of_pairs():
    rows = rows_of("repair_1970_clock.xes.gz")
    pairs = xm.journeys.read_cases(rows)
    alone = xm.journeys.read_cases(rows[rows["lifecycle"] == "complete"], lifecycle=None)
    assert (pairs.code == alone.code).all()
    assert (pairs.starts == alone.starts).all()
    assert not alone.paired
    work = xm.journeys.case_times(pairs).activities.set_index("activity")
    # pm4py's to_interval: size, mean, median of the durations
    for name, mean, median in (
        ("Analyze Defect", 454.184783, 480.0),
        ("Repair (Complex)", 1382.983425, 1020.0),
        ("Test Repair", 449.363395, 480.0),
    ):
        assert work.loc[name, "work_mean_hours"] * 3600 == pytest.approx(mean, abs=1e-6)
        assert work.loc[name, "work_median_hours"] * 3600 == pytest.approx(median, abs=1e-6)
    assert "work_mean_hours" not in xm.journeys.case_times(alone).activities
