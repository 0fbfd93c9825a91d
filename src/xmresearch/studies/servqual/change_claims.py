"""The claims of a change between waves: whether gaps narrowed or widened, where, and whether service or expectations did it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xmresearch.claims.claim import UNSETTLED, Claim, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.parts import part_of
from xmresearch.claims.rules import sign
from xmresearch.psychometrics.wave_gaps import GapChanges

CHANGE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "moved": cases("sign"),
    "why": cases("part"),
    "changed": cases("count"),
    "hollow": cases("count"),
    "score_moved": cases("sign"),
    "scores_changed": cases("count"),
}


def moved(changes: GapChanges, named: Mapping[str, Any]) -> Claim:
    """Claim that the overall gap, or score, rose or fell."""
    row = changes.overall()
    name = "score_moved" if changes.form == "perceptions" else "moved"
    made = sign(
        name, row["change"], row["change_lower"], row["change_upper"], confidence=changes.confidence, span=changes.span,
        score_before=row["earlier"], score_after=row["later"], **named,
    )  # fmt: skip
    return made if name == "score_moved" else made.about(movement=f"movement_{_movement(changes, row['change'])}")


def _movement(changes: GapChanges, change: float) -> str:
    """Say what a change did to the gap: a shortfall in both waves narrows or widens, otherwise perceptions gain or lose on expectations."""
    short = bool(changes.short_in_both[0])
    return ("narrowed" if short else "gained") if change > 0 else ("widened" if short else "lost")


def made_by(changes: GapChanges, smallest: float, named: Mapping[str, Any]) -> Claim | None:
    """Claim whether perceptions or expectations made the overall gap change; None where they cannot be told apart."""
    if changes.form != "pairs":
        return None
    row = changes.overall()
    whole = (row["change"], row["change_lower"], row["change_upper"])
    seen = (row["perception_change"], row["perception_lower"], row["perception_upper"])
    hoped = (row["expectation_change"], row["expectation_lower"], row["expectation_upper"])
    turned = (-hoped[0], -hoped[2], -hoped[1])
    made = part_of("why", whole, seen, turned, threshold=smallest, confidence=changes.confidence, **named)
    way = "up" if row["change"] > 0 else "down"
    verdict = "both_parts" if made.verdict == UNSETTLED else made.verdict
    return made.about(
        how=f"why_{way}_{verdict}", seen=seen[0], seen_lower=seen[1], seen_upper=seen[2], hoped=hoped[0], hoped_lower=hoped[1],
        hoped_upper=hoped[2],
    )  # fmt: skip


def dimensions_changed(changes: GapChanges, named: Mapping[str, Any]) -> Claim:
    """Claim in how many dimensions the gap, or score, rose or fell, by Holm."""
    table = changes.of_dimensions()
    names = list(table["id"])
    name = "scores_changed" if changes.form == "perceptions" else "changed"
    made = count_of(name, names, table["p"].to_numpy(), confidence=changes.confidence, **named)
    shown, up = set(made.facts["shown"]), dict(zip(names, table["change"] > 0, strict=True))
    made = made.about(
        risen=[n for n in names if n in shown and up[n]], fallen=[n for n in names if n in shown and not up[n]]
    )  # fmt: skip
    return made if names else made.withhold("no_test")


def closed_by_expectations(changes: GapChanges, smallest: float, named: Mapping[str, Any]) -> Claim | None:
    """Claim in how many dimensions the gap rose because expectations fell and not because of the service, by Holm; None without pairs."""
    if changes.form != "pairs":
        return None
    table = changes.of_dimensions()
    p = np.minimum(2 * table["hollow_p"].to_numpy(), 1.0)
    made = count_of("hollow", list(table["id"]), p, confidence=changes.confidence, smallest_gap=smallest, **named)
    return made if len(table) else made.withhold("no_test")
