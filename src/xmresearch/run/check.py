"""Say what a run would do, without fitting anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name

from xmresearch.errors import Problems
from xmresearch.params.attribution import AttributionParams
from xmresearch.params.did import DidParams
from xmresearch.params.servqual import ServqualParams
from xmresearch.params.survey import SurveyParams
from xmresearch.run.manifest import is_whole
from xmresearch.run.study import plan_run


def check_study(params_file: str | Path, overrides: Sequence[str] = (), *, lang: str | None = None) -> str:
    """Validate params and data, and describe the run.

    Parameters
    ----------
    params_file, overrides, lang
        As for `run_study`.

    Returns
    -------
    str
        Several lines: data, screening, analysis, and whether a result is at hand.

    Raises
    ------
    XMError
        What `run_study` would raise because of params or data; of steps that do not depend on one another, all at once.
    """
    plan = plan_run(params_file, overrides, lang=lang)
    params = plan.params
    lines = [f"Params are valid: study {params.study}, name {params.name}, language {params.lang}."]
    if isinstance(params, DidParams):
        from xmresearch.data.panel import load_panel

        lines += resolve_name(str(params.checker))(params, load_panel(params.data, plan.base))
        more = ", each unit's effect by a hierarchical model" if params.branches else ""
        lines.append(f"Would run: {params.notebook}, {params.draws} draws{more}.")
    if isinstance(params, AttributionParams):
        from xmresearch.data.touches import load_touches

        touches = load_touches(params.data, params.survey.data if params.survey else None, plan.base)
        lines += resolve_name(str(params.checker))(params, touches)
        order = f"order up to {params.max_order}" if params.order == "auto" else f"order {params.order}"
        lines.append(f"Would run: {params.notebook}, {order}, {params.draws} draws, {params.bootstrap} resamples.")
    if isinstance(params, SurveyParams):
        from xmresearch.data.load import load_survey

        survey = load_survey(**params.survey_settings(), base=plan.base)
        problems, examined = Problems(), []
        with problems.step():
            survey.response(params.invited)
        with problems.step():
            examined = resolve_name(str(params.checker))(params, survey)
        problems.settle()
        facts = survey.summary()
        lines.append(
            f"Data: {facts['received']} respondents from {facts['source']}, {facts['n']} after screening"
            f" (effective n {facts['n_eff']:.0f}); {facts['missing_share']:.1f} % of the ratings are blank."
        )
        for rule in survey.log.rules.to_dict("records"):
            if rule["flagged"]:
                done = f"{rule['removed']} left out" if rule["removed"] else rule["action"]
                lines.append(f"Screening: {rule['rule']} found {rule['flagged']} ({done}).")
        what = f"{len(survey.codebook.columns)} items"
        if isinstance(params, ServqualParams):
            what = f"{facts['statements']} statements in {facts['dimensions']} dimensions, {params.bootstrap} bootstrap replicates"
        lines += examined
        by = f", by {', '.join(survey.segments)}" if survey.segments else ""
        lines.append(f"Would run: {params.notebook}, {what}{by}.")
        if survey.notes:
            lines.append(f"Not asked in this survey: {', '.join(survey.notes)}.")
    state = "is at hand already" if is_whole(plan.folder) else "would be computed"
    lines.append(f"Result {plan.identity.key} {state}.")
    return "\n".join(lines)
