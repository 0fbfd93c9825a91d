"""The group that does best on each driver, and how far the others are below it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


def best_levels(
    x: Array, groups: pd.Series, w: Array, names: list[str], min_cell: int
) -> tuple[dict[str, str], Array, Array]:
    """Find each driver's best group, and how far people are below its level.

    Parameters
    ----------
    x : ndarray
        Drivers, shape (n, K).
    groups : Series
        Shape (n,).
    w : ndarray
        Weights, shape (n,).
    names : list of str
        Of the drivers.
    min_cell : int
        Smallest group that is looked at.

    Returns
    -------
    best : dict of str to str
        Group by driver; empty where fewer than two groups are large enough.
    step : ndarray
        Shape (n, K): how far each person's group is below the level of the best, in the driver's points. Levels are pulled towards
        the mean by how uncertain they are.
    unsure : ndarray
        Shape (K,): standard deviation of the best level.

    References
    ----------
    Efron, B. & Morris, C. (1975). Data analysis using Stein's estimator and its generalizations. Journal of the American
    Statistical Association, 70, 311-319.
    """
    codes, labels = pd.factorize(groups)
    size = np.bincount(codes[codes >= 0], minlength=len(labels))
    kept = np.flatnonzero(size >= min_cell)
    if len(kept) < 2:
        return {}, np.zeros_like(x), np.zeros(x.shape[1])
    member = (codes[:, None] == kept) * w[:, None]
    total = member.sum(axis=0)[:, None]
    level = member.T @ x / total
    inside = member.T @ x**2 / total - level**2
    error = inside * ((member**2).sum(axis=0)[:, None] / total**2)
    mean = np.average(x, axis=0, weights=w)
    between = np.maximum(((level - mean) ** 2 - error).mean(axis=0), 0.0)
    both = between + error
    reliable = np.divide(between, both, out=np.zeros_like(level), where=both > 0)
    pulled = mean + (level - mean) * reliable
    top, each = pulled.argmax(axis=0), np.arange(x.shape[1])
    ahead = np.maximum(pulled[top, each] - np.vstack([pulled, mean]), 0.0)
    mine = np.full(len(x), len(kept))
    for place, code in enumerate(kept):
        mine[codes == code] = place
    best = {n: str(labels[kept[t]]) for n, t in zip(names, top, strict=True)}
    return best, ahead[mine], np.sqrt(reliable * error)[top, each]
