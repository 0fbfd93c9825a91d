"""Quantiles of a complex sample, with Woodruff's and related intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.estimates import columns_of

Array = NDArray[np.float64]
QuantileRule = Literal["math", "hf7"]
QuantileInterval = Literal["mean", "beta", "xlogit", "asin", "score"]
_EVEN = 1e-12


@dataclass(frozen=True, repr=False)
class QuantileResult(Shown):
    """Quantiles of a number.

    Attributes
    ----------
    table : DataFrame
        One row per share: p, quantile, se (half the interval over the quantile of t), lower, upper.
    interval : str
        How the interval was made.
    level : float
        Of it.
    """

    table: pd.DataFrame
    interval: str
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per share."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the middle row, with the level."""
        return {**self.table.iloc[len(self.table) // 2].to_dict(), "level": self.level}


def weighted_quantile(x: Array, w: Array, p: Array, rule: QuantileRule = "math") -> Array:
    """Return quantiles of weighted values.

    Parameters
    ----------
    x, w : ndarray
        Values and weights, shape (n,).
    p : ndarray
        Shares, shape (k,).
    rule : {'math', 'hf7'}
        Smallest value with at least the share at or below it (the median of two alike is their mean); or linear between values, as
        Hyndman and Fan's type 7.

    Returns
    -------
    ndarray
        Shape (k,).

    References
    ----------
    Hyndman, R. J. & Fan, Y. (1996). The American Statistician, 50, 361-365.
    """
    order = np.argsort(x, kind="stable")
    values, weights = x[order], w[order]
    if rule == "hf7":
        cumulated = np.cumsum(weights)
        if len(values) == 1:
            return np.repeat(values, len(p))
        return np.asarray(np.interp(p, np.concatenate([[0.0], cumulated[:-1]]) / cumulated[-2], values))
    values, first = np.unique(values, return_index=True)
    share = np.cumsum(np.add.reduceat(weights, first)) / weights.sum()
    at = np.searchsorted(share, np.clip(p, 0, 1) - _EVEN)
    return np.asarray(values[np.minimum(at, len(values) - 1)])


def quantile(
    design: Design, name: str, p: Sequence[float] = (0.25, 0.5, 0.75), *, domain: Mask | None = None,
    interval: QuantileInterval = "mean", rule: QuantileRule = "math", confidence: float = 0.95,
) -> QuantileResult:  # fmt: skip
    """Estimate quantiles of a number.

    Parameters
    ----------
    design : Design
        Of the sample.
    name : str
        Column; its blanks are no part of the domain.
    p : sequence of float
        Shares, between 0 and 1.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,).
    interval : {'mean', 'beta', 'xlogit', 'asin', 'score'}
        Woodruff's, by a symmetric, a beta, a logit or an arcsine interval of the share at or below the quantile; or Francisco and
        Fuller's, the values whose share at or below is not rejected.
    rule : {'math', 'hf7'}
        See `weighted_quantile`.
    confidence : float
        Level.

    Returns
    -------
    QuantileResult

    Raises
    ------
    DataError, InsufficientData
        The column is not there or no number; fewer than two rows; a share that is none.

    References
    ----------
    Woodruff, R. S. (1952). JASA, 47, 635-646. Francisco, C. A. & Fuller, W. A. (1991). Annals of Statistics, 19, 454-469. Korn, E. L. &
    Graubard, B. I. (1998). Survey Methodology, 24, 193-201.

    Notes
    -----
    R's `svyquantile(interval.type = "score")` takes the unweighted share of rows below the ends back to a quantile, which is another value
    where weights differ; here it is the weighted one.
    """
    shares = np.asarray(p, dtype="float64")
    if ((shares <= 0) | (shares >= 1)).any():
        raise DataError("A quantile needs a share between 0 and 1.")
    values, terms = columns_of(design, [name])
    if len(terms) > 1 or terms[0] != name:
        raise DataError(f"Column '{name}' holds no numbers, so it has no quantiles.")
    used = np.isfinite(values[:, 0])
    used &= design.rows(domain)
    if used.sum() < 2:
        raise InsufficientData(f"Column '{name}' has fewer than two values in the domain.")
    x, w = np.where(used, values[:, 0], 0.0), design.weights * used
    rows = used.nonzero()[0]
    found = weighted_quantile(x[rows], w[rows], shares, rule)
    t = float(stats.t.ppf(0.5 + confidence / 2, design.df))
    if interval == "score":
        ends = np.array([_not_rejected(design, x, used, float(share), rule, t) for share in shares])
    else:
        ends = np.array([_ends(design, x, used, float(q), interval, rule, t, confidence) for q in found])
    table = pd.DataFrame(
        {
            "p": shares,
            "quantile": found,
            "se": (ends[:, 1] - ends[:, 0]) / (2 * t),
            "lower": ends[:, 0],
            "upper": ends[:, 1],
        }
    )
    return QuantileResult(table, interval, confidence)


def _share_below(design: Design, x: Array, used: Mask, at: float) -> tuple[float, float]:
    """Return the share at or below a value, and its standard error."""
    w = design.weights * used
    below = (x <= at).astype("float64") * used
    share = float(w @ below / w.sum())
    influence = (below - share) * used / w.sum()
    return share, float(np.sqrt(design.covariance(influence)[0, 0]))


def _ends(
    design: Design, x: Array, used: Mask, q: float, interval: QuantileInterval, rule: QuantileRule, t: float,
    confidence: float,
) -> tuple[float, float]:  # fmt: skip
    rows = used.nonzero()[0]
    below, se = _share_below(design, x, used, q)
    if not 0 < below < 1:
        return q, q
    tail = (1 - confidence) / 2
    if interval == "beta":
        n = below * (1 - below) / se**2 * (stats.t.ppf(tail, used.sum() - 1) / stats.t.ppf(tail, design.df)) ** 2
        ends = [
            stats.beta.ppf(tail, n * below, n * (1 - below) + 1),
            stats.beta.ppf(1 - tail, n * below + 1, n * (1 - below)),
        ]
    elif interval == "xlogit":
        half = t * se / (below * (1 - below))
        ends = [special.expit(special.logit(below) - half), special.expit(special.logit(below) + half)]
    elif interval == "asin":
        centre, half = np.arcsin(np.sqrt(below)), t * se / (2 * np.sqrt(below * (1 - below)))
        ends = [np.sin(max(centre - half, 0)) ** 2, np.sin(min(centre + half, np.pi / 2)) ** 2]
    else:
        ends = [below - t * se, below + t * se]
    low, high = weighted_quantile(x[rows], design.weights[rows], np.clip(np.array(ends, dtype="float64"), 0, 1), rule)
    return float(low), float(high)


def _not_rejected(design: Design, x: Array, used: Mask, p: float, rule: QuantileRule, t: float) -> tuple[float, float]:
    """Return the values between which the share at or below is not rejected to be p."""
    rows = used.nonzero()[0]
    values = np.unique(x[rows])

    def first(limit: float) -> float:
        """Return the share at or below the first value that is too high for a limit, by halving."""
        low, high = 0, len(values) - 1
        while low < high:
            middle = (low + high) // 2
            below, se = _share_below(design, x, used, float(values[middle]))
            if below - p > limit * se:
                high = middle
            else:
                low = middle + 1
        return _share_below(design, x, used, float(values[low]))[0]

    ends = np.array([first(-t), first(t)])
    low, high = weighted_quantile(x[rows], design.weights[rows], ends, rule)
    return float(low), float(high)
