"""Ten million rows from Parquet to a posterior. Run with 'make bench'."""

import resource
import sys
import time

import numpy as np
import polars as pl
import pytest

from xmresearch.causal.designs import did

ROWS, PARTS = 10_000_000, 10
BRANCHES, MONTHS = 40, 12
REPEATS = 5
MOST_OF_AGGREGATION, MOST_GB = 1.5, 4


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("did")
    for part in range(PARTS):
        rng = np.random.default_rng(part)
        branch, month = rng.integers(0, BRANCHES, ROWS // PARTS), rng.integers(1, MONTHS + 1, ROWS // PARTS)
        cohort = np.array([0, 5, 7, 9])[branch % 4]
        on = (cohort > 0) & (month >= cohort)
        y = 3.5 + 0.01 * branch + 0.3 * on + rng.normal(size=len(branch))
        names = {"branch": np.array([f"Branch {k:02d}" for k in range(BRANCHES)])[branch]}
        names["month"] = np.array([f"2025-{k:02d}" for k in range(MONTHS + 1)])[month]
        names["cohort"] = np.array(["", *(f"2025-{k:02d}" for k in range(1, MONTHS + 1))])[cohort]
        numbers = {"b": branch.astype(np.int32), "m": month.astype(np.int16), "c": cohort.astype(np.int16)}
        frame = pl.DataFrame(names | numbers | {"y": y, "answer": np.clip(y.round(), 1, 5)})
        frame.write_parquet(folder / f"{part}.parquet")
    return folder / "*.parquet"


@pytest.mark.benchmark
@pytest.mark.parametrize("family", ["gaussian", "ordinal"])
@pytest.mark.parametrize("keys", [("branch", "month", "cohort"), ("b", "m", "c")], ids=["text", "integer"])
def test_ten_million_rows_cost_what_their_aggregation_costs(table, family, keys, measured):
    value = pl.col("y" if family == "gaussian" else "answer")
    by = [*keys, *([] if family == "gaussian" else ["answer"])]
    sums = [pl.len(), value.mean().alias("mean"), value.var().alias("variance")] if family == "gaussian" else [pl.len()]

    def aggregate() -> None:
        pl.scan_parquet(table).group_by(by).agg(sums).collect(engine="streaming")

    def estimate() -> None:
        found = did(
            pl.scan_parquet(table), outcome="y" if family == "gaussian" else "answer", unit=keys[0], time=keys[1],
            cohort=keys[2], family=family,
        )  # fmt: skip
        assert found.facts["rows"] == ROWS

    seconds = {}
    for name, run in (("polars", aggregate), ("did", estimate)) * REPEATS:
        begin = time.perf_counter()
        run()
        seconds[name] = min(seconds.get(name, np.inf), time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    task = f"did of {ROWS:,} rows, {family}, keys {', '.join(keys)}"
    floor = {"polars' aggregation": seconds["polars"]}
    (faster,) = measured.ratio(task, seconds["did"], floor, most=MOST_OF_AGGREGATION).values()
    measured.figure("peak", peak, "GB", most=MOST_GB)
    assert peak < MOST_GB
    assert 1 / faster <= MOST_OF_AGGREGATION
