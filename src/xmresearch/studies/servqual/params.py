"""Params of the SERVQUAL study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from xmresearch.data.sampling_params import SamplingParams
from xmresearch.errors import ParamsError
from xmresearch.params.survey import SurveyParams


class ServqualParams(SurveyParams):
    """A SERVQUAL study; the defaults run the simulated service hall, and for data of one's own ask for nothing optional."""

    of_own_data: ClassVar[Mapping[str, Any]] = {
        "codebook": "servqual", "id_column": None, "weight_column": None, "duration_column": None, "segments": [],
        "outcome": None,
    }  # fmt: skip
    of_rows: ClassVar[frozenset[str]] = SurveyParams.of_rows | {"wave_column", "wave_period", "waves", "compare"}
    of_showing: ClassVar[frozenset[str]] = SurveyParams.of_showing | {"segments", "min_cell", "bootstrap"}
    of_claims: ClassVar[frozenset[str]] = frozenset({"smallest_gap"})
    study: Literal["servqual"] = "servqual"
    name: str = Field(
        "servqual", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    codebook: str = Field(
        "service_hall",
        min_length=1,
        description="a shipped instrument (servqual, service_hall, libqual, chinese_service, servqual_p; perceptions alone: servperf, e_s_qual, hedperf) or the path of your own; of your own data servqual if absent",
    )
    id_column: str | None = Field("respondent", description="respondent identifier, checked for duplicates")
    weight_column: str | None = Field("weight", description="design weight, above zero")
    sampling: SamplingParams = Field(SamplingParams(), description="strata, clusters, population and margins")
    duration_column: str | None = Field("duration", description="length of the interview in seconds")
    wave_column: str | None = Field(
        None, description="column of waves, or of dates, whose change is asked for; null for a single wave"
    )
    wave_period: Literal["month", "quarter", "half_year", "year"] | None = Field(
        None, description="what dates are put into; null where the column names the waves"
    )
    waves: list[str] = Field([], description="the waves in order; by name if empty")
    compare: list[str] = Field(
        [],
        max_length=2,
        description="the two waves to compare, earlier first; the last two if empty. All else is of the later",
    )
    person_column: str | None = Field(None, description="who answered, where people may be in both waves; once in each")
    segments: list[str] = Field(["branch", "channel"], max_length=8, description="columns to report by")
    outcome: str | None = Field(
        "quality", description="outcome item whose drivers are sought; null for the codebook's first"
    )
    min_answered: float = Field(0.5, gt=0, le=1, description="share of a dimension's items a respondent must answer")
    smallest_gap: float = Field(
        0.1, ge=0, description="smallest gap that matters, in points of the answer scale; 0 where every gap does"
    )
    target: float | None = Field(
        None, description="of perceptions alone: the mean answer that is aimed at; null for the middle of the scale"
    )
    bootstrap: int = Field(2000, ge=200, le=100_000, description="bootstrap replicates")
    importance_cross: Literal["mean", "median", "scale_middle"] = Field(
        "mean", description="where the importance-performance quadrants meet"
    )
    estimator: Literal["ML", "MLM", "MLMV", "MLR"] = Field(
        "MLR", description="of the factor analysis; MLR is robust to non-normal answers"
    )
    min_cell: int = Field(10, ge=10, description="segments with fewer respondents are suppressed")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.sampling.given and self.estimator != "MLR":
            raise ValueError(
                f"estimator {self.estimator} knows no design of the sample (sampling): set estimator to MLR"
            )
        if self.wave_column is None and (self.wave_period or self.waves or self.compare or self.person_column):
            raise ValueError("wave_period, waves, compare and person_column need a wave_column")
        if self.compare and (len(self.compare) != 2 or self.compare[0] == self.compare[1]):
            raise ValueError("compare: give two different waves, the earlier first")
        if self.wave_column is not None and self.sampling.given:
            raise ValueError(
                "a change between waves does not know the design of the sample (sampling): leave one of them out"
            )
        if self.wave_column is not None and self.wave_column in self.segments:
            raise ValueError("segments and wave_column must be different columns")
        columns = self.sampling.columns
        same = next((key for key, name in columns.items() if name == self.weight_column), None)
        if same is not None:
            raise ValueError(f"weight_column and {same} are both {self.weight_column}: they are two columns")
        return self

    def on_statistics(self) -> dict[str, Any]:
        """Return the settings that stand in where a survey is streamed; raises ParamsError for waves, which are held row by row."""
        if self.wave_column is not None:
            raise ParamsError(
                "wave_column: two waves are compared respondent by respondent, and the file has more rows than are read at once.",
                "Leave it out; run each wave by itself (data.where), and compare the runs.",
            )
        return {"estimator": "ML"}

    def survey_settings(self) -> dict[str, Any]:
        """Return what `load_survey` needs of the params."""
        more = [] if self.wave_column is None else [self.wave_column]
        return super().survey_settings() | {
            "weight_column": self.weight_column, "sampling": self.sampling, "stream": True, "segments": [*self.segments, *more],
            "cluster_column": self.person_column,
            "periods": {self.wave_column: self.wave_period} if self.wave_column and self.wave_period else {},
        }  # fmt: skip
