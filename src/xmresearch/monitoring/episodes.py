"""Episodes of alarm: since when the figure has been away from its centre, for how long, and by how much."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.errors import DataError

Array = NDArray[np.float64]
REFERENCE = 0.5
"""By what the sum of scores is drawn back each period; when it is 0 again an episode is over."""
DROP = 4.0
"""Fall of the log-likelihood within which a period may be the first of a shift: the set has the true one in 93 to 99 % of alarms."""
MOST_CARRIED = 5.0
"""Most that the sum of scores is taken to be: a long shift that has ended is over within some ten periods."""


def alarm_episodes(score: ArrayLike, alarm: ArrayLike, *, start: int = 0) -> pd.DataFrame:
    """Gather alarms into episodes, and date their beginning.

    Parameters
    ----------
    score : array_like
        Standardised points, shape (periods,); NaN is a period without data.
    alarm : array_like of bool
        Shape (periods,).
    start : int
        First period that is watched; what lies before it begins no episode.

    Returns
    -------
    DataFrame
        One row per episode: side (1 above the centre, -1 below), first_alarm, last (the last period of the episode), over (whether the
        figure has come back), alarms, began (the likeliest period), began_from and began_to (the set of those possible at
        95 %, from the earliest to the latest), shift (mean score from the beginning to the last period).

    Raises
    ------
    DataError
        Arrays that differ in length.

    Notes
    -----
    The beginning is dated by the likelihood of a lasting shift of unknown size from that period to the end of the episode, given that the
    chart was at its centre before, and is no later than the first alarm. Of a shift that comes slowly it is the period from which one
    shift describes it best.

    References
    ----------
    Samuel, T. R., Pignatiello, J. J. & Calvin, J. A. (1998). Identifying the time of a step change with Xbar control charts. Quality
    Engineering, 10, 521-527. Siegmund, D. (1986). Boundary crossing probabilities and statistical applications. Annals of Statistics, 14,
    361-404.
    """
    z, flagged = np.asarray(score, dtype="float64"), np.asarray(alarm, dtype=bool)
    if z.ndim != 1 or z.shape != flagged.shape:
        raise DataError("Points and alarms of a chart differ in number.", "Give one of each per period.")
    there = np.flatnonzero(np.isfinite(z) & (np.arange(len(z)) >= start))
    rows = []
    k, begun = 0, 0
    while k < len(there):
        if not flagged[there[k]]:
            k += 1
            continue
        side = _side(z[there[begun : k + 1]])
        last = _last(side * z[there[k:]], flagged[there[k:]]) + k
        low, best, high, shift = _beginning(side * z[there[begun : last + 1]], k - begun)
        inside = there[k : last + 1]
        over = last < len(there) - 1
        rows.append((side, there[k], there[last], over, int(flagged[inside].sum()), there[begun + best], there[begun + low],
                     there[begun + high], side * shift))  # fmt: skip
        k = begun = last + 1
    names = ["side", "first_alarm", "last", "over", "alarms", "began", "began_from", "began_to", "shift"]
    return pd.DataFrame(rows, columns=names)


def _last(z: Array, flagged: NDArray[np.bool_]) -> int:
    """Return the last period before the sum of scores is 0 again; z is counted on the side of the alarm."""
    total = MOST_CARRIED
    for j in range(1, len(z)):
        total = min(max(0.0, total + z[j] - REFERENCE), MOST_CARRIED)
        if total == 0 and not (flagged[j] and z[j] > 0):
            return j - 1
    return len(z) - 1


def _side(z: Array) -> int:
    """Return the side that an alarm is on: that of the sum which is largest for its length."""
    sums = np.cumsum(z[::-1]) / np.sqrt(np.arange(1, len(z) + 1))
    return 1 if sums.max() >= -sums.min() else -1


def _beginning(z: Array, latest: int) -> tuple[int, int, int, float]:
    """Return earliest, likeliest and latest beginning of a shift that lasts to the end, and its size; at the latest the first alarm."""
    count = np.arange(len(z), 0, -1)
    sums = np.cumsum(z[::-1])[::-1]
    gain = np.where(sums > 0, sums**2 / (2 * count), 0.0)[: latest + 1]
    best = int(np.argmax(gain))
    possible = np.flatnonzero(gain >= gain[best] - DROP)
    return int(possible[0]), best, int(possible[-1]), float(sums[best] / count[best])
