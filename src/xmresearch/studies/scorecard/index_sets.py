"""The sets of weights of a scorecard's index: of experts, equal, and made from the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.drivers.outcome_weights import OutcomeMethod, index_weights
from xmresearch.errors import CodebookError, InsufficientData, XMError, nearest
from xmresearch.metrics.data_weights import weights_from_data
from xmresearch.metrics.expert_judgements import ExpertWeights, expert_weights
from xmresearch.metrics.made_weights import Make, ResampledWeights, resampled_weights
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.params import ScorecardParams

Array = NDArray[np.float64]
FEWEST_ROWS = 3
"""Groups from which on weights are taken from how they differ."""
ROWS_PER_METRIC = 3
"""People per metric (and one more) from which on weights are taken from what goes with an outcome."""


@dataclass(frozen=True, repr=False)
class WeightSets(Shown):
    """Sets of weights, the told one first.

    Attributes
    ----------
    experts : ExpertWeights or None
        The experts' judgements.
    sets : mapping
        Weight of each metric by set.
    made : mapping
        Those that were made from the answers, by set.
    outcome : str
        Item that derived importance and PLS explain; empty where there are no such sets.
    """

    experts: ExpertWeights | None
    sets: Mapping[str, Mapping[str, float]]
    made: Mapping[str, ResampledWeights]
    outcome: str


def check_outcome(params: ScorecardParams, book: Codebook) -> None:
    """Refuse an outcome of the index that the codebook does not have; raises CodebookError."""
    names = [c.name for c in book.columns]
    if params.index_outcome is not None and params.index_outcome not in names:
        raise CodebookError(
            f"index_outcome: codebook '{book.name}' has no item '{params.index_outcome}'.",
            nearest(params.index_outcome, names),
        )


def weight_sets(
    scores: pd.DataFrame, groups: pd.Series, answers: pd.DataFrame, weights: Array | None, asked: tuple[Asked, ...], params: ScorecardParams
) -> WeightSets:  # fmt: skip
    """Weigh the metrics in every way that the answers allow.

    Parameters
    ----------
    scores : DataFrame
        One row per person and one column per metric, 0 to 100.
    groups : Series
        Whose index is made.
    answers : DataFrame
        The same people's answers as they gave them.
    weights : ndarray or None
        Design weights.
    asked : tuple of Asked
        The metrics.
    params : ScorecardParams
        Of the study.

    Returns
    -------
    WeightSets

    Raises
    ------
    InsufficientData
        The answers do not allow the weights that `index_weights` asks for.
    """
    names = [m.item for m in asked]
    sets: dict[str, Mapping[str, float]] = {}
    experts = None
    if params.judgements is not None:
        experts = expert_weights(params.judgements.table, names)
        sets["weights_experts"] = dict(zip(names, experts.table["weight"], strict=True))
    sets["weights_equal"] = dict.fromkeys(names, 1.0)
    outcome = params.index_outcome or names[0]
    y = scores[outcome] if outcome in names else answers[outcome].astype("float64")
    made: dict[str, ResampledWeights] = {}
    ways = _of_groups(scores, groups) | _of_outcome(scores, y, [n != outcome for n in names])
    for title, make in ways.items():
        try:
            made[title] = resampled_weights(scores, groups, make, outcome=y, weights=weights, seed=params.seed)
        except XMError:  # left out; refused below where it was asked for
            continue
        sets[title] = made[title].weights
    told = f"weights_{params.index_weights}" if params.index_weights else next(iter(sets))
    if told not in sets:
        raise InsufficientData(
            f"index_weights: these answers give no weights by '{params.index_weights}'.",
            "It needs three groups that differ (entropy), or an outcome, two other metrics and enough people (derived, pls).",
        )
    sets = {told: sets[told], **sets}
    return WeightSets(experts, sets, made, outcome if "weights_derived" in made else "")


def _of_groups(scores: pd.DataFrame, groups: pd.Series) -> dict[str, Make]:
    """Return the weights by entropy, where there are enough groups and every metric differs between them."""
    means = scores.groupby(groups).mean()
    if len(means) < FEWEST_ROWS or not (means.max() > means.min()).all():
        return {}
    names = list(scores.columns)

    def entropy(means: Array, _: Array) -> Array:
        return np.array([weights_from_data(table, names).to_numpy() for table in means])

    return {"weights_entropy": entropy}


def _of_outcome(scores: pd.DataFrame, outcome: pd.Series, used: list[bool]) -> dict[str, Make]:
    """Return the weights by what goes with an outcome; an outcome that is a metric has no weight of its own."""
    whole = pd.concat([scores.loc[:, used], outcome.rename("")], axis=1).dropna()
    least = max(ROWS_PER_METRIC * (sum(used) + 1), MIN_CELL)
    if sum(used) < 2 or len(whole) < least or not (whole.nunique() > 1).all():
        return {}
    at = [*np.flatnonzero(used), len(used)]

    def by(method: OutcomeMethod) -> Make:
        def make(_: Array, covariances: Array) -> Array:
            found = np.zeros((len(covariances), len(used)))
            found[:, used] = index_weights(covariances[:, at][:, :, at], method)
            return found

        return make

    return {"weights_derived": by("derived"), "weights_pls": by("pls")}
