"""Ordered answers of people who answer several times, or of judges: a cumulative link model with a random intercept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.errors import InsufficientData, ModelError
from xmresearch.metrics.cumulative_links import CumulativeLink, cumulative_link
from xmresearch.metrics.share_intervals import quantile
from xmresearch.metrics.threshold_likelihood import TINY, Answers, Link

Array = NDArray[np.float64]
_STEP = 1e-4


def mixed_cumulative_link(
    answers: ArrayLike, predictors: pd.DataFrame, groups: ArrayLike, *, link: Link = "logit", nodes: int = 10,
    confidence: float = 0.95,
) -> CumulativeLink:  # fmt: skip
    """Fit a cumulative link model whose groups differ by a normal intercept, by adaptive Gauss-Hermite quadrature.

    Parameters
    ----------
    answers : array_like
        Shape (n,); see `cumulative_link`.
    predictors : DataFrame
        As for `cumulative_link`.
    groups : array_like
        Whose answer it is, shape (n,).
    link : {'logit', 'probit', 'cloglog'}
        Of the model.
    nodes : int
        Of the quadrature.
    confidence : float
        Level.

    Returns
    -------
    CumulativeLink
        The last row, term 'sd', is the standard deviation between groups, without a test.

    Raises
    ------
    InsufficientData, DataError, ModelError
        Fewer than two groups; see `cumulative_link`; a likelihood whose maximum is not found.

    References
    ----------
    Hedeker, D. & Gibbons, R. D. (1994). A random-effects ordinal regression model for multilevel analysis. Biometrics, 50, 933-944.
    """
    plain = cumulative_link(answers, predictors, link=link, confidence=confidence)
    at = pd.factorize(np.asarray(groups))[0]
    if at.max(initial=-1) < 1:
        raise InsufficientData("There are fewer than two groups.", "A difference between groups needs at least two.")
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    given = plain.answers

    def minus(par: Array) -> float:
        return -_marginal(given, par, at, points, weights)

    start = np.append(plain.table["estimate"].to_numpy(), 0.0)
    found = optimize.minimize(minus, start, method="BFGS", options={"gtol": 1e-6})
    polished = optimize.minimize(minus, found.x, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    best = polished.x if polished.fun < found.fun else found.x
    hessian = _hessian(minus, best)
    if not (np.linalg.eigvalsh(hessian) > 0).all():
        raise ModelError("The maximum of the likelihood was not found.", "The groups may not differ at all.")
    covariance = np.linalg.inv(hessian)
    sd = float(np.exp(best[-1]))
    scale = np.append(np.ones(len(best) - 1), sd)
    covariance = covariance * np.outer(scale, scale)
    se, value = np.sqrt(np.diag(covariance)), np.append(best[:-1], sd)
    z, reach = value / se, quantile(confidence) * se
    p = 2 * stats.norm.sf(np.abs(z))
    # a standard deviation lies at the edge of what is possible under no difference: Wald's test does not hold
    z[-1], p[-1] = np.nan, np.nan
    low, high = value - reach, value + reach
    low[-1], high[-1] = sd * np.exp(np.array([-1, 1]) * reach[-1] / sd)
    table = pd.DataFrame(
        {"term": [*given.terms, "sd"], "estimate": value, "se": se, "z": z, "p": p, "lower": low, "upper": high}
    )
    return CumulativeLink(table, covariance, -minus(best), plain.n, link, confidence, given)


def _marginal(given: Answers, par: Array, at: NDArray[np.int64], points: Array, weights: Array) -> float:
    """Return the log-likelihood with the groups' intercepts integrated out."""
    beta, sd = par[:-1], float(np.exp(par[-1]))
    groups = int(at.max()) + 1
    u, curve = np.zeros(groups), np.ones(groups)
    for _ in range(50):
        first, second = _slopes(given, beta, sd, u[at])
        gradient = np.bincount(at, weights=first, minlength=groups) - u
        curve = np.bincount(at, weights=second, minlength=groups) + 1.0
        step = gradient / curve
        u = u + step
        if np.abs(step).max() < 1e-11:
            break
    width = 1 / np.sqrt(curve)
    total = np.zeros(groups)
    for point, weight in zip(points, weights, strict=True):
        v = u + width * point
        with np.errstate(divide="ignore"):
            inside = np.bincount(at, weights=np.log(_chances(given, beta, sd, v[at])), minlength=groups)
        total += weight * np.exp(inside - v**2 / 2 + point**2 / 2)
    return float(np.log(total * width / np.sqrt(2 * np.pi)).sum()) if (total > 0).all() else -np.inf


def _moved(given: Answers, sd: float, u: Array) -> Answers:
    return replace(given, shift_upper=given.shift_upper - sd * u, shift_lower=given.shift_lower - sd * u)


def _chances(given: Answers, beta: Array, sd: float, u: Array) -> Array:
    return np.maximum(_moved(given, sd, u).chances(beta)[0], TINY)


def _slopes(given: Answers, beta: Array, sd: float, u: Array) -> tuple[Array, Array]:
    """Return the first and minus the second derivative of each answer's log-likelihood by its group's intercept."""
    first, curve = _moved(given, sd, u).by_shift(beta)
    return -sd * first, sd**2 * curve


def _hessian(function: Callable[[Array], float], at: Array) -> Array:
    k = len(at)
    h = np.full(k, _STEP)
    out = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1):
            e, f = np.eye(k)[i] * h[i], np.eye(k)[j] * h[j]
            four = function(at + e + f) - function(at + e - f) - function(at - e + f) + function(at - e - f)
            out[i, j] = out[j, i] = four / (4 * h[i] * h[j])
    return out
