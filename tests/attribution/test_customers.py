"""Intervals take customers as units, and who took a journey leaves the reduction only as a random group."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from planted_customers import PlantedCustomers
from pydantic import ValidationError

from xmresearch.attribution.chain import Chain
from xmresearch.attribution.customer_weights import CustomerWeights
from xmresearch.attribution.hierarchy import StepPosterior
from xmresearch.attribution.markov_removal import markov
from xmresearch.attribution.order import choose_order
from xmresearch.attribution.reading import read_touches
from xmresearch.data.touches import TouchData
from xmresearch.errors import InsufficientData
from xmresearch.studies.attribution.checking import check_study
from xmresearch.studies.attribution.evidence import customer_spread, customer_units, misspecification
from xmresearch.studies.attribution.params import AttributionParams
from xmresearch.sufficient import transition_counter
from xmresearch.sufficient.customer_groups import GROUPS, group_of
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.sums_by_key import SumsByKey
from xmresearch.sufficient.transition_table import Transitions, transitions

SAMPLES, CUSTOMERS = 120, 60


def events(customers: int, seed: int, **options: object) -> tuple[EventLog, pd.DataFrame]:
    """A log of customers with 1 to 4 journeys each, and the same as one row per journey."""
    rng = np.random.default_rng(seed)
    rows, journeys = [], []
    for who in range(customers):
        at = datetime(2025, 1, 1)
        for _ in range(int(rng.integers(1, 5))):
            path = list(rng.choice(list("abcd"), int(rng.integers(1, 6))))
            won = bool(rng.random() < 0.4 + 0.4 * (who % 2))
            for touch in path:
                at += timedelta(hours=1)
                rows.append((f"p{who:05d}", at, touch, False, 0.0))
            rows[-1] = (*rows[-1][:3], won, 10.0 * won * (1 + who % 3))
            journeys.append((f"p{who:05d}", " > ".join(path), int(won), rows[-1][4]))
            at += timedelta(days=9)
    frame = pd.DataFrame(rows, columns=["customer", "time", "touchpoint", "won", "value"])
    log = EventLog(frame, conversion="won", value="value", gap="5d", **options)
    return log, pd.DataFrame(journeys, columns=["customer", "path", "conversions", "value"])


def assert_same_groups(a: Transitions, b: Transitions) -> None:
    assert a.groups is not None
    assert b.groups is not None
    assert a.customers == b.customers
    for name in ("steps", "value"):
        left, right = getattr(a.groups, name), getattr(b.groups, name)
        np.testing.assert_allclose(left.sum(axis=0), right.sum(axis=0))
        # groups are numbered by the order in which customers come
        np.testing.assert_allclose(np.sort(left.toarray(), axis=0), np.sort(right.toarray(), axis=0))


def test_intervals_cover_where_customers_come_twenty_times():
    population = PlantedCustomers.random(5, 4.0, np.array([20]), np.random.default_rng(1))
    truth = population.truth(1)
    hits = {True: [], False: []}
    rates = []
    for seed in range(SAMPLES):
        for known, found in hits.items():
            given = transitions(population.simulate(CUSTOMERS, np.random.default_rng([5, seed]), known=known))
            result = markov(given, draws=300, bootstrap=0, seed=seed)
            table = result.table.set_index("channel").loc[truth.index]
            found.append((table["share_lower"] <= truth["share"]) & (truth["share"] <= table["share_upper"]))
            if known:
                rates.append(result.facts["rate_lower"] <= population.rate() <= result.facts["rate_upper"])
    # four standard errors of a coverage of .95, were the channels of a log one
    margin = 4 * np.sqrt(0.95 * 0.05 / SAMPLES)
    assert abs(np.mean(hits[True]) - 0.95) < margin
    assert abs(np.mean(rates) - 0.95) < margin
    assert np.mean(hits[False]) < 0.75


@pytest.mark.parametrize("customers", [40, 700])
def test_groups_hold_all_counts_and_survive_every_reduction(customers):
    log, rows = events(customers, 1)
    given = transitions(log, 3)
    assert given.customers == customers
    assert given.groups.steps.shape == (GROUPS, len(given.count))
    np.testing.assert_allclose(given.groups.steps.sum(axis=0), given.count)
    np.testing.assert_allclose(given.groups.value.sum(axis=0), given.value)
    assert np.count_nonzero(np.diff(given.groups.steps.indptr)) == min(customers, GROUPS)
    assert_same_groups(transitions(log.journeys(), 3), given)
    assert_same_groups(transitions(read_paths(rows, value="value", customer="customer"), 3), given)
    lower = given.lower(1)
    assert_same_groups(lower, transitions(log, 1))
    pooled = given.pooled(3)
    np.testing.assert_allclose(pooled.groups.steps.sum(axis=0), pooled.count)
    shuffled = log.data.sample(frac=1, random_state=1)
    assert_same_groups(transitions(EventLog(shuffled, conversion="won", value="value", gap="5d"), 3), given)


def test_parts_of_different_customers_add():
    log, _ = events(300, 2)
    early = log.data["customer"] < "p00120"
    parts = [transitions(EventLog(log.data[p], conversion="won", value="value", gap="5d"), 2) for p in (early, ~early)]
    both = parts[0] + parts[1]
    assert both.customers == 300
    np.testing.assert_allclose(both.groups.steps.sum(axis=0), transitions(log, 2).count)
    unknown = transitions(read_paths(pd.DataFrame({"path": ["a > b"], "conversions": [1]})), 2)
    assert (both + unknown).groups is None


def test_halved_groups_lose_no_count(monkeypatch):
    log, _ = events(900, 3)
    expected = transitions(log, 4)
    monkeypatch.setattr(transition_counter, "MOST_PAIRS", 1000)
    monkeypatch.setattr("xmresearch.sufficient.sums_by_key.DENSE", 16)
    found = transitions(log, 4)
    assert found.groups.steps.shape[0] < GROUPS
    np.testing.assert_array_equal(found.count, expected.count)
    np.testing.assert_allclose(found.groups.steps.sum(axis=0), expected.count)
    assert found.customers == expected.customers == 900


def test_sums_in_place_are_those_of_counting():
    rng = np.random.default_rng(0)
    keys, weight = rng.integers(0, 5000, 20_000), rng.random(20_000)
    small, large = SumsByKey(2), SumsByKey(2)
    small.add(keys, [(0, None), (1, weight)], 5000)
    large.add(keys, [(0, None), (1, weight)], 1 << 20)
    for a, b in zip(small.total(), large.total(), strict=True):
        np.testing.assert_allclose(a, b)


def test_the_first_customers_have_a_group_each_and_the_others_a_random_one():
    group = group_of(np.arange(200_000))
    assert group[:GROUPS].tolist() == list(range(GROUPS))
    size = np.bincount(group, minlength=GROUPS)
    # chi-square of 255 degrees of freedom: mean 255, SD 23
    assert ((size - size.mean()) ** 2 / size.mean()).sum() == pytest.approx(255, abs=4 * 23)
    assert abs(np.corrcoef(group[GROUPS:-1], group[GROUPS + 1 :])[0, 1]) < 0.01


@pytest.mark.parametrize("order", [1, 2, 3])
def test_one_journey_a_customer_gives_the_posterior_of_single_steps(order):
    rng = np.random.default_rng(order)
    population = PlantedCustomers.random(4, 1e6, np.array([1]), rng)
    given = transitions(population.simulate(4000, rng), order)
    posterior = StepPosterior(given)
    units = CustomerWeights(given, posterior.chain)
    alone = np.concatenate(list(posterior.draw(6000, rng)))
    draws = np.concatenate([p for p, _ in posterior.by_customers(units, 6000, rng)])
    often = posterior.chain.count >= 20
    np.testing.assert_allclose(draws.mean(axis=0), alone.mean(axis=0), atol=0.01)
    # 256 groups know a standard deviation to 1 / sqrt(2 x 255)
    ratio = draws.std(axis=0)[often] / alone.std(axis=0)[often]
    assert np.median(ratio) == pytest.approx(1, abs=0.03)
    assert np.abs(ratio - 1).max() < 4.5 / np.sqrt(2 * 255)


def test_values_and_rates_vary_with_customers():
    log, _ = events(80, 4)
    given = transitions(log, 1)
    units = CustomerWeights(given, Chain.of(given))
    weights = units.draw(20_000, np.random.default_rng(0))
    ends = np.zeros((GROUPS, 2))
    size = len(given.channels)
    for k in (0, 1):
        ends[:, k] = given.groups.steps[:, given.symbol == size + k].sum(axis=1)
    ends = ends[:80]
    rate = ends[:, 0].sum() / ends.sum()
    # delta method with customers as units, n / (n - 1)
    sd = np.sqrt(((ends[:, 0] - rate * ends.sum(axis=1)) ** 2).sum() * 80 / 79) / ends.sum()
    assert units.rate(weights).std() == pytest.approx(sd, rel=0.03)
    worth = units.worth(weights)
    mean = given.value[1:] / given.groups.steps.sum(axis=0)[given.symbol == size]
    np.testing.assert_allclose(worth.mean(axis=0)[1:], mean, rtol=0.02)


def test_results_count_customers_and_say_where_nobody_knows_them():
    log, rows = events(150, 5)
    journeys = log.journeys()
    found = markov(transitions(journeys), journeys=journeys, draws=200)
    assert found.summary()["customers"] == 150
    assert "independent_journeys" not in [c.kind for c in found.concerns]
    spread, facts = customer_spread(found), customer_units(found)
    assert misspecification(found) is None
    assert (facts["customers"], facts["journeys"]) == (150, len(rows))
    np.testing.assert_allclose(spread["ratio"], found.table["sd"] / found.table["chain_sd"])
    unknown = markov(transitions(read_paths(rows, value="value")), draws=200)
    assert unknown.facts["customers"] == 0
    assert "independent_journeys" in [c.kind for c in unknown.concerns]
    few = markov(transitions(events(12, 6)[0]), draws=200)
    assert "few_customers" in [c.kind for c in few.concerns]
    assert few.diagnostics().set_index("check").loc["customers", "status"] == "warn"


def test_one_customer_shows_no_difference_between_customers():
    log, _ = events(1, 7)
    given = transitions(log)
    with pytest.raises(InsufficientData, match="one customer"):
        CustomerWeights(given, Chain.of(given))


def test_held_out_journeys_are_of_other_customers():
    log, _ = events(400, 8)
    choice = choose_order(log.journeys(), 2, seed=1)
    assert choice.loss == "held out"
    assert (choice.table["gap_se"].iloc[1 - choice.table["log_loss"].argmin()]) > 0
    assert choose_order(events(1, 9)[0].journeys(), 2).loss == "none"


def test_customers_of_paths_are_counted_and_blank_ones_left_out():
    rows = pd.DataFrame(
        {
            "who": ["x", "x", None, " ", "y", "z"], "path": ["a > b", "a > b", "a", "b", "b > a", " > "],
            "conversions": [1, 0, 1, 1, 0, 1],
        }
    )  # fmt: skip
    found = read_paths(rows, customer="who")
    assert found.customers == 2
    assert found.left_out == {"blank_customers": 2, "empty_journeys": 1, "empty_conversions": 1, "blank_touchpoints": 2}
    assert found.conversions.sum() == found.nulls.sum() / 2 == 1
    assert len(found.merged()) == 2
    numbers = read_paths(rows.assign(who=[1.0, 1.0, np.nan, np.nan, 2.0, 3.0]), customer="who")
    assert numbers.customers == 2


def test_check_counts_customers_or_says_that_journeys_are_taken_as_independent():
    _, rows = events(60, 10)
    data = TouchData(rows, None, "rows", False)
    paths = {"conversions": "conversions", "nulls": None, "value": "value"}
    source = {"source": "file", "path": "rows.csv"}
    params = AttributionParams.model_validate(
        {"data": source, "form": "journeys", "paths": paths | {"customer": "customer"}}
    )
    first = check_study(params, data)
    assert f"{len(rows)} journeys of 60 customers" in first[0]
    assert not any("independent" in line for line in first)
    assert read_touches(rows, **params.reading()).summary()["case"] == "known"
    blind = AttributionParams.model_validate({"data": source, "form": "journeys", "paths": paths})
    assert any("journeys count as independent" in line for line in check_study(blind, data))
    with pytest.raises(ValidationError, match="aggregated paths are of many customers"):
        AttributionParams.model_validate({"data": source, "form": "paths", "paths": {"customer": "customer"}})
