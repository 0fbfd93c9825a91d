"""Tests of several parameters at once over imputations: D1 (Wald), D2 (test statistics) and D3 (likelihood ratios)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.missing.rubin import checked


@dataclass(frozen=True)
class PooledTest(Shown):
    """A test pooled over imputations.

    Attributes
    ----------
    f : float
        F statistic.
    df1, df2 : float
        Its degrees of freedom.
    p : float
        Of F.
    ariv : float
        Average relative increase of the variance through the blanks.
    """

    f: float
    df1: float
    df2: float
    p: float
    ariv: float

    @property
    def chisq(self) -> float:
        """F times its degrees of freedom: the chi-square of a large sample."""
        return self.f * self.df1

    @property
    def fmi(self) -> float:
        """Average fraction of missing information."""
        return self.ariv / (1 + self.ariv)

    def tidy(self) -> pd.DataFrame:
        """Return the test in one row."""
        names = ("f", "df1", "df2", "p", "ariv", "fmi", "chisq")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    @classmethod
    def of(cls, f: float, df1: float, df2: float, ariv: float) -> PooledTest:
        """Return the test with the p value of its F."""
        return cls(f, df1, df2, float(stats.f.sf(f, df1, df2)), ariv)


def pool_wald(estimates: ArrayLike, covariances: ArrayLike, *, df: float = np.inf) -> PooledTest:
    """Test that all of several parameters are zero (D1).

    Parameters
    ----------
    estimates : array_like
        Shape (m, k).
    covariances : array_like
        Shape (m, k, k).
    df : float
        Residual degrees of freedom that complete data would have.

    Returns
    -------
    PooledTest

    Raises
    ------
    InsufficientData
        Fewer than two imputations, or as few as k (m - 1) <= 4.

    References
    ----------
    Li, K. H., Raghunathan, T. E. & Rubin, D. B. (1991). Journal of the American Statistical Association, 86, 1065-1073.
    Reiter, J. P. (2007). Small-sample degrees of freedom for multi-component significance tests with multiple imputation
    for missing data. Biometrika, 94, 502-508.
    """
    est, within = checked(estimates, covariances)
    m, k = est.shape
    spare = k * (m - 1)
    if spare <= 4:
        raise InsufficientData(f"{m} imputations are too few to test {k} parameter(s) at once.", "Impute more often.")
    between = np.atleast_2d(np.cov(est, rowvar=False))
    mean = est.mean(axis=0)
    r = float((1 + 1 / m) * np.trace(np.linalg.solve(within, between)) / k)
    f = float(mean @ np.linalg.solve(within, mean)) / k / (1 + r)
    if r < 1e-12:
        return PooledTest.of(f, k, df, r)
    return PooledTest.of(f, k, _freedom(r, spare, df), r)


def _freedom(r: float, spare: float, df: float) -> float:
    """Reiter's degrees of freedom for D1; those of Li, Raghunathan and Rubin where complete data would have infinitely many."""
    if np.isinf(df):
        return float(4 + (spare - 4) * (1 + (1 - 2 / spare) / r) ** 2)
    a, own = r * spare / (spare - 2), (df + 1) / (df + 3) * df
    low, high = own - 4 * (1 + a), own - 2 * (1 + a)
    if low <= 0:
        return 4.0
    share = a / (1 + a)
    terms = (
        share**2 * high / low + 8 * share * a * high / low**2 + 4 * share * a / low + 4 * a**2 / (low * high)
        + 16 * a**2 * high / low**3 + 8 * a**2 / low**2
    )  # fmt: skip
    return float(4 + 1 / (1 / low + terms / (spare - 4)))


def pool_chisq(chisq: ArrayLike, df: float) -> PooledTest:
    """Pool chi-square statistics (D2), where nothing but they are known.

    Parameters
    ----------
    chisq : array_like
        Shape (m,).
    df : float
        Of each.

    Returns
    -------
    PooledTest
        With little power; D1 or D3 are to be preferred where they can be had.

    Raises
    ------
    InsufficientData
        Fewer than two imputations.

    References
    ----------
    Li, K. H., Meng, X. L., Raghunathan, T. E. & Rubin, D. B. (1991). Significance levels from repeated p-values with
    multiply-imputed data. Statistica Sinica, 1, 65-92.
    """
    w = np.asarray(chisq, dtype=np.float64)
    m = _at_least_two(w)
    r = float((1 + 1 / m) * np.sqrt(w).var(ddof=1))
    f = float((w.mean() / df - (m + 1) / (m - 1) * r) / (1 + r))
    df2 = df ** (-3 / m) * (m - 1) * (1 + 1 / r) ** 2 if r > 0 else np.inf
    return PooledTest.of(f, df, float(df2), r)


def pool_likelihood_ratio(own: ArrayLike, pooled: ArrayLike, df: float) -> PooledTest:
    """Pool likelihood-ratio statistics (D3).

    Parameters
    ----------
    own : array_like
        Shape (m,): each completed table's statistic, both models at its own estimates.
    pooled : array_like
        Shape (m,): the same with both models at the estimates averaged over imputations.
    df : float
        Parameters that the models differ in.

    Returns
    -------
    PooledTest

    Raises
    ------
    InsufficientData
        Fewer than two imputations.

    References
    ----------
    Meng, X. L. & Rubin, D. B. (1992). Performing likelihood ratio tests with multiply-imputed data sets. Biometrika, 79,
    103-111.
    """
    at_own, at_pooled = np.asarray(own, dtype=np.float64), np.asarray(pooled, dtype=np.float64)
    m = _at_least_two(at_own)
    r = float(max((m + 1) / (df * (m - 1)) * (at_own.mean() - at_pooled.mean()), 0.0))
    spare = df * (m - 1)
    f = float(at_pooled.mean() / (df * (1 + r)))
    if r == 0:
        return PooledTest.of(f, df, np.inf, r)
    few, many = spare * (1 + 1 / df) * (1 + 1 / r) ** 2 / 2, 4 + (spare - 4) * (1 + (1 - 2 / spare) / r) ** 2
    return PooledTest.of(f, df, float(many if spare > 4 else few), r)


def _at_least_two(statistics: np.ndarray) -> int:
    if statistics.ndim != 1 or len(statistics) < 2:
        raise InsufficientData(f"Statistics have the shape {statistics.shape}; those of two imputations are needed.")
    return len(statistics)
