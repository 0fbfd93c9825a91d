"""Autocorrelation of a series with gaps: by lag, tested, and in the variance of estimates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
CHANCE = 1.645
"""Standard errors that a first autocorrelation must have to count."""
Positions = NDArray[np.int64]


def pairs_apart(at: Positions, lag: int) -> tuple[Positions, Positions]:
    """Return the rows whose positions lie a lag apart: the later ones, and the earlier ones."""
    found = np.searchsorted(at, at - lag)
    there = (found < len(at)) & (at[np.minimum(found, len(at) - 1)] == at - lag)
    return np.flatnonzero(there), found[there]


def portmanteau(z: Array, at: Positions, lags: int, *, used: int) -> tuple[pd.DataFrame, float]:
    """Return the autocorrelation by lag, and Ljung and Box's p of none.

    Parameters
    ----------
    z : ndarray
        Series of mean about 0, shape (periods,); NaN where it has no value.
    at : ndarray
        Positions in time, rising, shape (periods,).
    lags : int
        Of the table and the test.
    used : int
        Parameters of an autocorrelation that was fitted to the series.

    Returns
    -------
    table : DataFrame
        lag, r, pairs.
    p : float
        NaN where no lag has pairs.

    References
    ----------
    Ljung, G. M. & Box, G. E. P. (1978). Biometrika, 65, 297-303. Stoffer, D. S. & Toloi, C. M. C. (1992). Statistics & Probability
    Letters, 13, 391-396 (gaps).
    """
    there = np.isfinite(z)
    y, where = z[there] - z[there].mean(), at[there]
    whole, n = float(y @ y), len(y)
    rows, q = [], 0.0
    for lag in range(1, lags + 1):
        late, early = pairs_apart(where, lag)
        r = float(y[late] @ y[early]) / whole if len(late) and whole > 0 else np.nan
        rows.append((lag, r, len(late)))
        if np.isfinite(r) and len(late):
            # with gaps a lag weighs by its pairs; without, this is n (n + 2) r^2 / (n - lag)
            q += n**2 * (n + 2) / n * r**2 / len(late)
    table = pd.DataFrame(rows, columns=["lag", "r", "pairs"])
    tested = int((table["pairs"] > 0).sum()) - used
    return table, float(stats.chi2.sf(q, tested)) if tested > 0 else float("nan")


def ar1(z: Array, at: Positions, phi: float) -> Array:
    """Return what of each value the one before does not foretell, in units of its standard deviation; NaN after a gap."""
    new = np.full(len(z), np.nan)
    late, early = pairs_apart(at, 1)
    new[late] = (z[late] - phi * z[early]) / np.sqrt(1 - min(phi**2, 1 - 1e-12))
    return new


def bandwidth(scores: Array, at: Positions) -> float:
    """Return the lag up to which covariances count: Andrews' rule for Bartlett weights with an autoregression of each score.

    References
    ----------
    Andrews, D. W. K. (1991). Econometrica, 59, 817-858, equation 6.4.
    """
    late, early = pairs_apart(at, 1)
    if len(late) < 2:
        return 0.0
    above = below = 0.0
    for column in scores.T:
        spread = float(column[early] @ column[early])
        if not spread > 0:
            continue
        r = float(np.clip(column[late] @ column[early] / spread, -0.97, 0.97))
        s = float(((column[late] - r * column[early]) ** 2).mean())
        above += 4 * r**2 * s**2 / ((1 - r) ** 6 * (1 + r) ** 2)
        below += s**2 / (1 - r) ** 4
    alpha = above / below if below > 0 else 0.0
    return float(1.1447 * (alpha * len(scores)) ** (1 / 3))


def long_run_covariance(scores: Array, at: Positions, *, width: float | None = None) -> Array:
    """Return the covariance of the sum of scores that follow each other, with Bartlett weights.

    Parameters
    ----------
    scores : ndarray
        Shape (periods, parameters).
    at : ndarray
        Positions in time, rising, shape (periods,).
    width : float, optional
        Bandwidth; Andrews' rule by default.

    Returns
    -------
    ndarray
        Shape (parameters, parameters), not divided by the number of periods.

    References
    ----------
    Newey, W. K. & West, K. D. (1987). Econometrica, 55, 703-708.
    """
    reach = bandwidth(scores, at) if width is None else width
    found = scores.T @ scores
    for lag in range(1, min(int(np.ceil(reach)), len(scores) - 1) + 1):
        weight = 1 - lag / (reach + 1) if width is not None else 1 - lag / reach if lag < reach else 0.0
        late, early = pairs_apart(at, lag)
        if len(late) and weight > 0:
            across = scores[late].T @ scores[early]
            found = found + weight * (across + across.T)
    return np.asarray(found)


def fading_correlation(table: pd.DataFrame, distance: Positions, *, used: int, n: int) -> Array:
    """Return the correlation at given distances: the autocorrelation by lag, smoothed to one that fades geometrically.

    Parameters
    ----------
    table : DataFrame
        lag, r and pairs, as of `portmanteau`.
    distance : ndarray
        In periods, not negative, of any shape.
    used : int
        Slow effects that were fitted to the series, such as levels, trends and long holidays: each makes it look less correlated.
    n : int
        Its length.

    Returns
    -------
    ndarray
        1 at distance 0, a f^(d - 1) at d: that of an autoregression seen through noise. 0 where the first lag is within chance, which
        keeps tests of many effects from being as noisy as the correlations.

    References
    ----------
    Box, G. E. P. & Jenkins, G. M. (1970). Time series analysis. Holden-Day, section 3.4 (autocorrelation of ARMA(1, 1)). Marriott, F. H. C. &
    Pope, J. A. (1954). Biometrika, 41, 390-402 (bias).
    """
    r, lag, pairs = (table[k].to_numpy(dtype="float64") for k in ("r", "lag", "pairs"))
    there = np.isfinite(r) & (pairs > 0)
    whole = np.where(distance == 0, 1.0, 0.0)
    if not there.any() or lag[there][0] != 1 or abs(r[there][0]) * np.sqrt(pairs[there][0]) < CHANCE:
        return whole
    r, lag, pairs = r[there], lag[there], pairs[there]
    r = r + (used * (1 + r[0]) + 2 * r) / n
    fades = np.linspace(0.0, 0.97, 98) if r[0] > 0 else np.zeros(1)
    powers = fades[:, None] ** (lag - 1)
    heights = np.clip((powers * r * pairs).sum(axis=1) / (powers**2 * pairs).sum(axis=1), -0.5, 1.0)
    misfit = ((r - heights[:, None] * powers) ** 2 * pairs).sum(axis=1)
    a, f = heights[misfit.argmin()], fades[misfit.argmin()]
    a = min(a, f) if f > 0 else np.clip(a, -0.5, 0.5)
    return np.asarray(np.where(distance == 0, 1.0, a * f ** (np.maximum(distance, 1) - 1.0)))
