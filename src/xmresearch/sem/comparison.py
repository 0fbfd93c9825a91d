"""Differences of chi-square between nested models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, special

from xmresearch.display import Shown
from xmresearch.errors import ModelError
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.estimation import inverted, units
from xmresearch.sem.fitting import objective_of
from xmresearch.sem.likelihood import moment_slopes
from xmresearch.sem.ordinal import LeastSquares
from xmresearch.sem.result import SemFit

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class DifferenceTest(Shown):
    """A test of a restricted model against a freer one.

    Attributes
    ----------
    chisq, df, pvalue : float, int, float
        Of the difference.
    method : {'likelihood ratio', 'satorra.bentler.2001', 'satorra.2000'}
        How it was scaled.
    """

    chisq: float
    df: int
    pvalue: float
    method: str


@on_one_thread
def difference_test(restricted: SemFit, free: SemFit) -> DifferenceTest:
    """Test a model against one that it is nested in.

    Parameters
    ----------
    restricted, free : SemFit
        Fits of the same data by the same estimator.

    Returns
    -------
    DifferenceTest
        ML: likelihood ratio. MLM and MLR: Satorra and Bentler's scaled difference. MLMV and WLSMV, or where that
        scaling is not positive: Satorra's (2000) test, scaled and shifted for MLMV and WLSMV.

    Raises
    ------
    ModelError
        The fits differ in estimator, data, weights, clusters or variables, or are not ordered by degrees of freedom.

    References
    ----------
    Satorra, A. & Bentler, P. M. (2001). Psychometrika, 66, 507-514.
    Satorra, A. (2000). In Innovations in Multivariate Statistical Analysis. Kluwer.
    """
    if restricted.estimator != free.estimator or restricted.n != free.n:
        raise ModelError("The two fits do not use the same estimator and rows.")
    if not same_design(restricted, free):
        raise ModelError("The two fits do not use the same weights and clusters.")
    if sorted(restricted.model.observed) != sorted(free.model.observed):
        raise ModelError("The two fits do not have the same observed variables.")
    df = restricted.model.df - free.model.df
    if df <= 0:
        raise ModelError("The first model must have more degrees of freedom than the second.")
    difference = float(restricted.measures["chisq"] - free.measures["chisq"])
    method, statistic = "likelihood ratio", difference
    if restricted.sandwich is not None and free.sandwich is not None:
        scale = (restricted.sandwich.trace - (free.sandwich.trace if free.model.df else 0.0)) / df
        if free.estimator in ("MLM", "MLR") and scale > 0:
            method, statistic = "satorra.bentler.2001", difference / scale
        else:
            method, statistic = "satorra.2000", _satorra(restricted, free, difference, df)
    return DifferenceTest(statistic, df, float(special.chdtrc(df, max(statistic, 0.0))), method)


def same_design(first: SemFit, second: SemFit) -> bool:
    """Say whether two fits used the same weights and clusters."""
    pairs = zip(first.samples, second.samples, strict=False)
    return len(first.samples) == len(second.samples) and all(
        np.array_equal(getattr(a.design, k), getattr(b.design, k))
        if getattr(a.design, k) is not None and getattr(b.design, k) is not None
        else getattr(a.design, k) is getattr(b.design, k)
        for a, b in pairs
        for k in ("weights", "clusters")
    )


def _satorra(restricted: SemFit, free: SemFit, difference: float, df: int) -> float:
    """Scale, and for MLMV and WLSMV shift, by the traces of the restriction's U Gamma."""
    unit = units(free.solution.information)
    wide, narrow = _slopes(free) / unit, _slopes(restricted) / units(restricted.solution.information)
    inside = np.linalg.lstsq(wide, narrow, rcond=None)[0]
    normals = linalg.svd(inside.T)[2][inside.shape[1] :]
    both = np.outer(unit, unit)
    bread, meat = inverted(free.solution.information) * both, free.n * free.covariance * both
    product = np.linalg.solve(normals @ bread @ normals.T, normals @ meat @ normals.T)
    trace, squared = float(np.trace(product)), float((product * product.T).sum())
    if free.estimator in ("MLM", "MLR"):
        return difference * df / trace
    return difference * float(np.sqrt(df / squared)) + df - float(np.sqrt(df * trace**2 / squared))


def _slopes(fitted: SemFit) -> Array:
    """Return the derivatives of all groups' moments, weighted by nothing, shape (moments, q)."""
    objective: Any = objective_of(fitted.model, fitted.samples)
    implied = objective.implied(fitted.solution.theta)
    if isinstance(objective, LeastSquares):
        return np.vstack([i.slopes for i in implied])
    parts = zip(objective.matrices, implied, strict=True)
    return np.vstack([m.pooled(moment_slopes(i, m.means)).T for m, i in parts])


@on_one_thread
def compare(fits: Mapping[str, SemFit]) -> pd.DataFrame:
    """Set nested models side by side, each tested against the one before it.

    Parameters
    ----------
    fits : mapping of str to SemFit
        From the freest to the most restricted.

    Returns
    -------
    DataFrame
        model, npar, chisq, df, pvalue, cfi, tli, rmsea, srmr, aic, bic, delta_cfi, delta_rmsea, delta_srmr, chisq_diff,
        df_diff, p_diff; robust or scaled figures where the estimator gives them.

    References
    ----------
    Satorra, A. & Bentler, P. M. (2001). A scaled difference chi-square test statistic for moment structure analysis.
    Psychometrika, 66(4), 507-514.
    """
    rows: list[dict[str, Any]] = []
    before: SemFit | None = None
    for name, fitted in fits.items():
        facts = fitted.summary()
        row = {"model": name, "npar": fitted.model.n_free}
        row |= {k: facts[k] for k in ("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "srmr")}
        row |= {k: float(fitted.measures.get(k, np.nan)) for k in ("aic", "bic")}
        row |= dict.fromkeys(("delta_cfi", "delta_rmsea", "delta_srmr", "chisq_diff", "df_diff", "p_diff"), np.nan)
        if before is not None:
            row |= {f"delta_{k}": row[k] - rows[-1][k] for k in ("cfi", "rmsea", "srmr")}
            if fitted.converged and before.converged:
                test = difference_test(fitted, before)
                row |= {"chisq_diff": test.chisq, "df_diff": test.df, "p_diff": test.pvalue}
        rows.append(row)
        before = fitted
    return pd.DataFrame(rows)
