"""Which driver explains more than which, whatever else is there: dominance statements."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.drivers.result import DriverResult
from xmresearch.drivers.subsets import MOST_EXACT, conditional_dominance, subset_masks
from xmresearch.errors import InsufficientData
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
LEVELS = ("complete", "conditional", "general")
"""From the strongest statement to the weakest; each implies those after it."""


@dataclass(frozen=True, repr=False)
class DominanceResult(Shown):
    """Dominance of drivers over one another.

    Attributes
    ----------
    pairs : DataFrame
        One row per pair, the dominant driver first: first, second, dominance (complete: it adds more to every subset of the
        others; conditional: more on average to subsets of every size; general: more on average over sizes; none: alike),
        complete, conditional, general (share of draws in which the statement holds; NaN where draws were not kept).
    conditional : DataFrame
        One row per driver: construct, after_0, after_1, ... (what it adds, on average, to that many others), general (mean).
    """

    pairs: pd.DataFrame
    conditional: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per pair."""
        return self.pairs

    def named(self) -> pd.DataFrame:
        """Return the pairs with the dominant driver as `dominant`, and statements by names that no driver bears."""
        return self.pairs.rename(columns={"first": "dominant"}).assign(dominance="dominance_" + self.pairs["dominance"])

    def summary(self) -> dict[str, Any]:
        """Return how many pairs there are and in how many one dominates completely."""
        counts = self.pairs["dominance"].value_counts()
        return {"pairs": len(self.pairs), **{level: int(counts.get(level, 0)) for level in (*LEVELS, "none")}}


@on_one_thread
def dominance(found: DriverResult) -> DominanceResult:
    """State which driver dominates which.

    Parameters
    ----------
    found : DriverResult
        Of at most `MOST_EXACT` drivers.

    Returns
    -------
    DominanceResult

    Raises
    ------
    InsufficientData
        There are too many drivers for all subsets.

    References
    ----------
    Azen, R. & Budescu, D. V. (2003). The dominance analysis approach for comparing predictors in multiple regression.
    Psychological Methods, 8, 129-148.
    """
    names = list(found.table["construct"])
    k = len(names)
    if found.values is None:
        raise InsufficientData(
            f"{k} drivers have too many subsets; dominance is stated for up to {MOST_EXACT} drivers."
        )
    by_size = conditional_dominance(found.values[None])[0]
    drawn = None if found.values_drawn is None else found.values_drawn
    sizes_drawn = None if drawn is None else conditional_dominance(drawn)
    rows = []
    for i, j in combinations(range(k), 2):
        a, b = (i, j) if by_size[i].mean() >= by_size[j].mean() else (j, i)
        held = [bool(h[0]) for h in _statements(found.values[None], by_size[None], a, b)]
        level = next((name for name, holds in zip(LEVELS, held, strict=True) if holds), "none")
        shares = [np.nan] * 3
        if drawn is not None and sizes_drawn is not None:
            shares = [float(h.mean()) for h in _statements(drawn, sizes_drawn, a, b)]
        rows.append((names[a], names[b], level, *shares))
    table = pd.DataFrame({"construct": names, **{f"after_{s}": by_size[:, s] for s in range(k)}})
    pairs = pd.DataFrame(rows, columns=["first", "second", "dominance", *LEVELS])
    return DominanceResult(pairs, table.assign(general=by_size.mean(axis=1)))


def _statements(values: Array, by_size: Array, a: int, b: int) -> tuple[NDArray[np.bool_], ...]:
    """Say in which rows of values driver a dominates b: completely, conditionally, generally."""
    masks = subset_masks(by_size.shape[1])
    neither = np.flatnonzero(~masks[:, a] & ~masks[:, b])
    more = values[:, neither + (1 << a)] > values[:, neither + (1 << b)]
    sizes = by_size[:, a] > by_size[:, b]
    return more.all(axis=1), sizes.all(axis=1), by_size[:, a].mean(axis=1) > by_size[:, b].mean(axis=1)
