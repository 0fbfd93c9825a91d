"""Partial pooling, ranks, funnels, indices and agreement of raters."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as theirs_fleiss

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.composite_indices import composite_index, indicator_scores, satisfaction_index
from xmresearch.metrics.data_weights import entropy_of, weights_from_data
from xmresearch.metrics.expert_judgements import CONSISTENT, RANDOM_INDEX, ExpertWeights, expert_weights
from xmresearch.metrics.league_tables import FUNNEL, draws_of_groups, funnel_limits, outlying, rank_chances
from xmresearch.metrics.many_groups import pool_means, pool_shares
from xmresearch.metrics.rater_agreement import cohen_kappa, fleiss_kappa, intraclass


def test_groups_that_do_not_differ_are_pooled_and_those_that_do_are_kept():
    rng = np.random.default_rng(2)
    se = rng.uniform(3, 12, 60)
    alike = pool_means(20 + rng.normal(0, se), se)
    assert alike.table["kept"].mean() < 0.25
    assert alike.table["estimate"].std() < 0.3 * alike.table["observed"].std()
    apart = pool_means(rng.normal(20, 40, 60) + rng.normal(0, se), se)
    assert apart.table["kept"].mean() > 0.9
    assert apart.between == pytest.approx(40, rel=0.25)
    small = np.argmax(se)
    assert apart.table["kept"].iloc[small] == apart.table["kept"].min()


def test_pooling_is_the_textbook_example():
    """Gelman et al., Bayesian Data Analysis, table 5.3: eight schools; posterior medians near 10, 8, 7, 8, 5, 6, 10, 8."""
    found = pool_means([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18], draws=20000)
    np.testing.assert_allclose(np.median(found.draws, axis=0), [10, 8, 7, 8, 5, 6, 10, 8], atol=1.1)
    np.testing.assert_allclose(found.draws.mean(axis=0), found.table["estimate"], atol=0.25)
    low, high = np.quantile(found.draws, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(found.table[["lower", "upper"]], np.stack([low, high], axis=1), atol=1.5)


def test_a_group_without_answers_is_a_group_not_seen():
    found = pool_means([1.0, 2, 3, np.nan], [1.0, 1, 1, np.nan])
    assert found.table["estimate"].iloc[3] == pytest.approx(found.centre, abs=1e-9)
    assert found.table["kept"].iloc[3] == 0
    for wrong in (([1, 2], [1, 1]), ([1, 2, np.nan], [1, 1, 1])):
        with pytest.raises(InsufficientData):
            pool_means(*wrong)
    with pytest.raises(DataError):
        pool_means([1, 2, 3], [1, 0, 1])


@pytest.mark.parametrize("p", [0.02, 0.5, 0.98])
def test_pooled_shares_hold_the_truth(p):
    """Shares that follow the model: intervals of 400 groups of 50 hold 93 to 97 % of them."""
    rng = np.random.default_rng(int(100 * p))
    truth = rng.beta(p * 60, (1 - p) * 60, 400)
    n = np.full(400, 50)
    found = pool_shares(rng.binomial(n, truth), n, draws=4000)
    assert 0.925 < ((found.table["lower"] <= truth) & (truth <= found.table["upper"])).mean() < 0.975
    assert found.centre == pytest.approx(p, abs=0.03)
    with pytest.raises(DataError):
        pool_shares([3, 1, 1], [2, 2, 2])


def test_ranks_are_probabilities_and_first_is_the_largest():
    rng = np.random.default_rng(3)
    draws = rng.normal([0.0, 1.0, 5.0], 0.5, (4000, 3))
    chance = rank_chances(draws)
    np.testing.assert_allclose(chance.sum(axis=0), 1)
    np.testing.assert_allclose(chance.sum(axis=1), 1)
    assert chance[2, 0] > 0.999
    assert rank_chances(draws, lowest_first=True)[2, 2] > 0.999
    with pytest.raises(DataError):
        rank_chances([1.0, 2.0])


def test_probabilities_of_the_first_rank_are_calibrated():
    """In 1 200 worlds of 8 branches, a third without differences, the leader is as often the first as its probability says."""
    said, right = [], []
    for k in range(1200):
        rng = np.random.default_rng([6, k])
        spread, sizes = (0, 8, 20)[k % 3], rng.integers(15, 200, 8)
        truth, se = rng.normal(0, spread, 8), 85 / np.sqrt(sizes)
        chance = rank_chances(draws_of_groups(truth + rng.normal(0, se), se, sizes, draws=500, seed=k))[:, 0]
        said.append(chance.max())
        right.append(chance.argmax() == (truth.argmax() if spread else rng.integers(8)))
    said, right = np.array(said), np.array(right)
    for low, high in ((0, 0.3), (0.3, 0.5), (0.5, 0.8), (0.8, 1.01)):
        mine = (said >= low) & (said < high)
        error = np.sqrt(said[mine].mean() * (1 - said[mine].mean()) / mine.sum())
        assert right[mine].mean() == pytest.approx(said[mine].mean(), abs=3 * error), (low, high)


def test_groups_are_alike_until_told_apart():
    chance = rank_chances(draws_of_groups([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [20, 20, 20], draws=20_000))[:, 0]
    assert chance[2] < 0.5
    assert chance[0] > 0.2
    assert rank_chances(draws_of_groups([1.0, 2.0, 30.0], [2.0, 2.0, 2.0], [200, 200, 200]))[2, 0] == 1
    # a group of few answers that happen to agree borrows the variance of all, or it would lead by that alone
    few = draws_of_groups([0.0, 0.0, 0.0, 8.0], [2.0, 2.0, 2.0, 0.5], [100, 100, 100, 10], draws=20_000)
    assert few[:, 3].std() > 1.5
    with pytest.raises(DataError, match="above zero"):
        draws_of_groups([1, 2], [1, 0], [10, 10])


def test_funnels_hold_what_chance_gives():
    limits = funnel_limits([25, 100, 400], 0.5, 0.5)
    assert FUNNEL == (0.95, 0.998)
    assert list(limits) == ["n", "lower_95", "upper_95", "lower_99.8", "upper_99.8"]
    np.testing.assert_allclose(limits["upper_95"] - 0.5, 1.959964 * 0.5 / np.array([5, 10, 20]), rtol=1e-6)
    assert (funnel_limits([25], 0.5, 0.5, between=0.1)["upper_95"] > limits["upper_95"].iloc[0]).all()
    np.testing.assert_allclose(outlying([1.959964, 0], [1, 1], 0), [0.05, 1], rtol=1e-5)
    with pytest.raises(DataError):
        funnel_limits([10], 0.5, -1)


def test_an_index_says_whether_its_ranking_survives():
    scores = pd.DataFrame({"nps": [80.0, 20, 10], "csat": [0.9, 0.5, 0.4]}, index=["a", "b", "c"])
    ranges = {"nps": (-100.0, 100.0), "csat": (0.0, 1.0)}
    sets = {"equal": {"nps": 1, "csat": 1}, "experts": {"nps": 9, "csat": 1}}
    found = composite_index(scores, ranges, sets, covariances=np.stack([np.diag([25, 0.0009])] * 3))
    assert found.table.loc["a", "equal"] == pytest.approx(90)
    assert found.summary()["survives"]
    assert found.firsts["a"] == 1
    assert found.se.loc["a", "equal"] == pytest.approx(np.hypot(1.25, 1.5))
    turned = composite_index(
        scores.assign(csat=[0.1, 0.5, 0.4]), ranges, {"n": {"nps": 1, "csat": 0}, "c": {"nps": 0, "csat": 1}}
    )
    assert not turned.summary()["survives"]
    assert 0.2 < turned.firsts["a"] < 0.8
    for wrong in (
        {"x": {"nps": 1}},
        {"x": {"nps": -1, "csat": 2}},
        {"x": {"nps": 0, "csat": 0}},
        {"x": {"npx": 1, "csat": 1}},
    ):
        with pytest.raises(DataError):
            composite_index(scores, ranges, wrong)
    with pytest.raises(DataError, match="blank"):
        composite_index(scores.assign(nps=[np.nan, 1, 2]), ranges, sets)
    with pytest.raises(DataError):
        satisfaction_index([5, 6], [0, 0])


@pytest.mark.parametrize(("ratio", "consistent"), [(CONSISTENT, True), (CONSISTENT + 1e-9, False)])
def test_judgements_turn_inconsistent_at_saatys_bound(ratio, consistent):
    assert CONSISTENT == 0.10
    assert list(RANDOM_INDEX.values())[2:] == [0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49]
    table = pd.DataFrame({"criterion": ["a"], "weight": [1.0]})
    assert ExpertWeights(table, np.eye(1), 1, 0, 1, ratio, 0).consistent == consistent


@pytest.mark.parametrize(
    "judged", [[[1, 2], [2, 1]], [[1, -2], [-0.5, 1]], [[1, 2, 3], [0.5, 1, 2]], [[1]]],
)  # fmt: skip
def test_judgements_that_cannot_be_are_refused(judged):
    with pytest.raises(DataError):
        expert_weights(judged, ["a", "b"][: len(judged[0])])


def test_weights_from_data_need_data():
    for x in ([[1, 2], [1, 3], [1, 4]], [[1, np.nan]] * 3, [[-1, 2], [2, 3], [3, 9]]):
        with pytest.raises(DataError):
            weights_from_data(x, ["a", "b"])
    with pytest.raises(InsufficientData):
        entropy_of([[1, 2]])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pingouin's own, of pandas 3
def test_agreement_is_that_of_shrout_and_fleiss():
    """Shrout & Fleiss (1979), table 4: ICC .17, .29, .71, .44, .62, .91."""
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    long = (
        pd.DataFrame(ratings).rename_axis("branch").reset_index().melt("branch", var_name="shopper", value_name="mark")
    )
    found = intraclass(long, target="branch", rater="shopper", rating="mark")
    np.testing.assert_allclose(found.table["icc"].round(2), [0.17, 0.29, 0.71, 0.44, 0.62, 0.91])
    # limits of pingouin, which rounds them; the last form's are of the exact F
    import pingouin

    theirs = pingouin.intraclass_corr(long, targets="branch", raters="shopper", ratings="mark")
    ends = np.array([list(e) for e in theirs[next(c for c in theirs if c.startswith("CI95"))]], dtype=float)
    np.testing.assert_allclose(found.table[["lower", "upper"]], ends, atol=0.00501)
    ninety = intraclass(long, target="branch", rater="shopper", rating="mark", confidence=0.9).table
    assert (ninety["lower"] > found.table["lower"]).all()
    assert (ninety["upper"] < found.table["upper"]).all()
    facts = found.summary()
    assert facts["between_share"] == pytest.approx(facts["single"])
    assert found.raters_for(0.8) == np.ceil(4 * (1 - facts["single"]) / facts["single"])
    with pytest.raises(DataError, match="Not every"):
        intraclass(long.iloc[1:], target="branch", rater="shopper", rating="mark")
    with pytest.raises(DataError, match="twice"):
        intraclass(pd.concat([long, long.head(1)]), target="branch", rater="shopper", rating="mark")


def test_kappas_agree_with_statsmodels():
    rng = np.random.default_rng(1)
    a = rng.integers(1, 6, 120)
    b = np.where(rng.random(120) < 0.6, a, rng.integers(1, 6, 120))
    table = pd.crosstab(pd.Categorical(a, range(1, 6)), pd.Categorical(b, range(1, 6)), dropna=False).to_numpy()
    for weights, name in (("none", None), ("linear", "linear"), ("quadratic", "quadratic")):
        theirs = cohens_kappa(table, wt=name)
        ours = cohen_kappa(a, b, weights=weights)
        assert ours["kappa"] == pytest.approx(theirs.kappa)
        assert ours["se"] == pytest.approx(np.sqrt(theirs.var_kappa), rel=1e-6)
    many = np.array([np.bincount(rng.choice(3, 5, p=p), minlength=3) for p in rng.dirichlet([0.4] * 3, 40)])
    assert fleiss_kappa(many)["kappa"] == pytest.approx(theirs_fleiss(many))
    with pytest.raises(InsufficientData):
        cohen_kappa([1, 1], [1, 1])
    with pytest.raises(DataError):
        fleiss_kappa([[1, 2], [2, 2], [0, 4]])


def test_an_index_of_the_same_people_has_their_covariance():
    """The index of every respondent, averaged: the same mean, and (but for the answers added) the same standard error."""
    rng = np.random.default_rng(9)
    nps = rng.choice([-100.0, 0, 100], 4000)
    frame = pd.DataFrame(
        {"nps": nps, "csat": np.where(rng.random(4000) < 0.7, nps > 0, rng.random(4000) < 0.5).astype(float)}
    )
    half = pd.Series(np.repeat(["a", "b"], 2000))
    scores, covariances, n = indicator_scores(frame, half)
    found = composite_index(
        scores, {"nps": (-100, 100), "csat": (0, 1)}, {"equal": {"nps": 1, "csat": 1}}, covariances=covariances, n=n
    )
    own = 25 + frame["nps"] / 4 + 50 * frame["csat"]
    for name, part in own.groupby(half):
        assert found.table.loc[name, "equal"] == pytest.approx(part.mean())
        assert found.se.loc[name, "equal"] == pytest.approx(part.sem(), rel=2e-3)
    weighed = indicator_scores(frame, half, np.full(4000, 2.5))
    np.testing.assert_allclose(weighed[1], covariances)
    with pytest.raises(DataError):
        indicator_scores(frame.assign(csat=np.nan), half)
