"""Scores of dimensions and an outcome with their blanks filled in, so that nobody is left out for a blank."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.missing.chained_equations import impute

Array = NDArray[np.float64]
_ROWS_PER_COLUMN = 10
_LEAST_ANSWERED = 0.5


def completed_tables(values: Array, also: pd.DataFrame | None, weights: Array | None, seed: int) -> list[Array]:
    """Fill in blanks several times over, by chained equations with normal draws.

    What is analysed are covariances, which the normal model keeps where blanks depend on what was answered.

    Parameters
    ----------
    values : ndarray
        What is analysed, shape (n, k); NaN is a blank, and no row is all blank.
    also : DataFrame, optional
        Further scores that tell something of the blanks, shape (n, any); used where there are ten rows for every column,
        and only those that vary and that half of the people have.
    weights : ndarray, optional
        Design weights, shape (n,): what decides who is asked belongs into the model of the blanks.
    seed : int
        Of the imputation.

    Returns
    -------
    list of ndarray
        Each of shape (n, k); the values themselves, once, where nothing is blank.

    References
    ----------
    Reiter, J. P., Raghunathan, T. E. & Kinney, S. K. (2006). The importance of modeling the sampling design in multiple
    imputation for missing data. Survey Methodology, 32, 143-149.
    """
    n, k = values.shape
    if not np.isnan(values).any():
        return [values]
    columns = [values]
    if weights is not None and np.ptp(weights) > 0:
        columns.append(np.log(weights)[:, None])
    if also is not None:
        extra = also.to_numpy(dtype=float)
        told = ~np.isnan(extra)
        with np.errstate(invalid="ignore"):
            varies = np.array(
                [np.ptp(x[t]) > 0 if t.any() else False for x, t in zip(extra.T, told.T, strict=True)], bool
            )
        extra = extra[:, (told.mean(axis=0) >= _LEAST_ANSWERED) & varies]
        if n >= _ROWS_PER_COLUMN * (sum(c.shape[1] for c in columns) + extra.shape[1]):
            columns.append(extra)
    frame = pd.DataFrame(np.column_stack(columns)).rename(columns=str)
    done = impute(frame, list(frame), method="normal", seed=seed)
    return [table.to_numpy()[:, :k] for table in done]


def pooled_draws(estimates: Array, draws: Array, of_table: NDArray[np.int64]) -> tuple[Array, Array]:
    """Pool estimates and their replicates over completed tables, such that the replicates' variance is Rubin's.

    Parameters
    ----------
    estimates : ndarray
        Of every table, shape (m, ...).
    draws : ndarray
        Replicates, each of one table, shape (draws, ...).
    of_table : ndarray of int
        Which, shape (draws,).

    Returns
    -------
    estimate : ndarray
        Mean over tables.
    draws : ndarray
        With the tables' means spread by sqrt((m + 1) / (m - 1)): a mixture alone has the variance W + (1 - 1/m) B.

    References
    ----------
    Rubin, D. B. (1987). Multiple imputation for nonresponse in surveys. Wiley. Zhou, X. & Reiter, J. P. (2010). A note on
    Bayesian inference after multiple imputation. The American Statistician, 64, 159-163.
    """
    m = len(estimates)
    if m == 1:
        return estimates[0], draws
    mean = estimates.mean(axis=0)
    return mean, draws + (np.sqrt((m + 1) / (m - 1)) - 1) * (estimates - mean)[of_table]
