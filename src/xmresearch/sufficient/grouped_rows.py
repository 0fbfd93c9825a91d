"""Rows grouped by unit, time and arm, before they become cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from xmresearch.display import Shown

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class Grouped(Shown):
    """Rows by unit, time and arm.

    Attributes
    ----------
    table : DataFrame
        One row per cell (and outcome, if counted): unit, time, arm, n, missing, coded (rows with a missing code), s1, s2 (sums
        about the centre) with low, high and fraction, or value; x0, x1, ... (sums of covariates); of weighted rows w and ww (sums of
        weights and of their squares), s1 and s2 being weighted.
    centre : float
        What the sums are about.
    kind : str
        Of time: number, date, text or category.
    order : list of str
        Of an ordered category.
    rows : polars.LazyFrame
        The rows themselves: unit, time, arm and v, the outcome.

    Notes
    -----
    `a + b` is what one pass over both sets of rows would give, with the rows of `a`.
    """

    table: pd.DataFrame
    centre: float
    kind: str
    order: list[str]
    rows: pl.LazyFrame

    def __add__(self, other: Grouped) -> Grouped:
        """Pool two sets of rows."""
        by = [k for k in ("unit", "time", "arm", "value") if k in self.table]
        n = [int(part.table["n"].sum()) for part in (self, other)]
        centre = (n[0] * self.centre + n[1] * other.centre) / max(sum(n), 1)
        table = pd.concat([part._about(centre) for part in (self, other)], ignore_index=True)
        how = {"low": "min", "high": "max", "fraction": "any"}
        sums = {c: how.get(c, "sum") for c in table.columns if c not in by}
        return replace(self, table=table.groupby(by, sort=True, dropna=False, as_index=False).agg(sums), centre=centre)

    def _about(self, centre: float) -> pd.DataFrame:
        """Return the table with its sums about another centre."""
        if "s1" not in self.table:
            return self.table
        step, t = self.centre - centre, self.table
        size = t["w"] if "w" in t else t["n"]
        return t.assign(s1=t["s1"] + size * step, s2=t["s2"] + step * (2 * t["s1"] + size * step))
