"""How touches were rated: mean scores with intervals, joined to the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.lifecycle import completed
from xmresearch.sufficient.sources import as_lazy, readable, require_columns, require_numeric, rows_where

if TYPE_CHECKING:
    import polars as pl

FEW_SCORES = 30


def mean_scores(frame: pd.DataFrame, by: list[str], score: str, confidence: float = 0.95) -> pd.DataFrame:
    """Return mean scores by group.

    Parameters
    ----------
    frame : DataFrame
        One row per answer.
    by : list of str
        Columns that make the groups.
    score : str
        Numeric column; blanks are left out.
    confidence : float
        Of the Student intervals.

    Returns
    -------
    DataFrame
        by, scores (answers), score, score_sd, score_lower, score_upper; NaN intervals for single answers. In order of `by`.

    References
    ----------
    Student (1908). The probable error of a mean. Biometrika, 6(1), 1-25.
    """
    groups = frame.dropna(subset=[score]).groupby(by, sort=True, observed=True)[score]
    table = groups.agg(scores="size", score="mean", score_sd="std").reset_index()
    reach = (
        stats.t.ppf((1 + confidence) / 2, np.maximum(table["scores"] - 1, 1))
        * table["score_sd"]
        / np.sqrt(table["scores"])
    )
    return table.assign(score_lower=table["score"] - reach, score_upper=table["score"] + reach)


def touch_scores(
    log: EventLog, survey: pd.DataFrame, *, score: str, touchpoint: str | None = None, confidence: float = 0.95
) -> tuple[pd.DataFrame, int, int]:
    """Join a survey to the log and average scores by touchpoint.

    Parameters
    ----------
    log : EventLog
        Whose customers answered.
    survey : DataFrame
        One row per answer, with the log's customer column (as numbers or as text).
    score : str
        Numeric column of `survey`.
    touchpoint : str, optional
        Column of `survey`: what was rated, in the raw labels of the log. Left out, an answer is about the last touch of its
        customer.
    confidence : float
        Of the intervals.

    Returns
    -------
    table : DataFrame
        As `mean_scores` gives it, by channel.
    unmatched : int
        Answers of customers without that touch.
    blank : int
        Answers without a score.

    Raises
    ------
    DataError
        A column is missing or not numeric.
    InsufficientData
        No answer belongs to a touch.

    Notes
    -----
    Touches that the log leaves out (no customer, after `until`, dropped as unknown, conversions themselves) cannot be rated.

    References
    ----------
    Student (1908). The probable error of a mean. Biometrika, 6(1), 1-25.
    """
    import polars as pl

    from xmresearch.sufficient.event_times import event_time, last_moment

    answers, events = as_lazy(survey), as_lazy(log.data)
    kinds, schema = answers.collect_schema(), events.collect_schema()
    require_columns((log.customer, score, touchpoint), kinds.names())
    require_numeric((score,), answers)
    require_columns((log.customer, log.touchpoint, log.time), schema.names())
    same = kinds[log.customer] == schema[log.customer] and schema[log.customer].is_integer()
    of_answer, of_event = (
        pl.col(log.customer) if same else _as_text(log.customer, s[log.customer]) for s in (kinds, schema)
    )
    known = pl.col(score).cast(pl.Float64).fill_nan(None)
    rated = answers.with_columns(of_answer.alias("id"), known.alias("score")).filter(pl.col("score").is_not_null())
    label = _as_text(log.touchpoint, schema[log.touchpoint])
    usable = of_event.is_not_null() & (label != "") & ~label.is_in(list(log.converting))
    if not same:
        usable &= of_event != ""
    if log.mapping is not None and log.unknown == "drop":
        usable &= label.is_in(list(log.mapping))
    done = completed(events, log.lifecycle)
    if done is not None:
        usable &= done
    when, unit = event_time(log, schema[log.time])
    usable &= when <= last_moment(log, schema[log.time], unit)
    seen = events.filter(usable).select(of_event.alias("id"), label.alias("touch"), when.alias("when"))
    if touchpoint is None:
        of = seen.sort("when", maintain_order=True).group_by("id").agg(pl.col("touch").last())
        joined = rated.select("id", "score").join(of, on="id")
    else:
        rated = rated.with_columns(_as_text(touchpoint, kinds[touchpoint]).alias("touch"))
        joined = rated.select("id", "score", "touch").join(seen.unique(["id", "touch"]), on=["id", "touch"], how="semi")
    with readable(log.data):
        table = joined.select("touch", "score").collect(engine="streaming").sort("touch", "score").to_pandas()
        total, given = (int(rows.select(pl.len()).collect().item()) for rows in (rated, answers))
    if table.empty:
        raise InsufficientData(f"None of the {total} scores belongs to a touch in the log.")
    mapping = log.mapping or {}
    table["channel"] = [mapping.get(t, t) for t in table["touch"]]
    return mean_scores(table, ["channel"], "score", confidence), total - len(table), given - total


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """Return labels as text, the same whether they are whole numbers, decimals or text."""
    import polars as pl

    raw = pl.col(name)
    text = raw.cast(pl.String).str.strip_chars()
    if not kind.is_float():
        return text
    return pl.when(raw == raw.round()).then(raw.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(text)


def require_on_scale(survey: pd.DataFrame, score: str, scale: tuple[float, float]) -> None:
    """Raise DataError for scores that lie outside their scale, such as 99 for no answer, and name the rows."""
    import polars as pl

    answers = as_lazy(survey)
    require_columns((score,), answers.collect_schema().names())
    require_numeric((score,), answers)
    number = pl.col(score).cast(pl.Float64).fill_nan(None)
    count, where = rows_where(answers, (~number.is_between(*scale)).fill_null(value=False), score)
    if count:
        raise DataError(
            f"Column '{score}' lies outside the scale {scale[0]:g} to {scale[1]:g} in {count} row(s): {where}.",
            "Leave blank what is no score, or give the lowest and the highest.",
        )
