"""How much a purchase is worth: the gamma-gamma model of mean spending."""

from __future__ import annotations

from dataclasses import dataclass
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
FEWEST_CUSTOMERS = 30
NAMES = ("p", "q", "v")


@dataclass(frozen=True, repr=False)
class GammaGamma(Shown):
    """A fitted model of spending.

    Attributes
    ----------
    p, q, v : float
        Spending of a purchase is gamma with shape p and rate nu; over customers nu is gamma with shape q and rate v.
    covariance : ndarray
        Of the logarithms of p, q and v, shape (3, 3).
    loglikelihood : float
        At the maximum.
    n : int
        Who came back.
    dependence : float
        Correlation of frequency and mean spending, which the model takes to be none.
    """

    p: float
    q: float
    v: float
    covariance: Array
    loglikelihood: float
    n: int
    dependence: float

    def tidy(self) -> pd.DataFrame:
        """Return parameter, estimate, lower and upper (95 % intervals, made on the scale of logarithms)."""
        value = np.array([self.p, self.q, self.v])
        reach = special.ndtri(0.975) * np.sqrt(np.diag(self.covariance))
        return pd.DataFrame(
            {"parameter": NAMES, "estimate": value, "lower": value * np.exp(-reach), "upper": value * np.exp(reach)}
        )

    def summary(self) -> dict[str, Any]:
        """Return the parameters, the mean purchase (NaN where it has none), and the dependence on frequency."""
        mean = self.p * self.v / (self.q - 1) if self.q > 1 else np.nan
        return {
            "p": self.p, "q": self.q, "v": self.v, "mean": mean, "dependence": self.dependence, "loglikelihood": self.loglikelihood,
            "n": self.n,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def expected(self, frequency: ArrayLike, spending: ArrayLike) -> Array:
        """Return what a purchase of each customer is expected to be worth.

        Parameters
        ----------
        frequency, spending : array_like
            As for `gamma_gamma`, shape (n,); where frequency is 0, spending does not matter.

        Returns
        -------
        ndarray
            Shape (n,): customers who bought often are near their own mean, others near that of all.
        """
        x = np.asarray(frequency, dtype="float64")
        mean = np.where(x > 0, np.nan_to_num(np.asarray(spending, dtype="float64")), 0.0)
        return np.asarray(self.p * (self.v + x * mean) / (self.p * x + self.q - 1))


@on_one_thread
def gamma_gamma(frequency: ArrayLike, spending: ArrayLike) -> GammaGamma:
    """Fit the gamma-gamma model by maximum likelihood to customers who came back.

    Parameters
    ----------
    frequency : array_like
        Repeat purchases, shape (n,); customers without are left out.
    spending : array_like
        Mean value of a customer's repeat purchases, shape (n,), above 0 where there are any.

    Returns
    -------
    GammaGamma

    Raises
    ------
    DataError
        Spending is not above 0 where there are repeat purchases.
    InsufficientData
        Fewer than 30 customers who came back.
    ModelError
        The likelihood has no maximum within reason, or purchases have no mean.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2013). The gamma-gamma model of monetary value. Note, brucehardie.com/notes/025.
    """
    x, mean = (np.asarray(a, dtype="float64") for a in (frequency, spending))
    if x.shape != mean.shape or x.ndim != 1:
        raise DataError("There must be one frequency and one mean spending for each customer.")
    back = x > 0
    if not (np.isfinite(mean[back]).all() and (mean[back] > 0).all()):
        wrong = int((~(mean[back] > 0)).sum())
        raise DataError(
            f"Mean spending is not above 0 for {wrong} customer(s) who came back.",
            "Leave returns and gifts out of spending.",
        )
    x, mean = x[back], mean[back]
    if len(x) < FEWEST_CUSTOMERS:
        raise InsufficientData(
            f"{len(x)} customers who came back are too few to tell spending.", f"It takes {FEWEST_CUSTOMERS}."
        )
    unit = float(np.median(mean))
    m = mean / unit

    def negative(theta: Array) -> float:
        p, q, v = np.exp(theta)
        value = (
            special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q) + q * np.log(v)
            + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + v)
        )  # fmt: skip
        return -float(value.mean())

    found = optimize.minimize(negative, np.log([2.0, 3.0, 1.0]), method="L-BFGS-B", bounds=[(-7.0, 9.0)] * 3)
    found = optimize.minimize(negative, found.x, method="BFGS", options={"gtol": 1e-8})
    theta = np.asarray(found.x)
    if np.abs(theta).max() > 8.9:
        raise ModelError("Spending has no best fit: customers hardly differ in it.", "Use the mean purchase of all.")
    information = second_derivatives(negative, theta) * len(x)
    if np.linalg.eigvalsh(information)[0] <= 0:
        raise ModelError("The likelihood of spending is flat at its maximum.", "Use the mean purchase of all.")
    p, q, v = np.exp(theta + np.array([0.0, 0.0, np.log(unit)])).tolist()
    dependence = float(np.corrcoef(x, mean)[0, 1]) if np.ptp(x) > 0 and np.ptp(mean) > 0 else 0.0
    total = -found.fun * len(x) - len(x) * np.log(unit)
    return GammaGamma(p, q, v, np.linalg.inv(information), float(total), len(x), dependence)
