"""The evidence of a difference-in-differences study: raw means, decomposition, doubts and their grounds, densities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.causal.cohort_means import observation_weights
from xmresearch.causal.goodman_bacon import BaconResult, bacon
from xmresearch.causal.result import DidResult
from xmresearch.causal.robustness import SensitivityResult
from xmresearch.studies.did.publishing import Published
from xmresearch.sufficient.periods import written

Array = NDArray[np.float64]
GRID = 200


def raw_means(shown: Published) -> pd.DataFrame:
    """Return the outcome's mean by group and period, and what the treated would have had without the change.

    Parameters
    ----------
    shown : Published
        What may be shown; means of fewer rows are left blank.

    Returns
    -------
    DataFrame
        series (treated, control, counterfactual), time (label), position, mean, n (rows), after (a treated unit had
        the change by then).

    Notes
    -----
    Under one adoption date, where every unit counts in every period, the counterfactual follows the untreated from the treated units' level before the change. Under
    staggered adoption it is the treated units' mean less the effects of the cohorts that have the change; it is blank where
    such an effect cannot be estimated, and so it is where the effect comes from changes within units. With a synthetic control it is that, also before the change.
    """
    result, panel = shown.result, shown.panel
    each = observation_weights(panel, result.settings.get("weight", "units"))
    usable = panel.start > result.settings.get("anticipation", 0)
    arms = {"treated": panel.treated & usable, "control": ~panel.treated}
    mean = {name: _mean(panel.value[arm], each[arm]) for name, arm in arms.items()}
    rows = {name: panel.n[arm].sum(axis=0) for name, arm in arms.items()}
    first = int(panel.cohorts[panel.cohorts > result.settings.get("anticipation", 0)][0])
    if result.kind == "synthetic_control":
        without = mean["treated"] - result.tidy("dynamic")["estimate"].to_numpy()
    elif result.kind == "staggered":
        without = mean["treated"] - _added(result, each, usable)
    elif result.settings.get("within"):
        without = mean["treated"] - _moved(result, first)
    else:
        early = (
            slice(0, first) if _whole_past(result) else slice(first - 1 - result.settings.get("anticipation", 0), first)
        )
        without = mean["control"] + np.nanmean((mean["treated"] - mean["control"])[early])
    shown_from = 0 if result.kind == "synthetic_control" else first - 1
    mean["counterfactual"] = np.where(np.arange(len(panel.periods)) >= shown_from, without, np.nan)
    rows["counterfactual"] = np.minimum(rows["treated"], _compared_rows(result))
    parts = [
        pd.DataFrame({
            "series": name, "time": [written(v) for v in panel.periods.labels], "position": range(len(panel.periods)),
            "mean": np.where(rows[name] >= max(shown.min_cell, 1), mean[name], np.nan), "n": rows[name].astype(int),
            "after": np.arange(len(panel.periods)) >= first,
        })
        for name in ("treated", "control", "counterfactual")
    ]  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    return table.assign(n=table["n"].where(table["n"] >= shown.min_cell))


def _whole_past(result: DidResult) -> bool:
    return result.kind == "two_by_two" or result.facts["base"] == "all"


def _compared_rows(result: DidResult) -> Array:
    """Return the rows, by period, of the units that the treated are compared with; shape (T,)."""
    panel = result.panel
    assert panel is not None  # noqa: S101 (Published has checked it)
    until = (
        np.arange(len(panel.periods))
        if result.kind == "staggered"
        else np.full(len(panel.periods), len(panel.periods) - 1)
    )
    return np.where(panel.start[:, None] > until, panel.n, 0.0).sum(axis=0)


def _mean(value: Array, weight: Array) -> Array:
    total = weight.sum(axis=0)
    return np.asarray(
        np.where(total > 0, (weight * np.nan_to_num(value)).sum(axis=0) / np.where(total > 0, total, 1.0), np.nan)
    )


def _added(result: DidResult, each: Array, usable: NDArray[np.bool_]) -> Array:
    """Return what the cohorts with the change add to the mean of all units treated at some time, shape (T,)."""
    panel = result.panel
    assert panel is not None  # noqa: S101 (Published has checked it)
    table = result.tidy("att_gt")
    effect = dict(zip(zip(table["cohort"], table["time"], strict=True), table["estimate"], strict=True))
    labels = panel.periods.labels
    total = each[panel.treated & usable].sum(axis=0)
    added = np.zeros(len(labels))
    for start in panel.cohorts.tolist():
        weight = each[(panel.start == start) & usable].sum(axis=0)
        for t in range(start, len(labels)):
            if weight[t]:
                added[t] += weight[t] / total[t] * effect.get((labels[start], labels[t]), np.nan)
    return added


def _moved(result: DidResult, first: int) -> Array | float:
    """Return the effect in each period after one adoption date, shape (T,), with the overall effect as their mean."""
    if result.kind == "two_by_two":
        return result.effect["estimate"]
    each = result.tidy("dynamic")["estimate"].to_numpy(dtype=float)
    return np.asarray(each - each[first:].mean() + result.effect["estimate"])


def by_period(means: pd.DataFrame) -> pd.DataFrame:
    """Return raw means with one row per period: time, treated, treated_n, control, control_n and counterfactual."""
    wide = means.pivot(index=["position", "time"], columns="series", values=["mean", "n"])
    return pd.DataFrame({
        "time": wide.index.get_level_values("time"), "treated": wide["mean", "treated"].to_numpy(),
        "treated_n": wide["n", "treated"].to_numpy(), "control": wide["mean", "control"].to_numpy(),
        "control_n": wide["n", "control"].to_numpy(), "counterfactual": wide["mean", "counterfactual"].to_numpy(),
    })  # fmt: skip


def decomposition(result: DidResult) -> BaconResult | None:
    """Return what a two-way fixed effects estimate would mix; None unless adoption is staggered and the panel is balanced."""
    panel = result.panel
    if panel is None or result.kind != "staggered" or len(panel.cohorts) < 2 or not (panel.n > 0).all():
        return None
    unit, time = np.indices(panel.n.shape)
    frame = pd.DataFrame({"unit": unit.ravel(), "time": time.ravel() + 1, "y": panel.value.ravel()})
    frame["cohort"] = np.where(panel.treated, panel.start + 1.0, np.nan)[unit.ravel()]
    return bacon(frame, outcome="y", unit="unit", time="time", cohort="cohort")


def doubts(doubt: SensitivityResult, shown: Published) -> pd.DataFrame:
    """Return what the effect becomes when something is changed, without a unit or cohort that may not be shown.

    Parameters
    ----------
    doubt : SensitivityResult
        All changes.
    shown : Published
        What may be shown.

    Returns
    -------
    DataFrame
        check, changed, estimate, ci_lower, ci_upper, p_positive; without the placebo assignments, which are many.
    """
    hidden = {written(v) for v in (*shown.hidden_units, *shown.hidden_cohorts)}
    table = doubt.tidy()
    named = (table["check"] == "leave_one_out") & table["changed"].astype(str).isin(sorted(hidden))
    slope = table["changed"] == "slope"
    kept = ~named & ~slope & (table["check"] != "placebo_unit") & table["estimate"].notna()
    table = table[kept].reset_index(drop=True)
    changed = table["changed"].astype(str)
    earlier = (table["check"] == "placebo_time") & (table["what"] == "shift")
    # figures, which no name of a period may take the place of
    counted = earlier | (table["check"] == "prior")
    shown_as = [float(c) if k else c for c, k in zip(changed, counted, strict=True)]
    return table.assign(
        check=table["check"].replace({"prior": "prior_scale"}), changed=pd.Series(shown_as, dtype=object)
    )


def breaches(doubt: SensitivityResult) -> pd.DataFrame | None:
    """Return the interval of the effect under growing breaches of parallel trends: bound, robust_lower, robust_upper."""
    if doubt.honest is None:
        return None
    curve = doubt.honest.curve
    return curve.rename(columns={"ci_lower": "robust_lower", "ci_upper": "robust_upper"})


def grounds(doubt: SensitivityResult) -> dict[str, dict[str, Any] | None]:
    """Return the figures of each ground for or against the result, None where there is none.

    Parameters
    ----------
    doubt : SensitivityResult
        All changes.

    Returns
    -------
    dict of str to dict or None
        placebo and leave_one_out (case unit or cohort).
    """
    facts = doubt.summary()
    return {
        "placebo": facts if np.isfinite(facts["placebo_p"]) else None,
        "leave_one_out": facts | {"case": facts["loo_what"]} if np.isfinite(facts["loo_lower"]) else None,
    }  # fmt: skip


def densities(result: DidResult | None) -> pd.DataFrame | None:
    """Return the density of the overall effect before and after the data.

    Parameters
    ----------
    result : DidResult or None
        With draws of its prior, as the hierarchical kind has them.

    Returns
    -------
    DataFrame or None
        effect, prior, posterior; None where the prior is flat.
    """
    if result is None or not len(result.prior_draws):
        return None
    prior, posterior = result.prior_draws, result.draws
    low, high = np.quantile(prior, [0.01, 0.99])
    low, high = min(low, posterior.min()), max(high, posterior.max())
    fine = np.linspace(posterior.min(), posterior.max(), GRID)
    grid = np.unique(np.concatenate([np.linspace(low, high, GRID), fine]))
    return pd.DataFrame({
        "effect": grid, "prior": stats.gaussian_kde(prior)(grid), "posterior": stats.gaussian_kde(posterior)(grid),
    })  # fmt: skip
