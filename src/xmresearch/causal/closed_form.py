"""Effects that are linear in cohort means: their posterior without draws, and their value under other assignments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.causal.att import comparisons
from xmresearch.causal.cohort_means import CohortMeans, before_and_after, observation_weights
from xmresearch.causal.draws import welch_df
from xmresearch.causal.event_study import event_weights
from xmresearch.causal.links import Link, link_of
from xmresearch.causal.mean_weights import MeanWeights, overall_weights
from xmresearch.causal.panel import Panel
from xmresearch.causal.staggered import with_base
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, XMError

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class StudentT:
    """Posterior of one effect.

    Attributes
    ----------
    estimate, scale, df : float
        Of Student's t; infinite degrees of freedom make it normal.
    """

    estimate: float
    scale: float
    df: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return its central interval."""
        reach = float(stats.t.ppf((1 + confidence) / 2, self.df)) * self.scale
        return self.estimate - reach, self.estimate + reach

    @property
    def p_positive(self) -> float:
        """Probability that the effect is above zero."""
        if self.scale == 0:
            return float(self.estimate > 0)
        return float(stats.t.cdf(self.estimate / self.scale, self.df))


@dataclass(frozen=True, repr=False)
class JointT(Shown):
    """Posterior of several effects whose variance is a sum over cohorts.

    Attributes
    ----------
    estimate : ndarray
        Shape (E,).
    parts : ndarray
        What each cohort adds to the scale matrix, shape (G, E, E).
    shared : ndarray
        What uncertain cohort shares add, shape (E, E).
    df : ndarray
        Degrees of freedom of each cohort, shape (G,).
    """

    estimate: Array
    parts: Array
    shared: Array
    df: Array

    @property
    def scale(self) -> Array:
        """Scale matrix, shape (E, E)."""
        return np.asarray(self.parts.sum(axis=0) + self.shared)

    def contrast(self, weights: Array) -> StudentT:
        """Return the posterior of a weighted sum of the effects."""
        parts = np.einsum("e,gef,f->g", weights, self.parts, weights)
        df = float(welch_df(parts[:, None], self.df)[0])
        variance = parts.sum() + weights @ self.shared @ weights
        return StudentT(float(weights @ self.estimate), float(np.sqrt(max(variance, 0.0))), df)


@dataclass(frozen=True, repr=False)
class Design(Shown):
    """Unit means with the rule that turns cohort means into the overall effect.

    Attributes
    ----------
    value, weight : ndarray
        Unit means and what each counts, shape (U, T).
    start : ndarray
        Cohort of each unit, shape (U,).
    between : ndarray or None
        Weights of the treated arm's periods, shape (T,), the other arm's being their negative; None for staggered adoption.
    when : ndarray
        Where each period lies, in steps, shape (T,).
    settings : dict
        control, anticipation, overall and cohort_weights, for staggered adoption.
    link : Link or None
        Scale on which the effect is linear.
    cluster : ndarray or None
        Cluster that each unit lies in, shape (U,).
    """

    value: Array
    weight: Array
    start: Index
    between: Array | None
    when: Index
    settings: dict[str, Any]
    link: Link | None = None
    cluster: Index | None = None

    @classmethod
    def of(cls, kind: str, panel: Panel, settings: dict[str, Any]) -> Design | None:
        """Return the design of a kind, or None where its effect is not linear in cohort means.

        Parameters
        ----------
        kind : str
            two_by_two, event_study, staggered; others have none.
        panel : Panel
            The data.
        settings : dict
            Of the kind.

        Returns
        -------
        Design or None
            None also for rows as observations, for covariates and for changes within units. Effects shrunk by `shrink` are taken unshrunk.
        """
        if settings.get("within"):
            return None
        weight, link = settings.get("weight", "units"), link_of(panel, settings.get("scale", "difference"))
        when = panel.periods.when
        if kind == "two_by_two" and settings.get("clustered"):
            turn = np.array([-1.0, 1.0])
            return cls(
                *before_and_after(panel, weight), panel.start, turn, np.arange(2), settings, cluster=panel.clusters
            )
        if kind == "event_study":
            first, base = int(panel.cohorts[0]), settings.get("base", "last")
            reference = first - 1 - settings.get("anticipation", 0)
            if reference < 0:
                raise InsufficientData("No period lies before treatment and its anticipation.")
            between = event_weights(len(panel.periods), first, reference, base)[-1]
            each = observation_weights(panel, weight)
            return cls(panel.value, each, panel.start, between, when, settings, link, panel.clusters)
        if kind == "staggered" and not panel.covariates.shape[2]:
            panel = with_base(panel, settings.get("anticipation", 0))
            each = observation_weights(panel, weight)
            return cls(panel.value, each, panel.start, None, when, settings, link, panel.clusters)
        return None

    def weights(self, starts: Index, units: Index, size: Array) -> tuple[Array, MeanWeights | None]:
        """Return the weights of the cohort means (G, T), and for staggered adoption what they come from."""
        if self.between is not None:
            return np.vstack([self.between, -self.between]), None
        pairs = comparisons(
            size, starts, self.settings.get("control", "notyet"), self.settings.get("anticipation", 0), "universal",
            self.when,
        )  # fmt: skip
        rule = MeanWeights(pairs, starts, units, size)
        return rule(overall_weights(pairs, (units / units.sum())[rule.own], self.aggregate)[0]), rule

    @property
    def linear(self) -> bool:
        """Whether the effect is linear in unit means, whatever the assignment."""
        return self.link is None and bool(np.ptp(self.weight) == 0)

    @property
    def aggregate(self) -> str:
        """Which aggregate the overall effect is, for staggered adoption."""
        return str(self.settings.get("overall", "simple"))

    @property
    def uncertain_shares(self) -> bool:
        """Whether the cohorts' shares are part of the posterior."""
        return self.between is None and self.settings.get("cohort_weights", "dirichlet") == "dirichlet"

    def posterior(self) -> StudentT:
        """Return the posterior of the overall effect.

        Returns
        -------
        StudentT

        Raises
        ------
        InsufficientData
            A cohort is not seen where it is needed, or no cohort has two units.
        """
        means = CohortMeans.of(self.value, self.weight, self.start, self.cluster).linked(self.link)
        weights, rule = self.weights(means.starts, means.units, means.size)
        _require_seen(weights, means.size)
        slopes = None
        if rule is not None and self.uncertain_shares:
            each = overall_weights(rule.pairs, (means.units / means.units.sum())[rule.own], self.aggregate)
            slopes = rule.by_share(*each, np.nan_to_num(means.mean))[None]
        return joint_posterior(means, weights[None], slopes).contrast(np.ones(1))

    def estimates(self, starts: Index) -> Array:
        """Return the overall effect under other assignments of the same cohort sizes.

        Parameters
        ----------
        starts : ndarray
            First treated period by assignment and unit, shape (R, U).

        Returns
        -------
        ndarray
            Shape (R,); NaN where a cohort would not be seen where it is needed.
        """
        labels, units = np.unique(self.start, return_counts=True)
        filled = np.nan_to_num(self.value) * self.weight
        if self.linear:
            size = units[:, None] * self.weight[0]
            each = filled @ (self.weights(labels, units, size)[0] / size).T
            rows = np.arange(len(each))
            return np.array([each[rows, np.searchsorted(labels, s)].sum() for s in starts])
        out = np.full(len(starts), np.nan)
        first = np.concatenate([[0], np.cumsum(units)[:-1]])
        for r, start in enumerate(starts):
            order = np.argsort(start, kind="stable")
            size, total = (np.add.reduceat(a[order], first, axis=0) for a in (self.weight, filled))
            try:
                weights = self.weights(labels, units, size)[0]
                _require_seen(weights, size)
                mean = total / np.where(size > 0, size, 1.0)
                linked = mean if self.link is None else np.nan_to_num(self.link(mean, size)[0])
            except XMError:
                continue
            out[r] = (weights * linked).sum()
        return out

    def without_each(self) -> Array:
        """Return the overall effect without each unit at unchanged weights and slope of the link, shape (U,)."""
        means = CohortMeans.of(self.value, self.weight, self.start)
        weights, _ = self.weights(means.starts, means.units, means.size)
        code = np.searchsorted(means.starts, self.start)
        size, mean = means.size[code], np.nan_to_num(means.mean)[code]
        slope = 1.0 if self.link is None else self.link(means.mean, means.size)[1][code]
        level = np.nan_to_num(means.linked(self.link).mean)
        left = size - self.weight
        shift = slope * self.weight * (np.nan_to_num(self.value) - mean) / np.where(left > 0, left, 1.0)
        return np.asarray((weights * level).sum() - (weights[code] * shift).sum(axis=1))


def joint_posterior(means: CohortMeans, weights: Array, slopes: Array | None) -> JointT:
    """Return the posterior of effects that are linear in cohort means.

    Parameters
    ----------
    means : CohortMeans
        Posterior of the means.
    weights : ndarray
        Of the means in each effect, shape (E, G, T).
    slopes : ndarray or None
        How each effect changes with the cohorts' shares, shape (E, G), where these are Dirichlet.

    Returns
    -------
    JointT
    """
    estimate = (weights * np.nan_to_num(means.mean)).sum(axis=(1, 2))
    shared = np.zeros((len(weights), len(weights)))
    if slopes is not None:
        share = means.units / means.units.sum()
        off = slopes - (slopes @ share)[:, None]
        shared = (off * share) @ off.T / (means.units.sum() + 1)
    return JointT(estimate, means.parts(weights), shared, means.df)


def _require_seen(weights: Array, size: Array) -> None:
    if ((weights != 0) & (size <= 0)).any():
        raise InsufficientData("An arm is not seen in a period that the effect needs.")
