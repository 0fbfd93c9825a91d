"""A chart on what season and yesterday do not tell: residuals of a seasonal and autoregressive model of the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.baseline_errors import NormalProcess
from xmresearch.monitoring.control_chart import ControlChart, assemble, frame_of

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_LAG = 0.98
"""Largest autocorrelation that a stationary baseline is taken to have."""
GRID = np.concatenate([[-0.9, -0.6, -0.3], np.arange(0, 0.95, 0.1), [0.95, MOST_LAG]])
SERIES = 300
"""Simulated for each true autocorrelation of the grid, to see what short series make of it."""
NOTHING = 1e-9
"""Spread in units of the largest value below which it is rounding."""
PER_SEASON = 2
"""Fewest periods of the baseline in each season."""


@dataclass(frozen=True, repr=False)
class ResidualChart(Shown):
    """A chart whose centre moves with season and with the period before.

    Attributes
    ----------
    chart : ControlChart
        Of kind residual: centre is what was expected of the period, sigma the spread about that.
    seasons : DataFrame
        One row per season: season, level, n (periods of the baseline).
    autocorrelation : float
        Of successive deviations from the seasons' levels; 0 where it was left out.
    baseline_seasons : ndarray
        Season of each period of the baseline, shape (baseline,).
    baseline_n : ndarray
        Answers of each, shape (baseline,).
    lagged : bool
        Whether the autocorrelation was estimated.
    level : ndarray
        Of the season of each period, shape (periods,); NaN where the baseline does not have it.
    weight : ndarray
        Answers behind the figure of each period, shape (periods,); 0 where it has none.
    spread : float
        Standard deviation of a figure about its level, of one answer.
    """

    chart: ControlChart
    seasons: pd.DataFrame
    autocorrelation: float
    baseline_seasons: NDArray[np.int64]
    baseline_n: Array
    lagged: bool
    level: Array
    weight: Array
    spread: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per period, as `ControlChart` has them."""
        return self.chart.table

    def summary(self) -> dict[str, Any]:
        """Return the chart's summary with the autocorrelation and the number of seasons."""
        return {**self.chart.summary(), "autocorrelation": self.autocorrelation, "seasons": len(self.seasons)}

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def process(self, *, draws: int = 500, seed: int = 0) -> NormalProcess:
        """Return where points fall on charts that other baselines would have given, for `alarm_rules`.

        Parameters
        ----------
        draws : int
            Baselines drawn from the model as it was estimated; each is fitted anew.
        seed : int
            Of the draws.

        Returns
        -------
        NormalProcess
        """
        phi, codes, n = self.autocorrelation, self.baseline_seasons, self.baseline_n
        z = _autoregressive(phi, np.random.default_rng(seed).standard_normal((draws, len(codes))))
        # in units of the spread of one answer, in which seasons' levels are weighted by answers
        root = np.sqrt(n)
        levels = _levels(z / root, n, codes, int(codes.max()) + 1)
        deviations = _deviations(z / root, n, codes)
        joined = np.ones(len(codes) - 1, dtype=bool)
        found = np.zeros(draws)
        if self.lagged:
            found = np.interp(_raw(deviations, joined), *_unbiased(codes, n, joined))
        spread = _residuals(deviations, found, joined, levels.shape[1] + int(self.lagged))
        true = np.sqrt(1 - phi**2)
        pairs = np.stack([codes[1:], codes[:-1]])
        typical = float(np.sqrt(np.median(n)))
        offset = -(levels[:, pairs[0]] - found[:, None] * levels[:, pairs[1]]) * typical / spread[:, None]
        # the deviation before is a draw as well: what is wrong with its coefficient adds to the spread
        wide = np.sqrt(true**2 + (phi - found) ** 2) / spread
        keys, inverse, counts = np.unique(pairs, axis=1, return_inverse=True, return_counts=True)
        first = np.array([np.flatnonzero(inverse.ravel() == k)[0] for k in range(keys.shape[1])])
        return NormalProcess(offset[:, first], wide[:, None], counts / counts.sum())


def residual_chart(
    values: ArrayLike, *, n: ArrayLike | None = None, season: ArrayLike | None = None, lagged: bool = True,
    periods: ArrayLike | None = None, baseline: ArrayLike | None = None,
) -> ResidualChart:  # fmt: skip
    """Chart a figure against what its season and the period before let expect.

    Parameters
    ----------
    values : array_like
        Figures by period in the order of time, shape (periods,); NaN is a period without data.
    n : array_like, optional
        Answers behind each, shape (periods,): the variance of a figure is taken to fall with them; alike if absent.
    season : array_like, optional
        Season of each period, shape (periods,): day of the week, month, holiday; one level for all if absent. A period whose season the
        baseline does not have is not judged.
    lagged : bool
        Whether the deviation of the period before is taken into account.
    periods, baseline
        As for `p_chart`.

    Returns
    -------
    ResidualChart

    Raises
    ------
    DataError
        Arrays that differ in length.
    InsufficientData
        A baseline that does not tell levels, autocorrelation and spread.

    References
    ----------
    Alwan, L. C. & Roberts, H. V. (1988). Time-series modeling for statistical process control. Journal of Business & Economic Statistics,
    6, 87-95. Marriott, F. H. C. & Pope, J. A. (1954). Bias in the estimation of autocorrelations. Biometrika, 41, 390-402.
    """
    y = np.asarray(values, dtype="float64")
    sizes = np.ones(y.shape) if n is None else np.asarray(n, dtype="float64")
    labels = np.zeros(y.shape, dtype="int64") if season is None else np.asarray(season)
    if y.ndim != 1 or sizes.shape != y.shape or labels.shape != y.shape:
        raise DataError("Values, answers and seasons differ in number.", "Give one of each per period.")
    filled = np.isfinite(y) & (sizes > 0)
    frame = frame_of(filled, periods=periods, phases=None, baseline=baseline, known=False)
    at = frame.within(0)
    names, codes = np.unique(labels[at], return_inverse=True)
    counts = np.bincount(codes)
    if (counts < PER_SEASON).any() or len(at) < len(names) + 3:
        raise InsufficientData(
            f"The baseline has {len(at)} periods in {len(names)} seasons, some with fewer than {PER_SEASON}.",
            "Give a longer baseline, or fewer seasons.",
        )
    level = _levels(y[at][None, :], sizes[at], codes, len(names))[0]
    known = {name: k for k, name in enumerate(names.tolist())}
    of = np.array([known.get(name, -1) for name in labels.tolist()])
    root = np.sqrt(np.where(filled, sizes, 1.0))
    deviation = np.where(filled & (of >= 0), (y - level[of]) * root, np.nan)
    there = np.diff(at) == 1
    base = deviation[at][None, :]
    phi = float(np.interp(_raw(base, there)[0], *_unbiased(codes, sizes[at], there))) if lagged and there.any() else 0.0
    spread = float(_residuals(base, np.array([phi]), there if there.any() else ~there, len(names) + int(lagged))[0])
    if not spread > NOTHING * float(np.abs(y[at] * root[at]).max()):
        raise InsufficientData(
            "All values of the baseline are as their season has them: they do not tell how they vary.",
            "Give a longer baseline.",
        )
    before = np.concatenate([[np.nan], deviation[:-1]])
    follows = np.isfinite(before)
    centre = np.where(of >= 0, level[of], np.nan) + np.where(follows, phi * np.nan_to_num(before), 0.0) / root
    sigma = spread * np.where(follows, 1.0, 1 / np.sqrt(1 - phi**2)) / root
    judged = filled & (of >= 0)
    frame = frame_of(judged, periods=periods, phases=None, baseline=baseline, known=False)
    chart = assemble(frame, "residual", np.where(filled, sizes, 0.0), y, centre, sigma, known=False)
    seasons = pd.DataFrame({"season": names, "level": level, "n": counts})
    own, weight = np.where(of >= 0, level[of], np.nan), np.where(judged, sizes, 0.0)
    return ResidualChart(
        chart, seasons, phi, codes.astype("int64"), sizes[at], lagged, own, weight, spread / float(np.sqrt(1 - phi**2))
    )


def _levels(y: Array, n: Array, codes: NDArray[np.int64], size: int) -> Array:
    """Return weighted means by season, shape (series, seasons)."""
    one = np.zeros((len(codes), size))
    one[np.arange(len(codes)), codes] = n
    return np.asarray(y @ (one / one.sum(axis=0)))


def _residuals(z: Array, phi: Array, pairs: Flags, lost: int) -> Array:
    """Return the spread of what the period before does not tell, shape (series,)."""
    rest = (z[:, 1:] - phi[:, None] * z[:, :-1])[:, pairs]
    return np.asarray(np.sqrt((rest**2).sum(axis=1) / max(rest.shape[1] - lost, 1)))


def _raw(z: Array, pairs: Flags) -> Array:
    """Return the autocorrelation of successive deviations from fitted levels, shape (series,)."""
    products = (z[:, 1:] * z[:, :-1])[:, pairs].mean(axis=1)
    return np.asarray(products / np.maximum((z**2).mean(axis=1), 1e-300))


def _autoregressive(phi: float, z: Array) -> Array:
    """Return series with an autocorrelation and variance 1, made of independent normal ones."""
    rest = np.sqrt(1 - phi**2)
    first = np.concatenate([z[:, :1] / rest, z[:, 1:]], axis=1)
    return np.asarray(signal.lfilter([rest], [1.0, -phi], first, axis=1))


def _unbiased(codes: NDArray[np.int64], n: Array, pairs: Flags) -> tuple[Array, Array]:
    """Return which raw autocorrelation, on average, belongs to which true one, where levels are fitted to the same series."""
    z = np.random.default_rng(0).standard_normal((SERIES, len(codes)))
    root = np.sqrt(n)
    found = []
    for phi in GRID:
        series = _autoregressive(phi, z)
        found.append(float(np.median(_raw(_deviations(series / root, n, codes), pairs))))
    return np.maximum.accumulate(np.array(found) + 1e-9 * np.arange(len(GRID))), GRID


def _deviations(y: Array, n: Array, codes: NDArray[np.int64]) -> Array:
    """Return standardised deviations from fitted levels, shape (series, periods)."""
    return (y - _levels(y, n, codes, int(codes.max()) + 1)[:, codes]) * np.sqrt(n)
