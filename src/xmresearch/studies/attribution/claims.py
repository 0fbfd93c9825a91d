"""The claims of an attribution study: what carries, where people are lost, what to fix and fund first, and what holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.attribution.across_channels import ConsistencyResult
from xmresearch.attribution.exits import ExitCounts
from xmresearch.attribution.order import OrderChoice
from xmresearch.attribution.result import AttributionResult
from xmresearch.claims.claim import Claim, Condition, cases
from xmresearch.claims.rules import log_share
from xmresearch.display import Shown
from xmresearch.studies.attribution import carriers, experience, losses, money
from xmresearch.studies.attribution.publishing import ShownJourneys
from xmresearch.sufficient.journeys import Journeys

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "rate": cases("share"),
    "carrier": cases("first"),
    "mandatory": cases("share"),
    "lost": cases("share"),
    "lost_tied": cases("share"),
    "lost_nowhere": cases("share"),
    "leak": cases("first"),
    "fix": cases("first"),
    "fund_return": cases("first"),
    "fund_cost": cases("first"),
    "losing": cases("count"),
    "earning": cases("count"),
    "barren": cases("share"),
    "over": cases("first"),
    "under": cases("first"),
    "lifts": cases("count"),
    "order": cases("first"),
    "fits": cases("assumption"),
    "spread": cases("assumption"),
    "methods": cases("alike"),
    "consistency": cases("alike"),
}


@dataclass(frozen=True, repr=False)
class AttributionClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    rate : Claim
        Share of the journeys of the log that convert.
    carrier : Claim
        Which of the touchpoints that could be removed has most credit.
    mandatory : Claim or None
        Which steps cannot be removed.
    lost : Claim
        Where most were lost, in the log.
    leak, fix : Claim or None
        Where most of those to come will be lost; where volume, exits and low scores meet.
    fund, earned, barren, over, under : Claim or None
        Where money brought most, what did not earn its cost (or did), what has no credit, and whose share of the budget is most above
        or below its share of the credit.
    lifts : Claim or None
        At how many touchpoints an experiment and the credit differ.
    order, fits, spread : Claim
        Which order the journeys call for, whether the chain misses the log, whether whole journeys spread credits more (None
        without resamples).
    methods : Claim
        Whether other ways of sharing credit are near the chain.
    consistency : Claim or None
        Whether the experience is the same in every channel.
    """

    rate: Claim
    carrier: Claim
    mandatory: Claim | None
    lost: Claim
    leak: Claim | None
    fix: Claim | None
    fund: Claim | None
    earned: Claim | None
    barren: Claim | None
    over: Claim | None
    under: Claim | None
    lifts: Claim | None
    order: Claim
    fits: Claim
    spread: Claim | None
    methods: Claim
    consistency: Claim | None

    @property
    def look(self) -> Claim | None:
        """What to look at or fix first: by scores where there are any, otherwise where most are lost."""
        return self.leak if self.fix is None else self.fix

    def asked(self) -> dict[str, Any]:
        """Return what the report answers: carry, with _look or _fix where people are lost, and _fund where money is known."""
        lost = "" if self.look is None else "_look" if self.fix is None else "_fix"
        return {"case": f"carry{lost}" + ("" if self.fund is None else "_fund")}


def attribution_claims(
    *,
    credits: AttributionResult,
    choice: OrderChoice,
    compared: pd.DataFrame,
    journeys: Journeys,
    shown: ShownJourneys,
    scale: tuple[float, float],
    agreement: ConsistencyResult | None = None,
    seed: int = 0,
) -> AttributionClaims:
    """Settle what an attribution study may say.

    Parameters
    ----------
    credits : AttributionResult
        With posterior draws.
    choice : OrderChoice
        Orders compared.
    compared : DataFrame
        Methods side by side.
    journeys : Journeys
        That the credits were found from.
    shown : ShownJourneys
        What of them may be shown.
    scale : (lowest, highest)
        Of scores.
    agreement : ConsistencyResult, optional
        Scores by channel.
    seed : int
        Of the draws of counts and scores.

    Returns
    -------
    AttributionClaims
    """
    level, facts = credits.confidence, credits.facts
    exits = ExitCounts(journeys)
    fits, spread = carriers.chain_fits(credits), carriers.spread_holds(credits)
    needs = (
        Condition("fits", fits.verdict != "failed"),
        Condition("spread", None if spread is None else spread.verdict != "failed"),
        carriers.by_evidence(choice, credits.order),
    )

    def given(claim: Claim | None) -> Claim | None:
        return None if claim is None else claim.given(*needs)

    return AttributionClaims(
        rate=log_share("rate", facts["conversions"], facts["journeys"]),
        carrier=carriers.carries_most(credits).given(*needs),
        mandatory=carriers.mandatory_steps(credits),
        lost=losses.lost_at(shown, facts["nulls"], facts["journeys"]),
        leak=losses.most_lost(shown, exits, confidence=level, seed=seed),
        fix=losses.fix_first(shown, exits, scale, confidence=level, seed=seed),
        fund=given(money.fund_first(credits)),
        earned=given(money.earned_cost(credits)),
        barren=money.without_credit(credits),
        over=given(money.over_funded(credits)),
        under=given(money.under_funded(credits)),
        lifts=given(money.lifts_differ(credits)),
        order=carriers.order_chosen(choice, credits.order, level),
        fits=fits,
        spread=spread,
        methods=carriers.methods_agree(credits, compared).given(*needs),
        consistency=experience.same_everywhere(agreement),
    )
