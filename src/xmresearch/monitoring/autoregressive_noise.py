"""Noise in which each period resembles the one before: taken out of series with weights and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown

Array = NDArray[np.float64]
LARGEST = 0.98
"""Autocorrelation that is still told from a random walk."""


@dataclass(frozen=True, repr=False)
class Noise(Shown):
    """A first-order autoregression of values scaled to equal spread.

    Attributes
    ----------
    root : ndarray
        What values are scaled by, shape (n,): square roots of weights.
    steps : ndarray
        Periods from each value to the one before, shape (n,); 0 at the first.
    phi : ndarray
        Correlation of neighbouring periods, shape (...,): one for each series.
    """

    root: Array
    steps: Array
    phi: Array

    @property
    def coupling(self) -> Array:
        """How much of the scaled value before each value holds, shape (..., n); 0 at the first."""
        power = np.asarray(self.phi)[..., None] ** np.maximum(self.steps, 1)
        return np.where(self.steps > 0, power, 0.0)

    @property
    def factor(self) -> Array:
        """What innovations are multiplied by to have one spread, shape (..., n)."""
        phi = np.asarray(self.phi)[..., None]
        return np.sqrt((1 - phi**2) / (1 - self.coupling**2))

    def whitened(self, values: Array) -> Array:
        """Return innovations of values, shape (..., n)."""
        scaled = self.root * values
        before = np.concatenate([np.zeros((*scaled.shape[:-1], 1)), scaled[..., :-1]], axis=-1)
        return np.asarray(self.factor * (scaled - self.coupling * before))

    def simulate(self, rng: np.random.Generator, draws: int) -> Array:
        """Draw series of it with spread 1 of innovations, shape (draws, n)."""
        shocks = rng.standard_normal((draws, len(self.root))) / self.factor
        coupling = np.broadcast_to(self.coupling, shocks.shape)
        for k in range(1, shocks.shape[1]):
            shocks[:, k] += coupling[:, k] * shocks[:, k - 1]
        return np.asarray(shocks / self.root)


def estimated_phi(residuals: Array, root: Array, steps: Array, *, parameters: int) -> Array:
    """Return the correlation of neighbouring periods in residuals.

    Parameters
    ----------
    residuals : ndarray
        Shape (..., n).
    root, steps : ndarray
        As of `Noise`.
    parameters : int
        Levels that were fitted: each makes the correlation look smaller.

    Returns
    -------
    ndarray
        Shape (...,), bias of first order corrected, within -.98 and .98.

    References
    ----------
    Marriott, F. H. C. & Pope, J. A. (1954). Bias in the estimation of autocorrelations. Biometrika, 41, 390-402.
    """
    z = root * residuals
    near = np.flatnonzero(steps == 1)
    if len(near) < 3:
        return np.zeros(z.shape[:-1])
    spread = (z[..., near - 1] ** 2).sum(axis=-1) + (z[..., near] ** 2).sum(axis=-1)
    r = 2 * (z[..., near] * z[..., near - 1]).sum(axis=-1) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.clip(r + (parameters * (1 + r) + 2 * r) / z.shape[-1], -LARGEST, LARGEST))
