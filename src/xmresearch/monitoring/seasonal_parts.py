"""Trend, season and remainder of a series whose season does not change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def seasonal_strength(y: Array, cycle: int) -> float:
    """Return which share of a series without its trend its season makes up, between 0 and 1.

    References
    ----------
    Wang, X., Smith, K. A. & Hyndman, R. J. (2006). Data Mining and Knowledge Discovery, 13, 335-364.
    """
    _, season, rest = decomposed(y, cycle)
    whole = float(np.var(season + rest))
    return max(0.0, 1 - float(np.var(rest)) / whole) if whole > 0 else 0.0


def decomposed(y: Array, cycle: int) -> tuple[Array, Array, Array]:
    """Return trend, season and remainder of a series whose season does not change.

    Parameters
    ----------
    y : ndarray
        Shape (n,), of two seasons or more.
    cycle : int
        Periods of a season, two or more.

    Returns
    -------
    trend, season, remainder : ndarray
        Shape (n,); they add up to the series. Those of R's `stl(s.window = "periodic")`.

    References
    ----------
    Cleveland, R. B., Cleveland, W. S., McRae, J. E. & Terpenning, I. (1990). Journal of Official Statistics, 6, 3-73.
    """
    from statsmodels.tsa.seasonal import STL

    window = 10 * len(y) + 1
    trend_window = int(np.ceil(1.5 * cycle / (1 - 1.5 / window)))
    trend_window += 1 - trend_window % 2
    low = cycle + 1 + cycle % 2  # the library wants it above the cycle, also where that is odd
    fit = STL(
        y, period=cycle, seasonal=window, seasonal_deg=0, trend=trend_window, low_pass=low,
        seasonal_jump=int(np.ceil(window / 10)), trend_jump=int(np.ceil(trend_window / 10)),
        low_pass_jump=int(np.ceil(low / 10)),
    ).fit(inner_iter=2, outer_iter=0)  # fmt: skip
    of = np.arange(len(y)) % cycle
    means = np.bincount(of, weights=fit.seasonal) / np.bincount(of)
    trend, season = np.asarray(fit.trend), means[of]
    return trend, season, y - trend - season
