"""League tables and funnel plots: the probability of each rank, and what groups of a size may show by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.exchangeable import exchangeable_draws
from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
SPREAD = 0.1
"""Scale of the half-Cauchy prior of how much groups differ otherwise, in standard deviations of an answer."""
BORROWED = 20.0
"""Answers that the variance common to all groups counts for in the variance of each."""
FUNNEL = (0.95, 0.998)
"""Limits of a funnel plot: two and three standard deviations (Spiegelhalter, 2005)."""


def rank_chances(draws: ArrayLike, *, lowest_first: bool = False) -> Array:
    """Return the probability of each rank of each group.

    Parameters
    ----------
    draws : array_like
        Joint draws, shape (draws, groups).
    lowest_first : bool
        Whether rank 1 is the lowest.

    Returns
    -------
    ndarray
        Shape (groups, groups): of the row's group, that it has the column's rank; ties share.

    Raises
    ------
    DataError
        The draws are no table of numbers.

    References
    ----------
    Goldstein, H. & Spiegelhalter, D. J. (1996). League tables and their limitations. Journal of the Royal Statistical Society A, 159,
    385-443.
    """
    given = np.asarray(draws, dtype="float64")
    if given.ndim != 2 or not np.isfinite(given).all():
        raise DataError("Draws must be numbers, one column per group.")
    order = np.argsort(given if lowest_first else -given, axis=1, kind="stable")
    size, groups = given.shape
    counts = np.zeros(groups * groups)
    for rank in range(groups):
        counts[rank::groups] = np.bincount(order[:, rank], minlength=groups)
    return np.asarray(counts.reshape(groups, groups) / size)


def draws_of_groups(estimate: ArrayLike, se: ArrayLike, n: ArrayLike, *, draws: int = 2000, seed: int = 0) -> Array:
    """Return posterior draws of groups that are taken to be alike until the answers tell them apart.

    Draws of estimates make a leader of whom chance favours; so do those of a model in which groups are certain to differ.

    Parameters
    ----------
    estimate, se : array_like
        Of each group, shape (groups,).
    n : array_like
        Effective answers of each, shape (groups,).
    draws : int
        Joint draws.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray
        Shape (draws, groups), see `exchangeable_draws`; the scale of how much groups differ is `SPREAD` times the standard deviation of
        an answer.

    Raises
    ------
    DataError
        There is one group, or a standard error or a number of answers is not above zero.

    References
    ----------
    Efron, B. & Morris, C. (1975). Data analysis using Stein's estimator and its generalizations. Journal of the American Statistical
    Association, 70, 311-319.
    """
    y, error, answers = (np.asarray(v, dtype="float64") for v in (estimate, se, n))
    if len(y) < 2 or not (np.isfinite(y).all() and (error > 0).all() and (answers > 0).all()):
        raise DataError(
            "Ranks take two groups or more, each with an estimate, and a standard error and answers above zero."
        )
    # a small group's own variance is a guess: its best stand-in is that of all groups
    own, common = error**2 * answers, float(np.average(error**2 * answers, weights=answers))
    error = np.sqrt((answers * own + BORROWED * common) / (answers + BORROWED) / answers)
    answer = np.sqrt(common)
    return exchangeable_draws(y, np.diag(error**2), SPREAD * float(answer), draws=draws, seed=seed)


def funnel_limits(
    n: ArrayLike, centre: float, sd: float, *, levels: tuple[float, ...] = FUNNEL, between: float = 0.0
) -> pd.DataFrame:
    """Return the limits within which groups of given sizes lie if they all have one mean.

    Parameters
    ----------
    n : array_like
        Effective answers, shape (groups,).
    centre, sd : float
        Mean of all groups, and standard deviation of an answer (of a share, sqrt(p (1 - p))).
    levels : tuple of float
        Of the limits.
    between : float
        Standard deviation between groups that is ordinary: limits are then those of overdispersed groups.

    Returns
    -------
    DataFrame
        One row per group: n, then lower and upper of each level, such as lower_95 and upper_99.8.

    Raises
    ------
    DataError
        A level is no level, or a standard deviation is negative.

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in Medicine, 24, 1185-1202.
    """
    size = np.asarray(n, dtype="float64")
    if sd < 0 or between < 0:
        raise DataError("A standard deviation is negative.")
    with np.errstate(divide="ignore"):
        width = np.sqrt(sd**2 / size + between**2)
    table = pd.DataFrame({"n": size})
    for level in levels:
        reach = quantile(level) * width
        table[f"lower_{100 * level:g}"], table[f"upper_{100 * level:g}"] = centre - reach, centre + reach
    return table


def outlying(estimate: ArrayLike, se: ArrayLike, centre: float, *, between: float = 0.0) -> Array:
    """Return the two-sided p value of each group's distance from the centre.

    Parameters
    ----------
    estimate, se : array_like
        Of each group, shape (groups,).
    centre : float
        Mean of all groups.
    between : float
        Standard deviation between groups that is ordinary.

    Returns
    -------
    ndarray
        Shape (groups,), unadjusted.

    References
    ----------
    Spiegelhalter, D. J. (2005). Statistics in Medicine, 24, 1185-1202.
    """
    y, s = np.asarray(estimate, dtype="float64"), np.asarray(se, dtype="float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2 * stats.norm.sf(np.abs(y - centre) / np.sqrt(s**2 + between**2)))
