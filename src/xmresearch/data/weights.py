"""Weights of respondents: read, checked and described."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, brief

MOST_APART = 1e6
"""Weights further apart than this let one respondent count for more than a million others."""
_QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def positive_weights(given: pd.Series, name: str) -> NDArray[np.float64]:
    """Return a column of weights as numbers.

    Parameters
    ----------
    given : Series
        One value per respondent; its index counts the rows of the data from 0.
    name : str
        Of the column, for errors.

    Returns
    -------
    ndarray
        Shape (n,), above 0.

    Raises
    ------
    DataError
        A weight is blank, no number or not above 0; or the largest is more than a million times the smallest.
    """
    weights: NDArray[np.float64] = pd.to_numeric(given, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            f"Weight column '{name}', data row {int(given.index[at]) + 1}: '{brief(given.iloc[at])}' is not a positive number "
            f"({int(wrong.sum())} such row(s)).",
            "Every respondent needs a weight above zero.",
        )
    if weights.max() > MOST_APART * weights.min():
        raise DataError(
            f"Weight column '{name}' ranges from {weights.min():g} to {weights.max():g}.",
            "One respondent would count for more than a million others: check the weights.",
        )
    return weights


def effective_n(weights: NDArray[np.float64] | None, n: int) -> float:
    """Return Kish's effective sample size (sum w)^2 / sum w^2; n without weights.

    Parameters
    ----------
    weights : ndarray or None
        Shape (n,).
    n : int
        Number of respondents.

    Returns
    -------
    float

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.
    """
    return float(n) if weights is None else float(weights.sum() ** 2 / (weights**2).sum())


def weight_distribution(weights: NDArray[np.float64]) -> dict[str, float]:
    """Describe weights.

    Parameters
    ----------
    weights : ndarray
        Shape (n,).

    Returns
    -------
    dict of str to float
        lowest, q05, q25, median, q75, q95 and highest of the weights divided by their mean, and their cv; deff (Kish: 1 + cv squared)
        and n_eff.

    References
    ----------
    Kish, L. (1965). Survey sampling. Wiley.
    """
    relative = weights / weights.mean()
    inner = np.quantile(relative, list(_QUANTILES.values()))
    n_eff = effective_n(weights, len(weights))
    return {
        "lowest": float(relative.min()), **{name: float(q) for name, q in zip(_QUANTILES, inner, strict=True)},
        "highest": float(relative.max()), "cv": float(relative.std()), "deff": len(weights) / n_eff, "n_eff": n_eff,
    }  # fmt: skip
