"""Staggered adoption: group-time effects, their aggregates, and what two-way fixed effects would say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.causal.adjusted import adjusted_att
from xmresearch.causal.aggregate import AGGREGATES, Aggregate, aggregates, each_effect
from xmresearch.causal.att import AttPosterior, att_from_means, comparisons
from xmresearch.causal.cohort_means import CohortMeans, observation_weights
from xmresearch.causal.concerns import Concern
from xmresearch.causal.draws import effect_rows, overall_effect, pretrend_p
from xmresearch.causal.links import link_of, ratio_facts
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import COLUMNS, FEW_UNITS, PRETREND_LEVEL, DidResult
from xmresearch.causal.shrinkage import shrink_att
from xmresearch.causal.twfe import twfe
from xmresearch.causal.within_effects import paired_att
from xmresearch.errors import InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
SMALL_COHORT = 5


@on_one_thread
def staggered(
    panel: Panel,
    *,
    control: str = "notyet",
    base: str = "varying",
    anticipation: int = 0,
    overall: str = "simple",
    cohort_weights: str = "dirichlet",
    shrink: bool = False,
    adjust: str = "dr",
    weight: str = "units",
    scale: str = "difference",
    within: bool = False,
    smallest: float = 0.0,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
    chosen: str = "asked for",
) -> DidResult:
    """Estimate effects by cohort and period, and aggregate them.

    Parameters
    ----------
    panel : Panel
        Units that start treatment at different times; with covariates, effects are adjusted for them.
    control : str
        'notyet' (treated later or never) or 'never'.
    base : str
        'varying' or 'universal' base period of the effects before treatment.
    anticipation : int
        Periods before treatment in which the outcome may already react.
    overall : str
        Which aggregate the effect is: simple, group, dynamic or calendar. All four are in the table.
    cohort_weights : str
        'dirichlet' (units are a sample; as R's did) or 'fixed' (effect on these units; as R's staggered).
    shrink : bool
        Shrink effects towards the mean of their event time, for small cohorts.
    adjust : str
        With covariates: 'dr' (doubly robust) or 'reg' (outcome regression).
    weight : str
        'units' or 'rows' count equally; 'rows' for repeated cross-sections of persons.
    scale : str
        'difference' or 'ratio', as in `event_study`; the controls' trend is then the mean of their cohorts' log trends.
    within : bool
        Where some units lack some periods: estimate each effect from the units that are seen in its period and in its base
        period, as covariates always do, instead of from the means of those present. Where every unit is seen in every period,
        both are the same, but for the part of the interval that stems from the shares of the controls' cohorts.
    smallest, confidence, draws, seed, chosen
        As in `two_by_two`.

    Returns
    -------
    DidResult
        Levels overall (by aggregate, the chosen one first), att_gt, group, dynamic, calendar and, for differences, twfe.

    Raises
    ------
    ParamsError
        An option has no such value.
    InsufficientData
        Nothing can be compared.

    References
    ----------
    Callaway, B. & Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time periods. Journal of Econometrics,
    225(2), 200-230.
    """
    if overall not in AGGREGATES:
        raise ParamsError(f"There is no aggregate '{overall}'.", nearest(overall, AGGREGATES))
    link = link_of(panel, scale)
    panel = with_base(panel, anticipation)
    rng = np.random.default_rng(seed)
    each = observation_weights(panel, weight)
    means = CohortMeans.of(panel.value, each, panel.start, panel.clusters).linked(link)
    measure, spread = (panel.measure.name, panel.outcome_sd) if link is None else (link.name, link.spread)
    pairs = comparisons(means.size, means.starts, control, anticipation, base, panel.periods.when)
    concerns = list(panel.concerns)
    if panel.covariates.shape[2]:
        post, left_out = adjusted_att(panel, pairs, means, adjust, cohort_weights, draws, rng)
        concerns += [Concern("unadjusted_periods", {"periods": left_out})] if left_out else []
    elif within:
        post, left_out = paired_att(panel, weight, pairs, means, cohort_weights, draws, rng)
        concerns += [Concern("unpaired_effects", {"effects": left_out})] if left_out else []
    else:
        post = att_from_means(means, pairs, cohort_weights, draws, rng)
    if shrink:
        post = shrink_att(post, spread, rng)
    found = aggregates(post, rng)
    dynamic = found["dynamic"]
    lead, event = post.pairs.time - post.pairs.cohort, post.pairs.event_time
    early = np.array([lead[event == e].max() < -anticipation for e in dynamic.key.tolist()])
    p = pretrend_p(dynamic.estimate[early], post.joint_parts(dynamic.weights[:, early]), post.df)
    table = _table(panel, post, means, found, overall, confidence, each_effect(post, rng))
    if link is None:
        table = pd.concat([table, _twfe_row(panel, each, confidence)], ignore_index=True)
    table = table.assign(measure=table["measure"].fillna(measure))
    later = [k for k, late in enumerate(post.pairs.after.tolist()) if late]
    controls = min(int(means.units[post.pairs.controls(means.starts, k)].sum()) for k in later)
    facts = panel.facts | ratio_facts(link, table.iloc[0]) | {
        "control_units": controls, "control": control, "base": base, "aggregate": overall, "pretrend_p": p, "df": found[overall].df,
        "cohort_weights": cohort_weights, "shrink": shrink,
    }  # fmt: skip
    best = found[overall]
    first = table.iloc[0]
    return DidResult(
        "staggered", panel.family, panel.outcome, measure,
        overall_effect(first, best.overall_draws, spread, smallest), table, best.overall_draws, dynamic.draws,
        tuple(dynamic.key.tolist()), panel.clustered, chosen,
        (*concerns, *_concerns(means, len(panel.periods), controls, p)), facts, confidence,
    )  # fmt: skip


def with_base(panel: Panel, anticipation: int) -> Panel:
    """Leave out units that have no period before treatment and its anticipation.

    Parameters
    ----------
    panel : Panel
        The data.
    anticipation : int
        Periods before treatment in which the outcome may already react.

    Returns
    -------
    Panel

    Raises
    ------
    InsufficientData
        Every treated unit would be left out.
    """
    early = panel.start <= anticipation
    if not early.any():
        return panel
    if early[panel.treated].all():
        raise InsufficientData(f"No period lies before treatment and {anticipation} period(s) of anticipation.")
    return panel.only(~early, Concern("always_treated", {"units": int(early.sum())}))


def _table(
    panel: Panel, post: AttPosterior, means: CohortMeans, found: dict[str, Aggregate], overall: str, confidence: float,
    each: Array,
) -> pd.DataFrame:  # fmt: skip
    """Return all levels but twfe."""
    label = dict(enumerate(panel.periods.labels))
    pairs, size = post.pairs, dict(zip(means.starts.tolist(), means.units.tolist(), strict=True))

    def labels(positions: NDArray[np.int64]) -> list[Any]:
        return [label[k] for k in positions.tolist()]

    units = np.array([size[g] for g in pairs.cohort.tolist()])

    def reached(key: NDArray[np.int64], values: NDArray[np.int64]) -> list[int]:
        return [int(units[key == v].sum()) for v in values]

    treated = int(panel.treated.sum())
    order = [overall, *(a for a in AGGREGATES if a != overall)]
    group, dynamic, calendar = (found[a] for a in ("group", "dynamic", "calendar"))
    rows = [
        effect_rows(
            "overall", np.column_stack([found[a].overall_draws for a in order]),
            np.array([found[a].overall for a in order]), confidence, keys={"measure": order, "n": treated},
        ),
        effect_rows(
            "att_gt", each, post.estimate, confidence, banded=True,
            keys={
                "cohort": labels(pairs.cohort), "time": labels(pairs.time), "event_time": pairs.event_time, "n": units,
            },
        ),
        effect_rows(
            "group", group.draws, group.estimate, confidence, banded=True,
            keys={"cohort": labels(group.key), "n": [size[g] for g in group.key.tolist()]},
        ),
        effect_rows(
            "dynamic", dynamic.draws, dynamic.estimate, confidence, banded=True,
            keys={"event_time": dynamic.key, "n": reached(pairs.event_time, dynamic.key)},
        ),
        effect_rows(
            "calendar", calendar.draws, calendar.estimate, confidence, banded=True,
            keys={
                "time": labels(calendar.key),
                "n": reached(np.where(pairs.after, pairs.time, -1), calendar.key),
            },
        ),
    ]  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _twfe_row(panel: Panel, weight: Array, confidence: float) -> pd.DataFrame:
    """Return the two-way fixed-effects coefficient as a row with its t interval."""
    fit = twfe(panel.value, weight, panel.start)
    reach = float(special.stdtrit(fit.df, (1 + confidence) / 2)) * fit.se
    row = {
        "level": "twfe", "estimate": fit.estimate, "sd": fit.se, "ci_lower": fit.estimate - reach,
        "ci_upper": fit.estimate + reach, "p_positive": float(special.stdtr(fit.df, fit.estimate / fit.se) if fit.se else fit.estimate > 0),
        "n": int(panel.treated.sum()),
    }  # fmt: skip
    return pd.DataFrame([row]).reindex(columns=list(COLUMNS))


def _concerns(means: CohortMeans, periods: int, controls: int, p: float) -> list[Concern]:
    found = []
    cohorts = means.units[means.starts < periods]
    fewest = min(int(cohorts.sum()), controls)
    if fewest < FEW_UNITS:
        found.append(Concern("few_units", {"units": fewest}))
    if (small := int((cohorts < SMALL_COHORT).sum())) > 0:
        found.append(Concern("small_cohorts", {"cohorts": small, "total": len(cohorts), "fewest": SMALL_COHORT}))
    if p < PRETREND_LEVEL:
        found.append(Concern("pretrend", {"p": p}))
    return found
