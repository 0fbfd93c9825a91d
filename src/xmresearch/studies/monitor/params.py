"""Params of the monitoring study."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from xmresearch.data.config import FeedbackRows, FeedbackSource
from xmresearch.data.names import Labels
from xmresearch.params.base import StudyParams
from xmresearch.params.files import source_files
from xmresearch.studies.monitor.service_params import Handling, Staffing, Telemetry

Kpi = Literal["mean", "share", "nps", "count", "rate", "value"]
Rule = Literal["beyond", "two_of_three", "four_of_five"]
Period = Annotated[int | str, BeforeValidator(lambda given: given.isoformat() if isinstance(given, date) else given)]
NEEDS_OUTCOME = ("mean", "share", "nps", "rate", "value")


class MonitorParams(StudyParams):
    """A study that watches a figure; the defaults run the simulated daily feedback of a city's service halls."""

    of_own_data: ClassVar[Mapping[str, Any]] = {"outcome": None, "top": None, "branch": None, "baseline_until": None}
    shown_only: ClassVar[frozenset[str]] = StudyParams.shown_only | {"alarm_exit"}
    of_rows: ClassVar[frozenset[str]] = StudyParams.of_rows | {"data"}
    of_showing: ClassVar[frozenset[str]] = StudyParams.of_showing | {"labels", "min_cell", "draws", "seed"}
    of_claims: ClassVar[frozenset[str]] = frozenset({"run_length", "guarantee", "rules", "alarm"})
    study: Literal["monitor"] = "monitor"
    name: str = Field(
        "monitor", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    data: FeedbackRows = Field(
        FeedbackSource(), description="where the rows come from: a file, or a folder of Parquet that grows"
    )
    time: str = Field("date", min_length=1, description="column of the date")
    period: Literal["day", "week", "month", "quarter"] = Field("day", description="what dates are put into")
    kpi: Kpi = Field(
        "share",
        description="the figure: mean of answers, share of good ones, nps (0-10), count of rows or events, rate of events on an exposure, value (one a period)",
    )
    outcome: str | None = Field(
        "satisfaction", description="column of the answers, events or values; of a count null for rows"
    )
    top: float | None = Field(
        4, description="of a share: answers from which on they are good; null for a column of 0 and 1"
    )
    exposure: str | None = Field(None, description="of a rate: column of what events are counted on, such as visits")
    missing_codes: list[float] = Field([], description="values of the outcome that stand for no answer, such as 99")
    better: Literal["higher", "lower"] = Field("higher", description="which direction of the figure is the good one")
    branch: str | None = Field(
        "branch", description="column of branches, counters or products that are watched one by one"
    )
    baseline_from: Period | None = Field(
        None, description="first period that tells what is ordinary; the first of all if absent"
    )
    baseline_until: Period | None = Field(
        "2025-04-30", description="last period that tells what is ordinary; the middle of the series if absent"
    )
    season: Literal["auto", "none"] = Field(
        "auto",
        description="auto: weekdays and holidays of days, months where the baseline has two years; none: one level",
    )
    country: str = Field(
        "CN", description="whose public holidays: CN with make-up days, others by their code, '' for none"
    )
    lagged: bool = Field(True, description="whether periods may depend on the one before")
    overdispersed: bool = Field(
        True,
        description="without season and dependence: whether periods may differ by more than the answers drawn (Laney)",
    )
    rules: list[Rule] = Field(
        ["beyond", "two_of_three"],
        min_length=1,
        description="of alarm rules: one point far out, two of three, four of five",
    )
    alarm: Literal["rules", "cusum"] = Field(
        "rules", description="rules of single points, or cusum: sums of them, which find small lasting shifts sooner"
    )
    run_length: float = Field(370, ge=20, le=100_000, description="periods to a false alarm, on average")
    guarantee: float = Field(
        0.9, ge=0.5, lt=1, description="share of baselines in which that is reached, as centre and spread are estimates"
    )
    newest: int = Field(7, ge=1, le=366, description="newest periods in which branches are judged, together")
    horizon: int = Field(14, ge=0, le=366, description="periods to come that are foretold; 0 for none")
    handling: Handling | None = Field(None, description="how long cases take, where rows are cases with times")
    staffing: Staffing | None = Field(None, description="how many counters it takes, where the time has hours")
    telemetry: Telemetry | None = Field(None, description="load times, failures and visits left")
    alarm_exit: bool = Field(False, description="whether the command ends with exit code 10 where an alarm is claimed")
    rows_are: Literal["answers", "aggregates"] = Field(
        "answers", description="answers: of people; aggregates: counts and public figures, of which none is hidden"
    )
    min_cell: int = Field(10, ge=10, description="figures that rest on fewer rows are suppressed, except of aggregates")
    labels: dict[str, Labels] = Field({}, description="names of columns, branches and values in the report")
    confidence: float = Field(
        0.95, ge=0.5, lt=1, description="level of every interval, and of the share of false alarms among branches"
    )
    draws: int = Field(500, ge=200, le=10_000, description="baselines drawn to see what limits must allow for")
    seed: int = Field(20260101, ge=0, description="seed of every draw")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.outcome is None and self.kpi in NEEDS_OUTCOME:
            raise ValueError(f"outcome: a {self.kpi} needs the column that it is made of")
        if (self.exposure is None) == (self.kpi == "rate"):
            raise ValueError("exposure: a rate needs the column that events are counted on, and nothing else has one")
        if self.kpi == "nps" and self.better == "lower":
            raise ValueError("better: of a net promoter score higher is better")
        return self

    def panel_settings(self) -> dict[str, Any]:
        """Return what `load_panel` needs of the params."""
        h, t = self.handling, self.telemetry
        times = [] if h is None else [h.responded, h.resolved]
        numbers = [self.outcome, self.exposure, *([] if h is None else [h.contacts, h.reopened])]
        numbers += [] if t is None else [t.load_time, t.failed, t.left]
        labels = [self.branch, h and h.customer, t and t.visitor]
        return {
            "data": self.data,
            "dates": [self.time, *(c for c in times if c is not None)],
            "numbers": [c for c in numbers if c is not None],
            "labels": [c for c in labels if c],
        }

    def smallest_shown(self) -> int:
        """Return how many rows a figure must rest on to be shown."""
        return 0 if self.rows_are == "aggregates" else self.min_cell

    def names(self) -> dict[str, dict[str, str]]:
        """Return the labels by language."""
        return {lang: {key: getattr(name, lang) for key, name in self.labels.items()} for lang in ("en", "zh")}

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data files, as far as there are any; see `source_files`."""
        return source_files(self.data, base, folders=True)
