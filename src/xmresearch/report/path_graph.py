"""What a path diagram shows: the variables of a structural equation model and the coefficients between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.errors import StudyError

KINDS = {"=~": "loading", "~": "path", "~~": "covariance"}


@dataclass(frozen=True)
class Link:
    """A coefficient.

    Attributes
    ----------
    source, target : str
        Where its arrow starts and ends; of a covariance either way.
    kind : {'path', 'loading', 'covariance'}
        What it is.
    value : float
        Standardised.
    clear : bool
        Whether it is told from zero.
    """

    source: str
    target: str
    kind: str
    value: float
    clear: bool


@dataclass(frozen=True)
class Node:
    """A construct, or a variable that stands among them; `items` are the loadings of what measures it."""

    name: str
    latent: bool
    items: tuple[Link, ...]


@dataclass(frozen=True)
class Graph:
    """The variables, the links between them, and the covariances of items' residuals."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    residuals: tuple[Link, ...]

    @property
    def latents(self) -> set[str]:
        """The constructs."""
        return {node.name for node in self.nodes if node.latent}

    @property
    def observed(self) -> list[str]:
        """The items, and what else has residuals that covary."""
        loadings = [link.target for node in self.nodes for link in node.items]
        return _unique([*loadings, *(name for link in self.residuals for name in (link.source, link.target))])

    @property
    def directed(self) -> bool:
        """Whether a path, or a loading of a construct on another, joins two of the variables."""
        return any(link.kind != "covariance" for link in self.links)


def read_graph(table: pd.DataFrame) -> Graph:
    """Read a table of parameters.

    Parameters
    ----------
    table : DataFrame
        As for `xmresearch.report.path_diagram.path_diagram`.

    Returns
    -------
    Graph
        Nodes in the order in which the table names them: constructs, then other variables.

    Raises
    ------
    StudyError
        The table holds several groups, or nothing that can be drawn.
    """
    if "group" in table and table["group"].nunique() > 1:
        raise StudyError("A path diagram shows one group, and its table holds several.", "Draw one for each group.")
    links = [_link(row) for row in table.to_dict("records") if row["op"] in KINDS and row["lhs"] != row["rhs"]]
    latents = _unique(link.source for link in links if link.kind == "loading")
    paths = [link for link in links if link.kind == "path"]
    standing = _unique([*latents, *(name for link in paths for name in (link.source, link.target))])
    measures = {link.target for link in links if link.kind == "loading"} - set(standing)
    covariances = [link for link in links if link.kind == "covariance"]
    names = _unique([*standing, *(n for k in covariances for n in (k.source, k.target) if n not in measures)])
    if not names:
        raise StudyError("A path diagram needs at least one loading, path or covariance.")
    nodes = [
        Node(name, name in latents, tuple(k for k in links if k.source == name and k.target in measures))
        for name in names
    ]
    outer = [k for k in links if not measures & {k.source, k.target}]
    return Graph(tuple(nodes), tuple(outer), tuple(k for k in covariances if measures & {k.source, k.target}))


def _link(row: Mapping[Any, Any]) -> Link:
    kind = KINDS[row["op"]]
    source, target = (row["rhs"], row["lhs"]) if kind == "path" else (row["lhs"], row["rhs"])
    low, high = row.get("ci_lower", math.nan), row.get("ci_upper", math.nan)
    return Link(source, target, kind, float(row["std_all"]), not (row.get("pvalue", 0.0) > 0.05 or low <= 0 <= high))


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def ranks(graph: Graph) -> dict[str, int]:
    """Put each node as many steps below the exogenous ones as the longest chain of links that leads to it.

    A link that closes a circle counts as if it pointed the other way, and so does the loading of one construct on
    another: what measures a construct stands above it.

    Parameters
    ----------
    graph : Graph
        What to draw.

    Returns
    -------
    dict of str to int
        0 for exogenous nodes and those that measure others.
    """
    below: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for link in graph.links:
        if link.kind != "covariance":
            upper, lower = (link.target, link.source) if link.kind == "loading" else (link.source, link.target)
            below[upper].append(lower)
    place = {name: k for k, name in enumerate(_topological(below))}
    steps = sorted(tuple(sorted((place[upper], place[lower]))) for upper in below for lower in below[upper])
    rank = [0] * len(place)
    for first, second in steps:
        rank[second] = max(rank[second], rank[first] + 1)
    return {name: rank[place[name]] for name in below}


def _topological(below: Mapping[str, Sequence[str]]) -> list[str]:
    """Order nodes so that links point forward, but for those that close a circle."""
    finished: list[str] = []
    entered: set[str] = set()

    def visit(name: str) -> None:
        if name not in entered:
            entered.add(name)
            for other in below[name]:
                visit(other)
            finished.append(name)

    for name in below:
        visit(name)
    return finished[::-1]
