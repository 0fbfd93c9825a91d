"""Treatments that did not take place: earlier dates, and other units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.panel import Panel

Array = NDArray[np.float64]
Index = NDArray[np.int64]
_TIE = 1e-9


def earlier_dates(panel: Panel, anticipation: int = 0) -> Iterator[tuple[Any, Panel]]:
    """Move adoption to every earlier date that leaves a period before it, on data from before the real one.

    Parameters
    ----------
    panel : Panel
        The data.
    anticipation : int
        Periods before treatment that are not data from before treatment either.

    Yields
    ------
    label
        The placebo date where there is one adoption date; minus the periods that every cohort is moved where there are more.
    Panel
        With one adoption date, the periods before treatment; with more, treated units lose theirs from treatment on.
    """
    if len(panel.cohorts) == 1:
        cut = panel.until(int(panel.cohorts[0]) - anticipation)
        for first in range(1 + anticipation, len(cut.periods)):
            yield cut.periods.labels[first], replace(cut, start=np.where(panel.treated, first, len(cut.periods)))
        return
    treated = panel.treated
    before = panel.hiding(treated[:, None] & (np.arange(len(panel.periods)) >= panel.start[:, None] - anticipation))
    for shift in range(anticipation + 1, int(panel.cohorts[-1]) - anticipation):
        start = np.where(treated, panel.start - shift, panel.start)
        yield -shift, replace(before, start=np.maximum(start, 0))


def reassigned(start: Index, most: int, rng: np.random.Generator) -> tuple[Index, bool]:
    """Give the first treated periods to other units, as many to each as before.

    Parameters
    ----------
    start : ndarray
        First treated period of each unit, shape (U,).
    most : int
        Assignments.
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray
        Shape (R, U): every other assignment where there are no more than `most`, otherwise `most` at random.
    bool
        Whether these are all.
    """
    labels, counts = np.unique(start, return_counts=True)
    total, left = 1, len(start)
    for count in counts.tolist():
        total, left = total * comb(left, count), left - count
    if total - 1 > most:
        return np.array([rng.permutation(start) for _ in range(most)], dtype=np.int64).reshape(most, len(start)), False
    every = np.array(list(_arrangements(list(range(len(start))), labels.tolist(), counts.tolist(), len(start))))
    return every[(every != start).any(axis=1)], True


def _arrangements(free: list[int], labels: list[int], counts: list[int], units: int) -> Iterator[Index]:
    if len(labels) == 1:
        yield np.full(units, labels[0], dtype=np.int64)
        return
    for chosen in combinations(free, counts[0]):
        rest = [u for u in free if u not in chosen]
        for found in _arrangements(rest, labels[1:], counts[1:], units):
            found[list(chosen)] = labels[0]
            yield found


def randomisation_p(observed: float, others: Array) -> float:
    """Return the share of assignments, the real one included, whose effect is at least as far from zero.

    Parameters
    ----------
    observed : float
        The real assignment's effect.
    others : ndarray
        Effects of other assignments, shape (R,); NaN where there is none.

    Returns
    -------
    float
        Exact for all assignments, and valid for a random choice of them.

    References
    ----------
    Phipson, B. & Smyth, G. K. (2010). Permutation p-values should never be zero. Statistical Applications in Genetics and
    Molecular Biology, 9(1), 39.
    """
    others = others[np.isfinite(others)]
    as_far = np.abs(others) >= abs(observed) * (1 - _TIE)
    return float((1 + as_far.sum()) / (1 + len(others)))
