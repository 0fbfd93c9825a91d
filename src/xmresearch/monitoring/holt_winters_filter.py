"""Holt-Winters smoothing as spreadsheets and R's `HoltWinters` do it: weights of smallest squared errors from given starts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.forecast_parts import Ahead, Fitted
from xmresearch.monitoring.seasonal_parts import moving_average

Array = NDArray[np.float64]
STARTING = 2
"""Seasons from which level, trend and season are started."""


def holt_winters(y: Array, cycle: int, *, multiplicative: bool | None = None) -> Fitted:
    """Fit level, trend and season by least squares of the errors one period ahead.

    Parameters
    ----------
    y : ndarray
        Shape (n,), above 0 for a multiplicative season.
    cycle : int
        Periods of a season, two or more.
    multiplicative : bool, optional
        Whether the season is in proportion to the level; if left out, where all values are above 0.

    Returns
    -------
    Fitted
        With parameters alpha, beta, gamma, sse, and the last level, trend and season: a, b, s1 ... (of the next period first).

    Raises
    ------
    InsufficientData
        Less than two seasons and a value.
    DataError
        A value is not above 0.

    Notes
    -----
    It has no likelihood: standard errors of forecasts are those of the errors one period ahead, growing by the weights of additive
    smoothing, and `chosen_smoothing` is what to use for intervals.

    References
    ----------
    Winters, P. R. (1960). Forecasting sales by exponentially weighted moving averages. Management Science, 6, 324-342.
    """
    if cycle < 2 or len(y) <= STARTING * cycle:
        raise InsufficientData(
            f"{len(y)} values are too few for a season of {cycle}.", "Give two seasons and a value at least."
        )
    if multiplicative and (y <= 0).any():
        raise DataError("A multiplicative season needs values above 0.", "Use multiplicative=False.")
    multiplicative = bool((y > 0).all()) if multiplicative is None else multiplicative
    start = _start(y[: STARTING * cycle], cycle, multiplicative)

    def squares(weights: Array) -> float:
        return float((_passed(y[cycle:], weights, start, multiplicative)[0] ** 2).sum())

    found = optimize.minimize(squares, [0.3, 0.1, 0.1], method="L-BFGS-B", bounds=[(0.0, 1.0)] * 3)
    weights = np.asarray(found.x)
    errors, level, trend, season = _passed(y[cycle:], weights, start, multiplicative)
    alpha, beta, gamma = weights.tolist()
    freedom = len(errors) - 3
    spread = float(np.sqrt((errors**2).sum() / freedom))

    def ahead(known: Array, horizon: int) -> Ahead:
        _, last, slope, now = _passed(known[cycle:], weights, start, multiplicative)
        steps = np.arange(1, horizon + 1)
        straight, of = last + slope * steps, now[(steps - 1) % cycle]
        later = np.arange(1, horizon)
        grows = alpha * (1 + beta * later) + gamma * (1 - alpha) * (later % cycle == 0)
        se = spread * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(grows**2)]))
        return Ahead(straight * of if multiplicative else straight + of, se, freedom)

    values = {"alpha": alpha, "beta": beta, "gamma": gamma, "sse": float((errors**2).sum()), "a": level, "b": trend}
    values |= {f"s{k + 1}": s for k, s in enumerate(season.tolist())}
    return Fitted("Holt-Winters", np.nan, ahead, values, bool(found.success))


def _start(first: Array, cycle: int, multiplicative: bool) -> tuple[float, float, Array]:
    """Return level and trend before the second season, by a line through the moving averages, and the season."""
    trend, at = moving_average(first, cycle)
    left = first[at] / trend if multiplicative else first[at] - trend
    season = np.bincount(at % cycle, weights=left, minlength=cycle) / np.bincount(at % cycle, minlength=cycle)
    season = season / season.mean() if multiplicative else season - season.mean()
    slope, level = np.polyfit(np.arange(1, len(trend) + 1), trend, 1)
    return float(level), float(slope), season


def _passed(
    y: Array, weights: Array, start: tuple[float, float, Array], multiplicative: bool
) -> tuple[Array, float, float, Array]:
    """Return errors one period ahead, and the last level, trend and season (that of the next period first)."""
    alpha, beta, gamma = weights.tolist()
    level, trend, first = start
    season = first.tolist()
    errors = np.empty(len(y))
    for t, value in enumerate(y.tolist()):
        s = season[t]
        straight = level + trend
        errors[t] = value - (straight * s if multiplicative else straight + s)
        before = level
        level = alpha * (value / s if multiplicative else value - s) + (1 - alpha) * straight
        trend = beta * (level - before) + (1 - beta) * trend
        season.append(gamma * (value / level if multiplicative else value - level) + (1 - gamma) * s)
    return errors, level, trend, np.array(season[len(y) :])
