"""What is odd about journeys as they were logged: labels that may be one, or none, and journeys that outweigh all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xmresearch.attribution.concerns import Concern
from xmresearch.sufficient.journeys import Journeys
from xmresearch.sufficient.label_forms import RESERVED, as_written, same_but_for_form

PLACEHOLDERS = frozenset(
    {"(other)", "(not set)", "(not provided)", "(data not available)", "(unavailable)", "(unassigned)"}
)
SIGNS = ("→", "⇒", "➔", "->", "=>", "»", ">", "|", ";")
HEAVY, TIMES_TYPICAL = 0.05, 20


def label_concerns(every: Sequence[str], shown: Sequence[str], separator: str | None) -> list[Concern]:
    """Return what to ask about labels; only those that may be shown are named.

    Parameters
    ----------
    every : sequence of str
        Channels before rare ones were pooled or left out.
    shown : sequence of str
        Channels that may be named.
    separator : str or None
        Between the touchpoints of a path; None for event logs.
    """
    found = []
    groups = [[label for label in group if label in shown] for group in same_but_for_form(every)]
    named = max(groups, key=len, default=[])
    if groups:
        found.append(Concern("same_forms" if named else "same_forms_rare", {"count": len(groups), "labels": named}))
    known = set(shown)
    if taken := sorted(c for c in known if as_written(c) in RESERVED and as_written(c) != c):
        found.append(Concern("reserved_labels", {"labels": taken}))
    if empty := sorted(c for c in known if as_written(c).casefold() in PLACEHOLDERS and (c != "(other)" or c in every)):
        found.append(Concern("placeholder_labels", {"labels": empty}))
    if separator is None:
        if doubtful := sorted(c for c in known if " > " in c):
            found.append(Concern("path_sign", {"labels": doubtful}))
        return found
    for sign in SIGNS:
        if sign not in separator and (holding := sorted(c for c in known if sign in c)):
            found.append(Concern("other_separator", {"labels": holding, "sign": sign, "separator": separator}))
            break
    return found


def length_concerns(journeys: Journeys) -> list[Concern]:
    """Return a concern about the longest journey where it alone makes up more than a twentieth of all touches."""
    lengths, weight = journeys.lengths, journeys.weight
    order = np.argsort(lengths)
    below = np.cumsum(weight[order])
    typical = float(lengths[order][np.searchsorted(below, below[-1] / 2)])
    longest = float(lengths[weight > 0].max())
    share = longest / float(weight @ lengths)
    if share <= HEAVY or longest <= TIMES_TYPICAL * typical:
        return []
    return [Concern("longest_journey", {"touches": int(longest), "share": share, "typical": int(typical)})]
