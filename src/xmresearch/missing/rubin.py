"""One result from the results of several imputations: Rubin's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class PooledResult(Shown):
    """Estimates pooled over imputations.

    Attributes
    ----------
    table : DataFrame
        One row per estimate: term, est, se, df, statistic (t), p, ci_lower, ci_upper, riv (relative increase of the variance
        through the blanks), lambda (share of the variance that is due to them), fmi (fraction of missing information).
    covariance : ndarray
        Of the pooled estimates, within and between imputations, shape (k, k).
    within, between : ndarray
        Its two parts, shape (k, k): `covariance` is within + (1 + 1/m) between.
    m : int
        Imputations.
    confidence : float
        Level of the intervals.
    """

    table: pd.DataFrame
    covariance: Array
    within: Array
    between: Array
    m: int
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per estimate."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many imputations were pooled, and how much the blanks cost at most."""
        return {"m": self.m, "terms": len(self.table), "fmi": float(self.table["fmi"].max())}


def pool(
    estimates: ArrayLike,
    variances: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    df: float = np.inf,
    scaled: bool = False,
    confidence: float = 0.95,
) -> PooledResult:
    """Pool estimates over imputations.

    Parameters
    ----------
    estimates : array_like
        Shape (m, k): k estimates from each of m completed tables.
    variances : array_like
        Shape (m, k), squared standard errors; or (m, k, k), covariances.
    names : sequence of str, optional
        Of the estimates; their numbers if absent.
    df : float
        Degrees of freedom that complete data would have; infinite for large samples.
    scaled : bool
        Whether the covariance is W times one plus the average relative increase of variance, which few imputations tell more
        surely than each of the k x k entries of B; standard in R's semTools. It needs covariances, shape (m, k, k).
    confidence : float
        Level of the intervals.

    Returns
    -------
    PooledResult

    Raises
    ------
    InsufficientData
        Fewer than two imputations, or shapes that do not fit.

    Notes
    -----
    The estimate is the mean, its variance T = W + (1 + 1/m) B, with W the mean of the variances and B the variance of the
    estimates. Degrees of freedom are Rubin's, (m - 1) (1 + 1/riv)^2, and never more than complete data would have
    (Barnard and Rubin).

    References
    ----------
    Rubin, D. B. (1987). Multiple imputation for nonresponse in surveys. Wiley. Barnard, J. & Rubin, D. B. (1999).
    Small-sample degrees of freedom with multiple imputation. Biometrika, 86, 948-955. Li, K. H., Raghunathan, T. E. &
    Rubin, D. B. (1991). Journal of the American Statistical Association, 86, 1065-1073 (average increase of variance).
    """
    est, within = checked(estimates, variances)
    m, k = est.shape
    if scaled and np.ndim(variances) != 3:
        raise InsufficientData("Scaled variances need the covariances of the estimates, shape (m, k, k).")
    mean, between = est.mean(axis=0), np.atleast_2d(np.cov(est, rowvar=False))
    own, extra = np.diag(within), (1 + 1 / m) * np.diag(between)
    total = within + (1 + 1 / m) * between
    if scaled:
        total = within * (1 + (1 + 1 / m) * np.trace(np.linalg.solve(within, between)) / k)
    with np.errstate(divide="ignore", invalid="ignore"):
        riv, share = extra / own, extra / (own + extra)
        freedom = (m - 1) / share**2
        if np.isfinite(df):
            known = (df + 1) / (df + 3) * df * (1 - share)
            freedom = 1 / (1 / freedom + 1 / known)
        se = np.sqrt(np.diag(total))
        t = mean / se
        fmi = np.where(np.isinf(freedom), share, (riv + 2 / (freedom + 3)) / (1 + riv))
    reach = stats.t.ppf((1 + confidence) / 2, freedom) * se
    table = pd.DataFrame({
        "term": [str(k + 1) for k in range(est.shape[1])] if names is None else list(names), "est": mean, "se": se,
        "df": freedom, "statistic": t, "p": 2 * stats.t.sf(np.abs(t), freedom), "ci_lower": mean - reach,
        "ci_upper": mean + reach, "riv": riv, "lambda": share, "fmi": fmi,
    })  # fmt: skip
    return PooledResult(table, total, within, between, m, confidence)


def checked(estimates: ArrayLike, variances: ArrayLike) -> tuple[Array, Array]:
    """Return estimates (m, k) and the mean of their covariances (k, k).

    Raises
    ------
    InsufficientData
        Fewer than two imputations, or shapes that do not fit.
    """
    est, given = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if est.ndim != 2 or len(est) < 2:
        raise InsufficientData(
            f"Estimates have the shape {est.shape}; (imputations, estimates) with at least two imputations is needed."
        )
    m, k = est.shape
    if given.shape == (m, k):
        return est, np.diag(given.mean(axis=0))
    if given.shape == (m, k, k):
        return est, given.mean(axis=0)
    raise InsufficientData(f"Variances have the shape {given.shape}; {(m, k)} or {(m, k, k)} fits the estimates.")
