"""How many leave at which load time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import quantile
from xmresearch.monitoring.weighted_fits import FAMILIES, clustered_fit, weighted_fit

Array = NDArray[np.float64]
KNOTS = (0.05, 0.35, 0.65, 0.95)
"""Harrell's places of four knots."""
GRID = 40
FEWEST_PER_EFFECT = 10


@dataclass(frozen=True, repr=False)
class DoseResponse(Shown):
    """How many leave at which load time.

    Attributes
    ----------
    table : DataFrame
        One row per load time of a grid: dose, share, lower, upper.
    p, p_bend : float
        Of no effect at all, and of one that is straight in log odds by log load time.
    doses : tuple of float
        Between which there is enough to say something: from the 1st to the 99th percentile.
    n : int
        Visits.
    level : float
        Of the intervals.
    coefficients, covariance, knots : ndarray
        Of the fit in log odds.
    """

    table: pd.DataFrame
    p: float
    p_bend: float
    doses: tuple[float, float]
    n: int
    level: float
    coefficients: Array
    covariance: Array
    knots: Array

    def tidy(self) -> pd.DataFrame:
        """Return one row per load time."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return n, p of no effect, p of a straight one, and the range of doses."""
        return {"n": self.n, "p": self.p, "p_bend": self.p_bend, "from": self.doses[0], "to": self.doses[1]}

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def difference(self, dose: float, other: float) -> dict[str, float]:
        """Return how many more leave at another load time than at one.

        Returns
        -------
        dict of str to float
            share, other_share, difference, se, lower, upper, p.
        """
        for d in (dose, other):
            if not self.doses[0] <= d <= self.doses[1]:
                raise DataError(
                    f"{d:g} lies outside what was measured often enough ({self.doses[0]:g} to {self.doses[1]:g})."
                )
        x = natural_spline(np.log([dose, other]), self.knots)
        share = special.expit(x @ self.coefficients)
        slope = (share * (1 - share))[:, None] * x
        pull = slope[1] - slope[0]
        gap, se = float(share[1] - share[0]), float(np.sqrt(pull @ self.covariance @ pull))
        reach = quantile(self.level) * se
        return {
            "share": float(share[0]), "other_share": float(share[1]), "difference": gap, "se": se, "lower": gap - reach,
            "upper": gap + reach, "p": float(2 * stats.norm.sf(abs(gap) / se)) if se > 0 else 1.0,
        }  # fmt: skip


def dose_response(
    load_times: ArrayLike, left: ArrayLike, *, n: ArrayLike | None = None, visitors: ArrayLike | None = None,
    confidence: float = 0.95,
) -> DoseResponse:  # fmt: skip
    """Fit how many leave by load time: a smooth curve in log odds by log load time.

    Parameters
    ----------
    load_times : array_like
        Shape (rows,), above 0.
    left : array_like
        Shape (rows,): whether each visit was left, or with `n` how many of n.
    n : array_like, optional
        Visits of each row, shape (rows,); 1 by default.
    visitors : array_like, optional
        Who made each visit, shape (rows,).
    confidence : float
        Level.

    Returns
    -------
    DoseResponse
        Natural cubic spline with four knots; standard errors allow for rows of several visits that differ more than chance has it, and are
        robust by visitor where visitors are given. An association: those who load slowly may
        differ in what else makes people leave.

    Raises
    ------
    DataError, InsufficientData
        A load time is not above 0; too few left or stayed, or load times hardly differ.

    References
    ----------
    Harrell, F. E. (2015). Regression modeling strategies, 2nd ed. Springer, section 2.4.
    """
    t, y = np.asarray(load_times, dtype="float64"), np.asarray(left, dtype="float64")
    size = np.ones(len(t)) if n is None else np.asarray(n, dtype="float64")
    if not t.shape == y.shape == size.shape or not (np.isfinite(t).all() and (t > 0).all()):
        raise DataError("Load times must be above zero, one for each row.")
    if not (np.isfinite(y).all() and (y >= 0).all() and (y <= size).all()):
        raise DataError("Those who left must lie between 0 and all visits.")
    there = size > 0
    t, y, size = t[there], y[there], size[there]
    few = float(min(y.sum(), (size - y).sum()))
    if few < FEWEST_PER_EFFECT * (len(KNOTS) - 1):
        raise InsufficientData(f"Only {few:g} visit(s) were left, or stayed: too few for a curve.")
    order = np.argsort(t)
    weight = np.cumsum(size[order]) / size.sum()
    at = np.log(t)
    places = [float(at[order][np.searchsorted(weight, q)]) for q in (0.01, *KNOTS, 0.99)]
    knots = np.array(places[1:-1])
    if len(np.unique(knots)) < len(KNOTS):
        raise InsufficientData("Load times hardly differ.", "Give them finer than they are rounded.")
    x = natural_spline(at, knots)
    whose = None if visitors is None else np.asarray(visitors, dtype=object)[there]
    b, cov = _by_visitor(y / size, x, size, whose)
    grid = np.exp(np.linspace(places[0], places[-1], GRID))
    shown = natural_spline(np.log(grid), knots)
    eta, reach = shown @ b, quantile(confidence) * np.sqrt(np.einsum("ij,jk,ik->i", shown, cov, shown))
    table = pd.DataFrame(
        {
            "dose": grid,
            "share": special.expit(eta),
            "lower": special.expit(eta - reach),
            "upper": special.expit(eta + reach),
        }
    )
    return DoseResponse(
        table, _wald(b, cov, range(1, x.shape[1])), _wald(b, cov, range(2, x.shape[1])),
        (float(np.exp(places[0])), float(np.exp(places[-1]))), int(size.sum()), confidence, b, cov, knots,
    )  # fmt: skip


def natural_spline(x: Array, knots: Array) -> Array:
    """Return the columns of a natural cubic spline: 1, x, and one less than inner knots, scaled to the range of the knots."""
    first, last, before = knots[0], knots[-1], knots[-2]

    def cube(k: float) -> Array:
        return np.asarray(np.maximum(x - k, 0.0) ** 3)

    bends = [
        (cube(k) - cube(before) * (last - k) / (last - before) + cube(last) * (before - k) / (last - before))
        / (last - first) ** 2 for k in knots[:-2]
    ]  # fmt: skip
    return np.stack([np.ones_like(x), x, *bends], axis=1)


def _by_visitor(y: Array, x: Array, size: Array, whose: Any) -> tuple[Array, Array]:
    """Return coefficients of a logit, with a covariance by visitor, or of binomial counts with their over-dispersion."""
    if whose is not None:
        return clustered_fit(y, x, size, FAMILIES["share"], whose)
    fit = weighted_fit(y, x, size, FAMILIES["share"])
    mean = special.expit(x @ fit.coefficients)
    several = size > 1
    pearson = float((size * (y - mean) ** 2 / (mean * (1 - mean)))[several].sum())
    excess = max(1.0, pearson / (several.sum() - x.shape[1])) if several.sum() > 2 * x.shape[1] else 1.0
    return fit.coefficients, fit.bread * excess


def _wald(b: Array, cov: Array, columns: range) -> float:
    at = list(columns)
    chi2 = float(b[at] @ np.linalg.pinv(cov[np.ix_(at, at)]) @ b[at])
    return float(stats.chi2.sf(chi2, len(at)))
