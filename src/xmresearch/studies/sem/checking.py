"""Hold a study's params against its model and data before anything is fitted."""

from __future__ import annotations

import pandas as pd

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.survey import Survey
from xmresearch.disclosure import telling
from xmresearch.errors import InsufficientData, ModelError, Problems, nearest
from xmresearch.sem.catalogue import model_text
from xmresearch.sem.measurement import measurement_model
from xmresearch.sem.model import Model, build_model
from xmresearch.sem.pls_model import read_model
from xmresearch.sem.pls_rows import usable_rows
from xmresearch.sem.preparation import prepared
from xmresearch.sem.samples import FEWEST_ROWS
from xmresearch.sem.syntax import parse_model
from xmresearch.sem.total_effects import check_chains, structural
from xmresearch.sem.what_if import items_of
from xmresearch.studies.sem.params import SemParams
from xmresearch.studies.sem.sampled_rows import design_lines
from xmresearch.studies.survey import describe_survey
from xmresearch.sufficient.available_moments import item_moments


def check_request(request: SemParams, frame: pd.DataFrame) -> list[str]:
    """Check a study's models, outcomes, chains and groups, without fitting anything.

    Parameters
    ----------
    request : SemParams
        Of the study.
    frame : DataFrame
        The survey's rows, with weights and clusters where the params name them.

    Returns
    -------
    list of str
        Lines that say what would be fitted.

    Raises
    ------
    ModelError
        A model, outcome, chain, gain or marker that cannot be.
    DataError, InsufficientData
        Data that a model cannot be fitted to; a group with too few complete rows. Of several such, all.
    """
    problems = Problems()
    built: list[Model] = []
    with problems.step():
        text = model_text(request.model)
        built.append(build_model(parse_model(text), [str(c) for c in frame.columns]))
    if built:
        _check_names(request, built[0], frame, problems)
        _check_data(request, text, built[0], frame, problems)
    for rival in request.rivals.values():
        with problems.step():
            _check_fit(request, model_text(rival), frame)
    problems.settle()
    return [
        f"Model: {len(built[0].latent)} constructs, {len(built[0].observed)} items, {built[0].n_free} parameters, "
        f"{built[0].df} degrees of freedom."
    ]


def _check_names(request: SemParams, built: Model, frame: pd.DataFrame, problems: Problems) -> None:
    """Collect an error for everything that params name and the model does not have."""
    known = structural(built)
    for what, names in (("outcomes", request.outcomes), ("shifts", request.shifts)):
        for name in names if known else ():
            with problems.step():
                if name not in known:
                    raise ModelError(
                        f"{what} has '{name}', which is in no regression of the model.", nearest(name, known)
                    )
                items_of(built, name)
    with problems.step():
        caused = {q.lhs for q in built.in_group(0) if q.op == "~"}
        if known and not caused & set(request.outcomes) and set(request.outcomes) <= set(known):
            raise ModelError(f"Nothing in the model drives {', '.join(request.outcomes)}.", "Add a regression.")
    for chain in request.mediation:
        with problems.step():
            check_chains(built, [chain])
    for name in request.marker:
        with problems.step():
            if name not in frame.columns:
                raise ModelError(f"marker has '{name}', which is no column.", nearest(name, map(str, frame.columns)))
            if name in built.observed and request.estimator != "WLSMV":
                raise ModelError(
                    f"marker has '{name}', which is part of the model.", "A marker is unrelated to the model."
                )


def _check_data(request: SemParams, text: str, built: Model, frame: pd.DataFrame, problems: Problems) -> None:
    """Collect an error for every analysis that the data do not allow."""
    measured = ""
    with problems.step():
        _check_fit(request, text, frame, bootstrap=request.bootstrap)
    with problems.step():
        measured = measurement_model(text)
        _check_fit(request, measured, frame)
    if request.inference == "bayes":
        with problems.step():
            prepared(text, frame, "ML", (), "listwise")
    if request.pls:
        with problems.step():
            usable_rows(read_model(text, [str(c) for c in frame.columns], ()), frame)
    if request.group is None:
        return
    with problems.step():
        sizes = _complete(frame, built, request.group)
        least = max(len(built.observed) + 1, FEWEST_ROWS)
        small = {str(value): int(size) for value, size in sizes.items() if size < least}
        if small:
            raise InsufficientData(
                f"Groups of '{request.group}' with fewer than the {least} complete rows that the model needs: {telling(small)}.",
                "Join them with other groups, or leave them out.",
            )
        if measured:
            _check_fit(request, measured, frame, group=request.group)


def _complete(frame: pd.DataFrame, built: Model, group: str) -> pd.Series:
    """Return the complete rows of each group."""
    if isinstance(frame, StreamedAnswers):
        found = item_moments(frame, [name for name in frame.items if name in built.observed], group)
        return pd.Series({level: moments.n for level, moments in found.items()})
    return frame.dropna(subset=list(built.observed))[group].value_counts(sort=False)


def _check_fit(
    request: SemParams, text: str, frame: pd.DataFrame, *, group: str | None = None, bootstrap: int = 0
) -> None:
    """Do what a fit does before it estimates."""
    ordered = request.estimator == "WLSMV"
    sampled = (request.weight_column, request.cluster_column)
    prepared(text, frame, request.estimator, ordered, request.missing, group, bootstrap=bootstrap, sampled=sampled)


def check_study(params: SemParams, survey: Survey) -> list[str]:
    """Check the params of a study against its survey; what `xmresearch check` calls. Raises as `check_request` does."""
    frame = survey.sampled(params.weight_column, params.cluster_column)

    def examine() -> list[str]:
        return [*check_request(params.for_survey(survey), frame), *design_lines(survey)]

    return describe_survey(params, survey, examine)
