"""Params of the SERVQUAL study."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from xmresearch.params.survey import SurveyParams


class ServqualParams(SurveyParams):
    """A SERVQUAL study; the defaults run the simulated service hall."""

    notebook: ClassVar[str] = "servqual.ipynb"

    study: Literal["servqual"] = "servqual"
    name: str = Field(
        "servqual", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    weight_column: str | None = Field(None, description="design weight, above zero")
    segments: list[str] = Field([], max_length=8, description="columns to report by")
    outcome: str | None = Field(
        None, description="outcome item whose drivers are sought; the codebook's first if absent"
    )
    min_answered: float = Field(0.5, gt=0, le=1, description="share of a dimension's items a respondent must answer")
    smallest_gap: float = Field(
        0.1, ge=0, description="smallest gap that matters, in points of the answer scale; 0 where every gap does"
    )
    bootstrap: int = Field(2000, ge=200, le=100_000, description="bootstrap replicates")
    importance_cross: Literal["mean", "median", "scale_middle"] = Field(
        "mean", description="where the importance-performance quadrants meet"
    )
    estimator: Literal["ML", "MLM", "MLMV", "MLR"] = Field(
        "MLR", description="of the factor analysis; MLR is robust to non-normal answers"
    )
    min_cell: int = Field(10, ge=10, description="segments with fewer respondents are suppressed")

    def survey_settings(self) -> dict[str, Any]:
        """Return what `load_survey` needs of the params."""
        return super().survey_settings() | {"weight_column": self.weight_column, "segments": self.segments}
