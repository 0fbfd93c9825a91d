"""What a careful reviewer would ask about a log of cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from xmresearch import concerns


class Concern(concerns.Concern):
    """One thing to ask about a log of cases."""

    sentences: ClassVar[Mapping[str, str]] = {
        "few_customers": "There are {customers:d} customers: intervals from so few tend to claim too much.",
        "many_open": "{share:.0%} of the cases are still open; figures of closed ones are of those that went fast.",
        "ties": "{share:.0%} of the events have the same time as the one before, and count in the order of the rows; tie_order says another.",
        "pooled_activities": "{count:d} activities of fewer than {min_cell:d} customers, or beside such, count as one.",
        "cases_as_customers": "No column says whose cases they are, so that each counts as a customer of its own.",
        "no_starts": "Starts are not known, so that waiting before a step holds the work on it as well.",
    }
