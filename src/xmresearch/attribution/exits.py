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
    Draws of `facing` put one touchpoint, the leader, against every other: the leader's count is Gamma(a), a rival's
    Gamma(b + 1). The share of draws in which a rival reaches the leader is then the exact one-sided p value of a comparison of
    two counts [1]_, so that calling the leader first at level alpha / 2 errs at most that often however few the counts. Draws of
    `draw`, which are for products with other figures, are Gamma(a + 1/2): the mid-p value of the same comparison, nearly [2]_.
    Customers with several journeys are drawn whole, in their random groups: a Gamma(1) or Gamma(1/2) is then added to sums that
    are weighted as by `CustomerWeights`.

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

    def facing(self, leader: int, draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the counts that face the leader, at that position, with every rival, shape (draws, K)."""
        return self._drawn(np.arange(len(self.channels)) != leader, draws, rng)

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the expected counts, shape (draws, K)."""
        return self._drawn(np.full(len(self.channels), 0.5), draws, rng)

    def _drawn(self, more: Array, draws: int, rng: np.random.Generator) -> Array:
        size = (draws, len(self.channels))
        if self._by_group is None:
            found: Array = rng.standard_gamma(self.count + more, size)
            return found
        groups = len(self._by_group)
        shape = group_weight(groups)
        weights = rng.standard_gamma(shape, (draws, groups)) / shape
        return np.asarray(weights @ self._by_group + rng.standard_gamma(np.asarray(more, dtype=float), size))


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
