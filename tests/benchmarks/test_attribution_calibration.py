"""Do nominal 95 % intervals cover the planted credits, and is the planted order found? Run with 'make bench'."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.attribution.markov_removal import markov
from xmresearch.attribution.order import choose_order
from xmresearch.data.scenarios.planted_chain import PlantedChain
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.sufficient.journeys import Journeys
from xmresearch.sufficient.transition_table import transitions

LOGS, DRAWS = 500, 1000
ORDER_LOGS, ORDER_JOURNEYS = 40, 100_000


def planted(chain: PlantedChain, journeys: int, rng: np.random.Generator) -> Journeys:
    codes, starts, converted = chain.simulate(journeys, rng)
    won = converted.astype(float)
    return Journeys(chain.channels, codes.astype(np.int32), starts, won, 1 - won, 0 * won, 0 * won, 0 * won)


def chain_of(size: int, order: int, spread: float) -> PlantedChain:
    return PlantedChain.random(size, order, np.random.default_rng([size, order]), spread=spread)


CHAINS = {
    "order 1, 8 channels, 2 000 journeys": (chain_of(8, 1, 1.0), 2_000),
    "order 1, 8 uneven channels, 2 000 journeys": (chain_of(8, 1, 0.3), 2_000),
    "order 2, 6 channels, 5 000 journeys": (chain_of(6, 2, 1.0), 5_000),
    "order 2, service hall, 10 000 journeys": (TouchpointLog(1, 0).chain, 10_000),
    "order 3, 4 channels, 20 000 journeys": (chain_of(4, 3, 1.0), 20_000),
}


@pytest.mark.benchmark
def test_intervals_cover_the_planted_credits():
    rows = {}
    for name, (chain, journeys) in CHAINS.items():
        truth = chain.truth().set_index("channel")["share"]
        hits, errors, sds = [], [], []
        for seed in range(LOGS):
            given = transitions(planted(chain, journeys, np.random.default_rng(70_000 + seed)), chain.order)
            table = markov(given, draws=DRAWS, seed=seed).table.set_index("channel").loc[truth.index]
            hits.append((table["share_lower"] <= truth) & (truth <= table["share_upper"]))
            errors.append(table["share"] - truth)
            sds.append(table["sd"])
        spread = np.std(errors, axis=0)
        rows[name] = {
            "coverage": np.mean(hits), "lowest channel": np.mean(hits, axis=0).min(),
            "bias/sd": np.abs(np.mean(errors, axis=0) / spread).max(), "sd ratio": np.mean(np.mean(sds, axis=0) / spread),
        }  # fmt: skip
    table = pd.DataFrame(rows).T
    print(f"\ncoverage of nominal 95 % intervals of credits, {LOGS} logs\n{table.round(3).to_string()}")
    assert table["coverage"].between(0.93, 0.97).all()


@pytest.mark.benchmark
def test_the_planted_order_is_found():
    found = {}
    for order in (1, 2, 3):
        chain = chain_of(6, order, 1.0)
        choices = [
            choose_order(planted(chain, ORDER_JOURNEYS, np.random.default_rng(seed)), 4, seed=seed)
            for seed in range(ORDER_LOGS)
        ]
        found[order] = {
            "evidence": np.mean([c.order == order for c in choices]),
            "log loss": np.mean([c.by_log_loss == order for c in choices]),
        }
    table = pd.DataFrame(found).T
    print(f"\nlogs of {ORDER_JOURNEYS:,} journeys whose order is found, {ORDER_LOGS} logs each\n{table.to_string()}")
    assert (table["evidence"] >= 0.95).all()
