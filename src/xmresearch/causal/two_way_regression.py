"""Two-way fixed effects of rows with weights and clusters: what older studies report, under named conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.causal.cluster_robust import Regression, t_interval
from xmresearch.causal.result import PRETREND_LEVEL
from xmresearch.causal.twfe import take_out
from xmresearch.causal.two_way_table import Table, two_way_table
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ModelError, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Index = NDArray[np.int64]
CORRECTIONS = ("cr0", "cr1", "nested", "all", "cr2", "each", "smallest", "wild")
DENSEST = 50_000_000
"""Rows times regressors above which leverages are not computed."""
FEW = 40
"""Clusters below which intervals without a correction for few clusters are said to be too short."""


@dataclass(frozen=True, repr=False)
class TwoWayResult(Shown):
    """A regression on treatment, unit and period.

    Attributes
    ----------
    table : DataFrame
        One row per coefficient: term ('treated', or the periods since treatment), estimate, se, df, p_value, ci_lower, ci_upper.
        With correction 'wild', se is that of 'cr0' and df is blank.
    clustered : tuple of str
        Columns.
    clusters : tuple of int
        How many of each.
    correction : str
        Which small-sample convention, see `two_way_effects`.
    weights : str
        Column of weights; empty for none.
    rows, units, periods : int
        Counts.
    joint_p : float
        p value of the joint test that all coefficients before treatment are zero (F, with clusters less one degrees of freedom);
        NaN without them.
    joint : float
        Its Wald statistic (chi-squared scale).
    mended : bool
        The two-way covariance had a negative eigenvalue, which was taken as zero.
    confidence : float
        Of the intervals.
    """

    table: pd.DataFrame
    clustered: tuple[str, ...]
    clusters: tuple[int, ...]
    correction: str
    weights: str
    rows: int
    units: int
    periods: int
    joint_p: float
    joint: float
    mended: bool
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the first coefficient with what its interval rests on."""
        first = self.table.iloc[0]
        return {
            "estimate": float(first["estimate"]), "se": float(first["se"]), "ci_lower": float(first["ci_lower"]),
            "ci_upper": float(first["ci_upper"]), "p_value": float(first["p_value"]), "clustered": " and ".join(self.clustered),
            "clusters": min(self.clusters), "correction": self.correction, "weights": self.weights, "rows": self.rows,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        fewest = min(self.clusters)
        careful = self.correction in ("cr2", "wild")
        rows: list[tuple[str, float, float, str]] = [
            ("clusters", float(fewest), float(FEW), "pass" if fewest >= FEW or careful else "warn"),
            ("positive_covariance", float(not self.mended), 1.0, "warn" if self.mended else "pass"),
        ]
        if np.isfinite(self.joint_p):
            rows.append(
                ("pretrend_p", self.joint_p, PRETREND_LEVEL, "pass" if self.joint_p >= PRETREND_LEVEL else "warn")
            )
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


@on_one_thread
def two_way_effects(
    data: pd.DataFrame | pl.LazyFrame,
    *,
    outcome: str,
    unit: str,
    time: str,
    treated: str | None = None,
    cohort: str | None = None,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    correction: str | None = None,
    window: tuple[int, int] | None = None,
    confidence: float = 0.95,
    draws: int = 9999,
    seed: int = 0,
) -> TwoWayResult:
    """Regress an outcome on treatment with unit and period effects.

    Where treatment starts at different times and its effect grows, this coefficient is no mean of effects (see `bacon`); `did`
    estimates what is. It is here for comparison with what others report, for treatments that are switched on and off, and for
    clusters above the unit.

    Parameters
    ----------
    data : DataFrame or polars.LazyFrame
        Rows; several of a unit and period are averaged (with their weights) before the fit, which changes no coefficient.
    outcome, unit, time : str
        Columns.
    treated : str, optional
        Column of 0 and 1: treated in this period. It may be switched off again.
    cohort : str, optional
        Column of the first treated period, blank or 0 for never; instead of `treated`.
    weights : str, optional
        Column above 0 of what each row counts in the sums of squares (R's and Stata's analytic weights).
    cluster : str or two of them, optional
        Columns within which errors may be correlated, each constant within a unit, or the time column; the unit if left out.
    correction : str, optional
        cr0 (none); cr1: G / (G - 1); nested: that times (N - 1) / (N - K), where K leaves out unit effects that lie within clusters
        (R's fixest, Stata's reghdfe), or all: where K counts every effect; cr2: Bell & McCaffrey's with Satterthwaite's degrees of
        freedom; wild: the wild cluster bootstrap with the null imposed, of at least six clusters. Of two columns: cr0, each (every
        part by its own G / (G - 1)) or smallest (all by that of the fewer clusters). Left out: cr2 where its leverages are
        affordable and clusters are fewer than 40, nested otherwise; smallest of two columns. Degrees of freedom are clusters less
        one, but for cr2.
    window : tuple of int, optional
        With `cohort`: a coefficient for each period since treatment, from the first to the last of these (periods beyond are put
        into the ends), relative to the period before treatment; the never treated count as before.
    confidence : float
        Of the intervals.
    draws, seed : int
        Of the wild bootstrap.

    Returns
    -------
    TwoWayResult

    Raises
    ------
    DataError
        A column is missing or holds what it cannot; treatment or a cluster differs within a unit and period.
    InsufficientData
        Treatment cannot be told from unit and period effects, or there are too few clusters.
    ModelError
        The leverages that cr2 and wild need are too many.
    ParamsError
        An option has no such value.

    Notes
    -----
    With weights, cr2 takes errors of rows to have variances in inverse proportion to them.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73(1), 13-22.
    Cameron, A. C. & Miller, D. L. (2015). A practitioner's guide to cluster-robust inference. Journal of Human Resources, 50(2),
    317-372.
    """
    if (treated is None) == (cohort is None):
        raise ParamsError("Give treated or cohort: one of them says who got the change and when.")
    if window is not None and (cohort is None or not window[0] <= -2 or not window[1] >= 0):
        raise ParamsError(f"window is {window}.", "It goes with cohort, and spans from -2 or before to 0 or after.")
    if not 0 < confidence < 1:
        raise ParamsError(f"confidence is {confidence}.", "Give a number between 0 and 1, such as 0.95.")
    names = (unit,) if cluster is None else (cluster,) if isinstance(cluster, str) else tuple(cluster)
    if not 1 <= len(names) <= 2 or len(set(names)) < len(names):
        raise ParamsError(f"cluster names {len(names)} columns.", "Give one column, or two different ones.")
    table = two_way_table(data, outcome, unit, time, treated, cohort, weights, names)
    terms, regressors = _regressors(table, window)
    fit, estimate = _fitted(table, regressors)
    codes = tuple(table.clusters[name] for name in names)
    counts = tuple(len(np.unique(code)) for code in codes)
    if min(counts) < 2:
        raise InsufficientData(
            f"Column '{names[counts.index(min(counts))]}' holds one cluster.", "Errors need two at least."
        )
    how = _chosen(correction, names, counts, table, len(terms))
    if how in ("cr2", "wild"):
        fit = Regression(fit.design, fit.residual, _dummies(table))
    rows, covariance, mended = [], np.empty((0, 0)), False
    if how in ("cr0", "cr1", "nested", "all") and len(names) == 1:
        covariance = fit.sandwich(codes[0]) * _factor(how, counts[0], table, len(terms), codes[0])
    elif len(names) == 2:
        covariance, mended = fit.two_way(codes[0], codes[1], "none" if how == "cr0" else how)
    for k, term in enumerate(terms):
        se, df = (
            (float(np.sqrt(covariance[k, k])), min(counts) - 1.0)
            if len(covariance)
            else fit.reduced(codes[0], k, how == "cr2")
        )
        p, low, high = t_interval(estimate[k], se, df, confidence)
        if how == "wild":
            p, low, high = fit.wild(float(estimate[0]), codes[0], confidence=confidence, draws=draws, seed=seed)
            df = np.nan
        rows.append((term, float(estimate[k]), se, df, p, low, high))
    found = pd.DataFrame(rows, columns=["term", "estimate", "se", "df", "p_value", "ci_lower", "ci_upper"])
    joint, joint_p = _joint(
        terms, estimate, fit.sandwich(codes[0]) if how in ("cr2", "wild") else covariance, min(counts)
    )
    return TwoWayResult(
        found,
        names,
        counts,
        how,
        weights or "",
        table.rows,
        len(table.units),
        len(table.periods),
        joint_p,
        joint,
        mended,
        confidence,
    )


def _regressors(table: Table, window: tuple[int, int] | None) -> tuple[list[Any], list[Array]]:
    """Return the terms, and each regressor by unit and period."""
    if window is None:
        return ["treated"], [table.treated]
    since = np.where(
        table.start[:, None] < len(table.periods), np.arange(len(table.periods)) - table.start[:, None], -1
    )
    since = np.clip(since, *window)
    terms = [k for k in range(window[0], window[1] + 1) if k != -1 and (since == k)[table.weight > 0].any()]
    return list(terms), [(since == k).astype(float) for k in terms]


def _fitted(table: Table, regressors: list[Array]) -> tuple[Regression, Array]:
    """Return the regression on what unit and period effects leave, and its coefficients."""
    seen = table.weight > 0
    root = np.sqrt(table.weight[seen])
    design = np.column_stack([root * take_out(d, table.weight)[seen] for d in regressors])
    y = root * take_out(table.value, table.weight)[seen]
    spread = np.linalg.svd(design, compute_uv=False)
    if spread[-1] <= 1e-8 * max(np.sqrt(table.weight.sum()), spread[0]):
        raise InsufficientData("Treatment cannot be told from unit and period effects.")
    estimate = np.linalg.lstsq(design, y, rcond=None)[0]
    return Regression(design, y - design @ estimate, np.empty((len(y), 0))), estimate


def _chosen(correction: str | None, names: tuple[str, ...], counts: tuple[int, ...], table: Table, terms: int) -> str:
    """Return the correction, or refuse it."""
    two = len(names) == 2
    fits = table.cells * (len(table.units) + len(table.periods)) <= DENSEST
    if correction is None:
        return "smallest" if two else "cr2" if fits and counts[0] < FEW else "nested"
    if correction not in CORRECTIONS:
        raise ParamsError(f"There is no correction '{correction}'.", nearest(correction, CORRECTIONS))
    if two != (correction in ("each", "smallest")) and correction != "cr0":
        raise ParamsError(
            f"Correction '{correction}' is for {'one column' if two else 'two columns'} of clusters.",
            "Use 'each', 'smallest' or 'cr0'." if two else "Use 'cr1', 'nested', 'all', 'cr2', 'wild' or 'cr0'.",
        )
    if correction == "wild" and terms > 1:
        raise ParamsError("The wild bootstrap is for one coefficient.", "Leave window out, or use another correction.")
    if correction in ("cr2", "wild") and not fits:
        raise ModelError(
            f"Leverages of {table.cells} cells by {len(table.units) + len(table.periods)} effects are too many to compute.",
            "Use correction='nested', or aggregate units.",
        )
    return correction


def _factor(how: str, groups: int, table: Table, terms: int, code: Index) -> float:
    """Return what the covariance is multiplied with for few clusters."""
    if how == "cr0":
        return 1.0
    factor = groups / (groups - 1)
    if how == "cr1":
        return factor
    unit = np.nonzero(table.weight > 0)[0]
    inside = len(np.unique(np.column_stack([unit, code]), axis=0)) == len(np.unique(unit))
    effects = len(table.periods) + (0 if inside and how == "nested" else len(np.unique(unit)) - 1)
    return factor * (table.rows - 1) / max(table.rows - terms - effects, 1)


def _dummies(table: Table) -> Array:
    """Return orthonormal columns that span unit and period effects, in rows multiplied by the root of their weights."""
    unit, period = np.nonzero(table.weight > 0)
    root = np.sqrt(table.weight[unit, period])[:, None]
    columns = np.column_stack([np.eye(len(table.units))[unit], np.eye(len(table.periods))[period]]) * root
    left, size, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, size > 1e-9 * size[0]])


def _joint(terms: list[Any], estimate: Array, covariance: Array, clusters: int) -> tuple[float, float]:
    """Return Wald's statistic and p value of the coefficients before treatment."""
    early = [k for k, term in enumerate(terms) if isinstance(term, int) and term < 0]
    if not early:
        return np.nan, np.nan
    part = covariance[np.ix_(early, early)]
    if np.linalg.matrix_rank(part, hermitian=True) < len(early):
        return np.nan, np.nan
    wald = float(estimate[early] @ np.linalg.solve(part, estimate[early]))
    return wald, float(stats.f.sf(wald / len(early), len(early), clusters - 1))
