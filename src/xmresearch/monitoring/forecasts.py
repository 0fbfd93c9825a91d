"""What comes next: a KPI's forecast with intervals, by the model that has foretold the series' own past best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.monitoring.decomposed_models import stl_smoothing, theta
from xmresearch.monitoring.forecast_models import LONGEST_CYCLE, chosen_arima, seasonal_naive
from xmresearch.monitoring.forecast_parts import Ahead, Fitted
from xmresearch.monitoring.forecast_scales import Scale, on_scale
from xmresearch.monitoring.holt_winters_filter import holt_winters
from xmresearch.monitoring.seasonal_parts import decomposed
from xmresearch.monitoring.smoothing_models import additive_smoothing, chosen_smoothing

Array = NDArray[np.float64]
FEWEST_VALUES, FEWEST_FIRST = 20, 10
FIRST_SHARE, MOST_ORIGINS = 0.5, 60
WIDENED = 0.75
"""How far intervals go towards the spread of past errors: all the way would take over its chance."""
MODELS: Mapping[str, Callable[[Array, int], Fitted]] = MappingProxyType({
    "arima": chosen_arima, "smoothing": chosen_smoothing, "naive": seasonal_naive, "theta": theta, "stl": stl_smoothing,
    "holt_winters": holt_winters, "additive_smoothing": additive_smoothing,
})  # fmt: skip
COMPARED = ("arima", "smoothing", "naive")
"""Models of which the one that has foretold the past best is chosen, where none is asked for."""


@dataclass(frozen=True, repr=False)
class Forecast(Shown):
    """A forecast.

    Attributes
    ----------
    table : DataFrame
        One row per period to come: step (from 1), forecast (its median), and for each level lower80, upper80, lower95, upper95.
    models : DataFrame
        One row per model: model, name (as fitted to the whole series), mase, interval_score (mean over the levels, in units of the KPI; less is
        better), cover80, cover95 (share of past values within the intervals made before them), forecasts (how many that comes from),
        origins, chosen.
    coverage : DataFrame
        Of the chosen model's past forecasts: level, covered, n, share, lower, upper (Wilson's interval, with only as many answers as there
        are stretches that do not overlap), widened (what the intervals to come are wider by, as those of the past missed too often).
    cycle : int
        Periods of a season; 1 for none.
    scale : str
        level, log or share: where the model was fitted.
    n : int
        Values.
    ahead : Ahead
        The forecast where the model was fitted, its standard errors widened.
    warnings : tuple of str
        What a reader must know.
    """

    table: pd.DataFrame
    models: pd.DataFrame
    coverage: pd.DataFrame
    cycle: int
    scale: Scale
    n: int
    ahead: Ahead
    warnings: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per period to come."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the chosen model, its scores, and the coverage of its intervals in the past."""
        row = self.models[self.models["chosen"]].iloc[0]
        return {
            "model": row["name"], "mase": row["mase"], "interval_score": row["interval_score"], "cover80": row["cover80"],
            "cover95": row["cover95"], "origins": int(row["origins"]), "n": self.n, "cycle": self.cycle, "scale": self.scale,
        }  # fmt: skip

    def chance_above(self, value: float) -> pd.DataFrame:
        """Return the probability that each period to come lies above a value, such as a target: step, chance.

        Raises
        ------
        DataError
            The scale cannot have the value.
        """
        inside = {"level": np.isfinite(value), "log": value > 0, "share": 0 < value < 1}[self.scale]
        if not inside:
            raise DataError(f"{value:g} is no value that the forecast can have.", "Shares lie between 0 and 1.")
        there = {"level": float, "log": np.log, "share": special.logit}[self.scale](value)
        chance = stats.t.sf((there - self.ahead.mean) / self.ahead.se, self.ahead.df)
        return pd.DataFrame({"step": self.table["step"], "chance": chance})

    def _head(self) -> dict[str, Any]:
        return self.summary()


def forecast(
    values: ArrayLike, *, horizon: int, n: ArrayLike | None = None, cycle: int = 1, scale: Scale | None = None,
    levels: Sequence[float] = (0.80, 0.95), model: str | None = None,
) -> Forecast:  # fmt: skip
    """Foretell a series.

    Parameters
    ----------
    values : array_like
        Shape (periods,), evenly spaced, in order; NaN where a period has none. Of shares, counts of answers of the kind where `n` is given.
    horizon : int
        Periods to come.
    n : array_like, optional
        Answers of each period, shape (periods,): values are then counts of a share.
    cycle : int
        Periods of a season: 7 of days, 12 of months; 1 for none.
    scale : {'level', 'log', 'share'}, optional
        Where the model is fitted: as it is, in logs (values above 0), or in log odds, which keeps shares within 0 and 1. By default share where
        `n` is given, otherwise level.
    levels : sequence of float
        Of the intervals.
    model : {'arima', 'smoothing', 'naive', 'theta', 'stl', 'holt_winters', 'additive_smoothing'}, optional
        By default the one of the first three with the smallest interval score.

    Returns
    -------
    Forecast

    Raises
    ------
    DataError, InsufficientData
        A value does not fit the scale; too few values, or all alike.

    Notes
    -----
    Each model is chosen and fitted on the first half of the series, and then foretells the rest from one origin after the other with those
    parameters; what is shown is fitted to the whole. Intervals are widened, never narrowed, most of the way to the spread that errors have had
    in the past: a search among models leaves itself out of its intervals. MASE is the mean absolute error over that of the seasonal naive forecast within the
    first half.

    References
    ----------
    Hyndman, R. J. & Koehler, A. B. (2006). Another look at measures of forecast accuracy. International Journal of Forecasting, 22, 679-688.
    Gneiting, T. & Raftery, A. E. (2007). Strictly proper scoring rules. JASA, 102, 359-378. Tashman, L. J. (2000). Out-of-sample tests of
    forecasting accuracy. International Journal of Forecasting, 16, 437-450.
    """
    if horizon < 1 or cycle < 1:
        raise DataError("horizon and cycle must be at least 1.")
    if model is not None and model not in MODELS:
        raise DataError(f"There is no model '{model}'.", f"Models are {', '.join(MODELS)}.")
    scale = scale or ("level" if n is None else "share")
    y, notes = on_scale(values, n, scale)
    if len(y) < max(FEWEST_VALUES, 2 * cycle if cycle > 1 else 0):
        raise InsufficientData(
            f"{len(y)} value(s) are too few to forecast a series with a season of {cycle}.",
            f"Give {max(FEWEST_VALUES, 2 * cycle)} or more, or a cycle of 1.",
        )
    if np.ptp(y) == 0:
        raise InsufficientData("All values are alike.", "A series without variation has no forecast interval.")
    back = {"level": lambda v: v, "log": np.exp, "share": special.expit}[scale]
    first = _first_origin(y, cycle)
    rows, scored, widths = [], {}, {}
    wanted = list(COMPARED) if model is None else [model]
    if scale != "level":  # where errors in proportion to the level would be in proportion to a logarithm
        wanted = ["additive_smoothing" if name == "smoothing" else name for name in wanted]
    for name in wanted:
        past = _past(y, first, horizon, cycle, name)
        widths[name] = _widened(y, past)
        scored[name] = _scores(y, past, back, first, cycle, levels)
    if first < len(y):
        best = min(wanted, key=lambda name: float(scored[name]["interval_score"]))
    else:
        best = wanted[-1]
        notes += ("The series is too short to see how a forecast would have done in its past.",)
    for name in wanted:
        rows.append({"model": name, **scored[name], "chosen": name == best})
    fits = {name: _fitted(y, cycle, name) for name in wanted}
    models = pd.DataFrame([{**row, "name": fits[row["model"]].name} for row in rows])
    plain = fits[best].ahead(y, horizon)
    ahead = Ahead(plain.mean, widths[best] * plain.se, plain.df)
    table = _intervals(ahead, back, levels)
    table.insert(0, "step", np.arange(1, horizon + 1))
    if not fits[best].converged:
        notes += ("The search of the model's parameters did not come to an end.",)
    chosen = scored[best]
    independent = max(chosen["forecasts"] / min(horizon, max(chosen["origins"], 1)), 0.0)
    past_rows = []
    for level in levels:
        share = chosen[_cover(level)]
        low, high = share_interval(share * independent, independent) if independent else (np.nan, np.nan)
        past_rows.append(
            (level, share * chosen["forecasts"], chosen["forecasts"], share, float(low), float(high), widths[best])
        )
    coverage = pd.DataFrame(past_rows, columns=["level", "covered", "n", "share", "lower", "upper", "widened"])
    return Forecast(table, models, coverage, cycle, scale, len(y), ahead, notes)


def _first_origin(y: Array, cycle: int) -> int:
    """Return how many values models are chosen on for the past: half of them, or more until they vary, and not only by the season."""
    first = max(int(np.ceil(FIRST_SHARE * len(y))), 2 * cycle if cycle > 1 else 0, FEWEST_FIRST)
    varies = np.flatnonzero(np.diff(y)), np.flatnonzero(y[cycle:] - y[:-cycle])
    if not all(len(v) for v in varies):
        raise InsufficientData("The series repeats itself exactly.", "Without variation there is no forecast interval.")
    return min(max(first, int(varies[0][0]) + 3, int(varies[1][0]) + cycle + 3), len(y))


def _fitted(y: Array, cycle: int, name: str) -> Fitted:
    """Fit a model; a season longer than models carry is taken out first and put back."""
    if cycle <= LONGEST_CYCLE or name == "naive":
        return MODELS[name](y, cycle)
    season = decomposed(y, cycle)[1]
    fit = MODELS[name](y - season, 1)

    def ahead(known: Array, horizon: int) -> Ahead:
        of = np.arange(len(known) + horizon) % cycle
        found = fit.ahead(known - season[of[: len(known)]], horizon)
        return Ahead(found.mean + season[of[len(known) :]], found.se, found.df)

    return Fitted(f"season + {fit.name}", fit.aicc, ahead, fit.parameters, fit.converged)


def _past(y: Array, first: int, horizon: int, cycle: int, name: str) -> list[tuple[int, Ahead]]:
    """Return what the model would have said at origins of the second half."""
    last = len(y) - 1
    if first > last:
        return []
    fit = _fitted(y[:first], cycle, name)
    origins = np.unique(np.linspace(first, last, min(MOST_ORIGINS, last - first + 1)).round().astype(int))
    return [(int(o), fit.ahead(y[:o], min(horizon, len(y) - int(o)))) for o in origins]


def _widened(y: Array, past: list[tuple[int, Ahead]]) -> float:
    """Return what intervals are widened by, from the errors of forecasts of the past over what they promised."""
    if not past:
        return 1.0
    squares = [((y[o : o + len(a.mean)] - a.mean) / a.se) ** 2 * (max(a.df - 2, 1) / max(a.df, 3)) for o, a in past]
    return max(1.0, 1.0 + WIDENED * (float(np.sqrt(np.concatenate(squares).mean())) - 1.0))


def _intervals(ahead: Ahead, back: Callable[[Array], Array], levels: Sequence[float]) -> pd.DataFrame:
    columns = {"forecast": back(ahead.mean)}
    for level in levels:
        reach = stats.t.ppf(0.5 + level / 2, ahead.df) * ahead.se
        columns[f"lower{100 * level:g}"] = back(ahead.mean - reach)
        columns[f"upper{100 * level:g}"] = back(ahead.mean + reach)
    return pd.DataFrame(columns)


def _cover(level: float) -> str:
    return f"cover{100 * level:g}"


def _scores(
    y: Array, past: list[tuple[int, Ahead]], back: Callable[[Array], Array], first: int, cycle: int,
    levels: Sequence[float],
) -> dict[str, Any]:  # fmt: skip
    """Return MASE, the mean interval score and the coverage of forecasts of the past."""
    if not past:
        return {
            "mase": np.nan,
            "interval_score": np.nan,
            **{_cover(v): np.nan for v in levels},
            "forecasts": 0,
            "origins": 0,
        }
    true = back(y)
    known = true[:first]
    usual = float(np.abs(known[cycle:] - known[:-cycle]).mean())
    tables = pd.concat([_intervals(a, back, levels).assign(true=true[o : o + len(a.mean)]) for o, a in past])
    x = tables["true"].to_numpy()
    scores, covered = [], {}
    for level in levels:
        low, high = (tables[f"{end}{100 * level:g}"].to_numpy() for end in ("lower", "upper"))
        beyond = np.maximum(low - x, 0) + np.maximum(x - high, 0)
        scores.append((high - low + 2 / (1 - level) * beyond).mean())
        covered[_cover(level)] = float((beyond == 0).mean())
    error = float(np.abs(tables["forecast"] - x).mean())
    return {
        "mase": error / usual if usual > 0 else np.nan, "interval_score": float(np.mean(scores)), **covered,
        "forecasts": len(tables), "origins": len(past),
    }  # fmt: skip
