import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xmresearch.errors import DataError, InsufficientData
from xmresearch.sufficient.moments import Moments, reduce_rows

NAMES = ("a", "b", "c")
rows = arrays(np.float64, st.tuples(st.integers(0, 20), st.just(3)), elements=st.floats(-1e3, 1e3))


def close(x: Moments, y: Moments) -> None:
    assert x.n == y.n
    if x.n:
        np.testing.assert_allclose(x.mean, y.mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(x.scatter, y.scatter, rtol=1e-9, atol=1e-6)


@settings(deadline=None)
@given(rows, rows, rows)
def test_parts_add_up_to_the_whole_in_any_order(x, y, z):
    parts = [Moments.of(v, NAMES) for v in (x, y, z)]
    whole = Moments.of(np.vstack([x, y, z]), NAMES)
    close(parts[0] + parts[1] + parts[2], whole)
    close(parts[2] + (parts[1] + parts[0]), whole)


def test_moments_are_numpys():
    values = np.random.default_rng(1).normal(size=(50, 3)) + 1e6
    found = Moments.of(values, NAMES)
    np.testing.assert_allclose(found.mean, values.mean(axis=0))
    np.testing.assert_allclose(found.cov, np.cov(values, rowvar=False))
    matrix = np.array([[1.0, -1.0, 0.0]])
    np.testing.assert_allclose(found.transform(matrix, ["d"]).cov[0, 0], np.var(values[:, 0] - values[:, 1], ddof=1))


def test_incomplete_rows_are_left_out():
    values = np.array([[1.0, 2.0, 3.0], [np.nan, 0.0, 0.0], [3.0, 2.0, 1.0]])
    assert Moments.of(values, NAMES).n == 2


def test_different_variables_do_not_add():
    one = Moments.of(np.ones((2, 3)), NAMES)
    with pytest.raises(ValueError, match="do not add"):
        one + Moments.of(np.ones((2, 3)), ("x", "y", "z"))


def test_a_single_row_has_no_covariance():
    with pytest.raises(InsufficientData, match="two complete rows"):
        _ = Moments.of(np.ones((1, 3)), NAMES).cov


def derive(values):
    return {"all": values, "first": values[:, :1]}


def test_streaming_gives_what_memory_gives(tmp_path, monkeypatch):
    monkeypatch.setattr("xmresearch.sufficient.moments.BATCH_ROWS", 100)
    values = np.random.default_rng(2).integers(1, 8, (5000, 3)).astype(float)
    values[::7, 1] = np.nan
    pl.DataFrame(values, schema=list(NAMES)).fill_nan(None).write_parquet(tmp_path / "t.parquet", row_group_size=333)
    found = reduce_rows(pl.scan_parquet(tmp_path / "t.parquet"), NAMES, derive)
    expected = Moments.of(values, NAMES)
    np.testing.assert_allclose(found["all"].cov, expected.cov, rtol=1e-12)
    assert found["all"].n == expected.n
    assert found["first"].n == 5000


def test_streaming_names_what_is_wrong():
    table = pl.LazyFrame({"a": [1, 2], "b": ["x", "y"]})
    with pytest.raises(DataError, match="'b' is of type String, not numeric"):
        reduce_rows(table, ["a", "b"], derive)
    with pytest.raises(DataError, match="no column 'aa'. Did you mean 'a'"):
        reduce_rows(table, ["aa"], derive)
    with pytest.raises(InsufficientData, match="no rows"):
        reduce_rows(table.filter(pl.col("a") > 5), ["a"], derive)
