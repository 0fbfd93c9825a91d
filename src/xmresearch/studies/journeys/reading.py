"""From the rows of a log to the cases that are looked at: filters, working time, rare names, groups, judgements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.touches import TouchData
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.journeys.case_log import Array, CaseLog
from xmresearch.journeys.case_reading import read_cases
from xmresearch.journeys.declared_paths import PathStage
from xmresearch.journeys.path_variants import variant_of
from xmresearch.journeys.rare_activities import merge_label_forms, pool_rare
from xmresearch.journeys.working_hours import WorkingHours, in_working_time
from xmresearch.studies.journeys.params import JourneysParams
from xmresearch.sufficient.label_forms import OTHER, as_written

DAY = 86400.0
LOG_NOTES = (
    "same_time", "same_rows", "without_start", "without_end", "never_completed", "other_transitions", "blank_activities", "blank_customers",
    "after_until", "ends_before_start",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Cases(Shown):
    """The cases that a study looks at.

    Attributes
    ----------
    log : CaseLog
        On the clock of the log.
    timed : CaseLog
        The same in working time, where opening hours are given.
    judged : ndarray or None
        How each case was judged as a whole; None where no column says it.
    groups : list or None
        Group of each case; None where nothing is compared.
    shown_groups : list
        Those of enough customers.
    pooled : int
        Activities that are counted as '(other)'.
    """

    log: CaseLog
    timed: CaseLog
    judged: Array | None
    groups: list[Any] | None
    shown_groups: list[str]
    pooled: int

    def _head(self) -> dict[str, Any]:
        return {"log": self.log, "pooled": self.pooled}

    def summary(self) -> dict[str, Any]:
        """Return the figures of the log; its case is paired or completes."""
        return {**self.log.summary(), "pooled": self.pooled, "name": OTHER}

    def kept(self) -> pd.DataFrame | None:
        """Return what each filter kept: filter, before, kept, share; None without a filter."""
        rows = [
            (f"filter_{name}", before, after, after / before if before else np.nan)
            for name, before, after in self.log.kept
        ]
        return pd.DataFrame(rows, columns=["filter", "before", "kept", "kept_share"]) if rows else None

    def notes(self) -> pd.DataFrame:
        """Return what was left out of the log or is odd about it: rule, flagged."""
        rows = [(k, self.log.noted[k]) for k in LOG_NOTES if self.log.noted.get(k)]
        return pd.DataFrame(rows, columns=["rule", "flagged"])

    def names(self, given: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Return labels by language in which every activity and group that has none is called what it is in the data."""
        own = {a: as_written(a) for a in self.log.activities if a != OTHER} | {g: g for g in self.shown_groups}
        return {lang: own | labels for lang, labels in given.items()}


def open_cases(params: JourneysParams, data: TouchData) -> Cases:
    """Read the cases of a study.

    Parameters
    ----------
    params : JourneysParams
        Of the study.
    data : TouchData
        The rows of its log.

    Returns
    -------
    Cases

    Raises
    ------
    DataError, InsufficientData
        The log cannot be read; nothing passes the filters; there are fewer customers than may be shown.
    """
    log = read_cases(data.rows, **params.reading())
    log = _filtered(params, merge_label_forms(log) if params.merge_forms else log)
    if log.customers < params.min_cell:
        raise InsufficientData(
            f"There are {log.customers} customers; figures of fewer than {params.min_cell} are never published."
        )
    log, pooled = pool_rare(log, params.min_cell)
    if len({*log.activities} - {OTHER}) < 2:
        raise InsufficientData("Cases have one activity only that may be named, so there are no steps.")
    hours = params.opening_hours()
    judged = None
    if params.log.overall is not None:
        judged = pd.to_numeric(log.attributes[params.log.overall], errors="coerce").to_numpy(dtype=float)
        judged = judged if np.isfinite(judged).any() else None
    groups = _groups(params, log)
    return Cases(
        log, log if hours is None else in_working_time(log, WorkingHours(**hours)), judged, groups,
        [] if groups is None else _shown(groups, log, params.min_cell), pooled,
    )  # fmt: skip


def moment(day: str) -> float:
    """Return the seconds since 1970 at which a day begins, on the clock of a log."""
    return float(np.datetime64(day, "s").astype(np.int64))


def path_of(params: JourneysParams, log: CaseLog) -> list[PathStage] | None:
    """Return the declared path without activities that are not named; None where none is declared.

    Raises
    ------
    DataError
        The path names an activity that never occurs.
    """
    if params.path is None:
        return None
    stages = []
    for step in params.path:
        inside = tuple(a for a in step.activities if a in log.activities or OTHER not in log.activities)
        if inside:
            stages.append(PathStage(step.name, inside, step.optional, step.repeats, step.within))
    return stages


def stages_of(params: JourneysParams, log: CaseLog) -> dict[str, list[str]] | None:
    """Return the activities of each stage, as far as they are named; None where there are no stages.

    Raises
    ------
    DataError
        A stage names an activity that never occurs.
    """
    if params.stages is None:
        return None
    found = {}
    for stage in params.stages:
        for activity in stage.activities:
            if activity not in log.activities and OTHER not in log.activities:
                raise DataError(
                    f"Stage '{brief(stage.name)}' names '{brief(activity)}', which no event has as its activity.",
                    nearest(activity, log.activities),
                )
        inside = [a for a in stage.activities if a in log.activities]
        if inside:
            found[stage.name] = inside
    return found


def _filtered(params: JourneysParams, log: CaseLog) -> CaseLog:
    given = params.filters
    for key, names in (
        ("first", given.first),
        ("last", given.last),
        ("having", given.having),
        ("lacking", given.lacking),
    ):
        for name in names:
            if name not in log.activities:
                raise DataError(
                    f"filters.{key} names '{brief(name)}', which no event has as its activity.",
                    nearest(name, log.activities),
                )
    place = {a: k for k, a in enumerate(log.activities)}
    if given.begun_from is not None:
        log = log.part(log.first >= moment(given.begun_from), "begun_from")
    if given.begun_until is not None:
        log = log.part(log.first < moment(given.begun_until) + DAY, "begun_until")
    if given.first:
        log = log.part(np.isin(log.code[log.starts[:-1]], [place[a] for a in given.first]), "first")
    if given.last:
        log = log.part(np.isin(log.code[log.starts[1:] - 1], [place[a] for a in given.last]), "last")
    if given.having:
        log = log.part(log.has(given.having), "having")
    if given.lacking:
        log = log.part(~log.has(given.lacking), "lacking")
    for column, values in sorted(given.where.items()):
        log = log.part(log.attributes[column].astype(str).isin(values).to_numpy(), "where")
    if given.max_steps is not None:
        log = log.part(log.lengths <= given.max_steps, "max_steps")
    if given.variants is not None:
        log = log.part(variant_of(log)[0] < given.variants, "variants")
    if not len(log):
        raise InsufficientData("No case passes the filters.", "Look at filters, one after the other.")
    return log


def _groups(params: JourneysParams, log: CaseLog) -> list[Any] | None:
    if params.group is not None:
        column = log.attributes[params.group]
        return [None if v is None or v != v or str(v).strip() == "" else str(v) for v in column.tolist()]
    if params.period is None:
        return None
    months = log.first.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    if params.period == "month":
        return [f"{1970 + m // 12}-{m % 12 + 1:02d}" for m in months.tolist()]
    if params.period == "quarter":
        return [f"{1970 + m // 12} Q{m % 12 // 3 + 1}" for m in months.tolist()]
    return [str(1970 + m // 12) for m in months.tolist()]


def _shown(groups: list[Any], log: CaseLog, min_cell: int) -> list[str]:
    """Return the groups of enough customers, and none that would tell a smaller one."""
    frame = pd.DataFrame({"group": groups, "who": log.customer}).dropna()
    sizes = frame.groupby("group")["who"].nunique()
    hidden = hidden_counts(sizes.to_numpy(), min_cell)
    return [str(g) for g, h in zip(sizes.index, hidden, strict=True) if not h]
