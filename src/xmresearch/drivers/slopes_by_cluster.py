"""Slopes of rows that were drawn in clusters, and whether they are the same in several groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.inference.equal_means import welch_test

Array = NDArray[np.float64]


def slopes_with_clusters(
    x: Array, y: Array, w: Array, clusters: NDArray[np.int64], count: int
) -> tuple[Array, Array, float]:
    """Regress with an intercept, and again without each cluster.

    Parameters
    ----------
    x, y, w : ndarray
        Shape (n, k), (n,) and (n,): regressors, outcome, weights.
    clusters : ndarray of int
        Cluster of each row, shape (n,), numbered as in the whole sample.
    count : int
        Clusters of the whole sample.

    Returns
    -------
    slopes : ndarray
        Shape (k,).
    shifts : ndarray
        Shape (count, k): how far leaving out a cluster moves each slope, 0 for clusters without rows here. Scaled so that sums of
        squares and products over clusters are variances and covariances, those of several groups too.
    df : float
        Clusters here, less one.

    References
    ----------
    Bell, R. M. & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage samples. Survey
    Methodology, 28, 169-181 (the jackknife, CR3).
    """
    here, mine = np.unique(clusters, return_inverse=True)
    design = np.column_stack([np.ones(len(y)), x - np.average(x, axis=0, weights=w)])
    q = design.shape[1]
    parts = np.zeros((len(here), q, q + 1))
    np.add.at(parts, mine, (design * w[:, None])[:, :, None] * np.column_stack([design, y])[:, None, :])
    whole = parts.sum(axis=0)
    b = np.linalg.pinv(whole[:, :q], hermitian=True) @ whole[:, q]
    left = whole - parts
    without = (np.linalg.pinv(left[:, :, :q], hermitian=True) @ left[:, :, q:])[:, :, 0]
    shifts = np.zeros((count, q - 1))
    shifts[here] = (without - b)[:, 1:] * np.sqrt((len(here) - 1) / len(here))
    return b[1:], shifts, float(len(here) - 1)


def equal_slopes(slopes: Array, shifts: Array, df: Array) -> tuple[float, float, float, float]:
    """Test that groups have one slope, whether or not they share clusters.

    Parameters
    ----------
    slopes : ndarray
        Shape (groups,).
    shifts : ndarray
        Shape (clusters, groups), of `slopes_with_clusters`.
    df : ndarray
        Clusters of each group, less one.

    Returns
    -------
    f, df1, df2, p : float
        Welch's test where every cluster lies in one group; otherwise Wald's, with the degrees of freedom of the group of fewest clusters.

    References
    ----------
    Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika, 38, 330-336. Korn, E. L. &
    Graubard, B. I. (1990). Simultaneous testing of regression coefficients with complex survey data. The American Statistician, 44,
    270-276.
    """
    if not ((shifts != 0).sum(axis=1) > 1).any():
        return welch_test(slopes, np.sqrt((shifts**2).sum(axis=0)), df)
    q = len(slopes) - 1
    apart = slopes[1:] - slopes[0]
    moved = shifts[:, 1:] - shifts[:, :1]
    few = float(df.min())
    wald = float(apart @ np.linalg.pinv(moved.T @ moved, hermitian=True) @ apart)
    df2 = max(few - q + 1, 1.0)
    f = wald / q * df2 / few
    return f, float(q), df2, float(stats.f.sf(f, q, df2))
