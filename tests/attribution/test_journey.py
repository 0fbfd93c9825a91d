"""Visits, exits, steps, loops, stages, scores: against pandas on the planted log."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.attribution.across_channels import consistency
from xmresearch.attribution.directly_follows import process_map
from xmresearch.attribution.journey_analysis import CONVERTED, LEFT, START, journey
from xmresearch.attribution.scores import mean_scores, touch_scores
from xmresearch.data.scenarios.touchpoints import SCORE_MEAN, STAGES, TOUCHPOINTS
from xmresearch.errors import DataError, InsufficientData, ParamsError
from xmresearch.studies.attribution.experience import same_everywhere
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.paths import read_paths


@pytest.fixture(scope="module")
def found(hall, hall_log):
    return journey(hall_log, stages=STAGES, survey=hall.survey(), score="score", rated="touchpoint", scale=(1, 10))


def test_visits_and_exits_equal_pandas(hall, found):
    events = hall.events()
    table = found.touchpoints.set_index("touchpoint").sort_index()
    by = events.groupby("touchpoint")
    np.testing.assert_array_equal(table["touches"], by.size())
    np.testing.assert_array_equal(table["journeys"], by["customer"].nunique())
    last = events.groupby("customer").tail(1)
    np.testing.assert_array_equal(
        table["exits"], last[~last["settled"]].groupby("touchpoint").size().reindex(table.index, fill_value=0)
    )
    np.testing.assert_array_equal(table["conversions"], last[last["settled"]].groupby("touchpoint").size())
    again = events[events.duplicated(["customer", "touchpoint"])]
    np.testing.assert_array_equal(table["returns"], again.groupby("touchpoint").size())
    repeats = (
        (events["touchpoint"] == events.groupby("customer")["touchpoint"].shift()).groupby(events["touchpoint"]).sum()
    )
    np.testing.assert_array_equal(table["repeats"], repeats)
    assert (found.diagnostics()["status"] == "pass").all()


def test_waits_equal_pandas(hall, found):
    events = hall.events()
    events["next"] = events.groupby("customer")["touchpoint"].shift(-1)
    events["wait"] = (events.groupby("customer")["time"].shift(-1) - events["time"]).dt.total_seconds()
    steps = events.dropna().groupby(["touchpoint", "next"])["wait"].agg(["size", "mean"])
    edges = found.edges.set_index(["source", "target"])
    inner = edges.loc[[k for k in edges.index if START not in k and CONVERTED not in k and LEFT not in k]].sort_index()
    np.testing.assert_array_equal(inner["count"], steps["size"])
    np.testing.assert_allclose(inner["mean_seconds"], steps["mean"], rtol=1e-9)
    median = events.groupby("touchpoint")["wait"].median()
    np.testing.assert_allclose(found.touchpoints.set_index("touchpoint").sort_index()["median_wait"], median, rtol=0.1)
    np.testing.assert_allclose(edges.groupby("source")["share"].sum(), 1)


def test_loops_funnel_paths_and_lengths(hall, found):
    events = hall.events()
    paths = events.groupby("customer")["touchpoint"].agg(list)
    loops = {}
    for path in paths:
        for a, b, c in zip(path, path[1:], path[2:], strict=False):
            if a == c != b:
                loops[(a, b)] = loops.get((a, b), 0) + 1
    assert (
        dict(zip(zip(found.loops["touchpoint"], found.loops["via"], strict=True), found.loops["count"], strict=True))
        == loops
    )
    reached = [sum(any(t in names for t in path) for path in paths) for names in STAGES.values()]
    assert found.funnel["journeys"].tolist() == reached
    assert found.funnel["lost"].sum() == found.facts["nulls"]
    assert found.funnel["converted"].sum() == found.facts["conversions"]
    counts = paths.str.join(" > ").value_counts()
    assert (
        dict(zip(found.paths["path"], found.paths["journeys"], strict=True))
        == counts.reindex(found.paths["path"]).to_dict()
    )
    assert found.paths["journeys"].iloc[0] == counts.iloc[0]
    assert found.lengths["journeys"].tolist() == paths.str.len().value_counts().sort_index().tolist()


def test_planted_scores_are_found_and_the_queue_is_to_be_fixed_first(found):
    table = found.touchpoints.set_index("touchpoint")
    for name, mean in zip(TOUCHPOINTS, SCORE_MEAN, strict=True):
        row = table.loc[name]
        # scores are cut at both ends of the scale
        assert abs(row["score"] - mean) < 0.25 + 3 * row["score_sd"] / np.sqrt(row["scores"])
    assert table["priority"].sum() == pytest.approx(1)
    assert table["priority"].idxmax() == "queue"
    expected = table["touches"] * table["exit_rate"] * (10 - table["score"]) / 9
    np.testing.assert_allclose(table["priority"], expected / expected.sum())


def test_scores_that_belong_to_no_touch_are_counted(hall, hall_log):
    survey = hall.survey()
    table, unmatched, _ = touch_scores(hall_log, survey, score="score", touchpoint="touchpoint")
    assert (table["scores"].sum(), unmatched) == (len(survey), 0)
    astray = survey.assign(customer=survey["customer"].where(survey.index % 10 > 0, 10**9))
    table, unmatched, _ = touch_scores(hall_log, astray, score="score", touchpoint="touchpoint")
    assert unmatched == len(survey[::10])
    last = hall.events().groupby("customer")["touchpoint"].last()
    table, _, _ = touch_scores(hall_log, survey, score="score")
    expected = survey.groupby(survey["customer"].map(last))["score"].mean()
    np.testing.assert_allclose(table.set_index("channel")["score"], expected)
    for kind in (float, str):
        other, _, _ = touch_scores(hall_log, survey.astype({"customer": kind}), score="score")
        pd.testing.assert_frame_equal(other, table)
    written = hall.events()
    written["time"] = written["time"].dt.strftime("%d/%m/%Y %H:%M:%S")
    log = EventLog(written, conversion="settled", time_format="%d/%m/%Y %H:%M:%S")
    pd.testing.assert_frame_equal(touch_scores(log, survey, score="score")[0], table)
    blank = survey.assign(score=survey["score"].where(survey.index % 10 > 0))
    table, unmatched, left_out = touch_scores(hall_log, blank, score="score")
    assert (table["scores"].sum(), unmatched, left_out) == (len(survey) - len(survey[::10]), 0, len(survey[::10]))
    with pytest.raises(InsufficientData, match="None of the"):
        touch_scores(hall_log, survey.assign(customer=-1), score="score")


def test_intervals_of_means_cover():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"g": np.repeat(np.arange(2000), 12), "s": rng.normal(5, 2, 24_000)})
    table = mean_scores(frame, ["g"], "s")
    assert ((table["score_lower"] <= 5) & (table["score_upper"] >= 5)).mean() == pytest.approx(0.95, abs=0.015)


def test_one_experience_in_three_channels(hall):
    found = consistency(hall.survey(), channel="medium", score="score", tolerance=0.5)
    row = found.spread.iloc[0]
    assert (row["best"], row["worst"]) == ("web", "phone")
    assert same_everywhere(found).case == "differs"
    rng = np.random.default_rng(0)
    same = pd.DataFrame({"channel": np.repeat(["web", "phone", "counter"], 400), "s": rng.normal(7, 1, 1200)})
    found = consistency(same, channel="channel", score="s", tolerance=0.5)
    assert same_everywhere(found).case == "alike"
    assert same_everywhere(consistency(same[::20], channel="channel", score="s", tolerance=0.5)).case == "unsettled"
    from scipy import stats

    groups = [g["s"] for _, g in same.groupby("channel")]
    p = stats.f_oneway(*groups, equal_var=False).pvalue
    assert found.spread["p"].iloc[0] == pytest.approx(p, rel=1e-9)


def test_scores_without_a_channel_are_counted():
    scores = np.random.default_rng(0).normal(7, 1, 120)
    given = pd.DataFrame({"channel": np.repeat(["web", "phone", None], 40), "s": scores})
    given.loc[[0, 100], "s"] = np.nan  # without a score there is nothing to place
    said = [c for c in consistency(given, channel="channel", score="s").concerns if c.kind == "unplaced_scores"]
    assert [c.facts["count"] for c in said] == [39]
    placed = consistency(given.dropna(), channel="channel", score="s")
    assert "unplaced_scores" not in [c.kind for c in placed.concerns]


def test_journeys_without_times_and_stages_that_nobody_has():
    journeys = read_paths(pd.DataFrame({"path": ["a > b > a", "a"], "conversions": [1, 0]}))
    found = journey(journeys, stages={"one": ["a"], "two": ["b"]})
    assert found.funnel["lost"].tolist() == [1, 0]
    assert found.touchpoints["median_wait"].isna().all()
    with pytest.raises(ParamsError, match="touchpoint 'c', which no journey has"):
        journey(journeys, stages={"one": ["c"]})
    with pytest.raises(ParamsError, match="'a' is in two stages"):
        journey(journeys, stages={"one": ["a"], "two": ["b", "a"]})
    with pytest.raises(ParamsError, match="Stage 'one' holds the text 'ab'"):
        journey(journeys, stages={"one": "ab"})
    nobody = journey(
        read_paths(pd.DataFrame({"path": ["a", "z"], "conversions": [1, 0], "nulls": [1, 0]}), nulls="nulls")
    )
    assert nobody.paths["path"].tolist() == ["a"]
    assert nobody.touchpoints.set_index("touchpoint").loc["z", "touches"] == 0


def test_ten_thousand_touchpoints():
    rng = np.random.default_rng(0)
    n = 60_000
    names = np.array([f"c{k:05d}" for k in range(10_000)])[
        np.concatenate([np.arange(10_000), rng.integers(0, 10_000, n - 10_000)])
    ]
    log = pd.DataFrame(
        {"customer": np.arange(n) // 5, "time": np.arange(n), "touchpoint": names, "won": rng.random(n) < 0.1}
    )
    found = journey(EventLog(log, conversion="won", after_conversion="new_journey"), top_paths=0)
    assert len(found.touchpoints) == 10_000
    follows = log["customer"].eq(log["customer"].shift()) & ~log["won"].shift(fill_value=False)
    inner = found.edges[found.edges["mean_seconds"].notna()]
    assert inner["count"].sum() == follows.sum()
    assert (inner["mean_seconds"] == 1).all()
    with pytest.raises(InsufficientData, match="10000 touchpoints are more than a map can show"):
        process_map(found)


def test_hospital_journeys(sepsis):
    log = EventLog(sepsis, customer="case_id", time="timestamp", touchpoint="activity", converting=("Release A",))
    found = journey(log, top_paths=5)
    blank = sepsis["case_id"].isna()
    # what follows a release and leads to no other is left out and counted
    after = next(c.facts["count"] for c in found.concerns if c.kind == "after_conversion")
    assert after == 288
    assert found.touchpoints["touches"].sum() + after == (~blank & (sepsis["activity"] != "Release A")).sum()
    assert f"{blank.sum()} event(s) without a customer were left out." in found.warnings
    assert len(found.paths) == 5


def test_the_map_has_no_circles_forward_and_every_touchpoint(found):
    drawn = process_map(found, share=0.6)
    layer = drawn.nodes.set_index("node")["layer"]
    assert set(drawn.nodes["node"]) == {*TOUCHPOINTS, START, CONVERTED, LEFT}
    forward = drawn.edges[~drawn.edges["back"] & ~drawn.edges["loop"]]
    assert (layer[forward["source"]].to_numpy() < layer[forward["target"]].to_numpy()).all()
    assert layer[START] == 0
    assert layer[CONVERTED] == layer[LEFT] == layer.max()
    assert not drawn.nodes.duplicated(["layer", "place"]).any()
    assert 0.6 <= drawn.shown < 1
    assert drawn.edges["count"].sum() == pytest.approx(drawn.shown * found.edges["count"].sum())
    whole = process_map(found, share=1.0)
    assert whole.summary()["case"] == "whole"
    pd.testing.assert_frame_equal(process_map(found, share=0.6).nodes, drawn.nodes)
    with pytest.raises(ParamsError, match="share of steps drawn is 80"):
        process_map(found, share=80)


def test_equal_channels_are_hardly_ever_called_inconsistent():
    """Eight channels of 15 scores each: the widest gap between means is wide by chance."""
    verdicts = []
    for seed in range(40):
        score = np.random.default_rng(seed).normal(7, 2, 120)
        given = pd.DataFrame({"channel": np.repeat(np.arange(8), 15), "s": score})
        verdicts.append(same_everywhere(consistency(given, channel="channel", score="s", seed=seed)).case)
    assert verdicts.count("differs") <= 4
    apart = given.assign(s=score + 3 * (given["channel"] == 2))
    assert same_everywhere(consistency(apart, channel="channel", score="s")).case == "differs"


def test_pooled_means_agree_with_integration():
    """Two channels: the posterior of their difference by a grid over the SD between them, with errors known (n is large)."""
    rng = np.random.default_rng(0)
    given = pd.DataFrame({"channel": np.repeat([0, 1], 900), "s": rng.normal(np.repeat([7.0, 7.15], 900), 2)})
    found = consistency(given, channel="channel", score="s", tolerance=0.2).spread.iloc[0]
    table = mean_scores(given, ["channel"], "s")
    gap, error = float(np.ptp(table["score"])), float(np.sqrt((table["score_sd"] ** 2 / 900).sum()))
    spread = np.linspace(1e-3, 8, 8000)
    width = np.sqrt(error**2 + 2 * spread**2)
    weight = stats.norm.pdf(gap / width) / width * np.exp(-0.5 * (spread / 2) ** 2)
    keep = 2 * spread**2 / width**2
    sd = np.sqrt(keep) * error
    over = stats.norm.sf(0.2, keep * gap, sd) + stats.norm.cdf(-0.2, keep * gap, sd)
    assert found["p_over"] == pytest.approx((weight * over).sum() / weight.sum(), abs=0.03)


def test_the_sentence_is_about_the_experience_that_decides():
    rng = np.random.default_rng(1)
    sure = pd.DataFrame(
        {"what": "x", "channel": np.repeat(["a", "b"], 200), "s": rng.normal(np.repeat([7, 5.6], 200), 1)}
    )
    few = pd.DataFrame({"what": "y", "channel": ["a", "a", "b", "b"], "s": [9.0, 6.0, 5.0, 5.2]})
    found = consistency(pd.concat([sure, few]), channel="channel", score="s", experience="what")
    claim = same_everywhere(found)
    assert (claim.case, claim.facts["experience"], claim.facts["better"]) == ("differs", "x", "a")


def test_scores_off_their_scale_are_refused(hall, hall_log):
    survey = hall.survey().assign(score=lambda f: f["score"].where(f.index > 1, 99))
    with pytest.raises(DataError, match=r"outside the scale 1 to 10 in 2 row\(s\): row 1 \(99\), row 2 \(99\)"):
        journey(hall_log, survey=survey, score="score", rated="touchpoint", scale=(1, 10))


def test_scores_follow_the_rules_of_the_log():
    log = pd.DataFrame({
        "customer": ["u", "u", "v", "v", "", "w"], "touchpoint": [1, 2, 1, 3, 1, 2],
        "time": pd.to_datetime(["2025-03-01", "2025-03-02"] * 2 + ["2025-03-01", "2025-03-09"]), "won": [0, 1, 0, 1, 0, 1],
    })  # fmt: skip
    rules = {"mapping": {"1": "one", "2": "two"}, "unknown": "drop", "until": "2025-03-05"}
    given = EventLog(log, conversion="won", **rules)
    survey = pd.DataFrame({"customer": ["u", "v", "", "w"], "s": [1, 2, 3, 4], "of": [2.0, 3.0, 1.0, np.nan]})
    last, unmatched, _ = touch_scores(given, survey, score="s")
    assert last.set_index("channel")["score"].to_dict() == {"one": 2, "two": 1}  # v's last touch that counts is 1
    assert unmatched == 2
    rated, unmatched, _ = touch_scores(given, survey, score="s", touchpoint="of")
    assert (rated["channel"].tolist(), rated["score"].tolist(), unmatched) == (["two"], [1], 3)
