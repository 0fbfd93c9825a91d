"""Segmented regression of a series with a change: least squares with errors for autocorrelation, and generalised ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ParamsError, nearest

Array = NDArray[np.float64]
ERRORS = ("ols", "hc1", "newey_west", "ar1")


@dataclass(frozen=True, repr=False)
class SegmentedResult(Shown):
    """Coefficients of a segmented regression.

    Attributes
    ----------
    table : DataFrame
        One row per term: term, estimate, se, ci_lower, ci_upper, p.
    errors : str
        How standard errors were taken.
    periods : int
        Of the series.
    durbin_watson : float
        Of the least-squares residuals; near 2 without autocorrelation.
    phi : float
        Autocorrelation of the errors; missing unless `errors` is 'ar1'.
    confidence : float
        Level of the intervals.
    """

    table: pd.DataFrame
    errors: str
    periods: int
    durbin_watson: float
    phi: float
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return the coefficients."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the terms' estimates, with how errors were taken."""
        estimates = dict(zip(self.table["term"], self.table["estimate"], strict=True))
        return {"errors": self.errors, "periods": self.periods, "phi": self.phi, **estimates}


def segmented(
    design: pd.DataFrame,
    y: ArrayLike,
    *,
    errors: str = "newey_west",
    lags: int | None = None,
    adjusted: bool = True,
    confidence: float = 0.95,
) -> SegmentedResult:
    """Regress a series on its trend, its change and what else is known.

    Parameters
    ----------
    design : DataFrame
        One row per period in order, one numeric column per term, the intercept included, shape (n, k).
    y : array_like
        The series, shape (n,).
    errors : {'newey_west', 'ols', 'hc1', 'ar1'}
        newey_west: Bartlett weights; ar1: generalised least squares with autocorrelation by maximum likelihood.
    lags : int, optional
        Of Newey and West's weights. Default: the whole part of 4 (n / 100)^(2/9).
    adjusted : bool
        Whether Newey and West's variance carries n / (n - k).
    confidence : float
        Level of the intervals, Student's t with n - k degrees of freedom.

    Returns
    -------
    SegmentedResult

    Raises
    ------
    DataError
        Lengths differ, a value is not finite, or columns of the design depend on each other.
    InsufficientData
        There are no more periods than terms.
    ParamsError
        `errors`, `lags` or the level is wrong.

    References
    ----------
    Newey, W. K. & West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
    covariance matrix. Econometrica, 55, 703-708.

    Wagner, A. K., Soumerai, S. B., Zhang, F. & Ross-Degnan, D. (2002). Segmented regression analysis of interrupted time
    series studies in medication use research. Journal of Clinical Pharmacy and Therapeutics, 27, 299-309.
    """
    x, values = design.to_numpy(dtype=float), np.asarray(y, dtype=float)
    if errors not in ERRORS:
        raise ParamsError(f"There are no errors '{errors}'.", nearest(errors, ERRORS))
    if not 0.5 <= confidence < 1 or (lags is not None and not 0 <= lags < len(x)):
        raise ParamsError(f"confidence is {confidence:g}, lags {lags}.", "Level from 0.5 to 1, lags below the periods.")
    require_design(x, values, [str(c) for c in design.columns])
    n, k = x.shape
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ x.T @ values
    rest = values - x @ beta
    watson, phi = float((np.diff(rest) ** 2).sum() / (rest @ rest)), np.nan
    if errors == "ols":
        covariance = bread * (rest @ rest) / (n - k)
    elif errors == "ar1":
        beta, covariance, phi = _generalised(x, values)
    else:
        lag = 0 if errors == "hc1" else int(4 * (n / 100) ** (2 / 9)) if lags is None else lags
        scores = x * rest[:, None]
        meat = scores.T @ scores
        for step in range(1, lag + 1):
            cross = scores[step:].T @ scores[:-step]
            meat += (1 - step / (lag + 1)) * (cross + cross.T)
        covariance = bread @ meat @ bread * (n / (n - k) if errors == "hc1" or adjusted else 1.0)
    se = np.sqrt(np.diag(covariance))
    reach = float(stats.t.ppf((1 + confidence) / 2, n - k)) * se
    p = 2 * stats.t.sf(np.abs(beta / se), n - k)
    table = pd.DataFrame({
        "term": [str(c) for c in design.columns], "estimate": beta, "se": se, "ci_lower": beta - reach,
        "ci_upper": beta + reach, "p": p,
    })  # fmt: skip
    return SegmentedResult(table, errors, n, watson, phi, confidence)


def require_design(x: Array, y: Array, names: list[str]) -> None:
    """Refuse a design that does not fit its series, is not finite, is too wide, or whose columns depend on each other."""
    if len(x) != len(y):
        raise DataError(f"The design has {len(x)} rows, the series {len(y)}.", "One row per period.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("A value of the series or its design is missing or not finite.", "Leave the period out.")
    if len(y) <= x.shape[1] + 1:
        raise InsufficientData(
            f"There are {len(y)} periods for {x.shape[1]} terms.",
            "Take more periods, or fewer terms of season or covariates.",
        )
    size = np.linalg.norm(x, axis=0)
    scaled = x / np.where(size > 0, size, 1.0)
    for k, name in enumerate(names):
        if np.linalg.matrix_rank(scaled[:, : k + 1], tol=1e-9 * np.sqrt(len(x))) <= k:
            raise DataError(
                f"Term '{name}' is constant, or told by the terms before it.", "Leave it out, or take more periods."
            )


def _generalised(x: Array, y: Array) -> tuple[Array, Array, float]:
    """Return coefficients, their covariance (with n - k) and the autocorrelation of maximum likelihood."""
    n, k = x.shape

    def fit(phi: float) -> tuple[Array, Array, float]:
        wide = np.column_stack([x, y])
        white = np.vstack([np.sqrt(1 - phi**2) * wide[:1], wide[1:] - phi * wide[:-1]])
        inverse = np.linalg.inv(white[:, :k].T @ white[:, :k])
        beta = inverse @ white[:, :k].T @ white[:, k]
        return beta, inverse, float(((white[:, k] - white[:, :k] @ beta) ** 2).sum())

    found = optimize.minimize_scalar(
        lambda phi: n * np.log(fit(phi)[2]) - np.log(1 - phi**2),
        bounds=(-0.999, 0.999),
        method="bounded",
        options={"xatol": 1e-10},
    )
    phi = float(found.x)
    beta, inverse, squares = fit(phi)
    return beta, inverse * squares / (n - k), phi
