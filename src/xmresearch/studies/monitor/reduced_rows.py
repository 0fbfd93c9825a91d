"""Rows reduced to distinct answers by day and branch: all at once, or file by file of a folder that grows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.panel import PanelData
from xmresearch.data.readers import of_one_form
from xmresearch.errors import DataError, brief, nearest, reason
from xmresearch.kept_fits import kept_parts
from xmresearch.studies.monitor.params import MonitorParams

if TYPE_CHECKING:
    import polars as pl

TEXTS, KEYS, SUMS = ("day", "branch"), ("day", "branch", "answer"), ("rows", "exposure", "unexposed", "unread")
DATED = 10
"""Characters of a date written as text, before its time of day."""


def reduced_rows(params: MonitorParams, data: PanelData) -> pd.DataFrame:
    """Reduce rows to distinct answers by day and branch.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    data : PanelData
        Its rows.

    Returns
    -------
    DataFrame
        One row per day (as written; None where there is none), branch and answer, in order: rows, exposure (its sum), unexposed (rows without
        it), unread (rows whose answer is no number). Of a folder of Parquet files each file is reduced by itself and what it comes to is
        kept on this machine by the content of the file, so that a rerun reads the files that are new; see `xmresearch.kept_fits`.

    Raises
    ------
    DataError
        A column is not there; a file cannot be read, has other columns than the first one, or changes while it is read.
    """
    import polars as pl

    lazy = pl.from_pandas(_columns(params, data.rows)).lazy() if isinstance(data.rows, pd.DataFrame) else data.rows
    schema = lazy.collect_schema()
    used = [c for c in (params.time, params.outcome, params.exposure, params.branch) if c is not None]
    for column in used:
        if column not in schema:
            raise DataError(f"The data have no column '{brief(column)}'.", nearest(column, schema.names()))
    if data.files and not {*used} & data.replaced:
        # counts are whole numbers, so that the sum is what one pass over all rows gives
        table = _by_file(params, data.files, schema)
    else:
        table = _reduced(params, lazy, schema)
    return table.groupby([*KEYS], dropna=False, sort=True, as_index=False)[[*SUMS]].sum()


def _reduced(params: MonitorParams, lazy: pl.LazyFrame, schema: pl.Schema) -> pd.DataFrame:
    import polars as pl

    day = pl.col(params.time)
    if schema[params.time].is_temporal():
        day = day.cast(pl.Date).cast(pl.String)
    else:
        day = day.cast(pl.String).str.strip_chars().str.slice(0, DATED)
    answer = pl.lit(1.0) if params.outcome is None else pl.col(params.outcome).cast(pl.Float64, strict=False)
    written = pl.lit(None) if params.outcome is None else pl.col(params.outcome)
    unread = answer.is_null() & written.is_not_null()
    if params.missing_codes and params.outcome is not None:
        answer = pl.when(answer.is_in(params.missing_codes)).then(None).otherwise(answer)
    exposure = pl.col(params.exposure).cast(pl.Float64, strict=False) if params.exposure else pl.lit(1.0)
    branch = pl.col(params.branch).cast(pl.String) if params.branch else pl.lit("")
    told = lazy.select(
        day=day, answer=answer.fill_nan(None), exposure=exposure.fill_nan(None), branch=branch, unread=unread
    )
    found: pd.DataFrame = (
        told.group_by(*KEYS)
        .agg(
            rows=pl.len(),
            exposure=pl.col("exposure").sum(),
            unexposed=pl.col("exposure").is_null().sum(),
            unread=pl.col("unread").sum(),
        )
        .collect(engine="streaming")
        .to_pandas()
    )
    return found


def _by_file(params: MonitorParams, files: Sequence[Path], schema: pl.Schema) -> pd.DataFrame:
    """Return what files come to one after the other, as it was kept or anew."""
    import polars as pl

    content = [_digest(path) for path in files]
    settings = (params.time, params.outcome, params.exposure, params.branch, tuple(params.missing_codes))

    def make(place: int) -> Mapping[str, NDArray[Any]]:
        path = files[place]
        with of_one_form(path.parent):
            found = _reduced(params, pl.scan_parquet(path, glob=False, schema=schema), schema)
        if _digest(path) != content[place]:
            raise DataError(f"'{brief(path.name)}' changed while it was read.", "Run again when it is complete.")
        texts = {k: np.array(found[k].fillna("").tolist(), dtype=str) for k in TEXTS}
        absent = {f"no_{k}": found[k].isna().to_numpy(dtype=bool) for k in TEXTS}
        return {**texts, **absent, **{k: found[k].to_numpy() for k in ("answer", *SUMS)}}

    given = (str(files[0].parent.resolve()), settings, repr(schema), pl.__version__)
    kept = kept_parts("days", given, [Path(__file__).parent], content, make)
    table = pd.DataFrame({k: kept[k] for k in (*KEYS, *SUMS)}).astype(dict.fromkeys(TEXTS, "str"))
    return table.assign(**{k: table[k].mask(kept[f"no_{k}"]) for k in TEXTS})


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise DataError(f"'{brief(path.name)}' cannot be read: {reason(error)}.") from None


def _columns(params: MonitorParams, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that are used, of those that are there."""
    used = [c for c in (params.time, params.outcome, params.exposure, params.branch) if c is not None and c in rows]
    frame = rows[list(dict.fromkeys(used))].copy()
    for column in (params.time, params.branch):
        if column in frame and frame[column].dtype == object:
            frame[column] = frame[column].map(lambda v: None if pd.isna(v) else str(v))
    return frame
