"""What constructs explain of their items: the shares that omega and the average variance extracted are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ModelError
from xmresearch.sem.ordinal import OrdinalSample
from xmresearch.sem.polychorics import bivariate_normal_cdf
from xmresearch.sem.result import SemFit

Array = NDArray[np.float64]


def constructs(fitted: SemFit) -> dict[str, list[str]]:
    """Return the observed items of every construct that has any.

    Parameters
    ----------
    fitted : SemFit
        A converged model.

    Returns
    -------
    dict of str to list of str
        In the model's order; loadings fixed to zero do not count.

    Raises
    ------
    InsufficientData
        The model has no construct with items.
    ModelError
        The model did not converge.
    """
    model = fitted.model
    owned: dict[str, list[str]] = {f: [] for f in model.latent}
    for q in model.in_group(0):
        if q.op == "=~" and q.rhs in model.observed and q.value != 0:
            owned[q.lhs].append(q.rhs)
    owned = {f: items for f, items in owned.items() if items}
    if not owned:
        raise InsufficientData("The model has no construct with items, so there is nothing to assess.")
    if not fitted.converged:
        raise ModelError(f"The model did not converge ({fitted.reason}), so its constructs cannot be assessed.")
    return owned


@dataclass(frozen=True, repr=False)
class Shares(Shown):
    """Explained shares of variance, constructs in the last axis.

    Attributes
    ----------
    omega : ndarray
        Of the sum of a construct's items: what the construct explains of it, other constructs left out (Bollen).
    omega_bentler : ndarray
        With the implied variance of the sum as denominator.
    omega_mcdonald : ndarray
        With the sample's variance of the sum as denominator.
    ave : ndarray
        Of the items' summed variances, other constructs left out: average variance extracted.
    """

    omega: Array
    omega_bentler: Array
    omega_mcdonald: Array
    ave: Array


def explained_shares(fitted: SemFit, theta: Array, group: int = 0) -> Shares:
    """Read the explained shares of every construct's items off the parameters.

    Parameters
    ----------
    fitted : SemFit
        A converged model.
    theta : ndarray
        Free parameters, shape (..., q).
    group : int
        Position of the group.

    Returns
    -------
    Shares
        Shape (..., constructs), in the order of `constructs`; NaN for a single item, and AVE also where an item loads on
        several constructs. Ordered items: of their standardised underlying responses.

    References
    ----------
    Bollen, K. A. (1980). American Sociological Review, 45, 370-390. McDonald, R. P. (1999). Test Theory. Erlbaum.
    """
    blocks = _blocks(fitted, theta, group)
    everything = [v for block in blocks for v in block.at]
    sample = sample_covariances(fitted, group)
    found = []
    for b in blocks:
        common, unique = b.true.sum(axis=(-2, -1)), b.residual.sum(axis=(-2, -1))
        shared, specific = (np.trace(x, axis1=-2, axis2=-1) for x in (b.true, b.residual))
        values = [
            common / (common + unique), common / b.total.sum(axis=(-2, -1)),
            common / sample[np.ix_(b.at, b.at)].sum(), shared / (shared + specific),
        ]  # fmt: skip
        if any(everything.count(v) > 1 for v in b.at):
            values[3] = np.full_like(common, np.nan)
        found.append(values if len(b.at) > 1 else [np.full_like(common, np.nan)] * 4)
    return Shares(*(np.stack(x, axis=-1) for x in zip(*found, strict=True)))


def categorical_omega(fitted: SemFit, theta: Array, group: int = 0) -> Array:
    """Read the reliability of sums of ordered answers off the parameters.

    Parameters
    ----------
    fitted : SemFit
        A converged model of ordered items.
    theta : ndarray
        Free parameters, shape (..., q).
    group : int
        Position of the group.

    Returns
    -------
    ndarray
        Shape (..., constructs), in the order of `constructs`: the correlation of the sum with that of a parallel set of
        items. Categories are scored 1, 2, 3, ...; NaN for a single item.

    References
    ----------
    Green, S. B. & Yang, Y. (2009). Psychometrika, 74, 155-167 (formula 21).
    """
    model, matrices = fitted.model, fitted.readout.matrices[group]
    total, mean = matrices.total(theta)
    free = {(q.lhs, q.rhs): q.free for q in model.in_group(group) if q.op == "|"}
    found = []
    for b in _blocks(fitted, theta, group):
        cuts = np.full((*theta.shape[:-1], len(b.at), max(model.categories[k] for k in b.at)), np.inf)
        for row, k in enumerate(b.at):
            taus = [free[model.observed[k], f"t{c + 1}"] for c in range(model.categories[k])]
            cuts[..., row, : len(taus)] = (theta[..., taus] - mean[..., k, None]) / np.sqrt(total[..., k, k, None])
        whole = b.true + b.residual
        sd = np.sqrt(np.diagonal(whole, axis1=-2, axis2=-1))
        score = _score_covariances(cuts, b.true).sum(axis=(-2, -1))
        score /= _score_covariances(cuts, whole / (sd[..., :, None] * sd[..., None, :])).sum(axis=(-2, -1))
        found.append(score if len(b.at) > 1 else np.full_like(score, np.nan))
    return np.stack(found, axis=-1)


@dataclass(frozen=True)
class _Block:
    """One construct's k items: positions, and their covariances (..., k, k): those it explains, residual, and all."""

    at: list[int]
    true: Array
    residual: Array
    total: Array


def _blocks(fitted: SemFit, theta: Array, group: int) -> list[_Block]:
    model, matrices = fitted.model, fitted.readout.matrices[group]
    a, s, _ = matrices.fill(theta)
    total, _ = matrices.total(theta)
    found = []
    for construct, at in positions(fitted).items():
        i, f = np.array(at), model.variables.index(construct)
        block = (..., i[:, None], i)
        loadings = a[..., i, f]
        true = loadings[..., :, None] * loadings[..., None, :] * total[..., f, f, None, None]
        parts = [true, s[block], total[block]]
        if model.categories:
            sd = np.sqrt(total[..., i, i])
            parts = [x / (sd[..., :, None] * sd[..., None, :]) for x in parts]
        found.append(_Block(at, *parts))
    return found


def positions(fitted: SemFit) -> dict[str, list[int]]:
    """Return where each construct's items stand among the observed variables."""
    at = {v: k for k, v in enumerate(fitted.model.variables)}
    return {f: [at[v] for v in items] for f, items in constructs(fitted).items()}


def sample_covariances(fitted: SemFit, group: int) -> Array:
    """Return what a group's sample says of the items together: covariances, polychoric correlations of ordered ones."""
    sample = fitted.samples[group]
    return np.asarray(sample.correlations if isinstance(sample, OrdinalSample) else sample.cov)


def _score_covariances(cuts: Array, r: Array) -> Array:
    """Covariances of category numbers, thresholds (..., k, c) and correlations of the responses underneath (..., k, k)."""
    a, b = cuts[..., :, None, :, None], cuts[..., None, :, None, :]
    proper = np.abs(r) <= 1 + 1e-12
    joint = bivariate_normal_cdf(a, b, np.clip(r, -1, 1)[..., None, None])
    found = (joint - special.ndtr(a) * special.ndtr(b)).sum(axis=(-2, -1))
    return np.asarray(np.where(proper, found, np.nan))
