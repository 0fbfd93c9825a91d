"""The test that drivers explain nothing of an outcome, under the design of a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.missing.pooled_tests import pool_wald
from xmresearch.sampling.designs import Design

Array = NDArray[np.float64]


def nothing_explained_by_design(tables: Sequence[Array], design: Design) -> float:
    """Test that all slopes are zero under the design of a sample.

    Parameters
    ----------
    tables : sequence of ndarray
        Completed, each of shape (n, k + 1) with the outcome last; 0 outside the design's subpopulation.
    design : Design
        Of the sample.

    Returns
    -------
    float
        p of a Wald test whose F is scaled for few sampling units; of several tables D1.

    Raises
    ------
    InsufficientData
        There are too few sampling units for as many drivers.

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1990). Simultaneous testing of regression coefficients with complex survey data. The American
    Statistician, 44, 270-276.
    """
    inside, k = design.rows(), tables[0].shape[1] - 1
    df = design.df - k + 1
    if df < 1:
        raise NotEstimable(
            "few_clusters",
            f"The design leaves {design.df} degrees of freedom, too few to tell what {k} dimensions drive.",
        )
    slopes, covariances = np.empty((len(tables), k)), np.empty((len(tables), k, k))
    for t, table in enumerate(tables):
        x = np.column_stack([np.ones(len(table)), table[:, :k]]) * inside[:, None]
        information = x.T @ (x * design.weights[:, None])
        slope = np.linalg.solve(information, x.T @ (design.weights * table[:, k]))
        influence = np.linalg.solve(information, (x * (table[:, k] - x @ slope)[:, None]).T).T
        slopes[t], covariances[t] = slope[1:], design.covariance(influence)[1:, 1:] * design.df / df
    if len(tables) == 1:
        f = float(slopes[0] @ np.linalg.solve(covariances[0], slopes[0])) / k
        return float(stats.f.sf(f, k, df))
    return pool_wald(slopes, covariances, df=df).p
