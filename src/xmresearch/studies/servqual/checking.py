"""Hold a SERVQUAL study's params against its survey before anything is fitted."""

from __future__ import annotations

from xmresearch.data.survey import Survey, require_pairs
from xmresearch.errors import CodebookError, Problems, nearest
from xmresearch.psychometrics.overall import importance_basis
from xmresearch.studies.servqual.params import ServqualParams
from xmresearch.studies.survey import describe_survey


def check_study(params: ServqualParams, survey: Survey) -> list[str]:
    """Check pairs of answers and the outcome; what `xmresearch check` calls.

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
    """
    facts = survey.summary()
    what = (
        f"{facts['statements']} statements in {facts['dimensions']} dimensions, {params.bootstrap} bootstrap replicates"
    )
    return describe_survey(params, survey, lambda: _examined(params, survey), what)


def _examined(params: ServqualParams, survey: Survey) -> list[str]:
    book, problems = survey.codebook, Problems()
    with problems.step():
        require_pairs(book)
    if params.outcome is not None and params.outcome not in book.names("outcome"):
        problems.errors.append(
            CodebookError(
                f"outcome: codebook '{book.name}' has no outcome item '{params.outcome}'.",
                nearest(params.outcome, book.names("outcome")),
            )
        )
    problems.settle()
    basis = importance_basis(book)
    if basis["case"] != "partial":
        return []
    return [f"Note: importance was not asked of {', '.join(basis['unasked'])}, so dimensions are not weighted by it."]
