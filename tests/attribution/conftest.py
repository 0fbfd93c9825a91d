from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.data.scenarios.planted_chain import PlantedChain
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import DatasetUnavailable
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import Journeys
from xmresearch.sufficient.paths import read_paths

DEMO = {"conversions": "total_conversions", "value": "total_conversion_value", "nulls": "total_null"}


def known(name: str) -> pd.DataFrame:
    try:
        return load_dataset(name)
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def demo() -> Journeys:
    """The demo paths of ChannelAttribution."""
    return read_paths(known("channelattribution_demo_paths"), **DEMO)


@pytest.fixture(scope="session")
def sepsis() -> pd.DataFrame:
    """Hospital journeys."""
    return known("sepsis")


@pytest.fixture(scope="session")
def hall() -> TouchpointLog:
    return TouchpointLog(6000, 3)


@pytest.fixture(scope="session")
def hall_log(hall: TouchpointLog) -> EventLog:
    return EventLog(hall.events(), conversion="settled", value="value", cost="cost")


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Journeys]:
    """Journeys of a random chain, one by one, with a value each."""

    def make(size: int = 4, order: int = 2, journeys: int = 400, seed: int = 0, *, spread: float = 1.0) -> Journeys:
        rng = np.random.default_rng([size, order, seed])
        chain = PlantedChain.random(size, order, rng, spread=spread)
        codes, starts, converted = chain.simulate(journeys, rng)
        won = converted.astype(float)
        value = won * rng.gamma(2, 20, journeys)
        return Journeys(chain.channels, codes.astype(np.int32), starts, won, 1 - won, value, value**2, won)

    return make
