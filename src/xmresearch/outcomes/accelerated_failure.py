"""How long customers stay, by a distribution of times: exponential, Weibull and lognormal regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.monitoring.survival_curves import times_given
from xmresearch.outcomes.curvature import second_derivatives

Array = NDArray[np.float64]
Distribution = Literal["exponential", "weibull", "lognormal"]
DISTRIBUTIONS = ("exponential", "weibull", "lognormal")


@dataclass(frozen=True, repr=False)
class FailureTimes(Shown):
    """A fitted regression of log times.

    Attributes
    ----------
    table : DataFrame
        One row per term: term ((Intercept), the columns, and Log(scale) where there is one), estimate, se, z, p, lower, upper.
    distribution : str
        exponential, weibull or lognormal.
    loglikelihood, null_loglikelihood : float
        With and without the columns.
    n, events : int
        Cases and ends.
    scale : float
        Of log times.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    distribution: Distribution
    loglikelihood: float
    null_loglikelihood: float
    n: int
    events: int
    scale: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per term."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return n, events, log-likelihood, AIC, scale and the p value of all columns together."""
        columns = len(self.table) - 1 - (self.distribution != "exponential")
        gain = 2 * (self.loglikelihood - self.null_loglikelihood)
        return {
            "n": self.n, "events": self.events, "loglikelihood": self.loglikelihood, "aic": 2 * len(self.table) - 2 * self.loglikelihood,
            "scale": self.scale, "p": float(stats.chi2.sf(gain, columns)) if columns else np.nan,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return {"distribution": self.distribution, **self.summary()}

    def survival(self, times: ArrayLike, x: pd.DataFrame) -> Array:
        """Return the chance to last longer than each time, for each row of x, shape (rows, times)."""
        beta = self.table.set_index("term")["estimate"]
        names = [t for t in beta.index if t not in ("(Intercept)", "Log(scale)")]
        location = beta["(Intercept)"] + x[names].to_numpy(dtype="float64") @ beta[names].to_numpy()
        z = (np.log(np.asarray(times, dtype="float64"))[None] - location[:, None]) / self.scale
        return np.asarray(special.ndtr(-z) if self.distribution == "lognormal" else np.exp(-np.exp(z)))


@on_one_thread
def failure_times(
    time: ArrayLike,
    ended: ArrayLike,
    x: pd.DataFrame,
    *,
    distribution: Distribution = "weibull",
    confidence: float = 0.95,
) -> FailureTimes:
    """Fit log times to columns, times that are not over being censored.

    Parameters
    ----------
    time : array_like
        Shape (n,), above 0.
    ended : array_like of bool
        Whether each was over then, shape (n,).
    x : DataFrame
        Columns of numbers, shape (n, k); k may be 0.
    distribution : {'exponential', 'weibull', 'lognormal'}
        Of the times. An estimate is what a unit of the column adds to the log of the time.
    confidence : float
        Level.

    Returns
    -------
    FailureTimes

    Raises
    ------
    DataError
        There is no such distribution; a time is not above 0; a column is blank, no number, constant or a sum of others.
    InsufficientData
        Fewer ends than coefficients.
    ModelError
        The likelihood has no maximum.

    References
    ----------
    Kalbfleisch, J. D. & Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data (2nd ed.). Wiley.
    """
    if distribution not in DISTRIBUTIONS:
        raise DataError(f"There is no distribution '{distribution}'.", nearest(distribution, DISTRIBUTIONS))
    t, over = times_given(time, ended)
    if (t <= 0).any():
        raise DataError("A time is not above 0.", "Give times from the beginning, in a unit in which none is 0.")
    design = np.column_stack([np.ones(len(t)), x.to_numpy(dtype="float64")])
    if len(design) != len(t) or not np.isfinite(design).all():
        raise DataError("A column is blank or has another length than the times.", "Leave such rows out.")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError("A column is constant, or a sum of others.", "Leave it out.")
    if over.sum() <= design.shape[1]:
        raise InsufficientData(
            f"{int(over.sum())} ends are too few for {design.shape[1]} coefficients.", "Leave columns out."
        )
    centre, spread = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0)
    scaled = np.column_stack([np.ones(len(t)), (design[:, 1:] - centre) / spread])
    best, theta = _maximum(np.log(t), over, scaled, distribution)
    null, _ = _maximum(np.log(t), over, scaled[:, :1], distribution)
    information = second_derivatives(lambda v: -_loglikelihood(v, np.log(t), over, scaled, distribution), theta)
    values = np.linalg.eigvalsh(information)
    if values[0] <= 0:
        raise ModelError("The likelihood of times is flat at its maximum.", "Leave columns out.")
    k = design.shape[1]
    back = np.eye(len(theta))
    back[np.arange(1, k), np.arange(1, k)] = 1 / spread
    back[0, 1:k] = -centre / spread
    estimate, covariance = back @ theta, back @ np.linalg.inv(information) @ back.T
    se = np.sqrt(np.diag(covariance))
    reach = stats.norm.ppf(0.5 + confidence / 2) * se
    terms = ["(Intercept)", *map(str, x.columns), *([] if distribution == "exponential" else ["Log(scale)"])]
    table = pd.DataFrame({
        "term": terms, "estimate": estimate, "se": se, "z": estimate / se, "p": 2 * stats.norm.sf(np.abs(estimate / se)),
        "lower": estimate - reach, "upper": estimate + reach,
    })  # fmt: skip
    scale = 1.0 if distribution == "exponential" else float(np.exp(theta[-1]))
    return FailureTimes(table, distribution, best, null, len(t), int(over.sum()), scale, confidence)


def _maximum(y: Array, over: NDArray[np.bool_], design: Array, distribution: Distribution) -> tuple[float, Array]:
    start = np.zeros(design.shape[1] + (distribution != "exponential"))
    start[0] = float(y.mean()) + (0.0 if over.all() else 0.5)

    def negative(v: Array) -> float:
        return -_loglikelihood(v, y, over, design, distribution) / len(y)

    found = optimize.minimize(negative, start, method="BFGS", options={"gtol": 1e-9})
    if not np.isfinite(found.fun) or np.abs(found.jac).max() > 1e-4:
        raise ModelError("The likelihood of times has no maximum: a column tells all ends.", "Leave it out.")
    return -float(found.fun) * len(y), np.asarray(found.x)


def _loglikelihood(theta: Array, y: Array, over: NDArray[np.bool_], design: Array, distribution: Distribution) -> float:
    """Return the log-likelihood of times (not of their logarithms), as R's survreg has it."""
    log_scale = 0.0 if distribution == "exponential" else float(theta[-1])
    z = (y - design @ theta[: design.shape[1]]) / np.exp(log_scale)
    if distribution == "lognormal":
        density, beyond = -0.5 * z**2 - 0.5 * np.log(2 * np.pi), special.log_ndtr(-z)
    else:
        with np.errstate(over="ignore"):
            density, beyond = z - np.exp(z), -np.exp(z)
    return float(np.where(over, density - log_scale - y, beyond).sum())
