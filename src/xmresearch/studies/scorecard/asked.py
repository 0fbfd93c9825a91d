"""What a scorecard measures: the metrics that were asked for, or that scales are recognised as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook, Column
from xmresearch.data.survey import Survey
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, DataError, Problems, nearest
from xmresearch.metrics.measures import (
    Measure,
    answers_in,
    mean_score,
    net_promoter_measure,
    net_recommendation_measure,
    top_boxes,
)
from xmresearch.studies.scorecard.params import Benchmark, Metric, ScorecardParams

SMALLEST = {"net": 5.0, "share": 3.0, "mean": 0.2}
"""Smallest change that matters where the params name none: points, per cent, points of the scale."""
MOST_BOXED = 7
"""Widest scale whose two best answers are taken for satisfaction where the params name no measure."""


NET_RECOMMENDATION = "net_recommendation"
"""Column of the difference of two items, and key of its name."""


@dataclass(frozen=True, repr=False)
class Asked(Shown):
    """A metric of the scorecard.

    Attributes
    ----------
    item : str
        Column.
    measure : Measure
        What is made of it.
    factor : float
        What scores are multiplied by: 100 of shares, which are told in per cent.
    smallest : float
        Smallest change that matters.
    benchmarks : tuple of Benchmark
        What it is held against.
    columns : tuple of str
        Items that it is made of.
    """

    item: str
    measure: Measure
    factor: float
    smallest: float
    benchmarks: tuple[Benchmark, ...]
    columns: tuple[str, ...]

    @property
    def paired(self) -> bool:
        """Whether it is the difference of two items."""
        return self.item == NET_RECOMMENDATION

    @property
    def values(self) -> dict[float, float]:
        """Score of each answer, in the metric's units."""
        return dict(zip(self.measure.levels, self.measure.values * self.factor, strict=True))

    @property
    def step(self) -> float:
        """A full change of one person's score of a net score or share."""
        return 100.0

    @property
    def called(self) -> str:
        """Key of the words of its measure."""
        own = self.measure.name in ("enps", NET_RECOMMENDATION)
        kind = f"measure_{self.measure.name if own else self.measure.kind}"
        return f"{kind}_of_{self.item}" if kind == "measure_share" else kind

    @property
    def counted(self) -> str:
        """The answers that a share counts, as 4–5 or 1, 3."""
        levels, kept = self.measure.levels, np.flatnonzero(self.measure.values > 0)
        told = [f"{levels[k]:g}" for k in kept]
        return f"{told[0]}–{told[-1]}" if len(kept) > 1 and np.ptp(kept) == len(kept) - 1 else ", ".join(told)

    @property
    def unit(self) -> str:
        """Key of the words of its unit."""
        return f"unit_{self.measure.kind}"


def asked_metrics(params: ScorecardParams, book: Codebook) -> list[Asked]:
    """Return the metrics of a scorecard, the headline first.

    Parameters
    ----------
    params : ScorecardParams
        Of the study.
    book : Codebook
        The items and their scales.

    Returns
    -------
    list of Asked

    Raises
    ------
    CodebookError, DataError
        An item is not in the codebook, a scale does not suit its measure (one from 1 to 11 with the remedy), or no item is recognised.
    """
    given = params.metrics or _recognised(book)
    problems, found = Problems(), []
    names = [c.name for c in book.columns]
    for metric in given:
        with problems.step():
            if metric.item not in names:
                raise CodebookError(
                    f"metrics: codebook '{book.name}' has no item '{metric.item}'.", nearest(metric.item, names)
                )
            measure = _measure(metric, book.column(metric.item), book)
            smallest = SMALLEST[measure.kind] if metric.smallest_change is None else metric.smallest_change
            factor = 100.0 if measure.kind == "share" else 1.0
            name = NET_RECOMMENDATION if metric.against is not None else metric.item
            found.append(
                Asked(
                    name,
                    measure,
                    factor,
                    smallest,
                    tuple(metric.benchmarks),
                    tuple(c for c in (metric.item, metric.against) if c),
                )
            )
    problems.settle()
    return found


def scale_levels(column: Column) -> list[float]:
    """Return every answer of a scale of whole numbers."""
    low, high = column.scale.minimum, column.scale.maximum
    return [float(v) for v in np.arange(low, high + 1)]


def net_recommended(survey: Survey, metric: Metric) -> NDArray[np.float64]:
    """Return 1 of who would recommend, -1 of who would advise against, 0 of who would do neither or says both; NaN with a blank.

    Parameters
    ----------
    survey : Survey
        Screened.
    metric : Metric
        The two items; the higher of two answers is yes.

    Returns
    -------
    ndarray
        Shape (n,).
    """
    names = [n for n in (metric.item, metric.against) if n is not None]
    yes = [(survey.frame[n] - survey.codebook.column(n).scale.minimum).to_numpy(dtype="float64") for n in names]
    return np.asarray(yes[0] - yes[1], dtype="float64")


def _measure(metric: Metric, column: Column, book: Codebook) -> Measure:
    if metric.against is not None:
        for one in (column, book.column(metric.against)):
            if one.scale.maximum - one.scale.minimum != 1:
                raise CodebookError(
                    f"metrics: '{one.name}' has answers from {one.scale.minimum:g} to {one.scale.maximum:g}; a net recommendation is the "
                    "difference of two items that are answered yes or no.",
                    "Give two items with two answers each, the higher one yes; a scale from 0 to 10 makes a Net Promoter Score.",
                )
        if any(c.name == NET_RECOMMENDATION for c in book.columns):
            raise CodebookError(
                f"The codebook has an item '{NET_RECOMMENDATION}', which is the name of the measure.", "Rename it."
            )
        return net_recommendation_measure()
    low, high = column.scale.minimum, column.scale.maximum
    if low % 1 or high % 1:
        raise CodebookError(f"'{column.name}': a scorecard needs a scale of whole numbers, not {low:g} to {high:g}.")
    try:
        if metric.measure in ("nps", "enps"):
            return replace(net_promoter_measure(low, high), name=metric.measure)
        levels = scale_levels(column)
        if metric.measure == "top_boxes":
            return top_boxes(levels, metric.boxes, lowest_is_best=metric.lowest_is_best)
        return mean_score(levels) if metric.measure == "mean" else answers_in(levels, metric.counted)
    except DataError as error:
        raise DataError(f"metrics: '{column.name}': {error.problem}", error.hint) from None


def _recognised(book: Codebook) -> list[Metric]:
    """Recognise outcomes by their scales: 0 to 10 is a recommendation, short scales have top boxes, others a mean."""
    found: list[Metric] = []
    for column in book.select("outcome"):
        low, high = column.scale.minimum, column.scale.maximum
        if (low, high) in ((0, 10), (1, 11)):
            found.append(Metric(item=column.name, measure="nps"))
        else:
            few = high - low < MOST_BOXED
            found.append(Metric(item=column.name, measure="top_boxes" if few else "mean"))
    if not found:
        raise CodebookError(
            f"Codebook '{book.name}' has no outcome items, and the params name no metrics.",
            "Name the items under 'metrics', or give them the kind 'outcome' in the codebook.",
        )
    return sorted(found, key=lambda m: m.measure != "nps")[:10]


def facts_of(asked: Asked) -> dict[str, Any]:
    """Return what sentences say of a metric."""
    return {"metric": asked.item, "unit": asked.unit, "smallest": asked.smallest}
