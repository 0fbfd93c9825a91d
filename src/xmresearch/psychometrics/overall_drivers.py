"""Which dimensions of an instrument drive an overall outcome."""

from __future__ import annotations

import pandas as pd

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import Codebook
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.result import DriverResult
from xmresearch.errors import CodebookError, InsufficientData, nearest
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.batteries import dimension_scores


@on_one_thread
def outcome_drivers(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    outcome: str | None = None,
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    bootstrap: int = 2000,
    seed: int = 0,
) -> tuple[DriverResult | None, str | None]:
    """Measure how the perceived dimensions, or gaps that are themselves the answers, drive an outcome of the survey.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Which items form which dimension, and which are outcomes.
    outcome : str, optional
        Outcome item; the codebook's first if absent.
    weights, confidence, bootstrap, seed
        As for `xmresearch.drivers.relative_importance`.
    min_answered : float
        Share of a dimension's items that must be answered.

    Returns
    -------
    result : DriverResult or None
        None where no outcome was asked, or where the data do not allow an estimate.
    obstacle : str or None
        Why the data do not allow it.

    Raises
    ------
    CodebookError
        The outcome named is no outcome item.

    References
    ----------
    As for `xmresearch.drivers.relative_importance`.
    """
    asked = codebook.names("outcome")
    if outcome is None:
        if not asked:
            return None, None
        outcome = asked[0]
    if outcome not in asked:
        raise CodebookError(f"Codebook '{codebook.name}' has no outcome item '{outcome}'.", nearest(outcome, asked))
    if isinstance(frame, StreamedAnswers):
        return None, None
    predictors = dimension_scores(frame, codebook, "gap" if codebook.names("gap") else "perception", min_answered)
    others = [
        dimension_scores(frame, codebook, kind, min_answered) for kind in ("expectation", "minimum", "importance")
    ]
    also = pd.concat([*others, frame[[name for name in asked if name != outcome]]], axis=1)
    try:
        result = relative_importance(
            predictors,
            frame[outcome],
            also=also,
            weights=weights,
            confidence=confidence,
            bootstrap=bootstrap,
            seed=seed,
        )
    except InsufficientData as error:
        return None, error.problem
    return result, None
