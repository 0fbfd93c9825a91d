"""Shares and indices corrected for a classifier's errors: by hand, by a second way, and against planted truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from verbatim_scores import scored, world

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.verbatims.error_rates import error_rates
from xmresearch.verbatims.error_stability import equal_errors_p, hotelling_p, mixture_p
from xmresearch.verbatims.prevalence import FEWEST_LABELS, corrected_shares
from xmresearch.verbatims.score_counts import CELLS, LabelledScores, ScoreCounts


def flags(negative_flagged, negatives, positive_flagged, positives):
    """Labelled texts with scores of 0 and 1."""
    rows = [(1.0, -1)] * negative_flagged + [(0.0, -1)] * (negatives - negative_flagged)
    rows += [(1.0, 1)] * positive_flagged + [(0.0, 1)] * (positives - positive_flagged)
    return pd.DataFrame(rows, columns=["negative", "label"]).assign(positive=lambda t: 1 - t["negative"])


def estimate(new, labelled, target="negative", by=("period",), **given):
    found = LabelledScores.of(labelled, target, by=by)
    return corrected_shares(ScoreCounts.of(new, found.scores, by=by), found, **given)


def texts(flagged, n):
    return pd.DataFrame({"negative": [1.0] * flagged + [0.0] * (n - flagged)}).assign(
        positive=lambda t: 1 - t["negative"]
    )


def test_rogan_and_gladens_estimate_by_hand():
    """Sensitivity .9, specificity .8, 30 of 100 flagged: (.3 + .8 - 1) / (.9 + .8 - 1)."""
    found = estimate(texts(30, 100).assign(period="a"), flags(90, 100, 20, 100).assign(period="b"))
    row = found.table.iloc[0]
    assert row["estimate"] == pytest.approx(0.1 / 0.7)
    assert row["counted"] == pytest.approx(0.3)
    assert (row["method"], row["labels"], row["n"]) == ("error_rates", 0, 100)
    # the delta method written out: apparent share, then sensitivity and specificity
    p, v = 0.1 / 0.7, (0.3 * 0.7 / 99, 0.9 * 0.1 / 99, 0.8 * 0.2 / 99)
    assert row["se"] == pytest.approx(np.sqrt(v[0] + p**2 * v[1] + (1 - p) ** 2 * v[2]) / 0.7)
    assert row["lower"] < p < row["upper"]


def test_a_classifier_that_never_errs_leaves_wilsons_interval():
    row = estimate(texts(7, 50).assign(period="a"), flags(40, 40, 0, 60).assign(period="b")).table.iloc[0]
    lower, upper = share_interval(7, 50)
    assert [row["estimate"], row["lower"], row["upper"]] == pytest.approx([0.14, float(lower), float(upper)])


def test_an_index_of_three_kinds_is_that_of_a_mixture():
    """Mean scores are made from shares that are known: the correction gives them back."""
    rng = np.random.default_rng(2)
    labelled = scored(rng, 900, (0.3, 0.2, 0.5))
    rates = error_rates(labelled[["negative", "positive"]], labelled["label"])
    shares = np.array([0.5, 0.1, 0.4])
    found = rates.shares(shares @ rates.mean, np.zeros((2, 2)), 1e12)
    assert found.shares == pytest.approx(shares)
    assert found.estimate == pytest.approx(-0.1)
    # the same errors by resampling the labelled texts
    drawn = []
    for _ in range(400):
        again = labelled.iloc[rng.integers(0, 900, 900)]
        drawn.append(error_rates(again[["negative", "positive"]], again["label"]).shares(shares @ rates.mean, np.zeros((2, 2)), 1e12).estimate)  # fmt: skip
    assert found.se == pytest.approx(np.std(drawn), rel=0.15)


def test_labels_of_the_period_are_helped_by_its_scores():
    """The regression estimator, written out."""
    new, labelled = world(np.random.default_rng(3), texts=1000, own=200, quality=0.8, moved=0.5)
    row = estimate(new, labelled).table.iloc[0]
    slope = np.polyfit(labelled["negative"], labelled["label"] == -1, 1)[0]
    own = new.iloc[:200]
    y = (own["label"] == -1).astype(float)
    assert row["estimate"] == pytest.approx(y.mean() + slope * (new["negative"].mean() - own["negative"].mean()))
    left = y - slope * own["negative"]
    variance = left.var() / 200 + (slope**2 * new["negative"].var() + 2 * slope * np.cov(own["negative"], left)[0, 1]) / 1000  # fmt: skip
    assert row["se"] == pytest.approx(np.sqrt(variance))
    assert (row["method"], row["labels"], row["why"], row["labels_needed"]) == ("labels", 200, "", 0)
    assert row["se"] < np.sqrt(y.var() / 200)


def test_few_labels_of_a_kind_stand_alone():
    """With fewer than ten negative labels the scores are left out: Wilson's interval of the labels."""
    rng = np.random.default_rng(4)
    labelled = scored(rng, 300, (0.3, 0.7)).assign(period="old")
    new = scored(rng, 500, (0.3, 0.7)).assign(period="new").sort_values("label", ascending=False)
    own = pd.concat([new[new["label"] == 1].iloc[:51], new[new["label"] == -1].iloc[:9]])
    row = estimate(new, pd.concat([labelled, own])).table.iloc[0]
    assert [row["lower"], row["upper"]] == pytest.approx([float(e) for e in share_interval(9, 60)])
    more = pd.concat([own, new[new["label"] == -1].iloc[9:10]])
    assert estimate(new, pd.concat([labelled, more])).table["upper"][0] != pytest.approx(
        float(share_interval(10, 61)[1])
    )
    few = pd.concat([labelled, own.iloc[-FEWEST_LABELS + 1 :]])
    assert estimate(new, few).table["method"][0] == "error_rates"


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({"labels": 300, "shares": (0.1, 0.9), "texts": 1000}, "negative"),
        ({"labels": 300, "shares": (0.6, 0.4), "texts": 1000}, "negative"),
        ({"labels": 200, "shares": (0.3, 0.7), "own": 100, "quality": 0.6, "moved": 0.8}, "negative"),
        ({"labels": 400, "known": (0.2, 0.2, 0.6), "shares": (0.5, 0.2, 0.3)}, "index"),
    ],
)
def test_intervals_cover_a_planted_truth_when_shares_or_the_classifier_shift(given, target):
    """200 samples a cell; the long version is tests/benchmarks/test_prevalence_coverage.py."""
    truth = given["shares"][0] if target == "negative" else given["shares"][-1] - given["shares"][0]
    hits = n = 0
    for sample in range(200):
        row = estimate(*world(np.random.default_rng([21, sample]), **given), target).table.iloc[0]
        n += row["method"] != "withheld"
        hits += row["lower"] <= truth <= row["upper"]
    assert n > 170
    assert min(stats.binom.cdf(hits, n, 0.93), stats.binom.sf(hits - 1, n, 0.97)) > 0.01


def test_a_shifted_classifier_is_withheld_until_labels_of_the_period_come():
    new, labelled = world(np.random.default_rng(5), labels=400, quality=0.5)
    row = estimate(new, labelled).table.iloc[0]
    assert (row["method"], row["why"]) == ("withheld", "errors_moved")
    assert np.isnan([row["estimate"], row["lower"], row["upper"]]).all()
    assert row["p_stable"] < 1e-6
    steady = scored(np.random.default_rng(7), 2000, (0.6, 0.4)).assign(period="new")
    row = estimate(steady, labelled).table.iloc[0]
    assert row["method"] == "error_rates"
    row = estimate(steady, labelled, without_labels="withheld").table.iloc[0]
    assert (row["method"], row["why"]) == ("withheld", "no_labels")
    # so many labels bring what was promised of them
    new, labelled = world(np.random.default_rng(6), labels=400, quality=0.5, own=int(row["labels_needed"]))
    row = estimate(new, labelled).table.iloc[0]
    assert row["method"] == "labels"
    assert row["lower"] <= 0.3 <= row["upper"]


def test_labelled_periods_that_differ_in_errors_hold_back_the_others():
    rng = np.random.default_rng(7)
    parts = [scored(rng, 200, (0.3, 0.7), quality=q).assign(period=p) for q, p in ((1.5, "a"), (0.6, "b"))]
    mixed = scored(rng, 25, (0.3, 0.7)).assign(period="c")
    counted = pd.concat([*parts, mixed])
    table = estimate(counted, pd.concat(parts)).table
    assert table["method"].tolist() == ["labels", "labels", "withheld"]
    assert table["why"].tolist() == ["", "", "errors_differ"]
    again = [scored(rng, 200, (s, 1 - s)).assign(period=p) for s, p in ((0.3, "a"), (0.6, "b"))]
    result = estimate(pd.concat([*again, mixed]), pd.concat(again))
    assert result.p_between > 0.05
    assert result.table["method"].tolist() == ["labels", "labels", "error_rates"]


def test_scores_that_say_nothing_are_withheld():
    rng = np.random.default_rng(8)
    labelled = pd.DataFrame(
        {"negative": rng.random(80), "positive": 0.5, "label": rng.choice([-1, 1], 80), "period": "a"}
    )
    row = estimate(pd.DataFrame({"negative": rng.random(300), "period": "b"}), labelled).table.iloc[0]
    assert (row["method"], row["why"]) == ("withheld", "not_apart")


def test_the_test_of_a_mixture_rejects_as_often_as_it_says():
    """400 samples whose shares shift and whose errors do not: 5 % of p values below .05, within the limits of chance."""
    below = 0
    for sample in range(400):
        rng = np.random.default_rng([31, sample])
        labelled, new = scored(rng, 300, (0.3, 0.7)), scored(rng, 1000, (0.6, 0.4))
        cells = [np.histogram(t["negative"], CELLS, (0, 1))[0] for t in (new, labelled[labelled["label"] == -1], labelled[labelled["label"] == 1])]  # fmt: skip
        below += mixture_p(cells[0], np.stack(cells[1:])) < 0.05
    assert stats.binomtest(below, 400, 0.05).pvalue > 0.01
    assert np.isnan(mixture_p(cells[0] * 0, np.stack(cells[1:])))
    assert np.isnan(mixture_p(cells[0], np.stack(cells[1:]) // 40))


def test_hotellings_t2_of_a_textbook():
    """Johnson & Wichern, Applied multivariate statistical analysis, example 5.2: 20 persons, 3 variables, T2 9.74, F 2.90 of 3 and 17."""
    assert hotelling_p(9.74, 3, 19) == pytest.approx(stats.f.sf(2.905, 3, 17), abs=5e-4)
    assert 0.05 < hotelling_p(9.74, 3, 19) < 0.10
    assert hotelling_p(8.18, 3, 19) == pytest.approx(0.10, abs=5e-4)  # their critical value
    assert np.isnan(hotelling_p(1.0, 5, 5))


def test_a_mixture_of_three_kinds_is_judged_as_often_with_few_labels_of_the_kind_that_grows():
    """300 samples: neutral texts grow from a fifth to a half, with 80 labels of theirs."""
    below = 0
    for sample in range(300):
        rng = np.random.default_rng([32, sample])
        labelled, new = scored(rng, 400, (0.2, 0.2, 0.6)), scored(rng, 3000, (0.1, 0.5, 0.4))
        kinds = [labelled[labelled["label"] == k] for k in (-1, 0, 1)]
        cells = [np.histogram(t["positive"] - t["negative"], CELLS, (-1, 1))[0] for t in (new, *kinds)]
        below += mixture_p(cells[0], np.stack(cells[1:])) < 0.05
    assert stats.binom.sf(below - 1, 300, 0.05) > 0.01


def test_errors_that_are_equal_or_not_in_labelled_periods():
    rng = np.random.default_rng(9)
    f, kind, group = rng.random((300, 1)), rng.integers(0, 2, 300), rng.integers(0, 3, 300)
    assert equal_errors_p(f, kind, group) > 0.01
    assert equal_errors_p(f + 0.5 * (group == 1)[:, None] * (kind == 1)[:, None], kind, group) < 0.001
    assert np.isnan(equal_errors_p(f, kind, np.zeros(300, int)))
    assert np.isnan(equal_errors_p(f, kind, np.full(300, -1)))


def test_changes_count_shared_errors_once():
    rng = np.random.default_rng(10)
    labelled = scored(rng, 60, (0.5, 0.5)).assign(period="old")
    new = pd.concat([scored(rng, 20_000, (0.3, 0.7)).assign(period=p) for p in ("a", "b")])
    result = estimate(new, labelled)
    change, se = result.change(0, 1), result.table["se"]
    assert change.se < 0.3 * np.hypot(*se)
    assert change.lower < 0 < change.upper
    shifted, own = world(rng, texts=500, own=100)
    both = estimate(pd.concat([shifted, new]), pd.concat([labelled, own]))
    rows = both.table.set_index("period")
    at = {p: i for i, p in enumerate(both.table["period"])}
    assert both.change(at["a"], at["new"]).se == pytest.approx(np.hypot(rows["se"]["a"], rows["se"]["new"]))
    moved, _ = world(rng, quality=0.4)
    held = estimate(pd.concat([moved, new]), scored(rng, 400, (0.5, 0.5)).assign(period="old"))
    with pytest.raises(InsufficientData, match="withheld"):
        held.change(0, 2)


def test_counts_add_up_to_one_pass():
    rng = np.random.default_rng(11)
    table = scored(rng, 500, (0.3, 0.2, 0.5)).assign(
        period=rng.choice(["b", "a", None], 500), area=rng.choice([1, 2], 500)
    )
    names, by = ("negative", "positive"), ["period", "area"]
    whole = ScoreCounts.of(table, names, by=by)
    parts = ScoreCounts.of(table.iloc[400:], names, by=by) + ScoreCounts.of(table.iloc[:400], names, by=by)
    pd.testing.assert_frame_equal(whole.groups, parts.groups)
    for field in ("n", "total", "cross", "cells"):
        np.testing.assert_allclose(getattr(whole, field), getattr(parts, field))
    assert whole.n.sum() == table["period"].notna().sum()
    assert whole.cells.sum(axis=1).tolist() == whole.n.tolist()
    one = ScoreCounts.of(table, names) + ScoreCounts.of(table, names)
    assert one.n.tolist() == [1000]
    with pytest.raises(DataError, match="do not add up"):
        whole + one


def test_small_groups_and_single_texts_have_wide_limits():
    labelled = flags(90, 100, 10, 100).assign(period="z")
    one = estimate(texts(1, 1).assign(period="a"), labelled).table.iloc[0]
    assert one["estimate"] == 1
    assert one["lower"] < 0.4
    assert one["upper"] == 1
    none = estimate(texts(0, 40).assign(period="a"), labelled).table.iloc[0]
    assert (none["estimate"], none["lower"]) == (0, 0)
    assert none["upper"] > 0
    three = scored(np.random.default_rng(1), 200, (0.3, 0.3, 0.4))
    few = estimate(three.iloc[:29].assign(period="a"), three.assign(period="z"), "index").table.iloc[0]
    assert (few["method"], few["why"]) == ("withheld", "few_texts")


def test_what_does_not_fit_is_refused():
    labelled = flags(90, 100, 20, 100).assign(period="a")
    with pytest.raises(DataError, match="no column 'when'"):
        estimate(texts(3, 10), labelled, by=["when"])
    with pytest.raises(DataError, match="no number from 0 to 1"):
        ScoreCounts.of(pd.DataFrame({"negative": [1.2]}))
    with pytest.raises(DataError, match="no number from 0 to 1"):
        ScoreCounts.of(pd.DataFrame({"negative": [np.nan]}))
    with pytest.raises(DataError, match="200 labels and 10 texts"):
        estimate(texts(3, 10).assign(period="a"), labelled)
    with pytest.raises(InsufficientData, match="alike"):
        LabelledScores.of(labelled.assign(label=1))
    with pytest.raises(InsufficientData, match="fewest labels of a kind are 4"):
        estimate(texts(3, 10).assign(period="a"), flags(4, 4, 2, 90).assign(period="b"))
    with pytest.raises(DataError, match="labelled ones by positive"):
        corrected_shares(ScoreCounts.of(texts(3, 10)), LabelledScores.of(labelled, "positive"))
    with pytest.raises(DataError, match="counted by period, labels by area"):
        corrected_shares(ScoreCounts.of(texts(3, 10).assign(period="a"), by=["period"]), LabelledScores.of(labelled.assign(area=1), by=["area"]))  # fmt: skip


def test_an_index_of_two_kinds_is_twice_the_share():
    new, labelled = world(np.random.default_rng(12))
    index, share = (estimate(new, labelled, t).table.iloc[0] for t in ("index", "negative"))
    assert index["estimate"] == pytest.approx(1 - 2 * share["estimate"])
    assert index["lower"] == pytest.approx(1 - 2 * share["upper"])
    assert index["counted"] == pytest.approx((new["positive"] - new["negative"]).mean())
    never = labelled.assign(label=labelled["label"].clip(upper=0))
    row = estimate(new, never, "index").table.iloc[0]
    assert row["estimate"] == pytest.approx(-share["estimate"])
    assert row["counted"] == pytest.approx(-new["negative"].mean())
