"""The settings of the data step: where rows come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xmresearch.data.names import Labels
from xmresearch.data.remote.database_url import parse_url, refuse_credentials
from xmresearch.data.remote.object_path import checked_path
from xmresearch.data.remote.statement import read_statement
from xmresearch.errors import nearest

_Strict = ConfigDict(extra="forbid", strict=True, frozen=True)


class ScenarioSource(BaseModel):
    """A simulated survey with declared truth."""

    model_config = _Strict
    source: Literal["scenario"] = "scenario"
    name: Literal["service_hall"] = Field("service_hall", description="which scenario")
    n: int = Field(900, ge=20, le=1_000_000, description="number of respondents")
    seed: int = Field(20260101, ge=0, description="seed of the simulation")
    missing: float = Field(0.01, ge=0, lt=0.5, description="share of answers left blank at random")
    careless: float = Field(0.02, ge=0, lt=0.5, description="share of respondents who rush through with one answer")


class RolloutSource(BaseModel):
    """A simulated roll-out of self-service machines over a city's branches, with declared truth."""

    model_config = _Strict
    source: Literal["scenario"] = "scenario"
    name: Literal["service_hall_rollout"] = Field("service_hall_rollout", description="which scenario")
    n: int = Field(20_000, ge=500, le=20_000_000, description="number of answers")
    seed: int = Field(20260101, ge=0, description="seed of the simulation")
    effect: float = Field(0.35, ge=-2, le=2, description="planted mean effect, in latent answer points; 0 for none")
    spread: float = Field(0.2, ge=0, le=1, description="planted SD of the effect between branches, likewise")


class FeedbackSource(BaseModel):
    """Simulated daily feedback or complaints of a city's service halls, with a declared difference in some of them."""

    model_config = _Strict
    source: Literal["scenario"] = "scenario"
    name: Literal["service_hall_feedback", "service_hall_complaints"] = Field(
        "service_hall_feedback", description="which scenario: daily answers, or complaints with how they were handled"
    )
    n: int = Field(30_000, ge=1_000, le=20_000_000, description="number of answers")
    seed: int = Field(20260101, ge=0, description="seed of the simulation")
    shift: float = Field(
        -0.9,
        ge=-2,
        le=2,
        description="planted in three halls: a shift in latent answer points, of complaints the log hazard ratio of a resolution; 0 for none",
    )


class TouchpointsSource(BaseModel):
    """Simulated journeys through a government service hall, with declared truth, and a survey of their touches."""

    model_config = _Strict
    source: Literal["scenario"] = "scenario"
    name: Literal["service_hall_touchpoints"] = Field("service_hall_touchpoints", description="which scenario")
    n: int = Field(20_000, ge=200, le=5_000_000, description="number of journeys")
    seed: int = Field(20260101, ge=0, description="seed of the simulation")


class CasesSource(BaseModel):
    """Simulated cases of a government service hall, step by step, with declared times."""

    model_config = _Strict
    source: Literal["scenario"] = "scenario"
    name: Literal["service_hall_cases"] = Field("service_hall_cases", description="which scenario")
    n: int = Field(3_000, ge=200, le=5_000_000, description="number of cases")
    seed: int = Field(20260101, ge=0, description="seed of the simulation")
    shift: float = Field(
        1.0,
        ge=0,
        le=2,
        description="how much slower the slow hall is, and how much faster review became; 0 for neither",
    )


class VoiceSource(BaseModel):
    """Simulated texts of visitors of a government service hall, in Chinese and English, with declared truth."""

    model_config = _Strict
    source: Literal["scenario"] = "scenario"
    name: Literal["service_hall_voice"] = Field("service_hall_voice", description="which scenario")
    n: int = Field(3000, ge=300, le=2_000_000, description="number of texts")
    seed: int = Field(20260101, ge=0, description="seed of the simulation")


class LinkageSource(BaseModel):
    """Simulated customers, staff and results of a city's service halls, with declared links within and between halls."""

    model_config = _Strict
    source: Literal["scenario"] = "scenario"
    name: Literal["service_hall_linkage"] = Field("service_hall_linkage", description="which scenario")
    n: int = Field(3000, ge=200, le=10_000_000, description="number of customers")
    seed: int = Field(20260101, ge=0, description="seed of the simulation")
    branches: int = Field(
        24, ge=5, le=1000, description="number of halls; the first is ten times as large as the others"
    )
    within: float = Field(
        0.5, ge=-3, le=3, description="planted spend per point of experience among customers of a hall"
    )
    between: float = Field(1.0, ge=-5, le=5, description="planted spend per point of experience among halls")
    chained: bool = Field(True, description="whether staff, customers and results hang together")
    wrong_links: float = Field(0.0, ge=0, lt=0.9, description="share of customers linked to another one's spend")


class DatasetSource(BaseModel):
    """A known data set, from the folder in XMRESEARCH_DATA, from an installed package or from its publisher."""

    model_config = _Strict
    source: Literal["dataset"]
    name: str = Field(description="name in the registry, such as kiosk_servqual")


FormatName = Literal[
    "csv",
    "parquet",
    "excel",
    "feather",
    "spss",
    "stata",
    "xes",
    "qualtrics",
    "surveymonkey",
    "limesurvey",
    "google_forms",
    "ms_forms",
    "wjx",
    "tencent_wj",
    "tencent_docs",
    "ga4",
]
"""Every form in `xmresearch.data.formats.registry`, by name."""


Cell = str | bool | int | float
"""A value as params name it; compared with the file's as text, without spaces around it."""


class RowSettings(BaseModel):
    """What is made of columns, rows and cells, wherever they come from."""

    model_config = _Strict
    header_case: Literal["as_written", "lower"] = Field(
        "as_written", description="letter case of column names; lower: in small letters"
    )
    columns: dict[str, str] = Field({}, description="other names for columns: name in the file to name used")
    where: dict[str, list[Cell]] = Field(
        {}, description="column to the values that it may have; other rows are left out, and counted"
    )
    missing_codes: list[Cell] | dict[str, list[Cell]] = Field(
        [], description="values that stand for no answer, such as 99: of every column, or by column"
    )
    decimal: Literal[".", ","] | None = Field(None, description="decimal mark; what the cells show if absent")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        None, description="mark between thousands; what the cells show if absent"
    )
    dates: Literal["dmy", "mdy", "ymd", "excel"] | None = Field(
        None, description="order of day, month and year, or days as Excel counts them; what the cells show if absent"
    )
    time_zone: str | None = Field(
        None, description="clock of times without a zone, such as Asia/Shanghai; times with one are put on it too"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both '{self.decimal}'")
        if len(set(self.columns.values())) < len(self.columns):
            raise ValueError("columns gives two columns the same name")
        if self.time_zone is not None:
            from zoneinfo import available_timezones

            if self.time_zone not in available_timezones():
                raise ValueError(
                    f"there is no time zone '{self.time_zone}'. {nearest(self.time_zone, sorted(available_timezones()))}"
                )
        return self


class _Form(BaseModel):
    """Where a file is, and which form it has."""

    model_config = _Strict
    path: Annotated[str, AfterValidator(checked_path)] = Field(
        min_length=1,
        description="path; a relative one starts from the params file; or s3://, gs:// or az://BUCKET/..., with credentials from the environment",
    )
    format: FormatName | None = Field(None, description="form of the file; recognised if absent")
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="of a CSV; what its first records show if absent"
    )
    encoding: str | None = Field(
        None,
        description="of text and of files of SPSS and Stata; if absent UTF-8 or GB 18030 as the text shows, or as the file says",
    )
    sheet: str | None = Field(None, description="of a workbook; the first that shows and holds a table if absent")
    header_row: int | None = Field(
        None,
        ge=1,
        description="which record of text or of a sheet names the columns, counted from 1 from its top; found if absent",
    )
    skip_rows: int = Field(
        0,
        ge=0,
        description="records at the top of text or of a sheet that are passed over before its form is recognised",
    )
    table: int | None = Field(None, ge=1, description="which table of a file that holds several, counted from 1")
    unfinished: Literal["keep", "drop"] = Field("keep", description="answers that the tool marks as not finished")
    test_rows: Literal["keep", "drop"] = Field("drop", description="previews and tests, as the tool marks them")

    @property
    def passed_over(self) -> int:
        """How many records at the top come before those that name the columns, as far as that is given."""
        return self.skip_rows if self.header_row is None else self.header_row - 1

    @model_validator(mode="after")
    def _lines(self) -> Self:
        if self.header_row is not None and self.header_row <= self.skip_rows:
            raise ValueError(f"header_row is {self.header_row}, but skip_rows passes over the first {self.skip_rows}")
        return self


class FileSettings(RowSettings, _Form):
    """How a file is read; what is not given is recognised, and asked for where it cannot be."""


class JoinedFile(FileSettings):
    """A further file whose columns are added to each row, by a key."""

    by: str | dict[str, str] = Field(description="key: its column, or {column of the rows: column of this file}")
    take: list[str] = Field([], description="columns to add; all if absent")
    duplicates: Literal["error", "first"] = Field("error", description="keys that this file has more than once")
    ignore: list[Literal["case", "leading_zeros"]] = Field([], description="what keys may differ in")


class Protect(BaseModel):
    """What becomes of columns that tell who somebody is; they are recognised, and taken out if nothing is said."""

    model_config = _Strict
    keep: list[str] = Field([], description="columns to leave as they are though they tell who somebody is")
    pseudonymise: list[str] = Field([], description="further columns to replace by pseudonyms")
    key: str | None = Field(
        None,
        description="of pseudonyms that stay the same from file to file: env:NAME, or a file; running numbers if absent",
    )
    quasi_identifiers: list[str] = Field(
        [], description="columns that together may tell who somebody is, for k-anonymity; the segments if absent"
    )
    sensitive: str | None = Field(None, description="column that nobody should learn of a person, for l-diversity")
    free_text: Literal["drop", "scrubbed"] = Field(
        "drop",
        description="answers in respondents' own words: drop, or carry them scrubbed of identifiers and names of persons",
    )
    purpose: Labels | None = Field(None, description="what the data are used for, for the report's privacy page")
    retention: Labels | None = Field(None, description="how long the data are kept, for the same")


class OwnRows(RowSettings):
    """Rows of your own, from a file or a database."""

    source: str
    join: list[JoinedFile] = Field([], description="further files whose columns are added by a key")
    protect: Protect = Field(Protect(), description="what becomes of columns that tell who somebody is")

    @property
    def changes_rows(self) -> bool:
        """Whether rows must be in memory to be read as the settings say."""
        given = (self.columns, self.where, self.missing_codes, self.decimal, self.thousands, self.join)
        return any(given) or self.header_case != "as_written"


class FileSource(OwnRows, FileSettings):
    """A file of your own, here or in an object store, of any form that is known; for panels and journeys also a folder of Parquet files."""

    source: Literal["file"]

    @property
    def changes_rows(self) -> bool:
        """Whether rows must be in memory to be read as the settings say."""
        return super().changes_rows or self.passed_over > 0


class SqlSource(OwnRows):
    """Rows that a query gets from a database, which is only read; user and password come from the environment alone."""

    source: Literal["sql"]
    sql: str = Field(
        min_length=1,
        description="one query: SELECT, WITH, VALUES or TABLE; without ORDER BY its rows are put in order by their values",
    )
    url: str = Field(
        description="of the database: postgresql://HOST/DATABASE, or duckdb:///FILE from this file's folder; no user, no password"
    )
    name: str | None = Field(
        None, min_length=1, description="what the report calls the rows; the query's first table if absent"
    )
    timeout: int = Field(600, ge=1, le=86_400, description="seconds after which the query is given up")

    @model_validator(mode="before")
    @classmethod
    def _no_credentials(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            refuse_credentials(given)
        return given

    @model_validator(mode="after")
    def _readable(self) -> Self:
        parse_url(self.url)
        read_statement(self.sql)
        return self


def source_of[Source](given: Source | str | Path) -> Source | FileSource:
    """Take a path for a file of one's own.

    Parameters
    ----------
    given : source, str or Path
        Where rows come from.

    Returns
    -------
    source
    """
    return FileSource(source="file", path=str(given)) if isinstance(given, str | Path) else given


def _infer_source(given: Any) -> Any:
    """Take a section without 'source' for a file where it has a path, a query where it has one, otherwise the scenario."""
    if isinstance(given, dict) and "source" not in given:
        kind = "sql" if {"sql", "url"} & given.keys() else "file" if "path" in given else "scenario"
        return {"source": kind, **given}
    return given


DataSource = Annotated[
    ScenarioSource | DatasetSource | FileSource | SqlSource,
    Field(discriminator="source"),
    BeforeValidator(_infer_source),
]

PanelSource = Annotated[
    RolloutSource | DatasetSource | FileSource | SqlSource,
    Field(discriminator="source"),
    BeforeValidator(_infer_source),
]

FeedbackRows = Annotated[
    FeedbackSource | DatasetSource | FileSource | SqlSource,
    Field(discriminator="source"),
    BeforeValidator(_infer_source),
]

LinkageRows = Annotated[
    LinkageSource | DatasetSource | FileSource | SqlSource,
    Field(discriminator="source"),
    BeforeValidator(_infer_source),
]

TouchSource = Annotated[
    TouchpointsSource | DatasetSource | FileSource | SqlSource,
    Field(discriminator="source"),
    BeforeValidator(_infer_source),
]

CaseSource = Annotated[
    CasesSource | DatasetSource | FileSource | SqlSource,
    Field(discriminator="source"),
    BeforeValidator(_infer_source),
]

VerbatimSource = Annotated[
    VoiceSource | DatasetSource | FileSource | SqlSource,
    Field(discriminator="source"),
    BeforeValidator(_infer_source),
]

TableSource = Annotated[
    DatasetSource | FileSource | SqlSource, Field(discriminator="source"), BeforeValidator(_infer_source)
]
