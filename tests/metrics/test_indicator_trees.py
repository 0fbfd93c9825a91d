"""A tree of indicators: scores of every level, targets, and what a tree cannot be."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.errors import DataError
from xmresearch.metrics import check_tree, indicator_scores, indicator_tree

PARTS = {"all": {"x": 3, "c": 1}, "x": {"a": 1, "b": 2}}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(5)
    trait = rng.normal(size=4000)
    return pd.DataFrame(
        {k: np.clip(m + 15 * (trait + rng.normal(size=4000)), 0, 100) for k, m in zip("abc", (40, 60, 50), strict=True)}
    )


def test_every_level_is_the_weighted_mean_of_its_parts(people):
    found = indicator_tree(people, PARTS, {"all": 52.4})
    assert list(found.table["indicator"]) == ["all", "x", "a", "b", "c"]
    assert list(found.table["depth"]) == [0, 1, 2, 2, 1]
    assert found.table["weight"].tolist() == pytest.approx([1, 0.75, 1 / 3, 2 / 3, 0.25])
    own = people @ [0.25, 0.5, 0.25]
    row = found.table.iloc[0]
    assert row["estimate"] == pytest.approx(own.mean())
    assert row["se"] == pytest.approx(own.sem(), rel=2e-3)
    assert row["p"] == pytest.approx(stats.ttest_1samp(own, 52.4).pvalue, rel=0.05)
    assert found.summary() == {"indicators": 2, "targets": 1}
    np.testing.assert_allclose(found.shares.loc["all"], [0.25, 0.5, 0.25])


def test_several_targets_are_one_family(people):
    found = indicator_tree(people, PARTS, {"all": 50.0, "x": 52.0}).table.set_index("indicator")
    p = found["p"].dropna().sort_values()
    assert found.loc[p.index[0], "p_adjusted"] == pytest.approx(min(2 * p.iloc[0], 1))
    assert found.loc[["a", "b", "c"], "p_adjusted"].isna().all()


def test_answers_of_one_person_are_no_independent_ones(people):
    twice, who = pd.concat([people, people], ignore_index=True), np.tile(np.arange(4000), 2)
    once = indicator_tree(people, PARTS, {}).table
    again = indicator_tree(twice, PARTS, {}, clusters=who).table
    np.testing.assert_allclose(again["se"], once["se"], rtol=2e-3)
    assert again["n"].tolist() == [4000] * 5
    _, covariance, n = indicator_scores(twice, clusters=who)
    assert n.tolist() == [4000]
    np.testing.assert_allclose(covariance, indicator_scores(people)[1], rtol=5e-3)


def test_weights_weigh(people):
    w = np.where(np.arange(4000) < 2000, 3.0, 1.0)
    found = indicator_tree(people, PARTS, {}, weights=w).table
    assert found["estimate"].iloc[0] == pytest.approx(np.average(people @ [0.25, 0.5, 0.25], weights=w))


@pytest.mark.parametrize(("answered", "shown"), [(10, True), (9, False)])
def test_a_metric_without_enough_answers_is_told_of_nowhere(people, answered, shown):
    sparse = people.assign(c=people["c"].where(np.arange(4000) < answered))
    found = indicator_tree(sparse, PARTS, {"all": 50.0, "x": 52.0}, least=10).table.set_index("indicator")
    assert found.loc[["all", "c"], ["estimate", "se", "ci_lower"]].notna().all(axis=None) == shown
    assert np.isfinite(found.loc["all", "p"]) == shown
    assert found.loc["x", "estimate"] > 0


@pytest.mark.parametrize(
    ("parts", "targets", "said"),
    [
        ({"x": {"y": 1}, "y": {"x": 1}}, {}, "parts of one another: x, y"),
        ({"x": {"x": 1}}, {}, "parts of one another"),
        ({"x": {"aa": 1}}, {}, "'aa', which is neither"),
        ({"x": {"a": 0, "b": 0}}, {}, "add up to nothing"),
        ({"x": {"a": -1, "b": 2}}, {}, "the weight of 'a' is -1"),
        ({"x": {"a": np.inf}}, {}, "the weight of 'a' is inf"),
        ({"x": {"a": 1}, "y": {"a": 1}}, {}, "part of 'x' and of 'y'"),
        ({"a": {"b": 1}}, {}, "has the name of a metric"),
        ({"x": {"a": 1}}, {"x": 100.5}, "the target of 'x' is 100.5"),
        ({"x": {"a": 1}}, {"x": -1}, "the target of 'x' is -1"),
    ],
)
def test_what_is_no_tree_is_refused(parts, targets, said):
    with pytest.raises(DataError) as refused:
        check_tree(parts, targets, ["a", "b"])
    assert said in refused.value.problem


def test_indicators_come_after_their_parts():
    assert check_tree(PARTS, {"all": 100, "x": 0}, list("abc")) == ["x", "all"]
