"""Forecasts that know the calendar: weekdays, months and holidays to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xmresearch.errors import DataError
from xmresearch.monitoring.forecast_scales import Scale
from xmresearch.monitoring.forecasts import Forecast, forecast
from xmresearch.monitoring.seasons import SeasonKpi, season, spans_in_order
from xmresearch.monitoring.weighted_fits import FAMILIES
from xmresearch.sufficient.calendar import covering

SCALES: dict[str, Scale] = {"share": "share", "rate": "log", "mean": "level"}


def calendar_forecast(
    periods: Sequence[Any], total: ArrayLike, n: ArrayLike, *, kpi: SeasonKpi, horizon: int, country: str = "CN",
    squares: ArrayLike | None = None, terms: Sequence[str] | None = None, levels: Sequence[float] = (0.80, 0.95),
    model: str | None = None,
) -> Forecast:  # fmt: skip
    """Foretell a KPI with the weekdays, months and holidays of the periods to come.

    Parameters
    ----------
    periods, total, n, kpi, country, squares, terms
        As for `xmresearch.monitoring.seasons.season`; periods that are left out have no answers.
    horizon : int
        Periods to come.
    levels, model
        As for `xmresearch.monitoring.forecasts.forecast`.

    Returns
    -------
    Forecast
        Of the series without its season, with that of each period to come put back; its table has their first days besides (period). What is
        not known of the season itself is not part of the interval, and forecasts of the past have the season of the whole. Effects of holidays are known only where there were such days before.

    Raises
    ------
    DataError, InsufficientData
        As `season` and `forecast` have it; a rate of 0 has no log.

    References
    ----------
    Hyndman, R. J. & Athanasopoulos, G. (2021). Forecasting: principles and practice, 3rd ed. OTexts, sections 5.7 and 7.4.
    """
    spans = spans_in_order(periods)
    y, size = (np.asarray(v, dtype="float64") for v in (total, n))
    if not len(spans) == len(y) == len(size):
        raise DataError("There must be one total and one n for each period.")
    if horizon < 1:
        raise DataError("horizon must be at least 1.")
    every = spans[:1]
    while every and every[-1].first < spans[-1].first:
        every.append(covering(every[-1].last + timedelta(days=1), every[-1].form))
    past = len(every)
    while every and len(every) < past + horizon:
        every.append(covering(every[-1].last + timedelta(days=1), every[-1].form))
    place = {s.first: k for k, s in enumerate(every)}
    if any(s.first not in place for s in spans):
        raise DataError("Weeks do not all begin on the same day.", "Give them as 2024-W05.")
    at = np.array([place[s.first] for s in spans], dtype=int)

    def spread(values: ArrayLike) -> np.ndarray[Any, np.dtype[np.float64]]:
        found = np.zeros(len(every))
        found[at] = np.asarray(values, dtype="float64")
        return found

    fit = season(
        every, spread(y), spread(size), kpi=kpi, country=country, terms=terms,
        squares=None if squares is None else spread(squares),
    )  # fmt: skip
    left = fit.periods["adjusted"].to_numpy()[:past]
    scale = SCALES[kpi]
    if kpi == "share":
        whole = spread(size)[:past]
        counts = np.where(whole > 0, np.nan_to_num(left) * whole, 0.0)
        found = forecast(counts, n=whole, horizon=horizon, levels=levels, model=model)
    else:
        found = forecast(left, horizon=horizon, scale=scale, levels=levels, model=model)
    come = fit.periods["season"].to_numpy()[past:]
    family = FAMILIES[kpi]
    table = found.table.copy()
    for name in table.columns.drop("step"):
        table[name] = family.inverse(family.link(table[name].to_numpy()) + come)
    table.insert(1, "period", [s.first for s in every[past:]])
    ahead = replace(found.ahead, mean=found.ahead.mean + come)
    return replace(found, table=table, ahead=ahead, warnings=found.warnings + fit.warnings)
