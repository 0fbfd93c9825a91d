"""What each respondent contributes to the shares and gains that two runs are compared by."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.survey import Survey
from xmresearch.drivers.subsets import MOST_EXACT, lmg
from xmresearch.inference.influences import of_covariances, of_means
from xmresearch.sampling.survey_designs import survey_sample
from xmresearch.studies.drivers.asked import asked
from xmresearch.studies.drivers.headlines import HEADLINES
from xmresearch.studies.drivers.params import DriversParams

Array = NDArray[np.float64]


def influences(params: DriversParams, survey: Survey) -> pd.DataFrame:
    """Return the influence of each respondent on each driver's share, and on what a point more of it brings.

    Parameters
    ----------
    params : DriversParams
        Of the run.
    survey : Survey
        As its params open it.

    Returns
    -------
    DataFrame
        Shape (n, figures), by `Headline.key`. Of graded outcomes, of targets that are no mean and of more drivers than all orders of
        entry can be gone through, there is no column.

    Notes
    -----
    Respondents with a blank have no influence here, though their other answers help to fill blanks in: they make estimates of the same
    people go together a little less than is true, and intervals of change a little too wide.
    """
    given = asked(params, survey, survey_sample(survey, min_cell=params.min_cell))
    shares, gains = HEADLINES
    names, x = given.names, given.drivers.to_numpy(dtype=float)
    values = np.column_stack([x, given.outcome.to_numpy(dtype=float)])
    weights = None if given.weights is None else np.asarray(given.weights, dtype=float)
    if params.outcome_kind != "numeric":
        return pd.DataFrame(index=range(len(survey)))
    columns: dict[str, Array] = {}
    if len(names) <= MOST_EXACT:
        of_shares = of_covariances(values, _shares, weights)
        columns |= {shares.key([name]): of_shares[:, k] for k, name in enumerate(names)}
    if params.target == "mean":
        step = np.minimum(1.0, np.maximum(np.array([given.most[n] for n in names]) - x, 0.0))
        step[~np.isfinite(values).all(axis=1)] = np.nan
        whole = np.isfinite(step).all(axis=1)
        w = np.ones(len(x)) if weights is None else weights
        slope = _slopes(np.cov(values[whole], rowvar=False, aweights=w[whole])[None])[0]
        move = np.average(step[whole], axis=0, weights=w[whole])
        of_gains = of_covariances(values, _slopes, weights) * move + of_means(step, weights) * slope
        columns |= {gains.key([name]): of_gains[:, k] for k, name in enumerate(names)}
    return pd.DataFrame(columns)


def _shares(covariance: Array) -> Array:
    parts = lmg(covariance)
    return np.asarray(parts / parts.sum(axis=-1, keepdims=True))


def _slopes(covariance: Array) -> Array:
    k = covariance.shape[-1] - 1
    return np.asarray(np.linalg.solve(covariance[..., :k, :k], covariance[..., :k, k:])[..., 0])
