"""Sums of decimals that are the same in whatever order threads take the rows: as whole numbers of a small step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

LARGEST = 1e150
"""Beyond it the square of a value is no number any more."""
_BITS, _MOST_POWER = 96, 1000


def summed(
    rows: pl.LazyFrame, by: Sequence[str], values: Mapping[str, pl.Expr], tops: Mapping[str, float], others: Sequence[pl.Expr]
) -> pd.DataFrame:  # fmt: skip
    """Sum values by group, with the same bits in every run.

    A value is cut to a whole number of steps of 2^-96 of the largest value (or a little more), and whole numbers are summed with 128
    bits, of two milliard rows at most: such a sum does not depend on the order of its parts, and has more digits than a float.

    Parameters
    ----------
    rows : polars.LazyFrame
        Of any size.
    by : sequence of str
        Columns of the groups.
    values : mapping of str to polars.Expr
        What is summed, by the name of its sums; blank where it does not count.
    tops : mapping of str to float
        What no absolute value exceeds; one that does is not summed.
    others : sequence of polars.Expr
        What else a group tells, such as counts and extremes, in which order plays no part.

    Returns
    -------
    DataFrame
        A row per group, in order: `by`, the others, and the sums.
    """
    import polars as pl

    power = {name: _power(top) for name, top in tops.items()}
    steps = {name: (value * 2.0 ** power[name]).cast(pl.Int128, strict=False) for name, value in values.items()}
    rows = rows.with_columns(step.alias(f"{name} steps") for name, step in steps.items())
    sums = [pl.col(f"{name} steps").sum().cast(pl.Float64).alias(name) for name in values]
    found: pd.DataFrame = rows.group_by(by).agg(*others, *sums).sort(by).collect(engine="streaming").to_pandas()
    return found.assign(**{name: np.ldexp(found[name].to_numpy(dtype=float), -power[name]) for name in values})


def _power(top: float) -> int:
    """Return how many times a step is halved."""
    return min(_BITS - (math.frexp(top)[1] if top else 0), _MOST_POWER)
