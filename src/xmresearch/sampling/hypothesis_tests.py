"""Tests on a complex sample: means, ranks and tables."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sampling.designs import Design
from xmresearch.sampling.estimates import Mask, columns_of, mean
from xmresearch.sampling.regressions import fit_weighted, regression, wald_test

Array = NDArray[np.float64]
TableStatistic = Literal["F", "Chisq", "Wald", "adjWald"]


def t_test(
    design: Design, name: str, group: str | None = None, *, domain: Mask | None = None, confidence: float = 0.95
) -> dict[str, float]:
    """Test whether a mean is 0, or differs between two groups.

    Parameters
    ----------
    design : Design
        Of the sample.
    name : str
        Column of numbers.
    group : str, optional
        Column of two values; the difference is the later in order less the first. The mean itself if absent.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,).
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        difference, t, df, p, lower, upper.

    Raises
    ------
    DataError, InsufficientData
        There are not two groups; see `regression`.

    References
    ----------
    Lumley, T. (2010). Complex surveys: a guide to analysis using R. Wiley, section 3.4.
    """
    if group is None:
        found = mean(design, name, domain=domain, confidence=confidence).summary()
        difference, se = found["estimate"], found["se"]
    else:
        _, names = columns_of(design, [group])
        if names != [group] and len(names) != 2:
            raise DataError(f"Column '{group}' has {len(names)} values; a t test compares two.")
        fitted = regression(design, name, [group], domain=domain, confidence=confidence)
        difference, se = fitted.table["estimate"].iloc[1], fitted.table["se"].iloc[1]
    df = design.df - 1
    if df < 1:
        raise InsufficientData(f"The design has {design.df} degrees of freedom, too few for a test.")
    reach = stats.t.ppf(0.5 + confidence / 2, df) * se
    t = difference / se
    return {
        "difference": float(difference), "t": float(t), "df": float(df), "p": float(2 * stats.t.sf(abs(t), df)),
        "lower": float(difference - reach), "upper": float(difference + reach),
    }  # fmt: skip


def chi_square(
    design: Design, row: str, column: str, *, statistic: TableStatistic = "F", domain: Mask | None = None
) -> dict[str, float]:
    """Test whether two categories are independent.

    Parameters
    ----------
    design : Design
        Of the sample.
    row, column : str
        Its columns; rows with a blank are no part of the domain.
    statistic : {'F', 'Chisq', 'Wald', 'adjWald'}
        Rao and Scott's second-order corrected Pearson statistic (which keeps its level best), the first-order one, Koch's Wald test of the
        differences from independence, or that with adjusted degrees of freedom.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,).

    Returns
    -------
    dict of str to float
        statistic, ndf, ddf (NaN for Chisq), p.

    Raises
    ------
    DataError, InsufficientData
        A column is not there, or has a single value; too few degrees of freedom.

    References
    ----------
    Rao, J. N. K. & Scott, A. J. (1984). Annals of Statistics, 12, 46-60. Koch, G. G., Freeman, D. H. & Freeman, J. L. (1975).
    International Statistical Review, 43, 59-78. Thomas, D. R. & Rao, J. N. K. (1987). JASA, 82, 630-636.
    """
    codes, sizes = [], []
    for name in (row, column):
        if name not in design.frame.columns:
            raise DataError(f"The sample has no column '{name}'.", nearest(name, map(str, design.frame.columns)))
        at, levels = pd.factorize(design.frame[name].astype("string"), sort=True)
        codes.append(at)
        sizes.append(len(levels))
    used = (codes[0] >= 0) & (codes[1] >= 0)
    if domain is not None:
        used &= np.asarray(domain, dtype=bool)
    r, c = sizes
    if min(r, c) < 2:
        raise DataError(f"'{row}' and '{column}' need two values each at least.")
    cell = np.where(used, codes[0] * c + codes[1], 0)
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
    if statistic == "Chisq":
        return {
            "statistic": pearson,
            "ndf": float(k),
            "ddf": np.nan,
            "p": float(stats.chi2.sf(pearson / (trace / k), k)),
        }
    d0 = trace**2 / float(np.trace(delta @ delta))
    f, ddf = pearson / trace, d0 * design.df
    return {"statistic": f, "ndf": d0, "ddf": ddf, "p": float(stats.f.sf(f, d0, ddf))}


def _interaction(r: int, c: int) -> Array:
    """Return contrasts of the cells that are orthogonal to rows and columns, shape (cells, (r-1)(c-1))."""
    return np.asarray(np.kron(np.eye(r)[:, 1:] - 1 / r, np.eye(c)[:, 1:] - 1 / c))


def _wald(totals: Array, v: Array, r: int, c: int, nu: int, *, adjusted: bool) -> dict[str, float]:
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
        return {"statistic": w / k, "ndf": float(k), "ddf": float(nu), "p": float(stats.f.sf(w / k, k, nu))}
    if nu - k + 1 < 1:
        raise InsufficientData(f"The design has {nu} degrees of freedom, too few for a table with {k}.")
    f = w * (nu - k + 1) / (k * nu)
    return {"statistic": f, "ndf": float(k), "ddf": float(nu - k + 1), "p": float(stats.f.sf(f, k, nu - k + 1))}


def rank_test(design: Design, name: str, group: str, *, domain: Mask | None = None) -> dict[str, Any]:
    """Compare groups by ranks: Wilcoxon's test of two, Kruskal and Wallis' of more.

    Parameters
    ----------
    design : Design
        Of the sample.
    name : str
        Column of numbers, or of ordered answers coded as numbers.
    group : str
        Column of groups.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,).

    Returns
    -------
    dict
        test, statistic (t of two groups, F of more), ndf, ddf, p.

    Raises
    ------
    DataError, InsufficientData
        There is only one group; see `regression`.

    References
    ----------
    Lumley, T. & Scott, A. J. (2013). Two-sample rank tests under complex sampling. Biometrika, 100, 831-842.
    """
    values, _ = columns_of(design, [name])
    x = values[:, 0]
    groups, names = columns_of(design, [group])
    if names == [group]:
        texts = design.frame[group].astype("string")
        names = [f"{group}={v}" for v in sorted(texts.dropna().unique())]
        groups = np.stack(
            [(texts == n.partition("=")[2]).to_numpy(dtype="float64", na_value=np.nan) for n in names], axis=1
        )
    if len(names) < 2:
        raise DataError(f"Column '{group}' has a single value; a rank test compares groups.")
    used = np.isfinite(x) & np.isfinite(groups).all(axis=1)
    if domain is not None:
        used &= np.asarray(domain, dtype=bool)
    ranks = np.full(len(x), np.nan)
    ranks[used] = _population_ranks(x[used], design.weights[used])
    columns = np.concatenate([np.ones((len(x), 1)), groups[:, 1:]], axis=1)
    fitted = fit_weighted(design, ranks, columns, ["(Intercept)", *names[1:]], domain=used)
    if len(names) == 2:
        row = fitted.table.iloc[1]
        return {"test": "Wilcoxon", "statistic": float(row["t"]), "ndf": 1, "ddf": fitted.df, "p": float(row["p"])}
    found = wald_test(fitted, names[1:])
    return {"test": "Kruskal-Wallis", "statistic": found["F"], "ndf": found["df"], "ddf": found["ddf"], "p": found["p"]}


def _population_ranks(x: Array, w: Array) -> Array:
    """Return the estimated share of the population below each value, counting half of what equals it."""
    at = np.unique(x, return_inverse=True)[1]
    mass = np.bincount(at, weights=w) / w.sum()
    below = np.cumsum(mass) - mass
    return np.asarray((below + mass / 2)[at])
