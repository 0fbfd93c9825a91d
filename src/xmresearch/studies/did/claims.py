"""The claims of a difference-in-differences study: what the change did, for whom, on what conditions, and whether it pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.result import DidResult
from xmresearch.causal.robustness import SensitivityResult
from xmresearch.claims.claim import UNSETTLED, Claim, Condition, cases
from xmresearch.claims.families import adjusted
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import assumption, decision, larger
from xmresearch.display import Shown
from xmresearch.studies.did.overview import clustering
from xmresearch.studies.did.publishing import Published
from xmresearch.sufficient.periods import written

Array = NDArray[np.float64]

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "effect": cases("larger"),
    "parallel": cases("assumption"),
    "robust": ("larger", "unsettled", "conditional", "withheld"),
    "pays": cases("decision"),
    "worth": cases("larger"),
    "gained": cases("count"),
    "best": cases("first"),
    "worst": cases("first"),
    "cohorts": cases("count"),
}
# Checks whose failure leaves the effect's meaning in doubt.
NEEDED = (
    "pretrend_p", "slope_p", "placebo_dates", "leave_one_out", "units_per_arm", "rhat", "ess_bulk", "ess_tail",
    "divergences",
)  # fmt: skip
WHOLE_BREACH = 1.0


@dataclass(frozen=True, repr=False)
class DidClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    effect : Claim
        Whether the change improved the outcome, made it worse, or made no difference that matters.
    parallel : Claim
        Whether a departure from parallel trends was seen before the change.
    robust : Claim or None
        Whether the effect stands if trends may part after the change as far as they did before it.
    pays, worth : Claim or None
        Whether going on pays against the break-even given, and what the gain is worth.
    gained, best, worst : Claim or None
        For how many units a gain is shown, and which gained most and least.
    cohorts : Claim or None
        For how many cohorts a gain is shown.
    """

    effect: Claim
    parallel: Claim
    robust: Claim | None
    pays: Claim | None
    worth: Claim | None
    gained: Claim | None
    best: Claim | None
    worst: Claim | None
    cohorts: Claim | None


def did_claims(
    found: DidResult,
    doubt: SensitivityResult,
    *,
    checks: pd.DataFrame,
    better: str,
    smallest: float,
    break_even: float | None = None,
    worth: Any = None,
    branches: DidResult | None = None,
    units: Published | None = None,
    cohorts: pd.DataFrame | None = None,
) -> DidClaims:
    """Settle what a difference-in-differences study may say.

    Parameters
    ----------
    found : DidResult
        The estimate.
    doubt : SensitivityResult
        Of the same.
    checks : DataFrame
        Every check of the study: check and status.
    better : {'higher', 'lower'}
        Which direction of the outcome is the good one.
    smallest : float
        Smallest effect that matters, in units of the outcome.
    break_even : float, optional
        Gain from which going on pays, in units of the outcome; without it no advice is given.
    worth : object, optional
        With per_point, people and currency.
    branches : DidResult, optional
        Effects by unit, with joint draws.
    units : Published, optional
        Which units may be shown.
    cohorts : DataFrame, optional
        Effects of the cohorts that may be shown.

    Returns
    -------
    DidClaims
    """
    sign = 1.0 if better == "higher" else -1.0
    needed = conditions(checks)
    parallel = parallel_trends(found, doubt, smallest)
    effect = changed(found, sign, smallest).given(*needed)
    shown = None if branches is None or units is None or units.people else Units.of(branches, units, sign)
    return DidClaims(
        effect=effect,
        parallel=parallel,
        robust=None if doubt.honest is None else survives(doubt, effect),
        pays=None if break_even is None else pays(found, sign, break_even, effect),
        worth=None if worth is None else worth_of(found, sign, smallest, worth).given(*needed),
        gained=None if shown is None else shown.gained(found.confidence).given(*needed),
        best=None if shown is None else shown.first("best", found.confidence).given(*needed),
        worst=None if shown is None else shown.first("worst", found.confidence).given(*needed),
        cohorts=None
        if shown is not None or cohorts is None or len(cohorts) < 2
        else by_cohort(cohorts, sign, found).given(*needed),
    )


def conditions(checks: pd.DataFrame) -> list[Condition]:
    """Return the checks that claims about the effect depend on, as far as they were made."""
    status = checks.groupby("check")["status"].agg(set)
    return [Condition(name, "fail" not in status[name]) for name in NEEDED if name in status.index]


def changed(found: DidResult, sign: float, smallest: float) -> Claim:
    """Claim what the change did; larger is an improvement."""
    effect = found.effect
    low, high = sorted((sign * effect["ci_lower"], sign * effect["ci_upper"]))
    gain = sign * found.draws
    made = larger("effect", sign * effect["estimate"], low, high, smallest, confidence=found.confidence)
    return made.about(
        outcome=found.outcome, estimand=found.estimand, clustered=clustering(found), effect=effect["estimate"],
        ci_lower=effect["ci_lower"], ci_upper=effect["ci_upper"], size=abs(effect["estimate"]),
        standardised_size=abs(effect["standardised"]), moved="rose" if effect["estimate"] > 0 else "fell",
        smallest=smallest, p_gain=float((gain > smallest).mean()), p_loss=float((gain < -smallest).mean()),
        p_within=float((np.abs(gain) <= smallest).mean()), p_better=float((gain > 0).mean()),
    )  # fmt: skip


def parallel_trends(found: DidResult, doubt: SensitivityResult, smallest: float) -> Claim:
    """Claim whether a departure from parallel trends was seen before the change: joint test, and bounds of all effects there."""
    p = float(found.facts.get("pretrend_p", np.nan))
    table = found.table[(found.table["level"] == "dynamic") & (found.table["event_time"] < 0)]
    table = table[np.isfinite(table["band_lower"].astype(float))]
    facts = doubt.summary()
    return assumption(
        "parallel", p=p, lower=table["band_lower"].astype(float), upper=table["band_upper"].astype(float),
        margin=smallest if smallest > 0 and np.isfinite(p) else None, confidence=found.confidence, pretrend_p=p,
        **{k: facts[k] for k in (
            "slope", "slope_lower", "slope_upper", "extrapolated", "extrapolated_lower", "extrapolated_upper",
        )},
    )  # fmt: skip


def survives(doubt: SensitivityResult, effect: Claim) -> Claim:
    """Claim that the effect stands if trends may part after the change as far as they did before it.

    The conditional least-favourable interval under breaches as large as the largest step before the change leaves out
    zero. Where even exactly parallel steps before the change would not have reached that, noise is said to be the limit.
    """
    value = np.nan if doubt.honest is None else doubt.honest.breakdown
    verdict = "larger" if value >= WHOLE_BREACH else UNSETTLED
    made = Claim(
        "robust", "larger", verdict, "breakdown_of_parallel_trends", 1 - doubt.confidence, doubt.confidence, value
    )
    made = made.given(*effect.conditions).about(
        threshold=WHOLE_BREACH, breakdown=value, first_breakdown=doubt.first_breakdown,
        limit="limited_by_noise" if doubt.reachable is False else "limited_by_breach",
    )  # fmt: skip
    if effect.withheld:
        return made.withhold(effect.withheld)
    told = effect.lower > 0 or effect.upper < 0
    return made if told else made.withhold("no_effect_to_defend")


def pays(found: DidResult, sign: float, break_even: float, effect: Claim) -> Claim:
    """Claim whether going on pays, against the break-even given."""
    return decision("pays", sign * found.draws, break_even, confidence=found.confidence, under=[effect])


def worth_of(found: DidResult, sign: float, smallest: float, given: Any) -> Claim:
    """Claim what the gain is worth; settled with the effect, whose threshold it shares. To two figures of its spread."""
    scale = given.per_point * given.people
    bottom, top = sorted((sign * found.effect["ci_lower"], sign * found.effect["ci_upper"]))
    spread = scale * found.effect["sd"]
    places = 1 - floor(log10(spread)) if spread > 0 else 0
    worth, low, high = (round(float(scale * v), places) for v in (sign * found.effect["estimate"], bottom, top))
    return larger(
        "worth", sign * found.effect["estimate"], bottom, top, smallest, confidence=found.confidence,
        worth=worth, worth_lower=low, worth_upper=high, per_point=given.per_point, people=given.people,
        currency=given.currency, clustered=clustering(found), outcome=found.outcome,
    )  # fmt: skip


@dataclass(frozen=True, repr=False)
class Units(Shown):
    """Effects of the units that may be shown, counted so that a gain is positive.

    Attributes
    ----------
    names : list of str
        Of the units, K in all.
    draws : ndarray
        Joint posterior draws of their gains, shape (S, K).
    sign : float
        What turns a gain back into an effect.
    """

    names: list[str]
    draws: Array
    sign: float

    @classmethod
    def of(cls, branches: DidResult, shown: Published, sign: float) -> Units | None:
        """Return the units that may be shown; None where there are fewer than two."""
        effects = branches.posterior["posterior"]["unit_effect"]
        names = [written(v) for v in effects["treated_unit"].to_numpy().tolist()]
        hidden = {written(v) for v in shown.hidden_units}
        kept = [k for k, name in enumerate(names) if name not in hidden]
        if len(kept) < 2:
            return None
        draws = effects.to_numpy().reshape(-1, len(names))
        return cls([names[k] for k in kept], sign * draws[:, kept], sign)

    def gained(self, confidence: float) -> Claim:
        """Claim for how many units a gain is shown, by Holm, and for how many a loss."""
        above = (self.draws > 0).mean(axis=0)
        return _gains("gained", self.names, above, len(self.draws), confidence)

    def first(self, name: str, confidence: float) -> Claim:
        """Claim which unit gained most ('best') or least ('worst')."""
        joint = Joint(self.draws.mean(axis=0), self.draws)
        made = first_of(name, joint, self.names, confidence=confidence, lowest=name == "worst")
        own = self.sign * self.draws[:, self.names.index(made.facts["leader"])]
        low, high = np.quantile(own, [(1 - confidence) / 2, (1 + confidence) / 2])
        return made.about(leader_effect=float(own.mean()), leader_lower=float(low), leader_upper=float(high))


def by_cohort(cohorts: pd.DataFrame, sign: float, found: DidResult) -> Claim:
    """Claim for how many cohorts a gain is shown, by Holm, and for how many a loss."""
    positive = cohorts["p_positive"].to_numpy(dtype=float)
    above = positive if sign > 0 else 1 - positive
    return _gains("cohorts", list(cohorts["cohort"]), above, len(found.draws), found.confidence)


def _gains(name: str, names: list[str], above: Array, draws: int, confidence: float) -> Claim:
    """Count gains and losses from the posterior probabilities of a gain; both directions are one family."""
    least = 1 / (draws + 1)
    gain, loss = (adjusted(np.minimum(2 * np.maximum(p, least), 1.0)) < 1 - confidence for p in (1 - above, above))
    shown = [n for n, g in zip(names, gain, strict=True) if g]
    lost = [n for n, g in zip(names, loss, strict=True) if g]
    verdict = "all" if len(shown) == len(names) else "some" if shown or lost else UNSETTLED
    made = Claim(name, "count", verdict, "holm", 1 - confidence, confidence)
    return made.about(count=len(shown), total=len(names), shown=shown, harmed=len(lost), lost=lost)
