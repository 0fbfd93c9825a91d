"""How long cases, steps and waits take: medians and means over customers, open cases included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.journeys.case_log import Array, CaseLog, Index
from xmresearch.journeys.customer_figures import by_customer, degrees, mean_of, quantile_of, units_of

HOUR = 3600.0
SHARES = (0.25, 0.75, 0.9)
SAME = 1e-10
"""Curves this near to a level are on it."""


@dataclass(frozen=True, repr=False)
class CaseTimes(Shown):
    """Times of a log, in hours.

    Attributes
    ----------
    throughput : dict of str to float
        n, customers, median, median_lower, median_upper, mean, mean_lower, mean_upper, q25, q75, q90 of the closed cases.
    until_closed : dict of str to float
        The same median with open cases counted as lasting longer than they were seen (Kaplan and Meier): median, lower, upper, open, cases;
        median is NaN where fewer than half are seen to close.
    steps : DataFrame
        One row per pair of activities, most frequent first: source, target, count, cases, median_hours, median_hours_lower,
        median_hours_upper, mean_hours, q90_hours, total_hours.
    activities : DataFrame
        One row per activity: activity, count, cases, wait_median_hours and its interval, wait_mean_hours, wait_total_hours; where starts are
        known worked, work_median_hours and its interval, work_mean_hours, work_total_hours.
    level : float
        Of the intervals.
    """

    throughput: dict[str, float]
    until_closed: dict[str, float]
    steps: pd.DataFrame
    activities: pd.DataFrame
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per step."""
        return self.steps

    def summary(self) -> dict[str, Any]:
        """Return the figures of all cases, with the case: open where cases are, few where they are fewer than may be told, otherwise closed."""
        worked = float(self.activities["work_total_hours"].sum()) if "work_total_hours" in self.activities else np.nan
        waited = float(self.activities["wait_total_hours"].sum())
        return {
            "case": "closed" if not self.until_closed["open"] else "few" if self.until_closed["open"] < MIN_CELL else "open", **self.throughput,
            **{f"km_{k}": v for k, v in self.until_closed.items()},
            "working_share": worked / (worked + waited) if worked + waited > 0 else np.nan,
        }  # fmt: skip


def case_times(log: CaseLog, *, confidence: float = 0.95) -> CaseTimes:
    """Describe how long cases and their steps take.

    Parameters
    ----------
    log : CaseLog
        The cases.
    confidence : float
        Level of the intervals, whose units are customers.

    Returns
    -------
    CaseTimes

    Raises
    ------
    InsufficientData
        There is no case.

    Notes
    -----
    Throughput runs from the first start to the last completion. The wait before an activity runs from the completion before it to its start;
    where starts are not known it ends with its completion and holds the work as well.

    References
    ----------
    van der Aalst, W. (2016). Process Mining: Data Science in Action. Springer.
    """
    if not len(log):
        raise InsufficientData("There is no case.", "Look at the filters.")
    whole = log.throughput[log.closed] / HOUR
    found = _described(whole, log.customer[log.closed], confidence)
    return CaseTimes(
        found, _kaplan_meier(log, confidence), step_times(log, confidence), _activities(log, confidence), confidence
    )


def _described(hours: Array, customer: Index, level: float) -> dict[str, float]:
    middle, mean = quantile_of(hours, customer), mean_of(hours, customer)
    (low, high), (mean_low, mean_high) = middle.limits(level), mean.limits(level)
    ends = np.quantile(hours, SHARES) if len(hours) else np.full(len(SHARES), np.nan)
    return {
        "n": len(hours), "customers": middle.customers, "median": middle.estimate, "median_lower": low, "median_upper": high,
        "mean": mean.estimate, "mean_lower": mean_low, "mean_upper": mean_high,
        "q25": float(ends[0]), "q75": float(ends[1]), "q90": float(ends[2]),
    }  # fmt: skip


def _kaplan_meier(log: CaseLog, level: float) -> dict[str, float]:
    """Return the median time until a case is closed, with an interval over customers.

    The error of the curve at the median is that of its influence function, by customer (Lin & Wei, 1989, of a curve without covariates).
    """
    from scipy import stats

    hours = np.where(log.closed, log.throughput, log.last_moment - log.first) / HOUR
    open_ = int((~log.closed).sum())
    order = np.argsort(hours, kind="stable")
    time, event = hours[order], log.closed[order].astype(float)
    times, first = np.unique(time, return_index=True)
    ends = np.add.reduceat(event, first)
    at_risk = len(time) - first
    curve = np.cumprod(1 - ends / at_risk)
    facts = {"open": open_, "cases": len(hours), "median": np.nan, "lower": np.nan, "upper": np.nan}
    at = int(np.searchsorted(-curve, -0.5 - SAME))
    if at == len(curve):
        return facts
    place = np.repeat(np.arange(len(times)), np.diff(np.append(first, len(time))))
    hazard = np.cumsum(ends / at_risk.astype(float) ** 2)
    own = np.where((place <= at) & (event > 0), 1 / at_risk[place], 0.0) - hazard[np.minimum(place, at)]
    _, sums = by_customer(-curve[at] * own, log.customer[order])
    groups = len(sums)
    error = float(np.sqrt(groups / max(groups - 1, 1) * (sums @ sums)))
    reach = float(stats.t.ppf(0.5 + level / 2, max(degrees(log.customer), 1.0))) * error

    def when(share: float) -> float:
        place = int(np.searchsorted(-curve, -share - SAME))
        if place == len(times):
            return np.inf
        # where the curve lies on the level for a while, the middle of that while
        later = np.flatnonzero(curve < curve[place])
        level_here = abs(curve[place] - share) < SAME and len(later) > 0
        return float((times[place] + times[later[0]]) / 2) if level_here else float(times[place])

    return facts | {"median": when(0.5), "lower": when(min(0.5 + reach, 1.0)), "upper": when(0.5 - reach)}


def step_times(log: CaseLog, confidence: float = 0.95) -> pd.DataFrame:
    """Return the steps of a log with their times; see `CaseTimes.steps`."""
    wait, after = log.waited / HOUR, np.flatnonzero(np.isfinite(log.waited))
    size, case = len(log.activities), log.case_of
    pair = log.code[after - 1] * size + log.code[after]
    rows = []
    for key, at in _by_value(pair):
        at = after[at]
        hours, customer = wait[at], log.customer[case[at]]
        middle = quantile_of(hours, customer)
        low, high = middle.limits(confidence)
        rows.append((
            log.activities[key // size], log.activities[key % size], len(at), int((np.diff(case[at]) > 0).sum()) + 1, middle.estimate, low, high,
            float(hours.mean()), float(np.quantile(hours, 0.9)), float(hours.sum()),
        ))  # fmt: skip
    columns = ["source", "target", "count", "cases", "median_hours", "median_hours_lower", "median_hours_upper", "mean_hours",
               "q90_hours", "total_hours"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).sort_values("count", ascending=False, kind="stable", ignore_index=True)


def _by_value(values: Index) -> Iterator[tuple[int, Index]]:
    """Yield each value with where it stands, in order."""
    # small numbers are sorted by their digits
    small = values.astype(np.int16) if len(values) and values.max() < np.iinfo(np.int16).max else values
    order = np.argsort(small, kind="stable")
    bounds = np.flatnonzero(np.diff(values[order])) + 1
    for at in np.split(order, bounds) if len(values) else []:
        yield int(values[at[0]]), at


def _activities(log: CaseLog, level: float) -> pd.DataFrame:
    wait, work, case = log.waited / HOUR, log.worked / HOUR, log.case_of
    rows: list[dict[str, Any]] = []
    for k, at in _by_value(log.code):
        name = log.activities[k]
        row: dict[str, Any] = {"activity": name, "count": len(at), "cases": int((np.diff(case[at]) > 0).sum()) + 1}
        row["customers"] = len(units_of(log.customer[case[at]])[0])
        for kind, hours in (("wait", wait[at]), *((("work", work[at]),) if log.paired else ())):
            figure = quantile_of(hours, log.customer[case[at]])
            low, high = figure.limits(level)
            known = hours[np.isfinite(hours)]
            row |= {
                f"{kind}_n": len(known), f"{kind}_median_hours": figure.estimate, f"{kind}_median_hours_lower": low,
                f"{kind}_median_hours_upper": high, f"{kind}_mean_hours": float(known.mean()) if len(known) else np.nan,
                f"{kind}_total_hours": float(known.sum()),
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)
