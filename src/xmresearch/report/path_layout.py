"""Where the nodes of a path diagram stand: in rows, which links go down from cause to effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from xmresearch.report.path_graph import Graph, Link, Node, ranks

MARGIN = 5.0


@dataclass(frozen=True)
class Sizes:
    """Sizes in points.

    Attributes
    ----------
    scale : float
        Of the type, 1 being the usual.
    shapes : mapping of str to (float, float)
        Half the width and height of each node.
    item, number, path : (float, float)
        Half the width and height of an item, of its coefficient, and of a coefficient between nodes.
    gap, lane : float
        Between neighbours in a row, and between links that pass a row.
    """

    scale: float
    shapes: Mapping[str, tuple[float, float]]
    item: tuple[float, float]
    number: tuple[float, float]
    path: tuple[float, float]
    gap: float = 0.0
    lane: float = 0.0

    @property
    def pitch(self) -> float:
        """From one item to the next."""
        return 2 * self.item[1] + 2.2

    @property
    def arrow(self) -> float:
        """Length of an arrow head."""
        return 5.0 * self.scale

    @property
    def fan(self) -> float:
        """From a construct to the coefficients of items beside it."""
        return 15.0 * self.scale

    @property
    def reach(self) -> float:
        """Width of the coefficients and items together."""
        return 2 * self.number[0] + self.arrow + 2 * self.item[0]


@dataclass
class Block:
    """What keeps its place in a row: a node with its items, or a lane in which a link passes the row."""

    left: float
    right: float
    up: float = 0.0
    down: float = 0.0
    side: str = ""
    items: int = 0


@dataclass
class Rows:
    """Rows of blocks from the top, and the links as chains of blocks, each one row below the last.

    Attributes
    ----------
    sizes : Sizes
        Of what is drawn.
    blocks : dict of str to Block
        By the node's name, or a lane's own, which begins with a zero byte.
    rows : list of list of str
        Blocks from left to right.
    chains : dict of Link to list of str
        From the upper node to the lower one through lanes; of nodes in the same row the two alone.
    roof : dict of str to list of str
        Of each node whose correlations stand in the roof: from its place there down to the node.
    x, y : dict of str to float
        Middles of blocks; y is the row's.
    needed : float
        Width of the narrowest page that holds them.
    """

    sizes: Sizes
    blocks: dict[str, Block]
    rows: list[list[str]]
    chains: dict[Link, list[str]] = field(default_factory=dict)
    roof: dict[str, list[str]] = field(default_factory=dict)
    x: dict[str, float] = field(default_factory=dict)
    y: list[float] = field(default_factory=list)
    needed: float = 0.0

    def extent(self, row: int) -> tuple[float, float]:
        """Return where a row begins and ends."""
        blocks = [self.blocks[name] for name in self.rows[row]]
        return self.y[row] - max(b.up for b in blocks), self.y[row] + max(b.down for b in blocks)


def stacked(graph: Graph, sizes: Sizes) -> Rows:
    """Put constructs that no path joins one below the other, with their items to the right."""
    rows = Rows(
        sizes, {node.name: _block(node, sizes, "right") for node in graph.nodes}, [[n.name] for n in graph.nodes]
    )
    wide = sum(max(getattr(block, side) for block in rows.blocks.values()) for side in ("left", "right"))
    depth = roof_depth([node.name for node in graph.nodes], graph.links)
    rows.needed = 2 * MARGIN + wide + (depth * 1.8 + 1) * sizes.number[0] * (depth > 0)
    return rows


def roof_depth(names: Sequence[str], links: Sequence[Link]) -> int:
    """Return how many places apart the most distant of correlated nodes are."""
    place = {name: k for k, name in enumerate(names)}
    return max((abs(place[k.source] - place[k.target]) for k in links if {k.source, k.target} <= set(place)), default=0)


def layered(graph: Graph, sizes: Sizes, width: float, fill: float) -> Rows:
    """Put nodes in rows from cause to effect; what does not fit into one row goes into several.

    Parameters
    ----------
    graph : Graph
        What to draw.
    sizes : Sizes
        Of what is drawn.
    width : float
        Of the page.
    fill : float
        The part of the width that nodes may take, the rest being left to links that pass.

    Returns
    -------
    Rows
        Not yet in order, nor placed.
    """
    rank = ranks(graph)
    rows = Rows(sizes, {}, [])
    for level in range(max(rank.values()) + 1):
        nodes = [node for node in graph.nodes if rank[node.name] == level]
        crowd = len(nodes) > 2
        blocks = [_block(node, sizes, _side(node, graph, rank) if crowd else "left") for node in nodes]
        rows.blocks |= {node.name: block for node, block in zip(nodes, blocks, strict=True)}
        rows.rows += _folded(rows, [node.name for node in nodes], fill * width - 2 * MARGIN)
    _add_lanes(rows, graph, rank)
    rows.needed = max(_taken(rows, row) + 2 * max(margin(rows, name) for name in row) for row in rows.rows)
    return rows


def _side(node: Node, graph: Graph, rank: Mapping[str, int]) -> str:
    """Say where a node of a crowded row has its items: on the side from which no link comes, or beside it."""
    if rank[node.name] == 0:
        return "above"
    others = [k.target if k.source == node.name else k.source for k in graph.links if node.name in (k.source, k.target)]
    return "left" if any(rank[other] > rank[node.name] for other in others) else "below"


def _block(node: Node, sizes: Sizes, side: str) -> Block:
    across, down = sizes.shapes[node.name]
    count = len(node.items)
    block = Block(across, across, down, down, side if count else "", count)
    tall = count * sizes.pitch / 2
    if block.side in ("left", "right"):
        block.up = block.down = max(down, tall)
        if side == "left":
            block.left += sizes.fan + sizes.reach
        else:
            block.right += sizes.fan + sizes.reach
    elif block.side:
        block.up += (2 * tall + sizes.fan / 2) * (side == "above")
        block.down += (2 * tall + sizes.fan / 2) * (side == "below")
    return block


def _folded(rows: Rows, names: Sequence[str], room: float) -> list[list[str]]:
    for count in range(1, len(names) + 1):
        size = ceil(len(names) / count)
        parts = [list(names[k : k + size]) for k in range(0, len(names), size)]
        if max(_taken(rows, part) for part in parts) <= room:
            return parts
    return [[name] for name in names]


def margin(rows: Rows, name: str) -> float:
    """Return how near a block may come to the edge of the page: a lane leaves room for the coefficient on it."""
    block = rows.blocks[name]
    return MARGIN if name in rows.sizes.shapes else max(MARGIN, rows.sizes.path[0] + 1.0 - block.left)


def _taken(rows: Rows, row: Sequence[str]) -> float:
    """Return the width that the blocks of a row need."""
    return sum(rows.blocks[name].left + rows.blocks[name].right for name in row) + rows.sizes.gap * (len(row) - 1)


def _add_lanes(rows: Rows, graph: Graph, rank: Mapping[str, int]) -> None:
    """Add what passes rows: links over several rows, and the correlations that lead up to the roof."""
    exogenous = [k for k in graph.links if k.kind == "covariance" and rank[k.source] == rank[k.target] == 0]
    roofed = [node.name for node in graph.nodes if any(node.name in (k.source, k.target) for k in exogenous)]
    if roofed:
        rows.rows.insert(0, [])
    where = {name: k for k, row in enumerate(rows.rows) for name in row}

    def passing(key: str, first: int, last: int, half: float) -> list[str]:
        lanes = [f"{key} {row}" for row in range(first, last)]
        for row, lane in zip(range(first, last), lanes, strict=True):
            rows.blocks[lane] = Block(half, half)
            rows.rows[row].append(lane)
        return lanes

    half = max(rows.sizes.lane - rows.sizes.gap, 0.0) / 2
    for index, link in enumerate(graph.links):
        if link not in exogenous:
            upper, lower = sorted((link.source, link.target), key=lambda name: where[name])
            lanes = passing(f"\0link {index}", where[upper] + 1, where[lower], half)
            rows.chains[link] = [upper, *lanes, lower]
    for name in roofed:
        rows.roof[name] = [*passing(f"\0roof {name}", 0, where[name], 2.0), name]


def alley(rows: Rows, name: str) -> float:
    """Return how far beside a node's middle the line to its correlations runs: past the items above it."""
    return rows.sizes.reach / 2 + 3.0 if rows.blocks[name].side == "above" else 0.0
