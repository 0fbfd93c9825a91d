"""Units by periods: the shape in which the models take their cells."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.adoption import first_treated, late_adopters, late_entrants
from xmresearch.causal.concerns import Concern
from xmresearch.causal.dating import dating_concerns
from xmresearch.causal.families import Measure, answers, measures, require_family
from xmresearch.causal.laid_out import laid_out
from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.sufficient.cells import Cells
from xmresearch.sufficient.periods import Periods

Array = NDArray[np.float64]
Index = NDArray[np.int64]
UNEVEN = 3.0


@dataclass(frozen=True, repr=False)
class Panel(Shown):
    """Unit means by period, and when each unit was treated.

    Attributes
    ----------
    outcome, family : str
        What is measured.
    periods : Periods
        In order, length T.
    units : ndarray
        Labels, shape (U,).
    start : ndarray
        Position of each unit's first treated period, shape (U,); T for never.
    n : ndarray
        Rows, shape (U, T); 0 where a unit is not seen.
    value, scatter : ndarray
        Mean and sum of squared deviations of `measure`, shape (U, T); NaN and 0 where a unit is not seen.
    counts : ndarray or None
        Rows per answer, shape (U, T, K).
    categories : ndarray
        Answers, shape (K,).
    covariates : ndarray
        Shape (U, T, k).
    measure : Measure
        What `value` is the mean of.
    concerns : tuple of Concern
        About the data.
    third : str
        Column of a third difference, where `value` is the difference of the means of two sides, and
    sides : tuple of Panel
        the side that treatment could affect and the one that it could not; empty otherwise.
    size : ndarray or None
        Sums of the rows' weights, shape (U, T); None where rows weigh the same. Means, scatter and counts are weighted then, and
        scatter and counts are those of
    effective : ndarray or None
        Kish's effective rows (sum of weights squared over sum of squared weights), shape (U, T).
    cluster : str
        Column of clusters that units lie in; empty where units are independent, and
    clusters : ndarray or None
        the cluster of each unit, shape (U,).
    """

    outcome: str
    family: str
    periods: Periods
    units: NDArray[Any]
    start: Index
    n: Array
    value: Array
    scatter: Array
    counts: Array | None
    categories: Array
    covariates: Array
    measure: Measure
    concerns: tuple[Concern, ...]
    third: str = ""
    sides: tuple[Panel, ...] = ()
    size: Array | None = None
    effective: Array | None = None
    cluster: str = ""
    clusters: Index | None = None

    @classmethod
    def of(
        cls, cells: Cells, family: str, treated_from: Any = None, treated_units: Collection[Any] | None = None
    ) -> Panel:
        """Lay cells out by unit and period.

        Parameters
        ----------
        cells : Cells
            The outcome.
        family : str
            Its kind.
        treated_from, treated_units
            As `first_treated` takes them.

        Returns
        -------
        Panel

        Raises
        ------
        DataError
            The outcome is outside its family, or the assignment contradicts itself.
        InsufficientData
            Nothing can be compared.
        """
        require_family(cells, family)
        start = first_treated(cells, treated_from, treated_units)
        at = (cells.unit, cells.time)
        categories = answers(cells, family)
        covariates = np.full((*cells.shape, len(cells.covariates)), np.nan)
        covariates[at] = cells.covariate_means
        concerns = [Concern("blank_rows", {"rows": cells.missing - cells.coded})] if cells.missing > cells.coded else []
        if cells.coded:
            concerns.append(Concern("coded_rows", {"rows": cells.coded}))
        concerns += dating_concerns(cells, treated_from)
        if late := late_adopters(cells):
            concerns.append(Concern("late_adopters", {"units": late}))
        first = measures(family, categories)[0]
        panel = cls(
            outcome=cells.outcome, family=family, periods=cells.periods, units=cells.units, start=start, categories=categories,
            covariates=covariates, measure=first, concerns=tuple(concerns), **laid_out(cells, at, cells.shape, categories),
        )  # fmt: skip
        if (entered := late_entrants(cells, treated_from)).any():
            panel = panel.only(~entered, Concern("late_entrants", {"units": int(entered.sum())}))
        panel = replace(
            panel, concerns=(*panel.concerns, *_layout_concerns(panel.n, panel.start, len(panel.periods)))
        ).scored(first)
        _require_variation(panel)
        return panel

    def scored(self, measure: Measure) -> Panel:
        """Return the same panel for another measure of the outcome."""
        if self.sides:
            a, b = sides = tuple(side.scored(measure) for side in self.sides)
            both = (a.n > 0) & (b.n > 0)
            weighed: dict[str, Any] = {
                name: np.where(both, getattr(a, name) + getattr(b, name), 0.0)
                for name in ("n", "scatter", "size", "effective")
                if getattr(a, name) is not None
            }
            return replace(self, measure=measure, sides=sides, value=a.value - b.value, counts=None, **weighed)
        if measure.score is None or self.counts is None:
            return replace(self, measure=measure)
        with np.errstate(invalid="ignore"):
            value = self.counts @ measure.score / np.where(self.counted > 0, self.counted, np.nan)
        step = (measure.score - np.nan_to_num(value)[..., None]) ** 2
        return replace(self, measure=measure, value=value, scatter=(self.counts * step).sum(axis=2))

    def only(self, keep: NDArray[np.bool_], *concerns: Concern) -> Panel:
        """Return some of the units, and what there is to say of it."""
        return replace(
            self, units=self.units[keep], start=self.start[keep], covariates=self.covariates[keep],
            concerns=(*self.concerns, *concerns), sides=tuple(side.only(keep) for side in self.sides),
            clusters=None if self.clusters is None else np.unique(self.clusters[keep], return_inverse=True)[1],
            **self._cells(lambda cells: cells[keep]),
        )  # fmt: skip

    def until(self, end: int) -> Panel:
        """Return the first periods."""
        cut = slice(None, end)
        return replace(
            self, periods=replace(self.periods, labels=self.periods.labels[cut]), start=np.minimum(self.start, end),
            covariates=self.covariates[:, cut], sides=tuple(side.until(end) for side in self.sides),
            **self._cells(lambda cells: cells[:, cut]),
        )  # fmt: skip

    def hiding(self, hidden: NDArray[np.bool_]) -> Panel:
        """Return the panel without some cells, shape (U, T)."""
        return replace(
            self, sides=tuple(s.hiding(hidden) for s in self.sides),
            **(self._cells(lambda cells: np.where(hidden.reshape(hidden.shape + (1,) * (cells.ndim - 2)), 0.0, cells))
            | {"value": np.where(hidden, np.nan, self.value)}),
        )  # fmt: skip

    def _cells(self, change: Callable[[Array], Array]) -> dict[str, Any]:
        """Return what is known of each cell, changed."""
        given = {name: getattr(self, name) for name in ("n", "value", "scatter", "counts", "size", "effective")}
        return {name: change(cells) for name, cells in given.items() if cells is not None}

    @property
    def clustered(self) -> str:
        """What clustered intervals are clustered by."""
        if self.clusters is None:
            return f"clustered by unit ({len(self.units)} units)"
        return f"clustered by {self.cluster} ({len(np.unique(self.clusters))} clusters)"

    @property
    def counted(self) -> Array:
        """Rows by what they tell: effective ones where they are weighted, shape (U, T)."""
        return self.n if self.effective is None else self.effective

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Units treated at some time, shape (U,)."""
        return self.start < len(self.periods)

    @property
    def cohorts(self) -> Index:
        """Distinct starts of treated units, earliest first."""
        return np.unique(self.start[self.treated])

    @property
    def outcome_sd(self) -> float:
        """Standard deviation of the measure among rows before treatment, within cohort and period; of the affected side."""
        if self.sides:
            return replace(self.sides[0], start=self.start).outcome_sd
        before = (self.n > 0) & (np.arange(len(self.periods)) < self.start[:, None])
        n = np.where(before, self.counted, 0.0)
        total, used = float(self.scatter[before].sum()), 0
        for start in np.unique(self.start):
            rows = self.start == start
            weight, value = n[rows], np.nan_to_num(self.value[rows])
            sums = weight.sum(axis=0)
            mean = (weight * value).sum(axis=0) / np.where(sums > 0, sums, 1)
            total += float((weight * (value - mean) ** 2).sum())
            used += int((sums > 0).sum())
        spread = np.sqrt(total / max(n.sum() - used, 1.0))
        return float(spread) if spread > 0 else float(np.nanstd(self.value))

    @property
    def facts(self) -> dict[str, Any]:
        """Counts and dates of the design."""
        labels = self.periods.labels
        third: dict[str, Any] = {"third": self.third} if self.third else {}
        weighed: dict[str, Any] = {} if self.effective is None else {"effective_rows": float(self.effective.sum())}
        if self.clusters is not None:
            weighed |= {"cluster": self.cluster, "clusters": len(np.unique(self.clusters))}
        return third | weighed | {
            "units": len(self.units), "treated_units": int(self.treated.sum()),
            "control_units": int((~self.treated).sum()), "rows": int(self.n.sum()), "periods": len(self.periods),
            "first_period": labels[0], "last_period": labels[-1],
            "adoption": [labels[g] for g in self.cohorts.tolist()], "pretrend_p": np.nan,
        }  # fmt: skip


def _require_variation(panel: Panel) -> None:
    """Refuse outcomes that a change cannot have moved: the same in all cells, in all periods of a unit, or in all units."""
    if panel.scatter.any():
        return
    what = f"The {panel.measure.name} of outcome '{panel.outcome}'"
    if np.nanmax(panel.value) == np.nanmin(panel.value):
        raise DataError(f"{what} never varies.", "Choose one that does.")
    for axis, same in ((1, "in all periods of a unit"), (0, "for all units of a period")):
        several = np.compress((panel.n > 0).sum(axis=axis) > 1, panel.value, axis=1 - axis)
        if several.size and not (np.nanmax(several, axis=axis) - np.nanmin(several, axis=axis)).any():
            raise DataError(f"{what} is the same {same}, so a change cannot have moved it.", "Choose one that varies.")


def _layout_concerns(n: Array, start: Index, end: int) -> list[Concern]:
    """Return what the layout of units and periods gives reason to ask."""
    found = []
    lacking = int((n == 0).any(axis=1).sum())
    if lacking:
        found.append(Concern("missing_periods", {"units": lacking, "total": len(n), "periods": n.shape[1]}))
    if (start < end).all():
        found.append(Concern("no_never", {}))
    seen = n[n > 0]
    if np.median(seen) == 1 and seen.max() > 1:
        found.append(Concern("repeated_cells", {"cells": int((seen > 1).sum()), "total": len(seen)}))
    elif seen.max() > UNEVEN * np.median(seen):
        found.append(Concern("uneven_rows", {"low": float(seen.min()), "high": float(seen.max())}))
    return found
