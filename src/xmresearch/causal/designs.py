"""One entry to difference-in-differences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.causal.adjusted import require_telling
from xmresearch.causal.composition import composition
from xmresearch.causal.families import COUNTED
from xmresearch.causal.kinds import CLUSTERS, KINDS, TRIPLE, choose_kind, require_options
from xmresearch.causal.layout import CHOICE, Layout, lay_out
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import DidResult
from xmresearch.causal.triple import triple_panel
from xmresearch.causal.unit_clusters import unit_clusters
from xmresearch.display import Shown
from xmresearch.errors import ModelError, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.sufficient.cells import Cells

if TYPE_CHECKING:
    import polars as pl


@on_one_thread
def did(
    data: pd.DataFrame | pl.LazyFrame | Cells,
    *,
    outcome: str | None = None,
    unit: str | None = None,
    time: str | None = None,
    treated_from: Any = None,
    treated: str | Collection[Any] | None = None,
    cohort: str | None = None,
    third: str | None = None,
    kind: str = "auto",
    family: str = "gaussian",
    covariates: Sequence[str] = (),
    period: str | None = None,
    levels: Sequence[float] = (),
    missing_codes: Sequence[float] = (),
    weights: str | None = None,
    cluster: str | None = None,
    inference: str = "auto",
    control: str = "notyet",
    compare: str = "auto",
    anticipation: int = 0,
    smallest: float = 0.0,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
    **options: Any,
) -> DidResult:
    """Estimate what a change did, by difference-in-differences.

    Parameters
    ----------
    data : DataFrame, polars.LazyFrame or Cells
        Rows of persons, answers or units; a LazyFrame is streamed. Cells already know outcome, unit, time and assignment.
    outcome : str
        Column of the outcome.
    unit : str, optional
        What was treated or not, such as a branch; left out, arms are compared row by row.
    time : str
        Numbers, dates, an ordered category, or text such as '2025-03'. Event times count steps of the smallest distance
        between periods.
    treated_from : number, str or date, optional
        First treated period of all treated units. This and cohorts may be of another form than the periods: a day counts from
        the period that holds it, a quarter from the month that it starts with; a concern says so.
    treated : str or collection, optional
        Column of 0 and 1: who is treated at some time (with `treated_from`), or who is treated now (without); or the labels of
        the treated units.
    cohort : str, optional
        Column of the first treated period, blank or 0 for never; instead of `treated`.
    third : str, optional
        Column of 1 (rows that the change could affect) and 0 (rows of the same units and periods that it could not), for triple
        differences: the outcome of a unit and period is the difference of the two means.
    kind : str
        two_by_two, event_study, staggered, hierarchical, synthetic_control (few treated units), or auto: by the number of
        adoption dates and periods.
    family : str
        gaussian, bernoulli, ordinal, nps (0-10) or count.
    covariates : sequence of str
        Columns to adjust for (kind staggered, also with one adoption date).
    period : str, optional
        day, week, month, quarter or year, into which dates of `time` are put. Left out, they stay as they are, unless there are
        more than 31 less than a week apart: these are put into months, or weeks if they span less than half a year, and a
        concern says so.
    levels : sequence of float
        Lowest and highest possible outcome, such as (1, 5), or all answers in order. Of family ordinal it may be left out
        where the answers that were given have no gap.
    missing_codes : sequence of float
        Outcomes that stand for no answer, such as 99: counted, and left out.
    weights : str, optional
        Column of what each row counts, above 0: the inverse of its chance to be in the sample, or the people behind an aggregated
        row. Means of a unit and period are weighted by it, and so are units with weight='rows'; rows as observations (cluster
        'none', kind hierarchical) count as Kish's effective rows.
    cluster : str, optional
        'unit', 'none' (two_by_two only), or a column of what units lie in, such as the region, whose units share shocks; left out,
        intervals are clustered by unit unless each arm has one. Kinds hierarchical and synthetic_control know no other than units.
    inference : str
        'exact' (closed form), 'nuts' (sampled in PyMC), or auto: exact wherever there is a closed form, which is all but kind
        hierarchical. Kind two_by_two of rows (cluster 'none') has both.
    control : str
        'notyet' or 'never', for kind staggered.
    compare : str
        Where units lack some periods: 'within' (changes of the same units), 'balanced' (only units seen in every period),
        'cross_sections' (means of the units present, which mix composition with change), or 'auto': within where the same units
        come back, cross_sections where they do not (see `xmresearch.causal.layout.lay_out`). What was chosen and why are the
        facts `compared` and `compared_why`; where the ways can be compared, diagnostics and concerns say whether they differ.
    anticipation : int
        Periods before treatment in which the outcome may already react.
    smallest : float
        Smallest effect worth acting on, in units of the outcome (percentage points of NPS for family nps; of its log, or
        log odds, with the option scale='ratio' of kinds event_study and staggered).
    confidence : float
        Of the intervals.
    draws, seed : int
        Posterior draws and their seed.
    **options
        Of the kind: variance, prior_scale (two_by_two); base (event_study, staggered); overall, cohort_weights, shrink, adjust
        (staggered); prior_scale, tune, chains (hierarchical); method, replications (synthetic_control); weight ('units' or
        'rows').

    Returns
    -------
    DidResult

    Raises
    ------
    ParamsError
        An option has no such value.
    DataError
        A column is missing or holds what it cannot; the assignment contradicts itself; treatment switches off.
    InsufficientData
        Nobody is untreated, no period lies before or after treatment, or an arm is not seen.
    ModelError
        The kind does not fit the data.

    Examples
    --------
    >>> did(frame, outcome="satisfaction", unit="branch", time="month", treated="kiosk", treated_from="2025-03")
    ... # doctest: +SKIP

    References
    ----------
    Callaway, B. & Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time periods. Journal of Econometrics,
    225(2), 200-230. Roth, J., Sant'Anna, P. H. C., Bilinski, A. & Poe, J. (2023). What's trending in difference-in-differences?
    Journal of Econometrics, 235(2), 2218-2244.
    """
    plan = prepare(
        data, outcome=outcome, unit=unit, time=time, treated_from=treated_from, treated=treated, cohort=cohort, third=third,
        kind=kind, family=family, covariates=covariates, period=period, levels=levels, missing_codes=missing_codes, weights=weights,
        cluster=cluster, inference=inference, control=control, compare=compare, anticipation=anticipation,
        smallest=smallest, confidence=confidence, draws=draws, seed=seed, **options,
    )  # fmt: skip
    found = _analysed(plan.kind, plan.panel, plan.settings)
    facts, concerns = composition(plan.kind, plan.layout, plan.settings)
    return replace(found, facts=found.facts | plan.layout.facts | facts, concerns=(*found.concerns, *concerns))


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """What `did` would fit.

    Attributes
    ----------
    kind, why : str
        The kind, and why it was chosen.
    panel : Panel
        The data.
    settings : dict
        Of the kind.
    layout : Layout
        What is compared where units lack periods.
    """

    kind: str
    why: str
    panel: Panel
    settings: dict[str, Any]
    layout: Layout


def prepare(data: pd.DataFrame | pl.LazyFrame | Cells, **settings: Any) -> Plan:
    """Hold data and settings against each other and choose the kind, without fitting.

    Parameters
    ----------
    data, **settings
        As `did` takes them.

    Returns
    -------
    Plan

    Raises
    ------
    XMError
        As `did`, but for what only the kind itself can find.
    """
    usual = did.__kwdefaults__ or {}
    s = SimpleNamespace(**(usual | {name: value for name, value in settings.items() if name in usual}))
    require_options(s)
    panel = _clustered(data, _panel(data, s), s)
    name, why = (s.kind, "asked for") if s.kind != "auto" else choose_kind(panel, s.cluster)
    if panel.sides and name not in TRIPLE:
        raise ParamsError(f"Kind '{name}' takes no third difference.", f"Use one of {', '.join(TRIPLE)}.")
    if name == "staggered" and panel.covariates.shape[2]:
        require_telling(panel, data.covariates if isinstance(data, Cells) else s.covariates)
    common: dict[str, Any] = {
        "smallest": float(s.smallest), "confidence": s.confidence, "draws": s.draws, "seed": s.seed, "chosen": why,
    }  # fmt: skip
    if panel.clusters is not None and name not in CHOICE:
        raise ParamsError(
            f"Kind '{name}' is clustered by unit, not by '{s.cluster}'.", f"Use one of {', '.join(CHOICE)}."
        )
    if name == "two_by_two":
        common["clustered"] = None if s.cluster is None else s.cluster != "none"
    if name not in ("two_by_two", "synthetic_control"):
        common["anticipation"] = s.anticipation
    elif s.anticipation:
        raise ParamsError(
            f"Kind '{name}' knows no anticipation.", "Give the first period that may react as the start of treatment."
        )
    if name == "staggered":
        common["control"] = s.control
    elif s.control == "never" and len(panel.cohorts) > 1:
        raise ParamsError(f"Kind '{name}' does not choose its controls.", "Use kind='staggered', or leave control out.")
    if name == "two_by_two" and s.inference == "nuts":
        common["inference"] = s.inference
    elif s.inference not in ("auto", "nuts" if name == "hierarchical" else "exact"):
        other = "is sampled by NUTS" if name == "hierarchical" else "has a closed form"
        raise ParamsError(f"Kind '{name}' {other}; inference is '{s.inference}'.", "Leave it out.")
    if name != "staggered" and panel.covariates.shape[2]:
        raise ParamsError(f"Kind '{name}' does not adjust for covariates.", "Use kind='staggered', which does.")
    if name != "two_by_two" and s.cluster == "none":
        raise ParamsError(f"Kind '{name}' is always clustered by unit.", "Leave cluster out, or use kind='two_by_two'.")
    if name in CHOICE:
        common["within"] = False
    options = {option: value for option, value in settings.items() if option not in usual}
    known = set(KINDS[name].__kwdefaults__ or {}) - set(common)
    for option in options:
        if option not in known:
            raise ParamsError(f"Kind '{name}' has no option '{option}'.", nearest(option, sorted(known)))
    layout = lay_out(panel, name, s.compare, common | options)
    if name in CHOICE:
        common["within"] = layout.compared == "within"
    return Plan(name, why, layout.panel, common | options, layout)


def _clustered(data: pd.DataFrame | pl.LazyFrame | Cells, panel: Panel, s: SimpleNamespace) -> Panel:
    """Return the panel with the clusters that its units lie in."""
    if s.cluster in (None, *CLUSTERS, s.unit):
        return panel
    if isinstance(data, Cells):
        raise ParamsError(f"Cells do not know the clusters '{s.cluster}'.", "Give rows.")
    return replace(panel, cluster=s.cluster, clusters=unit_clusters(data, s.cluster, s.unit, panel.units))


def _panel(data: pd.DataFrame | pl.LazyFrame | Cells, s: SimpleNamespace) -> Panel:
    """Lay the data out by unit and period."""
    listed = None if s.treated is None or isinstance(s.treated, str) else s.treated
    if isinstance(data, Cells):
        if s.third is not None:
            raise ParamsError(
                "Cells do not know which rows a change could affect.", "Give rows for triple differences."
            )
        return Panel.of(data, s.family, s.treated_from, listed)
    if s.outcome is None or s.time is None:
        raise ParamsError("did() needs the columns of the outcome and of time.", "Give outcome= and time=.")
    columns: dict[str, Any] = {
        "outcome": s.outcome, "unit": s.unit, "time": s.time, "cohort": s.cohort,
        "treated": s.treated if isinstance(s.treated, str) else None, "counts": s.family in COUNTED,
        "covariates": s.covariates, "period": s.period, "levels": s.levels, "missing_codes": s.missing_codes, "weights": s.weights,
    }  # fmt: skip
    if s.third is None:
        return Panel.of(Cells.of(data, **columns), s.family, s.treated_from, listed)
    return triple_panel(data, s.third, s.family, s.treated_from, listed, **columns)


@on_one_thread
def refit(result: DidResult, panel: Panel | None = None, **changes: Any) -> DidResult:
    """Analyse again with other data or settings.

    Parameters
    ----------
    result : DidResult
        From `did`.
    panel : Panel, optional
        Other data; the same if left out.
    **changes
        Settings of the kind that differ, such as draws, seed or anticipation.

    Returns
    -------
    DidResult

    Raises
    ------
    ModelError
        The result does not come from `did`.
    """
    if result.panel is None:
        raise ModelError("Only a result of did() can be fitted again.", "Call did().")
    return _analysed(result.kind, result.panel if panel is None else panel, result.settings | changes)


def _analysed(kind: str, panel: Panel, settings: dict[str, Any]) -> DidResult:
    return replace(KINDS[kind](panel, **settings), panel=panel, settings=settings)
