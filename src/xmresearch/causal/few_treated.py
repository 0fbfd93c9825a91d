"""Few treated units: synthetic control and synthetic difference-in-differences as a kind of `did`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.concerns import Concern
from xmresearch.causal.draws import effect_rows, overall_effect
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import DidResult
from xmresearch.causal.synthetic import synthetic_control
from xmresearch.disclosure import called
from xmresearch.errors import DataError, ModelError, brief
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
_COUNTED = 1e-6


@on_one_thread
def few_treated(
    panel: Panel,
    *,
    method: str = "sdid",
    replications: int = 200,
    smallest: float = 0.0,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
    chosen: str = "asked for",
) -> DidResult:
    """Compare treated units with a weighted mean of the untreated.

    Parameters
    ----------
    panel : Panel
        One adoption date; every unit seen in every period; more untreated than treated units.
    method : str
        'sdid', 'sc' or 'did', as in `synthetic_control`.
    replications : int
        Placebo treatments where several units are treated; with one, every untreated unit is taken in turn.
    smallest, confidence, draws, seed, chosen
        As in `two_by_two`.

    Returns
    -------
    DidResult
        Levels overall and dynamic (the gap in each period, less its weighted mean before treatment; periods before treatment
        show the fit, and are no test of it, as the weights were chosen there). Facts: method, p_placebo, pre_rmspe,
        relative_rmspe, weights (of untreated units that count).

    Raises
    ------
    ModelError
        Units were treated at several times.
    DataError
        A unit is not seen in some period.
    InsufficientData
        There are too few untreated units or periods before treatment.
    ParamsError
        There is no such method.

    Notes
    -----
    The posterior is a working one. The error of the gap is taken to be distributed as the gaps of untreated units that are
    treated as if they had been: Student's t with as many degrees of freedom as there are untreated units less one, the
    covariance across periods being that of the placebo gaps about their mean, and the effect flat a priori. Its SD is the
    placebo standard error of `synthetic_control` times that of t. It supposes that the treated units' shocks are like those of
    the untreated; the uncertainty of the weights is in it only as far as the placebos show it.

    References
    ----------
    Arkhangelsky, D., Athey, S., Hirshberg, D. A., Imbens, G. W. & Wager, S. (2021). Synthetic difference-in-differences.
    American Economic Review, 111(12), 4088-4118, algorithm 4.
    """
    if len(panel.cohorts) != 1:
        raise ModelError("Units were treated at several times.", "Use kind 'staggered'.")
    require_complete(panel)
    first = int(panel.cohorts[0])
    found = synthetic_control(
        panel.value, panel.treated, first, method=method, units=panel.units.tolist(), periods=panel.periods.labels,
        confidence=confidence, replications=replications, seed=seed,
    )  # fmt: skip
    gap, df = found.path["gap"].to_numpy(), found.n_controls - 1
    each = np.vstack([np.eye(len(gap)), np.where(np.arange(len(gap)) >= first, 1 / found.n_after, 0.0)])
    noise = found.placebo_gaps - found.placebo_gaps.mean(axis=0)
    rng = np.random.default_rng(seed)
    mixing = np.sqrt(rng.chisquare(df, (draws, 1)) / df)
    error = rng.standard_normal((draws, len(noise))) @ noise / np.sqrt(len(noise)) / mixing
    estimate, sample = each @ gap, (gap + error) @ each.T
    cohort, times = panel.periods.labels[first], panel.periods.when - panel.periods.when[first]
    keys = {"measure": panel.measure.name, "cohort": cohort, "n": found.n_treated}
    overall = effect_rows("overall", sample[:, -1:], estimate[-1:], confidence, keys=keys)
    dynamic = effect_rows(
        "dynamic", sample[:, :-1], estimate[:-1], confidence, banded=True,
        keys=keys | {"time": list(panel.periods.labels), "event_time": times},
    )  # fmt: skip
    table = pd.concat([overall, dynamic], ignore_index=True)
    weights = found.unit_weights[found.unit_weights["weight"] > _COUNTED]
    facts = panel.facts | {
        "control": "never", "base": "weighted", "df": float(df), "method": method, "p_placebo": found.p_placebo,
        "pre_rmspe": found.pre_rmspe, "relative_rmspe": found.relative_rmspe,
        "weights": dict(zip(weights["unit"].tolist(), weights["weight"].tolist(), strict=True)),
    }  # fmt: skip
    concern = Concern("placebo_interval", {"placebos": len(noise), "p": found.p_placebo})
    return DidResult(
        "synthetic_control", panel.family, panel.outcome, panel.measure.name,
        overall_effect(table.iloc[0], sample[:, -1], panel.outcome_sd, smallest), table, sample[:, -1], sample[:, :-1],
        tuple(times.tolist()), f"clustered by unit ({len(noise)} placebo treatments of {found.n_controls} units)", chosen,
        (*panel.concerns, concern), facts, confidence,
    )  # fmt: skip


def require_complete(panel: Panel) -> None:
    """Refuse a panel in which a unit lacks a period."""
    if (panel.n == 0).any():
        u, t = np.argwhere(panel.n == 0)[0]
        raise DataError(
            f"{called('Unit', panel.units[u], float(panel.n[u].sum()))} has no row in {brief(panel.periods.labels[t])}; a synthetic control needs complete units.",
            "Use compare='balanced', which leaves such units out, fewer periods, or kind 'two_by_two'.",
        )
