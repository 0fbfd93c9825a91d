"""The likelihood of ordered answers with thresholds, and its maximum by Newton's method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from xmresearch.display import Shown
from xmresearch.errors import ModelError

Array = NDArray[np.float64]
Link = Literal["logit", "probit", "cloglog"]
MAX_STEPS = 200
_CLOSE = 1e-12
TINY = 1e-300


@dataclass(frozen=True, repr=False)
class Answers(Shown):
    """Answers between two thresholds, each a linear function of the parameters.

    Attributes
    ----------
    upper, lower : ndarray
        Coefficients of the threshold above and below each row's answer, shape (rows, parameters).
    open_above, open_below : ndarray
        Whether there is none: the highest and the lowest answer, shape (rows,).
    shift_upper, shift_lower : ndarray
        What is known of each threshold, shape (rows,).
    frequencies : ndarray
        Shape (rows,).
    start : ndarray
        Shape (parameters,).
    terms : list of str
        Names of the parameters.
    link : str
        logit, probit or cloglog.
    """

    upper: Array
    lower: Array
    open_above: NDArray[np.bool_]
    open_below: NDArray[np.bool_]
    shift_upper: Array
    shift_lower: Array
    frequencies: Array
    start: Array
    terms: list[str]
    link: Link

    def fixed(self, j: int, value: float) -> Answers:
        """Return the answers with one parameter known."""
        return replace(
            self, upper=np.delete(self.upper, j, axis=1), lower=np.delete(self.lower, j, axis=1),
            shift_upper=self.shift_upper + value * self.upper[:, j], shift_lower=self.shift_lower + value * self.lower[:, j],
            start=np.delete(self.start, j), terms=[t for k, t in enumerate(self.terms) if k != j],
        )  # fmt: skip

    def chances(self, par: Array) -> tuple[Array, Array, Array]:
        """Return the probability of each row's answer, and both thresholds (infinite where there is none)."""
        high = np.where(self.open_above, np.inf, self.upper @ par + self.shift_upper)
        low = np.where(self.open_below, -np.inf, self.lower @ par + self.shift_lower)
        below, above = _CUMULATIVE[self.link]
        # the smaller tails are subtracted, which keeps what 1 - F would lose
        p = np.where(low > 0, above(low) - above(high), below(high) - below(low))
        return p, high, low

    def scores(self, par: Array) -> Array:
        """Return the gradient of the log-likelihood of one answer of each row, shape (rows, parameters)."""
        p, high, low = self.chances(par)
        f_high, f_low = (_density(e, self.link)[0] for e in (high, low))
        return (self.upper * f_high[:, None] - self.lower * f_low[:, None]) / np.maximum(p, TINY)[:, None]

    def loglik(self, par: Array) -> float:
        """Return the log-likelihood; minus infinity where an answer is impossible."""
        p, _, _ = self.chances(par)
        return float(self.frequencies @ np.log(p)) if (p > 0).all() else -np.inf

    def by_shift(self, par: Array) -> tuple[Array, Array]:
        """Return the first and minus the second derivative of each row's log-likelihood by a shift of both thresholds."""
        p, high, low = self.chances(par)
        p = np.maximum(p, TINY)
        (f_high, s_high), (f_low, s_low) = (_density(e, self.link) for e in (high, low))
        first = (f_high - f_low) / p
        return first, first**2 - (s_high - s_low) / p

    def information(self, par: Array) -> Array:
        """Return minus the second derivatives, shape (parameters, parameters)."""
        p, high, low = self.chances(par)
        p = np.maximum(p, TINY)
        g = self.scores(par)
        total = g.T @ (g * self.frequencies[:, None])
        for a, eta, side in ((self.upper, high, 1.0), (self.lower, low, -1.0)):
            slope = _density(eta, self.link)[1]
            total -= a.T @ (a * (side * self.frequencies * slope / p)[:, None])
        return total


_CUMULATIVE: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "logit": (special.expit, lambda e: special.expit(-e)),
    "probit": (stats.norm.cdf, stats.norm.sf),
    "cloglog": (lambda e: -np.expm1(-np.exp(np.minimum(e, 700))), lambda e: np.exp(-np.exp(np.minimum(e, 700)))),
}


def _density(eta: Array, link: Link) -> tuple[Array, Array]:
    """Return the density of the link's distribution and its derivative; 0 at infinity."""
    e = np.where(np.isfinite(eta), eta, 0.0)
    if link == "logit":
        f = special.expit(e) * special.expit(-e)
        slope = f * (1 - 2 * special.expit(e))
    elif link == "probit":
        f = stats.norm.pdf(e)
        slope = -e * f
    else:
        hazard = np.exp(np.minimum(e, 700))
        f = hazard * np.exp(-hazard)
        slope = f * (1 - hazard)
    there = np.isfinite(eta)
    return np.where(there, f, 0.0), np.where(there, slope, 0.0)


def answers_of(
    y: Array,
    levels: Array,
    columns: Mapping[str, pd.DataFrame],
    frequencies: Array,
    link: Link,
    nominal: tuple[str, ...],
) -> Answers:
    """Put answers, predictors and frequencies in the form of thresholds.

    Parameters
    ----------
    y : ndarray
        Shape (n,).
    levels : ndarray
        Distinct answers in order, shape (K,).
    columns : mapping of str to DataFrame
        Columns of each predictor.
    frequencies : ndarray
        Shape (n,).
    link : str
        Of the model.
    nominal : tuple of str
        Predictors whose effects differ between thresholds.

    Returns
    -------
    Answers

    Raises
    ------
    ModelError
        A nominal predictor is not among the predictors, or columns are linear combinations of one another.
    """
    if unknown := [name for name in nominal if name not in columns]:
        raise ModelError(f"nominal: the model has no predictor '{unknown[0]}'.")
    n, k = len(y), len(levels)
    free = [np.ones((n, 1)), *(columns[name].to_numpy() for name in nominal)]
    names = ["", *(c for name in nominal for c in columns[name].columns)]
    plain = [columns[name].to_numpy() for name in columns if name not in nominal]
    effects = np.concatenate([np.zeros((n, 0)), *plain], axis=1)
    per = np.concatenate(free, axis=1)
    if np.linalg.matrix_rank(np.concatenate([per, effects], axis=1)) < per.shape[1] + effects.shape[1]:
        raise ModelError("The predictors are linear combinations of one another.", "Leave one out.")
    at = np.searchsorted(levels, y)

    def threshold(which: NDArray[np.int64]) -> Array:
        a = np.zeros((n, per.shape[1] * (k - 1) + effects.shape[1]))
        inside = (which >= 0) & (which < k - 1)
        for j in range(per.shape[1]):
            a[np.flatnonzero(inside), j * (k - 1) + which[inside]] = per[inside, j]
        a[:, per.shape[1] * (k - 1) :] = -effects
        a[~inside] = 0.0
        return a

    cuts = [f"{levels[j]:g}|{levels[j + 1]:g}" for j in range(k - 1)]
    terms = [f"{cut}.{name}" if name else cut for name in names for cut in cuts]
    terms += [c for name in columns if name not in nominal for c in columns[name].columns]
    reached = np.cumsum(np.bincount(at, weights=frequencies, minlength=k))[:-1] / frequencies.sum()
    first = {"logit": special.logit, "probit": stats.norm.ppf, "cloglog": lambda p: np.log(-np.log1p(-p))}[link](
        reached
    )
    start = np.concatenate([first, np.zeros((per.shape[1] - 1) * (k - 1) + effects.shape[1])])
    return Answers(
        threshold(at),
        threshold(at - 1),
        at == k - 1,
        at == 0,
        np.zeros(n),
        np.zeros(n),
        frequencies,
        start,
        terms,
        link,
    )


def maximised(given: Answers) -> tuple[Array, float, Array]:
    """Return the parameters of the largest likelihood, the log-likelihood and the information there.

    Raises
    ------
    ModelError
        There is no maximum that can be reached.
    """
    par, value = given.start.copy(), given.loglik(given.start)
    for _ in range(MAX_STEPS):
        gradient = given.scores(par).T @ given.frequencies
        information = given.information(par)
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            break
        if gradient @ step < 0:  # the information is not positive: climb
            step = gradient / np.abs(np.diag(information)).max()
        size = 1.0
        while given.loglik(par + size * step) < value - 1e-12 * abs(value) and size > 1e-10:
            size /= 2
        par = par + size * step
        value = given.loglik(par)
        if np.abs(size * step).max() <= _CLOSE * max(1.0, float(np.abs(par).max())) or gradient @ step < 1e-20:
            return par, value, given.information(par)
    raise ModelError(
        "The model of ordered answers does not settle: a group gives answers that do not overlap with the others.",
        "Put levels or groups together.",
    )
