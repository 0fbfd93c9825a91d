"""Patterns of answers by row, held against the plain way to find them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xmresearch.data.response_patterns import irv, longest_run, repeated_rows, straight_lines

ANSWERS = st.one_of(st.integers(1, 3).map(float), st.just(float("nan")))
TABLES = st.integers(1, 9).flatmap(
    lambda k: st.lists(st.lists(ANSWERS, min_size=k, max_size=k), min_size=1, max_size=30).map(np.array)
)
QUICK = settings(max_examples=80, deadline=None, derandomize=True)


@QUICK
@given(TABLES)
def test_the_spread_is_the_standard_deviation_of_the_answers(values):
    expected = pd.DataFrame(values).std(axis=1, ddof=1)
    assert irv(values) == pytest.approx(expected.to_numpy(), abs=1e-12, nan_ok=True)


def test_one_answer_far_from_zero_has_no_spread():
    assert irv(np.full((3, 44), 1e8 + 0.1)).tolist() == [0, 0, 0]


@QUICK
@given(TABLES)
def test_rows_that_occur_again_are_those_that_pandas_finds(values):
    items = pd.DataFrame(values)
    assert repeated_rows(items).tolist() == items.duplicated(keep="first").tolist()


def test_rows_of_one_sum_are_not_the_same(monkeypatch):
    alike = SimpleNamespace(uniform=lambda low, high, size: np.ones(size))
    monkeypatch.setattr(np.random, "default_rng", lambda seed: alike)
    assert repeated_rows(pd.DataFrame([[1.0, 3.0], [3.0, 1.0], [1.0, 3.0], [2.0, 2.0]])).tolist() == [
        False,
        False,
        True,
        False,
    ]


@QUICK
@given(TABLES, st.sampled_from([0.5, 0.8, 1.0]), st.integers(1, 6))
def test_straight_lines_are_long_runs_in_every_battery(values, share, shortest):
    batteries = [values, values[:, ::-1][:, : max(1, values.shape[1] // 2)]]
    runs = [longest_run(b) >= np.maximum(np.ceil(share * (~np.isnan(b)).sum(axis=1)), shortest) for b in batteries]
    assert straight_lines(batteries, share, shortest).tolist() == np.logical_and.reduce(runs).tolist()
