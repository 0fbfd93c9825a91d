"""Units that differ in their effects: partial pooling, for every family of outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.cohort_means import observation_weights
from xmresearch.causal.concerns import Concern, unsettled
from xmresearch.causal.draws import effect_rows, overall_effect
from xmresearch.causal.families import Measure, measures
from xmresearch.causal.hierarchical_density import Prior, State
from xmresearch.causal.hierarchical_effects import UnitEffects, unit_effects
from xmresearch.causal.hierarchical_problem import pose
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import FEW_UNITS, DidResult
from xmresearch.errors import InsufficientData, ModelError, ParamsError
from xmresearch.inference.mode import mode
from xmresearch.inference.nuts import Convergence, convergence, draw
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
MOST_UNITS = 400
MOST_PRIOR_SCALE = 100.0


@on_one_thread
def hierarchical(
    panel: Panel,
    *,
    prior_scale: float = 1.0,
    weight: str = "units",
    tune: int = 500,
    chains: int = 4,
    anticipation: int = 0,
    smallest: float = 0.0,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
    chosen: str = "asked for",
) -> DidResult:
    """Estimate the effect on every treated unit, and how much units differ.

    Parameters
    ----------
    panel : Panel
        Units with one or several adoption dates; at most 400.
    prior_scale : float
        What the priors of effects (their mean, and their SD over units) are multiplied by, for sensitivity.
    weight : str
        'units' or 'rows' count equally in the overall effect.
    tune, chains : int
        Draws for tuning, of each chain, and chains.
    anticipation : int
        Periods before treatment that are left out, since the outcome may already react in them.
    smallest, confidence, seed, chosen
        As in `two_by_two`.
    draws : int
        In all chains together.

    Returns
    -------
    DidResult
        Levels overall (mean effect on the treated units, one row per measure), unit, next_unit (effect to expect in a
        further unit) and parameter (in standard deviations of the outcome, or of its latent variable, or of log rates:
        effect_mean, effect_sd, shock_sd).

    Raises
    ------
    InsufficientData
        Fewer than two units of a kind, nobody untreated, or no unit seen both before treatment and after.
    ModelError
        There are too many units.
    ParamsError
        An option has no such value.

    Notes
    -----
    Cells of unit b in period t have the linear predictor level_b + period_t + change_b from the unit's treatment on (from
    the first adoption on, for units that are never treated). A change is a shock, N(0, shock^2), and for treated units an
    effect, N(effect, spread^2). Shocks are what makes the interval clustered: a change of the size that untreated units show
    is no evidence. The predictor is the mean of a normal outcome, the latent mean of ordered answers (cumulative probit) and
    of 0/1 answers, or the log of a count's rate. Effects on the outcome are differences of expected outcomes with and without
    the unit's effect, in its cells after treatment.

    Priors, in SDs of the outcome (of the latent variable; of the log rate): effect N(0, 1), spread and shock
    half-normal(0.25), levels N(0, 5), periods N(0, 2.5), residual SD half-t(4, 1), log distances of cutpoints N(log of the
    pooled answers' distances, 1). The posterior is sampled by NUTS in PyMC with an analytic gradient, so that nothing has to
    be compiled.

    References
    ----------
    Gelman, A. (2006). Prior distributions for variance parameters in hierarchical models. Bayesian Analysis, 1(3), 515-534.
    McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B, 42(2), 109-142.
    """
    if weight not in ("units", "rows"):
        raise ParamsError(f"There is no weight '{weight}'.", "Valid names: 'units', 'rows'.")
    if not 0 < prior_scale <= MOST_PRIOR_SCALE:
        raise ParamsError(f"prior_scale is {prior_scale:g}.", f"Give a number above 0, at most {MOST_PRIOR_SCALE:g}.")
    if chains < 2 or tune < 100:
        raise ParamsError(f"chains is {chains}, tune {tune}.", "Give at least 2 chains and 100 draws for tuning.")
    if len(panel.units) > MOST_UNITS:
        raise ModelError(
            f"{len(panel.units)} units are too many to estimate an effect for each; the most is {MOST_UNITS}.",
            "Use kind 'staggered' or 'event_study', or give a larger unit, such as the region.",
        )
    panel = _usable(panel, anticipation)
    prior = Prior()
    posed = pose(panel, prior._replace(effect=prior.effect * prior_scale, spread=prior.spread * prior_scale))
    centre, spread = mode(posed.density, posed.problem, posed.start)
    each = -(-draws // chains)
    coordinates, stats = draw(
        posed.density, posed.problem, centre, spread, draws=each, tune=tune, chains=chains, seed=seed
    )  # fmt: skip
    found = posed.density.read(coordinates, posed.problem)
    state = State(*(a.reshape(a.shape[0] * a.shape[1], *a.shape[2:]) for a in found))
    reported = measures(panel.family, panel.categories)
    size = observation_weights(panel, "rows")[posed.problem.unit, posed.problem.time]
    effects = unit_effects(
        posed.density.link, state, posed.problem,
        answer_scores(panel.family, reported),
        size if weight == "rows" else None, np.random.default_rng([seed, 1]),
    )  # fmt: skip
    scaled = effects._replace(**{k: getattr(effects, k) * posed.scale for k in ("unit", "overall", "further", "prior")})
    table = _table(panel, state, scaled, [m.name for m in reported], confidence)
    draws_overall = scaled.overall[:, 0]
    quality = convergence(np.concatenate([coordinates, draws_overall.reshape(chains, each, 1)], axis=2), stats)
    concerns = (*panel.concerns, *_concerns(panel, quality))
    return DidResult(
        "hierarchical", panel.family, panel.outcome, reported[0].name,
        overall_effect(table.iloc[0], draws_overall, panel.outcome_sd, smallest), table, draws_overall,
        np.empty((len(draws_overall), 0)), (), f"clustered by unit ({len(panel.units)} units)", chosen, concerns,
        panel.facts | {"control": "notyet", "base": "all", "df": np.nan} | quality._asdict() | {"chains": chains},
        confidence, prior_draws=scaled.prior[:, 0], tree=_tree(found, scaled, panel, stats),
    )  # fmt: skip


def answer_scores(family: str, reported: list[Measure]) -> Array:
    """Return what answers contribute to each measure, shape (M, K)."""
    if family == "bernoulli":
        return np.array([[0.0, 1.0]])
    return np.array([np.ones(1) if m.score is None else m.score for m in reported])


def _usable(panel: Panel, anticipation: int) -> Panel:
    """Leave out the periods of anticipation, and treated units that are not seen both before treatment and after."""
    early = panel.start <= anticipation
    if early.any():
        if early[panel.treated].all():
            raise InsufficientData(f"No period lies before treatment and {anticipation} period(s) of anticipation.")
        panel = panel.only(~early, Concern("always_treated", {"units": int(early.sum())}))
    if anticipation:
        until = panel.start[:, None] - np.arange(len(panel.periods))
        panel = panel.hiding((until > 0) & (until <= anticipation))
    late = np.arange(len(panel.periods)) >= panel.start[:, None]
    both = ((panel.n > 0) & ~late).any(axis=1) & ((panel.n > 0) & late).any(axis=1)
    lone = panel.treated & ~both
    if lone[panel.treated].all():
        raise InsufficientData("No treated unit has rows both before treatment and after.", "Give rows of both.")
    if lone.any():
        panel = panel.only(~lone, Concern("one_sided_units", {"units": int(lone.sum())}))
    if panel.treated.all() and len(panel.cohorts) == 1:
        raise InsufficientData(
            "No unit that can be used is untreated, so nothing says what would have happened.", "Add untreated units."
        )
    return panel


def _table(panel: Panel, state: State, effects: UnitEffects, names: list[str], confidence: float) -> pd.DataFrame:
    """Return all levels."""
    labels, starts = panel.periods.labels, panel.start[effects.units]
    main = effects.unit[..., 0]
    levels = [
        effect_rows(
            "overall", effects.overall, effects.overall.mean(axis=0), confidence,
            keys={"measure": names, "n": len(effects.units)},
        ),
        effect_rows(
            "unit", main, main.mean(axis=0), confidence,
            keys={
                "measure": names[0], "unit": panel.units[effects.units].tolist(),
                "cohort": [labels[s] for s in starts.tolist()],
                "n": panel.n[effects.units].sum(axis=1).astype(int),
            },
        ),
        effect_rows(
            "next_unit", effects.further, effects.further.mean(axis=0), confidence, keys={"measure": names, "n": 1}
        ),
    ]  # fmt: skip
    parameters = np.column_stack([state.effect, state.spread, state.shock])
    levels.append(
        effect_rows(
            "parameter", parameters, parameters.mean(axis=0), confidence,
            keys={"measure": ["effect_mean", "effect_sd", "shock_sd"], "n": len(effects.units)},
        )
    )  # fmt: skip
    return pd.concat(levels, ignore_index=True)


def _concerns(panel: Panel, quality: Convergence) -> list[Concern]:
    found = []
    fewest = min(int(panel.treated.sum()), int((~panel.treated).sum()) or len(panel.units))
    if fewest < FEW_UNITS:
        found.append(Concern("few_units", {"units": fewest}))
    return found + unsettled(quality)


def _tree(found: State, effects: UnitEffects, panel: Panel, stats: Any) -> Any:
    """Return parameters and effects as an arviz DataTree."""
    import arviz as az  # type: ignore[import-untyped]

    def by_chain(a: Array) -> Array:
        return a.reshape(*found.effect.shape, *a.shape[1:])

    posterior = {
        "effect": by_chain(effects.overall[:, 0]), "unit_effect": by_chain(effects.unit[..., 0]),
        "next_unit_effect": by_chain(effects.further[:, 0]), "effect_mean": found.effect, "effect_sd": found.spread,
        "shock_sd": found.shock, "level": found.level, "period": found.period, "change": found.change,
    }  # fmt: skip
    labels = panel.units
    tree = az.from_dict(
        {"posterior": posterior, "prior": {"effect": by_chain(effects.prior[:, 0])}},
        coords={
            "unit": labels, "treated_unit": labels[effects.units], "time": [str(label) for label in panel.periods.labels],
        },
        dims={"unit_effect": ["treated_unit"], "level": ["unit"], "change": ["unit"], "period": ["time"]},
    )  # fmt: skip
    tree["sample_stats"] = stats
    return tree
