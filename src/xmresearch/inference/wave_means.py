"""Changes of means between two waves: of different people, of the same, or of some who are in both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown

Array = NDArray[np.float64]
Weighted = tuple[Array | None, Array | None]
People = tuple[NDArray[np.object_], NDArray[np.object_]]


@dataclass(frozen=True, repr=False)
class MeanChanges(Shown):
    """Changes of several means.

    Attributes
    ----------
    n_before, n_after : ndarray of int
        Answers in each wave, shape (K,).
    before, after, change, se, df : ndarray
        Means of both waves, the second less the first, its standard error and degrees of freedom, shape (K,).
    """

    n_before: NDArray[np.int64]
    n_after: NDArray[np.int64]
    before: Array
    after: Array
    change: Array
    se: Array
    df: Array

    def interval(self, confidence: float) -> tuple[Array, Array]:
        """Return the t interval of each change: lower and upper, each of shape (K,)."""
        reach = stats.t.ppf((1 + confidence) / 2, self.df) * self.se
        return self.change - reach, self.change + reach

    def above(self, threshold: float = 0.0) -> Array:
        """Return the one-sided p of a change of at most a threshold, shape (K,): small where the change is larger."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(stats.t.sf((self.change - threshold) / self.se, self.df))

    def below(self, threshold: float = 0.0) -> Array:
        """Return the one-sided p of a change of at least a threshold, shape (K,): small where the change is smaller."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(stats.t.cdf((self.change - threshold) / self.se, self.df))


def changes_of_means(
    before: Array, after: Array, *, weights: Weighted = (None, None), people: People | None = None
) -> MeanChanges:
    """Estimate how the mean of each column changed.

    Parameters
    ----------
    before, after : ndarray
        Answers of the two waves, shapes (n, K) and (m, K); NaN is a blank.
    weights : tuple of ndarray or None
        Design weights of each wave, shapes (n,) and (m,), above 0.
    people : tuple of ndarray, optional
        Who answered, shapes (n,) and (m,); nobody twice in a wave. Without it nobody is taken to be in both.

    Returns
    -------
    MeanChanges
        Of different people standard error and degrees of freedom are Welch's, of the same people those of the paired t test; where some are
        in both, their two deviations are taken together, and degrees of freedom are Satterthwaite's over those in one wave, in the other
        and in both. NaN where a wave has fewer than two answers.

    References
    ----------
    Welch, B. L. (1947). The generalization of 'Student's' problem when several different population variances are involved. Biometrika, 34,
    28-35. Satterthwaite, F. E. (1946). Biometrics Bulletin, 2, 110-114. Tam, S. M. (1984). On covariances from overlapping samples. The
    American Statistician, 38, 288-289.
    """
    who = people or (np.arange(len(before)), len(before) + np.arange(len(after)))
    sides = [_deviations(y, w) for y, w in zip((before, after), weights, strict=True)]
    (n0, m0, u0), (n1, m1, u1) = sides
    se, df = np.full(before.shape[1], np.nan), np.full(before.shape[1], np.nan)
    for k in range(before.shape[1]):
        if min(n0[k], n1[k]) < 2:
            continue
        kept = [~np.isnan(u[:, k]) for u in (u0, u1)]
        first, second = (pd.Series(u[at, k], index=w[at]) for u, at, w in zip((u0, u1), kept, who, strict=True))
        both = first.index.intersection(second.index)
        groups = [first.drop(both), second.drop(both), second[both] - first[both]]
        parts = np.array([float((g**2).sum()) for g in groups])
        free = np.maximum([len(g) - 1 for g in groups], 1)
        se[k] = np.sqrt(parts.sum())
        df[k] = parts.sum() ** 2 / (parts**2 / free).sum() if parts.sum() > 0 else free.sum()
    return MeanChanges(n0, n1, m0, m1, m1 - m0, se, df)


def _deviations(values: Array, weights: Array | None) -> tuple[NDArray[np.int64], Array, Array]:
    """Return answers, weighted means, and what each respondent adds to a mean's error: NaN where blank."""
    present = ~np.isnan(values)
    n = present.sum(axis=0)
    w = np.where(present, (np.ones(len(values)) if weights is None else weights)[:, None], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (w * np.where(present, values, 0.0)).sum(axis=0) / w.sum(axis=0)
        scale = np.sqrt(n / np.maximum(n - 1, 1)) / w.sum(axis=0)
        return n, mean, np.where(present, w * (values - mean) * scale, np.nan)
