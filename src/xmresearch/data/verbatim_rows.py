"""Load the texts that a params file names: a file, a known data set or a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from xmresearch.data.config import VerbatimSource, VoiceSource, source_of
from xmresearch.data.dated_rows import open_dated
from xmresearch.data.panel import PanelData
from xmresearch.errors import DataError, nearest


def load_verbatims(
    data: VerbatimSource | str | Path, base: Path | None = None, *, columns: Sequence[str], dates: Sequence[str] = (),
    numbers: Sequence[str] = (),
) -> PanelData:  # fmt: skip
    """Open texts and what belongs to them.

    Parameters
    ----------
    data : VoiceSource, DatasetSource, FileSource, SqlSource, str or Path
        Where the rows come from; a path is that of a file of any form that is known.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.
    columns : sequence of str
        Columns that the study reads, dates and numbers among them.
    dates, numbers : sequence of str
        Those that hold dates, and numbers.

    Returns
    -------
    PanelData
        Rows with these columns alone, in memory. Structured identifiers in texts are replaced as in any file.

    Raises
    ------
    DataError
        The file or data set cannot be read, or lacks a column.
    """
    if isinstance(data, VoiceSource):
        from xmresearch.data.scenarios.service_hall_voice import LABELS, HallVoice

        hall = HallVoice(data.n, data.seed)
        return PanelData(_only(hall.rows(), columns, data.name), data.name, hall.truth(), LABELS)
    rows, source, table = open_dated(source_of(data), base, dates=dates, numbers=numbers, labels=columns)
    if not isinstance(rows, pd.DataFrame):
        there = rows.collect_schema().names()
        kept = [c for c in dict.fromkeys(columns) if c in there]
        rows = rows.select(kept).collect().to_pandas()
    return PanelData(_only(rows, columns, source), source, table=table)


def _only(rows: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """Keep the columns that are read; refuse rows without one."""
    for column in columns:
        if column not in rows.columns:
            raise DataError(f"{source} has no column '{column}'.", nearest(column, map(str, rows.columns)))
    return rows[list(dict.fromkeys(columns))].reset_index(drop=True)
