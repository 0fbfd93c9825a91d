"""Group-time average treatment effects: which comparisons, and their posterior."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.cohort_means import CohortMeans
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError, nearest

Array = NDArray[np.float64]
Index = NDArray[np.int64]
CONTROLS = ("notyet", "never")
BASES = ("varying", "universal")
COHORT_WEIGHTS = ("dirichlet", "fixed")


@dataclass(frozen=True, repr=False)
class Comparisons(Shown):
    """The pairs (cohort, period) that can be estimated.

    Attributes
    ----------
    cohort, time, base : ndarray
        First treated period, period and base period of each pair, as positions, shape (A,).
    horizon : ndarray
        A cohort is a control of the pair if its start is beyond this (the number of periods: only never), shape (A,).
    when : ndarray
        Where each period lies, in steps, shape (T,).
    """

    cohort: Index
    time: Index
    base: Index
    horizon: Index
    when: Index

    @property
    def event_time(self) -> Index:
        """Steps of the smallest distance between periods since treatment, shape (A,)."""
        return self.when[self.time] - self.when[self.cohort]

    @property
    def after(self) -> NDArray[np.bool_]:
        """Pairs after treatment started, shape (A,)."""
        return self.time >= self.cohort

    def only(self, kept: Index) -> Comparisons:
        """Return some of the pairs."""
        return replace(
            self, cohort=self.cohort[kept], time=self.time[kept], base=self.base[kept], horizon=self.horizon[kept]
        )

    def controls(self, starts: Index, pair: int) -> NDArray[np.bool_]:
        """Return which starts are controls of a pair."""
        chosen: NDArray[np.bool_] = (starts > self.horizon[pair]) & (starts != self.cohort[pair])
        return chosen


@dataclass(frozen=True, repr=False)
class AttPosterior(Shown):
    """Posterior of the group-time effects and of the cohorts' shares.

    Attributes
    ----------
    pairs : Comparisons
        Which effects.
    estimate : ndarray
        Posterior means, shape (A,).
    draws : ndarray
        Normal draws, shape (S, A); `Aggregate` has draws with the tails of Student's t.
    share : ndarray
        Treated cohorts' weights by pair, shape (A,).
    share_draws : ndarray
        Draws of them, shape (S, A).
    pulls : tuple of ndarray
        For each cohort, shape (r, A): the squared length of pulls[g] @ w is what cohort g adds to the variance of the effects
        weighted by w.
    df : ndarray
        Degrees of freedom of each cohort, shape (G,).
    """

    pairs: Comparisons
    estimate: Array
    draws: Array
    share: Array
    share_draws: Array
    pulls: tuple[Array, ...]
    df: Array

    def parts(self, weights: Array) -> Array:
        """Return what each cohort adds to the variance of weighted effects (A, E), shape (G, E)."""
        return np.array([((pull @ weights) ** 2).sum(axis=0) for pull in self.pulls])

    def joint_parts(self, weights: Array) -> Array:
        """Return what each cohort adds to the scale matrix of weighted effects (A, E), shape (G, E, E)."""
        turned = [pull @ weights for pull in self.pulls]
        return np.array([t.T @ t for t in turned])


def comparisons(seen: Array, starts: Index, control: str, anticipation: int, base: str, when: Index) -> Comparisons:
    """List the pairs that have a base period and a control.

    Parameters
    ----------
    seen : ndarray
        Units or rows by cohort and period, shape (G, T).
    starts : ndarray
        Of each cohort, shape (G,); T for never.
    control : str
        'notyet' or 'never' treated.
    anticipation : int
        Periods before treatment in which the outcome may already react.
    base : str
        'varying' (before treatment: the period before) or 'universal' (always the last one before treatment).
    when : ndarray
        Where each period lies, in steps, shape (T,).

    Returns
    -------
    Comparisons

    Raises
    ------
    ParamsError
        An option has no such value.
    InsufficientData
        No pair after treatment can be compared.
    """
    if control not in CONTROLS:
        raise ParamsError(f"There is no control '{control}'.", nearest(control, CONTROLS))
    if base not in BASES:
        raise ParamsError(f"There is no base '{base}' of staggered adoption.", nearest(base, BASES))
    periods, there = seen.shape[1], (seen > 0).astype(np.int64)
    tail = np.vstack([np.cumsum(there[::-1], axis=0)[::-1], np.zeros_like(there[0])])
    beyond = tail[np.searchsorted(starts, np.arange(periods), side="right")].tolist()
    present, found = there.tolist(), []
    for g, start in enumerate(starts.tolist()):
        last = start - 1 - anticipation
        if start >= periods or last < 0:
            continue
        for t in range(periods):
            b = last if base == "universal" or t >= start else t - 1
            if b < 0 or b == t:
                continue
            horizon = min(periods - 1 if control == "never" else max(t, b) + anticipation, periods - 1)
            mine = int(start > horizon)
            if all(present[g][at] and beyond[horizon][at] > mine for at in (t, b)):
                found.append((start, t, b, horizon))
    cohorts, times, bases, horizons = np.array(found, dtype=np.int64).reshape(-1, 4).T
    pairs = Comparisons(cohorts, times, bases, horizons, when)
    if not pairs.after.any():
        who = "never-treated" if control == "never" else "untreated"
        raise InsufficientData(
            f"No {who} units are left to compare with after treatment.",
            "Use control='notyet'." if control == "never" else "Add units that are treated later or never.",
        )
    return pairs


def att_from_means(
    means: CohortMeans, pairs: Comparisons, cohort_weights: str, draws: int, rng: np.random.Generator
) -> AttPosterior:
    """Draw the group-time effects from the posterior of the cohorts' mean vectors.

    Parameters
    ----------
    means : CohortMeans
        Posterior of the means.
    pairs : Comparisons
        Which effects.
    cohort_weights : str
        'dirichlet': units are a sample, so the cohorts' shares are uncertain (as in R's did); 'fixed': the effect is on these
        very units, and shares are as observed (as in R's staggered, with Neyman's variance).
    draws : int
        S.
    rng : Generator
        Source of randomness.

    Returns
    -------
    AttPosterior

    Raises
    ------
    ParamsError
        There is no such weighting.

    References
    ----------
    Callaway, B. & Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time periods. Journal of Econometrics,
    225(2), 200-230.
    Roth, J. & Sant'Anna, P. H. C. (2023). Efficient estimation for staggered rollout designs. Journal of Political Economy
    Microeconomics, 1(4), 669-709.
    """
    share, shares = draw_shares(means.units, cohort_weights, draws, rng)
    estimate = _effects(means, pairs, np.nan_to_num(means.mean)[None], share[None])[0]
    sample = _effects(means, pairs, np.nan_to_num(means.draw(draws, rng)), shares)
    own = np.searchsorted(means.starts, pairs.cohort)
    coefficients = _coefficients(means, pairs, share)
    return AttPosterior(pairs, estimate, sample, share[own], shares[:, own], means.pulls(coefficients), means.df)


def draw_shares(units: Index, cohort_weights: str, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return observed shares of the cohorts, shape (G,), and draws of them, shape (S, G)."""
    if cohort_weights not in COHORT_WEIGHTS:
        raise ParamsError(f"There is no cohort_weights '{cohort_weights}'.", nearest(cohort_weights, COHORT_WEIGHTS))
    share = units / units.sum()
    if cohort_weights == "fixed":
        return share, np.broadcast_to(share, (draws, len(units)))
    return share, rng.dirichlet(units.astype(float), draws)


def _effects(means: CohortMeans, pairs: Comparisons, mu: Array, share: Array) -> Array:
    """Return effects from mean vectors (S, G, T) and shares (S, G), shape (S, A)."""
    starts, per_unit = means.starts, means.size / means.units[:, None]
    mu, share = np.ascontiguousarray(mu.transpose(1, 2, 0)), np.ascontiguousarray(share.T)
    totals: dict[tuple[int, int], tuple[Array, Array]] = {}

    def beyond(horizon: int, period: int) -> tuple[Array, Array]:
        """Return weighted sum and weight of all cohorts that start beyond a horizon."""
        if (horizon, period) not in totals:
            among = starts > horizon
            weight = share[among] * per_unit[among, period, None]
            totals[horizon, period] = (weight * mu[among, period]).sum(axis=0), weight.sum(axis=0)
        return totals[horizon, period]

    out = np.empty((len(pairs.time), mu.shape[2]))
    rows = zip(*(a.tolist() for a in (pairs.cohort, pairs.time, pairs.base, pairs.horizon)), strict=True)
    for k, (start, t, b, horizon) in enumerate(rows):
        g = int(np.searchsorted(starts, start))
        gap = []
        for period in (t, b):
            top, weight = beyond(horizon, period)
            if start > horizon:
                own = share[g] * per_unit[g, period]
                top, weight = top - own * mu[g, period], weight - own
            gap.append(mu[g, period] - top / weight)
        out[k] = gap[0] - gap[1]
    return out.T


def _coefficients(means: CohortMeans, pairs: Comparisons, share: Array) -> Array:
    """Return the weights of the cohort means in each effect at the observed shares, shape (A, G, T)."""
    out = np.zeros((len(pairs.time), *means.mean.shape))
    per_unit = means.size / means.units[:, None]
    for k in range(len(out)):
        others = pairs.controls(means.starts, k)
        for period, sign in ((pairs.time[k], 1.0), (pairs.base[k], -1.0)):
            weight = np.where(others, share * per_unit[:, period], 0.0)
            out[k, :, period] = -sign * weight / weight.sum()
            out[k, np.searchsorted(means.starts, pairs.cohort[k]), period] = sign
    return out
