"""Rows of respondents, which no table of a report may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from xmresearch.errors import StudyError

_HOLDERS = ("frame", "rows")
_COMPARED = 200


def read_rows(namespace: Mapping[str, Any]) -> list[pd.DataFrame]:
    """Return the rows that a notebook has read: those of a survey or a panel among its variables."""
    found = {}
    for value in list(namespace.values()):
        if type(value).__module__.startswith("xmresearch."):
            for name in _HOLDERS:
                rows = getattr(value, name, None)
                if isinstance(rows, pd.DataFrame):
                    found[id(rows)] = rows
    return list(found.values())


def refuse_rows(data: Any, sources: Iterable[pd.DataFrame]) -> None:
    """Refuse a table whose rows are those of a data file.

    Parameters
    ----------
    data : object
        What is to be shown; only frames of pandas are compared.
    sources : iterable of DataFrame
        From `read_rows`.

    Raises
    ------
    StudyError
        The table has rows of a source: the same labels and, in the columns that both have, the same values. One column
        of one or two rows proves nothing.
    """
    if isinstance(data, pd.Series):
        data = data.to_frame()
    if not isinstance(data, pd.DataFrame) or not len(data) or data.index.nlevels > 1:
        return
    for source in sources:
        shared = [c for c in data.columns if c in source.columns]
        enough = len(shared) > 1 or (len(shared) == len(data.columns) and len(data) > 2)
        if not enough or not data.index.isin(source.index).all() or not source.index.is_unique:
            continue
        mine = data[shared].head(_COMPARED)
        theirs = source.loc[mine.index, shared]
        same = (mine.astype(object) == theirs.astype(object)) | (mine.isna() & theirs.isna())
        if bool(same.to_numpy().all()):
            raise StudyError(
                "own_table was given rows of the data, as they were read: a report holds none.",
                "Give aggregates, such as frame.groupby('branch')['quality'].agg(['size', 'mean']).",
            )
