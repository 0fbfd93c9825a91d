"""Open the sources that are linked: customers, staff, results."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from xmresearch.data.config import DatasetSource, FileSource, LinkageSource, SqlSource
from xmresearch.data.dated_rows import open_dated
from xmresearch.data.formats.table import Table
from xmresearch.data.panel import PanelData, load_panel
from xmresearch.errors import DataError, Problems
from xmresearch.studies.linkage.params import LinkageParams, Results, Staff


@dataclass(frozen=True, repr=False)
class LinkageData(PanelData):
    """Customers' rows with those of staff and results; all else is as in `PanelData`.

    Attributes
    ----------
    staff, results : DataFrame or None
        Rows, as far as there are any.
    others : tuple of (Table, float)
        What the files of staff and results said of their rows, and how many were read.
    """

    staff: pd.DataFrame | None = None
    results: pd.DataFrame | None = None
    others: tuple[tuple[Table, float], ...] = ()

    @property
    def read_from(self) -> tuple[tuple[Table, float], ...]:
        """What the files said of their rows, and how many were read; NaN where they are streamed."""
        return (*super().read_from, *self.others)


def open_sources(params: LinkageParams, base: Path | None = None) -> LinkageData:
    """Open the sources that the params name.

    Parameters
    ----------
    params : LinkageParams
        Of the study.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.

    Returns
    -------
    LinkageData

    Raises
    ------
    DataError
        A file or data set cannot be read. Of several errors, all.
    """
    if isinstance(params.data, LinkageSource):
        return _simulated(params, params.data)
    problems, opened = Problems(), []
    frames: dict[str, pd.DataFrame] = {}
    others: list[tuple[Table, float]] = []
    with problems.step():
        opened.append(load_panel(**params.row_settings(), base=base))
    for name, section in (("staff", params.staff), ("results", params.results)):
        if section is None or section.data is None:
            continue
        with problems.step():
            frames[name], table = _small(name, section, section.data, base)
            others += [] if table is None else [(table, len(frames[name]))]
    problems.settle()
    own = {f.name: getattr(opened[0], f.name) for f in fields(PanelData)}
    return LinkageData(**own, staff=frames.get("staff"), results=frames.get("results"), others=tuple(others))


def _simulated(params: LinkageParams, source: LinkageSource) -> LinkageData:
    from xmresearch.data.scenarios.service_hall_linkage import LABELS, ServiceHallLinkage

    city = ServiceHallLinkage(
        source.n, source.seed, branches=source.branches, within=source.within, between=source.between, chained=source.chained,
        wrong_links=source.wrong_links,
    )  # fmt: skip
    staff = None if params.staff is None else city.staff()
    return LinkageData(
        city.customers(),
        source.name,
        city.truth(),
        LABELS,
        staff=staff,
        results=None if params.results is None else city.results(),
    )


def _small(
    name: str, section: Staff | Results, source: DatasetSource | FileSource | SqlSource, base: Path | None
) -> tuple[pd.DataFrame, Table | None]:
    """Read the rows of staff or results into memory."""
    labels = [section.branch]
    if isinstance(section, Staff):
        numbers = [*section.items, *([section.recommend] if section.recommend else [])]
        labels += section.adjust
    else:
        numbers = [section.value]
    rows, _, table = open_dated(source, base, numbers=numbers, labels=labels)
    frame = rows if isinstance(rows, pd.DataFrame) else rows.collect().to_pandas()
    missing = [c for c in (*labels, *numbers) if c not in frame.columns]
    if missing:
        shown = ", ".join(f"'{c}'" for c in missing[:5])
        raise DataError(f"{name}: the rows have no column {shown}.", f"Correct the columns under '{name}'.")
    return frame, table
