"""How many answers it takes: to see a change of a net score or a share, or to know one to within so many points."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import quantile


def net_sample_size(
    promoters: float, detractors: float, change: float, *, power: float = 0.8, confidence: float = 0.95
) -> dict[str, float]:
    """Return how many answers a net score takes.

    Parameters
    ----------
    promoters, detractors : float
        Shares expected in both waves.
    change : float
        Points that should be seen, or that the half-width of the interval should have.
    power : float
        Chance of seeing the change.
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        per_wave: answers in each of two waves of different people (not rounded); half_width: answers of one wave, rounded up.

    Raises
    ------
    DataError
        Shares that are none, or a change or power out of range.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician, 70, 365-372.
    """
    if min(promoters, detractors) < 0 or promoters + detractors > 1:
        raise DataError("The shares of promoters and detractors must be between 0 and 1, and 1 at most together.")
    variance = promoters + detractors - (promoters - detractors) ** 2
    z, z_power, points = quantile(confidence), _power_quantile(power), _change(change) / 100
    return {
        "per_wave": 2 * variance * (z + z_power) ** 2 / points**2,
        "half_width": float(np.ceil(z**2 * variance / points**2)),
    }


def share_sample_size(p1: float, p2: float, *, power: float = 0.8, confidence: float = 0.95) -> dict[str, float]:
    """Return how many answers it takes to tell two shares apart.

    Parameters
    ----------
    p1, p2 : float
        The shares, between 0 and 1 and not equal.
    power : float
        Chance of seeing the difference.
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        per_group: answers in each sample with the pooled variance under no difference; unpooled: with both variances; not rounded.

    Raises
    ------
    DataError
        Shares that are none or equal, or a power out of range.

    References
    ----------
    Fleiss, J. L., Levin, B. & Paik, M. C. (2003). Statistical methods for rates and proportions, 3rd ed. Wiley, chapter 4.
    """
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1) or p1 == p2:
        raise DataError("The two shares must lie between 0 and 1 and differ.")
    z, z_power, gap = quantile(confidence), _power_quantile(power), abs(p1 - p2)
    apart, middle = p1 * (1 - p1) + p2 * (1 - p2), (p1 + p2) / 2
    pooled = (z * np.sqrt(2 * middle * (1 - middle)) + z_power * np.sqrt(apart)) ** 2 / gap**2
    return {"per_group": float(pooled), "unpooled": (z + z_power) ** 2 * apart / gap**2}


def mean_sample_size(difference: float, sd: float, *, power: float = 0.8, confidence: float = 0.95) -> float:
    """Return how many answers in each of two samples a t test needs to see a difference of means.

    Parameters
    ----------
    difference, sd : float
        Of the means, and of the answers.
    power : float
        Chance of seeing it.
    confidence : float
        Level.

    Returns
    -------
    float
        Not rounded.

    Raises
    ------
    DataError
        A difference or SD that is not above 0, or a power out of range.

    References
    ----------
    Cohen, J. (1988). Statistical power analysis for the behavioral sciences, 2nd ed. Erlbaum, chapter 2.
    """
    if not (difference > 0 and sd > 0):
        raise DataError("The difference and the SD must be above 0.")
    wanted, level = power, 0.5 + confidence / 2
    _power_quantile(power)

    def short(n: float) -> float:
        df, shift = 2 * n - 2, np.sqrt(n / 2) * difference / sd
        return float(stats.nct.sf(stats.t.ppf(level, df), df, shift)) - wanted

    return float(optimize.brentq(short, 2, 1e9, xtol=1e-9, rtol=1e-12))


def _power_quantile(power: float) -> float:
    if not 0 < power < 1:
        raise DataError(f"power is {power:g}; it must lie between 0 and 1.")
    return float(stats.norm.ppf(power))


def _change(points: float) -> float:
    if not points > 0:
        raise DataError("The change must be above 0 points.")
    return points
