"""Set effects beside those that a simulation has planted, averaged as the estimates are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.causal.result import DidResult
from xmresearch.claims.truth import beside
from xmresearch.studies.did.publishing import Published


def with_planted(shown: Published | None, level: str, planted: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the rows of a level that may be shown, with the planted effect and whether the interval covers it.

    Parameters
    ----------
    shown : Published or None
        What may be shown of a result.
    level : str
        overall, group, dynamic, att_gt or unit.
    planted : DataFrame or None
        Effects by outcome, measure, unit, cohort, time and event_time, in `truth`; None for real data, for which no column is
        added.

    Returns
    -------
    DataFrame or None
        With columns truth and covered; effects before treatment are zero. None where the level may not be shown.
    """
    table = None if shown is None else shown.effects(level)
    if shown is None or table is None or planted is None:
        return table
    result = shown.result
    if level == "overall":
        truth = [planted_overall(result, m, planted) for m in table["measure"]]
    else:
        truth = _by_level(table, level, result, _own(result, result.estimand, planted))
    return beside(table, truth)


def planted_overall(result: DidResult, measure: str, planted: pd.DataFrame | None) -> float:
    """Return the planted overall effect, averaged as the result averages its own.

    Parameters
    ----------
    result : DidResult
        The result.
    measure : str
        Of the row of level overall: an aggregate for kind staggered, otherwise a measure of the outcome.
    planted : DataFrame or None
        Effects by outcome, measure, unit, cohort, time and event_time.

    Returns
    -------
    float
        NaN where nothing is planted.
    """
    if planted is None:
        return np.nan
    if result.kind == "staggered":
        return aggregates(_pairs(result, _own(result, result.estimand, planted))).get(measure, np.nan)
    own = _own(result, measure, planted)
    return float(own.groupby("unit")["truth"].mean().mean()) if len(own) else np.nan


def _own(result: DidResult, measure: str, planted: pd.DataFrame) -> pd.DataFrame:
    return planted[(planted["outcome"] == result.outcome) & (planted["measure"] == measure)]


def _by_level(table: pd.DataFrame, level: str, result: DidResult, effects: pd.DataFrame) -> list[float]:
    if level == "unit":
        by_unit = effects.groupby("unit")["truth"].mean()
        return [float(by_unit.get(u, np.nan)) for u in table["unit"]]
    pairs = _pairs(result, effects)
    if level == "att_gt":
        known = pairs.set_index(["cohort", "time"])["truth"]
        before = table["event_time"] < 0
        keys = zip(table["cohort"], table["time"], before, strict=True)
        return [0.0 if early else float(known.get((g, t), np.nan)) for g, t, early in keys]
    key = {"group": "cohort", "dynamic": "event_time", "calendar": "time"}[level]
    means = _weighted(pairs, key)
    zero = table["event_time"] < 0
    return [0.0 if z else float(means.get(k, np.nan)) for k, z in zip(table[key], zero, strict=True)]


def _pairs(result: DidResult, effects: pd.DataFrame) -> pd.DataFrame:
    """Return planted effects of the cohorts and periods that the result has after treatment: cohort, time, truth, units."""
    grouped = effects.groupby(["cohort", "time"], sort=True)
    pairs = grouped.agg(
        truth=("truth", "mean"), event_time=("event_time", "first"), units=("unit", "size")
    ).reset_index()
    if "att_gt" not in set(result.table["level"]):
        return pairs
    table = result.tidy("att_gt")
    estimated = set(zip(table["cohort"].astype(str), table["time"].astype(str), strict=True))
    return pairs[[key in estimated for key in zip(pairs["cohort"], pairs["time"], strict=True)]]


def _weighted(pairs: pd.DataFrame, key: str) -> pd.Series:
    """Return the means within each key, weighted by units; over a cohort's periods equally."""
    parts = pairs.assign(part=pairs["truth"] * pairs["units"]).groupby(key)[["part", "units"]].sum()
    return parts["part"] / parts["units"]


def aggregates(pairs: pd.DataFrame) -> dict[str, float]:
    """Return the simple, group, dynamic and calendar averages of planted effects.

    Parameters
    ----------
    pairs : DataFrame
        cohort, time, event_time, truth and units.

    Returns
    -------
    dict of str to float
    """
    by_cohort, size = _weighted(pairs, "cohort"), pairs.groupby("cohort")["units"].first()
    return {
        "simple": float(np.average(pairs["truth"], weights=pairs["units"])),
        "group": float(np.average(by_cohort, weights=size.loc[by_cohort.index])),
        "dynamic": float(_weighted(pairs, "event_time").mean()), "calendar": float(_weighted(pairs, "time").mean()),
    }  # fmt: skip
