"""The process map: which touchpoints follow which, laid out in layers for a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.attribution.journey_analysis import JourneyResult
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError
from xmresearch.sufficient.label_forms import CONVERTED, LEFT, START

SWEEPS, MOST_TOUCHPOINTS, LEAST_SHOWN = 8, 300, 0.5
KINDS = {START: "start", CONVERTED: "converted", LEFT: "left"}


@dataclass(frozen=True, repr=False)
class ProcessMap(Shown):
    """A map of journeys.

    Attributes
    ----------
    nodes : DataFrame
        node, kind (start, touchpoint, converted, left), layer (0 is the start; both ends are in the last), place (position
        within the layer, from 0), journeys_through (steps that lead in, or out of the start).
    edges : DataFrame
        source, target, count, share (of what leaves the source), mean_seconds, median_seconds, back (against the layers), loop (onto itself).
    shown : float
        Share of all steps that the edges stand for.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    shown: float

    def tidy(self) -> pd.DataFrame:
        """Return the edges."""
        return self.edges

    def summary(self) -> dict[str, Any]:
        """Return the figures of a caption, with the case: whole, partial, or nothing where no step may be drawn."""
        case = "nothing" if not len(self.edges) else "whole" if self.shown > 1 - 1e-12 else "partial"
        return {
            "case": case, "shown": self.shown, "nodes": len(self.nodes),
            "edges": len(self.edges), "back": int(self.edges["back"].sum()),
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        row = ("share_of_steps_shown", self.shown, LEAST_SHOWN, "pass" if self.shown >= LEAST_SHOWN else "warn")
        return pd.DataFrame([row], columns=["check", "value", "threshold", "status"])


def process_map(result: JourneyResult, *, share: float = 0.8) -> ProcessMap:
    """Choose the steps worth drawing, and lay touchpoints out in layers.

    Parameters
    ----------
    result : JourneyResult
        With its edges.
    share : float
        The most frequent steps are drawn until they stand for this share of all; besides, the most frequent step into and out of
        every touchpoint.

    Returns
    -------
    ProcessMap

    Raises
    ------
    ParamsError
        The share is not between 0 and 1.
    InsufficientData
        There are more than 300 touchpoints, which no map shows.

    Notes
    -----
    Steps are taken from the most frequent on; one that would close a circle leads back. A touchpoint is one layer below the lowest
    that leads to it, and layers are ordered by the mean place of their neighbours.

    References
    ----------
    Sugiyama, K., Tagawa, S. & Toda, M. (1981). Methods for visual understanding of hierarchical system structures. IEEE
    Transactions on Systems, Man, and Cybernetics, 11(2), 109-125.
    """
    if not 0 < share <= 1:
        raise ParamsError(f"The share of steps drawn is {share}.", "Give a number above 0, up to 1.")
    if len(result.touchpoints) > MOST_TOUCHPOINTS:
        raise InsufficientData(
            f"{len(result.touchpoints)} touchpoints are more than a map can show ({MOST_TOUCHPOINTS}).",
            "Map them to fewer channels.",
        )
    edges = result.edges
    before = edges["count"].cumsum() - edges["count"]
    first_out, first_in = (~edges.duplicated(end) for end in ("source", "target"))
    chosen = edges[(before < share * edges["count"].sum()) | first_out | first_in].reset_index(drop=True)
    forward = _acyclic(list(zip(chosen["source"], chosen["target"], strict=True)))
    layers = _ordered(_layers(forward, chosen), forward)
    rows = []
    into = chosen.groupby("target")["count"].sum()
    starts = float(chosen.loc[chosen["source"] == START, "count"].sum())
    for layer, names in enumerate(layers):
        for place, name in enumerate(names):
            through = starts if name == START else float(into.get(name, 0.0))
            rows.append((name, KINDS.get(name, "touchpoint"), layer, place, through))
    nodes = pd.DataFrame(rows, columns=["node", "kind", "layer", "place", "journeys_through"])
    ahead = set(forward)
    pairs = list(zip(chosen["source"], chosen["target"], strict=True))
    loop = [a == b for a, b in pairs]
    back = [a != b and (a, b) not in ahead for a, b in pairs]
    shown = float(chosen["count"].sum() / edges["count"].sum())
    return ProcessMap(nodes, chosen.assign(back=back, loop=loop), shown)


def _acyclic(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the steps that close no circle with those before them."""
    after: dict[str, set[str]] = {}
    kept = []
    for source, target in steps:
        if source == target or _reaches(after, target, source):
            continue
        after.setdefault(source, set()).add(target)
        kept.append((source, target))
    return kept


def _reaches(after: dict[str, set[str]], begin: str, end: str) -> bool:
    seen, waiting = {begin}, [begin]
    while waiting:
        here = waiting.pop()
        if here == end:
            return True
        fresh = after.get(here, set()) - seen
        seen |= fresh
        waiting.extend(fresh)
    return False


def _layers(forward: list[tuple[str, str]], chosen: pd.DataFrame) -> list[list[str]]:
    names = list(dict.fromkeys([START, *chosen["source"], *chosen["target"]]))
    depth = dict.fromkeys(names, 1) | {START: 0}
    for _ in names:
        changed = False
        for source, target in forward:
            if depth[target] <= depth[source]:
                depth[target], changed = depth[source] + 1, True
        if not changed:
            break
    inner = [n for n in names if n not in (CONVERTED, LEFT)]
    last = max(depth[n] for n in inner) + 1
    for end in (CONVERTED, LEFT):
        if end in depth:
            depth[end] = last
    return [[n for n in names if depth[n] == k] for k in range(last + 1) if any(depth[n] == k for n in names)]


def _ordered(layers: list[list[str]], forward: list[tuple[str, str]]) -> list[list[str]]:
    """Order each layer by the mean place of the neighbours of its nodes, down and up."""
    near: dict[str, list[str]] = {}
    for source, target in forward:
        near.setdefault(source, []).append(target)
        near.setdefault(target, []).append(source)
    rows = [list(row) for row in layers]
    for sweep in range(SWEEPS):
        place = {n: (k + 0.5) / len(row) for row in rows for k, n in enumerate(row)}
        turn = 1 if sweep % 2 == 0 else -1
        depth = {n: k for k, row in enumerate(rows) for n in row}
        for row in rows[::turn]:
            middle = {}
            for name in row:
                beside = [place[n] for n in near.get(name, []) if (depth[n] - depth[name]) * turn < 0]
                middle[name] = sum(beside) / len(beside) if beside else place[name]
            row.sort(key=lambda n: (middle[n], n))
            place |= {n: (k + 0.5) / len(row) for k, n in enumerate(row)}
    return rows
