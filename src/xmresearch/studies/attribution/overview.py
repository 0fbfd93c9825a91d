"""What a careful reader of an attribution study should know beside its claims."""

from __future__ import annotations

import pandas as pd

from xmresearch.attribution.across_channels import ConsistencyResult
from xmresearch.attribution.concerns import Concern
from xmresearch.attribution.journey_analysis import JourneyResult
from xmresearch.attribution.order import OrderChoice
from xmresearch.attribution.reading import Touches
from xmresearch.attribution.result import AttributionResult

# said elsewhere in the report: by claims, in the table of what was left out, beside costs
_ELSEWHERE = frozenset({
    "descriptive", "mandatory_step", "misspecified", "lift_disagrees", "unspent", "empty_journeys", "blank_touchpoints",
    "unknown_touchpoints", "blank_customers", "after_until", "before_lookback", "repeats", "value_without_conversion",
    "empty_conversions",
})  # fmt: skip


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
