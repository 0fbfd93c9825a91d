"""Standard errors and test statistics that do not rest on normality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.sem.estimation import Solution, derivatives
from xmresearch.sem.measures import rmsea_bounds
from xmresearch.sem.model import Matrices, Model, Parameter

Array = NDArray[np.float64]
Estimator = Literal["ML", "MLM", "MLR"]
_STEP = 1e-5


@dataclass(frozen=True)
class Sandwich:
    """A robust covariance of the parameters, and the scaling of the model's chi-square.

    Attributes
    ----------
    covariance : ndarray
        Of the free parameters, shape (q, q).
    scaling : float
        The chi-square is divided by it; NaN for df = 0.
    """

    covariance: Array
    scaling: float


def sandwich(model: Model, solution: Solution, rows: Array, estimator: Estimator) -> Sandwich:
    """Correct for non-normal data.

    Parameters
    ----------
    model : Model
        What was fitted.
    solution : Solution
        Its ML solution, or that of the independence model.
    rows : ndarray
        Complete rows, shape (n, p), in the order of `model.observed`.
    estimator : {'MLM', 'MLR'}
        MLM: expected information, Satorra and Bentler's scaling. MLR: observed information, Huber and White's sandwich,
        Yuan and Bentler's scaling in the form of Mplus.

    Returns
    -------
    Sandwich

    References
    ----------
    Satorra, A. & Bentler, P. M. (1994). In Latent Variables Analysis. Sage.
    Yuan, K.-H. & Bentler, P. M. (2000). Sociological Methodology, 30, 165-200.
    """
    n = len(rows)
    z = rows - rows.mean(axis=0)
    sample = z.T @ z / n
    matrices = Matrices(model, sample)
    implied, u, v = matrices.implied(solution.theta)
    inverse = np.linalg.inv(implied)
    wu, wv = u @ inverse, v @ inverse
    scores = matrices.pooled(((z @ wu.T) * (z @ wv.T)).T).T
    if estimator == "MLM":
        centred = scores - scores.mean(axis=0)
        meat = centred.T @ centred / n
        bread = np.linalg.inv(solution.information)
        total = _normal_trace(z, inverse, sample)
    else:
        scores = scores - matrices.pooled((wu * v).sum(axis=1))
        meat = scores.T @ scores / n
        bread = np.linalg.inv(_observed_information(matrices, solution.theta, sample))
        total = _normal_trace(z, np.linalg.inv(sample), sample)
    scaling = (total - np.trace(bread @ meat)) / model.df if model.df else float("nan")
    return Sandwich(bread @ meat @ bread / n, float(scaling))


def _normal_trace(z: Array, inverse: Array, sample: Array) -> float:
    """Trace of W Gamma: W the normal-theory weight at `inverse`, Gamma the covariances of the rows' products."""
    length = ((z @ inverse) * z).sum(axis=1)
    product = inverse @ sample
    return float(0.5 * ((length**2).mean() - np.trace(product @ product)))


def _observed_information(matrices: Matrices, theta: Array, sample: Array) -> Array:
    """Hessian of half the discrepancy, from differences of its analytic gradient."""
    q = len(theta)
    hessian = np.empty((q, q))
    for k in range(q):
        ends = []
        for sign in (1.0, -1.0):
            moved = theta.copy()
            moved[k] += sign * _STEP
            ends.append(derivatives(matrices, *matrices.implied(moved), sample)[0])
        hessian[k] = (ends[0] - ends[1]) / (2 * _STEP)
    return (hessian + hessian.T) / 2


def independence(model: Model, sample: Array) -> tuple[Model, Solution]:
    """Return the baseline model, in which modelled variables are uncorrelated, and its solution.

    Parameters
    ----------
    model : Model
        Its exogenous observed variables keep their sample covariances.
    sample : ndarray
        Sample covariances, shape (p, p).

    Returns
    -------
    Model, Solution
    """
    parameters = [q for q in model.parameters if q.free < 0 and q.value is None]
    free = [v for v in model.observed if v not in model.exogenous]
    parameters += [Parameter(v, "~~", v, "", k, None, None) for k, v in enumerate(free)]
    baseline = Model(model.observed, (), model.exogenous, tuple(parameters), ())
    matrices = Matrices(baseline, sample)
    theta = np.array([sample[k, k] for k, v in enumerate(model.observed) if v in free])
    implied, u, v = matrices.implied(theta)
    _, information = derivatives(matrices, implied, u, v, sample)
    return baseline, Solution(theta, float("nan"), information, implied, True, "closed form", 0)


def scaled_measures(measures: pd.Series, model_scaling: float, baseline_scaling: float) -> pd.Series:
    """Add scaled and robust fit measures.

    Parameters
    ----------
    measures : Series
        From `fit_measures`.
    model_scaling, baseline_scaling : float
        Of the model's and of the baseline's chi-square.

    Returns
    -------
    Series
        With chisq.scaled, chisq.scaling.factor, and cfi, tli and rmsea (with intervals and p) .scaled and .robust added, in
        lavaan's names. The interval of rmsea.scaled rests, as in lavaan 0.6, on the unscaled chi-square with df x scaling
        degrees of freedom.

    References
    ----------
    Brosseau-Liard, P. E., Savalei, V. & Li, L. (2012). Multivariate Behavioral Research, 47, 904-930.
    Brosseau-Liard, P. E. & Savalei, V. (2014). Multivariate Behavioral Research, 49, 460-470.
    """
    m = measures.to_dict()
    chisq, df, base, base_df, n = (m[k] for k in ("chisq", "df", "baseline.chisq", "baseline.df", "ntotal"))
    if not df:
        return measures
    c, cb = model_scaling, baseline_scaling
    scaled, base_scaled = chisq / c, base / cb
    low, high = rmsea_bounds(chisq, c * df, n)
    robust_low, robust_high = rmsea_bounds(scaled, df, n)
    close, wide = (n * df * m[name] ** 2 for name in ("rmsea.close.h0", "rmsea.notclose.h0"))
    more = {
        "chisq.scaled": scaled, "df.scaled": df, "pvalue.scaled": float(special.chdtrc(df, scaled)),
        "chisq.scaling.factor": c, "baseline.chisq.scaled": base_scaled, "baseline.df.scaled": base_df,
        "baseline.pvalue.scaled": float(special.chdtrc(base_df, base_scaled)), "baseline.chisq.scaling.factor": cb,
        "cfi.scaled": 1 - max(scaled - df, 0) / max(scaled - df, base_scaled - base_df, 1e-300),
        "tli.scaled": 1 - (scaled - df) / df * base_df / (base_scaled - base_df),
        "cfi.robust": 1 - max(chisq - c * df, 0) / max(chisq - c * df, base - cb * base_df, 1e-300),
        "tli.robust": 1 - (chisq - c * df) / df * base_df / (base - cb * base_df),
        "rmsea.scaled": np.sqrt(max(scaled - df, 0) / (n * df)), "rmsea.ci.lower.scaled": low,
        "rmsea.ci.upper.scaled": high,
        "rmsea.pvalue.scaled": float(1 - special.chndtr(chisq, c * df, c * close)),
        "rmsea.notclose.pvalue.scaled": float(special.chndtr(chisq, c * df, c * wide)),
        "rmsea.robust": np.sqrt(max(chisq - c * df, 0) / (n * df)), "rmsea.ci.lower.robust": np.sqrt(c) * robust_low,
        "rmsea.ci.upper.robust": np.sqrt(c) * robust_high,
        "rmsea.pvalue.robust": float(1 - special.chndtr(scaled, df, close / c)),
        "rmsea.notclose.pvalue.robust": float(special.chndtr(scaled, df, wide / c)),
    }  # fmt: skip
    return pd.Series(m | more, dtype=float, name="value")
