"""Robust CFI, TLI and RMSEA for incomplete data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from xmresearch.sem.likelihood import CompleteSample, Sample, moment_slopes
from xmresearch.sem.matrices import Matrices
from xmresearch.sem.model import Model
from xmresearch.sem.robust import casewise, independence, robust_measures, saturated

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
        its expectation under the model. Unchanged for models with exogenous observed variables.

    References
    ----------
    Zhang, X. & Savalei, V. (2022). Psychological Methods. doi:10.1037/met0000445.
    """
    if not model.df or model.exogenous:
        return measures
    n = sum(s.n for s in samples)
    shares = [s.n / n for s in samples]
    incomplete, first_order, complete = [], [], []
    for f, s, x in zip(shares, samples, rows, strict=True):
        full = saturated(s.cov, s.mean, means=True)
        scores = casewise(s, x - s.mean, s.cov, full)
        incomplete.append(f * s.hessian_cells(full))
        first_order.append(f * scores.T @ scores / s.n)
        complete.append(f * CompleteSample(s.n, s.mean, s.cov).information(full))
    weight, meat, goal = (linalg.block_diag(*blocks) for blocks in (incomplete, first_order, complete))
    inverse = np.linalg.inv(weight)
    lens = inverse @ goal @ inverse
    gamma = inverse @ meat @ inverse
    found: list[float] = []
    for fitted, at in ((model, theta), independence(model, samples)):
        matrices = [Matrices(fitted, s.cov, s.mean, g) for g, s in enumerate(samples)]
        implied = [m.implied(at) for m in matrices]
        slope = np.vstack([m.pooled(moment_slopes(i, means=True)).T for m, i in zip(matrices, implied, strict=True)])
        pulled = weight @ slope
        projector = weight - pulled @ np.linalg.solve(slope.T @ pulled, pulled.T)
        discrepancy = sum(
            s.n * CompleteSample(s.n, s.mean, s.cov).discrepancy(i.cov, i.mean)
            for s, i in zip(samples, implied, strict=True)
        )
        products = (projector @ lens @ projector) * gamma if robust else projector * lens
        found += [discrepancy, float(products.sum())]
    chisq, trace, base, base_trace = found
    return pd.Series(
        measures.to_dict() | robust_measures(measures.to_dict(), chisq, trace, base, base_trace, len(samples)),
        dtype=float,
        name="value",
    )
