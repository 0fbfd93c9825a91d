"""Tests of categories and groups asked as a family: chi-square, pairwise shares, and p values adjusted for their number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.errors import DataError, InsufficientData
from xmresearch.inference.equal_means import welch_test
from xmresearch.metrics.share_intervals import counted

Array = NDArray[np.float64]
Adjustment = Literal["holm", "bh", "by", "hochberg", "hommel", "bonferroni", "none"]


def adjust(p: ArrayLike, method: Adjustment = "holm") -> Array:
    """Adjust p values for the family that they form.

    Parameters
    ----------
    p : array_like
        Shape (K,); NaN is not counted as a question.
    method : {'holm', 'bh', 'by', 'hochberg', 'hommel', 'bonferroni', 'none'}
        holm, hochberg, hommel and bonferroni hold the chance of any false finding; bh and by the expected share of false ones (by under
        any dependence).

    Returns
    -------
    ndarray
        Shape (K,), NaN where p is.

    References
    ----------
    Holm, S. (1979). Scandinavian Journal of Statistics, 6, 65-70. Hochberg, Y. (1988). Biometrika, 75, 800-802. Hommel, G. (1988).
    Biometrika, 75, 383-386. Benjamini, Y. & Hochberg, Y. (1995). Journal of the Royal Statistical Society B, 57, 289-300. Benjamini, Y.
    & Yekutieli, D. (2001). Annals of Statistics, 29, 1165-1188.
    """
    given = np.asarray(p, dtype="float64")
    if method in ("holm", "bh"):
        return adjusted(given, method)
    out = np.full(given.shape, np.nan)
    there = ~np.isnan(given)
    values = given[there]
    k = len(values)
    if method == "none" or k == 0:
        return given.copy()
    if method == "bonferroni":
        out[there] = np.minimum(values * k, 1)
    elif method == "by":
        order = np.argsort(-values, kind="stable")
        factor = (1 / np.arange(1, k + 1)).sum()
        stepped = np.minimum.accumulate(values[order] * factor * k / np.arange(k, 0, -1))
        found = np.empty(k)
        found[order] = np.minimum(stepped, 1)
        out[there] = found
    elif method == "hochberg":
        order = np.argsort(-values, kind="stable")
        found = np.empty(k)
        found[order] = np.minimum(np.minimum.accumulate(values[order] * np.arange(1, k + 1)), 1)
        out[there] = found
    else:
        out[there] = _hommel(values)
    return out


def _hommel(p: Array) -> Array:
    n = len(p)
    order = np.argsort(p, kind="stable")
    s = p[order]
    q = np.full(n, float((n * s / np.arange(1, n + 1)).min()))
    found = q.copy()
    for m in range(n - 1, 1, -1):
        first, last = np.arange(n - m + 1), np.arange(n - m + 1, n)
        least = float((m * s[last] / np.arange(2, m + 1)).min())
        q[first] = np.minimum(m * s[first], least)
        q[last] = q[n - m]
        found = np.maximum(found, q)
    out = np.empty(n)
    out[order] = np.minimum(np.maximum(found, s), 1)
    return out


def table_test(counts: ArrayLike) -> dict[str, float]:
    """Test whether rows and columns of a table of counts are independent.

    Parameters
    ----------
    counts : array_like
        Shape (r, c), effective counts where there are weights. Rows and columns without answers are left out.

    Returns
    -------
    dict of str to float
        chisq, df, p, cramers_v, min_expected; of a table of two by two also chisq_corrected and p_corrected (Yates) and, where the counts
        are whole, p_fisher.

    Raises
    ------
    DataError, InsufficientData
        A count is negative; fewer than two rows or columns have answers.

    References
    ----------
    Pearson, K. (1900). Philosophical Magazine, 50, 157-175. Cramér, H. (1946). Mathematical methods of statistics. Princeton.
    """
    table = counted(counts)[0]
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        raise InsufficientData("A table needs two rows and two columns with answers.")
    n = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    chisq, df = float(((table - expected) ** 2 / expected).sum()), (table.shape[0] - 1) * (table.shape[1] - 1)
    found = {
        "chisq": chisq, "df": float(df), "p": float(stats.chi2.sf(chisq, df)),
        "cramers_v": float(np.sqrt(chisq / n / (min(table.shape) - 1))), "min_expected": float(expected.min()),
    }  # fmt: skip
    if table.shape == (2, 2):
        off = np.abs(table - expected)
        corrected = float(((off - np.minimum(0.5, off)) ** 2 / expected).sum())
        found |= {"chisq_corrected": corrected, "p_corrected": float(stats.chi2.sf(corrected, 1))}
        whole = bool((table % 1 == 0).all())
        found["p_fisher"] = float(stats.fisher_exact(table.astype(int)).pvalue) if whole else np.nan
    return found


def pairwise_shares(
    successes: ArrayLike, n: ArrayLike, names: Sequence[str], *, method: Adjustment = "holm"
) -> pd.DataFrame:
    """Compare shares of groups, each with each.

    Parameters
    ----------
    successes, n : array_like
        Answers of the kind and all answers of each group (effective ones with weights), shape (groups,).
    names : sequence of str
        Of the groups.
    method : str
        Of `adjust`, over all pairs.

    Returns
    -------
    DataFrame
        One row per pair: first, second, difference, z (pooled), p, p_adjusted. Pairs without answers, or both all or none of the kind,
        have NaN.

    Raises
    ------
    DataError
        A count is negative, or there are more answers of the kind than answers.

    References
    ----------
    Fleiss, J. L., Levin, B. & Paik, M. C. (2003). Statistical methods for rates and proportions, 3rd ed. Wiley, chapter 9.
    """
    x, total = counted(successes, n)
    if (x > total * (1 + 1e-12)).any():
        raise DataError("There are more answers of the kind than answers.")
    pairs = list(combinations(range(len(x)), 2))
    i, j = (np.array([p[s] for p in pairs], dtype=int) for s in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (x[i] + x[j]) / (total[i] + total[j])
        gap = x[i] / total[i] - x[j] / total[j]
        z = gap / np.sqrt(pooled * (1 - pooled) * (1 / total[i] + 1 / total[j]))
    p = 2 * stats.norm.sf(np.abs(z))
    return pd.DataFrame(
        {"first": [names[k] for k in i], "second": [names[k] for k in j], "difference": gap, "z": z, "p": p,
         "p_adjusted": adjust(p, method)}
    )  # fmt: skip


def group_test(values: pd.Series, groups: pd.Series) -> pd.DataFrame:
    """Test whether the answers of groups differ, by means and by ranks.

    Parameters
    ----------
    values : Series
        Numbers; blanks are left out.
    groups : Series
        Whose they are, of the same length.

    Returns
    -------
    DataFrame
        One row per test: test, statistic, df1, df2, p. Of two groups Welch's t and Wilcoxon's W (normal approximation with continuity
        correction; the first group's), of any number Kruskal and Wallis', Fisher's and Welch's analysis of variance.

    Raises
    ------
    InsufficientData
        Fewer than two groups have two answers.

    References
    ----------
    Welch, B. L. (1951). Biometrika, 38, 330-336. Kruskal, W. H. & Wallis, W. A. (1952). JASA, 47, 583-621. Mann, H. B. & Whitney, D. R.
    (1947). Annals of Mathematical Statistics, 18, 50-60.
    """
    there = values.notna() & groups.notna()
    parts = [g.to_numpy(dtype="float64") for _, g in values[there].groupby(groups[there], sort=True)]
    parts = [g for g in parts if len(g) > 1]
    if len(parts) < 2:
        raise InsufficientData("Fewer than two groups have two answers.", "A comparison needs two groups.")
    rows: list[tuple[Any, ...]] = []
    if len(parts) == 2:
        welch = stats.ttest_ind(parts[0], parts[1], equal_var=False)
        ranks = stats.mannwhitneyu(parts[0], parts[1], method="asymptotic")
        rows += [("welch", welch.statistic, welch.df, np.nan, welch.pvalue)]
        rows += [("wilcoxon", ranks.statistic, np.nan, np.nan, ranks.pvalue)]
    k, n = len(parts), sum(map(len, parts))
    kruskal, anova = stats.kruskal(*parts), stats.f_oneway(*parts)
    rows += [("kruskal", kruskal.statistic, k - 1, np.nan, kruskal.pvalue)]
    rows += [("anova", anova.statistic, k - 1, n - k, anova.pvalue), ("welch_anova", *_welch(parts))]
    return pd.DataFrame(rows, columns=["test", "statistic", "df1", "df2", "p"])


def _welch(parts: list[Array]) -> tuple[float, float, float, float]:
    n = np.array([len(g) for g in parts])
    return welch_test([g.mean() for g in parts], [g.std(ddof=1) / np.sqrt(len(g)) for g in parts], n - 1)
