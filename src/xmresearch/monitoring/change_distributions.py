"""Distributions behind dated changes: of the largest F statistic without one, and of how late one is dated."""

from __future__ import annotations

import numpy as np
from scipy import integrate, special, stats


def sup_f_chance(statistic: float, share: float) -> float:
    """Return the probability that the largest F statistic of one change is as large where there is none.

    Parameters
    ----------
    statistic : float
        Of independent periods, not negative.
    share : float
        Of the series at each end where no change is looked for.

    Returns
    -------
    float
        By the expansion for large statistics, to about .002 where it is below .2; 1 where the expansion does not hold.

    References
    ----------
    DeLong, D. M. (1981). Crossing probabilities for a square root boundary by a Bessel process. Communications in Statistics A, 10,
    2197-2213. Estrella, A. (2003). Critical values and p values of Bessel process distributions. Econometric Theory, 19, 1128-1143.
    """
    if statistic < 2:
        return 1.0
    width = 2 * np.log((1 - share) / share)
    tail = np.sqrt(statistic / 2) * np.exp(-statistic / 2) / special.gamma(0.5)
    return float(min(1.0, tail * ((1 - 1 / statistic) * width + 2 / statistic)))


def argmax_distribution(x: float, spread_after: float) -> float:
    """Return the distribution function of how many scaled periods a dated change comes late.

    Parameters
    ----------
    x : float
        Negative: too early.
    spread_after : float
        Variance after the change over that before, above 0.

    Returns
    -------
    float
        Of the place of the largest value of a two-sided Brownian motion with drift -|s| / 2, with variance 1 before 0 and
        `spread_after` behind it.

    References
    ----------
    Bai, J. (1997). Estimation of a change point in multiple regressions. Review of Economics and Statistics, 79, 551-563.
    """
    before = float(integrate.quad(_density, 0, np.inf, args=(1.0, 1 / spread_after))[0])
    if x < 0:
        return before - float(integrate.quad(_density, 0, np.sqrt(-x), args=(1.0, 1 / spread_after))[0])
    return before + float(integrate.quad(_density, 0, np.sqrt(x), args=(spread_after, 1.0))[0])


def _density(root: float, variance: float, other: float) -> float:
    """Return the density of the root of the time at which the side's largest value is taken, that of the other side being smaller.

    A motion of drift -1/2 that first reaches m at t stays below it afterwards with density 1 / variance; the other side stays below m
    with probability 1 - exp(-other m).
    """
    if root <= 0:
        return 0.0
    t, sd = root**2, np.sqrt(variance)

    def reached(fall: float) -> float:
        drift = 0.5 + fall * variance
        k = drift * root / sd
        # the hitting density times exp(-fall m), over all m; logs keep large times finite
        grown = (0.5 * fall + fall**2 * variance / 2) * t
        return float(sd / root * np.exp(grown + stats.norm.logpdf(k)) - drift * np.exp(grown + stats.norm.logsf(k)))

    return 2 * root / variance * (reached(0.0) - reached(other))
