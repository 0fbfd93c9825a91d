"""Groups of cases compared, each with all others: time, goal, judgement, rework and steps taken, customers as units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.families import adjusted, count_of
from xmresearch.claims.rules import sign
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.journeys.case_log import Array, CaseLog, Flags
from xmresearch.journeys.customer_figures import CustomerFigure, difference, mean_of, p_value, quantile_of, share_of
from xmresearch.journeys.durations import HOUR

Measure = Callable[[Flags], CustomerFigure]


@dataclass(frozen=True, repr=False)
class GroupComparison(Shown):
    """What differs between groups.

    Attributes
    ----------
    table : DataFrame
        One row per group and measure: group, measure (time, goal, score, rework), cases, customers, estimate, estimate_lower, estimate_upper, others
        (the estimate of all other cases), difference, difference_lower, difference_upper, p_value, p_adjusted (Holm over all rows), shown.
    claims : mapping of str to Claim
        By measure: in how many groups it differs from that of the others, all measures and groups being one family.
    """

    table: pd.DataFrame
    claims: Mapping[str, Claim]

    def tidy(self) -> pd.DataFrame:
        """Return one row per group and measure."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many groups and measures are compared, and how many differences are shown."""
        return {
            "groups": int(self.table["group"].nunique()), "measures": int(self.table["measure"].nunique()),
            "comparisons": int(self.table["p_value"].notna().sum()), "differ": int(self.table["shown"].sum()),
        }  # fmt: skip


def measures_of(log: CaseLog, judged: Array | None) -> dict[str, Measure]:
    """Return what cases are compared by: median time of closed cases, share that reach the goal, mean judgement, share with rework."""
    hours = np.where(log.closed, log.throughput / HOUR, np.nan)
    found: dict[str, Measure] = {"time": lambda at: quantile_of(hours[at], log.customer[at])}
    if log.reached is not None:
        goal = np.where(log.closed, log.reached, np.nan)
        found["goal"] = lambda at: share_of(goal[at], log.customer[at])
    if judged is not None and np.isfinite(judged).any():
        found["score"] = lambda at: mean_of(judged[at], log.customer[at])
    again = (log.counts() > 1).any(axis=1)
    if again.any():
        found["rework"] = lambda at: share_of(again[at], log.customer[at])
    return found


def compare_groups(
    log: CaseLog,
    groups: Sequence[Any],
    judged: Array | None = None,
    *,
    shown: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> GroupComparison:
    """Compare each group of cases with all others.

    Parameters
    ----------
    log : CaseLog
        The cases.
    groups : sequence
        Group of each case, shape (n,); None for a case of none, which is left out.
    judged : ndarray, optional
        How each case was judged, shape (n,).
    shown : sequence, optional
        Groups that may be named; others are compared with, not told.
    confidence : float
        Level of the intervals and of the family of claims.

    Returns
    -------
    GroupComparison

    Raises
    ------
    InsufficientData
        There are fewer than two groups.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    given = pd.Series(list(groups), dtype=object)
    known = given.notna().to_numpy()
    names = sorted(given[known].unique().tolist(), key=str)
    if len(names) < 2:
        raise InsufficientData("There is one group of cases only, so there is nothing to compare.")
    rows = []
    measures = measures_of(log, judged)
    for name in names:
        if shown is not None and name not in shown:
            continue
        inside = (given == name).to_numpy() & known
        for measure, figure in measures.items():
            own, rest = figure(inside), figure(known & ~inside)
            gap, low, high = difference(own, rest, confidence)
            own_low, own_high = own.limits(confidence)
            rows.append((
                str(name), measure, own.n, own.customers, own.estimate, own_low, own_high, rest.estimate, gap, low, high,
                p_value(own, rest),
            ))  # fmt: skip
    columns = ["group", "measure", "cases", "customers", "estimate", "estimate_lower", "estimate_upper", "others", "difference",
               "difference_lower", "difference_upper", "p_value"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table["p_adjusted"] = adjusted(table["p_value"].to_numpy())
    table["shown"] = table["p_adjusted"] < 1 - confidence
    claims = {m: _claim(table, m, confidence) for m in measures}
    return GroupComparison(table, claims)


def _claim(table: pd.DataFrame, measure: str, confidence: float) -> Claim:
    """Claim in how many groups a measure differs; corrected over all measures before, so that nothing is left to correct."""
    own = table[table["measure"] == measure]
    p = own["p_adjusted"].to_numpy()
    size = len(own)
    # the count corrects by its own size again, which the p values of the whole family have behind them
    made = count_of(f"group_{measure}", own["group"].tolist(), np.where(p < 1 - confidence, p / size, 1.0) if size else p,
                    confidence=confidence, comparisons=int(table["p_value"].notna().sum()))  # fmt: skip
    told = own[own["shown"]]
    higher = told.loc[told["difference"] > 0, "group"].tolist()
    lower = told.loc[told["difference"] < 0, "group"].tolist()
    made = made.about(higher=higher, lower=lower)
    return made.withhold("no_test") if np.isnan(own["p_value"].to_numpy()).all() else made


def before_after(
    log: CaseLog, late: Flags, judged: Array | None = None, *, confidence: float = 0.95
) -> tuple[pd.DataFrame, Claim]:
    """Compare cases that began before a change with those that began after it.

    Parameters
    ----------
    log : CaseLog
        The cases.
    late : ndarray of bool
        Cases that began after it, shape (n,).
    judged : ndarray, optional
        How each case was judged, shape (n,).
    confidence : float
        Level of the intervals and of the claim.

    Returns
    -------
    table : DataFrame
        One row per measure: measure, before, after, difference and its interval, cases_before, cases_after.
    claim : Claim
        Whether the median time has changed.

    Raises
    ------
    InsufficientData
        All cases began on one side.

    Notes
    -----
    Cases that begin late and are still open are not among the closed ones, which then are the short ones: medians of time are of cases that
    began early enough before the end of the log for nine tenths of those before to be closed.
    """
    if late.all() or not late.any():
        raise InsufficientData("All cases began on one side of the change.", "Name a day within the log.")
    hours = log.throughput[log.closed & ~late] / HOUR
    follow = float(np.quantile(hours, 0.9)) if len(hours) else 0.0
    seen = log.first <= log.last_moment - follow * HOUR if (~log.closed).any() else np.ones(len(log), dtype=bool)
    rows = []
    for measure, figure in measures_of(log, judged).items():
        before, after = figure(~late & seen), figure(late & seen)
        rows.append(
            (measure, before.estimate, after.estimate, *difference(after, before, confidence), before.n, after.n)
        )
    columns = [
        "measure",
        "before",
        "after",
        "difference",
        "difference_lower",
        "difference_upper",
        "cases_before",
        "cases_after",
    ]
    _, earlier, later, gap, low, high, n_before, n_after = rows[0]
    claim = sign("changed", gap, low, high, confidence=confidence, before=earlier, after=later, size=abs(gap), cases_before=n_before,
                 cases_after=n_after)  # fmt: skip
    return pd.DataFrame(rows, columns=columns), claim.withhold("no_interval") if np.isnan(low + high) else claim


def step_differences(
    log: CaseLog, inside: Flags, others: Flags, *, min_cases: int, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare how many cases take each step, between two sets of cases.

    Parameters
    ----------
    log : CaseLog
        The cases.
    inside, others : ndarray of bool
        Two sets of cases, shape (n,).
    min_cases : int
        Steps that fewer cases of either set take or leave out are passed over, as are their names.
    confidence : float
        Level of the intervals; the family is all steps compared.

    Returns
    -------
    DataFrame
        source, target, count (cases), inside, others (shares), difference and its interval, p_value, p_adjusted, shown; the largest difference first.
    """
    size, case = len(log.activities), log.case_of
    follows = np.flatnonzero(case[1:] == case[:-1]) + 1
    pair, whose = log.code[follows - 1] * size + log.code[follows], case[follows]
    rows = []
    for key in np.unique(pair).tolist():
        took = np.zeros(len(log), dtype=bool)
        took[whose[pair == key]] = True
        if took.sum() < min_cases:
            continue
        a, b = share_of(took[inside], log.customer[inside]), share_of(took[others], log.customer[others])
        gap, low, high = difference(a, b, confidence)
        rows.append(
            (
                log.activities[key // size],
                log.activities[key % size],
                int(took.sum()),
                a.estimate,
                b.estimate,
                gap,
                low,
                high,
                p_value(a, b),
            )
        )
    columns = [
        "source",
        "target",
        "count",
        "inside",
        "others",
        "difference",
        "difference_lower",
        "difference_upper",
        "p_value",
    ]
    table = pd.DataFrame(rows, columns=columns)
    table["p_adjusted"] = adjusted(table["p_value"].to_numpy()) if len(table) else []
    table["shown"] = table["p_adjusted"] < 1 - confidence
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)
