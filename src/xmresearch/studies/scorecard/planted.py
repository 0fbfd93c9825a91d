"""The declared truth of a simulated hall, for every score of a scorecard."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.claims.truth import beside
from xmresearch.data.scenarios.service_hall import OUTCOMES
from xmresearch.data.scenarios.service_hall_answers import answer_chances
from xmresearch.data.survey import Survey
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.result import Scorecard

PLACES = ("branch", "channel")


def true_score(asked: Asked, *, weighted: bool, segment: str = "", value: str = "") -> float:
    """Return the true score of a metric among all visitors, or in a branch or channel; NaN where it is not declared."""
    if asked.item not in OUTCOMES or (segment and segment not in PLACES):
        return float("nan")
    cells = answer_chances(asked.item, weighted=weighted)
    if segment:
        cells = cells[cells[segment] == value]
    share = cells["share"].to_numpy()
    score = sum(cells[level].to_numpy() * worth for level, worth in asked.values.items())
    return float(share @ score / share.sum()) if share.sum() > 0 else float("nan")


def with_true_scores(table: pd.DataFrame | None, survey: Survey, found: Scorecard) -> pd.DataFrame | None:
    """Add the declared truth to scores by metric, or of the headline by group.

    Parameters
    ----------
    table : DataFrame or None
        With metric, or segment and value; ci_lower and ci_upper.
    survey : Survey
        Whether it is simulated, and has weights.
    found : Scorecard
        Of it.

    Returns
    -------
    DataFrame or None
        As given where the survey is real.
    """
    if table is None or not survey.simulated:
        return table
    weighted, by = survey.weights is not None, {m.item: m for m in found.asked}
    if "segment" in table:
        places = zip(table["segment"], table["value"], strict=True)
        truth = [true_score(found.headline, weighted=weighted, segment=s, value=v) for s, v in places]
    else:
        truth = [true_score(by[m], weighted=weighted) for m in table["metric"]]
    return beside(table, truth)


def with_true_changes(table: pd.DataFrame | None, survey: Survey) -> pd.DataFrame | None:
    """Add the declared truth to changes: none, as the hall is the same in every month."""
    if table is None or not survey.simulated:
        return table
    return beside(table, np.zeros(len(table)).tolist())
