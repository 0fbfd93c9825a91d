"""The parts of a path diagram that stand still: nodes with their items, the roof of correlations, pairs of residuals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xmresearch.report.path_graph import Graph, Link, Node
from xmresearch.report.path_layout import MARGIN, Sizes

Points = NDArray[np.float64]
PAIRS_SHOWN = 10


@dataclass(frozen=True)
class Box:
    """A rectangle by its middle and half its size; y grows downwards."""

    x: float
    y: float
    across: float
    down: float

    def overlaps(self, other: Box, margin: float = 0.0) -> bool:
        """Whether two boxes come closer than a margin, in both directions."""
        return (
            abs(self.x - other.x) < self.across + other.across + margin
            and abs(self.y - other.y) < self.down + other.down + margin
        )

    def held(self, points: Points, margin: float = 0.0) -> int:
        """Count the points that lie in the box, or within a margin around it."""
        away = np.abs(points - (self.x, self.y))
        return int((away < (self.across + margin, self.down + margin)).all(axis=1).sum())


@dataclass(frozen=True)
class Mark:
    """A coefficient, the line it stands on, from its source, and the place where it is written."""

    link: Link
    line: Points
    number: Box


@dataclass
class Layout:
    """Where everything is, in points from the upper left corner of the page.

    Attributes
    ----------
    width, height : float
        Of the page.
    nodes : dict of str to Box
        Constructs and the variables among them.
    items : list of (Mark, Box)
        Loadings, and the observed variables they lead to.
    curves : list of Mark
        Links between nodes.
    cells : list of Mark
        Correlations in the roof.
    pairs : list of (Mark, Box, Box)
        Covariances of residuals, and the items they join.
    rails : list of array of shape (k, 2)
        Lines that bear no coefficient of their own.
    scale : float
        Of the type.
    crowded : bool
        Whether the coefficient of a curve found no place of its own.
    """

    width: float
    scale: float
    height: float = 0.0
    nodes: dict[str, Box] = field(default_factory=dict)
    items: list[tuple[Mark, Box]] = field(default_factory=list)
    curves: list[Mark] = field(default_factory=list)
    cells: list[Mark] = field(default_factory=list)
    pairs: list[tuple[Mark, Box, Box]] = field(default_factory=list)
    rails: list[Points] = field(default_factory=list)
    crowded: bool = False

    def boxes(self, besides: Sequence[str] = ()) -> list[Box]:
        """Return the boxes of items, of fixed coefficients, and of nodes besides those named."""
        items = [box for mark, item in self.items for box in (mark.number, item)]
        nodes = [box for name, box in self.nodes.items() if name not in besides]
        return [*nodes, *items, *(cell.number for cell in self.cells)]


def rim(box: Box, latent: bool, offset: float) -> float:
    """Return half the height of a node at some distance beside its middle."""
    return float(box.down * np.sqrt(max(1 - (offset / box.across) ** 2, 0.0))) if latent else box.down


def add_node(layout: Layout, node: Node, box: Box, side: str, sizes: Sizes) -> None:
    """Place a node, and its items on one side: fanned out beside it, or in a column above or below it."""
    layout.nodes[node.name] = box
    if side in ("left", "right"):
        _add_fan(layout, node, box, -1 if side == "left" else 1, sizes)
    elif side:
        _add_column(layout, node, box, -1 if side == "above" else 1, sizes)


def _add_fan(layout: Layout, node: Node, box: Box, sign: int, sizes: Sizes) -> None:
    begin = box.x + sign * (box.across + sizes.fan)
    for k, link in enumerate(node.items):
        y = box.y + (k - (len(node.items) - 1) / 2) * sizes.pitch
        away = np.array([begin - box.x, y - box.y])
        start = (box.x, box.y) + away / np.hypot(*(away / (box.across, box.down)))
        end = begin + sign * (2 * sizes.number[0] + sizes.arrow)
        number = Box(begin + sign * sizes.number[0], y, *sizes.number)
        layout.items.append(
            (Mark(link, np.array([start, (begin, y), (end, y)]), number), Box(end + sign * sizes.item[0], y, *sizes.item))
        )  # fmt: skip


def _add_column(layout: Layout, node: Node, box: Box, sign: int, sizes: Sizes) -> None:
    left = box.x - sizes.reach / 2
    first = box.y + sign * (box.down + sizes.fan / 2 + sizes.pitch * (0.5 if sign > 0 else len(node.items) - 0.5))
    rail = left - 3.0
    end = left + 2 * sizes.number[0] + sizes.arrow
    for k, link in enumerate(node.items):
        y = first + k * sizes.pitch
        mark = Mark(link, np.array([(rail, y), (end, y)]), Box(left + sizes.number[0], y, *sizes.number))
        layout.items.append((mark, Box(end + sizes.item[0], y, *sizes.item)))
    farthest = first if sign < 0 else first + (len(node.items) - 1) * sizes.pitch
    layout.rails.append(np.array([(rail, box.y + sign * rim(box, True, rail - box.x)), (rail, farthest)]))


def add_roof(
    layout: Layout,
    ports: Mapping[str, float],
    links: Sequence[Link],
    sizes: Sizes,
    place: Callable[[float, float], tuple[float, float]],
) -> None:
    """Write the correlations of nodes in a row where the lines from the two meet, as in the roof of a house of quality.

    Parameters
    ----------
    layout : Layout
        To add to.
    ports : mapping of str to float
        Where along the row the lines begin, in order.
    links : sequence of Link
        Those between two of the nodes are written.
    sizes : Sizes
        Of what is written.
    place : callable
        Returns a point of the page for a place along the row and a level of the roof.
    """
    order = list(ports)
    rank = {name: k for k, name in enumerate(order)}
    farthest: dict[tuple[int, int], int] = {}
    for link in links:
        if link.source in rank and link.target in rank:
            a, b = sorted((rank[link.source], rank[link.target]))
            farthest[a, 1] = max(farthest.get((a, 1), 0), b - a)
            farthest[b, -1] = max(farthest.get((b, -1), 0), b - a)
            point = place((ports[order[a]] + ports[order[b]]) / 2, b - a)
            layout.cells.append(Mark(link, np.array([point, point]), Box(*point, *sizes.number)))
    for (start, sign), far in farthest.items():
        here = ports[order[start]]
        ends = [(here + ports[order[start + sign * step]]) / 2 for step in range(far + 1)]
        layout.rails.append(np.array([place(end, step) for step, end in enumerate(ends)]))


def add_pairs(layout: Layout, graph: Graph, sizes: Sizes) -> None:
    """End the page below everything; covariances of residuals stand there in pairs, if they are not too many."""
    bottom = max(box.y + box.down for box in layout.boxes())
    wide = 4 * sizes.item[0] + 2 * sizes.number[0] + 4 * sizes.arrow
    many = max(int((layout.width - 2 * MARGIN + 14.0) // (wide + 14.0)), 1)
    pairs = graph.residuals if len(graph.residuals) <= PAIRS_SHOWN else ()
    many = min(many, max(len(pairs), 1))
    start = (layout.width - many * wide - (many - 1) * 14.0) / 2
    for k, link in enumerate(pairs):
        left = start + (k % many) * (wide + 14.0)
        y = bottom + 16.0 * sizes.scale + (k // many) * 1.5 * sizes.pitch
        first, second = Box(left + sizes.item[0], y, *sizes.item), Box(left + wide - sizes.item[0], y, *sizes.item)
        line = np.array([(left + 2 * sizes.item[0], y), (left + wide - 2 * sizes.item[0], y)])
        layout.pairs.append((Mark(link, line, Box(left + wide / 2, y, *sizes.number)), first, second))
    lowest = [second for _, _, second in layout.pairs]
    layout.height = max([bottom, *(box.y + box.down for box in lowest)]) + MARGIN
