"""Codes for no answer are not taken for answers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.errors import DataError, ParamsError
from xmresearch.sufficient.cells import Cells


def of(values, **options):
    frame = pd.DataFrame({"u": np.arange(len(values)) % 3, "t": 1, "y": values})
    return Cells.of(frame, outcome="y", unit="u", time="t", **options)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize(
    ("values", "odd"),
    [
        ([1, 2, 3, 4, 5, 99], (99,)),
        ([1, 2, 3, 4, 5, 9], (9,)),
        ([0, 4, 7, 10, 98, 99], (98, 99)),
        ([-99, 1, 2, 3, 4, 5, 99], (-99, 99)),
        ([-9, 0, 1, 2], (-9,)),
        ([-3, -2, -1, 0, 1, 2, 3], ()),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], ()),
        ([1, 5, 9], ()),
        ([10, 60, 99], ()),
        ([1.5, 2, 3, 99], ()),
        (list(range(40)) + [999], ()),
    ],
)
def test_codes_are_far_from_all_answers(values, odd, counts):
    assert of(values * 2, counts=counts).odd == odd
    assert of(values * 2, counts=counts, levels=[min(values), max(values)]).odd == ()


@pytest.mark.parametrize("counts", [True, False])
def test_missing_codes_are_counted_and_left_out(counts):
    cells = of([1, 2, 99, 3, np.nan, 98, 5], counts=counts, missing_codes=[98, 99], levels=[1, 5])
    assert (cells.n.sum(), cells.missing, cells.coded) == (4, 3, 2)
    assert (cells.low, cells.high, cells.odd) == (1, 5, ())
    both = cells + cells
    assert (both.coded, both.levels.tolist()) == (4, [1, 5])


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([1, 5], r"outside its levels \(1 to 5\) in 3 row\(s\): 0, 99\. If.*missing_codes: \[0, 99\]"),
        ([0, 1, 2, 3], r"outside its levels \(0, 1, 2, 3\) in 3 row\(s\): 4, 99"),
    ],
)
def test_values_outside_the_levels_are_refused(counts, levels, message):
    with pytest.raises(DataError, match=message):
        of([0, 1, 2, 3, 4, 99, 99], counts=counts, levels=levels)


@pytest.mark.parametrize(("levels", "codes"), [([5, 1], []), ([3], []), ([1, np.inf], []), ([1, 5], [3])])
def test_impossible_levels_are_refused(levels, codes):
    with pytest.raises(ParamsError, match=r"levels"):
        of([1, 2, 3], levels=levels, missing_codes=codes)


@pytest.mark.parametrize("counts", [True, False])
def test_infinite_outcomes_are_refused_with_their_number(counts):
    values = [1, 2, 3, np.inf, -np.inf]
    with pytest.raises(DataError, match=r"Column 'y' is infinite in 2 row\(s\)"):
        of(values, counts=counts)
    frame = pd.DataFrame({"u": 1, "t": 1, "y": [1.0, 2.0], "x": [np.inf, 1.0]})
    with pytest.raises(DataError, match=r"Column 'x' is infinite in 1 row\(s\)"):
        Cells.of(frame, outcome="y", unit="u", time="t", covariates=["x"])


def test_repeated_columns_and_mixed_types_are_refused():
    frame = pd.DataFrame({"u": [1, 2], "t": 1, "y": [1.0, 2.0]})
    with pytest.raises(DataError, match="column 'y' more than once"):
        Cells.of(pd.concat([frame, frame["y"]], axis=1), outcome="y", unit="u", time="t")
    with pytest.raises(DataError, match="Column 'u' holds values of several types: int, str"):
        Cells.of(frame.assign(u=[1, "b"]), outcome="y", unit="u", time="t")
    assert Cells.of(pl.DataFrame(frame.assign(u=["a", "b"])).lazy(), outcome="y", unit="u", time="t").shape == (2, 1)
