import numpy as np
import pandas as pd
import pytest

from xmresearch.data.scenarios.planted_chain import PlantedChain
from xmresearch.data.scenarios.touchpoints import MEDIUM, STAGES, TOUCHPOINTS, TouchpointLog


@pytest.fixture(scope="module")
def big() -> TouchpointLog:
    return TouchpointLog(60_000, 4)


def test_rows_of_the_chain_are_probabilities(big):
    probability = big.chain.probability
    assert probability.shape == (10, 10, 11)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=-1), 1)
    assert (probability[-1, -1, 9:] == 0).all()
    assert sorted(sum(STAGES.values(), ())) == sorted(MEDIUM) == list(TOUCHPOINTS)


def test_the_truth_is_what_many_journeys_show(big):
    events = big.events()
    won = events.groupby("customer")["settled"].transform("any")
    passing = events[won].groupby("touchpoint")["customer"].nunique() / events.loc[won, "customer"].nunique()
    truth = big.truth().set_index("channel")["removal_effect"]
    n = events.loc[won, "customer"].nunique()
    z = (passing - truth) / np.sqrt(truth * (1 - truth) / n)
    assert z.abs().max() < 3.5
    assert big.truth()["share"].sum() == pytest.approx(1)


def test_simulated_steps_follow_the_chain():
    chain = PlantedChain.random(3, 2, np.random.default_rng(1))
    codes, starts, converted = chain.simulate(100_000, np.random.default_rng(2))
    first = codes[starts[:-1]]
    expected = chain.probability[-1, -1, :3]
    np.testing.assert_allclose(np.bincount(first) / 100_000, expected, atol=0.006)
    one = np.diff(starts) == 1
    for c in range(3):
        began = first == c
        np.testing.assert_allclose(
            (one & began & converted).sum() / began.sum(), chain.probability[-1, c, 3], atol=0.012
        )


def test_the_log_is_sorted_and_the_same_seed_gives_the_same_rows():
    log = TouchpointLog(300, 9)
    events = log.events()
    assert events.equals(events.sort_values(["customer", "time"], kind="stable"))
    pd.testing.assert_frame_equal(events, TouchpointLog(300, 9).events())
    assert not events.equals(TouchpointLog(300, 10).events())
    assert (events.groupby("customer")["settled"].sum() <= 1).all()
    assert ((events["value"] > 0) == events["settled"]).all()
    survey = log.survey()
    touched = set(zip(events["customer"], events["touchpoint"], strict=True))
    assert set(zip(survey["customer"], survey["touchpoint"], strict=True)) <= touched
    assert survey["score"].between(1, 10).all()
