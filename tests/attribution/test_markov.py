"""Removal effects: published figures, brute force, enumeration and planted truth."""

import itertools

import numpy as np
import pandas as pd
import pytest

from xmresearch.attribution.absorption import Absorption
from xmresearch.attribution.chain import Chain
from xmresearch.attribution.hierarchy import StepPosterior, _choices
from xmresearch.attribution.journey_bootstrap import JourneyBootstrap
from xmresearch.attribution.markov_removal import markov
from xmresearch.attribution.taboo import TabooVisits
from xmresearch.attribution.worth import WorthOfConversion
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import DataError, InsufficientData, ModelError, ParamsError
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import START, Transitions, transitions

PUBLISHED = {"alpha": 0.5584, "iota": 0.4058, "eta": 0.3490, "beta": 0.2640, "theta": 0.2060, "lambda": 0.1340}


def brute_force(given: Transitions, *, value: bool = False) -> np.ndarray:
    """Removal effects by the definition: delete every step into a channel, and follow the chain until nothing moves."""
    names, size = given.channels, len(given.channels)
    worth, rows = {}, {}
    for state, total in zip(given.states.tolist(), given.value.tolist(), strict=True):
        worth[tuple(state)] = total
    for row, symbol, count in zip(given.row.tolist(), given.symbol.tolist(), given.count.tolist(), strict=True):
        rows.setdefault(tuple(given.states[row].tolist()), {})[symbol] = count

    def expected(without: int | None) -> float:
        mass, won = {(START,) * given.order: 1.0}, 0.0
        for _ in range(20_000):
            after: dict[tuple[int, ...], float] = {}
            for state, here in mass.items():
                row = rows[state]
                total = sum(row.values())
                for symbol, count in row.items():
                    if symbol == size:
                        won += here * (worth[state] if value else count) / total
                    elif symbol < size and symbol != without:
                        to = (*state[1:], symbol)
                        after[to] = after.get(to, 0.0) + here * count / total
            mass = after
            if sum(mass.values()) < 1e-16:
                return won
        raise AssertionError

    everything = expected(None)
    return np.array([1 - expected(c) / everything for c in range(len(names))])


def test_demo_paths_give_the_published_removal_effects(demo):
    table = markov(transitions(demo, 1), draws=0).table.set_index("channel")
    for channel, effect in PUBLISHED.items():
        assert round(table.loc[channel, "removal_effect"], 4) == effect
    assert table["credit"].sum() == pytest.approx(19_785, rel=1e-12)
    assert table["value_credit"].sum() == pytest.approx(demo.value.sum(), rel=1e-12)
    assert markov(transitions(demo, 1), draws=0).facts["nulls"] == 68_602


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_removal_effects_equal_brute_force(drawn, order, seed):
    given = transitions(drawn(4, 2, seed=seed), order)
    table = markov(given, draws=0).table.sort_values("channel")
    np.testing.assert_allclose(table["removal_effect"], brute_force(given), atol=1e-10)
    np.testing.assert_allclose(table["value_removal_effect"], brute_force(given, value=True), atol=1e-10)


@pytest.mark.parametrize("order", [2, 3])
def test_large_chains_are_solved_as_exactly_as_small_ones(demo, order):
    given = transitions(demo, order)
    posterior = StepPosterior(given)
    steps = next(posterior.draw(5, np.random.default_rng(1)))
    gain = posterior.chain.converting(steps)[..., None]
    results = []
    for dense in (True, False):
        solve = Absorption(posterior.chain)
        solve.dense = dense
        results.append(solve.passing(steps, gain))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_a_chain_that_does_not_settle_is_solved_by_lu(drawn, monkeypatch):
    chain = Chain.of(transitions(drawn(4, 3), 3))
    groups = [np.flatnonzero(chain.last == c) for c in range(4)]
    steps = next(StepPosterior(transitions(drawn(4, 3), 3)).draw(1, np.random.default_rng(0)))[0]
    settled = TabooVisits(chain, groups).visits(steps)
    monkeypatch.setattr("xmresearch.attribution.taboo.ROUNDS", 1)
    np.testing.assert_allclose(TabooVisits(chain, groups).visits(steps), settled, atol=1e-11)
    moves, size = chain.target >= 0, len(chain.states)
    matrix = np.eye(size)
    matrix[chain.target[moves], chain.row[moves]] -= steps[moves]
    np.testing.assert_allclose(settled[:, -1], np.linalg.solve(matrix, np.eye(size)[0]), atol=1e-11)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_fitted_chain_converts_as_often_as_the_journeys(demo, order):
    chain = Chain.of(transitions(demo, order))
    steps = chain.shares(chain.count)[None]
    total, _ = Absorption(chain).passing(steps, chain.converting(steps)[..., None])
    assert total[0, 0] == pytest.approx(19_785 / 88_387, rel=1e-11)


def test_without_repeats_a_chain_of_full_memory_gives_the_share_of_journeys_that_pass():
    paths = list(itertools.permutations("abc", 2)) + [("a",), ("b",), ("c", "a", "b")]
    counts = np.arange(1, len(paths) + 1)
    frame = {"path": [" > ".join(p) for p in paths], "conversions": counts, "nulls": counts[::-1]}
    journeys = read_paths(pd.DataFrame(frame), nulls="nulls")
    table = markov(transitions(journeys, 3), draws=0).table.set_index("channel")
    for channel in "abc":
        passing = sum(n for p, n in zip(paths, counts, strict=True) if channel in p) / counts.sum()
        assert table.loc[channel, "removal_effect"] == pytest.approx(passing, abs=1e-12)


def test_draws_centre_on_the_estimate_and_shrink_with_journeys(demo):
    few = markov(transitions(demo, 1), draws=2000)
    gap = (few.draws.mean(axis=0) - few.table.set_index("channel").loc[list(few.channels), "share"]) / few.draws.std(
        axis=0
    )
    assert gap.abs().max() < 0.5
    many = markov(transitions(demo.reweighted(100 * demo.conversions, 100 * demo.nulls), 1), draws=2000)
    often = transitions(demo, 1).volume > 1000
    np.testing.assert_allclose((few.draws.std(axis=0) / many.draws.std(axis=0))[often], 10, rtol=0.12)


def test_draws_are_the_posterior_of_a_chain_that_can_be_integrated():
    """Two channels, one touch each: the removal effect of a is the share of conversions that went through a."""
    frame = pd.DataFrame({"path": ["a", "b"], "conversions": [30, 60], "nulls": [70, 40]})
    drawn = markov(transitions(read_paths(frame, nulls="nulls"), 1), draws=20_000, prior=1e-9).effect_draws
    rng = np.random.default_rng(5)
    via, of_a, of_b = rng.beta(100, 100, 20_000), rng.beta(30, 70, 20_000), rng.beta(60, 40, 20_000)
    share = via * of_a / (via * of_a + (1 - via) * of_b)
    np.testing.assert_allclose(
        np.quantile(drawn[:, 0], [0.025, 0.5, 0.975]), np.quantile(share, [0.025, 0.5, 0.975]), rtol=0.02
    )


def test_no_journey_ends_before_its_first_touch(drawn):
    chain = StepPosterior(transitions(drawn(4, 1, 300), 1)).chain
    assert chain.states[0, 0] == START
    assert chain.symbol[chain.row == 0].tolist() == [0, 1, 2, 3]


def test_steps_that_nobody_could_take_get_no_posterior_mass(drawn):
    given = transitions(drawn(4, 1, 300), 2)
    posterior = StepPosterior(given)
    chain = posterior.chain
    lower = given.lower(1)
    seen = set(zip(lower.states[lower.row, 0].tolist(), lower.symbol.tolist(), strict=True))
    assert {(int(chain.states[r, -1]), int(s)) for r, s in zip(chain.row, chain.symbol, strict=True)} <= seen
    steps = next(posterior.draw(3, np.random.default_rng(0)))
    np.testing.assert_allclose(
        np.add.reduceat(steps, np.searchsorted(chain.row, np.arange(len(chain.states))), axis=1), 1
    )


def test_counts_pass_on_the_expected_number_of_independent_choices():
    rng = np.random.default_rng(6)
    prior, counts, runs = np.array([0.3, 2.0, 5.0, 1.0]), np.array([1.0, 8, 60, 0]), 4000
    for p, n, found in zip(prior, counts, _choices(prior, counts), strict=True):
        # a step is a choice of its own with probability p / (p + steps so far)
        tables = (rng.random((runs, int(n))) < p / (p + np.arange(int(n)))).sum(axis=1)
        assert found == pytest.approx(tables.mean(), abs=4 * tables.std() / np.sqrt(runs) + 1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_draws_centre_on_rows_shrunk_towards_shorter_memory(drawn, order):
    posterior = StepPosterior(transitions(drawn(3, 1, 12), order))
    base = posterior._counts[0] + 0.5
    mean = base / base.sum()
    for level, c, parent, count in zip(
        posterior.levels, posterior.concentration, posterior._parents, posterior._counts[1:], strict=True
    ):
        mean = level.shares(c * mean[parent] + count)
    steps = np.concatenate(list(posterior.draw(20_000, np.random.default_rng(0))))
    assert np.abs(steps.mean(axis=0) - mean).max() < 0.03
    assert np.corrcoef(steps.mean(axis=0), mean)[0, 1] > 0.995


def test_planted_credits_are_found(hall, hall_log):
    big = TouchpointLog(60_000, 8)
    given = transitions(EventLog(big.events(), conversion="settled", value="value"), 2)
    table = markov(given, draws=500).table.set_index("channel").sort_index()
    truth = big.truth().set_index("channel")["share"]
    inside = (table["share_lower"] <= truth) & (truth <= table["share_upper"])
    assert inside.sum() >= 7
    assert (table["share"] - truth).abs().max() < 0.004


def test_ranks_costs_and_lifts(hall, hall_log):
    given = transitions(hall_log, 2)
    found = markov(given, lift={"app": (100.0, 50.0, 150.0)}, draws=400)
    table = found.table
    assert table["rank"].tolist() == list(range(1, 10))
    np.testing.assert_allclose(found.rank_probability.sum(axis=1), 1)
    np.testing.assert_allclose(found.rank_probability.sum(axis=0), 1)
    np.testing.assert_allclose(found.rank_probability[1], table["p_top"])
    assert found.rank_probability.index.tolist() == table["channel"].tolist()
    place = [found.channels.index(c) for c in table["channel"]]
    ranks = (-found.draws).argsort(axis=1).argsort(axis=1)[:, place] + 1
    for k in range(1, 10):
        np.testing.assert_allclose(found.rank_probability[k], (ranks == k).mean(axis=0))
    np.testing.assert_allclose(table["rank_upper"], np.quantile(ranks, 0.975, axis=0))
    events = hall.events()
    spent = events.groupby("touchpoint")["cost"].sum()
    np.testing.assert_allclose(table.set_index("channel")["cost"].sort_index(), spent.sort_index())
    assert table["budget_share"].sum() == pytest.approx(1)
    np.testing.assert_allclose(table["roi"], table["value_credit"] / table["cost"] - 1)
    for end, other in (("lower", "upper"), ("upper", "lower")):
        np.testing.assert_allclose(table[f"roi_{end}"], table[f"value_{end}"] / table["cost"] - 1)
        np.testing.assert_allclose(table[f"cost_per_conversion_{end}"], table["cost"] / table[f"credit_{other}"])
    for name, low, high in (("roi", "roi_lower", "roi_upper"), ("credit", "credit_lower", "credit_upper")):
        assert ((table[low] < table[name]) & (table[name] < table[high])).all()
    row = table.set_index("channel").loc["app"]
    assert (row["lift"], row["lift_lower"], row["lift_upper"]) == (100, 50, 150)
    credit = row["credit"]
    for low, high, agrees in ((0, credit - 1, False), (credit + 1, credit + 9, False), (credit - 1, credit + 1, True)):
        kinds = {c.kind for c in markov(given, lift={"app": (low, low, high)}, draws=0).concerns}
        assert ("lift_disagrees" not in kinds) is agrees
    kinds = {c.kind for c in found.concerns}
    assert {"descriptive", "lift_disagrees"} <= kinds
    assert all(str(c) for c in found.concerns)
    assert found.summary()["channel"] == "counter"
    assert (found.diagnostics()["status"] != "fail").all()
    pair = found.comparison("counter", "notice")
    assert pair["p_more"] == 1
    assert "counter" in found._repr_html_()


def test_a_cost_may_be_given_instead(hall_log):
    found = markov(transitions(hall_log, 1), cost={"app": 10.0}, draws=50)
    assert found.facts["cost"] == 10
    assert sum(c.kind == "unspent" for c in found.concerns) == 8
    with pytest.raises(DataError, match="'ap', which is no channel.*Did you mean 'app'"):
        markov(transitions(hall_log, 1), cost={"ap": 10.0})


def test_the_bootstrap_agrees_with_a_chain_that_is_true(drawn):
    journeys = drawn(5, 1, 4000)
    found = markov(transitions(journeys, 1), journeys=journeys, bootstrap=400)
    assert (found.table["bootstrap_sd"] / found.table["sd"]).between(0.8, 1.2).all()
    assert not any(c.kind == "misspecified" for c in found.concerns)
    again = markov(transitions(journeys, 3), journeys=journeys, bootstrap=50, draws=200)
    assert (again.table["bootstrap_sd"] > 0).all()
    with pytest.raises(DataError, match="not those of the transitions"):
        markov(transitions(journeys, 1), journeys=drawn(5, 1, 4000, seed=1))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_resampled_journeys_are_counted_as_given_ones(drawn, order):
    journeys = drawn(4, 2, 120, seed=7)
    chain = Chain.of(transitions(journeys, order))

    class Kept:
        def __init__(self):
            self.drawn, self.rng = [], np.random.default_rng(1)

        def poisson(self, mean, shape):
            self.drawn.append(self.rng.poisson(mean, shape).astype(float))
            return self.drawn[-1]

    kept = Kept()
    steps, worth = next(JourneyBootstrap(chain, journeys).resample(2, kept))
    states = [tuple(s) for s in chain.states.tolist()]
    for won, lost, probability, means in zip(*kept.drawn, steps, worth, strict=True):
        given = transitions(journeys.reweighted(won, lost), order)
        of = np.array([states.index(tuple(s)) for s in given.states.tolist()])
        total = np.bincount(given.row, given.count)[given.row]
        expected = np.zeros((len(states), 6))
        expected[of[given.row], given.symbol] = given.count / total
        np.testing.assert_allclose(probability, expected[chain.row, chain.symbol])
        np.testing.assert_allclose(means[of], WorthOfConversion(given).mean)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_channel_that_no_journey_touched_carries_nothing(order):
    frame = pd.DataFrame({"path": ["a > b", "z", "b"], "conversions": [2, 0, 1], "nulls": [1, 0, 0]})
    journeys = read_paths(frame, nulls="nulls")
    table = markov(transitions(journeys, order), draws=50, journeys=journeys, bootstrap=10).table.set_index("channel")
    assert table.loc["z", ["touches", "credit", "credit_upper", "bootstrap_sd"]].tolist() == [0, 0, 0, 0]
    assert table["credit"].sum() == pytest.approx(3)


def test_the_bootstrap_warns_of_journeys_of_two_kinds():
    # each customer keeps to a or to b, with c between: steps from c to a come in clusters that no chain of order 1 knows
    rng = np.random.default_rng(4)
    paths = [" > ".join([("a", "b")[k % 2], "c"] * int(rng.integers(2, 12))) for k in range(200)]
    journeys = read_paths(pd.DataFrame({"path": paths, "conversions": rng.integers(0, 2, 200)}))
    found = markov(transitions(journeys, 1), journeys=journeys, bootstrap=400)
    assert any(c.kind == "misspecified" for c in found.concerns)
    assert found.diagnostics().set_index("check").loc["bootstrap_over_posterior_sd", "status"] == "warn"


def test_mandatory_steps_are_flagged(sepsis):
    log = EventLog(sepsis, customer="case_id", time="timestamp", touchpoint="activity", converting=("Release A",))
    found = markov(transitions(log, 1))
    first = found.table.iloc[0]
    assert first["channel"] == "ER Registration"
    assert first["mandatory"]
    assert first["removal_effect"] == pytest.approx(0.95, abs=0.01)
    assert "ER Registration" in found.summary()["mandatory"]


def test_values_have_the_spread_of_a_bayesian_bootstrap():
    rng = np.random.default_rng(2)
    values = rng.gamma(1.5, 30, 200)
    frame = pd.DataFrame({"path": "a > b", "conversions": 1, "value": values})
    worth = WorthOfConversion(transitions(read_paths(frame, value="value"), 1))
    drawn = worth.draw(40_000, rng)[:, worth.mean > 0][:, 0]
    resampled = rng.dirichlet(np.ones(200), 40_000) @ values
    assert drawn.mean() == pytest.approx(resampled.mean(), rel=0.005)
    assert drawn.std() == pytest.approx(resampled.std(), rel=0.03)


def test_few_values_show_their_unbiased_variance():
    values = np.array([3.0, 5, 11, 12, 40])
    frame = pd.DataFrame({"path": "a > b", "conversions": 1, "value": values})
    worth = WorthOfConversion(transitions(read_paths(frame, value="value"), 1))
    drawn = worth.draw(100_000, np.random.default_rng(0))[:, worth.mean > 0][:, 0]
    assert drawn.mean() == pytest.approx(values.mean(), rel=0.01)
    assert drawn.std() == pytest.approx(values.std(ddof=1) / np.sqrt(5), rel=0.02)


def test_what_cannot_be_attributed_is_refused(drawn):
    journeys = drawn(3, 1, 200)
    with pytest.raises(InsufficientData, match="None of the 200 journeys converted"):
        markov(transitions(journeys.reweighted(0 * journeys.conversions, journeys.weight), 1))
    everyone = markov(transitions(journeys.reweighted(journeys.weight, 0 * journeys.nulls), 1), draws=100)
    assert any(c.kind == "no_nulls" for c in everyone.concerns)
    with pytest.raises(ParamsError, match="no prior 'evidenc'.*'evidence'"):
        markov(transitions(journeys, 1), prior="evidenc")
    with pytest.raises(ParamsError, match="prior count is 0"):
        markov(transitions(journeys, 1), prior=0)
    with pytest.raises(ParamsError, match="confidence"):
        markov(transitions(journeys, 1), confidence=95)
    for options in ({"draws": 1}, {"draws": -1}, {"draws": 10.5}, {"bootstrap": 1}, {"max_channels": 1}):
        with pytest.raises(ParamsError, match=f"{next(iter(options))} is"):
            markov(transitions(journeys, 1), **options)
    for prior in (True, None, float("inf")):
        with pytest.raises(ParamsError, match="prior count is"):
            markov(transitions(journeys, 1), prior=prior)
    for amount in ("12", float("inf"), float("nan"), -1):
        with pytest.raises(DataError, match="cost of 'c00' is"):
            markov(transitions(journeys, 1), cost={"c00": amount})
    with pytest.raises(ParamsError, match=r"lift of 'c00' is \(1, 2\)"):
        markov(transitions(journeys, 1), draws=0, lift={"c00": (1, 2)})
    with pytest.raises(ParamsError, match="lift of 'c00' is 1, not within 2 to 3"):
        markov(transitions(journeys, 1), draws=0, lift={"c00": (1, 2, 3)})
    with pytest.raises(ModelError, match="no two channels can be compared"):
        markov(transitions(journeys, 1), draws=0).comparison("c00", "c01")
    with pytest.raises(ParamsError, match="Journeys is given where Transitions is needed"):
        markov(journeys)


def test_the_rarest_of_many_channels_are_counted_as_one():
    rng = np.random.default_rng(0)
    paths = [" > ".join(f"c{k:05d}" for k in rng.integers(0, 10_000, 4)) for _ in range(3000)] + [
        "c00001 > c00002"
    ] * 50
    journeys = read_paths(pd.DataFrame({"path": paths, "conversions": rng.integers(0, 2, len(paths))}))
    assert len(journeys.channels) > 6000
    found = markov(transitions(journeys, 1), draws=20, max_channels=30)
    assert len(found.table) == 30
    assert found.table["credit"].sum() == pytest.approx(journeys.conversions.sum())
    gone = next(c for c in found.concerns if c.kind == "pooled_channels")
    assert gone.facts["channels"] == len(journeys.channels) - 29
    assert {"c00001", "c00002", "(other)"} <= set(found.channels)
    again = markov(transitions(journeys, 1), draws=20, max_channels=30, journeys=journeys, bootstrap=10)
    assert (again.table["bootstrap_sd"] > 0).all()


def test_a_journey_of_ten_thousand_steps_is_attributed():
    rng = np.random.default_rng(0)
    long = " > ".join(np.array(list("abc"))[rng.integers(0, 3, 10_000)])
    journeys = read_paths(pd.DataFrame({"path": [long, "a > b"], "conversions": [1, 0]}))
    for order in (1, 2, 3):
        effect = markov(transitions(journeys, order), draws=50).table["removal_effect"]
        np.testing.assert_allclose(effect, 1, atol=1e-3)


def test_one_channel_has_nothing_to_share():
    journeys = read_paths(pd.DataFrame({"path": ["a > a", "a"], "conversions": [1, 0]}))
    with pytest.raises(InsufficientData, match="'a' is the only channel"):
        markov(transitions(journeys, 1))
