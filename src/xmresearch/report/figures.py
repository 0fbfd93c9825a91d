"""The kinds of figure a report can show. Each takes a tidy table and returns SVG."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.report.fonts import register
from xmresearch.report.wording import Wording, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1f2933", "#66717d", "#dde3e8"
BLUE, ORANGE, GREEN, GREY = "#1d5b8f", "#c8611a", "#3a7d44", "#8a949e"
WIDTH = 6.3


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib
    import seaborn

    family = register()
    settings = {
        "font.family": family, "font.size": 10.5, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK,
        "ytick.color": INK, "axes.edgecolor": GREY, "axes.unicode_minus": True, "svg.fonttype": "path",
        "svg.hashsalt": "xmresearch", "figure.constrained_layout.use": True, "axes.spines.top": False,
        "axes.spines.right": False, "grid.color": GRID, "axes.axisbelow": True,
    }  # fmt: skip
    with seaborn.axes_style("ticks"), matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        yield


def _wrap(text: str, width: int, lang: str) -> str:
    if lang == "zh":
        return "\n".join(text[i : i + width] for i in range(0, len(text), width))
    return "\n".join(textwrap.wrap(text, width)) or text


def _svg(figure: Figure) -> str:
    import matplotlib.pyplot as plt

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return buffer.getvalue()


def _new(height: float) -> tuple[Figure, Axes]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(WIDTH, height))
    return figure, axes


def _axes_labels(axes: Axes, wording: Wording, key: str) -> None:
    texts = wording.get("figures", key)
    axes.set_xlabel(texts.get("x", ""))
    axes.set_ylabel(texts.get("y", ""))


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
) -> str:
    """Draw estimates with their intervals, one row each, in the table's order from the top.

    Parameters
    ----------
    table : DataFrame
        One row per estimate; a `truth` column is drawn as a diamond where there is one.
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

    Returns
    -------
    str
        SVG.
    """
    with _style():
        rows = len(table)
        figure, axes = _new(0.95 + 0.31 * rows)
        y = np.arange(rows)
        middle = table[estimate].to_numpy(dtype=float)
        low, high = table[lower].to_numpy(dtype=float), table[upper].to_numpy(dtype=float)
        tints = np.where(high < 0, ORANGE, np.where(low > 0, GREEN, GREY)) if zero else np.full(rows, BLUE)
        axes.hlines(y, low, high, colors=list(tints), linewidth=2.6)
        axes.scatter(middle, y, c=list(tints), s=34, zorder=3)
        if "truth" in table:
            axes.scatter(table["truth"], y, marker="D", s=22, facecolors="none", edgecolors=INK, zorder=4,
                         label=wording.name("truth"))  # fmt: skip
            axes.legend(frameon=False, loc="best", fontsize=9, handletextpad=0.2)
        if zero:
            axes.axvline(0, color=INK, linewidth=0.9)
        names = [wording.name(v) for v in table[name]]
        if numbered:
            names = [f"{i}  {n}" for i, n in zip(table[name], names, strict=True)]
        width = 15 if wording.lang == "zh" else 32
        axes.set_yticks(y, [_wrap(n, width, wording.lang) for n in names])
        axes.set_ylim(rows - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", linewidth=0.7)
        axes.margins(x=0.06)
        _axes_labels(axes, wording, key)
        return _svg(figure)


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
    from matplotlib.ticker import PercentFormatter

    with _style():
        ordered = table.sort_values(estimate, ascending=False, kind="stable")
        y = np.arange(len(ordered))
        figure, axes = _new(0.95 + 0.36 * len(ordered))
        middle = ordered[estimate].to_numpy()
        axes.barh(y, middle, color=BLUE, height=0.62, alpha=0.85)
        if lower in ordered:
            axes.hlines(y, ordered[lower], ordered[upper], colors=INK, linewidth=1.6)
        axes.set_yticks(y, [wording.name(v) for v in ordered[name]])
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        axes.grid(axis="x", linewidth=0.7)
        _axes_labels(axes, wording, key)
        return _svg(figure)


def quadrants(
    table: pd.DataFrame,
    wording: Wording,
    key: str,
    *,
    cross: tuple[float, float] = (0.0, 0.0),
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

    Returns
    -------
    str
        SVG.
    """
    with _style():
        figure, axes = _new(5.0)
        x, y = table["performance"].to_numpy(), table["importance"].to_numpy()
        focus = (table["quadrant"] == "concentrate_here").to_numpy()
        tints = np.where(focus, ORANGE, BLUE)
        axes.hlines(y, table["performance_lower"], table["performance_upper"], colors=list(tints), linewidth=1.0, alpha=0.6)
        axes.vlines(x, table["importance_lower"], table["importance_upper"], colors=list(tints), linewidth=1.0, alpha=0.6)
        axes.scatter(x, y, c=list(tints), s=30, zorder=3)
        axes.margins(x=0.16, y=0.14)
        axes.axhline(cross[0], color=INK, linewidth=0.9)
        axes.axvline(cross[1], color=INK, linewidth=0.9)
        statements = (table["level"] == "statement").all()
        for px, py, name in zip(x, y, table["id"], strict=True):
            text = str(name) if statements else wording.name(name)
            axes.annotate(text, (px, py), xytext=(5, 5), textcoords="offset points", fontsize=9)
        corners = {
            "concentrate_here": (0.01, 0.99, "left", "top"), "keep_up": (0.99, 0.99, "right", "top"),
            "low_priority": (0.01, 0.01, "left", "bottom"), "possible_overkill": (0.99, 0.01, "right", "bottom"),
        }  # fmt: skip
        for quadrant, (cx, cy, horizontal, vertical) in corners.items():
            axes.text(cx, cy, wording.name(quadrant), transform=axes.transAxes, ha=horizontal, va=vertical, color=MUTED,
                      fontsize=9)  # fmt: skip
        _axes_labels(axes, wording, key)
        return _svg(figure)


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

    with _style():
        order = list(dict.fromkeys(table[columns]))
        labels = (table[segment] + "=" + table[rows]).tolist()
        grid = table.assign(row=labels).pivot(index="row", columns=columns, values=estimate)
        grid = grid.loc[list(dict.fromkeys(labels)), order]
        figure, axes = _new(1.0 + 0.33 * len(grid))
        reach = float(np.nanmax(np.abs(grid.to_numpy()))) if grid.notna().any().any() else 1.0
        notes = grid.map(lambda v: number(v, "+.2f"))
        seaborn.heatmap(
            grid, ax=axes, cmap=seaborn.diverging_palette(35, 145, s=75, l=62, as_cmap=True), center=0, vmin=-reach,
            vmax=reach, annot=notes, fmt="", linewidths=1.2, cbar=False, annot_kws={"fontsize": 9.5, "color": INK},
        )  # fmt: skip
        width = 6 if wording.lang == "zh" else 14
        axes.set_xticklabels([_wrap(wording.name(c), width, wording.lang) for c in order], rotation=0, fontsize=9.5)
        axes.set_yticklabels([wording.name(r) for r in grid.index], rotation=0)
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        axes.set_xlabel("")
        axes.set_ylabel("")
        return _svg(figure)


def zones(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw each dimension's zone of tolerance as a band, with the perceived level on it.

    Parameters
    ----------
    table : DataFrame
        As `ToleranceResult.table`.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.

    Returns
    -------
    str
        SVG.
    """
    with _style():
        y = np.arange(len(table))
        figure, axes = _new(1.25 + 0.4 * len(table))
        axes.barh(y, table["zone"], left=table["minimum"], color="#b9cfe2", height=0.5, label=wording.name("zone"))
        reach = table["adequacy_upper"] - table["adequacy"]
        axes.hlines(y, table["perception"] - reach, table["perception"] + reach, colors=INK, linewidth=1.8)
        axes.scatter(table["perception"], y, color=ORANGE, s=36, zorder=3, label=wording.name("perception"))
        axes.set_yticks(y, [wording.name(v) for v in table["construct"]])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", linewidth=0.7)
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9.5)
        _axes_labels(axes, wording, key)
        return _svg(figure)


KINDS: Mapping[str, Callable[..., Any]] = {
    "forest": forest, "bars": bars, "quadrants": quadrants, "heatmap": heatmap, "zones": zones,
}  # fmt: skip
