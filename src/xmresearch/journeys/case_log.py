"""Cases of an event log: what was done in each, when it began and ended, for whom, and what else is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class CaseLog(Shown):
    """Events by case and time.

    Attributes
    ----------
    activities : tuple of str
        Names.
    starts : ndarray
        Where each case begins among the events, and their number, shape (n + 1,).
    code : ndarray
        Activity of each event, shape (m,).
    ended, began : ndarray
        Seconds since 1970 on the clock of the log, shape (m,); `began` is NaN where no start is known.
    score : ndarray
        Rating of the step, shape (m,); NaN where there is none.
    customer : ndarray
        Of each case, shape (n,): a number from 0.
    first : ndarray
        When each case began, shape (n,): its first start or completion.
    closed : ndarray of bool
        Whether a case has come to its end, shape (n,).
    reached : ndarray of bool or None
        Whether a case reached its goal, shape (n,); None where no goal is declared.
    attributes : DataFrame
        One row per case: what is known of it.
    last_moment : float
        End of the log, in seconds: open cases were still open then.
    noted : mapping of str to int
        What was left out of the log, or is odd about it: by rule, how often.
    kept : tuple of (str, int, int)
        Filters in their order: name, cases before, cases after.
    """

    activities: tuple[str, ...]
    starts: Index
    code: Index
    ended: Array
    began: Array
    score: Array
    customer: Index
    first: Array
    closed: Flags
    reached: Flags | None
    attributes: pd.DataFrame
    last_moment: float
    noted: Mapping[str, int] = field(default_factory=dict)
    kept: tuple[tuple[str, int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.starts) - 1

    def _head(self) -> Mapping[str, Any]:
        return {k: v for k, v in self.summary().items() if k != "case"}

    @property
    def lengths(self) -> Index:
        """Events of each case, shape (n,)."""
        return np.diff(self.starts)

    @property
    def case_of(self) -> Index:
        """Case of each event, shape (m,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def paired(self) -> bool:
        """Whether the start of any activity is known."""
        return bool(np.isfinite(self.began).any())

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return len(np.unique(self.customer))

    @property
    def throughput(self) -> Array:
        """Seconds from the first start to the last completion of each case, shape (n,)."""
        return np.asarray(self.ended[self.starts[1:] - 1] - self.first)

    @property
    def waited(self) -> Array:
        """Seconds between the completion of the step before and the start of each, or its completion where no start is known; NaN for the first of a case."""
        found = np.full(len(self.code), np.nan)
        begin = np.where(np.isfinite(self.began), self.began, self.ended)
        found[1:] = np.maximum(begin[1:] - self.ended[:-1], 0.0)
        found[self.starts[:-1]] = np.nan
        return found

    @property
    def worked(self) -> Array:
        """Seconds between start and completion of each step; NaN where no start is known."""
        return self.ended - self.began

    def part(self, cases: Flags, name: str = "") -> CaseLog:
        """Return some of the cases, with the filter noted where it has a name.

        Parameters
        ----------
        cases : ndarray of bool
            Shape (n,).
        name : str
            Of the filter.
        """
        events = np.repeat(cases, self.lengths)
        starts = np.concatenate([[0], np.cumsum(self.lengths[cases])])
        kept = (*self.kept, (name, len(self), int(cases.sum()))) if name else self.kept
        return CaseLog(
            self.activities, starts, self.code[events], self.ended[events], self.began[events], self.score[events],
            self.customer[cases], self.first[cases], self.closed[cases],
            None if self.reached is None else self.reached[cases],
            self.attributes[cases].reset_index(drop=True), self.last_moment, self.noted, kept,
        )  # fmt: skip

    def has(self, names: Sequence[str]) -> Flags:
        """Return which cases hold an event of any of the activities, shape (n,)."""
        if not len(self):
            return np.zeros(0, dtype=bool)
        wanted = np.isin(self.code, [self.activities.index(a) for a in names if a in self.activities])
        return np.logical_or.reduceat(wanted, self.starts[:-1])

    def counts(self) -> Index:
        """Return how often each case holds each activity, shape (n, K)."""
        size = len(self.activities)
        return np.bincount(self.case_of * size + self.code, minlength=len(self) * size).reshape(len(self), size)

    def sequence(self, case: int) -> tuple[str, ...]:
        """Return the activities of a case in their order."""
        return tuple(self.activities[k] for k in self.code[self.starts[case] : self.starts[case + 1]])

    def sequences(self, cases: Index) -> list[tuple[str, ...]]:
        """Return the activities of several cases in their order."""
        code, name = self.code.tolist(), self.activities.__getitem__
        bounds = zip(self.starts[cases].tolist(), self.starts[cases + 1].tolist(), strict=True)
        return [tuple(map(name, code[a:b])) for a, b in bounds]

    def summary(self) -> dict[str, Any]:
        """Return cases, customers, events, activities, open cases and the days that the log spans, with the case: paired or completes."""
        return {
            "case": "paired" if self.paired else "completes", "cases": len(self), "customers": self.customers,
            "events": len(self.code), "activities": len(np.unique(self.code)), "open": int((~self.closed).sum()),
            "first_day": _day(self.first.min(initial=np.inf)), "last_day": _day(self.ended.max(initial=-np.inf)),
            "mean_steps": float(self.lengths.mean()) if len(self) else np.nan,
        }  # fmt: skip


def _day(seconds: float) -> str:
    return "" if not np.isfinite(seconds) else str(np.datetime64(int(seconds), "s"))[:10]
