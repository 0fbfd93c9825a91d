"""What each answer contributes to the scores that two runs are compared by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from xmresearch.data.survey import Survey
from xmresearch.inference.influences import of_means
from xmresearch.studies.scorecard.asked import asked_metrics
from xmresearch.studies.scorecard.headlines import HEADLINES
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import WEIGHT, rows_of_waves

_PLACE = "_place"


def influences(params: ScorecardParams, survey: Survey) -> pd.DataFrame:
    """Return the influence of each answer on the score of each metric in the later wave.

    Parameters
    ----------
    params : ScorecardParams
        Of the run.
    survey : Survey
        As its params open it.

    Returns
    -------
    DataFrame
        Shape (n, metrics), by `Headline.key`; answers of other waves have none.
    """
    asked = asked_metrics(params, survey.codebook)
    placed = replace(survey, frame=survey.frame.assign(**{_PLACE: np.arange(len(survey))}))
    rows = rows_of_waves(placed, params, asked[0])
    part = rows.of(rows.after)
    headline = HEADLINES[0]
    scores = np.column_stack([part[m.item].map(m.values).to_numpy(dtype="float64") for m in asked])
    found = np.zeros((len(survey), len(asked)))
    found[part[_PLACE].to_numpy()] = of_means(scores, part[WEIGHT].to_numpy(dtype=float))
    return pd.DataFrame(found, columns=[headline.key([m.item]) for m in asked])
