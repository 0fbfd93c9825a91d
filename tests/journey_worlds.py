"""Logs of cases with known waits, paths and dependence within customers, made as arrays."""

import numpy as np
import pandas as pd

from xmresearch.journeys import CaseLog

STEPS = ("a", "b", "c", "d")
CUSTOMER_SD, OWN_SD = 0.5, 0.6


def cases_of(customers, rng, heavy=False):
    """Customer of each case: one to six each, and with `heavy` one who has a tenth of all."""
    sizes = 1 + rng.geometric(0.5, customers).clip(max=5)
    if heavy:
        sizes[0] = int(sizes[1:].sum() / 9)
    return np.repeat(np.arange(customers), sizes)


def world(customers, rng, *, waits=(4.0, 10.0, 10.0), heavy=False, factor=None, goal=0.4, opened=False):
    """Make a log of one path with waits (hours, medians) before its last three steps.

    `factor(who, n)` gives what waits are multiplied by, case by case. Waits of one customer have a common part.
    """
    who = cases_of(customers, rng, heavy)
    n = len(who)
    pace = rng.normal(0, CUSTOMER_SD, customers)[who]
    times = np.exp(rng.normal(0, OWN_SD, (n, 3)) + pace[:, None]) * np.asarray(waits) * 3600
    if factor is not None:
        times = times * factor(who, n)[:, None]
    begin = rng.uniform(0, 4e6, n)
    ended = begin[:, None] + np.concatenate([np.zeros((n, 1)), np.cumsum(times, axis=1)], axis=1)
    mood = rng.normal(0, 1, customers)[who]
    reached = mood + rng.normal(0, 1, n) < goal
    last = float(ended.max()) if not opened else 4e6
    closed = ended[:, -1] <= last
    if opened:
        seen = begin < last
        who, ended, closed, reached = who[seen], ended[seen], closed[seen], reached[seen]
        begin, n = begin[seen], int(seen.sum())
        ended = np.minimum(ended, last)
    return CaseLog(
        STEPS, np.arange(0, 4 * n + 1, 4), np.tile(np.arange(4), n), ended.ravel(), np.full(4 * n, np.nan), np.full(4 * n, np.nan),
        np.unique(who, return_inverse=True)[1], begin, closed, reached, pd.DataFrame(index=range(n)), last,
    )  # fmt: skip
