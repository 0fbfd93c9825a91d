"""How many counters it takes in each hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.panel import PanelData
from xmresearch.display import Shown
from xmresearch.errors import DataError, brief, nearest
from xmresearch.monitoring.queues import arrivals, counters_needed
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.used_columns import columns_of

LEAST_OF_DAY, WEEKEND = 0.02, 5
"""Share of a day's arrivals from which an hour is one of service, and the first day of a weekend."""


@dataclass(frozen=True, repr=False)
class Staffed(Shown):
    """How many counters it takes in each hour.

    Attributes
    ----------
    table : DataFrame
        One row per kind of day and hour: days (weekdays, weekends), hour, counted (days), mean, mean_lower, mean_upper (people), dispersion,
        counters, counters_lower, counters_upper, on_most_days.
    facts : mapping
        Of sentences: handling_minutes, target, people_share, most (counters of the busiest hour), busiest (hour), branch.
    """

    table: pd.DataFrame
    facts: dict[str, Any]

    def tidy(self) -> pd.DataFrame:
        """Return one row per kind of day and hour."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the facts."""
        return self.facts


def staffed(params: MonitorParams, data: PanelData) -> Staffed | None:
    """Find how many counters it takes in each hour, with days on which more people come than on others.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    data : PanelData
        Its rows: people who came.

    Returns
    -------
    Staffed or None
        None where the params do not ask for it, or no hour may be shown.

    Raises
    ------
    DataError
        Times have no hours, or there is no such branch.
    """
    s = params.staffing
    if s is None:
        return None
    used = [params.time, *([params.branch] if s.branch is not None and params.branch else [])]
    rows = columns_of(data, used)
    if s.branch is not None:
        if params.branch is None:
            raise DataError("staffing.branch names one branch, but no column of branches is named.", "Set branch.")
        names = rows[params.branch].astype(str)
        if s.branch not in set(names):
            raise DataError(
                f"Column '{params.branch}' has no '{brief(s.branch)}'.", nearest(s.branch, sorted(set(names)))
            )
        rows = rows[names == s.branch]
    when = pd.to_datetime(rows[params.time].dropna(), format="ISO8601")
    if not len(when) or not ((when.dt.hour != 0) | (when.dt.minute != 0)).any():
        raise DataError(
            f"Times in '{params.time}' have no hours, so arrivals by hour are not known.",
            "Name a column with times, or leave staffing out.",
        )
    share = when.dt.hour.value_counts(normalize=True)
    hours = sorted(int(k) for k, v in share.items() if v >= LEAST_OF_DAY)
    counts = pd.crosstab(when.dt.date, when.dt.hour).reindex(columns=hours, fill_value=0)
    weekend = np.array([day.weekday() >= WEEKEND for day in counts.index])
    found = []
    for kind, of in (("weekdays", ~weekend), ("weekends", weekend)):
        for hour in hours:
            arrived = counts.loc[of, hour].to_numpy()
            if len(arrived) < 2 or arrived.sum() < max(params.smallest_shown(), 1):
                continue
            coming = arrivals(arrived, confidence=params.confidence, seed=params.seed)
            need = counters_needed(
                coming,
                s.handling_minutes,
                target=s.target_minutes,
                share=s.share,
                patience=s.patience_minutes,
                stretch=60.0,
            )
            found.append((kind, f"{hour:02d}:00", len(arrived), coming.mean, coming.lower, coming.upper, coming.dispersion, need.counters, need.lower, need.upper, need.on_most_days))  # fmt: skip
    if not found:
        return None
    names = ["days", "hour", "counted", "mean", "mean_lower", "mean_upper", "dispersion", "counters", "counters_lower", "counters_upper", "on_most_days"]  # fmt: skip
    table = pd.DataFrame(found, columns=names)
    top = table.loc[table["counters"].idxmax()]
    facts = {
        "handling_minutes": s.handling_minutes, "target": s.target_minutes, "people_share": s.share, "most": int(top["counters"]),
        "busiest": str(top["hour"]), "busiest_days": str(top["days"]), "most_lower": int(top["counters_lower"]), "most_upper": int(top["counters_upper"]),
        "case": "all" if s.branch is None else "one", "where": s.branch or "",
    }  # fmt: skip
    return Staffed(table, facts)
