"""The path diagram of a structural equation model, drawn in the house style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.report.figure_style import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    WIDTH,
    figure_style,
    new_figure,
    text_width,
    to_svg,
    wrap,
)  # fmt: skip
from xmresearch.report.path_graph import Graph, Link, read_graph
from xmresearch.report.path_layout import Sizes
from xmresearch.report.path_parts import Box, Layout, Mark, Points
from xmresearch.report.path_routes import lay_out
from xmresearch.report.wording import Wording, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = WIDTH * 72.0
NAME, ITEM, NUMBER, PATH = 9.0, 8.0, 7.8, 8.6
LEADING = 1.24
WRAPS = {"en": 14, "zh": 6}
FACE, RAIL = "#edf3f8", "#9fb0c0"


@dataclass(frozen=True)
class Words:
    """What is written: the lines of nodes' names, what stands below a name, and the lines of items' names."""

    names: Mapping[str, Sequence[str]]
    notes: Mapping[str, str]
    items: Mapping[str, Sequence[str]]


def path_diagram(table: pd.DataFrame, wording: Wording, key: str, *, r2: Mapping[str, float] | None = None) -> str:
    """Draw a structural equation model with its standardised coefficients.

    Constructs are ellipses, observed variables rectangles. Causes stand above their effects, and the correlations of
    exogenous variables in a roof over them; constructs that no path joins stand one below the other. Lines are as wide
    as coefficients are large, orange where they are negative, grey and dashed where they are not told from zero. Up to
    ten covariances of residuals stand in pairs at the foot; of more, none is drawn. Variances are not drawn, nor
    parameters of other operators than those below.

    Parameters
    ----------
    table : DataFrame
        One row per parameter of one group: `lhs`, `op` (`=~`, `~` or `~~`), `rhs`, `std_all`, and where known
        `ci_lower` and `ci_upper` (of `std_all`) and `pvalue`. A coefficient whose interval holds zero, or whose
        p is above .05, is not told from zero.
    wording : Wording
        Names of constructs and of the variables among them; items keep their identifiers.
    key : str
        Of the figure, in the labels.
    r2 : mapping of str to float, optional
        Explained variances, written into the nodes they belong to.

    Returns
    -------
    str
        SVG.

    Raises
    ------
    StudyError
        The table holds several groups, or nothing that can be drawn.
    """
    with figure_style():
        graph = read_graph(table)
        words, layout = plan(graph, wording, r2 or {})
        figure, axes = new_figure(layout.height / 72.0)
        figure.set_layout_engine("none")
        figure.set_figwidth(layout.width / 72.0)
        axes.set_position((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
        axes.set_axis_off()
        _draw(axes, graph, words, layout)
        return to_svg(figure)


def plan(graph: Graph, wording: Wording, r2: Mapping[str, float]) -> tuple[Words, Layout]:
    """Say what is written in a diagram, and where everything in it is."""
    words = Words(
        {node.name: _lines(wording.name(node.name), wording.lang) for node in graph.nodes},
        {node.name: f"R² {number(r2[node.name])}" for node in graph.nodes if node.name in r2},
        {name: wrap(name, 10 if name.isascii() else 5, "en").split("\n") for name in graph.observed},
    )
    return words, lay_out(graph, lambda scale: _sizes(graph, words, scale), PAGE)


def _lines(name: str, lang: str) -> list[str]:
    """Break a name into lines of about the same length, at most three of them."""
    lang = "en" if name.isascii() else lang
    count = min(len(wrap(name, WRAPS[lang], lang).split("\n")), 3)
    longest = max(map(len, name.split())) if lang == "en" and name.split() else 1
    widths = range(max(ceil(len(name) / count), longest), len(name) + 1)
    return next((lines for w in widths if len(lines := wrap(name, w, lang).split("\n")) <= count), [name])


def _text(words: Words, name: str, scale: float) -> list[tuple[str, float, float]]:
    """Return the lines of a node: each with its size and the height of its middle below the node's."""
    lines = [(line, NAME * scale) for line in words.names[name]]
    lines += [(words.notes[name], NUMBER * scale)] if name in words.notes else []
    heights = [LEADING * size for _, size in lines]
    tops = np.cumsum([0.0, *heights]) - sum(heights) / 2
    return [(line, size, float(top) + h / 2) for (line, size), top, h in zip(lines, tops, heights, strict=False)]


def _sizes(graph: Graph, words: Words, scale: float) -> Sizes:
    """Measure everything at a scale; constructs are all of one size, and so are other variables among them."""
    links = [*graph.links, *graph.residuals, *(link for node in graph.nodes for link in node.items)]
    figure = max((text_width(number(link.value), scale) for link in links), default=0.0)
    item = max((text_width(line, ITEM * scale) for lines in words.items.values() for line in lines), default=0.0)
    tall = max(map(len, words.items.values()), default=1)
    sizes = Sizes(
        scale,
        {},
        item=(item / 2 + 3.0 * scale, (1.12 * tall + 0.3) * ITEM * scale / 2),
        number=(figure * NUMBER / 2 + 1.8, 0.55 * NUMBER * scale),
        path=(figure * PATH / 2 + 1.5, 0.55 * PATH * scale),
    )
    corners: dict[bool, list[tuple[float, float]]] = {True: [(0.0, 0.0)], False: [(0.0, 0.0)]}
    for node in graph.nodes:
        text = _text(words, node.name, scale)
        corners[node.latent] += [(text_width(line, size) / 2, abs(y) + 0.42 * size) for line, size, y in text]
    across, down = _ellipse(corners[True], scale)
    ellipse = (max(across, sizes.reach / 2 + 5.0), down)
    box = (max(x for x, _ in corners[False]) + 6.0 * scale, max(y for _, y in corners[False]) + 4.0 * scale)
    box = (max(box[0], 24.0 * scale), max(box[1], 11.0 * scale))
    return replace(sizes, shapes={node.name: ellipse if node.latent else box for node in graph.nodes})


def _ellipse(corners: Sequence[tuple[float, float]], scale: float) -> tuple[float, float]:
    """Return half the width and height of a small ellipse that has room for text with such corners."""
    choices = []
    for down in max(y for _, y in corners) * np.linspace(1.15, 1.7, 12) + 2.5 * scale:
        low = max(float(down), 13.5 * scale)
        choices.append((max(x / float(np.sqrt(1 - (y / low) ** 2)) for x, y in corners) + 3.6 * scale, low))
    return min(choices, key=sum)


def _strength(link: Link) -> float:
    return min(abs(link.value), 1.0) if np.isfinite(link.value) else 0.0


def _draw(axes: Axes, graph: Graph, words: Words, layout: Layout) -> None:
    from matplotlib.patches import Ellipse

    scale = layout.scale
    for rail in layout.rails:
        axes.plot(*rail.T, color=RAIL, linewidth=0.7, zorder=1)
    for mark, box in layout.items:
        _draw_line(axes, mark, scale, RAIL, 0.6 + 0.6 * _strength(mark.link))
        _write_number(axes, mark, NUMBER * scale, INK)
        _draw_item(axes, box, words.items[mark.link.target], scale)
    for mark in layout.curves:
        color = MUTED if mark.link.kind == "covariance" else BLUE
        _draw_line(axes, mark, scale, color, 0.7 + (0.7 if color == MUTED else 2.0) * _strength(mark.link))
        _write_number(axes, mark, PATH * scale, color)
    for mark in layout.cells:
        _draw_cell(axes, mark)
        _write_number(axes, mark, NUMBER * scale, INK)
    for mark, *boxes in layout.pairs:
        _draw_line(axes, mark, scale, RAIL, 0.8)
        _write_number(axes, mark, NUMBER * scale, INK)
        for box, name in zip(boxes, (mark.link.source, mark.link.target), strict=True):
            _draw_item(axes, box, words.items[name], scale)
    for name, box in layout.nodes.items():
        if name in graph.latents:
            whole = (2 * box.across, 2 * box.down)
            axes.add_patch(Ellipse((box.x, box.y), *whole, facecolor=FACE, edgecolor=BLUE, linewidth=1.1, zorder=5))
        else:
            _draw_box(axes, box, facecolor="white", edgecolor=BLUE, linewidth=1.1, zorder=5)
        for line, size, y in _text(words, name, scale):
            _write(axes, line, box.x, box.y + y, size, INK if size == NAME * scale else MUTED)


def _draw_line(axes: Axes, mark: Mark, scale: float, color: str, width: float) -> None:
    """Draw the line of a coefficient with its arrow head, or heads; its sign and its certainty may change its colour."""
    head = (3.2 + 1.3 * width) * scale
    color = GREY if not mark.link.clear else ORANGE if mark.link.value < 0 else color
    line = _shortened(mark.line, head)
    tips = [(mark.line[-1], line[-1])]
    if mark.link.kind == "covariance":
        tips.append((line[0], _shortened(line[::-1], head)[-1]))
        line = _shortened(line[::-1], head)[::-1]
    style = "-" if mark.link.clear else (0, (3.0, 2.0))
    axes.plot(*line.T, color=color, linewidth=width, linestyle=style, zorder=2, solid_capstyle="butt")
    for tip, base in tips:
        side = (tip - base)[::-1] * (-0.42, 0.42)
        axes.fill(*np.array([tip, base + side, base - side]).T, color=color, linewidth=0, zorder=2)


def _shortened(line: Points, length: float) -> Points:
    """Return a line without its end, up to a distance from there."""
    near = np.hypot(*(line - line[-1]).T) < length
    kept = line[: len(line) - int(np.argmin(near[::-1]))]
    away = line[-1] - kept[-1]
    end = line[-1] - away / np.hypot(*away) * length
    return np.vstack([kept, [end]])


def _draw_cell(axes: Axes, mark: Mark) -> None:
    """Draw the field of a correlation, the darker the stronger it is."""
    from matplotlib.colors import to_rgb

    link = mark.link
    color = GREY if not link.clear else ORANGE if link.value < 0 else BLUE
    shade = 0.4 * _strength(link) if link.clear else 0.0
    face = tuple(1 - shade * (1 - part) for part in to_rgb(color))
    style = "-" if link.clear else (0, (3.0, 2.0))
    _draw_box(
        axes,
        mark.number,
        facecolor=face,
        edgecolor=GREY if not link.clear else RAIL,
        linewidth=0.6,
        linestyle=style,
        zorder=3,
    )


def _draw_item(axes: Axes, box: Box, lines: Sequence[str], scale: float) -> None:
    _draw_box(axes, box, facecolor="white", edgecolor=GREY, linewidth=0.8, zorder=4)
    for k, line in enumerate(lines):
        _write(axes, line, box.x, box.y + (k - (len(lines) - 1) / 2) * 1.12 * ITEM * scale, ITEM * scale, INK)


def _write_number(axes: Axes, mark: Mark, size: float, color: str) -> None:
    if mark.line[0].tolist() != mark.line[-1].tolist():
        _draw_box(axes, mark.number, facecolor="white", linewidth=0, zorder=3)
    color = MUTED if not mark.link.clear else ORANGE if mark.link.value < 0 else color
    _write(axes, number(mark.link.value), mark.number.x, mark.number.y, size, color)


def _draw_box(axes: Axes, box: Box, **look: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((box.x - box.across, box.y - box.down), 2 * box.across, 2 * box.down, **look))


def _write(axes: Axes, text: str, x: float, y: float, size: float, color: str) -> None:
    axes.text(x, y + 0.36 * size, text, fontsize=size, color=color, ha="center", va="baseline", zorder=6)
