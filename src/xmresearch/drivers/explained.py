"""What drivers explain, estimated on completed tables and on replicates of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.drivers.cumulative_logit import LATENT_VARIANCE, GradedOutcome, fit_subsets, replicate_subsets
from xmresearch.drivers.johnson_weights import latent_relative_weights, relative_weights
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.drivers.result import Measure
from xmresearch.drivers.subsets import (
    MOST_EXACT,
    explained_by_subsets,
    lmg,
    lmg_sampled,
    sample_orders,
    shapley_values,
    subset_masks,
)
from xmresearch.inference.estimates import replicate_covariances, resample_rows, tables_of_draws
from xmresearch.sampling.designs import Design

Array = NDArray[np.float64]
MOST_KEPT = 10
"""Up to this many drivers the draws of what every subset explains are kept."""
_MOST_CORRELATED = 1e10
_FEWEST_USABLE = 0.5


@dataclass(frozen=True, repr=False)
class Explained(Shown):
    """Estimates on m completed tables (first axis), and draws of them.

    Attributes
    ----------
    gains, johnson, beta : ndarray
        Shape (m, K): Shapley values, relative weights, standardised slopes.
    gains_drawn, johnson_drawn, beta_drawn : ndarray
        Shape (usable draws, K).
    first, last : ndarray
        Shape (K,): what each explains alone, and adds to all others, averaged over tables.
    usable : ndarray of bool
        Shape (draws,).
    gain : float
        Of the likelihood, from no driver to all: twice the difference of logarithms; NaN for numeric outcomes.
    error : ndarray
        Shape (K,): standard error of the gains from sampled orders of entry.
    values, values_drawn : ndarray or None
        Shape (2**K,), (usable draws, 2**K): what every subset explains; None where that is not kept.
    """

    gains: Array
    johnson: Array
    beta: Array
    gains_drawn: Array
    johnson_drawn: Array
    beta_drawn: Array
    first: Array
    last: Array
    usable: NDArray[np.bool_]
    gain: float
    error: Array
    values: Array | None = None
    values_drawn: Array | None = None


@dataclass(frozen=True)
class Draws:
    """How replicates are drawn: how many, by which seed, how widely spread, and by which clusters or design of the sample."""

    count: int
    seed: int
    concentration: float
    clusters: NDArray[np.int64] | None
    design: Design | None = None


def standardised_slopes(covariance: Array) -> Array:
    """Return standardised regression coefficients, shape (..., K), from covariances of K drivers and, last, the outcome."""
    k = covariance.shape[-1] - 1
    slope = np.linalg.solve(covariance[..., :k, :k], covariance[..., :k, k][..., None])[..., 0]
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    return np.asarray(slope * sd[..., :k] / sd[..., k:])


def of_numbers(tables: Sequence[Array], covs: Array, weights: Array | None, draws: Draws) -> Explained:
    """Estimate what drivers explain of a numeric outcome, the last column of each table.

    Parameters
    ----------
    tables : sequence of ndarray
        Completed tables, each of shape (n, K + 1).
    covs : ndarray
        Their covariances, shape (m, K + 1, K + 1).
    weights : ndarray or None
        Design weights, shape (n,).
    draws : Draws

    Returns
    -------
    Explained

    Raises
    ------
    InsufficientData
        Most resamples cannot tell the drivers apart.
    """
    k = covs.shape[1] - 1
    if draws.design is not None:
        replicates = replicate_covariances(in_sample(tables, draws.design), draws.design, draws.count, draws.seed)
    else:
        replicates = replicate_covariances(
            tables, weights, draws.count, draws.seed, "bayesian", draws.concentration, draws.clusters
        )
    usable = _usable(replicates, k)
    kept = replicates[usable]
    r = covs / np.sqrt(
        np.diagonal(covs, axis1=1, axis2=2)[:, :, None] * np.diagonal(covs, axis1=1, axis2=2)[:, None, :]
    )
    inverse = np.linalg.inv(r)
    # what a driver adds to all others, from the partial correlations
    partial = inverse[:, :k, k] ** 2 / (np.diagonal(inverse, axis1=1, axis2=2)[:, :k] * inverse[:, k:, k])
    last = partial / (1 - partial) / inverse[:, k:, k]
    error = np.zeros(k) if k <= MOST_EXACT else lmg_sampled(covs[:1], sample_orders(k))[1][0]
    values_drawn = explained_by_subsets(kept) if k <= MOST_KEPT else None
    return Explained(
        lmg(covs), relative_weights(covs), standardised_slopes(covs),
        lmg(kept) if values_drawn is None else shapley_values(values_drawn), relative_weights(kept), standardised_slopes(kept),
        (r[:, :k, k] ** 2).mean(axis=0), last.mean(axis=0), usable, np.nan, error,
        explained_by_subsets(covs).mean(axis=0) if k <= MOST_EXACT else None, values_drawn,
    )  # fmt: skip


def in_sample(tables: Sequence[Array], design: Design) -> list[Array]:
    """Put the rows of a design's subpopulation where they stand in the sample.

    Parameters
    ----------
    tables : sequence of ndarray
        Each of shape (rows of the subpopulation, K).
    design : Design
        Of the sample.

    Returns
    -------
    list of ndarray
        Each of shape (n, K); 0 outside.
    """
    placed = [np.zeros((len(design), table.shape[1])) for table in tables]
    for whole, table in zip(placed, tables, strict=True):
        whole[design.rows()] = table
    return placed


def of_grades(tables: Sequence[Array], weights: Array | None, draws: Draws, measure: Measure) -> Explained:
    """Estimate what drivers explain of an outcome in grades, the last column of each table (0, 1, ...).

    Parameters
    ----------
    tables : sequence of ndarray
        Completed tables, each of shape (n, K + 1).
    weights : ndarray or None
        Design weights, shape (n,).
    draws : Draws
    measure : {'mcfadden', 'nagelkerke', 'cox_snell'}
        Pseudo R squared that is shared out.

    Returns
    -------
    Explained

    Raises
    ------
    InsufficientData
        Drivers foretell grades without error.
    """
    n, k = tables[0].shape[0], tables[0].shape[1] - 1
    w = np.ones(n) if weights is None else weights * (n / weights.sum())
    orders = None if k <= MOST_EXACT else sample_orders(k)
    masks, place = (subset_masks(k), None) if orders is None else orders.masks()
    whole = int(masks.sum(axis=1).argmax())
    masks = np.vstack([np.delete(masks, whole, axis=0), masks[whole : whole + 1]])
    if place is not None:
        place = np.where(place == whole, len(masks) - 1, place - (place > whole))
    of_draw = tables_of_draws(len(tables), draws.count)
    drawn = [
        row
        for block in resample_rows(n, draws.clusters, draws.count, draws.seed, "bayesian", draws.concentration)
        for row in block * w
    ]
    found, spread, gain = [], [], 0.0
    for t, table in enumerate(tables):
        x = table[:, :k] - np.average(table[:, :k], axis=0, weights=w)
        sd = np.sqrt(np.average(x**2, axis=0, weights=w))
        outcome = GradedOutcome(x / sd, table[:, k].astype(np.int64))
        fits = fit_subsets(outcome, masks, w)
        empty = fits.log_likelihood[[int(masks.sum(axis=1).argmin())]]
        gain += 2 * float(fits.log_likelihood[-1] - empty[0]) / len(tables)
        values = pseudo_r2(fits.log_likelihood[None], empty, n, measure)
        found.append((values, _latent(x / sd, w[None], fits.slopes[-1:])))
        mine = [drawn[b] for b in np.flatnonzero(of_draw == t)]
        if mine:
            likelihood, nothing, _, slopes = replicate_subsets(outcome, fits, mine)
            likelihood[:, int(masks.sum(axis=1).argmin())] = nothing
            spread.append((pseudo_r2(likelihood, nothing, n, measure), _latent(x / sd, np.array(mine), slopes)))
    values, drawn_values = (np.concatenate([p[0] for p in part]) for part in (found, spread))
    latent, drawn_latent = ([np.concatenate([p[1][i] for p in part]) for i in (0, 1)] for part in (found, spread))
    size = masks.sum(axis=1)
    alone = [int(np.flatnonzero((size == 1) & masks[:, j])[0]) for j in range(k)] if orders is None else None
    without = [int(np.flatnonzero((size == k - 1) & ~masks[:, j])[0]) for j in range(k)] if orders is None else None
    mean = values.mean(axis=0)
    if orders is None or place is None:
        gains, gains_drawn, error = shapley_values(values), shapley_values(drawn_values), np.zeros(k)
    else:
        stepped = [orders.by_driver(np.diff(v[:, place], axis=-1)) for v in (values, drawn_values)]
        (gains, errors), (gains_drawn, _) = (orders.mean_and_error(s) for s in stepped)
        error = errors[0]
    nothing_known = np.full(k, np.nan)
    return Explained(
        gains, latent[1], latent[0], gains_drawn, drawn_latent[1], drawn_latent[0],
        nothing_known if alone is None else mean[alone], nothing_known if without is None else mean[-1] - mean[without],
        np.ones(draws.count, dtype=bool), gain, error, None if place is not None else mean,
        drawn_values if k <= MOST_KEPT else None,
    )  # fmt: skip


def pseudo_r2(log_likelihood: Array, empty: Array, n: float, measure: Measure) -> Array:
    """Return a pseudo R squared.

    Parameters
    ----------
    log_likelihood : ndarray
        Shape (draws, S).
    empty : ndarray
        Shape (draws,): of the model without drivers.
    n : float
        Sum of the rows' weights.
    measure : {'mcfadden', 'nagelkerke', 'cox_snell'}

    Returns
    -------
    ndarray
        Shape (draws, S).

    References
    ----------
    McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In Frontiers in Econometrics. Nagelkerke,
    N. J. D. (1991). A note on a general definition of the coefficient of determination. Biometrika, 78, 691-692.
    """
    without = empty[:, None]
    if measure == "mcfadden":
        return np.asarray(1 - log_likelihood / without)
    explained = 1 - np.exp(2 * (without - log_likelihood) / n)
    return np.asarray(explained if measure == "cox_snell" else explained / (1 - np.exp(2 * without / n)))


def _latent(x: Array, weights: Array, slopes: Array) -> tuple[Array, Array]:
    """Return slopes in units of the variable behind the grades, and relative weights, by row of weights."""
    scale = weights.sum(axis=1, keepdims=True)
    mean = weights @ x / scale
    pairs = np.triu_indices(x.shape[1])
    second = weights @ (x[:, pairs[0]] * x[:, pairs[1]]) / scale
    cov = np.empty((len(weights), x.shape[1], x.shape[1]))
    cov[:, pairs[0], pairs[1]] = second
    cov[:, pairs[1], pairs[0]] = second
    cov -= mean[:, :, None] * mean[:, None, :]
    sd = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    eta = np.einsum("bi,bij,bj->b", slopes, cov, slopes)
    beta = slopes * sd / np.sqrt(eta + LATENT_VARIANCE)[:, None]
    return beta, latent_relative_weights(cov / (sd[:, :, None] * sd[:, None, :]), beta)


def _usable(replicates: Array, k: int) -> NDArray[np.bool_]:
    """Mark the replicates in which every column varies and the drivers are not collinear."""
    usable = (np.diagonal(replicates, axis1=-2, axis2=-1) > 0).all(axis=1)
    usable[usable] = np.linalg.cond(replicates[usable][:, :k, :k]) < _MOST_CORRELATED
    if usable.mean() < _FEWEST_USABLE:
        raise NotEstimable("unstable", "Most resamples cannot tell the drivers apart: the sample is too small.")
    return np.asarray(usable)
