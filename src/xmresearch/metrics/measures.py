"""What is made of an answer: a net score, a share of top boxes, a mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import quantile
from xmresearch.sampling.net_scores import DETRACTOR, PROMOTER

Array = NDArray[np.float64]
Kind = Literal["net", "share", "mean"]


@dataclass(frozen=True, repr=False)
class Measure(Shown):
    """A score of every answer; the measure is their weighted mean.

    Attributes
    ----------
    name : str
        Such as nps.
    kind : str
        net (-100, 0 and 100), share (0 and 1) or mean (any numbers).
    levels : ndarray
        Answers of the scale, in order, shape (K,).
    values : ndarray
        Score of each, shape (K,).
    """

    name: str
    kind: Kind
    levels: Array
    values: Array

    @property
    def span(self) -> float:
        """Width of the scale of the measure."""
        return float(self.values.max() - self.values.min())

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value that the measure can have."""
        return float(self.values.min()), float(self.values.max())

    def added(self, confidence: float) -> tuple[Array, Array]:
        """Return the scores of the answers that adjusted intervals add, and how many of each.

        Net scores take Rocks' three answers; shares half the squared normal quantile at either end (Agresti and Coull), whose
        interval is then Wilson's.

        Parameters
        ----------
        confidence : float
            Level.

        Returns
        -------
        values, number : ndarray
            Shape (added kinds,).
        """
        if self.kind == "net":
            return np.array([-100.0, 0.0, 100.0]), np.array([0.75, 1.5, 0.75])
        half = quantile(confidence) ** 2 / 2
        return np.array([0.0, 1.0]), np.array([half, half])


def net_promoter_measure(lowest: float = 0, highest: float = 10) -> Measure:
    """Return the Net Promoter Score: promoters (9, 10) less detractors (up to 6), in points.

    Parameters
    ----------
    lowest, highest : float
        Of the scale as it was asked: 0 and 10; 1 and 10 where it is declared so.

    Returns
    -------
    Measure

    Raises
    ------
    DataError
        The scale is neither 0 to 10 nor 1 to 10; one from 1 to 11 is that from 0 to 10 coded one too high.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review, 81 (12), 46-54.
    """
    if (lowest, highest) == (1, 11):
        raise DataError(
            "A scale from 1 to 11 is that from 0 to 10 coded one too high: read so, every group of answers would be shifted.",
            "Take 1 from every answer, or export the answers as they were shown.",
        )
    if highest != 10 or lowest not in (0, 1):
        raise DataError(
            f"A Net Promoter Score needs a scale from 0 to 10, not {lowest:g} to {highest:g}.",
            "Use top boxes or a mean for another scale; the difference of two items is another measure, not this one.",
        )
    levels = np.arange(lowest, highest + 1, dtype="float64")
    values = 100.0 * ((levels >= PROMOTER).astype("float64") - (levels <= DETRACTOR))
    return Measure("nps", "net", levels, values)


def net_recommendation_measure() -> Measure:
    """Return the net recommendation: the share who would recommend less the share who would advise against, in points.

    Two items are asked of the same people, so the variance is not the sum of two shares': it is that of the difference of each person's
    two answers, 1, 0 or -1. It is no Net Promoter Score, which is made of one scale from 0 to 10.

    Returns
    -------
    Measure
        Of answers -1, 0 and 1.

    References
    ----------
    Agresti, A. & Min, Y. (2005). Simple improved confidence intervals for comparing matched proportions. Statistics in Medicine, 24,
    729-740.
    """
    levels = np.array([-1.0, 0.0, 1.0])
    return Measure("net_recommendation", "net", levels, 100.0 * levels)


def top_boxes(levels: ArrayLike, boxes: int = 2, *, lowest_is_best: bool = False) -> Measure:
    """Return the share of the best answers of a scale, as the satisfaction rate is.

    Parameters
    ----------
    levels : array_like
        Answers of the scale, shape (K,).
    boxes : int
        How many of the best count.
    lowest_is_best : bool
        Whether the scale runs from the best answer to the worst.

    Returns
    -------
    Measure

    Raises
    ------
    DataError
        Boxes are none, or all answers.

    References
    ----------
    ISO 10004:2018. Quality management: customer satisfaction, guidelines for monitoring and measuring, annex D.
    """
    scale = np.unique(np.asarray(levels, dtype="float64"))
    if not 0 < boxes < len(scale):
        raise DataError(
            f"{boxes} top boxes of a scale with {len(scale)} answers.", "Take at least one and not all of them."
        )
    best = scale[:boxes] if lowest_is_best else scale[-boxes:]
    return Measure(f"top_{boxes}", "share", scale, np.isin(scale, best).astype("float64"))


def answers_in(levels: ArrayLike, counted: Sequence[float], name: str = "share") -> Measure:
    """Return the share of given answers, as first-contact resolution is.

    Parameters
    ----------
    levels : array_like
        Answers of the scale, shape (K,).
    counted : sequence of float
        Those that count.
    name : str
        Of the measure.

    Returns
    -------
    Measure

    Raises
    ------
    DataError
        An answer that counts is not on the scale, or none or all of them count.

    References
    ----------
    Newcombe, R. G. (1998). Two-sided confidence intervals for the single proportion. Statistics in Medicine, 17, 857-872.
    """
    scale = np.unique(np.asarray(levels, dtype="float64"))
    kept = np.isin(scale, counted)
    if len(set(counted)) != kept.sum() or not 0 < kept.sum() < len(scale):
        raise DataError("The answers that count must be on the scale, and be some but not all of it.")
    return Measure(name, "share", scale, kept.astype("float64"))


def mean_score(levels: ArrayLike, name: str = "mean") -> Measure:
    """Return the mean answer of a scale, as that of customer effort is.

    Parameters
    ----------
    levels : array_like
        Answers of the scale, shape (K,).
    name : str
        Of the measure.

    Returns
    -------
    Measure

    Raises
    ------
    DataError
        The scale has fewer than two answers.

    References
    ----------
    Dixon, M., Freeman, K. & Toman, N. (2010). Stop trying to delight your customers. Harvard Business Review, 88 (7), 116-122.
    """
    scale = np.unique(np.asarray(levels, dtype="float64"))
    if len(scale) < 2:
        raise DataError("A scale needs two answers at least.")
    return Measure(name, "mean", scale, scale.copy())
