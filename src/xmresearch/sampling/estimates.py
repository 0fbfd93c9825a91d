"""Means, totals, shares and ratios of a complex sample, with linearised variances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sampling.designs import Design, Mask

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Estimates(Shown):
    """Estimates from a sample.

    Attributes
    ----------
    table : DataFrame
        One row per estimate: term, estimate, se, lower, upper, deff and deff_replace (variance over that of a simple random sample
        of as many rows, without and with replacement; NaN where there is none), n (rows used). Those of groups begin with group.
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
    design: Design, terms: Sequence[str], values: Array, influence: Array, used: Mask,
    simple: tuple[Array, Array] | None = None, *, confidence: float = 0.95,
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
    simple : tuple of ndarray, optional
        Variances of a simple random sample without and with replacement, shapes (k,).
    confidence : float
        Level.

    Returns
    -------
    Estimates
    """
    covariance = design.covariance(influence)
    variance = np.diag(covariance)
    se = np.sqrt(np.maximum(variance, 0))
    df = float(design.df)
    reach = stats.t.ppf(0.5 + confidence / 2, df) if df > 0 else np.nan
    without, replaced = (np.full(len(values), np.nan),) * 2 if simple is None else simple
    with np.errstate(divide="ignore", invalid="ignore"):
        table = pd.DataFrame(
            {"term": list(terms), "estimate": values, "se": se, "lower": values - reach * se, "upper": values + reach * se,
             "deff": np.where(without > 0, variance / without, np.nan),
             "deff_replace": np.where(replaced > 0, variance / replaced, np.nan), "n": int(used.sum())}
        )  # fmt: skip
    return Estimates(table, covariance, influence, df, confidence)


def mean_of(design: Design, x: Array, terms: Sequence[str], used: Mask, *, whole: bool, confidence: float) -> Estimates:
    """Estimate the means of given columns; see `mean`.

    Parameters
    ----------
    design : Design
        Of the sample.
    x : ndarray
        Shape (n, k), 0 in rows that are not used.
    terms : sequence of str
        Names of the columns.
    used : ndarray of bool
        Rows that count, shape (n,).
    whole : bool
        Whether they are the whole sample, whose population the design knows.
    confidence : float
        Level.

    Returns
    -------
    Estimates
    """
    w = design.weights * used
    values = (w @ x) / w.sum()
    influence = (x - values) * used[:, None] / w.sum()
    variance, size, n = _simple_variance(design, x, used)
    size = design.population if whole and used.all() else size
    simple = (variance * (size - n) / (size * n) if size > n else variance / n, variance / n)
    return estimated(design, terms, values, influence, used, simple, confidence=confidence)


def prepared(design: Design, names: str | Sequence[str], domain: Mask | None) -> tuple[Array, list[str], Mask]:
    """Return columns with 0 for what is not used, their terms, and the rows that are.

    Parameters
    ----------
    design : Design
        Of the sample.
    names : str or sequence of str
        Its columns.
    domain : ndarray of bool or None
        Rows of a subpopulation, shape (n,).

    Returns
    -------
    x : ndarray
        Shape (n, k).
    terms : list of str
        As `columns_of` gives them.
    used : ndarray of bool
        Shape (n,).

    Raises
    ------
    DataError, InsufficientData
        A column is not there, or has fewer than two values in the domain.
    """
    values, terms = columns_of(design, [names] if isinstance(names, str) else names)
    used = np.isfinite(values).all(axis=1) & design.rows(domain)
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
    x, terms, used = prepared(design, names, domain)
    return mean_of(design, x, terms, used, whole=domain is None, confidence=confidence)


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
    x, terms, used = prepared(design, names, domain)
    w = design.weights * used
    variance, size, n = _simple_variance(design, x, used)
    alone = variance * size**2
    simple = (alone * ((size - n) / (size * n) if size > n else 1 / n), alone / n)
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
    x, _, used = prepared(design, [numerator, denominator], domain)
    w = design.weights * used
    top, below = w @ x
    if below == 0:
        raise DataError(f"The total of '{denominator}' is 0.", "A ratio needs another denominator.")
    value = np.array([top / below])
    influence = ((x[:, :1] - value * x[:, 1:]) / below) * used[:, None]
    return estimated(design, [f"{numerator}/{denominator}"], value, influence, used, confidence=confidence)
