"""What drives an outcome is found although answers are blank, where complete respondents alone mislead."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.claims.ranking import Joint
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.subsets import lmg
from xmresearch.errors import InsufficientData
from xmresearch.inference.estimates import replicate_covariances, tables_of_draws
from xmresearch.missing.completed_tables import completed_tables, pooled_draws
from xmresearch.missing.rubin import pool
from xmresearch.psychometrics.overall import overall_scores
from xmresearch.psychometrics.overall_drivers import outcome_drivers
from xmresearch.studies.servqual.claims import strongest

SLOPES = np.array([0.5, 0.3, 0.1])
INNER = np.full((3, 3), 0.4) + 0.6 * np.eye(3)
R2 = SLOPES @ INNER @ SLOPES / (SLOPES @ INNER @ SLOPES + 0.5)


def world(seed, n=500, rounded=False):
    """Three drivers; the first is blank for most of those who are discontent (blanks depend on what was answered)."""
    rng = np.random.default_rng(seed)
    x = rng.multivariate_normal(np.zeros(3), INNER, n)
    y = x @ SLOPES + np.sqrt(0.5) * rng.standard_normal(n)
    frame = pd.DataFrame(np.column_stack([x, y]), columns=[*"abc", "y"])
    if rounded:
        frame["y"] = (2 * frame["y"]).round().clip(-4, 4)
    frame.loc[rng.random(n) < 1 / (1 + np.exp(0.5 + 2.5 * y)), "a"] = np.nan
    return frame


def shares():
    outer = np.zeros((4, 4))
    outer[:3, :3], outer[3, 3] = INNER, SLOPES @ INNER @ SLOPES + 0.5
    outer[3, :3] = outer[:3, 3] = INNER @ SLOPES
    found = lmg(outer)
    return found / found.sum()


def test_intervals_cover_where_complete_respondents_mislead():
    """Four in ten lack a driver: over 50 surveys, 95 % intervals of R2 and of the shares."""
    runs, covered, misled, bias, biased, held = 50, 0, 0, 0.0, 0.0, np.zeros(3)
    for seed in range(runs):
        frame = world(seed)
        found, alone = (
            relative_importance(d[list("abc")], d["y"], bootstrap=300, seed=seed) for d in (frame, frame.dropna())
        )
        assert found.n == 500
        covered += found.r2_lower < R2 < found.r2_upper
        misled += not alone.r2_lower < R2 < alone.r2_upper
        bias, biased = bias + (found.r2 - R2) / runs, biased + (alone.r2 - R2) / runs
        held += (found.table["share_lower"] < shares()) & (shares() < found.table["share_upper"])
    assert covered >= 43
    assert (held >= 43).all(), held
    assert misled >= 25
    assert abs(bias) < 0.03 < 0.09 < -biased


def test_whole_numbers_of_a_scale_do_no_harm():
    """Rounding the outcome takes a little of R2 away from everybody; blanks must not add to that."""
    apart = []
    for seed in range(20):
        frame = world(seed, rounded=True)
        full = frame.assign(a=np.random.default_rng(seed).multivariate_normal(np.zeros(3), INNER, 500)[:, 0])
        found, whole = (relative_importance(d[list("abc")], d["y"], bootstrap=200, seed=seed) for d in (frame, full))
        apart.append(found.r2 - whole.r2)
    assert abs(np.mean(apart)) < 0.03


def test_blanks_widen_intervals_and_are_told():
    frame = world(1)
    found = relative_importance(frame[list("abc")], frame["y"], bootstrap=400, seed=1)
    told = found.filled_in()
    assert told["filled"] == frame["a"].isna().sum()
    assert told["complete"] == frame["a"].notna().sum()
    assert told["imputations"] == np.ceil(100 * frame["a"].isna().mean())
    assert told["left_out"] == 0
    assert 0.1 < told["fmi"] < 0.9
    complete = frame.dropna()
    assert relative_importance(complete[list("abc")], complete["y"], bootstrap=200).filled_in() is None


def test_who_answered_nothing_is_left_out_and_counted():
    frame = world(2)
    frame.loc[:19] = np.nan
    found = relative_importance(frame[list("abc")], frame["y"], bootstrap=200)
    assert found.n == 480
    assert found.filled_in()["left_out"] == 20
    assert found.table["share"].sum() == pytest.approx(1)


def test_too_few_complete_respondents_are_still_too_few():
    frame = world(3, n=60)
    frame.loc[11:, "a"] = np.nan
    with pytest.raises(InsufficientData, match="are needed to tell what drives it"):
        relative_importance(frame[list("abc")], frame["y"], bootstrap=200)


def test_the_claim_of_the_first_driver_rests_on_the_pooled_covariance():
    """The spread of the replicates is Rubin's within plus (1 + 1/m) between, up to the draws."""
    frame = world(4, n=300)
    values = frame.to_numpy()
    tables = completed_tables(values, None, None, 7)
    draws, m = 4000 * 5, len(tables)
    covs = replicate_covariances(tables, None, draws, 7, "bayesian")
    of = tables_of_draws(m, draws)
    gained = [lmg(np.stack(c)) for c in ([np.cov(t, rowvar=False) for t in tables], covs)]
    point, drawn = (g / g.sum(axis=1, keepdims=True) for g in gained)
    within = [np.cov(drawn[of == t], rowvar=False) for t in range(m)]
    expected = pool(point, within)
    mean, spread = pooled_draws(point, drawn, of)
    np.testing.assert_allclose(mean, expected.table["est"])
    np.testing.assert_allclose(spread.var(axis=0), np.diag(expected.covariance), rtol=0.06)
    assert (expected.table["lambda"][:2] > 0.2).all()
    found = relative_importance(frame[list("abc")], frame["y"], bootstrap=2000, seed=7)
    claim = strongest(found)
    again = Joint(found.table["share"].to_numpy(), draws=found.replicates)
    assert claim.facts["margin_lower"] == pytest.approx(again.difference(0, 1, 0.95)[1])
    gap = np.array([1.0, -1.0, 0.0])
    width = claim.facts["margin_upper"] - claim.facts["margin_lower"]
    assert width == pytest.approx(2 * 1.96 * np.sqrt(gap @ expected.covariance @ gap), rel=0.12)


def test_nothing_to_explain_is_said_no_more_often_than_promised():
    """No slopes, and a third of a driver blank at random: the F test over imputations at 5 %, 200 surveys."""
    rejected = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.standard_normal((120, 4)), columns=[*"abc", "y"])
        frame.loc[rng.random(120) < 0.33, "a"] = np.nan
        rejected += relative_importance(frame[list("abc")], frame["y"], bootstrap=20, seed=seed).p < 0.05
    assert abs(rejected / 200 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 200)


def test_several_tables_share_the_draws():
    rng = np.random.default_rng(5)
    tables = [rng.standard_normal((40, 3)) for _ in range(3)]
    together = replicate_covariances(tables, None, 10, 2)
    alone = [replicate_covariances(t, None, 10, 2) for t in tables]
    of = tables_of_draws(3, 10)
    assert of.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    np.testing.assert_allclose(together, [alone[t][k] for k, t in enumerate(of)])


def test_weights_are_in_the_model_of_the_blanks():
    """Those with large weights differ, and lack the driver more often: only with the weight does its mean come out."""
    rng = np.random.default_rng(6)
    n = 3000
    heavy = rng.random(n) < 0.5
    a = rng.standard_normal(n) + heavy
    values = np.column_stack([a, 0.1 * a + rng.standard_normal(n)])
    values[rng.random(n) < np.where(heavy, 0.8, 0.2), 0] = np.nan
    weights = np.where(heavy, 2.0, 1.0)
    told, untold = (np.mean([t[:, 0].mean() for t in completed_tables(values, None, w, 1)]) for w in (weights, None))
    assert told == pytest.approx(0.5, abs=0.08)
    assert untold < 0.4


def test_the_hall_leaves_nobody_out_for_a_blank(hall):
    frame = hall.frame.copy()
    frame.loc[frame.index[:80], "quality"] = np.nan
    found, obstacle = outcome_drivers(frame, hall.codebook, outcome="quality", weights=hall.weights, bootstrap=300)
    assert obstacle is None
    assert found.n == len(frame)
    assert found.filled >= 80
    scores = overall_scores(frame, hall.codebook, driven=found, weights=hall.weights).table.set_index("measure")
    whole, _ = outcome_drivers(hall.frame, hall.codebook, outcome="quality", weights=hall.weights, bootstrap=300)
    before = overall_scores(hall.frame, hall.codebook, driven=whole, weights=hall.weights).table.set_index("measure")
    assert scores.loc["servqual_derived", "estimate"] == pytest.approx(
        before.loc["servqual_derived", "estimate"], abs=0.03
    )
