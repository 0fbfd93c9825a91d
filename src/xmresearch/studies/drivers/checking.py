"""Hold the params of a study of drivers against its survey before anything is fitted."""

from __future__ import annotations

from xmresearch.data.survey import Survey
from xmresearch.drivers.importance_fit import MOST_GRADES
from xmresearch.errors import DataError, ParamsError, Problems, nearest
from xmresearch.sampling.survey_designs import survey_sample
from xmresearch.studies.design_lines import design_lines
from xmresearch.studies.drivers.asked import driver_names, outcome_of
from xmresearch.studies.drivers.params import DriversParams
from xmresearch.studies.survey import describe_survey

NPS_SCALE = (0.0, 10.0)


def check_study(params: DriversParams, survey: Survey) -> list[str]:
    """Check outcome, drivers and costs; what `xmresearch check` calls.

    Parameters
    ----------
    params : DriversParams
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
        No outcome, not that outcome, or fewer than two drivers.
    ParamsError
        Costs of what is no driver, or an NPS of an outcome that is not asked from 0 to 10.
    DataError
        An outcome with too many grades, or that is not binary. Of several errors, all.
    """
    what = f"drivers of one outcome, {params.bootstrap} bootstrap replicates"
    return describe_survey(params, survey, lambda: examine(params, survey), what)


def examine(params: DriversParams, survey: Survey) -> list[str]:
    """Hold outcome, drivers, costs and target against the survey; raises as `check_study` does."""
    book, problems = survey.codebook, Problems()
    names: list[str] = []
    outcome = ""
    with problems.step():
        names = driver_names(params, book)
    with problems.step():
        outcome = outcome_of(params, book)
    for name in params.costs if names else ():
        if name not in names:
            problems.errors.append(ParamsError(f"costs: there is no driver '{name}'.", nearest(name, names)))
    if outcome:
        column = book.column(outcome)
        if params.target == "nps" and (column.scale.minimum, column.scale.maximum) != NPS_SCALE:
            problems.errors.append(
                ParamsError(
                    f"target: an NPS is of answers from 0 to 10; '{outcome}' is asked from {column.scale.minimum:g} to "
                    f"{column.scale.maximum:g}.",
                    "Use target mean or top_box, or correct the codebook's scale.",
                )
            )
        distinct = survey.frame[outcome].nunique()
        if params.outcome_kind == "binary" and distinct != 2:
            problems.errors.append(
                DataError(f"outcome_kind: '{outcome}' has {distinct} values, so it is not binary.", "Use ordinal.")
            )
        if params.outcome_kind == "ordinal" and distinct > MOST_GRADES:
            problems.errors.append(
                DataError(
                    f"outcome_kind: '{outcome}' has {distinct} values; an ordinal outcome has at most {MOST_GRADES}.",
                    "Use numeric.",
                )
            )
    lines: list[str] = []
    with problems.step():
        sample = survey_sample(survey, min_cell=params.min_cell)
        lines += design_lines(sample) if sample is not None else []
    problems.settle()
    kano = len(book.statements("functional", "dysfunctional"))
    also = f"; {kano} Kano pairs" if kano else ""
    return [*lines, f"Drivers of '{outcome}' ({params.outcome_kind}): {len(names)} {params.drivers}s{also}."]
