"""What a join of two files found, as the table that it made tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from xmresearch.data.replacing import apart
from xmresearch.disclosure import MIN_CELL, hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import brief

CHANGES: dict[str, Callable[[str], str]] = {
    "case": str.casefold,
    "leading_zeros": lambda key: key.lstrip("0") or key,
}
"""What keys may differ in if the params say so, and how that is taken off."""
DIFFERENCES = {
    "case": "letter case", "leading_zeros": "leading zeros", "spaces": "spaces", "decimals": "a decimal point and zeros",
}  # fmt: skip
"""What keys may differ in, in words."""


@dataclass(frozen=True, repr=False)
class Join(Shown):
    """What a join by key found; it holds no row.

    Attributes
    ----------
    file : str
        Name of the other file.
    left, right : str
        The key: its column in the rows, and in the other file.
    rows, keyed, matched : int
        Rows; those that have a key; those whose key the other file has.
    sharing : int
        Rows whose key an earlier row has too.
    listed, unmatched : int
        Keys of the other file; those that no row has.
    repeated : int
        Rows of the other file that were left out because an earlier one has their key.
    near : mapping of str to int
        Rows without a match that would have one if keys differed in nothing but this: case, leading_zeros, spaces or decimals.
    columns : tuple of str
        Those that were added.
    levels : mapping of str to DataFrame
        Of added columns of few values: value, listed (keys that have it) and answered (those of them that a row has).
    """

    file: str
    left: str
    right: str
    rows: int
    keyed: int
    matched: int
    sharing: int
    listed: int
    unmatched: int
    repeated: int
    near: Mapping[str, int]
    columns: tuple[str, ...]
    levels: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def protected(self, changed: Mapping[str, Mapping[Any, str] | None]) -> Join:
        """Return what the join found without identifiers: `changed` says what stands for values, None where none may be told."""
        levels = {}
        for column, counts in self.levels.items():
            new = changed.get(column, {})
            if new is None:
                continue
            rest = [v for v in counts["value"] if v not in new]
            whole = {**apart(rest, taken=[*new.values()])[0], **new}
            levels[column] = counts.assign(value=[whole.get(v, v) for v in counts["value"]])
        return replace(self, levels=levels)

    def line(self) -> str:
        """Say it in a few sentences."""
        by = f"'{brief(self.left)}'" + ("" if self.left == self.right else f" = '{brief(self.right)}'")
        said = (
            f"Joined with '{self.file}' by {by}: {self.matched:,d} of {self.rows:,d} row(s) have their key there "
            f"({self.matched / self.rows:.1%}), and {self.unmatched:,d} of its {self.listed:,d} key(s) have no row."
        )
        if self.keyed < self.rows:
            said += f" {self.rows - self.keyed:,d} row(s) have no key."
        if self.sharing:
            said += f" {self.sharing:,d} row(s) share the key of an earlier one."
        if self.repeated:
            said += f" {self.repeated:,d} row(s) of '{self.file}' repeat a key and were left out."
        for what, count in self.near.items():
            key = f" (ignore: [{what}])" if what in CHANGES else ""
            said += f" {count:,d} more would match but for {DIFFERENCES[what]}{key}."
        return said

    def response(self, columns: Sequence[str], min_cell: int = MIN_CELL) -> pd.DataFrame | None:
        """Return who answered of those that the other file lists, by the values of its columns.

        Parameters
        ----------
        columns : sequence of str
            Which; those that were not added, or have too many values, are left out.
        min_cell : int
            Groups in which fewer were listed, answered or did not answer are not shown, nor what would give them away.

        Returns
        -------
        DataFrame or None
            segment, value, listed, answered, rate (per cent); None where there is nothing to show.
        """
        parts = []
        for column in columns:
            if column not in self.levels:
                continue
            counts = self.levels[column]
            listed, answered = counts["listed"].to_numpy(), counts["answered"].to_numpy()
            few = (listed < min_cell) | ((listed > answered) & (listed - answered < min_cell))
            shown = counts.loc[~hidden_counts(answered, min_cell, few) & ~few & (answered > 0)]
            parts.append(shown.assign(segment=column, rate=100 * shown["answered"] / shown["listed"]))
        whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        return whole[["segment", "value", "listed", "answered", "rate"]] if len(whole) else None

    def summary(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "case": "joined", "file": self.file, "key": self.left, "rows": self.rows, "matched": self.matched,
            "rate": 100 * self.matched / self.rows, "listed": self.listed, "unmatched": self.unmatched,
        }  # fmt: skip

    def _head(self) -> Mapping[str, Any]:
        return self.summary()

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {}
