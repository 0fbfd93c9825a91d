"""Means, shares and medians of cases with customers as the units that were drawn, and differences between two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Limits = Callable[[float], tuple[float, float]]
FEWEST_CUSTOMERS = 2
FEWEST_P = 1e-9


@dataclass(frozen=True, repr=False)
class CustomerFigure:
    """One figure of some cases.

    Attributes
    ----------
    estimate : float
        NaN without cases.
    limits : callable
        From a two-sided level to the interval; NaN at both ends where customers are too few to tell.
    who, influence : ndarray
        Customers, sorted, and what each contributes to the estimate's error, shape (G,).
    n : int
        Cases.
    """

    estimate: float
    limits: Limits
    who: Index
    influence: Array
    n: int

    @property
    def customers(self) -> int:
        """How many customers the cases are of."""
        return len(self.who)


def by_customer(influence: Array, customer: Index) -> tuple[Index, Array]:
    """Add up what cases contribute, by customer.

    Parameters
    ----------
    influence : ndarray
        Shape (n,) or (n, K).
    customer : ndarray
        Shape (n,), from 0.

    Returns
    -------
    who : ndarray
        Customers, sorted, shape (G,).
    sums : ndarray
        Shape (G,) or (G, K).
    """
    who, place = units_of(customer)
    if influence.ndim == 1:
        return who, np.bincount(place, weights=influence, minlength=len(who))
    columns = [np.bincount(place, weights=column, minlength=len(who)) for column in influence.T]
    return who, np.stack(columns, axis=1) if columns else np.zeros((len(who), 0))


def units_of(customer: Index) -> tuple[Index, Index]:
    """Return the customers, sorted, and the place of each case's among them; quickly where cases come by customer."""
    steps = np.diff(customer)
    if len(customer) and (steps >= 0).all():
        fresh = np.concatenate([[True], steps > 0])
        return customer[fresh], np.cumsum(fresh) - 1
    who, place = np.unique(customer, return_inverse=True)
    return who, place


def degrees(customer: Index) -> float:
    """Return the degrees of freedom of a variance between customers: as many as there would be of customers with equal numbers of cases, less one."""
    sizes = np.bincount(units_of(customer)[1]).astype(float) if len(customer) else np.zeros(0)
    return float(sizes.sum() ** 2 / (sizes**2).sum() - 1) if len(sizes) else 0.0


def covariance(sums: Array) -> Array:
    """Return the covariance of estimates from what customers contribute to each, shape (K, K)."""
    groups = len(sums)
    found: Array = groups / max(groups - 1, 1) * (sums.T @ sums)
    return found


def _error(sums: Array) -> float:
    groups = len(sums)
    return float(np.sqrt(groups / (groups - 1) * (sums @ sums))) if groups >= FEWEST_CUSTOMERS else np.nan


def _no_limits(_: float) -> tuple[float, float]:
    return np.nan, np.nan


def mean_of(values: ArrayLike, customer: Index) -> CustomerFigure:
    """Estimate a mean, with a t interval over customers.

    Parameters
    ----------
    values : array_like
        One per case, shape (n,); blanks are left out.
    customer : ndarray
        Whose case it is, shape (n,).

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73, 13-22.
    """
    x = np.asarray(values, dtype=float)
    there = np.isfinite(x)
    x, whose = x[there], customer[there]
    if not len(x):
        return CustomerFigure(np.nan, _no_limits, np.zeros(0, np.int64), np.zeros(0), 0)
    mean = float(x.mean())
    who, sums = by_customer((x - mean) / len(x), whose)
    error, df = _error(sums), max(degrees(whose), 1.0)

    def limits(level: float) -> tuple[float, float]:
        reach = float(special.stdtrit(df, 0.5 + level / 2)) * error
        return mean - reach, mean + reach

    return CustomerFigure(mean, limits, who, sums, len(x))


def share_of(flags: ArrayLike, customer: Index) -> CustomerFigure:
    """Estimate a share, with Wilson's interval for as many independent cases as the customers are worth.

    Parameters
    ----------
    flags : array_like
        One per case, true or false, shape (n,); NaN is left out.
    customer : ndarray
        Whose case it is, shape (n,).

    References
    ----------
    Wilson, E. B. (1927). JASA, 22, 209-212. Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data. Survey Methodology, 24, 193-201.
    """
    x = np.asarray(flags, dtype=float)
    there = np.isfinite(x)
    x, whose = x[there], customer[there]
    if not len(x):
        return CustomerFigure(np.nan, _no_limits, np.zeros(0, np.int64), np.zeros(0), 0)
    share = float(x.mean())
    who, sums = by_customer((x - share) / len(x), whose)
    error, df = _error(sums), max(degrees(whose), 1.0)
    worth = share * (1 - share) / error**2 if error > 0 else df + 1

    def limits(level: float) -> tuple[float, float]:
        if np.isnan(error):
            return np.nan, np.nan
        t2 = float(special.stdtrit(df, 0.5 + level / 2)) ** 2
        middle = (share + t2 / (2 * worth)) / (1 + t2 / worth)
        reach = np.sqrt(t2 * (share * (1 - share) / worth + t2 / (4 * worth**2))) / (1 + t2 / worth)
        return max(0.0, middle - reach), min(1.0, middle + reach)

    return CustomerFigure(share, limits, who, sums, len(x))


def quantile_of(values: ArrayLike, customer: Index, p: float = 0.5) -> CustomerFigure:
    """Estimate a quantile, with Woodruff's interval over customers.

    Parameters
    ----------
    values : array_like
        One per case, shape (n,); blanks are left out.
    customer : ndarray
        Whose case it is, shape (n,).
    p : float
        Share of the cases below; the median by default, which is the middle of two values where their number is even.

    References
    ----------
    Woodruff, R. S. (1952). Confidence intervals for medians and other position measures. JASA, 47, 635-646.
    """
    x = np.asarray(values, dtype=float)
    there = np.isfinite(x)
    x, whose = x[there], customer[there]
    if not len(x):
        return CustomerFigure(np.nan, _no_limits, np.zeros(0, np.int64), np.zeros(0), 0)
    ordered, n = np.sort(x), len(x)
    at = p * (n - 1)
    found = float(ordered[int(at)] + (at - int(at)) * (ordered[min(int(at) + 1, n - 1)] - ordered[int(at)]))
    # values at the quantile count half, so that ties there are neither all below nor all above
    below = np.where(x < found, 1.0, np.where(x == found, 0.5, 0.0))
    who, sums = by_customer((below - below.mean()) / n, whose)
    error, df = _error(sums), max(degrees(whose), 1.0)

    def limits(level: float) -> tuple[float, float]:
        if np.isnan(error):
            return np.nan, np.nan
        reach = float(special.stdtrit(df, 0.5 + level / 2)) * error
        low = int(np.clip(np.floor(n * (p - reach)), 0, n - 1))
        high = int(np.clip(np.ceil(n * (p + reach)) - 1, 0, n - 1))
        return float(ordered[low]), float(ordered[max(high, low)])

    low, high = limits(0.9)
    # by how much the quantile moves with the share below it
    slope = (high - low) / (2 * float(special.stdtrit(df, 0.95)) * error) if error > 0 else 0.0
    return CustomerFigure(found, limits, who, -slope * sums, n)


def together(a: CustomerFigure, b: CustomerFigure) -> float:
    """Return the correlation of two estimates, which customers with cases in both bring about."""
    _, at_a, at_b = np.intersect1d(a.who, b.who, assume_unique=True, return_indices=True)
    bottom = float(np.sqrt((a.influence @ a.influence) * (b.influence @ b.influence)))
    return float(a.influence[at_a] @ b.influence[at_b]) / bottom if bottom > 0 else 0.0


def difference(a: CustomerFigure, b: CustomerFigure, level: float) -> tuple[float, float, float]:
    """Return a - b with its interval, made of the intervals of both (MOVER), correlated where customers are in both.

    Parameters
    ----------
    a, b : CustomerFigure
        Of two sets of cases.
    level : float
        Two-sided.

    Returns
    -------
    estimate, lower, upper : float

    References
    ----------
    Zou, G. Y. & Donner, A. (2008). Construction of confidence limits about effect measures: a general approach. Statistics in Medicine, 27,
    1693-1702.
    """
    gap, r = a.estimate - b.estimate, together(a, b)
    (al, au), (bl, bu) = a.limits(level), b.limits(level)
    down, up = a.estimate - al, bu - b.estimate
    low = gap - float(np.sqrt(max(down**2 + up**2 - 2 * r * down * up, 0.0)))
    up_a, down_b = au - a.estimate, b.estimate - bl
    high = gap + float(np.sqrt(max(up_a**2 + down_b**2 - 2 * r * up_a * down_b, 0.0)))
    return gap, low, high


def p_value(a: CustomerFigure, b: CustomerFigure) -> float:
    """Return the p value against two figures being equal: 1 less the level at which the interval of their difference begins to hold 0.

    NaN where there is no interval.
    """
    gap, low, high = difference(a, b, 0.95)
    if np.isnan(low + high):
        return np.nan
    if gap == 0:
        return 1.0
    least, most = FEWEST_P, 1.0 - FEWEST_P
    for _ in range(45):
        middle = float(np.sqrt(least * most)) if most < 0.5 else (least + most) / 2
        _, low, high = difference(a, b, 1 - middle)
        least, most = (middle, most) if low <= 0 <= high else (least, middle)
    return float(most)
