"""What every subset of drivers explains, and how the whole is shared out among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
MOST_EXACT = 15
"""Up to this many drivers every subset is looked at; beyond it, orders of entry are sampled."""
ORDERS = 512
_NOTHING_LEFT = 1e-11
"""Share of a driver's variance that the others leave, below which it is taken to add nothing to them."""
_BLOCK_CELLS = 4_000_000


@on_one_thread
def explained_by_subsets(covariance: Array) -> Array:
    """Return the share of the outcome's variance that each subset of drivers explains.

    One driver after the other is either left out or swept out, so that all subsets together cost little more than one
    regression each of a single driver.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., K + 1, K + 1): covariances (or correlations) of K drivers and, last, the outcome.

    Returns
    -------
    ndarray
        Shape (..., 2**K): R squared; driver j belongs to the subset at position s where bit j of s is set. A driver that
        the others determine adds nothing to them.

    References
    ----------
    Goodnight, J. H. (1979). A tutorial on the SWEEP operator. The American Statistician, 33, 149-158.
    """
    k = covariance.shape[-1] - 1
    flat = covariance.reshape(-1, k + 1, k + 1)
    found = np.empty((len(flat), 2**k))
    size = max(1, _BLOCK_CELLS >> k)
    for start in range(0, len(flat), size):
        left = flat[start : start + size, None]
        variances = np.diagonal(left, axis1=-2, axis2=-1)
        for j in range(k):
            pivot, cross, rest = left[..., 0, 0], left[..., 0, 1:], left[..., 1:, 1:]
            some = pivot > _NOTHING_LEFT * variances[..., j]
            scaled = np.where(some[..., None], cross, 0.0) / np.where(some, pivot, 1.0)[..., None]
            left = np.concatenate([rest, rest - scaled[..., :, None] * cross[..., None, :]], axis=1)
        found[start : start + size] = 1 - left[..., 0, 0] / variances[..., k]
    return found.reshape(*covariance.shape[:-2], 2**k)


@lru_cache(maxsize=8)
def subset_masks(k: int) -> NDArray[np.bool_]:
    """Return which of K drivers each subset holds, shape (2**K, K), in the order of `explained_by_subsets`."""
    return np.asarray((np.arange(2**k)[:, None] >> np.arange(k)) & 1, dtype=bool)


def conditional_dominance(values: Array) -> Array:
    """Return what each driver adds, on average, to subsets of each size.

    Parameters
    ----------
    values : ndarray
        Shape (..., 2**K): what every subset explains.

    Returns
    -------
    ndarray
        Shape (..., K, K): driver, and number of other drivers that are there already (0 to K - 1). Means over the last
        axis are general dominance weights, which are Shapley values (LMG).

    References
    ----------
    Azen, R. & Budescu, D. V. (2003). The dominance analysis approach for comparing predictors in multiple regression.
    Psychological Methods, 8, 129-148.
    """
    k = int(values.shape[-1]).bit_length() - 1
    masks = subset_masks(k)
    size = masks.sum(axis=1)
    each = np.array([comb(k - 1, s) for s in range(k)], dtype=float)
    out = np.empty((*values.shape[:-1], k, k))
    for j in range(k):
        without = np.flatnonzero(~masks[:, j])
        gain = values[..., without + (1 << j)] - values[..., without]
        by_size = (size[without][:, None] == np.arange(k)) / each
        out[..., j, :] = gain @ by_size
    return out


@lru_cache(maxsize=8)
def _shapley_operator(k: int) -> Array:
    """Return what values of all subsets are multiplied by to give the Shapley values, shape (2**K, K)."""
    masks = subset_masks(k)
    size = masks.sum(axis=1)[:, None]
    weight = np.array([1 / (k * comb(k - 1, s)) for s in range(k)])
    inside, outside = weight[np.maximum(size - 1, 0)], weight[np.minimum(size, k - 1)]
    return np.where(masks, inside, -outside)


def shapley_values(values: Array) -> Array:
    """Share out what all drivers explain together.

    Parameters
    ----------
    values : ndarray
        Shape (..., 2**K): what every subset explains, any measure of it; see `explained_by_subsets`.

    Returns
    -------
    ndarray
        Shape (..., K): what each driver adds, averaged over all orders of entry; sums to the value of the whole set less
        that of the empty one.

    References
    ----------
    Shapley, L. S. (1953). A value for n-person games. Contributions to the Theory of Games II, 307-317. Budescu, D. V. (1993).
    Dominance analysis. Psychological Bulletin, 114, 542-551.
    """
    return np.asarray(values @ _shapley_operator(int(values.shape[-1]).bit_length() - 1))


@dataclass(frozen=True, repr=False)
class SampledOrders(Shown):
    """Orders in which drivers enter, drawn in pairs of an order and its reverse.

    Attributes
    ----------
    orders : ndarray of int
        Shape (orders, K).
    """

    orders: NDArray[np.int64]

    def masks(self) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return the distinct subsets on the way, shape (S, K), and where each step of each order is among them, (orders, K + 1)."""
        m, k = self.orders.shape
        steps = np.zeros((m, k + 1, k), dtype=bool)
        for at in range(k):
            steps[:, at + 1] = steps[:, at]
            steps[np.arange(m), at + 1, self.orders[:, at]] = True
        masks, place = np.unique(steps.reshape(-1, k), axis=0, return_inverse=True)
        return masks, place.reshape(m, k + 1)

    def by_driver(self, gains: Array) -> Array:
        """Put gains by step, shape (..., orders, K), in the order of the drivers."""
        at = np.argsort(self.orders, axis=1)
        return np.take_along_axis(gains, np.broadcast_to(at, gains.shape), axis=-1)

    def mean_and_error(self, gains: Array) -> tuple[Array, Array]:
        """Average gains by driver over the orders, with the standard error of having sampled them (pairs count once)."""
        pairs = (gains[..., 0::2, :] + gains[..., 1::2, :]) / 2
        return pairs.mean(axis=-2), pairs.std(axis=-2, ddof=1) / np.sqrt(pairs.shape[-2])


def sample_orders(k: int, orders: int = ORDERS, seed: int = 0) -> SampledOrders:
    """Draw orders of entry of K drivers, each with its reverse.

    Parameters
    ----------
    k : int
        Drivers.
    orders : int
        How many in all, at least 4; an odd number is made even.
    seed : int
        Of the draw.

    Returns
    -------
    SampledOrders

    References
    ----------
    Mitchell, R., Cooper, J., Frank, E. & Holmes, G. (2022). Sampling permutations for Shapley value estimation. Journal of
    Machine Learning Research, 23(43), 1-46.
    """
    rng = np.random.default_rng([seed, k])
    half = rng.permuted(np.tile(np.arange(k), (max(2, (orders + 1) // 2), 1)), axis=1)
    return SampledOrders(np.stack([half, half[:, ::-1]], axis=1).reshape(-1, k))


@on_one_thread
def lmg(covariance: Array, *, orders: int = ORDERS, seed: int = 0) -> Array:
    """Share R squared out among drivers: what each adds, averaged over orders of entry.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., K + 1, K + 1): covariances (or correlations) of K drivers and, last, the outcome.
    orders, seed : int
        Sampled orders of entry; of no consequence up to `MOST_EXACT` drivers, where all orders count.

    Returns
    -------
    ndarray
        Shape (..., K); sums to R squared.

    References
    ----------
    Lindeman, R. H., Merenda, P. F. & Gold, R. Z. (1980). Introduction to Bivariate and Multivariate Analysis. Scott,
    Foresman. Groemping, U. (2006). Relative importance for linear regression in R. Journal of Statistical Software, 17(1).
    """
    k = covariance.shape[-1] - 1
    if k <= MOST_EXACT:
        return shapley_values(explained_by_subsets(covariance))
    return lmg_sampled(covariance, sample_orders(k, orders, seed))[0]


@on_one_thread
def lmg_sampled(covariance: Array, orders: SampledOrders) -> tuple[Array, Array]:
    """Share R squared out over sampled orders of entry; one triangular factor gives the gains of an order.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., K + 1, K + 1), the outcome last.
    orders : SampledOrders
        See `sample_orders`.

    Returns
    -------
    shares, error : ndarray
        Shape (..., K): the mean gain over the orders, and its standard error from sampling them.

    References
    ----------
    Castro, J., Gomez, D. & Tejada, J. (2009). Polynomial calculation of the Shapley value based on sampling. Computers &
    Operations Research, 36, 1726-1730.
    """
    k = covariance.shape[-1] - 1
    flat = covariance.reshape(-1, k + 1, k + 1)
    last = np.full((len(orders.orders), 1), k)
    at = np.hstack([orders.orders, last])
    steady = (1 + _NOTHING_LEFT * np.eye(k + 1)) * flat
    out = [np.empty((len(flat), k)), np.empty((len(flat), k))]
    for b, matrix in enumerate(steady):
        factor = np.linalg.cholesky(matrix[at[:, :, None], at[:, None, :]])
        gains = orders.by_driver(factor[:, k, :k] ** 2 / matrix[k, k])
        out[0][b], out[1][b] = orders.mean_and_error(gains)
    return out[0].reshape(*covariance.shape[:-2], k), out[1].reshape(*covariance.shape[:-2], k)
