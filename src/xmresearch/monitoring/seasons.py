"""Seasons of a KPI: weekdays, months and holidays, fitted from counts and sums by period, and what is left without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.autocorrelation import ar1, fading_correlation, portmanteau
from xmresearch.monitoring.season_terms import Terms, season_terms
from xmresearch.monitoring.weighted_fits import FAMILIES, Family, WeightedFit, weighted_fit
from xmresearch.sufficient.calendar import Span, position, span

Array = NDArray[np.float64]
SeasonKpi = Literal["share", "rate", "mean"]
Extra = Literal["added", "scaled"]
ROUNDS = 5
ALIKE = 1e-12
"""Relative difference that is a matter of digits."""


@dataclass(frozen=True, repr=False)
class Season(Shown):
    """A KPI's season and what is left of the series without it.

    Attributes
    ----------
    periods : DataFrame
        One row per period: period (first day), observed, n, baseline (whether the season was fitted to it), expected, adjusted (as in a
        period without season), weight (of adjusted: the inverse of its variance but for a factor; what `level_changes` takes), season (on the
        scale of the link, also of periods without answers), z (residual in standard deviations, over-dispersion included), innovation (what of z the period before does
        not foretell, in standard deviations; NaN after a gap). NaN in a period without answers.
    effects : DataFrame
        One row per term and level: term (weekday, month, day kind, trend, phase), level, estimate (on the scale of the link: log odds, log rate or the
        KPI's own), se, lower, upper, on_scale (what it moves the KPI by from its mean level). Weekdays and months are
        against their mean, holidays against the weekday that they fall on, a make-up day too.
    tests : DataFrame
        One row per term: F, df, df_residual, p of no effect.
    kpi : str
        share, rate or mean.
    dispersion : float
        Variance over what counts alone would have; of a mean without spreads its variance of a single answer.
    between : float
        Standard deviation of periods beyond what their counts would have, on the scale of the link at the mean; 0 where none was added.
    autocorrelation : DataFrame
        Of z by lag up to two seasons: lag, r, and pairs it comes from.
    phi : float
        Correlation of neighbouring periods.
    independence_p : float
        Ljung and Box's of no autocorrelation.
    level : float
        Of the intervals.
    unannounced : tuple of int
        Years whose moved working days are not in the calendar.
    warnings : tuple of str
        What a reader must know.
    """

    periods: pd.DataFrame
    effects: pd.DataFrame
    tests: pd.DataFrame
    kpi: SeasonKpi
    dispersion: float
    between: float
    autocorrelation: pd.DataFrame
    phi: float
    independence_p: float
    level: float
    unannounced: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per effect."""
        return self.effects

    def summary(self) -> dict[str, Any]:
        """Return p of each term, dispersion, autocorrelation and its p."""
        return {
            **{f"p_{row.term}": row.p for row in self.tests.itertuples()}, "dispersion": self.dispersion, "between": self.between, "phi": self.phi,
            "independence_p": self.independence_p, "n": int(self.periods["baseline"].sum()), "kpi": self.kpi,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()


def season(
    periods: Sequence[Any], total: ArrayLike, n: ArrayLike, *, kpi: SeasonKpi, squares: ArrayLike | None = None,
    country: str = "CN", terms: Sequence[str] | None = None, trend: bool = False, phases: Sequence[Any] | None = None,
    baseline: ArrayLike | None = None, extra: Extra = "added", confidence: float = 0.95,
) -> Season:  # fmt: skip
    """Fit the season of a KPI from counts and sums by period.

    Parameters
    ----------
    periods : sequence of date, Span or str
        Distinct days, weeks, months or quarters in order; gaps may be.
    total : array_like
        Shape (periods,). Of a share the answers of the kind, of a rate the events, of a mean the sum of its answers.
    n : array_like
        Shape (periods,). Answers (of a rate its exposure, above 0 in whatever unit); 0 in a period without any.
    kpi : {'share', 'rate', 'mean'}
        A share is fitted by a logit, a rate by a log link (both with over-dispersion), a mean by regression weighted by n.
    squares : array_like, optional
        Of a mean: sums of squared answers, shape (periods,); periods are then weighed by the spread of their answers as pooled, and the
        dispersion is that beyond it.
    country : str
        Of the calendar; '' for no holidays.
    terms : sequence of str, optional
        Among weekday, month and holiday; by default weekday and holiday for days, month for months and quarters, and month for days
        and weeks where two years are there.
    trend : bool
        Whether a straight line (per year) is fitted besides.
    phases : sequence, optional
        A label per period, such as before and after a known change: each has its own level, so that a change is no season.
    baseline : array_like of bool, optional
        Periods that the season is fitted to, shape (periods,); all by default. Others are judged by it.
    extra : {'added', 'scaled'}
        How periods vary beyond chance: by a variance of their own that is added to that of their counts, so that many answers do not make
        a day sure (Williams); or in proportion to it (quasi-likelihood, as in Laney's charts). Of means without squares always the latter.
    confidence : float
        Level.

    Returns
    -------
    Season
        Standard errors allow for over-dispersion and for autocorrelation that fades.

    Raises
    ------
    DataError, InsufficientData
        Periods are not distinct or not in order, a share lies outside 0 and 1; there are not more periods than effects.

    References
    ----------
    McCullagh, P. & Nelder, J. A. (1989). Generalized linear models, 2nd ed. Chapman & Hall. Williams, D. A. (1982). Extra-binomial variation in
    logistic linear models. Applied Statistics, 31, 144-148. Liang, K.-Y. & Zeger,
    S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73, 13-22. Ljung, G. M. & Box, G. E. P. (1978). Biometrika, 65, 297-303.
    """
    spans = spans_in_order(periods)
    y, size = (np.asarray(v, dtype="float64") for v in (total, n))
    if not len(spans) == len(y) == len(size):
        raise DataError("There must be one total and one n for each period.")
    if not np.isfinite(size).all() or (size < 0).any():
        raise DataError("A number of answers is negative or missing.", "Give 0 for a period without answers.")
    there = size > 0
    if not np.isfinite(y[there]).all():
        raise DataError("A period with answers has no total.")
    if (kpi != "mean" and (y[there] < 0).any()) or (kpi == "share" and (y > size)[there].any()):
        raise DataError(f"A total lies outside what a {kpi} can be.", "Give counts, then all answers or the exposure.")
    fit_to = there if baseline is None else there & np.asarray(baseline, dtype=bool)
    _require_variation(y[fit_to] / size[fit_to])
    design = season_terms(spans, fit_to, country=country, terms=terms, trend=trend, phases=phases)
    family: Family = FAMILIES[kpi]
    spread = _pooled_variance(y, size, squares, there) if kpi == "mean" and squares is not None else 1.0
    weight = np.where(there, size / spread, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.where(there, y / size, np.nan)
    if fit_to.sum() <= design.x.shape[1]:
        raise InsufficientData(
            f"{int(fit_to.sum())} period(s) with answers do not suffice for {design.x.shape[1]} effects of season and level.",
            "Give more periods, or fewer terms.",
        )
    freedom = int(fit_to.sum()) - design.x.shape[1]
    separable = extra == "added" and (kpi != "mean" or squares is not None)
    fitted, weight, rho, dispersion = _fit(observed, design.x, weight, fit_to, family, freedom, separable=separable)
    expected = family.inverse(design.x @ fitted.coefficients)
    with np.errstate(divide="ignore", invalid="ignore"):
        pearson = np.where(there, (observed - expected) * np.sqrt(weight / family.variance(expected)), np.nan)
    left = float((pearson[fit_to] ** 2).sum() / freedom)
    if not left > 0:
        raise InsufficientData("The series does not vary beyond its season.", "There is nothing to chart.")
    z = pearson / np.sqrt(left)
    at = np.array([position(s) for s in spans])
    lags = min(2 * design.cycle, max(1, int(fit_to.sum()) // 4))
    acf, p = portmanteau(np.where(fit_to, z, np.nan), at, lags, used=0)
    pull = fitted.working[:, None] * design.x[fit_to]
    together = fading_correlation(acf, np.abs(at[fit_to][:, None] - at[fit_to]), used=design.slow, n=int(fit_to.sum()))
    covariance = left * fitted.bread @ (pull.T @ together @ pull) @ fitted.bread
    effects, tests = _effects(design, fitted.coefficients, covariance, freedom, expected[fit_to], family, confidence)
    phi = float(acf["r"].iloc[0]) if np.isfinite(acf["r"].iloc[0]) else 0.0
    flat = family.inverse(design.x @ fitted.coefficients - design.season @ fitted.coefficients)
    adjusted = flat + (observed - expected) * np.sqrt(family.variance(flat) / family.variance(expected))
    table = pd.DataFrame(
        {"period": [s.first for s in spans], "observed": observed, "n": size, "baseline": fit_to, "expected": expected,
         "adjusted": np.clip(adjusted, *family.range), "weight": np.where(there, weight, np.nan), "season": design.season @ fitted.coefficients, "z": z, "innovation": ar1(z, at, phi)}
    )  # fmt: skip
    notes = design.warnings + fitted.warnings
    middle = expected[fit_to].mean()
    between = float(np.sqrt(rho * family.variance(middle)) / family.slope(middle))
    return Season(table, effects, tests, kpi, dispersion, between, acf, phi, p, confidence, design.unannounced, notes)


def _fit(
    observed: Array,
    x: Array,
    weight: Array,
    fit_to: NDArray[np.bool_],
    family: Family,
    freedom: int,
    *,
    separable: bool,
) -> tuple[WeightedFit, Array, float, float]:
    """Return the fit, the weights that it has in the end, the variance that periods have besides, and the dispersion without it."""
    y, design, of_counts = observed[fit_to], x[fit_to], weight[fit_to]
    fit = weighted_fit(y, design, of_counts, family)
    rho = 0.0

    def squares(extra: float) -> float:
        mean = family.inverse(design @ fit.coefficients)
        return float(((y - mean) ** 2 / family.variance(mean) / (1 / of_counts + extra)).sum())

    dispersion = squares(0.0) / freedom
    for _ in range(ROUNDS if separable and dispersion > 1 else 0):
        if squares(0.0) <= freedom:
            rho = 0.0
            break
        most = 1 / float(of_counts.min())
        while squares(most) > freedom:
            most *= 2
        rho = float(optimize.brentq(lambda extra: squares(extra) - freedom, 0.0, most))
        fit = weighted_fit(y, design, 1 / (1 / of_counts + rho), family)
    with np.errstate(divide="ignore"):
        return fit, np.where(weight > 0, 1 / (1 / weight + rho), 0.0), rho, dispersion


def spans_in_order(periods: Sequence[Any]) -> list[Span]:
    """Return the spans of distinct periods of one form, or raise DataError where they are not that or not in order."""
    spans = [p if isinstance(p, Span) else span(p) for p in periods]
    if any(s is None for s in spans):
        wrong = next(p for p, s in zip(periods, spans, strict=True) if s is None)
        raise DataError(f"'{wrong}' is no period.", "Write days as 2024-07-31, months as 2024-07, weeks as 2024-W05.")
    found = [s for s in spans if s is not None]
    if len({s.form for s in found}) > 1:
        raise DataError("Periods are of different lengths.", "Give days, weeks, months or quarters, all of one kind.")
    if any(b.first <= a.first for a, b in pairwise(found)):
        raise DataError("Periods are not distinct and in order.", "Sort them, and add up those that are there twice.")
    return found


def _require_variation(observed: Array) -> None:
    """Raise InsufficientData where periods have no answers, or all the same."""
    if not len(observed):
        raise InsufficientData("No period that the season is fitted to has answers.", "Give another baseline.")
    if np.ptp(observed) <= ALIKE * float(np.abs(observed).max()):
        raise InsufficientData(
            "All periods are alike: there is no season to fit.", "A KPI that never moves needs no chart."
        )


def _pooled_variance(total: Array, n: Array, squares: ArrayLike, there: NDArray[np.bool_]) -> float:
    q = np.asarray(squares, dtype="float64")
    if q.shape != n.shape or not np.isfinite(q[there]).all():
        raise DataError("There must be one sum of squares for each period with answers.")
    within = (q[there] - total[there] ** 2 / n[there]).sum()
    freedom = (n[there] - 1).sum()
    if not (freedom > 0 and within > 0):
        raise InsufficientData("Answers do not vary within periods.", "Leave the sums of squares out.")
    return float(within / freedom)


def _effects(
    design: Terms, b: Array, covariance: Array, freedom: int, fitted: Array, family: Family, confidence: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return effects with intervals, and the joint test of each term."""
    reach = float(stats.t.ppf(0.5 + confidence / 2, freedom))
    middle = family.link(np.clip(fitted.mean(), *family.inside))
    rows, tests = [], []
    for term, (columns, contrasts, levels) in design.blocks.items():
        part = covariance[np.ix_(columns, columns)]
        estimate = contrasts @ b[columns]
        se = np.sqrt(np.clip(np.einsum("ij,jk,ik->i", contrasts, part, contrasts), 0, None))
        moved = family.inverse(middle + estimate) - family.inverse(middle)
        for level, e, s, m in zip(levels, estimate, se, moved, strict=True):
            rows.append((term, level, e, s, e - reach * s, e + reach * s, m))
        f = float(b[columns] @ np.linalg.pinv(part) @ b[columns]) / len(columns)
        tests.append((term, f, len(columns), freedom, float(stats.f.sf(f, len(columns), freedom))))
    names = ["term", "level", "estimate", "se", "lower", "upper", "on_scale"]
    return pd.DataFrame(rows, columns=names), pd.DataFrame(tests, columns=["term", "F", "df", "df_residual", "p"])
