"""Perceptions alone, gaps that are themselves the answers, and the three columns: figures by hand, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from once_worlds import book, survey
from scipy import stats

from xmresearch.data.answer_formats import answer_format
from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.survey import prepare_survey
from xmresearch.errors import CodebookError, DataError
from xmresearch.psychometrics.gap_scores import FEW_ANSWERS, gaps
from xmresearch.psychometrics.importance import derived_importance, importance_performance
from xmresearch.psychometrics.instrument import battery_cfa
from xmresearch.psychometrics.internal_consistency import reliability
from xmresearch.psychometrics.overall import overall_scores
from xmresearch.psychometrics.overall_drivers import outcome_drivers
from xmresearch.psychometrics.performance_scores import performance
from xmresearch.psychometrics.priority import priorities
from xmresearch.psychometrics.segments import segment_gaps
from xmresearch.psychometrics.tolerance import zone_of_tolerance

ONE = {"calm": {"en": "a", "zh": "a"}, "speed": {"en": "b", "zh": "b"}}


def four(form, kind, **item):
    """A codebook of two dimensions, of two items and of one."""
    items = {
        f"x{k}": {"kind": kind, "construct": d, "statement": str(k)} | item
        for k, d in enumerate(("calm", "calm", "speed"))
    }
    return book(form, constructs=ONE, statements={}, batteries={}, items=items)


def test_scores_by_hand():
    frame = pd.DataFrame({"x0": [1.0, 2, 3, np.nan], "x1": [3.0, 2, 5, 7], "x2": [4.0, 4, 7, 1]})
    found = performance(frame, four("perceptions", "perception"), min_answered=1.0)
    calm = found.tidy("dimension").iloc[0]
    values = np.array([2.0, 2, 4])
    assert (calm["n"], calm["perception"], calm["aimed"]) == (3, pytest.approx(8 / 3), 4.0)
    test = stats.ttest_1samp(values, 4.0)
    assert calm["p"] == pytest.approx(test.pvalue)
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    assert (calm["ci_lower"], calm["ci_upper"]) == (pytest.approx(low), pytest.approx(high))
    assert calm["difference_upper"] == pytest.approx(high - 4)
    assert found.overall["perception"] == pytest.approx(np.mean([3.0, 3.0, 5.5]))
    speed = stats.ttest_1samp(frame["x2"], 4.0).pvalue
    first, second = sorted([test.pvalue, speed])
    holm = {first: min(2 * first, 1), second: min(max(2 * first, second), 1)}
    np.testing.assert_allclose(found.tidy("dimension")["p_adjusted"], [holm[test.pvalue], holm[speed]])
    aimed = performance(frame, four("perceptions", "perception"), target=6, min_answered=1.0)
    assert aimed.summary()["case"] == "target"
    assert aimed.overall["difference"] == pytest.approx(found.overall["perception"] - 6)


@pytest.mark.parametrize(("n", "status"), [(FEW_ANSWERS, "pass"), (FEW_ANSWERS - 1, "warn")])
def test_few_respondents_behind_a_score_are_warned_of(n, status):
    found = performance(survey(n, (4, 5, 6), 3), book("perceptions")).diagnostics()
    assert found["status"].tolist() == [status]


def test_direct_gaps_by_hand():
    """The declared answer 'as expected' is 3 of 1-5; a reversed item has been recoded, and with it what it declares."""
    scale = {"minimum": 1, "maximum": 5, "as_expected": 2}
    turned = four("direct", "gap", scale=scale, reverse=True)
    assert {c.neutral for c in turned.columns} == {4.0}
    plain = four("direct", "gap", scale=scale)
    frame = pd.DataFrame({"x0": [1.0, 2, 3], "x1": [3.0, 2, 5], "x2": [4.0, 4, 1]})
    found = gaps(frame, plain, bootstrap=0)
    assert found.tidy("dimension")["gap"].tolist() == pytest.approx([np.mean([0.0, 0, 2]), 1.0])
    assert found.tidy("statement")["gap"].tolist() == pytest.approx([0.0, 4 / 3, 1.0])
    assert not {"expectation", "perception"} & set(found.table)
    assert "gap" in repr(found._tables()["Dimension"].columns)
    recoded = prepare_survey(pd.DataFrame({c: np.resize([1, 2, 3, 5], 12) for c in frame}), turned).frame
    again = gaps(recoded, turned, bootstrap=0).tidy("statement")["gap"]
    assert again.tolist() == pytest.approx([-(np.mean([1, 2, 3, 5]) - 2)] * 3)


def test_a_middle_that_is_not_declared_is_that_of_the_scale():
    frame = survey(80, (-1, 0, 1), 5, form="direct")
    found = gaps(frame, book("direct"), bootstrap=0).tidy("dimension")
    assert found["gap"].tolist() == pytest.approx(
        [(frame[[f"g{3 * k + j}" for j in (1, 2, 3)]].mean(axis=1) - 4).mean() for k in range(3)]
    )


def test_direct_gaps_have_what_gaps_have():
    frame, made = survey(200, (-1, 0, 1), 5, form="direct", drives=(0.8, 0, 0)), book("direct")
    frame["branch"] = np.tile(["a", "b"], 100)
    first = priorities(frame, made, bootstrap=200).table
    assert first["construct"].iloc[0] == "calm"
    assert first["contribution"].iloc[0] == pytest.approx(
        gaps(frame, made, bootstrap=0).tidy("dimension")["gap"].iloc[0] / 3
    )
    assert overall_scores(frame, made).table["measure"].tolist() == ["servqual_unweighted"]
    assert segment_gaps(frame, made, ["branch"]).table["gap"].notna().all()
    assert outcome_drivers(frame, made, bootstrap=200)[0].summary()["driver"] == "calm"
    trust = reliability(frame, made)
    assert trust.tidy()["kind"].tolist() == ["gap"] * 3
    assert trust.differences.empty
    assert battery_cfa(frame, made, kind="gap")[0] is not None
    assert importance_performance(frame, made) is None
    assert zone_of_tolerance(frame, made) is None


def test_perceptions_have_what_needs_no_expectation():
    frame, made = survey(200, (4, 5, 6), 6, drives=(0.8, 0, 0)), book("perceptions")
    frame["branch"] = np.tile(["a", "b"], 100)
    assert overall_scores(frame, made).summary()["measure"] == "servperf_unweighted"
    groups = segment_gaps(frame, made, ["branch"])
    inside = frame.loc[frame["branch"] == "a", ["p1", "p2", "p3"]].mean(axis=1).mean()
    assert groups.table["gap"].iloc[0] == pytest.approx(inside)
    less = performance(frame, made, target=5).less_aimed(groups.table)
    assert less["gap"].iloc[0] == pytest.approx(inside - 5)
    assert reliability(frame, made).tidy()["kind"].tolist() == ["perception"] * 3
    grid = derived_importance(frame, made, bootstrap=200)
    assert grid.table["importance"].sum() == pytest.approx(1)
    assert grid.table["quadrant"].iloc[0] == "concentrate_here"
    assert derived_importance(frame.head(5), made, bootstrap=200) is None


def test_scores_of_perceptions_are_those_beside_gaps():
    frame = survey(120, (4, 5, 6), 8, form="pairs")
    alone = frame[book("perceptions").names("perception") + ["quality"]]
    pair, once = (
        overall_scores(f, book(form)).table.set_index("measure")
        for f, form in ((frame, "pairs"), (alone, "perceptions"))
    )
    assert once.loc["servperf_unweighted"].tolist() == pair.loc["servperf_unweighted"].tolist()
    table = reliability(frame, book("pairs")).table
    np.testing.assert_array_equal(
        reliability(alone, book("perceptions")).table["alpha"], table.loc[table["kind"] == "perception", "alpha"]
    )


def test_three_columns_by_hand():
    """LibQUAL+: adequacy is perceived less minimum, superiority perceived less desired."""
    frame, made = survey(60, (5, 4, 3), 9, form="three"), book("three")
    assert answer_format(made) == "pairs"
    found = zone_of_tolerance(frame, made).table
    for k, row in found.iterrows():
        m, e, p = (frame[[f"{x}{3 * k + j}" for j in (1, 2, 3)]].mean(axis=1) for x in "mep")
        assert row["adequacy"] == pytest.approx((p - m).mean())
        assert row["superiority"] == pytest.approx((p - e).mean())
        assert row["below"] == pytest.approx((p < m).mean())
    assert gaps(frame, made, bootstrap=0).tidy("dimension")["gap"].tolist() == pytest.approx(
        found["superiority"].tolist()
    )


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ({"gap": "g{id}", "perception": "p{id}"}, "has gap items .'g1'. beside perception items"),
        ({"minimum": "m{id}", "perception": "p{id}"}, "minimum .'m1'. without what is desired"),
        ({"expectation": "e{id}"}, "no perception items"),
    ],
)
def test_a_codebook_in_no_known_form_is_refused(patterns, words):
    with pytest.raises(CodebookError, match=words):
        answer_format(book("pairs", batteries={k: {"pattern": p} for k, p in patterns.items()}))


def test_the_answer_as_expected_lies_within_the_scale():
    for wrong in (1, 7, 9):
        with pytest.raises(CodebookError, match=f"as_expected is {wrong}"):
            book("direct", scale={"minimum": 1, "maximum": 7, "as_expected": wrong})


def test_a_target_is_a_level_of_one_scale():
    frame = survey(40, (4, 5, 6), 1)
    with pytest.raises(DataError, match="target: 8 is no level of the answer scale 1-7"):
        performance(frame, book("perceptions"), target=8)
    items = {
        "x3": {"kind": "perception", "construct": "speed", "statement": "10", "scale": {"minimum": 1, "maximum": 5}}
    }
    mixed = book("perceptions", items=items)
    with pytest.raises(DataError, match="different scales"):
        performance(frame, mixed, target=4)


def test_formats_of_the_instruments():
    forms = {
        name: answer_format(load_codebook(name))
        for name in ("servqual", "libqual", "servqual_p", "servperf", "e_s_qual", "hedperf")
    }
    assert forms == dict.fromkeys(("servqual", "libqual", "servqual_p"), "pairs") | dict.fromkeys(
        ("servperf", "e_s_qual", "hedperf"), "perceptions"
    )
