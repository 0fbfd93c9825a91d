"""Models that foretell a series: ARIMA and exponential smoothing chosen by AICc, and the season before."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import ModelError
from xmresearch.monitoring.seasonal_parts import seasonal_strength

Array = NDArray[np.float64]
Orders = tuple[int, int, int, int]
KPSS_LEVEL, MOST_DIFFERENCES = 0.05, 2
SEASONAL_STRENGTH = 0.64
"""From which a season is differenced (Hyndman's `nsdiffs`, fitted to the M3 series)."""
MOST_ORDER, MOST_SEASONAL_ORDER, MOST_TRIED = 3, 1, 40
LONGEST_CYCLE = 24
"""Periods of a season that the models carry themselves; longer ones are taken out first."""


@dataclass(frozen=True, repr=False)
class Ahead(Shown):
    """Forecasts on the scale that was modelled.

    Attributes
    ----------
    mean, se : ndarray
        Shape (horizon,); se includes the degrees of freedom that the fit has used.
    df : float
        Of the t distribution of their errors.
    """

    mean: Array
    se: Array
    df: float


@dataclass(frozen=True, repr=False)
class Fitted(Shown):
    """A fitted model.

    Attributes
    ----------
    name : str
        Such as ARIMA(0,1,1)(0,1,1)[12].
    aicc : float
        NaN where it has no likelihood.
    ahead : callable
        From the values that are known and a horizon to forecasts, with the parameters as fitted.
    parameters : mapping
        By name.
    converged : bool
        Whether the search of the best parameters came to an end.
    """

    name: str
    aicc: float
    ahead: Callable[[Array, int], Ahead]
    parameters: dict[str, float]
    converged: bool = True


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the library's remarks on starting values and convergence: the latter is part of the result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def corrected_aic(loglikelihood: float, parameters: int, n: int) -> float:
    """Return AICc; infinite where there are not enough values."""
    room = n - parameters - 1
    return -2 * loglikelihood + 2 * parameters + 2 * parameters * (parameters + 1) / room if room > 0 else np.inf


def seasonal_naive(y: Array, cycle: int) -> Fitted:
    """Foretell each period by the last one of the same season; without a season by the last value."""
    errors = y[cycle:] - y[:-cycle]
    spread = float(np.sqrt((errors**2).mean()))

    def ahead(known: Array, horizon: int) -> Ahead:
        steps = np.arange(horizon)
        return Ahead(known[len(known) - cycle + steps % cycle], spread * np.sqrt(steps // cycle + 1.0), len(errors))

    return Fitted("seasonal naive" if cycle > 1 else "naive", np.nan, ahead, {"spread": spread})


def arima(y: Array, order: tuple[int, int, int], seasonal: tuple[int, int, int], cycle: int, constant: bool) -> Fitted:
    """Fit one ARIMA by maximum likelihood.

    Parameters
    ----------
    y : ndarray
        Shape (n,).
    order, seasonal : tuple of int
        (p, d, q) and (P, D, Q).
    cycle : int
        Periods of the season; 1 for none.
    constant : bool
        Whether there is a mean, or with a difference a drift.

    Returns
    -------
    Fitted

    References
    ----------
    Durbin, J. & Koopman, S. J. (2012). Time series analysis by state space methods, 2nd ed. Oxford.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    scale = float(np.std(y)) or 1.0

    def model(values: Array, *, differenced: bool) -> Any:
        return SARIMAX(
            values / scale, order=order, seasonal_order=(*seasonal, cycle if cycle > 1 else 0),
            trend="c" if constant else "n", simple_differencing=differenced,
        )  # fmt: skip

    with _quiet():
        fit = model(y, differenced=True).fit(disp=0, maxiter=200, cov_type="none")
    parameters = np.asarray(fit.params)
    used = len(y) - order[1] - cycle * seasonal[1]
    k = len(parameters)
    loglikelihood = float(fit.llf) - used * np.log(scale)
    freedom = max(used - k + 1, 1)

    def ahead(known: Array, horizon: int) -> Ahead:
        with _quiet():
            found = model(known, differenced=False).filter(parameters).get_forecast(horizon)
        more = np.sqrt(used / freedom)
        return Ahead(np.asarray(found.predicted_mean) * scale, np.asarray(found.se_mean) * scale * more, freedom)

    season = f"({','.join(map(str, seasonal))})[{cycle}]" if cycle > 1 and any(seasonal) else ""
    drift = " with " + ("mean" if order[1] + seasonal[1] == 0 else "drift") if constant else ""
    values = dict(zip(fit.param_names, (float(v) for v in parameters), strict=True))
    values["sigma2"] *= scale**2
    return Fitted(
        f"ARIMA({','.join(map(str, order))}){season}{drift}", corrected_aic(loglikelihood, k, used), ahead,
        {**values, "loglikelihood": loglikelihood}, bool(fit.mle_retvals["converged"]),
    )  # fmt: skip


def chosen_arima(y: Array, cycle: int) -> Fitted:
    """Return the ARIMA of smallest AICc that a stepwise search finds.

    References
    ----------
    Hyndman, R. J. & Khandakar, Y. (2008). Automatic time series forecasting: the forecast package for R. Journal of Statistical Software,
    27 (3). Kwiatkowski, D., Phillips, P. C. B., Schmidt, P. & Shin, Y. (1992). Journal of Econometrics, 54, 159-178.
    """
    season = cycle > 1 and len(y) >= 2 * cycle + 5
    big_d = int(season and seasonal_strength(y, cycle) > SEASONAL_STRENGTH)
    left = y[cycle:] - y[:-cycle] if big_d else y
    d = 0
    while d + big_d < MOST_DIFFERENCES and _moves(np.diff(left, n=d)):
        d += 1
    free = d + big_d < 2

    @cache
    def fitted(orders: Orders, constant: bool) -> Fitted | None:
        p, q, bp, bq = orders
        try:
            found = arima(y, (p, d, q), (bp, big_d, bq), cycle if season else 1, constant)
        except (np.linalg.LinAlgError, ValueError, IndexError):
            return None
        return found if np.isfinite(found.aicc) else None

    s = int(season)
    starts: list[Orders] = [(0, 0, 0, 0), (1, 0, s, 0), (0, 1, 0, s), (2, 2, s, s)]
    tried = {(o, free): fitted(o, free) for o in starts} | {((0, 0, 0, 0), False): fitted((0, 0, 0, 0), False)}
    while len(tried) < MOST_TRIED:
        there = {key: fit for key, fit in tried.items() if fit is not None}
        if not there:
            raise ModelError("No ARIMA can be fitted to the series.", "Give a longer series.")
        (orders, constant), now = min(there.items(), key=lambda item: item[1].aicc)
        better = None
        for key in _neighbours(orders, constant, season, free):
            if key in tried:
                continue
            tried[key] = found = fitted(*key)
            if found is not None and found.aicc < now.aicc:
                better = found
                break
        if better is None:
            return now
    return min((f for f in tried.values() if f is not None), key=lambda f: f.aicc)


def _neighbours(orders: Orders, constant: bool, season: bool, free: bool) -> Iterator[tuple[Orders, bool]]:
    p, q, bp, bq = orders
    steps = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)]
    for a, b in steps if season else ():
        if 0 <= bp + a <= MOST_SEASONAL_ORDER and 0 <= bq + b <= MOST_SEASONAL_ORDER:
            yield (p, q, bp + a, bq + b), constant
    for a, b in steps:
        if 0 <= p + a <= MOST_ORDER and 0 <= q + b <= MOST_ORDER:
            yield (p + a, q + b, bp, bq), constant
    if free:
        yield orders, not constant


def _moves(y: Array) -> bool:
    """Return whether the test of a fixed level rejects it."""
    from statsmodels.tsa.stattools import kpss

    if len(y) < 8 or np.ptp(y) == 0:
        return False
    with _quiet():
        return bool(kpss(y, regression="c", nlags=int(3 * np.sqrt(len(y)) / 13))[1] < KPSS_LEVEL)


def smoothing(y: Array, cycle: int, *, trend: bool, damped: bool, seasonal: bool) -> Fitted:
    """Fit one exponential smoothing of additive errors, trend and season by maximum likelihood.

    Returns
    -------
    Fitted
        ETS(A,N,N) to ETS(A,Ad,A).

    References
    ----------
    Hyndman, R. J., Koehler, A. B., Ord, J. K. & Snyder, R. D. (2008). Forecasting with exponential smoothing. Springer.
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    scale = float(np.std(y)) or 1.0

    def model(values: Array) -> Any:
        return ETSModel(
            values / scale, error="add", trend="add" if trend else None, damped_trend=damped,
            seasonal="add" if seasonal else None, seasonal_periods=cycle if seasonal else None,
        )  # fmt: skip

    with _quiet():
        made = model(y)
        fit = made.fit(disp=0, maxiter=500)
    k = len(fit.params) + 1
    loglikelihood = float(fit.llf) - len(y) * np.log(scale)
    freedom = max(len(y) - k + 1, 1)
    parameters = np.asarray(fit.params)
    sigma2 = float(fit.scale)
    phi = _weight(made, parameters, "damping_trend") if damped else 1.0
    alpha, beta, gamma = (_weight(made, parameters, f"smoothing_{n}") for n in ("level", "trend", "seasonal"))

    def ahead(known: Array, horizon: int) -> Ahead:
        with _quiet():
            mean = np.asarray(model(known).smooth(parameters).forecast(horizon)) * scale
        j = np.arange(1, horizon)
        c = alpha + (beta * np.cumsum(phi**j) if trend else 0.0) + gamma * (j % cycle == 0)
        variance = sigma2 * (1 + np.concatenate([[0.0], np.cumsum(c**2 * np.ones(len(j)))]))
        return Ahead(mean, np.sqrt(variance * len(y) / freedom) * scale, freedom)

    name = f"ETS(A,{'Ad' if damped else 'A' if trend else 'N'},{'A' if seasonal else 'N'})"
    values = dict(zip(made.param_names, (float(v) for v in parameters), strict=True))
    found = Fitted(name, corrected_aic(loglikelihood, k, len(y)), ahead, values)
    return replace(found, converged=bool(fit.mle_retvals.get("converged", True)))


def _weight(model: Any, parameters: Array, name: str) -> float:
    return float(parameters[model.param_names.index(name)]) if name in model.param_names else 0.0


def chosen_smoothing(y: Array, cycle: int) -> Fitted:
    """Return the exponential smoothing of smallest AICc."""
    season = [False, True] if cycle > 1 and len(y) >= 2 * cycle + 5 else [False]
    shapes = [(False, False), (True, False), (True, True)]
    fits = [smoothing(y, cycle, trend=t, damped=d, seasonal=s) for s in season for t, d in shapes if len(y) > 8 + 2 * t]
    return min(fits, key=lambda f: f.aicc)
