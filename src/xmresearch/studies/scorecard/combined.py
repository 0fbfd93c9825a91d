"""Metrics together: a composite index of groups, and how the headline goes with the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.metrics.composite_indices import CompositeIndex, composite_index, indicator_scores
from xmresearch.metrics.expert_judgements import CONSISTENT, ExpertWeights
from xmresearch.metrics.share_intervals import quantile
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.breakdown import Breakdown
from xmresearch.studies.scorecard.index_sets import WeightSets, weight_sets
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import WEIGHT, Rows


@dataclass(frozen=True, repr=False)
class IndexOfGroups(Shown):
    """A composite index of the ranked groups.

    Attributes
    ----------
    index : CompositeIndex
        Under each set of weights; the first set is the one that is told.
    table : DataFrame
        One row per group: segment, value, estimate with ci_lower and ci_upper (of the first set), first_share (of all possible weights, how
        many make it the first).
    weights : DataFrame
        One row per metric and set: metric, weights, weight, se (NaN of weights that are given).
    ways : DataFrame
        One row per set: weights, leader, its estimate with ci_lower and ci_upper, tau (Kendall's, of the ranking with that of the first).
    given : WeightSets
        The sets.
    """

    index: CompositeIndex
    table: pd.DataFrame
    weights: pd.DataFrame
    ways: pd.DataFrame
    given: WeightSets

    @property
    def experts(self) -> ExpertWeights | None:
        """The experts' judgements."""
        return self.given.experts

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table

    def experts_told(self) -> dict[str, float] | None:
        """Return how consistent the experts' judgements are; None where there are none."""
        return (
            None if self.experts is None else {"consistency_ratio": self.experts.consistency_ratio, "bound": CONSISTENT}
        )

    def made_told(self) -> dict[str, Any] | None:
        """Return which item weights from data explain, and how often people were resampled; None where there are none."""
        draws = max((m.draws for m in self.given.made.values()), default=0)
        case = "outcome" if self.given.outcome else "entropy"
        return {"case": case, "outcome": self.given.outcome, "draws": draws} if draws else None


def _scores(part: pd.DataFrame, asked: tuple[Asked, ...]) -> pd.DataFrame:
    return pd.DataFrame({m.item: part[m.item].map(m.values).astype("float64") for m in asked})


def index_of_groups(
    rows: Rows, asked: tuple[Asked, ...], groups: Breakdown | None, params: ScorecardParams
) -> IndexOfGroups | None:
    """Combine the metrics of the ranked groups.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : tuple of Asked
        The metrics.
    groups : Breakdown or None
        The headline by group.
    params : ScorecardParams
        Of the study.

    Returns
    -------
    IndexOfGroups or None
        None where there is one metric, or fewer than two groups with enough answers to all of them; or people answer several times.
    """
    if groups is None or not groups.ranked or len(asked) < 2 or rows.repeated:
        return None
    part = rows.of(rows.after)
    part = part[part[groups.ranked].isin(list(groups.of_ranked()["value"]))]
    scores = _scores(part, asked)
    enough = scores.notna().groupby(part[groups.ranked]).sum().min(axis=1) >= params.min_cell
    inside = part[groups.ranked].map(enough).to_numpy(dtype=bool)
    if enough.sum() < 2:
        return None
    weights = part[WEIGHT].to_numpy()[inside] if rows.weighted else None
    means, covariances, n = indicator_scores(scores[inside], part.loc[inside, groups.ranked], weights)
    ranges = {m.item: (m.measure.bounds[0] * m.factor, m.measure.bounds[1] * m.factor) for m in asked}
    own = part.loc[inside, groups.ranked].astype(str)
    scaled = pd.DataFrame({k: 100 * (scores.loc[inside, k] - low) / (high - low) for k, (low, high) in ranges.items()})
    given = weight_sets(scaled, own, part[inside], weights, asked, params)
    found = composite_index(
        means, ranges, given.sets, covariances=covariances, made=given.made, n=n,
        confidence=params.confidence, seed=params.seed,
    )  # fmt: skip
    first = next(iter(given.sets))
    table = pd.DataFrame({
        "segment": groups.ranked, "value": means.index.astype(str), "n": n, "estimate": found.table[first].to_numpy(),
        "ci_lower": found.lower[first].to_numpy(), "ci_upper": found.upper[first].to_numpy(), "first_share": found.firsts.to_numpy(),
    })  # fmt: skip
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    return IndexOfGroups(found, table, _weights(found, given), _ways(found, groups.ranked), given)


def _weights(found: CompositeIndex, given: WeightSets) -> pd.DataFrame:
    long = found.weights.rename_axis("metric").reset_index().melt("metric", var_name="weights", value_name="weight")
    errors = {
        (t, k): se for t, m in given.made.items() for k, se in zip(m.table["indicator"], m.table["se"], strict=True)
    }
    return long.assign(se=[errors.get(key, np.nan) for key in zip(long["weights"], long["metric"], strict=True)])


def _ways(found: CompositeIndex, segment: str) -> pd.DataFrame:
    sets = list(found.table)
    tau = found.agreement[found.agreement["first"] == sets[0]].set_index("second")["tau"]
    leaders = {t: found.table[t].idxmax() for t in sets}
    return pd.DataFrame({
        "weights": sets, "leader": [f"{segment}={leaders[t]}" for t in sets], "estimate": [found.table.loc[leaders[t], t] for t in sets],
        "ci_lower": [found.lower.loc[leaders[t], t] for t in sets], "ci_upper": [found.upper.loc[leaders[t], t] for t in sets],
        "tau": [float(tau[t]) if t in tau else np.nan for t in sets],
    })  # fmt: skip


def links(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams) -> pd.DataFrame | None:
    """Return the correlation of the headline's scores with those of every other metric.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : tuple of Asked
        The metrics.
    params : ScorecardParams
        Of the study.

    Returns
    -------
    DataFrame or None
        metric, n, link with link_lower and link_upper (Fisher's z at the effective n); None where there is one metric.

    References
    ----------
    Fisher, R. A. (1921). On the probable error of a coefficient of correlation deduced from a small sample. Metron, 1, 3-32.
    """
    part, found = rows.of(rows.after), []
    scores, w = _scores(part, asked), part[WEIGHT].to_numpy()
    for metric in asked[1:]:
        both = scores[[asked[0].item, metric.item]].notna().all(axis=1).to_numpy()
        if both.sum() < params.min_cell:
            continue
        pair, v = scores.loc[both, [asked[0].item, metric.item]].to_numpy(), w[both]
        spread = np.cov(pair.T, aweights=v)
        if not (np.diag(spread) > 0).all():
            continue
        r = float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1]))
        half = quantile(params.confidence) / np.sqrt(max(v.sum() ** 2 / (v**2).sum() - 3, 1.0))
        centre = np.arctanh(np.clip(r, -0.999999, 0.999999))
        found.append({
            "metric": metric.item, "n": int(both.sum()), "link": r, "link_lower": np.tanh(centre - half), "link_upper": np.tanh(centre + half),
        })  # fmt: skip
    return pd.DataFrame(found) if found else None
