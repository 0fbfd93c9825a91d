"""Scores of a scorecard's metrics by wave and group, and their changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.metrics.scores_by_group import group_scores
from xmresearch.metrics.wave_changes import Change, correlation_of_waves, unpaired_change
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import PERSON, WEIGHT, Rows, person_inflation
from xmresearch.sufficient.counts import Counts

POWER = 0.8
"""Chance of seeing the smallest change that matters for which answers are counted."""


def scored(rows: pd.DataFrame, asked: Asked, by: Sequence[str], rows_are: Rows, confidence: float) -> pd.DataFrame:
    """Score a metric in every group of some rows.

    Parameters
    ----------
    rows : DataFrame
        Of `Rows.frame`.
    asked : Asked
        The metric.
    by : sequence of str
        Columns of groups; a row with a blank in one of them is left out.
    rows_are : Rows
        Whether there are weights, and people who answer several times.
    confidence : float
        Level.

    Returns
    -------
    DataFrame
        One row per group: its names, n, n_eff, estimate, se, lower, upper, spread, inflation (of standard errors, because one person
        answered several times), in the metric's units.
    """
    weights = WEIGHT if rows_are.weighted else None
    counts = Counts.of(rows, asked.item, by=by, weights=weights, levels=list(asked.measure.levels))
    table = group_scores(counts, asked.measure, confidence=confidence).table
    table["inflation"] = 1.0
    if rows_are.repeated:
        keys = [rows[c].astype(object) for c in by]
        for at in range(len(table)):
            inside = np.ones(len(rows), dtype=bool)
            for key, name in zip(keys, by, strict=True):
                inside &= (key == table[name].iloc[at]).to_numpy(dtype=bool)
            part = rows[inside]
            scores = part[asked.item].map(asked.values).to_numpy(dtype="float64")
            table.loc[at, "inflation"] = person_inflation(scores, part[WEIGHT].to_numpy(), part[PERSON].to_numpy())
    low, high = (f * asked.factor for f in asked.measure.bounds)
    wide = table["inflation"]
    for name in ("estimate", "se", "spread", "lower", "upper"):
        table[name] = table[name] * asked.factor
    table["lower"] = (table["estimate"] - (table["estimate"] - table["lower"]) * wide).clip(lower=low)
    table["upper"] = (table["estimate"] + (table["upper"] - table["estimate"]) * wide).clip(upper=high)
    return table.assign(se=table["se"] * wide, spread=table["spread"] * wide)


def change_of(
    rows: tuple[pd.DataFrame, pd.DataFrame],
    ends: tuple[dict[str, Any], dict[str, Any]],
    asked: Asked,
    rows_are: Rows,
    confidence: float,
) -> Change:
    """Estimate the change of a metric between two sets of rows.

    Parameters
    ----------
    rows : tuple of DataFrame
        Before and after.
    ends : tuple of dict
        Their scores, as `scored` gives them.
    asked : Asked
        The metric.
    rows_are : Rows
        Whether people may be in both.
    confidence : float
        Level.

    Returns
    -------
    Change
    """
    together = 0.0
    if rows_are.repeated:
        parts = [
            (r[asked.item].map(asked.values).to_numpy(dtype="float64"), r[WEIGHT].to_numpy(), r[PERSON].to_numpy())
            for r in rows
        ]
        together = correlation_of_waves(parts[0], parts[1])
    return unpaired_change(*ends, correlation=together, confidence=confidence)


def change_row(change: Change, asked: Asked, after: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table of changes.

    Parameters
    ----------
    change : Change
        Of a metric.
    asked : Asked
        The metric.
    after : dict
        Its score in the later wave.

    Returns
    -------
    dict
        before, after, n_before, n_after, change with ci_lower and ci_upper, p, p_above and p_below (probability of a rise and a fall by
        more than matters), smallest, answers_needed (of each wave, to see the smallest change that matters).
    """
    variance = float(after["se"]) ** 2 * float(after["n"])
    reach = stats.norm.ppf(0.5 + change.level / 2) + stats.norm.ppf(POWER)
    needed = 2 * variance * reach**2 / asked.smallest**2 if asked.smallest > 0 else np.nan
    return {
        "before": change.before, "after": change.after, "n_before": change.n_before, "n_after": change.n_after,
        "change": change.estimate, "ci_lower": change.lower, "ci_upper": change.upper, "p": change.p,
        "p_above": change.chance_above(asked.smallest), "p_below": 1 - change.chance_above(-asked.smallest),
        "smallest": asked.smallest, "answers_needed": float(np.ceil(needed)) if np.isfinite(needed) else np.nan,
    }  # fmt: skip


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Return scores with their intervals as reports name them, and blank ones of no answers."""
    return table.rename(columns={"lower": "ci_lower", "upper": "ci_upper"})


def over_time(rows: Rows, asked: Asked, params: ScorecardParams) -> pd.DataFrame:
    """Score every wave, and say which one is reported; one with too few answers to this metric is left out."""
    tables = []
    for wave in rows.waves:
        part = rows.of(wave)
        if part[asked.item].notna().sum() >= params.min_cell:
            tables.append(
                scored(part, asked, [], rows, params.confidence).assign(
                    metric=asked.item, wave=wave, reported=wave == rows.after
                )
            )
    return told(pd.concat(tables, ignore_index=True)) if tables else pd.DataFrame(columns=["metric", "wave"])


def changes_between(
    rows: Rows, asked: tuple[Asked, ...], over: list[pd.DataFrame], level: float
) -> pd.DataFrame | None:
    """Return the change of each metric between the two waves, from what `over_time` gives; None where there is no second wave."""
    if not rows.before:
        return None
    found = []
    for metric, table in zip(asked, over, strict=True):
        ends = [t.iloc[0].to_dict() for w in (rows.before, rows.after) if len(t := table[table["wave"] == w])]
        ends = [{**e, "lower": e["ci_lower"], "upper": e["ci_upper"]} for e in ends]
        if len(ends) < 2 or not np.isfinite([e["lower"] for e in ends]).all():
            continue
        change = change_of((rows.of(rows.before), rows.of(rows.after)), (ends[0], ends[1]), metric, rows, level)
        found.append({"metric": metric.item, **change_row(change, metric, ends[1])})
    table = pd.DataFrame(found)
    return table.assign(p_adjusted=adjusted(table["p"].to_numpy())) if len(table) else None
