"""The lines of a path diagram between its nodes, and the places of their coefficients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from xmresearch.report.path_graph import Graph, Link
from xmresearch.report.path_layout import MARGIN, Block, Rows, Sizes, alley, layered, roof_depth, stacked
from xmresearch.report.path_order import place_across, place_down, put_in_order, spaced
from xmresearch.report.path_parts import (
    Box,
    Layout,
    Mark,
    Points,
    add_node,
    add_pairs,
    add_roof,
    rim,
)  # fmt: skip

SCALES = (1.12, 1.0, 0.9)
GAPS = ((14.0, 2.0), (10.0, 2.0), (5.0, 2.0), (5.0, 0.8))
FILLS = (1.0, 0.85, 0.7, 0.55, 0.4)
STRETCHES = (1.0, 1.4, 2.0, 3.0)
SPACING, HEAD = 2.0, 4


def lay_out(graph: Graph, sizes_at: Callable[[float], Sizes], width: float) -> Layout:
    """Place everything: at the scale and in the way that need the fewest rows, and of these at the largest scale.

    Parameters
    ----------
    graph : Graph
        What to draw.
    sizes_at : callable
        Returns sizes at a scale.
    width : float
        Of the page, in points; it is exceeded only where nothing fits.

    Returns
    -------
    Layout
        Constructs that no path joins stand one below the other, others in rows from cause to effect.
    """
    sizes = [
        replace(some, gap=gap, lane=lane * some.path[0] + 6.0 * scale)
        for scale in SCALES
        for some in [sizes_at(scale)]
        for gap, lane in GAPS
    ]
    if graph.directed:
        drafts = [layered(graph, some, width, fill) for some in sizes for fill in FILLS]
    else:
        drafts = [stacked(graph, some) for some in sizes]
    rows = min(drafts, key=lambda draft: (max(draft.needed, width), len(draft.rows)))
    page = max(width, rows.needed)
    if not graph.directed:
        return _stack(rows, graph, page)
    put_in_order(rows)
    place_across(rows, page)
    layout = Layout(page, rows.sizes.scale)
    for stretch in STRETCHES:
        layout = _route(rows, graph, page, stretch)
        if not layout.crowded:
            break
    return layout


def _stack(rows: Rows, graph: Graph, width: float) -> Layout:
    """Lay out constructs that stand one below the other, with their correlations in a roof at their left."""
    layout, sizes = Layout(width, rows.sizes.scale), rows.sizes
    place_down(rows, MARGIN, [8.0 * sizes.scale] * (len(rows.rows) - 1))
    order = [row[0] for row in rows.rows]
    left = max(block.left for block in rows.blocks.values())
    wide = left + max(block.right for block in rows.blocks.values())
    depth = roof_depth(order, graph.links)
    step = min((width - 2 * MARGIN - wide - sizes.number[0]) / max(depth, 1), 26.0 * sizes.scale)
    edge = (width - wide + (depth * step + sizes.number[0]) * (depth > 0)) / 2
    for node, y in zip(graph.nodes, rows.y, strict=True):
        box = Box(edge + left, y, *sizes.shapes[node.name])
        add_node(layout, node, box, rows.blocks[node.name].side, sizes)
    ports = dict(zip(order, rows.y, strict=True))
    add_roof(layout, ports, graph.links, sizes, lambda y, level: (edge - level * step, y))
    add_pairs(layout, graph, sizes)
    return layout


def _route(rows: Rows, graph: Graph, width: float, stretch: float) -> Layout:
    """Lay out rows that links join, with the room between them stretched by a factor."""
    layout, sizes = Layout(width, rows.sizes.scale), rows.sizes
    owners = {chain[0]: name for name, chain in rows.roof.items()}
    order = [owners[port] for port in rows.rows[0] if port in owners]
    depth, step = roof_depth(order, graph.links), 2 * sizes.number[1] + 3.5
    top = MARGIN + depth * step + sizes.number[1] * (depth > 0)
    place_down(rows, top, [_gap(rows, row, stretch) for row in range(len(rows.rows) - 1)])
    height = {name: y for row, y in zip(rows.rows, rows.y, strict=True) for name in row}
    for node in graph.nodes:
        box = Box(rows.x[node.name], height[node.name], *sizes.shapes[node.name])
        add_node(layout, node, box, rows.blocks[node.name].side, sizes)
    if order:
        first, last = rows.x[rows.roof[order[0]][0]], rows.x[rows.roof[order[-1]][0]]
        ports = dict(zip(order, np.linspace(first, last, len(order)).tolist(), strict=True))
        add_roof(layout, ports, graph.links, sizes, lambda x, level: (x, top - level * step))
        for name, x in ports.items():
            end = _end(layout, graph, name, alley(rows, name), -1)
            layout.rails.append(_line(rows, rows.roof[name], (x, top), end, (True, True)))
    _add_numbers(layout, _lines(layout, rows, graph), sizes)
    add_pairs(layout, graph, sizes)
    return layout


def _end(layout: Layout, graph: Graph, name: str, offset: float, sign: int) -> tuple[float, float]:
    """Return a point on the upper (-1) or lower (1) edge of a node."""
    box = layout.nodes[name]
    return box.x + offset, box.y + sign * rim(box, name in graph.latents, offset)


def _gap(rows: Rows, row: int, stretch: float) -> float:
    """Return the room between two rows: for the numbers on the links between them, and more where links lean far."""
    here, below, blocks, shapes = rows.rows[row], rows.rows[row + 1], rows.blocks, rows.sizes.shapes
    chains = rows.chains.values()
    steps = [(a, b) for chain in chains for a, b in pairwise(chain) if a in here and b in below]
    leaning = sum(abs(rows.x[a] - rows.x[b]) > 2 * rows.sizes.path[0] for a, b in steps)
    arcs = any(len(chain) == 2 and set(chain) <= set(below) for chain in chains)
    room = 10.0 if steps else 14.0
    for a, b in steps:
        wanted = (8.0, 18.0, 30.0)[(a in shapes) + (b in shapes)] + 0.1 * abs(rows.x[a] - rows.x[b])
        beside = sum(
            side - shapes[name][1] for name, side in ((a, blocks[a].down), (b, blocks[b].up)) if name in shapes
        )
        room = max(room, stretch * (wanted + 2.5 * min(leaning, 6)) - beside / rows.sizes.scale)
    return rows.sizes.scale * (room + 16.0 * arcs)


def _anchors(rows: Rows, layout: Layout) -> dict[tuple[str, Link], float]:
    """Say how far from the middle of its nodes each link begins and ends, so that links do not meet there."""
    height = {name: k for k, row in enumerate(rows.rows) for name in row}
    ends: dict[tuple[str, bool], list[tuple[float, Link]]] = {}
    for link, chain in rows.chains.items():
        arc = height[chain[0]] == height[chain[-1]]
        ends.setdefault((chain[0], not arc), []).append((rows.x[chain[1]], link))
        ends.setdefault((chain[-1], False), []).append((rows.x[chain[-2]], link))
    anchors: dict[tuple[str, Link], float] = {}
    for (name, _), met in ends.items():
        met.sort(key=lambda end: end[0])
        low, high = _room(layout.nodes[name], rows.blocks[name], rows.sizes)
        leaps = [x - rows.x[name] for x, _ in met]
        apart = np.array([12.0 if b - a > 1 else 26.0 for a, b in pairwise(leaps)]) * rows.sizes.scale
        apart *= min(1.0, (high - low) * max(0.5, len(apart) / (len(apart) + 2)) / max(apart.sum(), 1.0))
        wanted = [min(max(0.5 * leap, low), high) for leap in leaps]
        weights = [30.0 if abs(leap) < 1 else 1.0 for leap in leaps]
        places = spaced(wanted, weights, apart.tolist(), low, high)
        anchors |= {(name, link): place for (_, link), place in zip(met, places, strict=True)}
    return anchors


def _room(box: Box, block: Block, sizes: Sizes) -> tuple[float, float]:
    """Return from where to where links may meet a node, beside its middle: not where lines to its items leave."""
    across, down = box.across + sizes.fan, (block.items - 1) / 2 * sizes.pitch
    usual = 0.68 * box.across
    kept = min(usual, across / np.hypot(across / box.across, down / box.down) - 5.0) if block.items else usual
    return (-kept if block.side == "left" else -usual), (kept if block.side == "right" else usual)


def _lines(layout: Layout, rows: Rows, graph: Graph) -> dict[Link, Points]:
    """Draw all links; those that meet a node on one side bend beside it, or all of them only below or above its row."""
    anchors, boxes = _anchors(rows, layout), layout.boxes
    late: set[tuple[str, bool]] = set()
    while True:
        lines, struck = {}, set()
        for link, chain in rows.chains.items():
            upper, lower = chain[0], chain[-1]
            arc = layout.nodes[upper].y == layout.nodes[lower].y
            start = _end(layout, graph, upper, anchors[upper, link], -1 if arc else 1)
            end = _end(layout, graph, lower, anchors[lower, link], -1)
            straight = ((upper, True) in late, (lower, False) in late)
            line = _arc(rows, chain, start, end) if arc else _line(rows, chain, start, end, straight)
            lines[link] = line if upper == link.source else line[::-1]
            half = len(line) // 2
            for name, part, points in ((upper, True, line[:half]), (lower, False, line[half:])):
                if any(box.held(points, 2.0) for box in boxes((upper, lower))):
                    struck.add((name, part))
        if struck <= late:
            return lines
        late |= struck


def _line(
    rows: Rows, chain: Sequence[str], start: tuple[float, float], end: tuple[float, float], straight: tuple[bool, bool]
) -> Points:
    """Draw a line down from row to row: straight within rows, but for its own nodes' if so wished, curved elsewhere."""
    height = {name: k for k, row in enumerate(rows.rows) for name in row}
    first, last = height[chain[0]], height[chain[-1]]
    across = [start[0], *(rows.x[name] for name in chain[1:-1]), end[0]]
    points = np.array([start])
    for row, (here, there) in enumerate(pairwise(across), start=first):
        top = start[1] if row == first and not straight[0] else rows.extent(row)[1]
        foot = end[1] if row + 1 == last and not straight[1] else rows.extent(row + 1)[0]
        bend = _bend((here, top), (there, foot), 0.5 * (foot - top))
        points = np.vstack([points, bend, [(there, end[1] if row + 1 == last else rows.extent(row + 1)[1])]])
    return _evenly(points)


def _arc(rows: Rows, chain: Sequence[str], start: tuple[float, float], end: tuple[float, float]) -> Points:
    """Draw a line over what stands between two nodes of a row."""
    row = next(k for k, names in enumerate(rows.rows) if chain[0] in names)
    top, above = rows.extent(row)[0], rows.extent(row - 1)[1]
    bend = _bend((start[0], top), (end[0], top), above - top)
    return _evenly(np.vstack([[start], bend, [end]]))


def _bend(start: tuple[float, float], end: tuple[float, float], pull: float) -> Points:
    """Return points of a cubic curve that leaves and arrives upright; an arc where it returns to its height."""
    t = np.linspace(0, 1, 33)[:, None]
    a, d = np.array(start), np.array(end)
    b, c = a + (0, pull), d - (0, pull if start[1] != end[1] else -pull)
    points: Points = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
    return points


def _evenly(points: Points) -> Points:
    """Return points along a line at an even distance."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, along[-1], max(int(along[-1] / SPACING), 2) + 1)
    return np.column_stack([np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])])


def _add_numbers(layout: Layout, lines: Mapping[Link, Points], sizes: Sizes) -> None:
    """Write each coefficient on its line where it covers nothing else, or least; then again, knowing the others."""
    heads = [np.mean(end, axis=0) for line in lines.values() for end in (line[:HEAD], line[-HEAD:])]
    fixed = [*layout.boxes(), *(Box(float(x), float(y), SPACING, SPACING) for x, y in heads)]
    drawn = [_evenly(line) for line in [*layout.rails, *(mark.line for mark, _ in layout.items)]]
    places: dict[Link, Box] = {}
    for _ in range(3):
        layout.crowded = False
        for link, line in sorted(lines.items(), key=lambda item: len(item[1])):
            others = np.vstack([line[:0], *drawn, *(points for k, points in lines.items() if k is not link)])
            taken = [*fixed, *(box for k, box in places.items() if k is not link)]
            flat = np.abs(np.gradient(line[:, 0])) / SPACING
            costs = {}
            for k in range(1, len(line) - 1, 2):
                box = Box(float(line[k, 0]), float(line[k, 1]), *sizes.path)
                cost = box.held(others) + 0.05 * SPACING * abs(k - len(line) / 2) + 1.5 * flat[k]
                costs[box] = cost + 1000.0 * sum(box.overlaps(b, 1.0) for b in taken)
            places[link], least = min(costs.items(), key=lambda item: item[1])
            layout.crowded |= bool(least >= 1000.0)
    layout.curves = [Mark(link, line, places[link]) for link, line in lines.items()]
