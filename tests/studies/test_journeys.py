"""The journeys study end to end."""

import re

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures, shown, table, words

from xmresearch.studies.journeys.params import JourneysParams

PARAMS = JourneysParams
PLAIN = "data: {path: log.csv}\nlog: {customer: customer}\n"
START = pd.Timestamp("2025-03-03")


def log(cases=120, wait=(30, 200, 60), slow=(), seed=1, activities=("apply", "check", "decide", "collect")):
    """Cases of four steps, two by each customer; waits in minutes before the last three."""
    rng = np.random.default_rng(seed)
    parts = []
    for k in range(cases):
        factor = 3.0 if k in slow else 1.0
        moment = rng.uniform(0, 60 * 24 * 60)
        for n, step in enumerate(activities):
            moment += factor * rng.exponential(wait[n - 1]) if n else 0
            parts.append((k, k // 2, step, START + pd.Timedelta(minutes=round(moment, 2)), "a" if k % 3 else "b"))
    return pd.DataFrame(parts, columns=["case", "customer", "activity", "time", "desk"])


def test_demo_finds_what_was_planted(reports):
    text = words(reports["en"])
    assert re.search(r"Most time is lost before “Review”\s*: 2\.\d days per case", text)
    assert "Cases take less time since 2025-07-01" in text
    assert (
        "The median time differs from that of the others in 1 of 3 groups, after correction: longer: Old Town" in text
    )
    assert "Moment of truth: Decide" in text
    assert "A check has failed" not in text
    planted = table(reports["en"], "planted")
    assert planted["covered"].mean() >= 0.85
    assert len(planted) == 13
    steps = table(reports["en"], "bottlenecks")
    assert steps["activity"].tolist()[:2] == ["review", "collect"]
    assert steps["part"].sum() == pytest.approx(1)
    chinese = words(reports["zh"])
    for term in ("模拟数据", "关键时刻", "责任部门", "痛点", "客户旅程地图", "返工", "中位数"):
        assert term in chinese


def test_every_part_of_the_report_is_there(reports):
    page = (reports["en"] / "report.html").read_text("utf-8")
    for section in ("answer", "log", "time", "bottlenecks", "change", "map", "paths", "exits", "groups", "conformance", "stages", "returns",
                    "truth", "checks", "method", "limits"):  # fmt: skip
        assert f'id="sec-{section}"' in page, section
    assert {p.stem for p in (reports["en"] / "figures").glob("*.svg")} == {
        "bottlenecks",
        "stream",
        "step_map",
        "time_map",
        "group_time",
        "emotion",
    }


def test_languages_have_the_same_figures(reports):
    assert_same_figures(reports)


def test_no_customer_leaves_the_kernel(reports):
    assert_no_rows_of_people(reports["en"])


@pytest.mark.parametrize(("lang", "width"), [("zh", 390), ("en", 1280)])
def test_pages_are_sound(reports, page_is_sound, lang, width):
    page_is_sound(reports[lang] / "report.html", width)


def test_a_plain_log_says_what_it_can(own, tmp_path):
    log().to_csv(tmp_path / "log.csv", index=False)
    done, out = own(PLAIN)
    assert done.returncode == 0, done.stderr
    text = words(out)
    assert "Most time is lost before “decide”" in text
    assert "The log has completions alone" in text
    assert {b["key"] for b in shown(out) if b["kind"] == "table"} >= {"activities", "steps", "bottlenecks", "variants"}


def test_what_is_equal_is_not_settled(own, tmp_path):
    log(wait=(100, 100, 100)).to_csv(tmp_path / "log.csv", index=False)
    done, out = own(PLAIN + "group: desk\nchange: 2025-04-01\n")
    assert done.returncode == 0, done.stderr
    text = words(out)
    assert "Before which step most time is lost is not settled" in text
    assert "In none of 2 groups is the median time shown to differ" in text
    assert "Whether cases take more or less time since 2025-04-01 is not settled" in text


def test_a_log_without_any_time_between_steps_is_said(own, tmp_path):
    frame = log().assign(time=lambda d: d.groupby("case")["time"].transform("first"))
    frame.to_csv(tmp_path / "log.csv", index=False)
    done, out = own(PLAIN)
    assert done.returncode == 0, done.stderr
    assert "no time passes between steps" in words(out)


def test_filters_say_what_they_keep(own, tmp_path):
    log(slow=range(40)).to_csv(tmp_path / "log.csv", index=False)
    done, out = own(PLAIN + "filters: {where: {desk: [a]}, begun_from: 2025-03-10, having: [decide]}\n")
    assert done.returncode == 0, done.stderr
    kept = table(out, "kept")
    assert kept["filter"].tolist() == ["filter_begun_from", "filter_having", "filter_where"]
    assert kept["before"].iloc[0] == 120
    assert (kept["kept_share"] == kept["kept"] / kept["before"]).all()


def test_small_groups_and_rare_activities_are_nowhere(own, tmp_path):
    frame = log(cases=200)
    tiny = frame["case"] < 6
    frame.loc[tiny, "desk"] = "tinydesk"
    odd = frame[frame["case"].between(20, 25) & (frame["activity"] == "check")].assign(activity="secretstep")
    pd.concat([frame, odd]).to_csv(tmp_path / "log.csv", index=False)
    done, out = own(PLAIN + "group: desk\n")
    assert done.returncode == 0, done.stderr
    for path in out.resolve().rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert b"tinydesk" not in raw, path
            assert b"secretstep" not in raw, path


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("ends: [collected]\n", 3, "'collected'"), ("group: branch\n", 3, "branch"), ("change: 2026-01-01\n", 3, "one side"), ("change: soon\n", 2, "no day"),
        ("group: desk\nperiod: month\n", 2, "either by group or by period"), ("path: [{name: a, activities: [applied]}]\n", 3, "'applied'"),
        ("path: [{name: a, activities: [apply]}, {name: b, activities: [apply]}]\n", 2, "twice"), ("stages: [{name: a, activities: [applied]}]\n", 3, "'applied'"),
        ("filters: {having: [applied]}\n", 3, "'applied'"), ("filters: {begun_from: 2027-01-01}\n", 3, "No case passes"), ("promised_fit: 0.9\n", 2, "give path"),
        ("working_time: {opens: '17:00', closes: '09:00'}\n", 2, "not before"), ("session_gap: soon\n", 2, "span of time"),
        ("path: [{name: a, activities: [apply], within: soon}]\n", 2, "span of time"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_check(own, tmp_path, more, code, said):
    log().to_csv(tmp_path / "log.csv", index=False)
    done, _ = own(PLAIN + more, "check")
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr


def test_too_few_customers_are_refused(own, tmp_path):
    log(cases=16).to_csv(tmp_path / "log.csv", index=False)
    done, _ = own(PLAIN, "check")
    assert done.returncode == 3
    assert "never published" in done.stderr


def test_another_order_of_the_path_is_another_result(own, tmp_path):
    log().to_csv(tmp_path / "log.csv", index=False)
    steps = ["{name: a, activities: [apply]}", "{name: b, activities: [check]}"]
    keys = {
        re.search(r"Result (\w+)", own(f"{PLAIN}path: [{', '.join(order)}]\n", "check")[0].stdout)[1]
        for order in (steps, steps[::-1])
    }
    assert len(keys) == 2


def test_a_few_cases_that_depart_are_not_counted(own, tmp_path):
    frame = log(cases=200)
    odd = frame["case"].between(3, 6)
    frame[~(odd & (frame["activity"] == "check"))].to_csv(tmp_path / "log.csv", index=False)
    steps = ", ".join(f"{{name: {a}, activities: [{a}]}}" for a in ("apply", "check", "decide", "collect"))
    done, out = own(f"{PLAIN}path: [{steps}]\n")
    assert done.returncode == 0, done.stderr
    text = words(out)
    assert "How many cases follow the declared path is not shown" in text
    assert not any(b.get("key") == "departures" for b in shown(out))
