"""Sums that do not depend on the order of rows, beside Python's exact `fsum`."""

import math

import numpy as np
import polars as pl
import pytest

from xmresearch.errors import DataError
from xmresearch.sufficient.cell_query import MARGIN
from xmresearch.sufficient.cells import Cells
from xmresearch.sufficient.exact_sums import LARGEST, summed

ROWS, GROUPS = 30_000, 7


def tops_of(values):
    return float(np.abs(values).max(initial=0.0))


def sums_of(values, group, order):
    rows = pl.DataFrame({"g": group[order], "v": values[order]}).lazy()
    tops = {"s": tops_of(values)}
    found = summed(rows, ["g"], {"s": pl.col("v")}, tops, [pl.col("v").count().alias("n")])
    return found["s"].to_numpy()


@pytest.mark.parametrize("scale", [1e-250, 1e-12, 1.0, 1e12, 1e149])
def test_sums_are_exact_whatever_the_order(scale):
    rng = np.random.default_rng(3)
    group = rng.integers(0, GROUPS, ROWS)
    values = scale * rng.normal(size=ROWS) * 10.0 ** rng.integers(-9, 1, ROWS)
    truth = [math.fsum(values[group == g]) for g in range(GROUPS)]
    first = sums_of(values, group, np.arange(ROWS))
    np.testing.assert_allclose(first, truth, rtol=3e-16, atol=ROWS * tops_of(values) * 2.0**-96)
    for _ in range(3):
        assert sums_of(values, group, rng.permutation(ROWS)).tobytes() == first.tobytes()


def test_blanks_and_zeros_sum_to_nothing():
    rows = pl.DataFrame({"g": [0, 0, 1], "v": [0.0, None, None]}).lazy()
    found = summed(rows, ["g"], {"s": pl.col("v")}, {"s": 0.0}, [pl.len().alias("n")])
    assert found["s"].tolist() == [0.0, 0.0]
    assert found["n"].tolist() == [2, 1]


@pytest.mark.parametrize("where", ["first", "last"])
def test_outcomes_far_from_the_first_rows_are_summed_as_well(where):
    """Beyond 64 times the distance of the first thousand, sums are made anew."""
    rng = np.random.default_rng(8)
    frame = pl.DataFrame({"u": np.arange(6000) % 3, "t": 1, "y": rng.normal(3, 1, 6000), "x": rng.normal(0, 1, 6000)})
    k = 5 if where == "first" else 5000
    far = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == k).then(pl.lit(7e6)).otherwise(pl.col(c)).alias(c) for c in ("y", "x")
    )
    for given in (frame, far):
        cells = Cells.of(given.lazy(), outcome="y", unit="u", time="t", covariates=["x"])
        for u in range(3):
            own = given.filter(pl.col("u") == u)
            mean = math.fsum(own["y"]) / len(own)
            assert cells.mean[u] == pytest.approx(mean, rel=1e-15)
            step = 2.0**-96 * (MARGIN * float(given["y"].abs().max())) ** 2
            assert cells.scatter[u] == pytest.approx(math.fsum((own["y"] - mean) ** 2), rel=1e-12, abs=len(own) * step)
            assert cells.covariate_means[u, 0] == pytest.approx(math.fsum(own["x"]) / len(own), rel=1e-12, abs=1e-15)


def test_equal_outcomes_have_no_scatter():
    frame = pl.DataFrame({"u": [0] * 5 + [1] * 5, "t": [1] * 10, "y": [0.1] * 5 + [0.3] * 5})
    cells = Cells.of(frame.lazy(), outcome="y", unit="u", time="t")
    assert cells.mean.tolist() == pytest.approx([0.1, 0.3], rel=1e-15)
    assert cells.scatter.tolist() == pytest.approx([0, 0], abs=1e-16)


@pytest.mark.parametrize("column", ["y", "x"])
def test_infinite_values_of_a_stream_are_counted(column):
    frame = pl.DataFrame({"u": [0, 1, 0], "t": 1, "y": [1.0, 2.0, 3.0], "x": [0.0, 1.0, 2.0]})
    frame = frame.with_columns(
        pl.when(pl.int_range(3) > 0).then(pl.lit(np.inf)).otherwise(pl.col(column)).alias(column)
    )
    with pytest.raises(DataError, match=f"Column '{column}' is infinite in 2 row"):
        Cells.of(frame.lazy(), outcome="y", unit="u", time="t", covariates=["x"])


def test_what_cannot_be_squared_is_an_error():
    frame = pl.DataFrame({"u": [0, 1], "t": [1, 1], "y": [0.0, 10 * LARGEST]})
    with pytest.raises(DataError, match="Column 'y' reaches 5e"):
        Cells.of(frame.lazy(), outcome="y", unit="u", time="t")
