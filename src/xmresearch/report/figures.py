"""The kinds of figure that any report can show. Each takes a tidy table and returns SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.report.figure_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    TYPE,
    figure_style,
    label_axes,
    new_figure,
    percent_axis,
    scale_bar,
    to_svg,
    wrap,
)  # fmt: skip
from xmresearch.report.path_diagram import path_diagram
from xmresearch.report.wording import Wording, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def forest(
    table: pd.DataFrame,
    wording: Wording,
    key: str,
    *,
    name: str = "id",
    estimate: str = "gap",
    lower: str = "ci_lower",
    upper: str = "ci_upper",
    zero: bool = True,
    numbered: bool = False,
    better: str = "higher",
    percent: bool = False,
) -> str:
    """Draw estimates with their intervals, one row each, in the table's order from the top.

    Parameters
    ----------
    table : DataFrame
        One row per estimate; a `truth` column is drawn as a diamond where there is one, and with a `shown` column all rows
        are grey but those that a claim shows.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.
    name, estimate, lower, upper : str
        Columns.
    zero : bool
        Whether to draw a line at zero.
    numbered : bool
        Whether to put identifiers before the names (statements).
    better : str
        'higher' or 'lower': which side of zero is green.
    percent : bool
        Whether estimates are shares.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        rows = len(table)
        figure, axes = new_figure(0.95 + 0.31 * rows)
        y = np.arange(rows)
        middle = table[estimate].to_numpy(dtype=float)
        low, high = table[lower].to_numpy(dtype=float), table[upper].to_numpy(dtype=float)
        above, below = (GREEN, ORANGE) if better == "higher" else (ORANGE, GREEN)
        tints = np.where(high < 0, below, np.where(low > 0, above, GREY)) if zero else np.full(rows, BLUE)
        if "shown" in table:
            tints = np.where(table["shown"] == "shown", tints, GREY)
        axes.hlines(y, low, high, colors=list(tints), linewidth=2.6)
        axes.scatter(middle, y, c=list(tints), s=34, zorder=3)
        if "truth" in table:
            axes.scatter(table["truth"], y, marker="D", s=22, facecolors="none", edgecolors=INK, zorder=4,
                         label=wording.name("truth"))  # fmt: skip
            axes.legend(frameon=False, loc="best", handletextpad=0.2)
        if zero:
            axes.axvline(0, color=INK, linewidth=0.9)
        names = [wording.name(v) for v in table[name]]
        if numbered:
            names = [f"{i}  {n}" for i, n in zip(table[name], names, strict=True)]
        width = 15 if wording.lang == "zh" else 32
        axes.set_yticks(y, [wrap(n, width, wording.lang) for n in names])
        axes.set_ylim(rows - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", linewidth=0.7)
        axes.margins(x=0.06)
        if percent:
            percent_axis(axes.xaxis, wording)
        label_axes(axes, wording, key)
        return to_svg(figure)


def bars(
    table: pd.DataFrame,
    wording: Wording,
    key: str,
    *,
    name: str = "construct",
    estimate: str = "share",
    lower: str = "share_lower",
    upper: str = "share_upper",
) -> str:
    """Draw shares as horizontal bars with intervals, largest first; parameters as for `forest`."""
    with figure_style():
        ordered = table.sort_values(estimate, ascending=False, kind="stable")
        y = np.arange(len(ordered))
        figure, axes = new_figure(0.95 + 0.36 * len(ordered))
        middle = ordered[estimate].to_numpy()
        axes.barh(y, middle, color=BLUE, height=0.62, alpha=0.85)
        if lower in ordered:
            axes.hlines(y, ordered[lower], ordered[upper], colors=INK, linewidth=1.6)
        axes.set_yticks(y, [wording.name(v) for v in ordered[name]])
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        percent_axis(axes.xaxis, wording)
        axes.grid(axis="x", linewidth=0.7)
        label_axes(axes, wording, key)
        return to_svg(figure)


def quadrants(
    table: pd.DataFrame,
    wording: Wording,
    key: str,
    *,
    cross: tuple[float, float] = (0.0, 0.0),
    diagonal: bool = False,
) -> str:
    """Draw an importance-performance grid: performance across, importance up, with intervals.

    Parameters
    ----------
    table : DataFrame
        As `ImportanceResult.table`.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.
    cross : (float, float)
        Importance and performance at which the quadrants meet.
    diagonal : bool
        Whether to draw the 45-degree line on which performance equals importance.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        figure, axes = new_figure(5.0)
        x, y = table["performance"].to_numpy(), table["importance"].to_numpy()
        focus = (table["quadrant"] == "concentrate_here").to_numpy()
        tints = np.where(focus, ORANGE, BLUE)
        axes.hlines(
            y, table["performance_lower"], table["performance_upper"], colors=list(tints), linewidth=1.0, alpha=0.6
        )
        axes.vlines(
            x, table["importance_lower"], table["importance_upper"], colors=list(tints), linewidth=1.0, alpha=0.6
        )
        axes.scatter(x, y, c=list(tints), s=30, zorder=3)
        axes.margins(x=0.16, y=0.14)
        axes.axhline(cross[0], color=INK, linewidth=0.9)
        axes.axvline(cross[1], color=INK, linewidth=0.9)
        if diagonal:
            axes.axline((cross[0], cross[0]), slope=1, color=GREY, linewidth=0.9, linestyle="--")
        statements = (table["level"] == "statement").all()
        names = [str(n) if statements else wording.name(n) for n in table["id"]]
        for px, py, text, (dx, dy) in zip(x, y, names, _label_places(axes, x, y, names), strict=True):
            axes.annotate(text, (px, py), xytext=(dx, dy), textcoords="offset points", ha="center", va="center")
        corners = {
            "concentrate_here": (0.01, 0.99, "left", "top"), "keep_up": (0.99, 0.99, "right", "top"),
            "low_priority": (0.01, 0.01, "left", "bottom"), "possible_overkill": (0.99, 0.01, "right", "bottom"),
        }  # fmt: skip
        for quadrant, (cx, cy, horizontal, vertical) in corners.items():
            axes.text(cx, cy, wording.name(quadrant), transform=axes.transAxes, ha=horizontal, va=vertical, color=MUTED,)  # fmt: skip
        label_axes(axes, wording, key)
        return to_svg(figure)


def _label_places(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], names: Sequence[str]
) -> list[tuple[float, float]]:
    """Choose for each label, in turn, the place around its point that is farthest from points and earlier labels."""
    scale = 72 / axes.figure.dpi
    points = axes.transData.transform(np.column_stack([x, y])) * scale
    taken = list(points)
    places = []
    for point, name in zip(points, names, strict=True):
        half = len(name) * (2.5 if name.isascii() else 4.6)
        around = [(1, 0.7), (-1, 0.7), (1, -0.7), (-1, -0.7), (0, 1.1), (0, -1.1), (1.1, 0), (-1.1, 0)]
        offsets = np.array(around) * (half + 4.0, 10.0)
        clear = [min(np.hypot(*(point + o - t) / (half + 4.0, 9.0)) for t in taken) for o in offsets]
        best = offsets[int(np.argmax(np.round(np.minimum(clear, 1.4), 3)))]
        taken.append(point + best)
        places.append((float(best[0]), float(best[1])))
    return places


def heatmap(
    table: pd.DataFrame,
    wording: Wording,
    key: str,
    *,
    rows: str = "value",
    columns: str = "construct",
    estimate: str = "gap",
    segment: str = "segment",
) -> str:
    """Draw a grid of figures by segment value and dimension; suppressed cells stay empty.

    Parameters
    ----------
    table : DataFrame
        As `SegmentResult.table`.
    wording : Wording
        Names.
    key : str
        Of the figure, in the labels.
    rows, columns, estimate, segment : str
        Columns of the table.

    Returns
    -------
    str
        SVG.
    """
    import seaborn

    with figure_style():
        order = list(dict.fromkeys(table[columns]))
        labels = (table[segment] + "=" + table[rows]).tolist()
        grid = table.assign(row=labels).pivot(index="row", columns=columns, values=estimate)
        grid = grid.loc[list(dict.fromkeys(labels)), order]
        figure, axes = new_figure(1.6 + 0.33 * len(grid))
        reach = float(np.nanmax(np.abs(grid.to_numpy()))) if grid.notna().any().any() else 1.0
        notes = grid.map(lambda v: number(v, "+.2f"))
        width = 6 if wording.lang == "zh" else 14
        shown = grid.set_axis([wording.name(r) for r in grid.index], axis=0)
        shown = shown.set_axis([wrap(wording.name(c), width, wording.lang) for c in order], axis=1)
        seaborn.heatmap(
            shown, ax=axes, cmap=seaborn.diverging_palette(35, 145, s=75, l=62, as_cmap=True), center=0, vmin=-reach,
            vmax=reach, annot=notes, fmt="", linewidths=1.2, cbar=False, annot_kws={"fontsize": TYPE, "color": INK},
            xticklabels=True, yticklabels=True,
        )  # fmt: skip
        axes.set_facecolor("#e9edf0")
        owners = [r.partition("=")[0] for r in grid.index]
        for row in (k for k in range(1, len(owners)) if owners[k] != owners[k - 1]):
            axes.axhline(row, color="white", linewidth=9)
        crowded = len(order) * max(len(line) for c in shown.columns for line in c.split("\n")) > 52
        axes.tick_params(axis="x", rotation=30 if crowded and wording.lang == "en" else 0)
        axes.tick_params(axis="y", rotation=0)
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        if crowded and wording.lang == "en":
            for label in axes.get_xticklabels():
                label.set(ha="left", rotation_mode="anchor")
        axes.set_xlabel("")
        axes.set_ylabel("")
        scale_bar(figure, axes, axes.collections[0], wording.get("figures", key)["scale"])
        return to_svg(figure)


KINDS: Mapping[str, Callable[..., Any]] = {
    "forest": forest, "bars": bars, "quadrants": quadrants, "heatmap": heatmap, "path_diagram": path_diagram,
}  # fmt: skip
"""The kinds that every study may draw."""
