"""Panels with planted effects, trends and noise: the worlds in which claims of the difference-in-differences study are tried."""

import numpy as np
import pandas as pd

UNITS, PERIODS, FIRST = 40, 7, 4


def panel(
    seed, *, effect=0.0, drift=0.0, noise=1.0, units=UNITS, periods=PERIODS, first=FIRST, cohorts=1, rows=12, shock=0.1
):
    """Simulate answers of people at units, half of which get the change.

    Parameters
    ----------
    seed : int or sequence
    effect : float
        True effect.
    drift : float
        By how much treated units drift away each period.
    noise : float
        Standard deviation of an answer.
    units, periods, first, cohorts : int
        Units, periods, the first period with the change, and over how many periods adoption is spread.
    rows : int
        Answers of a unit in a period.
    shock : float
        Standard deviation of what a unit's answers of a period share.
    """
    rng = np.random.default_rng(seed)
    unit, time = (a.ravel() for a in np.indices((units, periods)))
    start = np.where(np.arange(units) % 2 == 0, first + (np.arange(units) // 2) % cohorts, periods)
    level, common = rng.standard_normal(units), 0.3 * rng.standard_normal(periods)
    treated = time >= start[unit]
    mean = level[unit] + common[time] + effect * treated + drift * time * (start[unit] < periods)
    mean = mean + shock * rng.standard_normal(len(unit))
    value = np.repeat(mean, rows) + noise * rng.standard_normal(len(unit) * rows)
    frame = pd.DataFrame({"branch": np.repeat(unit, rows), "month": np.repeat(time, rows) + 1, "score": value})
    cohort = start[np.repeat(unit, rows)]
    return frame.assign(
        rollout=np.where(cohort < periods, cohort + 1.0, np.nan), branch="b" + frame["branch"].astype(str)
    )
