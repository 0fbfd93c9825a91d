"""Tests on a complex sample: means and ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.estimates import columns_of, mean
from xmresearch.sampling.reference_distributions import DesignTest
from xmresearch.sampling.regressions import fit_weighted, regression
from xmresearch.sampling.term_tests import wald_test

Array = NDArray[np.float64]


def t_test(
    design: Design, name: str, group: str | None = None, *, domain: Mask | None = None, confidence: float = 0.95
) -> DesignTest:
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
    DesignTest
        t with the design's degrees of freedom less one.

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
    return DesignTest(
        "t", float(t), float("nan"), float(df), float(2 * stats.t.sf(abs(t), df)), float(difference), float(difference - reach),
        float(difference + reach),
    )  # fmt: skip


def rank_test(design: Design, name: str, group: str, *, domain: Mask | None = None) -> DesignTest:
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
    DesignTest
        t of two groups, F of more. Ties count half, whatever the order of the rows: R's `svyranktest` orders ties by row where their
        weights differ.

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
    used &= design.rows(domain)
    ranks = np.full(len(x), np.nan)
    ranks[used] = _population_ranks(x[used], design.weights[used])
    columns = np.concatenate([np.ones((len(x), 1)), groups[:, 1:]], axis=1)
    fitted = fit_weighted(design, ranks, columns, ["(Intercept)", *names[1:]], domain=used)
    if len(names) == 2:
        row = fitted.table.iloc[1]
        return DesignTest("Wilcoxon", float(row["t"]), float("nan"), fitted.df, float(row["p"]))
    return replace(wald_test(fitted, names[1:]), test="Kruskal-Wallis")


def _population_ranks(x: Array, w: Array) -> Array:
    """Return the estimated share of the population below each value, counting half of what equals it."""
    at = np.unique(x, return_inverse=True)[1]
    mass = np.bincount(at, weights=w) / w.sum()
    below = np.cumsum(mass) - mass
    return np.asarray((below + mass / 2)[at])
