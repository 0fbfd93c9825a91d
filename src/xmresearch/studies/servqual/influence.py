"""What each respondent contributes to the gaps, scores and overall scores that two runs are compared by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.data.answer_formats import answer_format
from xmresearch.data.survey import Survey
from xmresearch.errors import DataError
from xmresearch.inference.influences import of_means
from xmresearch.psychometrics.batteries import paired_scores
from xmresearch.psychometrics.overall import importance_shares
from xmresearch.psychometrics.single_batteries import dimension_figures
from xmresearch.studies.servqual.headlines import HEADLINES
from xmresearch.studies.servqual.params import ServqualParams
from xmresearch.studies.servqual.waves import waves_of_study


def influences(params: ServqualParams, survey: Survey) -> pd.DataFrame:
    """Return the influence of each respondent on each headline figure.

    Parameters
    ----------
    params : ServqualParams
        Of the run.
    survey : Survey
        As its params open it.

    Returns
    -------
    DataFrame
        Shape (n, figures), by `Headline.key`; rows of other waves than the one that is reported have none.
    """
    if survey.streamed:
        raise DataError(
            "Respondents of a survey that is streamed cannot be told apart.", "Compare samples of its rows."
        )
    found = waves_of_study(survey, params)
    now = survey if found is None else found.now
    frame, book, least = now.frame, now.codebook, params.min_answered
    perceived = None
    if answer_format(book) == "pairs":
        expected, perceived = paired_scores(frame, book, least)
        scores, once, family = perceived - expected, False, "servqual"
    else:
        scores, once = dimension_figures(frame, book, least), True
        family = "servqual" if book.names("gap") else "servperf"
    shares = importance_shares(frame, book, least)
    persons = {f"{family}_unweighted": scores.mean(axis=1, skipna=False)}
    if shares is not None:
        persons[f"{family}_weighted"] = (scores * shares[scores.columns]).sum(axis=1, skipna=False)
    tables = {h.table: h for h in HEADLINES}
    of_scores = tables["scores_once" if once else "scores"]
    of_dimensions = tables["level_dimensions" if family == "servperf" else "gap_dimensions"]
    columns = {of_scores.key([name]): values for name, values in persons.items()}
    columns |= {of_dimensions.key([name]): scores[name] for name in scores}
    made = pd.DataFrame(columns)
    made.loc[:, :] = of_means(made.to_numpy(dtype=float), now.weights)
    if found is None:
        return made
    member = now.respondents["row"].to_numpy()
    return (
        made.set_index(member).reindex(survey.respondents["row"]).fillna(0.0).reset_index(drop=True).astype(np.float64)
    )
