"""The items of a fitted model: how they were answered, and the correlations that the model was fitted to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.errors import ModelError
from xmresearch.psychometrics.answer_moments import answer_shapes
from xmresearch.psychometrics.shares_explained import sample_covariances
from xmresearch.sem.result import SemFit


def model_items(fitted: SemFit, frame: pd.DataFrame) -> pd.DataFrame:
    """Describe the items of a model, with what a reader needs to fit it again.

    Parameters
    ----------
    fitted : SemFit
        A model of one group.
    frame : DataFrame
        The rows that it was fitted to; where the fit used design weights, with their column.

    Returns
    -------
    DataFrame
        One row per observed variable: item, n (answers), blank_share, mean, sd, skew, kurtosis, as
        `xmresearch.psychometrics.answer_moments.answer_shapes`; and one column per variable, whose name begins with an r: correlations below the diagonal, 1 on it, NaN
        above it. They are those that the model was fitted to: of complete rows, of the saturated model (full information), or
        polychoric.

    Raises
    ------
    ModelError
        The model has several groups.

    References
    ----------
    Appelbaum, M. et al. (2018). Journal article reporting standards for quantitative research in psychology. American Psychologist,
    73, 3-25.
    """
    if len(fitted.model.groups) > 1:
        raise ModelError("Items are described in one group, and the model has several.", "Fit one group at a time.")
    names = list(fitted.model.observed)
    weights = frame[fitted.sampling_weights].to_numpy(dtype="float64") if fitted.sampling_weights else None
    shapes = answer_shapes(frame, names, weights=weights)
    cov = sample_covariances(fitted, 0)
    sd = np.sqrt(np.diag(cov))
    square = cov / np.outer(sd, sd)
    square[np.triu_indices(len(square), 1)] = np.nan
    return pd.concat([shapes, pd.DataFrame(square, columns=[f"r_{name}" for name in names])], axis=1)
