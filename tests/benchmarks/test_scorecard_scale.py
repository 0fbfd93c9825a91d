"""How long counting and pooling take: 1e8 answers, and 1 000 segments in 24 waves. Run with 'make bench'."""

import time

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.metrics.league_tables import rank_chances
from xmresearch.metrics.many_groups import pool_means, pool_shares
from xmresearch.metrics.measures import net_promoter_measure, top_boxes
from xmresearch.metrics.scores_by_group import group_scores
from xmresearch.sufficient.counts import Counts

pytestmark = pytest.mark.benchmark
ROWS, MOST_OF_POLARS, MOST_SECONDS = 100_000_000, 1.5, 60.0


def test_hundred_million_answers_take_what_polars_takes(measured):
    rng = np.random.default_rng(1)
    table = pl.DataFrame({
        "score": rng.integers(0, 11, ROWS, dtype=np.int8), "segment": rng.integers(0, 50, ROWS, dtype=np.int8),
        "wave": rng.integers(0, 4, ROWS, dtype=np.int8),
    })  # fmt: skip
    keys = ["segment", "wave"]
    own, theirs, mean = [], [], []
    for _ in range(3):
        start = time.perf_counter()
        counts = Counts.scan(table.lazy(), "score", by=keys)
        scores = group_scores(counts, net_promoter_measure())
        own.append(time.perf_counter() - start)
        start = time.perf_counter()
        table.lazy().group_by([*keys, "score"]).agg(pl.len()).collect(engine="streaming")
        theirs.append(time.perf_counter() - start)
        start = time.perf_counter()
        nps = (pl.col("score") >= 9).mean() - (pl.col("score") <= 6).mean()
        table.lazy().group_by(keys).agg(nps.alias("nps"), pl.len()).collect(engine="streaming")
        mean.append(time.perf_counter() - start)
    assert counts.n.sum() == ROWS
    assert len(scores.table) == 200
    floors = {"polars' counts": min(theirs), "polars' NPS": min(mean)}
    faster = measured.ratio("NPS of 1e8 answers by segment and wave", min(own), floors, most=MOST_OF_POLARS)
    assert 1 / faster["polars' counts"] <= MOST_OF_POLARS


@pytest.mark.parametrize("kind", ["net", "share"])
def test_thousand_segments_in_24_waves_are_pooled_in_a_minute(kind, measured):
    rng = np.random.default_rng(2)
    segments, waves = 1000, 24
    n = rng.integers(5, 300, segments * waves)
    rows = rng.multinomial(n, (0.3, 0.3, 0.4)).astype(float)
    groups = pd.DataFrame(
        {"segment": np.tile(np.arange(segments), waves), "wave": np.repeat(np.arange(waves), segments)}
    )
    counts = Counts("a", groups, np.array([3.0, 7, 10]), rows, rows, rows, np.zeros(len(rows)))
    measure = net_promoter_measure() if kind == "net" else top_boxes(range(11))
    start = time.perf_counter()
    for wave in range(waves):
        table = group_scores(counts.where(wave=wave), measure).table
        if kind == "net":
            pooled = pool_means(table["estimate"], table["spread"], draws=1000)
        else:
            pooled = pool_shares(table["estimate"] * table["n_eff"], table["n_eff"], draws=1000)
        assert rank_chances(pooled.draws).shape == (segments, segments)
    took = time.perf_counter() - start
    measured.figure(f"{segments} segments x {waves} waves, {kind}: pooled and ranked", took, "s", most=MOST_SECONDS)
    assert took < MOST_SECONDS
