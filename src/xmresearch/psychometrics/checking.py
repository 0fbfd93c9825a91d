"""Hold a SERVQUAL study's params against its survey before anything is fitted."""

from __future__ import annotations

from typing import Protocol

from xmresearch.data.survey import Survey, require_pairs
from xmresearch.errors import CodebookError, Problems, nearest
from xmresearch.psychometrics.overall import importance_basis


class Request(Protocol):
    """What the params of a SERVQUAL study ask for."""

    outcome: str | None


def check_study(params: Request, survey: Survey) -> list[str]:
    """Check pairs of answers and the outcome; what `xmresearch check` calls.

    Parameters
    ----------
    params : Request
        Such as the params of the study.
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
