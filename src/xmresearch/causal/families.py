"""What each kind of outcome measures, and whether the data are of that kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, ParamsError, nearest
from xmresearch.sampling.net_scores import DETRACTOR, PROMOTER
from xmresearch.sufficient.cells import Cells

Array = NDArray[np.float64]
FAMILIES = ("gaussian", "bernoulli", "ordinal", "nps", "count")
COUNTED = ("ordinal", "nps")
MAX_ANSWERS = 20
LARGEST = 10


@dataclass(frozen=True, repr=False)
class Measure(Shown):
    """One figure of an outcome that treatment may change.

    Attributes
    ----------
    name : str
        mean, probability, rate, top_box or nps.
    score : ndarray or None
        What each outcome category contributes, shape (K,); None for the outcome itself.
    """

    name: str
    score: Array | None = None


def require_family(cells: Cells, family: str) -> None:
    """Refuse outcomes that are outside their family, or that never vary.

    Parameters
    ----------
    cells : Cells
        The outcome.
    family : str
        One of `FAMILIES`.

    Raises
    ------
    ParamsError
        There is no such family.
    DataError
        The outcome is constant or outside the family, or the cells lack the counts that it needs.
    """
    if family not in FAMILIES:
        raise ParamsError(f"There is no outcome family '{family}'.", nearest(family, FAMILIES))
    what, low, high = f"Outcome '{cells.outcome}'", cells.low, cells.high
    seen = f"holds values from {low:g} to {high:g}"
    if low == high:
        raise DataError(f"{what} is {low:g} in every row.", "Choose an outcome that varies.")
    if cells.odd:
        codes = ", ".join(f"{v:g}" for v in cells.odd)
        raise DataError(
            f"{what} holds {codes}, far from its other values: perhaps a code for no answer.",
            f"If it is one, set missing_codes: [{codes}]; if not, declare the lowest and highest value: levels: [{low:g}, {high:g}].",
        )
    if family == "bernoulli" and not (cells.whole and low >= 0 and high <= 1):
        raise DataError(
            f"{what} {seen}, not only 0 and 1.",
            "Code it 0 and 1, declare codes for no answer as missing_codes, or use another family.",
        )
    if family == "count" and not (cells.whole and low >= 0):
        raise DataError(f"{what} {seen}, not only whole numbers of at least 0.", "Use family 'gaussian'.")
    if family == "nps" and not (cells.whole and low >= 0 and high <= LARGEST):
        raise DataError(
            f"{what} {seen}, not only whole numbers from 0 to {LARGEST}.",
            "Declare codes for no answer as missing_codes, or use family 'ordinal'.",
        )
    if family == "ordinal" and not cells.whole:
        raise DataError(f"{what} has fractions, so it is no ordered answer.", "Use family 'gaussian'.")
    if family in COUNTED and cells.counts is None:
        raise DataError(f"These cells hold no counts per answer, which family '{family}' needs.", "Use counts=True.")
    if family == "ordinal" and len(cells.categories) > MAX_ANSWERS:
        raise DataError(f"{what} has {len(cells.categories)} distinct values.", "Use family 'gaussian' or 'count'.")
    steps = np.diff(cells.categories)
    if family == "ordinal" and not len(cells.levels) and len(steps) and np.ptp(steps):
        answers = ", ".join(f"{v:g}" for v in cells.categories)
        raise DataError(
            f"{what} holds {answers}: there is a gap, so its levels are not known.",
            f"Declare them, such as levels: [{low:g}, {high:g}], and codes for no answer as missing_codes.",
        )


def answers(cells: Cells, family: str) -> Array:
    """Return the answers of a counted outcome in order, shape (K,).

    Parameters
    ----------
    cells : Cells
        The outcome.
    family : str
        One of `FAMILIES`.

    Returns
    -------
    ndarray
        All declared levels: from the lowest to the highest by ones, unless more than two were declared; of nps 0 to 10;
        otherwise those that were given.
    """
    levels = np.array([0.0, LARGEST]) if family == "nps" else cells.levels
    if family not in COUNTED or not len(levels):
        return cells.categories
    return np.arange(levels[0], levels[1] + 1) if len(levels) == 2 else levels


def measures(family: str, categories: Array) -> list[Measure]:
    """Return what a family reports, the main measure first.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    categories : ndarray
        Answers in order, shape (K,); used by ordinal and nps.

    Returns
    -------
    list of Measure
    """
    if family in ("gaussian", "bernoulli", "count"):
        return [Measure({"gaussian": "mean", "bernoulli": "probability", "count": "rate"}[family])]
    top = Measure("top_box", (categories == categories[-1]).astype(float))
    mean = Measure("mean", categories.astype(float))
    if family == "ordinal":
        return [mean, top]
    nps = 100.0 * ((categories >= PROMOTER).astype(float) - (categories <= DETRACTOR).astype(float))
    return [Measure("nps", nps), mean, top]
