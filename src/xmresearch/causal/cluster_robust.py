"""Covariances of regression coefficients that allow for clusters: one-way, two-way, and for few clusters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.causal.unit_clusters import sums_by_cluster
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError

Array = NDArray[np.float64]
Index = NDArray[np.int64]
FEWEST_WILD = 6
"""Fewer clusters have too few patterns of signs: with five, no two-sided p value is below 2 / 32 = .0625."""
_WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))
_ROUNDING, _FINE, _FURTHEST = 1e-10, 1e-4, 1e6


@dataclass(frozen=True, repr=False)
class Regression(Shown):
    """A least-squares fit, its other regressors taken out, in rows multiplied by the root of their weights.

    Attributes
    ----------
    design : ndarray
        The regressors of interest without what the others explain of them, shape (N, k).
    residual : ndarray
        Of the whole fit, shape (N,).
    others : ndarray
        Orthonormal columns that span the other regressors, shape (N, m); empty (N, 0) where they were taken out without it.
    """

    design: Array
    residual: Array
    others: Array

    @cached_property
    def bread(self) -> Array:
        """Inverse of the cross-product of the design, shape (k, k)."""
        return np.linalg.inv(self.design.T @ self.design)

    @cached_property
    def span(self) -> Array:
        """Orthonormal columns that span all regressors, shape (N, m + k)."""
        return np.column_stack([self.others, np.linalg.qr(self.design)[0]])

    def sandwich(self, cluster: Index) -> Array:
        """Return the covariance of the coefficients without a correction for few clusters (CR0), shape (k, k).

        Parameters
        ----------
        cluster : ndarray
            Cluster of each row from 0 on, shape (N,).
        """
        pull = sums_by_cluster(self.design * self.residual[:, None], cluster) @ self.bread
        return np.asarray(pull.T @ pull)

    def two_way(self, first: Index, second: Index, correction: str) -> tuple[Array, bool]:
        """Return the covariance clustered by both of two columns, and whether it had to be made positive.

        Parameters
        ----------
        first, second : ndarray
            Cluster of each row, shape (N,).
        correction : str
            'none', 'each' (each of the three parts by its own G / (G - 1)) or 'smallest' (all by that of the fewer clusters).

        Returns
        -------
        covariance : ndarray
            Shape (k, k).
        mended : bool
            An eigenvalue was negative and is taken as zero.

        References
        ----------
        Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2011). Robust inference with multiway clustering. Journal of Business &
        Economic Statistics, 29(2), 238-249.
        """
        both = np.unique(np.column_stack([first, second]), axis=0, return_inverse=True)[1].ravel()
        counts = [len(np.unique(c)) for c in (first, second, both)]
        factor = {
            "none": [1.0, 1.0, 1.0], "each": [g / (g - 1) for g in counts], "smallest": 3 * [min(counts[:2]) / (min(counts[:2]) - 1)],
        }[correction]  # fmt: skip
        parts = [f * self.sandwich(c) for f, c in zip(factor, (first, second, both), strict=True)]
        total = parts[0] + parts[1] - parts[2]
        values, vectors = np.linalg.eigh(total)
        if values.min() >= 0:
            return total, False
        return (vectors * np.maximum(values, 0.0)) @ vectors.T, True

    def reduced(self, cluster: Index, which: int, adjusted: bool) -> tuple[float, float]:
        """Return standard error and Satterthwaite's degrees of freedom of one coefficient, for few clusters.

        Parameters
        ----------
        cluster : ndarray
            Cluster of each row, shape (N,).
        which : int
            The coefficient.
        adjusted : bool
            With residuals adjusted for leverage so that the variance is unbiased where rows are independent (CR2); without, as
            `sandwich`.

        Returns
        -------
        se, df : float

        References
        ----------
        Bell, R. M. & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage samples.
        Survey Methodology, 28(2), 169-181.
        Pustejovsky, J. E. & Tipton, E. (2018). Small-sample methods for cluster-robust variance estimation and hypothesis testing
        in fixed effects models. Journal of Business & Economic Statistics, 36(4), 672-683.
        """
        pull = self.design @ self.bread[:, which]
        groups = int(cluster.max()) + 1
        turned, size, score = np.empty((groups, self.span.shape[1])), np.empty(groups), np.empty(groups)
        for g in range(groups):
            rows = cluster == g
            own, span = pull[rows], self.span[rows]
            u = _leverage_root(span) @ own if adjusted else own
            turned[g], size[g], score[g] = span.T @ u, u @ u, u @ self.residual[rows]
        left = np.diag(size) - turned @ turned.T
        return float(np.sqrt((score**2).sum())), float(np.trace(left) ** 2 / (left**2).sum())

    def wild(
        self, estimate: float, cluster: Index, *, confidence: float, draws: int, seed: int
    ) -> tuple[float, float, float]:
        """Return p value and interval of the first coefficient by the wild cluster bootstrap with the null imposed.

        Parameters
        ----------
        estimate : float
            The coefficient.
        cluster : ndarray
            Cluster of each row, shape (N,).
        confidence : float
            Of the interval, whose ends are the hypotheses that the test just does not reject.
        draws : int
            Patterns of signs; all of them where there are no more. With fewer than twelve clusters weights are Webb's six points.
        seed : int
            Of the draws.

        Returns
        -------
        p, lower, upper : float

        Raises
        ------
        InsufficientData
            Fewer than `FEWEST_WILD` clusters.
        ParamsError
            Fewer than 99 draws.

        References
        ----------
        Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2008). Bootstrap-based improvements for inference with clustered errors.
        Review of Economics and Statistics, 90(3), 414-427. MacKinnon, J. G. & Webb, M. D. (2018). The wild bootstrap for few
        (treated) clusters. Econometrics Journal, 21(2), 114-135.
        """
        groups = int(cluster.max()) + 1
        if groups < FEWEST_WILD:
            raise InsufficientData(
                f"{groups} clusters are too few for the wild bootstrap, which needs {FEWEST_WILD}.",
                "Use correction='cr2'.",
            )
        if draws < 99:
            raise ParamsError(f"{draws} draws of the wild bootstrap are too few.", "Give at least 99.")
        signs = _signs(groups, draws, np.random.default_rng(seed))
        pull = self.design @ self.bread[:, 0]
        whole, part = self._scores(pull, self.residual, cluster), self._scores(pull, self.design[:, 0], cluster)
        spread = float(np.sqrt((np.diag(whole[0]) ** 2).sum()))

        def p_value(null: float) -> float:
            shift = estimate - null  # residuals under the null are the residuals plus the regressor times this
            level, rest = (a + shift * b for a, b in zip(whole, part, strict=True))
            top = signs @ np.diag(level)
            below = np.sqrt(((signs @ rest.T) ** 2).sum(axis=1))
            own = abs(shift) / spread if spread else np.inf
            return float((np.abs(top) >= own * below * (1 - _ROUNDING)).mean())

        return (p_value(0.0), *_inverted(p_value, estimate, spread, 1 - confidence))

    def _scores(self, pull: Array, errors: Array, cluster: Index) -> tuple[Array, Array]:
        """Return what each cluster's errors add to the coefficient (on the diagonal), and to each cluster's score once residuals are taken, shape (G, G) each."""
        groups = int(cluster.max()) + 1
        own = np.bincount(cluster, pull * errors, groups)
        left = (
            sums_by_cluster(self.span * pull[:, None], cluster)
            @ sums_by_cluster(self.span * errors[:, None], cluster).T
        )
        return np.diag(own), np.diag(own) - left


def _leverage_root(span: Array) -> Array:
    """Return the symmetric root of the pseudo-inverse of what a cluster's leverage leaves, shape (n, n)."""
    values, vectors = np.linalg.eigh(np.eye(len(span)) - span @ span.T)
    kept = values > _ROUNDING**0.5
    return np.asarray((vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T)


def _signs(groups: int, draws: int, rng: np.random.Generator) -> Array:
    """Return patterns of the clusters' weights, shape (draws, G): Webb's where signs alone have few patterns."""
    if groups < 12:
        points = np.concatenate([-_WEBB, _WEBB])
        return np.asarray(rng.choice(points, (draws, groups)), dtype=float)
    if 2**groups <= draws:
        return np.array(list(product([-1.0, 1.0], repeat=groups)))
    return np.asarray(rng.choice([-1.0, 1.0], (draws, groups)), dtype=float)


def _inverted(p_value: Callable[[float], float], estimate: float, spread: float, level: float) -> tuple[float, float]:
    """Return the ends at which a test's p value passes a level."""
    ends = []
    for sign in (-1.0, 1.0):
        inside, outside = 0.0, 2.0 * spread
        while p_value(estimate + sign * outside) > level and outside < _FURTHEST * spread:
            inside, outside = outside, 2 * outside
        while outside - inside > _FINE * spread:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p_value(estimate + sign * middle) > level else (inside, middle)
        ends.append(outside)
    return estimate - ends[0], estimate + ends[1]


def t_interval(estimate: float, se: float, df: float, confidence: float) -> tuple[float, float, float]:
    """Return two-sided p value and interval of an estimate by Student's t."""
    if se == 0:
        return np.nan, estimate, estimate
    reach = float(stats.t.ppf((1 + confidence) / 2, df)) * se
    return float(2 * stats.t.sf(abs(estimate) / se, df)), estimate - reach, estimate + reach
