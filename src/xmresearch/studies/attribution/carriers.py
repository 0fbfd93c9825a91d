"""Claims about what carries: which touchpoint has most credit, by a chain of which order, and whether the chain fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.attribution.misfit import MISFIT, departures
from xmresearch.attribution.order import SURE_ORDER, OrderChoice
from xmresearch.attribution.result import WIDER, AttributionResult
from xmresearch.claims.claim import UNSETTLED, Claim, Condition
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import alike, assumption, log_share
from xmresearch.studies.attribution.evidence import METHODS

Array = NDArray[np.float64]
FAR_SHARE = 0.05


def removable(credits: AttributionResult) -> pd.DataFrame:
    """Return the rows of touchpoints that could be removed: those that are not mandatory."""
    return credits.table[~credits.table["mandatory"]]


def draws_of(credits: AttributionResult, channels: Sequence[str]) -> Array:
    """Return draws of the shares of credit of some touchpoints, shape (S, their number)."""
    found: Array = credits.draws[:, [credits.channels.index(c) for c in channels]]
    return found


def from_estimate(credits: AttributionResult, channels: Sequence[str]) -> Array:
    """Return the root mean square distance of draws from the estimates of some touchpoints' shares.

    It is their standard error where the prior draws rare steps towards common ones: draws then lie closer together, and apart
    from the estimate.
    """
    share = credits.table.set_index("channel")["share"].reindex(channels).to_numpy()
    found: Array = np.sqrt(((draws_of(credits, channels) - share) ** 2).mean(axis=0))
    return found


def carries_most(credits: AttributionResult) -> Claim:
    """Claim which of the touchpoints that could be removed has most credit; withheld where none could."""
    table = removable(credits)
    every = len(table) == 0
    table = credits.table if every else table
    names = table["channel"].tolist()
    joint = Joint(table["share"].to_numpy(), draws=draws_of(credits, names))
    made = first_of("carrier", joint, names, confidence=credits.confidence)
    lead = table.iloc[int(table["share"].to_numpy().argmax())]
    made = made.about(
        share=lead["share"], share_lower=lead["share_lower"], share_upper=lead["share_upper"],
        removal=lead["removal_effect"], removal_lower=lead["removal_lower"], removal_upper=lead["removal_upper"],
        channels=len(credits.table), conversions=credits.facts["conversions"], least=credits.table["passed"].min(),
    )  # fmt: skip
    return made.withhold("all_mandatory") if every else made


def mandatory_steps(credits: AttributionResult) -> Claim | None:
    """Claim which steps nearly every converting journey of the log passes; None where there is none, or no other."""
    table = credits.table[credits.table["mandatory"]]
    if len(table) in (0, len(credits.table)):
        return None
    return log_share(
        "mandatory", float(table["passed"].min()), credits.facts["conversions"], steps=table["channel"].tolist()
    )


def order_chosen(choice: OrderChoice, used: int, confidence: float) -> Claim:
    """Claim which order the journeys call for, by its posterior probability among those compared."""
    table = choice.table
    likely = table.sort_values("probability", ascending=False)
    probability = float(likely["probability"].iloc[0])
    verdict = "only" if len(table) == 1 else "first" if probability >= SURE_ORDER else UNSETTLED
    possible = likely.loc[likely["probability"] >= (1 - SURE_ORDER) / 2, "order"].astype(int).tolist()
    made = Claim("order", "first", verdict, "posterior_probability", 1 - SURE_ORDER, confidence)
    agrees = None if choice.by_log_loss == 0 else choice.by_log_loss == choice.order
    higher = None if len(table) == 1 else choice.order < choice.highest
    made = made.given(
        Condition("log_loss_agrees", agrees), Condition("higher_order_compared", higher), by_evidence(choice, used)
    )
    return made.about(
        leader=choice.order, used=used, highest=choice.highest, probability=probability, possible=possible,
        by_log_loss=choice.by_log_loss,
    )  # fmt: skip


def by_evidence(choice: OrderChoice, used: int) -> Condition:
    """Return the condition that the order used is the one that evidence favours."""
    return Condition("order_by_evidence", used == choice.order)


def chain_fits(credits: AttributionResult) -> Claim:
    """Claim that the chain was not seen to miss the log: conversions through each touchpoint, all touchpoints together."""
    apart = departures(credits.table, credits.facts["conversions"], credits.confidence)
    worst = credits.table.loc[np.maximum(apart["lower"], -apart["upper"]).idxmax()]
    return assumption(
        "fits", p=float(apart["p"].min()), confidence=credits.confidence, lower=apart["lower"], upper=apart["upper"],
        margin=MISFIT, channel=worst["channel"], chain=worst["removal_effect"], logged=worst["pass_share"],
        reach=float(np.maximum(-apart["lower"], apart["upper"]).max()),
    )  # fmt: skip


def spread_holds(credits: AttributionResult) -> Claim | None:
    """Claim that resampled journeys were not seen to spread credits more than the chain does; None without resamples.

    The ratio of two standard deviations of S and B draws has, in logs, a standard error of about
    sqrt(1 / 2(S - 1) + 1 / 2(B - 1)); its bounds are Bonferroni's over the touchpoints. The hypothesis is that no ratio exceeds
    the limit, since a true chain spreads credits a little less: its rows borrow from one another.
    """
    table = credits.table
    if "bootstrap_sd" not in table:
        return None
    again, drawn = credits.facts["bootstrap"], len(credits.draws)
    known = table[(table["sd"] > 0) & (table["bootstrap_sd"] > 0)]
    ratio = np.log(known["bootstrap_sd"] / known["sd"]).to_numpy()
    error = np.sqrt(0.5 / (again - 1) + 0.5 / (drawn - 1))
    reach = stats.norm.ppf(1 - (1 - credits.confidence) / 2 / max(len(known), 1)) * error
    p = np.minimum(len(known) * 2 * stats.norm.sf((ratio - np.log(WIDER)) / error), 1.0)
    widest = known.iloc[int(ratio.argmax())] if len(known) else table.iloc[0]
    return assumption(
        "spread", p=float(p.min()) if len(known) else np.nan, confidence=credits.confidence,
        lower=np.zeros(len(known)), upper=ratio + reach, margin=float(np.log(WIDER)), channel=widest["channel"],
        ratio=float(np.exp(ratio.max())) if len(known) else np.nan, resamples=again, limit=WIDER,
        reach=float(np.exp((ratio + reach).max())) if len(known) else np.nan,
    )  # fmt: skip


def methods_agree(credits: AttributionResult, compared: pd.DataFrame) -> Claim:
    """Claim that other ways of sharing credit stay within five points of the chain everywhere, or that some do not.

    Bounds are Bonferroni's over touchpoints and methods. A rule's share is taken to vary as a share of the conversions does,
    apart from the chain: that the two are found from the same journeys makes the bounds too wide rather than too narrow.
    """
    methods = [m for m in METHODS if m in compared]
    sd = from_estimate(credits, compared["channel"].tolist())
    share = compared[methods].to_numpy()
    gap = share - compared["markov"].to_numpy()[:, None]
    error = np.sqrt(sd[:, None] ** 2 + share * (1 - share) / credits.facts["conversions"])
    family, tail = gap.size, (1 - credits.confidence) / 2
    reach = stats.norm.ppf(1 - tail / family) * error
    z = (np.abs(gap) - FAR_SHARE) / np.maximum(error, np.finfo(float).tiny)
    row, column = np.unravel_index(z.argmax(), gap.shape)
    return alike(
        "methods", gap - reach, gap + reach, margin=FAR_SHARE,
        p=float(np.minimum(family * 2 * stats.norm.sf(z.max()), 1.0)), confidence=credits.confidence,
        channel=compared["channel"].iloc[row], method=methods[column], by_rule=share[row, column],
        by_chain=compared["markov"].iloc[row],
    )  # fmt: skip
