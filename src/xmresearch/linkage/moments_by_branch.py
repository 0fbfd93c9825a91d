"""Moments of two measures by branch: all that linkage within and between branches needs of rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class BranchMoments(Shown):
    """Sizes, means and sums of squares of two measures within branches; no row is in them, and parts add up by `+`.

    Attributes
    ----------
    branches : tuple of str
        Names, in order.
    n : ndarray
        Rows with both measures, shape (branches,), above 0.
    x, y : ndarray
        Means, shape (branches,).
    sxx, sxy, syy : ndarray
        Sums of squares and products about the branch's own means, shape (branches,).
    """

    branches: tuple[str, ...]
    n: Array
    x: Array
    y: Array
    sxx: Array
    sxy: Array
    syy: Array

    def __add__(self, other: BranchMoments) -> BranchMoments:
        names = sorted({*self.branches, *other.branches})
        a, b = (part._spread(names) for part in (self, other))
        n = a["n"] + b["n"]
        dx, dy = (np.where((a["n"] > 0) & (b["n"] > 0), b[k] - a[k], 0.0) for k in ("x", "y"))
        cross = a["n"] * b["n"] / n
        means = {k: (a["n"] * a[k] + b["n"] * b[k]) / n for k in ("x", "y")}
        return BranchMoments(
            tuple(names), n, means["x"], means["y"], a["sxx"] + b["sxx"] + cross * dx**2, a["sxy"] + b["sxy"] + cross * dx * dy,
            a["syy"] + b["syy"] + cross * dy**2,
        )  # fmt: skip

    def _spread(self, names: list[str]) -> dict[str, Array]:
        """Return the moments in the order of names, 0 where a branch is not there."""
        at = np.searchsorted(names, self.branches)
        out = {f.name: np.zeros(len(names)) for f in fields(self) if f.name != "branches"}
        for name, values in out.items():
            values[at] = getattr(self, name)
        return out

    def only(self, keep: NDArray[np.bool_]) -> BranchMoments:
        """Return the moments of the branches marked, shape (branches,)."""
        names = tuple(b for b, k in zip(self.branches, keep, strict=True) if k)
        return BranchMoments(names, *(getattr(self, f.name)[keep] for f in fields(self) if f.name != "branches"))

    def tidy(self) -> pd.DataFrame:
        """Return one row per branch: branch, n, x and y (means)."""
        return pd.DataFrame({"branch": self.branches, "n": self.n, "x": self.x, "y": self.y})

    def _head(self) -> dict[str, Any]:
        return {"branches": len(self.branches), "rows": float(self.n.sum())}


def branch_moments(rows: pd.DataFrame | pl.LazyFrame, branch: str, x: str, y: str) -> BranchMoments:
    """Reduce rows to the moments of two measures by branch.

    Parameters
    ----------
    rows : DataFrame or polars.LazyFrame
        One row per customer (or visit, or period); a lazy frame is streamed. Rows without branch or either measure are left out.
    branch, x, y : str
        Columns: the branch, the experience, and what it is linked to; the measures are numbers.

    Returns
    -------
    BranchMoments
        Branches in the order of their names as text.

    Raises
    ------
    DataError, InsufficientData
        A column is not there or no number; no row is complete.

    References
    ----------
    Chan, T. F., Golub, G. H. & LeVeque, R. J. (1983). Algorithms for computing the sample variance. American Statistician, 37, 242-247.
    """
    there = [str(c) for c in rows.columns] if isinstance(rows, pd.DataFrame) else rows.collect_schema().names()
    for column in (branch, x, y):
        if column not in there:
            raise DataError(f"The rows have no column '{brief(column)}'.", nearest(column, there))
    if not isinstance(rows, pd.DataFrame):
        return _streamed(rows, branch, x, y)
    frame = rows[[branch, x, y]]
    for column in (x, y):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise DataError(f"Column '{brief(column)}' does not hold numbers.", "Name a column of numbers.")
    frame = frame[frame.notna().all(axis=1)]
    if frame.empty:
        raise InsufficientData(f"No row has '{brief(branch)}', '{brief(x)}' and '{brief(y)}'.", "Check the columns.")
    codes, names = pd.factorize(frame[branch].astype(str), sort=True)
    return _of_codes(codes, [str(v) for v in names], frame[x].to_numpy("float64"), frame[y].to_numpy("float64"))


def _streamed(rows: pl.LazyFrame, branch: str, x: str, y: str) -> BranchMoments:
    """Sum squares and products about the mean of all, branch by branch, in parts that fit into memory."""
    import polars as pl

    schema = rows.collect_schema()
    for column in (x, y):
        if not (schema[column].is_numeric() or schema[column] == pl.Boolean):
            raise DataError(f"Column '{brief(column)}' does not hold numbers.", "Name a column of numbers.")
    a, b = (pl.col(c).cast(pl.Float64).fill_nan(None) for c in (x, y))
    kept = rows.select(pl.col(branch).cast(pl.String).alias("branch"), a.alias("x"), b.alias("y")).drop_nulls()
    centre = kept.select(pl.col("x").mean(), pl.col("y").mean()).collect(engine="streaming").row(0)
    if centre[0] is None:
        raise InsufficientData(f"No row has '{brief(branch)}', '{brief(x)}' and '{brief(y)}'.", "Check the columns.")
    u, v = pl.col("x") - centre[0], pl.col("y") - centre[1]
    sums = kept.group_by("branch").agg(
        pl.len().alias("n"), u.sum().alias("u"), v.sum().alias("v"), (u * u).sum().alias("uu"), (u * v).sum().alias("uv"),
        (v * v).sum().alias("vv"),
    ).sort("branch").collect(engine="streaming")  # fmt: skip
    n, su, sv, uu, uv, vv = (sums[k].to_numpy().astype("float64") for k in ("n", "u", "v", "uu", "uv", "vv"))
    return BranchMoments(
        tuple(sums["branch"].to_list()), n, centre[0] + su / n, centre[1] + sv / n, np.maximum(uu - su**2 / n, 0.0), uv - su * sv / n,
        np.maximum(vv - sv**2 / n, 0.0),
    )  # fmt: skip


def _of_codes(codes: NDArray[Any], names: list[str], x: Array, y: Array) -> BranchMoments:
    n = np.bincount(codes, minlength=len(names)).astype("float64")
    mx, my = (np.bincount(codes, weights=v, minlength=len(names)) / n for v in (x, y))
    u, v = x - mx[codes], y - my[codes]
    parts = (np.bincount(codes, weights=w, minlength=len(names)) for w in (u * u, u * v, v * v))
    return BranchMoments(tuple(names), n, mx, my, *parts)
