"""The normal likelihood of a sample, complete or with blanks: discrepancy, slopes, information."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import InsufficientData
from xmresearch.sem.matrices import Implied, Matrices

Array = NDArray[np.float64]
_MOST_EM_STEPS = 5000
ROUNDING = 16 * float(np.finfo(float).eps)


class Sample(Protocol):
    """What estimation needs of one group's data.

    `mean` and `cov` are the saturated model's (divided by n), and the discrepancy is twice the log likelihood ratio to it,
    per observation.
    """

    @property
    def n(self) -> int:
        """Rows."""

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


@dataclass(frozen=True)
class CompleteSample:
    """Moments of complete rows.

    Attributes
    ----------
    n : int
        Rows.
    mean, cov : ndarray
        Shapes (p,) and (p, p); divided by n.
    """

    n: int
    mean: Array
    cov: Array
    refresh: bool = True

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


@dataclass(frozen=True)
class MissingSample:
    """Rows with blanks, by pattern of answered variables (full-information maximum likelihood).

    Attributes
    ----------
    n : int
        Rows.
    mean, cov : ndarray
        Of the saturated model, shapes (p,) and (p, p).
    patterns : ndarray of bool
        Which variables each pattern has, shape (K, p).
    counts : ndarray
        Rows of each pattern, shape (K,).
    means, covs : ndarray
        Moments of each pattern's rows, zero where blank, shapes (K, p) and (K, p, p).
    of_row : ndarray of int
        The pattern of every row, shape (n,).
    """

    n: int
    mean: Array
    cov: Array
    patterns: NDArray[np.bool_]
    counts: Array
    means: Array
    covs: Array
    of_row: NDArray[np.int64]
    refresh: bool = False

    @classmethod
    def of(cls, rows: Array) -> MissingSample:
        """Sort rows by pattern and estimate the saturated model by EM.

        Parameters
        ----------
        rows : ndarray
            Shape (n, p); NaN is a blank; no row is all blank.

        Returns
        -------
        MissingSample

        Raises
        ------
        InsufficientData
            Two variables are never answered together, or the covariances are singular.

        References
        ----------
        Dempster, A. P., Laird, N. M. & Rubin, D. B. (1977). Journal of the Royal Statistical Society B, 39, 1-38.
        """
        answered = ~np.isnan(rows)
        patterns, of_row = np.unique(answered, axis=0, return_inverse=True)
        of_row = of_row.reshape(-1)
        counts = np.bincount(of_row).astype(np.float64)
        zeroed = np.where(answered, rows, 0.0)
        order = np.argsort(of_row, kind="stable")
        begins = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        means = np.add.reduceat(zeroed[order], begins) / counts[:, None]
        covs = np.empty((len(patterns), rows.shape[1], rows.shape[1]))
        centred = np.where(answered, rows - means[of_row], 0.0)[order]
        for k, (begin, count) in enumerate(zip(begins, counts.astype(np.int64), strict=True)):
            block = centred[begin : begin + count]
            covs[k] = block.T @ block / count
        total = answered.sum(axis=0)
        mean = zeroed.sum(axis=0) / total
        spread = np.where(answered, rows - mean, 0.0)
        cov = np.diag((spread**2).sum(axis=0) / total)
        sample = cls(len(rows), mean, cov, patterns, counts, means, covs, of_row)
        return sample._saturate()

    def _saturate(self) -> MissingSample:
        mean, cov = self.mean, self.cov
        for _ in range(_MOST_EM_STEPS):
            residual, slope = self.residual(cov, mean)
            scale = np.sqrt(np.diag(cov))
            if max(np.abs(residual * np.outer(scale, scale)).max(), np.abs(slope * scale).max()) < 1e-8:
                return MissingSample(self.n, mean, cov, self.patterns, self.counts, self.means, self.covs, self.of_row)
            step = -cov @ slope
            mean, cov = mean + step, cov - cov @ residual @ cov - np.outer(step, step)
            if np.linalg.eigvalsh(cov / np.outer(scale, scale))[0] < 1e-9:
                break
        raise InsufficientData(
            "The covariances cannot be estimated from the incomplete rows: they are singular, or two variables are hardly "
            "ever answered together."
        )

    def marginal(self) -> tuple[Array, Array]:
        """Return each variable's own mean and variance, from all its answers."""
        total = self.counts @ self.patterns
        mean = self.counts @ self.means / total
        about, _ = self._about(mean)
        return mean, np.einsum("k,kii->i", self.counts, about) / total

    @cached_property
    def _pairs(self) -> Array:
        return (self.patterns[:, :, None] & self.patterns[:, None, :]).astype(np.float64)

    def _padded(self, cov: Array) -> Array:
        """Return each pattern's covariances, with ones on the diagonal for what is blank, shape (K, p, p)."""
        padded = self._pairs * cov
        at = np.arange(len(cov))
        padded[:, at, at] += ~self.patterns
        return padded

    def inverses(self, cov: Array) -> Array:
        """Return each pattern's inverse covariance, zero where blank, shape (K, p, p)."""
        return np.linalg.inv(self._padded(cov)) * self._pairs

    def _about(self, mean: Array) -> tuple[Array, Array]:
        d = np.where(self.patterns, self.means - mean, 0.0)
        return self.covs + d[:, :, None] * d[:, None, :], d

    @cached_property
    def _saturated(self) -> float:
        return self._deviance(self.cov, self.mean)

    @property
    def deviance(self) -> float:
        """Minus twice the saturated log likelihood, per row."""
        return float(self._saturated + (self.counts @ self.patterns).sum() / self.n * np.log(2 * np.pi))

    def _deviance(self, cov: Array, mean: Array) -> float:
        padded = self._padded(cov)
        about, _ = self._about(mean)
        logdet = np.linalg.slogdet(padded)[1]
        return float(self.counts @ (logdet + (np.linalg.inv(padded) * about).sum(axis=(1, 2))) / self.n)

    def discrepancy(self, cov: Array, mean: Array) -> float:
        """Return the deviance less the saturated model's."""
        try:
            np.linalg.cholesky(cov)
        except np.linalg.LinAlgError:
            return float("inf")
        return self._deviance(cov, mean) - self._saturated

    def residual(self, cov: Array, mean: Array) -> tuple[Array, Array]:
        """Return the patterns' R and r, averaged over rows."""
        inverse = self.inverses(cov)
        about, d = self._about(mean)
        share = self.counts / self.n
        residual = np.tensordot(share, inverse - inverse @ about @ inverse, axes=1)
        return (residual + residual.T) / 2, -np.einsum("k,kij,kj->i", share, inverse, d)

    def information(self, implied: Implied) -> Array:
        """Return the patterns' information, averaged over rows."""
        inverse = self.inverses(implied.cov)
        return self._cells(implied, inverse, inverse)

    def hessian_cells(self, implied: Implied) -> Array:
        """Return the patterns' second derivatives, averaged over rows."""
        inverse = self.inverses(implied.cov)
        about, d = self._about(implied.mean)
        cells = self._cells(implied, inverse, 2 * inverse @ about @ inverse - inverse)
        if implied.w.any():
            p = len(implied.cov)
            pull = (inverse @ d[:, :, None])[:, :, 0] * (self.counts / self.n)[:, None]
            lever = (inverse.reshape(-1, p * p).T @ pull).reshape(p, p * p)
            mixed = (implied.w[:, None] * implied.u) @ lever @ _outer(implied).T
            cells = cells + mixed + mixed.T
        return cells

    def _cells(self, implied: Implied, first: Array, second: Array) -> Array:
        p = len(implied.cov)
        share = (self.counts / self.n)[:, None]
        kernel = (first.reshape(-1, p * p) * share).T @ second.reshape(-1, p * p)
        kernel = kernel.reshape(p, p, p, p).transpose(0, 2, 1, 3).reshape(p * p, p * p)
        products = _outer(implied)
        cells = products @ kernel @ products.T / 2
        mean_weight = np.tensordot(share[:, 0], first, axes=1)
        return add_products((cells + cells.T) / 2, implied.w, implied.u @ mean_weight @ implied.u.T)


def _outer(implied: Implied) -> Array:
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
    cov = _outer(implied).reshape(-1, p, p)[:, rows, columns]
    return np.hstack([cov, implied.w[:, None] * implied.u]) if means else cov
