"""The monitoring study end to end."""

import re

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures, shown, table, words

from xmresearch.data.config import FeedbackSource
from xmresearch.data.panel import load_panel
from xmresearch.monitoring.change_points import level_changes
from xmresearch.studies.monitor.claims import monitor_claims
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.series import feedback_series
from xmresearch.studies.monitor.sources import OTHERS, change_sources, foretold, foretold_shown
from xmresearch.studies.monitor.standing import without_season
from xmresearch.studies.monitor.watching import watch, watch_branches

PARAMS = MonitorParams
PLAIN = "time: day\nkpi: share\noutcome: good\ndraws: 200\n"


def feedback(days=80, each=30, share=0.8, shift=0.0, since=60, start="2025-03-03", branches=("a", "b")):
    rng = np.random.default_rng(5)
    day = np.repeat(np.arange(days), each)
    good = (rng.random(len(day)) < share + shift * (day >= since)).astype(int)
    dates = pd.date_range(start, periods=days).strftime("%Y-%m-%d").to_numpy()
    return pd.DataFrame(
        {
            "day": dates[day],
            "good": good,
            "branch": np.resize(branches, len(day)),
            "score": rng.integers(0, 11, len(day)),
        }
    )


def test_demo_finds_what_was_planted(reports):
    text = words(reports["en"])
    assert re.search(r"Signal: the figure is below what was to be expected, since about 2025-05-1\d", text)
    assert "A check has failed" not in text
    assert re.search(r"3 of 12 differ from their baseline in the newest 7 periods", text)
    for hall in ("Harbour", "Market", "Old Town"):
        assert hall in text
    episodes, branches = table(reports["en"], "episodes"), table(reports["en"], "branches")
    last = episodes.iloc[-1]
    assert last["began_from"] <= "2025-05-19" <= last["began_to"]
    assert last["covered"]
    assert set(branches.loc[branches["alarm"], "branch"]) == {"harbour", "market", "old_town"}
    assert branches["covered"].mean() > 0.8
    assert "it is shown for 3 of 12 branches that their own figure added to it" in text
    parts = table(reports["en"], "sources")
    assert set(parts.loc[parts["p_adjusted"] < 0.05, "factor"]) == {"harbour", "market", "old_town"}
    assert len(table(reports["en"], "forecast")) == 14
    chinese = words(reports["zh"])
    for term in ("模拟数据", "信号", "控制图", "基线", "误报", "网点"):
        assert term in chinese


def test_every_part_of_the_report_is_there(reports):
    page = (reports["en"] / "report.html").read_text("utf-8")
    for section in (
        "answer",
        "chart",
        "alarms",
        "branches",
        "sources",
        "forecast",
        "phases",
        "season",
        "delays",
        "truth",
        "data",
        "checks",
        "method",
        "limits",
    ):
        assert f'id="sec-{section}"' in page, section
    assert {p.stem for p in (reports["en"] / "figures").glob("*.svg")} == {"chart", "branches"}


def test_languages_have_the_same_figures(reports):
    assert_same_figures(reports)


def test_no_answer_leaves_the_kernel(reports):
    assert_no_rows_of_people(reports["en"])


def test_a_steady_figure_gives_no_alarm_and_an_alarm_its_exit_code(own, tmp_path):
    feedback().to_csv(tmp_path / "f.csv", index=False)
    rows = f"data: {{path: f.csv}}\n{PLAIN}alarm_exit: true\n"
    done, _ = own(rows)
    assert done.returncode == 0, done.stderr
    text = words(tmp_path / "o/monitor/own/latest-en")
    assert "No alarm goes on: by the rules of the chart, the newest figures cannot be told from noise." in text
    feedback(shift=-0.4).to_csv(tmp_path / "f.csv", index=False)
    assert own(rows)[0].returncode == 10
    # nothing is computed anew, and it is an alarm all the same; params that do not ask for it get none
    assert own(rows)[0].returncode == 10
    assert own(rows.replace("alarm_exit: true", "alarm_exit: false"))[0].returncode == 0


@pytest.mark.parametrize(
    "more",
    [
        "kpi: mean\noutcome: score\nbranch: branch\n", "kpi: nps\noutcome: score\n", "alarm: cusum\n", "kpi: count\noutcome: good\nrows_are: aggregates\n",
        "kpi: value\noutcome: score\nrows_are: aggregates\nseason: none\nlagged: false\n", "season: none\nlagged: false\n",
        "kpi: share\noutcome: score\ntop: 9\nperiod: week\nnewest: 1\nbranch: branch\nrows_are: aggregates\n",
        "kpi: rate\noutcome: good\nexposure: score\nseason: none\nlagged: false\n",
    ],
)  # fmt: skip
def test_every_figure_is_watched(own, tmp_path, more):
    feedback(days=140).to_csv(tmp_path / "f.csv", index=False)
    lines = dict(line.split(": ", 1) for line in (PLAIN + more).splitlines())
    done, _ = own("data: {path: f.csv}\n" + "".join(f"{k}: {v}\n" for k, v in lines.items()))
    assert done.returncode == 0, done.stderr
    assert any(b["kind"] == "figure" for b in shown(tmp_path / "o/monitor/own/latest-en"))


@pytest.mark.parametrize(
    ("frame", "more", "code", "said"),
    [
        (feedback(), "outcome: goods\n", 3, "'goods'"),
        (feedback(), "kpi: mean\noutcome: null\n", 2, "needs the column"),
        (feedback(), "kpi: rate\n", 2, "exposure"),
        (feedback(), "outcome: score\n", 3, "other answers than 0 and 1"),
        (feedback(), "baseline_until: 2026-01-01\n", 2, "nothing is watched"),
        (feedback(), "baseline_until: 2020-01-01\n", 2, "before the series begins"),
        (feedback(days=8), "", 3, "too few"),
        (feedback(each=4), "", 3, "may be shown"),
        (feedback(share=1.1), "", 3, "how they vary"),
        (feedback().assign(day="soon"), "", 3, "date"),
    ],
)
def test_what_cannot_be_watched_is_refused(own, tmp_path, frame, more, code, said):
    frame.to_csv(tmp_path / "f.csv", index=False)
    lines = dict(line.split(": ", 1) for line in (PLAIN + more).splitlines())
    done, _ = own("data: {path: f.csv}\n" + "".join(f"{k}: {v}\n" for k, v in lines.items()))
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr


def test_a_folder_that_grows_and_days_without_data(own, tmp_path):
    rows = feedback(days=70)
    folder = tmp_path / "days"
    folder.mkdir()
    for day, part in rows[rows["day"] != "2025-04-01"].groupby("day"):
        part.to_parquet(folder / f"{day}.parquet", index=False)
    text = f"data: {{path: days}}\n{PLAIN}"
    done, _ = own(text)
    assert done.returncode == 0, done.stderr
    before = table(tmp_path / "o/monitor/own/latest-en", "chart")
    later = feedback(days=72)
    later[later["day"] > rows["day"].max()].to_parquet(folder / "more.parquet", index=False)
    done, _ = own(text)
    assert done.returncode == 0, done.stderr
    after = table(tmp_path / "o/monitor/own/latest-en", "chart")
    assert after["period"].max() == "2025-05-13" > before["period"].max()


def test_small_branches_and_small_days_are_hidden():
    rows = pd.concat([feedback(days=80, each=40), feedback(days=80, each=1, branches=("tiny",))])
    rows = pd.concat([rows[rows["day"] != "2025-05-01"], rows[rows["day"] == "2025-05-01"].head(3)])
    params = MonitorParams.model_validate(
        {"data": {"path": "f.csv"}, "time": "day", "outcome": "good", "branch": "branch", "draws": 200}
    )
    from xmresearch.data.panel import PanelData

    series = feedback_series(params, PanelData(rows, "f.csv"))
    found = watch(params, series)
    small = found.table.set_index("period").loc["2025-05-01"]
    assert np.isnan(small["value"])
    assert np.isnan(small["score"])
    judged = watch_branches(params, series)
    # the small one is hidden, and another with it, so that it cannot be worked out from all of them
    assert judged is None or "tiny" not in judged.table["branch"].tolist()


def test_false_alarms_are_as_rare_as_the_claim_promises():
    """15 halls without a shift (200 in the benchmarks): alarms that go on at the end, at most at the promised rate; and with one, most are found."""
    from scipy import stats

    claimed, promised, found = [], [], []
    for seed in range(15):
        for shift, into in ((0.0, claimed), (-0.9, found)):
            params = MonitorParams(data=FeedbackSource(n=15_000, seed=seed, shift=shift), draws=200)
            data = load_panel(params.data)
            made = watch(params, feedback_series(params, data))
            claim = monitor_claims(params, made, None, level_changes(**without_season(params, made))).alarm
            into.append(claim.settled and (shift == 0 or claim.verdict == "below"))
            promised.append(claim.promised)
    assert stats.binomtest(int(np.sum(claimed)), 15, float(np.mean(promised)), alternative="greater").pvalue > 0.01
    assert np.mean(found) > 0.6


def own_series(rows, **more):
    given = {"data": {"path": "f.csv"}, "time": "day", "outcome": "good", "branch": "branch", "draws": 200, **more}
    params = MonitorParams.model_validate(given)
    from xmresearch.data.panel import PanelData

    series = feedback_series(params, PanelData(rows, "f.csv"))
    return params, series, watch(params, series)


def test_a_change_is_divided_among_branches_and_small_ones_stand_together():
    rng = np.random.default_rng(8)
    rows = pd.concat(
        [
            feedback(days=90, each=60, branches=("a", "b")),
            feedback(days=90, each=1, branches=("tiny", "small", "slight")),
        ]
    )
    fallen = (rows["branch"] == "a") & (rows["day"] >= "2025-05-05") & (rng.random(len(rows)) < 0.6)
    params, series, found = own_series(rows.assign(good=np.where(fallen, 0, rows["good"])), lagged=False)
    made = change_sources(params, series, found)
    table = made.tidy()
    assert made.claim.facts["shown"] == ["a"]
    assert set(table["factor"]) == {"a", "b", OTHERS}
    # parts add up to the change
    assert table["estimate"].sum() == pytest.approx(made.summary()["change"])
    assert made.summary()["change"] < -10


def test_nothing_is_divided_without_an_alarm_or_foretold_where_not_asked_for():
    params, series, found = own_series(feedback(days=90, each=60), horizon=0)
    assert change_sources(params, series, found) is None
    assert foretold(params, series, found) is None
    params, series, found = own_series(feedback(days=90, each=60), horizon=3)
    ahead = foretold_shown(params, series, foretold(params, series, found))
    assert ahead["period"].tolist() == ["2025-06-01", "2025-06-02", "2025-06-03"]
    assert ahead["forecast"].between(60, 100).all()


def test_a_baseline_that_moved_leaves_the_alarm_conditional():
    rows = feedback(days=90, each=60, shift=-0.5, since=60)
    rows.loc[(rows["day"] >= "2025-03-10") & (rows["day"] < "2025-03-13"), "good"] = 0
    params, _, found = own_series(rows, season="none", lagged=False, overdispersed=False)
    claim = monitor_claims(params, found, None, level_changes(**without_season(params, found))).alarm
    assert claim.failed == ["baseline_steady"]
    assert claim.state == "conditional"


def test_a_lasting_change_that_no_alarm_tells_is_on_the_first_screen(own, tmp_path):
    """A fall by a third of the spread of months that hang together: no single point is far out, and the level is told with the alarm."""
    rng = np.random.default_rng(8)
    noise = np.zeros(160)
    for t in range(1, 160):
        noise[t] = 0.5 * noise[t - 1] + rng.normal()
    value = 100 + 4 * noise - 9.0 * (np.arange(160) >= 100)
    months = pd.period_range("2010-01", periods=160, freq="M").astype(str)
    pd.DataFrame({"m": months, "y": value}).to_csv(tmp_path / "a.csv", index=False)
    given = "data: {path: a.csv}\ntime: m\nperiod: month\nkpi: value\noutcome: y\nbaseline_until: 2016-12\nrows_are: aggregates\nnewest: 1\n"
    for lang, said in (("en", "The level has changed for good"), ("zh", "水平有持续变动，最近一次约在")):
        done, folder = own(f"lang: {lang}\n" + given)
        assert done.returncode == 0, done.stderr
        text = words(folder)
        assert said in text
        if "No alarm goes on" in text or "目前没有持续的警报" in text:
            assert ("shows a lasting change of level" if lang == "en" else "整个序列显示水平有持续变动") in text
        assert "no_test" not in text


def test_short_baselines_say_that_only_large_shifts_are_found(own, tmp_path):
    rng = np.random.default_rng(9)
    days = pd.date_range("2026-01-05", periods=17).strftime("%Y-%m-%d")
    pd.DataFrame({"d": np.repeat(days, 40), "y": rng.integers(1, 6, 680), "b": np.tile(list("abcd"), 170)}).to_csv(
        tmp_path / "a.csv", index=False
    )
    done, folder = own("data: {path: a.csv}\ntime: d\noutcome: y\ntop: 4\nbranch: b\nnewest: 3\n")
    assert done.returncode == 0, done.stderr
    text = words(folder)
    assert "only very large shifts are found" in text
    assert "the baseline has too few stretches as long as the newest periods" in text
    assert "of 0 " not in text


@pytest.mark.parametrize(("slope", "drop", "season"), [(1.5, 25.0, "near_season"), (0.0, 25.0, "off_season")])
def test_below_what_was_expected_is_not_said_to_be_below_the_season(slope, drop, season):
    rng = np.random.default_rng(3)
    months = pd.date_range("2010-01-01", periods=120, freq="MS").strftime("%Y-%m").to_numpy()
    value = 100 + slope * np.arange(120) + rng.normal(0, 2, 120) - drop * (np.arange(120) >= 119)
    rows = pd.DataFrame({"day": months, "v": value})
    params = MonitorParams.model_validate({
        "data": {"path": "f.csv"}, "time": "day", "outcome": "v", "kpi": "value", "top": None, "branch": None, "period": "month",
        "baseline_until": "2017-12", "rows_are": "aggregates", "draws": 200,
    })  # fmt: skip
    from xmresearch.data.panel import PanelData

    series = feedback_series(params, PanelData(rows, "f.csv"))
    found = watch(params, series)
    facts = monitor_claims(params, found, None, level_changes(**without_season(params, found))).alarm.facts
    assert found.current()["side"] < 0
    assert facts["season"] == season
    assert (facts["change"] > 0) == (slope > 0)
