"""Weights scaled to the categories of one column (post-stratification) or of several in turn (raking)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xmresearch.errors import DataError
from xmresearch.sampling.calibration import Calibrated, calibrated
from xmresearch.sampling.designs import Design
from xmresearch.sampling.margins import targets

MAX_ROUNDS = 200
CLOSE = 1e-10
"""Raking goes on until every margin is met to this share; what misses one by a millionth after all rounds is refused."""


def post_stratify(design: Design, name: str, counts: Mapping[Any, float], *, size: float | None = None) -> Calibrated:
    """Scale the weights so that the categories of one column have the counts of the population.

    Parameters
    ----------
    design : Design
        Of the sample; its weights are the start, and stay in the variances.
    name : str
        Column.
    counts : mapping
        People in each category; shares, where their sum is 1.
    size : float, optional
        Size of the population, for shares; the sum of the weights if absent.

    Returns
    -------
    Calibrated

    Raises
    ------
    DataError
        A category of the data has no count, or one of the population has nobody in the data; a blank; shares that do not add up.

    References
    ----------
    Holt, D. & Smith, T. M. F. (1979). Journal of the Royal Statistical Society A, 142, 33-46.
    """
    whole = float(design.weights.sum()) if size is None else size
    dummies, levels, target = targets(design, name, counts, whole)
    factor = target / (design.weights @ dummies)
    rows = [{"variable": name, "level": v} for v in levels]
    return calibrated(design, design.weights * (dummies @ factor), dummies, rows, target, 1)


def rake(
    design: Design,
    margins: Mapping[str, Mapping[Any, float]],
    *,
    size: float | None = None,
    max_rounds: int = MAX_ROUNDS,
) -> Calibrated:
    """Scale the weights in turn until several columns have the counts of the population.

    Parameters
    ----------
    design : Design
        Of the sample; its weights are the start, and stay in the variances.
    margins : mapping of str to mapping
        By column: people in each category; shares, where their sum is 1.
    size : float, optional
        Size of the population, for shares; the sum of the weights if absent.
    max_rounds : int
        After which it gives up.

    Returns
    -------
    Calibrated

    Raises
    ------
    DataError
        As for `post_stratify`; the totals of two columns differ; no weights have all margins.

    Notes
    -----
    Variances are those of the residuals on the margins from a regression in which rows count alike, as in R's `rake`; `calibrate`
    with the raking distance gives the same weights, and weighs that regression by the weights before, as R's `calibrate` does.

    References
    ----------
    Deming, W. E. & Stephan, F. F. (1940). Annals of Mathematical Statistics, 11, 427-444. Deville, J.-C., Särndal, C.-E. & Sautory, O.
    (1993). JASA, 88, 1013-1020 (its variance is that of the residuals on the margins).
    """
    if not margins:
        raise DataError("margins: there is no column to rake to.")
    whole = float(design.weights.sum()) if size is None else size
    parts = {name: targets(design, name, counts, whole) for name, counts in margins.items()}
    totals = {name: float(target.sum()) for name, (_, _, target) in parts.items()}
    first = next(iter(totals.values()))
    for name, found in totals.items():
        if abs(found - first) > 1e-6 * first:
            raise DataError(
                f"margins: '{next(iter(totals))}' adds up to {first:g} people and '{name}' to {found:g}.",
                "All margins must be of the same population.",
            )
    w = design.weights.copy()
    rounds, off = 0, np.inf
    while off > CLOSE and rounds < max_rounds:
        rounds += 1
        for dummies, _, target in parts.values():
            w = w * (dummies @ (target / (w @ dummies)))
        off = max(float(np.abs(w @ d / t - 1).max()) for d, _, t in parts.values())
    if off > 1e-6:
        raise DataError(
            f"margins: after {rounds} rounds the weights still miss a target by {100 * off:.2g} %.",
            "Some combination of categories has nobody in it: put categories together, or leave out a margin.",
        )
    dummies = np.concatenate([d for d, _, _ in parts.values()], axis=1)
    rows = [{"variable": name, "level": v} for name, (_, levels, _) in parts.items() for v in levels]
    return calibrated(design, w, dummies, rows, np.concatenate([t for _, _, t in parts.values()]), rounds)
