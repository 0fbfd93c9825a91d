"""What the kinds of difference-in-differences estimate from changes within units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.att import AttPosterior, Comparisons, draw_shares
from xmresearch.causal.cohort_means import CohortMeans, observation_weights
from xmresearch.causal.panel import Panel
from xmresearch.causal.within import Change, WithinPosterior, pair_change, regression_change, within_posterior
from xmresearch.errors import InsufficientData

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def before_after_change(panel: Panel, weight: str) -> Change:
    """Return the effect of one adoption date by two-way fixed effects: unit, period, and treated from the date on.

    Parameters
    ----------
    panel : Panel
        One adoption date.
    weight : str
        'units' or 'rows' count equally.

    Returns
    -------
    Change

    Raises
    ------
    InsufficientData
        Treatment cannot be told from unit and period effects.
    """
    late = np.arange(int(panel.cohorts[0]), len(panel.periods))
    return _fitted(panel, weight, [late], np.ones(1, dtype=bool))


def dated_changes(panel: Panel, weight: str, reference: int, base: str) -> list[Change]:
    """Return the effect in each period, and their mean after one adoption date where it is relative to all periods before.

    Parameters
    ----------
    panel : Panel
        One adoption date.
    weight : str
        'units' or 'rows' count equally.
    reference : int
        Last period before treatment and its anticipation, to which the effects are relative.
    base : str
        'last' or 'all', as in `event_study`.

    Returns
    -------
    list of Change
        By period, that of the reference being zero; with base 'all' one more: the mean of the coefficients of treatment in each
        period after adoption, in a regression on unit and period effects.

    Raises
    ------
    InsufficientData
        An arm has no unit that is seen in a period and in the reference.
    """
    start, periods = int(panel.cohorts[0]), len(panel.periods)
    each, arm = observation_weights(panel, weight), (~panel.treated).astype(np.int64)
    found = []
    for t in range(periods):
        change = _nothing() if t == reference else pair_change(panel.value, each, arm, t, reference)
        if change is None:
            raise InsufficientData(
                f"An arm has no unit that is seen both in {panel.periods.labels[t]!s} and in {panel.periods.labels[reference]!s}, "
                "so no change within units can be seen.",
                "Use compare='cross_sections', or kind 'two_by_two'.",
            )
        found.append(change)
    if base == "all":
        turned = np.arange(reference + 1, periods)
        found.append(_fitted(panel, weight, [turned[k : k + 1] for k in range(len(turned))], turned >= start))
    return found


def dated_posterior(panel: Panel, weight: str, reference: int, base: str) -> WithinPosterior:
    """Return the posterior of the effect in each period and, last, of the mean effect after one adoption date.

    Parameters
    ----------
    panel, weight, reference, base
        As in `dated_changes`.

    Returns
    -------
    WithinPosterior
        Of T + 1 effects.

    Raises
    ------
    InsufficientData
        As `dated_changes`.
    """
    periods = len(panel.periods)
    late = np.arange(periods) >= int(panel.cohorts[0])
    changes = dated_changes(panel, weight, reference, base)
    later = np.append(late, np.ones(len(changes) - periods, dtype=bool))
    each = observation_weights(panel, weight)
    found = within_posterior(changes, panel.value, each, panel.start, later, panel.clusters)
    return found if base == "all" else found.mapped(np.column_stack([np.eye(periods), late / late.sum()]))


def paired_changes(panel: Panel, weight: str, pairs: Comparisons, fixed: bool) -> list[Change | None]:
    """Return each group-time effect from the units that are seen in its period and in its base period.

    Parameters
    ----------
    panel : Panel
        Staggered adoption.
    weight : str
        'units' or 'rows' count equally.
    pairs : Comparisons
        Which effects.
    fixed : bool
        The controls' cohorts are strata of fixed size, and not a sample of cohorts.

    Returns
    -------
    list of Change or None
        Length A; None where no unit of an arm is seen in both.
    """
    each = observation_weights(panel, weight)
    code = np.searchsorted(np.unique(panel.start), panel.start) + 1 if fixed else np.ones(len(panel.start), np.int64)
    found = []
    for k in range(len(pairs.time)):
        stratum = np.where(pairs.controls(panel.start, k), code, -1)
        stratum[panel.start == pairs.cohort[k]] = 0
        found.append(pair_change(panel.value, each, stratum, int(pairs.time[k]), int(pairs.base[k])))
    return found


def paired_att(
    panel: Panel, weight: str, pairs: Comparisons, means: CohortMeans, cohort_weights: str, draws: int,
    rng: np.random.Generator,
) -> tuple[AttPosterior, int]:  # fmt: skip
    """Draw the group-time effects from the posterior of changes within units.

    Parameters
    ----------
    panel, weight, pairs
        As in `paired_changes`.
    means : CohortMeans
        Units of the cohorts.
    cohort_weights, draws, rng
        As in `att_from_means`.

    Returns
    -------
    AttPosterior
    int
        Effects left out since no unit of an arm is seen in both periods.

    Raises
    ------
    ParamsError
        There is no such weighting.
    InsufficientData
        No effect after treatment is left.
    """
    share, shares = draw_shares(means.units, cohort_weights, draws, rng)
    every = paired_changes(panel, weight, pairs, cohort_weights == "fixed")
    kept = np.array([k for k, change in enumerate(every) if change is not None], dtype=np.int64)
    left = pairs.only(kept)
    if not left.after.any():
        raise InsufficientData(
            "No cohort has units that are seen both before treatment and after, so no change within units can be seen.",
            "Use compare='cross_sections'.",
        )
    changes = [change for change in every if change is not None]
    each = observation_weights(panel, weight)
    found = within_posterior(changes, panel.value, each, panel.start, left.after, panel.clusters)
    own = np.searchsorted(means.starts, left.cohort)
    post = AttPosterior(left, found.estimate, found.draw(draws, rng), share[own], shares[:, own], found.pulls, found.df)
    return post, len(every) - len(changes)


def _fitted(panel: Panel, weight: str, turned: list[Index], counted: NDArray[np.bool_]) -> Change:
    change = regression_change(panel.value, observation_weights(panel, weight), panel.treated, turned, counted)
    if change is None:
        raise InsufficientData(
            "Treatment cannot be told from unit and period effects: too few units are seen both before it and after.",
            "Use compare='cross_sections'.",
        )
    return change


def _nothing() -> Change:
    """Return the effect in the reference period."""
    none = np.empty(0, dtype=np.int64)
    return Change(0.0, none, np.empty(0), np.empty((0, 1)), np.zeros(1, np.int64), none, np.empty(0, dtype=bool))
