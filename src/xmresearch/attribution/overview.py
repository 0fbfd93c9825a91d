"""What a report of an attribution study says first: what carries, where people are lost, what to fix and fund first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.attribution.concerns import Concern
from xmresearch.attribution.consistency import ConsistencyResult
from xmresearch.attribution.journey import JourneyResult
from xmresearch.attribution.order import OrderChoice
from xmresearch.attribution.publishing import ShownJourneys
from xmresearch.attribution.reading import Touches
from xmresearch.attribution.result import AttributionResult

# said elsewhere in the report: in the answer, in the table of what was left out, beside costs
_ELSEWHERE = frozenset({
    "descriptive", "mandatory_step", "unspent", "empty_journeys", "blank_touchpoints", "unknown_touchpoints", "blank_customers", "after_until",
    "before_lookback", "repeats", "value_without_conversion", "empty_conversions",
})  # fmt: skip


@dataclass(frozen=True)
class Carriers:
    """Which touchpoints carry conversions.

    Attributes
    ----------
    result : AttributionResult
        Credits, with draws.
    """

    result: AttributionResult

    @property
    def removable(self) -> pd.DataFrame:
        """The rows of touchpoints that could be removed; all where none could."""
        table = self.result.table
        return table if table["mandatory"].all() else table[~table["mandatory"]]

    def summary(self) -> dict[str, Any]:
        """Return the first of the touchpoints that could be removed and how sure that is: clear, close, only, or mandatory (all are).

        Returns
        -------
        dict
            channel, share, removal and their intervals, p_first (of the channels that could be removed), next_channel,
            next_share, p_more (than the next), leaders (which may be the first), half (how many carry half of the credit),
            and the facts of the result.
        """
        table = self.removable
        top = table.iloc[0]
        at = [self.result.channels.index(c) for c in table["channel"]]
        first = np.bincount(self.result.draws[:, at].argmax(axis=1), minlength=len(at)) / len(self.result.draws)
        leaders = table.loc[first >= (1 - self.result.confidence) / 2, "channel"].tolist()
        facts = self.result.summary() | {
            "channel": top["channel"], "share": float(top["share"]), "share_lower": float(top["share_lower"]),
            "share_upper": float(top["share_upper"]), "removal": float(top["removal_effect"]),
            "removal_lower": float(top["removal_lower"]), "removal_upper": float(top["removal_upper"]),
            "credit": float(top["credit"]), "p_first": float(first[0]), "leaders": leaders,
            "half": int((self.result.table["share"].cumsum() < 0.5).sum()) + 1,
            "case": "clear" if first[0] >= self.result.confidence else "close",
        }  # fmt: skip
        if len(table) > 1:
            after = table.iloc[1]
            facts |= {"next_channel": after["channel"], "next_share": float(after["share"]),
                      "p_more": self.result.comparison(top["channel"], after["channel"])["p_more"]}  # fmt: skip
        else:
            facts["case"] = "only"
        if self.result.table["mandatory"].all():
            facts |= {"case": "mandatory", "least": float(table["passed"].min())}
        return facts

    def card(self) -> Carriers | None:
        """Return what a card shows: nothing where no touchpoint can be told from the others."""
        return None if self.result.table["mandatory"].all() else self

    def mandatory(self) -> dict[str, Any] | None:
        """Return the steps that cannot be removed, and on how many converting journeys they are at least; None where there is none, or no other step."""
        table = self.result.table[self.result.table["mandatory"]]
        if len(table) in (0, len(self.result.table)):
            return None
        return {"steps": table["channel"].tolist(), "count": len(table), "passed": float(table["passed"].min()),
                "conversions": self.result.facts["conversions"], "case": "one" if len(table) == 1 else "many"}  # fmt: skip


def lost(found: JourneyResult, shown: ShownJourneys) -> dict[str, Any]:
    """Return where most journeys end without conversion, and where a touch most often is the last; the case is lossy or lossless."""
    facts = dict(found.facts)
    table = shown.touchpoints[shown.touchpoints["exits"].fillna(0) > 0]
    if not len(table):
        return facts | {"case": "lossless"}
    worst, steepest = table.iloc[0], table.loc[table["exit_rate"].idxmax()]
    same = worst["touchpoint"] == steepest["touchpoint"]
    return facts | {
        "case": "same" if same else "lossy", "touchpoint": worst["touchpoint"], "lost": float(worst["lost"]),
        "exit_rate": float(worst["exit_rate"]), "exits": float(worst["exits"]), "steepest": steepest["touchpoint"],
        "steepest_rate": float(steepest["exit_rate"]),
    }  # fmt: skip


def to_fix(shown: ShownJourneys) -> dict[str, Any] | None:
    """Return what to fix first: where low scores, exits and volume meet; without scores, where most are lost; None where none is.

    Parameters
    ----------
    shown : ShownJourneys
        What may be shown.

    Returns
    -------
    dict or None
        fix, second, exit_rate, touches_there, part and second_part (of the priority, or of what is lost) and, with case scored,
        score; case unscored otherwise; scored_alone and unscored_alone where no second follows.
    """
    table, by = shown.touchpoints, "priority" if "priority" in shown.touchpoints else "lost"
    table = table[table[by].fillna(0) > 0].sort_values([by, "touchpoint"], ascending=[False, True])
    if not len(table):
        return None
    first, case = table.iloc[0], "scored" if by == "priority" else "unscored"
    facts = {
        "fix": first["touchpoint"], "exit_rate": float(first["exit_rate"]), "touches_there": float(first["touches"]),
        "part": float(first[by]), "case": case,
    }  # fmt: skip
    if by == "priority":
        facts["score"] = float(first["score"])
    if len(table) == 1:
        return facts | {"case": f"{case}_alone"}
    return facts | {"second": table.iloc[1]["touchpoint"], "second_part": float(table.iloc[1][by])}


def to_fund(credits: AttributionResult) -> dict[str, Any] | None:
    """Return where money brings most: by return on cost, or by cost per conversion; None where no cost is known.

    Returns
    -------
    dict or None
        best and worst with figure and interval. Case roi; loss where the worst does not earn its cost; losses where none does;
        cost: cost per conversion; barren where money went to a touchpoint without credit, then worst with worst_budget.
    """
    paid = _paid(credits)
    if paid is None:
        return None
    by, sign = ("roi", 1) if "roi" in paid else ("cost_per_conversion", -1)
    known = paid[paid[by].notna()]
    if not len(known):
        return None
    ordered = known.iloc[np.argsort(-sign * known[by].to_numpy(), kind="stable")]
    facts: dict[str, Any] = {"case": "cost"}
    for name, row in (("best", ordered.iloc[0]), ("worst", ordered.iloc[-1])):
        facts |= {name: row["channel"], f"{name}_figure": float(row[by]), f"{name}_lower": float(row[f"{by}_lower"]),
                  f"{name}_upper": float(row[f"{by}_upper"])}  # fmt: skip
    if by == "roi":
        facts["case"] = "losses" if facts["best_upper"] < 0 else "loss" if facts["worst_upper"] < 0 else "roi"
    elif len(known) < len(paid):
        barren = paid[paid[by].isna()]
        worst = barren.loc[barren["budget_share"].idxmax()]
        facts |= {"case": "barren", "worst": worst["channel"], "worst_budget": float(worst["budget_share"])}
    return facts


def over_funded(credits: AttributionResult) -> dict[str, Any] | None:
    """Return whose share of the budget exceeds its share of the credit most, with case over; even where none does."""
    return _unequal(credits, "over", -1)


def under_funded(credits: AttributionResult) -> dict[str, Any] | None:
    """Return whose share of the credit exceeds its share of the budget most, with case under; even where none does."""
    return _unequal(credits, "under", 1)


def _unequal(credits: AttributionResult, name: str, sign: int) -> dict[str, Any] | None:
    paid = _paid(credits)
    if paid is None:
        return None
    gap = sign * (paid["share"] - paid["budget_share"])
    row = paid.loc[gap.idxmax()]
    return {
        "channel": row["channel"], "share": float(row["share"]), "budget": float(row["budget_share"]),
        "case": name if gap.max() > 0 else "even",
    }  # fmt: skip


def _paid(credits: AttributionResult) -> pd.DataFrame | None:
    """Return the touchpoints that cost something and could be removed; None where there are fewer than two."""
    if "cost" not in credits.table:
        return None
    paid = credits.table[(credits.table["cost"] > 0) & ~credits.table["mandatory"]]
    return paid if len(paid) > 1 else None


def lifts(credits: AttributionResult) -> dict[str, Any] | None:
    """Return what experiments say beside the credits: agree, differ; None where none is known."""
    if "lift" not in credits.table:
        return None
    table = credits.table[credits.table["lift"].notna()]
    within = (table["credit"] >= table["lift_lower"]) & (table["credit"] <= table["lift_upper"])
    return {
        "differ": table.loc[~within, "channel"].tolist(),
        "agree": table.loc[within, "channel"].tolist(), "case": "agree" if within.all() else "differ",
    }  # fmt: skip


def outside(table: pd.DataFrame) -> list[str]:
    """Return the channels whose removal effect or share lies outside its own interval."""
    apart = [
        (table[value] < table[f"{name}_lower"]) | (table[value] > table[f"{name}_upper"])
        for value, name in (("removal_effect", "removal"), ("share", "share"))
    ]
    return list(table.loc[apart[0] | apart[1], "channel"])


def concerns(
    credits: AttributionResult,
    found: JourneyResult,
    touches: Touches,
    agreement: ConsistencyResult | None = None,
    choice: OrderChoice | None = None,
) -> list[tuple[str, Concern]]:
    """Return what a careful reviewer would ask about, each once, with what gives rise to it: markov, journeys or survey."""
    every = [("journeys", c) for c in touches.concerns]
    every += [("markov", c) for c in (*(choice.concerns if choice else ()), *credits.concerns)]
    every += [("journeys", c) for c in found.concerns]
    every += [("survey", c) for c in (agreement.concerns if agreement else ())]
    kept: list[tuple[str, Concern]] = []
    for where, concern in every:
        if concern.kind not in _ELSEWHERE and concern not in [c for _, c in kept]:
            kept.append((where, concern))
    apart = outside(credits.table)
    if apart:
        kept.append(("markov", Concern("shrunk", {"count": len(apart), "channel": apart[0]})))
    if touches.pool:
        pooled = touches.summary()
        share = credits.table.set_index("channel")["touches"].get(pooled["other"], 0.0)
        kept.append(("journeys", Concern("pooled_channels", {"channels": pooled["pooled"], "touches": float(share), "name": pooled["other"]})))  # fmt: skip
    return kept
