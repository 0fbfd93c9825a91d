"""Where estimation starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.sem.model import Model

Array = NDArray[np.float64]
_MOST_CORRELATED = 0.9
_SHARED = 0.5


def starting_values(model: Model, covs: Sequence[Array], means: Sequence[Array]) -> Array:
    """Return starting values: loadings and factor (co)variances from ratios of covariances, zero paths, sample means.

    Parameters
    ----------
    model : Model
        With G groups.
    covs, means : sequence of ndarray
        Of each group, shapes (p, p) and (p,).

    Returns
    -------
    ndarray
        Shape (q,).

    References
    ----------
    Hagglund, G. (1982). Factor analysis by instrumental variables methods. Psychometrika, 47, 209-222.
    """
    at = {v: k for k, v in enumerate(model.observed)}
    theta = np.zeros(model.n_free)
    blocks = [_blocks(model, g, cov, at) for g, cov in enumerate(covs)]
    higher = [_higher(model, g, block, cov) for g, (block, cov) in enumerate(zip(blocks, covs, strict=True))]
    for q in reversed(model.parameters):
        if q.free < 0 or q.op == "|":
            continue
        cov, block, (above, apart) = covs[q.group], blocks[q.group], higher[q.group]
        if q.start is not None:
            theta[q.free] = q.start
        elif q.op == "=~" and q.rhs in at:
            theta[q.free] = block[q.lhs].loading(q.rhs)
        elif q.op == "=~":
            theta[q.free] = above.get((q.lhs, q.rhs), 1.0)
        elif q.op == "~~" and q.lhs == q.rhs and q.lhs in at:
            theta[q.free] = cov[at[q.lhs], at[q.lhs]] / 2
        elif q.op == "~~" and q.lhs == q.rhs:
            theta[q.free] = apart.get(q.lhs, block[q.lhs].variance if q.lhs in block else 1.0)
        elif q.op == "~~" and q.lhs in block and q.rhs in block:
            theta[q.free] = block[q.lhs].covariance(block[q.rhs], cov)
        elif q.op == "~1" and q.lhs in at:
            theta[q.free] = means[q.group][at[q.lhs]]
    return theta


@dataclass(frozen=True)
class _Block:
    """A factor's items, with their first guesses.

    Attributes
    ----------
    names : tuple of str
        Items.
    at : ndarray of int
        Their positions.
    loadings : ndarray
        Shape (items,).
    variance : float
        Of the factor.
    """

    names: tuple[str, ...]
    at: NDArray[np.int64]
    loadings: Array
    variance: float

    def loading(self, name: str) -> float:
        return float(self.loadings[self.names.index(name)])

    def covariance(self, other: _Block, cov: Array) -> float:
        """Return the covariance that the items' covariances imply, short of a correlation of one."""
        between = cov[np.ix_(self.at, other.at)]
        value = float(self.loadings @ between @ other.loadings)
        value /= float((self.loadings @ self.loadings) * (other.loadings @ other.loadings))
        most = _MOST_CORRELATED * np.sqrt(self.variance * other.variance)
        return float(np.clip(value, -most, most))


def _blocks(model: Model, group: int, cov: Array, at: Mapping[str, int]) -> dict[str, _Block]:
    """Guess each factor's loadings by the scale of its items, and its variance by their covariances."""
    items: dict[str, list[tuple[str, float | None]]] = {}
    free_variance = {q.lhs: q.value for q in model.in_group(group) if q.op == "~~" and q.lhs == q.rhs}
    for q in model.in_group(group):
        if q.op == "=~" and q.rhs in at:
            items.setdefault(q.lhs, []).append((q.rhs, q.value))
    found = {}
    for factor, named in items.items():
        where = np.array([at[name] for name, _ in named])
        inside = cov[np.ix_(where, where)]
        sd = np.sqrt(np.diag(inside))
        fixed = next((k for k, (_, value) in enumerate(named) if value), None)
        scale = sd[fixed] / float(named[fixed][1] or 1.0) if fixed is not None else np.sqrt(2.0)
        side = np.where(inside[fixed or 0] < 0, -1.0, 1.0)
        if fixed is None and side.sum() < 0:
            side = -side
        ratios = side * sd / scale
        loadings = np.array([r if value is None else value for r, (_, value) in zip(ratios, named, strict=True)])
        variance = free_variance.get(factor)
        if variance is None:
            outer = np.outer(loadings, loadings)
            off = ~np.eye(len(named), dtype=bool)
            guess = (
                float((inside * outer)[off].sum() / (outer[off] ** 2).sum())
                if len(named) > 1 and outer[off].any()
                else 0.0
            )
            top = float((sd[0] / loadings[0]) ** 2) if loadings[0] else 1.0
            variance = float(np.clip(guess, 0.2 * top, 0.9 * top))
        found[factor] = _Block(tuple(name for name, _ in named), where, loadings, variance)
    return found


def _higher(
    model: Model, group: int, block: Mapping[str, _Block], cov: Array
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Guess the loadings of factors on factors of theirs, as sharing half of their variances, and the variances left."""
    loadings: dict[tuple[str, str], float] = {}
    variances: dict[str, float] = {}
    fixed = {q.lhs: q.value for q in model.in_group(group) if q.op == "~~" and q.lhs == q.rhs}
    for factor in dict.fromkeys(q.lhs for q in model.in_group(group) if q.op == "=~"):
        mine = [q for q in model.in_group(group) if q.op == "=~" and q.lhs == factor and q.rhs in block]
        if not mine or factor in block:
            continue
        marker = next((q for q in mine if q.value), None)
        first = marker or mine[0]
        share = _SHARED * block[first.rhs].variance
        variance = fixed[factor] or share / (float(marker.value or 1.0) if marker else 1.0) ** 2
        variances.setdefault(factor, variance)
        for q in mine:
            side = 1.0 if q is first or block[q.rhs].covariance(block[first.rhs], cov) >= 0 else -1.0
            loadings[factor, q.rhs] = side * float(np.sqrt(_SHARED * block[q.rhs].variance / variance))
            variances[q.rhs] = _SHARED * block[q.rhs].variance
    return loadings, variances
