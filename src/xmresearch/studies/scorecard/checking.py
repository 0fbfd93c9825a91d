"""Hold a scorecard's params against its survey before anything is scored."""

from __future__ import annotations

from xmresearch.data.survey import Survey
from xmresearch.metrics.expert_judgements import expert_weights
from xmresearch.metrics.indicator_trees import check_tree
from xmresearch.studies.scorecard.asked import asked_metrics
from xmresearch.studies.scorecard.banners import columns_tested
from xmresearch.studies.scorecard.breakdown import breakdown
from xmresearch.studies.scorecard.combined import index_of_groups
from xmresearch.studies.scorecard.distributions import filled_in
from xmresearch.studies.scorecard.index_sets import check_outcome
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.raters import raters_found
from xmresearch.studies.scorecard.rows import rows_of_waves
from xmresearch.studies.scorecard.tree import tree_params
from xmresearch.studies.survey import describe_survey


def check_study(params: ScorecardParams, survey: Survey) -> list[str]:
    """Check metrics, waves, benchmarks and judgements; what `xmresearch check` calls.

    Parameters
    ----------
    params : ScorecardParams
        Of the study.
    survey : Survey
        Checked and screened.

    Returns
    -------
    list of str
        Lines that a reader should know before the run.

    Raises
    ------
    XMError
        What the run would refuse.
    """
    return describe_survey(params, survey, lambda: _examined(params, survey), "a scorecard")


def _examined(params: ScorecardParams, survey: Survey) -> list[str]:
    asked = asked_metrics(params, survey.codebook)
    rows = rows_of_waves(survey, params, asked[0])
    columns_tested(rows, tuple(asked), params, survey)
    raters = raters_found(rows, tuple(asked), params, survey)
    if params.default_column is not None:
        filled_in(rows.frame[params.default_column], params.default_column)
    check_tree(*tree_params(params), [m.item for m in asked])
    check_outcome(params, survey.codebook)
    if params.index_weights is not None:
        index_of_groups(rows, tuple(asked), breakdown(rows, asked[0], params), params)
    if params.judgements is not None:
        expert_weights(params.judgements.table, [m.item for m in asked])
    lines = [f"Metrics: {', '.join(f'{m.item} ({m.measure.name})' for m in asked)}."]
    compared = f"{rows.after} against {rows.before}" if rows.before else "one wave, so no change can be told"
    lines.append(f"Waves: {len(rows.waves)}; {compared}.")
    if rows.left_out:
        lines.append(f"Left out: {rows.left_out} row(s) without a wave.")
    if raters is not None:
        facts = raters.summary()
        lines.append(f"Raters: {facts['items']} item(s); agreement can be estimated on {facts['known']}.")
    return lines
