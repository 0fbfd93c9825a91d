"""Params of the structural equation study."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from xmresearch.errors import ParamsError
from xmresearch.params.survey import SurveyParams


class SemParams(SurveyParams):
    """A structural equation study; the defaults run the simulated service hall."""

    of_showing: ClassVar[frozenset[str]] = SurveyParams.of_showing | {"bootstrap", "draws", "validity_bootstrap"}
    study: Literal["sem"] = "sem"
    name: str = Field(
        "sem", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    codebook: str = Field(
        "service_hall",
        min_length=1,
        description="a shipped instrument (servqual, service_hall) or the path of your own",
    )
    model: str = Field(
        "servqual_satisfaction",
        min_length=1,
        description="the model in lavaan's syntax, or a shipped one: servqual, servqual_satisfaction, ecsi, acsi",
    )
    weight_column: str | None = Field(None, description="design weight, above zero; with estimator MLR")
    cluster_column: str | None = Field(
        None, description="what respondents were drawn with, such as a branch or a household; with estimator MLR"
    )
    estimator: Literal["ML", "MLM", "MLMV", "MLR", "WLSMV"] = Field(
        "MLR", description="MLR is robust to non-normal answers; WLSMV treats answers as ordered categories"
    )
    missing: Literal["listwise", "fiml"] = Field(
        "fiml", description="use complete rows, or all by full information (ML, MLR)"
    )
    inference: Literal["ml", "bayes"] = Field("ml", description="intervals from the estimator, or from a posterior")
    draws: int = Field(1000, ge=200, le=100_000, description="posterior draws of each of four chains")
    bootstrap: int = Field(0, ge=0, le=100_000, description="replicates for the intervals of parameters; 0 for none")
    validity_bootstrap: int = Field(1000, ge=0, le=100_000, description="replicates for the intervals of HTMT2")
    outcomes: list[str] = Field(
        ["overall_satisfaction", "loyalty"],
        min_length=1,
        description="what is to be explained, first the construct of the 0-100 index",
    )
    shift: float = Field(0.5, gt=0, description="what-if gain of every driver, in answer points")
    shifts: dict[str, float] = Field({}, description="what-if gains by driver instead of the common one")
    mediation: list[list[str]] = Field([], description="chains such as [reliability, overall_satisfaction, loyalty]")
    group: str | None = Field(None, description="column whose groups are compared (measurement invariance)")
    levels: list[Literal["configural", "metric", "scalar", "strict"]] = Field(
        ["configural", "metric", "scalar", "strict"], min_length=1, description="rungs of the invariance ladder"
    )
    rivals: dict[str, str] = Field({}, description="other models to set beside the main one, by name")
    marker: list[str] = Field([], description="items of a theoretically unrelated construct, for common-method checks")
    pls: bool = Field(False, description="whether to estimate the model by PLS as well")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.missing == "fiml" and self.estimator in ("MLM", "MLMV", "WLSMV"):
            raise ValueError(f"estimator {self.estimator} uses complete rows: set missing to listwise")
        if self.bootstrap and (self.missing == "fiml" or self.estimator == "WLSMV"):
            raise ValueError("the bootstrap is of complete rows of continuous answers: set missing to listwise")
        self._require_design()
        if self.inference == "bayes" and self.estimator == "WLSMV":
            raise ValueError("inference bayes treats answers as continuous: set estimator to MLR")
        if self.bootstrap and self.bootstrap < 200:
            raise ValueError(f"bootstrap is {self.bootstrap}: intervals need at least 200 replicates")
        return self

    def _require_design(self) -> None:
        """Refuse what weights and clusters do not go with."""
        given = [k for k in ("weight_column", "cluster_column") if getattr(self, k) is not None]
        if not given:
            return
        what = " and ".join(given)
        if self.estimator != "MLR":
            raise ValueError(f"estimator {self.estimator} knows no weights and clusters ({what}): set estimator to MLR")
        if self.inference == "bayes":
            raise ValueError(f"inference bayes knows no weights and clusters ({what}): set inference to ml")
        if self.pls:
            raise ValueError(f"pls knows no weights and clusters ({what}): set pls to false")
        if self.weight_column == self.cluster_column:
            raise ValueError(f"weight_column and cluster_column are both {self.weight_column}: they are two columns")
        if self.cluster_column is not None and self.group == self.cluster_column:
            raise ValueError(f"group and cluster_column are both {self.group}: a group must hold several clusters")

    def on_statistics(self) -> dict[str, Any]:
        """Return the settings that stand in where a survey is streamed; raises ParamsError for those that none can stand in for."""
        for name, given in (("estimator", "WLSMV"), ("inference", "bayes")):
            if getattr(self, name) == given:
                raise ParamsError(
                    f"{name}: {given} needs the respondents themselves, and the file has more rows than are read at once.",
                    "Leave it out, or give a sample of the rows.",
                )
        return {"estimator": "ML", "missing": "listwise", "bootstrap": 0, "pls": False}

    def survey_settings(self) -> dict[str, Any]:
        """Return what `load_survey` needs of the params."""
        return super().survey_settings() | {
            "weight_column": self.weight_column, "cluster_column": self.cluster_column, "stream": True,
            "segments": [] if self.group is None else [self.group],
        }  # fmt: skip

    def method_settings(self) -> dict[str, Any]:
        """Return what the common-method checks need of the params."""
        return {
            "estimator": self.estimator, "missing": self.missing, "confidence": self.confidence,
            "sampling_weights": self.weight_column, "cluster": self.cluster_column,
        }  # fmt: skip

    @property
    def intervals(self) -> str:
        """How intervals of standardised figures, effects and gains come about: ml, bootstrap or bayes."""
        return "bootstrap" if self.inference == "ml" and self.bootstrap else self.inference

    def fit_settings(self) -> dict[str, Any]:
        """Return what `xmresearch.sem.fitting.fit` needs of the params, but for the bootstrap."""
        return {
            "sampling_weights": self.weight_column, "cluster": self.cluster_column,
            "estimator": self.estimator, "missing": self.missing, "ordered": self.estimator == "WLSMV",
            "confidence": self.confidence,
        }  # fmt: skip
