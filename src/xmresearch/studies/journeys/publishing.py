"""What of a journeys study may be shown, and in which columns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.disclosure import hidden_counts
from xmresearch.journeys.declared_paths import Conformance
from xmresearch.journeys.durations import CaseTimes
from xmresearch.journeys.group_comparison import GroupComparison
from xmresearch.journeys.journey_stages import JourneyMap
from xmresearch.journeys.lost_time import Bottlenecks
from xmresearch.journeys.map_of_steps import StepMap
from xmresearch.journeys.path_variants import Variants
from xmresearch.journeys.repeated_steps import Rework
from xmresearch.journeys.sequence_clusters import PathClusters
from xmresearch.studies.journeys.params import JourneysParams

MOST_ROWS = 15


def steps_shown(times: CaseTimes, min_cell: int) -> pd.DataFrame:
    """Return the most frequent steps of enough cases, and none that would tell a rarer one of the same activity."""
    table = times.steps
    hidden = np.zeros(len(table), dtype=bool)
    for _, at in table.groupby("source", sort=True).indices.items():
        hidden[at] = hidden_counts(table["cases"].to_numpy()[at], min_cell)
    return table[~hidden].head(MOST_ROWS).reset_index(drop=True)


def activities_shown(times: CaseTimes, min_cell: int) -> pd.DataFrame:
    """Return the times of activities; those of few cases are blank."""
    table = times.activities.drop(columns=[c for c in times.activities if c.endswith("_total_hours")])
    for kind in ("wait", "work"):
        if f"{kind}_n" in table:
            few = table[f"{kind}_n"] < min_cell
            table.loc[few, [c for c in table if c.startswith(f"{kind}_") and c != f"{kind}_n"]] = np.nan
    return table.drop(columns=[c for c in table if c.endswith("_n")])


def value_stream(times: CaseTimes) -> pd.DataFrame | None:
    """Return working and waiting hours by activity; None where starts are not known."""
    table = times.activities
    if "work_total_hours" not in table:
        return None
    both = table["work_total_hours"] + table["wait_total_hours"]
    found = pd.DataFrame({
        "activity": table["activity"], "working": table["work_total_hours"], "waiting": table["wait_total_hours"],
        "working_part": table["work_total_hours"] / both.where(both > 0),
    })  # fmt: skip
    return found[both > 0].reset_index(drop=True)


def variants_shown(found: Variants, min_cell: int) -> pd.DataFrame:
    """Return the most frequent paths of enough customers."""
    table = found.table
    return table[table["customers"] >= min_cell].head(MOST_ROWS).reset_index(drop=True)


def rework_shown(found: Rework, min_cell: int) -> pd.DataFrame | None:
    """Return what is repeated by enough customers; None where nothing is."""
    table = found.table[found.table["customers"] >= min_cell].reset_index(drop=True)
    return table if len(table) else None


def departures_shown(found: Conformance | None, min_cell: int) -> pd.DataFrame | None:
    """Return the ways of departing of enough customers; None where there is none. What cases that fit are compared in is blank where those are too few."""
    if found is None:
        return None
    table = found.table[found.table["customers"] >= min_cell].head(MOST_ROWS).reset_index(drop=True)
    compared = [c for c in table if c.startswith(("extra_hours", "score_gap"))]
    if int(found.fits.sum()) < min_cell:
        table = table.drop(columns=compared)
    elif table["score_gap"].isna().all():
        table = table.drop(columns=[c for c in compared if c.startswith("score_gap")])
    return table if len(table) else None


def told_of(found: Conformance | Rework | None, min_cell: int) -> dict[str, object] | None:
    """Return what is said of cases that fit, or in which something is done again; hidden where either side is too small to be told. None without a result."""
    if found is None:
        return None
    facts = found.summary()
    inside = int(facts["fit"] if isinstance(found, Conformance) else facts["rework_cases"])
    whole = int(found.claim.facts["closed"]) if isinstance(found, Conformance) else len(found.affected)
    few = any(0 < n < min_cell for n in (inside, whole - inside))
    return {"case": "hidden"} if few else facts


def map_shown(drawn: StepMap) -> pd.DataFrame | None:
    """Return the steps that are drawn; None where there is none."""
    return drawn.edges if len(drawn.edges) else None


def groups_of(found: GroupComparison | None, measure: str) -> pd.DataFrame | None:
    """Return the comparison of one measure, the largest difference first, with what a claim shows; None where there is none."""
    if found is None:
        return None
    table = found.table[found.table["measure"] == measure]
    told = np.where(table["shown"], "shown", "open")
    table = table.assign(shown=told).sort_values("difference", ascending=False, kind="stable", ignore_index=True)
    return None if table.empty else table


def map_of_stages(params: JourneysParams, found: JourneyMap | None) -> pd.DataFrame | None:
    """Return the journey map as people draw it: stages with touchpoints, owner, what is expected, and how it is felt."""
    if found is None or params.stages is None:
        return None
    table = found.table
    given = {stage.name: stage for stage in params.stages}
    stages = [given[name] for name in table["stage"]]
    table.insert(1, "touchpoints", [list(s.activities) for s in stages])
    if any(s.owner for s in stages):
        table.insert(2, "owner", [s.owner for s in stages])
    if any(s.expects is not None for s in stages):
        table.insert(
            3,
            "expects",
            [f"expects:{n}" if s.expects is not None else None for n, s in zip(table["stage"], stages, strict=True)],
        )
    if any(s.promise is not None for s in stages):
        promise = pd.Series([np.nan if s.promise is None else s.promise for s in stages], dtype=float)
        table = table.assign(promise=promise, short=table["score"] - promise)
    return table


def exits_shown(ends: pd.DataFrame | None, min_cell: int) -> pd.DataFrame | None:
    """Return where cases end that do not reach the goal, as far as enough customers end there; None where none may be told."""
    if ends is None:
        return None
    hidden = hidden_counts(ends["customers"].to_numpy(), min_cell)
    kept = ends[~hidden].reset_index(drop=True)
    return kept if len(kept) else None


def bottlenecks_shown(found: Bottlenecks, min_cell: int) -> pd.DataFrame:
    """Return the activities that enough cases waited for."""
    return found.table[found.table["cases"] >= min_cell].reset_index(drop=True)


def change_of(table: pd.DataFrame | None, *measures: str) -> pd.DataFrame | None:
    """Return the comparison of before and after of some measures; None where there is none."""
    if table is None:
        return None
    found = table[table["measure"].isin(measures)].reset_index(drop=True)
    found = found.assign(measure="measure_" + found["measure"]).rename(columns={"before": "earlier", "after": "later"})
    return found if len(found) else None


def queues_shown(table: pd.DataFrame, min_cell: int) -> pd.DataFrame | None:
    """Return the queues that enough customers stood in; None where there is none."""
    found = table[table["customers"] >= min_cell].reset_index(drop=True)
    return found if len(found) else None


def scored(found: JourneyMap | None) -> pd.DataFrame | None:
    """Return the stages where any is rated; None otherwise."""
    if found is None or not found.table["score"].notna().any():
        return None
    return found.table


def first_group(table: pd.DataFrame | None) -> dict[str, str] | None:
    """Return the group whose steps a table compares; None without a table."""
    return None if table is None else {"group": str(table["group"].iloc[0])}


def clusters_shown(found: PathClusters | None, min_cell: int) -> pd.DataFrame | None:
    """Return the clusters of enough customers; None where there are fewer than two, or a small one could be worked out."""
    if found is None or len(found.table) < 2:
        return None
    hidden = hidden_counts(found.table["customers"].to_numpy(), min_cell)
    kept = found.table[~hidden].reset_index(drop=True)
    return kept if len(kept) else None


def leaving_shown(found: tuple[pd.DataFrame, int] | None) -> tuple[dict[str, object] | None, pd.DataFrame | None]:
    """Return what is said of the steps on the way to leaving, and the steps; None where nothing was compared."""
    if found is None:
        return None, None
    table, compared = found
    return {"case": "some" if len(table) else "none", "compared": compared}, table if len(table) else None
