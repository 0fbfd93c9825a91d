"""Exact moments of answers that are normal variables rounded and clipped to a scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

TRUNCATION = 1e-10


def expected_answer(mean: Array, sd: float, low: int = 1, high: int = 7) -> Array:
    """Return the expected value of normal variables rounded and clipped to low..high.

    Parameters
    ----------
    mean : ndarray
        Any shape.
    sd : float
        Their standard deviation.
    low, high : int
        Ends of the scale.

    Returns
    -------
    ndarray
        Shape of `mean`.
    """
    cuts = np.arange(low, high) + 0.5
    expected: Array = low + ndtr((mean[..., None] - cuts) / sd).sum(axis=-1)
    return expected


def rounded_moments(
    mean: Array, sd: Array, low: NDArray[np.int64], high: NDArray[np.int64], correlation: Array, share: Array
) -> tuple[Array, Array]:
    """Return mean and covariance of a mixture of multivariate normals after rounding and clipping to scales.

    Mehler's expansion gives the covariances within a cell: with rho the correlation of two variables before rounding,
    cov = sum_k rho^k b_ik b_jk, where b_ik is the coefficient of answer i on the k-th normalised Hermite polynomial.
    As sum_k b_ik^2 is the variance of answer i, stopping after k terms errs by at most |rho|^(k + 1) sd_i sd_j.

    Parameters
    ----------
    mean : ndarray
        Shape (cells, p): means before rounding.
    sd : ndarray
        Shape (p,): standard deviations before rounding, within a cell.
    low, high : ndarray of int
        Shape (p,): ends of the scales.
    correlation : ndarray
        Shape (p, p): correlations before rounding, within a cell; below one in size off the diagonal.
    share : ndarray
        Shape (cells,): shares of the cells, which sum to one.

    Returns
    -------
    mean : ndarray
        Shape (p,).
    covariance : ndarray
        Shape (p, p); its truncation error is below `TRUNCATION`.

    References
    ----------
    Kotz, S., Balakrishnan, N. & Johnson, N. L. (2000). Continuous Multivariate Distributions, vol. 1, ch. 46. Wiley.
    """
    steps = high - low
    first = np.cumsum(steps) - steps
    variable = np.repeat(np.arange(steps.size), steps)
    rank = np.arange(variable.size) - first[variable]
    cut = (low[variable] + rank + 0.5 - mean[:, variable]) / sd[variable]
    above = ndtr(-cut)
    risen = np.add.reduceat(above, first, axis=1)
    variance = share @ (np.add.reduceat((2 * rank + 1) * above, first, axis=1) - risen**2)
    cell_mean = low + risen
    overall: Array = share @ cell_mean

    rho = correlation - np.diag(np.diag(correlation))
    strongest = max(float(np.abs(rho).max()), 0.5)
    terms = math.ceil(math.log(TRUNCATION / variance.max()) / math.log(strongest))
    within, power = np.diag(variance), np.ones_like(rho)
    previous, hermite = np.zeros_like(cut), np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi)
    for k in range(1, terms + 1):
        power = power * rho
        coefficient = np.add.reduceat(hermite, first, axis=1) / np.sqrt(k)
        within += power * (coefficient.T @ (share[:, None] * coefficient))
        previous, hermite = hermite, (cut * hermite - np.sqrt(k - 1) * previous) / np.sqrt(k)
    between = cell_mean - overall
    return overall, within + between.T @ (share[:, None] * between)
