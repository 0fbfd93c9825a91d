"""Params of the attribution study."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from xmresearch.data.config import TableSource, TouchpointsSource, TouchSource
from xmresearch.data.names import Labels
from xmresearch.params.base import StudyParams
from xmresearch.params.files import source_files

_Strict = ConfigDict(extra="forbid", strict=True, frozen=True)
SPAN = r"^\s*\d+(\.\d+)?\s*(s|min|h|d|w)\s*$"


def _span(text: str) -> str:
    if re.match(SPAN, text) is None:
        raise ValueError(f"'{text}' is no span of time: write it as 45min, 12h, 30d or 4w")
    return text


Span = Annotated[str, AfterValidator(_span), Field(json_schema_extra={"pattern": SPAN})]
Amount = Annotated[float, Field(ge=0)]
Lift = Annotated[list[float], Field(min_length=3, max_length=3)]


def _is_xes(data: Any) -> bool:
    """Whether a source is an event log in XES, by its name or as given."""
    found = data.model_dump() if isinstance(data, BaseModel) else data
    if not isinstance(found, dict):
        return False
    return found.get("format") == "xes" or str(found.get("path", "")).lower().endswith((".xes", ".xes.gz"))


class Events(BaseModel):
    """Columns of an event log (form events)."""

    model_config = _Strict
    customer: str = Field(
        "customer", min_length=1, description="column that says whose event it is (case, of a log in XES); never shown"
    )
    time: str = Field("time", min_length=1, description="column: dates, datetimes, seconds or text")
    touchpoint: str = Field("touchpoint", min_length=1, description="column (activity, of a log in XES)")
    conversion: str | None = Field(None, description="column that is 1 or true where the customer converted")
    converting: list[str] = Field([], description="touchpoints that are the conversion itself; they are no channels")
    value: str | None = Field(None, description="column: value of the conversion")
    cost: str | None = Field(None, description="column: cost of the touch")
    until: str | None = Field(None, description="later events are left out; without it, future ones are an error")
    time_format: str | None = Field(
        None, description="of times written as text (ISO 8601 if absent); or the unit of numbers: s, ms, us, ns"
    )
    lifecycle: str | None = Field(
        "auto",
        min_length=1,
        description="column that says what starts or completes an activity; auto: as in XES; null: every row counts",
    )


class Paths(BaseModel):
    """Columns of paths (forms paths and journeys)."""

    model_config = _Strict
    path: str = Field("path", min_length=1, description="column of the touchpoints in order")
    conversions: str = Field(
        "conversions", min_length=1, description="column: how often the path (or journey) converted"
    )
    nulls: str | None = Field("nulls", description="column: how often it did not (form paths)")
    value: str | None = Field(None, description="column: total value of the conversions")
    customer: str | None = Field(None, description="column: who took the journey (form journeys); never shown")
    separator: str = Field(">", min_length=1, description="between touchpoints")


class Ratings(BaseModel):
    """A survey of touches."""

    model_config = _Strict
    data: TableSource = Field(description="where the scores come from")
    score: str = Field("score", min_length=1, description="numeric column")
    touchpoint: str | None = Field(None, description="column of what was rated; the customer's last touch if absent")
    channel: str | None = Field(None, description="column: web, phone, counter, ..., to be compared")
    experience: str | None = Field(None, description="column of what was done, compared one by one across channels")
    lowest: float = Field(1, description="lowest possible score")
    highest: float = Field(10, description="highest possible score")
    tolerance: float = Field(0.5, gt=0, description="gap between channels that matters, in units of the score")


class AttributionParams(StudyParams):
    """An attribution study; the defaults run simulated journeys through a government service hall."""

    of_rows: ClassVar[frozenset[str]] = StudyParams.of_rows | {"data", "survey"}
    of_showing: ClassVar[frozenset[str]] = StudyParams.of_showing | {
        "labels",
        "min_cell",
        "confidence",
        "draws",
        "bootstrap",
        "seed",
        "currency",
        "map_share",
    }
    study: Literal["attribution"] = "attribution"
    name: str = Field(
        "attribution", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    data: TouchSource = Field(TouchpointsSource(), description="where the rows come from")
    form: Literal["events", "paths", "journeys"] = Field(
        "events", description="events: a log; paths: aggregated paths; journeys: one path per row"
    )
    events: Events = Field(
        Events(conversion="settled", value="value", cost="cost"), description="columns of an event log (form events)"
    )
    paths: Paths = Field(Paths(), description="columns of paths (forms paths and journeys)")
    channels: dict[str, str] | None = Field(None, description="from touchpoints as written to channels; all if absent")
    unknown: Literal["raise", "keep", "drop"] = Field("raise", description="touchpoints that channels lacks")
    merge_forms: bool = Field(
        False, description="whether touchpoints that differ in letter case or Unicode form only are one"
    )
    max_channels: int = Field(40, ge=2, le=60, description="the rarest channels beyond are counted as one")
    lookback_days: float | None = Field(None, gt=0, description="earlier touches before the end do not count (events)")
    session_gap: Span | None = Field(None, description="a longer pause starts a new journey, such as 30d (events)")
    after_conversion: Literal["if_converting", "ignore", "new_journey"] = Field(
        "if_converting",
        description="touches after a conversion: a journey if it converts too, none until a pause, or always one (events)",
    )
    max_touches: int | None = Field(None, ge=1, description="longer journeys, such as those of robots, are left out")
    dedupe: bool = Field(False, description="whether touches that repeat the one before count once (events)")
    order: Annotated[int, Field(ge=1, le=5)] | Literal["auto"] = Field(
        "auto", description="touches that the chain remembers; auto: by evidence"
    )
    max_order: int = Field(3, ge=1, le=5, description="highest order compared")
    draws: int = Field(1000, ge=200, le=100_000, description="posterior draws")
    prior: Annotated[float, Field(gt=0)] | Literal["evidence"] = Field(
        "evidence", description="evidence: shrinkage by the data; or the prior count of every possible step"
    )
    mandatory_share: float = Field(
        1.0,
        gt=0.5,
        le=1,
        description="a touchpoint on this share of the converting journeys is mandatory; 1: on every one",
    )
    bootstrap: int = Field(200, ge=0, le=10_000, description="resamples of whole journeys; 0 for none")
    cost: dict[str, Amount] | None = Field(None, description="spent per channel, instead of a column of costs")
    currency: str = Field("CNY", min_length=1, description="what value and cost are counted in")
    lift: dict[str, Lift] = Field(
        {}, description="conversions that an experiment found a channel to add: [estimate, lower, upper]"
    )
    direct: str | None = Field(None, description="channel that 'last non-direct' passes over")
    half_life: float | Span | None = Field(None, description="of time decay: 7d (events) or 2 steps (paths) if absent")
    stages: dict[str, list[str]] | None = Field(None, description="touchpoints of each stage, first stage first")
    survey: Ratings | None = Field(None, description="scores of touches by the customers of the log (events)")
    map_share: float = Field(0.6, gt=0, le=1, description="share of all steps that the process map draws")
    min_cell: int = Field(10, ge=10, description="figures that rest on fewer journeys are suppressed")
    labels: dict[str, Labels] = Field({}, description="names of channels, stages and of conversions in the report")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="level of every interval")
    seed: int = Field(20260101, ge=0, description="seed of every draw")

    @model_validator(mode="before")
    @classmethod
    def _named_as_in_xes(cls, given: Any) -> Any:
        """Let columns that are not named be those that every log in XES has."""
        if (
            not isinstance(given, dict)
            or not _is_xes(given.get("data"))
            or not isinstance(given.get("events", {}), dict)
        ):
            return given
        return {**given, "events": {"customer": "case", "touchpoint": "activity", **given.get("events", {})}}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        simulated = isinstance(self.data, TouchpointsSource)
        if self.form != "events":
            wrong = [k for k in ("lookback_days", "session_gap", "survey") if getattr(self, k) is not None]
            wrong += ["dedupe"] if self.dedupe else []
            wrong += ["after_conversion"] if self.after_conversion != "if_converting" else []
            if simulated:
                raise ValueError("the scenario is an event log: set form to events")
            if wrong:
                raise ValueError(f"{wrong[0]} needs times or customers, which {self.form} lack: leave it out")
            if self.form == "paths" and self.paths.customer is not None:
                raise ValueError(
                    "aggregated paths are of many customers: leave paths.customer out, or give one journey per row"
                )
            if isinstance(self.half_life, str):
                raise ValueError("half_life of paths is a number of steps, such as 2")
        elif self.events.conversion is None and not self.events.converting:
            raise ValueError("nothing says which events convert: give events.conversion or events.converting")
        if simulated and self.survey is not None:
            raise ValueError("the scenario brings its own survey: leave survey out")
        if self.unknown != "raise" and self.channels is None:
            raise ValueError(
                f"unknown is '{self.unknown}', but there is no mapping that could lack anything: give channels"
            )
        if self.survey is not None and self.survey.lowest >= self.survey.highest:
            raise ValueError(
                f"survey: scores run from {self.survey.lowest:g} to {self.survey.highest:g}, which is no scale"
            )
        for channel, (estimate, low, high) in self.lift.items():
            if not low <= estimate <= high:
                raise ValueError(f"lift of '{channel}': {estimate:g} is not within {low:g} to {high:g}")
        for name, inside in (self.stages or {}).items():
            twice = [c for c in inside if sum(c in other for other in (self.stages or {}).values()) > 1]
            if twice or not inside:
                raise ValueError(
                    f"stage '{name}' " + (f"shares '{twice[0]}' with another" if twice else "has no touchpoint")
                )
        return self

    def touch_settings(self) -> dict[str, Any]:
        """Return what `load_touches` needs of the params."""
        events, paths = self.events, self.paths
        log = self.form == "events"
        used = (events.value, events.cost, events.conversion) if log else (paths.conversions, paths.nulls, paths.value)
        named = [events.customer, events.touchpoint, events.time] if log else [paths.path, paths.customer]
        rated = self.survey and [self.survey.touchpoint, self.survey.channel, self.survey.experience]
        return {
            "data": self.data, "survey": self.survey.data if self.survey else None, "labels": [c for c in (*named, *(rated or ())) if c],
            "dates": [events.time] if log and events.time_format is None else [], "numbers": [c for c in used if c is not None],
        }  # fmt: skip

    def reading(self) -> dict[str, Any]:
        """Return what `xmresearch.attribution.reading.read_touches` needs of the params."""
        common = {
            "form": self.form, "mapping": self.channels, "unknown": self.unknown, "max_channels": self.max_channels,
            "min_cell": self.min_cell, "merge_forms": self.merge_forms,
        }  # fmt: skip
        if self.form != "events":
            nulls = self.paths.nulls if self.form == "paths" else None
            return common | {"columns": self.paths.model_dump() | {"nulls": nulls, "max_touches": self.max_touches}}
        lookback = None if self.lookback_days is None else timedelta(days=self.lookback_days)
        columns = self.events.model_dump() | {"converting": tuple(self.events.converting)}
        rules = {
            "lookback": lookback, "gap": self.session_gap, "repeats": "drop" if self.dedupe else "keep",
            "after_conversion": self.after_conversion, "max_touches": self.max_touches,
        }  # fmt: skip
        return common | {"columns": columns | rules}

    @property
    def highest_order(self) -> int:
        """The highest order compared."""
        return self.max_order if self.order == "auto" else max(self.max_order, self.order)

    def chain_settings(self) -> dict[str, Any]:
        """Return what `xmresearch.attribution.markov_removal.markov` needs of the params."""
        return {
            "draws": self.draws, "prior": self.prior, "lift": {k: tuple(v) for k, v in self.lift.items()} or None,
            "bootstrap": self.bootstrap, "mandatory": self.mandatory_share, "confidence": self.confidence, "seed": self.seed,
        }  # fmt: skip

    def rating_columns(self) -> dict[str, Any]:
        """Return the survey's columns and scale: score, rated, channel, experience, scale, tolerance."""
        given = self.survey
        if given is None:
            return {"score": "score", "rated": "touchpoint", "channel": "medium", "experience": None, "scale": (1.0, 10.0),
                    "tolerance": 0.5}  # fmt: skip
        return {
            "score": given.score, "rated": given.touchpoint, "channel": given.channel, "experience": given.experience,
            "scale": (given.lowest, given.highest), "tolerance": given.tolerance,
        }  # fmt: skip

    def asked_ratings(self) -> dict[str, dict[str, Any]]:
        """Return the scale of the ratings, by the column that holds them."""
        columns = self.rating_columns()
        return {str(columns["score"]): {"levels": columns["scale"]}}

    def names(self) -> dict[str, dict[str, str]]:
        """Return the labels by language."""
        return {lang: {key: getattr(name, lang) for key, name in self.labels.items()} for lang in ("en", "zh")}

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data files and the survey, as far as there are any; see `source_files`."""
        files = source_files(self.data, base, folders=True)
        if self.survey is not None:
            files |= {f"survey{k.removeprefix('data')}": p for k, p in source_files(self.survey.data, base).items()}
        return files
