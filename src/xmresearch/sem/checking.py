"""Hold a study's params against its model and data before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from xmresearch.errors import InsufficientData, ModelError, nearest
from xmresearch.sem.catalogue import model_text
from xmresearch.sem.effects import check_chains, structural
from xmresearch.sem.model import Model, build_model
from xmresearch.sem.samples import FEWEST_ROWS
from xmresearch.sem.syntax import parse_model


class Request(Protocol):
    """What the params of a structural equation study ask for."""

    model: str
    rivals: Mapping[str, str]
    outcomes: Sequence[str]
    shifts: Mapping[str, float]
    mediation: Sequence[Sequence[str]]
    marker: Sequence[str]
    group: str | None


def check_request(request: Request, frame: pd.DataFrame) -> list[str]:
    """Check a study's models, outcomes, chains and groups, without fitting anything.

    Parameters
    ----------
    request : Request
        Such as the params of the study.
    frame : DataFrame
        The survey's rows.

    Returns
    -------
    list of str
        Lines that say what would be fitted.

    Raises
    ------
    ModelError
        A model, outcome, chain, gain or marker that cannot be.
    InsufficientData
        A group with too few complete rows.
    """
    built = _checked(request.model, frame)
    for text in request.rivals.values():
        _checked(text, frame)
    known = structural(built)
    for what, names in (("outcomes", request.outcomes), ("shifts", request.shifts)):
        for name in names if known else ():
            if name not in known:
                raise ModelError(f"{what} has '{name}', which is in no regression of the model.", nearest(name, known))
    check_chains(built, request.mediation)
    for name in request.marker:
        if name not in frame.columns:
            raise ModelError(f"marker has '{name}', which is no column.", nearest(name, map(str, frame.columns)))
    if request.group is not None:
        sizes = frame.dropna(subset=list(built.observed))[request.group].value_counts(sort=False)
        least = max(len(built.observed) + 1, FEWEST_ROWS)
        small = [str(value) for value, size in sizes.items() if size < least]
        if small:
            raise InsufficientData(
                f"Group '{small[0]}' of '{request.group}' has {sizes[small[0]]} complete row(s); the model needs {least}.",
                "Join it with another group, or leave it out.",
            )
    return [
        f"Model: {len(built.latent)} constructs, {len(built.observed)} items, {built.n_free} parameters, "
        f"{built.df} degrees of freedom."
    ]


def _checked(given: str, frame: pd.DataFrame) -> Model:
    built = build_model(parse_model(model_text(given)), [str(c) for c in frame.columns])
    if built.df < 0:
        raise ModelError(f"The model is not identified: it has {-built.df} parameter(s) more than moments.")
    return built


def check_study(params: Any, survey: Any) -> list[str]:
    """Check the params of a study against its survey; what `xmresearch check` calls."""
    return check_request(params, survey.frame)
