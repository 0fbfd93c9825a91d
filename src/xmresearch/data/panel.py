"""Load the panel that a params file names: a file, a known data set or a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.data.config import (
    DatasetSource,
    FeedbackRows,
    FeedbackSource,
    FileSource,
    PanelSource,
    RolloutSource,
    SqlSource,
    source_of,
)
from xmresearch.data.dated_rows import open_dated
from xmresearch.data.formats.table import Table
from xmresearch.data.remote.object_path import store_of
from xmresearch.display import Shown

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class PanelData(Shown):
    """Rows of units over time, before anything is known of them.

    Attributes
    ----------
    rows : DataFrame or polars.LazyFrame
        One row per answer, person or unit and period; Parquet is scanned, not read.
    source : str
        What the rows are: file name, data set or scenario.
    truth : DataFrame or None
        For a simulated panel, the declared effect by outcome, measure and unit, and by time or since when.
    labels : mapping of str to (str, str)
        Names of columns and units in English and Chinese, as far as the source has them.
    table : Table or None
        What the file said of its rows, without them; None where the rows came from no file.
    files : tuple of Path
        The Parquet files of a folder on this machine whose dates need no reading, in the order of the rows.
    """

    rows: pd.DataFrame | pl.LazyFrame
    source: str
    truth: pd.DataFrame | None = None
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    table: Table | None = None
    files: tuple[Path, ...] = ()

    @property
    def replaced(self) -> set[str]:
        """Return the columns whose values are not those of the files, as they held identifiers."""
        return set() if self.table is None else {one.column for one in self.table.protected}

    @property
    def read_from(self) -> tuple[tuple[Table, float], ...]:
        """What the file said of its rows, and how many were read; NaN where they are streamed."""
        read = len(self.rows) if isinstance(self.rows, pd.DataFrame) else float("nan")
        return () if self.table is None else ((self.table, read),)

    @property
    def simulated(self) -> bool:
        """Whether the rows were simulated."""
        return self.truth is not None

    def names(self, given: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
        """Return labels by language: the source's, and over them those given by language."""
        own = {lang: {key: both[k] for key, both in self.labels.items()} for k, lang in enumerate(("en", "zh"))}
        return {lang: labels | dict(given.get(lang, {})) for lang, labels in own.items()}

    def summary(self) -> dict[str, Any]:
        """Return what the rows are."""
        return {"case": "scanned" if not isinstance(self.rows, pd.DataFrame) else "read", "source": self.source}


def load_panel(
    data: PanelSource | FeedbackRows | str | Path,
    base: Path | None = None,
    *,
    dates: Sequence[str] = (),
    numbers: Sequence[str] | None = None,
    labels: Sequence[str] = (),
) -> PanelData:
    """Open a panel.

    Parameters
    ----------
    data : RolloutSource, FeedbackSource, DatasetSource, FileSource, SqlSource, str or Path
        Where the rows come from; a path is that of a file of any form that is known, or of a folder of Parquet files.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.
    dates, numbers, labels
        Columns that hold dates, numbers that are used, and names of things; see `open_dated`.

    Returns
    -------
    PanelData

    Raises
    ------
    DataError
        The file or data set cannot be read.
    """
    if isinstance(data, RolloutSource):
        from xmresearch.data.scenarios.service_hall_rollout import LABELS, ServiceHallRollout

        city = ServiceHallRollout(data.n, data.seed, effect=data.effect, spread=data.spread)
        return PanelData(city.rows(), data.name, city.truth(), LABELS)
    if isinstance(data, FeedbackSource) and data.name == "service_hall_complaints":
        from xmresearch.data.scenarios import service_hall_complaints

        cases = service_hall_complaints.ServiceHallComplaints(data.n, data.seed, slow=data.shift)
        return PanelData(cases.rows(), data.name, cases.truth(), service_hall_complaints.LABELS)
    if isinstance(data, FeedbackSource):
        from xmresearch.data.scenarios import service_hall_feedback

        halls = service_hall_feedback.ServiceHallFeedback(data.n, data.seed, shift=data.shift)
        return PanelData(halls.rows(), data.name, halls.truth(), service_hall_feedback.LABELS)
    settings: DatasetSource | FileSource | SqlSource = source_of(data)
    rows, source, table = open_dated(settings, base, dates=dates, numbers=numbers, labels=labels)
    return PanelData(rows, source, table=table, files=_files_of(settings, base, table))


def _files_of(data: DatasetSource | FileSource | SqlSource, base: Path | None, table: Table | None) -> tuple[Path, ...]:
    """Return the files of a folder that is scanned as it is."""
    if not isinstance(data, FileSource) or store_of(data.path) is not None or table is None or table.notes:
        return ()
    folder = (base or Path()) / data.path
    return tuple(sorted(folder.glob("*.parquet"))) if folder.is_dir() else ()
