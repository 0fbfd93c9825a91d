"""What a journeys study finds of its cases, where there is anything to find."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.families import adjusted
from xmresearch.claims.truth import beside
from xmresearch.data.touches import TouchData
from xmresearch.journeys.case_log import CaseLog
from xmresearch.journeys.concerns import Concern, odd_about
from xmresearch.journeys.declared_paths import Conformance, conformance
from xmresearch.journeys.durations import CaseTimes
from xmresearch.journeys.group_comparison import GroupComparison, before_after, compare_groups, step_differences
from xmresearch.journeys.journey_stages import JourneyMap, journey_map
from xmresearch.journeys.lost_time import Bottlenecks, bottlenecks
from xmresearch.journeys.returning_customers import Returns, returns
from xmresearch.journeys.sequence_clusters import PathClusters, path_clusters
from xmresearch.studies.journeys.params import JourneysParams
from xmresearch.studies.journeys.reading import Cases, moment, path_of, stages_of
from xmresearch.sufficient.label_forms import OTHER

FEW_CUSTOMERS, MOST_OPEN, MOST_TIED = 30, 0.2, 0.1
MOST_ROWS = 10


def lost_time(found: Cases, confidence: float) -> Bottlenecks:
    """Rank the activities that may be named by the waiting before them."""
    named = np.array([a != OTHER for a in found.timed.activities])
    return bottlenecks(found.timed, shown=named, confidence=confidence)


def of_change(params: JourneysParams, found: Cases) -> tuple[pd.DataFrame | None, Claim | None]:
    """Compare cases that began before and after the change; None where none is declared."""
    if params.change is None:
        return None, None
    late = found.log.first >= moment(params.change)
    table, claim = before_after(found.timed, late, found.judged, confidence=params.confidence)
    few = int(min(claim.facts["cases_before"], claim.facts["cases_after"])) < params.min_cell
    return (None if few else table), claim.about(day=params.change)


def of_groups(params: JourneysParams, found: Cases) -> GroupComparison | None:
    """Compare groups or periods; None where nothing is to be compared, or fewer than two may be shown."""
    if found.groups is None or len(found.shown_groups) < 2:
        return None
    return compare_groups(
        found.timed, found.groups, found.judged, shown=found.shown_groups, confidence=params.confidence
    )


def of_paths(params: JourneysParams, found: Cases, compared: GroupComparison | None) -> pd.DataFrame | None:
    """Return the steps that the cases of the group with the most different time take more or less often than the others; None without groups."""
    if compared is None or found.groups is None:
        return None
    times = compared.table[compared.table["measure"] == "time"]
    if times["difference"].isna().all():
        return None
    group = str(times.loc[times["difference"].abs().idxmax(), "group"])
    inside = np.array([g == group for g in found.groups])
    others = np.array([g is not None and g != group for g in found.groups])
    table = step_differences(found.log, inside, others, min_cases=params.min_cell, confidence=params.confidence)
    table = table[(table["source"] != OTHER) & (table["target"] != OTHER)]
    return None if table.empty else table.head(MOST_ROWS).assign(group=group)


def of_path(params: JourneysParams, found: Cases) -> Conformance | None:
    """Hold cases against the declared path; None where there is none."""
    path = path_of(params, found.log)
    if path is None:
        return None
    return conformance(found.timed, path, found.judged, promised=params.promised_fit, confidence=params.confidence)


def of_stages(params: JourneysParams, found: Cases) -> JourneyMap | None:
    """Describe the stages of the journey map; None where there are none."""
    stages = stages_of(params, found.log)
    if stages is None:
        return None
    return journey_map(
        found.timed,
        stages,
        found.judged,
        low=params.low_score,
        min_cell=params.min_cell,
        confidence=params.confidence,
        seed=params.seed,
    )


def of_returns(params: JourneysParams, found: Cases) -> Returns | None:
    """Describe who comes again; None where no customer does."""
    groups = None
    if found.groups is not None and params.period is None:
        groups = [g if g in found.shown_groups else None for g in found.groups]
    return returns(
        found.log, days=params.return_days, groups=groups, min_cell=params.min_cell, confidence=params.confidence
    )


def concerns_of(params: JourneysParams, found: Cases) -> list[tuple[str, Concern]]:
    """Return what a careful reader should know of the log."""
    log: CaseLog = found.log
    rows: list[Concern] = odd_about(log)
    if log.customers < FEW_CUSTOMERS:
        rows.append(Concern("few_customers", {"customers": log.customers}))
    open_ = float((~log.closed).mean())
    if open_ > MOST_OPEN:
        rows.append(Concern("many_open", {"share": open_}))
    tied = log.noted.get("same_time", 0) / max(len(log.code), 1)
    if tied > MOST_TIED and not params.tie_order:
        rows.append(Concern("ties", {"share": tied}))
    if found.pooled:
        rows.append(Concern("pooled_activities", {"count": found.pooled, "min_cell": params.min_cell}))
    if params.log.customer is None:
        rows.append(Concern("cases_as_customers", {}))
    if not log.paired:
        rows.append(Concern("no_starts", {}))
    return [("log", concern) for concern in rows]


def log_checks(found: Cases) -> pd.DataFrame:
    """Return the checks of the log: check, value, threshold, status."""
    log = found.log
    values = (
        ("customers", float(log.customers), float(FEW_CUSTOMERS), log.customers >= FEW_CUSTOMERS),
        ("open_share", float((~log.closed).mean()), MOST_OPEN, float((~log.closed).mean()) <= MOST_OPEN),
        ("tied_share", log.noted.get("same_time", 0) / max(len(log.code), 1), MOST_TIED,
         log.noted.get("same_time", 0) / max(len(log.code), 1) <= MOST_TIED),
    )  # fmt: skip
    rows = [(name, value, bound, "pass" if good else "warn") for name, value, bound, good in values]
    return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def planted(data: TouchData, params: JourneysParams, times: CaseTimes) -> pd.DataFrame | None:
    """Return the medians of waits and of work beside those that a simulation has planted; None of real data, and where times are not the clock's."""
    if data.truth is None or params.working_time is not None or any(params.filters.model_dump(exclude_defaults=True)):
        return None
    table = times.activities.set_index("activity")
    rows: list[dict[str, Any]] = []
    for row in data.truth.itertuples(index=False):
        if row.activity in table.index and f"{row.measure}_median_hours" in table:
            own = table.loc[row.activity]
            rows.append({
                "measure": f"truth_{row.measure}", "activity": row.activity, "estimate": own[f"{row.measure}_median_hours"],
                "ci_lower": own[f"{row.measure}_median_hours_lower"], "ci_upper": own[f"{row.measure}_median_hours_upper"], "known": row.truth,
            })  # fmt: skip
    frame = pd.DataFrame(rows)
    return beside(frame.drop(columns="known"), frame["known"].tolist()) if rows else None


def leaving_steps(params: JourneysParams, found: Cases) -> tuple[pd.DataFrame, int] | None:
    """Return the steps on the way that cases which ended without the goal took more often than those that reached it, and how many were compared.

    Steps to and from activities that end a case or are its goal are no steps on the way. None where either side is too small, or nothing is compared.
    """
    log = found.log
    if log.reached is None:
        return None
    lost, won = log.closed & ~log.reached, log.closed & log.reached
    if min(len(np.unique(log.customer[side])) for side in (lost, won)) < params.min_cell:
        return None
    table = step_differences(log, lost, won, min_cases=params.min_cell, confidence=params.confidence)
    deciding = {*params.ends, *params.goal, OTHER}
    way = table[~table["source"].isin(deciding) & ~table["target"].isin(deciding)]
    if way.empty:
        return None
    p = adjusted(way["p_value"].to_numpy())
    way = way.assign(p_adjusted=p).rename(columns={"inside": "without_goal", "others": "with_goal"})
    told = way[(p < 1 - params.confidence) & (way["difference"] > 0)]
    return told.drop(columns="shown").head(MOST_ROWS).reset_index(drop=True), len(way)


def of_clusters(params: JourneysParams, found: Cases) -> PathClusters | None:
    """Put paths into clusters; None where none are asked for."""
    if not params.clusters:
        return None
    return path_clusters(
        found.timed, found.judged, most=params.clusters, min_cell=params.min_cell, confidence=params.confidence
    )
