"""What a fit does before it estimates: build the model, settle the estimator, check and reduce the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.display import Shown
from xmresearch.errors import DataError, ModelError, nearest
from xmresearch.sem.bootstrap import LEAST_REPLICATES
from xmresearch.sem.model import Model, build_model
from xmresearch.sem.robust import Estimator
from xmresearch.sem.row_design import Columns, require_design
from xmresearch.sem.samples import (
    Data,
    Grouped,
    Missing,
    category_counts,
    continuous_samples,
    ordinal_samples,
    split,
)  # fmt: skip
from xmresearch.sem.scales import named, with_codes, with_scales
from xmresearch.sem.syntax import Term, parse_model
from xmresearch.sufficient.available_moments import item_moments
from xmresearch.sufficient.moments import Moments

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Prepared(Shown):
    """A model and what it will be fitted to.

    Attributes
    ----------
    model : Model
        Completed.
    estimator : str
        As settled: WLSMV where variables are ordered.
    samples : list
        What is fitted to, by group.
    rows : list of ndarray
        The rows used, by group; none for ordered variables.
    sparse : int
        Pairs of ordered variables with empty cells.
    total : int
        Rows given, of all groups.
    """

    model: Model
    estimator: Estimator
    samples: list[Any]
    rows: list[Array]
    sparse: int
    total: int


def prepared(
    model: str, data: Data, estimator: Estimator, ordered: Sequence[str] | str | bool, missing: Missing, group: str | None = None,
    equal: tuple[Sequence[str], Sequence[str]] = ((), ()), bootstrap: int = 0, sampled: Columns = (None, None),
    std_lv: bool = False, orthogonal: bool = False,
) -> Prepared:  # fmt: skip
    """Do all that `fit` does before it estimates anything, and so refuse all that it refuses because of model or data.

    Parameters
    ----------
    model, data, estimator, ordered, missing, group, bootstrap, std_lv, orthogonal
        As for `xmresearch.sem.fitting.fit`.
    equal : pair of sequence of str
        `group_equal` and `group_partial`.
    sampled : pair of str or None
        `sampling_weights` and `cluster`.

    Returns
    -------
    Prepared

    Raises
    ------
    ModelError, DataError, InsufficientData
        As for `xmresearch.sem.fitting.fit`.
    """
    terms = parse_model(model)
    ordered = [ordered] if isinstance(ordered, str) else ordered
    if ordered and isinstance(data, pd.DataFrame):
        data = with_codes(data, ordered if isinstance(ordered, Sequence) else named(terms))
    given = len(data) if isinstance(data, StreamedAnswers) else None
    if isinstance(data, StreamedAnswers):
        data, group = _reduced(data, terms, group), None
    grouped = split(data, group)
    require_design(data, sampled)
    if std_lv or orthogonal:
        terms = with_scales(terms, len(grouped.groups), equal[0], std_lv=std_lv, orthogonal=orthogonal)
    built, settled = _build(terms, grouped, estimator, ordered, equal, missing, sampled)
    _check_request(built, grouped, settled, missing, bootstrap)
    _check_identified(built)
    total = sum(t.n if not isinstance(t, pd.DataFrame) else len(t) for t in grouped.tables)
    if built.categories:
        of_ordered, sparse = ordinal_samples(grouped, built.observed)
        return Prepared(built, settled, list(of_ordered), [], sparse, total)
    samples, rows = continuous_samples(grouped, built.observed, built.exogenous, missing, built.means, sampled)
    return Prepared(built, settled, list(samples), rows, 0, total if given is None else given)


def _reduced(answers: StreamedAnswers, terms: Sequence[Term], group: str | None) -> Moments | dict[str, Moments]:
    """Return the moments of the rows that are complete in a model's variables."""
    items = [name for name in answers.items if name in named(terms)]
    if group is not None and group not in answers.segments:
        raise DataError(f"The data have no column '{group}'.", nearest(group, answers.columns))
    found = item_moments(answers, items, group)
    return found[""] if group is None else found


def check_settings(
    estimator: str, missing: str, interval: str, bootstrap: int, confidence: float, *equalities: object
) -> None:
    """Refuse settings that are none, before they are taken for others.

    Parameters
    ----------
    estimator, missing, interval, bootstrap, confidence
        As for `xmresearch.sem.fitting.fit`.
    *equalities
        `group_equal` and `group_partial`.

    Raises
    ------
    ModelError
        The message names the setting.
    """
    for name, given, known in (
        ("estimator", estimator, get_args(Estimator)), ("missing", missing, get_args(Missing)),
        ("interval", interval, ("percentile", "bca")),
    ):  # fmt: skip
        if given not in known:
            raise ModelError(f"{name} is {given!r}; it must be one of {', '.join(known)}.")
    if not 0 < confidence < 1:
        raise ModelError(f"confidence is {confidence}; it must lie between 0 and 1.")
    if bootstrap and bootstrap < LEAST_REPLICATES:
        raise ModelError(f"bootstrap is {bootstrap}; it needs at least {LEAST_REPLICATES} replicates, or 0 for none.")
    if any(isinstance(e, str) for e in equalities):
        raise ModelError("group_equal and group_partial are lists of names.", "Write ['loadings'], not 'loadings'.")


def _build(
    terms: Sequence[Term], grouped: Grouped, estimator: Estimator, ordered: Sequence[str] | bool,
    equal: tuple[Sequence[str], Sequence[str]], missing: Missing, sampled: Columns,
) -> tuple[Model, Estimator]:  # fmt: skip
    """Complete the model, and settle the estimator: WLSMV where variables are ordered, MLR with weights or clusters."""
    many = len(grouped.groups) > 1
    designed = sampled != (None, None)
    if designed and (ordered or estimator not in ("ML", "MLR")):
        what = "Ordered variables cannot have" if ordered else f"Estimator {estimator} knows no"
        raise ModelError(
            f"{what} weights and clusters here.",
            "Use MLR with the answers as continuous, or leave the weights and clusters out.",
        )
    settings: dict[str, Any] = {"groups": grouped.groups, "group_equal": equal[0], "group_partial": equal[1]}
    built = build_model(terms, grouped.columns, means=many or missing == "fiml" or sampled[1] is not None, **settings)
    if not ordered:
        if estimator == "WLSMV":
            raise ModelError("Estimator WLSMV is for ordered variables.", "Name them in `ordered`.")
        return built, "MLR" if designed else estimator
    names = built.observed if ordered is True else tuple(ordered)
    unknown = [v for v in names if v not in grouped.columns]
    if unknown:
        raise DataError(f"The data have no variable '{unknown[0]}'.", nearest(unknown[0], grouped.columns))
    other = [v for v in built.observed if v not in names]
    if other:
        raise ModelError(
            f"'{other[0]}' is not ordered but other variables of the model are; they cannot be mixed here.",
            "Name all observed variables in `ordered`, or none.",
        )
    if estimator not in ("ML", "WLSMV"):
        raise ModelError(f"Estimator {estimator} is for continuous variables.", "Ordered ones are fitted by WLSMV.")
    if missing == "fiml":
        raise ModelError("Full information is for continuous variables; ordered ones use complete rows.")
    if not grouped.has_rows:
        raise DataError("Ordered variables need rows; moments hold no thresholds.")
    counts = category_counts(grouped, built.observed)
    return build_model(terms, grouped.columns, means=many, categories=counts, **settings), "WLSMV"


def _check_request(model: Model, grouped: Grouped, estimator: Estimator, missing: Missing, bootstrap: int) -> None:
    if model.df < 0:
        raise ModelError(
            f"The model is not identified: {model.n_free} free parameters for {model.n_free + model.df} moments "
            f"(df = {model.df}).",
            "Fix or remove parameters, or add indicators.",
        )
    if not grouped.has_rows:
        for asked, what in (
            (estimator != "ML", f"Estimator {estimator}"), (missing == "fiml", "Full information"),
            (bootstrap > 0, "The bootstrap"),
        ):  # fmt: skip
            if asked:
                raise DataError(f"{what} needs rows; moments are not enough for it.")
    if missing == "fiml" and estimator in ("MLM", "MLMV"):
        raise ModelError(f"Estimator {estimator} needs complete rows.", "With missing='fiml', use ML or MLR.")
    if bootstrap and (missing == "fiml" or model.categories):
        raise ModelError("The bootstrap is for complete rows of continuous variables.", "Use MLR or WLSMV.")


def _check_identified(model: Model) -> None:
    """Name a factor that the model's structure cannot identify, before anything is estimated."""
    for factor in model.latent:
        items = [q for q in model.in_group(0) if q.op == "=~" and q.lhs == factor]
        variance = next(q for q in model.in_group(0) if q.op == "~~" and q.lhs == q.rhs == factor)
        if variance.value is None and all(q.value is None for q in items) and not any(q.label for q in items):
            raise ModelError(
                f"The model is not identified: neither a loading nor the variance of '{factor}' is fixed, so it has no "
                "scale.",
                "Fix a loading or the variance to 1.",
            )
