"""Effects from changes within units, for panels in which some units lack some periods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.cohort_means import FEWEST_DF
from xmresearch.causal.twfe import take_out
from xmresearch.causal.unit_clusters import effective_clusters
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
CHUNK = 500


@dataclass(frozen=True, repr=False)
class Change(Shown):
    """One effect as a weighted sum of unit means, whose weights within each unit sum to zero.

    Attributes
    ----------
    estimate : float
        The effect.
    unit : ndarray
        Positions of the units that take part, shape (m,).
    pull : ndarray
        What each adds to the error of the estimate, shape (m,).
    cells : ndarray
        Weights of the units' means in the estimate, shape (m, k), in
    periods : ndarray
        these periods, shape (k,).
    stratum : ndarray
        Which of the units are independent draws from one population, shape (m,).
    both : ndarray
        Units that are seen before and after the change, and so tell of it; others tell of periods only. Shape (m,).
    """

    estimate: float
    unit: Index
    pull: Array
    cells: Array
    periods: Index
    stratum: Index
    both: Mask


@dataclass(frozen=True, repr=False)
class WithinPosterior(Shown):
    """Posterior of several effects, each from changes within units; clustered by unit.

    Attributes
    ----------
    estimate : ndarray
        Shape (E,).
    pulls : tuple of ndarray
        For each cohort, shape (r, E): pulls[g].T @ pulls[g] is what the cohort adds to the scale matrix.
    df : ndarray
        Degrees of freedom of each cohort, shape (G,).

    Notes
    -----
    The variance of a stratum of m units is m / (m - 1) times the sum of its squared pulls, which is that of `CohortMeans` where
    every unit is seen in every period. A stratum of fewer than five units has the covariance pooled over cohorts as a prior, with
    the weight that brings its degrees of freedom to four.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73(1), 13-22.
    """

    estimate: Array
    pulls: tuple[Array, ...]
    df: Array

    def mapped(self, weights: Array) -> WithinPosterior:
        """Return the posterior of weighted effects (E, F)."""
        return replace(self, estimate=self.estimate @ weights, pulls=tuple(pull @ weights for pull in self.pulls))

    def parts(self, weights: Array) -> Array:
        """Return what each cohort adds to the variance of weighted effects (E, F), shape (G, F)."""
        return np.array([((pull @ weights) ** 2).sum(axis=0) for pull in self.pulls])

    @cached_property
    def scale(self) -> Array:
        """Scale matrix, shape (E, E)."""
        return np.asarray(np.sum([pull.T @ pull for pull in self.pulls], axis=0))

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Return draws that are normal about the estimates, shape (S, E)."""
        sizes = [min(CHUNK, draws - done) for done in range(0, draws, CHUNK)]
        roots = [_short(pull) for pull in self.pulls]
        noise = [sum(rng.standard_normal((size, len(root))) @ root for root in roots) for size in sizes]
        return np.asarray(self.estimate + np.vstack(noise))


def pair_change(value: Array, weight: Array, stratum: Index, t: int, b: int) -> Change | None:
    """Compare the change of treated units between two periods with that of other units, over units seen in both.

    Parameters
    ----------
    value, weight : ndarray
        Unit means and what each counts, shape (U, T); weight 0 where a unit is not seen.
    stratum : ndarray
        0 for the treated, positive for their controls, -1 for others, shape (U,).
    t, b : int
        Period and base period.

    Returns
    -------
    Change or None
        None where no treated unit or no control is seen in both.

    References
    ----------
    Callaway, B. & Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time periods. Journal of Econometrics,
    225(2), 200-230.
    """
    own, base = weight[:, t], weight[:, b]
    unit = np.flatnonzero((stratum >= 0) & (own > 0) & (base > 0))
    group, treated = stratum[unit], stratum[unit] == 0
    if not treated.any() or treated.all():
        return None
    size = own[unit] * base[unit] / (own[unit] + base[unit])
    share = size * np.where(treated, 1 / size[treated].sum(), -1 / size[~treated].sum())
    change = value[unit, t] - value[unit, b]
    mean = np.bincount(group, size * change) / np.maximum(np.bincount(group, size), 1e-300)
    cells = share[:, None] * np.array([1.0, -1.0])
    return Change(float(share @ change), unit, share * (change - mean[group]), cells, np.array([t, b]), group, size > 0)


def regression_change(value: Array, weight: Array, treated: Mask, turned: list[Index], counted: Mask) -> Change | None:
    """Regress on unit and period effects and on treatment in several sets of periods.

    Parameters
    ----------
    value, weight : ndarray
        As in `pair_change`.
    treated : ndarray
        Treated units, shape (U,).
    turned : list of ndarray
        Periods of each coefficient.
    counted : ndarray
        Coefficients whose mean is the effect, shape (len(turned),).

    Returns
    -------
    Change or None
        None where a coefficient cannot be told from unit and period effects.

    References
    ----------
    Borusyak, K., Jaravel, X. & Spiess, J. (2024). Revisiting event-study designs: robust and efficient estimation. Review of
    Economic Studies, 91(6), 3253-3285.
    """
    on = np.zeros((len(turned), *weight.shape))
    for k, periods in enumerate(turned):
        on[k][np.ix_(treated, periods)] = 1.0
    design = np.array([take_out(each, weight) for each in on])
    gram = np.einsum("kut,ut,lut->kl", design, weight, design)
    if np.linalg.matrix_rank(gram, hermitian=True, tol=1e-9 * max(float(weight.sum()), 1.0)) < len(gram):
        return None
    cells = np.einsum("kl,lut->kut", np.linalg.inv(gram), design * weight)[counted].mean(axis=0)
    coefficient = np.linalg.solve(gram, np.einsum("kut,ut->k", design * weight, np.nan_to_num(value)))
    left = take_out(np.nan_to_num(value), weight) - np.einsum("k,kut->ut", coefficient, design)
    unit = np.flatnonzero(np.abs(cells).sum(axis=1) > 0)
    seen, late = weight[unit] > 0, np.isin(np.arange(weight.shape[1]), np.concatenate(turned))
    return Change(
        float(coefficient[counted].mean()), unit, (cells * left).sum(axis=1)[unit], cells[unit],
        np.arange(weight.shape[1]), (~treated[unit]).astype(np.int64),
        seen[:, late].any(axis=1) & seen[:, ~late].any(axis=1),
    )  # fmt: skip


def within_posterior(
    changes: list[Change], value: Array, weight: Array, start: Index, later: Mask, cluster: Index | None = None
) -> WithinPosterior:
    """Join effects to one posterior.

    Parameters
    ----------
    changes : list of Change
        The effects, length E.
    value, weight : ndarray
        Unit means and what each counts, shape (U, T).
    start : ndarray
        Cohort of each unit, shape (U,).
    later : ndarray
        Effects whose units set the degrees of freedom, shape (E,).
    cluster : ndarray, optional
        Cluster that each unit lies in, shape (U,); units are independent if left out.

    Returns
    -------
    WithinPosterior

    Raises
    ------
    InsufficientData
        The units of an arm of an effect lie in one cluster.
    """
    if cluster is not None:
        return _by_cluster(changes, start, cluster)
    starts, code = np.unique(start, return_inverse=True)
    influence = np.zeros((len(start), len(changes)))
    used, times = np.zeros(len(starts)), np.zeros(len(starts))
    root: Array | None = None
    borrowed: dict[int, Array] = {}
    for k, change in enumerate(changes):
        size = np.maximum(np.bincount(change.stratum, change.both)[change.stratum], 1.0)
        lent = np.maximum(FEWEST_DF - (size - 1), 0.0)
        free = size - 1 + lent
        influence[change.unit, k] = change.pull * np.sqrt(size / free)
        if later[k]:
            count = np.bincount(code[change.unit], change.both, len(starts))
            used += count
            times += count > 0
        for j in np.flatnonzero(lent > 0):
            root = _pooled_root(value, weight, code) if root is None else root
            rows = borrowed.setdefault(int(change.unit[j]), np.zeros((weight.shape[1], len(changes))))
            rows[:, k] = np.sqrt(lent[j] / free[j]) * (change.cells[j] @ root[change.periods])
    pulls = []
    for g in range(len(starts)):
        lent_rows = [rows for u, rows in borrowed.items() if code[u] == g]
        pulls.append(np.vstack([influence[code == g], *lent_rows]))
    df = np.maximum(used / np.maximum(times, 1) - 1, FEWEST_DF)
    return WithinPosterior(np.array([change.estimate for change in changes]), tuple(pulls), df)


def _by_cluster(changes: list[Change], start: Index, cluster: Index) -> WithinPosterior:
    """Join effects to one posterior whose units lie in clusters, of which each arm of an effect has two at least."""
    influence = np.zeros((int(cluster.max()) + 1, len(changes)))
    free = np.inf
    for k, change in enumerate(changes):
        if not len(change.unit):
            continue
        own = cluster[change.unit]
        counts = np.array([len(np.unique(own[(change.stratum == s) & change.both])) for s in np.unique(change.stratum)])
        if counts.min() < 2:
            raise InsufficientData(
                "The units of an arm of an effect lie in one cluster, whose shocks cannot be told from the change.",
                "Cluster by the unit.",
            )
        scale = np.sqrt(counts / (counts - 1))[np.searchsorted(np.unique(change.stratum), change.stratum)]
        influence[:, k] = np.bincount(own, change.pull * scale, len(influence))
        free = min(free, effective_clusters(own, change.stratum == 0) - 1)
    return WithinPosterior(np.array([change.estimate for change in changes]), (influence,), np.array([max(free, 1.0)]))


def _pooled_root(value: Array, weight: Array, code: Index) -> Array:
    """Return a root of the covariance of units' deviations from their cohort, pooled over cohorts, shape (T, T)."""
    left, free = np.zeros(weight.shape), 0
    for g in range(int(code.max()) + 1):
        rows = code == g
        left[rows] = take_out(np.nan_to_num(value[rows]), (weight[rows] > 0).astype(float))
        free += int(((weight[rows] > 0).sum(axis=1) > 1).sum()) - 1
    seen = (weight > 0).mean(axis=0)
    left /= np.sqrt(np.where(seen > 0, seen, 1.0))
    values, vectors = np.linalg.eigh(left.T @ left / max(free, 1))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _short(pull: Array) -> Array:
    """Return rows with the same cross-product, no more of them than columns."""
    return np.linalg.qr(pull, mode="r") if len(pull) > pull.shape[1] else pull
