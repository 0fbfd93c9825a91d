"""Which dimensions drive an overall outcome: standardised effects and Shapley (LMG) shares of R squared."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.data.codebook import Codebook
from xmresearch.data.weights import effective_n
from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import CodebookError, InsufficientData, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.missing.pooled_tests import pool_wald
from xmresearch.psychometrics.batteries import dimension_scores
from xmresearch.psychometrics.completed_scores import completed_tables, pooled_draws
from xmresearch.psychometrics.driver_result import DriverResult
from xmresearch.psychometrics.estimates import percentile_interval, replicate_covariances, tables_of_draws

Array = NDArray[np.float64]
MAX_DRIVERS = 14


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


@on_one_thread
def drivers(
    predictors: pd.DataFrame,
    outcome: pd.Series,
    *,
    also: pd.DataFrame | None = None,
    weights: Array | None = None,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> DriverResult:
    """Measure how much each dimension drives an outcome.

    Blanks are filled in several times over by chained equations, and results pooled by Rubin's rules, so that
    nobody is left out but who has neither an outcome nor a driver.

    Parameters
    ----------
    predictors : DataFrame
        One column per driver, such as `dimension_scores(frame, codebook, "perception", 0.5)`.
    outcome : Series
        Overall quality, satisfaction, ...
    also : DataFrame, optional
        Further scores of the same respondents that tell something of what is blank.
    weights : ndarray, optional
        Design weights, shape (n,).
    confidence : float
        Level of the percentile intervals.
    bootstrap : int
        Draws of the Bayesian bootstrap, at least 200; completed tables share them equally.
    seed : int
        Of the bootstrap and of what is filled in.

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
    Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics, 9(1), 130-134. Rubin, D. B. (1987). Multiple
    imputation for nonresponse in surveys. Wiley.
    """
    k = predictors.shape[1]
    if k > MAX_DRIVERS:
        raise InsufficientData(f"{k} drivers have too many orders of entry; at most {MAX_DRIVERS} can be compared.")
    values = np.column_stack([predictors.to_numpy(dtype=float), outcome.to_numpy(dtype=float)])
    used, blank = ~np.isnan(values).all(axis=1), np.isnan(values).any(axis=1)
    w = None if weights is None else weights[used]
    whole, least = int((~blank).sum()), max(3 * (k + 1), MIN_CELL)
    if whole < least or effective_n(None if weights is None else weights[~blank], whole) < k + 2:
        raise InsufficientData(
            f"{whole} respondents have the outcome '{outcome.name}' and all {k} dimensions; "
            f"at least {least} are needed to tell what drives it."
        )
    _check_told_apart(np.cov(values[~blank], rowvar=False), [*predictors.columns, outcome.name])
    tables = completed_tables(values[used], None if also is None else also[used], w, seed)
    covs = np.stack([np.cov(t, rowvar=False, aweights=w) for t in tables])
    replicates = replicate_covariances(tables, w, bootstrap, seed, "bayesian")
    usable = _usable(replicates, k)
    of_table = tables_of_draws(len(tables), bootstrap)[usable]
    gains, drawn = lmg_shares(covs), lmg_shares(replicates[usable])
    r2s, r2_drawn = gains.sum(axis=1, keepdims=True), drawn.sum(axis=1, keepdims=True)
    share, relative = pooled_draws(gains / r2s, drawn / r2_drawn, of_table)
    beta, betas = pooled_draws(_betas(covs), _betas(replicates[usable]), of_table)
    r2, r2_draws = pooled_draws(r2s, r2_drawn, of_table)
    r2_low, r2_high = percentile_interval(r2_draws, confidence)
    table = pd.DataFrame({"construct": list(predictors.columns), "beta": beta})
    table["beta_lower"], table["beta_upper"] = percentile_interval(betas, confidence)
    table["share"] = share
    table["share_lower"], table["share_upper"] = percentile_interval(relative, confidence)
    table["p_top"] = np.bincount(relative.argmax(axis=1), minlength=k) / len(relative)
    m = len(tables)
    due = (1 + 1 / m) * (gains / r2s).var(axis=0, ddof=1) / relative.var(axis=0) if m > 1 else np.zeros(k)
    return DriverResult(
        table, float(r2[0]), float(r2_low[0]), float(r2_high[0]), int(used.sum()), str(outcome.name),
        _nothing_explained(covs, effective_n(w, int(used.sum()))), relative, usable, used, confidence,
        int((blank & used).sum()), m if m > 1 else 0, float(due.max()),
    )  # fmt: skip


def _check_told_apart(cov: Array, names: list[str]) -> None:
    if (np.diag(cov) <= 0).any():
        constant = names[int(np.argmin(np.diag(cov)))]
        raise InsufficientData(f"'{constant}' is constant, so nothing can drive it or be driven by it.")
    sd = np.sqrt(np.diag(cov))
    if np.linalg.cond((cov / np.outer(sd, sd))[:-1, :-1]) > 1e8:
        raise InsufficientData("The dimensions are collinear, so their effects cannot be told apart.")


def _nothing_explained(covs: Array, n: float) -> float:
    """Return the p of the F test that all slopes are zero: over completed tables D1, of a single one the usual test."""
    k = covs.shape[1] - 1
    inner, cross, df = covs[:, :k, :k], covs[:, :k, k], n - k - 1
    slope = np.linalg.solve(inner, cross[..., None])[..., 0]
    explained = (slope * cross).sum(axis=1)
    unexplained = np.maximum(covs[:, k, k] - explained, 1e-15 * covs[:, k, k])
    if len(covs) == 1:
        return float(stats.f.sf(explained[0] / k / (unexplained[0] / df), k, df))
    return pool_wald(slope, np.linalg.inv(inner) * (unexplained / df)[:, None, None], df=df).p


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
    others = [
        dimension_scores(frame, codebook, kind, min_answered) for kind in ("expectation", "minimum", "importance")
    ]
    also = pd.concat([*others, frame[[name for name in asked if name != outcome]]], axis=1)
    try:
        result = drivers(
            predictors,
            frame[outcome],
            also=also,
            weights=weights,
            confidence=confidence,
            bootstrap=bootstrap,
            seed=seed,
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
