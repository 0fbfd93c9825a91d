"""Open the survey of a scorecard, with the remedy where its scale is the one from 1 to 11."""

from __future__ import annotations

from pathlib import Path

from xmresearch.data.survey import Survey
from xmresearch.errors import DataError, Problems
from xmresearch.studies.scorecard.asked import asked_metrics
from xmresearch.studies.scorecard.marks import marks_of
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.survey import open_survey

_SIGNS = ("11 is outside the scale 0-10", "11 is outside the scale 1-10")


def open_scorecard(params: ScorecardParams, base: Path | None = None) -> Survey:
    """Read, check and screen the survey that the params name.

    Parameters
    ----------
    params : ScorecardParams
        Of the study.
    base : Path, optional
        Folder that relative paths start from.

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        As `load_survey` and `marks_of`; an answer of 11 on a scale up to 10 says what to do with a scale that is coded one too high.
    """
    try:
        survey = open_survey(params, base)
    except DataError as error:
        if any(sign in f"{error.problem} {error.hint}" for sign in _SIGNS):
            raise DataError(
                error.problem,
                "Where answers run from 1 to 11, the scale from 0 to 10 is coded one too high: take 1 from every answer, or export the "
                f"answers as they were shown. {error.hint}",
            ) from error
        raise
    problems = Problems()
    for metric in asked_metrics(params, survey.codebook) if any(m.benchmarks for m in params.metrics) else ():
        with problems.step():
            marks_of(metric, params.confidence, base)
    problems.settle()
    return survey
