"""Cells: count, mean and scatter of an outcome by unit and period. They add up, and hold no respondent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, InsufficientData
from xmresearch.sufficient.cell_query import Query
from xmresearch.sufficient.periods import Periods

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Index = NDArray[np.int64]
MAX_CATEGORIES = 100
_KEYS = ["unit", "time", "arm"]


@dataclass(frozen=True)
class Cells:
    """What difference-in-differences needs to know of an outcome, by unit x period x arm.

    Attributes
    ----------
    outcome : str
        Name of the outcome.
    units, arms : ndarray
        Distinct labels of the units, and of the assignment column (cohort or treatment), in order; None is a blank.
    periods : Periods
        Distinct periods, earliest first.
    unit, time, arm : ndarray
        Position of each cell in `units`, `periods` and `arms`, shape (cells,); -1 where there is no assignment.
    n : ndarray
        Rows with an outcome, shape (cells,).
    mean, scatter : ndarray
        Mean and sum of squared deviations of the outcome, shape (cells,).
    low, high : float
        Smallest and largest outcome.
    whole : bool
        No outcome has a fraction.
    role : str
        What `arms` are: 'cohort' (first treated period), 'treated' (0 or 1), or '' for none.
    names : tuple of str
        Columns of unit, time and assignment, for messages.
    categories : ndarray
        Distinct outcomes, shape (K,); empty unless counts were asked for.
    counts : ndarray or None
        Rows per outcome category, shape (cells, K).
    covariates : tuple of str
        Names, length k.
    covariate_means : ndarray
        Shape (cells, k).
    missing : int
        Rows left out because their outcome or a covariate was blank.

    Notes
    -----
    `a + b` is what one pass over both sets of rows would give. A cell describes a person only if the unit is a person.
    """

    outcome: str
    units: NDArray[Any]
    arms: NDArray[Any]
    periods: Periods
    unit: Index
    time: Index
    arm: Index
    n: Array
    mean: Array
    scatter: Array
    low: float
    high: float
    whole: bool
    role: str
    names: tuple[str, str, str]
    categories: Array
    counts: Array | None
    covariates: tuple[str, ...]
    covariate_means: Array
    missing: int

    @classmethod
    def of(
        cls,
        data: pd.DataFrame | pl.LazyFrame,
        *,
        outcome: str,
        unit: str | None,
        time: str,
        cohort: str | None = None,
        treated: str | None = None,
        counts: bool = False,
        covariates: Sequence[str] = (),
    ) -> Cells:
        """Reduce rows to cells in one streamed pass.

        Parameters
        ----------
        data : DataFrame or polars.LazyFrame
            One row per answer, person or unit and period.
        outcome : str
            Numeric (or true/false) column; rows without it are counted and left out.
        unit : str or None
            What was treated or not, such as a branch; None where only arms are known.
        time : str
            Numbers, dates, an ordered category, or text such as '2025-03'.
        cohort : str, optional
            First treated period; blank or 0 for never.
        treated : str, optional
            0 or 1; instead of `cohort`.
        counts : bool
            Count the rows per distinct outcome, for ordinal outcomes.
        covariates : sequence of str
            Numeric columns.

        Returns
        -------
        Cells

        Raises
        ------
        DataError
            A column is missing, the outcome is not numeric, units or times are blank, or time has no order.
        InsufficientData
            No row has an outcome.
        """
        if cohort is not None and treated is not None:
            raise DataError("Both a cohort and a treated column were given.", "Give one of them.")
        arm, role = (cohort, "cohort") if cohort is not None else (treated, "treated" if treated is not None else "")
        query = Query(outcome, unit, time, arm, tuple(covariates), counts)
        table, centre, kind, order = query.run(data)
        _require_keys(table, query)
        missing = int(table["missing"].sum())
        table = table[table["n"] > 0]
        if table.empty:
            raise InsufficientData(f"No row has an outcome '{outcome}'.")
        labels = pd.Series(pd.unique(table["time"])).tolist()
        periods = Periods.of(time, labels, kind, order)
        place = {label: k for k, label in enumerate(periods.labels)}
        unit_codes, units = pd.factorize(table["unit"], sort=True)
        arm_codes, arms = pd.factorize(table["arm"], sort=True, use_na_sentinel=True)
        table = table.assign(unit=unit_codes, arm=arm_codes, time=table["time"].map(place).astype("int64"))
        blanks = (arm_codes < 0).any() and role
        if blanks:
            arms = np.append(np.asarray(arms, dtype=object), [None])
            table["arm"] = np.where(arm_codes < 0, len(arms) - 1, arm_codes)
        return _assemble(
            table, centre, outcome, np.asarray(units), np.asarray(arms), periods, role,
            (unit or arm or "", time, arm or ""), tuple(covariates), counts, missing,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """Units and periods."""
        return len(self.units), len(self.periods)

    def __add__(self, other: Cells) -> Cells:
        """Pool two sets of rows."""
        mine = (self.outcome, self.role, self.names, self.covariates, self.counts is None)
        if mine != (other.outcome, other.role, other.names, other.covariates, other.counts is None):
            raise ValueError("cells of different outcomes, columns or covariates do not add")
        periods = self.periods + other.periods
        place = {label: k for k, label in enumerate(periods.labels)}
        units = _union(self.units, other.units)
        arms = _union(self.arms, other.arms)
        centre = float((self.n @ self.mean + other.n @ other.mean) / (self.n.sum() + other.n.sum()))
        parts = [part._sums(centre, place, units, arms) for part in (self, other)]
        table = pd.concat(parts, ignore_index=True)
        return _assemble(
            table, centre, self.outcome, units, arms, periods, self.role, self.names, self.covariates,
            self.counts is not None, self.missing + other.missing,
        )  # fmt: skip

    def _sums(self, centre: float, place: dict[Any, int], units: NDArray[Any], arms: NDArray[Any]) -> pd.DataFrame:
        """Return the table of sums that `_assemble` takes, with positions among the united labels."""
        to_unit, to_arm = (_positions(a, b) for a, b in ((self.units, units), (self.arms, arms)))
        to_time = np.array([place[label] for label in self.periods.labels])
        keys = {"unit": to_unit[self.unit], "time": to_time[self.time]}
        keys["arm"] = to_arm[self.arm] if len(to_arm) else self.arm
        step = self.mean - centre
        sums = {"n": self.n, "s1": self.n * step, "s2": self.scatter + self.n * step**2}
        sums |= {f"x{j}": self.n * self.covariate_means[:, j] for j in range(len(self.covariates))}
        table = pd.DataFrame(keys | sums)
        if self.counts is None:
            return table.assign(low=self.low, high=self.high, fraction=not self.whole)
        cell, category = np.nonzero(self.counts)
        rows = table.iloc[cell].reset_index(drop=True)
        share = self.counts[cell, category] / self.n[cell]
        for j in range(len(self.covariates)):
            rows[f"x{j}"] *= share
        rows["value"], rows["n"] = self.categories[category], self.counts[cell, category]
        return rows


def _union(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return the distinct labels of both in order, a blank last."""
    both = list(dict.fromkeys((*a.tolist(), *b.tolist())))
    known = sorted(v for v in both if v is not None)
    values = [*known, None] if None in both else known
    return np.array(values, dtype=object if None in both else None)


def _positions(labels: NDArray[Any], among: NDArray[Any]) -> Index:
    place = {label: k for k, label in enumerate(among.tolist())}
    return np.array([place[label] for label in labels.tolist()], dtype=np.int64)


def _require_keys(table: pd.DataFrame, query: Query) -> None:
    for key, name in (("unit", query.unit), ("time", query.time)):
        if name is not None and table[key].isna().any():
            rows = int(table.loc[table[key].isna(), ["n", "missing"]].sum().sum())
            raise DataError(f"Column '{name}' is blank in {rows} row(s).", "Fill it in, or leave those rows out.")


def _assemble(
    table: pd.DataFrame, centre: float, outcome: str, units: NDArray[Any], arms: NDArray[Any], periods: Periods,
    role: str, names: tuple[str, str, str], covariates: tuple[str, ...], counted: bool, missing: int,
) -> Cells:  # fmt: skip
    """Turn sums about a constant, one row per cell (and outcome), into cells."""
    columns = [f"x{j}" for j in range(len(covariates))]
    categories, counts = np.empty(0), None
    if counted:
        table = table.assign(s1=table["n"] * (table["value"] - centre))
        table["s2"] = table["s1"] * (table["value"] - centre)
        categories = np.sort(pd.unique(table["value"])).astype(float)
        if len(categories) > MAX_CATEGORIES:
            raise DataError(
                f"Outcome '{outcome}' has {len(categories)} distinct values, too many to count each.",
                "Use family 'gaussian' or 'count'.",
            )
        low, high, whole = categories[0], categories[-1], bool(np.all(categories % 1 == 0))
    else:
        low, high, whole = table["low"].min(), table["high"].max(), not table["fraction"].any()
    sums = table.groupby(_KEYS, sort=True)[["n", "s1", "s2", *columns]].sum()
    n = sums["n"].to_numpy(dtype=float)
    keys = sums.index.to_frame(index=False)
    if counted:
        code = np.searchsorted(categories, table["value"].to_numpy(dtype=float))
        row = sums.index.get_indexer(pd.MultiIndex.from_frame(table[_KEYS]))
        counts = np.zeros((len(sums), len(categories)))
        np.add.at(counts, (row, code), table["n"].to_numpy(dtype=float))
    s1, s2 = (sums[c].to_numpy(dtype=float) for c in ("s1", "s2"))
    unit, time, arm = (keys[k].to_numpy(dtype=np.int64) for k in _KEYS)
    return Cells(
        outcome, units, arms, periods, unit, time, arm, n, centre + s1 / n,
        np.maximum(s2 - s1**2 / n, 0.0), float(low), float(high), whole, role, names, categories, counts, covariates,
        sums[columns].to_numpy(dtype=float) / n[:, None], missing,
    )  # fmt: skip
