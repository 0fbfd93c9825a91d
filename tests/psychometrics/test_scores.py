from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xmresearch.claims.checks import failed_checks, run_checks
from xmresearch.claims.truth import coverage, with_truth
from xmresearch.data.codebook_file import load_codebook, parse_codebook
from xmresearch.data.load import load_survey
from xmresearch.data.survey import prepare_survey
from xmresearch.disclosure import hidden_groups
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.psychometrics.importance import importance_performance
from xmresearch.psychometrics.overall import importance_shares, overall_scores
from xmresearch.psychometrics.overall_drivers import outcome_drivers
from xmresearch.psychometrics.priority import priorities
from xmresearch.psychometrics.segments import segment_gaps
from xmresearch.psychometrics.tolerance import zone_of_tolerance
from xmresearch.report.compose import Report
from xmresearch.studies.servqual.claims import segments_differ
from xmresearch.studies.servqual.params import ServqualParams
from xmresearch.studies.servqual.study import STUDY

LABEL = {"en": "x", "zh": "x"}


def toy(rows, importance=True):
    """Two dimensions of one statement each, with importance points."""
    items = {
        f"{k}{s}": {"kind": kind, "construct": c, "statement": s}
        for s, c in (("1", "a"), ("2", "b"))
        for k, kind in (("e", "expectation"), ("p", "perception"), ("m", "minimum"))
    }
    if importance:
        items |= {
            f"w{c}": {"kind": "importance", "construct": c, "scale": {"minimum": 0, "maximum": 100}} for c in "ab"
        }
    book = parse_codebook(
        {"name": "toy", "labels": LABEL, "constructs": {"a": LABEL, "b": LABEL}, "items": items}, "toy.yml"
    )
    return pd.DataFrame(rows, columns=["e1", "p1", "e2", "p2", "wa", "wb", "m1", "m2"], dtype=float), book


ROWS = [[7, 5, 6, 6, 80, 20, 3, 4], [6, 6, 7, 3, 50, 50, 5, 5], [5, 4, 5, 6, 60, 40, 5, 4], [6, 5, 6, 5, 10, 90, 2, 2]]


def test_scores_by_hand():
    frame, book = toy(ROWS)
    table = overall_scores(frame, book).table.set_index("measure")["estimate"]
    gap = np.array([[-2, 0], [0, -4], [-1, 1], [-1, -1]], dtype=float)
    share = np.array([[0.8, 0.2], [0.5, 0.5], [0.6, 0.4], [0.1, 0.9]])
    assert table["servqual_unweighted"] == pytest.approx(gap.mean())
    assert table["servqual_weighted"] == pytest.approx((gap * share).sum(axis=1).mean())
    perceived = np.array([[5, 6], [6, 3], [4, 6], [5, 5]], dtype=float)
    assert table["servperf_weighted"] == pytest.approx((perceived * share).sum(axis=1).mean())


def test_without_importance_there_is_no_weighted_score():
    frame, book = toy(ROWS, importance=False)
    result = overall_scores(frame, book)
    assert list(result.table["measure"]) == ["servqual_unweighted", "servperf_unweighted"]
    assert result.summary()["measure"] == "servqual_unweighted"
    assert importance_performance(frame, book) is None
    assert not priorities(frame, book, bootstrap=200).weighted


def test_outcome_constructs_do_not_switch_importance_off(hall):
    """The hall's codebook has satisfaction and loyalty, which are no dimensions of the service."""
    score = overall_scores(hall.frame, hall.codebook, weights=hall.weights).summary()
    truth = hall.truth.query("quantity == 'score' and id == 'servqual_weighted'")["truth"].item()
    assert score["measure"] == "servqual_weighted"
    assert score["score_lower"] < truth < score["score_upper"]
    assert priorities(hall.frame, hall.codebook, bootstrap=200).basis() == {"case": "weighted"}


def test_demo_is_weighted_by_importance():
    """The mean of each respondent's shares times gaps, worked out apart from the package: -.6209; declared truth -.6121."""
    params = ServqualParams()
    survey = load_survey(**params.survey_settings())
    table = overall_scores(survey.frame, survey.codebook, weights=survey.weights).table.set_index("measure")["estimate"]
    assert table["servqual_weighted"] == pytest.approx(-0.62087004, abs=1e-8)
    truth = survey.truth.query("quantity == 'score' and id == 'servqual_weighted'")["truth"].item()
    assert truth == pytest.approx(-0.612056, abs=1e-6)


def test_kiosk_is_weighted_by_importance(kiosk_frame, root):
    """Importance is rated by statement; the codebook also has two constructs of outcomes."""
    book = load_codebook("kiosk_codebook.yml", root / "params" / "servqual")
    survey = prepare_survey(kiosk_frame, book)
    score = overall_scores(survey.frame, book).summary()
    assert (score["measure"], round(score["score"], 3)) == ("servqual_weighted", -1.249)
    table = priorities(survey.frame, book, bootstrap=400).table
    assert set(table["construct"][1:3]) == {"convenience", "control"}
    assert sorted(table["contribution"][1:3].round(4)) == [-0.2724, -0.2722]


def test_importance_of_some_dimensions_only_is_said(hall):
    codebook = replace(hall.codebook, columns=tuple(c for c in hall.codebook.columns if c.name != "points_empathy"))
    found = priorities(hall.frame, codebook, bootstrap=200)
    assert found.basis() == {"case": "partial", "unasked": ["empathy"]}
    assert not found.weighted
    assert overall_scores(hall.frame, codebook).summary()["measure"] == "servqual_unweighted"
    assert len(importance_performance(hall.frame, codebook, bootstrap=200).table) == 4
    for lang, words in (("en", "not of Empathy"), ("zh", "未问移情性")):
        report = Report(lang, STUDY, hall.names[lang])
        report.say("priority", found.basis())
        assert words in report.blocks[-1].content["text"]


def test_zero_points_in_all_give_no_shares():
    frame, book = toy([[*r[:4], 0, 0, *r[6:]] for r in ROWS])
    assert importance_shares(frame, book).isna().all().all()


def test_derived_weights_lie_between_the_dimensions(hall):
    driven, _ = outcome_drivers(hall.frame, hall.codebook, bootstrap=300)
    row = overall_scores(hall.frame, hall.codebook, driven=driven).table.set_index("measure").loc["servqual_derived"]
    gap = hall.truth.query("quantity == 'gap' and level == 'dimension'")["truth"]
    assert gap.min() < row["estimate"] < gap.max()
    assert row["ci_lower"] < row["estimate"] < row["ci_upper"]


def test_priority_by_hand_and_probabilities(hall):
    found = priorities(hall.frame, hall.codebook, weights=hall.weights, bootstrap=1000, seed=3)
    table = found.table
    assert table["p_worst"].sum() == pytest.approx(1)
    assert table["p_worst_two"].sum() == pytest.approx(2)
    assert table["contribution"].is_monotonic_increasing
    assert found.table["construct"].iloc[0] == "responsiveness"
    frame, book = toy(ROWS)
    toy_table = priorities(frame, book, bootstrap=200).table.set_index("construct")
    assert toy_table.loc["a", "contribution"] == pytest.approx((0.8 * -2 + 0.6 * -1 + 0.1 * -1) / 4)
    assert toy_table.loc["b", "contribution"] == pytest.approx((0.5 * -4 + 0.4 * 1 + 0.9 * -1) / 4)
    weighted = overall_scores(frame, book).table.set_index("measure").loc["servqual_weighted", "estimate"]
    assert toy_table["contribution"].sum() == pytest.approx(weighted)


def test_bayesian_bootstrap_agrees_with_the_closed_form_posterior():
    """Normal means under the reference prior are multivariate t; both should give the same P(worst)."""
    rng = np.random.default_rng(9)
    n = 250
    cov = 0.5 * np.eye(2) + 0.5
    gap = rng.multivariate_normal([-1.0, -1.06], cov, n)
    frame = pd.DataFrame({"e1": 7.0, "e2": 7.0, "p1": 7 + gap[:, 0], "p2": 7 + gap[:, 1]})
    _, book = toy(ROWS, importance=False)
    found = priorities(frame.assign(m1=1, m2=1), book, bootstrap=20_000, seed=1).table.set_index("construct")
    s, mean = np.cov(gap, rowvar=False), gap.mean(axis=0)
    scale = np.linalg.cholesky(s / n)
    z = rng.standard_normal((200_000, 2)) @ scale.T / np.sqrt(rng.chisquare(n - 1, (200_000, 1)) / (n - 1))
    exact = ((mean + z)[:, 1] < (mean + z)[:, 0]).mean()
    assert found.loc["b", "p_worst"] == pytest.approx(exact, abs=0.015)


def test_quadrants_by_hand():
    frame, book = toy(ROWS)
    result = importance_performance(frame, book, bootstrap=500)
    table = result.table.set_index("id")
    assert result.crossing == (50, pytest.approx(5.0))
    assert table.loc["a", "importance"] == 50
    middle = importance_performance(frame, book, cross="scale_middle", bootstrap=500)
    assert middle.crossing == (50, 4)
    assert set(middle.table["quadrant"]) == {"keep_up"}


def test_rated_importance_is_by_statement(kiosk_frame, root):
    book = load_codebook("kiosk_codebook.yml", root / "params" / "servqual")
    result = importance_performance(kiosk_frame, book, bootstrap=500, cross="median")
    assert len(result.table) == 20
    assert (result.table["level"] == "statement").all()
    assert result.cross_importance == pytest.approx(
        kiosk_frame[[f"imp{s}" for s in result.table["id"]]].mean().median()
    )
    assert result.table["p_quadrant"].between(0, 1).all()


def test_zone_of_tolerance_by_hand():
    frame, book = toy(ROWS)
    table = zone_of_tolerance(frame, book).table.set_index("construct")
    assert table.loc["a", "adequacy"] == pytest.approx(np.mean([2, 1, -1, 3]))
    assert table.loc["a", "superiority"] == pytest.approx(-1.0)
    assert table.loc["a", ["below", "within", "above"]].tolist() == [0.25, 0.75, 0.0]
    assert table.loc["b", ["below", "within", "above"]].tolist() == [0.25, 0.5, 0.25]
    assert table.loc["a", "zone"] == pytest.approx(np.mean([4, 1, 0, 4]))


def test_zone_needs_a_minimum(hall):
    assert zone_of_tolerance(hall.frame, load_codebook("servqual")) is None


def test_small_cells_hold_no_figure(hall):
    result = segment_gaps(hall.frame, hall.codebook, hall.segments, weights=hall.weights, min_cell=10)
    sizes = hall.frame["branch"].value_counts()
    small = sizes[sizes < 10].index
    assert len(small) >= 1
    assert not set(small) & set(result.table["value"])
    assert result.hidden == hall.frame[list(hall.segments)].nunique().sum() - result.table["value"].nunique() >= 2
    hidden = result.table[result.table["suppressed"]]
    assert hidden[["n", "gap", "sd", "ci_lower", "ci_upper"]].isna().all().all()
    assert (result.table.loc[~result.table["suppressed"], "n"] >= 10).all()


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ([50, 40, 30], [0, 0, 0]),
        ([50, 40, 3], [0, 1, 1]),
        ([50, 6, 7], [0, 1, 1]),
        ([187, 3, 2, 2], [1, 1, 1, 1]),
        ([3, 4], [1, 1]),
        ([3], [1]),
    ],
)
def test_what_is_hidden_cannot_be_worked_out(sizes, hidden):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    found = hidden_groups({"s": [groups == k for k in range(len(sizes))]}, 10)
    assert found["s"].astype(int).tolist() == hidden


def test_a_small_group_without_a_value_is_protected(hall):
    frame = hall.frame.assign(half=["a"] * 300 + ["b"] * (len(hall) - 305) + [None] * 5)
    found = segment_gaps(frame, hall.codebook, ["half"])
    assert set(found.table["value"]) == {"a"}
    assert found.hidden == 1


def test_a_small_remainder_of_nested_columns_is_protected(hall):
    n = len(hall)
    site = ["a1"] * 60 + ["a2"] * 5 + ["b1"] * 100 + ["b2"] * (n - 165)
    frame = hall.frame.assign(site=site, region=[s[0] for s in site])
    table = segment_gaps(frame, hall.codebook, ["site", "region"], min_answered=0.2).table
    shown = set(zip(table["segment"], table["value"], strict=True))
    assert ("site", "a2") not in shown
    assert not {("site", "a1"), ("region", "a")} <= shown
    assert ("site", "b2") in shown


@pytest.mark.parametrize(("n", "hidden"), [(9, True), (10, False)])
def test_smallest_segment_that_is_shown(hall, n, hidden):
    """Ten may be shown, nine may not, in any dimension or test."""
    complete = hall.frame.dropna(
        subset=[c.name for c in hall.codebook.select("expectation") + hall.codebook.select("perception")]
    )
    frame = complete.head(110).assign(site=["small"] * n + ["other"] * (60 - n) + ["third"] * 50)
    found = segment_gaps(frame, hall.codebook, ["site"], min_cell=10)
    assert ("small" not in found.table["value"].tolist()) == hidden
    assert found.table["suppressed"].sum() == 0
    assert (n in found.table["n"].tolist()) != hidden
    assert (found.hidden_summary() is not None) == hidden
    assert (found.tests["groups"] == (0 if hidden else 3)).all()


def test_one_unasked_dimension_hides_only_itself(hall):
    frame = hall.frame.copy()
    phone = frame.index[frame["channel"] == "phone"][3:]
    frame.loc[phone, [f"p{k}" for k in range(1, 5)]] = np.nan
    table = segment_gaps(frame, hall.codebook, ["channel"]).table.set_index(["value", "construct"])
    assert table.loc[("phone", "tangibles"), "suppressed"]
    assert not table.loc[("phone", "empathy"), "suppressed"]


def test_segments_follow_the_codebooks_order(hall):
    values = segment_gaps(hall.frame, hall.codebook, ["channel"]).table["value"].drop_duplicates()
    assert list(values) == ["counter", "machine", "phone", "web"]
    assert segment_gaps(hall.frame, hall.codebook, []) is None


def test_no_published_segment_at_all(hall):
    result = segment_gaps(hall.frame, hall.codebook, ["branch"], min_cell=10_000)
    assert segments_differ(result).case == "withheld"
    assert result.tests.empty
    assert result.tidy().empty


def test_truth_is_set_beside_the_estimate(hall):
    segments = with_truth(
        segment_gaps(hall.frame, hall.codebook, ["channel"], weights=hall.weights).table, hall.truth, "gap", "segment",
        key="construct",
    )  # fmt: skip
    assert segments["truth"].notna().all()
    counted = coverage(segments, None)
    assert counted["intervals"] == 20
    assert counted["covered"] == segments["covered"].sum() >= 15
    assert with_truth(segments, None, "gap", "segment") is segments
    assert coverage(segments.drop(columns="covered")) is None


def test_failed_checks_are_named():
    class Result:
        def diagnostics(self):
            return pd.DataFrame([("alpha", 0.3, 0.7, "fail"), ("gap_n", 50, 30, "pass")],
                                columns=["check", "value", "threshold", "status"])  # fmt: skip

    checks = run_checks(Result(), None)
    assert failed_checks(checks) == {"failed": ["alpha"]}
    assert failed_checks(checks[checks["status"] == "pass"]) is None


def test_statements_by_segment_are_gaps_of_the_group(hall):
    """Each cell is what the group alone gives; groups too small are not named, nor have cells of too few answers a figure."""
    found = segment_gaps(hall.frame, hall.codebook, ["branch"], min_cell=10, level="statement")
    table = found.table
    assert set(table["level"]) == {"statement"}
    value = table["value"].iloc[0]
    alone = (
        gaps(hall.frame[hall.frame["branch"] == value], hall.codebook, bootstrap=0).tidy("statement").set_index("id")
    )
    cells = table[(table["value"] == value) & ~table["suppressed"]].set_index("id")
    assert len(cells) > 10
    for column in ("n", "gap", "ci_lower", "ci_upper"):
        assert cells[column].to_numpy() == pytest.approx(alone.loc[cells.index, column].to_numpy())
    sizes = hall.frame["branch"].value_counts()
    assert not set(sizes[sizes < 10].index) & set(table["value"])
    assert (table.loc[~table["suppressed"], "n"] >= 10).all()
    assert set(found.tests["statement"]) <= set(table["id"])
