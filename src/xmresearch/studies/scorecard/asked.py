"""What a scorecard measures: the metrics that were asked for, or that scales are recognised as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xmresearch.data.codebook import Codebook, Column
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, DataError, Problems, nearest
from xmresearch.metrics.measures import Measure, answers_in, mean_score, net_promoter_measure, top_boxes
from xmresearch.studies.scorecard.params import Benchmark, Metric, ScorecardParams

SMALLEST = {"net": 5.0, "share": 3.0, "mean": 0.2}
"""Smallest change that matters where the params name none: points, per cent, points of the scale."""
MOST_BOXED = 7
"""Widest scale whose two best answers are taken for satisfaction where the params name no measure."""


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
    """

    item: str
    measure: Measure
    factor: float
    smallest: float
    benchmarks: tuple[Benchmark, ...]

    @property
    def values(self) -> dict[float, float]:
        """Score of each answer, in the metric's units."""
        return dict(zip(self.measure.levels, self.measure.values * self.factor, strict=True))

    @property
    def step(self) -> float:
        """A full change of one person's score of a net score or share."""
        return 100.0

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
            measure = _measure(metric, book.column(metric.item))
            smallest = SMALLEST[measure.kind] if metric.smallest_change is None else metric.smallest_change
            factor = 100.0 if measure.kind == "share" else 1.0
            found.append(Asked(metric.item, measure, factor, smallest, tuple(metric.benchmarks)))
    problems.settle()
    return found


def scale_levels(column: Column) -> list[float]:
    """Return every answer of a scale of whole numbers."""
    low, high = column.scale.minimum, column.scale.maximum
    return [float(v) for v in np.arange(low, high + 1)]


def _measure(metric: Metric, column: Column) -> Measure:
    low, high = column.scale.minimum, column.scale.maximum
    if low % 1 or high % 1:
        raise CodebookError(f"'{column.name}': a scorecard needs a scale of whole numbers, not {low:g} to {high:g}.")
    try:
        if metric.measure == "nps":
            return net_promoter_measure(low, high)
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
