"""Queues: how many cases wait for each activity, on average and at most."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.journeys.case_log import CaseLog
from xmresearch.journeys.durations import HOUR


def step_queues(log: CaseLog) -> pd.DataFrame:
    """Describe the queue before each activity whose starts are known.

    Parameters
    ----------
    log : CaseLog
        The cases: they arrive when the step before is completed, and leave the queue when the activity is started.

    Returns
    -------
    DataFrame
        One row per activity: activity, arrivals (a day), wait_mean_hours, queue_mean (waiting at once, over the time from the first arrival to the last start), queue_most,
        cases, customers. By Little's law the mean queue is arrivals times mean wait.

    References
    ----------
    Little, J. D. C. (1961). A proof for the queuing formula L = lambda W. Operations Research, 9, 383-387.
    """
    rows = []
    case = log.case_of
    for k, name in enumerate(log.activities):
        at = np.flatnonzero((log.code == k) & np.isfinite(log.waited) & np.isfinite(log.began))
        if not len(at):
            continue
        arrived = np.minimum(log.ended[at - 1], log.began[at])
        left = log.began[at]
        span = float(left.max() - arrived.min())
        moments = np.concatenate([arrived, left])
        change = np.concatenate([np.ones(len(at)), -np.ones(len(at))])
        # whoever arrives at the moment at which another is served waits beside nobody
        order = np.lexsort((change, moments))
        waiting = float((left - arrived).sum())
        rows.append((
            name, len(at) / (span / 86400.0) if span > 0 else np.nan, waiting / len(at) / HOUR, waiting / span if span > 0 else np.nan,
            int(np.cumsum(change[order]).max()), len(np.unique(case[at])), len(np.unique(log.customer[case[at]])),
        ))  # fmt: skip
    columns = ["activity", "arrivals", "wait_mean_hours", "queue_mean", "queue_most", "cases", "customers"]
    return pd.DataFrame(rows, columns=columns)
