"""One adoption date, many periods: dynamic effects with a simultaneous band."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.cohort_means import CohortMeans, observation_weights
from xmresearch.causal.concerns import Concern
from xmresearch.causal.draws import effect_rows, overall_effect, pretrend_p, stretch, welch_df
from xmresearch.causal.links import link_of, ratio_facts
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import FEW_UNITS, PRETREND_LEVEL, DidResult
from xmresearch.causal.within_effects import dated_posterior
from xmresearch.errors import InsufficientData, ModelError, ParamsError, brief
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
BASES = ("last", "all")


@on_one_thread
def event_study(
    panel: Panel,
    *,
    base: str = "last",
    anticipation: int = 0,
    weight: str = "units",
    scale: str = "difference",
    within: bool = False,
    smallest: float = 0.0,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
    chosen: str = "asked for",
) -> DidResult:
    """Follow the difference between two arms from period to period.

    Parameters
    ----------
    panel : Panel
        One adoption date.
    base : str
        What the overall effect is relative to: 'last' period before treatment, or the mean of 'all' of them. Dynamic effects
        are always relative to the last one.
    anticipation : int
        Periods before treatment in which the outcome may already react; the base lies before them.
    weight : str
        'units' or 'rows' count equally.
    scale : str
        'difference' of means, or 'ratio': effects are differences of log rates (family count) or log odds (bernoulli) of the
        arms' means, whose trends are parallel on that scale, and `smallest` is too; facts has the ratio with its interval.
    within : bool
        Compare changes of the same units, where some lack some periods: each effect is over the units that are seen in its
        period and in the last one before treatment, and with base 'all' the overall effect comes from a regression on unit and
        period effects. Where every unit is seen in every period, this is what means give.
    smallest, confidence, draws, seed, chosen
        As in `two_by_two`.

    Returns
    -------
    DidResult
        Levels overall (mean of the effects after treatment) and dynamic; the reference period is a row of zeros.

    Raises
    ------
    ModelError
        Units were treated at several times.
    ParamsError
        There is no such base.
    InsufficientData
        No period lies before treatment and its anticipation, an arm is not seen in some period, or neither has two units.

    References
    ----------
    Freyaldenhoven, S., Hansen, C., Perez Perez, J. & Shapiro, J. M. (2021). Visualization, identification, and estimation in
    the linear panel event-study design. NBER Working Paper 29170.
    """
    if len(panel.cohorts) != 1:
        raise ModelError("Units were treated at several times.", "Use kind 'staggered'.")
    if base not in BASES:
        raise ParamsError(f"There is no base '{base}' of an event study.", "Valid names: 'last', 'all'.")
    start = int(panel.cohorts[0])
    reference = start - 1 - anticipation
    if reference < 0:
        raise InsufficientData(f"No period lies before treatment and {anticipation} period(s) of anticipation.")
    link = link_of(panel, scale)
    means = CohortMeans.of(panel.value, observation_weights(panel, weight), panel.start, panel.clusters)
    if not (means.size > 0).all():
        g, t = np.argwhere(means.size <= 0)[0]
        arm = "treated" if g == 0 else "untreated"
        raise InsufficientData(
            f"The {arm} arm has no row in {brief(panel.periods.labels[t])}.", "Use kind 'two_by_two', or fewer periods."
        )
    means = means.linked(link)
    measure, spread = (panel.measure.name, panel.outcome_sd) if link is None else (link.name, link.spread)
    rng = np.random.default_rng(seed)
    if within:
        post = dated_posterior(panel, weight, reference, base)
        estimate, effects, joint = post.estimate, post.draw(draws, rng), np.array([p.T @ p for p in post.pulls])
        by_arm = post.df
        df = welch_df(post.parts(np.eye(len(estimate))), post.df)
    else:
        sample = means.draw(draws, rng)
        contrast = event_weights(len(panel.periods), start, reference, base)
        gap = means.mean[0] - means.mean[1]
        estimate, effects = contrast @ gap, (sample[:, 0] - sample[:, 1]) @ contrast.T
        joint, by_arm = means.parts(np.stack([contrast, -contrast], axis=1)), means.df
        df = welch_df(np.diagonal(joint, axis1=1, axis2=2), by_arm)
    effects = stretch(effects, estimate, df, rng)
    p = pretrend_p(estimate[:reference], joint[:, :reference, :reference], by_arm)
    treated = int(panel.treated.sum())
    cohort = panel.periods.labels[start]
    overall = effect_rows(
        "overall", effects[:, -1:], estimate[-1:], confidence,
        keys={"measure": measure, "cohort": cohort, "n": treated},
    )  # fmt: skip
    times = panel.periods.when - panel.periods.when[start]
    dynamic = effect_rows(
        "dynamic", effects[:, :-1], estimate[:-1], confidence, banded=True,
        keys={
            "measure": measure, "cohort": cohort, "time": list(panel.periods.labels), "event_time": times,
            "n": treated,
        },
    )  # fmt: skip
    table = pd.concat([overall, dynamic], ignore_index=True)
    free = np.arange(len(times)) != reference
    return DidResult(
        "event_study", panel.family, panel.outcome, measure,
        overall_effect(table.iloc[0], effects[:, -1], spread, smallest), table, effects[:, -1],
        effects[:, :-1][:, free], tuple(times[free].tolist()), panel.clustered, chosen,
        (*panel.concerns, *_concerns(means, p)),
        panel.facts | ratio_facts(link, table.iloc[0]) | {"control": "never", "base": base, "pretrend_p": p, "df": float(df[-1])}, confidence,
    )  # fmt: skip


def event_weights(periods: int, start: int, reference: int, base: str) -> Array:
    """Return the weights of the difference between the arms in each effect.

    Parameters
    ----------
    periods : int
        T.
    start, reference : int
        Positions of the first treated and of the reference period.
    base : str
        What the overall effect is relative to, 'last' or 'all'.

    Returns
    -------
    ndarray
        Each dynamic effect and, last, the overall one, shape (T + 1, T).
    """
    each = np.eye(periods)
    each[:, reference] -= 1
    overall = np.zeros(periods)
    overall[start:] = 1 / (periods - start)
    if base == "last":
        overall[reference] -= 1
    else:
        overall[: reference + 1] -= 1 / (reference + 1)
    return np.vstack([each, overall])


def _concerns(means: CohortMeans, p: float) -> list[Concern]:
    found = []
    fewest = int(means.units.min())
    if fewest == 1:
        arm = "The treated arm" if means.units[0] == 1 else "The untreated arm"
        found.append(Concern("one_unit", {"arm": arm}))
    if fewest < FEW_UNITS:
        found.append(Concern("few_units", {"units": fewest}))
    if p < PRETREND_LEVEL:
        found.append(Concern("pretrend", {"p": p}))
    return found
