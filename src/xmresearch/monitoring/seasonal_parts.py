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
    trend, season, _ = stl(y, cycle, 10 * len(y) + 1)
    of = np.arange(len(y)) % cycle
    season = (np.bincount(of, weights=season) / np.bincount(of))[of]
    return trend, season, y - trend - season


def stl(y: Array, cycle: int, window: int) -> tuple[Array, Array, Array]:
    """Return trend, season and remainder by local regression.

    Parameters
    ----------
    y : ndarray
        Shape (n,), of two seasons or more.
    cycle : int
        Periods of a season, two or more.
    window : int
        How many values of the same season are smoothed over, odd: the fewer, the faster a season may change.

    Returns
    -------
    trend, season, remainder : ndarray
        Shape (n,); those of R's `stl(s.window = window)`.

    References
    ----------
    Cleveland, R. B., Cleveland, W. S., McRae, J. E. & Terpenning, I. (1990). Journal of Official Statistics, 6, 3-73.
    """
    from statsmodels.tsa.seasonal import STL

    trend_window = int(np.ceil(1.5 * cycle / (1 - 1.5 / window)))
    trend_window += 1 - trend_window % 2
    low = cycle + 1 + cycle % 2  # the library wants it above the cycle, also where that is odd
    fit = STL(
        y, period=cycle, seasonal=window, seasonal_deg=0, trend=trend_window, low_pass=low,
        seasonal_jump=int(np.ceil(window / 10)), trend_jump=int(np.ceil(trend_window / 10)),
        low_pass_jump=int(np.ceil(low / 10)),
    ).fit(inner_iter=2, outer_iter=0)  # fmt: skip
    trend, season = np.asarray(fit.trend), np.asarray(fit.seasonal)
    return trend, season, y - trend - season


def moving_average(y: Array, cycle: int) -> tuple[Array, NDArray[np.int64]]:
    """Return means over one season about each value that has half a season on either side, and where those values stand.

    With an even number of periods the two at the ends count half.
    """
    weights = np.ones(cycle) / cycle if cycle % 2 else np.array([0.5, *np.ones(cycle - 1), 0.5]) / cycle
    trend = np.convolve(y, weights, mode="valid")
    return trend, len(weights) // 2 + np.arange(len(trend), dtype=np.int64)


def moving_season(y: Array, cycle: int) -> Array:
    """Return the season's factors as means of ratios to a moving average over one season.

    Parameters
    ----------
    y : ndarray
        Shape (n,), above 0, of two seasons or more.
    cycle : int
        Periods of a season, two or more.

    Returns
    -------
    ndarray
        Of each period of the season, from that of the first value on, with mean one; shape (cycle,). Those of R's
        `decompose(type = "multiplicative")`.

    References
    ----------
    Kendall, M. & Stuart, A. (1983). The Advanced Theory of Statistics, vol. 3, 410-414. Griffin.
    """
    trend, at = moving_average(y, cycle)
    factors = np.bincount(at % cycle, weights=y[at] / trend, minlength=cycle) / np.bincount(at % cycle, minlength=cycle)
    return np.asarray(factors / factors.mean())
