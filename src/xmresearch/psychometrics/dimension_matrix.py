"""How the scores of dimensions go together: their correlations, with the reliability of each on the diagonal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import Derived
from xmresearch.errors import DataError
from xmresearch.psychometrics.answer_moments import shape_of
from xmresearch.psychometrics.internal_consistency import ReliabilityResult
from xmresearch.sufficient.available_moments import complete

Array = NDArray[np.float64]


def score_matrix(
    scores: pd.DataFrame, trust: ReliabilityResult, kind: str, *, weights: Array | None = None
) -> pd.DataFrame | None:
    """Correlate the scores of dimensions.

    Parameters
    ----------
    scores : DataFrame
        One column per dimension, shape (n, dimensions), as `dimension_scores` gives; respondents with all of them are used.
    trust : ReliabilityResult
        Reliability of the scores.
    kind : str
        Which battery of it: expectation, perception or gap.
    weights : ndarray, optional
        Design weights, shape (n,), above 0.

    Returns
    -------
    DataFrame or None
        One row per dimension: construct, n, mean, sd, omega, and one column per dimension: correlations (Pearson's) below the diagonal,
        alpha on it, NaN above it. None for fewer than two dimensions or three respondents.

    Raises
    ------
    DataError
        Weights are not one per row.

    References
    ----------
    Nunnally, J. C. & Bernstein, I. H. (1994). Psychometric theory (3rd ed.), chapter 7. McGraw-Hill.
    """
    if isinstance(scores, Derived):
        return _streamed(scores, trust, kind)
    w = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype="float64")
    if w.shape != (len(scores),):
        raise DataError(f"There are {len(scores)} rows and weights of shape {w.shape}.", "Give one weight per row.")
    values, names = scores.to_numpy(dtype="float64"), list(scores.columns)
    whole = ~np.isnan(values).any(axis=1)
    values, w = values[whole], w[whole]
    if len(names) < 2 or len(values) < 3:
        return None
    shapes = [shape_of(column, w) for column in values.T]
    return _matrix(
        names,
        len(values),
        np.cov(values, rowvar=False, aweights=w),
        [s[0] for s in shapes],
        [s[1] for s in shapes],
        trust,
        kind,
    )


def _streamed(scores: Derived, trust: ReliabilityResult, kind: str) -> pd.DataFrame | None:
    found = complete(scores.answers, {"": lambda rows: scores.make(rows).to_numpy(dtype="float64")})[""][""]
    if len(scores.columns) < 2 or found.n < 3:
        return None
    sd = np.sqrt(np.diag(found.cov))
    return _matrix(scores.columns, found.n, found.cov, found.mean.tolist(), sd.tolist(), trust, kind)


def _matrix(
    names: list[str], n: int, cov: Array, means: list[float], sds: list[float], trust: ReliabilityResult, kind: str
) -> pd.DataFrame:
    sd = np.sqrt(np.diag(cov))
    with np.errstate(invalid="ignore", divide="ignore"):
        square = cov / np.outer(sd, sd)
    own = trust.table[trust.table["kind"] == kind].set_index("construct").reindex(names)
    square[np.triu_indices(len(names))] = np.nan
    np.fill_diagonal(square, own["alpha"].to_numpy(dtype="float64"))
    told = pd.DataFrame({
        "construct": names, "n": n, "mean": means, "sd": sds,
        "omega": own["omega"].to_numpy(dtype="float64"),
    })  # fmt: skip
    return pd.concat([told, pd.DataFrame(square, columns=names)], axis=1)
