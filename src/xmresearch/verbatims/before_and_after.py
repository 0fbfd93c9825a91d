"""Themes before and after a change: which are complained of more, and which less."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_changes import share_difference, share_test
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
FEWEST_PEOPLE = 10
"""People of each period from which on a change is estimated."""


def theme_changes(
    complaints: pd.DataFrame, after: ArrayLike, *, people: ArrayLike | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare how many people complain of each theme before and after a change.

    Parameters
    ----------
    complaints : DataFrame of bool
        Whether each text complains of each theme, shape (n, themes).
    after : array_like of bool
        Whether each text is from after the change, shape (n,).
    people : array_like, optional
        Who wrote each text, shape (n,); somebody else each if absent.
    confidence : float
        Level of the intervals, and of the tests of all themes together.

    Returns
    -------
    DataFrame
        One row per theme: theme, n_before and n_after (people), people_before and people_after (who complain), before and after
        (shares), change with lower and upper, p, p_adjusted (Holm over the themes) and verdict: rose, fell or '' where neither is shown.

    Raises
    ------
    DataError
        Lengths differ.
    InsufficientData
        A period has fewer than ten people.

    Notes
    -----
    Somebody counts once in each period. Where nobody wrote in both, intervals are Newcombe's and tests Fisher's; otherwise both are those
    of means of people in two periods with the covariance of the same people, at t quantiles. A change is one in time: what else changed
    meanwhile is in it.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine, 17, 873-890. Holm, S. (1979). Scandinavian Journal of Statistics, 6, 65-70.
    """
    late = np.asarray(after, dtype=bool)
    n = len(complaints)
    who = np.arange(n) if people is None else pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
    if not n == len(late) == len(who):
        raise DataError("Texts, periods and people are not of one length.")
    said = complaints.to_numpy(dtype=bool)
    everybody = int(who.max(initial=-1)) + 1
    of = {}
    for period, part in ((0, ~late), (1, late)):
        there = np.zeros(everybody, dtype=bool)
        there[who[part]] = True
        yes = np.zeros((everybody, said.shape[1]), dtype=bool)
        np.logical_or.at(yes, who[part], said[part])
        of[period] = there, yes
    (there0, yes0), (there1, yes1) = of[0], of[1]
    n0, n1 = int(there0.sum()), int(there1.sum())
    if min(n0, n1) < FEWEST_PEOPLE:
        raise InsufficientData(
            f"{n0} people wrote before and {n1} after; each period needs {FEWEST_PEOPLE}.", "Choose another date."
        )
    x0, x1 = yes0.sum(axis=0), yes1.sum(axis=0)
    change, low, high = share_difference(x1, n1, x0, n0, confidence=confidence)
    if (there0 & there1).any():
        # a person's part in the difference of the two shares
        part = there1[:, None] * (yes1 - x1 / n1) / n1 - there0[:, None] * (yes0 - x0 / n0) / n0
        units = everybody
        se = np.sqrt((part**2).sum(axis=0) * units / (units - 1))
        reach = float(stats.t.ppf(0.5 + confidence / 2, units - 1)) * se
        low, high = change - reach, change + reach
        with np.errstate(divide="ignore", invalid="ignore"):
            p = np.where(se > 0, 2 * stats.t.sf(np.abs(change) / se, units - 1), 1.0)
    else:
        quantile(confidence)
        p = np.array([share_test(float(a), n1, float(b), n0)["p_fisher"] for a, b in zip(x1, x0, strict=True)])
    held = adjusted(p)
    verdict = np.where(held < 1 - confidence, np.where(change > 0, "rose", "fell"), "")
    return pd.DataFrame(
        {"theme": [str(c) for c in complaints.columns], "n_before": n0, "n_after": n1, "people_before": x0, "people_after": x1,
         "before": x0 / n0, "after": x1 / n1, "change": change, "lower": low, "upper": high, "p": p, "p_adjusted": held, "verdict": verdict}
    )  # fmt: skip
