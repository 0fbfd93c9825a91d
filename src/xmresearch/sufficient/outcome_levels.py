"""Whether outcomes are among their levels, and whether some of them look like codes for no answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import DataError, ParamsError

if TYPE_CHECKING:
    from xmresearch.sufficient.grouped_rows import Grouped

Array = NDArray[np.float64]
USUAL_CODES = frozenset(
    float(c) for c in (7, 8, 9, 66, 77, 88, 96, 97, 98, 99, 666, 777, 888, 996, 997, 998, 999, 8888, 9998, 9999, 99999)
)
MOST_ANSWERS, FEWEST_ANSWERS, SHOWN = 30, 2, 4


def require_levels(levels: Sequence[float], missing_codes: Sequence[float]) -> None:
    """Refuse levels that are one value, out of order or with a missing code among them."""
    values = np.asarray(levels, dtype=float)
    if len(values) == 1 or not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise ParamsError(
            f"levels are {list(levels)}.", "Give its lowest and highest value, or all answers in rising order."
        )
    among = [
        c for c in missing_codes if len(values) and (values[0] <= c <= values[-1] if len(values) == 2 else c in values)
    ]
    if among:
        raise ParamsError(
            f"Missing code {among[0]:g} is among the levels {list(levels)}.", "A value is one or the other."
        )


def require_inside(low: float, high: float, categories: Array, found: Grouped, outcome: str, levels: Array) -> None:
    """Refuse outcomes outside the levels that were declared.

    Parameters
    ----------
    low, high : float
        Smallest and largest outcome.
    categories : ndarray
        Distinct outcomes, as far as they were counted.
    found : Grouped
        The rows.
    outcome : str
        Its name.
    levels : ndarray
        Lowest and highest value, or all answers; empty where none were declared.

    Raises
    ------
    DataError
        With the values and the number of rows.
    """
    import polars as pl

    if not len(levels) or (len(levels) == 2 and levels[0] <= low and high <= levels[1]):
        return
    value = pl.col("v")
    outside = (value < levels[0]) | (value > levels[-1])
    if len(levels) > 2:
        if len(categories) and np.isin(categories, levels).all():
            return
        outside = ~value.is_in(levels.tolist())
    wrong = found.rows.filter(value.is_not_null() & outside).group_by("v").len().sort("v").collect(engine="streaming")
    if wrong.is_empty():
        return
    rows, values = int(wrong["len"].sum()), wrong["v"].to_list()
    shown = ", ".join(f"{v:g}" for v in values[:SHOWN]) + (", ..." if len(values) > SHOWN else "")
    scale = f"{levels[0]:g} to {levels[1]:g}" if len(levels) == 2 else ", ".join(f"{v:g}" for v in levels)
    raise DataError(
        f"Outcome '{outcome}' is outside its levels ({scale}) in {rows} row(s): {shown}.",
        f"If these are codes for no answer, set missing_codes: [{shown.removesuffix(', ...')}]; otherwise correct the levels.",
    )


def odd_codes(low: float, high: float, whole: bool, found: Grouped) -> tuple[float, ...]:
    """Return outcomes at either end that are usual codes for no answer and far from all others.

    Parameters
    ----------
    low, high : float
        Smallest and largest outcome.
    whole : bool
        No outcome has a fraction.
    found : Grouped
        The rows.

    Returns
    -------
    tuple of float
        Usual codes (99, -9, ...) that lie beyond a gap as wide as all other values together; empty where there are more than
        30 distinct values or fewer than two others.
    """
    import polars as pl

    if not whole or not {abs(low), abs(high)} & USUAL_CODES:
        return ()
    values = found.rows.select(pl.col("v").drop_nulls().unique()).head(MOST_ANSWERS + 1).collect(engine="streaming")
    inner = sorted(values["v"].to_list())
    if len(inner) > MOST_ANSWERS:
        return ()
    codes: list[float] = []
    while (far := _far_end(inner)) or (far := [-v for v in _far_end([-v for v in inner[::-1]])]):
        codes += far
        inner = [v for v in inner if v not in far]
    return tuple(sorted(codes))


def _far_end(values: list[float]) -> list[float]:
    """Return the usual codes at the upper end of values in order that lie beyond a gap as wide as all below it."""
    for k in range(FEWEST_ANSWERS, len(values)):
        gap, below = values[k] - values[k - 1], values[:k]
        usual = all(abs(v) in USUAL_CODES for v in values[k:])
        if usual and gap >= below[-1] - below[0] and gap > max(b - a for a, b in pairwise(below)):
            return values[k:]
    return []
