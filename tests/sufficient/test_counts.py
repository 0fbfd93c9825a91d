"""Counts of a stream are those of its rows, with the same bits in every run."""

from functools import partial

import numpy as np
import polars as pl
import pytest

from xmresearch.sufficient.counts import Counts
from xmresearch.sufficient.sources import blocks_of


def test_weighted_counts_of_a_stream_have_the_same_bits_in_every_run(monkeypatch):
    monkeypatch.setattr("xmresearch.sufficient.counts.blocks_of", partial(blocks_of, size=7000))
    rng = np.random.default_rng(4)
    frame = pl.DataFrame(
        {"a": rng.integers(1, 6, 40_000), "g": rng.integers(0, 60, 40_000), "w": rng.uniform(0.2, 5, 40_000)}
    )
    made = [Counts.scan(frame.lazy(), "a", by=["g"], weights="w") for _ in range(12)]
    assert {counts.weight.tobytes() + counts.square.tobytes() for counts in made} == {
        made[0].weight.tobytes() + made[0].square.tobytes()
    }
    whole = Counts.of(frame.to_pandas(), "a", by=["g"], weights="w")
    assert made[0].weight == pytest.approx(whole.weight, rel=1e-12)
    assert made[0].n.tolist() == whole.n.tolist()
