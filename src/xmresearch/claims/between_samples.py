"""Figures of several independent samples: whether they differ, by how much, which is the highest, and which lie off a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.claims.change import difference
from xmresearch.claims.claim import Claim
from xmresearch.claims.families import count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import alike
from xmresearch.display import Shown

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Heterogeneity(Shown):
    """How much figures of independent samples differ beyond chance.

    Attributes
    ----------
    q : float
        Cochran's Q: sum of squared distances from the common mean, each in its own error.
    df : int
        Its degrees of freedom where nothing differs.
    p : float
        Of no difference at all; NaN of fewer than two figures.
    sd, lower, upper : float
        Standard deviation of the true figures, and its interval, in their units.
    """

    q: float
    df: int
    p: float
    sd: float
    lower: float
    upper: float


def errors(figures: ArrayLike, confidence: float) -> Array:
    """Return the standard errors that intervals stand for: half their width, in normal quantiles.

    Parameters
    ----------
    figures : array_like
        Estimate, lower and upper end, shape (3, K).
    confidence : float
        Two-sided level of the intervals.

    Returns
    -------
    ndarray
        Shape (K,).
    """
    _, low, high = np.asarray(figures, dtype=float)
    return np.asarray((high - low) / 2 / stats.norm.ppf(0.5 + confidence / 2))


def heterogeneity(figures: ArrayLike, *, confidence: float) -> Heterogeneity:
    """Test whether figures of independent samples differ at all, and estimate how much.

    Parameters
    ----------
    figures : array_like
        Estimate, lower and upper end, shape (3, K); every interval has a width.
    confidence : float
        Two-sided level of the intervals, and of that of the standard deviation.

    Returns
    -------
    Heterogeneity

    Notes
    -----
    The standard deviation is that with which Q has its expected value; its interval holds those with which Q is no further out than
    chance brings it (Q-profile). Both are as exact as the normal distribution of the estimates, and know no prior. A Q below what chance
    alone is expected to bring counts as if it were that at the upper end, which would otherwise come down to nothing by luck.

    References
    ----------
    Cochran, W. G. (1954). The combination of estimates from different experiments. Biometrics, 10, 101-129. Paule, R. C. & Mandel, J.
    (1982). Consensus values and weighting factors. Journal of Research of the National Bureau of Standards, 87, 377-385. Viechtbauer,
    W. (2007). Confidence intervals for the amount of heterogeneity in meta-analysis. Statistics in Medicine, 26, 37-52.
    """
    y, s = np.asarray(figures, dtype=float)[0], errors(figures, confidence)
    df = len(y) - 1
    if df < 1:
        return Heterogeneity(np.nan, df, np.nan, np.nan, np.nan, np.nan)
    # units in which the errors are about 1, so that roots are found to the same number of digits in any
    unit = float(np.sqrt(1 / (s**-2).mean()))
    y, s = (y - np.average(y, weights=s**-2)) / unit, s / unit
    tail, found = (1 - confidence) / 2, _q(y, s, 0.0)
    sd, lower = (_reaching(y, s, wanted) for wanted in (float(df), float(stats.chi2.ppf(1 - tail, df))))
    least = y if found >= df else y * np.sqrt(df / found) if found > 0 else s * np.resize([1.0, -1.0], df + 1)
    upper = _reaching(least, s, float(stats.chi2.ppf(tail, df)))
    return Heterogeneity(found, df, float(stats.chi2.sf(found, df)), *(unit * v for v in (sd, lower, upper)))


def _q(y: Array, s: Array, variance: float) -> float:
    weight = 1 / (s**2 + variance)
    return float(weight @ (y - weight @ y / weight.sum()) ** 2)


def _reaching(y: Array, s: Array, wanted: float) -> float:
    """Return the standard deviation at which Q comes down to a value, 0 where it is below it from the first."""
    if _q(y, s, 0.0) <= wanted:
        return 0.0
    top = 1.0
    while _q(y, s, top) > wanted:
        top *= 4
    return float(np.sqrt(optimize.brentq(lambda v: _q(y, s, v) - wanted, 0.0, top, xtol=1e-14)))


def differ(name: str, found: Heterogeneity, *, confidence: float, **facts: Any) -> Claim:
    """Claim that figures of independent samples differ, by Cochran's Q.

    Parameters
    ----------
    name : str
        Of the claim.
    found : Heterogeneity
        From `heterogeneity`.
    confidence : float
        The test rejects below 1 - confidence.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        differs, unsettled, or withheld where there is no test. Facts: q, df and count.

    References
    ----------
    Cochran, W. G. (1954). The combination of estimates from different experiments. Biometrics, 10, 101-129.
    """
    told = {"q": found.q, "df": found.df, "count": found.df + 1, **facts}
    return alike(name, (), (), margin=None, p=found.p, confidence=confidence, **told)


def extreme(
    name: str,
    figures: ArrayLike,
    names: Sequence[str],
    *,
    confidence: float,
    level: float,
    lowest: bool = False,
    **facts: Any,
) -> Claim:
    """Claim which of several figures of independent samples is the highest, or the lowest; see `first_of`.

    Parameters
    ----------
    name : str
        Of the claim.
    figures : array_like
        Estimate, lower and upper end, shape (3, K).
    names : sequence of str
        Of the K figures.
    confidence : float
        The difference from every rival must leave out zero at this level.
    level : float
        Two-sided level of the intervals.
    lowest : bool
        Whether the lowest is asked for.
    **facts
        Of its sentences.

    Returns
    -------
    Claim

    Notes
    -----
    The estimates themselves are held against one another: the rule keeps its promise for every K, and a figure that is far from all
    others, which pooling takes in part for chance, is found as often as by the test that knows of it.
    """  # fmt: skip
    joint = Joint(np.asarray(figures, dtype=float)[0], covariance=np.diag(errors(figures, level) ** 2))
    return first_of(name, joint, names, confidence=confidence, lowest=lowest, **facts)


def off_mean(
    name: str, figures: ArrayLike, names: Sequence[str], *, confidence: float, level: float, **facts: Any
) -> tuple[Claim, Array]:
    """Claim how many of several figures of independent samples lie off the mean of all, by Holm.

    Parameters
    ----------
    name : str
        Of the claim.
    figures : array_like
        Estimate, lower and upper end, shape (3, K); two or more, and every interval has a width.
    names : sequence of str
        Of the K figures.
    confidence : float
        That any figure is falsely said to be above or below happens at most in 1 - confidence.
    level : float
        Two-sided level of the intervals.
    **facts
        Of its sentences.

    Returns
    -------
    claim : Claim
        all, some or unsettled. Facts: above and below (names), mean, mean_lower and mean_upper.
    p : ndarray
        Unadjusted, shape (K,).

    Notes
    -----
    The mean is that of these figures, not of a population, each weighted by the inverse of the variance of its estimate about a common
    mean (random effects), so that a figure of which little is known does not blur it. What a figure shares with the mean is taken off.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70. DerSimonian,
    R. & Laird, N. (1986). Meta-analysis in clinical trials. Controlled Clinical Trials, 7, 177-188.
    """
    y, s = np.asarray(figures, dtype=float)[0], errors(figures, level)
    weight = 1 / (s**2 + heterogeneity(figures, confidence=level).sd ** 2)
    weight = weight / weight.sum()
    mean, variance = float(weight @ y), float(weight**2 @ s**2)
    p = 2 * stats.norm.sf(np.abs(y - mean) / np.sqrt(s**2 * (1 - 2 * weight) + variance))
    reach = float(stats.norm.ppf(0.5 + level / 2) * np.sqrt(variance))
    told = {"mean": mean, "mean_lower": mean - reach, "mean_upper": mean + reach}
    return _sided(name, names, p, y > mean, confidence, told | facts), p


def off_value(
    name: str,
    figures: ArrayLike,
    names: Sequence[str],
    *,
    value: float = 0.0,
    confidence: float,
    level: float,
    **facts: Any,
) -> tuple[Claim, Array]:
    """Claim how many of several figures lie off a value, by Holm.

    Parameters
    ----------
    name : str
        Of the claim.
    figures : array_like
        Estimate, lower and upper end, shape (3, K).
    names : sequence of str
        Of the K figures.
    value : float
        In their units.
    confidence : float
        That any figure is falsely said to be above or below happens at most in 1 - confidence, whether or not they are independent.
    level : float
        Two-sided level of the intervals.
    **facts
        Of its sentences.

    Returns
    -------
    claim : Claim
        all, some or unsettled; withheld where nothing could be tested. Facts: above and below (names).
    p : ndarray
        Unadjusted, shape (K,).

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """  # fmt: skip
    ends = np.asarray(figures, dtype=float)
    gap, _, _, p = difference(np.full(ends.shape, value), ends, confidence=level)
    return _sided(name, names, p, gap > 0, confidence, facts), p


def _sided(
    name: str, names: Sequence[str], p: Array, up: NDArray[np.bool_], confidence: float, facts: dict[str, Any]
) -> Claim:
    made = count_of(name, names, p, confidence=confidence, **facts)
    shown, higher = set(made.facts["shown"]), dict(zip(names, up, strict=True))
    above, below = ([n for n in names if n in shown and higher[n] == side] for side in (True, False))
    return made.about(above=above, below=below)
