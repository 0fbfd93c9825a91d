"""Since when a KPI has another level: the number of shifts, when each was, how large, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.claims.claim import UNSETTLED, Claim
from xmresearch.claims.rules import sign
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.autoregressive_noise import Noise, estimated_phi
from xmresearch.monitoring.change_distributions import argmax_distribution, sup_f_chance
from xmresearch.monitoring.level_shifts import (
    Starts,
    best_shifts,
    between_neighbours,
    levels_fit,
    moved_to_best,
    one_shift,
)

Array = NDArray[np.float64]
DateInterval = Literal["likelihood", "bai"]
FEWEST_VALUES = 8
DRAWS = 999
ROUNDS = 3
EXACT = 1e-14
"""Share of the variance below which what is left is a matter of digits."""


@dataclass(frozen=True, repr=False)
class LevelChanges(Shown):
    """Levels of a series and when they changed.

    Attributes
    ----------
    table : DataFrame
        One row per change: start (first period of the new level), start_lower, start_upper (interval of that period), before, after
        (levels), shift, se, lower, upper, position (0-based), position_lower, position_upper.
    levels : DataFrame
        One row per level: first, last (periods), n, level, se.
    numbers : DataFrame
        One row per number of changes tried: changes, rss, bic, phi, starts (0-based).
    sup_f : float
        Largest F statistic of one change.
    p : float
        Of no change at all.
    phi : float
        Correlation of neighbouring periods about their levels; 0 where it was left out.
    level : float
        Of the intervals; and 1 - level is how often a change is found where there is none.
    """

    table: pd.DataFrame
    levels: pd.DataFrame
    numbers: pd.DataFrame
    sup_f: float
    p: float
    phi: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per change."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the number of changes, the last one's row, p and phi."""
        last = {} if self.table.empty else self.table.iloc[-1].to_dict()
        return {"changes": len(self.table), **last, "sup_f": self.sup_f, "p": self.p, "phi": self.phi}

    def _head(self) -> dict[str, Any]:
        return {k: v for k, v in self.summary().items() if not k.startswith("position")}

    def claim(self, name: str, **facts: Any) -> Claim:
        """Return the claim that the last change is a rise or a fall, with since when as its facts.

        Returns
        -------
        Claim
            Of kind sign: unsettled where no change was found.
        """
        if self.table.empty:
            made = Claim(name, "sign", UNSETTLED, "interval_excludes_zero", 1 - self.level, self.level)
            return made.about(p=self.p, **facts)
        row = self.table.iloc[-1]
        return sign(
            name, float(row["shift"]), float(row["lower"]), float(row["upper"]), confidence=self.level, since=row["start"],
            since_lower=row["start_lower"], since_upper=row["start_upper"], before=float(row["before"]),
            after=float(row["after"]), p=self.p, **facts,
        )  # fmt: skip


def level_changes(
    values: ArrayLike, *, periods: Sequence[Any] | None = None, weights: ArrayLike | None = None,
    positions: ArrayLike | None = None, autocorrelation: bool = True, most: int = 5, shortest: float = 0.15,
    changes: int | None = None, interval: DateInterval = "likelihood", confidence: float = 0.95, seed: int = 0,
) -> LevelChanges:  # fmt: skip
    """Find when the level of a series changed.

    Parameters
    ----------
    values : array_like
        Shape (n,), in order; NaN where a period has none. Without season (see `xmresearch.monitoring.seasons.season`) and without a steady
        trend, which is no change of level.
    periods : sequence, optional
        Their labels; positions by default.
    weights : array_like, optional
        Answers behind each value, shape (n,), above 0; equal by default.
    positions : array_like of int, optional
        Of the periods in time, shape (n,), rising, where some are left out; see `xmresearch.sufficient.calendar.position`.
    autocorrelation : bool
        Whether neighbouring periods may hang together. A chance run is then no change; without, intervals and p are those of independent
        periods.
    most : int
        Changes looked for.
    shortest : float
        Share of the series that a level lasts at least (below 1), or number of periods: no change is looked for nearer to either end.
    changes : int, optional
        Number of changes, where it is known; by default the one of smallest BIC, and none where p is above 1 - confidence.
    interval : {'likelihood', 'bai'}
        Of a change's date: all dates whose likelihood ratio is not too far from the best one's, which covers small shifts as well; or
        Bai's, which R's strucchange prints.
    confidence : float
        Level.
    seed : int
        Of the simulated series that p comes from where there is autocorrelation.

    Returns
    -------
    LevelChanges

    Raises
    ------
    DataError, InsufficientData
        Shapes do not fit, a weight is not above 0; too few values, or all alike.

    References
    ----------
    Andrews, D. W. K. (1993). Econometrica, 61, 821-856. Bai, J. (1997). Review of Economics and Statistics, 79, 551-563. Bai, J. & Perron,
    P. (2003). Journal of Applied Econometrics, 18, 1-22. Eo, Y. & Morley, J. (2015). Likelihood-ratio-based confidence sets for the timing
    of structural breaks. Quantitative Economics, 6, 463-497.
    """
    y, root, steps, kept = _given(values, weights, positions)
    labels = np.arange(len(kept)) if periods is None else np.array(list(periods), dtype=object)
    if len(labels) != len(kept):
        raise DataError("There must be one period for each value.")
    n = len(y)
    fewest = int(np.floor(shortest * n)) if shortest < 1 else int(shortest)
    if n < FEWEST_VALUES or not 2 <= fewest <= n // 2:
        raise InsufficientData(
            f"{n} value(s) are too few for levels of {fewest} periods.", "Give a longer series, or shorter levels."
        )
    if np.ptp(y) == 0:
        raise InsufficientData("All values are alike.", "A series without variation has no change to date.")
    fits = _fits(y, root, steps, most if changes is None else changes, fewest, autocorrelation)
    numbers = pd.DataFrame([f[:5] for f in fits], columns=["changes", "rss", "bic", "phi", "starts"])
    chosen = int(numbers["bic"].argmin()) if changes is None else changes
    if chosen >= len(fits):
        raise InsufficientData(f"{chosen} changes do not fit into {n} values.", "Ask for fewer, or shorter levels.")
    sup_f, p = _sup_f(y, root, steps, fits, max(chosen, 1), fewest, autocorrelation, seed)
    if changes is None and p > 1 - confidence:
        chosen = 0
    phi, starts = float(fits[chosen][3]), fits[chosen][4]
    noise = Noise(root, steps, np.array(phi))
    inside = np.array(labels, dtype=object)[kept]
    table, levels = _described(y, noise, starts, fewest, inside, np.flatnonzero(kept), confidence, interval)
    return LevelChanges(table, levels, numbers, sup_f, p, phi, confidence)


def _given(
    values: ArrayLike, weights: ArrayLike | None, positions: ArrayLike | None
) -> tuple[Array, Array, Array, Any]:
    y = np.asarray(values, dtype="float64")
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype="float64")
    at = np.arange(len(y)) if positions is None else np.asarray(positions, dtype="int64")
    if y.ndim != 1 or not len(y) == len(w) == len(at):
        raise DataError("There must be one weight and one position for each value.")
    kept = np.isfinite(y)
    if not (np.isfinite(w[kept]).all() and (w[kept] > 0).all()):
        raise DataError("A weight is not a positive number.", "Leave periods without answers blank.")
    if (np.diff(at) <= 0).any():
        raise DataError("Positions do not rise.", "Give periods in order, each once.")
    steps = np.diff(at[kept], prepend=at[kept][:1]).astype("float64")
    return y[kept], np.sqrt(w[kept] / w[kept].mean()), steps, kept


def _fits(
    y: Array, root: Array, steps: Array, most: int, fewest: int, autocorrelation: bool
) -> list[tuple[int, float, float, float, Starts]]:
    """Return for each number of changes the sum of squares, BIC, autocorrelation and starts."""
    found, n = [], len(y)
    independent = Noise(root, steps, np.array(0.0))
    for m, first in enumerate(best_shifts(y, independent, most, fewest)):
        phi, starts = 0.0, first
        for _ in range(ROUNDS if autocorrelation else 0):
            fitted = levels_fit(y, Noise(root, steps, np.array(phi)), starts)[1]
            phi = float(estimated_phi(y - fitted, root, steps, parameters=m + 1))
            again = moved_to_best(y, Noise(root, steps, np.array(phi)), starts, fewest)
            if again == starts:
                break
            starts = again
        noise = Noise(root, steps, np.array(phi))
        rss = max(levels_fit(y, noise, starts)[2], EXACT * n * float(y.var()))
        shape = -2 * float(np.log(noise.factor).sum()) - 2 * float(np.log(root).sum())
        # every change counts as a parameter, as do levels and the variance
        bic = n * (np.log(rss / n) + 1 + np.log(2 * np.pi)) + shape + np.log(n) * (2 * (m + 1) + autocorrelation)
        found.append((m, rss, float(bic), phi, starts))
    return found


def _sup_f(
    y: Array, root: Array, steps: Array, fits: list[tuple[int, float, float, float, Starts]], at: int, fewest: int,
    autocorrelation: bool, seed: int,
) -> tuple[float, float]:  # fmt: skip
    """Return the largest F statistic of one change, and p: of simulated series where there is autocorrelation."""
    n = len(y)
    statistic = float(_largest(y[None], root, steps, fewest, autocorrelation)[0])
    if not autocorrelation:
        return statistic, sup_f_chance(statistic, fewest / n)
    rng = np.random.default_rng(seed)
    drawn = Noise(root, steps, np.array(fits[min(at, len(fits) - 1)][3])).simulate(rng, DRAWS)
    beyond = int((_largest(drawn, root, steps, fewest, True) >= statistic).sum())
    return statistic, (beyond + 1) / (DRAWS + 1)


def _largest(y: Array, root: Array, steps: Array, fewest: int, autocorrelation: bool) -> Array:
    """Return the largest F statistic of one change of each series, with its own autocorrelation."""
    n = y.shape[-1]
    none, one = one_shift(y, Noise(root, steps, np.zeros(len(y))), fewest)
    if autocorrelation:
        of = np.arange(n) >= one.argmin(axis=-1)[:, None]
        w = root**2
        before, after = ((y * w * s).sum(axis=-1) / (w * s).sum(axis=-1) for s in (~of, of))
        residuals = y - np.where(of, after[:, None], before[:, None])
        phi = estimated_phi(residuals, root, steps, parameters=2)
        none, one = one_shift(y, Noise(root, steps, phi), fewest)
    best = np.maximum(one.min(axis=-1), EXACT * none)
    return np.asarray((none - best) / (best / (n - 2)))


def _described(
    y: Array, noise: Noise, starts: Starts, fewest: int, labels: NDArray[Any], places: NDArray[np.int64],
    confidence: float, interval: DateInterval,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    levels, fitted, rss, unscaled = levels_fit(y, noise, starts)
    freedom = len(y) - 2 * len(starts) - 1
    cov = unscaled * rss / freedom
    reach = float(stats.t.ppf(0.5 + confidence / 2, freedom))
    ends = [0, *starts, len(y)]
    rows = []
    for k, start in enumerate(starts):
        low, high = (
            _likely(y, noise, starts, k, fewest, rss / len(y), confidence) if interval == "likelihood"
            else _bai(y - fitted, noise, ends[k : k + 3], levels[k + 1] - levels[k], confidence)
        )  # fmt: skip
        low, high = max(low, ends[k] + 1), min(high, ends[k + 2] - 1)
        shift = levels[k + 1] - levels[k]
        se = float(np.sqrt(cov[k, k] + cov[k + 1, k + 1] - 2 * cov[k, k + 1]))
        rows.append(
            (labels[start], labels[low], labels[high], levels[k], levels[k + 1], shift, se, shift - reach * se,
             shift + reach * se, places[start], places[low], places[high])
        )  # fmt: skip
    names = ["start", "start_lower", "start_upper", "before", "after", "shift", "se", "lower", "upper", "position",
             "position_lower", "position_upper"]  # fmt: skip
    of_levels = pd.DataFrame(
        {"first": labels[ends[:-1]], "last": labels[[e - 1 for e in ends[1:]]], "n": np.diff(ends), "level": levels,
         "se": np.sqrt(np.diag(cov))}
    )  # fmt: skip
    return pd.DataFrame(rows, columns=names), of_levels


def _likely(
    y: Array, noise: Noise, starts: Starts, k: int, fewest: int, variance: float, confidence: float
) -> tuple[int, int]:
    """Return the first and last place of change k whose likelihood ratio does not exclude it."""
    _, one, first = between_neighbours(y, noise, starts, k, 1)
    bound = -2 * np.log(1 - np.sqrt(confidence))
    near = np.flatnonzero(one - one[starts[k] - first] <= bound * variance)
    return first + int(near[0]), first + int(near[-1])


def _bai(residuals: Array, noise: Noise, ends: list[int], shift: float, confidence: float) -> tuple[int, int]:
    """Return Bai's interval, with the spread on both sides as it is in the long run."""
    first, start, end = ends
    z = (noise.root * residuals) ** 2 / (1 - float(noise.phi)) * (1 + float(noise.phi))
    before, after = float(z[first:start].mean()), float(z[start:end].mean())
    tail, scale = (1 - confidence) / 2, before / shift**2

    def quantile(p: float, side: float) -> float:
        far = side
        while (argmax_distribution(far, after / before) - p) * side < 0:
            far *= 2
        return float(optimize.brentq(lambda x: argmax_distribution(x, after / before) - p, 0, far)) * scale

    return start - int(np.ceil(quantile(1 - tail, 1.0))), start - int(np.floor(quantile(tail, -1.0)))
