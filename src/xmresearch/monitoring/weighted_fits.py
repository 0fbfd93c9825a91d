"""Generalised linear fits of shares, rates and means by period: iterated weighted least squares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.display import Shown
from xmresearch.errors import ModelError

Array = NDArray[np.float64]
MAX_ITERATIONS = 100
TOLERANCE = 1e-10
FARTHEST = 12.0
"""Linear predictors on a logit or log link are kept within this: beyond it a level was never, or always, answered alike."""


@dataclass(frozen=True, repr=False)
class Family(Shown):
    """How a KPI's mean and variance hang together.

    Attributes
    ----------
    link, inverse, variance : callable
        From the mean to the linear predictor, back, and to the variance of one answer.
    slope : callable
        Of the mean by the linear predictor, at the mean.
    range, inside : tuple of float
        What the KPI can be, and what a mean must lie within for its link to be finite.
    bounded : bool
        Whether linear predictors may run off to infinity.
    """

    link: Callable[[Any], Any]
    inverse: Callable[[Any], Any]
    variance: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    range: tuple[float, float]
    inside: tuple[float, float]
    bounded: bool


@dataclass(frozen=True, repr=False)
class WeightedFit(Shown):
    """A fit: coefficients, the inverse information (bread), and by row the factor that turns a Pearson residual into a score."""

    coefficients: Array
    bread: Array
    working: Array
    warnings: tuple[str, ...]


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "share": Family(
            special.logit, special.expit, lambda m: m * (1 - m), lambda m: m * (1 - m), (0.0, 1.0), (1e-6, 1 - 1e-6), True
        ),
        "rate": Family(np.log, np.exp, lambda m: m, lambda m: m, (0.0, np.inf), (1e-300, np.inf), True),
        "mean": Family(
            lambda m: m, lambda e: e, np.ones_like, np.ones_like, (-np.inf, np.inf), (-np.inf, np.inf), False
        ),
    }
)  # fmt: skip


def weighted_fit(y: Array, x: Array, weight: Array, family: Family) -> WeightedFit:
    """Fit means by period.

    Parameters
    ----------
    y : ndarray
        Observed shares, rates or means, shape (periods,).
    x : ndarray
        Design, shape (periods, effects), of full rank.
    weight : ndarray
        Answers or exposure, shape (periods,), above 0.
    family : Family

    Returns
    -------
    WeightedFit

    Raises
    ------
    ModelError
        Effects cannot be told apart, or the fit does not settle.

    References
    ----------
    McCullagh, P. & Nelder, J. A. (1989). Generalized linear models, 2nd ed. Chapman & Hall, section 2.5.
    """
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise ModelError("Effects of season and level cannot be told apart.", "Leave out a term, or give more periods.")
    overall = float(weight @ y / weight.sum())
    # as if each period had half an answer of the overall share more: zeros have a finite start
    start = (y * weight + overall) / (weight + 1) if family.bounded else y
    mean = np.clip(start, *family.inside)
    eta = family.link(mean)
    b = np.zeros(x.shape[1])
    for _ in range(MAX_ITERATIONS):
        slope = family.slope(mean)
        w = weight * slope**2 / family.variance(mean)
        root = np.sqrt(w)[:, None]
        b = np.linalg.lstsq(root * x, root[:, 0] * (eta + (y - mean) / slope), rcond=None)[0]
        eta = x @ b
        if family.bounded:
            centre = family.link(np.clip(overall, *family.inside))
            eta = np.clip(eta, centre - FARTHEST, centre + FARTHEST)
        before, mean = mean, family.inverse(eta)
        # of means, which settle also where a coefficient runs off
        if float(np.abs(mean - before).max()) < TOLERANCE * float(np.abs(mean).max()):
            break
    else:
        raise ModelError("The fit of the season does not settle.", "Some periods hardly vary: leave out a term.")
    far = family.bounded and bool((np.abs(x @ b - family.link(np.clip(overall, *family.inside))) >= FARTHEST).any())
    notes = ("Some days or months never, or always, had such an answer: their effect is not known.",) if far else ()
    slope, variance = family.slope(mean), family.variance(mean)
    bread = np.linalg.pinv(x.T @ (x * (weight * slope**2 / variance)[:, None]))
    return WeightedFit(b, bread, slope * np.sqrt(weight / variance), notes)


def clustered_fit(y: Array, x: Array, weight: Array, family: Family, whose: Any) -> tuple[Array, Array]:
    """Fit means with a covariance that is robust by who rows belong to.

    Parameters
    ----------
    y, x, weight, family
        As for `weighted_fit`.
    whose : array_like or None
        Shape (rows,); None where each row is its own.

    Returns
    -------
    coefficients, covariance : ndarray

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73, 13-22.
    """
    fit = weighted_fit(y, x, weight, family)
    mean = family.inverse(x @ fit.coefficients)
    scores = (weight * (y - mean) * family.slope(mean) / family.variance(mean))[:, None] * x
    if whose is not None:
        of = pd.factorize(whose, use_na_sentinel=False)[0]
        scores = np.stack([np.bincount(of, weights=c) for c in scores.T], axis=1)
    groups = len(scores)
    return fit.coefficients, fit.bread @ (scores.T @ scores) @ fit.bread * groups / max(groups - 1, 1)
