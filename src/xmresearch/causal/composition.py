"""Changes of the same units, complete units and the means of those present: do they tell the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from xmresearch.causal.att import comparisons
from xmresearch.causal.closed_form import Design
from xmresearch.causal.cohort_means import CohortMeans, observation_weights
from xmresearch.causal.concerns import Concern
from xmresearch.causal.layout import CHOICE, Layout
from xmresearch.causal.mean_weights import overall_weights
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import PRETREND_LEVEL
from xmresearch.causal.staggered import with_base
from xmresearch.causal.within import Change
from xmresearch.causal.within_effects import before_after_change, dated_changes, paired_changes
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, XMError

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Estimate(Shown):
    """One estimate of the overall effect.

    Attributes
    ----------
    value : float
        The effect.
    pull : ndarray
        What each unit adds to its error, shape (U,).
    """

    value: float
    pull: Array


@dataclass(frozen=True, repr=False)
class Composition(Shown):
    """The overall effect in several ways, and whether they differ beyond chance.

    Attributes
    ----------
    estimates : mapping of str to Estimate
        within, balanced and cross_sections, as far as each can be had.
    arms : int
        Cohorts, the never treated being one.

    Notes
    -----
    All estimates come from the same units, so the variance of a difference is the sum of squared differences of the units' pulls,
    as in Hausman's test with a covariance that is robust and clustered by unit. Cohorts are taken as given.

    References
    ----------
    Hausman, J. A. (1978). Specification tests in econometrics. Econometrica, 46(6), 1251-1271.
    Arkhangelsky, D. & Imbens, G. W. (2022). Doubly robust identification for causal panel data models. Econometrics Journal,
    25(3), 649-674.
    """

    estimates: Mapping[str, Estimate]
    arms: int

    @classmethod
    def of(cls, kind: str, panel: Panel, settings: dict[str, Any]) -> Composition:
        """Estimate the overall effect in each way.

        Parameters
        ----------
        kind : str
            two_by_two, event_study or staggered.
        panel : Panel
            All units.
        settings : dict
            Of the kind.

        Returns
        -------
        Composition
        """
        if kind == "staggered":
            panel = with_base(panel, settings.get("anticipation", 0))
        complete = (panel.n > 0).all(axis=1)
        ratio = settings.get("scale", "difference") == "ratio"
        ways: dict[str, Callable[[], Estimate]] = {
            "within": lambda: _within(kind, panel, settings, ratio),
            "balanced": lambda: _balanced(kind, panel, settings, complete),
            "cross_sections": lambda: _of_means(kind, panel, settings),
        }
        found = {}
        for name, way in ways.items():
            try:
                found[name] = way()
            except XMError:
                continue
        return cls(found, len(np.unique(panel.start)))

    def p(self, one: str, other: str) -> float:
        """Return the p value of no difference between two ways; NaN where one of them is not to be had."""
        if not {one, other} <= set(self.estimates):
            return np.nan
        a, b = self.estimates[one], self.estimates[other]
        df = len(a.pull) - self.arms
        variance = float(((a.pull - b.pull) ** 2).sum()) * len(a.pull) / max(df, 1)
        gap, own = abs(a.value - b.value), float((a.pull**2).sum())
        if variance <= 1e-20 * own:
            return 1.0 if gap**2 <= 1e-20 * own else 0.0
        return float(2 * special.stdtr(df, -gap / np.sqrt(variance)))

    @property
    def facts(self) -> dict[str, float]:
        """Return the estimates, composition_p (means of those present against the same units) and attrition_p (balanced)."""
        values = {f"effect_{name}": estimate.value for name, estimate in self.estimates.items()}
        same = "within" if "within" in self.estimates else "balanced"
        return values | {
            "composition_p": self.p(same, "cross_sections"), "attrition_p": self.p("within", "balanced"),
        }  # fmt: skip


def composition(kind: str, layout: Layout, settings: dict[str, Any]) -> tuple[dict[str, Any], list[Concern]]:
    """Compare the ways to deal with units that lack periods.

    Parameters
    ----------
    kind : str
        Of the analysis.
    layout : Layout
        What is compared.
    settings : dict
        Of the kind.

    Returns
    -------
    facts : dict
        As `Composition.facts`; empty where no unit lacks a period, or the kind has one way only.
    concerns : list of Concern
        What differs beyond chance.
    """
    panel, rows = layout.every, layout.why == "rows" and settings.get("weight", "units") != "rows"
    if kind not in CHOICE or layout.why == "complete" or rows or panel.covariates.shape[2]:
        return {}, []
    facts = Composition.of(kind, panel, settings).facts
    concerns = []
    if facts["composition_p"] < PRETREND_LEVEL:
        same = "within" if "effect_within" in facts else "balanced"
        case = {"within": "same", "balanced": "complete", "cross_sections": "present"}[layout.compared]
        named = {
            "p": facts["composition_p"], "same": facts[f"effect_{same}"], "present": facts["effect_cross_sections"],
        }  # fmt: skip
        concerns.append(Concern(f"composition_{case}", named))
    if facts["attrition_p"] < PRETREND_LEVEL:
        named = {"p": facts["attrition_p"], "same": facts["effect_within"], "complete": facts["effect_balanced"]}
        concerns.append(Concern("attrition", named))
    return facts, concerns


def _of_means(kind: str, panel: Panel, settings: dict[str, Any]) -> Estimate:
    """Return the effect from the means of the units present."""
    design = Design.of(kind, panel, settings | {"within": False, "clustered": True})
    if design is None:
        raise AssertionError("kinds without a design are refused before")
    means = CohortMeans.of(design.value, design.weight, design.start)
    weights, _ = design.weights(means.starts, means.units, means.size)
    if ((weights != 0) & (means.size <= 0)).any():
        raise InsufficientData("An arm is not seen in a period that the effect needs.")
    code = np.searchsorted(means.starts, design.start)
    share = (weights / np.where(means.size > 0, means.size, 1.0))[code] * design.weight
    slope = 1.0 if design.link is None else design.link(means.mean, means.size)[1][code]
    pull = (share * slope * (np.nan_to_num(design.value) - np.nan_to_num(means.mean)[code])).sum(axis=1)
    return Estimate(float((weights * np.nan_to_num(means.linked(design.link).mean)).sum()), pull)


def _within(kind: str, panel: Panel, settings: dict[str, Any], ratio: bool) -> Estimate:
    """Return the effect from changes of the same units, which a ratio of means does not have."""
    if ratio:
        raise InsufficientData("Changes within units have no ratio scale.")
    weight = settings.get("weight", "units")
    if kind == "two_by_two":
        return _joined([before_after_change(panel, weight)], np.ones(1), len(panel.units))
    anticipation, base = settings.get("anticipation", 0), settings.get("base")
    if kind == "event_study":
        first = int(panel.cohorts[0])
        changes = dated_changes(panel, weight, first - 1 - anticipation, base or "last")
        late = (np.arange(len(changes)) >= first).astype(float)
        if base == "all":
            late = (np.arange(len(changes)) == len(panel.periods)).astype(float)
        return _joined(changes, late / late.sum(), len(panel.units))
    starts, units = np.unique(panel.start, return_counts=True)
    each = observation_weights(panel, weight)
    size = np.array([each[panel.start == start].sum(axis=0) for start in starts])
    pairs = comparisons(size, starts, settings["control"], anticipation, base or "varying", panel.periods.when)
    every = paired_changes(panel, weight, pairs, fixed=True)
    kept = np.array([k for k, change in enumerate(every) if change is not None], dtype=np.int64)
    left = pairs.only(kept)
    if not left.after.any():
        raise InsufficientData("No effect after treatment is left.")
    share = (units / units.sum())[np.searchsorted(starts, left.cohort)]
    weights, _ = overall_weights(left, share, settings.get("overall", "simple"))
    return _joined([change for change in every if change is not None], weights, len(panel.units))


def _joined(changes: list[Change], weights: Array, units: int) -> Estimate:
    pull = np.zeros(units)
    for change, weight in zip(changes, weights.tolist(), strict=True):
        pull[change.unit] += weight * change.pull
    return Estimate(float(weights @ [change.estimate for change in changes]), pull)


def _balanced(kind: str, panel: Panel, settings: dict[str, Any], complete: NDArray[np.bool_]) -> Estimate:
    """Return the effect from the means of the units seen in every period; the others pull nothing."""
    if set(panel.start[complete].tolist()) != set(panel.start.tolist()):
        raise InsufficientData("A cohort has no unit that is seen in every period.")
    estimate, pull = _of_means(kind, panel.only(complete), settings), np.zeros(len(complete))
    pull[complete] = estimate.pull
    return Estimate(estimate.value, pull)
