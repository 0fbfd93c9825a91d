"""Fit measures in lavaan's names and conventions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from xmresearch.sem.estimation import Solution
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
RMSEA_LEVEL = 0.90
CLOSE, NOT_CLOSE = 0.05, 0.08


def baseline_discrepancy(model: Model, sample: Array) -> tuple[float, int]:
    """Return the ML discrepancy and degrees of freedom of the independence model.

    Parameters
    ----------
    model : Model
        Its exogenous observed variables keep their sample covariances, as in lavaan with fixed.x.
    sample : ndarray
        Sample covariances, shape (p, p).

    Returns
    -------
    discrepancy : float
    df : int
    """
    fixed = np.array([v in model.exogenous for v in model.observed])
    logdet = np.log(np.diag(sample)[~fixed]).sum()
    if fixed.any():
        logdet += np.linalg.slogdet(sample[np.ix_(fixed, fixed)])[1]
    p, q = len(fixed), int(fixed.sum())
    return float(logdet - np.linalg.slogdet(sample)[1]), p * (p + 1) // 2 - q * (q + 1) // 2 - (p - q)


def rmsea_bounds(chisq: float, df: float, n: float) -> tuple[float, float]:
    """Return the 90 % interval of RMSEA, from the noncentral chi-square.

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


def fit_measures(model: Model, solution: Solution, sample: Array, n: int) -> pd.Series:
    """Compute fit measures.

    Parameters
    ----------
    model : Model
        With df >= 0.
    solution : Solution
        From `estimate_ml`.
    sample : ndarray
        Sample covariances divided by n, shape (p, p).
    n : int
        Respondents.

    Returns
    -------
    Series
        By lavaan's names. RMSEA uses n (not n - 1); GFI is 1 - tr[(Sigma^-1 S - I)^2] / tr[(Sigma^-1 S)^2], the latter without the moments fixed to the sample; SRMR is
        Bentler's; logl leaves out the exogenous variables that are fixed to the sample.

    References
    ----------
    Rosseel, Y. (2012). lavaan. Journal of Statistical Software, 48(2), 1-36.
    """
    p, df, npar = len(sample), model.df, model.n_free
    chisq = n * solution.discrepancy
    base_f, base_df = baseline_discrepancy(model, sample)
    base = n * base_f
    excess, base_excess = max(chisq - df, 0.0), max(base - base_df, 0.0)
    m: dict[str, float] = {
        "npar": npar, "fmin": solution.discrepancy / 2, "chisq": chisq, "df": df,
        "pvalue": float(special.chdtrc(df, chisq)) if df else np.nan, "baseline.chisq": base, "baseline.df": base_df,
        "baseline.pvalue": float(special.chdtrc(base_df, base)) if base_df else np.nan,
        "cfi": 1 - excess / max(excess, base_excess) if max(excess, base_excess) > 0 else 1.0,
    }  # fmt: skip
    tli = 1.0
    if df and base_df and base / base_df != 1:
        tli = (base / base_df - chisq / df) / (base / base_df - 1)
    m |= {"tli": tli, "nnfi": tli, "nfi": (base - chisq) / base, "rni": 1 - (chisq - df) / (base - base_df)}
    m["ifi"] = (base - chisq) / (base - df)
    m["pnfi"] = df / base_df * m["nfi"]
    if df:
        m["rfi"] = (base / base_df - chisq / df) / (base / base_df)
    m |= _likelihood(model, sample, n, chisq, npar)
    rmsea = np.sqrt(excess / (n * df)) if df else 0.0
    low, high = rmsea_bounds(chisq, df, n) if df else (0.0, 0.0)
    m |= {
        "rmsea": rmsea, "rmsea.ci.lower": low, "rmsea.ci.upper": high, "rmsea.ci.level": RMSEA_LEVEL,
        "rmsea.pvalue": float(1 - special.chndtr(chisq, df, n * df * CLOSE**2)) if df else np.nan, "rmsea.close.h0": CLOSE,
        "rmsea.notclose.pvalue": float(special.chndtr(chisq, df, n * df * NOT_CLOSE**2)) if df else np.nan,
        "rmsea.notclose.h0": NOT_CLOSE,
    }  # fmt: skip
    lower = np.tril_indices(p)
    residual = sample - solution.implied
    sd = np.sqrt(np.diag(sample))
    m["rmr"] = float(np.sqrt((residual[lower] ** 2).mean()))
    m["srmr"] = float(np.sqrt(((residual / np.outer(sd, sd))[lower] ** 2).mean()))
    ratio = np.linalg.solve(solution.implied, sample)
    fixed = np.array([v in model.exogenous for v in model.observed])
    modelled = np.linalg.solve(solution.implied, np.where(np.outer(fixed, fixed), 0.0, sample))
    m["gfi"] = float(1 - np.trace((ratio - np.eye(p)) @ (ratio - np.eye(p))) / np.trace(modelled @ modelled))
    moments = p * (p + 1) / 2
    m["agfi"] = 1 - moments / df * (1 - m["gfi"]) if df else 1.0
    m["pgfi"] = df / moments * m["gfi"]
    m["mfi"] = float(np.exp(-0.5 * (chisq - df) / n))
    m["ecvi"] = chisq / n + 2 * npar / n
    return pd.Series(m, dtype=float, name="value")


def _likelihood(model: Model, sample: Array, n: int, chisq: float, npar: int) -> dict[str, float]:
    def saturated(cov: Array) -> float:
        return float(-n / 2 * (len(cov) * np.log(2 * np.pi) + np.linalg.slogdet(cov)[1] + len(cov)))

    fixed = [v in model.exogenous for v in model.observed]
    unrestricted = saturated(sample) - (saturated(sample[np.ix_(fixed, fixed)]) if any(fixed) else 0.0)
    logl = unrestricted - chisq / 2
    return {
        "logl": logl, "unrestricted.logl": unrestricted, "aic": 2 * npar - 2 * logl, "bic": npar * np.log(n) - 2 * logl,
        "ntotal": n, "bic2": npar * np.log((n + 2) / 24) - 2 * logl,
    }  # fmt: skip
