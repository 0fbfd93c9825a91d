"""Numbers for labels that come in batches, the same in every batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xmresearch.errors import DataError
from xmresearch.journeys.case_log import Index

if TYPE_CHECKING:
    import polars as pl


class LabelCodes:
    """Numbers for labels, the same in every batch."""

    def __init__(self, most: int, what: str) -> None:
        self.names: list[str] = []
        self._place: dict[str, int] = {}
        self._lookup = np.full(0, -1, dtype=np.int64)
        self._most, self._what = most, what

    def of(self, labels: pl.Series, at: Index | None = None) -> Index:
        """Return the number of each label, or of those at some places; raise DataError where one is blank, or there are too many."""
        if labels.null_count():
            raise DataError(f"{labels.null_count()} row(s) have no {self._what}.", "Leave them out first.")
        raw = labels.to_physical().to_numpy()
        raw = raw if at is None else raw[at]
        try:
            code = self._lookup.take(raw)
        except IndexError:
            more = np.full(int(raw.max()) + 1 - len(self._lookup), -1, dtype=np.int64)
            self._lookup = np.concatenate([self._lookup, more])
            code = self._lookup.take(raw)
        if code.min(initial=0) < 0:
            seen = labels.unique(maintain_order=True)
            for name, place in zip(seen.cast(str).to_list(), seen.to_physical().to_list(), strict=True):
                if place >= len(self._lookup):
                    more = np.full(place + 1 - len(self._lookup), -1, dtype=np.int64)
                    self._lookup = np.concatenate([self._lookup, more])
                self._lookup[place] = self._place.setdefault(name, len(self._place))
            self.names = list(self._place)
            if len(self.names) > self._most:
                raise DataError(
                    f"There are more than {self._most} different values of {self._what}.", "Map them to fewer."
                )
            code = self._lookup.take(raw)
        return np.asarray(code)
