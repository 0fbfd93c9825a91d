"""How many counters it takes, with days on which more people come than on others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.queue_formulas import queue

Array = NDArray[np.float64]
PRIOR = 0.5
MOST_COUNTERS = 1000
FEWEST_DAYS = 2


@dataclass(frozen=True, repr=False)
class Arrivals(Shown):
    """How many people come in an hour (or any stretch) of a day, and how that differs from day to day.

    Attributes
    ----------
    mean, lower, upper : float
        Per stretch, with its interval.
    dispersion : float
        Variance of days over what chance alone would give; 1 where days do not differ beyond it.
    days : int
        Counted.
    level : float
        Of the interval.
    rates : ndarray
        Drawn rates of days to come, shape (draws,): what is not known of the mean, and what days differ by.
    means : ndarray
        Drawn means, shape (draws,).
    """

    mean: float
    lower: float
    upper: float
    dispersion: float
    days: int
    level: float
    rates: Array
    means: Array

    def summary(self) -> dict[str, Any]:
        """Return mean, interval, dispersion and days."""
        return {k: getattr(self, k) for k in ("mean", "lower", "upper", "dispersion", "days", "level")}

    def _head(self) -> dict[str, Any]:
        return self.summary()


@dataclass(frozen=True, repr=False)
class CountersNeeded(Shown):
    """How many counters it takes.

    Attributes
    ----------
    table : DataFrame
        One row per number of counters: counters, within (share served in time over all days to come), within_lower, within_upper (of the mean
        day, as the mean is not known exactly), days_met (share of days on which the target is met), waits, leaves.
    counters : int
        The fewest by which the promised share of people is served in time over all days.
    lower, upper : int
        Its interval, as the mean of arrivals is not known exactly.
    on_most_days : int
        The fewest by which the target is met on that share of days.
    at_the_mean : int
        What it would take if every day were the mean one.
    target, share : float
        Time, and the share of people that should be served within it.
    level : float
        Of the interval.
    """

    table: pd.DataFrame
    counters: int
    lower: int
    upper: int
    on_most_days: int
    at_the_mean: int
    target: float
    share: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per number of counters."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the numbers of counters and what they are for."""
        return {
            k: getattr(self, k) for k in ("counters", "lower", "upper", "on_most_days", "at_the_mean", "target", "share", "level")
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()


def arrivals(counts: ArrayLike, *, draws: int = 400, confidence: float = 0.95, seed: int = 0) -> Arrivals:
    """Estimate the rate of arrivals from counts of days.

    Parameters
    ----------
    counts : array_like
        People in the same stretch of different days, shape (days,): give each hour, and weekdays and weekends, apart.
    draws : int
        Of the posterior.
    confidence : float
        Level.
    seed : int
        Of the draws.

    Returns
    -------
    Arrivals
        Gamma posterior of the mean under Jeffreys' prior, its information divided by the dispersion; days to come have gamma rates with the
        variance that the counts have beyond chance.

    Raises
    ------
    DataError, InsufficientData
        A count is negative or not whole; fewer than two days.

    References
    ----------
    Jongbloed, G. & Koole, G. (2001). Managing uncertainty in call centres using Poisson mixtures. Applied Stochastic Models in Business and
    Industry, 17, 307-318.
    """
    x = np.asarray(counts, dtype="float64")
    if not np.isfinite(x).all() or (x < 0).any() or (x != np.round(x)).any():
        raise DataError("Counts of people must be whole and not negative.", "Leave days without a count out.")
    n = len(x)
    if n < FEWEST_DAYS:
        raise InsufficientData("One day does not tell how days differ.", "Give two days or more.")
    mean = float(x.mean())
    dispersion = max(1.0, float(x.var(ddof=1)) / mean) if mean > 0 else 1.0
    rng = np.random.default_rng(seed)
    means = rng.gamma((PRIOR + x.sum()) / dispersion, dispersion / n, draws)
    # how much days differ is itself known only from these days
    spread = 1 + (dispersion - 1) * (n - 1) / rng.chisquare(n - 1, draws) if dispersion > 1 else np.ones(draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.where(spread > 1, rng.gamma(means / (spread - 1), spread - 1), means)
    tails = stats.gamma.ppf(
        [(1 - confidence) / 2, (1 + confidence) / 2], (PRIOR + x.sum()) / dispersion, scale=dispersion / n
    )
    return Arrivals(mean, float(tails[0]), float(tails[1]), dispersion, n, confidence, rates, means)


def counters_needed(
    coming: Arrivals, handling: float, *, target: float, share: float = 0.8, patience: float | None = None,
    stretch: float = 1.0, days: float = 0.9,
) -> CountersNeeded:  # fmt: skip
    """Find how many counters it takes to serve a share of people within a time.

    Parameters
    ----------
    coming : Arrivals
        Per stretch.
    handling : float
        Mean time at a counter.
    target : float
        Time within which people should be served, in the same unit.
    share : float
        Of people, below 1.
    patience : float, optional
        Mean time after which those who wait leave; who leaves is not served in time.
    stretch : float
        How long a stretch is in the unit of time: 60 for hours where times are minutes.
    days : float
        Share of days on which the target should be met, for `on_most_days`.

    Returns
    -------
    CountersNeeded
        Each day in the long run of its own rate: where a rush passes sooner than the queue settles, waits are shorter; see
        `xmresearch.monitoring.queue_simulation.simulated_queue`.

    Raises
    ------
    DataError
        A share is not below 1, or it would take more than 1 000 counters.

    References
    ----------
    Steckley, S. G., Henderson, S. G. & Mehrotra, V. (2009). Forecast errors in service systems. Probability in the Engineering and
    Informational Sciences, 23, 305-332. Gans, N., Koole, G. & Mandelbaum, A. (2003). Telephone call centers. Manufacturing & Service
    Operations Management, 5, 79-141.
    """
    if not (0 < share < 1 and 0 < days < 1):
        raise DataError("Shares of people and of days must lie between 0 and 1.")
    if not (handling > 0 and target >= 0 and stretch > 0):
        raise DataError("Handling time and stretch must be above zero, the target not below.")
    tails = [(1 - coming.level) / 2, (1 + coming.level) / 2]
    rates, means = (np.maximum(v, 1e-9) / stretch for v in (coming.rates, coming.means))
    typical = max(coming.mean, 1e-9) / stretch

    def within(rate: float, c: int) -> float:
        return queue(rate, handling, c, target=target, patience=patience).within

    # a rate of every hundredth stands for those around it
    grid = np.quantile(rates, (np.arange(100) + 0.5) / 100)
    mean_grid = np.quantile(means, tails)
    rows, first_mean, ends = [], 0, [0, 0]
    c = max(1, int(np.floor(grid[0] * handling)) if patience is None else 1)
    begun, met, enough = c, 0, 0
    while c <= MOST_COUNTERS:
        served = np.array([within(r, c) for r in grid])
        whole = float(served @ grid / grid.sum())
        of_mean = [within(float(r), c) for r in mean_grid]
        now = queue(typical, handling, c, target=target, patience=patience)
        on_days = float((served >= share).mean())
        rows.append((c, whole, of_mean[1], of_mean[0], on_days, now.waits, now.leaves))
        enough = enough or (c if whole >= share else 0)
        met = met or (c if on_days >= days else 0)
        first_mean = first_mean or (c if now.within >= share else 0)
        ends = [ends[k] or (c if of_mean[k] >= share else 0) for k in (0, 1)]
        if enough and met and first_mean and all(ends):
            break
        c += 1
    else:
        raise DataError(f"It would take more than {MOST_COUNTERS} counters.", "Check the units of time.")
    names = ["counters", "within", "within_lower", "within_upper", "days_met", "waits", "leaves"]
    table = pd.DataFrame(rows, columns=names)
    # the days differ around either end of the mean as they do around the mean itself
    low, high = enough + ends[0] - first_mean, enough + ends[1] - first_mean
    return CountersNeeded(
        table, enough, max(begun, low), max(begun, high), met, first_mean, target, share, coming.level
    )
