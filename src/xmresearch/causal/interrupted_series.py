"""A change everywhere at once: interrupted time series on statistics of periods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.interrupted_periods import MEASURES, labels, period_values, place
from xmresearch.causal.interrupted_result import InterruptedResult
from xmresearch.causal.segmented_regression import require_design
from xmresearch.causal.serial_errors import serial_posterior
from xmresearch.errors import DataError, InsufficientData, ParamsError, brief, nearest
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
FEWEST_SIDE, FEWEST_DRAWS = 8, 1000
MOST_PLACEBOS, PATH_DRAWS = 12, 4000


@on_one_thread
def interrupted(
    data: pd.DataFrame,
    *,
    outcome: str,
    time: str,
    start: Any,
    every: str | None = None,
    measure: str = "mean",
    season: float | None = None,
    harmonics: int = 2,
    covariates: Sequence[str] = (),
    controls: Sequence[str] = (),
    slope: bool = True,
    log: bool = False,
    confidence: float = 0.95,
    draws: int = 20_000,
    seed: int = 0,
) -> InterruptedResult:
    """Estimate what a change that came everywhere at once did, from the series before and after it.

    The series has a level, a straight trend, a season, covariates, and errors of which part persists from period to period
    (AR(1)) and part is noise of the period, the smaller the more rows it has. The change shifts the level and, with `slope`,
    the trend. Persistence and the persisting share are integrated out; see `serial_posterior`. Nothing tells the change from
    whatever else happened at that time: a comparison series (`controls`) does, or `did` where there are units without it.

    Parameters
    ----------
    data : DataFrame
        One row per respondent, or per period; rows without outcome or time are left out. Periods without rows are bridged.
    outcome, time : str
        Columns. `time` holds whole numbers of periods, or with `every` dates.
    start : object
        First period (or date) with the change.
    every : {'D', 'W', 'M', 'Q'}, optional
        Length of a period where `time` holds dates.
    measure : {'mean', 'nps', 'total'}
        What a period's value is: the mean (a share, of 0 and 1), the net promoter score of answers from 0 to 10, or the total,
        such as a count.
    season : float, optional
        Periods in a season, such as 7, 12 or 365.25.
    harmonics : int
        Pairs of sine and cosine that draw it.
    covariates, controls : sequence of str
        Columns of what moves the series without being moved by the change: holidays, prices; and comparison series. Averaged
        over a period's rows.
    slope : bool
        Whether the change may bend the trend besides shifting the level.
    log : bool
        Whether trend and effect multiply; values must be above 0.
    confidence : float
        Level of the intervals.
    draws : int
        Posterior draws.
    seed : int
        Of the draws.

    Returns
    -------
    InterruptedResult

    Raises
    ------
    DataError
        A column is missing or not as it should be, or terms depend on each other.
    InsufficientData
        Fewer than eight periods lie before the change or two from it on, or periods are too few for the terms.
    ParamsError
        An option is wrong.

    References
    ----------
    Brodersen, K. H. et al. (2015). Inferring causal impact using Bayesian structural time-series models. Annals of Applied
    Statistics, 9, 247-274.

    Lopez Bernal, J., Cummins, S. & Gasparrini, A. (2017). Interrupted time series regression for the evaluation of public
    health interventions: a tutorial. International Journal of Epidemiology, 46, 348-355.
    """
    _require_options(measure, season, harmonics, confidence, draws)
    columns = [*covariates, *controls]
    periods = period_values(data, outcome, time, every, measure, columns)
    at = periods.index.to_numpy(dtype=np.int64)
    first = place(start, every)
    before, after = int((at < first).sum()), int((at >= first).sum())
    if before < FEWEST_SIDE or after < 2:
        raise InsufficientData(
            f"{before} period(s) lie before the change and {after} from it on.",
            f"It takes {FEWEST_SIDE} before and 2 after; check `start`, or take shorter periods.",
        )
    y = periods["value"].to_numpy(dtype=float)
    if log and y.min() <= 0:
        raise DataError("A period's value is 0 or below.", "Leave `log` out, or take longer periods.")
    values = np.log(y) if log else y
    base, names = _terms(at, first, season, harmonics, periods[columns])
    noise = np.ones(len(at)) if measure == "total" else 1 / periods["n"].to_numpy(dtype=float)
    change = _change(at, first, slope)
    design = np.column_stack([base, change])
    require_design(design, values, [*names, "change", "change of trend"][: design.shape[1]])
    rng = np.random.default_rng(seed)
    found = serial_posterior(design, values, np.diff(at, prepend=at[0]), noise)
    sample = found.draws(draws, rng)
    since = at >= first
    shift = sample[:, base.shape[1] :] @ change[since].T
    tail = (1 - confidence) / 2
    ends = [tail, 1 - tail]
    expected = sample[:PATH_DRAWS, : base.shape[1]] @ base.T
    gain = y[since] * -np.expm1(-shift) if log else shift
    without = (y[since] - gain).sum(axis=1)
    told = {
        "first": gain[:, 0], "mean": gain.mean(axis=1), "last": gain[:, -1], "cumulative": gain.sum(axis=1),
        "shift": shift.mean(axis=1), "relative": _relative(gain.sum(axis=1), without, measure),
    }  # fmt: skip
    return InterruptedResult(
        effects=_effects(told, ends),
        series=_series(periods, every, y, expected, gain[:PATH_DRAWS], ends, log),
        placebo=_placebos(at[:before], values[:before], noise[:before], base[:before], slope, every, confidence, draws, rng),
        autocorrelation=found.autocorrelation(), before=before, after=after, missing=int(at[-1] - at[0] + 1 - len(at)),
        measure=measure, controls=len(controls), logged=log, bend_seen=_bend(base[:before], values[:before], at[:before]),
        distance=float((at[since] - first + 1).mean()), confidence=confidence,
    )  # fmt: skip


def _relative(gain: Array, without: Array, measure: str) -> Array:
    """Return the effect over what would have been; missing where that has no zero to be a share of."""
    meaningless = measure == "nps" or (without <= 0).any()
    return np.full(len(gain), np.nan) if meaningless else gain / without


def _effects(told: dict[str, Array], ends: list[float]) -> pd.DataFrame:
    rows = []
    for name, sample in told.items():
        low, high = np.quantile(sample, ends)
        known = bool(np.isfinite(sample).all())
        rows.append((name, sample.mean(), sample.std(ddof=1), low, high, (sample > 0).mean() if known else np.nan))
    return pd.DataFrame(rows, columns=["effect", "estimate", "sd", "ci_lower", "ci_upper", "p_positive"])


def _series(
    periods: pd.DataFrame, every: str | None, y: Array, expected: Array, gain: Array, ends: list[float], log: bool
) -> pd.DataFrame:
    drawn = np.exp(expected) if log else expected
    low, high = np.quantile(drawn, ends, axis=0)
    blank = np.full(len(y) - gain.shape[1], np.nan)
    effect = np.vstack([gain.mean(axis=0), np.quantile(gain, ends, axis=0)])
    return pd.DataFrame({
        "time": labels(periods.index, every), "n": periods["n"].to_numpy(), "observed": y, "counterfactual": drawn.mean(axis=0),
        "cf_lower": low, "cf_upper": high,
        **{name: np.concatenate([blank, v]) for name, v in zip(("effect", "ci_lower", "ci_upper"), effect, strict=True)},
    })  # fmt: skip


def _terms(
    at: Whole, first: int, season: float | None, harmonics: int, others: pd.DataFrame
) -> tuple[Array, list[str]]:
    """Return level, trend, season and covariates, shape (n, k), and what they are."""
    since = (at - first).astype(float)
    columns, names = [np.ones(len(at)), since], ["level", "trend"]
    for h in range(1, harmonics + 1 if season is not None else 1):
        turn = 2 * np.pi * h * since / float(season or 1)
        waves = [np.cos(turn)] if 2 * h == season else [np.cos(turn), np.sin(turn)]
        columns += waves
        names += [f"season {h}"] * len(waves)
    values = others.to_numpy(dtype=float)
    return np.column_stack([*columns, values - values.mean(axis=0)]), [*names, *(brief(c) for c in others.columns)]


def _change(at: Whole, first: int, slope: bool) -> Array:
    since = (at >= first).astype(float)
    return np.column_stack([since, since * (at - first)]) if slope else since[:, None]


def _bend(base: Array, values: Array, at: Whole) -> float:
    """Return by how much the trend changed by itself half way through the time before."""
    kink = np.maximum(at - np.median(at), 0.0)
    return float(abs(np.linalg.lstsq(np.column_stack([base, kink]), values, rcond=None)[0][-1]))


def _placebos(
    at: Whole, values: Array, noise: Array, base: Array, slope: bool, every: str | None, level: float, draws: int, rng: np.random.Generator
) -> pd.DataFrame:  # fmt: skip
    """Return the shifts of changes at dates where there was none; their intervals hold all at once (Bonferroni)."""
    least = max(FEWEST_SIDE, base.shape[1] + 2)
    if len(at) < 2 * least:
        return pd.DataFrame(columns=["time", "estimate", "ci_lower", "ci_upper", "beyond"])
    places = np.unique(np.linspace(least, len(at) - least, MOST_PLACEBOS).astype(int))
    tail = (1 - level) / 2 / len(places)
    rows = []
    for fake in places:
        change = _change(at, int(at[fake]), slope)
        design = np.column_stack([base, change])
        size = np.linalg.norm(design, axis=0)
        if (size == 0).any() or np.linalg.matrix_rank(design / size, tol=1e-9 * np.sqrt(len(at))) < design.shape[1]:
            continue
        found = serial_posterior(design, values, np.diff(at, prepend=at[0]), noise)
        sample = found.draws(draws, rng)[:, base.shape[1] :] @ change[fake:].mean(axis=0)
        low, high = np.quantile(sample, [tail, 1 - tail])
        rows.append((labels(at[fake : fake + 1], every)[0], sample.mean(), low, high, bool(low > 0 or high < 0)))
    return pd.DataFrame(rows, columns=["time", "estimate", "ci_lower", "ci_upper", "beyond"])


def _require_options(measure: str, season: float | None, harmonics: int, confidence: float, draws: int) -> None:
    if measure not in MEASURES:
        raise ParamsError(f"There is no measure '{brief(measure)}'.", nearest(measure, MEASURES))
    if season is not None and not (np.isfinite(season) and season >= 2 and 1 <= harmonics <= season / 2):
        raise ParamsError(
            f"season is {season:g}, harmonics {harmonics}.",
            "A season has 2 periods or more, and harmonics up to half of them.",
        )
    if not 0.5 <= confidence < 1 or draws < FEWEST_DRAWS:
        raise ParamsError(
            f"confidence is {confidence:g}, draws {draws}.", f"Level from 0.5 to 1, {FEWEST_DRAWS} draws or more."
        )
