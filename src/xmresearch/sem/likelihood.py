"""The normal likelihood of a sample, complete or with blanks: discrepancy, slopes, information."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sem.matrices import Implied, Matrices
from xmresearch.sem.row_design import PLAIN, RowDesign

Array = NDArray[np.float64]
ROUNDING = 16 * float(np.finfo(float).eps)


class Sample(Protocol):
    """What estimation needs of one group's data.

    `mean` and `cov` are the saturated model's (divided by n), and the discrepancy is twice the log likelihood ratio to it,
    per observation.
    """

    @property
    def n(self) -> float:
        """Rows, or the sum of their weights."""

    @property
    def design(self) -> RowDesign:
        """How the rows were sampled."""

    @property
    def mean(self) -> Array:
        """Means, shape (p,)."""

    @property
    def cov(self) -> Array:
        """Covariances, shape (p, p)."""

    @property
    def refresh(self) -> bool:
        """Whether the information is cheap to renew."""

    @property
    def deviance(self) -> float:
        """Minus twice the saturated log likelihood, per observation."""

    def marginal(self) -> tuple[Array, Array]:
        """Return each variable's own mean and variance, from all its answers."""

    def discrepancy(self, cov: Array, mean: Array) -> float:
        """Return the discrepancy of implied moments; infinite where cov is not positive definite."""

    def residual(self, cov: Array, mean: Array) -> tuple[Array, Array]:
        """Return R and r: half the discrepancy changes by tr(R dcov) / 2 + r'dmean."""

    def information(self, implied: Implied) -> Array:
        """Return the expected information of one observation, by cells, shape (cells, cells)."""

    def hessian_cells(self, implied: Implied) -> Array:
        """Return the part of half the discrepancy's second derivatives that the cells' first derivatives make."""


def add_products(cells: Array, w: Array, between: Array) -> Array:
    """Add the mean structure's part to an information by cells; `between` is u W u'."""
    return cells + np.outer(w, w) * between if w.any() else cells


@dataclass(frozen=True, repr=False)
class CompleteSample(Shown):
    """Moments of complete rows.

    Attributes
    ----------
    n : float
        Rows, or the sum of their weights.
    mean, cov : ndarray
        Shapes (p,) and (p, p); divided by n.
    refresh : bool
        Whether the information is cheap to renew.
    design : RowDesign
        How the rows were sampled.
    """

    n: float
    mean: Array
    cov: Array
    refresh: bool = True
    design: RowDesign = PLAIN

    @cached_property
    def _logdet(self) -> float:
        return float(np.linalg.slogdet(self.cov)[1])

    @property
    def deviance(self) -> float:
        """Minus twice the saturated log likelihood, per observation."""
        return float(len(self.cov) * (1 + np.log(2 * np.pi)) + self._logdet)

    def marginal(self) -> tuple[Array, Array]:
        """Return means and variances."""
        return self.mean, np.diag(self.cov)

    def discrepancy(self, cov: Array, mean: Array) -> float:
        """Return log|Sigma| + tr(T Sigma^-1) - log|S| - p, T about the implied mean."""
        try:
            root = np.linalg.cholesky(cov)
        except np.linalg.LinAlgError:
            return float("inf")
        trace = (np.linalg.inv(cov) * self._about(mean)).sum()
        return float(2 * np.log(root.diagonal()).sum() + trace - self._logdet - len(cov))

    def _about(self, mean: Array) -> Array:
        d = self.mean - mean
        return self.cov + d[:, None] * d if d.any() else self.cov

    def residual(self, cov: Array, mean: Array) -> tuple[Array, Array]:
        """Return R = W (Sigma - T) W and r = -W d, W the inverse of cov."""
        inverse = np.linalg.inv(cov)
        return inverse @ (cov - self._about(mean)) @ inverse, -inverse @ (self.mean - mean)

    def information(self, implied: Implied) -> Array:
        """Return tr(W D_k W D_l) / 2, from inner products of the derivatives' factors."""
        inverse = np.linalg.inv(implied.cov)
        wu, wv = implied.u @ inverse, implied.v @ inverse
        cross, between = wu @ implied.v.T, wu @ implied.u.T
        return add_products(between * (wv @ implied.v.T) + cross * cross.T, implied.w, between)

    def hessian_cells(self, implied: Implied) -> Array:
        """As the information, with one W replaced by 2 W T W - W, and the product of mean and covariance."""
        inverse = np.linalg.inv(implied.cov)
        second = 2 * inverse @ self._about(implied.mean) @ inverse - inverse
        u, v, w = implied.u, implied.v, implied.w
        uu, uv, vv = ((x @ inverse) @ y.T for x, y in ((u, u), (u, v), (v, v)))
        uu2, uv2, vv2 = ((x @ second) @ y.T for x, y in ((u, u), (u, v), (v, v)))
        half = uv.T * uv2 + vv * uu2 + uu * vv2 + uv * uv2.T
        cells = add_products((half + half.T) / 4, w, uu)
        pull = (self.mean - implied.mean) @ inverse
        if w.any() and pull.any():
            mixed = w[:, None] * (uu * (v @ pull) + uv * (u @ pull))
            cells = cells + mixed + mixed.T
        return cells


def cov_slopes(implied: Implied) -> Array:
    """Return the derivatives of cov, shape (cells, p * p)."""
    half = implied.u[:, :, None] * implied.v[:, None, :]
    return np.asarray((half + half.transpose(0, 2, 1)).reshape(len(half), -1))


class Likelihood:
    """The normal likelihood of a model over its groups.

    Parameters
    ----------
    matrices : sequence of Matrices
        One per group.
    samples : sequence of Sample
        One per group.
    """

    def __init__(self, matrices: list[Matrices], samples: list[Sample]) -> None:
        self.matrices, self.samples = matrices, samples
        total = sum(s.n for s in samples)
        self.shares = [s.n / total for s in samples]
        self.refresh = samples[0].refresh
        spread = sum(f * (abs(s.deviance) + len(s.mean)) for f, s in zip(self.shares, samples, strict=True))
        self.rounding = ROUNDING * spread

    def implied(self, theta: Array) -> list[Implied]:
        """Return the groups' implied moments."""
        return [m.implied(theta) for m in self.matrices]

    def value(self, implied: list[Implied]) -> float:
        """Return the discrepancy."""
        return sum(f * s.discrepancy(i.cov, i.mean) for f, s, i in self._parts(implied))

    def _parts(self, implied: Sequence[Implied]) -> list[tuple[float, Sample, Implied]]:
        return list(zip(self.shares, self.samples, implied, strict=True))

    def gradient(self, implied: list[Implied]) -> Array:
        """Return the gradient of half the discrepancy, shape (q,)."""
        parts = []
        for m, (f, s, i) in zip(self.matrices, self._parts(implied), strict=True):
            residual, slope = s.residual(i.cov, i.mean)
            parts.append(f * m.pooled(((i.u @ residual) * i.v).sum(axis=1) + i.w * (i.u @ slope)))
        return np.asarray(sum(parts))

    def information(self, implied: list[Implied]) -> Array:
        """Return the expected information of one observation, shape (q, q)."""
        parts = zip(self.matrices, self._parts(implied), strict=True)
        return np.asarray(sum(m.pooled_both(f * s.information(i)) for m, (f, s, i) in parts))

    def hessian(self, theta: Array, implied: Sequence[Implied]) -> Array:
        """Return the observed information of one observation, shape (q, q)."""
        out = []
        for m, (f, s, i) in zip(self.matrices, self._parts(implied), strict=True):
            curvature = m.curvature(theta, *s.residual(i.cov, i.mean))
            out.append(f * (m.pooled_both(s.hessian_cells(i)) + curvature))
        return np.asarray(sum(out))


def moment_slopes(implied: Implied, means: bool) -> Array:
    """Return the derivatives of the moments: covariances column by column of the lower triangle, then means.

    Parameters
    ----------
    implied : Implied
        With p variables.
    means : bool
        Whether to append the means.

    Returns
    -------
    ndarray
        Shape (cells, p (p + 1) / 2 [+ p]).
    """
    p = len(implied.cov)
    columns, rows = np.triu_indices(p)
    cov = cov_slopes(implied).reshape(-1, p, p)[:, rows, columns]
    return np.hstack([cov, implied.w[:, None] * implied.u]) if means else cov
