"""How often customers will buy again: the BG/NBD model on counts of equal histories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.inference.threads import on_one_thread
from xmresearch.outcomes.curvature import second_derivatives

Array = NDArray[np.float64]
FEWEST_CUSTOMERS, FEWEST_REPEATING = 50, 20
NAMES = ("r", "alpha", "a", "b")


@dataclass(frozen=True, repr=False)
class BgNbd(Shown):
    """A fitted model of repeat buying.

    Attributes
    ----------
    r, alpha : float
        Of the gamma distribution of buying rates over customers: shape, and rate in units of time.
    a, b : float
        Of the beta distribution of the chance to leave after a purchase.
    covariance : ndarray
        Of the logarithms of r, alpha, a and b, shape (4, 4).
    loglikelihood : float
        At the maximum.
    n, histories : int
        Customers, and how many different histories they have.
    """

    r: float
    alpha: float
    a: float
    b: float
    covariance: Array
    loglikelihood: float
    n: int
    histories: int

    def tidy(self) -> pd.DataFrame:
        """Return parameter, estimate, lower and upper (95 % intervals, made on the scale of logarithms)."""
        value = np.array([self.r, self.alpha, self.a, self.b])
        reach = special.ndtri(0.975) * np.sqrt(np.diag(self.covariance))
        return pd.DataFrame(
            {"parameter": NAMES, "estimate": value, "lower": value * np.exp(-reach), "upper": value * np.exp(reach)}
        )

    def summary(self) -> dict[str, Any]:
        """Return the parameters, the mean rate of buying, and the mean chance to leave after a purchase."""
        return {
            "r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b, "rate": self.r / self.alpha, "leaving": self.a / (self.a + self.b),
            "loglikelihood": self.loglikelihood, "n": self.n,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Array:
        """Return the chance that each customer has not left.

        Parameters
        ----------
        frequency, recency, age : array_like
            As for `bg_nbd`, shape (n,).

        Returns
        -------
        ndarray
            Shape (n,); 1 for customers who never came back, of whom the model cannot tell.
        """
        x, last, whole = _given(frequency, recency, age)
        return np.asarray(1 / (1 + self._gone(x, last, whole)))

    def expected(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, ahead: float) -> Array:
        """Return how many purchases to expect of each customer.

        Parameters
        ----------
        frequency, recency, age : array_like
            As for `bg_nbd`, shape (n,).
        ahead : float
            Time to come, in the unit of recency and age.

        Returns
        -------
        ndarray
            Shape (n,).
        """
        x, last, whole = _given(frequency, recency, age)
        r, alpha, b = self.r, self.alpha, self.b
        a = self.a + 1e-9 * (self.a == 1)  # where the formula has a removable gap
        left = special.hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + whole + ahead))
        kept = 1 - ((alpha + whole) / (alpha + whole + ahead)) ** (r + x) * left
        return np.asarray((a + b + x - 1) / (a - 1) * kept / (1 + self._gone(x, last, whole)))

    def _gone(self, x: Array, last: Array, whole: Array) -> Array:
        """Return the odds that a customer has left."""
        odds = self.a / (self.b + np.maximum(x, 1) - 1) * ((self.alpha + whole) / (self.alpha + last)) ** (self.r + x)
        return np.where(x > 0, odds, 0.0)

    def draws(self, count: int, seed: int = 0) -> list[BgNbd]:
        """Return models with parameters drawn from their normal approximation on the scale of logarithms.

        Parameters
        ----------
        count, seed : int
            How many, and the seed of the draws.

        Returns
        -------
        list of BgNbd
        """
        rng = np.random.default_rng(seed)
        centre = np.log([self.r, self.alpha, self.a, self.b])
        values = np.exp(rng.multivariate_normal(centre, self.covariance, count, method="eigh"))
        return [replace(self, **dict(zip(NAMES, row.tolist(), strict=True))) for row in values]


@on_one_thread
def bg_nbd(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, counts: ArrayLike | None = None) -> BgNbd:
    """Fit the BG/NBD model by maximum likelihood.

    Parameters
    ----------
    frequency : array_like
        Repeat purchases of each customer (the first is not counted), shape (n,).
    recency : array_like
        Time of the last repeat purchase since the first purchase, shape (n,); 0 without repeat purchases.
    age : array_like
        Time from the first purchase to the end of the data, shape (n,), in the same unit.
    counts : array_like, optional
        How many customers have each history, shape (n,); 1 if left out. Histories that are alike are put together in any case.

    Returns
    -------
    BgNbd

    Raises
    ------
    DataError
        A history is impossible: negative, or with a last purchase after the end of the data.
    InsufficientData
        Fewer than 50 customers, or than 20 who came back.
    ModelError
        The likelihood has no maximum within reason.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way: an alternative to the Pareto/NBD model.
    Marketing Science, 24(2), 275-284.
    """
    x, last, whole = _given(frequency, recency, age)
    weight = np.ones(len(x)) if counts is None else np.asarray(counts, dtype="float64")
    if len(weight) != len(x) or (weight <= 0).any():
        raise DataError("There must be one count above zero for each history.")
    table = np.column_stack([x, last, whole])
    unique, code = np.unique(table, axis=0, return_inverse=True)
    weight = np.bincount(code.ravel(), weight)
    x, last, whole = unique.T
    customers, back = int(weight.sum()), int(weight[x > 0].sum())
    if customers < FEWEST_CUSTOMERS or back < FEWEST_REPEATING:
        raise InsufficientData(
            f"{customers} customers of whom {back} came back are too few for a model of repeat buying.",
            f"It takes {FEWEST_CUSTOMERS}, and {FEWEST_REPEATING} who came back.",
        )
    unit = float(np.average(whole, weights=weight))
    scaled = last / unit, whole / unit

    def negative(theta: Array) -> float:
        return -float(weight @ _loglikelihood(theta, x, *scaled)) / customers

    start = np.log([1.0, 1.0, 1.0, 2.0])
    found = optimize.minimize(
        negative, start, method="L-BFGS-B", bounds=[(-9.0, 9.0)] * 4, options={"ftol": 1e-14, "gtol": 1e-9}
    )
    found = optimize.minimize(negative, found.x, method="BFGS", options={"gtol": 1e-8})
    theta = np.asarray(found.x)
    if np.abs(theta).max() > 8.9:
        raise ModelError(
            "The model of repeat buying has no best fit: customers hardly differ, or nobody seems to leave.",
            "Watch them for longer, or compare cohorts by retention instead.",
        )
    information = second_derivatives(negative, theta) * customers
    values = np.linalg.eigvalsh(information)
    if values[0] <= 0:
        raise ModelError("The likelihood of repeat buying is flat at its maximum.", "Watch customers for longer.")
    shift = np.array([0.0, np.log(unit), 0.0, 0.0])
    r, alpha, a, b = np.exp(theta + shift).tolist()
    # a density of times has the unit of time in it, once for each repeat purchase
    total = -found.fun * customers - float(weight @ x) * np.log(unit)
    return BgNbd(r, alpha, a, b, np.linalg.inv(information), float(total), customers, len(x))


def _loglikelihood(theta: Array, x: Array, last: Array, whole: Array) -> Array:
    """Return the log-likelihood of each history at logarithms of r, alpha, a and b."""
    r, alpha, a, b = np.exp(theta)
    rates = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    stays = special.betaln(a, b + x) - special.betaln(a, b)
    alive = -(r + x) * np.log(alpha + whole)
    gone = np.where(x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + last), -np.inf)
    return np.asarray(rates + stays + np.logaddexp(alive, gone))


def _given(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> tuple[Array, Array, Array]:
    x, last, whole = (np.asarray(v, dtype="float64") for v in (frequency, recency, age))
    if not x.shape == last.shape == whole.shape or x.ndim != 1:
        raise DataError("There must be one frequency, recency and age for each customer.")
    if not (np.isfinite(x).all() and np.isfinite(last).all() and np.isfinite(whole).all()):
        raise DataError("A history is blank.", "Leave customers without a history out.")
    wrong = (
        (x < 0)
        | (x != np.round(x))
        | (last < 0)
        | (last > whole)
        | (whole <= 0)
        | ((x == 0) & (last > 0))
        | ((x > 0) & (last == 0))
    )
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"History {at + 1} is impossible: {x[at]:g} repeat purchases, the last at {last[at]:g} of {whole[at]:g} ({int(wrong.sum())} such).",
            "Repeat purchases leave the first one out; recency and age count from it.",
        )
    return x, last, whole
