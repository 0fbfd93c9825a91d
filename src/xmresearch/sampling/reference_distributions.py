"""Results of tests on a complex sample, and tails of the distributions that they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from xmresearch.display import Shown

Array = NDArray[np.float64]
_AT_THE_MEAN = 1e-4
_EDGE = 1e-9


@dataclass(frozen=True, repr=False)
class DesignTest(Shown):
    """A test on a complex sample.

    Attributes
    ----------
    test : str
        Its name.
    statistic : float
        Value of the statistic.
    df, ddf : float
        Degrees of freedom of the statistic and of its denominator (those of a t are its `ddf`); NaN where there are none.
    p : float
        Chance of a statistic at least as far out if nothing differs.
    estimate, lower, upper : float
        The difference that is tested, with its interval; NaN where the test has none.
    scales : tuple of float
        Factors of the chi-square variables that the statistic is a sum of, where it is one.
    """

    test: str
    statistic: float
    df: float
    ddf: float
    p: float
    estimate: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")
    scales: tuple[float, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Return the test's figures."""
        return {
            "test": self.test, "statistic": self.statistic, "df": self.df, "ddf": self.ddf, "p": self.p,
            "estimate": self.estimate, "lower": self.lower, "upper": self.upper,
        }  # fmt: skip

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame([self.summary()])


def chi_square_mixture(x: float, scales: Array, counts: Array | None = None) -> float:
    """Return the upper tail of a sum of scaled chi-square variables, by the saddlepoint.

    Parameters
    ----------
    x : float
        Where the tail begins; above 0 where no factor is below.
    scales : ndarray
        Factors, shape (k,); one at least above 0.
    counts : ndarray, optional
        Degrees of freedom of each, shape (k,); 1 if absent.

    Returns
    -------
    float
        NaN next to the mean, where the saddlepoint has no figures.

    References
    ----------
    Kuonen, D. (1999). Saddlepoint approximations for distributions of quadratic forms in normal variables. Biometrika, 86, 929-935.
    """
    if x <= 0 and (scales >= 0).all():
        return 1.0
    top = float(scales.max())
    a, at = scales / top, x / top
    n = np.ones(len(a)) if counts is None else counts
    expected = float(n @ a)
    if abs(at - expected) < _AT_THE_MEAN * max(abs(expected), 1e-300):
        return float("nan")
    # the poles of the cumulant function bound the saddlepoint; without factors below 0 there is none on the left
    lowest = (1 - _EDGE) / (2 * a.min()) if a.min() < 0 else -float(n.sum()) / (2 * at)
    ends = (0.0, 0.5 * (1 - _EDGE)) if at > expected else (lowest, 0.0)
    zeta = optimize.brentq(lambda z: float(n @ (a / (1 - 2 * z * a))) - at, *ends, xtol=1e-15)
    w = np.sign(zeta) * np.sqrt(2 * (zeta * at + n @ np.log1p(-2 * zeta * a) / 2))
    v = zeta * np.sqrt(2 * n @ (a**2 / (1 - 2 * zeta * a) ** 2))
    return float(stats.norm.sf(w + np.log(v / w) / w))


def satterthwaite(x: float, scales: Array) -> float:
    """Return the upper tail of a sum of scaled chi-square variables as that of a single one.

    Parameters
    ----------
    x : float
        Where the tail begins.
    scales : ndarray
        Factors above 0, shape (k,).

    Returns
    -------
    float

    References
    ----------
    Satterthwaite, F. E. (1946). Biometrics Bulletin, 2, 110-114.
    """
    scale, df = satterthwaite_terms(scales)
    return float(stats.chi2.sf(x / scale, df))


def satterthwaite_terms(scales: Array) -> tuple[float, float]:
    """Return the scale and the degrees of freedom of the single variable with the mean and variance of the sum.

    Parameters
    ----------
    scales : ndarray
        Shape (k,).

    Returns
    -------
    scale, df : float
    """
    first, second = float(scales.sum()), float((scales**2).sum())
    return second / first, first**2 / second


def f_mixture(x: float, scales: Array, ddf: float) -> float:
    """Return the upper tail of a sum of scaled chi-square variables over a chi-square variable divided by its degrees of freedom.

    Parameters
    ----------
    x : float
        Where the tail begins.
    scales : ndarray
        Factors above 0, shape (k,).
    ddf : float
        Degrees of freedom of the denominator.

    Returns
    -------
    float

    References
    ----------
    Lumley, T. & Scott, A. (2014). Tests for regression models fitted to survey data. Australian & New Zealand Journal of Statistics,
    56, 1-14 (the saddlepoint of the numerator less so many times the denominator; next to the mean Satterthwaite's approximation).
    """
    if x <= 0:
        return 1.0
    form = np.append(scales, -x / ddf)
    found = chi_square_mixture(0.0, form, np.append(np.ones(len(scales)), ddf))
    if np.isfinite(found):
        return found
    scale, df = satterthwaite_terms(scales)
    return float(stats.f.sf(x / scale / df, df, ddf))
