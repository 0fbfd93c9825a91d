"""Periods in their order, whatever they are written as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.errors import DataError

TEXT_FORMS = (r"\d+", r"\d{4}-\d{2}", r"\d{4}-\d{2}-\d{2}", r"\d{4}-?Q[1-4]", r"\d{4}-?[WS]\d{1,2}", r"\d{4}/\d{2}")


@dataclass(frozen=True)
class Periods:
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
    """

    column: str
    labels: tuple[Any, ...]
    kind: str
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, column: str, values: Sequence[Any], kind: str, order: Sequence[str] = ()) -> Periods:
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

        Returns
        -------
        Periods

        Raises
        ------
        DataError
            Text that has no order.
        """
        found = cls(column, tuple(values), kind, tuple(order))
        if kind == "text":
            found._require_form()
        return cls(column, tuple(sorted(values, key=found.key)), kind, tuple(order))

    def _require_form(self) -> None:
        texts = [str(v) for v in self.labels]
        if not any(all(re.fullmatch(form, t) for t in texts) for form in TEXT_FORMS):
            odd = next((t for t in texts if not any(re.fullmatch(form, t) for form in TEXT_FORMS)), texts[0])
            raise DataError(
                f"Time column '{self.column}' is text that cannot be ordered, such as '{odd}'.",
                "Use numbers, dates, one of the forms 2025-03, 2025-Q1, 2025-W05 or 2025-03-31, or an ordered category.",
            )

    def key(self, value: Any) -> Any:
        """Return what a period sorts by."""
        try:
            if self.kind == "number":
                return float(value)
            if self.kind == "date":
                return pd.Timestamp(value)
            if self.kind == "category":
                return self.order.index(str(value))
            numbers = re.findall(r"\d+", str(value))
            forms = [f for f in TEXT_FORMS if re.fullmatch(f, str(value))]
            if not forms:
                raise ValueError
            return tuple(int(k) for k in numbers)
        except (TypeError, ValueError):
            raise DataError(
                f"{value!r} is no period of time column '{self.column}'.",
                f"Its periods run from {self.labels[0]!r} to {self.labels[-1]!r}.",
            ) from None

    def locate(self, value: Any) -> int:
        """Return the position of the first period at or after a value; len(labels) if there is none."""
        key = self.key(value)
        return next((k for k, label in enumerate(self.labels) if self.key(label) >= key), len(self.labels))

    def __add__(self, other: Periods) -> Periods:
        """Unite two sets of periods."""
        if (self.column, self.kind, self.order) != (other.column, other.kind, other.order):
            raise DataError(f"Periods of '{self.column}' and '{other.column}' are written differently and do not add.")
        both = list(dict.fromkeys((*self.labels, *other.labels)))
        return Periods.of(self.column, both, self.kind, self.order)

    def __len__(self) -> int:
        return len(self.labels)
