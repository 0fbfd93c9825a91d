"""Params of the scorecard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xmresearch.errors import DataError, Problems
from xmresearch.identifiers.file_names import neutral_name
from xmresearch.params.survey import SurveyParams
from xmresearch.studies.scorecard.more_params import Banner, Raters

MeasureName = Literal["nps", "enps", "net_recommendation", "top_boxes", "mean", "share"]
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class FromTable(BaseModel):
    """One figure of a table of aggregates, such as published percentages."""

    model_config = _STRICT
    file: str | None = Field(
        None, min_length=1, description="path of the table; a relative one starts from the params file,"
    )
    dataset: str | None = Field(None, min_length=1, description="or the name of a known data set")
    rows: dict[str, str | int | float] = Field(
        min_length=1, description="column to the value that its row has; exactly one row must be so"
    )
    value: str = Field(min_length=1, description="column of the figure, in the metric's units")
    n: str | None = Field(None, min_length=1, description="column of the answers behind a share;")
    se: str | None = Field(
        None, min_length=1, description="or of the standard error. Without either it is taken as exact"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.file is None) == (self.dataset is None):
            raise ValueError("from: give either a file or a dataset")
        if self.n is not None and self.se is not None:
            raise ValueError("from: give n or se, not both")
        return self


class Benchmark(BaseModel):
    """What a score is held against: a target, or what somebody else measured, with its own uncertainty."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_by_name=True, validate_by_alias=True)
    name: str = Field(min_length=1, description="whose it is, as the report calls it")
    value: float | None = Field(None, description="in the metric's units: points, per cent or points of the scale")
    from_table: FromTable | None = Field(None, alias="from", description="or the table that it is read from")
    se: float | None = Field(None, ge=0, description="its standard error;")
    n: float | None = Field(None, gt=0, description="or its answers,")
    sd: float | None = Field(None, ge=0, description="with the standard deviation of one;")
    lower: float | None = Field(None, description="or the lower end of its interval,")
    upper: float | None = Field(None, description="and the upper one. A fixed target has none of them")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.value is None) == (self.from_table is None):
            raise ValueError("a benchmark has either a value or a table that it is read from (from)")
        if self.from_table is not None and any(
            v is not None for v in (self.se, self.n, self.sd, self.lower, self.upper)
        ):
            raise ValueError(
                "the uncertainty of a benchmark from a table stands in the table: name its column under from"
            )
        return self


class Metric(BaseModel):
    """An item, and what is made of its answers."""

    model_config = _STRICT
    item: str = Field(min_length=1, description="item of the codebook, on the scale as it was asked")
    measure: MeasureName = Field(
        description="net promoter score, that of employees, share who would recommend less share who would advise against, share of the best answers, mean, or share of given answers"
    )
    against: str | None = Field(
        None,
        description="net_recommendation: the item of advising against; both items have two answers, the higher is yes",
    )
    boxes: int = Field(2, ge=1, description="top_boxes: how many of the best answers count")
    counted: list[float] = Field([], description="share: the answers that count")
    lowest_is_best: bool = Field(
        False, description="top_boxes: whether 1 is the best answer, as of the five grades (好差评)"
    )
    smallest_change: float | None = Field(
        None,
        ge=0,
        description="smallest change that matters, in the metric's units; 5 points, 3 per cent or 0.2 if absent",
    )
    benchmarks: list[Benchmark] = Field([], max_length=8, description="targets and what others measured")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.measure == "net_recommendation") != (self.against is not None) or self.against == self.item:
            raise ValueError(
                "net_recommendation takes two items, item (would recommend) and against (would advise against); other measures take one"
            )
        return self


class Indicator(BaseModel):
    """A named mean of metrics and other indicators, from 0 to 100."""

    model_config = _STRICT
    name: str = Field(
        min_length=1, description="as the report calls it; the name of a construct of the codebook has its labels"
    )
    parts: dict[str, float] = Field(
        min_length=1, description="its parts (items of metrics or names of indicators) and their weights, 0 or more"
    )
    target: float | None = Field(None, description="what its score is held against, 0 to 100")


class Judgements(BaseModel):
    """How much more important each metric is than each other, by experts (1/9 to 9)."""

    model_config = _STRICT
    table: list[list[float]] = Field(description="one row per metric, in the order of metrics: row against column")


class ScorecardParams(SurveyParams):
    """A scorecard; the defaults run the simulated service hall by quarter, and for data of one's own recognise the metrics."""

    of_own_data: ClassVar[Mapping[str, Any]] = {
        "id_column": None, "weight_column": None, "duration_column": None, "segments": [], "metrics": [], "wave_column": None,
        "wave_period": None,
    }  # fmt: skip
    of_rows: ClassVar[frozenset[str]] = SurveyParams.of_rows | {"wave_column", "wave_period", "waves", "compare"}
    of_showing: ClassVar[frozenset[str]] = SurveyParams.of_showing | {"segments", "min_cell", "draws"}
    of_claims: ClassVar[frozenset[str]] = frozenset({"smallest_change", "benchmarks"})
    study: Literal["scorecard"] = "scorecard"
    name: str = Field(
        "scorecard", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    codebook: str = Field("service_hall", min_length=1, description="the path of a codebook, or a shipped instrument")
    id_column: str | None = Field("respondent", description="identifier of an answer, checked for duplicates")
    weight_column: str | None = Field("weight", description="design weight, above zero")
    duration_column: str | None = Field("duration", description="length of the interview in seconds")
    person_column: str | None = Field(
        None,
        description="who answered, where somebody may answer several times: answers of one person are no independent ones",
    )
    metrics: list[Metric] = Field(
        [
            Metric(item="recommend", measure="nps"), Metric(item="satisfaction", measure="top_boxes"),
            Metric(item="quality", measure="mean"),
        ],
        max_length=20, description="the first is the headline; if empty, outcome items of the codebook are recognised by their scales",
    )  # fmt: skip
    wave_column: str | None = Field("visit_month", description="column of waves, or of dates; null for a single wave")
    wave_period: Literal["month", "quarter", "half_year", "year"] | None = Field(
        "half_year", description="what dates are put into; null where the column names the waves"
    )
    waves: list[str] = Field([], description="the waves in order; by name if empty")
    compare: list[str] = Field(
        [], max_length=2, description="the two waves to compare, earlier first; the last two if empty"
    )
    segments: list[str] = Field(
        ["branch", "channel"], max_length=8, description="columns to report by; the first is ranked and makes the index"
    )
    default_column: str | None = Field(
        None, description="column that is yes, true, 1 or 是 where the system filled in the praise (好差评)"
    )
    judgements: Judgements | None = Field(None, description="importance of the metrics by experts, for the index")
    index_weights: Literal["experts", "equal", "entropy", "derived", "pls"] | None = Field(
        None,
        description="weights that the index is told by, beside all others; if absent the experts' where there are any, or equal ones",
    )
    index_outcome: str | None = Field(
        None,
        description="item that derived importance and PLS weights explain; if absent the headline, which then has no weight itself",
    )
    banner: Banner | None = Field(None, description="questions by groups; the metrics by the segments if absent")
    raters: Raters | None = Field(None, description="who rated what, where several people rate the same things")
    tree: list[Indicator] = Field(
        [],
        max_length=40,
        description="indicators of a balanced scorecard, with targets; each belongs to one other at most",
    )
    neutral: Literal["split", "apart", "right"] = Field(
        "split", description="where the middle answers stand in the picture: across the line, apart, or to its right"
    )
    draws: int = Field(2000, ge=500, le=20_000, description="posterior draws for ranks")
    min_cell: int = Field(10, ge=10, description="groups and waves with fewer answers are suppressed")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        items = [m.item for m in self.metrics]
        if len(set(items)) < len(items):
            raise ValueError("metrics: an item is named twice")
        if self.wave_column is None and (self.wave_period or self.waves or self.compare):
            raise ValueError("wave_period, waves and compare need a wave_column")
        if len([m for m in self.metrics if m.measure == "net_recommendation"]) > 1:
            raise ValueError("metrics: there is one net recommendation")
        if self.banner is not None and self.person_column is not None:
            raise ValueError("banner: columns are of different people, so it goes without a person_column")
        if self.compare and (len(self.compare) != 2 or self.compare[0] == self.compare[1]):
            raise ValueError("compare: give two different waves, the earlier first")
        if self.judgements and not self.metrics:
            raise ValueError("judgements need the metrics to be named, in the same order")
        if len({i.name for i in self.tree}) < len(self.tree):
            raise ValueError("tree: an indicator is named twice")
        if self.index_weights == "experts" and not self.judgements:
            raise ValueError("index_weights: 'experts' need judgements")
        if len({*self.segments, self.wave_column, self.default_column}) < len(self.segments) + 1 + (
            self.default_column is not None
        ):
            raise ValueError("segments, wave_column and default_column must be different columns")
        return self

    @property
    def own_names(self) -> dict[str, str]:
        """Names that the params give to questions, options and nets of the banner table, in the report's language."""
        found: dict[str, str] = {}
        for asked in self.banner.questions if self.banner else ():
            found |= {asked.item: getattr(asked.label, self.lang)} if asked.label else {}
            found |= {f"{asked.item}={c}": getattr(label, self.lang) for c, label in (asked.options or {}).items()}
            found |= {f"net_{asked.item}={k}": getattr(net.label, self.lang) for k, net in enumerate(asked.nets)}
        return found

    def survey_settings(self) -> dict[str, Any]:
        """Return what `load_survey` needs of the params."""
        more = [c for c in (self.wave_column, self.default_column) if c is not None]
        several = [q for q in (self.banner.questions if self.banner else ()) if q.options is not None]
        carried = [c for q in several for c in (q.options or [q.item])]
        for name in (name for block in (self.banner.blocks() if self.banner else ()) for name in block):
            more += [] if name in (*self.segments, *more) else [name]
        raters = [self.raters.rater, self.raters.subject] if self.raters else []
        periods = {self.wave_column: self.wave_period} if self.wave_column and self.wave_period else {}
        return super().survey_settings() | {
            "weight_column": self.weight_column, "segments": [*self.segments, *more], "cluster_column": self.person_column,
            "periods": periods, "carried": [*carried, *raters], "keys": raters,
        }  # fmt: skip

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data file, the codebook and the tables of benchmarks, as far as they are files; raises DataError."""
        from xmresearch.data.datasets import local_path

        tables = [b.from_table for m in self.metrics for b in m.benchmarks if b.from_table is not None]
        paths = [base / t.file if t.file is not None else local_path(str(t.dataset)) for t in tables]
        problems, files = Problems(), {}
        with problems.step():
            files = super().input_files(base)
        for table, path in zip(tables, paths, strict=True):
            with problems.step():
                if table.file is not None and path is not None and not path.is_file():
                    raise DataError(
                        f"metrics: the table of a benchmark, '{neutral_name(path.name)}', does not exist in '{path.parent}'.",
                        "Relative paths start from the folder of the params file.",
                    )
        problems.settle()
        return files | {
            f"benchmark{k + 1}": path for k, path in enumerate(dict.fromkeys(p for p in paths if p is not None))
        }
