"""Customers who come again: by the month of their first case and by group, and how long until the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.journeys.case_log import Array, CaseLog
from xmresearch.journeys.customer_figures import share_of
from xmresearch.journeys.durations import HOUR
from xmresearch.monitoring.survival_curves import survival_curve

DAY = 86400.0


@dataclass(frozen=True, repr=False)
class Returns(Shown):
    """Who comes again.

    Attributes
    ----------
    table : DataFrame
        One row per month of the first case, and per group where there are any: kind (month, group), cohort, customers (seen for long enough), back (share who began
        another case within the days) with its interval.
    days : int
        Within which a customer is to come again.
    next_contact : dict
        From the beginning of a case to the beginning of the customer's next, those that are not seen yet included (Kaplan and Meier): cases, again, median (hours, NaN
        where fewer than half are seen to come), within (share within the days), within_lower, within_upper.
    """

    table: pd.DataFrame
    days: int
    next_contact: dict[str, float]

    def tidy(self) -> pd.DataFrame:
        """Return one row per cohort."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the figures of the next contact."""
        return {"days": self.days, **self.next_contact}


def next_after(log: CaseLog) -> Array:
    """Return the seconds from the beginning of each case to that of the customer's next, NaN where there is none, shape (n,)."""
    order = np.lexsort((log.first, log.customer))
    who, when = log.customer[order], log.first[order]
    found = np.full(len(log), np.nan)
    same = who[1:] == who[:-1]
    found[order[:-1][same]] = (when[1:] - when[:-1])[same]
    return found


def returns(
    log: CaseLog, *, days: int = 90, groups: Sequence[Any] | None = None, min_cell: int = 10, confidence: float = 0.95
) -> Returns | None:
    """Describe which customers come again.

    Parameters
    ----------
    log : CaseLog
        The cases.
    days : int
        Within which a customer is to come again; customers whose first case is later than so many days before the end of the log are left out.
    groups : sequence, optional
        Group of each case, shape (n,): customers belong to that of their first.
    min_cell : int
        Cohorts of fewer customers are left out.
    confidence : float
        Level of the intervals.

    Returns
    -------
    Returns or None
        None where no customer has two cases.
    """
    ahead = next_after(log)
    if not np.isfinite(ahead).any():
        return None
    span = days * DAY
    order = np.lexsort((log.first, log.customer))
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = log.customer[order][1:] != log.customer[order][:-1]
    opening = order[fresh]
    opening = opening[log.first[opening] <= log.last_moment - span]
    back = ahead[opening] <= span
    months = np.array([str(m)[:7] for m in log.first[opening].astype("datetime64[s]")], dtype=object)
    kinds = [("month", months)]
    if groups is not None:
        kinds.append(
            ("group", np.array([str(g) if g is not None and g == g else "" for g in groups], dtype=object)[opening])
        )
    rows = []
    for kind, labels in kinds:
        for cohort in sorted(set(labels) - {""}):
            at = labels == cohort
            if at.sum() < min_cell:
                continue
            figure = share_of(back[at], log.customer[opening[at]])
            rows.append((kind, cohort, int(at.sum()), figure.estimate, *figure.limits(confidence)))
    table = pd.DataFrame(rows, columns=["kind", "cohort", "customers", "back", "back_lower", "back_upper"])
    seen = np.where(np.isfinite(ahead), ahead, log.last_moment - log.first)
    curve = survival_curve(seen / HOUR, np.isfinite(ahead), confidence=confidence)
    known = log.first <= log.last_moment - span
    within = share_of(np.where(known, ahead <= span, np.nan), log.customer)
    low, high = within.limits(confidence)
    median = float(curve.quantiles([0.5])["quantile"].iloc[0])
    return Returns(table, days, {
        "cases": len(log), "again": int(np.isfinite(ahead).sum()), "median": median, "within": within.estimate, "within_lower": low, "within_upper": high,
    })  # fmt: skip
