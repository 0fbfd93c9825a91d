"""Sentiment by period and group, of texts in any number: scored in chunks, kept as sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sufficient.calendar import covering, name, span
from xmresearch.sufficient.partitions import Partition, over_partitions, partitions_of
from xmresearch.sufficient.sources import blocks_of
from xmresearch.verbatims.score_counts import ScoreCounts
from xmresearch.verbatims.sentiment import SentimentModel
from xmresearch.verbatims.text_record import is_default
from xmresearch.verbatims.texts import as_texts, simplified

if TYPE_CHECKING:
    import polars as pl

Every = Literal["day", "week", "month", "quarter", "year"]
CHUNK = 50_000


@dataclass(frozen=True, repr=False)
class SentimentCounts(Shown):
    """Scores of texts by period and group; they add up, and hold no text.

    Attributes
    ----------
    scores : ScoreCounts
        Of texts that somebody wrote.
    found : dict of str to int
        texts (all), those left out (blank; default_praise and default_nothing, which platforms put where nobody wrote; no_group, with a blank
        or a date that cannot be read among their groups) and unknown (scored though no word of theirs is known to the model).
    """

    scores: ScoreCounts
    found: dict[str, int]

    def __add__(self, other: SentimentCounts) -> SentimentCounts:
        """Pool two sets of texts."""
        return SentimentCounts(self.scores + other.scores, {k: v + other.found[k] for k, v in self.found.items()})

    def tidy(self) -> pd.DataFrame:
        """Return one row per group: n and mean scores, not corrected."""
        return self.scores.tidy()

    def summary(self) -> dict[str, Any]:
        """Return what was found."""
        return dict(self.found)

    def _head(self) -> dict[str, Any]:
        return {"groups": len(self.scores.n), **self.found}


@dataclass(frozen=True)
class _Asked:
    """What is asked of every chunk; sent to workers as it is."""

    model: SentimentModel
    text: str
    by: tuple[str, ...]
    date: str | None
    every: Every
    scores: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys([self.text, *self.by, *([] if self.date is None else [self.date])]))

    @property
    def groups(self) -> list[str]:
        return [*([] if self.date is None else ["period"]), *self.by]


def count_sentiment(
    model: SentimentModel, source: pd.DataFrame | pl.LazyFrame | str | Path, text: str, *, by: Sequence[str] = (), date: str | None = None,
    every: Every = "month", scores: Sequence[str] = ("negative",), scheduler: str | None = None,
) -> SentimentCounts:  # fmt: skip
    """Score texts and sum the scores by period and group.

    Parameters
    ----------
    model : SentimentModel
        See `train_sentiment` and `lexicon_model`.
    source : DataFrame, polars.LazyFrame, str or Path
        One row per text; a path is that of a Parquet file, or a folder of them. Of large ones only a chunk is held at a time.
    text : str
        Column of texts.
    by : sequence of str
        Columns of groups.
    date : str, optional
        Column of dates, of which `every` makes the column `period` of the groups.
    every : {'day', 'week', 'month', 'quarter', 'year'}
        Length of the periods.
    scores : sequence of str
        'negative', 'positive' or both, as `LabelledScores.scores` has them.
    scheduler : str, optional
        Address of a Dask scheduler; see `xmresearch.sufficient.partitions.over_partitions`.

    Returns
    -------
    SentimentCounts
        `corrected_shares` makes shares and indices of its `scores`, which are `held_out` ones (see `SentimentModel.predict`). Boilerplate is not looked for here: see `record_texts`.

    Raises
    ------
    DataError
        A column is not there or holds no texts; a scheduler is given without a path.
    InsufficientData
        No text is left.

    References
    ----------
    Apache Software Foundation (2024). Apache Parquet format specification (row groups). Angelopoulos, A. N., Duchi, J. C. & Zrnic, T. (2023).
    arXiv:2311.01453.
    """
    if every not in ("day", "week", "month", "quarter", "year"):
        raise DataError(f"every is '{every}'.", "Periods are a day, week, month, quarter or year.")
    asked = _Asked(model, text, tuple(by), date, every, tuple(scores))
    if isinstance(source, str | Path):
        found = over_partitions(partial(_of_part, asked=asked), partitions_of(source), scheduler=scheduler)
    elif scheduler is not None:
        raise DataError("Rows in memory have no partitions to send to a scheduler.", "Give the path of their files.")
    elif isinstance(source, pd.DataFrame):
        found = _of_frames(asked, (source.iloc[k : k + CHUNK] for k in range(0, len(source), CHUNK)))
    else:
        found = _of_rows(asked, source)
    if found is None or not found.scores.n.sum():
        raise InsufficientData(
            "No text is left to be scored.", "Texts that are blank or a platform's default are left out."
        )
    return found


def _of_part(part: Partition, *, asked: _Asked) -> SentimentCounts | None:
    return _of_rows(asked, part.scan())


def _of_rows(asked: _Asked, rows: pl.LazyFrame) -> SentimentCounts | None:
    names = rows.collect_schema().names()
    for column in asked.columns:
        if column not in names:
            raise DataError(f"The data have no column '{column}'.", nearest(column, names))
    return _of_frames(asked, (block.to_pandas() for block in blocks_of(rows.select(asked.columns), CHUNK)))


def _of_frames(asked: _Asked, frames: Any) -> SentimentCounts | None:
    parts = (_of_frame(asked, frame) for frame in frames)
    first = next(parts, None)
    return None if first is None else reduce(add, parts, first)


def _of_frame(asked: _Asked, frame: pd.DataFrame) -> SentimentCounts:
    for column in asked.columns:
        if column not in frame.columns:
            raise DataError(f"The data have no column '{column}'.", nearest(column, map(str, frame.columns)))
    groups = groups_of(frame, asked.by, asked.date, asked.every)
    texts = as_texts(frame[asked.text])
    letters = simplified(texts)
    why = not_written(letters)
    no_group = groups.isna().any(axis=1).to_numpy(dtype=bool) if len(asked.groups) else np.zeros(len(texts), dtype=bool)
    kept = ~(why.any(axis=1).to_numpy() | no_group)
    told = asked.model.predict_simplified([letters[i] for i in np.flatnonzero(kept)], held_out=True)
    scored = pd.concat([groups[kept].reset_index(drop=True), told], axis=1)
    found = {
        "texts": len(texts), **{k: int(v) for k, v in why.sum().items()},
        "no_group": int((no_group & ~why.any(axis=1)).sum()), "unknown": int((~told["known"]).sum()),
    }  # fmt: skip
    return SentimentCounts(ScoreCounts.of(scored, asked.scores, by=asked.groups), found)


def not_written(texts: list[str]) -> pd.DataFrame:
    """Return whether each text (normalised, in simplified characters) is blank, a platform's praise, or its word for nothing."""
    praise, nothing = (np.array([is_default(t, kind) for t in texts], dtype=bool) for kind in ("praise", "nothing"))
    blank = np.array([not t for t in texts], dtype=bool)
    return pd.DataFrame({"blank": blank, "default_praise": praise, "default_nothing": nothing & ~praise})


def groups_of(frame: pd.DataFrame, by: Sequence[str], date: str | None, every: Every) -> pd.DataFrame:
    """Return the columns of groups, one row per text: the period first, where there are dates."""
    groups = frame[list(by)].reset_index(drop=True)
    if date is not None:
        groups.insert(0, "period", _periods(frame[date], every))
    return groups


def _periods(days: pd.Series, every: Every) -> pd.Series:
    """Return the period of each date as text that sorts; blank for what is no date, or a stretch longer than a period."""

    def period(value: object) -> str | None:
        whole = None if value is None or value is pd.NaT else span(value)
        if whole is None:
            return None
        first: Date = whole.first
        wider = covering(first, every)
        return name(wider) if whole.last <= wider.last else None

    code, values = pd.factorize(days.reset_index(drop=True).astype("object"))
    named = np.array([*(period(v) for v in values), None], dtype="object")
    return pd.Series(named[code], dtype="object")
