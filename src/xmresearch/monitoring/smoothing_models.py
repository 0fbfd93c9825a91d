"""Exponential smoothing with additive or multiplicative errors and seasons, and its forecast variances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.monitoring.forecast_parts import Ahead, Fitted, corrected_aic, quiet

Array = NDArray[np.float64]
SEARCH_MEMORY = 30
LETTERS = {"add": "A", "mul": "M", None: "N"}


@dataclass(frozen=True, repr=False)
class Shape(Shown):
    """Which exponential smoothing.

    Attributes
    ----------
    error : str
        add or mul: errors of one size, or in proportion to the level.
    trend, damped : bool
        Whether there is an additive trend, and whether it fades.
    season : str or None
        add, mul or none.
    """

    error: str
    trend: bool
    damped: bool
    season: str | None

    @property
    def name(self) -> str:
        """Such as ETS(M,Ad,M)."""
        trend = "Ad" if self.damped else "A" if self.trend else "N"
        return f"ETS({LETTERS[self.error]},{trend},{LETTERS[self.season]})"


def smoothing(y: Array, cycle: int, shape: Shape, parameters: Array | None = None) -> Fitted:
    """Fit one exponential smoothing by maximum likelihood.

    Parameters
    ----------
    y : ndarray
        Shape (n,); above 0 where errors or season are multiplicative.
    cycle : int
        Periods of the season.
    shape : Shape
        Which.
    parameters : ndarray, optional
        Taken as they are, in place of the best ones: smoothing_level, smoothing_trend, smoothing_seasonal, damping_trend, initial_level,
        initial_trend, and the season of the first `cycle` periods, as far as the shape has them.

    Returns
    -------
    Fitted
        With parameters by name and `loglikelihood`.

    References
    ----------
    Hyndman, R. J., Koehler, A. B., Ord, J. K. & Snyder, R. D. (2008). Forecasting with exponential smoothing. Springer.
    """
    proportional = "mul" in (shape.error, shape.season)
    # in units of their spread, likelihoods in proportion to the level have searches end early
    scale = float(np.mean(y) if proportional else np.std(y)) or 1.0

    def model(values: Array) -> Any:
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel

        return ETSModel(
            values / scale, error=shape.error, trend="add" if shape.trend else None, damped_trend=shape.damped,
            seasonal=shape.season, seasonal_periods=cycle if shape.season else None,
        )  # fmt: skip

    with quiet():
        made = model(y)
        fit = (
            made.fit(disp=0, maxiter=500, m=SEARCH_MEMORY)
            if parameters is None
            else made.smooth(_scaled(made, parameters, scale, shape.season))
        )
    found = np.asarray(fit.params)
    k = len(found) + 1 - (shape.season is not None)  # the season's mean is the level's
    loglikelihood = float(fit.llf) - len(y) * np.log(scale)
    freedom = max(len(y) - k + 1, 1)
    sigma2 = float(fit.scale)
    converged = parameters is not None or bool(fit.mle_retvals.get("converged", True))

    def ahead(known: Array, horizon: int) -> Ahead:
        with quiet():
            smoothed = model(known).smooth(found)
            mean = np.asarray(smoothed.forecast(horizon))
        if proportional:
            variance = _variance(
                _matrices(made, found, shape, cycle), _last(smoothed, shape, cycle), mean, sigma2, shape
            )
        else:
            variance = sigma2 * (
                1 + np.concatenate([[0.0], np.cumsum(_weights(made, found, shape, cycle, horizon) ** 2)])
            )
        return Ahead(mean * scale, np.sqrt(variance * len(y) / freedom) * scale, freedom)

    values = dict(zip(made.param_names, _unscaled(made, found, scale, shape.season).tolist(), strict=True))
    values |= {"loglikelihood": loglikelihood, "sigma2": sigma2 * (1.0 if shape.error == "mul" else scale**2)}
    aicc = corrected_aic(loglikelihood, k, len(y))
    return replace(Fitted(shape.name, aicc, ahead, values), converged=converged)


def additive_smoothing(y: Array, cycle: int) -> Fitted:
    """Return the exponential smoothing of smallest AICc among those whose errors do not depend on the level."""
    return min(
        (smoothing(y, cycle, shape) for shape in _shapes(y, cycle) if shape.error == "add"), key=lambda fit: fit.aicc
    )


def chosen_smoothing(y: Array, cycle: int) -> Fitted:
    """Return the exponential smoothing of smallest AICc; in proportion to the level only where all values are above zero.

    Multiplicative seasons with additive errors are left out, as their variances may be infinite.
    """
    return min((smoothing(y, cycle, shape) for shape in _shapes(y, cycle)), key=lambda fit: fit.aicc)


def _shapes(y: Array, cycle: int) -> list[Shape]:
    """Return what may be fitted to a series."""
    season: list[str | None] = [None]
    if cycle > 1 and len(y) >= 2 * cycle + 5:
        season += ["add", "mul"]
    trends = ((False, False), (True, False), (True, True))
    shapes = [Shape(error, trend, damped, s) for s in season for error in ("add", "mul") for trend, damped in trends]
    positive = bool((y > 0).all())
    return [
        s for s in shapes
        if len(y) > 8 + 2 * s.trend and not (s.season == "mul" and s.error == "add") and (positive or "mul" not in (s.error, s.season))
    ]  # fmt: skip


def _scaled(model: Any, parameters: Array, scale: float, season: str | None) -> Array:
    """Return parameters in units of the values' standard deviation."""
    return np.where(_in_units(model, season), parameters / scale, parameters)


def _unscaled(model: Any, parameters: Array, scale: float, season: str | None) -> Array:
    return np.where(_in_units(model, season), parameters * scale, parameters)


def _in_units(model: Any, season: str | None) -> NDArray[np.bool_]:
    """Return which parameters are in units of the values: the first level and trend, and an additive season."""
    return np.array([
        name in ("initial_level", "initial_trend") or (name.startswith("initial_seasonal") and season == "add")
        for name in model.param_names
    ])  # fmt: skip


def _parameter(model: Any, parameters: Array, name: str, absent: float = 0.0) -> float:
    return float(parameters[model.param_names.index(name)]) if name in model.param_names else absent


def _weights(model: Any, parameters: Array, shape: Shape, cycle: int, horizon: int) -> Array:
    """Return what an error adds to the mean 1, 2, ... periods later, shape (horizon - 1,)."""
    phi = _parameter(model, parameters, "damping_trend", 1.0)
    alpha, beta, gamma = (_parameter(model, parameters, f"smoothing_{n}") for n in ("level", "trend", "seasonal"))
    j = np.arange(1, horizon)
    trend = beta * np.cumsum(phi**j) if shape.trend else 0.0
    season = gamma * (j % cycle == 0) if shape.season else 0.0
    return np.asarray((alpha + trend + season) * np.ones(len(j)))


Matrices = tuple[Array, Array, Array, Array, Array, Array]


def _matrices(model: Any, parameters: Array, shape: Shape, cycle: int) -> Matrices:
    """Return how level and trend, and the season, are read, go on and take up an error of size one in proportion to the level: h, f, g of both.

    Level and trend go on as f1 x and take up g1 x; a season (newest first) as f2 s and g2 s.
    """
    phi = _parameter(model, parameters, "damping_trend", 1.0)
    alpha, beta, gamma = (_parameter(model, parameters, f"smoothing_{n}") for n in ("level", "trend", "seasonal"))
    if shape.trend:
        h1, f1 = np.array([1.0, phi]), np.array([[1.0, phi], [0.0, phi]])
        g1 = np.outer([alpha, beta], h1)
    else:
        h1, f1, g1 = np.ones(1), np.ones((1, 1)), np.full((1, 1), alpha)
    m = cycle if shape.season else 1
    h2, f2, g2 = np.zeros(m), np.roll(np.eye(m), 1, axis=0), np.zeros((m, m))
    h2[-1] = 1.0
    g2[0, -1] = gamma
    return h1, f1, g1, h2, f2, g2


def _last(smoothed: Any, shape: Shape, cycle: int) -> tuple[Array, Array]:
    """Return the last level and trend, and the season, newest first (1 for none)."""
    level = [float(smoothed.level[-1])] + ([float(smoothed.slope[-1])] if shape.trend else [])
    season = np.asarray(smoothed.season)[-cycle:][::-1] if shape.season else np.ones(1)
    return np.array(level), season


def _variance(matrices: Matrices, last: tuple[Array, Array], mean: Array, sigma2: float, shape: Shape) -> Array:
    """Return the variances of forecasts whose errors are in proportion to the level, shape (horizon,).

    Of an additive season by the recursion of Hyndman et al. (2008), class 2; of a multiplicative one from the second moments of the
    product of level and season, class 3.
    """
    h1, f1, g1, h2, f2, g2 = matrices
    if shape.season != "mul":
        return _second_class(matrices, mean, sigma2, shape)
    first = np.outer(last[0], last[1]).ravel()
    second = np.outer(first, first)
    read = np.kron(h1, h2)
    go, take, both = np.kron(f1, f2), np.kron(g1, g2), np.kron(f1, g2) + np.kron(g1, f2)
    found = np.empty(len(mean))
    for step in range(len(mean)):
        # y = (h1 x)(h2 s)(1 + e)
        found[step] = (1 + sigma2) * float(read @ second @ read) - float(read @ first) ** 2
        # products go on as (go + both e + take e^2), errors being normal: E e^2 = s2, E e^4 = 3 s2^2
        kept = go @ second @ go.T + sigma2 * (both @ second @ both.T + go @ second @ take.T + take @ second @ go.T)
        second = kept + 3 * sigma2**2 * (take @ second @ take.T)
        first = (go + sigma2 * take) @ first
    return np.maximum(found, 0.0)


def _second_class(matrices: Matrices, mean: Array, sigma2: float, shape: Shape) -> Array:
    h1, _, g1, _, _, g2 = matrices
    alpha = float(g1[0, 0])
    beta = float(g1[1, 0]) if shape.trend else 0.0
    phi = float(h1[1]) if shape.trend else 1.0
    cycle, gamma = len(g2), float(g2[0, -1]) if shape.season else 0.0
    j = np.arange(1, len(mean))
    c = (
        alpha + (beta * np.cumsum(phi**j) if shape.trend else 0.0) + (gamma * (j % cycle == 0) if shape.season else 0.0)
    ) * np.ones(len(j))
    theta = np.empty(len(mean))
    for step in range(len(mean)):
        theta[step] = mean[step] ** 2 + sigma2 * float((c[:step] ** 2) @ theta[:step][::-1])
    return np.asarray((1 + sigma2) * theta - mean**2)
