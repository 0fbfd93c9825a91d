"""Where cases end that do not reach their goal, and whether their customers come again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.journeys.case_log import CaseLog
from xmresearch.journeys.customer_figures import share_of
from xmresearch.journeys.durations import HOUR
from xmresearch.journeys.returning_customers import next_after


def case_exits(log: CaseLog, confidence: float = 0.95) -> pd.DataFrame | None:
    """Describe the last activities of closed cases that did not reach the goal.

    Parameters
    ----------
    log : CaseLog
        The cases.
    confidence : float
        Level of the intervals, whose units are customers.

    Returns
    -------
    DataFrame or None
        One row per activity, most frequent first: activity, exits, customers, part (of all such cases), exit_rate (cases that end here unreached, of those that have
        the activity) with its interval, came_again (share whose customer began another case later; NaN where no customer has several), again_hours (median until then). None where
        no goal is declared or every case reached it.
    """
    if log.reached is None:
        return None
    lost = log.closed & ~log.reached
    if not lost.any():
        return None
    last = log.code[log.starts[1:] - 1]
    has, ahead = log.counts() > 0, next_after(log)
    several = bool(np.isfinite(ahead).any())
    rows = []
    for k in np.unique(last[lost]).tolist():
        here = lost & (last == k)
        rate = share_of(np.where(has[:, k] & log.closed, here, np.nan), log.customer)
        known = ahead[here][np.isfinite(ahead[here])]
        rows.append((
            log.activities[k], int(here.sum()), len(np.unique(log.customer[here])), float(here.sum() / lost.sum()), rate.estimate,
            *rate.limits(confidence), len(known) / here.sum() if several else np.nan, float(np.median(known)) / HOUR if len(known) else np.nan,
        ))  # fmt: skip
    columns = [
        "activity",
        "exits",
        "customers",
        "part",
        "exit_rate",
        "exit_rate_lower",
        "exit_rate_upper",
        "came_again",
        "again_hours",
    ]
    table = pd.DataFrame(rows, columns=columns).sort_values("exits", ascending=False, kind="stable", ignore_index=True)
    return table if several else table.drop(columns=["came_again", "again_hours"])
