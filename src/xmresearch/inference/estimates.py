"""Means with standard errors under design weights or the whole design of a sample, and replicates of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.inference.sample_designs import Weights, domain_df, heavier, row_weights
from xmresearch.inference.threads import all_threads
from xmresearch.sampling.designs import Design
from xmresearch.sampling.unit_resampling import resampled_units

Array = NDArray[np.float64]
Kind = Literal["bootstrap", "bayesian"]

_BLOCK_CELLS = 4_000_000


class Reduced(Protocol):
    """Columns of rows that were reduced to sums: of each pair of columns, over the rows that have both."""

    def mean_products(self) -> tuple[NDArray[np.int64], Array, Array]:
        """Return rows and means, shape (K,), and sums of products of deviations, shape (K, K)."""


@dataclass(frozen=True, repr=False)
class Means(Shown):
    """Means of several variables, each over the respondents that answered it.

    Attributes
    ----------
    n : ndarray of int
        Respondents, shape (K,).
    mean, sd, se : ndarray
        Weighted mean, standard deviation, and linearised standard error, shape (K,).
    df : ndarray of int
        Degrees of freedom: respondents less 1; under a design, sampling units less strata of those who answered.
    """

    n: NDArray[np.int64]
    mean: Array
    sd: Array
    se: Array
    df: NDArray[np.int64]

    def interval(self, confidence: float) -> tuple[Array, Array]:
        """Return the t interval: lower and upper, each of shape (K,)."""
        reach = stats.t.ppf((1 + confidence) / 2, np.maximum(self.df, 1)) * self.se
        return self.mean - reach, self.mean + reach


def estimate_means(values: Array | Reduced, weights: Weights = None) -> Means:
    """Estimate the mean of each column.

    Parameters
    ----------
    values : ndarray or Reduced
        Shape (n, K); NaN is a blank, and also stands for who is outside a domain. Or what such rows were reduced to.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample. Without them the standard error is sd / sqrt(n).

    Returns
    -------
    Means
        Columns with fewer than two answers, or whose answers leave the design no degree of freedom, have NaN standard errors.

    References
    ----------
    Lumley, T. (2010). Complex Surveys. Wiley. (Linearised variance of a weighted mean.) Korn, E. L. & Graubard, B. I. (1999).
    Analysis of health surveys. Wiley, section 5.2 (degrees of freedom of a domain).
    """
    return _means(values, weights)[0]


def mean_covariance(values: Array | Reduced, weights: Weights = None) -> Array:
    """Estimate the covariance of the means of columns, each over the respondents that answered it.

    Parameters
    ----------
    values : ndarray or Reduced
        Shape (n, K); NaN is a blank. Or what such rows were reduced to.
    weights : ndarray or Design, optional
        As for `estimate_means`.

    Returns
    -------
    ndarray
        Shape (K, K), linearised: its diagonal holds the squared standard errors of `estimate_means`.
    """
    return _means(values, weights)[1]


def _means(values: Array | Reduced, weights: Weights) -> tuple[Means, Array]:
    """Return means and their covariance."""
    if not isinstance(values, np.ndarray):
        return _of_sums(values, weights)
    present = ~np.isnan(values)
    if isinstance(weights, Design):
        present &= weights.rows()[:, None]
    n = present.sum(axis=0)
    w = np.where(present, row_weights(weights, len(values))[:, None], 0.0)
    filled = np.where(present, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = w.sum(axis=0)
        mean = (w * filled).sum(axis=0) / total
        deviation = np.where(present, filled - mean, 0.0)
        correction = np.where(n > 1, n / np.maximum(n - 1, 1), np.nan)
        sd = np.sqrt((w * deviation**2).sum(axis=0) / total * correction)
        if isinstance(weights, Design):
            df = domain_df(weights, present)
            known = np.where(df > 0, 1.0, np.nan)
            covariance = weights.covariance(deviation / np.where(total > 0, total, 1.0)) * np.outer(known, known)
            return Means(n, mean, sd, np.sqrt(np.maximum(np.diag(covariance), 0.0)), df), covariance
        se = np.sqrt((w**2 * deviation**2).sum(axis=0) * correction) / total
        influence = w * deviation / total
        root = np.sqrt(correction)
        covariance = np.asarray(influence.T @ influence * np.outer(root, root))
    return Means(n, mean, sd, se, n - 1), covariance


def _of_sums(values: Reduced, weights: Weights) -> tuple[Means, Array]:
    """Return means and their covariance from sums."""
    if weights is not None:
        raise DataError("Rows that were reduced to sums have no weights.", "Give the rows.")
    n, mean, products = values.mean_products()
    with np.errstate(invalid="ignore", divide="ignore"):
        correction = np.where(n > 1, n / np.maximum(n - 1, 1), np.nan)
        sd = np.sqrt(np.maximum(np.diag(products), 0.0) / n * correction)
        root = np.sqrt(correction)
        covariance = products / np.outer(n, n) * np.outer(root, root)
    return Means(n, mean, sd, sd / np.sqrt(n), n - 1), covariance


def resample(n: int, draws: int, seed: int, kind: Kind = "bootstrap", concentration: float = 1.0) -> Iterator[Array]:
    """Yield blocks of resampling weights.

    Parameters
    ----------
    n : int
        Respondents.
    draws : int
        Replicates in all.
    seed : int
        The same seed and n give the same replicates, so that analyses of one survey are coordinated.
    kind : {'bootstrap', 'bayesian'}
        How often each respondent is drawn with replacement (Efron 1979), or Dirichlet weights scaled to sum to n
        (the Bayesian bootstrap, Rubin 1981).
    concentration : float
        Of the Dirichlet weights: below 1 they spread wider, by 1 / sqrt(concentration).

    Yields
    ------
    ndarray
        Shape (replicates in the block, n).
    """
    rng = np.random.default_rng([seed, n])
    size = max(1, _BLOCK_CELLS // max(n, 1))
    for start in range(0, draws, size):
        rows = min(size, draws - start)
        if kind == "bayesian":
            gaps = (
                rng.standard_exponential((rows, n)) if concentration == 1 else rng.gamma(concentration, size=(rows, n))
            )
            yield gaps * (n / gaps.sum(axis=1, keepdims=True))
        else:
            drawn = rng.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
            yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def replicate_means(
    values: Array | Reduced,
    weights: Weights,
    draws: int,
    seed: int,
    kind: Kind = "bootstrap",
    concentration: float = 1.0,
) -> Array:
    """Return replicates of the weighted means.

    Parameters
    ----------
    values : ndarray or Reduced
        Shape (n, K); NaN is a blank. Of what such rows were reduced to, replicates are normal draws with the covariance of the means,
        which many rows make of either kind.
    weights : ndarray, Design or None
        As for `estimate_means`. Of a design, sampling units are drawn anew whatever the kind, see `resampled_units`, and replicates
        are made `heavier` by its degrees of freedom.
    draws, seed, kind, concentration
        As for `resample`.

    Returns
    -------
    ndarray
        Shape (draws, K).
    """
    if not isinstance(values, np.ndarray):
        told, covariance = _of_sums(values, weights)
        rng = np.random.default_rng([seed, int(told.n.max())])
        return rng.multivariate_normal(told.mean, covariance, draws, "ignore", method="eigh")
    present = ~np.isnan(values)
    w = row_weights(weights, len(values))
    top = np.where(present, values, 0.0) * w[:, None]
    bottom = present * w[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        if isinstance(weights, Design):
            found = np.concatenate([(r @ top) / (r @ bottom) for r in resampled_units(weights, draws, seed)])
            return heavier(found, top.sum(axis=0) / bottom.sum(axis=0), weights.df, seed)
        return np.concatenate(
            [(r @ top) / (r @ bottom) for r in resample(len(values), draws, seed, kind, concentration)]
        )


def replicate_covariances(
    values: Array | Sequence[Array],
    weights: Weights,
    draws: int,
    seed: int,
    kind: Kind = "bootstrap",
    concentration: float = 1.0,
    clusters: NDArray[np.int64] | None = None,
) -> Array:
    """Return replicates of the weighted covariance matrix of complete rows.

    Parameters
    ----------
    values : ndarray or sequence of ndarray
        Shape (n, K), without blanks; several completed tables share the draws as `tables_of_draws` says.
    weights : ndarray, Design or None
        Design weights, shape (n,), or the design of the sample, whose subpopulation alone counts and whose units are drawn anew.
    draws, seed, kind, concentration
        As for `resample`.
    clusters : ndarray of int, optional
        Cluster of each row, numbered from 0, shape (n,): whole clusters are drawn.

    Returns
    -------
    ndarray
        Shape (draws, K, K), divided by the sum of weights.
    """
    tables = [values] if isinstance(values, np.ndarray) else list(values)
    n, k = tables[0].shape
    w = row_weights(weights, n)
    upper = np.triu_indices(k)
    of_draw = tables_of_draws(len(tables), draws)
    full, start, last = np.empty((draws, k, k)), 0, -1
    blocks = (
        resampled_units(weights, draws, seed) if isinstance(weights, Design)
        else resample_rows(n, clusters, draws, seed, kind, concentration)
    )  # fmt: skip
    for block in blocks:
        mine = of_draw[start : start + len(block)]
        for t in np.unique(mine):
            if t != last:
                centred, last = tables[t] - tables[t].mean(axis=0), t
                products = centred[:, upper[0]] * centred[:, upper[1]]
            rw = block[mine == t] * w
            total = rw.sum(axis=1, keepdims=True)
            with all_threads(rw.size * products.shape[1]):
                mean, second = rw @ centred / total, rw @ products / total
            found = np.empty((len(rw), k, k))
            found[:, upper[0], upper[1]] = second
            found[:, upper[1], upper[0]] = second
            full[start : start + len(rw)] = found - mean[:, :, None] * mean[:, None, :]
            start += len(rw)
    return full


def resample_rows(
    n: int,
    clusters: NDArray[np.int64] | None,
    draws: int,
    seed: int,
    kind: Kind = "bootstrap",
    concentration: float = 1.0,
) -> Iterator[Array]:
    """Yield blocks of resampling weights of rows, whole clusters at a time where there are clusters.

    Parameters
    ----------
    n : int
        Rows.
    clusters : ndarray of int or None
        Cluster of each row, numbered from 0, shape (n,).
    draws, seed, kind, concentration
        As for `resample`, of the clusters where there are any.

    Yields
    ------
    ndarray
        Shape (replicates in the block, n).
    """
    if clusters is None:
        yield from resample(n, draws, seed, kind, concentration)
        return
    for block in resample(int(clusters.max()) + 1, draws, seed, kind, concentration):
        yield block[:, clusters]


def tables_of_draws(tables: int, draws: int) -> NDArray[np.int64]:
    """Say which of several completed tables each draw is of: the first draws of the first, and so on, in equal shares.

    Parameters
    ----------
    tables, draws : int
        How many there are.

    Returns
    -------
    ndarray of int
        Shape (draws,), from 0, in order.
    """
    return np.asarray(np.arange(draws) * tables // draws, dtype=np.int64)


def percentile_interval(replicates: Array, confidence: float) -> tuple[Array, Array]:
    """Return the percentile interval of replicates along their first axis: lower and upper."""
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(replicates, [tail, 1 - tail], axis=0)
    return low, high
