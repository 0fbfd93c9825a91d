"""Say what a run would do, without fitting anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xmresearch.errors import CodebookError, nearest
from xmresearch.params.servqual import ServqualParams
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
        What `run_study` would raise before it fits anything.
    """
    from xmresearch.data.load import load_survey
    from xmresearch.data.survey import require_pairs

    plan = plan_run(params_file, overrides, lang=lang)
    params = plan.params
    lines = [f"Params are valid: study {params.study}, name {params.name}, language {params.lang}."]
    if isinstance(params, ServqualParams):
        survey = load_survey(**params.survey_settings(), base=plan.base)
        require_pairs(survey.codebook)
        survey.response(params.invited)
        if params.outcome is not None and params.outcome not in survey.codebook.names("outcome"):
            raise CodebookError(
                f"Codebook '{survey.codebook.name}' has no outcome item '{params.outcome}'.",
                nearest(params.outcome, survey.codebook.names("outcome")),
            )
        facts = survey.summary()
        lines.append(
            f"Data: {facts['received']} respondents from {facts['source']}, {facts['n']} after screening"
            f" (effective n {facts['n_eff']:.0f}); {facts['missing_share']:.1f} % of the ratings are blank."
        )
        for rule in survey.log.rules.to_dict("records"):
            if rule["flagged"]:
                done = f"{rule['removed']} left out" if rule["removed"] else rule["action"]
                lines.append(f"Screening: {rule['rule']} found {rule['flagged']} ({done}).")
        lines.append(
            f"Would run: {params.notebook}, {facts['statements']} statements in {facts['dimensions']} dimensions, "
            f"{params.bootstrap} bootstrap replicates"
            + (f", by {', '.join(params.segments)}." if params.segments else ".")
        )
        if survey.notes:
            lines.append(f"Not asked in this survey: {', '.join(survey.notes)}.")
    state = "is at hand already" if is_whole(plan.folder) else "would be computed"
    lines.append(f"Result {plan.identity.key} {state}.")
    return "\n".join(lines)
