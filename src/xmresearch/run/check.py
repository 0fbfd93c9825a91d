"""Say what a run would do, without fitting anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from xmresearch.errors import CodebookError, nearest
from xmresearch.params.attribution import AttributionParams
from xmresearch.params.did import DidParams
from xmresearch.params.servqual import ServqualParams
from xmresearch.params.survey import SurveyParams
from xmresearch.run.manifest import is_whole
from xmresearch.run.study import plan_run

if TYPE_CHECKING:
    from xmresearch.data.survey import Survey


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
        What `run_study` would raise before it fits anything.
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
        survey.response(params.invited)
        examined = resolve_name(params.checker)(params, survey) if params.checker else []
        facts = survey.summary()
        what = f"{len(survey.codebook.columns)} items"
        if isinstance(params, ServqualParams):
            _check_servqual(params, survey)
            what = f"{facts['statements']} statements in {facts['dimensions']} dimensions, {params.bootstrap} bootstrap replicates"
        lines.append(
            f"Data: {facts['received']} respondents from {facts['source']}, {facts['n']} after screening"
            f" (effective n {facts['n_eff']:.0f}); {facts['missing_share']:.1f} % of the ratings are blank."
        )
        for rule in survey.log.rules.to_dict("records"):
            if rule["flagged"]:
                done = f"{rule['removed']} left out" if rule["removed"] else rule["action"]
                lines.append(f"Screening: {rule['rule']} found {rule['flagged']} ({done}).")
        lines += examined
        by = f", by {', '.join(survey.segments)}" if survey.segments else ""
        lines.append(f"Would run: {params.notebook}, {what}{by}.")
        if survey.notes:
            lines.append(f"Not asked in this survey: {', '.join(survey.notes)}.")
    state = "is at hand already" if is_whole(plan.folder) else "would be computed"
    lines.append(f"Result {plan.identity.key} {state}.")
    return "\n".join(lines)


def _check_servqual(params: ServqualParams, survey: Survey) -> None:
    """Refuse a survey without pairs of answers, and an outcome that it does not have."""
    from xmresearch.data.survey import require_pairs

    require_pairs(survey.codebook)
    if params.outcome is not None and params.outcome not in survey.codebook.names("outcome"):
        raise CodebookError(
            f"Codebook '{survey.codebook.name}' has no outcome item '{params.outcome}'.",
            nearest(params.outcome, survey.codebook.names("outcome")),
        )
