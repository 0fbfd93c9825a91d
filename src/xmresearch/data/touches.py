"""Load the touches that a params file names: journeys as paths or events, and a survey of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xmresearch.data.config import (
    CaseSource,
    CasesSource,
    DatasetSource,
    FileSource,
    SqlSource,
    TouchpointsSource,
    TouchSource,
    source_of,
)
from xmresearch.data.dated_rows import open_dated
from xmresearch.data.formats.table import Table
from xmresearch.data.panel import PanelData


@dataclass(frozen=True, repr=False)
class TouchData(PanelData):
    """Paths or events, before anything is known of them; rows, source, truth, labels and table are as in `PanelData`.

    Attributes
    ----------
    survey : DataFrame or None
        One row per score of a touch.
    stages : mapping of str to sequence of str, or None
        Touchpoints of each stage, as far as the source has stages.
    survey_table : Table or None
        What the survey's file said of its rows, without them; None where there is no such file.
    """

    survey: pd.DataFrame | None = None
    stages: Mapping[str, Sequence[str]] | None = None
    survey_table: Table | None = None

    @property
    def read_from(self) -> tuple[tuple[Table, float], ...]:
        """What the files said of their rows, of the journeys first, and how many were read; NaN where they are streamed."""
        if self.survey_table is None or self.survey is None:
            return super().read_from
        return (*super().read_from, (self.survey_table, len(self.survey)))


def load_touches(
    data: TouchSource | str | Path,
    survey: DatasetSource | FileSource | SqlSource | str | Path | None = None,
    base: Path | None = None,
    *,
    dates: Sequence[str] = (),
    numbers: Sequence[str] | None = None,
    labels: Sequence[str] = (),
) -> TouchData:
    """Open journeys, and the survey that belongs to them.

    Parameters
    ----------
    data : TouchpointsSource, DatasetSource, FileSource, SqlSource, str or Path
        Where paths or events come from; a path is that of a file of any form that is known, or of a folder of Parquet files.
    survey : DatasetSource, FileSource, SqlSource, str or Path, optional
        Where scores come from; a scenario has its own.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.
    dates, numbers, labels
        Columns that hold dates, numbers that are used, and names of things; see `open_dated`.

    Returns
    -------
    TouchData

    Raises
    ------
    DataError
        A file or data set cannot be read.
    """
    if isinstance(data, TouchpointsSource):
        from xmresearch.data.scenarios.touchpoints import LABELS, STAGES, TouchpointLog

        hall = TouchpointLog(data.n, data.seed)
        return TouchData(hall.events(), data.name, hall.truth(), LABELS, survey=hall.survey(), stages=STAGES)
    scores = survey_table = None
    if survey is not None:
        rows, _, survey_table = open_dated(source_of(survey), base, labels=labels)
        scores = rows if isinstance(rows, pd.DataFrame) else rows.collect().to_pandas()
    events, source, table = open_dated(source_of(data), base, dates=dates, numbers=numbers, labels=labels)
    return TouchData(events, source, table=table, survey=scores, survey_table=survey_table)


def load_cases(
    data: CaseSource | str | Path,
    base: Path | None = None,
    *,
    dates: Sequence[str] = (),
    numbers: Sequence[str] | None = None,
    labels: Sequence[str] = (),
) -> TouchData:
    """Open the log of cases.

    Parameters
    ----------
    data : CasesSource, DatasetSource, FileSource, SqlSource, str or Path
        Where events come from.
    base, dates, numbers, labels
        As for `load_touches`.

    Returns
    -------
    TouchData

    Raises
    ------
    DataError
        A file or data set cannot be read.
    """
    if isinstance(data, CasesSource):
        from xmresearch.data.scenarios.service_hall_cases import LABELS, STAGES, ServiceHallCases

        hall = ServiceHallCases(data.n, data.seed, data.shift)
        return TouchData(hall.events(), data.name, hall.truth(), LABELS, stages=STAGES)
    return load_touches(data, base=base, dates=dates, numbers=numbers, labels=labels)
