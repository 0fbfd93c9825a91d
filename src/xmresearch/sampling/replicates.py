"""Variances by replicate weights: jackknife, bootstrap, and those that a data provider ships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.sampling.designs import Design

Array = NDArray[np.float64]
MOST_UNITS = 5000


@dataclass(frozen=True, repr=False)
class Replicates(Shown):
    """Replicate weights of a design.

    Attributes
    ----------
    weights : ndarray
        Of the sample itself, shape (n,).
    replicate : ndarray
        Weights of each replicate, shape (n, R).
    scales : ndarray
        Factor of each replicate's squared deviation, shape (R,).
    df : int
        Degrees of freedom.
    kind : str
        JK1, JKn, bootstrap or given.
    """

    weights: Array
    replicate: Array
    scales: Array
    df: int
    kind: str

    def _head(self) -> dict[str, Any]:
        return {"kind": self.kind, "replicates": self.replicate.shape[1], "df": self.df}

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}


@dataclass(frozen=True, repr=False)
class ReplicateEstimates(Shown):
    """Estimates with variances from replicate weights.

    Attributes
    ----------
    table : DataFrame
        One row per estimate: estimate, se, lower, upper.
    covariance : ndarray
        Shape (k, k).
    replicates : ndarray
        The estimates of each replicate, shape (R, k).
    df : int
        Degrees of freedom of the intervals.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    covariance: Array
    replicates: Array
    df: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per estimate."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the first estimate with its interval."""
        return {**self.table.iloc[0].to_dict(), "df": self.df, "level": self.level, "replicates": len(self.replicates)}


def jackknife(design: Design) -> Replicates:
    """Leave out every primary sampling unit in turn: JK1 without strata, JKn with them.

    Parameters
    ----------
    design : Design
        Of the sample; its calibrations are not repeated in the replicates.

    Returns
    -------
    Replicates

    Raises
    ------
    DataError
        A stratum has a single sampling unit; there are more than 5000 units.

    References
    ----------
    Wolter, K. M. (2007). Introduction to variance estimation, 2nd ed. Springer, chapter 4.
    """
    stage = design.stages[0]
    n_units = stage.n_units
    if n_units > MOST_UNITS:
        raise DataError(
            f"The sample has {n_units} sampling units, and the jackknife would make as many weights for every row.",
            "Use the bootstrap, or linearised variances.",
        )
    stratum = stage.stratum_of_units()
    size = np.bincount(stratum)
    if (size == 1).any():
        raise DataError("A stratum has a single sampling unit, which cannot be left out.", "Put small strata together.")
    multiplier = np.ones((n_units, n_units))
    for unit in range(n_units):
        mates = stratum == stratum[unit]
        multiplier[mates, unit] = size[stratum[unit]] / (size[stratum[unit]] - 1)
        multiplier[unit, unit] = 0.0
    scales = ((size - 1) / size * (1 - stage.share))[stratum]
    kind = "JK1" if len(size) == 1 else "JKn"
    return Replicates(design.weights, design.weights[:, None] * multiplier[stage.units], scales, design.df, kind)


def bootstrap(design: Design, replicates: int = 200, *, seed: int = 20260101) -> Replicates:
    """Draw one primary sampling unit fewer than there are, with replacement, in every stratum (Rao and Wu's rescaled bootstrap).

    Parameters
    ----------
    design : Design
        Of the sample; its calibrations are not repeated in the replicates.
    replicates : int
        How many.
    seed : int
        Of the draws.

    Returns
    -------
    Replicates

    Raises
    ------
    DataError
        A stratum has a single sampling unit.

    References
    ----------
    Rao, J. N. K. & Wu, C. F. J. (1988). JASA, 83, 231-241. Rao, J. N. K., Wu, C. F. J. & Yue, K. (1992). Survey Methodology, 18,
    209-217.
    """
    stage = design.stages[0]
    n_units, stratum = stage.n_units, stage.stratum_of_units()
    rng = np.random.default_rng(seed)
    multiplier = np.empty((n_units, replicates))
    for h in range(stage.n_strata):
        members = np.flatnonzero(stratum == h)
        m = len(members)
        if m == 1:
            raise DataError(
                "A stratum has a single sampling unit, which cannot be drawn from.", "Put small strata together."
            )
        counts = rng.multinomial(m - 1, np.full(m, 1 / m), size=replicates).T
        share = float(stage.share[h])
        multiplier[members] = 1 + np.sqrt(1 - share) * (counts * m / (m - 1) - 1)
    scales = np.full(replicates, 1 / replicates)
    return Replicates(design.weights, design.weights[:, None] * multiplier[stage.units], scales, design.df, "bootstrap")


def given_replicates(
    weights: Array, replicate: Array, *, scale: float, rscales: Array | None = None, df: int | None = None
) -> Replicates:
    """Take replicate weights as a data provider ships them.

    Parameters
    ----------
    weights : array_like
        Of the sample itself, shape (n,).
    replicate : array_like
        Shape (n, R).
    scale : float
        Factor of the sum of squared deviations.
    rscales : array_like, optional
        Factors of single replicates, shape (R,); 1 if absent.
    df : int, optional
        Degrees of freedom; the rank of the replicates less 1 if absent.

    Returns
    -------
    Replicates

    Raises
    ------
    DataError
        The shapes do not agree.

    References
    ----------
    Lumley, T. (2004). Analysis of complex survey samples. Journal of Statistical Software, 9 (8).
    """
    w, r = np.asarray(weights, dtype="float64"), np.asarray(replicate, dtype="float64")
    if r.ndim != 2 or len(r) != len(w):
        raise DataError("Replicate weights need one row for every row of the sample.")
    each = np.ones(r.shape[1]) if rscales is None else np.asarray(rscales, dtype="float64")
    freedom = int(np.linalg.matrix_rank(r)) - 1 if df is None else df
    return Replicates(w, r, scale * each, freedom, "given")


def replicate_estimate(
    replicates: Replicates, statistic: Callable[[Array], Any], *, about: Literal["mean", "estimate"] = "estimate",
    confidence: float = 0.95,
) -> ReplicateEstimates:  # fmt: skip
    """Estimate a statistic of the weights and its variance.

    Parameters
    ----------
    replicates : Replicates
        Of the sample.
    statistic : callable
        Takes weights, shape (n,), and returns a number or an array of shape (k,).
    about : {'estimate', 'mean'}
        What deviations are taken from: the estimate, or the mean of the replicates.
    confidence : float
        Level.

    Returns
    -------
    ReplicateEstimates
        One row per number.

    References
    ----------
    Wolter, K. M. (2007). Introduction to variance estimation, 2nd ed. Springer.
    """
    value = np.atleast_1d(np.asarray(statistic(replicates.weights), dtype="float64"))
    each = np.array(
        [np.atleast_1d(statistic(replicates.replicate[:, k])) for k in range(replicates.replicate.shape[1])]
    )
    centre = value if about == "estimate" else each.mean(axis=0)
    apart = (each - centre) * np.sqrt(replicates.scales)[:, None]
    covariance = apart.T @ apart
    se = np.sqrt(np.diag(covariance))
    reach = stats.t.ppf(0.5 + confidence / 2, replicates.df) * se
    table = pd.DataFrame({"estimate": value, "se": se, "lower": value - reach, "upper": value + reach})
    return ReplicateEstimates(table, covariance, each, replicates.df, confidence)
