"""The rules by which rows of an event log are read and become journeys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import ParamsError, brief, nearest
from xmresearch.sufficient.case_ends import AFTER_CONVERSION

if TYPE_CHECKING:
    import polars as pl

Span = str | float | timedelta | None
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


@dataclass(frozen=True, repr=False)
class EventRules(Shown):
    """Rows and rules of an event log; `xmresearch.sufficient.event_log.EventLog` says what each is."""

    data: pd.DataFrame | pl.DataFrame | pl.LazyFrame | str | Path
    customer: str = "customer"
    time: str = "time"
    touchpoint: str = "touchpoint"
    conversion: str | None = None
    converting: Sequence[str] = ()
    value: str | None = None
    cost: str | None = None
    lookback: Span = None
    gap: Span = None
    after_conversion: str = "if_converting"
    max_touches: int | None = None
    lifecycle: str | None = "auto"
    mapping: Mapping[str, str] | None = None
    unknown: str = "raise"
    repeats: str = "keep"
    until: datetime | str | None = None
    time_format: str | None = None
    ordered: bool | None = None

    def __post_init__(self) -> None:
        if self.conversion is None and not self.converting:
            raise ParamsError(
                "Nothing says which events are conversions.", "Name a conversion column, or converting touchpoints."
            )
        if isinstance(self.converting, str):
            raise ParamsError(f"converting is the text '{self.converting}'.", "Give a list of touchpoints.")
        if self.repeats not in ("keep", "drop"):
            raise ParamsError(f"There is no rule '{self.repeats}' for repeats.", "Valid names: 'keep', 'drop'.")
        if self.after_conversion not in AFTER_CONVERSION:
            raise ParamsError(
                f"There is no rule '{self.after_conversion}' for touches after a conversion.",
                nearest(self.after_conversion, AFTER_CONVERSION),
            )
        if self.max_touches is not None and self.max_touches < 1:
            raise ParamsError(f"max_touches is {self.max_touches}.", "Give at least 1, or leave it out.")
        for name in ("lookback", "gap"):
            seconds(getattr(self, name), name)


def seconds(span: Span, name: str) -> float | None:
    """Return a span of time in seconds.

    Raises
    ------
    ParamsError
        It cannot be read, or is not positive.
    """
    if span is None:
        return None
    if isinstance(span, timedelta):
        found = span.total_seconds()
    elif isinstance(span, str):
        parts = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]+)\s*", span.lower())
        if parts is None or parts[2] not in UNITS:
            raise ParamsError(
                f"{name} is '{brief(span)}', which is no span of time.", "Write it as '45min', '12h', '30d' or '4w'."
            )
        found = float(parts[1]) * UNITS[parts[2]]
    else:
        found = float(span)
    if not found > 0:
        raise ParamsError(f"{name} is {span!r}.", "Give a positive span of time, such as '30d', or leave it out.")
    return found
