"""Models that foretell a series: ARIMA chosen by AICc, and the season before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ModelError
from xmresearch.monitoring.forecast_parts import Ahead, Fitted, corrected_aic, quiet
from xmresearch.monitoring.seasonal_parts import seasonal_strength

Array = NDArray[np.float64]
Orders = tuple[int, int, int, int]
KPSS_LEVEL, MOST_DIFFERENCES = 0.05, 2
SEASONAL_STRENGTH = 0.64
"""From which a season is differenced (Hyndman's `nsdiffs`, fitted to the M3 series)."""
MOST_ORDER, MOST_SEASONAL_ORDER, MOST_TRIED = 3, 1, 40
LONGEST_CYCLE = 24
"""Periods of a season that the models carry themselves; longer ones are taken out first."""


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

    with quiet():
        fit = model(y, differenced=True).fit(disp=0, maxiter=200, cov_type="none")
    parameters = np.asarray(fit.params)
    used = len(y) - order[1] - cycle * seasonal[1]
    k = len(parameters)
    loglikelihood = float(fit.llf) - used * np.log(scale)
    freedom = max(used - k + 1, 1)

    def ahead(known: Array, horizon: int) -> Ahead:
        with quiet():
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
    with quiet():
        return bool(kpss(y, regression="c", nlags=int(3 * np.sqrt(len(y)) / 13))[1] < KPSS_LEVEL)
