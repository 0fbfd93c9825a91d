"""Cells add up to what one pass over all rows gives, and refuse what they cannot order or count."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xmresearch.errors import DataError, InsufficientData
from xmresearch.sufficient.cells import Cells
from xmresearch.sufficient.sources import blocks_of

KEYS = {"outcome": "y", "unit": "u", "time": "t", "cohort": "g"}


def rows(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, 6, n)
    return pd.DataFrame(
        {
            "u": np.array(list("abcdef"))[unit],
            "t": [f"2025-{k:02d}" for k in rng.integers(1, 5, n)],
            "g": np.where(unit < 3, "2025-03", None),
            "y": rng.integers(1, 6, n).astype(float),
            "x": rng.normal(size=n),
        }
    )


def assert_same(a: Cells, b: Cells) -> None:
    for name in ("n", "mean", "scatter", "counts", "categories", "covariate_means", "unit", "time", "arm"):
        left, right = getattr(a, name), getattr(b, name)
        if left is None:
            assert right is None
        else:
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=name)
    assert (a.periods, a.low, a.high, a.whole, a.missing) == (b.periods, b.low, b.high, b.whole, b.missing)
    assert a.units.tolist() == b.units.tolist()
    assert a.arms.tolist() == b.arms.tolist()


@pytest.mark.parametrize("counts", [False, True])
@settings(max_examples=15, deadline=None)
@given(cut=st.integers(5, 395), seed=st.integers(0, 5))
def test_parts_add_to_the_whole(counts, cut, seed):
    frame = rows(seed=seed)
    frame.loc[::17, "y"] = np.nan
    of = lambda part: Cells.of(part, **KEYS, counts=counts, covariates=["x"])  # noqa: E731
    assert_same(of(frame.iloc[:cut]) + of(frame.iloc[cut:]), of(frame))


def test_streamed_cells_equal_those_in_memory_and_pandas(tmp_path):
    frame = rows()
    path = tmp_path / "rows.parquet"
    frame.to_parquet(path)
    streamed = Cells.of(pl.scan_parquet(path), **KEYS)
    assert_same(streamed, Cells.of(frame, **KEYS))
    expected = frame.groupby(["u", "t"])["y"].agg(["size", "mean", lambda v: ((v - v.mean()) ** 2).sum()])
    np.testing.assert_allclose(streamed.n, expected["size"])
    np.testing.assert_allclose(streamed.mean, expected["mean"], rtol=1e-12)
    np.testing.assert_allclose(streamed.scatter, expected.iloc[:, 2], rtol=1e-9)
    assert streamed.shape == (6, 4)


def test_scatter_survives_a_distant_mean():
    frame = rows().assign(y=lambda f: f["y"] + 1e9)
    near = Cells.of(rows(), **KEYS)
    np.testing.assert_allclose(Cells.of(frame, **KEYS).scatter, near.scatter, atol=1e-4)


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        ([1, 2, 10], "number"),
        (["9", "10", "11"], "text"),
        (["2024-Q4", "2025-Q1", "2025-Q2"], "text"),
        (pd.to_datetime(["2024-12-01", "2025-01-01", "2025-02-01"]), "date"),
        (pd.period_range("2024-12", periods=3, freq="M"), "date"),
        (pd.Categorical(["pre", "mid", "post"], ["pre", "mid", "post"], ordered=True), "category"),
    ],
)
def test_time_is_ordered_whatever_it_is_written_as(times, kind):
    frame = pd.DataFrame({"u": ["a"] * 3, "t": times, "g": [0] * 3, "y": [1.0, 2.0, 3.0]}).iloc[[2, 0, 1]]
    cells = Cells.of(frame, **KEYS)
    assert cells.periods.kind == kind
    assert cells.mean[np.argsort(cells.time)].tolist() == [1.0, 2.0, 3.0]


def test_bad_input_is_one_clear_error():
    frame = rows()
    with pytest.raises(DataError, match="no column 'yy'.*Did you mean 'y'"):
        Cells.of(frame, **(KEYS | {"outcome": "yy"}))
    with pytest.raises(DataError, match="Outcome 'u' is of type String, not numeric"):
        Cells.of(frame, **(KEYS | {"outcome": "u"}))
    with pytest.raises(DataError, match="Time column 't' is text that cannot be ordered, such as 'March'"):
        Cells.of(frame.assign(t=lambda f: np.where(f["t"] > "2025-02", "March", "May")), **KEYS)
    with pytest.raises(DataError, match="Column 'u' is blank in"):
        Cells.of(frame.assign(u=lambda f: f["u"].where(f["u"] != "a")), **KEYS)
    with pytest.raises(InsufficientData, match="No row has an outcome 'y'"):
        Cells.of(frame.assign(y=np.nan), **KEYS)
    with pytest.raises(DataError, match="distinct values, too many to count"):
        Cells.of(frame.assign(y=frame["x"]), **KEYS, counts=True)
    with pytest.raises(DataError, match="Both a cohort and a treated"):
        Cells.of(frame, **KEYS, treated="x")
    with pytest.raises(DataError, match="type list cannot be read"):
        Cells.of([1, 2], **KEYS)


@pytest.mark.parametrize(
    ("values", "whole"),
    [([1, 2, 3, 4], True), ([1.0, 2.0, 3.0, 4.0], True), ([1.0, 2.5, 3.0, 4.0], False), ([1.5, 2.0, 3.0, 4.0], False)],
)
def test_fractions_are_found_inside_and_at_the_ends_of_cells(values, whole):
    frame = pd.DataFrame({"unit": 1, "time": 1, "y": values})
    frame = pd.concat([frame, frame.assign(time=2, y=[2, 3, 4, 5])])
    assert Cells.of(frame, outcome="y", unit="unit", time="time").whole is whole


def test_a_large_mean_does_not_swallow_the_scatter():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"unit": rng.integers(0, 3, 900), "time": rng.integers(0, 2, 900), "y": rng.normal(size=900)})
    plain = Cells.of(frame, outcome="y", unit="unit", time="time")
    moved = Cells.of(frame.assign(y=frame["y"] + 1e7), outcome="y", unit="unit", time="time")
    np.testing.assert_allclose(moved.scatter, plain.scatter, rtol=1e-6)


def test_a_cell_without_outcomes_is_no_cell():
    frame = pd.DataFrame({"unit": [1, 1, 2, 2], "time": [1, 2, 1, 2], "y": [1.0, 2.0, np.nan, 4.0]})
    cells = Cells.of(frame, outcome="y", unit="unit", time="time")
    assert cells.n.tolist() == [1, 1, 1]
    assert cells.missing == 1
    assert np.isfinite(cells.scatter).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_the_same_rows_give_the_same_bits_in_every_run(lazy):
    """Threads that sum what they have in the order in which they are done differ in the last digits."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "unit": rng.integers(0, 300, 40_000), "time": rng.integers(0, 12, 40_000), "score": rng.normal(0, 1, 40_000), "age": rng.normal(40, 9, 40_000),
    })  # fmt: skip
    data = pl.from_pandas(frame).lazy() if lazy else frame
    made = [Cells.of(data, outcome="score", unit="unit", time="time", covariates=["age"]) for _ in range(12)]
    for cells in made[1:]:
        for part in ("n", "mean", "scatter", "covariate_means"):
            assert getattr(cells, part).tobytes() == getattr(made[0], part).tobytes()
    whole = frame.groupby(["unit", "time"])
    assert made[0].mean == pytest.approx(whole["score"].mean().to_numpy(), abs=1e-12)
    assert made[0].covariate_means[:, 0] == pytest.approx(whole["age"].mean().to_numpy(), abs=1e-10)


def test_blocks_have_the_size_asked_for_in_the_order_of_the_rows():
    rows = pl.LazyFrame({"k": range(10_007)})
    blocks = list(blocks_of(rows, 2500))
    assert [len(block) for block in blocks] == [2500, 2500, 2500, 2500, 7]
    assert pl.concat(blocks)["k"].to_list() == list(range(10_007))
    assert list(blocks_of(rows.head(0), 2500)) == []


def weighted(n: int = 400, seed: int = 0) -> pd.DataFrame:
    frame = rows(n, seed)
    return frame.assign(w=np.random.default_rng(seed + 1).choice([0.25, 1.0, 3.5, 40.0], n))


@pytest.mark.parametrize("counts", [False, True])
def test_weighted_cells_are_weighted_means_in_memory_streamed_and_in_parts(tmp_path, counts):
    frame = weighted()
    frame.loc[::17, "y"] = np.nan
    frame.loc[::17, "w"] = np.nan
    frame.to_parquet(tmp_path / "rows.parquet")
    whole = Cells.of(frame, **KEYS, counts=counts, weights="w")
    answered = frame.dropna(subset=["y"])
    by = answered.groupby(["u", "t"])
    size, mean = by["w"].sum(), by.apply(lambda g: np.average(g["y"], weights=g["w"]))
    scatter = by.apply(lambda g: (g["w"] * (g["y"] - np.average(g["y"], weights=g["w"])) ** 2).sum())
    for found in (
        whole,
        Cells.of(pl.scan_parquet(tmp_path / "rows.parquet"), **KEYS, counts=counts, weights="w"),
        Cells.scan(tmp_path / "rows.parquet", **KEYS, counts=counts, weights="w"),
        Cells.of(frame.iloc[:150], **KEYS, counts=counts, weights="w")
        + Cells.of(frame.iloc[150:], **KEYS, counts=counts, weights="w"),
    ):
        assert_same(found, whole)
        np.testing.assert_allclose(found.n, by.size())
        np.testing.assert_allclose(found.size, size)
        np.testing.assert_allclose(found.squares, by["w"].apply(lambda w: (w**2).sum()))
        np.testing.assert_allclose(found.mean, mean)
        np.testing.assert_allclose(found.scatter, scatter, atol=1e-9)


def test_equal_weights_change_no_mean_nor_variance():
    frame = rows().assign(w=2.5)
    weighed, plain = Cells.of(frame, **KEYS, weights="w"), Cells.of(frame, **KEYS)
    np.testing.assert_allclose(weighed.mean, plain.mean)
    np.testing.assert_allclose(weighed.n, plain.n)
    np.testing.assert_allclose(weighed.scatter / weighed.size, plain.scatter / plain.n, atol=1e-12)
    assert_same(Cells.of(frame.assign(w=1.0), **KEYS, weights="w"), plain)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_a_row_with_an_outcome_needs_a_weight(wrong):
    frame = weighted()
    frame.loc[7, "w"] = wrong
    for source in (frame, pl.from_pandas(frame).lazy()):
        with pytest.raises(DataError, match=r"Weight column 'w': 1 row\(s\) have no weight above zero"):
            Cells.of(source, **KEYS, weights="w")


def test_weights_far_larger_than_the_first_are_summed_exactly():
    frame = weighted(6000)
    frame.loc[5000, ["w", "y"]] = [1e9, 5.0]
    assert_same(Cells.of(pl.from_pandas(frame).lazy(), **KEYS, weights="w"), Cells.of(frame, **KEYS, weights="w"))
