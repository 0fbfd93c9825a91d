"""Whether a classifier still errs as it did on the labelled texts: told by its scores alone, and by labels of several periods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.inference.equal_means import welch_test

Array = NDArray[np.float64]
MOST_BINS, FEWEST_TEXTS, FEWEST_OF_A_KIND = 10, 30, 5
LABELS_PER_BIN = {2: 5, 3: 15}
"""By the number of kinds, for a test that rejects as often as it says: see its calibration in tests/benchmarks."""
_ROUNDS, _ADDED = 10, 0.5


def mixture_p(cells: Array, by_kind: Array) -> float:
    """Test whether texts are a mixture of the labelled kinds, each with the scores that it had there.

    Parameters
    ----------
    cells : ndarray
        Texts of a period by cell of their score, shape (cells,).
    by_kind : ndarray
        Labelled texts of each kind by cell, shape (K, cells).

    Returns
    -------
    float
        The p value of a minimum chi-squared test that allows any shares of the kinds and the sampling of both, by Hotelling's T2; NaN where there are fewer than 30
        texts, or too few labels for more bins than kinds. A shift that keeps scores within such mixtures is not seen.

    References
    ----------
    Lipton, Z. C., Wang, Y.-X. & Smola, A. (2018). Detecting and correcting for label shift with black box predictors. ICML, 3122-3130.
    Neyman, J. (1949). Contribution to the theory of the chi-square test. Berkeley Symposium, 239-273.
    """
    n, labels = float(cells.sum()), by_kind.sum(axis=1)
    kinds = len(labels)
    bins = int(min(MOST_BINS, labels.min() // LABELS_PER_BIN[kinds]))
    if n < FEWEST_TEXTS or bins <= kinds:
        return float("nan")
    balanced = (by_kind / labels[:, None]).mean(axis=0)
    middle = np.cumsum(balanced) - balanced / 2
    to = np.minimum((middle * bins).astype(int), bins - 1)
    to = np.unique(to, return_inverse=True)[1]
    size = int(to.max()) + 1
    if size <= kinds:
        return float("nan")
    seen = np.bincount(to, weights=cells, minlength=size)
    known = np.stack([np.bincount(to, weights=row, minlength=size) for row in by_kind])
    share, shape = seen / n, known / labels[:, None]
    # variances take smoothed shares, so that an empty bin does not count as certain
    smooth = (known + _ADDED) / (labels[:, None] + _ADDED * size)
    spread = [(np.diag(s) - np.outer(s, s)) / k for s, k in zip(smooth, labels, strict=True)]
    base, design = shape[-1], (shape[:-1] - shape[-1]).T
    pi = np.full(kinds, 1 / kinds)
    statistic, fitted = np.nan, pi @ smooth
    for _ in range(_ROUNDS):
        fitted = np.clip(pi, 0, None) @ smooth
        fitted = fitted / fitted.sum()
        w = (np.diag(fitted) - np.outer(fitted, fitted)) / n + sum(p**2 * s for p, s in zip(pi, spread, strict=True))
        inner = np.linalg.inv(w[:-1, :-1])
        x, z = design[:-1], (share - base)[:-1]
        first = np.linalg.lstsq(x.T @ inner @ x, x.T @ inner @ z, rcond=None)[0]
        pi = np.append(first, 1 - first.sum())
        left = z - x @ first
        statistic = float(left @ inner @ left)
    # covariances are estimated: Hotelling's T2, with the degrees of freedom that Satterthwaite gives their sum
    parts = [float(np.trace(p**2 * s)) for p, s in zip(pi, spread, strict=True)]
    texts = (1 - float(fitted @ fitted)) / n
    whole = texts + sum(parts)
    of = whole**2 / (texts**2 / (n - 1) + sum(v**2 / (k - 1) for v, k in zip(parts, labels, strict=True)))
    return hotelling_p(statistic, size - kinds, of)


def hotelling_p(statistic: float, df: float, of: float) -> float:
    """Return the p value of Hotelling's T2 of so many variables, with a covariance of so many degrees of freedom; NaN where they are too few."""
    left = of - df + 1
    return float(stats.f.sf(statistic * left / (of * df), df, left)) if left > 1 else float("nan")


def equal_errors_p(f: Array, kind: NDArray[np.int64], group: NDArray[np.int64]) -> float:
    """Test whether each kind had the same mean scores in all labelled periods.

    Parameters
    ----------
    f : ndarray
        Scores of labelled texts, shape (n, scores).
    kind, group : ndarray
        Kind and period of each, shape (n,); -1 where the period is not known.

    Returns
    -------
    float
        The smallest p of Welch's tests, one for each kind and score, times their number; NaN where no kind has five labels or more in two
        periods.

    References
    ----------
    Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika, 38, 330-336.
    """
    found = []
    for k in np.unique(kind):
        for score in f.T:
            parts = [score[(kind == k) & (group == g)] for g in np.unique(group[group >= 0])]
            parts = [p for p in parts if len(p) >= FEWEST_OF_A_KIND and p.std() > 0]
            if len(parts) > 1:
                n = np.array([len(p) for p in parts])
                se = np.array([p.std(ddof=1) for p in parts]) / np.sqrt(n)
                found.append(welch_test([p.mean() for p in parts], se, n - 1)[3])
    return min(1.0, float(np.nanmin(found)) * len(found)) if found and np.isfinite(found).any() else float("nan")
