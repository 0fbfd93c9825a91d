"""Emotion over time by group: from labelled texts and all others to corrected figures and their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from xmresearch.claims.families import adjusted
from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.verbatims.prevalence import CorrectedShares, corrected_shares
from xmresearch.verbatims.score_counts import LabelledScores, Target
from xmresearch.verbatims.sentiment import SentimentModel
from xmresearch.verbatims.sentiment_counts import Every, SentimentCounts, count_sentiment, groups_of, not_written
from xmresearch.verbatims.texts import as_texts, simplified

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class EmotionOverTime(Shown):
    """Corrected figures by period and group, with what they were made of.

    Attributes
    ----------
    counts : SentimentCounts
        Texts and scores, and what was left out.
    figures : CorrectedShares
        Corrected shares or indices.
    changes : DataFrame
        From each period of a group to the next that is not withheld: the group's columns, before, after (periods), change, lower, upper, p and
        p_adjusted (Holm, over all changes).
    """

    counts: SentimentCounts
    figures: CorrectedShares
    changes: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per period and group."""
        return self.figures.table

    def summary(self) -> dict[str, Any]:
        """Return what was found among the texts, and how many groups stand on what."""
        return {**self.counts.found, **self.figures.summary()}

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {"Figures": self.figures.table, "Changes": self.changes}


def emotion_over_time(
    model: SentimentModel, held_out: pd.DataFrame, labelled: pd.DataFrame, source: pd.DataFrame | pl.LazyFrame | str | Path, text: str, *,
    date: str, every: Every = "month", by: Sequence[str] = (), target: Target = "index",
    without_labels: Literal["tested", "withheld"] = "tested", confidence: float = 0.95, scheduler: str | None = None,
) -> EmotionOverTime:  # fmt: skip
    """Estimate a share or index by period and group, corrected for the model's errors.

    Parameters
    ----------
    model, held_out
        As `train_sentiment` returns them.
    labelled : DataFrame
        The labelled texts in the order of `held_out`, with columns of dates and groups where they are known: those of a period are a random
        sample of its texts. Blank ones and defaults of platforms are left out here as they are there.
    source : DataFrame, polars.LazyFrame, str or Path
        All texts, the labelled ones of these periods among them; see `count_sentiment`.
    text, date : str
        Columns of texts and of dates.
    every : {'day', 'week', 'month', 'quarter', 'year'}
        Length of the periods.
    by : sequence of str
        Columns of groups.
    target : {'index', 'negative', 'positive'}
        Share of positive less that of negative texts, or the share of either.
    without_labels : {'tested', 'withheld'}
        See `corrected_shares`.
    confidence : float
        Level.
    scheduler : str, optional
        See `count_sentiment`.

    Returns
    -------
    EmotionOverTime

    Raises
    ------
    DataError
        The labelled texts are not as many as those held out; a column is not there.
    InsufficientData
        No text is left, or there are too few labels.

    References
    ----------
    Angelopoulos, A. N., Duchi, J. C. & Zrnic, T. (2023). PPI++: efficient prediction-powered inference. arXiv:2311.01453. Holm, S. (1979).
    Scandinavian Journal of Statistics, 6, 65-70.
    """
    if len(labelled) != len(held_out):
        raise DataError(
            f"{len(labelled)} labelled texts and {len(held_out)} held out.", "Give those that were trained on."
        )
    there = [c for c in (date, *by) if c in labelled.columns]
    known = labelled.assign(**{c: None for c in (date, *by) if c not in there})
    groups = groups_of(known, by, date, every)
    told = pd.concat([held_out.reset_index(drop=True), groups], axis=1)
    if text in labelled.columns:
        told = told[~not_written(simplified(as_texts(labelled[text]))).any(axis=1).to_numpy()]
    scores = LabelledScores.of(told, target, by=list(groups))
    counts = count_sentiment(
        model, source, text, by=by, date=date, every=every, scores=scores.scores, scheduler=scheduler
    )
    figures = corrected_shares(counts.scores, scores, without_labels=without_labels, confidence=confidence)
    return EmotionOverTime(counts, figures, successive_changes(figures))


def successive_changes(figures: CorrectedShares) -> pd.DataFrame:
    """Estimate the changes from each period of a group to the next.

    Parameters
    ----------
    figures : CorrectedShares
        By `period`, and other columns.

    Returns
    -------
    DataFrame
        One row per pair of neighbouring periods that are not withheld: the other columns, before, after, change, lower, upper, p, p_adjusted
        (Holm).

    Raises
    ------
    DataError
        There is no column `period`.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    table = figures.table
    names = list(table.columns[: list(table.columns).index("n")])
    if "period" not in names:
        raise DataError("The figures have no column 'period'.", "Changes are those from one period to the next.")
    others = [c for c in names if c != "period"]
    told = table[table["method"] != "withheld"].reset_index(names="_row").sort_values("period", kind="stable")
    parts = [p for _, p in told.groupby(others, sort=True, observed=True)] if others else [told]
    rows = []
    for part in parts:
        for (_, first), (_, second) in zip(part.iloc[:-1].iterrows(), part.iloc[1:].iterrows(), strict=True):
            found = figures.change(int(first["_row"]), int(second["_row"]))
            rows.append({
                **{c: first[c] for c in others}, "before": first["period"], "after": second["period"],
                "change": found.estimate, "lower": found.lower, "upper": found.upper, "p": found.p,
            })  # fmt: skip
    columns = [*others, "before", "after", "change", "lower", "upper", "p"]
    changes = pd.DataFrame(rows, columns=columns)
    return changes.assign(p_adjusted=adjusted(changes["p"].to_numpy(dtype="float64")))
