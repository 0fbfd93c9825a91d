"""Params of the journeys study."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xmresearch.data.config import CaseSource, CasesSource
from xmresearch.data.names import Labels
from xmresearch.params.base import StudyParams
from xmresearch.params.files import source_files

_Strict = ConfigDict(extra="forbid", strict=True, frozen=True)
SPAN = r"^\s*\d+(\.\d+)?\s*(s|min|h|d|w)\s*$"
HOUR_OF_DAY = r"^([01]?\d|2[0-4]):[0-5]\d$"


def _span(text: str) -> str:
    if re.match(SPAN, text) is None:
        raise ValueError(f"'{text}' is no span of time: write it as 45min, 12h, 30d or 4w")
    return text


def _hour(text: str) -> str:
    if re.match(HOUR_OF_DAY, text) is None:
        raise ValueError(f"'{text}' is no time of day: write it as 08:30")
    return text


Span = Annotated[str, AfterValidator(_span), Field(json_schema_extra={"pattern": SPAN})]
Hour = Annotated[str, AfterValidator(_hour), Field(json_schema_extra={"pattern": HOUR_OF_DAY})]
Day = Annotated[str, BeforeValidator(lambda given: given.isoformat() if isinstance(given, date) else given)]


class Columns(BaseModel):
    """Columns of the log."""

    model_config = _Strict
    case: str = Field("case", min_length=1, description="column: which case; never shown")
    activity: str = Field("activity", min_length=1, description="column: what was done")
    time: str = Field("time", min_length=1, description="column: when it was done; dates, datetimes, seconds or text")
    started: str | None = Field(None, description="column: when it was begun, where rows hold both moments")
    customer: str | None = Field(
        None, description="column: whose case it is, where customers have several; never shown"
    )
    lifecycle: str | None = Field(
        "auto",
        min_length=1,
        description="column that says what starts or completes an activity; auto: as in XES; null: every row completes one",
    )
    score: str | None = Field(None, description="column: how the step was rated")
    overall: str | None = Field(None, description="column: how the case was judged as a whole; on any of its rows")
    time_format: str | None = Field(
        None, description="of times written as text (ISO 8601 if absent); or the unit of numbers: s, ms, us, ns"
    )
    until: str | None = Field(None, description="later events are left out; without it, future ones are an error")


class Filters(BaseModel):
    """Which cases are looked at; the share that is kept is always said."""

    model_config = _Strict
    begun_from: Day | None = Field(None, description="cases that began on this day or later")
    begun_until: Day | None = Field(None, description="cases that began on this day or earlier")
    first: list[str] = Field([], description="cases whose first activity is one of these")
    last: list[str] = Field([], description="cases whose last activity is one of these")
    having: list[str] = Field([], description="cases with any of these activities")
    lacking: list[str] = Field([], description="cases with none of these activities")
    where: dict[str, list[str]] = Field({}, description="cases whose attribute (a column) has one of these values")
    max_steps: int | None = Field(
        None, ge=1, description="cases of so many steps at most; longer ones may be robots or tests"
    )
    variants: int | None = Field(None, ge=1, description="cases of the so many most frequent paths")


class WorkingTime(BaseModel):
    """When the service is open: times are then working time."""

    model_config = _Strict
    opens: Hour = Field("09:00", description="time of day")
    closes: Hour = Field("17:00", description="time of day")
    country: str = Field("CN", description="whose public holidays, with make-up days; '' for weekends alone")
    weekends: bool = Field(False, description="whether weekends are worked")


class Stage(BaseModel):
    """A stage of the journey map."""

    model_config = _Strict
    name: str = Field(min_length=1, description="of the stage")
    activities: list[str] = Field(min_length=1, description="activities (touchpoints) of the stage")
    owner: str | None = Field(None, description="who answers for it, such as a department")
    expects: Labels | None = Field(None, description="what customers expect of it")
    promise: float | None = Field(None, description="score that is promised of it")


class PathStep(BaseModel):
    """A step of the declared path."""

    model_config = _Strict
    name: str = Field(min_length=1, description="of the step")
    activities: list[str] = Field(min_length=1, description="one of these makes the step")
    optional: bool = Field(False, description="whether a case may pass it over")
    repeats: bool = Field(False, description="whether several of its activities may follow one another")
    within: Span | None = Field(None, description="longest time since the step before, such as 3d")


class JourneysParams(StudyParams):
    """A study of journeys; the defaults run simulated cases of a government service hall."""

    of_own_data: ClassVar[Mapping[str, Any]] = {
        "log": Columns(), "ends": [], "goal": [], "group": None, "change": None, "path": None, "stages": None,
    }  # fmt: skip
    of_rows: ClassVar[frozenset[str]] = StudyParams.of_rows | {"data", "filters"}
    of_showing: ClassVar[frozenset[str]] = StudyParams.of_showing | {
        "labels", "min_cell", "confidence", "seed", "map_steps",
    }  # fmt: skip
    study: Literal["journeys"] = "journeys"
    name: str = Field(
        "journeys", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    data: CaseSource = Field(CasesSource(), description="where the log comes from")
    log: Columns = Field(
        Columns(customer="customer", score="score", overall="overall"), description="columns of the log"
    )
    ends: list[str] = Field(
        ["collect", "withdraw"],
        description="activities that end a case: others are still open at the end of the log; none: every case is over",
    )
    goal: list[str] = Field(["collect"], description="activities that are what a case is for; none: nothing is counted")
    tie_order: list[str] = Field(
        [],
        description="activities in the order in which they count where times are equal; others keep that of the rows",
    )
    merge_forms: bool = Field(
        False, description="whether activities that differ in letter case, blanks or Unicode form only are one"
    )
    session_gap: Span | None = Field(None, description="a longer pause begins a new case, such as 30d")
    filters: Filters = Field(Filters(), description="which cases are looked at")
    working_time: WorkingTime | None = Field(None, description="opening hours: times are then working time")
    group: str | None = Field("hall", description="column of what is compared: segment, channel, branch, wave")
    period: Literal["month", "quarter", "year"] | None = Field(
        None, description="compares cases by when they began, instead of by group"
    )
    change: Day | None = Field(
        "2025-07-01", description="day of a change: cases that began before and after are compared"
    )
    path: list[PathStep] | None = Field(
        [
            PathStep(name="apply", activities=["apply"]),
            PathStep(name="check", activities=["check"]),
            PathStep(name="review", activities=["review"], within="5d"),
            PathStep(name="approve", activities=["approve"], within="2d"),
            PathStep(name="notify", activities=["notify"]),
            PathStep(name="collect", activities=["collect"]),
        ],
        description="the path that is expected: its steps in their order",
    )
    promised_fit: float | None = Field(None, gt=0, lt=1, description="share of cases that ought to follow the path")
    stages: list[Stage] | None = Field(
        [
            Stage(name="hand_in", activities=["apply", "check", "correct"], owner="intake_desk"),
            Stage(name="decide", activities=["review", "approve"], owner="approval_office"),
            Stage(name="receive", activities=["notify", "collect"], owner="delivery_desk"),
        ],
        description="stages of the journey map: touchpoints, who owns them, what is expected; first stage first",
    )
    low_score: float = Field(5, description="a score at or below it is a pain point")
    return_days: int = Field(90, ge=1, le=3650, description="days within which a customer is to come again")
    map_steps: int = Field(20, ge=3, le=80, description="most steps that the process map draws")
    clusters: int = Field(4, ge=0, le=8, description="most clusters of like paths; 0 for none")
    min_cell: int = Field(10, ge=10, description="figures that rest on fewer customers are suppressed")
    labels: dict[str, Labels] = Field({}, description="names of activities, stages, groups and owners in the report")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="level of every interval")
    seed: int = Field(20260101, ge=0, description="seed of every draw")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.group is not None and self.period is not None:
            raise ValueError("cases are compared either by group or by period: leave one out (group: null)")
        for key in ("begun_from", "begun_until"):
            _require_day(getattr(self.filters, key), f"filters.{key}")
        _require_day(self.change, "change")
        for table, key in ((self.path, "path"), (self.stages, "stages")):
            named = [a for stage in (table or []) for a in stage.activities]
            called = [stage.name for stage in (table or [])]
            for twice in [a for a in named if named.count(a) > 1] + [n for n in called if called.count(n) > 1]:
                raise ValueError(f"{key} names '{twice}' twice, so that it cannot be told where it belongs")
        hours = self.working_time
        if hours is not None and _number(hours.opens) >= _number(hours.closes):
            raise ValueError(f"working_time: {hours.opens} is not before {hours.closes}")
        if self.promised_fit is not None and self.path is None:
            raise ValueError("promised_fit says how many cases ought to follow the path: give path")
        return self

    def source_settings(self) -> dict[str, Any]:
        """Return what `load_cases` needs of the params."""
        log = self.log
        named = [log.case, log.activity, log.customer, self.group, *self.filters.where]
        dated = [c for c in (log.time, log.started) if c] if log.time_format is None else []
        return {
            "data": self.data, "labels": [c for c in named if c], "dates": dated,
            "numbers": [c for c in (log.score, log.overall) if c],
        }  # fmt: skip

    def reading(self) -> dict[str, Any]:
        """Return what `xmresearch.journeys.read_cases` needs of the params."""
        log = self.log
        more = [c for c in (self.group, log.overall, *self.filters.where) if c]
        return {
            "case": log.case, "activity": log.activity, "time": log.time, "customer": log.customer, "started": log.started,
            "lifecycle": log.lifecycle, "score": log.score, "attributes": list(dict.fromkeys(more)), "ends": self.ends, "goal": self.goal,
            "tie_order": self.tie_order, "gap": self.session_gap, "time_format": log.time_format, "until": log.until,
        }  # fmt: skip

    def opening_hours(self) -> dict[str, Any] | None:
        """Return what `xmresearch.journeys.WorkingHours` needs; None where times are as the clock has them."""
        hours = self.working_time
        if hours is None:
            return None
        return {
            "opens": _number(hours.opens),
            "closes": _number(hours.closes),
            "country": hours.country,
            "weekends": hours.weekends,
        }

    def names(self) -> dict[str, dict[str, str]]:
        """Return the labels by language, and what is expected of stages."""
        found = {lang: {key: getattr(name, lang) for key, name in self.labels.items()} for lang in ("en", "zh")}
        for stage in self.stages or []:
            if stage.expects is not None:
                for lang in found:
                    found[lang][f"expects:{stage.name}"] = getattr(stage.expects, lang)
        return found

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data files, as far as there are any; see `source_files`."""
        return source_files(self.data, base, folders=True)


def _number(time: str) -> float:
    hour, _, minute = time.partition(":")
    return int(hour) + int(minute) / 60


def _require_day(text: str | None, key: str) -> None:
    try:
        if text is not None:
            date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{key} is '{text}', which is no day: write it as 2025-07-01") from None
