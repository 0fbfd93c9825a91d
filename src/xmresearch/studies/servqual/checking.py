"""Hold a SERVQUAL study's params against its survey before anything is fitted."""

from __future__ import annotations

from xmresearch.data.survey import Survey
from xmresearch.errors import CodebookError, ParamsError, Problems, nearest
from xmresearch.psychometrics.overall import importance_basis
from xmresearch.psychometrics.performance_scores import require_target
from xmresearch.sampling.survey_designs import survey_sample
from xmresearch.studies.design_lines import design_lines
from xmresearch.studies.servqual.forms import form_of
from xmresearch.studies.servqual.params import ServqualParams
from xmresearch.studies.servqual.waves import waves_of_study
from xmresearch.studies.survey import describe_survey


def check_study(params: ServqualParams, survey: Survey) -> list[str]:
    """Check pairs of answers, the outcome and the design of the sample; what `xmresearch check` calls.

    Parameters
    ----------
    params : ServqualParams
        Of the study.
    survey : Survey
        Checked and screened.

    Returns
    -------
    list of str
        Lines that a reader should know before the run.

    Raises
    ------
    CodebookError
        An expectation without its perception, or the other way round; an outcome that the survey does not have.
    ParamsError
        A target where expectations or gaps were asked.
    DataError, InsufficientData
        Waves cannot be compared; weights cannot have the margins that are asked for; the sample leaves no degree of freedom.
    """
    facts = survey.summary()
    made = "from statistics" if survey.streamed else f"{params.bootstrap} bootstrap replicates"
    what = f"{facts['statements']} statements in {facts['dimensions']} dimensions, {made}"
    return describe_survey(params, survey, lambda: _examined(params, survey), what)


def _examined(params: ServqualParams, survey: Survey) -> list[str]:
    book, problems = survey.codebook, Problems()
    lines: list[str] = []
    with problems.step():
        form = form_of(book)
        lines += [line for line in [form.line()] if line is not None]
        if form.perceptions is not None:
            require_target(book, params.target)
        elif params.target is not None:
            raise ParamsError(
                "target: it is of perceptions alone, and this codebook has gaps.",
                "Leave it out: a gap's target is zero.",
            )
    if params.outcome is not None and params.outcome not in book.names("outcome"):
        problems.errors.append(
            CodebookError(
                f"outcome: codebook '{book.name}' has no outcome item '{params.outcome}'.",
                nearest(params.outcome, book.names("outcome")),
            )
        )
    with problems.step():
        params = params.for_survey(survey)
        waves = waves_of_study(survey, params)
        lines += [] if waves is None else [waves.line()]
    with problems.step():
        sample = survey_sample(survey, min_cell=params.min_cell)
        lines += design_lines(sample) if sample is not None else []
    problems.settle()
    basis = importance_basis(book)
    if basis["case"] != "partial":
        return lines
    note = f"Note: importance was not asked of {', '.join(basis['unasked'])}, so dimensions are not weighted by it."
    return [*lines, note]
