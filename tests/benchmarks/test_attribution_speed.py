"""Speed and memory of attribution, and the race against ChannelAttribution. Run with 'make bench'.

XMRESEARCH_CHANNELATTRIBUTION names the Python of an environment that has ChannelAttribution 2.2.5 (GPL-3) and matplotlib.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from xmresearch.attribution.markov_removal import markov
from xmresearch.data.datasets import load_dataset, local_path
from xmresearch.data.scenarios.planted_chain import PlantedChain
from xmresearch.errors import DatasetUnavailable
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import transitions

PEER = "XMRESEARCH_CHANNELATTRIBUTION"
PATHS, EVENTS, PER_PART = 1_000_000, 100_000_000, 400_000
MOST_OF_DECODING = 1.5
DEMO = {"conversions": "total_conversions", "value": "total_conversion_value", "nulls": "total_null"}
TOUCHPOINTS = np.array([
    "app", "appointment", "chat", "counter", "email", "kiosk", "notice", "phone", "queue", "sms", "upload", "website",
])  # fmt: skip
RACE = """
import json, sys, time, pandas as pd, ChannelAttribution as ca
frame = pd.read_csv(sys.argv[1])
options, out = json.loads(sys.argv[2]), {}
for order in (1, 2, 3):
    begin = time.perf_counter()
    found = ca.markov_model(frame, order=order, ncore=1, verbose=False, flg_pro=False, out_more=True, **options)
    effects = found["removal_effects"].set_index("channel_name")["removal_effects_conversion"].to_dict()
    out[order] = [time.perf_counter() - begin, effects]
print("RESULT" + json.dumps(out))
"""


def peer(path: Path, **options: object) -> dict[int, tuple[float, dict[str, float]]]:
    python = os.environ.get(PEER)
    if not python:
        pytest.skip(f"Set {PEER} to the Python of an environment with ChannelAttribution 2.2.5.")
    done = subprocess.run(
        [python, "-c", RACE, str(path), json.dumps(options)], capture_output=True, text=True, check=True
    )
    line = next(row for row in done.stdout.splitlines() if row.startswith("RESULT"))
    return {int(k): tuple(v) for k, v in json.loads(line.removeprefix("RESULT")).items()}


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    """A million journeys of 12 channels, a row each."""
    rng = np.random.default_rng(1)
    chain = PlantedChain.random(12, 2, rng, spread=0.5, stop=0.2)
    codes, starts, converted = chain.simulate(PATHS, rng)
    names = pl.Series(np.array(chain.channels)[codes])
    owner = np.repeat(np.arange(PATHS), np.diff(starts))
    text = (
        pl.DataFrame({"j": owner, "t": names}).group_by("j", maintain_order=True).agg(pl.col("t").str.join(" > "))["t"]
    )
    won = converted.astype(int)
    frame = pl.DataFrame(
        {"path": text, "conv": won, "value": won * np.round(rng.gamma(2, 20, PATHS), 2), "null": 1 - won}
    )
    path = tmp_path_factory.mktemp("paths") / "rows.csv"
    frame.write_csv(path)
    return path


@pytest.mark.benchmark
def test_a_million_raw_paths_against_channelattribution(rows, measured):
    frame = pd.read_csv(rows)
    theirs = peer(rows, var_path="path", var_conv="conv", var_value="value", var_null="null")
    lines = []
    for order, draws, times in ((1, 1000, 3.0), (2, 1000, 1.0), (3, 0, 2.0)):
        begin = time.perf_counter()
        journeys = read_paths(frame, conversions="conv", value="value", nulls="null")
        found = markov(transitions(journeys, order), draws=draws)
        ours = time.perf_counter() - begin
        assert found.facts["journeys"] == PATHS
        task = f"{PATHS:,} raw paths, order {order}, {draws} draws"
        (faster,) = measured.ratio(task, ours, {"ChannelAttribution": theirs[order][0]}, least=times).values()
        lines.append((order, faster, times))
    assert all(faster >= times for _, faster, times in lines), lines


@pytest.mark.benchmark
@pytest.mark.parametrize(("order", "promised"), [(2, 5), (3, 15)])
def test_a_thousand_draws(rows, order, promised, measured):
    given = transitions(read_paths(rows, conversions="conv", value="value", nulls="null"), order)
    begin = time.perf_counter()
    found = markov(given, draws=1000)
    spent = time.perf_counter() - begin
    states = found.facts["states"]
    measured.figure(f"1 000 draws of order {order}, 12 channels, {states} states", spent, "s", most=promised)


@pytest.mark.benchmark
def test_a_long_simulation_is_within_its_monte_carlo_error():
    try:
        load_dataset("channelattribution_demo_paths")
        path = local_path("channelattribution_demo_paths")
    except DatasetUnavailable as error:
        pytest.skip(str(error))
    if path is None:
        pytest.skip("The demo paths are not in a local folder.")
    steps, runs = 4e6, 1
    theirs = peer(path, var_path="path", var_conv="total_conversions", var_value="total_conversion_value",
                  var_null="total_null", nsim_start=steps, nfold=runs)  # fmt: skip
    journeys = read_paths(path, **DEMO)
    for order in (1, 2, 3):
        table = markov(transitions(journeys, order), draws=0).table.set_index("channel")
        effect = table["removal_effect"]
        simulated = pd.Series(theirs[order][1]).reindex(effect.index)
        # the share of simulated conversions that pass a channel, among those of 4e6 journeys
        error = np.sqrt(effect * (1 - effect) / (steps * journeys.conversions.sum() / journeys.weight.sum()))
        z = (simulated - effect) / error
        print(
            f"\norder {order}: largest difference {(simulated - effect).abs().max():.5f}, largest z {z.abs().max():.1f}"
        )
        assert z.abs().max() < 4.5


@pytest.fixture(scope="module", params=["Categorical", "String"])
def log(request, tmp_path_factory) -> tuple[Path, str]:
    """A hundred million events sorted by customer and time."""
    path, writer, done, part = tmp_path_factory.mktemp("events") / "events.parquet", None, 0, 0
    kind = pl.Categorical if request.param == "Categorical" else pl.String
    while done < EVENTS:
        rng = np.random.default_rng(part)
        lengths = rng.geometric(0.2, PER_PART)
        n, starts = int(lengths.sum()), np.cumsum(lengths) - lengths
        passed = np.cumsum(rng.integers(60, 7200, n))
        begin = 1_700_000_000 + rng.integers(0, 10_000_000, PER_PART)
        won = np.zeros(n, bool)
        won[starts + lengths - 1] = rng.random(PER_PART) < 0.25
        frame = pl.DataFrame(
            {
                "customer": np.repeat(np.arange(PER_PART) + part * PER_PART, lengths),
                "time": pl.Series((np.repeat(begin - passed[starts], lengths) + passed) * 1000).cast(pl.Datetime("ms")),
                "touchpoint": pl.Series(TOUCHPOINTS[(rng.random(n) ** 1.5 * 12).astype(int)]).cast(kind),
                "won": won, "value": np.where(won, np.round(rng.gamma(2, 20, n)), 0.0),
            }
        ).to_arrow()  # fmt: skip
        writer = writer or pq.ParquetWriter(path, frame.schema, compression="zstd")
        writer.write_table(frame, row_group_size=500_000)
        done, part = done + n, part + 1
    writer.close()
    return path, request.param


def in_a_process(code: str, *arguments: str) -> tuple[float, float]:
    """Seconds of the statement and peak GB of a fresh process."""
    program = (
        "import resource, sys, time, polars as pl\n"
        "from xmresearch.sufficient.event_log import EventLog\n"
        "from xmresearch.sufficient.transition_table import transitions\n"
        "import xmresearch.sufficient.event_stream\n"
        f"begin = time.perf_counter()\n{code}\n"
        "print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    spent, peak = map(float, done.stdout.split())
    return spent, peak / (2**30 if sys.platform == "darwin" else 2**20)


@pytest.mark.benchmark
def test_a_hundred_million_events(log, measured):
    path, kind = log
    count = "transitions(EventLog(sys.argv[1], conversion='won', value='value', ordered={}), {})"
    runs = {
        "decode": "pl.scan_parquet(sys.argv[1]).collect(engine='streaming')",
        "order 1": count.format(None, 1), "order 3": count.format(None, 3),
    }  # fmt: skip
    seconds: dict[str, float] = {}
    peak: dict[str, float] = {}
    for name in (*runs, *runs):
        spent, used = in_a_process(runs[name], str(path))
        seconds[name], peak[name] = min(spent, seconds.get(name, np.inf)), max(used, peak.get(name, 0.0))
    for name, most in (("order 1", MOST_OF_DECODING), ("order 3", None)):
        task = f"{EVENTS:,} events, touchpoints as {kind}, {name}"
        measured.ratio(task, seconds[name], {"decoding alone": seconds["decode"]}, most=most)
        measured.figure(f"{task}, peak", peak[name], "GB", most=4)
    assert peak["order 1"] < 4
    assert peak["order 3"] < 4
    assert seconds["order 1"] <= MOST_OF_DECODING * seconds["decode"]


@pytest.mark.benchmark
def test_a_hundred_million_shuffled_events(tmp_path):
    path, writer, n = tmp_path / "shuffled.parquet", None, 2_000_000
    for part in range(EVENTS // n):
        rng = np.random.default_rng(part)
        won = rng.random(n) < 0.05
        frame = pl.DataFrame(
            {
                "customer": rng.integers(0, EVENTS // 5, n),
                "time": pl.Series(1_600_000_000_000 + rng.integers(0, 10**11, n)).cast(pl.Datetime("ms")),
                "touchpoint": pl.Series(TOUCHPOINTS[rng.integers(0, 12, n)]).cast(pl.Categorical),
                "won": won, "value": np.where(won, np.round(rng.gamma(2, 20, n)), 0.0),
            }
        ).to_arrow()  # fmt: skip
        writer = writer or pq.ParquetWriter(path, frame.schema, compression="zstd")
        writer.write_table(frame, row_group_size=500_000)
    writer.close()
    spent, peak = in_a_process("transitions(EventLog(sys.argv[1], conversion='won', value='value'), 1)", str(path))
    print(f"\n{EVENTS:,} events in random order: {spent:.1f} s, peak {peak:.2f} GB")
    assert peak < 8


@pytest.mark.benchmark
def test_unsorted_events_give_the_same(tmp_path):
    rng = np.random.default_rng(3)
    n = 2_000_000
    frame = pl.DataFrame({"customer": rng.integers(0, 300_000, n), "time": rng.integers(0, 10**8, n), "touchpoint": pl.Series(np.array(list("abcdef"))[rng.integers(0, 6, n)]), "won": rng.random(n) < 0.05})  # fmt: skip
    frame.write_parquet(tmp_path / "unsorted.parquet")
    found = transitions(EventLog(tmp_path / "unsorted.parquet", conversion="won"), 2)
    other = transitions(EventLog(frame.sort("customer", "time", maintain_order=True), conversion="won"), 2)
    np.testing.assert_array_equal(found.count, other.count)
