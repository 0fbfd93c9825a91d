"""Columns that are used as they are, row by row."""

from __future__ import annotations

import pandas as pd

from xmresearch.data.panel import PanelData
from xmresearch.errors import DataError, brief, nearest


def columns_of(data: PanelData, columns: list[str]) -> pd.DataFrame:
    """Return some columns of the rows."""
    there = list(data.rows.columns) if isinstance(data.rows, pd.DataFrame) else data.rows.collect_schema().names()
    for column in columns:
        if column not in there:
            raise DataError(f"The data have no column '{brief(column)}'.", nearest(column, there))
    if isinstance(data.rows, pd.DataFrame):
        return data.rows[list(dict.fromkeys(columns))]
    found: pd.DataFrame = data.rows.select(list(dict.fromkeys(columns))).collect(engine="streaming").to_pandas()
    return found
