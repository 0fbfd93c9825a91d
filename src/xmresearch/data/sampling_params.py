"""The settings that say how a survey's respondents were drawn, and what is known of their population."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_Strict = ConfigDict(extra="forbid", strict=True, frozen=True)


def _named(given: Any) -> Any:
    """Take the names of categories as text, whatever YAML makes of them: 1, 2.0 and true are names too."""
    if not isinstance(given, Mapping):
        return given
    return {str(int(k)) if isinstance(k, float) and k.is_integer() else str(k).strip(): v for k, v in given.items()}


Amounts = Annotated[dict[str, float], BeforeValidator(_named)]
"""Numbers by the name of a category."""


class Trim(BaseModel):
    """Bounds of the weights, as multiples of their mean."""

    model_config = _Strict
    lower: float = Field(0.0, ge=0, lt=1, description="smallest weight")
    upper: float = Field(gt=1, description="largest weight")


class SamplingParams(BaseModel):
    """How respondents were drawn, besides the design weights of weight_column; errors and tests follow from it."""

    model_config = _Strict
    strata: str | None = Field(None, description="column of the strata that were sampled separately")
    clusters: str | None = Field(
        None, description="column of what was drawn, such as branches; respondents were drawn one by one if absent"
    )
    nest: bool = Field(False, description="whether the same cluster name in two strata means two clusters")
    population: str | Amounts | None = Field(
        None,
        description="how many there are of what was drawn: a column, or by stratum; of clusters only where all of each were asked",
    )
    lonely: Literal["fail", "adjust", "average", "remove"] = Field(
        "fail",
        description="a stratum with one cluster or respondent: fail; adjust (about the mean of all), average (as other strata), remove",
    )
    margins: dict[str, Amounts] = Field(
        {}, description="column to shares or counts of its categories in the population, to which weights are raked"
    )
    trim: Trim | None = Field(None, description="{lower: 0.3, upper: 3} cuts weights off, as multiples of their mean")

    @property
    def given(self) -> bool:
        """Whether anything is said of how respondents were drawn."""
        return any((self.strata, self.clusters, self.population, self.margins, self.trim))

    @property
    def columns(self) -> dict[str, str]:
        """Columns that must be there, by the key that names them."""
        single = {"strata": self.strata, "clusters": self.clusters, "population": self.population}
        named = {f"sampling.{k}": v for k, v in single.items() if isinstance(v, str)}
        return named | {f"sampling.margins.{name}": name for name in self.margins}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if isinstance(self.population, dict) and self.strata is None:
            raise ValueError("population is given by stratum, but strata names no column")
        if self.nest and (self.strata is None or self.clusters is None):
            raise ValueError("nest is about clusters within strata: name both columns, or leave it out")
        if self.strata is not None and self.strata == self.clusters:
            raise ValueError(f"strata and clusters are both {self.strata}: they are two columns")
        if isinstance(self.population, str) and self.population in (self.strata, self.clusters, *self.margins):
            raise ValueError(f"population is {self.population}, which is another column of the design")
        empty = [name for name, levels in self.margins.items() if not levels]
        if empty:
            raise ValueError(f"margins names no category of {empty[0]}")
        return self
