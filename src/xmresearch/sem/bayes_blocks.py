"""Correlation matrices without bounds: the Cholesky factor from partial correlations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_LEAST_EIGENVALUE = 0.05


class Correlated(NamedTuple):
    """Correlations, and what their derivatives need: partial correlations, their spreads and the Cholesky factor."""

    r: Array
    z: Array
    spread: Array
    factor: Array


class Blocks:
    """Complete blocks of correlated variables, each with a free correlation matrix.

    Parameters
    ----------
    sizes : sequence of int
        Variables of each block; the first of them come first in the factor.
    pairs : sequence of (int, int)
        Row and column, row > column, of every correlation, counted through all blocks.

    Notes
    -----
    The partial correlation z of row i and column j, given the earlier columns, is free in (-1, 1), and the Cholesky factor
    has the entries z_ij prod_k<j sqrt(1 - z_ik^2). Under a uniform density of the block's correlation matrix, LKJ(1), z is
    distributed as 2 Beta(b, b) - 1 with b = 1 + (size - 2 - j) / 2, so that its inverse hyperbolic tangent has a density
    proportional to (1 - z^2)^b.

    References
    ----------
    Lewandowski, D., Kurowicka, D. & Joe, H. (2009). Journal of Multivariate Analysis, 100, 1989-2001.
    """

    def __init__(self, sizes: Sequence[int], pairs: Sequence[tuple[int, int]]) -> None:
        self.size = sum(sizes)
        self.rows, self.columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        of = np.repeat(np.arange(len(sizes)), sizes)
        begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        block = of[self.columns] if self.size else self.columns
        self.power = 1 + (np.array(sizes, dtype=np.float64)[block] - 2 - (self.columns - begins[block])) / 2
        self._zero, self._one = np.zeros((self.size, self.size)), np.eye(self.size)
        self._lower = np.tril(np.ones((self.size, self.size)))

    def read(self, partial: Array) -> Correlated:
        """Return the correlations of partial correlations, one per pair."""
        z = self._zero.copy()
        z[self.rows, self.columns] = partial
        log_rest = np.log1p(-(z * z))
        spread = np.exp(0.5 * (log_rest.cumsum(axis=1) - log_rest))
        factor = (z + self._one) * spread * self._lower
        return Correlated((factor @ factor.T)[self.rows, self.columns], z, spread, factor)

    def pull_back(self, at: Correlated, by_r: Array) -> Array:
        """Turn a gradient by correlations into one by partial correlations."""
        by_full = self._zero.copy()
        by_full[self.rows, self.columns] = by_r
        by_factor = (by_full + by_full.T) @ at.factor * self._lower
        weight = by_factor * at.factor
        later = weight.sum(axis=1, keepdims=True) - weight.cumsum(axis=1)
        by_z = by_factor * at.spread - later * at.z / (1 - at.z * at.z)
        return np.asarray(by_z[self.rows, self.columns])

    def partial(self, r: Array) -> Array:
        """Return the partial correlations of correlations, which are shrunk where they are not positive definite."""
        full = self._one.copy()
        full[self.rows, self.columns] = full[self.columns, self.rows] = r
        full += max(0.0, _LEAST_EIGENVALUE - np.linalg.eigvalsh(full)[0]) * self._one
        factor = np.linalg.cholesky(full / full[0, 0])
        rest = 1 - np.cumsum(factor**2, axis=1) + factor**2
        at = self.rows, self.columns
        return np.asarray(factor[at] / np.sqrt(rest[at]))
