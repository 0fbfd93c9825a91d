"""Regressions on a complex sample, with design-based standard errors, and the tests that are regressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.estimates import columns_of

Array = NDArray[np.float64]
Family = Literal["gaussian", "binomial", "poisson"]
MAX_STEPS = 100
_CLOSE = 1e-12


@dataclass(frozen=True, repr=False)
class SurveyRegression(Shown):
    """A regression on a complex sample.

    Attributes
    ----------
    table : DataFrame
        One row per coefficient: term, estimate, se, t, p, lower, upper.
    covariance : ndarray
        Of the coefficients, shape (k, k).
    information : ndarray
        Of the weighted likelihood with a dispersion of 1, shape (k, k).
    influence : ndarray
        Shape (rows of the design, k).
    df : float
        Degrees of freedom: those of the design, less one for each coefficient but the intercept.
    n : int
        Rows used.
    deviance : float
        Of the fit, weights scaled to a mean of 1.
    family : str
        gaussian, binomial or poisson; the latter two with a dispersion of their own (quasi-likelihood).
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    covariance: Array
    information: Array
    influence: Array
    df: float
    n: int
    deviance: float
    family: str
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per coefficient."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return what was fitted to how many."""
        return {"family": self.family, "n": self.n, "df": self.df, "terms": len(self.table), "level": self.level}


def model_columns(design: Design, predictors: Sequence[str]) -> tuple[Array, list[str]]:
    """Return the columns of a regression: an intercept, numbers, and categories against their first value.

    Parameters
    ----------
    design : Design
        Of the sample.
    predictors : sequence of str
        Its columns.

    Returns
    -------
    x : ndarray
        Shape (n, k); NaN where a row has a blank.
    terms : list of str
        (Intercept), then NAME or NAME=VALUE.

    Raises
    ------
    DataError
        A column is not there.
    """
    parts, terms = [np.ones((len(design), 1))], ["(Intercept)"]
    for name in predictors:
        values, names = columns_of(design, [name])
        first = 0 if names == [name] else 1
        parts.append(values[:, first:])
        terms += names[first:]
    return np.concatenate(parts, axis=1), terms


def regression(
    design: Design, outcome: str, predictors: Sequence[str], *, family: Family = "gaussian", domain: Mask | None = None,
    confidence: float = 0.95,
) -> SurveyRegression:  # fmt: skip
    """Fit a generalised linear model by weighted likelihood.

    Parameters
    ----------
    design : Design
        Of the sample.
    outcome : str
        Column; for binomial one of two values, of which the later in order counts.
    predictors : sequence of str
        Columns; categories enter against their first value in order.
    family : {'gaussian', 'binomial', 'poisson'}
        With the identity, logit and log link.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,); rows with a blank are never part of it.
    confidence : float
        Level.

    Returns
    -------
    SurveyRegression

    Raises
    ------
    DataError, InsufficientData, ModelError
        A column is not there or the outcome does not suit the family; too few rows or degrees of freedom; predictors that are linear
        combinations of one another; a fit that does not settle, as where the outcome is perfectly foretold.

    References
    ----------
    Binder, D. A. (1983). International Statistical Review, 51, 279-292. Lumley, T. & Scott, A. (2017). Statistical Science, 32,
    265-278.
    """
    y = _outcome(design, outcome, family)
    x, terms = model_columns(design, predictors)
    return fit_weighted(design, y, x, terms, family=family, domain=domain, confidence=confidence)


def fit_weighted(
    design: Design, y: Array, x: Array, terms: Sequence[str], *, family: Family = "gaussian", domain: Mask | None = None,
    confidence: float = 0.95,
) -> SurveyRegression:  # fmt: skip
    """Fit a generalised linear model to given columns; see `regression`.

    Parameters
    ----------
    design : Design
        Of the sample.
    y, x : ndarray
        Outcome and columns of the model, shapes (n,) and (n, k); blanks are NaN.
    terms : sequence of str
        Names of the columns.
    family, domain, confidence
        As for `regression`.

    Returns
    -------
    SurveyRegression

    Raises
    ------
    InsufficientData, ModelError
        See `regression`.
    """
    used = np.isfinite(y) & np.isfinite(x).all(axis=1)
    used &= design.rows(domain)
    if used.sum() <= x.shape[1]:
        raise InsufficientData(f"{int(used.sum())} rows are too few for {x.shape[1]} coefficients.")
    rows = used.nonzero()[0]
    w = design.weights[rows]
    beta, residual, information = _solve(y[rows], x[rows], w, family, terms)
    influence = np.zeros_like(x)
    influence[rows] = np.linalg.solve(information, (x[rows] * residual[:, None]).T).T
    covariance = design.covariance(influence)
    se = np.sqrt(np.diag(covariance))
    df = float(design.df - x.shape[1] + 1)
    if df < 1:
        raise InsufficientData(
            f"The design has {design.df} degrees of freedom, too few for {x.shape[1]} coefficients.",
            "Use fewer predictors; clusters, not rows, count.",
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        t = beta / se
    reach = stats.t.ppf(0.5 + confidence / 2, df) * se
    table = pd.DataFrame(
        {"term": list(terms), "estimate": beta, "se": se, "t": t, "p": 2 * stats.t.sf(np.abs(t), df), "lower": beta - reach,
         "upper": beta + reach}
    )  # fmt: skip
    deviance = _deviance(y[rows], residual, w / w.mean(), family)
    return SurveyRegression(
        table, covariance, information / w.mean(), influence, df, len(rows), deviance, family, confidence
    )


def _deviance(y: Array, residual: Array, w: Array, family: Family) -> float:
    if family == "gaussian":
        return float(w @ residual**2)
    mean = y - residual
    if family == "poisson":
        return float(2 * w @ (special.xlogy(y, y) - special.xlogy(y, mean) - residual))
    return float(-2 * w @ (special.xlogy(y, mean) + special.xlog1py(1 - y, -mean)))


def _outcome(design: Design, outcome: str, family: Family) -> Array:
    values, names = columns_of(design, [outcome])
    if names != [outcome]:
        if family != "binomial" or len(names) != 2:
            raise DataError(
                f"Column '{outcome}' is a category with {len(names)} values, which does not suit the family {family}.",
                "A category of two values suits binomial.",
            )
        return values[:, 1]
    y = values[:, 0]
    given = y[np.isfinite(y)]
    if family == "binomial" and not np.isin(given, (0, 1)).all():
        raise DataError(
            f"Column '{outcome}' has values other than 0 and 1.", "binomial needs an outcome of two values."
        )
    if family == "poisson" and (given < 0).any():
        raise DataError(f"Column '{outcome}' has values below 0.", "poisson needs counts.")
    return y


def _solve(y: Array, x: Array, w: Array, family: Family, terms: Sequence[str]) -> tuple[Array, Array, Array]:
    """Return coefficients, residuals and information by iterated weighted least squares."""
    scale = w.mean()
    w = w / scale
    if np.linalg.matrix_rank(x * np.sqrt(w)[:, None]) < x.shape[1]:
        raise ModelError(
            f"The predictors {', '.join(terms[1:4])}{', ...' if len(terms) > 4 else ''} are linear combinations of one another.",
            "Leave one out.",
        )
    beta = np.zeros(x.shape[1])
    mean, eta = _start(y, family)
    for _ in range(MAX_STEPS):
        slope = _slope(mean, family)
        working = w * slope
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            target = eta + (y - mean) / slope
        information = x.T @ (x * working[:, None])
        if not np.isfinite(target).all() or np.linalg.cond(information) > 1e14:
            break
        new = np.linalg.solve(information, x.T @ (working * target))
        eta = x @ new
        mean = _mean(eta, family)
        settled = np.abs(new - beta).max() <= _CLOSE * max(1.0, np.abs(new).max())
        beta = new
        if settled:
            information = x.T @ (x * (w * _slope(mean, family))[:, None])
            return beta, y - mean, information * scale
    raise ModelError(
        "The regression does not settle: the outcome is foretold perfectly, or a predictor is far from the others in size.",
        "Leave out the predictor that separates the outcome, or rescale it.",
    )


def _start(y: Array, family: Family) -> tuple[Array, Array]:
    if family == "binomial":
        mean = (y + 0.5) / 2
        return mean, np.asarray(special.logit(mean))
    return (y + 0.1, np.log(y + 0.1)) if family == "poisson" else (y, y)


def _mean(eta: Array, family: Family) -> Array:
    if family == "binomial":
        return np.asarray(special.expit(eta))
    return np.exp(np.minimum(eta, 500)) if family == "poisson" else eta


def _slope(mean: Array, family: Family) -> Array:
    if family == "binomial":
        return mean * (1 - mean)
    return mean if family == "poisson" else np.ones_like(mean)
