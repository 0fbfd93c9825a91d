"""What a report of a monitoring study shows: figures in their units, alarms and branches beside the declared truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.truth import beside
from xmresearch.data.panel import PanelData
from xmresearch.monitoring.branches import ManyCharts
from xmresearch.monitoring.change_points import LevelChanges
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.watching import Watched

DECIMALS = {"share": 1, "nps": 1, "mean": 2, "count": 1, "rate": 3, "value": 2}


def factor_of(kpi: str) -> float:
    """Return what figures are multiplied by where they are shown: shares in per cent."""
    return 100.0 if kpi == "share" else 1.0


def told_of(params: MonitorParams, series: Any, data: PanelData) -> dict[str, Any]:
    """Return what sentences mention of the study: the figure, its unit, and how much there is."""
    return {
        **series.summary(), "source": data.source, "kpi": f"kpi_{params.kpi}", "outcome": params.outcome or params.time,
        "unit": f"unit_{params.kpi}", "by": f"by_{params.kpi}", "noun": params.branch or "branches_in_general", "form": f"form_{params.period}",
        "run_length": params.run_length, "top": params.top, "min_cell": params.smallest_shown(),
        "better": f"better_{params.better}",
    }  # fmt: skip


def charted(params: MonitorParams, found: Watched) -> pd.DataFrame:
    """Return the chart's table in the units that are shown; a period of too few rows has no figure, nor its number of rows."""
    table = found.table.copy()
    scale = factor_of(params.kpi)
    for column in ("value", "expected", "lower", "upper"):
        table[column] = scale * table[column]
    table["n"] = table["n"].where(table["value"].notna())
    return table.assign(alarmed=["alarm" if a else "" for a in table["alarm"]])


def newest_rows(table: pd.DataFrame, most: int = 30) -> pd.DataFrame:
    """Return the newest periods of the chart, and every one before with an alarm."""
    kept = table["alarm"] & table["watched"]
    kept.iloc[-most:] = True
    return table[kept].reset_index(drop=True)


def episodes_shown(params: MonitorParams, found: Watched, data: PanelData) -> pd.DataFrame | None:
    """Return the episodes of alarm, in the units that are shown, beside the declared shift of a simulation; None without any."""
    if found.episodes.empty:
        return None
    scale = factor_of(params.kpi)
    table = found.episodes.copy()
    for column in ("change", "change_lower", "change_upper"):
        table[column] = scale * table[column]
    table["direction"] = np.where(table["side"] > 0, "above", "below")
    table["ended"] = np.where(table["over"], table["last"], "goes_on")
    truth = _truth(params, data, "")
    if truth is None:
        return table
    sides = [truth if np.sign(truth) == side else np.nan for side in table["side"]]
    return beside(table, sides, ("change_lower", "change_upper"))


def branches_shown(params: MonitorParams, branches: ManyCharts | None, data: PanelData) -> pd.DataFrame | None:
    """Return the branches in the units that are shown, the lowest difference first, beside the declared shift of a simulation."""
    if branches is None:
        return None
    scale = factor_of(params.kpi)
    table = branches.table.sort_values("difference", kind="stable", ignore_index=True)
    for column in ("value", "baseline", "difference", "lower", "upper"):
        table[column] = scale * table[column]
    table = table.rename(columns={"lower": "difference_lower", "upper": "difference_upper", "value": "now"})
    table["shown"] = np.where(table["alarm"], "shown", "open")
    if data.truth is None or _truth(params, data, "") is None:
        return table
    return beside(
        table, [_truth(params, data, str(b)) for b in table["branch"]], ("difference_lower", "difference_upper")
    )


def judged_of(params: MonitorParams, branches: ManyCharts | None) -> dict[str, Any] | None:
    """Return how many branches are judged in how many periods; None where none is."""
    if branches is None or not branches.judged:
        return None
    return {"newest": params.newest, "judged": branches.judged, "false_share": 1 - params.confidence}


def _truth(params: MonitorParams, data: PanelData, unit: str) -> float | None:
    """Return the declared shift of a branch, or of all, in the units that are shown; None of real data, or of what was not declared."""
    if data.truth is None:
        return None
    top = "" if params.top is None else f"top_{params.top:g}"
    measure = {"mean": "mean", "nps": "nps", "share": top}.get(params.kpi, "")
    rows = data.truth
    rows = rows[(rows["outcome"] == params.outcome) & (rows["measure"] == measure) & (rows["unit"] == unit)]
    return None if rows.empty else factor_of(params.kpi) * float(rows["truth"].iloc[0])


def declared(data: PanelData) -> dict[str, Any] | None:
    """Return what a simulation declared, since when (case shift, or slow of cases); None of real data."""
    if data.truth is None:
        return None
    case = "slow" if (data.truth["outcome"] == "resolved").any() else "shift"
    return {"since": str(data.truth["since"].iloc[0]), "case": case}


def delays_shown(found: Watched) -> pd.DataFrame:
    """Return how soon shifts are found, by size."""
    return found.rules.delays.rename(columns={"shift": "size"})


def phases_shown(levels: LevelChanges) -> pd.DataFrame:
    """Return the changes of level, with the interval of each under its name."""
    return levels.table.rename(columns={"lower": "shift_lower", "upper": "shift_upper"})


def since_baseline(found: Watched) -> pd.Series:
    """Return the scores of the periods that are watched."""
    return found.table.loc[found.table["watched"], "score"]


def without_season(params: MonitorParams, found: Watched) -> dict[str, Any]:
    """Return what `xmresearch.monitoring.level_changes` needs: distances from the level of the season, in the units that are shown."""
    level = found.table["expected"] if found.residual is None else found.residual.level
    away = factor_of(params.kpi) * (found.table["value"] - level)
    weights = np.ones(len(away)) if found.residual is None else np.maximum(found.residual.weight, 1.0)
    return {
        "values": away,
        "periods": list(found.table["period"]),
        "weights": weights,
        "confidence": params.confidence,
        "seed": params.seed,
    }


def seasons_shown(params: MonitorParams, found: Watched) -> pd.DataFrame | None:
    """Return the level of each season in the units that are shown; None where there is one level."""
    if found.residual is None or len(found.residual.seasons) < 2:
        return None
    table = found.residual.seasons.copy()
    order = {name: k for k, name in enumerate([*_WEEK, *(f"month_{k}" for k in range(1, 13))])}
    table["order"] = [order.get(name, len(order)) for name in table["season"]]
    table = table.sort_values(["order", "season"], kind="stable", ignore_index=True)
    scale = factor_of(params.kpi)
    middle = float(np.average(table["level"], weights=table["n"]))
    shown = table.assign(level=scale * table["level"], against=scale * (table["level"] - middle), periods=table["n"])
    return shown.drop(columns=["order", "n"])


_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "make_up", "holiday")
