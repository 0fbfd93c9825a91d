"""Variants: which paths cases take, how often, and what each takes in time and brings in satisfaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.journeys.case_log import Array, CaseLog, Flags, Index
from xmresearch.journeys.customer_figures import mean_of, quantile_of, share_of
from xmresearch.journeys.durations import HOUR


@dataclass(frozen=True, repr=False)
class Variants(Shown):
    """Paths of a log.

    Attributes
    ----------
    table : DataFrame
        One row per path, most frequent first: chain (its activities), cases, customers, part, so_far (this and all before), median_hours and its
        interval; goal_share with its interval where a goal is declared, score with its interval where cases are judged.
    of_case : ndarray
        Row of the table of each case, shape (n,).
    """

    table: pd.DataFrame
    of_case: Index

    def tidy(self) -> pd.DataFrame:
        """Return one row per path."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many paths there are, how many cases take one of their own, and how many paths hold half of the cases; with the case: one or many."""
        cases = self.table["cases"]
        return {
            "case": "one" if len(cases) == 1 else "leading" if self.table["so_far"].iloc[0] >= 0.5 else "many", "variants": len(cases), "cases": int(cases.sum()),
            "alone": int((cases == 1).sum()), "half": int(np.searchsorted(self.table["so_far"], 0.5 - 1e-12)) + 1,
        }  # fmt: skip


def variant_of(log: CaseLog) -> tuple[Index, Index]:
    """Tell the paths of cases apart.

    Returns
    -------
    of_case : ndarray
        Number of the path of each case, most frequent first, ties in the order in which they occur, shape (n,).
    example : ndarray
        A case of each path.
    """
    raw = log.code.astype(np.int32)
    keys: dict[bytes, int] = {}
    found = np.array(
        [keys.setdefault(raw[a:b].tobytes(), len(keys)) for a, b in zip(log.starts[:-1], log.starts[1:], strict=True)],
        dtype=np.int64,
    )
    sizes = np.bincount(found, minlength=len(keys))
    order = np.lexsort((np.arange(len(sizes)), -sizes))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    first = np.unique(found, return_index=True)[1]
    return place[found], first[order]


def variants(log: CaseLog, judged: Array | None = None, *, described: int = 50, confidence: float = 0.95) -> Variants:
    """Describe the paths of a log.

    Parameters
    ----------
    log : CaseLog
        The cases.
    judged : ndarray, optional
        How each case was judged, shape (n,).
    described : int
        Of so many of the most frequent paths times and scores are given.
    confidence : float
        Level of the intervals, whose units are customers.

    Returns
    -------
    Variants
    """
    of_case, example = variant_of(log)
    sizes = np.bincount(of_case, minlength=len(example))
    hours = np.where(log.closed, log.throughput / HOUR, np.nan)
    chains = log.sequences(example)
    top = int(log.customer.max(initial=0)) + 1
    people = np.bincount(np.unique(of_case * top + log.customer) // top, minlength=len(example))
    table = pd.DataFrame({"chain": pd.Series(chains, dtype=object), "cases": sizes, "customers": people})
    table["part"] = table["cases"] / len(log)
    table["so_far"] = table["cases"].cumsum() / len(log)
    told = min(described, len(example))
    if told:
        rows = [described_cases(log, np.flatnonzero(of_case == k), hours, judged, confidence) for k in range(told)]
        table = table.join(pd.DataFrame(rows))
    return Variants(table, of_case)


def described_cases(
    log: CaseLog, at: Index | Flags, hours: Array, judged: Array | None, level: float
) -> dict[str, float]:
    """Return median time, share that reach the goal and mean judgement of some cases, each with its interval."""
    who = log.customer[at]
    row = _ends("median_hours", quantile_of(hours[at], who), level)
    if log.reached is not None:
        row |= _ends("goal_share", share_of(np.where(log.closed[at], log.reached[at], np.nan), who), level)
    if judged is not None:
        row |= _ends("score", mean_of(judged[at], who), level)
    return row


def _ends(name: str, figure: Any, level: float) -> dict[str, float]:
    low, high = figure.limits(level)
    return {name: figure.estimate, f"{name}_lower": low, f"{name}_upper": high}
