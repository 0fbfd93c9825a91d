"""Intervals and claims of the journeys package: coverage 93 to 97 %, false claims at most as promised, and what strong worlds settle.

Seeds, cells and numbers of samples are fixed here: 1000 samples a cell. Customers have one to six cases with a common pace; in a cell one of them has a tenth of all.
"""

import numpy as np
import pytest
from journey_worlds import CUSTOMER_SD, OWN_SD, world
from scipy import stats

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.journeys import before_after, bottlenecks, case_times, compare_groups, rework
from xmresearch.journeys.customer_figures import difference, mean_of, quantile_of, share_of

pytestmark = pytest.mark.benchmark
SAMPLES, LEVEL, Z = 1000, 0.95, 1.959964
CELLS = {"60 customers": (60, False), "300 customers": (300, False), "300, one with a tenth": (300, True)}
HOUR = 3600.0
SHARE = float(stats.norm.cdf(0.4 / np.sqrt(2)))
TOTAL_SD = float(np.hypot(CUSTOMER_SD, OWN_SD))


def within(low, truth, high):
    return bool(low <= truth <= high)


def total_median(waits=(4.0, 10.0, 10.0)):
    """The median time of a case, from two million of them."""
    rng = np.random.default_rng(77)
    pace = rng.normal(0, CUSTOMER_SD, 2_000_000)
    return float(
        np.median((np.exp(rng.normal(0, OWN_SD, (2_000_000, 3)) + pace[:, None]) * np.asarray(waits)).sum(axis=1))
    )


def test_intervals_cover_at_their_level():
    """Medians, means, shares and differences, by groups of customers and by groups that share them; the median with open cases."""
    cells, median = [], total_median()
    slow = total_median((40.0, 100.0, 100.0))
    for number, (label, (customers, heavy)) in enumerate(CELLS.items()):
        hits = dict.fromkeys(("median wait", "median case", "share", "mean wait", "difference of medians", "shared customers", "difference of shares", "median, open cases"), 0)  # fmt: skip
        for seed in range(SAMPLES):
            rng = np.random.default_rng([9100 + number, seed])
            side = rng.random(customers) < 0.4
            log = world(customers, rng, heavy=heavy, factor=lambda who, n: np.where(side[who], 1.5, 1.0))  # noqa: B023
            inside = side[log.customer]
            wait = log.waited[2::4] / HOUR
            hits["median wait"] += within(*_limits(quantile_of(wait[~inside], log.customer[~inside]), 10.0))
            hits["mean wait"] += within(
                *_limits(mean_of(wait[~inside], log.customer[~inside]), 10.0 * np.exp(TOTAL_SD**2 / 2))
            )
            hours = log.throughput / HOUR
            hits["median case"] += within(*_limits(quantile_of(hours[~inside], log.customer[~inside]), median))
            hits["share"] += within(*_limits(share_of(log.reached, log.customer), SHARE))
            a, b = (quantile_of(wait[at], log.customer[at]) for at in (inside, ~inside))
            hits["difference of medians"] += within(*_gap(a, b, 5.0))
            half = rng.random(len(log)) < 0.5
            a, b = (
                quantile_of(np.where(half, 1.3, 1.0)[at] * hours[at], log.customer[at])
                for at in (half & ~inside, ~half & ~inside)
            )
            hits["shared customers"] += within(*_gap(a, b, 0.3 * median))
            a, b = (share_of(log.reached[at], log.customer[at]) for at in (inside, ~inside))
            hits["difference of shares"] += within(*_gap(a, b, 0.0))
            log = world(customers, rng, heavy=heavy, waits=(40.0, 100.0, 100.0), opened=True)
            found = case_times_until(log)
            hits["median, open cases"] += within(found["lower"], slow, found["upper"])
        cells += [Cell(f"{label}: {k}", v, SAMPLES, at_least=0.93, at_most=0.97) for k, v in hits.items()]
    table = judge(cells)
    print("\n" + table.to_string())
    assert table["kept"].all()


def case_times_until(log):
    return case_times(log).until_closed


def _limits(figure, truth):
    low, high = figure.limits(LEVEL)
    return low, truth, high


def _gap(a, b, truth):
    _, low, high = difference(a, b, LEVEL)
    return low, truth, high


def test_ranks_of_bottlenecks_are_held():
    """The true rank lies within the interval of each step: at least at the level, as ranks are whole numbers."""
    cells = []
    for number, (label, (customers, heavy)) in enumerate(CELLS.items()):
        held = np.zeros(3)
        for seed in range(SAMPLES):
            rng = np.random.default_rng([9200 + number, seed])
            table = bottlenecks(world(customers, rng, heavy=heavy, waits=(8.0, 10.0, 10.5))).table.set_index("activity")
            for k, (step, rank) in enumerate((("d", 1), ("c", 2), ("b", 3))):
                held[k] += table.loc[step, "rank_lower"] <= rank <= table.loc[step, "rank_upper"]
        cells += [Cell(f"{label}: rank {k + 1}", int(v), SAMPLES, at_least=0.95) for k, v in enumerate(held)]
    table = judge(cells)
    print("\n" + table.to_string())
    assert table["kept"].all()


def test_false_claims_are_at_most_as_frequent_as_promised():
    """The worst of two equal steps, groups that are alike, a change that changed nothing, rework at random."""
    cells = []
    for number, (label, (customers, heavy)) in enumerate(CELLS.items()):
        false = dict.fromkeys(("worst step", "groups", "change", "rework"), 0)
        for seed in range(SAMPLES):
            rng = np.random.default_rng([9300 + number, seed])
            log = world(customers, rng, heavy=heavy)
            false["worst step"] += bottlenecks(log).claim.settled
            group = np.array(list("pqrs"))[rng.integers(0, 4, customers)][log.customer]
            claims = compare_groups(log, group).claims
            false["groups"] += any(c.settled for c in claims.values())
            false["change"] += before_after(log, log.first > 2e6)[1].settled
            again = rng.random(len(log)) < 0.3
            code = log.code.copy()
            code[np.flatnonzero(again) * 4 + 1] = 0
            from dataclasses import replace

            false["rework"] += rework(replace(log, code=code)).claim.settled
        cells += [Cell(f"{label}: {k}", v, SAMPLES, at_most=0.05) for k, v in false.items()]
    table = judge(cells)
    print("\n" + table.to_string())
    assert table["kept"].all()


def test_strong_worlds_are_settled_as_often_as_by_the_oracle():
    """Of what a test that knows the sampling variance settles, at least .8."""
    cells = []
    for number, (label, (customers, heavy)) in enumerate(CELLS.items()):
        factor = 1.12 if customers > 100 else 1.3
        told, gaps = {"worst step": [], "change": []}, {"worst step": [], "change": []}
        for seed in range(SAMPLES):
            rng = np.random.default_rng([9400 + number, seed])
            log = world(customers, rng, heavy=heavy, waits=(4.0, 10.0, 10.0 * factor))
            found = bottlenecks(log)
            told["worst step"].append(found.claim.settled and found.claim.facts["leader"] == "d")
            rows = found.table.set_index("activity")["lost"]
            gaps["worst step"].append(rows["d"] - rows["c"])
            late = log.first > 2e6
            ended = log.ended.reshape(-1, 4).copy()
            longer = (ended - log.first[:, None]) * np.where(late, factor, 1.0)[:, None] + log.first[:, None]
            from dataclasses import replace

            claim = before_after(replace(log, ended=longer.ravel()), late)[1]
            told["change"].append(claim.settled and claim.verdict == "above")
            gaps["change"].append(claim.estimate)
        for k, settled in told.items():
            gap = np.array(gaps[k])
            cells.append(power(f"{label}: {k}", settled, gap / gap.std() > Z))
    table = judge(cells)
    print("\n" + table.to_string())
    assert table["kept"].all()
