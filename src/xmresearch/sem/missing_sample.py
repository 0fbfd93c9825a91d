"""The normal likelihood of rows with blanks, by their patterns (full information)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.sem.likelihood import add_products, cov_slopes
from xmresearch.sem.matrices import Implied
from xmresearch.sem.row_design import PLAIN, RowDesign

Array = NDArray[np.float64]


_MOST_EM_STEPS = 5000


@dataclass(frozen=True, repr=False)
class MissingSample(Shown):
    """Rows with blanks, by pattern of answered variables (full-information maximum likelihood).

    Attributes
    ----------
    n : float
        Rows, or the sum of their weights.
    mean, cov : ndarray
        Of the saturated model, shapes (p,) and (p, p).
    patterns : ndarray of bool
        Which variables each pattern has, shape (K, p).
    counts : ndarray
        Rows of each pattern, or the sum of their weights, shape (K,).
    means, covs : ndarray
        Moments of each pattern's rows, weighted, zero where blank, shapes (K, p) and (K, p, p).
    of_row : ndarray of int
        The pattern of every row, shape (n,).
    refresh : bool
        Whether the information is cheap to renew.
    design : RowDesign
        How the rows were sampled.
    """

    n: float
    mean: Array
    cov: Array
    patterns: NDArray[np.bool_]
    counts: Array
    means: Array
    covs: Array
    of_row: NDArray[np.int64]
    refresh: bool = False
    design: RowDesign = PLAIN

    @classmethod
    def of(cls, rows: Array, design: RowDesign = PLAIN) -> MissingSample:
        """Sort rows by pattern and estimate the saturated model by EM.

        Parameters
        ----------
        rows : ndarray
            Shape (n, p); NaN is a blank; no row is all blank.
        design : RowDesign
            How they were sampled.

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
        sizes = np.bincount(of_row)
        counts = np.bincount(of_row, design.weights).astype(np.float64)
        zeroed = np.where(answered, rows, 0.0)
        order = np.argsort(of_row, kind="stable")
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        means = np.add.reduceat(design.weighted(zeroed)[order], begins) / counts[:, None]
        covs = np.empty((len(patterns), rows.shape[1], rows.shape[1]))
        centred = np.where(answered, rows - means[of_row], 0.0)[order]
        pulled = design.weighted(np.where(answered, rows - means[of_row], 0.0))[order]
        for k, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
            block = slice(begin, begin + size)
            covs[k] = pulled[block].T @ centred[block] / counts[k]
        total = design.weighted(answered.astype(np.float64)).sum(axis=0)
        mean = design.weighted(zeroed).sum(axis=0) / total
        spread = np.where(answered, rows - mean, 0.0)
        cov = np.diag(design.weighted(spread**2).sum(axis=0) / total)
        n = len(rows) if design.weights is None else float(design.weights.sum())
        sample = cls(n, mean, cov, patterns, counts, means, covs, of_row, design=design)
        return sample._saturate()

    def _saturate(self) -> MissingSample:
        mean, cov = self.mean, self.cov
        for _ in range(_MOST_EM_STEPS):
            residual, slope = self.residual(cov, mean)
            scale = np.sqrt(np.diag(cov))
            if max(np.abs(residual * np.outer(scale, scale)).max(), np.abs(slope * scale).max()) < 1e-8:
                return replace(self, mean=mean, cov=cov)
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
            mixed = (implied.w[:, None] * implied.u) @ lever @ cov_slopes(implied).T
            cells = cells + mixed + mixed.T
        return cells

    def _cells(self, implied: Implied, first: Array, second: Array) -> Array:
        p = len(implied.cov)
        share = (self.counts / self.n)[:, None]
        kernel = (first.reshape(-1, p * p) * share).T @ second.reshape(-1, p * p)
        kernel = kernel.reshape(p, p, p, p).transpose(0, 2, 1, 3).reshape(p * p, p * p)
        products = cov_slopes(implied)
        cells = products @ kernel @ products.T / 2
        mean_weight = np.tensordot(share[:, 0], first, axes=1)
        return add_products((cells + cells.T) / 2, implied.w, implied.u @ mean_weight @ implied.u.T)
