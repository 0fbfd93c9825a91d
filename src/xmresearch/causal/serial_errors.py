"""Posterior of a regression over time whose errors persist: conjugate given persistence, which is integrated on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError

Array = NDArray[np.float64]
PERSISTENCE = np.concatenate([np.linspace(-0.8, 0.8, 17), [0.85, 0.9, 0.93, 0.96, 0.98]])
PERSISTING = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
_CHUNK = 256


@dataclass(frozen=True, repr=False)
class SerialPosterior(Shown):
    """Posterior of coefficients, a mixture of Student t over a grid of G error models.

    Attributes
    ----------
    persistence : ndarray
        Correlation of the persisting part of the error with itself a period later, shape (G,).
    persisting : ndarray
        Share of the error's variance that persists; the rest is noise of the period alone, shape (G,).
    weight : ndarray
        Posterior probability, shape (G,).
    mean : ndarray
        Of the coefficients, shape (G, k).
    root : ndarray
        Lower triangular root of (X'V^-1 X)^-1, shape (G, k, k).
    squares : ndarray
        Weighted residual sum of squares, shape (G,).
    df : int
        Degrees of freedom.
    """

    persistence: Array
    persisting: Array
    weight: Array
    mean: Array
    root: Array
    squares: Array
    df: int

    def draws(self, size: int, rng: np.random.Generator) -> Array:
        """Draw coefficients, shape (size, k); the draws are independent."""
        at = rng.choice(len(self.weight), size, p=self.weight)
        z = rng.standard_normal((size, self.mean.shape[1]))
        spread = np.sqrt(self.squares[at] / rng.chisquare(self.df, size))
        turned = np.empty_like(z)
        for g in np.unique(at):
            turned[at == g] = z[at == g] @ self.root[g].T
        return np.asarray(self.mean[at] + spread[:, None] * turned, dtype=np.float64)

    def autocorrelation(self) -> float:
        """Return the posterior mean of the errors' correlation from one period to the next."""
        return float(self.weight @ (self.persistence * self.persisting))


def serial_posterior(design: Array, y: Array, steps: NDArray[np.int64], noise: Array) -> SerialPosterior:
    """Fit a regression whose error is an AR(1) process plus noise of each period.

    Priors are flat on coefficients, on the log of the scale, on persistence and on the share that persists. Given those two
    the posterior is a Normal-inverse-gamma; its weight is the marginal likelihood, by one Kalman filter for the whole grid.

    Parameters
    ----------
    design : ndarray
        Shape (n, k), of full rank.
    y : ndarray
        Shape (n,).
    steps : ndarray of int
        Periods since the one before in the data, shape (n,); above 1 where periods are missing. The first is not used.
    noise : ndarray
        Relative variance of each period's own noise, such as one over its respondents, shape (n,); scaled to a mean of 1.

    Returns
    -------
    SerialPosterior

    Raises
    ------
    DataError
        The regression leaves nothing unexplained.

    References
    ----------
    Harvey, A. C. (1989). Forecasting, structural time series models and the Kalman filter. Cambridge University Press, ch. 3, 7.

    Zellner, A. & Tiao, G. C. (1964). Bayesian analysis of the regression model with autocorrelated errors. Journal of the
    American Statistical Association, 59, 763-778.
    """
    size = np.linalg.norm(design, axis=0)
    phi, share = (v.ravel() for v in np.meshgrid(PERSISTENCE, PERSISTING, indexing="ij"))
    prior = np.repeat(np.gradient(PERSISTENCE), len(PERSISTING))
    gram, logdet = _filtered(np.column_stack([design / size, y - y.mean()]), phi, share, steps, noise / noise.mean())
    xx, xy, yy = gram[:, :-1, :-1], gram[:, :-1, -1], gram[:, -1, -1]
    chol = np.linalg.cholesky(xx)
    inverse = np.linalg.inv(chol)
    half = np.einsum("gij,gj->gi", inverse, xy)
    squares = yy - (half**2).sum(axis=1)
    if (squares <= 1e-10 * yy).any():
        raise DataError(
            "The series has no noise: trend and covariates give every value.", "Give it as it was measured."
        )
    df = len(y) - design.shape[1]
    log = -0.5 * logdet - np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(axis=1) - 0.5 * df * np.log(squares)
    weight = prior * np.exp(log - log.max())
    mean = np.einsum("gji,gj->gi", inverse, half) / size
    # the root of (LL')^-1 is (L^-1)', which need not be lower triangular to draw with
    root = np.swapaxes(inverse, 1, 2) / size[:, None]
    level = np.linalg.lstsq(design, np.full(len(y), y.mean()), rcond=None)[0]
    return SerialPosterior(phi, share, weight / weight.sum(), mean + level, root, squares, df)


def _filtered(z: Array, phi: Array, share: Array, steps: NDArray[np.int64], noise: Array) -> tuple[Array, Array]:
    """Return products of the columns' innovations, shape (G, c, c), and the log determinant, shape (G,)."""
    grid, columns = len(phi), z.shape[1]
    state, variance = np.zeros((grid, columns)), share.copy()
    gram, logdet = np.zeros((grid, columns, columns)), np.zeros(grid)
    own = 1 - share
    for first in range(0, len(z), _CHUNK):
        part = z[first : first + _CHUNK]
        kept = np.empty((len(part), grid, columns))
        for i, row in enumerate(part, first):
            if i:
                carry = phi ** steps[i]
                state *= carry[:, None]
                variance = carry**2 * variance + share * (1 - carry**2)
            spread = variance + own * noise[i]
            surprise = row - state
            gain = variance / spread
            state += gain[:, None] * surprise
            variance = variance - gain * variance
            logdet += np.log(spread)
            kept[i - first] = surprise / np.sqrt(spread)[:, None]
        turned = kept.transpose(1, 2, 0)
        gram += turned @ turned.transpose(0, 2, 1)
    return gram, logdet
