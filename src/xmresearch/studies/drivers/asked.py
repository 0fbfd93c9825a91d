"""What a survey asked that bears on drivers: their scores, the outcome, stated importance, Kano pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook
from xmresearch.data.survey import Survey
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, nearest
from xmresearch.psychometrics.batteries import dimension_scores
from xmresearch.sampling.designs import Design
from xmresearch.sampling.survey_designs import SurveySample
from xmresearch.studies.drivers.params import DriversParams

Array = NDArray[np.float64]
IMPORTANT_PART = 5 / 6
"""Ratings in the uppermost sixth of a scale count as high where params do not say otherwise: 6 and 7 of 1 to 7."""


@dataclass(frozen=True, repr=False)
class Asked(Shown):
    """Columns of a survey by what they are for.

    Attributes
    ----------
    drivers : DataFrame
        One column per driver, shape (n, K).
    outcome : Series
    also : DataFrame
        Further scores that tell something of what is blank.
    importance : DataFrame or None
        Ratings of importance of the same drivers; None where not asked of all, or asked as points to share out.
    functional, dysfunctional : DataFrame or None
        Kano answers by statement.
    most : dict of str to float
        Highest value of each driver.
    middle : float
        Of the drivers' scale.
    weights, clusters : ndarray or None
    design : Design or None
        Of the sample, whose weights and clusters those are.
    important, satisfied : float
        Ratings from which on something is important, and people are satisfied with it.
    """

    drivers: pd.DataFrame
    outcome: pd.Series
    also: pd.DataFrame
    importance: pd.DataFrame | None
    functional: pd.DataFrame | None
    dysfunctional: pd.DataFrame | None
    most: dict[str, float]
    middle: float
    weights: Array | None
    clusters: NDArray[Any] | None
    important: float
    satisfied: float
    design: Design | None = None

    @property
    def names(self) -> list[str]:
        """Names of the drivers."""
        return [str(c) for c in self.drivers.columns]


def outcome_of(params: DriversParams, book: Codebook) -> str:
    """Return the outcome that the params name, or the codebook's first.

    Raises
    ------
    CodebookError
        The codebook has no outcome, or not that one.
    """
    names = book.names("outcome")
    if not names:
        raise CodebookError(
            f"Codebook '{book.name}' has no outcome item, so nothing is driven.",
            "Give the overall satisfaction, or the like, the kind 'outcome'.",
        )
    if params.outcome is not None and params.outcome not in names:
        raise CodebookError(
            f"outcome: codebook '{book.name}' has no outcome item '{params.outcome}'.", nearest(params.outcome, names)
        )
    return params.outcome or names[0]


def driver_names(params: DriversParams, book: Codebook) -> list[str]:
    """Return the drivers that the params ask for: dimensions with a perception item, or statements.

    Raises
    ------
    CodebookError
        There are fewer than two.
    """
    if params.drivers == "statement":
        names = book.statements("perception")
    else:
        names = [d for d in book.constructs if book.names("perception", d)]
    if len(names) < 2:
        raise CodebookError(
            f"Codebook '{book.name}' has {len(names)} {params.drivers}(s) with a perception item; drivers are two or more.",
            "Give the rated aspects the kind 'perception'.",
        )
    return names


def asked(params: DriversParams, survey: Survey, sample: SurveySample | None = None) -> Asked:
    """Sort a survey's columns by what they are for.

    Parameters
    ----------
    params : DriversParams
        Of the study.
    survey : Survey
        Checked and screened.
    sample : SurveySample, optional
        How its respondents were drawn.

    Returns
    -------
    Asked

    Raises
    ------
    CodebookError
        No outcome, or fewer than two drivers.
    """
    book, frame = survey.codebook, survey.frame
    names, outcome = driver_names(params, book), outcome_of(params, book)
    scores = _scores(params, survey, "perception", names)
    others = [dimension_scores(frame, book, kind, params.min_answered) for kind in ("expectation", "minimum")]
    rest = [c for c in book.names("outcome") if c != outcome]
    scale = book.select("perception")[0].scale
    rated = book.statements("importance", "perception")
    stated = None
    if rated and (params.drivers == "statement" or set(rated) >= set(book.statements("perception"))):
        stated = _scores(params, survey, "importance", names) if set(names) <= _covered(params, book) else None
    pairs = book.statements("functional", "dysfunctional")
    kano = [
        frame[[book.item(kind, s).name for s in pairs]].set_axis(pairs, axis=1) if pairs else None
        for kind in ("functional", "dysfunctional")
    ]
    high = (
        scale.minimum + IMPORTANT_PART * (scale.maximum - scale.minimum)
        if params.important is None
        else params.important
    )
    design = None if sample is None else sample.design
    weights: Array | None = survey.weights
    clusters: NDArray[Any] | None = survey.clusters
    if sample is not None and design is not None:
        weights = design.weights
        clusters = design.stages[0].units if sample.drawn.params.clusters else None
    return Asked(
        scores, frame[outcome], pd.concat([*others, frame[rest]], axis=1), stated, kano[0], kano[1],
        dict.fromkeys(names, scale.maximum), scale.middle, weights, clusters, high, high, design,
    )  # fmt: skip


def _covered(params: DriversParams, book: Codebook) -> set[str]:
    """Return the drivers whose importance was rated by statement."""
    if params.drivers == "statement":
        return set(book.statements("importance", "perception"))
    return {str(c.construct) for c in book.select("importance") if c.statement is not None}


def _scores(params: DriversParams, survey: Survey, kind: str, names: list[str]) -> pd.DataFrame:
    book, frame = survey.codebook, survey.frame
    if params.drivers == "statement":
        return frame[[book.item(kind, s).name for s in names]].set_axis(names, axis=1)
    return dimension_scores(frame, book, kind, params.min_answered)[names]
