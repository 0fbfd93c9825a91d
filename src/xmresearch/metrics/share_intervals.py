"""Intervals of a share: answers of one kind among all answers, as in a satisfaction rate or top boxes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.errors import DataError

Array = NDArray[np.float64]
ShareMethod = Literal["wilson", "wilson_cc", "clopper_pearson", "agresti_coull", "jeffreys", "wald"]


def counted(*counts: ArrayLike) -> tuple[Array, ...]:
    """Return counts as arrays of one shape, or raise DataError where one is negative or no number."""
    arrays = np.broadcast_arrays(*(np.asarray(c, dtype="float64") for c in counts))
    if any(not np.isfinite(a).all() or (a < 0).any() for a in arrays):
        raise DataError("A count is negative or no number.", "Give the number of answers of each kind.")
    return tuple(np.array(a) for a in arrays)


def quantile(confidence: float) -> float:
    """Return the standard normal quantile of a two-sided interval."""
    if not 0 < confidence < 1:
        raise DataError(f"confidence is {confidence:g}; it must lie between 0 and 1.")
    return float(stats.norm.ppf(0.5 + confidence / 2))


def share_interval(
    successes: ArrayLike, n: ArrayLike, *, method: ShareMethod = "wilson", confidence: float = 0.95
) -> tuple[Array, Array]:
    """Return the interval of a share.

    Parameters
    ----------
    successes, n : array_like
        Answers of the kind, and all answers; of one shape, or shapes that broadcast. With design weights the effective ones,
        which need not be whole.
    method : {'wilson', 'wilson_cc', 'clopper_pearson', 'agresti_coull', 'jeffreys', 'wald'}
        Wilson's score interval by default, which keeps its level for small n and shares near 0 or 1; `wilson_cc` with
        continuity correction; Clopper and Pearson's exact one; Jeffreys' with the prior Beta(1/2, 1/2), whose end is 0 or 1
        where no or every answer is of the kind; Wald's is for comparison only.
    confidence : float
        Level.

    Returns
    -------
    lower, upper : ndarray
        Shares between 0 and 1 (those of Wald and Agresti-Coull may lie beyond); NaN where n is 0.

    Raises
    ------
    DataError
        A count is negative, there are more answers of the kind than answers, or the level is no level.

    References
    ----------
    Wilson, E. B. (1927). JASA, 22, 209-212. Newcombe, R. G. (1998). Statistics in Medicine, 17, 857-872. Brown, L. D., Cai, T. T.
    & DasGupta, A. (2001). Statistical Science, 16, 101-133.
    """
    x, total = counted(successes, n)
    if (x > total).any():
        raise DataError(
            "There are more answers of the kind than answers.", "Give the successes first, then all answers."
        )
    z, tail = quantile(confidence), (1 - confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / total
        if method == "wald":
            half = z * np.sqrt(share * (1 - share) / total)
            return share - half, share + half
        if method == "agresti_coull":
            more = total + z**2
            centre = (x + z**2 / 2) / more
            half = z * np.sqrt(centre * (1 - centre) / more)
            return centre - half, centre + half
        if method in ("wilson", "wilson_cc"):
            return _wilson(x, total, z, corrected=method == "wilson_cc")
        a, b = (x, total - x) if method == "clopper_pearson" else (x + 0.5, total - x + 0.5)
        exact = method == "clopper_pearson"
        low = stats.beta.ppf(tail, a, b + 1 if exact else b)
        high = stats.beta.ppf(1 - tail, a + 1 if exact else a, b)
    blank = np.where(total > 0, 0.0, np.nan)
    return np.where(x == 0, 0.0, low) + blank, np.where(x == total, 1.0, high) + blank


def _wilson(x: Array, total: Array, z: float, *, corrected: bool) -> tuple[Array, Array]:
    share = x / total
    correction = np.minimum(0.5, np.abs(x - total / 2)) if corrected else 0.0

    def end(side: int) -> Any:
        moved = share + side * correction / total
        root = np.sqrt(moved * (1 - moved) / total + z**2 / (4 * total**2))
        return (moved + z**2 / (2 * total) + side * z * root) / (1 + z**2 / total)

    low, high = end(-1), end(1)
    blank = np.where(total > 0, 0.0, np.nan)
    return np.where(x == 0, 0.0, low) + blank, np.where(x == total, 1.0, high) + blank
