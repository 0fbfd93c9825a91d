"""Branches compared as if they had the same people: case-mix adjustment, then partial pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.linkage.variance_parts import variance_beyond
from xmresearch.metrics.many_groups import pool_means

Array = NDArray[np.float64]
FEWEST_COMPARED = 3


@dataclass(frozen=True, repr=False)
class AdjustedBranches(Shown):
    """Branches beside the mean of all, adjusted for who answered.

    Attributes
    ----------
    table : DataFrame
        One row per branch that may be shown: branch, n, observed (mean), adjusted, difference (adjusted less the mean of the branches) with
        difference_lower and difference_upper, pooled (drawn towards the mean by as much as chance may have parted it), p and q (by
        Benjamini & Hochberg), shown ('shown' where q is below 1 - level, otherwise 'open').
    hidden : int
        Branches that are not shown.
    centre, spread : float
        Mean of the branches and their standard deviation beyond sampling.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    hidden: int
    centre: float
    spread: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per branch, the lowest difference first."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many are compared and how far they differ."""
        return {
            "compared": len(self.table), "hidden": self.hidden, "centre": self.centre, "spread": self.spread,
            "case": "some_hidden" if self.hidden else "all_shown",
        }  # fmt: skip

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


def adjusted_branches(
    rows: pd.DataFrame, branch: str, score: str, *, adjust: Sequence[str] = (), min_cell: int = 10, confidence: float = 0.95, seed: int = 0,
) -> AdjustedBranches:  # fmt: skip
    """Compare branches as if each had the case mix of all.

    Parameters
    ----------
    rows : DataFrame
        One row per person; those without branch, score or any column of the case mix are left out.
    branch, score : str
        Columns.
    adjust : sequence of str
        Columns of the case mix: few values each are taken as groups, numbers of many as straight lines.
    min_cell : int
        Branches of fewer people are not shown, nor what would give them away.
    confidence : float
        Level of the intervals; the share of false ones among branches that are called is at most 1 - level.
    seed : int
        Of the pooled estimates.

    Returns
    -------
    AdjustedBranches

    Raises
    ------
    DataError, InsufficientData
        A column is not there; fewer than three branches may be shown.

    Notes
    -----
    The case mix is held equal by least squares within branches. A branch is compared with the unweighted mean of those shown; p from a t
    distribution by a variance common to all.

    References
    ----------
    Iezzoni, L. I. (2013). Risk adjustment for measuring health care outcomes. Benjamini & Hochberg (1995). Efron & Morris (1975).
    """
    for column in (branch, score, *adjust):
        if column not in rows.columns:
            raise DataError(f"The rows have no column '{brief(column)}'.", nearest(column, map(str, rows.columns)))
    frame = rows.loc[rows[[branch, score, *adjust]].notna().all(axis=1)]
    codes, names = pd.factorize(frame[branch].astype(str), sort=True)
    n = np.bincount(codes, minlength=len(names)).astype("float64")
    hidden = hidden_counts(n, min_cell)
    if (~hidden).sum() < FEWEST_COMPARED:
        raise InsufficientData(
            f"{int((~hidden).sum())} branch(es) may be shown; {FEWEST_COMPARED} are needed to compare them.",
            "Give more people a branch.",
        )
    y = frame[score].to_numpy(dtype="float64")
    mix = _case_mix(frame, adjust)
    mean = np.bincount(codes, weights=y) / n
    mixes = (
        np.stack([np.bincount(codes, weights=m) / n for m in mix.T], axis=1) if mix.shape[1] else np.zeros((len(n), 0))
    )
    inner_y, inner_mix = y - mean[codes], mix - mixes[codes]
    inverse = np.linalg.pinv(inner_mix.T @ inner_mix)
    slope = inverse @ (inner_mix.T @ inner_y)
    df = len(y) - len(n) - int(np.linalg.matrix_rank(inner_mix)) if mix.shape[1] else len(y) - len(n)
    if df < 1:
        raise InsufficientData("Branches have one person each.", "Give more people a branch.")
    residual = float(((inner_y - inner_mix @ slope) ** 2).sum()) / df
    if not residual > 0:
        raise InsufficientData("Within branches all answers are the same.", "Choose a score that differs.")
    away = mixes - mix.mean(axis=0)
    whole = (mean - away @ slope)[~hidden]
    errors = residual * (np.diag(1 / n) + away @ inverse @ away.T)[np.ix_(~hidden, ~hidden)]
    k = len(whole)
    contrast = np.eye(k) - 1 / k
    difference = contrast @ whole
    se = np.sqrt(np.diag(contrast @ errors @ contrast))
    p = 2 * stats.t.sf(np.abs(difference) / se, df)
    reach = stats.t.ppf(0.5 + confidence / 2, df) * se
    pooled = pool_means(whole, np.sqrt(np.diag(errors)), seed=seed, confidence=confidence).table["estimate"]
    q = adjusted(p, "bh")
    table = pd.DataFrame({
        "branch": [str(b) for b, h in zip(names, hidden, strict=True) if not h], "n": n[~hidden].astype(int), "observed": mean[~hidden],
        "adjusted": whole, "difference": difference, "difference_lower": difference - reach, "difference_upper": difference + reach,
        "pooled": pooled.to_numpy(), "p": p, "q": q, "shown": np.where(q < 1 - confidence, "shown", "open"),
    }).sort_values("difference", kind="stable", ignore_index=True)  # fmt: skip
    spread = variance_beyond(whole, np.ones((k, 1)), np.diag(errors))[0]
    return AdjustedBranches(table, int(hidden.sum()), float(whole.mean()), float(np.sqrt(spread)), confidence)


MOST_LEVELS = 12


def _case_mix(frame: pd.DataFrame, adjust: Sequence[str]) -> Array:
    """Return the case mix as numbers, shape (n, columns)."""
    parts = []
    for column in adjust:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_LEVELS:
            parts.append(values.to_numpy(dtype="float64")[:, None])
        else:
            parts.append(pd.get_dummies(values.astype(str), drop_first=True).to_numpy(dtype="float64"))
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(frame), 0))
