"""Kano categories of features from pairs of a functional and a dysfunctional question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betainc

from xmresearch.data.weights import effective_n
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.inference.estimates import resample
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
CATEGORIES = ("M", "O", "A", "I", "R", "Q")
"""Must-be, one-dimensional, attractive, indifferent, reverse, questionable; of equal counts the earlier one is taken."""
TABLE = ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")
"""Category by functional (rows) and dysfunctional answer (columns): 1 like, 2 expect, 3 neutral, 4 live with, 5 dislike."""
FONG = 1.65
"""Normal quantile of Fong's test that the first category is ahead of the second."""
_PLACE = np.array([[CATEGORIES.index(c) for c in row] for row in TABLE])


@dataclass(frozen=True, repr=False)
class KanoResult(Shown):
    """Categories of features.

    Attributes
    ----------
    table : DataFrame
        One row per feature: id, n, M, O, A, I, R, Q (respondents, or sums of weights scaled to n), category (most frequent; ties
        M > O > A > I > R > Q), p_category (share of Bayesian-bootstrap draws with the same one), p_ahead (two-sided exact p of its
        being ahead of every other), better ((A + O) / (A + O + M + I))
        and worse (-(O + M) / (A + O + M + I)) with se_better, se_worse and Wilson intervals (lower, upper),
        total_strength (share of M, O and A), category_strength (share of the first category less that of the second),
        fong_significant and moa_ir_rule (category by first comparing M + O + A with I + R + Q).
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per feature."""
        return self.table

    def named(self) -> pd.DataFrame:
        """Return the table with categories by names that no feature bears: kano_M, ..."""
        return self.table.assign(category="kano_" + self.table["category"])

    def summary(self) -> dict[str, Any]:
        """Return how many features there are, and how many of each category."""
        counts = self.table["category"].value_counts()
        return {"features": len(self.table), **{c: int(counts.get(c, 0)) for c in CATEGORIES}}

    def plot(self) -> Figure:
        """Draw how much each feature adds where it is there, with intervals."""
        return forest(self.table, "id", "better", "better", axis="share whom it would please")


def kano(
    functional: pd.DataFrame,
    dysfunctional: pd.DataFrame,
    *,
    weights: Array | None = None,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> KanoResult:
    """Sort features by what their presence and their absence would mean.

    Parameters
    ----------
    functional, dysfunctional : DataFrame
        Answers 1 (I like it) to 5 (I dislike it) to the feature's presence and to its absence, in the same order of
        features, named by the columns of `functional`, shape (n, K); NaN is a blank.
    weights : ndarray, optional
        Design weights, shape (n,).
    confidence : float
        Level of the Wilson intervals (with weights at the effective n).
    bootstrap, seed : int
        Draws of the Bayesian bootstrap and their seed.

    Returns
    -------
    KanoResult

    Raises
    ------
    DataError
        An answer that is none of 1 to 5.

    References
    ----------
    Kano, N., Seraku, N., Takahashi, F. & Tsuji, S. (1984). Attractive quality and must-be quality. Hinshitsu, 14(2), 39-48.
    Berger, C. et al. (1993). Kano's methods for understanding customer-defined quality. Center for Quality Management
    Journal, 2(4), 3-36. Fong, D. (1996). Using the self-stated importance questionnaire to interpret Kano questionnaire results.
    Center for Quality Management Journal, 5(3), 21-23.
    """
    f, d = functional.to_numpy(dtype=float), dysfunctional.to_numpy(dtype=float)
    for block in (functional, dysfunctional):
        given = block.to_numpy(dtype=float)
        wrong = ~(np.isnan(given) | np.isin(given, (1, 2, 3, 4, 5)))
        if wrong.any():
            column = str(block.columns[int(wrong.any(axis=0).argmax())])
            raise DataError(
                f"Column '{column}': {int(wrong.sum())} answers are none of 1 to 5.",
                "Kano answers go from 1 (like) to 5 (dislike): map or reverse the scale.",
            )
    w = np.ones(len(f)) if weights is None else np.asarray(weights, dtype=float)
    rows = []
    for j, name in enumerate(map(str, functional.columns)):
        both = ~np.isnan(f[:, j]) & ~np.isnan(d[:, j])
        n = int(both.sum())
        if n < MIN_CELL:
            continue
        place = _PLACE[f[both, j].astype(int) - 1, d[both, j].astype(int) - 1]
        member = place[:, None] == np.arange(len(CATEGORIES))
        mine = w[both] * (n / w[both].sum())
        draws = np.concatenate([block @ (member * mine[:, None]) for block in resample(n, bootstrap, seed, "bayesian")])
        rows.append(_row(name, n, mine @ member, effective_n(mine, n), draws, confidence))
    return KanoResult(pd.DataFrame(rows), confidence)


def _row(name: str, n: int, counts: Array, n_eff: float, draws: Array, confidence: float) -> dict[str, Any]:
    must, one, attract, indifferent, reverse, doubtful = counts
    first = int(counts.argmax())
    ordered = np.sort(counts)[::-1]
    clear = must + one + attract + indifferent
    base = clear * n_eff / n
    row: dict[str, Any] = {
        "id": name,
        "n": n,
        **dict(zip(CATEGORIES, counts, strict=True)),
        "category": CATEGORIES[first],
    }
    row["p_ahead"] = _ahead(counts * (n_eff / n), first)
    row["p_category"] = float((draws.argmax(axis=1) == first).mean())
    for side, hits in (("better", attract + one), ("worse", one + must)):
        share = hits / clear if clear else np.nan
        low, high = share_interval(share * base, base, confidence=confidence) if clear else (np.nan, np.nan)
        sign = 1 if side == "better" else -1
        row |= {
            side: sign * share, f"{side}_lower": float(min(sign * low, sign * high)), f"{side}_upper": float(max(sign * low, sign * high)),
            f"se_{side}": float(np.sqrt(share * (1 - share) / base)) if clear else np.nan,
        }  # fmt: skip
    a, b = float(ordered[0]), float(ordered[1])
    strong, weak = must + one + attract, indifferent + reverse + doubtful
    among = (0, 1, 2) if strong > weak else (3, 4, 5)
    return row | {
        "total_strength": strong / n, "category_strength": (a - b) / n,
        "fong_significant": bool(abs(a - b) > FONG * np.sqrt((a + b) * (2 * n - a - b) / (2 * n))),
        "moa_ir_rule": CATEGORIES[max(among, key=lambda c: counts[c])],
    }  # fmt: skip


def _ahead(counts: Array, first: int) -> float:
    """Return the p of the sign tests that a category is as frequent as another: the largest over the others, doubled."""
    others = np.delete(counts, first)
    return min(2 * float(betainc(counts[first], others + 1, 0.5).max()), 1.0)
