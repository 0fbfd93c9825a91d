"""Whether one indicator's alarms come before another's, how long before, and more often than chance has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval

Array = NDArray[np.float64]
Positions = NDArray[np.int64]
MOST_ORDER = 8
FEWEST_PAIRS = 20


@dataclass(frozen=True, repr=False)
class EarlyWarning(Shown):
    """What an indicator's alarms have foretold in the past.

    Attributes
    ----------
    table : DataFrame
        One row per alarm of the outcome: outcome (its period, 0-based), warned (period of the first alarm of the indicator before it; -1 for
        none), lead (periods between; NaN for none).
    hits, hits_lower, hits_upper : float
        Share of the outcome's alarms that were warned of, with Wilson's interval.
    lead, lead_lower, lead_upper : float
        Median lead time of those, with its interval from order statistics; NaN where there are too few.
    false_alarms, false_lower, false_upper : float
        Share of the indicator's alarms that no alarm of the outcome followed in time.
    by_chance : float
        Share of the outcome's alarms that the same pattern of alarms precedes by chance.
    p : float
        Of as many hits by chance.
    outcomes, warnings_given : int
        Alarms of the outcome, and those of the indicator that could be followed to the end.
    longest : int
        Longest lead, in periods.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    hits: float
    hits_lower: float
    hits_upper: float
    lead: float
    lead_lower: float
    lead_upper: float
    false_alarms: float
    false_lower: float
    false_upper: float
    by_chance: float
    p: float
    outcomes: int
    warnings_given: int
    longest: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per alarm of the outcome."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the figures."""
        return {f: getattr(self, f) for f in self.__dataclass_fields__ if f != "table"}

    def _head(self) -> dict[str, Any]:
        return self.summary()


def early_warning(
    indicator: ArrayLike, outcome: ArrayLike, *, periods: int, longest: int, confidence: float = 0.95
) -> EarlyWarning:
    """Measure on history how long before an outcome's alarms an indicator gives its own.

    Parameters
    ----------
    indicator, outcome : array_like of int
        First periods of the alarm episodes of both, 0-based, shape (alarms,) each; see `xmresearch.monitoring.episodes.alarm_episodes`.
    periods : int
        Length of the history.
    longest : int
        Longest time, in periods, that a warning may come before what it warns of; at least 1.
    confidence : float
        Level.

    Returns
    -------
    EarlyWarning
        A warning is an alarm of the indicator 1 to `longest` periods before one of the outcome; in the same period it is none. Chance is what
        the indicator's alarms, moved along the history as they are, would precede: every place of them is gone through, the end being
        followed by the beginning.

    Raises
    ------
    DataError, InsufficientData
        A position lies outside the history, the longest lead is not within it; the outcome has no alarm.

    References
    ----------
    Kaminsky, G. L., Lizondo, S. & Reinhart, C. M. (1998). Leading indicators of currency crises. IMF Staff Papers, 45, 1-48. Lotwick, H. W. &
    Silverman, B. W. (1982). Methods for analysing spatial processes of several types of points. JRSS B, 44, 406-413 (moved patterns).
    """
    first, then = (np.unique(np.asarray(v, dtype="int64")) for v in (indicator, outcome))
    if not 1 <= longest < periods / 2:
        raise DataError(f"The longest lead is {longest}; it must be at least 1 and less than half of the history.")
    if any(len(v) and (v[0] < 0 or v[-1] >= periods) for v in (first, then)):
        raise DataError("An alarm lies outside the history.")
    if not len(then):
        raise InsufficientData("The outcome has no alarm in the history.", "Nothing can be warned of.")
    warned = np.array([_earliest(first, t, longest) for t in then])
    leads = np.where(warned >= 0, then - warned, np.nan)
    hits = int((warned >= 0).sum())
    moved = _hits_when_moved(first, then, periods, longest)
    near = np.minimum(np.arange(periods), periods - np.arange(periods)) <= longest
    others = moved[~near]
    p = (1 + int((others >= moved[0]).sum())) / (1 + len(others))
    followed = first[first + longest < periods]
    missed = int(sum(not ((then > s) & (then <= s + longest)).any() for s in followed))
    false_low, false_high = share_interval(missed, len(followed), confidence=confidence)
    low, high = share_interval(hits, len(then), confidence=confidence)
    lead, lead_low, lead_high = _median(leads[np.isfinite(leads)], confidence)
    return EarlyWarning(
        pd.DataFrame({"outcome": then, "warned": warned, "lead": leads}), hits / len(then), float(low), float(high), lead,
        lead_low, lead_high, missed / len(followed) if len(followed) else np.nan, float(false_low), float(false_high),
        float(others.mean()) / len(then), p, len(then), len(followed), longest, confidence,
    )  # fmt: skip


def lead_correlations(indicator: ArrayLike, outcome: ArrayLike, *, longest: int) -> pd.DataFrame:
    """Correlate an indicator with what an outcome does later, both without what their own past foretells.

    Parameters
    ----------
    indicator, outcome : array_like
        Shape (n,), of the same evenly spaced periods; NaN where one has no value. Without season and trend.
    longest : int
        Longest lead.

    Returns
    -------
    DataFrame
        One row per lead from 0 to `longest`: lead, r, pairs, p, p_adjusted (Holm's over the leads). Two series that each resemble their own
        past correlate by chance at many leads; their innovations do not.

    Raises
    ------
    DataError, InsufficientData
        The series differ in length; fewer than 20 pairs.

    References
    ----------
    Haugh, L. D. (1976). Checking the independence of two covariance-stationary time series: a univariate residual cross-correlation approach.
    JASA, 71, 378-385.
    """
    x, y = (np.asarray(v, dtype="float64") for v in (indicator, outcome))
    if x.shape != y.shape or x.ndim != 1:
        raise DataError("Indicator and outcome differ in length.", "Give both for the same periods.")
    a, b = innovations(x), innovations(y)
    rows = []
    for lead in range(longest + 1):
        early, late = a[: len(a) - lead], b[lead:]
        there = np.isfinite(early) & np.isfinite(late)
        n = int(there.sum())
        if n < FEWEST_PAIRS:
            raise InsufficientData(f"Only {n} pair(s) of periods lie {lead} apart.", "Give a longer history.")
        if min(np.ptp(early[there]), np.ptp(late[there])) == 0:
            raise InsufficientData("A series does not vary.", "Without variation nothing is foretold.")
        r = float(np.corrcoef(early[there], late[there])[0, 1])
        rows.append((lead, r, n, float(2 * stats.norm.sf(abs(np.arctanh(r)) * np.sqrt(n - 3)))))
    table = pd.DataFrame(rows, columns=["lead", "r", "pairs", "p"])
    return table.assign(p_adjusted=adjusted(table["p"]))


def innovations(y: Array) -> Array:
    """Return what of a series its own past does not foretell: residuals of the autoregression of smallest BIC, up to order 8.

    Parameters
    ----------
    y : ndarray
        Shape (n,); NaN where it has no value.

    Returns
    -------
    ndarray
        Shape (n,); NaN at the beginning, and where a value or one before it is missing.
    """
    n = len(y)
    past = np.full((n, MOST_ORDER), np.nan)
    for k in range(1, MOST_ORDER + 1):
        past[k:, k - 1] = y[:-k]
    there = np.isfinite(y) & np.isfinite(past).all(axis=1)
    m = int(there.sum())
    if m < FEWEST_PAIRS:
        raise InsufficientData(
            f"Only {m} period(s) have a value and {MOST_ORDER} before them.", "Give a longer history."
        )
    best, found = np.inf, np.zeros(1)
    for order in range(MOST_ORDER + 1):
        x = np.concatenate([np.ones((m, 1)), past[there, :order]], axis=1)
        b = np.linalg.lstsq(x, y[there], rcond=None)[0]
        bic = m * np.log(max(float(((y[there] - x @ b) ** 2).mean()), 1e-300)) + np.log(m) * order
        if bic < best:
            best, found = bic, b
    used = np.concatenate([np.ones((n, 1)), past[:, : len(found) - 1]], axis=1)
    return np.asarray(y - used @ found)


def _earliest(first: Positions, t: int, longest: int) -> int:
    inside = first[(first >= t - longest) & (first < t)]
    return int(inside[0]) if len(inside) else -1


def _hits_when_moved(first: Positions, then: Positions, periods: int, longest: int) -> Array:
    """Return how many alarms of the outcome have a warning, for every place of the indicator's pattern; at 0 as it is, in a ring."""
    covers = np.zeros(periods)
    for k in range(1, longest + 1):
        covers[(first + k) % periods] = 1.0
    happened = np.zeros(periods)
    happened[then] = 1.0
    moved = np.fft.irfft(np.fft.rfft(happened) * np.conj(np.fft.rfft(covers)), periods)
    return np.asarray(np.round(moved))


def _median(values: Array, confidence: float) -> tuple[float, float, float]:
    n = len(values)
    if n == 0:
        return np.nan, np.nan, np.nan
    ordered = np.sort(values)
    k = int(stats.binom.ppf((1 - confidence) / 2, n, 0.5))
    # k - 1 or fewer below the median have less than half of what is left over
    if k < 1 or stats.binom.cdf(k - 1, n, 0.5) > (1 - confidence) / 2:
        return float(np.median(ordered)), np.nan, np.nan
    return float(np.median(ordered)), float(ordered[k - 1]), float(ordered[n - k])
