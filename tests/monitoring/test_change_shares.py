"""Shares of a change: that they add up, what they are in closed form, and whether their intervals cover."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.change_parts import mix_and_score
from xmresearch.monitoring.change_shares import shapley_change
from xmresearch.monitoring.change_sources import driver_shares, segment_shares, step_shares


def test_steps_share_a_change_as_every_order_says():
    before, after, came = np.array([90, 60, 50]), np.array([80, 66, 20]), np.array([100, 80, 60])
    found = step_shares(["a", "b", "c"], (before, came), (after, came))
    p, q = before / came, after / came
    want = np.zeros(3)
    for order in permutations(range(3)):
        now = p.copy()
        for k in order:
            was = now.prod()
            now[k] = q[k]
            want[k] += (now.prod() - was) / 6
    table = found.tidy()
    np.testing.assert_allclose(table["estimate"], want, rtol=1e-12)
    assert table["estimate"].sum() == pytest.approx(q.prod() - p.prod())
    assert found.summary()["first"] == "c"
    np.testing.assert_allclose(table["of_change"].sum(), 1)
    # twelve steps of which one changed: all is its own
    many = np.full(12, 90)
    other = many.copy()
    other[4] = 70
    shares = step_shares([str(k) for k in range(12)], (many, many + 10), (other, many + 10)).tidy()["estimate"]
    assert np.flatnonzero(np.abs(shares) > 1e-12).tolist() == [4]


def test_two_factors_of_a_product_have_their_closed_form_and_delta_method():
    found = shapley_change(
        lambda v: float(v[0] * v[1]), [2.0, 3.0], [5.0, 4.0], covariances=(np.diag([0.1, 0.2]), np.diag([0.3, 0.1])),
        factors=[[0], [1]], names=[("x", "level"), ("y", "level")],
    )  # fmt: skip
    np.testing.assert_allclose(found.tidy()["estimate"], [3 * 3.5, 1 * 3.5])
    # (x1 - x0)(y0 + y1) / 2: slopes -3.5, 3.5 by x and 1.5 by each y
    assert found.tidy()["se"][0] == pytest.approx(np.sqrt(3.5**2 * 0.4 + 1.5**2 * 0.3), rel=1e-6)
    assert found.total["se"] == pytest.approx(np.sqrt(9 * 0.1 + 4 * 0.2 + 16 * 0.3 + 25 * 0.1), rel=1e-6)


def segments(share, mean, spread, n=400):
    return pd.DataFrame(
        {"segment": list("abc"), "share": share, "n_eff": n * np.array(share), "estimate": mean, "spread": spread}
    )


def test_segments_add_up_to_mix_and_score():
    before = segments([0.5, 0.3, 0.2], [7.0, 6.0, 9.0], [0.1, 0.2, 0.1])
    after = segments([0.3, 0.3, 0.4], [7.5, 6.0, 8.0], [0.1, 0.2, 0.3])
    found, whole = segment_shares(before, after), mix_and_score(before, after)
    sums = found.tidy().groupby("part")["estimate"].sum()
    assert sums["mix"] == pytest.approx(whole.summary()["mix"])
    assert sums["score"] == pytest.approx(whole.summary()["score"])
    total = whole.table.set_index("part").loc["total"]
    assert (found.total["change"], found.total["se"]) == pytest.approx((total["estimate"], total["se"]))
    by = found.tidy().set_index(["factor", "part"])
    np.testing.assert_allclose(by["estimate"].xs("mix", level="part"), whole.groups["mix"])
    assert by.loc[("c", "score"), "estimate"] == pytest.approx(-0.3)
    assert by.loc[("b", "score"), "estimate"] == 0
    # all parts' standard errors together are that of the total
    assert found.tidy()["p_adjusted"].ge(found.tidy()["p"]).all()


def test_a_segment_without_answers_in_a_period_adds_by_mix_alone():
    before = segments([0.5, 0.5, 0.0], [7.0, 6.0, np.nan], [0.1, 0.2, np.nan])
    after = segments([0.4, 0.4, 0.2], [7.0, 6.0, 9.0], [0.1, 0.2, 0.3])
    table = segment_shares(before, after).tidy().set_index(["factor", "part"])
    assert table.loc[("c", "score"), "estimate"] == 0
    assert table.loc[("c", "mix"), "estimate"] > 0
    assert table["estimate"].sum() == pytest.approx(0.4 * 7 + 0.4 * 6 + 0.2 * 9 - 6.5)


def test_drivers_share_a_change_as_oaxaca_and_blinder():
    m0, b0, m1, b1 = np.array([7.0, 6.0]), np.array([0.5, 0.3]), np.array([6.0, 6.5]), np.array([0.7, 0.3])
    zero = np.zeros((5, 5))
    found = driver_shares(["x", "y"], (m0, b0), (m1, b1), covariances=(zero, zero), intercepts=(1.0, 1.2))
    table = found.tidy()
    np.testing.assert_allclose(table["estimate"], [-0.6, 0.15, 0.2 + 0.2 * 6.5])
    assert table["estimate"].sum() == pytest.approx(found.total["change"])
    # another zero of the scales changes nothing
    moved = driver_shares(
        ["x", "y"],
        (m0 - 5, b0),
        (m1 - 5, b1),
        covariances=(zero, zero),
        intercepts=(1.0 + 5 * b0.sum(), 1.2 + 5 * b1.sum()),
    )
    np.testing.assert_allclose(moved.tidy()["estimate"], table["estimate"])


def test_intervals_of_steps_cover():
    """1 000 pairs of periods of 300 who come to each step; each of three intervals covers in 93 to 97 %."""
    rng = np.random.default_rng(20265)
    p, q, came = np.array([0.9, 0.7, 0.8]), np.array([0.9, 0.6, 0.85]), np.full(3, 300)
    exact = np.diag(np.zeros(3))
    truth = shapley_change(
        lambda v: float(np.prod(v)), p, q, covariances=(exact, exact), factors=[[0], [1], [2]], names=[("", "")] * 3
    ).tidy()["estimate"]
    covered = np.zeros(3)
    for _ in range(1000):
        table = step_shares(["a", "b", "c"], (rng.binomial(came, p), came), (rng.binomial(came, q), came)).tidy()
        covered += (table["lower"] <= truth) & (truth <= table["upper"])
    for hits in covered:
        low, high = stats.binomtest(int(hits), 1000).proportion_ci(1 - 0.05 / 3)
        assert low <= 0.97
        assert high >= 0.93


def test_nothing_is_shared_of_a_change_that_may_be_none():
    came = np.full(2, 20)
    found = step_shares(["a", "b"], (np.array([10, 20]), came), (np.array([11, 20]), came))
    assert found.tidy()["of_change"].isna().all()
    assert (found.tidy()["se"] > 0).all()


def test_wrong_figures_are_refused():
    for passed, came, error in (
        ([5, 6], [4, 9], DataError), ([5], [6], DataError), ([0, 0], [0, 4], InsufficientData), ([-1, 0], [2, 2], DataError)
    ):  # fmt: skip
        with pytest.raises(error):
            step_shares(["a", "b"], (passed, came), ([1, 1], [2, 2]))
    with pytest.raises(DataError):
        shapley_change(
            sum, [1.0, 2.0], [1.0, 2.0], covariances=(np.eye(2), np.eye(2)), factors=[[0]], names=[("a", "")]
        )
    with pytest.raises(DataError, match="13"):
        step_shares(list("abcdefghijklm"), (np.ones(13), np.ones(13)), (np.ones(13), np.ones(13)))
