"""Params of a scorecard's banner table and of its raters."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xmresearch.data.names import Labels

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
NESTED = ">"


class Net(BaseModel):
    """Answers that are counted together."""

    model_config = _STRICT
    label: Labels = Field(description="its name")
    answers: list[float | str] = Field(min_length=1, description="answers of the item, or columns of options")


class BannerQuestion(BaseModel):
    """A question of the banner table: an item of the codebook, or one with several answers."""

    model_config = _STRICT
    item: str = Field(min_length=1, description="item of the codebook, or the name of a question with several answers")
    label: Labels | None = Field(None, description="its name; the codebook's, or the name itself if absent")
    options: dict[str, Labels] | None = Field(
        None,
        description="several answers: the column of each option, with its name; {} for the options that the file's form tells",
    )
    nets: list[Net] = Field([], description="answers that are counted together")
    mean: bool = Field(True, description="whether the mean is shown as well, of an item of the codebook")


class Banner(BaseModel):
    """Questions by groups, with tests between the groups."""

    model_config = _STRICT
    columns: list[str] = Field(
        min_length=1, max_length=8, description="columns of groups; 'branch > channel' nests them"
    )
    questions: list[BannerQuestion] = Field([], max_length=40, description="what is tabulated; the metrics if empty")
    family: Literal["row", "question", "table"] = Field(
        "row", description="comparisons that are corrected together: of a row within a segment, of a question, or all"
    )
    correction: Literal["holm", "bh", "by", "hochberg", "hommel", "bonferroni"] = Field("holm", description="how")

    def blocks(self) -> list[tuple[str, ...]]:
        """Return the columns that each block is made of, the outermost first."""
        return [tuple(part.strip() for part in given.split(NESTED)) for given in self.columns]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(not part or len(set(keys)) < len(keys) for keys in self.blocks() for part in keys):
            raise ValueError("banner.columns: a nested column is written 'branch > channel', each name once")
        if len(set(self.blocks())) < len(self.columns):
            raise ValueError("banner.columns: one is named twice")
        names = [q.item for q in self.questions]
        if len(set(names)) < len(names):
            raise ValueError("banner.questions: an item is named twice")
        return self


class Raters(BaseModel):
    """Who rated what, where several people rate the same things, as mystery shoppers do."""

    model_config = _STRICT
    rater: str = Field(min_length=1, description="column of who rated")
    subject: str = Field(min_length=1, description="column of what was rated, such as a branch")
    items: list[str] = Field(min_length=1, max_length=20, description="rated items of the codebook")
    categories: list[str] = Field(
        [], description="those of them whose answers are kinds, not degrees; two answers are so always"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rater == self.subject:
            raise ValueError("raters: rater and subject are one column")
        if len(set(self.items)) < len(self.items) or set(self.categories) - set(self.items):
            raise ValueError("raters: an item is named twice, or categories names one that items does not")
        return self
