"""Completed data sets, each with its blanks filled in another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown

Array = NDArray[np.float64]
MIXED = 1.1


@dataclass(frozen=True, repr=False)
class Imputations(Shown):
    """Several completions of one table.

    Attributes
    ----------
    columns : tuple of str
        What was imputed, p columns.
    values : ndarray
        As given, NaN where blank, shape (n, p).
    filled : ndarray
        What takes the place of the blanks in each completion, row by row, shape (m, blanks).
    trace : ndarray
        Mean of what was filled into each column after every round of every chain, shape (m, rounds, p); NaN for columns
        without blanks.
    index : Index
        Of the rows.
    """

    columns: tuple[str, ...]
    values: Array
    filled: Array
    trace: Array
    index: pd.Index

    def __len__(self) -> int:
        return len(self.filled)

    def complete(self, k: int) -> pd.DataFrame:
        """Return one completed table.

        Parameters
        ----------
        k : int
            Which, from 0.

        Returns
        -------
        DataFrame
            Shape (n, p), without blanks.
        """
        done = self.values.copy()
        done[np.isnan(self.values)] = self.filled[k]
        return pd.DataFrame(done, index=self.index, columns=list(self.columns))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return (self.complete(k) for k in range(len(self)))

    @property
    def mixing(self) -> Array:
        """R-hat of each column's trace over the later half of the rounds, shape (p,); NaN where nothing was filled in."""
        late = self.trace[:, self.trace.shape[1] // 2 :]
        rounds = late.shape[1]
        if rounds < 2 or len(late) < 2:
            return np.full(len(self.columns), np.nan)
        within, between = late.var(axis=1, ddof=1).mean(axis=0), late.mean(axis=1).var(axis=0, ddof=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.sqrt((rounds - 1) / rounds + between / within)
        return np.where((within == 0) & (between == 0), 1.0, found)

    def tidy(self) -> pd.DataFrame:
        """Return one row per column: column, blank (how many), mean of the answers, mean_filled and rhat."""
        blank = np.isnan(self.values)
        where = np.nonzero(blank)[1]
        with np.errstate(invalid="ignore", divide="ignore"):
            filled = np.bincount(where, self.filled.mean(axis=0), len(self.columns)) / blank.sum(axis=0)
            mean = np.where(blank, 0.0, self.values).sum(axis=0) / (~blank).sum(axis=0)
        return pd.DataFrame({
            "column": self.columns, "blank": blank.sum(axis=0), "mean": mean, "mean_filled": filled, "rhat": self.mixing,
        })  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return how much was filled in, and how often."""
        blank = np.isnan(self.values)
        return {
            "m": len(self), "rounds": self.trace.shape[1], "n": len(self.values), "blanks": int(blank.sum()),
            "incomplete": int(blank.any(axis=1).sum()), "columns": int(blank.any(axis=0).sum()),
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return whether the chains have mixed: largest R-hat of the means of what was filled in."""
        known = self.mixing[~np.isnan(self.mixing)]
        worst = float(known.max()) if known.size else 1.0
        status = "pass" if worst <= MIXED else "warn"
        return pd.DataFrame([("imputation", worst, MIXED, status)], columns=["check", "value", "threshold", "status"])
