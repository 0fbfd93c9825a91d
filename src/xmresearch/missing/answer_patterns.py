"""Which answers are blank together, how often, and in how many rows nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.disclosure import MIN_CELL, hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.sem.inputs import check_frame, numbers_of
from xmresearch.sufficient.available_moments import summed

Marks = NDArray[np.bool_]
_MOST_NAMED = 6


@dataclass(frozen=True, repr=False)
class PatternResult(Shown):
    """Patterns of blanks.

    Attributes
    ----------
    table : DataFrame
        One row per pattern, the most frequent first: pattern (complete, blanks, or other_patterns for those that are too
        rare to be shown), blank (names of the blank items), items (how many they are), n and share of the rows.
    items : DataFrame
        One row per item, in the order given: item, n (answers), blank (blanks), share (of the rows that are blank).
    n : int
        Rows.
    complete : int
        Rows without a blank.
    distinct : int
        Patterns that occur, rare ones and the complete one included.
    min_cell : int
        Fewest people of a pattern that is shown.
    """

    table: pd.DataFrame
    items: pd.DataFrame
    n: int
    complete: int
    distinct: int
    min_cell: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per pattern that may be shown."""
        return self.table

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {"Patterns": self.table, "Items": self.items}

    def summary(self) -> dict[str, Any]:
        """Return how many rows are complete, and which item is blank most often."""
        most = self.items.loc[self.items["share"].idxmax()]
        return {
            "n": self.n, "complete": self.complete, "complete_share": self.complete / self.n,
            "incomplete": self.n - self.complete, "patterns": self.distinct, "items": len(self.items),
            "blank_share": float(self.items["share"].mean()), "item": most["item"], "item_share": float(most["share"]),
            "min_cell": self.min_cell,
        }  # fmt: skip

    def top(self, count: int) -> pd.DataFrame:
        """Return the most frequent patterns as a report shows them.

        Parameters
        ----------
        count : int
            How many; the others are added up in other_patterns.

        Returns
        -------
        DataFrame
            As `table`, with at most six items of a pattern named, and the number of the others.
        """
        named = self.table[self.table["pattern"] != "other_patterns"]
        kept, rest = named.head(count), self.n - int(named.head(count)["n"].sum())
        shown = kept.assign(blank=[_shortened(b) for b in kept["blank"]])
        return _with_others(shown, rest, self.n)


def patterns(frame: pd.DataFrame, columns: Sequence[str], *, min_cell: int = MIN_CELL) -> PatternResult:
    """Count which items are blank together.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    columns : sequence of str
        Items, numbers.
    min_cell : int
        A pattern of fewer people is not shown by itself but added to the others; at least 10, whatever is given.

    Returns
    -------
    PatternResult

    Raises
    ------
    DataError
        A column is not there, or not of numbers.
    InsufficientData
        No columns, or no rows.

    References
    ----------
    Enders, C. K. (2010). Applied missing data analysis. Guilford (chapter 1: patterns of missing data).
    """
    names = list(columns)
    if not names:
        raise InsufficientData("No columns were named, so there are no blanks to count.")
    least = max(min_cell, MIN_CELL)
    if isinstance(frame, StreamedAnswers):
        return _streamed(frame, names, least)
    blank = np.isnan(numbers_of(check_frame(frame), names))
    kinds, counts = np.unique(blank, axis=0, return_counts=True)
    order = np.lexsort((kinds.sum(axis=1), -counts))
    kinds, counts = kinds[order], counts[order]
    hidden = hidden_counts(counts, least)
    rows = [
        ("blanks" if kind.any() else "complete", [n for n, b in zip(names, kind, strict=True) if b], int(kind.sum()), int(c))
        for kind, c in zip(kinds[~hidden], counts[~hidden], strict=True)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["pattern", "blank", "items", "n"])
    table["share"] = table["n"] / len(frame)
    items = pd.DataFrame({
        "item": names, "n": (~blank).sum(axis=0), "blank": blank.sum(axis=0), "share": blank.mean(axis=0),
    })  # fmt: skip
    return PatternResult(
        _with_others(table, int(counts[hidden].sum()), len(frame)), items, len(frame),
        int((~blank.any(axis=1)).sum()), len(kinds), least,
    )  # fmt: skip


def _streamed(answers: StreamedAnswers, names: list[str], least: int) -> PatternResult:
    """Count complete rows and blanks of streamed answers, whose patterns are too many to be kept."""

    def counts(rows: pd.DataFrame) -> NDArray[np.float64]:
        blank = np.isnan(rows[names].to_numpy(dtype=np.float64))
        return np.append(blank.sum(axis=0), (~blank.any(axis=1)).sum()).astype(np.float64)

    total, n = summed(answers, counts).astype(np.int64), len(answers)
    blank, complete = total[:-1], int(total[-1])
    shown = not hidden_counts(np.array([complete, n - complete]), least).any()
    rows: list[tuple[Any, ...]] = [("complete", [], 0, complete)] if shown and complete else []
    table = pd.DataFrame(rows, columns=["pattern", "blank", "items", "n"])
    table["share"] = table["n"] / n
    items = pd.DataFrame({"item": names, "n": n - blank, "blank": blank, "share": blank / n})
    rest = n - complete if shown else n
    return PatternResult(_with_others(table, rest, n), items, n, complete, 0, least)


def _with_others(table: pd.DataFrame, rest: int, n: int) -> pd.DataFrame:
    """Add a last row for what is not shown by itself."""
    if not rest:
        return table.reset_index(drop=True)
    others = pd.DataFrame(
        {"pattern": ["other_patterns"], "blank": [[]], "items": [None], "n": [rest], "share": [rest / n]}
    )
    return pd.concat([table.astype({"items": object}), others], ignore_index=True)


def _shortened(names: Sequence[str]) -> list[str]:
    more = len(names) - _MOST_NAMED
    return [*names[:_MOST_NAMED], f"+{more}"] if more > 0 else list(names)
