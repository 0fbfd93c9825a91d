"""How many of K: claims about a family of figures, corrected for asking K questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.claims.claim import UNSETTLED, Claim

Array = NDArray[np.float64]
Method = Literal["holm", "bh"]


def adjusted(p: ArrayLike, method: Method = "holm") -> Array:
    """Adjust p values for the family that they form.

    Parameters
    ----------
    p : array_like
        Shape (K,); NaN is not counted as a question.
    method : {'holm', 'bh'}
        Holm: any false claim at most at the level. Benjamini-Hochberg: the expected share of false claims.

    Returns
    -------
    ndarray
        Shape (K,), NaN where p is.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical Society B,
    57, 289-300.
    """
    given = np.asarray(p, dtype=float)
    out = np.full(given.shape, np.nan)
    at = np.flatnonzero(~np.isnan(given))
    order = at[np.argsort(given[at], kind="stable")]
    k = len(order)
    if method == "holm":
        stepped = np.maximum.accumulate(given[order] * np.arange(k, 0, -1))
    else:
        stepped = np.minimum.accumulate((given[order] * k / np.arange(1, k + 1))[::-1])[::-1]
    out[order] = np.minimum(stepped, 1.0)
    return out


def count_of(
    name: str, names: Sequence[str], p: ArrayLike, *, confidence: float, method: Method = "holm", **facts: Any
) -> Claim:
    """Claim how many of K figures show what is asked of each.

    Parameters
    ----------
    name : str
        Of the claim.
    names : sequence of str
        Of the K figures.
    p : array_like
        Of each figure, unadjusted, shape (K,); one-sided values are the caller's to double where both directions are told.
    confidence : float
        The family's level is 1 - confidence.
    method : {'holm', 'bh'}
        See `adjusted`.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        all, some, or unsettled where it can be said of none. Facts: count, total, shown (names), not_shown, method.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    Benjamini, Y. & Hochberg, Y. (1995). Journal of the Royal Statistical Society B, 57, 289-300.
    """
    kept = adjusted(p, method) < 1 - confidence
    shown = [n for n, k in zip(names, kept, strict=True) if k]
    verdict = "all" if len(shown) == len(names) and names else "some" if shown else UNSETTLED
    rule = "holm" if method == "holm" else "benjamini_hochberg"
    made = Claim(name, "count", verdict, rule, 1 - confidence, confidence)
    made = made.about(
        count=len(shown),
        total=len(names),
        shown=shown,
        not_shown=[n for n in names if n not in shown],
        method=method,
        **facts,
    )
    return made.withhold("no_test") if np.isnan(np.asarray(p, dtype=float)).all() else made
