"""Robust CFI, TLI and RMSEA for incomplete data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.sem.estimation import inverted
from xmresearch.sem.likelihood import CompleteSample, Sample, moment_slopes
from xmresearch.sem.matrices import Matrices
from xmresearch.sem.model import Model
from xmresearch.sem.robust import casewise, independence, saturated
from xmresearch.sem.scaled import robust_measures

Array = NDArray[np.float64]


def corrected_measures(
    model: Model, theta: Array, samples: Sequence[Sample], rows: Sequence[Array], measures: pd.Series, robust: bool
) -> pd.Series:
    """Add measures that estimate what CFI, TLI and RMSEA would be without blanks.

    Parameters
    ----------
    model : Model
        What was fitted, with means.
    theta : ndarray
        Its solution, shape (q,).
    samples : sequence of Sample
        By group.
    rows : sequence of ndarray
        By group, shape (n, p).
    measures : Series
        From `fit_measures`.
    robust : bool
        Whether the data may be other than normal (FIML-C, version 3), or not (version 6).

    Returns
    -------
    Series
        With cfi, tli and rmsea .robust: the complete-data discrepancy between the saturated and the model's moments, with
        its expectation under the model; the moments of exogenous observed variables, which are the sample's, do not count.

    References
    ----------
    Zhang, X. & Savalei, V. (2023). New computations for RMSEA and CFI following FIML and TS estimation with missing data.
    Psychological Methods, 28, 263-283.
    """
    if not model.df:
        return measures
    n = sum(s.n for s in samples)
    free = _modelled(model.fixed)
    groups = [_Information.of(s, x, s.n / n, free) for s, x in zip(samples, rows, strict=True)]
    found: list[float] = []
    for fitted, at in ((model, theta), independence(model, samples)):
        matrices = [Matrices(fitted, s.cov, s.mean, g) for g, s in enumerate(samples)]
        implied = [m.implied(at) for m in matrices]
        slopes = [m.pooled(moment_slopes(i, means=True)).T[free] for m, i in zip(matrices, implied, strict=True)]
        found.append(
            sum(
                s.n * CompleteSample(s.n, s.mean, s.cov).discrepancy(i.cov, i.mean)
                for s, i in zip(samples, implied, strict=True)
            )
        )
        found.append(_expectation(groups, slopes, robust))
    chisq, trace, base, base_trace = found
    return pd.Series(
        measures.to_dict() | robust_measures(measures.to_dict(), chisq, trace, base, base_trace, len(samples)),
        dtype=float, name="value",
    )  # fmt: skip


def _modelled(fixed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which moments a model is about, in the order of `saturated` with means: all but those of exogenous variables."""
    columns, rows = np.triu_indices(len(fixed))
    return np.concatenate([~(fixed[columns] & fixed[rows]), ~fixed])


@dataclass(frozen=True)
class _Information:
    """Information on one group's saturated moments: from the answers given, from complete ones, and of the scores."""

    weight: Array
    goal: Array
    meat: Array

    @classmethod
    def of(cls, sample: Sample, rows: Array, share: float, free: NDArray[np.bool_]) -> _Information:
        every = saturated(sample.cov, sample.mean, means=True)
        full = replace(every, u=every.u[free], v=every.v[free], w=every.w[free])
        scores = casewise(sample, rows - sample.mean, sample.cov, full)
        goal = CompleteSample(sample.n, sample.mean, sample.cov).information(full)
        return cls(share * sample.hessian_cells(full), share * goal, share * sample.design.crossed(scores) / sample.n)


def _expectation(groups: Sequence[_Information], slopes: Sequence[Array], robust: bool) -> float:
    """Expected complete-data discrepancy of estimates from incomplete data.

    With W, C and J the informations named weight, goal and meat, and S the slopes, it is tr(C V) - 2 tr(B S'C W^-1 J S)
    + tr(B S'C S B S'J S), B the inverse of S'W S and V = W^-1 J W^-1; for normal data (J = W) tr(C W^-1) - tr(B S'C S).
    """
    pairs = list(zip(groups, slopes, strict=True))
    bread = inverted(np.asarray(sum(s.T @ g.weight @ s for g, s in pairs)))
    inner = sum(s.T @ g.goal @ s for g, s in pairs)
    lensed = [np.linalg.solve(g.weight, g.goal).T for g in groups]
    if not robust:
        return float(sum(np.trace(x) for x in lensed) - np.trace(bread @ inner))
    whole = sum(np.trace(x @ np.linalg.solve(g.weight, g.meat).T) for x, g in zip(lensed, groups, strict=True))
    crossed = sum(s.T @ x @ g.meat @ s for x, (g, s) in zip(lensed, pairs, strict=True))
    meat = sum(s.T @ g.meat @ s for g, s in pairs)
    return float(whole - 2 * np.trace(bread @ crossed) + np.trace(bread @ inner @ bread @ meat))
