"""A tree of indicators, such as a balanced scorecard: every level's score on one scale, held against targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.display import Shown
from xmresearch.errors import DataError, brief, nearest
from xmresearch.metrics.composite_indices import indicator_scores

Array = NDArray[np.float64]
Parts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, repr=False)
class IndicatorTree(Shown):
    """Scores of indicators and of the metrics that they are made of.

    Attributes
    ----------
    table : DataFrame
        One row per indicator and metric, each below the indicator that it is part of: indicator, part_of (empty at the top), depth (0 at
        the top), weight (within that indicator), n, estimate (0 to 100) with se, ci_lower and ci_upper, target, p (that the score is the
        target, two-sided) and p_adjusted (Holm over all targets). Scores that rest on a metric without enough answers are NaN.
    shares : DataFrame
        What each metric counts for in each indicator: indicators by metrics; rows add up to 1.
    """

    table: pd.DataFrame
    shares: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per indicator and metric."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many indicators and targets there are."""
        return {
            "indicators": int((~self.table["indicator"].isin(self.shares.columns)).sum()),
            "targets": int(self.table["target"].notna().sum()),
        }

    def _head(self) -> dict[str, Any]:
        return self.summary()


def check_tree(parts: Parts, targets: Mapping[str, float], metrics: list[str]) -> list[str]:
    """Hold a tree against its metrics, and put its indicators in order.

    Parameters
    ----------
    parts : mapping
        Of each indicator its parts (metrics or other indicators) and their weights.
    targets : mapping
        Targets of indicators, 0 to 100.
    metrics : list of str
        Names of the metrics.

    Returns
    -------
    list of str
        Indicators, each after those that are its parts.

    Raises
    ------
    DataError
        An indicator has the name of a metric; a part is unknown or belongs to two; a weight is negative, or the weights of an indicator
        add up to nothing; indicators are parts of one another; a target is outside the scale.

    References
    ----------
    Kaplan, R. S. & Norton, D. P. (1992). The balanced scorecard: measures that drive performance. Harvard Business Review, 70(1), 71-79.
    """
    owner: dict[str, str] = {}
    for name, own in parts.items():
        if name in metrics:
            raise DataError(f"tree: indicator '{brief(name)}' has the name of a metric.", "Give it another name.")
        for part, weight in own.items():
            if part not in metrics and part not in parts:
                raise DataError(
                    f"tree: '{brief(name)}' has the part '{brief(part)}', which is neither a metric nor an indicator.",
                    nearest(part, [*metrics, *parts]),
                )
            if part in owner:
                raise DataError(
                    f"tree: '{brief(part)}' is part of '{brief(owner[part])}' and of '{brief(name)}'.",
                    "Give it to one.",
                )
            if not (np.isfinite(weight) and weight >= 0):
                raise DataError(f"tree: the weight of '{brief(part)}' is {weight:g}.", "Weights are 0 or more.")
            owner[part] = name
        if not sum(own.values()) > 0:
            raise DataError(f"tree: the weights of '{brief(name)}' add up to nothing.", "Give one part a weight.")
    for name, target in targets.items():
        if not 0 <= target <= 100:
            raise DataError(
                f"tree: the target of '{brief(name)}' is {target:g}.",
                "Every indicator runs from 0 to 100, and so do targets.",
            )
    done: list[str] = []
    while len(done) < len(parts):
        ready = [n for n in parts if n not in done and all(p in metrics or p in done for p in parts[n])]
        if not ready:
            left = [brief(n) for n in parts if n not in done]
            raise DataError(f"tree: these are parts of one another: {', '.join(left)}.", "A tree has no circle.")
        done += ready
    return done


def indicator_tree(
    values: pd.DataFrame, parts: Parts, targets: Mapping[str, float], *, weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None, least: int = 2, confidence: float = 0.95,
) -> IndicatorTree:  # fmt: skip
    """Score every level of a tree of indicators, and test each target.

    Parameters
    ----------
    values : DataFrame
        One row per respondent and one column per metric, 0 to 100; blanks are NaN.
    parts : mapping
        Of each indicator its parts (columns or other indicators) and their weights, which are scaled to add up to 1.
    targets : mapping
        Targets of indicators, 0 to 100.
    weights : array_like, optional
        Design weights, shape (n,), above 0.
    clusters : array_like, optional
        Who or what answers belong to, where they are not independent, shape (n,).
    least : int
        Answers of a metric, or clusters with one, below which nothing is said of it, at least 2.
    confidence : float
        Level of each interval.

    Returns
    -------
    IndicatorTree

    Raises
    ------
    DataError
        See `check_tree`; or a weight is not above 0.

    References
    ----------
    Kaplan, R. S. & Norton, D. P. (1992). Harvard Business Review, 70(1), 71-79. Holm, S. (1979). A simple sequentially rejective multiple
    test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    metrics = [str(c) for c in values.columns]
    order = check_tree(parts, targets, metrics)
    shares = {m: np.eye(len(metrics))[k] for k, m in enumerate(metrics)}
    for name in order:
        total = sum(parts[name].values())
        shares[name] = np.sum([w / total * shares[p] for p, w in parts[name].items()], axis=0)
    means, covariance, sizes = _of_metrics(values, weights, clusters, max(least, 2))
    owned = {p for own in parts.values() for p in own}
    rows: list[dict[str, Any]] = []

    def add(name: str, part_of: str, depth: int, weight: float) -> None:
        used = shares[name] > 0
        n = int(sizes[used].min())
        share = shares[name][used]
        estimate = float(share @ means[used])
        se = float(np.sqrt(max(share @ covariance[np.ix_(used, used)] @ share, 0.0)))
        reach = float(stats.t.ppf(0.5 + confidence / 2, max(n - 1, 1))) * se
        target = targets.get(name, np.nan)
        p = 2 * stats.t.sf(abs(estimate - target) / se, max(n - 1, 1)) if se > 0 else np.nan
        rows.append({
            "indicator": name, "part_of": part_of, "depth": depth, "weight": weight, "n": n, "estimate": estimate, "se": se,
            "ci_lower": max(estimate - reach, 0.0), "ci_upper": min(estimate + reach, 100.0), "target": target, "p": p,
        })  # fmt: skip
        own = parts.get(name, {})
        for part, w in own.items():
            add(part, name, depth + 1, w / sum(own.values()))

    for name in parts:
        if name not in owned:
            add(name, "", 0, 1.0)
    table = pd.DataFrame(rows)
    blank = table["estimate"].isna()
    table.loc[blank, ["se", "ci_lower", "ci_upper"]] = np.nan
    table["p_adjusted"] = adjusted(table["p"].to_numpy())
    names = [*parts]
    return IndicatorTree(table, pd.DataFrame([shares[n] for n in names], index=names, columns=metrics))


def _of_metrics(
    values: pd.DataFrame, weights: ArrayLike | None, clusters: ArrayLike | None, least: int
) -> tuple[Array, Array, Array]:
    """Return means, covariance and answers of the metrics; NaN of those with too few."""
    k = values.shape[1]
    there = values.notna()
    units = there.sum() if clusters is None else there.groupby(np.asarray(clusters)).any().sum()
    enough = (units >= least).to_numpy()
    means, covariance = np.full(k, np.nan), np.full((k, k), np.nan)
    if enough.any():
        found, joint, _ = indicator_scores(values.loc[:, enough], weights=weights, clusters=clusters)
        means[enough] = found.to_numpy()[0]
        covariance[np.ix_(enough, enough)] = joint[0]
    return means, covariance, units.to_numpy(dtype="float64")
