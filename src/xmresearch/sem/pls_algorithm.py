"""Partial least squares: what a correlation matrix of items says about a model, for many matrices at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sem.pls_model import PlsModel

Array = NDArray[np.float64]
Scheme = Literal["path", "factor", "centroid"]
MAX_ITERATIONS, TOLERANCE, SINGULAR = 1000, 1e-10, 1e-10


@dataclass(frozen=True, repr=False)
class Estimates(Shown):
    """Estimates from one or more correlation matrices; B matrices, p items, J constructs.

    Attributes
    ----------
    weights, loadings : ndarray
        Shape (B, p).
    cross : ndarray
        Covariances of items and standardised constructs, shape (B, p, J).
    rho_a : ndarray
        Reliability of the scores, shape (B, J); NaN for formative and single-item constructs.
    correlations : ndarray
        Of the constructs, shape (B, J, J).
    paths : ndarray
        Effect of construct i on construct j at [i, j], shape (B, J, J).
    r2 : ndarray
        Shape (B, J); zero for exogenous constructs.
    iterations, converged : ndarray
        Shape (B,).
    """

    weights: Array
    loadings: Array
    cross: Array
    rho_a: Array
    correlations: Array
    paths: Array
    r2: Array
    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]

    @property
    def indirect(self) -> Array:
        """Effects along two paths or more, shape (B, J, J)."""
        walks = self.paths @ self.paths
        found = walks
        for _ in range(self.paths.shape[-1] - 2):
            walks = walks @ self.paths
            found = found + walks
        return found


def correlate(rows: Array) -> Array:
    """Return the correlation matrix of the columns, shape (p, p); NaN where a column is constant."""
    centred = rows - rows.mean(axis=0)
    products = centred.T @ centred
    sd = np.where(np.ptp(rows, axis=0) > 0, np.sqrt(np.diag(products)), np.nan)
    r = products / np.outer(sd, sd)
    return np.asarray(np.where(np.eye(len(sd), dtype=bool) & ~np.isnan(sd), 1.0, r))


def solve(a: Array, b: Array) -> Array:
    """Solve a x = b, shapes (..., k, k) and (..., k, m), with NaN where `a` is not positive definite."""
    sound = np.linalg.eigvalsh(a)[..., 0] > SINGULAR
    x = np.linalg.solve(np.where(sound[..., None, None], a, np.eye(a.shape[-1])), b)
    return np.asarray(np.where(sound[..., None, None], x, np.nan))


def estimate(
    model: PlsModel, correlations: Array, scheme: Scheme, *, consistent: bool = False, like: Array | None = None
) -> Estimates:
    """Estimate the model from correlation matrices of its items.

    Parameters
    ----------
    model : PlsModel
        What to estimate.
    correlations : ndarray
        Shape (B, p, p).
    scheme : {'path', 'factor', 'centroid'}
        Inner weights.
    consistent : bool
        Whether to correct reflective constructs for their unreliability.
    like : ndarray, optional
        Loadings that decide each construct's sign, shape (p,). By default most of its loadings are positive.

    Returns
    -------
    Estimates
        NaN where a matrix cannot be used: constant or collinear items, scores without variance, rho_a not above 0.
    """
    usable = np.isfinite(correlations).all(axis=(1, 2))
    r = np.where(usable[:, None, None], correlations, np.eye(len(model.items)))
    w, iterations, converged = _weights(model, r, scheme)
    w[~usable] = np.nan
    member, reflective = model.membership, np.array([mode == "A" for mode in model.modes])
    cross = r @ w
    rho = np.where(reflective, _rho_a(w), np.nan)
    corrected = reflective & consistent
    true = np.where(corrected, np.sqrt(np.where(rho > 0, rho, np.nan)), 1.0)[:, None]
    own = np.where(corrected, w * true / (w**2).sum(axis=1, keepdims=True), cross) * member
    votes = (np.sign(own) if like is None else own * like[:, None]).sum(axis=1, keepdims=True)
    votes = np.where(votes == 0, own.sum(axis=1, keepdims=True), votes)
    sign = np.where(votes < 0, -1.0, 1.0)
    w, own = w * sign, own * sign
    between = (np.swapaxes(w, 1, 2) @ r @ w) / (np.swapaxes(true, 1, 2) * true)
    between = np.where(np.eye(len(model.constructs), dtype=bool), 1.0, between)
    paths, r2 = np.zeros_like(between), np.zeros_like(rho)
    for j in model.endogenous:
        causes = model.causes(j)
        b = _regress(between, causes, j)
        paths[:, causes, j] = b
        r2[:, j] = (b * between[:, causes, j]).sum(axis=1)
    cross = np.where(member > 0, own, cross * sign / true)
    return Estimates(w.sum(axis=2), own.sum(axis=2), cross, rho, between, paths, r2, iterations, converged)


def _rho_a(w: Array) -> Array:
    """Return the reliability of scores, shape (B, J), from weights that give them variance one (Dijkstra & Henseler)."""
    square, fourth = (w**2).sum(axis=1), (w**4).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(square**2 * (1 - square) / (square**2 - fourth))


def _regress(c: Array, causes: list[int], effect: int) -> Array:
    """Return standardised coefficients, shape (B, causes)."""
    known = np.isfinite(c).all(axis=(1, 2))[:, None, None]
    a = np.where(known, c, np.eye(c.shape[-1]))
    b = solve(a[:, causes][:, :, causes], a[:, causes, effect][:, :, None])
    return np.asarray(np.where(known, b, np.nan)[:, :, 0])


def _weights(model: PlsModel, r: Array, scheme: Scheme) -> tuple[Array, NDArray[np.int64], NDArray[np.bool_]]:
    """Iterate each matrix until no weight changes: weights of shape (B, p, J), iterations and convergence."""
    member = model.membership
    forming = [block for block, mode in zip(model.blocks, model.modes, strict=True) if mode == "B"]
    projector = np.broadcast_to(np.eye(len(model.items)), r.shape).copy()
    for block in forming:
        square = np.ix_(range(len(r)), block, block)
        projector[square] = solve(r[square], projector[square])
    w = _unit(r, np.broadcast_to(member, (len(r), *member.shape)))
    iterations, converged = np.zeros(len(r), dtype=np.int64), np.zeros(len(r), dtype=bool)
    active = np.flatnonzero(np.isfinite(w).all(axis=(1, 2)) & np.isfinite(projector).all(axis=(1, 2)))
    w[np.setdiff1d(np.arange(len(r)), active)] = np.nan
    while len(active) and iterations[active[0]] < MAX_ITERATIONS:
        now, matrices = w[active], r[active]
        cross = matrices @ now
        target = cross @ _inner(model, np.swapaxes(now, 1, 2) @ cross, scheme)
        new = _unit(matrices, (projector[active] @ (target * member)) * member)
        change = np.abs(new - now).max(axis=(1, 2))
        w[active] = new
        iterations[active] += 1
        converged[active] = change < TOLERANCE
        active = active[change >= TOLERANCE]
    return w, iterations, converged


def _unit(r: Array, w: Array) -> Array:
    """Scale weights so that scores have variance one; NaN where they have none."""
    variance = (w * (r @ w)).sum(axis=1)
    scale = np.sqrt(np.where(variance > SINGULAR, variance, np.nan))
    return np.asarray(w / scale[:, None])


def _inner(model: PlsModel, c: Array, scheme: Scheme) -> Array:
    """Return the inner weights: that of construct i in the proxy of construct j at [i, j]."""
    inner = np.zeros_like(c)
    for j in range(len(model.constructs)):
        causes, effects = model.causes(j), model.effects(j)
        near = c[:, causes + effects, j]
        inner[:, causes + effects, j] = np.sign(near) if scheme == "centroid" else near
        if scheme == "path" and causes:
            inner[:, causes, j] = _regress(c, causes, j)
    return inner
