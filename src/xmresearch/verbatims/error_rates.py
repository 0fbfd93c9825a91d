"""Shares of kinds from mean scores, by what labelled texts of each kind score: Rogan and Gladen's correction and its like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
FEWEST_OF_A_KIND, FEWEST_TEXTS = 5, 30


class Corrected(NamedTuple):
    """A corrected share or index: its figures, why it is withheld, the kinds' shares, and the part of its variance that is its own."""

    estimate: float
    se: float
    lower: float
    upper: float
    why: str
    shares: Array
    sampling: float


@dataclass(frozen=True, repr=False)
class ErrorRates(Shown):
    """Scores of labelled texts by kind.

    Attributes
    ----------
    values : ndarray
        What each kind counts, shape (K,).
    n : ndarray
        Labels of each, shape (K,).
    mean : ndarray
        Mean scores, shape (K, K - 1).
    cov : ndarray
        Covariances of scores, shape (K, K - 1, K - 1).
    level : float
        Of intervals.
    """

    values: Array
    n: Array
    mean: Array
    cov: Array
    level: float

    def _inverse(self) -> Array:
        """Return the matrix that turns mean scores and 1 into the kinds' shares."""
        return np.asarray(np.linalg.inv(np.vstack([self.mean.T, np.ones(len(self.n))])), dtype="float64")

    def apart(self) -> bool:
        """Whether the scores tell the kinds apart: the determinant of their means differs from 0 at the level."""
        matrix = np.vstack([self.mean.T, np.ones(len(self.n))])
        size = float(np.linalg.det(matrix))
        if abs(size) < np.finfo(float).eps:
            return False
        slopes = size * np.linalg.inv(matrix).T[:-1]  # of the determinant by each mean, shape (scores, K)
        variance = sum(float(slopes[:, k] @ self.cov[k] @ slopes[:, k]) / self.n[k] for k in range(len(self.n)))
        return bool(size**2 > quantile(self.level) ** 2 * variance)

    def weight(self) -> Array:
        """Return the variance that a kind's mean scores bring for each squared share of it, shape (K,)."""
        g = (self.values @ self._inverse())[:-1]
        return np.array([float(g @ c @ g) / n for c, n in zip(self.cov, self.n, strict=True)])

    def shares(self, mean: Array, cov: Array, n: float) -> Corrected:
        """Correct the mean scores of a group.

        Parameters
        ----------
        mean, cov : ndarray
            Mean scores and their covariances, shapes (K - 1,) and (K - 1, K - 1).
        n : float
            Texts.

        Returns
        -------
        Corrected
            For two kinds the limits are those shares of which the mean score would not be rejected by a score test; with a classifier that
            never errs it is Wilson's interval. For three they are those of the delta method, and take 30 texts.
        """
        kinds, nothing = len(self.n), float("nan")
        blank = Corrected(nothing, nothing, nothing, nothing, "few_texts", np.full(kinds, nothing), nothing)
        if n < (1 if kinds == 2 else FEWEST_TEXTS):
            return blank
        if not self.apart():
            return blank._replace(why="not_apart")
        inverse = self._inverse()
        shares = inverse @ np.append(mean, 1.0)
        g = (self.values @ inverse)[:-1]
        low, high = float(self.values[0]), float(self.values[-1])
        sampling = float(g @ cov @ g) / n
        se = float(np.sqrt(sampling + shares**2 @ self.weight()))
        estimate = float(self.values @ shares)
        reach = quantile(self.level) * se
        lower, upper = estimate - reach, estimate + reach
        if kinds == 2 and (ends := self._score_limits(float(mean[0]), n)):
            lower, upper = (low + (high - low) * e for e in ends)
        clipped = [float(np.clip(v, low, high)) for v in (estimate, lower, upper)]
        return Corrected(clipped[0], se, clipped[1], clipped[2], "", shares, sampling)

    def _score_limits(self, mean: float, n: float) -> tuple[float, float] | None:
        """Return the limits of the second kind's share; None where no share makes the mean score likely."""
        z2 = quantile(self.level) ** 2
        a, b = mean - float(self.mean[0, 0]), float(self.mean[1, 0] - self.mean[0, 0])
        v0, v1 = (float(c[0, 0]) for c in self.cov)
        s0, s1 = v0 / self.n[0], v1 / self.n[1]
        square = b**2 + z2 * b**2 / n - z2 * (s0 + s1)
        linear = -2 * a * b - z2 * (v1 - v0 + b**2) / n + 2 * z2 * s0
        constant = a**2 - z2 * (v0 / n + s0)
        root = linear**2 - 4 * square * constant
        if square <= 0 or root < 0:
            return None
        ends = (-linear - np.sqrt(root)) / (2 * square), (-linear + np.sqrt(root)) / (2 * square)
        return float(ends[0]), float(ends[1])


def error_rates(scores: ArrayLike, values: ArrayLike, *, confidence: float = 0.95) -> ErrorRates:
    """Take the scores of each kind from labelled texts.

    Parameters
    ----------
    scores : array_like
        By a model that did not learn from these texts, shape (n, K - 1).
    values : array_like
        Of the labels, K distinct ones, shape (n,).
    confidence : float
        Level.

    Returns
    -------
    ErrorRates

    Raises
    ------
    InsufficientData
        Fewer than five labels of a kind.

    References
    ----------
    Rogan, W. J. & Gladen, B. (1978). American Journal of Epidemiology, 107, 71-76. Forman, G. (2008). Quantifying counts and costs via
    classification. Data Mining and Knowledge Discovery, 17, 164-206.
    """
    f, y = np.asarray(scores, dtype="float64"), np.asarray(values, dtype="float64")
    kinds, n = np.unique(y, return_counts=True)
    if len(kinds) < 2 or n.min() < FEWEST_OF_A_KIND:
        raise InsufficientData(
            f"The fewest labels of a kind are {0 if len(kinds) < 2 else int(n.min())}.",
            f"Errors are known from {FEWEST_OF_A_KIND} of each at least.",
        )
    size = f.shape[1]
    mean = np.stack([f[y == k].mean(axis=0) for k in kinds])
    cov = np.stack([np.cov(f[y == k].T, ddof=1).reshape(size, size) for k in kinds])
    return ErrorRates(kinds, n.astype("float64"), mean, cov, confidence)
