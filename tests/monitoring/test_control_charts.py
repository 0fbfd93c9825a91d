"""Charts of counts, values, means, net scores and categories: second ways to the same figures, gaps, phases and bad input."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.net_scores import net_score
from xmresearch.monitoring.count_charts import c_chart, np_chart, p_chart, u_chart
from xmresearch.monitoring.individuals_chart import xmr_chart
from xmresearch.monitoring.score_charts import mean_chart, nps_chart, ordinal_chart

ANSWERS = np.random.default_rng(4).integers(1, 6, size=(12, 30)).astype(float)


def moments(answers):
    return np.full(len(answers), answers.shape[1]), answers.sum(axis=1), (answers**2).sum(axis=1)


def test_a_mean_chart_pools_the_spread_within_periods():
    table = mean_chart(*moments(ANSWERS)).tidy()
    np.testing.assert_allclose(table["centre"], ANSWERS.mean())
    np.testing.assert_allclose(table["sigma"], np.sqrt(ANSWERS.var(axis=1, ddof=1).mean() / 30))


def test_a_net_chart_has_the_spread_of_the_net_score():
    low, middle, high = (np.array(v) for v in ([3, 5, 4], [4, 2, 6], [13, 9, 12]))
    table = nps_chart(low, middle, high).tidy()
    whole = net_score(low.sum(), middle.sum(), high.sum(), method="wald").tidy().iloc[0]
    np.testing.assert_allclose(table["centre"], whole["nps"])
    np.testing.assert_allclose(table["sigma"] * np.sqrt(low + middle + high), whole["se"] * np.sqrt(whole["n"]))
    np.testing.assert_allclose(table["value"], 100 * (high - low) / (low + middle + high))


def test_two_categories_make_the_chart_of_a_share():
    yes, n = np.array([12, 9, 15, 20]), np.array([30, 25, 31, 40])
    share = p_chart(yes, n).tidy()
    for statistic, power in (("ridit", 1), ("chi_square", 2)):
        table = ordinal_chart(np.stack([n - yes, yes], axis=1), statistic=statistic).tidy()
        if power == 1:
            np.testing.assert_allclose(table["z"], share["z"])
        else:
            np.testing.assert_allclose(table["value"], share["z"] ** 2)
            np.testing.assert_allclose(stats.norm.sf(table["z"]), 2 * stats.norm.sf(abs(share["z"])))


def test_ridits_say_how_often_an_answer_is_higher():
    base, now = np.array([10, 20, 30]), np.array([4, 5, 9])
    table = ordinal_chart([base, base, now], baseline=[True, True, False]).tidy()
    a, b = np.repeat([0, 1, 2], now), np.repeat([0, 1, 2], base)
    higher = (a[:, None] > b).mean() + (a[:, None] == b).mean() / 2
    np.testing.assert_allclose(table["value"], [0.5, 0.5, higher])


def test_a_category_that_the_baseline_lacks_is_no_chance():
    table = ordinal_chart([[5, 5, 0], [6, 4, 0], [5, 4, 1]], statistic="chi_square", baseline=[1, 1, 0]).tidy()
    assert np.isinf(table["value"].iloc[2])
    assert table["signal"].tolist() == [False, False, True]


@pytest.mark.parametrize("make", [p_chart, u_chart, np_chart])
def test_a_period_without_data_has_no_value_and_gives_no_signal(make):
    table = make([5, 0, 4, 6], [20, 0, 20, 25]).tidy()
    assert table["value"].isna().tolist() == [False, True, False, False]
    assert not table["signal"].iloc[1]
    assert not table["baseline"].iloc[1]
    np.testing.assert_allclose(table["z"].iloc[[0, 2, 3]], make([5, 4, 6], [20, 20, 25]).tidy()["z"])


def test_phases_have_centres_of_their_own_and_are_never_made():
    counts, n = [5, 6, 4, 15, 16, 14], [20] * 6
    assert p_chart(counts, n).tidy()["centre"].nunique() == 1
    table = p_chart(counts, n, phases=["a"] * 3 + ["b"] * 3, periods=list("uvwxyz")).tidy()
    np.testing.assert_allclose(table["centre"], [0.25] * 3 + [0.75] * 3)
    with pytest.raises(DataError, match="goes on after another"):
        p_chart(counts, n, phases=["a", "b", "a", "b", "a", "b"])
    with pytest.raises(InsufficientData, match="Phase 'b'"):
        p_chart(counts, n, phases=["a"] * 5 + ["b"])


def test_known_centres_are_taken():
    assert p_chart([5], [20], centre=0.4).known
    np.testing.assert_allclose(p_chart([5], [20], centre=0.4).tidy()["z"], (0.25 - 0.4) / np.sqrt(0.24 / 20))
    np.testing.assert_allclose(xmr_chart([3.0], centre=1.0, sigma=2.0).tidy()["z"], 1.0)
    np.testing.assert_allclose(mean_chart([4], [8.0], [17.0], centre=1.0, sd=2.0).tidy()["z"], 1.0)
    np.testing.assert_allclose(c_chart([9.0, np.nan], centre=4.0).tidy()["z"], [2.5, np.nan])
    assert ordinal_chart([[1, 2]], shares=[0.5, 0.5]).known
    assert nps_chart([1], [1], [2], shares=(0.2, 0.3, 0.5)).tidy()["centre"].iloc[0] == pytest.approx(30)


def test_limits_stay_within_what_a_figure_can_be():
    table = p_chart([1, 0, 3, 4], [10] * 4).tidy()
    assert table[["lower", "upper"]].iloc[0].tolist() == [0.0, pytest.approx(0.2 + 3 * np.sqrt(0.016))]
    assert np_chart([9, 10], [10, 10]).tidy()["upper"].tolist() == [10.0, 10.0]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: p_chart([5, 3], [4, 4]), DataError, "more answers of the kind"),
        (lambda: p_chart([-1, 3], [4, 4]), DataError, "negative"),
        (lambda: p_chart([1], [4]), InsufficientData, "fewer than two"),
        (lambda: p_chart([1, 2], [4, 4], centre=1.0), DataError, "centre is 1"),
        (lambda: p_chart([[1, 2]], [[4, 4]]), DataError, "one count per period"),
        (lambda: p_chart([1, 2], [4, 4], periods=[1]), DataError, "differ in number"),
        (lambda: p_chart([0, 0], [4, 4]), InsufficientData, "of one kind"),
        (lambda: p_chart([4, 4], [4, 4]), InsufficientData, "of one kind"),
        (lambda: c_chart([0, 0, np.nan]), InsufficientData, "no event"),
        (lambda: u_chart([1, 2], [0, 4]), DataError, "no units"),
        (lambda: xmr_chart([2.0, 2.0, 2.0, 2.0]), InsufficientData, "all are alike"),
        (lambda: xmr_chart([2.0, 3.0]), InsufficientData, "fewer than three"),
        (lambda: xmr_chart([2.0, 2, 2, 2, 3], middle="median"), InsufficientData, "median tells no spread"),
        (lambda: xmr_chart([[2.0]]), DataError, "one value per period"),
        (lambda: xmr_chart([2.0, 3, 4], sigma=0), DataError, "above 0"),
        (lambda: mean_chart([1, 1], [2, 3], [4, 9]), InsufficientData, "two different answers"),
        (lambda: mean_chart([2, 2], [4, 4], [1, 1]), DataError, "smaller than any answers"),
        (lambda: mean_chart([2, 2], [4, 4], [9, 9], sd=0), DataError, "above 0"),
        (lambda: mean_chart([2, 2], [4, np.nan], [9, 9]), DataError, "no number"),
        (lambda: nps_chart([0, 0], [0, 0], [5, 6]), InsufficientData, "of one kind"),
        (lambda: nps_chart([1], [1], [1], shares=(0.5, 0.1, 0.1)), DataError, "sum to 1"),
        (lambda: ordinal_chart([1, 2, 3]), DataError, "table of periods"),
    ],
)
def test_what_cannot_be_charted_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()
