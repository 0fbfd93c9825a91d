"""Do nominal 95 % intervals cover where customers come several times and differ in their chains? Run with 'make bench'.

The truth is that of the chain of all customers: expected steps of all over expected visits of all, customers counted as often as
they come; its removal effects and shares, and the expected share of journeys that convert.
"""

import numpy as np
import pandas as pd
import pytest
from planted_customers import PlantedCustomers
from scipy import stats

from xmresearch.attribution.markov_removal import markov
from xmresearch.data.scenarios.planted_chain import PlantedChain
from xmresearch.sufficient.customer_groups import group_of
from xmresearch.sufficient.journeys import Journeys
from xmresearch.sufficient.transition_table import transitions

SAMPLES, DRAWS, SIZE = 1000, 500, 6
BAND = (0.93, 0.97)
# journeys of a customer (in turn), customers, order, likeness of customers (infinite: one chain)
WORLDS = {
    "1 journey, one chain": ([1], 1000, 1, 1e6),
    "1 journey": ([1], 1000, 1, 4.0),
    "5 journeys": ([5], 300, 1, 4.0),
    "20 journeys": ([20], 200, 1, 4.0),
    "1 to 30 journeys": ([1, 1, 2, 5, 30], 300, 1, 4.0),
    "20 journeys, 50 customers": ([20], 50, 1, 4.0),
    "5 journeys, order 2": ([5], 400, 2, 4.0),
}


def covered(low: object, high: object, truth: object) -> np.ndarray:
    return (np.asarray(low) <= truth) & (truth <= np.asarray(high))


def judged(hits: dict[tuple[str, ...], int], samples: int, band: tuple[float, float]) -> pd.DataFrame:
    """Test each cell against the band by exact binomial tails, Holm-corrected over all cells."""
    table = pd.DataFrame({"hits": pd.Series(hits)})
    table["coverage"] = table["hits"] / samples
    below = stats.binom.cdf(table["hits"], samples, band[0])
    above = stats.binom.sf(table["hits"] - 1, samples, band[1])
    order = np.argsort(p := np.minimum(2 * np.minimum(below, above), 1.0))
    adjusted = np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1)).clip(max=1)
    table["p"] = adjusted[np.argsort(order)]
    return table


@pytest.mark.benchmark
def test_intervals_cover_with_one_five_and_twenty_journeys_a_customer():
    hits: dict[tuple[str, ...], int] = {}
    rows = {}
    for world, (journeys, customers, order, alike) in WORLDS.items():
        population = PlantedCustomers.random(SIZE, alike, np.array(journeys), np.random.default_rng(1))
        truth, rate = population.truth(order), population.rate()
        found = {"share": [], "removal": [], "rate": []}
        blind = []
        for seed in range(SAMPLES):
            sample = population.simulate(customers, np.random.default_rng([7, seed]))
            result = markov(transitions(sample, order), draws=DRAWS, bootstrap=0, seed=seed)
            table = result.table.set_index("channel").loc[truth.index]
            found["share"].append(covered(table["share_lower"], table["share_upper"], truth["share"]))
            found["removal"].append(covered(table["removal_lower"], table["removal_upper"], truth["removal_effect"]))
            found["rate"].append([result.facts["rate_lower"] <= rate <= result.facts["rate_upper"]])
            if seed < SAMPLES // 5:
                sample = population.simulate(customers, np.random.default_rng([7, seed]), known=False)
                table = markov(transitions(sample, order), draws=DRAWS, bootstrap=0).table.set_index("channel")
                table = table.loc[truth.index]
                blind.append(covered(table["share_lower"], table["share_upper"], truth["share"]))
        for measure, every in found.items():
            for k, count in enumerate(np.sum(every, axis=0).tolist()):
                hits[world, measure, str(k)] = count
        rows[world] = {m: np.mean(every) for m, every in found.items()} | {
            "lowest": min(np.mean(every, axis=0).min() for every in found.values()),
            "highest": max(np.mean(every, axis=0).max() for every in found.values()), "share, customers unknown": np.mean(blind),
        }  # fmt: skip
        print(world, {k: round(float(v), 3) for k, v in rows[world].items()}, flush=True)
    print(
        f"\ncoverage of nominal 95 % intervals, {SAMPLES} samples of each world\n{pd.DataFrame(rows).T.round(3).to_string()}"
    )
    table = judged(hits, SAMPLES, BAND)
    worst = table.sort_values("p").head(5)
    print(f"cells nearest to failing\n{worst.round(3).to_string()}")
    assert (table["p"] > 0.05).all()


@pytest.mark.benchmark
def test_p_first_is_as_often_right_as_it_says():
    """Averaged over worlds; in any one world a probability near one half is drawn towards it by the noise of its sample."""
    said, right = [], []
    for seed in range(SAMPLES):
        rng = np.random.default_rng([11, seed])
        chain = PlantedChain.random(4, 1, rng, spread=4.0)
        codes, starts, converted = chain.simulate(500, rng)
        won = converted.astype(float)
        sample = Journeys(
            chain.channels, codes.astype(np.int32), starts, won, 1 - won, 0 * won, 0 * won, 0 * won,
            group=group_of(np.arange(500)), customers=500,
        )  # fmt: skip
        top = markov(transitions(sample), draws=DRAWS, bootstrap=0, seed=seed).table.iloc[0]
        said.append(top["p_top"])
        right.append(chain.truth().set_index("channel")["share"].idxmax() == top["channel"])
    table = pd.DataFrame({"said": said, "right": right})
    table["class"] = pd.cut(table["said"], [0, 0.5, 0.65, 0.8, 0.95, 1.0], include_lowest=True)
    by = table.groupby("class", observed=True).agg(n=("right", "size"), said=("said", "mean"), right=("right", "sum"))
    p = [stats.binomtest(int(r.right), int(r.n), float(r.said)).pvalue for r in by.itertuples()]
    by["right"] /= by["n"]
    print(f"\nprobability of the first, said and true, {SAMPLES} worlds of 500 customers\n{by.round(3).to_string()}")
    assert min(p) * len(p) > 0.05
