"""Hold a study's params against its panel before anything is fitted."""

from __future__ import annotations

from xmresearch.causal.att import BASES as STAGGERED_BASES
from xmresearch.causal.designs import Plan, prepare
from xmresearch.causal.event_study import BASES as EVENT_BASES
from xmresearch.causal.hierarchical import MOST_UNITS
from xmresearch.data.panel import PanelData
from xmresearch.errors import ModelError, ParamsError, Problems, nearest
from xmresearch.studies.did.params import DidParams
from xmresearch.studies.did.publishing import require_rows
from xmresearch.studies.survey import reading_lines
from xmresearch.sufficient.periods import written

BASES = {"event_study": EVENT_BASES, "staggered": STAGGERED_BASES}


def check_study(params: DidParams, panel: PanelData) -> list[str]:
    """Check columns, families, adoption and kind, without fitting anything; what `xmresearch check` calls.

    Parameters
    ----------
    params : DidParams
        Of the study.
    panel : PanelData
        Its rows.

    Returns
    -------
    list of str
        Lines that say what would be estimated.

    Raises
    ------
    XMError
        What the run would raise before it fits anything.
    """
    settings = params.did_settings()
    problems = Problems()
    plans: list[Plan] = []
    with problems.step():
        plans.append(prepare(panel.rows, **settings))
    for plan in plans:
        _check_plan(params, plan, problems)
    for outcome, own in params.further_outcomes().items():
        with problems.step():
            other = prepare(panel.rows, **(settings | {"outcome": outcome} | dict(own)))
            require_rows(other.panel, params.privacy()["min_cell"])
    problems.settle()
    plan = plans[0]
    facts = plan.panel.facts
    dates = [written(v) for v in facts["adoption"]]
    when = dates[0] if len(dates) == 1 else f"{len(dates)} dates, {dates[0]} to {dates[-1]}"
    lines = [
        *reading_lines(panel.table),
        f"Data: {facts['rows']:,d} rows of {facts['units']:,d} unit(s) in {facts['periods']} periods, "
        f"{written(facts['first_period'])} to {written(facts['last_period'])}; {facts['treated_units']:,d} treated from {when}.",
        f"Kind: {plan.kind} ({plan.why}), family {plan.panel.family}: change in {plan.panel.measure.name} of '{plan.panel.outcome}'.",
    ]
    layout = plan.layout.facts
    if layout["incomplete_units"]:
        lines.append(
            f"Compared: {layout['compared']} ({plan.layout.why}); {layout['incomplete_units']:,d} unit(s) lack periods."
        )
    more = ", each unit's effect by a hierarchical model" if params.branches else ""
    lines += [f"Note: {concern}" for concern in plan.panel.concerns]
    return [*lines, f"Would run: {params.draws} draws{more}."]


def _check_plan(params: DidParams, plan: Plan, problems: Problems) -> None:
    """Collect what the panel, once read, does not allow."""
    with problems.step():
        _require_kind(plan)
    if params.branches and len(plan.panel.units) > MOST_UNITS:
        problems.errors.append(
            ModelError(
                f"{len(plan.panel.units)} units are too many to estimate an effect for each; the most is {MOST_UNITS}.",
                "Set branches to false.",
            )
        )
    with problems.step():
        require_rows(plan.panel, params.privacy()["min_cell"])


def _require_kind(plan: Plan) -> None:
    """Refuse a kind that cannot be fitted to the data, and a base period that it does not have."""
    dates, base = len(plan.panel.cohorts), plan.settings.get("base")
    if dates > 1 and plan.kind in ("two_by_two", "event_study", "synthetic_control"):
        raise ModelError(f"Kind '{plan.kind}' needs one adoption date; there are {dates}.", "Use kind 'staggered'.")
    if base is not None and base not in BASES[plan.kind]:
        raise ParamsError(f"Kind '{plan.kind}' has no base '{base}'.", nearest(base, BASES[plan.kind]))
