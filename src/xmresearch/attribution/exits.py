"""Where journeys end unconverted: counts, and how they would vary with other customers."""

from __future__ import annotations

from typing import Any

import numpy as np

from xmresearch.attribution.customer_weights import FEWEST_CUSTOMERS, group_weight
from xmresearch.sufficient.journeys import Array, Journeys


class ExitCounts:
    """Journeys that end unconverted, by the touchpoint of their last touch.

    Parameters
    ----------
    journeys : Journeys
        With groups of customers, these are the units; otherwise every journey counts as independent.

    Attributes
    ----------
    channels : tuple of str
        Length K.
    count : ndarray
        Shape (K,).

    Notes
    -----
    Draws are Gamma(a + 1/2). The share of draws in which a rival reaches the leader is then nearly the mid-p value of the
    comparison of two counts given their sum [1]_ [2]_; the exact test settles half as much where counts are few. Customers with
    several journeys are drawn whole, in their random groups: a Gamma(1/2) is then added to sums that are weighted as by
    `CustomerWeights`.

    References
    ----------
    .. [1] Przyborowski, J. & Wilenski, H. (1940). Homogeneity of results in testing samples from Poisson series. Biometrika,
       31, 313-323.
    .. [2] Brown, L. D., Cai, T. T. & DasGupta, A. (2003). Interval estimation in exponential families. Statistica Sinica, 13,
       19-49.
    """

    def __init__(self, journeys: Journeys) -> None:
        size = len(journeys.channels)
        last = journeys.codes[journeys.starts[1:] - 1].astype(np.int64)
        self.channels = journeys.channels
        self.count: Array = np.bincount(last, journeys.nulls, size)
        self._by_group: Array | None = None
        if journeys.group is not None and FEWEST_CUSTOMERS <= journeys.customers < journeys.weight.sum():
            found, group = np.unique(journeys.group, return_inverse=True)
            by_group = np.bincount(group * size + last, journeys.nulls, len(found) * size)
            self._by_group = by_group.reshape(len(found), size)

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the expected counts, shape (draws, K)."""
        size = (draws, len(self.channels))
        if self._by_group is None:
            found: Array = rng.standard_gamma(self.count + 0.5, size)
            return found
        groups = len(self._by_group)
        shape = group_weight(groups)
        weights = rng.standard_gamma(shape, (draws, groups)) / shape
        return np.asarray(weights @ self._by_group + rng.standard_gamma(0.5, size))


def shortfall_draws(table: Any, scale: tuple[float, float], draws: int, rng: np.random.Generator) -> Array:
    """Return draws of how far mean scores fall short of the top of their scale.

    Parameters
    ----------
    table : DataFrame
        score, score_sd and scores (answers, two or more), K rows.
    scale : (lowest, highest)
        Of the score.
    draws : int
        How many.
    rng : Generator
        Their source.

    Returns
    -------
    ndarray
        From 0 at the top of the scale to 1 at its foot, shape (draws, K); means have Student distributions.
    """
    low, high = scale
    n = table["scores"].to_numpy(dtype=float)
    error = table["score_sd"].to_numpy() / np.sqrt(n)
    mean = table["score"].to_numpy() + error * rng.standard_t(n - 1, (draws, len(n)))
    found: Array = np.clip((high - mean) / (high - low), 0.0, 1.0)
    return found
