"""Cells: count, mean and scatter of an outcome by unit and period. They add up, and hold no respondent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.sufficient.cell_keys import positions, query_of, require_keys, union
from xmresearch.sufficient.cell_query import Query
from xmresearch.sufficient.cell_times import guessed_form, into_periods, on_one_clock
from xmresearch.sufficient.grouped_rows import Grouped
from xmresearch.sufficient.outcome_levels import odd_codes, require_inside
from xmresearch.sufficient.partitions import over_partitions, partitions_of
from xmresearch.sufficient.periods import Periods
from xmresearch.sufficient.sources import as_lazy

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Index = NDArray[np.int64]
MAX_CATEGORIES = 100
_KEYS = ["unit", "time", "arm"]


@dataclass(frozen=True, repr=False)
class Cells(Shown):
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
        Rows left out because their outcome or a covariate was blank, or the outcome a missing code, and
    coded : int
        those of them with a missing code.
    levels : ndarray
        What was declared of the outcome: its lowest and highest value, or all answers; empty where nothing was.
    odd : tuple of float
        Outcomes that look like codes for no answer: 99 among answers from 1 to 5. Empty where levels were declared.
    within : int
        Units whose treatment column changed from 0 to 1 within a period into which dates were put; all of it counts as treated.
    guessed : bool
        That dates were put into periods was not asked for.
    weight : str
        Column of the rows' weights; empty where each counts the same. Means, scatter and counts are weighted then, and
    size, squares : ndarray or None
        are the sums of weights and of squared weights, shape (cells,).

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
    coded: int = 0
    levels: Array = field(default_factory=lambda: np.empty(0))
    odd: tuple[float, ...] = ()
    within: int = 0
    guessed: bool = False
    weight: str = ""
    size: Array | None = None
    squares: Array | None = None

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
        period: str | None = None,
        levels: Sequence[float] = (),
        missing_codes: Sequence[float] = (),
        weights: str | None = None,
    ) -> Cells:
        """Reduce rows to cells, with the same bits in every run; rows of a LazyFrame may be more than memory holds.

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
        period : str, optional
            day, week, month, quarter or year, into which dates are put; left out, dates stay as they are, unless there are more
            than `MOST_DATES` of them less than a week apart: these are put into months, or weeks if they span less than half a
            year.
        levels : sequence of float
            Lowest and highest outcome that is possible, or all answers in order.
        missing_codes : sequence of float
            Outcomes that stand for no answer, such as 99.
        weights : str, optional
            Column of what each row counts, above 0: the inverse of its chance to be in the sample, or how many people stand behind
            an aggregated row.

        Returns
        -------
        Cells

        Raises
        ------
        DataError
            A column is missing, twice there or of several types; the outcome is not numeric, infinite or outside its levels;
            units or times are blank; a weight is not above 0; time has no order, or no date to put into a period.
        ParamsError
            There is no such period, or the levels are none.
        InsufficientData
            No row has an outcome.
        """
        query, role = query_of(
            outcome, unit, time, cohort, treated, counts, covariates, period, levels, missing_codes, weights
        )
        return cls._made(query, query.run(data), role, period, levels)

    @classmethod
    def scan(
        cls,
        source: str | Path,
        *,
        outcome: str,
        unit: str | None,
        time: str,
        cohort: str | None = None,
        treated: str | None = None,
        counts: bool = False,
        covariates: Sequence[str] = (),
        period: str | None = None,
        levels: Sequence[float] = (),
        missing_codes: Sequence[float] = (),
        weights: str | None = None,
        scheduler: str | None = None,
    ) -> Cells:
        """Reduce a Parquet file, or a folder of them, to cells, a partition at a time.

        Parameters
        ----------
        source : str or Path
            The file or folder.
        outcome, unit, time, cohort, treated, counts, covariates, period, levels, missing_codes, weights
            As for `of`.
        scheduler : str, optional
            Address of a Dask scheduler whose workers do it; see `xmresearch.sufficient.partitions.over_partitions`.

        Returns
        -------
        Cells
            What `of` gives of all rows; the same bits with and without a scheduler.

        Raises
        ------
        DataError, ParamsError, InsufficientData
            As for `of`.
        """
        query, role = query_of(
            outcome, unit, time, cohort, treated, counts, covariates, period, levels, missing_codes, weights
        )
        found = over_partitions(query.of_part, partitions_of(source), scheduler=scheduler)
        if found is None:
            raise InsufficientData("The data have no rows.")
        rows = query.prepared(as_lazy(source))[0]
        return cls._made(query, replace(query.require_outcomes(found), rows=rows), role, period, levels)

    @classmethod
    def _made(cls, query: Query, found: Grouped, role: str, period: str | None, levels: Sequence[float]) -> Cells:
        """Make cells of grouped rows."""
        outcome, unit, time, arm = query.outcome, query.unit, query.time, query.arm
        covariates, counts = query.covariates, query.counted
        require_keys(found.table, query)
        missing, coded = (int(found.table[c].sum()) for c in ("missing", "coded"))
        table = on_one_clock(found.table[found.table["n"] > 0])
        asked = period or guessed_form(table["time"], found.kind)
        kind, within = found.kind, 0
        if asked:
            table, within = into_periods(table, time, asked, role)
            kind = "text"
        labels = pd.Series(pd.unique(table["time"])).tolist()
        periods = Periods.of(time, labels, kind, found.order, asked)
        place = {label: k for k, label in enumerate(periods.labels)}
        unit_codes, units = pd.factorize(table["unit"], sort=True)
        arm_codes, arms = pd.factorize(table["arm"], sort=True, use_na_sentinel=True)
        table = table.assign(unit=unit_codes, arm=arm_codes, time=table["time"].map(place).astype("int64"))
        blanks = (arm_codes < 0).any() and role
        arms = np.array(list(arms), dtype=object) if isinstance(arms, pd.DatetimeIndex) else np.asarray(arms)
        if blanks:
            arms = np.append(arms.astype(object), [None])
            table["arm"] = np.where(arm_codes < 0, len(arms) - 1, arm_codes)
        cells = _assemble(
            table, found.centre, outcome, np.asarray(units), arms, periods, role,
            (unit or arm or "", time, arm or ""), covariates, counts, missing, query.weight or "",
        )  # fmt: skip
        declared = np.asarray(levels, dtype=float)
        require_inside(cells.low, cells.high, cells.categories, found, outcome, declared)
        odd = () if len(levels) else odd_codes(cells.low, cells.high, cells.whole, found)
        return replace(
            cells, coded=coded, levels=declared, odd=odd, within=within, guessed=period is None and bool(asked)
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Units and periods."""
        return len(self.units), len(self.periods)

    def __add__(self, other: Cells) -> Cells:
        """Pool two sets of rows."""
        mine, theirs = (
            (c.outcome, c.role, c.names, c.covariates, c.counts is None, c.levels.tolist(), c.weight)
            for c in (self, other)
        )
        if mine != theirs:
            raise ValueError("cells of different outcomes, columns, scales, covariates or weights do not add")
        periods = self.periods + other.periods
        place = {label: k for k, label in enumerate(periods.labels)}
        units = union(self.units, other.units)
        arms = union(self.arms, other.arms)
        centre = float((self.n @ self.mean + other.n @ other.mean) / (self.n.sum() + other.n.sum()))
        parts = [part._sums(centre, place, units, arms) for part in (self, other)]
        table = pd.concat(parts, ignore_index=True)
        whole = _assemble(
            table, centre, self.outcome, units, arms, periods, self.role, self.names, self.covariates,
            self.counts is not None, self.missing + other.missing, self.weight,
        )  # fmt: skip
        return replace(
            whole, coded=self.coded + other.coded, levels=self.levels, odd=tuple(sorted({*self.odd, *other.odd})),
            within=self.within + other.within, guessed=self.guessed or other.guessed,
        )  # fmt: skip

    def _sums(self, centre: float, place: dict[Any, int], units: NDArray[Any], arms: NDArray[Any]) -> pd.DataFrame:
        """Return the table of sums that `_assemble` takes, with positions among the united labels."""
        to_unit, to_arm = (positions(a, b) for a, b in ((self.units, units), (self.arms, arms)))
        to_time = np.array([place[label] for label in self.periods.labels])
        keys = {"unit": to_unit[self.unit], "time": to_time[self.time]}
        keys["arm"] = to_arm[self.arm] if len(to_arm) else self.arm
        step, size = self.mean - centre, self.n if self.size is None else self.size
        sums = {"n": self.n, "s1": size * step, "s2": self.scatter + size * step**2}
        sums |= {} if self.size is None or self.squares is None else {"w": self.size, "ww": self.squares}
        sums |= {f"x{j}": self.n * self.covariate_means[:, j] for j in range(len(self.covariates))}
        table = pd.DataFrame(keys | sums)
        if self.counts is None:
            return table.assign(low=self.low, high=self.high, fraction=not self.whole)
        cell, category = np.nonzero(self.counts)
        rows = table.iloc[cell].reset_index(drop=True)
        share = self.counts[cell, category] / size[cell]
        for name in rows.columns.difference([*_KEYS, "s1", "s2"]):
            rows[name] *= share
        rows["value"] = self.categories[category]
        return rows


def _assemble(
    table: pd.DataFrame, centre: float, outcome: str, units: NDArray[Any], arms: NDArray[Any], periods: Periods,
    role: str, names: tuple[str, str, str], covariates: tuple[str, ...], counted: bool, missing: int, weight: str,
) -> Cells:  # fmt: skip
    """Turn sums about a constant, one row per cell (and outcome), into cells."""
    columns = [f"x{j}" for j in range(len(covariates))]
    categories, counts = np.empty(0), None
    weighing, counting = (["w", "ww"], "w") if weight else ([], "n")
    if counted:
        table = table.assign(s1=table[counting] * (table["value"] - centre))
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
    sums = table.groupby(_KEYS, sort=True)[["n", "s1", "s2", *columns, *weighing]].sum()
    n = np.rint(sums["n"].to_numpy(dtype=float))
    size = sums[counting].to_numpy(dtype=float)
    keys = sums.index.to_frame(index=False)
    if counted:
        code = np.searchsorted(categories, table["value"].to_numpy(dtype=float))
        row = sums.index.get_indexer(pd.MultiIndex.from_frame(table[_KEYS]))
        counts = np.zeros((len(sums), len(categories)))
        np.add.at(counts, (row, code), table[counting].to_numpy(dtype=float))
    s1, s2 = (sums[c].to_numpy(dtype=float) for c in ("s1", "s2"))
    unit, time, arm = (keys[k].to_numpy(dtype=np.int64) for k in _KEYS)
    return Cells(
        outcome, units, arms, periods, unit, time, arm, n, centre + s1 / size,
        np.maximum(s2 - s1**2 / size, 0.0), float(low), float(high), whole, role, names, categories, counts, covariates,
        sums[columns].to_numpy(dtype=float) / n[:, None], missing, weight=weight, size=size if weight else None,
        squares=sums["ww"].to_numpy(dtype=float) if weight else None,
    )  # fmt: skip
