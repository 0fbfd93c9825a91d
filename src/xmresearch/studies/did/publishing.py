"""What of a result may be shown: nothing that rests on a few people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.panel import Panel
from xmresearch.causal.result import DidResult
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ModelError
from xmresearch.sufficient.periods import written

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Published(Shown):
    """The part of a result that may be shown.

    Attributes
    ----------
    result : DidResult
        All of it.
    panel : Panel
        What was analysed.
    min_cell : int
        Fewest rows in a cell that may be shown.
    people : bool
        Units are people, of whom none is shown.
    hidden_cohorts : frozenset
        First treated periods (labels) of cohorts with a cell that is too small; never exactly one of several, which the
        aggregates would give away.
    hidden_units : frozenset
        Labels of units with a cell that is too small.
    """

    result: DidResult
    panel: Panel
    min_cell: int
    people: bool
    hidden_cohorts: frozenset[Any]
    hidden_units: frozenset[Any]

    def _head(self) -> dict[str, Any]:
        hidden = {"hidden_cohorts": len(self.hidden_cohorts), "hidden_units": len(self.hidden_units)}
        return {"result": self.result, "min_cell": self.min_cell, "people": self.people, **hidden}

    def effects(self, level: str) -> pd.DataFrame | None:
        """Return the rows of a level that may be shown.

        Parameters
        ----------
        level : str
            As `DidResult.tidy` takes it.

        Returns
        -------
        DataFrame or None
            Cohort, time and unit as text; att_gt with the period's position; units with the largest effect first. None
            where the kind has no such level, or where it is one of units that are people.
        """
        if level not in set(self.result.table["level"]) or (level == "unit" and self.people):
            return None
        table = self.result.tidy(level)
        if level == "unit":
            table = table[~table["unit"].isin(list(self.hidden_units))]
            table = table.sort_values("estimate", ascending=False, kind="stable")
        elif level in ("group", "att_gt"):
            table = table[~table["cohort"].isin(list(self.hidden_cohorts))]
            if level == "att_gt":
                table = table[[self._compared(g, t) for g, t in zip(table["cohort"], table["time"], strict=True)]]
        elif level == "dynamic":
            table = table[[self._reached(int(e)) for e in table["event_time"]]]
        if level == "att_gt":
            table = table.assign(position=[self.panel.periods.locate(t) for t in table["time"]])
        names = {c: [None if pd.isna(v) else written(v) for v in table[c]] for c in ("cohort", "time", "unit")}
        return table.assign(**names).reset_index(drop=True)

    def _compared(self, cohort: Any, time: Any) -> bool:
        """Whether the units that a cohort is compared with in a period have enough rows."""
        settings, start = self.result.settings, self.panel.start
        own, now = (self.panel.periods.locate(v) for v in (cohort, time))
        horizon = max(now, own - 1) if settings.get("base") == "universal" else now
        beyond = (
            len(self.panel.periods) - 1 if settings.get("control") == "never" else horizon + settings["anticipation"]
        )
        others = (start > min(beyond, len(self.panel.periods) - 1)) & (start != own)
        return bool(self.panel.n[others, now].sum() >= self.min_cell)

    def _reached(self, event_time: int) -> bool:
        """Whether an event time rests on enough rows, also of units to compare with, and not on hidden cohorts alone."""
        start, when, rows, others, open_ = self.panel.start, self.panel.periods.when, 0.0, 0.0, False
        for first in self.panel.cohorts.tolist():
            for then in np.flatnonzero(when == when[first] + event_time).tolist():
                rows += self.panel.n[start == first, then].sum()
                others += self.panel.n[(start > then) & (start != first), then].sum()
                open_ |= self.panel.periods.labels[first] not in self.hidden_cohorts
        return open_ and min(rows, others) >= self.min_cell

    def adoption(self) -> pd.DataFrame:
        """Return cohort (first treated period, None for never), units and rows of each cohort that may be shown."""
        labels = [*self.panel.periods.labels, None]
        rows = [
            (labels[start], int((self.panel.start == start).sum()), int(self.panel.n[self.panel.start == start].sum()))
            for start in np.unique(self.panel.start).tolist()
        ]
        table = pd.DataFrame(rows, columns=["cohort", "units", "rows"])
        table = table[~table["cohort"].isin(list(self.hidden_cohorts))].reset_index(drop=True)
        return table.assign(cohort=["never" if pd.isna(v) else written(v) for v in table["cohort"]])

    def summary(self) -> dict[str, Any]:
        """Return how much is hidden."""
        hidden = len(self.hidden_cohorts), len(self.hidden_units)
        case = "people" if self.people else "public" if not self.min_cell else "some" if any(hidden) else "nothing"
        return {
            "case": case, "min_cell": self.min_cell, "hidden_cohorts": hidden[0], "hidden_units": hidden[1],
        }  # fmt: skip


def published(result: DidResult, *, min_cell: int = 10, people: bool = False) -> Published:
    """Decide what of a result may be shown.

    Parameters
    ----------
    result : DidResult
        From `did`.
    min_cell : int
        Fewest rows in a cell that may be shown; 0 for public figures.
    people : bool
        Units are people.

    Returns
    -------
    Published

    Raises
    ------
    InsufficientData
        An arm has fewer rows before or after treatment, so nothing may be shown.
    ModelError
        The result does not come from `did`.
    """
    panel = require_rows(result.panel, min_cell)
    small = {start: _smallest(panel.n[panel.start == start]) for start in panel.cohorts.tolist()}
    marks = hidden_counts(np.array(list(small.values())), min_cell)
    hidden = {start for start, mark in zip(small, marks.tolist(), strict=True) if mark}
    if panel.n.size and people:
        units = frozenset(panel.units.tolist())
    else:
        few = [_smallest(row[None]) < min_cell for row in panel.n]
        units = frozenset(panel.units[np.array(few)].tolist())
    return Published(result, panel, min_cell, people, frozenset(panel.periods.labels[s] for s in hidden), units)


def require_rows(panel: Panel | None, min_cell: int) -> Panel:
    """Return a panel unless an arm has fewer rows before or after treatment than may be shown.

    Parameters
    ----------
    panel : Panel or None
        Of a result of `did`.
    min_cell : int
        Fewest rows that may be shown.

    Returns
    -------
    Panel

    Raises
    ------
    InsufficientData
        An arm has fewer.
    ModelError
        There is no panel.
    """
    if panel is None:
        raise ModelError("Only a result of did() can be published.", "Call did().")
    after = np.arange(len(panel.periods)) >= panel.start[:, None]
    first = int(panel.cohorts[0])
    late = np.broadcast_to(np.arange(len(panel.periods)) >= first, after.shape)
    for who, member, when in (
        ("treated", panel.treated, after), ("treated", panel.treated, ~after),
        ("untreated", ~panel.treated, late), ("untreated", ~panel.treated, ~late),
    ):  # fmt: skip
        rows = int(panel.n[member][when[member]].sum())
        if member.any() and rows < min_cell:
            raise InsufficientData(
                f"The {who} arm has {rows} row(s) before or after the change; fewer than {min_cell} are never published.",
                "If rows are public figures rather than answers of people, say so with rows_are: aggregates.",
            )
    return panel


def _smallest(n: Array) -> float:
    """Return the rows of the smallest period in which there are any."""
    by_period = n.sum(axis=0)
    seen = by_period[by_period > 0]
    return float(seen.min()) if len(seen) else 0.0
