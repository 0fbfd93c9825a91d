"""Claims about money: what to fund first, what earns its cost, whose share of the budget is out of proportion; experiments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.attribution.result import AttributionResult
from xmresearch.claims.claim import UNSETTLED, Claim
from xmresearch.claims.families import adjusted, count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import log_share
from xmresearch.studies.attribution.carriers import draws_of, from_estimate
from xmresearch.studies.attribution.evidence import paid_for

Array = NDArray[np.float64]


def fund_first(credits: AttributionResult) -> Claim | None:
    """Claim where money spent brought most: by return on cost, or without values by cost per conversion.

    None where fewer than two touchpoints that could be removed cost anything; withheld where none is shown to earn its cost.
    """
    paid = paid_for(credits)
    if paid is None:
        return None
    names, cost = paid["channel"].tolist(), paid["cost"].to_numpy()
    by_return = "roi" in paid
    gained = _value_draws(credits, names) if by_return else draws_of(credits, names) * credits.facts["conversions"]
    estimate = (paid["value_credit"] if by_return else paid["credit"]).to_numpy() / cost
    made = first_of(
        "fund_return" if by_return else "fund_cost", Joint(estimate, draws=gained / cost), names,
        confidence=credits.confidence,
    )  # fmt: skip
    figure = "roi" if by_return else "cost_per_conversion"
    lead = paid.iloc[int(estimate.argmax())]
    made = made.about(figure=lead[figure], figure_lower=lead[f"{figure}_lower"], figure_upper=lead[f"{figure}_upper"])
    losing = no_return(credits)
    return made.withhold("none_earns") if losing is not None and losing.verdict == "all" else made


def no_return(credits: AttributionResult) -> Claim | None:
    """Claim how many touchpoints did not earn their cost in this log, by Holm; None without values or costs."""
    return _returns(credits, "losing", -1.0)


def earned_cost(credits: AttributionResult) -> Claim | None:
    """Claim how many touchpoints did not earn their cost, or where none is shown not to have, how many did."""
    losing = no_return(credits)
    return losing if losing is None or losing.verdict != UNSETTLED else _returns(credits, "earning", 1.0)


def _returns(credits: AttributionResult, name: str, towards: float) -> Claim | None:
    paid = paid_for(credits)
    if paid is None or "roi" not in paid:
        return None
    names = paid["channel"].tolist()
    draws = _value_draws(credits, names) / paid["cost"].to_numpy() - 1
    p = [min(2 * t, 1.0) for t in _tails(towards * draws, towards * paid["roi"].to_numpy())]
    return count_of(name, names, p, confidence=credits.confidence)


def without_credit(credits: AttributionResult) -> Claim | None:
    """Claim what share of the budget went to touchpoints that no converting journey of the log passes."""
    paid = paid_for(credits)
    if paid is None:
        return None
    barren = paid[paid["passed"] == 0]
    if not len(barren):
        return None
    return log_share(
        "barren", float(barren["cost"].sum()), float(paid["cost"].sum()), touchpoints=barren["channel"].tolist()
    )


def over_funded(credits: AttributionResult) -> Claim | None:
    """Claim whose share of the budget exceeds its share of the credit most."""
    return _unequal(credits, "over", -1.0)


def under_funded(credits: AttributionResult) -> Claim | None:
    """Claim whose share of the credit exceeds its share of the budget most."""
    return _unequal(credits, "under", 1.0)


def _unequal(credits: AttributionResult, name: str, towards: float) -> Claim | None:
    """Rank the differences of shares, both of what is paid for; withheld where none has that sign (Holm)."""
    paid = paid_for(credits)
    if paid is None:
        return None
    names = paid["channel"].tolist()
    drawn = draws_of(credits, names)
    total = drawn.sum(axis=1, keepdims=True)
    within = np.divide(drawn, total, out=np.zeros_like(drawn), where=total > 0)
    budget = paid["budget_share"].to_numpy()
    gap, draws = towards * (paid["share"].to_numpy() - budget), towards * (within - budget)
    made = first_of(name, Joint(gap, draws=draws), names, confidence=credits.confidence)
    shown = adjusted([min(2 * t, 1.0) for t in _tails(draws, gap)]) < 1 - credits.confidence
    lead = paid.iloc[int(gap.argmax())]
    made = made.about(
        share=lead["share"], budget=lead["budget_share"], also=[n for n, s in zip(names, shown, strict=True) if s]
    )
    return made if shown[int(gap.argmax())] else made.withhold("not_unequal")


def lifts_differ(credits: AttributionResult) -> Claim | None:
    """Claim at how many touchpoints the credit and what an experiment found differ, by Holm; None without experiments.

    The experiment's standard error is that of the side of its interval that faces the credit; the credit's has a part of its
    share and one of how many convert.
    """
    if "lift" not in credits.table:
        return None
    table = credits.table[credits.table["lift"].notna()]
    gap = (table["credit"] - table["lift"]).to_numpy()
    z = stats.norm.ppf((1 + credits.confidence) / 2)
    side = np.where(gap > 0, table["lift_upper"] - table["lift"], table["lift"] - table["lift_lower"]) / z
    facts = credits.facts
    won, share = facts["conversions"], table["share"].to_numpy()
    total = facts["journeys"] * (facts["rate_upper"] - facts["rate_lower"]) / (2 * z)
    apart = from_estimate(credits, table["channel"].tolist())
    error = np.sqrt((apart * won) ** 2 + (share * total) ** 2 + side**2)
    p = 2 * stats.norm.sf(np.abs(gap) / np.maximum(error, np.finfo(float).tiny))
    return count_of("lifts", table["channel"].tolist(), p, confidence=credits.confidence)


def _value_draws(credits: AttributionResult, names: list[str]) -> Array:
    at = [credits.channels.index(c) for c in names]
    drawn: Array = credits.value_draws[:, at] * credits.facts["value"]
    return drawn


def _tails(draws: Array, estimate: Array) -> list[float]:
    """Return, of each figure, the one-sided tail against its exceeding zero."""
    beside = Joint(np.append(estimate, 0.0), draws=np.column_stack([draws, np.zeros(len(draws))]))
    return [beside.tail(k, len(estimate)) for k in range(len(estimate))]
