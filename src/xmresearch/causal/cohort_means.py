"""Posterior of the mean vectors of cohorts: units are the observations, their periods are correlated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.links import Link
from xmresearch.causal.panel import Panel
from xmresearch.causal.unit_clusters import effective_clusters, sums_by_cluster
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError

Array = NDArray[np.float64]
Index = NDArray[np.int64]
FEWEST_DF = 4.0
WEIGHTS = ("units", "rows")


@dataclass(frozen=True, repr=False)
class CohortMeans(Shown):
    """Means by cohort and period, with their multivariate t posterior.

    Attributes
    ----------
    starts : ndarray
        First treated period of each cohort, the never treated last, shape (G,).
    units : ndarray
        Units per cohort, shape (G,).
    size : ndarray
        Units (or rows) per cohort and period, shape (G, T).
    mean : ndarray
        Shape (G, T); NaN where a cohort is not seen.
    scale : ndarray
        Scale matrix of each cohort's mean vector, shape (G, T, T).
    df : ndarray
        Degrees of freedom, shape (G,); of one part, shape (1,), where clusters reach over cohorts.
    joint : ndarray or None
        Where clusters reach over cohorts: the root of the scale matrix of all mean vectors, shape (R, G, T), in place of `scale`.

    Notes
    -----
    Unit vectors of cohort g are normal about mu_g with covariance Sigma_g; mu_g is flat, Sigma_g inverse-Wishart, in the
    parametrisation in which the posterior of every contrast of mu_g is Student's t with N_g - 1 degrees of freedom. This
    holds with more periods than units, and has no scale of its own. A cohort of fewer than five units has a prior about the
    covariance pooled over cohorts, with the weight that brings its degrees of freedom to `FEWEST_DF`. A contrast of several cohorts is a sum of such t variables; its posterior is Student's
    t with Welch and Satterthwaite's degrees of freedom (see `welch_df`, `stretch`). With clusters above the unit, sums over their
    units take the place of units; where they reach over cohorts, what cohorts have in common is kept, and degrees of freedom are
    the effective clusters less one.

    References
    ----------
    Gelman, A. et al. (2013). Bayesian Data Analysis (3rd ed.), section 3.6. CRC Press.
    """

    starts: Index
    units: Index
    size: Array
    mean: Array
    scale: Array
    df: Array
    joint: Array | None = None

    @classmethod
    def of(cls, value: Array, weight: Array, start: Index, cluster: Index | None = None) -> CohortMeans:
        """Estimate from unit means.

        Parameters
        ----------
        value : ndarray
            Unit means by period, shape (U, T); NaN where a unit is not seen.
        weight : ndarray
            What each counts, shape (U, T); 0 where a unit is not seen.
        start : ndarray
            Cohort of each unit, shape (U,).
        cluster : ndarray, optional
            Cluster that each unit lies in, shape (U,); units are independent if left out.

        Returns
        -------
        CohortMeans

        Raises
        ------
        InsufficientData
            No cohort has two units, or all units of an arm lie in one cluster.
        """
        starts, code, units = np.unique(start, return_inverse=True, return_counts=True)
        if units.max() < 2:
            raise InsufficientData(
                "No cohort has two units, so how units differ cannot be seen.",
                "Use kind 'two_by_two', whose interval is then not clustered.",
            )
        periods = value.shape[1]
        size, mean = np.zeros((len(starts), periods)), np.full((len(starts), periods), np.nan)
        own = np.zeros((len(starts), periods, periods))
        pooled = np.zeros((periods, periods))
        filled = np.nan_to_num(value)
        counts, pulls = units.copy(), []
        for g in range(len(starts)):
            rows = code == g
            w, y = weight[rows], filled[rows]
            size[g] = w.sum(axis=0)
            seen = size[g] > 0
            mean[g, seen] = (w * y).sum(axis=0)[seen] / size[g, seen]
            share = w / np.where(seen, size[g], 1.0)
            pull = share * (y - np.nan_to_num(mean[g]))
            if cluster is not None:
                pull = sums_by_cluster(pull, cluster[rows], int(cluster.max()) + 1)
                counts[g] = len(np.unique(cluster[rows]))
                pulls.append(pull)
            own[g] = pull.T @ pull
            pooled += own[g] * counts[g] ** 2
        pooled /= max(float((counts - 1).sum()), 1.0)
        borrowed = np.maximum(FEWEST_DF - (counts - 1), 0.0)
        df = counts - 1 + borrowed
        if cluster is None or counts.sum() == len(np.unique(cluster)):
            if cluster is not None:
                effective_clusters(cluster, code < max(len(starts) - 1, 1))
            scale = (counts / df)[:, None, None] * own + (borrowed / (df * counts))[:, None, None] * pooled
            return cls(starts, units, size, mean, scale, df)
        free = effective_clusters(cluster, code < max(len(starts) - 1, 1)) - 1
        joint = _joined(np.stack(pulls, axis=1) * np.sqrt(counts / df)[:, None], borrowed / (df * counts), pooled)
        return cls(starts, units, size, mean, np.zeros_like(own), np.array([max(free, FEWEST_DF)]), joint)

    def linked(self, link: Link | None) -> CohortMeans:
        """Return the posterior on the scale of a link, by the delta method.

        Parameters
        ----------
        link : Link or None
            None changes nothing.

        Returns
        -------
        CohortMeans

        Raises
        ------
        DataError
            A mean has no logarithm.
        """
        if link is None:
            return self
        mean, slope = link(self.mean, self.size)
        joint = None if self.joint is None else self.joint * np.nan_to_num(slope)
        return replace(self, mean=mean, scale=self.scale * slope[:, :, None] * slope[:, None, :], joint=joint)

    def pulls(self, coefficients: Array) -> tuple[Array, ...]:
        """Return what each independent part of the data adds to the error of effects.

        Parameters
        ----------
        coefficients : ndarray
            Weights of the means in each effect, shape (E, G, T).

        Returns
        -------
        tuple of ndarray
            For each part, shape (r, E): pull.T @ pull is what it adds to the scale matrix.
        """
        if self.joint is not None:
            return (np.einsum("rgt,egt->re", self.joint, coefficients),)
        return tuple(root.T @ coefficients[:, g].T for g, root in enumerate(self.roots))

    def parts(self, coefficients: Array) -> Array:
        """Return what each independent part adds to the scale matrix of effects (E, G, T), shape (P, E, E)."""
        if self.joint is not None:
            pull = self.pulls(coefficients)[0]
            return (pull.T @ pull)[None]
        return np.array([coefficients[:, g] @ scale @ coefficients[:, g].T for g, scale in enumerate(self.scale)])

    @cached_property
    def roots(self) -> Array:
        """Square roots of the scale matrices, shape (G, T, T): root @ root.T is the scale."""
        values, vectors = np.linalg.eigh(self.scale)
        roots: Array = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
        return roots

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Draw mean vectors, normal about the means; `stretch` gives contrasts of them the tails of Student's t.

        Parameters
        ----------
        draws : int
            S.
        rng : Generator
            Source of randomness.

        Returns
        -------
        ndarray
            Shape (S, G, T).
        """
        if self.joint is not None:
            noise = rng.standard_normal((draws, len(self.joint))) @ self.joint.reshape(len(self.joint), -1)
            return np.asarray(self.mean + noise.reshape(draws, *self.mean.shape))
        out = np.empty((*self.mean.shape, draws))
        for g, root in enumerate(self.roots):
            out[g] = self.mean[g][:, None] + root @ rng.standard_normal((root.shape[1], draws))
        return out.transpose(2, 0, 1)


def _joined(pulls: Array, lent: Array, pooled: Array) -> Array:
    """Return the root of the scale matrix of all mean vectors from clusters' pulls (C, G, T) and what cohorts borrow, shape (R, G, T)."""
    values, vectors = np.linalg.eigh(pooled)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    rows = [pulls]
    for g in np.flatnonzero(lent > 0).tolist():
        own = np.zeros((len(root), *pulls.shape[1:]))
        own[:, g] = np.sqrt(lent[g]) * root
        rows.append(own)
    return np.concatenate(rows)


def observation_weights(panel: Panel, weight: str) -> Array:
    """Return what each unit mean counts: 1 ('units') or its rows or their weights ('rows'), 0 where a unit is not seen; shape (U, T)."""
    if weight not in WEIGHTS:
        raise ParamsError(f"There is no weight '{weight}'.", "Valid names: 'units', 'rows'.")
    rows = panel.n if panel.size is None else panel.size
    return rows if weight == "rows" else (panel.n > 0).astype(float)


def before_and_after(panel: Panel, weight: str) -> tuple[Array, Array]:
    """Collapse periods to before and after the single adoption date.

    Parameters
    ----------
    panel : Panel
        With one cohort of treated units.
    weight : str
        'units': periods count equally within a unit; 'rows': rows do.

    Returns
    -------
    value, weight : ndarray
        Shape (U, 2).
    """
    start = int(panel.cohorts[0])
    each = observation_weights(panel, weight)
    filled = np.nan_to_num(panel.value)
    spans = (slice(0, start), slice(start, None))
    size = np.stack([each[:, s].sum(axis=1) for s in spans], axis=1)
    total = np.stack([(each[:, s] * filled[:, s]).sum(axis=1) for s in spans], axis=1)
    value = np.where(size > 0, total / np.where(size > 0, size, 1.0), np.nan)
    return value, size if weight == "rows" else (size > 0).astype(float)
