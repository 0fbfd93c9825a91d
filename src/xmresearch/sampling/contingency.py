"""Tests of categories in a complex sample: of two for independence, of one for given shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.reference_distributions import (
    DesignTest,
    f_mixture,
    satterthwaite,
    satterthwaite_terms,
)

Array = NDArray[np.float64]
TableStatistic = Literal["F", "Chisq", "saddlepoint", "Wald", "adjWald"]


def chi_square(
    design: Design, row: str, column: str, *, statistic: TableStatistic = "F", domain: Mask | None = None
) -> DesignTest:
    """Test whether two categories are independent.

    Parameters
    ----------
    design : Design
        Of the sample.
    row, column : str
        Its columns; rows with a blank are no part of the domain.
    statistic : {'F', 'Chisq', 'saddlepoint', 'Wald', 'adjWald'}
        Pearson's statistic with Rao and Scott's second-order correction (which keeps its level best), their first-order one, or the
        saddlepoint of its distribution; Koch's Wald test of the differences from independence, or that with adjusted degrees of freedom.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,).

    Returns
    -------
    DesignTest
        `scales` are the design effects that Pearson's statistic is corrected by.

    Raises
    ------
    DataError, InsufficientData
        A column is not there, or has a single value; too few degrees of freedom.

    References
    ----------
    Rao, J. N. K. & Scott, A. J. (1984). Annals of Statistics, 12, 46-60. Koch, G. G., Freeman, D. H. & Freeman, J. L. (1975).
    International Statistical Review, 43, 59-78. Thomas, D. R. & Rao, J. N. K. (1987). JASA, 82, 630-636.
    """
    columns = [_text(design, name) for name in (row, column)]
    used = columns[0].notna().to_numpy() & columns[1].notna().to_numpy() & design.rows(domain)
    (rows_at, rows), (columns_at, levels) = (pd.factorize(c.where(used), sort=True) for c in columns)
    r, c = len(rows), len(levels)
    if min(r, c) < 2:
        raise DataError(
            f"'{row}' and '{column}' need two values each at least.", "Choose columns that vary in the domain."
        )
    cell = np.where(used, rows_at * c + columns_at, 0)
    dummies = np.zeros((len(design), r * c))
    dummies[np.arange(len(design))[used], cell[used]] = 1.0
    w = design.weights * used
    share = (w @ dummies) / w.sum()
    v = design.covariance((dummies - share) * used[:, None] / w.sum())
    k = (r - 1) * (c - 1)
    if statistic in ("Wald", "adjWald"):
        return _wald(w @ dummies, design.covariance(dummies), r, c, design.df, adjusted=statistic == "adjWald")
    n = int(used.sum())
    table = share.reshape(r, c)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)).ravel()
    pearson = float(n * ((share - expected) ** 2 / expected).sum())
    contrasts = _interaction(r, c)
    inverse = np.where(share > 0, 1 / np.where(share > 0, share, 1.0), 0.0)
    simple = contrasts.T @ (contrasts * (inverse / n)[:, None])
    weighted = contrasts * inverse[:, None]
    delta = np.linalg.solve(simple, weighted.T @ v @ weighted)
    trace = float(np.trace(delta))
    scales = np.linalg.eigvals(delta).real
    told = tuple(map(float, scales))
    if statistic == "Chisq":
        return DesignTest(statistic, pearson, k, np.nan, float(stats.chi2.sf(pearson / (trace / k), k)), scales=told)
    d0 = trace**2 / float(np.trace(delta @ delta))
    ddf = d0 * design.df
    if statistic == "saddlepoint":
        return DesignTest(statistic, pearson, k, ddf, f_mixture(pearson, scales, ddf), scales=told)
    f = pearson / trace
    return DesignTest(statistic, f, d0, ddf, float(stats.f.sf(f, d0, ddf)), scales=told)


def _text(design: Design, name: str) -> pd.Series:
    if name not in design.frame.columns:
        raise DataError(f"The sample has no column '{name}'.", nearest(name, map(str, design.frame.columns)))
    return design.frame[name].astype("string")


def goodness_of_fit(
    design: Design, name: str, shares: Mapping[Any, float], *, domain: Mask | None = None
) -> DesignTest:
    """Test whether the categories of a column have given shares.

    Parameters
    ----------
    design : Design
        Of the sample.
    name : str
        Column; its blanks are no part of the domain.
    shares : mapping
        What each category should have; they are scaled to add up to 1.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,).

    Returns
    -------
    DesignTest
        Pearson's statistic of the weighted counts; p is Satterthwaite's for the chi-square variables that it is a sum of (`scales`), as in
        R's `svygofchisq`.

    Raises
    ------
    DataError, InsufficientData
        The column is not there; categories of the data and of `shares` are not the same; a share is not above 0.

    References
    ----------
    Rao, J. N. K. & Scott, A. J. (1981). The analysis of categorical data from complex sample surveys. JASA, 76, 221-230.
    """
    text = _text(design, name).str.strip()
    used = text.notna().to_numpy() & design.rows(domain)
    at, levels = pd.factorize(text.where(used), sort=True)
    wanted = {str(k).strip(): float(v) for k, v in shares.items()}
    apart = sorted(set(levels) ^ set(wanted))
    if apart:
        raise DataError(
            f"shares: '{brief(apart[0])}' is in {'the data' if apart[0] in set(levels) else 'the shares'} of '{name}' alone.",
            "Give a share for every category of the data, and for no other.",
        )
    p = np.array([wanted[v] for v in levels])
    if not (np.isfinite(p) & (p > 0)).all() or len(p) < 2:
        raise DataError(
            f"shares: '{name}' needs two categories at least, each with a share above 0.", "Correct the shares."
        )
    p = p / p.sum()
    dummies = np.zeros((len(design), len(p)))
    dummies[used, at[used]] = 1.0
    counts = (design.weights * used) @ dummies
    expected = counts.sum() * p
    statistic = float(((counts - expected) ** 2 / expected).sum())
    root = np.sqrt(expected)
    slopes = np.diag(1 / root) - np.outer((counts + expected) / (2 * root * counts.sum()), np.ones(len(p)))
    scales = np.linalg.eigvalsh(slopes @ design.covariance(dummies) @ slopes.T)
    _, df = satterthwaite_terms(scales)
    return DesignTest(
        "goodness of fit", statistic, df, np.nan, satterthwaite(statistic, scales), scales=tuple(map(float, scales))
    )


def _interaction(r: int, c: int) -> Array:
    """Return contrasts of the cells that are orthogonal to rows and columns, shape (cells, (r-1)(c-1))."""
    return np.asarray(np.kron(np.eye(r)[:, 1:] - 1 / r, np.eye(c)[:, 1:] - 1 / c))


def _wald(totals: Array, v: Array, r: int, c: int, nu: int, *, adjusted: bool) -> DesignTest:
    """Test the differences of cells from the products of their margins, by the delta method."""
    table = totals.reshape(r, c)
    rows, columns, size = table.sum(axis=1), table.sum(axis=0), table.sum()
    slopes, y = [], []
    for i in range(r - 1):
        for j in range(c - 1):
            slope = np.full((r, c), rows[i] * columns[j] / size**2)
            slope[i, j] += 1
            slope[i, :] -= columns[j] / size
            slope[:, j] -= rows[i] / size
            slopes.append(slope.ravel())
            y.append(table[i, j] - rows[i] * columns[j] / size)
    a, difference = np.array(slopes), np.array(y)
    k = len(difference)
    w = float(difference @ np.linalg.solve(a @ v @ a.T, difference))
    if not adjusted:
        return DesignTest("Wald", w / k, k, nu, float(stats.f.sf(w / k, k, nu)))
    if nu - k + 1 < 1:
        raise InsufficientData(
            f"The design has {nu} degrees of freedom, too few for a table with {k}.", "Use statistic = F."
        )
    f = w * (nu - k + 1) / (k * nu)
    return DesignTest("adjWald", f, k, nu - k + 1, float(stats.f.sf(f, k, nu - k + 1)))
