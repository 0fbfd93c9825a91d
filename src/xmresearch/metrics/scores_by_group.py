"""Scores of groups from counts: estimate, standard error and an interval that holds for few answers and for weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.metrics.measures import Measure
from xmresearch.metrics.share_intervals import quantile, share_interval
from xmresearch.sufficient.counts import Counts

Array = NDArray[np.float64]
BORROWED = 3.0
"""Answers' worth of the other groups' spread that a group's own is drawn towards."""


@dataclass(frozen=True, repr=False)
class GroupScores(Shown):
    """A measure of every group.

    Attributes
    ----------
    table : DataFrame
        One row per group: its names, n (answers), n_eff (Kish), estimate, se (linearised), lower, upper, spread (standard error
        that borrows from the other groups where a group's answers hardly vary; what pooling uses).
    measure : Measure
        What was measured.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    measure: Measure
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the first group's row, with measure and level."""
        return {**self.table.iloc[0].to_dict(), "measure": self.measure.name, "level": self.level}


def group_scores(counts: Counts, measure: Measure, *, confidence: float = 0.95) -> GroupScores:
    """Estimate a measure in every group.

    Parameters
    ----------
    counts : Counts
        Answers by group.
    measure : Measure
        What to make of them.
    confidence : float
        Level.

    Returns
    -------
    GroupScores
        The interval is Rocks' adjusted Wald of a net score, Wilson's of a share and Student's of a mean. With weights, the answers
        that the first two add weigh as an effective one does, variances are linearised, and Student's quantile of the effective answers
        stands in for the normal one, since they are estimated. NaN where there are no answers; a mean
        of answers that are all alike has no interval.

    Raises
    ------
    DataError
        The answers are not on the measure's scale.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician, 70, 365-372. Wilson, E. B. (1927).
    JASA, 22, 209-212. Korn, E. L. & Graubard, B. I. (1998). Survey Methodology, 24, 193-201.
    """
    w, q, n = (_on_scale(counts, measure, t) for t in (counts.weight, counts.square, counts.n))
    v = measure.values
    rows, total = n.sum(axis=1), w.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = (w @ v) / total
        n_eff = np.where(total > 0, total**2 / q.sum(axis=1), 0.0)
        variance = _linearised(q, v, estimate, total) * (rows / (rows - 1))
        se = np.sqrt(variance)
    if measure.kind == "mean":
        reach = stats.t.ppf(0.5 + confidence / 2, np.maximum(rows - 1, 1)) * se
        lower, upper = estimate - reach, estimate + reach
        known = (rows > 1) & (se > 0)
        lower, upper = np.where(known, lower, np.nan), np.where(known, upper, np.nan)
    else:
        lower, upper = _adjusted(w, q, estimate, total, measure, confidence, _stretch(n_eff, rows, confidence))
    spread = np.sqrt(_borrowed(w, q, v, estimate, n_eff))
    table = counts.groups.assign(n=rows, n_eff=n_eff, estimate=estimate, se=se, lower=lower, upper=upper, spread=spread)
    return GroupScores(table, measure, confidence)


def _on_scale(counts: Counts, measure: Measure, table: Array) -> Array:
    """Return counts by the answers of the measure's scale."""
    at = np.searchsorted(measure.levels, counts.levels)
    inside = (at < len(measure.levels)) & (measure.levels[np.minimum(at, len(measure.levels) - 1)] == counts.levels)
    if table[:, ~inside].any():
        odd = float(counts.levels[~inside & table.any(axis=0)][0])
        hint = "Answers that are codes for no answer must be declared as missing."
        if counts.levels.max() == 11 and counts.levels.min() >= 1 and measure.name in ("nps", "enps"):
            hint = "A scale from 1 to 11 is that from 0 to 10 coded one too high: take 1 from every answer."
        raise DataError(
            f"'{counts.answer}' has the answer {odd:g}, which is not on the scale from {measure.levels[0]:g} to "
            f"{measure.levels[-1]:g}.",
            hint,
        )
    spread = np.zeros((len(table), len(measure.levels)))
    spread[:, at[inside]] = table[:, inside]
    return spread


def _linearised(q: Array, v: Array, centre: Array, total: Array) -> Array:
    """Return sum w^2 (y - centre)^2 / (sum w)^2 of every group."""
    return np.asarray((q * (v[None, :] - centre[:, None]) ** 2).sum(axis=1) / total**2)


def _adjusted(
    w: Array, q: Array, estimate: Array, total: Array, measure: Measure, confidence: float, stretch: Array
) -> tuple[Array, Array]:
    """Return the interval with answers added, each of which weighs as an effective answer does."""
    extra, number = measure.added(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = q.sum(axis=1) / total
        more = total + unit * number.sum()
        centre = (w @ measure.values + unit * (number @ extra)) / more
        own = (q * (measure.values[None, :] - centre[:, None]) ** 2).sum(axis=1)
        theirs = unit**2 * (number[None, :] * (extra[None, :] - centre[:, None]) ** 2).sum(axis=1)
        variance = (own + theirs) / more**2
        if measure.kind == "net":
            half = quantile(confidence) * stretch * np.sqrt(variance)
            low, high = np.maximum(centre - half, -100), np.minimum(centre + half, 100)
            return low, high
        n = np.where(total > 0, np.maximum(centre * (1 - centre) / variance / stretch**2 - number.sum(), 1e-9), 0.0)
    share = np.clip(np.where(total > 0, estimate, 0.0), 0.0, 1.0)
    return share_interval(share * n, n, confidence=confidence)


def _stretch(n_eff: Array, rows: Array, confidence: float) -> Array:
    """Return by how much Student's quantile exceeds the normal one: 1 where answers weigh alike."""
    weighted = (rows > 1) & (n_eff < rows * (1 - 1e-9))
    student = stats.t.ppf(0.5 + confidence / 2, np.maximum(n_eff - 1, 1))
    return np.where(weighted, student / quantile(confidence), 1.0)


def _borrowed(w: Array, q: Array, v: Array, estimate: Array, n_eff: Array) -> Array:
    """Return the variance of each group's estimate, its spread drawn towards that of all groups.

    One answer at either end of the scale is added to those of all groups, so that no variance is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        own = (w * (v[None, :] - estimate[:, None]) ** 2).sum(axis=1) / w.sum(axis=1)
        linear = _linearised(q, v, estimate, w.sum(axis=1)) * n_eff
        grand = float(np.nansum(estimate * n_eff) / max(n_eff.sum(), 1.0))
        ends = np.array([v.min(), v.max()])
        common = (float(np.nansum(own * n_eff)) + float(((ends - grand) ** 2).sum())) / (n_eff.sum() + 2)
        return np.asarray((linear * n_eff + BORROWED * common) / (n_eff + BORROWED - 1) / n_eff)
