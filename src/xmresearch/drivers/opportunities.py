"""Opportunity scores: what is important and not yet satisfied."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.drivers.rank_posterior import chance_of_lead, pulled_together
from xmresearch.inference.estimates import percentile_interval, replicate_means
from xmresearch.inference.sample_designs import Weights, row_weights

Array = NDArray[np.float64]


def opportunity(
    importance: pd.DataFrame,
    satisfaction: pd.DataFrame,
    *,
    important: float,
    satisfied: float,
    weights: Weights = None,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Score opportunities: importance + max(importance - satisfaction, 0), each the tenfold share of high ratings.

    Parameters
    ----------
    importance, satisfaction : DataFrame
        Ratings of the same things in the same order, named by the columns of `importance`, shape (n, K).
    important, satisfied : float
        Ratings from which on something is important, and people are satisfied with it.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the percentile intervals.
    bootstrap, seed : int
        Draws of the bootstrap and their seed.

    Returns
    -------
    DataFrame
        Most opportune first: id, n, important, satisfied (0 to 10), opportunity (0 to 20), opportunity_lower, opportunity_upper,
        p_top (posterior probability that it scores highest, see `pulled_together`).

    References
    ----------
    Ulwick, A. W. (2005). What Customers Want. McGraw-Hill (the opportunity algorithm).
    """
    k = importance.shape[1]
    given = np.hstack([importance.to_numpy(dtype=float), satisfaction.to_numpy(dtype=float)])
    bounds = np.repeat([important, satisfied], k)
    high = np.where(np.isnan(given), np.nan, 10.0 * (given >= bounds))
    drawn = replicate_means(high, weights, bootstrap, seed)
    w = np.where(np.isnan(high), 0.0, row_weights(weights, len(high))[:, None])
    point = np.nansum(w * np.nan_to_num(high), axis=0) / w.sum(axis=0)
    score, draws = (v[..., :k] + np.maximum(v[..., :k] - v[..., k:], 0.0) for v in (point, drawn))
    low, up = percentile_interval(draws, confidence)
    table = pd.DataFrame({
        "id": [str(c) for c in importance.columns], "n": (~np.isnan(given)).sum(axis=0).reshape(2, k).min(axis=0),
        "important": point[:k], "satisfied": point[k:], "opportunity": score, "opportunity_lower": low, "opportunity_upper": up,
        "p_top": chance_of_lead(pulled_together(score, draws, seed)),
    })  # fmt: skip
    return table.sort_values("opportunity", ascending=False, kind="stable", ignore_index=True)
