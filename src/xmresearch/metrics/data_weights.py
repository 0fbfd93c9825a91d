"""Weights from data: entropy, CRITIC, coefficients of variation, the first principal component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from xmresearch.errors import DataError, InsufficientData, brief

Array = NDArray[np.float64]
DataMethod = Literal["entropy", "entropy_minmax", "critic", "variation", "component"]


def entropy_of(values: ArrayLike) -> Array:
    """Return the entropy of each column, from 0 (all in one row) to 1 (the same in every row).

    Parameters
    ----------
    values : array_like
        Shape (n, k), not negative.

    Returns
    -------
    ndarray
        Shape (k,).

    Raises
    ------
    DataError, InsufficientData
        A value is negative or blank, or a column adds up to 0; fewer than two rows.

    References
    ----------
    Shannon, C. E. (1948). Bell System Technical Journal, 27, 379-423.
    """
    x = np.asarray(values, dtype="float64")
    if x.ndim != 2 or len(x) < 2:
        raise InsufficientData("Entropy needs a table with two rows at least.")
    if not np.isfinite(x).all() or (x < 0).any() or (x.sum(axis=0) <= 0).any():
        raise DataError("Entropy needs values that are not negative, without blanks, and not all 0 in a column.")
    share = x / x.sum(axis=0)
    return np.asarray(special.entr(share).sum(axis=0) / np.log(len(x)))


def weights_from_data(values: ArrayLike, names: Sequence[str], *, method: DataMethod = "entropy") -> pd.Series:
    """Derive the weights of indicators from how they vary over rows.

    Parameters
    ----------
    values : array_like
        Shape (n, k): rows (branches or respondents) by indicators, all better when higher.
    names : sequence of str
        Of the indicators.
    method : {'entropy', 'entropy_minmax', 'critic', 'variation', 'component'}
        Entropy of the values, or of the values from their lowest (0) to their highest (1); CRITIC (spread times conflict with the others);
        coefficient of variation; loadings on the first principal component.

    Returns
    -------
    Series
        Weights that add up to 1, by name. They say where rows differ, not what matters to customers.

    Raises
    ------
    DataError, InsufficientData
        Blanks; an indicator that does not vary; a negative value with entropy; fewer than three rows.

    References
    ----------
    Hwang, C. L. & Yoon, K. (1981). Multiple attribute decision making. Springer, section 3.1. Diakoulaki, D., Mavrotas, G. &
    Papayannakis, L. (1995). Determining objective weights: the CRITIC method. Computers & Operations Research, 22, 763-770.
    """
    x = np.asarray(values, dtype="float64")
    if x.ndim != 2 or x.shape[1] != len(names):
        raise DataError(f"{len(names)} names need as many columns of values.")
    if len(x) < 3:
        raise InsufficientData("Weights from data need three rows at least.")
    if not np.isfinite(x).all():
        raise DataError("A value is blank.", "Leave out incomplete rows.")
    flat = np.ptp(x, axis=0) == 0
    if flat.any():
        raise DataError(f"Indicator '{brief(names[int(flat.argmax())])}' is the same in every row.", "Leave it out.")
    scaled = (x - x.min(axis=0)) / np.ptp(x, axis=0)
    if method in ("entropy", "entropy_minmax"):
        raw = 1 - entropy_of(x if method == "entropy" else scaled)
    elif method == "critic":
        raw = scaled.std(axis=0, ddof=1) * (1 - np.corrcoef(x.T)).sum(axis=0)
    elif method == "variation":
        raw = x.std(axis=0, ddof=1) / np.abs(x.mean(axis=0))
    else:
        raw = np.abs(np.linalg.eigh(np.corrcoef(x.T))[1][:, -1])
    return pd.Series(raw / raw.sum(), index=list(names), name="weight")
