"""The order of the rows of a path diagram and their places on the page, after Sugiyama.

References
----------
Sugiyama, K., Tagawa, S., & Toda, M. (1981). Methods for visual understanding of hierarchical system structures. IEEE
Transactions on Systems, Man, and Cybernetics, 11(2), 109-125.

Gansner, E. R., Koutsofios, E., North, S. C., & Vo, K.-P. (1993). A technique for drawing directed graphs. IEEE
Transactions on Software Engineering, 19(3), 214-230.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from scipy.optimize import isotonic_regression, linprog

from xmresearch.report.path_layout import Rows, alley, margin


def put_in_order(rows: Rows) -> None:
    """Order rows so that few links cross: by barycentres, down and up, then by exchanging neighbours.

    Items beside a node go to the side where less stands.
    """
    joins = _joins(rows)
    best, least = [list(row) for row in rows.rows], _crossings(rows.rows, joins)
    for sweep in range(16):
        numbers = range(len(rows.rows)) if sweep % 2 == 0 else range(len(rows.rows) - 1, -1, -1)
        for row in numbers:
            other = row - 1 if sweep % 2 == 0 else row + 1
            if 0 <= other < len(rows.rows):
                place = {name: k for k, name in enumerate(rows.rows[other])}
                middles = {}
                for k, name in enumerate(rows.rows[row]):
                    near = [place[n] for n in joins[name] if n in place]
                    middles[name] = sum(near) / len(near) if near else float(k)
                rows.rows[row].sort(key=middles.__getitem__)
        _exchange(rows.rows, joins)
        crossings = _crossings(rows.rows, joins)
        if crossings < least:
            best, least = [list(row) for row in rows.rows], crossings
    rows.rows = best
    for names in rows.rows:
        for k, name in enumerate(names):
            block = rows.blocks[name]
            if block.side == "left" and 2 * k > len(names) - 1:
                block.side, block.left, block.right = "right", block.right, block.left


def _exchange(rows: list[list[str]], joins: Mapping[str, list[str]]) -> None:
    """Exchange neighbours for as long as it saves crossings."""
    better = True
    while better:
        better = False
        for r, row in enumerate(rows):
            near = rows[max(r - 1, 0) : r] + rows[r + 1 : r + 2]
            around = [{name: k for k, name in enumerate(other)} for other in near]
            for k in range(len(row) - 1):
                saved = 0
                for places in around:
                    first, second = ([places[n] for n in joins[name] if n in places] for name in row[k : k + 2])
                    saved += sum((a > b) - (a < b) for a in first for b in second)
                if saved > 0:
                    row[k], row[k + 1] = row[k + 1], row[k]
                    better = True


def _joins(rows: Rows) -> dict[str, list[str]]:
    joins: dict[str, list[str]] = {name: [] for name in rows.blocks}
    for chain in [*rows.chains.values(), *rows.roof.values()]:
        for upper, lower in pairwise(chain):
            joins[upper].append(lower)
            joins[lower].append(upper)
    return joins


def _crossings(rows: Sequence[Sequence[str]], joins: Mapping[str, list[str]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        place = {name: k for k, name in enumerate(lower)}
        ends = [(k, place[n]) for k, name in enumerate(upper) for n in joins[name] if n in place]
        total += sum(a < c and b > d for a, b in ends for c, d in ends)
    return total


def spaced(
    targets: Sequence[float], weights: Sequence[float], apart: Sequence[float], low: float, high: float
) -> list[float]:
    """Return the places nearest to targets, in squares, that keep their order, a distance apart and within bounds."""
    shift = np.cumsum([0.0, *apart])
    fitted = isotonic_regression(np.asarray(targets) - shift, weights=np.asarray(weights)).x
    places: list[float] = (np.clip(fitted, low, max(low, high - shift[-1])) + shift).tolist()
    return places


def place_across(rows: Rows, width: float) -> None:
    """Place blocks within their rows so that links run straight down, those between lanes above all.

    The weighted sidesteps of all links are least under the distances that blocks need: a linear programme, as in
    Gansner et al. (1993). What is then left of the page is shared by both margins.
    """
    names = list(rows.blocks)
    place = {name: k for k, name in enumerate(names)}
    terms: list[tuple[dict[str, float], float, float]] = []
    for chain in [*rows.chains.values(), *rows.roof.values()]:
        for upper, lower in pairwise(chain):
            weight = (4.0, 1.0, 8.0)[upper.startswith("\0") + lower.startswith("\0")]
            offset = alley(rows, lower) if chain is rows.roof.get(lower) else 0.0
            terms.append(({upper: 1.0, lower: -1.0}, offset, weight))
    joins = _joins(rows)
    for others, row in [*pairwise(rows.rows), *pairwise(rows.rows[::-1])]:
        for name in row:
            near = [other for other in dict.fromkeys(joins[name]) if other in others]
            if len(near) > 1:
                terms.append(({name: 1.0} | dict.fromkeys(near, -1 / len(near)), 0.0, 0.6))
    terms += [({name: 1.0}, width / 2, 0.01) for name in names]
    sides = np.zeros((len(terms), len(names)))
    for k, (parts, _, _) in enumerate(terms):
        for name, part in parts.items():
            sides[k, place[name]] = part
    offsets = np.array([offset for _, offset, _ in terms])
    pairs = [pair for row in rows.rows for pair in pairwise(row)]
    order = np.zeros((len(pairs), len(names)))
    for k, (left, right) in enumerate(pairs):
        order[k, place[left]], order[k, place[right]] = 1.0, -1.0
    apart = [rows.blocks[left].right + rows.sizes.gap + rows.blocks[right].left for left, right in pairs]
    edges = [margin(rows, name) for name in names]
    bounds = [(e + b.left, width - e - b.right) for e, b in zip(edges, rows.blocks.values(), strict=True)]
    slack = np.eye(len(terms))
    solution = linprog(
        np.concatenate([np.zeros(len(names)), [weight for _, _, weight in terms]]),
        A_ub=np.block([[sides, -slack], [-sides, -slack], [order, np.zeros((len(pairs), len(terms)))]]),
        b_ub=np.concatenate([offsets, -offsets, -np.array(apart)]),
        bounds=[*bounds, *([(0, None)] * len(terms))],
    )
    x = solution.x[: len(names)]
    free = min(x - [low for low, _ in bounds]) - min([high for _, high in bounds] - x)
    rows.x = dict(zip(names, (x - free / 2).round(3).tolist(), strict=True))


def place_down(rows: Rows, top: float, gaps: Sequence[float]) -> None:
    """Place rows one below the other, with given gaps between them."""
    rows.y = []
    for row, gap in zip(rows.rows, [*gaps, 0.0], strict=True):
        blocks = [rows.blocks[name] for name in row]
        rows.y.append(top + max(b.up for b in blocks))
        top = rows.y[-1] + max(b.down for b in blocks) + gap
