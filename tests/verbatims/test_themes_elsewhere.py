"""Themes by touchpoint, before and after, and with an outcome: by hand, against second programs, and under planted truth."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from xmresearch.claims.calibration import exact_interval
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims.before_and_after import theme_changes
from xmresearch.verbatims.links_with_outcomes import theme_links
from xmresearch.verbatims.touchpoint_cells import theme_touchpoints


def crossed(counts, sizes):
    """Return complaints of one theme and touchpoints, from counts at each."""
    place = np.repeat(list("wxyz")[: len(sizes)], sizes)
    yes = np.concatenate([np.arange(n) < x for x, n in zip(counts, sizes, strict=True)])
    return pd.DataFrame({"queue": yes}), place


def test_cells_by_hand_and_what_stands_out():
    complaints, place = crossed([80, 20, 30], [200, 200, 300])
    found = theme_touchpoints(complaints, place)
    cell = found.table.set_index("touchpoint").loc["w"]
    assert cell[["n", "people", "share"]].tolist() == [200, 80, 0.4]
    assert cell["elsewhere"] == 0.1
    assert cell["p"] == pytest.approx(stats.fisher_exact([[80, 120], [50, 450]]).pvalue)
    assert found.table.set_index("touchpoint")["stands"].to_dict() == {"w": "above", "x": "below", "y": "below"}
    assert found.wide().loc["queue", "w"] == 0.4
    assert found.summary()["touchpoint"] == "w"
    assert found.plot().axes


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ((9, 30, 40), "wx"),
        ((10, 30, 40), ""),
        ((0, 30, 40), ""),
        ((5, 5, 40), "wx"),
        ((4, 4, 40), "wxy"),
        ((9, 9, 9), "wxy"),
    ],
)
def test_small_cells_are_hidden_and_cannot_be_worked_out(counts, hidden):
    complaints, place = crossed(counts, [100, 100, 100])
    table = theme_touchpoints(complaints, place).table.set_index("touchpoint")
    assert "".join(sorted(table.index[table["hidden"]])) == hidden
    assert table.loc[table["hidden"], ["people", "share", "p"]].isna().all(axis=None)


def test_a_touchpoint_of_few_people_is_not_named():
    complaints, place = crossed([30, 30, 30, 2], [100, 100, 100, 9])
    found = theme_touchpoints(complaints, place)
    # a second one is left out with it, as the total is known
    assert sorted(set(found.table["touchpoint"])) == sorted(found.touchpoints)
    assert "z" not in found.touchpoints
    assert found.left_out == 2
    complaints, place = crossed([5, 5], [100, 9])
    with pytest.raises(InsufficientData, match="two touchpoints"):
        theme_touchpoints(complaints, place)
    with pytest.raises(DataError, match="109 texts and 2 touchpoints"):
        theme_touchpoints(complaints, ["a", "b"])


def test_without_differences_cells_stand_out_at_most_at_the_level():
    """Four themes at four touchpoints, 200 samples: any cell marked in at most 5 %."""
    marked = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        complaints = pd.DataFrame(rng.random((800, 4)) < [0.3, 0.2, 0.15, 0.1], columns=list("abcd"))
        marked += (theme_touchpoints(complaints, rng.choice(list("wxyz"), 800)).table["stands"] != "").any()
    assert exact_interval(int(marked), 200, 0.05)[0] < 0.05


def test_somebody_counts_once_at_a_touchpoint():
    complaints = pd.DataFrame({"a": [True, False] * 40})
    found = theme_touchpoints(complaints, ["w", "w", "x", "x"] * 20, people=np.repeat(np.arange(20), 4)).table
    assert found["n"].tolist() == [20, 20]
    assert found["share"].tolist() == [1, 1]


def test_changes_by_hand_and_by_the_tests_named():
    after = np.repeat([False, True], [200, 100])
    complaints = pd.DataFrame(
        {"a": np.r_[np.arange(200) < 100, np.arange(100) < 20], "b": np.r_[np.arange(200) < 40, np.arange(100) < 20]}
    )
    found = theme_changes(complaints, after).set_index("theme")
    assert found.loc["a", ["before", "after", "change"]].tolist() == pytest.approx([0.5, 0.2, -0.3])
    assert found.loc["a", "p"] == pytest.approx(stats.fisher_exact([[20, 80], [100, 100]]).pvalue)
    assert found.loc["a", "p_adjusted"] == pytest.approx(2 * found.loc["a", "p"])
    assert found["verdict"].to_dict() == {"a": "fell", "b": ""}


def test_the_same_people_before_and_after_are_as_in_a_regression_with_clusters():
    rng = np.random.default_rng(3)
    people = np.r_[np.arange(150), np.arange(50, 220)]
    after = np.r_[np.zeros(150, bool), np.ones(170, bool)]
    taste = rng.normal(size=220)
    yes = rng.normal(size=320) + taste[people] > 0.5
    found = theme_changes(pd.DataFrame({"a": yes}), after, people=people).iloc[0]
    fit = sm.OLS(yes.astype(float), sm.add_constant(after.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": people, "use_correction": False}
    )
    assert found["change"] == pytest.approx(fit.params[1])
    se = (found["upper"] - found["lower"]) / 2 / stats.t.ppf(0.975, 219)
    assert se == pytest.approx(fit.bse[1] * np.sqrt(220 / 219))


@pytest.mark.parametrize("both", [False, True])
def test_changes_under_none_are_claimed_at_most_at_the_level(both):
    """Five themes, 200 samples, with the same people before and after and without: any verdict in at most 5 %."""
    claimed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        people = np.tile(np.arange(150), 2) if both else np.arange(300)
        taste = rng.normal(size=(people.max() + 1, 5))
        yes = pd.DataFrame(rng.normal(size=(300, 5)) + taste[people] > 1, columns=list("abcde"))
        claimed += (theme_changes(yes, np.arange(300) >= 150, people=people)["verdict"] != "").any()
    assert exact_interval(int(claimed), 200, 0.05)[0] < 0.05


def test_a_period_of_few_people_is_refused():
    with pytest.raises(InsufficientData, match="9 people wrote before and 20 after"):
        theme_changes(pd.DataFrame({"a": [True] * 29}), np.arange(29) >= 9)


def linked(seed, n=600):
    rng = np.random.default_rng(seed)
    complaints = pd.DataFrame(rng.random((n, 3)) < [0.3, 0.3, 0.3], columns=["queue", "staff", "parking"])
    rating = 4 - 1.5 * complaints["queue"] - 0.5 * complaints["staff"] + rng.normal(size=n)
    return complaints, rating.rename("rating")


def test_links_are_those_of_welch_and_of_the_drivers():
    complaints, rating = linked(1)
    found = theme_links(complaints, rating, bootstrap=300, seed=1)
    queue = found.table.set_index("theme").loc["queue"]
    expected = stats.ttest_ind(rating[complaints["queue"]], rating[~complaints["queue"]], equal_var=False)
    assert queue["p"] == pytest.approx(expected.pvalue)
    assert (queue["lower"], queue["upper"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert queue["difference"] == pytest.approx(-1.5, abs=0.3)
    drivers = relative_importance(complaints.astype(float), rating, bootstrap=300, seed=1)
    assert found.table["share"].tolist() == pytest.approx(drivers.table["share"].tolist())
    assert found.summary()["theme"] == "queue"
    assert found.table.set_index("theme").loc["parking", "p_adjusted"] > 0.05


def test_several_texts_of_somebody_are_one_and_a_blank_outcome_is_none():
    complaints, rating = linked(2, 200)
    twice = pd.concat([complaints, ~complaints]).reset_index(drop=True)
    outcome = pd.concat([rating, rating]).reset_index(drop=True)
    with pytest.raises(InsufficientData, match="No theme has 10 people"):
        theme_links(twice, outcome, people=np.tile(np.arange(200), 2))  # everybody complains of everything
    outcome[:100] = np.nan
    outcome[200:] = np.nan
    assert theme_links(twice, outcome, bootstrap=200).n == 100


@pytest.mark.parametrize(("few", "hidden"), [(9, 1), (10, 0)])
def test_a_theme_of_few_people_is_not_linked(few, hidden):
    complaints, rating = linked(3, 200)
    complaints = complaints.assign(rare=np.arange(200) < few)
    assert theme_links(complaints, rating, bootstrap=200).hidden == hidden


def test_themes_that_cannot_be_told_apart_keep_their_differences():
    complaints, rating = linked(4, 200)
    found = theme_links(complaints.assign(same=complaints["queue"]), rating, bootstrap=200)
    assert found.drivers is None
    assert found.table["share"].isna().all()
    assert found.table["difference"].notna().all()
    assert found.summary()["theme"] in ("queue", "same")
    with pytest.raises(DataError, match="200 texts and 3 outcomes"):
        theme_links(complaints, rating[:3])
