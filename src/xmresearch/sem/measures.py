"""Fit measures in lavaan's names and conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from xmresearch.sem.likelihood import CompleteSample, Sample
from xmresearch.sem.matrices import Implied
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
RMSEA_LEVEL = 0.90
CLOSE, NOT_CLOSE = 0.05, 0.08
# Hu & Bentler (1999); the wider bounds are those of Browne & Cudeck (1993) for RMSEA and of older practice for the others
GOOD_FIT: Mapping[str, float] = {"cfi": 0.95, "rmsea": 0.06, "srmr": 0.08}
FAIR_FIT: Mapping[str, float] = {"cfi": 0.90, "rmsea": 0.08, "srmr": 0.10}


def reaches(measure: str, value: float, bounds: Mapping[str, float]) -> bool:
    """Whether a fit measure is as good as its bound: CFI at least, RMSEA and SRMR at most; NaN is not."""
    return value >= bounds[measure] if measure == "cfi" else value <= bounds[measure]


def independent_moments(model: Model, sample: Sample) -> tuple[Array, Array]:
    """Return the independence model's covariances and means: modelled variables uncorrelated, exogenous ones as sampled."""
    mean, variance = sample.marginal()
    fixed = model.fixed
    return np.where(np.outer(fixed, fixed), sample.cov, np.diag(variance)), mean


def baseline_df(model: Model) -> int:
    """Return the independence model's degrees of freedom."""
    p, q = len(model.observed), len(model.exogenous)
    return len(model.groups) * (p * (p - 1) // 2 - q * (q - 1) // 2)


def test_measures(chisq: float, df: int, base: float, base_df: int, n: float, groups: int) -> dict[str, float]:
    """Compute the measures that follow from the model's and the baseline's chi-square.

    Parameters
    ----------
    chisq, df : float, int
        Of the model.
    base, base_df : float, int
        Of the independence model.
    n : float
        Respondents, or the sum of their weights.
    groups : int
        How many.

    Returns
    -------
    dict of str to float
        In lavaan's names. RMSEA uses n (not n - 1), and the square root of the number of groups.
    """
    excess, base_excess = max(chisq - df, 0.0), max(base - base_df, 0.0)
    m: dict[str, float] = {
        "chisq": chisq, "df": df, "pvalue": float(special.chdtrc(df, chisq)) if df else np.nan, "baseline.chisq": base,
        "baseline.df": base_df, "baseline.pvalue": float(special.chdtrc(base_df, base)) if base_df else np.nan,
        "cfi": 1 - excess / max(excess, base_excess) if max(excess, base_excess) > 0 else 1.0,
    }  # fmt: skip
    tli = 1.0
    if df and base_df and base / base_df != 1:
        tli = (base / base_df - chisq / df) / (base / base_df - 1)
    m |= {"tli": tli, "nnfi": tli} | incremental_measures(chisq, df, base, base_df)
    for level in (0.05, 0.01):
        critical = float(special.chdtri(df, level)) if df else np.nan
        m[f"cn_{level:.2f}".replace("0.", "")] = critical / (chisq / n) + 1 if chisq > 0 else np.nan
    low, high = rmsea_bounds(chisq, df, n) if df else (0.0, 0.0)
    unit = n * df / groups
    m |= {
        "rmsea": np.sqrt(excess / unit) if df else 0.0, "rmsea.ci.lower": np.sqrt(groups) * low,
        "rmsea.ci.upper": np.sqrt(groups) * high, "rmsea.ci.level": RMSEA_LEVEL,
        "rmsea.pvalue": float(1 - special.chndtr(chisq, df, unit * CLOSE**2)) if df else np.nan, "rmsea.close.h0": CLOSE,
        "rmsea.notclose.pvalue": float(special.chndtr(chisq, df, unit * NOT_CLOSE**2)) if df else np.nan,
        "rmsea.notclose.h0": NOT_CLOSE, "mfi": float(np.exp(-0.5 * (chisq - df) / n)),
    }  # fmt: skip
    return m


def incremental_measures(chisq: float, df: int, base: float, base_df: int) -> dict[str, float]:
    """Compute NFI, PNFI, RFI, IFI and RNI, in lavaan's names.

    Parameters
    ----------
    chisq, df : float, int
        Of the model.
    base, base_df : float, int
        Of the independence model.

    Returns
    -------
    dict of str to float
    """
    nfi = (base - chisq) / base
    m = {"nfi": nfi, "pnfi": df / base_df * nfi if base_df else np.nan, "ifi": (base - chisq) / (base - df)}
    m["rni"] = 1 - (chisq - df) / (base - base_df)
    if df and base_df:
        m["rfi"] = (base / base_df - chisq / df) / (base / base_df)
    return m


def rmsea_bounds(chisq: float, df: float, n: float) -> tuple[float, float]:
    """Return the 90 % interval of RMSEA, from the noncentral chi-square, for one group.

    Parameters
    ----------
    chisq, df : float
        Of the model.
    n : float
        Respondents.

    Returns
    -------
    lower, upper : float

    References
    ----------
    Browne, M. W. & Cudeck, R. (1993). In Testing Structural Equation Models. Sage.
    """

    def noncentrality(probability: float) -> float:
        def excess(x: float) -> float:
            return float(special.chndtr(chisq, df, x)) - probability

        if excess(0.0) < 0:
            return 0.0
        top = max(chisq, 1.0)
        while excess(top) > 0:
            top *= 2
        return float(optimize.brentq(excess, 0.0, top, xtol=1e-10, rtol=1e-12))

    tail = (1 - RMSEA_LEVEL) / 2
    low, high = noncentrality(1 - tail), noncentrality(tail)
    return float(np.sqrt(low / (n * df))), float(np.sqrt(high / (n * df)))


def fit_measures(model: Model, discrepancy: float, implied: Sequence[Implied], samples: Sequence[Sample]) -> pd.Series:
    """Compute the fit measures of a maximum-likelihood solution.

    Parameters
    ----------
    model : Model
        With df >= 0.
    discrepancy : float
        At the solution.
    implied : sequence of Implied
        Implied moments, by group.
    samples : sequence of Sample
        By group.

    Returns
    -------
    Series
        By lavaan's names. GFI is 1 - e'We / s'Ws with residuals e of the moments s and the normal-theory weight W at the
        model, s without the moments fixed to the sample (of saturated moments where rows are incomplete, which is not
        lavaan's); RMR, SRMR (Bentler's), CRMR and SRMR of Mplus include the means where these are modelled, and do not where
        the name ends in nomean; with several groups they are averages by size. logl leaves out exogenous variables fixed to
        the sample.

    References
    ----------
    Rosseel, Y. (2012). lavaan. Journal of Statistical Software, 48(2), 1-36.
    """
    n, npar, p = sum(s.n for s in samples), model.n_free, len(model.observed)
    chisq = max(n * discrepancy, 0.0)  # rounding makes it negative where the model fits the moments exactly
    base = sum(s.n * s.discrepancy(*independent_moments(model, s)) for s in samples)
    m: dict[str, float] = {"npar": npar, "fmin": discrepancy / 2}
    m |= test_measures(chisq, model.df, base, baseline_df(model), n, len(samples))
    deviance = sum(s.n * s.deviance for s in samples)
    fixed = model.fixed
    if fixed.any():
        known = np.ix_(fixed, fixed)
        deviance -= sum(s.n * CompleteSample(s.n, s.mean[fixed], s.cov[known]).deviance for s in samples)
    logl = -(deviance + chisq) / 2
    m |= {
        "logl": logl, "unrestricted.logl": -deviance / 2, "aic": 2 * npar - 2 * logl, "bic": npar * np.log(n) - 2 * logl,
        "ntotal": n, "bic2": npar * np.log((n + 2) / 24) - 2 * logl, "ecvi": chisq / n + 2 * npar / n,
    }  # fmt: skip
    sizes = np.array([s.n / n for s in samples])
    residual = [_residual_measures(model, i, s) for i, s in zip(implied, samples, strict=True)]
    m |= {name: float(sizes @ [r[name] for r in residual]) for name in residual[0]}
    moments = len(samples) * (p * (p + 1) / 2 + (p if model.means else 0))
    m["agfi"] = 1 - moments / model.df * (1 - m["gfi"]) if model.df else 1.0
    m["pgfi"] = model.df / moments * m["gfi"]
    return pd.Series(m, dtype=float, name="value")


def _residual_measures(model: Model, implied: Implied, sample: Sample) -> dict[str, float]:
    """Return the residual measures and GFI of one group."""
    cov, fixed, p = sample.cov, model.fixed, len(sample.cov)
    sd, modelled_sd = np.sqrt(np.diag(cov)), np.sqrt(np.diag(implied.cov))
    difference = cov - implied.cov
    lower, below = np.tril_indices(p), np.tril_indices(p, -1)
    bentler = difference / np.outer(sd, sd)
    correlation = (cov / np.outer(sd, sd) - implied.cov / np.outer(modelled_sd, modelled_sd))[below]
    mplus = np.concatenate([correlation, np.diag(bentler)])
    d = sample.mean - implied.mean if model.means else np.zeros(0)
    shift = sample.mean / sd - implied.mean / modelled_sd if model.means else d
    level = d / sd if model.means else d
    m = _root_means("rmr", difference[lower], d) | _root_means(
        "srmr_bentler", bentler[lower], d / sd if model.means else d
    )
    m |= _root_means("crmr", correlation, level) | _root_means("srmr_mplus", mplus, shift)
    inverse = np.linalg.inv(implied.cov)
    ratio, modelled = inverse @ difference, inverse @ np.where(np.outer(fixed, fixed), 0.0, cov)
    misfit, size = float((ratio * ratio.T).sum() / 2), float((modelled * modelled.T).sum() / 2)
    if model.means:
        mean = np.where(fixed, 0.0, sample.mean)
        misfit, size = misfit + float(d @ inverse @ d), size + float(mean @ inverse @ mean)
    return m | {"srmr": m["srmr_bentler"], "gfi": 1 - misfit / size}


def _root_means(name: str, residuals: Array, means: Array) -> dict[str, float]:
    """Return the root mean squared residual of covariances and means together, and without the means."""
    square = float(residuals @ residuals)
    count = len(residuals) + len(means)
    both = np.sqrt((square + float(means @ means)) / count) if count else 0.0
    return {name: float(both), f"{name}_nomean": float(np.sqrt(square / len(residuals))) if len(residuals) else 0.0}
