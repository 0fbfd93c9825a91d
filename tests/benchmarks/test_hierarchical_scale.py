"""Ten million ordered answers of 40 branches in 12 months, from Parquet to a hierarchical posterior. Run with 'make bench'."""

import time

import numpy as np
import polars as pl
import pytest

from xmresearch.causal.designs import did

ROWS, PARTS = 10_000_000, 10
BRANCHES, MONTHS, ANSWERS = 40, 12, 11
EFFECT, SPREAD, SHOCK = 0.25, 0.15, 0.05


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ordinal")
    rng = np.random.default_rng(2)
    treated = np.arange(BRANCHES) < BRANCHES // 2
    own = treated * (EFFECT + SPREAD * rng.standard_normal(BRANCHES))
    change = own + SHOCK * rng.standard_normal(BRANCHES)
    mean = 0.3 * rng.standard_normal((BRANCHES, 1)) + 0.1 * rng.standard_normal(MONTHS)
    mean = mean + (np.arange(MONTHS) >= MONTHS // 2) * change[:, None]
    cuts = np.linspace(-1.8, 1.3, ANSWERS - 1)
    for part in range(PARTS):
        rng = np.random.default_rng([3, part])
        branch, month = rng.integers(0, BRANCHES, ROWS // PARTS), rng.integers(0, MONTHS, ROWS // PARTS)
        answer = np.searchsorted(cuts, mean[branch, month] + rng.standard_normal(ROWS // PARTS))
        pl.DataFrame(
            {"branch": branch, "month": month, "treated": treated[branch], "answer": answer}
        ).write_parquet(folder / f"{part}.parquet")  # fmt: skip
    return folder / "*.parquet", own[treated]


@pytest.mark.benchmark
@pytest.mark.parametrize("family", ["ordinal", "nps"])
def test_ten_million_answers(table, family):
    path, own = table
    begin = time.perf_counter()
    found = did(
        pl.scan_parquet(path), outcome="answer", unit="branch", time="month", treated="treated",
        treated_from=MONTHS // 2, family=family, kind="hierarchical",
    )  # fmt: skip
    seconds, facts = time.perf_counter() - begin, found.facts
    print(f"\n{family}: {facts['rows']:,} answers, {seconds:.1f} s in all: r-hat {facts['rhat']:.4f}, effective draws "
          f"{facts['ess_bulk']:.0f} bulk, {facts['ess_tail']:.0f} tail, {facts['divergences']} divergences; mean latent effect "
          f"{found.tidy('parameter')['estimate'].iloc[0]:.3f} (of these branches {own.mean():.3f})")  # fmt: skip
    assert facts["divergences"] == 0
    assert facts["rhat"] <= 1.01
    assert min(facts["ess_bulk"], facts["ess_tail"]) >= 400
    assert np.corrcoef(found.tidy("unit")["estimate"], own)[0, 1] > 0.9
