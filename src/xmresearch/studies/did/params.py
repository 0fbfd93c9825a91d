"""Params of the difference-in-differences study."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xmresearch.data.config import PanelSource, RolloutSource
from xmresearch.data.names import Labels
from xmresearch.params.base import StudyParams
from xmresearch.params.files import source_files

Family = Literal["gaussian", "bernoulli", "ordinal", "nps", "count"]
ENDS = {"nps": [0.0, 10.0], "bernoulli": [0.0, 1.0]}
"""Lowest and highest value of outcomes whose family says so."""
Period = Annotated[
    int | float | str, BeforeValidator(lambda given: given.isoformat() if isinstance(given, date) else given)
]


class Outcome(BaseModel):
    """A further outcome whose levels or missing codes are declared."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    family: Family = Field(description="what the outcome is, as for the main one")
    levels: list[float] = Field([], description="its lowest and highest value, or all answers in order")
    missing_codes: list[float] = Field([], description="values that stand for no answer, such as 99")


class Worth(BaseModel):
    """What one unit of the outcome is worth."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    per_point: float = Field(gt=0, description="value of one unit of the outcome to one person (or case)")
    people: int = Field(gt=0, description="people (or cases) whom the change reaches")
    currency: str = Field("CNY", min_length=1, description="what the value is counted in")


class Doubt(BaseModel):
    """How hard the result is tried."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    placebo_units: int = Field(200, ge=0, le=10_000, description="random reassignments of treatment; 0 for none")


class DidParams(StudyParams):
    """A difference-in-differences study; the defaults run the simulated roll-out of machines over a city's branches."""

    of_rows: ClassVar[frozenset[str]] = StudyParams.of_rows | {"data"}
    of_showing: ClassVar[frozenset[str]] = StudyParams.of_showing | {
        "labels",
        "min_cell",
        "confidence",
        "draws",
        "seed",
    }
    of_claims: ClassVar[frozenset[str]] = frozenset({"smallest", "break_even"})
    study: Literal["did"] = "did"
    name: str = Field(
        "did", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    data: PanelSource = Field(RolloutSource(), description="where the rows come from")
    outcome: str = Field("satisfaction", min_length=1, description="column that the change was to move")
    family: Family = Field("ordinal", description="what the outcome is: a number, 0/1, ordered answers, 0-10 or counts")
    better: Literal["higher", "lower"] = Field("higher", description="which direction of the outcome is the good one")
    levels: list[float] = Field(
        [],
        description="lowest and highest value of the outcome, or all answers in order; needed where answers have gaps",
    )
    missing_codes: list[float] = Field([], description="values of the outcome that stand for no answer, such as 99")
    unit: str | None = Field("branch", description="column of what got the change or not; null: rows stand alone")
    time: str = Field("month", min_length=1, description="column of the period: numbers, dates or text like 2025-03")
    period: Literal["day", "week", "month", "quarter", "year"] | None = Field(
        None, description="what dates are put into; absent: as they are, but many dates into months or weeks"
    )
    cohort: str | None = Field("rollout", description="column of a unit's first period with the change, blank for none")
    treated: str | list[str | int] | None = Field(
        None, description="instead of cohort: a column of 0 and 1, or the names of the units that got the change"
    )
    treated_from: Period | None = Field(None, description="first period with the change, where cohort does not say it")
    kind: Literal["auto", "two_by_two", "event_study", "staggered", "synthetic_control"] = Field(
        "auto", description="design; auto: by the number of adoption dates and periods"
    )
    covariates: list[str] = Field([], description="columns to adjust for")
    weights: str | None = Field(
        None,
        description="column of what each row counts, above 0, such as sampling weights or the people behind an aggregated row",
    )
    cluster: str | None = Field(
        None,
        description="of the intervals: unit, none, or a column of what units lie in, such as region, whose units share shocks; by unit wherever it can be if absent",
    )
    control: Literal["notyet", "never"] = Field(
        "notyet", description="whom treated units are compared with (staggered)"
    )
    compare: Literal["auto", "within", "balanced", "cross_sections"] = Field(
        "auto",
        description="where units lack periods: changes of the same units, units seen throughout, or means of those present; auto: by whether the same units come back",
    )
    anticipation: int = Field(0, ge=0, description="periods before the change in which the outcome may already react")
    overall: Literal["simple", "group", "dynamic", "calendar"] | None = Field(
        None, description="how effects of cohorts and periods are averaged (staggered); simple if absent"
    )
    cohort_weights: Literal["dirichlet", "fixed"] | None = Field(
        None, description="whether the units are a sample, or all there are (staggered); dirichlet if absent"
    )
    weight: Literal["units", "rows"] | None = Field(None, description="what counts equally; units if absent")
    base: Literal["last", "all", "varying", "universal"] | None = Field(
        None, description="base period: last or all (event_study), varying or universal (staggered)"
    )
    further: dict[str, Family | Outcome] = Field(
        {},
        description="other outcomes, analysed alike: their families, or mappings with family, levels and missing_codes",
    )
    branches: bool = Field(True, description="whether to estimate each unit's effect, by a hierarchical model")
    smallest: float = Field(0.1, ge=0, description="smallest effect that matters, in units of the outcome")
    break_even: float | None = Field(
        None, description="gain from which going on pays, in units of the outcome; without it no advice is given"
    )
    worth: Worth | None = Field(None, description="what one unit of the outcome is worth")
    sensitivity: Doubt = Field(Doubt(), description="how hard the result is tried")
    rows_are: Literal["answers", "people", "aggregates"] = Field(
        "answers",
        description="answers: of people at the unit; people: units are persons, of whom none is shown; aggregates: public figures",
    )
    min_cell: int = Field(10, ge=10, description="figures that rest on fewer rows are suppressed, except of aggregates")
    labels: dict[str, Labels] = Field({}, description="names of columns, units and periods in the report")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="level of every interval")
    draws: int = Field(4000, ge=400, le=100_000, description="posterior draws")
    seed: int = Field(20260101, ge=0, description="seed of every draw")

    @model_validator(mode="before")
    @classmethod
    def _assigned(cls, given: Any) -> Any:
        """Let 'treated' take the place of the default cohort column."""
        if isinstance(given, dict) and given.get("treated") is not None and "cohort" not in given:
            return {"cohort": None, **given}
        return given

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.cohort is not None and self.treated is not None:
            raise ValueError("cohort and treated both say who got the change: set one of them to null")
        if self.cohort is None and self.treated is None:
            raise ValueError("nothing says who got the change: give cohort or treated")
        if self.cohort is not None and self.treated_from is not None:
            raise ValueError("cohort already says when the change came: leave treated_from out")
        if isinstance(self.treated, list) and self.treated_from is None:
            raise ValueError("treated names units but nothing says when the change came: give treated_from")
        if self.unit is None and (self.branches or isinstance(self.treated, list)):
            raise ValueError("without a unit there are no effects of single units: set branches to false")
        if self.branches and self.rows_are == "people":
            raise ValueError("units are people, of whom none is shown: set branches to false")
        if self.outcome in self.further:
            raise ValueError(f"further repeats the outcome '{self.outcome}'")
        return self

    def panel_settings(self) -> dict[str, Any]:
        """Return what `load_panel` needs of the params."""
        dates = [self.time, *([self.cohort] if self.cohort else [])]
        cluster = None if self.cluster in ("unit", "none") else self.cluster
        groups = [c for c in (self.unit, self.treated, cluster) if isinstance(c, str)]
        return {
            "data": self.data,
            "dates": dates,
            "numbers": [self.outcome, *self.further, *self.covariates, *([self.weights] if self.weights else [])],
            "labels": groups,
        }

    def did_settings(self) -> dict[str, Any]:
        """Return what `xmresearch.causal.designs.did` needs of the params."""
        given = {name: getattr(self, name) for name in ("overall", "cohort_weights", "weight", "base")}
        return {
            "outcome": self.outcome, "levels": self.levels, "missing_codes": self.missing_codes, "weights": self.weights, "period": self.period,
            "unit": self.unit, "time": self.time, "cohort": self.cohort, "treated": self.treated,
            "treated_from": self.treated_from, "kind": self.kind, "family": self.family, "covariates": self.covariates,
            "cluster": self.cluster, "control": self.control, "compare": self.compare, "anticipation": self.anticipation, "smallest": self.smallest,
            "confidence": self.confidence, "draws": self.draws, "seed": self.seed,
            **{name: value for name, value in given.items() if value is not None},
        }  # fmt: skip

    def further_outcomes(self) -> dict[str, dict[str, Any]]:
        """Return family, levels and missing codes of each further outcome."""
        given = {name: Outcome(family=f) if isinstance(f, str) else f for name, f in self.further.items()}
        return {name: outcome.model_dump() for name, outcome in given.items()}

    def asked_outcomes(self) -> dict[str, dict[str, Any]]:
        """Return levels, as declared or as the family has them, and missing codes of every outcome, the main one first."""
        main = {"family": self.family, "levels": self.levels, "missing_codes": self.missing_codes}
        every = {self.outcome: main} | self.further_outcomes()
        return {name: said | {"levels": said["levels"] or ENDS.get(said["family"], [])} for name, said in every.items()}

    def branch_settings(self) -> dict[str, Any]:
        """Return what `did` needs in order to estimate each unit's effect by a hierarchical model."""
        other = ("kind", "cluster", "control", "covariates", "overall", "cohort_weights", "base")
        kept = {name: value for name, value in self.did_settings().items() if name not in other}
        alike = "balanced" if self.compare == "balanced" else "auto"
        return kept | {"kind": "hierarchical", "compare": alike}

    def privacy(self) -> dict[str, Any]:
        """Return what may be shown of units and small cells."""
        return {"min_cell": 0 if self.rows_are == "aggregates" else self.min_cell, "people": self.rows_are == "people"}

    def names(self) -> dict[str, dict[str, str]]:
        """Return the labels by language."""
        return {lang: {key: getattr(name, lang) for key, name in self.labels.items()} for lang in ("en", "zh")}

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data files, as far as there are any; see `source_files`."""
        return source_files(self.data, base, folders=True)
