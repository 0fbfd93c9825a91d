"""What the log says of touchpoints, and how far the chain is from it."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.attribution import misfit
from xmresearch.attribution.markov_removal import markov
from xmresearch.attribution.order import choose_order
from xmresearch.data.scenarios.planted_chain import PlantedChain
from xmresearch.errors import ParamsError
from xmresearch.studies.attribution.carriers import carries_most, chain_fits
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import Journeys, passing
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import transitions

HOSPITAL = (
    ("reg > triage > lab > lab > ward", 200, 0), ("reg > lab > lab > triage > ward", 200, 0),
    ("reg > lab > lab > lab > triage > lab > ward", 200, 0), ("reg > lab", 0, 200),
)  # fmt: skip


def hospital() -> pd.DataFrame:
    return pd.DataFrame(HOSPITAL, columns=["path", "conversions", "nulls"])


def hospital_log() -> pd.DataFrame:
    rows = []
    for kind, (path, won, lost) in enumerate(HOSPITAL):
        touches = path.split(" > ")
        for k in range(won + lost):
            rows += [(f"{kind}-{k}", float(t), name, 0) for t, name in enumerate(touches)]
            if won:
                rows[-1] = (*rows[-1][:3], 1)
    return pd.DataFrame(rows, columns=["customer", "time", "touchpoint", "won"])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_step_on_every_converting_journey_is_mandatory_whatever_the_chain_says(order):
    source = read_paths(hospital(), nulls="nulls")
    found = markov(transitions(source, order), journeys=source)
    table = found.table.set_index("channel")
    assert table["passed"].to_dict() == {"reg": 600, "triage": 600, "lab": 600, "ward": 600}
    assert table["mandatory"].all()
    assert carries_most(found).withheld == "all_mandatory"
    assert carries_most(found).facts["least"] == 600
    assert (chain_fits(found).case == "failed") is any(c.kind == "chain_misses_log" for c in found.concerns)
    if order == 1:
        assert table.loc["triage", "removal_effect"] < 0.9
        (concern,) = (c for c in found.concerns if c.kind == "chain_misses_log")
        assert (concern.facts["channel"], concern.facts["logged"]) == ("triage", 1.0)
        assert "the log 100.0% (600 of 600)" in str(concern)
        assert found.diagnostics().set_index("check").loc["chain_misses_log", "status"] == "fail"


def test_a_step_that_a_few_lack_is_mandatory_only_where_that_is_asked():
    rows = [*HOSPITAL, ("reg > lab > ward", 3, 0)]
    source = read_paths(pd.DataFrame(rows, columns=["path", "conversions", "nulls"]), nulls="nulls")
    strict, loose = (markov(transitions(source, 1), mandatory=m, draws=0) for m in (1.0, 0.99))
    assert set(strict.summary()["mandatory"]) == {"lab", "reg", "ward"}
    assert set(loose.summary()["mandatory"]) == {"lab", "reg", "triage", "ward"}
    assert strict.table.set_index("channel").loc["triage", "pass_share"] == pytest.approx(600 / 603)
    with pytest.raises(ParamsError, match="mandatory is"):
        markov(transitions(source, 1), mandatory=0.4)


def test_every_source_and_every_sum_counts_the_same_journeys(monkeypatch):
    expected = {"lab": [600, 200], "reg": [600, 200], "triage": [600, 0], "ward": [600, 0]}

    def counts(found):
        return dict(zip(found.channels, found.passed.tolist(), strict=True))

    log = EventLog(hospital_log(), conversion="won")
    half = hospital_log()["customer"].str.endswith(("0", "1", "2", "3"))
    parts = [EventLog(hospital_log()[which], conversion="won") for which in (half, ~half)]
    assert counts(transitions(read_paths(hospital(), nulls="nulls"), 2)) == expected
    assert counts(transitions(log, 3)) == counts(transitions(log, 3).lower(1)) == expected
    assert counts(transitions(log.journeys(), 1)) == expected
    assert counts(transitions(parts[0], 2) + transitions(parts[1], 2)) == expected
    monkeypatch.setattr("xmresearch.sufficient.event_stream.SLICE_ROWS", 7)
    monkeypatch.setattr("xmresearch.sufficient.journeys.MATRIX_CELLS", 0)
    assert counts(transitions(log, 1)) == expected


def test_pooled_channels_are_counted_from_journeys_or_not_at_all():
    source = read_paths(hospital(), nulls="nulls")
    given = transitions(source, 1)
    pooled = given.pooled(2)
    assert np.isnan(pooled.passed[pooled.channels.index(next(c for c in pooled.channels if c != "lab"))]).all()
    found = markov(given, max_channels=2, draws=0, journeys=source, bootstrap=0).table.set_index("channel")
    assert found["passed"].tolist() == [600, 600]
    assert markov(given, max_channels=2, draws=0).table["passed"].isna().sum() == 1


def test_hospital_shares_are_those_of_the_log(sepsis):
    log = EventLog(
        sepsis, customer="case_id", time="timestamp", touchpoint="activity", converting=("Release A", "Release B")
    )
    found = markov(transitions(log, 2), prior=0.1)
    table = found.table.set_index("channel")
    # counted by hand from the file: 727 patients were released, and 726 of them passed sepsis triage before
    assert found.facts["conversions"] == 727
    assert table.loc[["ER Registration", "ER Sepsis Triage", "Admission IC"], "passed"].tolist() == [727, 726, 99]
    assert table.loc["ER Sepsis Triage", "pass_share"] == pytest.approx(0.9986, abs=5e-5)
    assert table.loc["ER Sepsis Triage", "removal_effect"] < 0.9
    assert not table.loc["ER Sepsis Triage", "mandatory"]
    assert found.diagnostics().set_index("check").loc["chain_misses_log", "status"] == "fail"


@pytest.mark.parametrize("journeys", [150, 3000])
def test_a_true_chain_is_hardly_ever_said_to_miss_the_log(journeys):
    rng, worlds, over = np.random.default_rng(5), 120, 0
    for _ in range(worlds):
        chain = PlantedChain.random(5, 1, rng)
        codes, starts, converted = chain.simulate(journeys, rng)
        won = converted.astype(float)
        if not 0 < won.sum() < journeys:
            continue
        found = Journeys(chain.channels, codes.astype(np.int32), starts, won, 1 - won, 0 * won, 0 * won, won)
        result = markov(transitions(found, 1), draws=0)
        over += bool(misfit.excess(result.table, float(won.sum()), 0.95).max() > 0)
    assert over / worlds <= 0.05


def test_the_highest_order_compared_is_named(drawn):
    source = drawn(3, 3, 4000, spread=4.0)
    assert choose_order(source, 4).concerns == ()
    at_the_top = choose_order(source, 3)
    assert at_the_top.order == 3
    assert at_the_top.highest == 3
    assert "Order 3 is the highest" in str(at_the_top.concerns[0])


def test_journeys_are_counted_once_however_often_they_come_back():
    source = read_paths(
        pd.DataFrame({"path": ["a > b > a > a", "b"], "conversions": [3, 1], "nulls": [2, 4]}), nulls="nulls"
    )
    assert passing(source).tolist() == [[3, 2], [4, 6]]
