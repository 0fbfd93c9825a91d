"""The process map: which touchpoint follows which, drawn as wide as it is frequent."""

from __future__ import annotations

from math import isnan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.report.figure_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    WIDTH,
    figure_style,
    new_figure,
    text_width,
    to_svg,
)
from xmresearch.report.path_graph import Graph, Link, Node
from xmresearch.report.path_layout import Sizes
from xmresearch.report.path_parts import Layout, Mark, Points
from xmresearch.report.path_routes import lay_out
from xmresearch.report.typesetting import typeset
from xmresearch.report.wording import Wording, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = WIDTH * 72.0
NAME, NOTE, FLOW = 9.0, 7.8, 8.0
LINE, LEAST = 5.0, 0.01
KINDS = {"start": GREY, "touchpoint": BLUE, "converted": GREEN, "left": ORANGE}
FACES = {"start": "#eef1f4", "touchpoint": "#edf3f8", "converted": "#eaf4ec", "left": "#fbefe6"}


def process_map(
    table: pd.DataFrame, wording: Wording, key: str, *, nodes: pd.DataFrame, show: str = "share", page: float = PAGE
) -> str:
    """Draw touchpoints in layers and the steps between them.

    Boxes grow with volume; lines are as wide as a step is frequent, orange where they lead back, and bear the share of what
    leaves their source. A step onto itself is written into the box.

    Parameters
    ----------
    table : DataFrame
        One row per step: source, target, count, share, back, loop.
    wording : Wording
        Names of touchpoints.
    key : str
        Of the figure, in the labels.
    nodes : DataFrame
        node, kind (start, touchpoint, converted, left) and volume.
    show : str
        What lines bear: share, or a column of hours; nothing where it is blank.
    page : float
        Width to keep to, in points.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        steps = table[~table["loop"]]
        named = nodes[nodes["node"].isin([*steps["source"], *steps["target"]])]
        # a step back is laid out as if it pointed the other way
        links = tuple(
            Link(r["source"], r["target"], "loading" if r["back"] else "path", float(r[show]), not r["back"])
            for r in steps.to_dict("records")
        )
        graph = Graph(tuple(Node(str(n), False, ()) for n in named["node"]), links, ())
        texts = _texts(named, table, wording, str(wording.get("figures", key)["again"]))
        volume = named.set_index("node")["volume"].to_dict()
        said = {link: _figure(link.value, wording, show == "share") for link in links}
        layout = lay_out(graph, lambda scale: _sizes(texts, volume, tuple(said.values()), scale), page)
        figure, axes = new_figure(layout.height / 72.0)
        figure.set_layout_engine("none")
        figure.set_figwidth(layout.width / 72.0)
        axes.set_position((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
        axes.set_axis_off()
        counts = {(r.source, r.target): float(r.count) for r in steps[["source", "target", "count"]].itertuples(index=False, name="Step")}  # fmt: skip
        _draw(axes, layout, texts, named.set_index("node")["kind"].to_dict(), counts, said)
        return to_svg(figure)


def _texts(nodes: pd.DataFrame, table: pd.DataFrame, wording: Wording, loop: str) -> dict[str, list[tuple[str, float]]]:
    """Return the lines of each box with their sizes: name, volume, and the share of steps onto itself."""
    again = table[table["loop"]].set_index("source")["share"].to_dict()
    texts = {}
    for row in nodes.itertuples(index=False):
        note = number(row.volume, ",d")
        if row.node in again:
            note += f" · {wording.plain.vformat(loop, (), {'share': again[row.node]})}"
        texts[str(row.node)] = [(wording.name(row.node), NAME), (note, NOTE)]
    return texts


def _sizes(
    texts: dict[str, list[tuple[str, float]]], volume: dict[str, float], said: tuple[str, ...], scale: float
) -> Sizes:
    largest = max(volume.values())
    shapes = {}
    for name, lines in texts.items():
        grown = sqrt(volume[name] / largest)
        across = max(text_width(line, size * scale) for line, size in lines) / 2 + (4.0 + 9.0 * grown) * scale
        shapes[name] = (across, (13.0 + 7.0 * grown) * scale)
    half = max(text_width(text, FLOW * scale) for text in ("88 %", *said)) / 2 + 1.5
    return Sizes(scale, shapes, (0.0, 0.0), (0.0, 0.0), (half, 0.55 * FLOW * scale))


def _draw(
    axes: Axes,
    layout: Layout,
    texts: dict[str, list[tuple[str, float]]],
    kinds: dict[str, str],
    counts: dict[tuple[str, str], float],
    said: dict[Link, str],
) -> None:
    from matplotlib.patches import FancyBboxPatch

    scale, most = layout.scale, max(counts.values())
    for mark in sorted(layout.curves, key=lambda m: counts[m.link.source, m.link.target]):
        width = (0.5 + LINE * counts[mark.link.source, mark.link.target] / most) * scale
        _draw_step(axes, mark, width, scale)
    for mark in layout.curves:
        _write_figure(axes, mark, scale, said[mark.link])
    for name, box in layout.nodes.items():
        kind, round_ = kinds[name], 3.0 * scale
        axes.add_patch(
            FancyBboxPatch(
                (box.x - box.across + round_, box.y - box.down + round_), 2 * (box.across - round_), 2 * (box.down - round_),
                boxstyle=f"round,pad={round_}", facecolor=FACES[kind], edgecolor=KINDS[kind], linewidth=1.1, zorder=5,
            )
        )  # fmt: skip
        for (line, size), rise in zip(texts[name], (-0.55, 0.65), strict=True):
            y = box.y + rise * NAME * 1.1 * scale
            tint = INK if size == NAME else MUTED
            axes.text(box.x, y + 0.36 * size * scale, line, fontsize=size * scale, color=tint, ha="center", zorder=6)


def _draw_step(axes: Axes, mark: Mark, width: float, scale: float) -> None:
    color = "#9db8d0" if mark.link.clear else "#e8b48f"
    head = (4.0 + width) * scale
    line = _cut(mark.line, head)
    axes.plot(*line.T, color=color, linewidth=width, zorder=2, solid_capstyle="butt")
    side = (mark.line[-1] - line[-1])[::-1] * (-1, 1)
    side *= (1.8 * scale + 0.5 * width) / max(float(np.hypot(*side)), 1e-9)
    tip = np.array([mark.line[-1], line[-1] + side, line[-1] - side])
    axes.fill(*tip.T, color=color, linewidth=0, zorder=2)


def _cut(line: Points, length: float) -> Points:
    """Return a line without its last part of a length."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    stop = max(along[-1] - length, 0.0)
    end = [np.interp(stop, along, line[:, k]) for k in (0, 1)]
    cut: Points = np.vstack([line[along < stop], [end]])
    return cut


def _figure(value: float, wording: Wording, share: bool) -> str:
    """Return what a line bears."""
    if isnan(value):
        return ""
    text = wording.number(value, "hours")
    if share:
        text = number(value, "pct") if value >= LEAST else f"< {number(LEAST, 'pct')}"
    return typeset(text, wording.lang)


def _write_figure(axes: Axes, mark: Mark, scale: float, text: str) -> None:
    if not text:
        return
    look: dict[str, Any] = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axes.text(
        mark.number.x, mark.number.y + 0.36 * FLOW * scale, text, fontsize=FLOW * scale, ha="center", zorder=4,
        color=BLUE if mark.link.clear else ORANGE, bbox=look,
    )  # fmt: skip
