"""A net score and another metric side by side by group, with the link between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.disclosure import hidden_groups
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.combined import links
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import Rows
from xmresearch.studies.scorecard.scoring import scored

KINDS = ("share", "mean")
"""What stands beside a net score: the first share, otherwise the first mean."""


def pair_of(asked: tuple[Asked, ...]) -> tuple[Asked, Asked] | None:
    """Return the first net score and the metric beside it; None where either is lacking."""
    net = next((m for m in asked if m.measure.kind == "net"), None)
    other = next((m for kind in KINDS for m in asked if m.measure.kind == kind), None)
    return (net, other) if net is not None and other is not None else None


def side_by_side(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams) -> pd.DataFrame | None:
    """Score a net score and another metric in every group of the later wave.

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
        segment, value, n (people who answered both), net_score and other_score with _lower and _upper, link with link_lower and link_upper
        (correlation of the two scores within the group; NaN where all of it answered alike). None without segments, without such a pair,
        or where no group may be shown.
    """
    pair = pair_of(asked)
    if pair is None or not params.segments:
        return None
    part = rows.of(rows.after)
    answered = [part[m.item].notna().to_numpy(dtype=bool) for m in pair]
    values = {s: sorted(part[s].dropna().unique(), key=str) for s in params.segments}
    shown = {s: np.ones(len(v), dtype=bool) for s, v in values.items()}
    for there in (*answered, answered[0] & answered[1]):
        masks = {
            s: [(part[s] == v).to_numpy(dtype=bool) & there for v in known] for s, known in values.items() if known
        }
        for s, away in hidden_groups(masks, params.min_cell).items():
            shown[s] &= ~away & np.array([m.any() for m in masks[s]])
    found: list[dict[str, Any]] = []
    for segment, known in values.items():
        for value, show in zip(known, shown[segment], strict=True):
            if show:
                group = part[part[segment] == value]
                both = group[[m.item for m in pair]].notna().all(axis=1)
                found.append(
                    {"segment": segment, "value": value, "n": int(both.sum()), **_row(group, rows, pair, params)}
                )
    return pd.DataFrame(found) if found else None


def _row(group: pd.DataFrame, rows: Rows, pair: tuple[Asked, Asked], params: ScorecardParams) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, metric in zip(("net_score", "other_score"), pair, strict=True):
        score = scored(group, metric, [], rows, params.confidence).iloc[0]
        row |= {name: score["estimate"], f"{name}_lower": score["lower"], f"{name}_upper": score["upper"]}
    linked = links(replace(rows, frame=group), pair, params)
    names = ("link", "link_lower", "link_upper")
    return row | (dict.fromkeys(names, np.nan) if linked is None else linked.iloc[0][list(names)].to_dict())
