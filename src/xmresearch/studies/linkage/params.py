"""Params of the linkage study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xmresearch.data.config import LinkageRows, LinkageSource, TableSource
from xmresearch.data.names import Labels
from xmresearch.params.base import StudyParams
from xmresearch.params.files import source_files

_Strict = ConfigDict(extra="forbid", strict=True, frozen=True)
Pair = Annotated[tuple[int, int], BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given)]


class Staff(BaseModel):
    """A survey of staff."""

    model_config = _Strict
    data: TableSource | None = Field(None, description="where the rows come from; of the simulated halls null")
    branch: str = Field("branch", min_length=1, description="column of the branch, named as in the customers' rows")
    items: list[str] = Field(min_length=1, description="columns of one scale, keyed alike: climate or engagement")
    scale: Pair = Field((1, 5), description="lowest and highest answer of the items")
    recommend: str | None = Field(None, description="column from 0 to 10: would recommend as employer (eNPS)")
    adjust: list[str] = Field([], description="columns that are held equal when branches are compared, such as role")
    missing_codes: list[float] = Field([], description="values that stand for no answer, such as 99")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.scale[0] < self.scale[1]:
            raise ValueError(f"scale: the lowest answer, {self.scale[0]}, is not below the highest, {self.scale[1]}")
        return self


class Results(BaseModel):
    """Results of branches."""

    model_config = _Strict
    data: TableSource | None = Field(None, description="where the rows come from; of the simulated halls null")
    branch: str = Field("branch", min_length=1, description="column of the branch, named as in the customers' rows")
    value: str = Field(min_length=1, description="column of the result, such as revenue; rows of a branch are averaged")


class Links(BaseModel):
    """What is known of wrong links between files: a share, or a sample that was checked."""

    model_config = _Strict
    share: float | None = Field(None, ge=0, lt=0.9, description="share of wrong links, as the one who linked states it")
    checked: int | None = Field(None, ge=1, description="links that were checked by hand, drawn at random")
    wrong: int | None = Field(None, ge=0, description="how many of them were wrong")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.checked is None) != (self.wrong is None) or (self.share is None) == (self.checked is None):
            raise ValueError("links: give share, or both checked and wrong")
        if self.checked is not None and self.wrong is not None and 2 * self.wrong > self.checked:
            raise ValueError("links: more than half of the links that were checked are wrong; link the files anew")
        return self


class LinkageParams(StudyParams):
    """A study that links surveys, behaviour and results; the defaults run the simulated halls of a city."""

    of_own_data: ClassVar[Mapping[str, Any]] = {
        "customer": None,
        "wave": None,
        "adjust": [],
        "staff": None,
        "results": None,
        "links": None,
    }
    of_rows: ClassVar[frozenset[str]] = StudyParams.of_rows | {"data", "staff", "results"}
    of_showing: ClassVar[frozenset[str]] = StudyParams.of_showing | {"labels", "min_cell", "draws", "seed"}
    study: Literal["linkage"] = "linkage"
    name: str = Field(
        "linkage", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    data: LinkageRows = Field(
        LinkageSource(),
        description="customers' answers with what they did: a file (others joined by a key), or a folder of Parquet",
    )
    branch: str = Field("branch", min_length=1, description="column of the branch")
    experience: str = Field(
        "satisfaction", min_length=1, description="column of the experience: a score, higher is better"
    )
    outcome: str = Field(
        "spend",
        min_length=1,
        description="column of what it is linked to: spend, visits, 1 for stayed; blank where not linked",
    )
    customer: str | None = Field(
        "customer", description="column of who answered, if some answered more than once; never shown"
    )
    wave: str | None = Field(
        "wave", description="column of waves in order of their names, for what comes first; null for none"
    )
    adjust: list[str] = Field(
        ["channel"], description="columns that are held equal when branches are compared on experience"
    )
    missing_codes: list[float] = Field(
        [], description="values of experience and outcome that stand for none, such as 99"
    )
    staff: Staff | None = Field(
        Staff(
            items=["support", "tools", "voice", "pride"],
            scale=(1, 7),
            recommend="recommend_employer",
            adjust=["role", "tenure"],
        ),
        description="the survey of staff: data, branch, items, scale, recommend, adjust, missing_codes; null for none",
    )
    results: Results | None = Field(
        Results(value="revenue"), description="results of branches: data, branch, value; null for none"
    )
    links: Links | None = Field(
        Links(checked=200, wrong=4),
        description="wrong links: {share: 0.05}, or {checked: 200, wrong: 4}; null if not known",
    )
    min_cell: int = Field(10, ge=10, description="branches and groups of fewer people are not shown")
    labels: dict[str, Labels] = Field({}, description="names of columns, branches and values in the report")
    confidence: float = Field(
        0.95, ge=0.5, lt=1, description="level of every interval, and of the share of false ones among branches"
    )
    draws: int = Field(20_000, ge=2000, le=1_000_000, description="draws of the interval of the indirect link")
    seed: int = Field(20260101, ge=0, description="seed of every draw")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        simulated = isinstance(self.data, LinkageSource)
        for name, section in (("staff", self.staff), ("results", self.results)):
            if section is not None and (section.data is None) != simulated:
                raise ValueError(
                    f"{name}: the simulated halls bring their own"
                    if simulated
                    else f"{name}: say in 'data' where the rows come from"
                )
        if self.wave is not None and self.customer is None:
            raise ValueError(
                "wave: what comes first is seen in customers who are followed; name their column in 'customer'"
            )
        if self.experience == self.outcome:
            raise ValueError("outcome: it is the experience itself")
        return self

    def row_settings(self) -> dict[str, Any]:
        """Return what `load_panel` needs to read the customers' rows."""
        named = [
            self.branch,
            *([self.customer] if self.customer else []),
            *([self.wave] if self.wave else []),
            *self.adjust,
        ]
        return {"data": self.data, "numbers": [self.experience, self.outcome], "labels": named}

    def names(self) -> dict[str, dict[str, str]]:
        """Return the labels by language."""
        return {lang: {key: getattr(name, lang) for key, name in self.labels.items()} for lang in ("en", "zh")}

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data files, as far as there are any; see `source_files`."""
        files = source_files(self.data, base, folders=True)
        for name, section in (("staff", self.staff), ("results", self.results)):
            if section is not None and section.data is not None:
                files |= {f"{name}{k.removeprefix('data')}": p for k, p in source_files(section.data, base).items()}
        return files
