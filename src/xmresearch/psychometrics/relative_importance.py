"""Which dimensions drive an overall outcome: standardised effects and Shapley (LMG) shares of R squared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.data.codebook import Codebook
from xmresearch.data.weights import effective_n
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, InsufficientData, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.psychometrics.batteries import dimension_scores
from xmresearch.psychometrics.estimates import percentile_interval, replicate_covariances

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MAX_DRIVERS = 14
CASES_PER_DRIVER = 20


def lmg_shares(correlation: Array) -> Array:
    """Decompose R squared into each predictor's average increment over all orders of entry.

    Parameters
    ----------
    correlation : ndarray
        Shape (..., K + 1, K + 1): correlations (or covariances) of K predictors and, last, the outcome.

    Returns
    -------
    ndarray
        Shape (..., K); sums to R squared.

    References
    ----------
    Lindeman, R. H., Merenda, P. F. & Gold, R. Z. (1980). Groemping, U. (2007). The American Statistician, 61, 139-147.
    Budescu, D. V. (1993). Psychological Bulletin, 114, 542-551.
    """
    k = correlation.shape[-1] - 1
    variance = correlation[..., k, k]
    r2: dict[tuple[int, ...], Array] = {(): np.zeros(correlation.shape[:-2])}
    for size in range(1, k + 1):
        for subset in combinations(range(k), size):
            at = list(subset)
            cross = correlation[..., at, k]
            inner = correlation[..., np.array(at)[:, None], np.array(at)]
            slope = np.linalg.solve(inner, cross[..., None])[..., 0]
            r2[subset] = (slope * cross).sum(axis=-1) / variance
    shares = np.zeros((*correlation.shape[:-2], k))
    for subset, value in r2.items():
        if len(subset) == k:
            continue
        weight = factorial(len(subset)) * factorial(k - len(subset) - 1) / factorial(k)
        for j in set(range(k)) - set(subset):
            shares[..., j] += weight * (r2[tuple(sorted((*subset, j)))] - value)
    return shares


@dataclass(frozen=True, repr=False)
class DriverResult(Shown):
    """Drivers of one outcome.

    Attributes
    ----------
    table : DataFrame
        One row per driver: construct, beta (standardised), beta_lower, beta_upper, share (of R squared, sums to 1),
        share_lower, share_upper, p_top (posterior probability that it has the largest share).
    r2, r2_lower, r2_upper : float
        Explained share of the outcome's variance, with percentile interval of the Bayesian bootstrap.
    n : int
        Respondents with all drivers and the outcome.
    outcome : str
        Column name.
    p : float
        Of the F test that the drivers explain nothing (with design weights, at the effective n).
    replicates : ndarray
        Shares in each usable replicate, shape (number of True in `usable`, K).
    usable, complete : ndarray of bool
        Replicates in which all drivers vary and can be told apart, shape (draws,); respondents used, shape (rows,).
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    r2: float
    r2_lower: float
    r2_upper: float
    n: int
    outcome: str
    p: float
    replicates: Array
    usable: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per driver."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the strongest driver and the explained variance."""
        top = self.table.loc[self.table["share"].idxmax()]
        return {
            "driver": top["construct"], "share": top["share"],
            "share_lower": top["share_lower"], "share_upper": top["share_upper"], "p_top": top["p_top"], "r2": self.r2,
            "r2_lower": self.r2_lower, "r2_upper": self.r2_upper, "outcome": self.outcome, "outcome_n": self.n, "p": self.p,
            "r2_adjusted": 1 - (1 - self.r2) * (self.n - 1) / (self.n - len(self.table) - 1),
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the shares of explained variance with their intervals."""
        return forest(self.table, "construct", "share", "share", axis="share of the explained variance")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        per = self.n / len(self.table)
        rows = [("cases_per_driver", per, CASES_PER_DRIVER, "pass" if per >= CASES_PER_DRIVER else "warn")]
        negative = int((self.table["beta_upper"] < 0).sum())
        rows.append(("negative_drivers", negative, 0, "pass" if negative == 0 else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def drivers(
    predictors: pd.DataFrame,
    outcome: pd.Series,
    *,
    weights: Array | None = None,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> DriverResult:
    """Measure how much each dimension drives an outcome.

    Parameters
    ----------
    predictors : DataFrame
        One column per driver, such as `dimension_scores(frame, codebook, "perception", 0.5)`.
    outcome : Series
        Overall quality, satisfaction, ...
    weights : ndarray, optional
        Design weights, shape (n,).
    confidence : float
        Level of the percentile intervals.
    bootstrap : int
        Draws of the Bayesian bootstrap, at least 200.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DriverResult

    Raises
    ------
    InsufficientData
        Too few complete respondents, a constant column, or collinear drivers.

    References
    ----------
    Lindeman, R. H., Merenda, P. F. & Gold, R. Z. (1980). Introduction to Bivariate and Multivariate Analysis. Scott, Foresman.
    Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics, 9(1), 130-134.
    """
    k = predictors.shape[1]
    if k > MAX_DRIVERS:
        raise InsufficientData(f"{k} drivers have too many orders of entry; at most {MAX_DRIVERS} can be compared.")
    values = np.column_stack([predictors.to_numpy(dtype=float), outcome.to_numpy(dtype=float)])
    complete = ~np.isnan(values).any(axis=1)
    values = values[complete]
    least = max(3 * (k + 1), MIN_CELL)
    if len(values) < least or effective_n(None if weights is None else weights[complete], len(values)) < k + 2:
        raise InsufficientData(
            f"{len(values)} respondents have the outcome '{outcome.name}' and all {k} dimensions; "
            f"at least {least} are needed to tell what drives it."
        )
    w = None if weights is None else weights[complete]
    cov = np.cov(values, rowvar=False, aweights=w)
    if (np.diag(cov) <= 0).any():
        constant = [*predictors.columns, outcome.name][int(np.argmin(np.diag(cov)))]
        raise InsufficientData(f"'{constant}' is constant, so nothing can drive it or be driven by it.")
    sd = np.sqrt(np.diag(cov))
    if np.linalg.cond((cov / np.outer(sd, sd))[:k, :k]) > 1e8:
        raise InsufficientData("The dimensions are collinear, so their effects cannot be told apart.")
    replicates = replicate_covariances(values, w, bootstrap, seed, "bayesian")
    usable = _usable(replicates, k)
    replicates = replicates[usable]
    shares = lmg_shares(replicates)
    r2_draws = shares.sum(axis=1)
    relative = shares / r2_draws[:, None]
    share = lmg_shares(cov)
    beta, beta_draws = _betas(cov), _betas(replicates)
    r2_low, r2_high = percentile_interval(r2_draws[:, None], confidence)
    table = pd.DataFrame({"construct": list(predictors.columns), "beta": beta})
    table["beta_lower"], table["beta_upper"] = percentile_interval(beta_draws, confidence)
    table["share"] = share / share.sum()
    table["share_lower"], table["share_upper"] = percentile_interval(relative, confidence)
    table["p_top"] = np.bincount(relative.argmax(axis=1), minlength=k) / len(relative)
    r2, n = float(share.sum()), effective_n(w, len(values))
    p = float(stats.f.sf(r2 / k / (max(1 - r2, 1e-15) / (n - k - 1)), k, n - k - 1))
    return DriverResult(
        table, r2, float(r2_low[0]), float(r2_high[0]), len(values), str(outcome.name), p, relative, usable, complete,
        confidence,
    )  # fmt: skip


@on_one_thread
def outcome_drivers(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    outcome: str | None = None,
    weights: Array | None = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    bootstrap: int = 2000,
    seed: int = 0,
) -> tuple[DriverResult | None, str | None]:
    """Measure how the perceived dimensions drive an outcome of the survey.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Which items form which dimension, and which are outcomes.
    outcome : str, optional
        Outcome item; the codebook's first if absent.
    weights, confidence, bootstrap, seed
        As for `drivers`.
    min_answered : float
        Share of a dimension's items that must be answered.

    Returns
    -------
    result : DriverResult or None
        None where no outcome was asked, or where the data do not allow an estimate.
    obstacle : str or None
        Why the data do not allow it.

    Raises
    ------
    CodebookError
        The outcome named is no outcome item.

    References
    ----------
    As for `drivers`.
    """
    asked = codebook.names("outcome")
    if outcome is None:
        if not asked:
            return None, None
        outcome = asked[0]
    if outcome not in asked:
        raise CodebookError(f"Codebook '{codebook.name}' has no outcome item '{outcome}'.", nearest(outcome, asked))
    predictors = dimension_scores(frame, codebook, "perception", min_answered)
    try:
        result = drivers(
            predictors, frame[outcome], weights=weights, confidence=confidence, bootstrap=bootstrap, seed=seed
        )
    except InsufficientData as error:
        return None, error.problem
    return result, None


def _betas(cov: Array) -> Array:
    """Return standardised regression coefficients, shape (..., K)."""
    k = cov.shape[-1] - 1
    slope = np.linalg.solve(cov[..., :k, :k], cov[..., :k, k][..., None])[..., 0]
    sd = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    return np.asarray(slope * sd[..., :k] / sd[..., k:])


def _usable(replicates: Array, k: int) -> NDArray[np.bool_]:
    """Mark the replicates in which every column varies and the drivers are not collinear."""
    usable = (np.diagonal(replicates, axis1=-2, axis2=-1) > 0).all(axis=1)
    usable[usable] = np.linalg.cond(replicates[usable][:, :k, :k]) < 1e10
    if usable.mean() < 0.5:
        raise InsufficientData("Most resamples cannot tell the dimensions apart: the sample is too small.")
    return np.asarray(usable)
