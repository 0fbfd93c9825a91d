"""The indicators of a scorecard and their targets: scores of every level, and lights that follow from a claim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.families import count_of
from xmresearch.display import Shown
from xmresearch.metrics.indicator_trees import IndicatorTree, Parts, indicator_tree
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import PERSON, WEIGHT, Rows

DECIMALS_OF_INDICATORS = 1
"""Decimals of scores from 0 to 100."""


@dataclass(frozen=True, repr=False)
class TreeOfMetrics(Shown):
    """Indicators in the later wave.

    Attributes
    ----------
    scored : IndicatorTree
        Every level.
    confidence : float
        Level.
    """

    scored: IndicatorTree
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per indicator and metric."""
        return self.scored.table

    def with_targets(self) -> pd.DataFrame:
        """Return the indicators that have a target."""
        return self.scored.table.dropna(subset=["target"])

    def family(self) -> dict[str, Any]:
        """Return how many targets are held together, and how often any light is false at most."""
        return {"family": int(self.with_targets()["p"].notna().sum()), "promised": 1 - self.confidence}

    def lit(self, targets: Claim | None) -> pd.DataFrame:
        """Return every row with its light, as the claim on targets has settled it.

        Parameters
        ----------
        targets : Claim or None
            Of `targets_settled`; without, there are no targets.

        Returns
        -------
        DataFrame
            As the tree's, with light and family.
        """
        table = self.scored.table
        facts = {} if targets is None or not targets.settled else targets.facts
        green, red = set(facts.get("reached", [])), set(facts.get("missed", []))
        light = np.select(
            [table["target"].isna(), table["p"].isna(), table["indicator"].isin(green), table["indicator"].isin(red)],
            ["no_light", "light_grey", "light_green", "light_red"], "light_amber",
        )  # fmt: skip
        part_of = table["part_of"].mask(table["part_of"] == "", "top")
        return table.assign(
            light=light, part_of=part_of, family=self.family()["family"], decimals=DECIMALS_OF_INDICATORS
        )


def tree_params(params: ScorecardParams) -> tuple[Parts, dict[str, float]]:
    """Return the parts and the targets of the indicators that the params name."""
    return (
        {i.name: i.parts for i in params.tree},
        {i.name: i.target for i in params.tree if i.target is not None},
    )


def tree_of_metrics(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams) -> TreeOfMetrics | None:
    """Score the indicators of the later wave.

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
    TreeOfMetrics or None
        None where the params name no indicator.

    Raises
    ------
    DataError
        See `check_tree`.
    """
    if not params.tree:
        return None
    part = rows.of(rows.after)
    scaled = pd.DataFrame({m.item: _scaled(part, m) for m in asked})
    found = indicator_tree(
        scaled, *tree_params(params), weights=part[WEIGHT].to_numpy() if rows.weighted else None,
        clusters=part[PERSON].to_numpy() if rows.repeated else None, least=params.min_cell, confidence=params.confidence,
    )  # fmt: skip
    return TreeOfMetrics(found, params.confidence)


def _scaled(part: pd.DataFrame, metric: Asked) -> pd.Series:
    low, high = (b * metric.factor for b in metric.measure.bounds)
    return 100 * (part[metric.item].map(metric.values).astype("float64") - low) / (high - low)


def targets_settled(tree: TreeOfMetrics, confidence: float) -> Claim | None:
    """Claim of how many indicators it is settled on which side of their targets they lie, by Holm; None without targets."""
    table = tree.with_targets()
    if table.empty:
        return None
    names = list(table["indicator"])
    made = count_of("targets", names, table["p"].to_numpy(), confidence=confidence)
    shown, up = set(made.facts["shown"]), dict(zip(names, table["estimate"] > table["target"], strict=True))
    return made.about(
        reached=[n for n in names if n in shown and up[n]], missed=[n for n in names if n in shown and not up[n]]
    )


def targets_missed(targets: Claim | None) -> Claim | None:
    """Claim which indicators miss their targets, of the same family as whether they reach them; None where none is shown to."""
    if targets is None or not targets.facts["missed"]:
        return None
    missed = targets.facts["missed"]
    verdict = "all" if len(missed) == targets.facts["total"] else "some"
    others = [n for n in [*targets.facts["shown"], *targets.facts["not_shown"]] if n not in missed]
    made = replace(targets, name="missed", verdict=verdict)
    return made.about(count=len(missed), shown=missed, not_shown=others)
