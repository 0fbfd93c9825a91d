"""Queues against published figures, their equations, and a simulation that goes through them."""

from math import factorial

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.queue_formulas import erlang_c, queue
from xmresearch.monitoring.queue_simulation import simulated_queue
from xmresearch.monitoring.queues import arrivals, counters_needed


def exponential(mean):
    return lambda rng, n: rng.exponential(mean, n)


def test_the_share_that_waits_is_the_published_one():
    """Ten counters under a load of eight: .4092."""
    assert float(erlang_c(10, 8.0)) == pytest.approx(0.4092, abs=5e-5)
    for c, a in ((1, 0.3), (3, 2.5), (7, 2.0)):
        top = a**c / factorial(c) * c / (c - a)
        want = top / (sum(a**k / factorial(k) for k in range(c)) + top)
        assert float(erlang_c(c, a)) == pytest.approx(want, rel=1e-12)
    assert float(erlang_c(1, 0.3)) == pytest.approx(0.3)
    assert erlang_c(5, [4.999, 5.0, 6.0])[1:].tolist() == [1, 1]
    # many counters, by Erlang's recursion from one counter to the next
    blocked = 1.0
    for k in range(1, 801):
        blocked = 760 * blocked / (k + 760 * blocked)
    assert float(erlang_c(800, 760.0)) == pytest.approx(blocked / (1 - 0.95 * (1 - blocked)), rel=1e-9)


def test_waits_of_erlang_c_are_those_of_its_equations():
    found = queue(8.0, 1.0, 10, target=0.25)
    assert found.mean_wait == pytest.approx(found.waits / 2)
    assert found.within == pytest.approx(1 - found.waits * np.exp(-0.5))
    assert found.busy == 0.8
    over = queue(12.0, 1.0, 10, target=0.25)
    assert (over.within, over.mean_wait, over.waits) == (0, np.inf, 1)


def test_leaving_solves_its_balance_and_ends_at_both_known_queues():
    # patience without end is Erlang C, none at all Erlang B
    for target in (0.0, 0.2, 1.0):
        patient, endless = queue(8.0, 1.0, 10, target=target, patience=1e7), queue(8.0, 1.0, 10, target=target)
        assert (patient.waits, patient.within) == (
            pytest.approx(endless.waits, rel=1e-4),
            pytest.approx(endless.within, rel=1e-4),
        )
    blocked = stats.poisson.pmf(10, 8) / stats.poisson.cdf(10, 8)
    hasty = queue(8.0, 1.0, 10, target=0.0, patience=1e-7)
    assert hasty.leaves == pytest.approx(blocked, rel=1e-4)
    assert hasty.within == pytest.approx(1 - blocked, rel=1e-4)
    # as many go, served or not, as come: and an overloaded queue serves what it can
    full = queue(30.0, 1.0, 10, target=1e9, patience=0.5)
    assert full.within == pytest.approx(1 - full.leaves, rel=1e-9)
    assert full.busy == pytest.approx(1, abs=1e-3)
    assert full.leaves == pytest.approx(2 / 3, abs=2e-3)
    # mean wait times the rate of leaving is the share that leaves
    some = queue(9.0, 1.0, 8, target=0.3, patience=2.0)
    assert some.leaves == pytest.approx(some.mean_wait / 2.0, rel=1e-9)


@pytest.mark.parametrize("patience", [None, 1.5])
def test_the_simulation_agrees_with_the_formula(patience):
    """300 000 arrivals in 100 runs; the formula lies within 4 standard errors of their mean."""
    rng, runs = np.random.default_rng(20268), []
    for seed in range(100):
        arrived = rng.exponential(1 / 8, 3500).cumsum()
        drawn = simulated_queue(arrived, 9, exponential(1.0), patience=patience and exponential(patience), seed=seed)
        late = slice(500, None)
        kept = type(drawn)(drawn.arrived[late], drawn.waited[late], drawn.left[late])
        runs.append([kept.within(0.3), *(kept.summary()[k] for k in ("waits", "leaves", "mean_wait"))])
    want = queue(8.0, 1.0, 9, target=0.3, patience=patience)
    means, se = np.mean(runs, axis=0), np.std(runs, axis=0) / 10
    np.testing.assert_array_less(np.abs(means - [want.within, want.waits, want.leaves, want.mean_wait]), 4 * se + 1e-12)
    assert se[0] < 0.01


def test_the_simulation_serves_first_who_comes_first():
    found = simulated_queue(np.array([0.0, 1.0, 2.0, 2.5]), 1, lambda rng, n: np.array([4.0, 1.0, 1.0, 1.0]),
                            patience=lambda rng, n: np.array([9.0, 2.0, 9.0, 9.0]))  # fmt: skip
    assert found.waited.tolist() == [0, 2, 2, 2.5]
    assert found.left.tolist() == [False, True, False, False]
    assert found.within(2.0) == 0.5


def test_rates_of_days_are_covered_and_days_that_differ_are_seen():
    """1 000 samples of 20 days: intervals of the mean cover in 93 to 97 %, with and without days that differ."""
    rng = np.random.default_rng(20269)
    for extra in (0.0, 3.0):
        hits, spread = 0, []
        for _ in range(1000):
            rate = rng.gamma(30 / extra, extra, 20) if extra else np.full(20, 30.0)
            found = arrivals(rng.poisson(rate), draws=10)
            hits += found.lower <= 30 <= found.upper
            spread.append(found.dispersion)
        low, high = stats.binomtest(int(hits), 1000).proportion_ci(0.975)
        assert low <= 0.97, extra
        assert high >= 0.93, extra
        assert np.mean(spread) == pytest.approx(1 + extra, abs=0.25)
    drawn = arrivals(rng.poisson(rng.gamma(10, 3.0, 400)), draws=4000)
    assert drawn.rates.var() == pytest.approx(90, rel=0.25)


def test_counters_are_the_fewest_that_do_and_more_where_days_differ():
    steady = arrivals(np.full(2000, 48))
    found = counters_needed(steady, 10.0, target=10.0, share=0.8, stretch=60.0)
    # a load of eight; the fewest with 80 % within ten minutes
    direct = next(c for c in range(9, 99) if queue(0.8, 10.0, c, target=10.0).within >= 0.8)
    assert (found.counters, found.at_the_mean, found.lower, found.upper) == (direct,) * 4
    assert found.tidy()["within"].is_monotonic_increasing
    rng = np.random.default_rng(5)
    uneven = arrivals(rng.poisson(rng.gamma(48 / 12, 12, 60)))
    more = counters_needed(uneven, 10.0, target=10.0, share=0.8, stretch=60.0)
    assert more.counters > found.counters
    assert more.lower <= more.counters <= more.upper
    assert more.on_most_days > more.at_the_mean
    row = more.tidy().set_index("counters").loc[more.on_most_days]
    assert row["days_met"] >= 0.9
    assert more.tidy().set_index("counters").loc[more.on_most_days - 1, "days_met"] < 0.9
    leaving = counters_needed(steady, 10.0, target=10.0, share=0.8, stretch=60.0, patience=15.0)
    assert leaving.tidy()["leaves"].iloc[0] > 0.5


def test_queues_that_cannot_be_are_refused():
    for call in (
        lambda: queue(0, 1, 1, target=1), lambda: queue(1, 1, 0, target=1), lambda: queue(1, 1, 1, target=1, patience=0),
        lambda: erlang_c(0, 1.0), lambda: arrivals([1.5, 2]), lambda: arrivals([-1, 2]),
        lambda: counters_needed(arrivals([5, 6]), 1.0, target=1.0, share=1.0),
        lambda: counters_needed(arrivals([5, 6]), 1e6, target=1.0),
        lambda: simulated_queue(np.array([2.0, 1.0]), 1, exponential(1.0)),
    ):  # fmt: skip
        with pytest.raises(DataError):
            call()
    with pytest.raises(InsufficientData):
        arrivals([4])
    assert arrivals([0, 0, 0]).upper > 0
