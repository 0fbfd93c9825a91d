"""The rows of a scorecard: answers with their waves, groups, weights and people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.survey import Survey
from xmresearch.disclosure import called, hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.studies.scorecard.asked import NET_RECOMMENDATION, Asked, net_recommended
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.wave_choice import chosen_waves, ordered_waves

WEIGHT, PERSON, WAVE = "_weight", "_person", "_wave"
ONE_WAVE = "all"


@dataclass(frozen=True, repr=False)
class Rows(Shown):
    """Answers, ready to be scored.

    Attributes
    ----------
    frame : DataFrame
        Items, segments, and the columns `_weight`, `_person` (where people answer several times) and `_wave`.
    apart, carried : DataFrame
        What was said instead of an answer, and columns for the banner table and of raters, under the rows of `frame`.
    waves : tuple of str
        Waves that may be shown, in order.
    before, after : str
        The two that are compared; before is empty where there is one wave.
    weighted, repeated : bool
        Whether there are weights, and whether people may answer several times.
    left_out : int
        Rows without a wave.
    hidden_waves : int
        Waves that are too small to be shown.
    """

    frame: pd.DataFrame
    apart: pd.DataFrame
    carried: pd.DataFrame
    waves: tuple[str, ...]
    before: str
    after: str
    weighted: bool
    repeated: bool
    left_out: int
    hidden_waves: int

    @property
    def timed(self) -> bool:
        """Whether answers have waves, so that a change can be asked for."""
        return self.after != ONE_WAVE

    def of(self, wave: str) -> pd.DataFrame:
        """Return the rows of a wave."""
        return self.frame[self.frame[WAVE] == wave]


def rows_of_waves(survey: Survey, params: ScorecardParams, headline: Asked) -> Rows:
    """Put answers into waves, and choose the two to compare.

    Parameters
    ----------
    survey : Survey
        Screened.
    params : ScorecardParams
        Of the study.
    headline : Asked
        The metric whose answers waves must have enough of.

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        `waves` or `compare` name a wave that is not there, or leave one out.
    InsufficientData
        A wave that is compared has too few answers.
    """
    frame = survey.frame.copy()
    paired = next((m for m in params.metrics if m.measure == "net_recommendation"), None)
    if paired is not None:
        frame[NET_RECOMMENDATION] = net_recommended(survey, paired)
    frame[WEIGHT] = np.ones(len(frame)) if survey.weights is None else survey.weights
    if survey.clusters is not None:
        frame[PERSON] = survey.clusters
    column = params.wave_column
    frame[WAVE] = ONE_WAVE if column is None else frame[column]
    known = frame[WAVE].notna()
    left_out = int((~known).sum())
    apart, carried = (
        t[known].reset_index(drop=True)
        for t in (survey.apart.reindex(frame.index), survey.carried.reindex(frame.index))
    )
    frame = frame[known].reset_index(drop=True)
    order = [ONE_WAVE] if column is None else ordered_waves(frame[WAVE], params.waves)
    sizes = frame.loc[frame[headline.item].notna(), WAVE].value_counts().reindex(order, fill_value=0).to_numpy()
    hide = (hidden_counts(sizes, params.min_cell) if len(order) > 1 else sizes < params.min_cell) | (sizes == 0)
    shown = [w for w, away in zip(order, hide, strict=True) if not away]
    chosen = chosen_waves(params.compare, order, shown)
    for wave in chosen:
        if wave not in shown:
            size = int(sizes[order.index(wave)])
            what = called("Wave", wave, size) if column is not None else "The survey"
            raise InsufficientData(
                f"{what} has fewer than {params.min_cell} answers to '{headline.item}', or would tell of one that has.",
                "Put waves together (wave_period), or name others under 'compare'.",
            )
    before = chosen[0] if len(chosen) > 1 else ""
    return Rows(
        frame,
        apart,
        carried,
        tuple(shown),
        before,
        chosen[-1],
        survey.weights is not None,
        survey.clusters is not None,
        left_out,
        int(hide.sum()),
    )


def person_inflation(scores: NDArray[np.float64], weights: NDArray[np.float64], people: NDArray[np.object_]) -> float:
    """Return by how much a standard error grows because answers of one person are no independent ones; at least 1."""
    there = np.isfinite(scores)
    y, w, who = scores[there], weights[there], people[there]
    if len(y) < 2:
        return 1.0
    influence = pd.Series(w * (y - w @ y / w.sum()))
    plain = float((influence**2).sum()) * len(y) / (len(y) - 1)
    sums = influence.groupby(who).sum()
    if plain <= 0 or len(sums) < 2:
        return 1.0
    return float(np.sqrt(max((sums**2).sum() * len(sums) / (len(sums) - 1) / plain, 1.0)))
