"""What is made of streamed answers is what is made of the rows."""

import numpy as np
import pandas as pd
import pytest

from xmresearch import psychometrics, sem
from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.disclosure import hidden_groups
from xmresearch.errors import DataError
from xmresearch.inference.estimates import estimate_means, mean_covariance, replicate_means
from xmresearch.missing import blanks
from xmresearch.psychometrics.instrument import battery_model
from xmresearch.studies.survey import rated_items
from xmresearch.sufficient.available_moments import AvailableMoments, available, complete, item_moments
from xmresearch.sufficient.moments import Moments

SEGMENTS = ["branch", "channel"]
BOOK = load_codebook("service_hall")
ITEMS = [c.name for c in BOOK.columns]


@pytest.fixture(scope="module")
def rows():
    frame = ServiceHall(1600, 4, missing=0.03, careless=0.02).survey()[[*ITEMS, *SEGMENTS]]
    frame[SEGMENTS] = frame[SEGMENTS].astype(object)
    frame.loc[[5, 700], "channel"] = None
    # a branch of six people, so that groups are hidden
    frame.loc[range(6), "branch"] = "hut"
    return frame


@pytest.fixture(scope="module")
def answers(rows):
    made = StreamedAnswers(ITEMS, SEGMENTS)
    for first in range(0, len(rows), 450):
        made.append(rows[first : first + 450])
    return made


def assert_alike(found, whole, but=()):
    found, whole = (t.tidy() if hasattr(t, "tidy") else t for t in (found, whole))
    left = [c for c in whole.columns if c not in but]
    pd.testing.assert_frame_equal(found[left], whole[left], check_dtype=False, rtol=1e-8, atol=1e-10)


def test_moments_of_pairs_add_up_and_give_means_and_their_covariance():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(400, 4)) @ rng.normal(size=(4, 4)) + 1e4
    values[rng.random(values.shape) < 0.2] = np.nan
    centre = np.full(4, 1e4)
    whole = AvailableMoments.of(values[:150], centre) + AvailableMoments.of(values[150:], centre)
    for given in (whole, whole[:, [2, 0]], whole[:, 1:]):
        at = {4: slice(None), 2: [2, 0], 3: slice(1, None)}[len(given)]
        a, b = estimate_means(given), estimate_means(values[:, at])
        for name in ("n", "mean", "sd", "se", "df"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(mean_covariance(given), mean_covariance(values[:, at]), rtol=1e-8, atol=1e-12)
    drawn = replicate_means(whole, None, 40_000, 1)
    np.testing.assert_allclose(drawn.mean(axis=0), estimate_means(values).mean, atol=0.01)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), mean_covariance(values), atol=4e-4)
    with pytest.raises(ValueError, match="do not add"):
        whole + AvailableMoments.of(values, centre + 1)
    with pytest.raises(DataError, match="have no weights"):
        estimate_means(whole, np.ones(400))


def test_groups_and_complete_rows(rows, answers):
    by = available(answers, lambda block: block[["p1", "e1"]].to_numpy(), "channel")
    assert set(by) == {*rows["channel"].dropna(), ""}
    for level, found in by.items():
        own = rows["channel"].isna() if level == "" else rows["channel"] == level
        np.testing.assert_allclose(estimate_means(found).mean, rows.loc[own, ["p1", "e1"]].mean())
    names = BOOK.names("perception")
    whole = Moments.of(rows[names].to_numpy(), names)
    for found in (item_moments(answers, names)[""], complete(answers, {"k": lambda b: b[names].to_numpy()})["k"][""]):
        assert found.n == whole.n < len(rows)
        np.testing.assert_allclose(found.cov, whole.cov, rtol=1e-10)
    assert item_moments(answers, names)[""] is item_moments(answers, names)[""]
    assert "" not in item_moments(answers, names, "channel")


def test_gaps_scores_and_zones(rows, answers):
    assert_alike(psychometrics.gaps(answers, BOOK), psychometrics.gaps(rows, BOOK, bootstrap=0))
    assert psychometrics.gaps(answers, BOOK).draws == 0
    np.testing.assert_allclose(
        psychometrics.gaps(answers, BOOK).covariance, psychometrics.gaps(rows, BOOK, bootstrap=0).covariance
    )
    assert_alike(psychometrics.overall_scores(answers, BOOK), psychometrics.overall_scores(rows, BOOK))
    assert_alike(psychometrics.zone_of_tolerance(answers, BOOK), psychometrics.zone_of_tolerance(rows, BOOK))
    found, whole = (psychometrics.performance(t, BOOK) for t in (answers, rows))
    assert_alike(found, whole)
    np.testing.assert_allclose(found.covariance, whole.covariance)
    pd.testing.assert_series_equal(found.overall, whole.overall, check_dtype=False)


def test_priorities(rows, answers):
    found, whole = (psychometrics.priorities(t, BOOK, bootstrap=4000) for t in (answers, rows))
    drawn = ("contribution_lower", "contribution_upper", "p_worst", "p_worst_two")
    assert_alike(found, whole, drawn)
    np.testing.assert_allclose(found.covariance, whole.covariance, rtol=1e-8)
    assert_alike(found.table[["p_worst"]].round(0), whole.table[["p_worst"]].round(0))
    width = [(t.table["contribution_upper"] - t.table["contribution_lower"]).to_numpy() for t in (found, whole)]
    np.testing.assert_allclose(width[0], width[1], rtol=0.06)


@pytest.mark.parametrize("level", ["dimension", "statement"])
def test_segments_and_what_they_hide(rows, answers, level):
    found, whole = (psychometrics.segment_gaps(t, BOOK, SEGMENTS, level=level) for t in (answers, rows))
    assert_alike(found.table, whole.table)
    assert_alike(found.tests, whole.tests)
    assert found.hidden == whole.hidden >= 1


def test_hidden_groups_of_people_who_are_counted():
    rng = np.random.default_rng(3)
    for _ in range(40):
        kinds = rng.integers(0, 4, (9, 2))
        people = rng.integers(1, 14, 9)
        groups = {s: [kinds[:, k] == level for level in range(4)] for k, s in enumerate("ab")}
        each = {s: [np.repeat(m, people) for m in masks] for s, masks in groups.items()}
        found, whole = hidden_groups(groups, 10, people), hidden_groups(each, 10)
        for s in "ab":
            np.testing.assert_array_equal(found[s], whole[s])


def test_items_and_reliability(rows, answers):
    assert_alike(psychometrics.item_analysis(answers, BOOK), psychometrics.item_analysis(rows, BOOK))
    found, whole = (psychometrics.reliability(t, BOOK) for t in (answers, rows))
    assert_alike(found.table, whole.table)
    assert_alike(found.differences, whole.differences)
    matrices = [
        psychometrics.score_matrix(psychometrics.dimension_scores(t, BOOK, "perception", 0.5), r, "perception")
        for t, r in ((answers, found), (rows, whole))
    ]
    assert_alike(*matrices)


def test_an_item_against_the_rest_is_found(rows):
    turned = rows.assign(p2=8 - rows["p2"])
    made = StreamedAnswers(ITEMS, SEGMENTS)
    made.append(turned)
    found, whole = (psychometrics.reliability(t, BOOK) for t in (made, turned))
    assert "p2" in set(whole.reversed_items["item"])
    assert_alike(found.reversed_items, whole.reversed_items)


def test_the_instrument(rows, answers):
    cfa, obstacle = psychometrics.battery_cfa(answers, BOOK)
    whole = sem.fit(battery_model(BOOK, "perception"), rows)
    assert obstacle is None
    assert (cfa.n, cfa.dropped) == (whole.n, len(rows) - whole.n)
    assert_alike(cfa.estimates, whole.estimates)
    a, b = (psychometrics.segment_invariance(t, BOOK, ["channel"]) for t in (answers, rows))
    assert_alike(a.table, b.table)
    assert (a.complete, a.left_out, a.hidden) == (b.complete, b.left_out, b.hidden)
    streamed = psychometrics.validity(cfa, answers, bootstrap=2000, seed=1).pairs
    normal = psychometrics.validity(cfa, rows, bootstrap=2000, seed=1).pairs
    assert_alike(streamed, normal, ("htmt2_lower", "htmt2_upper"))
    ratio = (streamed["htmt2_upper"] - streamed["htmt2_lower"]) / (normal["htmt2_upper"] - normal["htmt2_lower"])
    assert ratio.between(0.8, 1.25).all()


def test_what_is_left_out_is_none(answers):
    assert psychometrics.outcome_drivers(answers, BOOK) == (None, None)
    assert psychometrics.importance_performance(answers, BOOK) is None
    assert psychometrics.derived_importance(answers, BOOK) is None


def test_blanks_without_their_patterns(rows, answers):
    found, whole = (blanks(t, rated_items(BOOK)) for t in (answers, rows))
    assert found.rows() == whole.rows()
    assert_alike(found.patterns.items, whole.patterns.items)
    assert found.summary()["case"] == "untested_streamed"
    assert found.shown()["pattern"].tolist() == ["complete", "other_patterns"]


def test_structural_models(rows, answers):
    text, scales = sem.model_text("servqual_satisfaction"), BOOK.scales()
    found, whole = sem.fit(text, answers), sem.fit(text, rows)
    assert_alike(found.estimates, whole.estimates)
    assert (found.n, found.dropped) == (whole.n, whole.dropped)
    outcomes = ["loyalty", "overall_satisfaction"]
    assert_alike(sem.indices(found, answers, outcomes, scales), sem.indices(whole, rows, outcomes, scales))
    assert_alike(sem.gains(found, answers, outcomes, scales), sem.gains(whole, rows, outcomes, scales))
    measured = sem.measurement_model(text)
    few = rows[rows["channel"].isin(rows["channel"].value_counts().index[:2])]
    made = StreamedAnswers(ITEMS, SEGMENTS)
    made.append(few)
    ladders = [sem.invariance(measured, t, "channel", levels=["metric"]) for t in (made, few)]
    assert_alike(ladders[0].table, ladders[1].table)
    with pytest.raises(DataError, match="MLR needs rows"):
        sem.fit(text, answers, estimator="MLR")
    with pytest.raises(DataError, match="no column 'chanel'"):
        sem.fit(text, answers, group="chanel")
