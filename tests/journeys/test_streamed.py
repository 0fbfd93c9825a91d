"""One pass over a log gives what the whole log in memory gives."""

import numpy as np
import polars as pl
import pytest

import xmresearch as xm
from xmresearch.errors import DataError
from xmresearch.journeys import scan_times
from xmresearch.journeys.streamed_times import SLICE_ROWS
from xmresearch.journeys.time_bins import bin_of, edges_of


def rows(cases, seed=3):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, cases)
    first = np.concatenate([[0], np.cumsum(lengths)])
    case = np.repeat(np.arange(cases), lengths)
    time = np.cumsum(rng.exponential(3600, first[-1]))
    time = time - np.repeat(time[first[:-1]], lengths) + np.repeat(rng.uniform(0, 1e6, cases), lengths)
    slow = case % 3 == 0
    time = np.where(slow, 1.2, 1.0) * (time - np.repeat(time[first[:-1]], lengths)) + np.repeat(
        time[first[:-1]], lengths
    )
    return pl.DataFrame({
        "case": case, "activity": np.array(list("abcd"))[rng.integers(0, 4, first[-1])], "desk": np.where(slow, "north", "south"), "customer": case // 2,
        "time": pl.Series((time * 1e6).astype(np.int64) + 1_700_000_000_000_000).cast(pl.Datetime("us")),
    })  # fmt: skip


@pytest.mark.parametrize("cases", [40, 20_000])
def test_a_pass_counts_what_is_counted_in_memory(cases, tmp_path):
    frame = rows(cases)
    assert cases < 100 or len(frame) > SLICE_ROWS
    frame.write_parquet(tmp_path / "log.parquet")
    found = scan_times(tmp_path / "log.parquet", group="desk", customer="customer")
    log = xm.journeys.read_cases(frame, customer="customer", attributes=["desk"])
    assert (found.cases, found.events) == (len(log), len(log.code))
    steps = xm.journeys.case_times(log).steps.set_index(["source", "target"])
    mine = found.steps.set_index(["source", "target"]).reindex(steps.index)
    assert (mine["count"] == steps["count"]).all()
    assert mine["mean_hours"].to_numpy() == pytest.approx(steps["mean_hours"].to_numpy())
    if cases > 100:
        assert mine["median_hours"].to_numpy() == pytest.approx(steps["median_hours"].to_numpy(), rel=0.032)
    paths = xm.journeys.variants(log, described=0).table
    assert found.paths == len(paths)
    known = dict(zip(paths["chain"], paths["cases"], strict=True))
    told = found.variants.dropna(subset=["chain"])
    assert len(told)
    assert all(known[chain] == count for chain, count in zip(told["chain"], told["cases"], strict=True))
    assert found.variants["cases"].tolist() == paths["cases"].tolist()[:1000]
    if cases > 100:
        compared = xm.journeys.compare_groups(log, log.attributes["desk"]).table
        own = compared[compared["measure"] == "time"].set_index("group")
        for row in found.groups.itertuples(index=False):
            exact = own.loc[row.group]
            assert row.cases == exact["cases"]
            assert row.median_hours == pytest.approx(exact["estimate"], rel=0.032)
            assert row.difference == pytest.approx(exact["difference"], abs=0.05)
            width = exact["difference_upper"] - exact["difference_lower"]
            assert row.difference_upper - row.difference_lower == pytest.approx(width, rel=0.25)


def test_bins_hold_their_times():
    times = np.concatenate([np.geomspace(1.0, 5e9, 4000), [0.0, 0.4, 0.99]])
    low, high = edges_of(bin_of(times))
    assert (low <= times).all()
    assert (times < high).all()
    assert (high[low > 0] / low[low > 0]).max() <= 1 + 1 / 32


def test_rows_out_of_order_and_without_a_name_are_refused():
    frame = rows(30)
    with pytest.raises(DataError, match="not sorted"):
        scan_times(frame.reverse())
    with pytest.raises(DataError, match="not sorted"):
        scan_times(frame.sort("case", "time", descending=[True, False]))
    with pytest.raises(DataError, match="no activity"):
        scan_times(frame.with_columns(activity=pl.when(pl.col("case") > 3).then("activity")))
    with pytest.raises(DataError, match="not datetimes"):
        scan_times(frame.with_columns(time=pl.col("time").cast(pl.String)))
