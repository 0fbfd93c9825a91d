"""Links within branches and between branches, kept apart: the one says nothing of the other.

Customers' y is linked to their experience x within each branch (do better served customers of the same branch do more?), and branch means
of y to branch means of x (do branches with a better experience have customers who do more?). A branch's mean of few customers is an
unreliable measure of the branch, by which the link within leaks into the link between; `latent` takes that out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.linkage.moments_by_branch import BranchMoments
from xmresearch.linkage.variance_parts import variance_beyond, weighted_least_squares

Array = NDArray[np.float64]
Slopes = Literal["varying", "common"]
FEWEST_BRANCHES = 5
"""Branches from which a link between them is estimated."""
GUARDED = 10
"""Branches below which the error of the link within is at least what its model has (Roever, Knapp & Friede 2015)."""
RELIABLE, UNRELIABLE = 0.7, 0.5
"""Reliability of branch means (ICC(2)) from which they are taken as they are, and below which they are not to be relied on."""


@dataclass(frozen=True, repr=False)
class WithinBetween(Shown):
    """Links within and between branches.

    Attributes
    ----------
    table : DataFrame
        Rows within, between and contextual (between less within): effect, estimate, se, df, lower, upper, p; in units of y for one of x.
        NaN where branches do not differ in x.
    reliability : float
        ICC(2) of x: how reliable a branch mean is, on average over branches.
    intraclass : float
        ICC(1) of x: share of its variance that lies between branches.
    slope_sd : float
        Standard deviation between branches of the link within; 0 where it is taken as common.
    n, branches : int
        Rows, branches.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    reliability: float
    intraclass: float
    slope_sd: float
    n: int
    branches: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per effect."""
        return self.table

    def effect(self, name: str) -> dict[str, float]:
        """Return the figures of an effect: estimate, se, df, lower, upper, p."""
        row = self.table.set_index("effect").loc[name]
        return {k: float(row[k]) for k in ("estimate", "se", "df", "lower", "upper", "p")}

    def summary(self) -> dict[str, Any]:
        """Return the estimates and what they rest on."""
        found = {str(k): float(v) for k, v in zip(self.table["effect"], self.table["estimate"], strict=True)}
        return found | {
            "n": self.n, "branches": self.branches, "reliability": self.reliability, "intraclass": self.intraclass, "slope_sd": self.slope_sd,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return whether branch means are reliable enough to be linked."""
        status = "pass" if self.reliability >= RELIABLE else "warn" if self.reliability >= UNRELIABLE else "fail"
        return pd.DataFrame(
            [("means_reliable", self.reliability, RELIABLE, status)], columns=["check", "value", "threshold", "status"]
        )

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


def within_between(
    moments: BranchMoments, *, latent: bool = True, slopes: Slopes = "varying", confidence: float = 0.95
) -> WithinBetween:
    """Link two measures within and between branches.

    Parameters
    ----------
    moments : BranchMoments
        Of rows; see `branch_moments`.
    latent : bool
        Whether the branch's true mean of x is meant, of which the mean of its rows is a noisy measure. False: the mean of the rows itself,
        as in a mixed model with the means of groups among its predictors.
    slopes : {'varying', 'common'}
        varying: the link within differs from branch to branch, its mean is estimated, with branches as units. common: one slope, rows
        independent given their branch (a random intercept model, by restricted likelihood).
    confidence : float
        Level.

    Returns
    -------
    WithinBetween

    Raises
    ------
    InsufficientData
        Fewer than five branches; x or y is the same throughout within branches.

    Notes
    -----
    Within: REML of branch slopes with the standard error and the t distribution of Knapp & Hartung, J - 1 degrees of freedom. Between:
    y means, less what their rows' deviations explain, on the best predictor of the branch's true mean of x, weighted by REML; the errors of
    its reliability and of the link within are carried by the delta method; t with J - 2 degrees of freedom.

    References
    ----------
    Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica, 46, 69-85. Luedtke, O. et al. (2008). The
    multilevel latent covariate model. Psychological Methods, 13, 203-229. Knapp, G. & Hartung, J. (2003). Statistics in Medicine, 22,
    2693-2710. Roever, C., Knapp, G. & Friede, T. (2015). BMC Medical Research Methodology, 15, 99. Robinson, W. S. (1950). Ecological correlations and the behavior of individuals. American Sociological Review, 15, 351-357.
    """
    j, rows = len(moments.branches), float(moments.n.sum())
    if j < FEWEST_BRANCHES:
        raise InsufficientData(
            f"{j} branch(es) have rows; a link between branches takes {FEWEST_BRANCHES}.", "Give more branches."
        )
    if not (moments.sxx.sum() > 0 and moments.syy.sum() > 0 and rows > j + 1):
        raise InsufficientData(
            "Within branches one of the measures is the same throughout.", "Link rows that differ, such as customers."
        )
    b, se, df, spread = _varying(moments) if slopes == "varying" else _common(moments)
    var_x = float(moments.sxx.sum() / (rows - j))
    rest = moments.syy - 2 * b * moments.sxy + b**2 * moments.sxx
    var_e = float(rest.sum() / (rows - j - 1))
    ones = np.ones((j, 1))
    between, between_se = variance_beyond(moments.x, ones, var_x / moments.n)
    shares = between / (between + var_x / moments.n) if between > 0 else np.zeros(j)

    def linked(variance: float, slope: float) -> tuple[float, float]:
        return _latent_link(moments, variance, slope, var_x, var_e)

    if not latent:
        est, var = _observed_link(moments, b, float(rest.sum()), var_e, slopes)
        parts = [(est, var), (est - b, var + se**2)]
    elif between > 0:
        est, var = linked(between, b)
        step = 0.1 * between
        by_variance = (linked(between + step, b)[0] - linked(between - step, b)[0]) / (2 * step)
        by_slope = linked(between, b + 1)[0] - est if se > 0 else 0.0
        whole = var + (by_variance * between_se) ** 2
        parts = [(est, whole + (by_slope * se) ** 2), (est - b, whole + ((by_slope - 1) * se) ** 2)]
    else:
        parts = [(np.nan, np.nan)] * 2
    table = pd.DataFrame(
        [
            _row("within", b, se, df, confidence),
            *(
                _row(k, e, float(np.sqrt(v)), j - 2, confidence)
                for k, (e, v) in zip(("between", "contextual"), parts, strict=True)
            ),
        ]
    )
    return WithinBetween(
        table, float(shares.mean()), between / (between + var_x), spread, int(rows), j, confidence
    )  # fmt: skip


def _row(effect: str, estimate: float, se: float, df: float, confidence: float) -> dict[str, Any]:
    reach = float(stats.t.ppf(0.5 + confidence / 2, df)) * se
    p = float(2 * stats.t.sf(abs(estimate) / se, df)) if se > 0 else np.nan
    return {
        "effect": effect,
        "estimate": estimate,
        "se": se,
        "df": df,
        "lower": estimate - reach,
        "upper": estimate + reach,
        "p": p,
    }


def _varying(m: BranchMoments) -> tuple[float, float, float, float]:
    """Return the mean of branch slopes, its error, degrees of freedom and the standard deviation of slopes."""
    there = (m.sxx > 1e-12 * m.sxx.max()) & (m.n > 2)
    if there.sum() < FEWEST_BRANCHES:
        raise InsufficientData(
            f"In {int(there.sum())} branch(es) rows differ; a link within branches takes {FEWEST_BRANCHES}.",
            "Give branches of at least three rows, whose experience differs.",
        )
    sxx, sxy, syy = m.sxx[there], m.sxy[there], m.syy[there]
    slope = sxy / sxx
    residual = float(np.maximum(syy - slope * sxy, 0.0).sum() / (m.n[there] - 2).sum())
    known = residual / sxx
    ones = np.ones((len(slope), 1))
    variance, _ = variance_beyond(slope, ones, known)
    w = 1 / np.maximum(known + variance, 1e-300)
    mean = float(w @ slope / w.sum())
    df = len(slope) - 1
    scale = float(w @ (slope - mean) ** 2) / df
    se = float(np.sqrt((max(scale, 1.0) if len(slope) < GUARDED else scale) / w.sum()))
    return mean, se, df, float(np.sqrt(variance))


def _common(m: BranchMoments) -> tuple[float, float, float, float]:
    """Return the slope common to all branches, its error and degrees of freedom."""
    b = float(m.sxy.sum() / m.sxx.sum())
    df = float(m.n.sum() - len(m.branches) - 1)
    rest = float((m.syy - b * m.sxy).sum())
    return b, float(np.sqrt(rest / df / m.sxx.sum())), df, 0.0


def _latent_link(m: BranchMoments, variance: float, slope: float, var_x: float, var_e: float) -> tuple[float, float]:
    """Return the link between true branch means and its variance, given the variance of true means and the link within."""
    share = variance / (variance + var_x / m.n)
    w = share
    centre = float(w @ m.x / w.sum())
    away = m.x - centre
    design = np.column_stack([np.ones(len(away)), share * away])
    y = m.y - slope * (1 - share) * away
    found = slope
    for _ in range(4):
        known = var_e / m.n + (found - slope) ** 2 * variance * (1 - share)
        beyond, _ = variance_beyond(y, design, known)
        weight = 1 / np.maximum(known + beyond, 1e-300)
        coefficients, inverse = weighted_least_squares(y, design, weight)
        if abs(coefficients[1] - found) < 1e-6 * (1 + abs(found)):
            break
        found = float(coefficients[1])
    away_from_line = y - design @ coefficients
    scale = float(weight @ away_from_line**2) / (len(y) - 2)
    return float(coefficients[1]), float(inverse[1, 1]) * max(scale, 1.0)


def _observed_link(m: BranchMoments, slope: float, rest: float, var_e: float, slopes: Slopes) -> tuple[float, float]:
    """Return the link between observed branch means and its variance; of a random intercept model by restricted likelihood."""
    design = np.column_stack([np.ones(len(m.x)), m.x])
    n = float(m.n.sum())
    if slopes == "varying":
        beyond, _ = variance_beyond(m.y, design, var_e / m.n)
        coefficients, inverse = weighted_least_squares(m.y, design, 1 / (var_e / m.n + beyond))
        return float(coefficients[1]), float(inverse[1, 1])

    def fitted(ratio: float) -> tuple[Array, Array, float, Array]:
        v = 1 / m.n + ratio
        coefficients, inverse = weighted_least_squares(m.y, design, 1 / v)
        left = m.y - design @ coefficients
        return coefficients, inverse, (rest + float((left**2 / v).sum())) / (n - 3), v

    def deviance(log_ratio: float) -> float:
        _, inverse, s2, v = fitted(float(np.exp(log_ratio)))
        return (n - 3) * float(np.log(s2)) + float(np.log(v).sum()) - float(np.linalg.slogdet(inverse)[1])

    best = _lowest(deviance, -18.0, 8.0)
    coefficients, inverse, s2, _ = fitted(float(np.exp(best)))
    return float(coefficients[1]), s2 * float(inverse[1, 1])


def _lowest(of: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one number is lowest: by a grid, then between its neighbours."""
    grid = np.linspace(low, high, 53)
    at = int(np.argmin([of(g) for g in grid]))
    ends = (float(grid[max(at - 1, 0)]), float(grid[min(at + 1, 52)]))
    return float(optimize.minimize_scalar(of, bounds=ends, method="bounded", options={"xatol": 1e-9}).x)
