"""Params of the study of drivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from xmresearch.data.sampling_params import SamplingParams
from xmresearch.params.survey import SurveyParams


class DriversParams(SurveyParams):
    """A study of drivers; the defaults run the simulated service hall, and for data of one's own ask for nothing optional."""

    of_own_data: ClassVar[Mapping[str, Any]] = {
        "codebook": "servqual", "id_column": None, "weight_column": None, "duration_column": None, "segments": [],
        "outcome": None, "branches": None,
    }  # fmt: skip
    of_showing: ClassVar[frozenset[str]] = SurveyParams.of_showing | {"segments", "min_cell", "bootstrap"}
    of_claims: ClassVar[frozenset[str]] = frozenset({"smallest_gain", "costs"})
    study: Literal["drivers"] = "drivers"
    name: str = Field(
        "drivers", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    codebook: str = Field(
        "service_hall",
        min_length=1,
        description="a shipped instrument (servqual, service_hall) or the path of your own; of your own data servqual if absent",
    )
    id_column: str | None = Field("respondent", description="respondent identifier, checked for duplicates")
    weight_column: str | None = Field("weight", description="design weight, above zero")
    cluster_column: str | None = Field(
        None, description="what respondents were drawn with, such as a branch or a household"
    )
    sampling: SamplingParams = Field(SamplingParams(), description="strata, clusters, population and margins")
    duration_column: str | None = Field("duration", description="length of the interview in seconds")
    segments: list[str] = Field(["channel"], max_length=8, description="columns whose groups' drivers are compared")
    outcome: str | None = Field(
        "quality", description="outcome item whose drivers are sought; null for the codebook's first"
    )
    outcome_kind: Literal["numeric", "binary", "ordinal"] = Field(
        "numeric", description="numeric: linear regression; binary, ordinal: cumulative logit of the answers"
    )
    drivers: Literal["dimension", "statement"] = Field(
        "dimension", description="whether scores of dimensions or single statements are the drivers"
    )
    min_answered: float = Field(0.5, gt=0, le=1, description="share of a dimension's items a respondent must answer")
    target: Literal["mean", "nps", "top_box"] = Field(
        "mean", description="what gains are counted in: the outcome's mean, its NPS (0-10) or its share of top answers"
    )
    top: float | None = Field(None, description="answers from which on the outcome counts as top; null for the highest")
    smallest_gain: float = Field(
        0.0, ge=0, description="smallest gain that matters, in units of the target; 0 where every gain does"
    )
    branches: str | None = Field("branch", description="column of the groups whose best level is set as a mark")
    costs: dict[str, float] = Field({}, description="cost of one point more of each driver, in any unit")
    low: float | None = Field(
        None, description="answers up to which a driver counts as low; null for the lowest third of its answers"
    )
    high: float | None = Field(
        None, description="answers from which on a driver counts as high; null for the highest third of its answers"
    )
    important: float | None = Field(
        None, description="ratings from which on something is important; null for the upper sixth of the scale"
    )
    importance_cross: Literal["mean", "median", "scale_middle"] = Field(
        "mean", description="where the importance-performance quadrants meet"
    )
    bootstrap: int = Field(2000, ge=200, le=100_000, description="bootstrap replicates")
    min_cell: int = Field(10, ge=10, description="groups with fewer respondents are suppressed")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}: low answers end below where high ones begin")
        if any(not cost > 0 for cost in self.costs.values()):
            raise ValueError("costs: each must be above zero")
        if self.sampling.given and self.cluster_column is not None:
            raise ValueError(
                "cluster_column and sampling say twice how respondents were drawn: name clusters under sampling"
            )
        same = next((key for key, name in self.sampling.columns.items() if name == self.weight_column), None)
        if same is not None:
            raise ValueError(f"weight_column and {same} are both {self.weight_column}: they are two columns")
        return self

    def survey_settings(self) -> dict[str, Any]:
        """Return what `load_survey` needs of the params."""
        columns = [*self.segments, *([self.branches] if self.branches else [])]
        return super().survey_settings() | {
            "weight_column": self.weight_column, "cluster_column": self.cluster_column, "sampling": self.sampling, "segments": list(dict.fromkeys(columns)),
        }  # fmt: skip
