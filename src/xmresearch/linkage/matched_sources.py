"""How well sources match: which share of rows is linked, and of whom a smaller one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown

MOST_LEVELS = 40


@dataclass(frozen=True, repr=False)
class Matching(Shown):
    """Which rows are linked.

    Attributes
    ----------
    table : DataFrame
        By value of known columns: segment, value, listed, answered (linked) and rate (per cent); values of too few rows are left out.
    tests : DataFrame
        By column: segment, p and p_adjusted (Holm) that the share linked is the same for all values.
    rows, linked : int
        In all.
    level : float
        At which columns are called.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    rows: int
    linked: int
    level: float

    @property
    def uneven(self) -> list[str]:
        """Columns by whose values the share linked differs."""
        return [str(s) for s in self.tests.loc[self.tests["p_adjusted"] < 1 - self.level, "segment"]]

    def tidy(self) -> pd.DataFrame:
        """Return the shares by value."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the share linked and where it is uneven."""
        case = (
            "all" if self.linked == self.rows else "uneven" if self.uneven else "even" if len(self.tests) else "unknown"
        )
        return {
            "case": case, "rows": self.rows, "linked": self.linked, "linked_share": self.linked / self.rows if self.rows else np.nan,
            "unlinked": self.rows - self.linked, "uneven": self.uneven, "examined": [str(s) for s in self.tests["segment"]],
        }  # fmt: skip

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


def matching(
    rows: pd.DataFrame, linked: ArrayLike, columns: Sequence[str], *, min_cell: int = 10, confidence: float = 0.95
) -> Matching:
    """Describe which rows are linked, by columns that are known of all.

    Parameters
    ----------
    rows : DataFrame
        All rows.
    linked : array_like of bool
        Which have a link, shape (n,).
    columns : sequence of str
        Known of all; those of more than 40 values are left out.
    min_cell : int
        Values of fewer rows, or of which fewer are linked or not linked, are not shown, nor what would give them away.
    confidence : float
        Level of the family of tests.

    Returns
    -------
    Matching

    References
    ----------
    Bohensky, M. A. et al. (2010). Data linkage: a powerful research tool with potential problems. BMC Health Services Research, 10, 346.
    Holm (1979).
    """
    found = np.asarray(linked, dtype=bool)
    parts, tests = [], []
    for column in columns:
        values = rows[column].astype(object).where(rows[column].notna(), None)
        if not 1 < values.nunique() <= MOST_LEVELS:
            continue
        counts = pd.DataFrame(
            {"value": values.map(lambda v: None if v is None else str(v)), "listed": 1, "answered": found.astype(int)}
        )
        counts = counts.groupby("value", sort=True).sum().reset_index()
        listed, answered = counts["listed"].to_numpy(), counts["answered"].to_numpy()
        if 0 < found.sum() < len(found):
            expected = np.outer(listed, [answered.sum(), (listed - answered).sum()]) / listed.sum()
            there = expected.min(axis=1) >= 1
            if there.sum() > 1 and expected[there].sum(axis=0).min() > 0:
                pair = np.column_stack([answered, listed - answered])[there]
                tests.append((column, float(stats.chi2_contingency(pair, correction=False).pvalue)))
        few = (
            (listed < min_cell)
            | ((answered > 0) & (answered < min_cell))
            | ((listed > answered) & (listed - answered < min_cell))
        )
        hidden = _hidden(few, (listed, answered, listed - answered), min_cell)
        shown = counts.loc[~hidden]
        parts.append(shown.assign(segment=column, rate=100 * shown["answered"] / shown["listed"]))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    names = ["segment", "value", "listed", "answered", "rate"]
    whole = table[names] if len(table) else pd.DataFrame(columns=names)
    made = pd.DataFrame(tests, columns=["segment", "p"])
    return Matching(whole, made.assign(p_adjusted=adjusted(made["p"])), len(found), int(found.sum()), confidence)


def _hidden(few: NDArray[np.bool_], totals: Sequence[NDArray[Any]], min_cell: int) -> NDArray[np.bool_]:
    """Hide further values until of none of several counts, whose totals are known, what is hidden can be worked out."""
    hidden = few
    while True:
        before = hidden
        for counts in totals:
            hidden = hidden | hidden_counts(counts, min_cell, hidden)
        if (hidden == before).all():
            return hidden
