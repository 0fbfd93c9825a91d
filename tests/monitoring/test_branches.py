"""Many charts at once: false discoveries held, shifts found, and a second method for one branch."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import DataError
from xmresearch.monitoring.branches import FEWEST_PERIODS, many_charts

BASE = np.arange(40) < 35


def test_one_branch_is_judged_by_the_t_test_of_its_period_means():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(3, 40))
    n = np.full((3, 40), 8.0)
    table = many_charts(n, means * n, baseline=BASE).tidy()
    for k in range(3):
        sd = means[k][BASE].std(ddof=1)
        t = (means[k][~BASE].mean() - means[k][BASE].mean()) / (sd * np.sqrt(1 / 5 + 1 / 35))
        np.testing.assert_allclose(table["p"].iloc[k], 2 * stats.t.sf(abs(t), 34))


def world(rng, moved):
    n = rng.integers(5, 60, (400, 40))
    between = 0.04 * rng.standard_normal((400, 40))
    share = np.clip(
        0.75 + between - np.where(BASE, 0.0, 1.0) * np.where(np.arange(400) < moved, 0.25, 0.0)[:, None], 0.01, 0.99
    )
    return n, rng.binomial(n, share)


def test_false_discoveries_are_held_and_shifts_found():
    """60 worlds of 400 branches, 40 of which have fallen by 25 points; days vary by 4 points more than answers drawn."""
    rng = np.random.default_rng(1)
    false, found = [], []
    for _ in range(60):
        n, x = world(rng, 40)
        alarm = many_charts(n, x, baseline=BASE, shares=True).tidy()["alarm"].to_numpy()
        false.append(alarm[40:].sum() / max(alarm.sum(), 1))
        found.append(alarm[:40].mean())
    assert np.mean(false) < 0.05 + 2.5 * np.std(false) / np.sqrt(60)
    assert np.mean(found) > 0.8
    nobody = [many_charts(*world(rng, 0), baseline=BASE, shares=True).summary()["alarms"] > 0 for _ in range(60)]
    assert stats.binomtest(int(np.sum(nobody)), 60, 0.05, alternative="greater").pvalue > 0.01


def test_branches_without_a_baseline_or_without_news_are_not_judged():
    n = np.full((3, 40), 10.0)
    n[0, : 35 - FEWEST_PERIODS + 1] = 0
    n[1, 35:] = 0
    x = np.where(n > 0, np.random.default_rng(2).binomial(10, 0.5, (3, 40)), 0)
    made = many_charts(n, x, baseline=BASE, branches=list("abc"))
    assert made.judged == 1
    assert made.tidy()["p"].isna().tolist() == [True, True, False]
    assert not made.tidy()["alarm"].iloc[:2].any()


def test_a_branch_that_never_varied_is_judged_by_its_counts():
    n = np.full((1, 40), 10)
    x = n.copy()
    x[0, 36] = 9
    table = many_charts(n, x, baseline=BASE, shares=True).tidy()
    # one of 50 where 350 had none
    assert table["p"].iloc[0] == pytest.approx(2 * (50 / 400) / 2)


@pytest.mark.parametrize(
    "given",
    [
        {"n": [[1, 2]], "sums": [[1]]}, {"n": [[1, -2]], "sums": [[1, 1]]}, {"n": [[1, 1]], "sums": [[2, 1]], "shares": True},
        {"n": [[1, 2]], "sums": [[1, 1]], "baseline": [True, True]},
    ],
)  # fmt: skip
def test_tables_that_cannot_be_judged_are_refused(given):
    with pytest.raises(DataError):
        many_charts(given.pop("n"), given.pop("sums"), **{"baseline": [True, False], **given})
