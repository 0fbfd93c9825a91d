"""Negative texts by month, corrected for what the model gets wrong as far as labels allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.studies.voice.params import VoiceParams
from xmresearch.verbatims.prevalence import FEWEST_LABELS, corrected_shares
from xmresearch.verbatims.score_counts import LabelledScores, ScoreCounts


@dataclass(frozen=True, repr=False)
class Months(Shown):
    """Negative texts by month.

    Attributes
    ----------
    table : DataFrame
        One row per month, without gaps: month, n (texts), counted (share of them that the model calls negative), share with lower and upper, way
        (way_labels, way_error_rates, way_withheld or way_as_read).
    corrected : bool
        Whether shares are corrected for the model's errors.
    shared : bool
        Whether months without labels of their own take the errors of all.
    """

    table: pd.DataFrame
    corrected: bool
    shared: bool

    def tidy(self) -> pd.DataFrame:
        """Return one row per month."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return whether shares are corrected, and how many months are withheld."""
        withheld = int((self.table["way"] == "way_withheld").sum())
        corrected = "corrected" if self.shared else "by_labels"
        return {
            "case": corrected if self.corrected else "as_read",
            "fewest": FEWEST_LABELS,
            "withheld": withheld,
            "months": len(self.table),
        }


def negative_by_month(
    told: pd.DataFrame, date: pd.Series, held_out: pd.DataFrame | None, params: VoiceParams
) -> Months | None:
    """Estimate the share of negative texts by month.

    Parameters
    ----------
    told : DataFrame
        What the model says of each text, shape (n, ...).
    date : Series
        Of each text; blank where it is not known.
    held_out : DataFrame or None
        What models that had not seen a text say of the labelled ones, by position; None where nobody labelled enough.
    params : VoiceParams
        Of the study.

    Returns
    -------
    Months or None
        None where no text has a date. Labelled texts are taken to be a random sample of those of their month. Months of too few texts are blank.
    """
    scored = told.assign(month=date.dt.to_period("M").astype("string").to_numpy())
    known = scored["month"].notna()
    if not known.any():
        return None
    scored["month"] = scored["month"].astype(object).where(known, None)
    every = pd.period_range(scored.loc[known, "month"].min(), scored.loc[known, "month"].max(), freq="M").astype(str)
    n = scored.loc[known, "month"].value_counts().reindex(every, fill_value=0)
    bad = scored.loc[known & (scored["kind"] == -1), "month"].value_counts().reindex(every, fill_value=0)
    table = pd.DataFrame({"month": every, "n": n.to_numpy(), "counted": (bad / n.where(n > 0)).to_numpy()})
    found = None if held_out is None else _corrected(scored, held_out, params)
    if found is None:
        low, high = share_interval(bad, n, confidence=params.confidence)
        table = table.assign(share=table["counted"], share_lower=low, share_upper=high, way="way_as_read")
    else:
        rows = found.set_index("month").reindex(every)
        table["share"], table["share_lower"], table["share_upper"] = (
            rows[c].to_numpy(dtype=float) for c in ("estimate", "lower", "upper")
        )
        table["way"] = ("way_" + rows["method"].fillna("withheld")).to_numpy()
    few = (n < params.min_cell).to_numpy() | ((bad > 0) & (bad < params.min_cell)).to_numpy()
    table = table.astype({"n": float})
    table.loc[few, ["counted", "share", "share_lower", "share_upper"]] = np.nan
    table.loc[(n < params.min_cell).to_numpy(), "n"] = np.nan
    return Months(table, found is not None, params.same_errors)


def _corrected(scored: pd.DataFrame, held_out: pd.DataFrame, params: VoiceParams) -> pd.DataFrame | None:
    """Correct shares by labels and error rates; None where labels do not allow it."""
    labelled = held_out.assign(month=scored["month"].iloc[held_out.index].to_numpy())
    try:
        labels = LabelledScores.of(labelled, "negative", by=["month"])
        return corrected_shares(
            ScoreCounts.of(scored, labels.scores, by=["month"]), labels,
            without_labels="tested" if params.same_errors else "withheld", confidence=params.confidence,
        ).table  # fmt: skip
    except InsufficientData:
        return None
