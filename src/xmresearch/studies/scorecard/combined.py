"""Metrics together: a composite index of groups, and how the headline goes with the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.metrics.composite_indices import CompositeIndex, composite_index, indicator_scores
from xmresearch.metrics.data_weights import weights_from_data
from xmresearch.metrics.expert_judgements import CONSISTENT, ExpertWeights, expert_weights
from xmresearch.metrics.share_intervals import quantile
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.breakdown import Breakdown
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import WEIGHT, Rows

FEWEST_ROWS = 3
"""Groups from which on weights are taken from data."""


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
        One row per metric and set: metric, weights, weight.
    experts : ExpertWeights or None
        The experts' judgements.
    """

    index: CompositeIndex
    table: pd.DataFrame
    weights: pd.DataFrame
    experts: ExpertWeights | None

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table

    def experts_told(self) -> dict[str, float] | None:
        """Return how consistent the experts' judgements are; None where there are none."""
        return (
            None if self.experts is None else {"consistency_ratio": self.experts.consistency_ratio, "bound": CONSISTENT}
        )


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
    experts, sets = _sets(means, ranges, asked, params)
    found = composite_index(
        means, ranges, sets, covariances=covariances, n=n, confidence=params.confidence, seed=params.seed
    )
    first = next(iter(sets))
    table = pd.DataFrame({
        "segment": groups.ranked, "value": means.index.astype(str), "n": n, "estimate": found.table[first].to_numpy(),
        "ci_lower": found.lower[first].to_numpy(), "ci_upper": found.upper[first].to_numpy(), "first_share": found.firsts.to_numpy(),
    })  # fmt: skip
    long = found.weights.rename_axis("metric").reset_index().melt("metric", var_name="weights", value_name="weight")
    return IndexOfGroups(found, table.sort_values("estimate", ascending=False, ignore_index=True), long, experts)


def _sets(
    means: pd.DataFrame, ranges: dict[str, tuple[float, float]], asked: tuple[Asked, ...], params: ScorecardParams
) -> tuple[ExpertWeights | None, dict[str, dict[str, float]]]:
    """Return the sets of weights: the experts' first where there are any, equal ones, those of the data."""
    names = [m.item for m in asked]
    sets: dict[str, dict[str, float]] = {}
    experts = None
    if params.judgements is not None:
        experts = expert_weights(params.judgements.table, names)
        sets["weights_experts"] = dict(zip(names, experts.table["weight"], strict=True))
    sets["weights_equal"] = dict.fromkeys(names, 1.0)
    scaled = pd.DataFrame({k: 100 * (means[k] - low) / (high - low) for k, (low, high) in ranges.items()})
    if len(means) >= FEWEST_ROWS and (scaled.max() > scaled.min()).all():
        sets["weights_entropy"] = weights_from_data(scaled, names).to_dict()
    return experts, sets


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
