"""Periods in their order, whatever they are written as."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, brief
from xmresearch.sufficient.calendar import Span, position, span, spans_of_dates

TEXT_FORMS = (
    r"\d+", r"\d{4}-\d{2}", r"\d{4}-\d{2}-\d{2}", r"\d{4}-?Q[1-4]", r"\d{4}-?W\d{1,2}", r"\d{4}-?S\d{1,2}", r"\d{4}/\d{2}",
    r"\d{4}/\d{2}/\d{2}",
)  # fmt: skip


@dataclass(frozen=True)
class Start:
    """A first treated period that was written in another form than the periods.

    Attributes
    ----------
    given, taken : str
        What was written, and the period that it was taken for.
    case : str
        mapped (it begins with the period), within (it begins later in it) or longer (it is longer than a period).
    """

    given: str
    taken: str
    case: str


@dataclass(frozen=True, repr=False)
class Periods(Shown):
    """The periods of a study, in order.

    Attributes
    ----------
    column : str
        Where they come from.
    labels : tuple
        Distinct periods, earliest first, as in the data.
    kind : str
        number, date, text or category.
    order : tuple of str
        All categories in order, where kind is category.
    grouped : str
        day, week, month, quarter or year, where dates were put into these; otherwise empty.
    """

    column: str
    labels: tuple[Any, ...]
    kind: str
    order: tuple[str, ...] = ()
    grouped: str = ""

    @classmethod
    def of(cls, column: str, values: Sequence[Any], kind: str, order: Sequence[str] = (), grouped: str = "") -> Periods:
        """Put distinct values in order.

        Parameters
        ----------
        column : str
            Name of the time column.
        values : sequence
            Distinct values.
        kind : str
            number, date, text or category.
        order : sequence of str
            All categories in order, for kind category.
        grouped : str
            What dates were put into.

        Returns
        -------
        Periods

        Raises
        ------
        DataError
            Text that has no order.
        """
        found = cls(column, tuple(values), kind, tuple(order), grouped)
        if kind == "text":
            found._require_form()
        return cls(column, tuple(sorted(values, key=found.key)), kind, tuple(order), grouped)

    def _require_form(self) -> None:
        texts = [str(v) for v in self.labels]
        if not any(all(re.fullmatch(form, t) for t in texts) for form in TEXT_FORMS):
            odd = next((t for t in texts if not any(re.fullmatch(form, t) for form in TEXT_FORMS)), texts[0])
            raise DataError(
                f"Time column '{self.column}' is text that cannot be ordered, such as '{brief(odd)}'.",
                "Use numbers, dates, one of the forms 2025-03, 2025-Q1, 2025-W05 or 2025-03-31, or an ordered category.",
            )

    def key(self, value: Any) -> Any:
        """Return what a period sorts by."""
        try:
            if self.kind == "number":
                return float(value)
            if self.kind == "date":
                return pd.Timestamp(value).tz_localize(None)
            if self.kind == "category":
                return self.order.index(str(value))
            text, own = str(value), str(self.labels[0])
            if not any(re.fullmatch(form, text) and re.fullmatch(form, own) for form in TEXT_FORMS):
                raise ValueError
            return tuple(int(k) for k in re.findall(r"\d+", text))
        except (TypeError, ValueError):
            self._refuse(value)

    def _refuse(self, value: Any) -> NoReturn:
        raise DataError(
            f"{brief(repr(value))} is no period of time column '{self.column}'.",
            f"Its periods run from {brief(repr(self.labels[0]))} to {brief(repr(self.labels[-1]))}.",
        ) from None

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """What the periods are in the calendar; empty where they are not of one form of it."""
        if self.kind == "date":
            moments = [self.key(label) for label in self.labels]
            if any(m != m.normalize() for m in moments):
                return ()
            return spans_of_dates([m.date() for m in moments])
        found = [span(label) for label in self.labels] if self.kind in ("number", "text") else []
        known = tuple(s for s in found if s is not None)
        return known if len(known) == len(self.labels) and len({s.form for s in known}) == 1 else ()

    @cached_property
    def steps(self) -> NDArray[np.float64]:
        """Where the periods lie, in steps of the smallest distance between two of them, from 0; shape (T,).

        Months, quarters and years count as equally long. Periods of which only the order is known are one step apart.
        """
        if self.spans:
            at = np.array([position(s) for s in self.spans], dtype=float)
        elif self.kind == "number":
            at = np.array([self.key(label) for label in self.labels])
        elif self.kind == "date":
            at = np.array([self.key(label).timestamp() for label in self.labels])
        elif self.kind == "text" and all(re.fullmatch(r"\d+", str(label)) for label in self.labels):
            at = np.array([float(label) for label in self.labels])
        else:
            at = np.arange(len(self.labels), dtype=float)
        return np.asarray((at - at[0]) / (np.diff(at).min() if len(at) > 1 else 1.0))

    @cached_property
    def when(self) -> NDArray[np.int64]:
        """Whole steps, by which event times count; the order of the periods where a distance is no whole number of steps."""
        whole = np.round(self.steps)
        near = np.allclose(whole, self.steps, rtol=0, atol=1e-6)
        return whole.astype(np.int64) if near else np.arange(len(self.labels))

    def locate(self, value: Any) -> int:
        """Return the position of the period that holds a value's first day or, failing that, of the first after it.

        Dates of whatever form (a day of a month, a quarter against months) are looked up in the calendar, where the periods are
        of it; anything else by its order. len(labels) if there is none.
        """
        if self.spans and (given := span(value)) is not None:
            k = bisect_right(self.spans, given.first, key=lambda s: s.first) - 1
            return k if k >= 0 and given.first <= self.spans[k].last else k + 1
        if self.spans and self.kind == "text":
            self._refuse(value)
        key = self.key(value)
        return next((k for k, label in enumerate(self.labels) if self.key(label) >= key), len(self.labels))

    def converted(self, value: Any) -> Start | None:
        """Return how a value of another form was taken; None for one of the same form, or outside the periods."""
        given, k = span(value) if self.spans else None, self.locate(value)
        if given is None or k == len(self.labels) or given.form == self.spans[k].form:
            return None
        own = self.spans[k]
        if self.kind == "date" and given.first == own.first:
            return None
        days = (given.last - given.first).days, (own.last - own.first).days
        case = "longer" if days[0] > days[1] else "mapped" if given.first <= own.first else "within"
        return Start(written(value), written(self.labels[k]), case)

    def __add__(self, other: Periods) -> Periods:
        """Unite two sets of periods."""
        mine = (self.column, self.kind, self.order, self.grouped)
        if mine != (other.column, other.kind, other.order, other.grouped):
            raise DataError(
                f"Periods of '{self.column}' and '{other.column}' are written differently and do not add.",
                "Give period= for both where dates are put into periods.",
            )
        both = list(dict.fromkeys((*self.labels, *other.labels)))
        return Periods.of(self.column, both, self.kind, self.order, self.grouped)

    def __len__(self) -> int:
        return len(self.labels)


def written(label: Any) -> str:
    """Write the label of a period, cohort or unit as text."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    if hasattr(label, "isoformat"):
        return str(label.isoformat()).removesuffix("T00:00:00")
    return str(label)
