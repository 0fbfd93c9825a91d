"""Whether the effect of a difference-in-differences analysis withstands what could be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.causal.checks import COLUMNS, Checks
from xmresearch.causal.closed_form import StudentT
from xmresearch.causal.designs import refit
from xmresearch.causal.honest_trends import SAFE_BREAKDOWN, HonestResult
from xmresearch.causal.kinds import KINDS, choose_kind
from xmresearch.causal.pretrend import event_path
from xmresearch.causal.result import PRETREND_LEVEL, DidResult
from xmresearch.display import Shown
from xmresearch.errors import DataError, ModelError, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHECKS = ("pretrend_slope", "placebo_time", "placebo_unit", "leave_one_out", "prior")
CHEAP = ("two_by_two", "event_study", "staggered", "synthetic_control")
COMMON = ("smallest", "confidence", "draws", "seed", "anticipation", "control", "weight", "overall", "cohort_weights")
MOSTLY, SCEPTICAL = 0.5, 0.5


@dataclass(frozen=True, repr=False)
class SensitivityResult(Shown):
    """What the effect becomes when something is changed.

    Attributes
    ----------
    table : DataFrame
        One row per change: check (pretrend_slope, placebo_time, placebo_unit, leave_one_out, prior); changed (slope or
        extrapolated; the placebo date or the shift in periods; the unit or number of the assignment; the unit or cohort left
        out; the prior SD in outcome SDs) as text, and what it is (slope, date, shift, assignment, unit, cohort, outcome_sd);
        estimate, ci_lower, ci_upper, p_positive of the overall effect after the change, except in row 'slope', which is per
        period. Rows of placebo_unit have an estimate only; a row is blank where nothing can be compared without the unit.
    honest, smoothness : HonestResult or None
        Relative-magnitude and smoothness sets of the mean of the effects after treatment, event times weighted as the overall
        effect weights them; None without effects before treatment.
    placebo_p : float
        Randomisation p value of the overall effect; NaN where there is no other assignment.
    effect : dict
        estimate, ci_lower, ci_upper of the analysed effect; refitted, the estimate of what was fitted again.
    kind : str
        What was fitted again: the kind of the result, or a closed-form kind in its place.
    confidence : float
        Of the intervals.
    first_breakdown : float
        Breakdown value of the effect in the first period after treatment alone; NaN unless asked for.
    reachable : bool or None
        Whether the effect could stand under breaches as large as the largest before treatment if nothing had moved there: where
        it could not, noise alone limits the breakdown value. None unless asked for.
    """

    table: pd.DataFrame
    honest: HonestResult | None
    smoothness: HonestResult | None
    placebo_p: float
    effect: dict[str, float]
    kind: str
    confidence: float
    first_breakdown: float = np.nan
    reachable: bool | None = None
    _slope_p: float = field(default=np.nan, repr=False)

    def tidy(self, check: str | None = None) -> pd.DataFrame:
        """Return the rows of one check, or all.

        Parameters
        ----------
        check : str, optional
            pretrend_slope, placebo_time, placebo_unit, leave_one_out or prior.

        Returns
        -------
        DataFrame
            Empty where the check was impossible.

        Raises
        ------
        DataError
            There is no such check.
        """
        if check is None:
            return self.table
        if check not in CHECKS:
            raise DataError(f"There is no check '{check}'.", nearest(check, CHECKS))
        return self.table[self.table["check"] == check].reset_index(drop=True)

    def summary(self) -> dict[str, Any]:
        """Return the figures of every check.

        Returns
        -------
        dict
            estimate, lower, upper, level; refitted (the estimate by `kind`, which the checks start
            from); breakdown, smoothness_breakdown; placebo_p, placebos (assignments); placebo_dates,
            placebo_dates_nonzero (intervals that leave out zero); slope, slope_lower, slope_upper, slope_p,
            extrapolated, extrapolated_lower, extrapolated_upper; loo_lower, loo_upper, loo_kept (share of intervals
            that lie on the same side of zero, or take it in, as the whole one does), loo_what, most_influential;
            sceptical_prior (smallest prior SD, in outcome SDs, at which the interval still leaves out zero; inf for
            none).
        """
        dates, units = self.tidy("placebo_time"), self.tidy("leave_one_out")
        slope = self.tidy("pretrend_slope").set_index("changed")
        found: dict[str, Any] = {
            "kind": self.kind, "estimate": self.effect["estimate"], "refitted": self.effect["refitted"],
            "lower": self.effect["ci_lower"], "upper": self.effect["ci_upper"], "level": self.confidence,
            "breakdown": np.nan if self.honest is None else self.honest.breakdown,
            "first_breakdown": self.first_breakdown, "smoothness_breakdown": np.nan if self.smoothness is None else self.smoothness.breakdown,
            "placebo_p": self.placebo_p, "placebos": int(self.tidy("placebo_unit")["estimate"].notna().sum()),
            "placebo_dates": len(dates), "placebo_dates_nonzero": int(_leaves_out_zero(dates).sum()),
            "slope_p": self._slope_p,
        }  # fmt: skip
        for name, row in (("slope", "slope"), ("extrapolated", "extrapolated")):
            for end, column in (("", "estimate"), ("_lower", "ci_lower"), ("_upper", "ci_upper")):
                found[name + end] = np.nan if slope.empty else float(slope.loc[row, column])
        moved = (units["estimate"] - self.effect["refitted"]).abs()
        seen = moved.notna().any()
        held = self._prior_held()
        return found | {
            "loo_lower": float(units["estimate"].min()), "loo_upper": float(units["estimate"].max()),
            "loo_kept": self._kept(), "loo_what": units["what"].iloc[0] if seen else "",
            "most_influential": units["changed"].iloc[int(moved.fillna(-1).argmax())] if seen else "",
            "sceptical_prior": min(held, default=np.inf),
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the robust interval by the allowed departure from parallel trends, or the placebo treatments where there are no trends."""
        if self.honest is not None:
            return self.honest.plot()
        rows = self.table[self.table["check"].isin(["placebo_time", "leave_one_out", "prior"])]
        return forest(rows, ["check", "changed"], "estimate", "ci", axis="effect")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn, fail); a check that was impossible has no row.

        A slope before treatment fails where, going on, it would leave another verdict on the effect.
        """
        rows: list[tuple[str, float, float, str]] = []
        level = 1 - self.confidence
        slope, dates = self.tidy("pretrend_slope"), self.tidy("placebo_time")
        if np.isfinite(self._slope_p):
            gone = "fail" if _sign(slope.iloc[1]) != _sign(self.effect) else "warn"
            rows.append(("slope_p", self._slope_p, PRETREND_LEVEL, "pass" if self._slope_p >= PRETREND_LEVEL else gone))
            whole = self.effect["refitted"]
            left = float(slope["estimate"].iloc[1] / whole) if whole else 0.0
            rows.append(("extrapolated_share", left, MOSTLY, "pass" if left >= MOSTLY else "warn"))
        if len(dates):
            share = float(_leaves_out_zero(dates).mean())
            rows.append(("placebo_dates", share, 0.0, "pass" if share == 0 else "warn" if share <= MOSTLY else "fail"))
        if np.isfinite(self.placebo_p):
            reachable = 1 / (1 + int(self.tidy("placebo_unit")["estimate"].notna().sum()))
            rows.append(("placebo_p", self.placebo_p, level, "pass" if self.placebo_p <= level else "warn"))
            rows.append(("smallest_placebo_p", reachable, level, "pass" if reachable <= level else "warn"))
        if self.honest is not None:
            value = self.honest.breakdown
            rows.append(("breakdown", value, SAFE_BREAKDOWN, "pass" if value >= SAFE_BREAKDOWN else "warn"))
        if np.isfinite(kept := self._kept()):
            rows.append(("leave_one_out", kept, 1.0, "pass" if kept == 1 else "warn" if kept >= MOSTLY else "fail"))
        prior = min(self._prior_held(), default=np.inf)
        rows.append(("sceptical_prior", prior, SCEPTICAL, "pass" if prior <= SCEPTICAL else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _kept(self) -> float:
        """Return the share of intervals without a unit or cohort that say of zero what the whole one says."""
        rows, sign = self.tidy("leave_one_out").dropna(), _sign(self.effect)
        signs = (rows["ci_lower"] > 0).astype(int) - (rows["ci_upper"] < 0).astype(int)
        return float((signs == sign).mean()) if len(rows) else np.nan

    def _prior_held(self) -> list[float]:
        rows = self.tidy("prior")
        return [float(c) for c in rows.loc[_leaves_out_zero(rows), "changed"]]

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {"": self.table[self.table["check"] != "placebo_unit"]}


@on_one_thread
def sensitivity(
    result: DidResult,
    *,
    placebo_units: int = 200,
    leave_out: int = 60,
    method: str = "posterior",
    seed: int = 0,
    confidence: float | None = None,
) -> SensitivityResult:
    """Put an effect to the tests that a sceptical reader would ask for.

    Parameters
    ----------
    result : DidResult
        From `did`. A kind without closed form is represented by the closed-form kind that fits its data; shrunk effects are
        checked unshrunk.
    placebo_units : int
        Other assignments of the treatment to units; all of them where there are no more. Where unit means do not count
        equally (missing periods, weight='rows') at most 2e8 cells are added up, and where each takes a refit (rows as
        observations, covariates, synthetic control) at most 1e6 are fitted; fewer than 19 assignments are not made.
    leave_out : int
        Units up to which each is left out. Above, each cohort is where there are several, otherwise this many units that
        matter most.
    method : {'posterior', 'c-lf'}
        Interval of the relative-magnitude set, see `honest`. With 'c-lf', which takes some seconds, the effect of the first
        period is tried by itself as well, and whether noise alone limits the breakdown value.
    seed : int
        Of assignments and draws.
    confidence : float, optional
        Of the intervals; that of the result if left out.

    Returns
    -------
    SensitivityResult

    Raises
    ------
    ModelError
        The result does not come from `did`.
    ParamsError
        A number is out of range.

    Notes
    -----
    Intervals are those of the kind, in closed form where the effect is linear in cohort means (two_by_two clustered,
    event_study, staggered without covariates), otherwise of 2000 draws. Sceptical priors are N(0, (c s)^2), s the SD of the
    outcome before treatment, times the flat-prior posterior as likelihood; a two_by_two of gaussian rows is fitted again with
    its own prior_scale.

    References
    ----------
    Rambachan, A. & Roth, J. (2023). A more credible approach to parallel trends. Review of Economic Studies, 90(5),
    2555-2591.
    Roth, J., Sant'Anna, P. H. C., Bilinski, A. & Poe, J. (2023). What's trending in difference-in-differences? Journal of
    Econometrics, 235(2), 2218-2244.
    """
    level = result.confidence if confidence is None else confidence
    if not 0 < level < 1:
        raise ParamsError(f"confidence is {level:g}.", "It lies between 0 and 1, such as 0.95.")
    for name, value in (("placebo_units", placebo_units), ("leave_out", leave_out)):
        if value < 0:
            raise ParamsError(f"{name} is {value}.", "Give a number of at least 0.")
    if result.panel is None:
        raise ModelError("Only a result of did() can be checked.", "Call did().")
    checks = Checks(_cheap(result), level)
    fitted = checks.result
    path = event_path(fitted.kind, checks.panel, fitted.settings)
    tables, slope_p = [], np.nan
    sets: list[HonestResult | None] = [None, None]
    first, reachable = np.nan, None
    if path is not None:
        slope, gone_on = path.slope()
        tables.append(_slope_rows(slope, gone_on, level))
        slope_p = 2 * min(slope.p_positive, 1 - slope.p_positive)
        size = len(fitted.draws)
        sets = [path.honest("relative", level, size, seed, method=method), path.honest("smoothness", level, size, seed)]
        if method == "c-lf" and sets[0] is not None:
            alone = path.honest("relative", level, size, seed, method=method, first=True)
            first = np.nan if alone is None else alone.breakdown
            reachable = path.reachable(SAFE_BREAKDOWN, level, size, seed)
    tables.append(checks.placebo_time())
    placebos, p = checks.placebo_unit(placebo_units, seed)
    tables += [placebos, checks.leave_one_out(leave_out), checks.priors()]
    table = pd.concat([t for t in tables if len(t)], ignore_index=True)
    low, high = result.effect["ci_lower"], result.effect["ci_upper"]
    if level != result.confidence:
        low, high = (float(q) for q in np.quantile(result.draws, [(1 - level) / 2, (1 + level) / 2]))
    effect = {
        "estimate": result.effect["estimate"],
        "ci_lower": low,
        "ci_upper": high,
        "refitted": checks.posterior().estimate,
    }
    return SensitivityResult(table, sets[0], sets[1], p, effect, fitted.kind, level, first, reachable, slope_p)


def _cheap(result: DidResult) -> DidResult:
    """Return a result whose kind is cheap to fit: in closed form, with whether it is clustered settled."""
    panel = result.panel
    if panel is None or result.kind == "two_by_two":
        settings = {k: v for k, v in result.settings.items() if k != "inference"}
        return replace(result, settings=settings | {"clustered": result.clustered.startswith("clustered")})
    if result.kind in CHEAP:
        return result
    kind = choose_kind(panel)[0]
    known = set(KINDS[kind].__kwdefaults__ or {})
    settings = {k: v for k, v in result.settings.items() if k in COMMON and k in known}
    return _cheap(refit(replace(result, kind=kind, settings=settings)))


def _slope_rows(slope: StudentT, gone_on: StudentT, level: float) -> pd.DataFrame:
    rows = [
        ("pretrend_slope", name, "slope", t.estimate, *t.interval(level), t.p_positive)
        for name, t in (("slope", slope), ("extrapolated", gone_on))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _leaves_out_zero(rows: pd.DataFrame) -> pd.Series:
    return (rows["ci_lower"] > 0) | (rows["ci_upper"] < 0)


def _sign(effect: dict[str, float] | pd.Series) -> int:
    return int(effect["ci_lower"] > 0) - int(effect["ci_upper"] < 0)
