"""The trend of the effects before treatment, and the overall effect if it had gone on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.att import comparisons
from xmresearch.causal.closed_form import JointT, StudentT, joint_posterior
from xmresearch.causal.cohort_means import CohortMeans, observation_weights
from xmresearch.causal.conditional_interval import conditional_interval
from xmresearch.causal.event_study import event_weights
from xmresearch.causal.honest_trends import HonestResult, honest
from xmresearch.causal.links import link_of
from xmresearch.causal.mean_weights import MeanWeights, overall_weights
from xmresearch.causal.panel import Panel
from xmresearch.causal.staggered import staggered, with_base
from xmresearch.causal.within_effects import dated_posterior
from xmresearch.display import Shown

Array = NDArray[np.float64]
Index = NDArray[np.int64]
MAX_LEADS, DF_PER_LEAD = 24, 2


@dataclass(frozen=True, repr=False)
class EventPath(Shown):
    """Effects by event time relative to one reference period, with the overall effect.

    Attributes
    ----------
    times : ndarray
        Event times without the reference, shape (E,).
    at : ndarray
        Their distances from the reference period, in steps of the smallest distance between two periods, shape (E,).
    target : ndarray
        Weight of each event time in the overall effect, shape (E,); 0 before treatment.
    distance : float
        Steps that the overall effect lies from what it is relative to, on average: a slope of one biases it by this much.
    effects : JointT
        Posterior of the E effects and, last, of the overall one.
    """

    times: Index
    at: Array
    target: Array
    distance: float
    effects: JointT

    @property
    def leads(self) -> Index:
        """Positions of the effects before the reference."""
        return np.flatnonzero(self.at < 0)

    def slope(self) -> tuple[StudentT, StudentT]:
        """Return the slope of the effects before treatment, and the overall effect less what that slope would add.

        Returns
        -------
        slope : StudentT
            Per step of the smallest distance between two periods.
        extrapolated : StudentT
            In units of the outcome.

        Notes
        -----
        Generalised least squares through zero at the reference, with the posterior covariance of the effects; this covariance
        is itself estimated, with nu degrees of freedom, for which the variance of the slope of q effects is multiplied by
        (1 + Q / nu) nu / (nu - q + 1), Q being the weighted sum of squares about the line, at nu - q + 1 degrees of freedom
        (Rao, 1967). With fewer than two degrees of freedom per effect it is the slope of least squares.

        References
        ----------
        Rao, C. R. (1967). Least squares theory using an estimated dispersion matrix and its application to measurement of
        signals. Proceedings of the Fifth Berkeley Symposium, 1, 355-372.
        """
        leads, joint = self.leads, self.effects
        x = self.at[leads]
        whole = np.zeros(len(self.times) + 1)
        whole[leads] = x / (x @ x)
        df, inflation = joint.contrast(whole).df, 1.0
        scale = joint.scale[np.ix_(leads, leads)]
        count = len(leads)
        if count > 1 and df >= DF_PER_LEAD * count and np.linalg.matrix_rank(scale, hermitian=True) == count:
            turned = np.linalg.solve(scale, x)
            whole[leads] = turned / (x @ turned)
            about = joint.estimate[leads] - x * (whole[leads] @ joint.estimate[leads])
            spent = 1.0 if np.isinf(df) else df / (df - count + 1)
            inflation = spent * (1 + float(about @ np.linalg.solve(scale, about)) / df)
            df -= count - 1
        plain = joint.contrast(whole)
        slope = StudentT(plain.estimate, plain.scale * float(np.sqrt(inflation)), df)
        gone_on = -self.distance * whole
        gone_on[-1] += 1
        rest = joint.contrast(gone_on)
        variance = rest.scale**2 + (inflation - 1) * (self.distance * plain.scale) ** 2
        return slope, StudentT(rest.estimate, float(np.sqrt(variance)), min(df, rest.df))

    def honest(
        self, kind: str, confidence: float, draws: int, seed: int, *, method: str = "posterior", first: bool = False
    ) -> HonestResult | None:
        """Return the set of Rambachan & Roth (2023) for the overall effect.

        Parameters
        ----------
        kind, method : str
            As `honest` takes them.
        confidence : float
            Of the intervals.
        draws, seed : int
            Posterior draws.
        first : bool
            For the first period after treatment alone.

        Returns
        -------
        HonestResult or None
            None where the covariance of the effects before treatment is singular, or two event times of unevenly spaced periods
            lie as far from the reference on average. Of the effects before treatment, the nearest to treatment are used:
            at most `MAX_LEADS`, and one per two degrees of freedom, as the covariance of more would hardly be known.
        """
        near = self._near()
        if near is None:
            return None
        keep, sample, target = self._sample(near, draws, seed)
        at = self.at[keep]
        if not (np.diff(at) > 0).all():
            return None
        target = np.eye(len(target))[0] if first else target
        return honest(
            n_pre=len(near), draws=sample, kind=kind, method=method, target=target, distances=at, confidence=confidence
        )

    def reachable(self, bound: float, confidence: float, draws: int, seed: int) -> bool:
        """Return whether the effect could stand under breaches of relative size `bound` if nothing had moved before treatment.

        Where it could not, noise alone keeps the breakdown value below the bound.
        """
        near = self._near()
        if near is None:
            return False
        keep, sample, target = self._sample(near, draws, seed)
        centre = np.where(np.arange(sample.shape[1]) < len(near), 0.0, sample.mean(axis=0))
        low, high = conditional_interval(
            centre, np.cov(sample, rowvar=False), n_pre=len(near), target=target, bound=bound, alpha=1 - confidence,
            gaps=np.diff(np.insert(self.at[keep], len(near), 0.0)),
        )  # fmt: skip
        return low > 0 or high < 0

    def _near(self) -> Index | None:
        """Return the leads that are used; None where their covariance is singular."""
        df = self.effects.contrast(np.eye(len(self.times) + 1)[-1]).df
        room = MAX_LEADS if np.isinf(df) else min(MAX_LEADS, max(int(df / DF_PER_LEAD), 1))
        near = self.leads[-room:]
        scale = self.effects.scale[np.ix_(near, near)]
        return None if np.linalg.matrix_rank(scale, hermitian=True) < len(near) else near

    def _sample(self, near: Index, draws: int, seed: int) -> tuple[Index, Array, Array]:
        """Return the effects used, their posterior draws, and the weights of those after the reference."""
        overall, scale = self.effects.contrast(np.eye(len(self.times) + 1)[-1]), self.effects.scale
        keep = np.append(near, np.flatnonzero(self.at > 0))
        values, vectors = np.linalg.eigh(scale[np.ix_(keep, keep)])
        rng = np.random.default_rng(seed)
        count = max(draws, 20 * len(keep))
        noise = rng.standard_normal((count, len(keep))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        if np.isfinite(overall.df):
            noise /= np.sqrt(rng.chisquare(overall.df, (count, 1)) / overall.df)
        return keep, self.effects.estimate[keep] + noise - noise.mean(axis=0), self.target[keep[len(near) :]]


def event_path(kind: str, panel: Panel, settings: dict[str, Any]) -> EventPath | None:
    """Return the effects by event time, always relative to the last period before treatment and its anticipation.

    Parameters
    ----------
    kind : str
        event_study or staggered; others have none.
    panel : Panel
        The data.
    settings : dict
        Of the kind. Effects shrunk by `shrink` are taken unshrunk.

    Returns
    -------
    EventPath or None
        None where no effect lies before the reference.
    """
    if kind == "event_study":
        path = _one_date(panel, settings)
    elif kind == "staggered":
        drawn = panel.covariates.shape[2] or settings.get("within")
        path = _from_draws(panel, settings) if drawn else _several_dates(panel, settings)
    else:
        return None
    return path if len(path.leads) else None


def _one_date(panel: Panel, settings: dict[str, Any]) -> EventPath:
    first, periods = int(panel.cohorts[0]), len(panel.periods)
    reference = first - 1 - settings.get("anticipation", 0)
    weight, base = settings.get("weight", "units"), settings.get("base", "last")
    rows = event_weights(periods, first, reference, base)
    free = np.arange(periods + 1) != reference
    when, steps = panel.periods.when, panel.periods.steps
    late = np.arange(periods) >= first
    target = late / late.sum()
    if settings.get("within"):
        post = dated_posterior(panel, weight, reference, base).mapped(np.eye(periods + 1)[:, free])
        parts = np.array([pull.T @ pull for pull in post.pulls])
        joint = JointT(post.estimate, parts, np.zeros_like(parts[0]), post.df)
    else:
        means = CohortMeans.of(panel.value, observation_weights(panel, weight), panel.start, panel.clusters)
        means = means.linked(link_of(panel, settings.get("scale", "difference")))
        joint = joint_posterior(means, np.stack([rows[free], -rows[free]], axis=1), None)
    used = free[:-1]
    at = (steps - steps[reference])[used]
    return EventPath((when - when[first])[used], at, target[used], float(rows[-1] @ steps), joint)


def _several_dates(panel: Panel, settings: dict[str, Any]) -> EventPath:
    anticipation = settings.get("anticipation", 0)
    panel = with_base(panel, anticipation)
    each = observation_weights(panel, settings.get("weight", "units"))
    means = CohortMeans.of(panel.value, each, panel.start, panel.clusters)
    means = means.linked(link_of(panel, settings.get("scale", "difference")))
    pairs = comparisons(
        means.size, means.starts, settings.get("control", "notyet"), anticipation, "universal", panel.periods.when
    )
    rule = MeanWeights(pairs, means.starts, means.units, means.size)
    share = (means.units / means.units.sum())[rule.own]
    overall, key = overall_weights(pairs, share, settings.get("overall", "simple"))
    times = _followed(panel, np.unique(pairs.event_time), -1 - anticipation)
    member = pairs.event_time == times[:, None]
    weights = np.vstack([member * share / (member @ share)[:, None], overall])
    keys = [*np.zeros((len(times), len(key)), dtype=np.int64), key]
    slopes = None
    if settings.get("cohort_weights", "dirichlet") == "dirichlet":
        filled = np.nan_to_num(means.mean)
        slopes = np.array([rule.by_share(w, k, filled) for w, k in zip(weights, keys, strict=True)])
    joint = joint_posterior(means, np.array([rule(w) for w in weights]), slopes)
    apart = panel.periods.steps[pairs.time] - panel.periods.steps[pairs.base]
    at = (member * share) @ apart / (member @ share)
    return EventPath(times, at, member @ overall, float(overall @ apart), joint)


def _from_draws(panel: Panel, settings: dict[str, Any]) -> EventPath:
    """Return the path from the draws of effects adjusted for covariates, or from changes within units."""
    found = staggered(panel, **settings | {"base": "universal", "shrink": False})
    reference, steps = -1 - settings.get("anticipation", 0), panel.periods.steps
    known = np.array(found.event_times)
    times = _followed(panel, known, reference)
    used = np.isin(known, times)
    dynamic, effects = found.tidy("dynamic"), found.tidy("att_gt")
    df, late = float(found.facts["df"]), effects[effects["event_time"] >= 0]
    sample = np.column_stack([found.event_draws[:, used], found.draws])
    spread = np.cov(sample, rowvar=False) * (1.0 if np.isinf(df) else (df - 2) / df)
    estimate = np.append(dynamic["estimate"].to_numpy()[used], found.effect["estimate"])
    joint = JointT(estimate, spread[None], np.zeros_like(spread), np.array([df]))
    count = late.groupby("event_time")["n"].sum().reindex(times, fill_value=0).to_numpy(dtype=float)
    if settings.get("overall", "simple") == "dynamic":
        count = (count > 0).astype(float)
    target = count / count.sum()
    place = {label: k for k, label in enumerate(panel.periods.labels)}
    start, time = (effects[c].map(place).to_numpy() for c in ("cohort", "time"))
    apart = effects.assign(apart=(steps[time] - steps[start + reference]) * effects["n"])
    sums = apart.groupby("event_time")[["apart", "n"]].sum().reindex(times)
    at = (sums["apart"] / sums["n"]).to_numpy()
    return EventPath(times, at, target, float(target @ at), joint)


def _followed(panel: Panel, times: Index, reference: int) -> Index:
    """Return the event times that make up a path: of evenly spaced periods those that no gap parts from the reference."""
    even = np.array_equal(panel.periods.steps, np.arange(len(panel.periods)))
    return _consecutive(times, reference) if even else times[times != reference]


def _consecutive(times: Index, reference: int) -> Index:
    """Return the event times that no gap parts from the reference."""
    known = {*times.tolist(), reference}
    low = high = reference
    while low - 1 in known:
        low -= 1
    while high + 1 in known:
        high += 1
    return np.array([t for t in range(low, high + 1) if t != reference], dtype=np.int64)
