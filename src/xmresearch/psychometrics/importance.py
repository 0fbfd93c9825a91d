"""Importance-performance analysis of an instrument: importance as asked, against perceptions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import Codebook
from xmresearch.drivers.quadrants import Cross, ImportanceResult, derived_grid, importance_grid
from xmresearch.errors import InsufficientData
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.batteries import dimension_scores
from xmresearch.sampling.designs import Design

Array = NDArray[np.float64]


@on_one_thread
def importance_performance(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    cross: Cross = "mean",
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ImportanceResult | None:
    """Set importance against perceived performance.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Importance items belong to statements or to dimensions.
    cross : {'mean', 'median', 'scale_middle'}
        Where the quadrants meet: the mean or median over the points, or the middle of both scales.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence, min_answered, bootstrap, seed
        As for `gaps`.

    Returns
    -------
    ImportanceResult or None
        None where importance was not asked.

    References
    ----------
    Martilla, J. A. & James, J. C. (1977). Journal of Marketing, 41(1), 77-79.
    """
    if isinstance(frame, StreamedAnswers):
        return None
    statements = codebook.statements("importance", "perception")
    if statements:
        asked = [codebook.item("importance", s) for s in statements]
        performed = [codebook.item("perception", s) for s in statements]
        ids, level = statements, "statement"
        constructs = [c.construct for c in asked]
        x = frame[[c.name for c in asked]].to_numpy(dtype=float)
        y = frame[[c.name for c in performed]].to_numpy(dtype=float)
    else:
        points = dimension_scores(frame, codebook, "importance", min_answered)
        points = points[[d for d in points.columns if codebook.names("perception", d)]]
        if points.shape[1] < 2:
            return None
        asked = list(codebook.select("importance"))
        performed = list(codebook.select("perception"))
        ids, level, constructs = list(points.columns), "dimension", list(points.columns)
        x = points.to_numpy()
        y = dimension_scores(frame, codebook, "perception", min_answered)[ids].to_numpy()
    middles = (asked[0].scale.middle, performed[0].scale.middle)
    same = all(a.scale == p.scale for a, p in zip(asked, performed, strict=False))
    return importance_grid(
        pd.DataFrame(x, columns=ids), pd.DataFrame(y, columns=ids), cross=cross, middles=middles,
        same_scale=bool(statements) and same, level=level, constructs=constructs,
        off_total=float("nan") if statements else _off_total(x), weights=weights, confidence=confidence, bootstrap=bootstrap,
        seed=seed,
    )  # fmt: skip


@on_one_thread
def derived_importance(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    outcome: str | None = None,
    cross: Cross = "mean",
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ImportanceResult | None:
    """Set importance as derived from an outcome against perceived performance, where importance was not asked.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows; those with a blank in a dimension or the outcome are left out.
    codebook : Codebook
        Which items form which dimension, and which are outcomes.
    outcome : str, optional
        Outcome item; the codebook's first if absent.
    cross : {'mean', 'median', 'scale_middle'}
        Where the quadrants meet.
    weights : ndarray or Design, optional
        Design weights, shape (n,); under a design nothing is derived.
    confidence, min_answered, bootstrap, seed
        As for `gaps`.

    Returns
    -------
    ImportanceResult or None
        Importance is each dimension's share in what all explain. None where importance was asked, no outcome was, there is one dimension,
        too few answers, or a design of the sample.

    References
    ----------
    Matzler, K., Sauerwein, E. & Heischmidt, K. (2003). Importance-performance analysis revisited. Service Industries Journal,
    23(2), 112-129.
    """
    asked = codebook.names("outcome")
    if isinstance(frame, StreamedAnswers):
        return None
    performed = dimension_scores(frame, codebook, "perception", min_answered)
    if codebook.names("importance") or not asked or performed.shape[1] < 2 or isinstance(weights, Design):
        return None
    try:
        return derived_grid(
            performed, frame[outcome or asked[0]], derived="share", cross=cross, middle=codebook.select("perception")[0].scale.middle,
            weights=weights, confidence=confidence, bootstrap=bootstrap, seed=seed,
        )  # fmt: skip
    except InsufficientData:
        return None


def _off_total(points: Array) -> float:
    """Share of respondents whose points add up to something else than most respondents' do."""
    totals = np.round(points.sum(axis=1), 6)
    totals = totals[~np.isnan(totals)]
    counts = np.unique_counts(totals).counts
    return float(1 - counts.max() / totals.size) if totals.size and counts.max() > 1 else float("nan")
