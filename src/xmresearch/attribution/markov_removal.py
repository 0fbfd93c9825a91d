"""Markov attribution: exact removal effects, with their posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.attribution.absorption import Absorption
from xmresearch.attribution.chain import Array, Chain, Index
from xmresearch.attribution.concerns import Concern, left_out_concerns
from xmresearch.attribution.customer_weights import FEWEST_CUSTOMERS, CustomerWeights
from xmresearch.attribution.effects import Effects, drawn
from xmresearch.attribution.hierarchy import StepPosterior
from xmresearch.attribution.journey_bootstrap import JourneyBootstrap
from xmresearch.attribution.misfit import worst
from xmresearch.attribution.result import FEW_CONVERSIONS, FEW_CUSTOMERS, WIDER, AttributionResult
from xmresearch.attribution.returns import Lift, add_cost, lift_table
from xmresearch.attribution.worth import WorthOfConversion
from xmresearch.errors import InsufficientData, ParamsError, brief
from xmresearch.inference.threads import on_one_thread
from xmresearch.sufficient.journeys import Journeys, passing, require_kind
from xmresearch.sufficient.label_forms import OTHER
from xmresearch.sufficient.transition_table import Transitions

MAX_CHANNELS, ROUNDING = 200, 1e-9


@on_one_thread
def markov(
    given: Transitions,
    *,
    draws: int = 1000,
    prior: str | float = "evidence",
    cost: Mapping[str, float] | None = None,
    lift: Mapping[str, Lift] | None = None,
    journeys: Journeys | None = None,
    bootstrap: int = 200,
    mandatory: float = 1.0,
    confidence: float = 0.95,
    max_channels: int = MAX_CHANNELS,
    seed: int = 0,
) -> AttributionResult:
    """Share conversions, and their value, among channels by what would be lost without each.

    Parameters
    ----------
    given : Transitions
        Order-k counts.
    draws : int
        Posterior draws; 0 for none, otherwise 2 at least.
    prior : str or float
        'evidence': rows shrink towards those that remember one touch less, as far as the evidence says (`StepPosterior`). A
        number: the prior count of each step that the support allows.
    cost : mapping of str to float, optional
        Spent per channel; instead of that in the log.
    lift : mapping of str to (estimate, lower, upper), optional
        Conversions that an experiment or a difference-in-differences study found a channel to add; shown beside its credit.
    journeys : Journeys, optional
        What the transitions were counted from, for a bootstrap of whole journeys where nobody knows who took them.
    bootstrap : int
        Its resamples; where customers are known, draws of the chain as if every step were taken by itself, whose spread is shown
        beside that with customers as units. 0 for none, otherwise 2 at least.
    mandatory : float
        A channel on at least this share of the converting journeys of the log is mandatory; 1: on every one.
    confidence : float
        Of the intervals.
    max_channels : int
        The rarest channels beyond are counted as one, '(other)'; 2 at least.
    seed : int
        Of the draws.

    Returns
    -------
    AttributionResult
        Estimates are those of the chain of the counts; intervals are posterior quantiles.

    Raises
    ------
    InsufficientData
        No journey converted, or there is one channel.
    ParamsError
        An option is out of range.
    DataError
        A cost or lift is of no channel here, or the journeys are not those of the transitions.

    Notes
    -----
    The removal effect of c is the share of the chain's conversions that pass c; the credit of c is its removal effect over the
    sum of all, times the conversions. Each row of the chain is Dirichlet over its allowed steps (see `Chain`), so draws
    are independent. Value goes by the expected value of the next step.

    What is estimated is the chain of all customers: the share of those who take a step among all who are at its state, customers
    counted as often as they come. Where the transitions know groups of customers, intervals take customers as units
    (`StepPosterior.by_customers`); otherwise journeys count as independent of each other.

    References
    ----------
    Anderl, E., Becker, I., von Wangenheim, F. & Schumann, J. H. (2016). Mapping the customer journey: lessons learned from
    graph-based online attribution modeling. International Journal of Research in Marketing, 33(3), 457-474.
    """
    _require(given, draws, bootstrap, confidence, max_channels)
    if not 0.5 < mandatory <= 1:
        raise ParamsError(f"mandatory is {mandatory}.", "Give a share above 0.5, up to 1.")
    whole = given if cost is None else given.with_cost(cost)
    counts = whole.pooled(max_channels)
    posterior = StepPosterior(counts, prior) if draws else None
    chain = Chain.of(counts) if posterior is None else posterior.chain
    solve = Absorption(chain)
    worth = WorthOfConversion(counts) if counts.value.sum() > 0 else None
    rng = np.random.default_rng(seed)
    exact = Effects.of(solve, [(chain.shares(chain.count)[None], None if worth is None else worth.mean[None])])
    found, rates, alone = None, np.full(2, np.nan), None
    if posterior is not None:
        units = CustomerWeights(counts, chain) if counts.customers >= FEWEST_CUSTOMERS else None
        found, rates = drawn(solve, posterior, counts, worth, units, draws, rng)
        if units is not None and bootstrap:
            alone = Effects.of(solve, ((p, None) for p in posterior.draw(bootstrap, rng)))
    again, passed = None, counts.passed[:, 0]
    same = journeys
    if journeys is not None and len(counts.channels) < len(whole.channels):
        same = journeys.pooled(counts.channels, OTHER)
        passed = passing(same)[:, 0]
    if alone is None and same is not None and bootstrap:
        resampled = JourneyBootstrap(chain, same).resample(bootstrap, rng)
        again = Effects.of(solve, ((p, None if worth is None else w) for p, w in resampled))
    table = _table(counts, exact, found, confidence)
    for name, effects in (("bootstrap_sd", again), ("chain_sd", alone)):
        if effects is not None:
            table[name] = effects.share[..., 0].std(axis=0, ddof=1)
    table = table.sort_values("rank", kind="stable")
    table["passed"] = passed[table.index]
    table["pass_share"] = table["passed"] / counts.conversions
    table["mandatory"] = table["pass_share"] >= mandatory - ROUNDING
    if lift is not None:
        table = table.join(lift_table(lift, counts.channels))
    names = pd.Index(table["channel"])
    ranks = _rank_probability(found, table.index, names) if found is not None else pd.DataFrame(index=names)
    concerns = [*_about(counts, table, confidence), *_about_pooling(whole, counts, max_channels)]
    tail = (1 - confidence) / 2
    rate_lower, rate_upper = np.quantile(rates, [tail, 1 - tail])
    facts = {
        "journeys": counts.journeys, "conversions": counts.conversions, "nulls": counts.nulls,
        "customers": counts.customers, "rate": counts.conversions / counts.journeys, "rate_lower": float(rate_lower),
        "rate_upper": float(rate_upper), "value": float(counts.value.sum()),
        "cost": None if counts.cost is None else float(counts.cost.sum()), "prior": prior,
        "concentration": () if posterior is None else posterior.concentration,
        "states": len(chain.states), "transitions": len(chain.row), "draws": draws,
        "bootstrap": bootstrap if again is not None or alone is not None else 0, "seed": seed,
    }  # fmt: skip
    nothing = np.empty((0, len(counts.channels)))
    return AttributionResult(
        counts.order, counts.channels, table.reset_index(drop=True), nothing if found is None else found.share[..., 0],
        nothing if found is None else found.effect[..., 0],
        nothing if found is None or worth is None else found.share[..., 1], ranks, facts,
        (Concern("descriptive"), *concerns), confidence,
    )  # fmt: skip


def _require(given: Transitions, draws: int, bootstrap: int, confidence: float, max_channels: int) -> None:
    require_kind(given, Transitions, hint="Count them by transitions(...).")
    for name, count in (("draws", draws), ("bootstrap", bootstrap)):
        if not isinstance(count, int | np.integer) or (count < 2 and count != 0):
            raise ParamsError(f"{name} is {count}.", "Give 0 for none, or a whole number of at least 2.")
    if max_channels < 2:
        raise ParamsError(f"max_channels is {max_channels}.", "Give at least 2.")
    if not 0 < confidence < 1:
        raise ParamsError(f"The confidence is {confidence}.", "Give a number between 0 and 1, such as 0.95.")
    if not given.conversions > 0:
        raise InsufficientData(f"None of the {given.journeys:.0f} journeys converted, so there is nothing to share.")
    if len(given.channels) < 2:
        raise InsufficientData(
            f"'{brief(given.channels[0])}' is the only channel, so all credit is its own.",
            "Name touchpoints in finer detail.",
        )


def _table(counts: Transitions, exact: Effects, found: Effects | None, confidence: float) -> pd.DataFrame:
    share, effect, total = exact.share[0], exact.effect[0], counts.conversions
    table = pd.DataFrame({"channel": counts.channels, "touches": counts.volume, "removal_effect": effect[:, 0]})
    band = _Band(found, confidence, len(table))
    table["removal_lower"], table["removal_upper"] = band.of(lambda e: e.effect[..., 0])
    table["share"], table["sd"] = share[:, 0], band.sd(lambda e: e.share[..., 0])
    table["share_lower"], table["share_upper"] = band.of(lambda e: e.share[..., 0])
    table["credit"] = total * table["share"]
    table["credit_lower"], table["credit_upper"] = total * table["share_lower"], total * table["share_upper"]
    table["rank"] = (-table["share"]).rank(method="first").astype(int)
    table["rank_lower"], table["rank_upper"] = band.of(lambda e: _ranks(e.share[..., 0]).astype(float))
    table["p_top"] = np.nan if found is None else (_ranks(found.share[..., 0]) == 1).mean(axis=0)
    if share.shape[1] > 1:
        value = float(counts.value.sum())
        table["value_removal_effect"], table["value_share"] = effect[:, 1], share[:, 1]
        table["value_credit"] = value * share[:, 1]
        table["value_lower"], table["value_upper"] = (value * b for b in band.of(lambda e: e.share[..., 1]))
    if counts.cost is not None:
        add_cost(table, counts.cost)
    return table


class _Band:
    """Posterior quantiles, or NaN where nothing was drawn."""

    def __init__(self, found: Effects | None, confidence: float, size: int) -> None:
        tail = (1 - confidence) / 2
        self.found, self.at, self.size = found, [tail, 1 - tail], size

    def of(self, pick: Any) -> Array:
        if self.found is None:
            return np.full((2, self.size), np.nan)
        band: Array = np.quantile(pick(self.found), self.at, axis=0)
        return band

    def sd(self, pick: Any) -> Array:
        if self.found is None:
            return np.full(self.size, np.nan)
        spread: Array = pick(self.found).std(axis=0, ddof=1)
        return spread


def _ranks(share: Array) -> Index:
    """Rank the shares of each draw, the highest 1, shape (S, K)."""
    order = np.argsort(-share, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, share.shape[1] + 1)[None], axis=1)
    return ranks


def _rank_probability(found: Effects, order: pd.Index, index: pd.Index) -> pd.DataFrame:
    ranks = _ranks(found.share[..., 0])
    size = ranks.shape[1]
    chance = np.stack([np.bincount(ranks[:, c] - 1, minlength=size) / len(ranks) for c in range(size)])
    return pd.DataFrame(chance[order.to_numpy()], index, range(1, size + 1))


def _about(counts: Transitions, table: pd.DataFrame, confidence: float) -> list[Concern]:
    concerns = [
        Concern("mandatory_step", {"channel": c, "passed": float(n), "conversions": counts.conversions})
        for c, n, is_one in table[["channel", "passed", "mandatory"]].itertuples(index=False)
        if is_one
    ]
    missed = worst(table, counts.conversions, confidence)
    if missed is not None:
        concerns.append(Concern("chain_misses_log", missed))
    if counts.conversions < FEW_CONVERSIONS:
        concerns.append(Concern("few_conversions", {"conversions": counts.conversions, "fewest": FEW_CONVERSIONS}))
    if not counts.customers:
        concerns.append(Concern("independent_journeys"))
    elif counts.customers < FEW_CUSTOMERS:
        concerns.append(Concern("few_customers", {"customers": counts.customers, "fewest": FEW_CUSTOMERS}))
    if counts.nulls == 0:
        concerns.append(Concern("no_nulls"))
    if "bootstrap_sd" in table:
        ratio = table["bootstrap_sd"] / table["sd"]
        if ratio.max() > WIDER:
            facts = {"channel": table.loc[ratio.idxmax(), "channel"], "ratio": float(ratio.max())}
            concerns.append(Concern("misspecified", facts))
    if "cost" in table:
        free = table.loc[table["cost"] == 0, "channel"]
        concerns += [Concern("unspent", {"channel": c}) for c in free]
    if "lift" in table:
        concerns += [
            Concern("lift_disagrees", {"channel": r.channel, "lift": r.lift, "lower": r.lift_lower, "upper": r.lift_upper, "credit": r.credit})
            for r in table.itertuples()
            if r.credit < r.lift_lower or r.credit > r.lift_upper
        ]  # fmt: skip
    return concerns + left_out_concerns(counts.left_out)


def _about_pooling(whole: Transitions, counts: Transitions, limit: int) -> list[Concern]:
    if len(whole.channels) <= limit:
        return []
    touches = float(counts.volume[counts.channels.index(OTHER)])
    gone = len(whole.channels) - len(counts.channels) + 1
    return [Concern("pooled_channels", {"channels": gone, "touches": touches, "name": OTHER})]
