"""Topics that came up, or became more frequent, since an earlier period."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_changes import share_difference

NEW_BELOW = 0.25
"""A topic that grew is new where its earlier share was below such a part of its later one."""


def topics_since(
    topic: ArrayLike,
    later: ArrayLike,
    *,
    names: Sequence[str],
    people: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Tell which topics are new, which grew, and which receded.

    Parameters
    ----------
    topic : array_like
        Topic of each text, shape (n,), found in the texts of both periods together.
    later : array_like of bool
        Whether each text is of the later period, shape (n,).
    names : sequence of str
        Of the topics, K in all: the family of the tests.
    people : array_like, optional
        Who wrote each text, shape (n,); somebody else each if absent. Somebody counts once for each period and topic.
    confidence : float
        Of the family: any topic at all is flagged by chance in at most 1 - confidence of the cases.

    Returns
    -------
    DataFrame
        One row per topic: topic, before, after (shares of people), n_before, n_after, difference with lower and upper (Newcombe), p
        (Fisher's exact test), p_adjusted (Holm) and change: new, grew, receded or '' where nothing is shown.

    Raises
    ------
    DataError
        Lengths differ.
    InsufficientData
        A period has no texts.

    Notes
    -----
    Topics are found without knowing the period, so that under no change every parting of the texts into periods is as likely, and
    the test holds for topics that were chosen by the same texts. People who wrote in both periods
    count as two, which makes p larger where they keep to their topics.

    References
    ----------
    Fisher, R. A. (1935). Journal of the Royal Statistical Society, 98, 39-54. Holm, S. (1979). Scandinavian Journal of Statistics,
    6, 65-70.
    """
    of, after = np.asarray(topic, dtype=object), np.asarray(later, dtype=bool)
    who = np.arange(len(of)) if people is None else pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
    if not len(of) == len(after) == len(who):
        raise DataError("Topics, periods and people are not of one length.")
    if after.all() or not after.any():
        raise InsufficientData("One of the two periods has no texts.", "Choose another date.")
    n0, n1 = len(np.unique(who[~after])), len(np.unique(who[after]))
    x0 = np.array([len(np.unique(who[~after & (of == name)])) for name in names])
    x1 = np.array([len(np.unique(who[after & (of == name)])) for name in names])
    difference, low, high = share_difference(x1, n1, x0, n0, confidence=confidence)
    p = np.array([stats.fisher_exact([[a, n1 - a], [b, n0 - b]]).pvalue for a, b in zip(x1, x0, strict=True)])
    held = adjusted(p)
    shown = held < 1 - confidence
    fresh = x0 / n0 < NEW_BELOW * (x1 / n1)
    change = np.where(~shown, "", np.where(difference < 0, "receded", np.where(fresh, "new", "grew")))
    return pd.DataFrame(
        {"topic": list(names), "before": x0 / n0, "after": x1 / n1, "n_before": x0, "n_after": x1, "difference": difference,
         "lower": low, "upper": high, "p": p, "p_adjusted": held, "change": change}
    )  # fmt: skip
