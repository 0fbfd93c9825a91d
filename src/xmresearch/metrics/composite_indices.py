"""A composite index of indicators, and whether the ranking survives the choice of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.metrics.made_weights import ResampledWeights
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class CompositeIndex(Shown):
    """An index of rows under several sets of weights.

    Attributes
    ----------
    table : DataFrame
        One row per row given (its index) and one column per set of weights: the index, 0 to 100.
    se, lower, upper : DataFrame
        Standard errors and intervals of the same shape; NaN where no covariances were given.
    covariances : mapping of str to ndarray
        Of the rows' index, by set, shape (rows, rows).
    weights : DataFrame
        One row per indicator, one column per set; each adds up to 1.
    agreement : DataFrame
        One row per pair of sets: first, second, tau (Kendall's), same_first.
    firsts : Series
        Share of all possible weights under which each row is the first.
    """

    table: pd.DataFrame
    se: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    covariances: Mapping[str, Array]
    weights: pd.DataFrame
    agreement: pd.DataFrame
    firsts: pd.Series

    def tidy(self) -> pd.DataFrame:
        """Return the index, one row per row given."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return whether the ranking survives."""
        leaders = [str(self.table[c].idxmax()) for c in self.table]
        tau = float(self.agreement["tau"].min()) if len(self.agreement) else float("nan")
        return {
            "rows": len(self.table), "sets": len(self.weights.columns), "leaders": list(dict.fromkeys(leaders)),
            "survives": len(set(leaders)) == 1, "lowest_tau": tau, "first_share": float(self.firsts.max()),
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()


def satisfaction_index(
    means: ArrayLike, weights: ArrayLike | None = None, *, lowest: float = 1, highest: float = 10
) -> float:
    """Return the index of several items from 0 to 100, as the ACSI has it.

    Parameters
    ----------
    means : array_like
        Mean answers, shape (k,).
    weights : array_like, optional
        Shape (k,), not negative; equal without them.
    lowest, highest : float
        Of the answer scale.

    Returns
    -------
    float

    Raises
    ------
    DataError
        Weights that add up to nothing, or a scale that runs backwards.

    References
    ----------
    Fornell, C., Johnson, M. D., Anderson, E. W., Cha, J. & Bryant, B. E. (1996). The American Customer Satisfaction Index. Journal of
    Marketing, 60, 7-18.
    """
    m = np.asarray(means, dtype="float64")
    w = np.ones(len(m)) if weights is None else np.asarray(weights, dtype="float64")
    if highest <= lowest or (w < 0).any() or not w.sum() > 0:
        raise DataError("An index needs weights that add up to more than nothing, and a scale that rises.")
    return float(100 * (w @ (m - lowest)) / ((highest - lowest) * w.sum()))


def composite_index(
    scores: pd.DataFrame, ranges: Mapping[str, tuple[float, float]], weights: Mapping[str, Mapping[str, float]], *,
    covariances: ArrayLike | None = None, made: Mapping[str, ResampledWeights] | None = None, n: ArrayLike | None = None,
    confidence: float = 0.95, draws: int = 4000, seed: int = 0,
) -> CompositeIndex:  # fmt: skip
    """Combine indicators of several rows under each set of weights.

    Parameters
    ----------
    scores : DataFrame
        Rows (such as branches) by indicators.
    ranges : mapping
        Of each indicator the values that count 0 and 100; the first is the larger where less is better.
    weights : mapping
        Sets of weights by name, each by indicator; they are scaled to add up to 1.
    covariances : array_like, optional
        Of each row's scores, shape (rows, indicators, indicators), as `indicator_scores` gives them: the same people answer for several.
    made : mapping, optional
        Sets of weights that were made from the same people, by their name among the sets: what that adds to the covariance of the rows'
        index, and how skewed it makes their intervals. Other sets are taken as given.
    n : array_like, optional
        Answers of each row, shape (rows,), for Student's t; normal intervals without.
    confidence : float
        Level.
    draws : int
        Weights drawn evenly from all possible ones.
    seed : int
        Of those draws.

    Returns
    -------
    CompositeIndex

    Raises
    ------
    DataError, InsufficientData
        A score is blank; an indicator without a range or a weight; weights that are negative or add up to nothing; fewer than two rows.

    References
    ----------
    OECD (2008). Handbook on constructing composite indicators. OECD Publishing. Lahdelma, R., Hokkanen, J. & Salminen, P. (1998). SMAA:
    stochastic multiobjective acceptability analysis. European Journal of Operational Research, 106, 137-143.
    """
    names = [str(c) for c in scores.columns]
    if len(scores) < 2:
        raise InsufficientData("An index compares two rows at least.")
    if scores.isna().any(axis=None):
        raise DataError(
            "A score is blank.", "Leave out the row or the indicator: an index of part of them is another index."
        )
    for name in names:
        if name not in ranges or ranges[name][0] == ranges[name][1]:
            raise DataError(f"Indicator '{brief(name)}' has no range.", "Say which of its values count 0 and 100.")
    sets = {}
    for title, given in weights.items():
        if unknown := [k for k in given if k not in names]:
            raise DataError(f"Weights '{title}' name '{brief(unknown[0])}'.", nearest(unknown[0], names))
        w = np.array([float(given.get(name, np.nan)) for name in names])
        if not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
            raise DataError(
                f"Weights '{title}' need a number that is not negative for every indicator, and not 0 for all.",
                "Give 0 to an indicator that should not count.",
            )
        sets[title] = w / w.sum()
    low, high = (np.array([ranges[n][k] for n in names], dtype="float64") for k in (0, 1))
    scaled = 100 * (scores.to_numpy(dtype="float64") - low) / (high - low)
    table = pd.DataFrame({t: scaled @ w for t, w in sets.items()}, index=scores.index)
    shared = (
        np.full((len(scores), len(names), len(names)), np.nan)
        if covariances is None
        else np.asarray(covariances, dtype="float64")
    )
    slopes = {t: 100 * w / (high - low) for t, w in sets.items()}
    resampled = made or {}
    joint = {t: np.diag((shared @ a) @ a) + (resampled[t].added if t in resampled else 0.0) for t, a in slopes.items()}
    se = pd.DataFrame({t: np.sqrt(np.maximum(np.diag(c), 0)) for t, c in joint.items()}, index=scores.index)
    df = np.full(len(scores), np.inf) if n is None else np.maximum(np.asarray(n, dtype="float64") - 1, 1)
    student = stats.t.ppf(0.5 + confidence / 2, df)
    reach = se.mul(student, axis=0)
    lower, upper = table - reach, table + reach
    stretch = student / quantile(confidence)
    for title, weighed in resampled.items():
        lower[title], upper[title] = weighed.ends(table[title], se[title], stretch, confidence)
    titles = list(sets)
    pairs = [(a, b) for k, a in enumerate(titles) for b in titles[k + 1 :]]
    agreement = pd.DataFrame(
        [
            (a, b, stats.kendalltau(table[a], table[b]).statistic, table[a].idxmax() == table[b].idxmax())
            for a, b in pairs
        ],
        columns=["first", "second", "tau", "same_first"],
    )
    drawn = np.random.default_rng(seed).dirichlet(np.ones(len(names)), size=draws)
    led = np.bincount((drawn @ scaled.T).argmax(axis=1), minlength=len(scores)) / draws
    return CompositeIndex(
        table, se, lower, upper, joint, pd.DataFrame(sets, index=names), agreement,
        pd.Series(led, index=scores.index, name="share"),
    )  # fmt: skip


def indicator_scores(
    values: pd.DataFrame, groups: pd.Series | None = None, weights: ArrayLike | None = None, clusters: ArrayLike | None = None
) -> tuple[pd.DataFrame, Array, Array]:  # fmt: skip
    """Return the mean of every indicator in every group, with the covariance that comes from the same people answering.

    Parameters
    ----------
    values : DataFrame
        One row per respondent, one column per indicator (such as -100, 0, 100 or 0, 1); blanks are NaN.
    groups : Series, optional
        Whose mean; one group of all without.
    weights : array_like, optional
        Shape (n,), above 0.
    clusters : array_like, optional
        Who or what answers belong to, where they are not independent, shape (n,).

    Returns
    -------
    means : DataFrame
        Groups by indicators.
    covariances : ndarray
        Shape (groups, indicators, indicators), linearised; one answer at either end of an indicator's range in the data is added to its
        variance, so that it is never 0.
    n : ndarray
        Answers of the indicator with the fewest, or clusters with one, shape (groups,).

    Raises
    ------
    DataError
        A group has fewer than two answers of an indicator (or clusters with one), or a weight is not above 0.

    References
    ----------
    Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model assisted survey sampling. Springer, section 5.5.
    """
    x = values.to_numpy(dtype="float64", na_value=np.nan)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype="float64")
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise DataError("A weight is not a positive number.", "Every respondent needs a weight above zero.")
    unit = np.arange(len(x)) if clusters is None else pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0]
    at, names = pd.factorize(pd.Series("all", index=values.index) if groups is None else groups, sort=True)
    means, covariances, sizes = [], [], []
    for g in range(len(names)):
        there = np.isfinite(x) & (at == g)[:, None]
        n = np.array([len(np.unique(unit[t])) for t in there.T])
        if n.min() < 2:
            raise DataError(
                "A group has fewer than two answers of an indicator.", "Leave the group or the indicator out."
            )
        u = w[:, None] * there
        total = u.sum(axis=0)
        mean = (u * np.nan_to_num(x)).sum(axis=0) / total
        influence = np.where(there, x - mean, 0.0) * u / total
        if clusters is not None:
            influence = pd.DataFrame(influence).groupby(unit).sum().to_numpy()
        scale = np.sqrt(n / (n - 1))
        covariance = influence.T @ influence * np.outer(scale, scale)
        half = (np.nanmax(x, axis=0) - np.nanmin(x, axis=0)) / 2
        covariance[np.diag_indices(len(mean))] += 2 * half**2 * ((u**2).sum(axis=0) / total**2) ** 2
        means.append(mean)
        covariances.append(covariance)
        sizes.append(n.min())
    return (
        pd.DataFrame(means, index=names, columns=values.columns),
        np.array(covariances),
        np.array(sizes, dtype="float64"),
    )
