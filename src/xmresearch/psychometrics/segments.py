"""Gaps by segment, with small cells suppressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pingouin
from numpy.typing import NDArray
from scipy import stats

from xmresearch.data.codebook import Codebook
from xmresearch.psychometrics.batteries import dimension_scores
from xmresearch.psychometrics.estimates import Means, estimate_means

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SegmentResult:
    """Dimension gaps by segment.

    Attributes
    ----------
    table : DataFrame
        One row per segment value and dimension: segment, value, construct, n, gap, sd, ci_lower, ci_upper, suppressed.
        Suppressed cells hold no figure: those with n below `min_cell`, and further ones where a small cell, or the
        small sum of those suppressed, could be worked out from the total.
    tests : DataFrame
        One row per segment and dimension: segment, construct, groups, f, df1, df2, p, p_adjusted (Benjamini-Hochberg
        over all of them), family.
    min_cell : int
        Smallest n that is published.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    min_cell: int

    def tidy(self, segment: str | None = None) -> pd.DataFrame:
        """Return the cells of one segment column, or of all."""
        return self.table if segment is None else self.table[self.table["segment"] == segment].reset_index(drop=True)

    def summary(self) -> dict[str, Any]:
        """Return the widest published shortfall and how many differences stand after adjustment."""
        shown = self.table[~self.table["suppressed"]]
        real = int((self.tests["p_adjusted"] < 0.05).sum())
        hidden = int(self.table.loc[self.table["suppressed"], ["segment", "value"]].drop_duplicates().shape[0])
        facts = {"differences": real, "family": len(self.tests), "hidden": hidden, "min_cell": self.min_cell}
        if shown.empty:
            return facts | {"case": "none_shown"}
        worst = shown.loc[shown["gap"].idxmin()]
        return facts | {
            "case": "differences" if real else "alike", "segment": worst["segment"],
            "value": f"{worst['segment']}={worst['value']}", "dimension": worst["construct"], "gap": worst["gap"],
            "lower": worst["ci_lower"], "upper": worst["ci_upper"],
        }  # fmt: skip


def segment_gaps(
    frame: pd.DataFrame,
    codebook: Codebook,
    segments: Sequence[str],
    *,
    weights: Array | None = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    min_cell: int = 10,
) -> SegmentResult | None:
    """Measure dimension gaps within every segment.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows, with the segment columns as text; blanks belong to no segment.
    codebook : Codebook
        Which items form which dimension.
    segments : sequence of str
        Columns to split by, one at a time.
    weights : ndarray, optional
        Design weights, shape (n,).
    confidence : float
        Level of the t intervals.
    min_answered : float
        Share of a dimension's items that must be answered.
    min_cell : int
        Cells with fewer respondents are suppressed.

    Returns
    -------
    SegmentResult or None
        None where there are no segments.
    """
    if not segments:
        return None
    gap = dimension_scores(frame, codebook, "perception", min_answered) - dimension_scores(
        frame, codebook, "expectation", min_answered
    )
    names, values = list(gap.columns), gap.to_numpy()
    cells: list[pd.DataFrame] = []
    tests: list[tuple[Any, ...]] = []
    for segment in segments:
        column = frame[segment]
        named = codebook.segments[segment].values if segment in codebook.segments else {}
        levels = [v for v in named if (column == v).any()] + sorted(set(column.dropna()) - set(named))
        members = [(column == level).to_numpy() for level in levels]
        found = [estimate_means(values[m], None if weights is None else weights[m]) for m in members]
        sizes = np.array([f.n.min() for f in found])
        hidden = _hidden(sizes, min_cell)
        for level, means, hide in zip(levels, found, hidden, strict=True):
            low, high = means.interval(confidence)
            block = pd.DataFrame({
                "segment": segment, "value": level, "construct": names, "n": means.n.astype(float), "gap": means.mean,
                "sd": means.sd, "ci_lower": low, "ci_upper": high, "suppressed": bool(hide),
            })  # fmt: skip
            if hide:
                block[["n", "gap", "sd", "ci_lower", "ci_upper"]] = np.nan
            cells.append(block)
        shown = [f for f, hide in zip(found, hidden, strict=True) if not hide]
        if len(shown) > 1:
            tests.extend((segment, name, len(shown), *welch(shown, k)) for k, name in enumerate(names))
    table = pd.concat(cells, ignore_index=True)
    test = pd.DataFrame(tests, columns=["segment", "construct", "groups", "f", "df1", "df2", "p"])
    test["p_adjusted"] = pingouin.multicomp(test["p"].to_numpy(), method="fdr_bh")[1] if len(test) else np.nan
    return SegmentResult(table, test.assign(family=len(test)), min_cell)


def _hidden(sizes: NDArray[np.int64], min_cell: int) -> NDArray[np.bool_]:
    """Mark small cells, and further ones, smallest first, until what is hidden cannot be worked out from the total."""
    hidden = np.asarray(sizes < min_cell)
    while hidden.any() and not hidden.all() and (hidden.sum() == 1 or sizes[hidden].sum() < min_cell):
        hidden[int(np.where(hidden, np.iinfo(np.int64).max, sizes).argmin())] = True
    return hidden


def welch(groups: Sequence[Means], k: int) -> tuple[float, float, float, float]:
    """Test whether group means are equal, without assuming equal variances.

    Parameters
    ----------
    groups : sequence of Means
        Two or more, each with at least two respondents.
    k : int
        Which variable.

    Returns
    -------
    f, df1, df2, p : float
        With design weights the squared standard errors are the linearised ones.

    References
    ----------
    Welch, B. L. (1951). On the comparison of several mean values. Biometrika, 38, 330-336.
    """
    n = np.array([g.n[k] for g in groups], dtype=float)
    mean = np.array([g.mean[k] for g in groups])
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = 1 / np.array([g.se[k] for g in groups]) ** 2
        if not np.isfinite(precision).all():
            return (float("nan"),) * 4
        j = len(groups)
        total = precision.sum()
        centre = (precision * mean).sum() / total
        lack = ((1 - precision / total) ** 2 / (n - 1)).sum()
        f = (precision * (mean - centre) ** 2).sum() / (j - 1) / (1 + 2 * (j - 2) / (j**2 - 1) * lack)
        df2 = (j**2 - 1) / (3 * lack)
    return float(f), float(j - 1), float(df2), float(stats.f.sf(f, j - 1, df2))
