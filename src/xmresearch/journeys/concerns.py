"""What a careful reviewer would ask about a log of cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from xmresearch import concerns
from xmresearch.journeys.case_log import CaseLog
from xmresearch.sufficient.label_forms import OTHER, as_written, same_but_for_form

PLACEHOLDERS = frozenset(
    {"(other)", "(not set)", "(not provided)", "(data not available)", "(unavailable)", "(unassigned)"}
)
HEAVY, TIMES_TYPICAL = 0.05, 20


class Concern(concerns.Concern):
    """One thing to ask about a log of cases."""

    sentences: ClassVar[Mapping[str, str]] = {
        "few_customers": "There are {customers:d} customers: intervals from so few tend to claim too much.",
        "same_forms": "{count:d} groups of activities differ in letter case, blanks or Unicode form only, such as {labels}: they are counted apart (merge_forms).",
        "placeholder_labels": "{labels}: by such names a log says that it does not know the activity, or counts several as one.",
        "longest_case": "One case of {steps:,d} steps makes up {share:.0%} of all, while half of the cases have {typical:d} at most (filters.max_steps).",
        "many_open": "{share:.0%} of the cases are still open; figures of closed ones are of those that went fast.",
        "ties": "{share:.0%} of the events have the same time as the one before, and count in the order of the rows; tie_order says another.",
        "pooled_activities": "{count:d} activities of fewer than {min_cell:d} customers, or beside such, count as one.",
        "cases_as_customers": "No column says whose cases they are, so that each counts as a customer of its own.",
        "no_starts": "Starts are not known, so that waiting before a step holds the work on it as well.",
    }


def odd_about(log: CaseLog) -> list[Concern]:
    """Return what is odd about the activities of a log and about its longest case.

    Parameters
    ----------
    log : CaseLog
        Whose activities may all be named.

    Returns
    -------
    list of Concern
    """
    found = []
    groups = same_but_for_form([a for a in log.activities if a != OTHER])
    if groups:
        found.append(
            Concern("same_forms", {"count": len(groups), "labels": list(sorted(groups, key=lambda g: -len(g))[0])})
        )
    if empty := sorted(a for a in log.activities if a != OTHER and as_written(a).casefold() in PLACEHOLDERS):
        found.append(Concern("placeholder_labels", {"labels": empty}))
    lengths = log.lengths
    longest, typical = int(lengths.max(initial=0)), float(np.median(lengths)) if len(lengths) else 0.0
    share = longest / max(int(lengths.sum()), 1)
    if share > HEAVY and longest > TIMES_TYPICAL * typical:
        found.append(Concern("longest_case", {"steps": longest, "share": share, "typical": int(typical)}))
    return found
