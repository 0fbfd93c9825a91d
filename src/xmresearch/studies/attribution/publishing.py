"""What of a journey study may be shown: no count of a few journeys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.attribution.directly_follows import ProcessMap
from xmresearch.attribution.journey_analysis import JourneyResult
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.sufficient.label_forms import CONVERTED, LEFT, START

HOUR = 3600.0


@dataclass(frozen=True, repr=False)
class ShownJourneys(Shown):
    """The tables of a `JourneyResult` that may be shown.

    Attributes
    ----------
    touchpoints : DataFrame
        Exits, exit rates, losses and scores are blank where they rest on too few journeys.
    paths, loops : DataFrame
        Without rare ones; shares of journeys are `part`, and `chain` lists the touchpoints of a path.
    funnel : DataFrame
        Counts that are too small are blank; shares of journeys are `part`, those lost `lost_here`.
    drawn : ProcessMap
        Without rare steps; its nodes have a `volume`: touches, or journeys at the start and at the ends.
    min_cell : int
        Fewest journeys behind a figure.
    hidden : int
        Figures, steps and paths that are not shown.
    """

    touchpoints: pd.DataFrame
    paths: pd.DataFrame
    loops: pd.DataFrame
    funnel: pd.DataFrame
    drawn: ProcessMap
    min_cell: int
    hidden: int

    def steps(self, top: int = 15) -> pd.DataFrame:
        """Return the most frequent steps that are drawn: source, target, count, part (of what leaves the source); median_hours and mean_hours if timed."""
        table = self.drawn.edges.head(top).rename(columns={"share": "part"})
        median, mean = (table.pop(f"{kind}_seconds") / HOUR for kind in ("median", "mean"))
        return table.assign(median_hours=median, mean_hours=mean) if mean.notna().any() else table

    def summary(self) -> dict[str, Any]:
        """Return how much is hidden and the number of scores joined, with the case: some or nothing."""
        answers = int(self.touchpoints["scores"].sum()) if "scores" in self.touchpoints else 0
        return {"case": "some" if self.hidden else "nothing", "min_cell": self.min_cell, "hidden": self.hidden,
                "answers": answers}  # fmt: skip


def publishable(result: JourneyResult, drawn: ProcessMap, min_cell: int) -> ShownJourneys:
    """Leave out what rests on fewer journeys than may be shown.

    Parameters
    ----------
    result : JourneyResult
        From `journey`.
    drawn : ProcessMap
        From `process_map`.
    min_cell : int
        Fewest journeys.

    Returns
    -------
    ShownJourneys

    Notes
    -----
    Of figures that add up to a total that is shown, so many are blank that the total gives none away; see
    `xmresearch.disclosure`.
    """
    table = result.touchpoints.copy()
    rare = hidden_counts(table["exits"].to_numpy(), min_cell)
    table.loc[rare, ["exits", "exit_rate", "lost"]] = np.nan
    hidden = int(rare.sum())
    if "scores" in table:
        few = (table["scores"] < min_cell).to_numpy()
        table.loc[few, ["scores", "score", "score_sd", "score_lower", "score_upper", "shortfall", "priority"]] = np.nan
        table.loc[rare, "priority"] = np.nan
        hidden += int((few & (result.touchpoints["scores"] > 0).to_numpy()).sum())
    funnel = result.funnel.rename(columns={"share": "part"})
    for column in ("converted", "lost"):
        small = hidden_counts(funnel[column].to_numpy(), min_cell)
        funnel.loc[small, column] = np.nan
        hidden += int(small.sum())
    funnel = funnel.rename(columns={"lost": "lost_here"})
    edges = drawn.edges
    kept = edges[~_rare_steps(edges, min_cell)].reset_index(drop=True)
    paths, loops = (
        t[t[c] >= min_cell].reset_index(drop=True) for t, c in ((result.paths, "journeys"), (result.loops, "count"))
    )
    paths = paths.rename(columns={"share": "part"})
    hidden += len(edges) - len(kept) + len(result.paths) - len(paths) + len(result.loops) - len(loops)
    shown = drawn.shown * float(kept["count"].sum() / edges["count"].sum())
    return ShownJourneys(
        table, paths, loops, funnel, ProcessMap(_sized(drawn.nodes, result), kept, shown), min_cell, hidden
    )


def _sized(nodes: pd.DataFrame, result: JourneyResult) -> pd.DataFrame:
    facts, touches = result.facts, result.touchpoints.set_index("touchpoint")["touches"]
    ends = {START: facts["journeys"], CONVERTED: facts["conversions"], LEFT: facts["nulls"]}
    return nodes.assign(volume=[float(ends[n] if n in ends else touches[n]) for n in nodes["node"]])


def _rare_steps(edges: pd.DataFrame, min_cell: int) -> NDArray[np.bool_]:
    hidden = np.zeros(len(edges), dtype=bool)
    for _, at in edges.groupby("source", sort=True).indices.items():
        hidden[at] = hidden_counts(edges["count"].to_numpy()[at], min_cell)
    return hidden
