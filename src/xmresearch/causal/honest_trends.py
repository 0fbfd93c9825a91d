"""How large a breach of parallel trends an event study survives (Rambachan & Roth, 2023)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.causal.conditional_interval import conditional_interval
from xmresearch.causal.honest_interval import flci
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
KINDS = ("relative", "smoothness", "relative_smoothness")
METHODS = {"posterior": "posterior of the bounds", "c-lf": "conditional least-favourable interval"}
GRIDS = {"relative": (0.0, 0.5, 1.0, 1.5, 2.0), "relative_smoothness": (0.0, 0.5, 1.0, 1.5, 2.0)}
PRETREND_LEVEL, SAFE_BREAKDOWN, FEW_PRE_PERIODS = 0.05, 1.0, 2
_DOUBLINGS = 40
_ROUNDING = 1e-10
"""Largest negative eigenvalue of a covariance that rounding may leave, as a share of its largest."""
_FINE, _COARSE = 1e-7, 1e-3


@dataclass(frozen=True, repr=False)
class HonestResult(Shown):
    """Sensitivity of an event study's effect to breaches of parallel trends.

    Attributes
    ----------
    curve : DataFrame
        One row per bound: bound (Mbar, or M in units of the outcome per period), set_lower, set_upper (identified set at
        the point estimate; missing where the estimated pre-trend itself is rougher than M allows), ci_lower, ci_upper,
        distinguishable (the interval leaves out zero), p_positive, p_negative (posterior probability that the whole set is
        above, below zero; missing for smoothness).
    kind : str
        relative (Delta^RM), smoothness (Delta^SD) or relative_smoothness (Delta^SDRM).
    method : str
        'posterior of the bounds', 'fixed-length confidence interval' or 'conditional least-favourable interval'.
    breakdown : float
        Smallest bound at which the interval takes in zero: 0 where it does so already under the strictest bound, inf where
        no bound was found.
    estimate, se : float
        Effect and its standard error under exactly parallel trends.
    ci_lower, ci_upper : float
        Its interval.
    pretrend_p : float
        Wald test that all coefficients before treatment are zero.
    target : ndarray
        Weights of the effects after treatment that make up the effect, shape (n_post,).
    n_pre, n_post : int
        Coefficients before and after treatment, the reference period left out.
    confidence : float
        Level of the intervals.
    """

    curve: pd.DataFrame
    kind: str
    method: str
    breakdown: float
    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    pretrend_p: float
    target: Array
    n_pre: int
    n_post: int
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return the sensitivity curve."""
        return self.curve

    def summary(self) -> dict[str, Any]:
        """Return the effect, its interval and the breakdown value."""
        return {
            "kind": self.kind, "estimate": self.estimate, "lower": self.ci_lower, "upper": self.ci_upper,
            "breakdown": self.breakdown, "level": self.confidence,
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the robust interval by how far trends may depart from parallel ones."""
        middle = np.full(len(self.curve), self.estimate)
        ends = (self.curve["ci_lower"], self.curve["ci_upper"])
        return curve(
            self.curve["bound"],
            middle,
            *ends,
            across="allowed departure from parallel trends",
            axis="effect",
            joined=True,
        )

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        rows: list[tuple[str, float, float, str]] = [
            ("pre_periods", self.n_pre, FEW_PRE_PERIODS, "pass" if self.n_pre >= FEW_PRE_PERIODS else "warn"),
            ("pretrend_p", self.pretrend_p, PRETREND_LEVEL, "pass" if self.pretrend_p >= PRETREND_LEVEL else "warn"),
        ]
        if self.kind != "smoothness":
            safe = "pass" if self.breakdown >= SAFE_BREAKDOWN else "warn"
            rows.append(("breakdown", self.breakdown, SAFE_BREAKDOWN, safe))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def honest(
    beta: ArrayLike | None = None,
    cov: ArrayLike | None = None,
    *,
    n_pre: int,
    draws: ArrayLike | None = None,
    kind: str = "relative",
    method: str = "posterior",
    bounds: Sequence[float] | None = None,
    target: ArrayLike | None = None,
    distances: ArrayLike | None = None,
    confidence: float = 0.95,
    n_draws: int = 4000,
    seed: int = 0,
) -> HonestResult:
    """Measure how an event study's effect stands up to breaches of parallel trends.

    The difference in trends delta is zero in the reference period, which stands between the last coefficient before and
    the first after treatment; periods are consecutive, unless `distances` says where they lie: steps are then taken per unit
    of distance, and changes of slope are divided by the distance between the middles of the two steps. It is held to

    - relative: each step after treatment at most Mbar times the largest step before it;
    - smoothness: each change of slope at most M;
    - relative_smoothness: each change of slope after treatment at most Mbar times the largest before it.

    The identified sets are intervals with closed-form ends. For smoothness the interval is the optimal fixed-length
    confidence interval, which covers at every delta in the set. For the relative sets the ends are computed in every
    posterior draw and the interval runs from the lower end's to the upper end's quantile; the largest step before treatment
    is a convex function of the coefficients, so noise there widens the interval: it is conservative.

    Parameters
    ----------
    beta : array_like, optional
        Coefficients in order of time, those before treatment first, shape (n_pre + n_post,).
    cov : array_like, optional
        Their covariance, shape (n_pre + n_post, n_pre + n_post). With it, draws come from the normal posterior under a flat prior.
    n_pre : int
        Coefficients before treatment, at least 1 (2 for relative_smoothness).
    draws : array_like, optional
        Posterior draws, shape (draws, n_pre + n_post), in place of `beta` and `cov`.
    kind : {'relative', 'smoothness', 'relative_smoothness'}
        Which set.
    method : {'posterior', 'c-lf'}
        Interval of the relative set: quantiles of the posterior of its ends, or the conditional least-favourable hybrid of
        Andrews, Roth & Pakes (2023), which is shorter where the steps before treatment are noisy and is what R's HonestDiD
        gives; it takes the coefficients as normal.
    bounds : sequence of float, optional
        Mbar or M of the curve. Default: 0 to 2 by 0.5; for smoothness, 0 to twice the largest change of slope before
        treatment, or twice the standard error where there is none.
    target : array_like, optional
        Weights of the effects after treatment, shape (n_post,). Default: the first.
    distances : array_like, optional
        Distance of each coefficient's period from the reference period, rising, negative before it, shape (n_pre + n_post,).
        Default: one step between periods.
    confidence : float
        Level of the intervals.
    n_draws : int
        Draws to take where only `cov` is given.
    seed : int
        Of these draws.

    Returns
    -------
    HonestResult

    Raises
    ------
    InsufficientData
        There are too few coefficients before or after treatment, or too few draws.
    DataError
        Shapes do not agree, the covariance is not one, or a value is not finite.
    ParamsError
        `kind`, a bound or the level is wrong.

    References
    ----------
    Rambachan, A. & Roth, J. (2023). A more credible approach to parallel trends. Review of Economic Studies, 90(5),
    2555-2591.

    Andrews, I., Roth, J. & Pakes, A. (2023). Inference for linear conditional moment inequalities. Review of Economic
    Studies, 90(6), 2763-2791.

    Kitagawa, T., Montiel Olea, J. L., Payne, J. & Velez, A. (2020). Posterior distribution of nondifferentiable functions.
    Journal of Econometrics, 217(1), 161-175.
    """
    if kind not in KINDS:
        raise ParamsError(f"There is no sensitivity set '{kind}'.", nearest(kind, KINDS))
    if method not in METHODS:
        raise ParamsError(f"There is no method '{method}'.", nearest(method, METHODS))
    if method == "c-lf" and kind != "relative":
        raise ParamsError(f"Method 'c-lf' is for kind 'relative', not '{kind}'.", "Leave method out.")
    if not 0 < confidence < 1:
        raise ParamsError(f"confidence is {confidence:g}.", "It lies between 0 and 1, such as 0.95.")
    centre, covariance, sample = _coefficients(beta, cov, draws, n_pre, n_draws, seed)
    n_post = len(centre) - n_pre
    if n_pre < (2 if kind == "relative_smoothness" else 1) or n_post < 1:
        raise InsufficientData(
            f"{n_pre} coefficient(s) before and {n_post} after treatment are too few for '{kind}'.",
            "It takes one of each, and two before treatment for relative_smoothness; the reference period is none.",
        )
    weights = np.eye(n_post)[0] if target is None else np.asarray(target, dtype=float)
    if weights.shape != (n_post,) or not np.isfinite(weights).all() or not weights.any():
        raise DataError(f"target has to hold {n_post} finite weight(s), not all zero.", "One per coefficient after.")
    gaps = _gaps(distances, n_pre, n_post)
    grid = _grid(kind, bounds, centre[:n_pre], np.sqrt(weights @ covariance[n_pre:, n_pre:] @ weights), gaps[:n_pre])
    alpha = 1 - confidence

    def ends(b: Array, m: float) -> tuple[Array, Array]:
        middle, half = _set(kind, b[:, :n_pre], b[:, n_pre:] @ weights, weights, m, gaps)
        return middle - half, middle + half

    @cache
    def interval(m: float) -> tuple[float, float]:
        if kind == "smoothness":
            return flci(centre, covariance, n_pre=n_pre, target=weights, bound=m, alpha=alpha, gaps=gaps)
        if method == "c-lf":
            return conditional_interval(
                centre, covariance, n_pre=n_pre, target=weights, bound=m, alpha=alpha, gaps=gaps
            )
        low, high = ends(sample, m)
        return float(np.quantile(low, alpha / 2)), float(np.quantile(high, 1 - alpha / 2))

    rows = []
    for m in grid:
        low, high = ends(sample, m)
        set_low, set_high = (float(end[0]) for end in ends(centre[None], m))
        ci_low, ci_high = interval(m)
        positive, negative = (np.nan, np.nan) if kind == "smoothness" else (np.mean(low > 0), np.mean(high < 0))
        rows.append((m, set_low, set_high, ci_low, ci_high, ci_low > 0 or ci_high < 0, positive, negative))
    columns = ["bound", "set_lower", "set_upper", "ci_lower", "ci_upper", "distinguishable", "p_positive", "p_negative"]
    se = float(np.sqrt(weights @ covariance[n_pre:, n_pre:] @ weights))
    estimate, z = float(weights @ centre[n_pre:]), float(stats.norm.isf(alpha / 2))
    pre = centre[:n_pre]
    wald = float(pre @ np.linalg.solve(covariance[:n_pre, :n_pre], pre))
    scale = se if kind == "smoothness" else 1.0
    named = "fixed-length confidence interval" if kind == "smoothness" else METHODS[method]
    return HonestResult(
        pd.DataFrame(rows, columns=columns), kind, named, _breakdown(interval, scale, _COARSE if method == "c-lf" else _FINE), estimate, se, estimate - z * se,
        estimate + z * se, float(stats.chi2.sf(wald, n_pre)), weights, n_pre, n_post, confidence,
    )  # fmt: skip


def _set(kind: str, pre: Array, effect: Array, target: Array, bound: float, gaps: Array) -> tuple[Array, Array]:
    """Return middle and half width of the identified sets of several coefficient vectors, shape (draws,)."""
    path = np.hstack([pre, np.zeros((len(pre), 1))])
    early, widths = gaps[: pre.shape[1]], (gaps[1:] + gaps[:-1]) / 2
    steps = np.diff(path, axis=1) / early
    tail = np.cumsum(target[::-1])[::-1] * gaps[pre.shape[1] :]  # what a step after treatment moves
    if kind == "relative":
        return effect, bound * np.abs(steps).max(axis=1) * np.abs(tail).sum()
    bends = np.zeros(len(pre))
    if len(early) > 1:
        bends = np.abs(np.diff(steps, axis=1) / widths[: len(early) - 1]).max(axis=1)
    later = widths[len(early) - 1 :]
    reach = float(later @ np.abs(np.cumsum(tail[::-1]))[::-1])  # what changes of slope after treatment move
    allowed = bound * bends if kind == "relative_smoothness" else np.where(bends <= bound + 1e-12, bound, np.nan)
    return effect - steps[:, -1] * tail.sum(), allowed * reach


def _breakdown(interval: Callable[[float], tuple[float, float]], scale: float, rtol: float) -> float:
    """Return the smallest bound at which the interval takes in zero."""

    def margin(m: float) -> float:
        low, high = interval(m)
        return max(low, -high)

    if margin(0.0) <= 0:
        return 0.0
    low, high = 0.0, scale / 8
    for _ in range(_DOUBLINGS):
        if margin(high) <= 0:
            return float(optimize.brentq(margin, low, high, rtol=rtol))
        low, high = high, 2 * high
    return float("inf")


def _gaps(distances: ArrayLike | None, n_pre: int, n_post: int) -> Array:
    """Return the distances between consecutive periods, the reference among them, shape (n_pre + n_post,)."""
    if distances is None:
        return np.ones(n_pre + n_post)
    at = np.asarray(distances, dtype=float)
    if at.shape != (n_pre + n_post,) or not (np.diff(whole := np.insert(at, n_pre, 0.0)) > 0).all():
        raise DataError(
            f"distances has to hold {n_pre + n_post} rising numbers, the first {n_pre} of them negative.",
            "They are the periods' distances from the reference period.",
        )
    return np.asarray(np.diff(whole))


def _grid(kind: str, bounds: Sequence[float] | None, pre: Array, se: float, gaps: Array) -> list[float]:
    if bounds is None:
        bends = np.abs(np.diff(np.diff(np.append(pre, 0.0)) / gaps) / ((gaps[1:] + gaps[:-1]) / 2))
        top = 2 * (float(bends.max()) if len(bends) else float(se))
        return list(GRIDS[kind]) if kind in GRIDS else [float(m) for m in np.linspace(0, top, 5)]
    grid = [float(m) for m in bounds]
    if not grid or not all(np.isfinite(m) and m >= 0 for m in grid):
        raise ParamsError(f"bounds are {list(bounds)}.", "Give at least one; each is a number of zero or more.")
    return grid


def _coefficients(
    beta: ArrayLike | None, cov: ArrayLike | None, draws: ArrayLike | None, n_pre: int, n_draws: int, seed: int
) -> tuple[Array, Array, Array]:
    """Return point estimate, covariance and posterior draws."""
    if (draws is None) == (beta is None or cov is None):
        raise DataError("Give either beta and cov, or draws.", "Posterior draws take the place of both.")
    if draws is not None:
        sample = np.asarray(draws, dtype=float)
        if sample.ndim != 2 or not np.isfinite(sample).all():
            raise DataError("draws is not a finite matrix.", "Its shape is (draws, coefficients).")
        if len(sample) < 10 * sample.shape[1]:
            raise InsufficientData(f"{len(sample)} draws of {sample.shape[1]} coefficients are too few.", "Draw more.")
        return sample.mean(axis=0), np.cov(sample, rowvar=False).reshape(2 * sample.shape[1:]), sample
    centre, covariance = np.asarray(beta, dtype=float), np.asarray(cov, dtype=float)
    if centre.ndim != 1 or covariance.shape != 2 * centre.shape or not n_pre <= len(centre):
        raise DataError(
            f"beta has shape {centre.shape}, cov {covariance.shape} and n_pre is {n_pre}.",
            "cov is square with a row per coefficient, and n_pre counts the first of them.",
        )
    if not (np.isfinite(centre).all() and np.isfinite(covariance).all() and np.allclose(covariance, covariance.T)):
        raise DataError("beta or cov holds values that are not finite, or cov is not symmetric.", "Check the model.")
    noise = np.random.default_rng(seed).standard_normal((n_draws, len(centre)))
    return centre, covariance, centre + noise @ _root(covariance).T


def _root(covariance: Array) -> Array:
    """Return a root R of a covariance, R R' = cov: Cholesky's or, where coefficients depend on one another, that of its axes.

    Whether rounding leaves Cholesky's root to a covariance of less than full rank differs from machine to machine.
    """
    variance = np.diag(covariance)
    values, axes = np.linalg.eigh(covariance)
    if not (variance > 0).all() or values[0] < -_ROUNDING * values[-1]:
        raise DataError("cov is not positive definite.", "Leave out the reference period; use more clusters.")
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return np.asarray(axes * np.sqrt(np.maximum(values, 0.0)))
