"""Forecasts of a series without its season: theta, and exponential smoothing of what STL leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.errors import InsufficientData
from xmresearch.monitoring.forecast_parts import Ahead, Fitted
from xmresearch.monitoring.seasonal_parts import moving_season, stl
from xmresearch.monitoring.smoothing_models import Shape, chosen_smoothing, smoothing

Array = NDArray[np.float64]
SEASON_LEVEL, SEASON_WINDOW = 0.9, 11
"""Two-sided level of the test of a season before theta, and values of a season that STL smooths over (R's forecast)."""


def theta(y: Array, cycle: int) -> Fitted:
    """Foretell by simple exponential smoothing with half the slope of a straight line as drift, after taking a season out.

    Parameters
    ----------
    y : ndarray
        Shape (n,).
    cycle : int
        Periods of a season; 1 for none. It is taken out, by division, where its autocorrelation is beyond chance and all values are above 0.

    Returns
    -------
    Fitted

    References
    ----------
    Assimakopoulos, V. & Nikolopoulos, K. (2000). International Journal of Forecasting, 16, 521-530. Hyndman, R. J. & Billah, B. (2003).
    International Journal of Forecasting, 19, 287-290.
    """
    season = np.ones(cycle)
    if cycle > 1 and len(y) > 2 * cycle and (y > 0).all() and _seasonal(y, cycle):
        season = moving_season(y, cycle)
    of = np.arange(len(y)) % cycle
    level = y / season[of]
    fit = smoothing(level, 1, Shape("add", trend=False, damped=False, season=None))
    alpha = max(fit.parameters["smoothing_level"], 1e-10)
    drift = float(np.polyfit(np.arange(len(y)), level, 1)[0]) / 2
    # one parameter and the first level were fitted
    spread = np.sqrt(fit.parameters["sigma2"] * len(y) / (len(y) - 2))

    def ahead(known: Array, horizon: int) -> Ahead:
        n, steps = len(known), np.arange(horizon)
        flat = fit.ahead(known / season[np.arange(n) % cycle], horizon).mean
        mean = (flat + drift * (steps + (1 - (1 - alpha) ** n) / alpha)) * season[(n + steps) % cycle]
        return Ahead(mean, spread * np.sqrt(1 + steps * alpha**2), n - 2)

    return Fitted("theta", np.nan, ahead, {"smoothing_level": alpha, "drift": drift}, fit.converged)


def stl_smoothing(y: Array, cycle: int) -> Fitted:
    """Foretell by exponential smoothing of the series without its season, which may change slowly, and the season's last values.

    Parameters
    ----------
    y : ndarray
        Shape (n,), of two seasons or more.
    cycle : int
        Periods of a season, two or more.

    Returns
    -------
    Fitted

    Raises
    ------
    InsufficientData
        There is no season, or less than two of them.

    References
    ----------
    Cleveland, R. B., Cleveland, W. S., McRae, J. E. & Terpenning, I. (1990). Journal of Official Statistics, 6, 3-73.
    """
    if cycle < 2 or len(y) < 2 * cycle:
        raise InsufficientData("STL needs two seasons at least.", "Use model 'smoothing'.")
    fit = chosen_smoothing(y - stl(y, cycle, SEASON_WINDOW)[1], 1)

    def ahead(known: Array, horizon: int) -> Ahead:
        season = stl(known, cycle, SEASON_WINDOW)[1]
        found = fit.ahead(known - season, horizon)
        return Ahead(found.mean + season[len(known) - cycle + np.arange(horizon) % cycle], found.se, found.df)

    return Fitted(f"STL + {fit.name}", fit.aicc, ahead, fit.parameters, fit.converged)


def _seasonal(y: Array, cycle: int) -> bool:
    """Return whether the autocorrelation a season apart is beyond chance (Bartlett's standard error)."""
    z = y - y.mean()
    r = np.array([z[k:] @ z[: len(z) - k] for k in range(1, cycle + 1)]) / (z @ z)
    se = np.sqrt((1 + 2 * float((r[:-1] ** 2).sum())) / len(y))
    return bool(abs(r[-1]) / se > stats.norm.ppf(0.5 + SEASON_LEVEL / 2))
