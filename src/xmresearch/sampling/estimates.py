"""Means, totals, shares and ratios of a complex sample, with linearised variances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sampling.designs import Design

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class Estimates(Shown):
    """Estimates from a sample.

    Attributes
    ----------
    table : DataFrame
        One row per estimate: term, estimate, se, lower, upper, deff (variance over that of a simple random sample without
        replacement; NaN where there is none), n (rows used).
    covariance : ndarray
        Shape (k, k).
    influence : ndarray
        Shape (rows of the design, k): what each row contributes for every unit of its weight.
    df : float
        Degrees of freedom of the intervals.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    covariance: Array
    influence: Array
    df: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per estimate."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the first estimate with its interval."""
        return {**self.table.iloc[0].to_dict(), "df": self.df, "level": self.level}


def columns_of(design: Design, names: Sequence[str]) -> tuple[Array, list[str]]:
    """Return columns as numbers, a category as one column for each of its values.

    Parameters
    ----------
    design : Design
        Of the sample.
    names : sequence of str
        Its columns.

    Returns
    -------
    values : ndarray
        Shape (n, k); NaN where a row has no value.
    terms : list of str
        NAME, or NAME=VALUE of a category.

    Raises
    ------
    DataError
        A column is not there.
    """
    parts, terms = [], []
    for name in names:
        if name not in design.frame.columns:
            raise DataError(f"The sample has no column '{name}'.", nearest(name, map(str, design.frame.columns)))
        column = design.frame[name]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            parts.append(column.to_numpy(dtype="float64", na_value=np.nan)[:, None])
            terms.append(name)
            continue
        texts = column.astype("string")
        levels = sorted(texts.dropna().unique())
        dummies = np.stack([(texts == v).to_numpy(dtype="float64", na_value=np.nan) for v in levels], axis=1)
        parts.append(dummies)
        terms += [f"{name}={v}" for v in levels]
    return np.concatenate(parts, axis=1), terms


def estimated(
    design: Design, terms: Sequence[str], values: Array, influence: Array, used: Mask, simple: Array | None = None, *,
    confidence: float = 0.95, df: float | None = None,
) -> Estimates:  # fmt: skip
    """Put estimates together with their variances and intervals.

    Parameters
    ----------
    design : Design
        Of the sample.
    terms : sequence of str
        Names of the estimates.
    values, influence : ndarray
        Shapes (k,) and (n, k).
    used : ndarray of bool
        Rows that count, shape (n,).
    simple : ndarray, optional
        Variances of a simple random sample, shape (k,).
    confidence : float
        Level.
    df : float, optional
        Degrees of freedom; those of the design if absent.

    Returns
    -------
    Estimates
    """
    covariance = design.covariance(influence)
    variance = np.diag(covariance)
    se = np.sqrt(np.maximum(variance, 0))
    freedom = float(design.df if df is None else df)
    reach = stats.t.ppf(0.5 + confidence / 2, freedom) if freedom > 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = np.full(len(values), np.nan) if simple is None else np.where(simple > 0, variance / simple, np.nan)
    table = pd.DataFrame(
        {"term": list(terms), "estimate": values, "se": se, "lower": values - reach * se, "upper": values + reach * se,
         "deff": deff, "n": int(used.sum())}
    )  # fmt: skip
    return Estimates(table, covariance, influence, freedom, confidence)


def _prepared(design: Design, names: str | Sequence[str], domain: Mask | None) -> tuple[Array, list[str], Mask]:
    values, terms = columns_of(design, [names] if isinstance(names, str) else names)
    used = np.isfinite(values).all(axis=1)
    if domain is not None:
        used &= np.asarray(domain, dtype=bool)
    if used.sum() < 2:
        raise InsufficientData(
            f"Fewer than two rows have a value of {', '.join(terms[:3])} in the domain.",
            "An estimate needs two at least.",
        )
    return np.where(used[:, None], values, 0.0), terms, used


def _simple_variance(design: Design, x: Array, used: Mask) -> tuple[Array, float, int]:
    """Return the population variances as the sample gives them, the weight of the rows used, and their number."""
    w = design.weights * used
    n, total = int(used.sum()), float(w.sum())
    centred = x - (w @ x) / total
    return (w @ centred**2) / total * n / (n - 1), total, n


def mean(
    design: Design, names: str | Sequence[str], *, domain: Mask | None = None, confidence: float = 0.95
) -> Estimates:
    """Estimate means of numbers and shares of categories.

    Parameters
    ----------
    design : Design
        Of the sample.
    names : str or sequence of str
        Columns; rows with a blank in any of them are no part of the domain, and stay part of the design.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,); all if absent.
    confidence : float
        Level.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError, InsufficientData
        A column is not there, or has fewer than two values in the domain.

    References
    ----------
    Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model assisted survey sampling. Springer, section 5.7.
    """
    x, terms, used = _prepared(design, names, domain)
    w = design.weights * used
    values = (w @ x) / w.sum()
    influence = (x - values) * used[:, None] / w.sum()
    variance, _, n = _simple_variance(design, x, used)
    size = design.population if domain is None and used.all() else float(w.sum())
    simple = variance * (size - n) / (size * n) if size > n else variance / n
    return estimated(design, terms, values, influence, used, simple, confidence=confidence)


def total(
    design: Design, names: str | Sequence[str], *, domain: Mask | None = None, confidence: float = 0.95
) -> Estimates:
    """Estimate totals of numbers and counts of categories.

    Parameters
    ----------
    design, names, domain, confidence
        As for `mean`.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError, InsufficientData
        As for `mean`.

    References
    ----------
    Horvitz, D. G. & Thompson, D. J. (1952). JASA, 47, 663-685.
    """
    x, terms, used = _prepared(design, names, domain)
    w = design.weights * used
    variance, size, n = _simple_variance(design, x, used)
    simple = variance * size**2 * ((size - n) / (size * n) if size > n else 1 / n)
    return estimated(design, terms, w @ x, x * used[:, None], used, simple, confidence=confidence)


def ratio(
    design: Design, numerator: str, denominator: str, *, domain: Mask | None = None, confidence: float = 0.95
) -> Estimates:
    """Estimate the ratio of two totals.

    Parameters
    ----------
    design : Design
        Of the sample.
    numerator, denominator : str
        Columns of numbers.
    domain, confidence
        As for `mean`.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError, InsufficientData
        As for `mean`; or the denominator's total is 0.

    References
    ----------
    Cochran, W. G. (1977). Sampling techniques, 3rd ed. Wiley, chapter 6.
    """
    x, _, used = _prepared(design, [numerator, denominator], domain)
    w = design.weights * used
    top, below = w @ x
    if below == 0:
        raise DataError(f"The total of '{denominator}' is 0.", "A ratio needs another denominator.")
    value = np.array([top / below])
    influence = ((x[:, :1] - value * x[:, 1:]) / below) * used[:, None]
    return estimated(design, [f"{numerator}/{denominator}"], value, influence, used, confidence=confidence)


def by(
    design: Design, group: str, estimator: Callable[..., Estimates], names: str | Sequence[str], **settings: Any
) -> dict[str, Estimates]:
    """Estimate in every group of a column; the groups are domains of one design.

    Parameters
    ----------
    design : Design
        Of the sample.
    group : str
        Column; its blanks belong to no group.
    estimator : callable
        `mean`, `total`, `net_promoter` or another that takes a domain.
    names : str or sequence of str
        Passed on to it.
    **settings
        Passed on to it.

    Returns
    -------
    dict of str to Estimates
        By value of the column, in order.

    Raises
    ------
    DataError
        The column is not there.

    References
    ----------
    Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model assisted survey sampling. Springer, section 5.8.
    """
    if group not in design.frame.columns:
        raise DataError(f"The sample has no column '{group}'.", nearest(group, map(str, design.frame.columns)))
    texts = design.frame[group].astype("string")
    return {
        str(v): estimator(design, names, domain=(texts == v).to_numpy(dtype=bool, na_value=False), **settings)
        for v in sorted(texts.dropna().unique())
    }


def contrast(
    design: Design,
    estimates: Sequence[Estimates],
    coefficients: Array,
    term: str = "contrast",
    *,
    confidence: float = 0.95,
) -> Estimates:
    """Estimate a linear combination of estimates of one design, with their covariance.

    Parameters
    ----------
    design : Design
        Of the sample.
    estimates : sequence of Estimates
        Of it, such as those of two domains.
    coefficients : array_like
        Shape (k,): one for every row of their tables, in order.
    term : str
        Its name.
    confidence : float
        Level.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError
        There are not as many coefficients as estimates.

    References
    ----------
    Lumley, T. (2004). Analysis of complex survey samples. Journal of Statistical Software, 9 (8).
    """
    at = np.asarray(coefficients, dtype="float64")
    influence = np.concatenate([e.influence for e in estimates], axis=1)
    values = np.concatenate([e.table["estimate"].to_numpy() for e in estimates])
    if len(at) != len(values):
        raise DataError(f"{len(values)} estimates need as many coefficients, not {len(at)}.")
    used = (influence != 0).any(axis=1)
    return estimated(design, [term], np.array([at @ values]), (influence @ at)[:, None], used, confidence=confidence)


def net_promoter(design: Design, name: str, *, domain: Mask | None = None, confidence: float = 0.95) -> Estimates:
    """Estimate the Net Promoter Score: promoters (9, 10) less detractors (0 to 6), in points.

    Parameters
    ----------
    design : Design
        Of the sample.
    name : str
        Column of answers from 0 to 10.
    domain, confidence
        As for `mean`.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError, InsufficientData
        As for `mean`; or an answer is no whole number from 0 to 10.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review, 81 (12), 46-54.
    """
    x, terms, used = _prepared(design, name, domain)
    answers = x[used, 0]
    if ((answers < 0) | (answers > 10) | (answers % 1 != 0)).any():
        raise DataError(f"Column '{name}' has an answer that is no whole number from 0 to 10.")
    points = 100.0 * ((x[:, 0] >= 9).astype("float64") - (x[:, 0] <= 6)) * used
    w = design.weights * used
    value = (w @ points) / w.sum()
    influence = ((points - value) * used / w.sum())[:, None]
    variance, _, n = _simple_variance(design, points[:, None], used)
    size = design.population if domain is None and used.all() else float(w.sum())
    simple = variance * (size - n) / (size * n) if size > n else variance / n
    return estimated(design, terms, np.array([value]), influence, used, simple, confidence=confidence)
