"""Figures of the summary: a figure in every run, as it is and pooled in part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.report.figure_style import (
    BLUE,
    GREY,
    INK,
    figure_style,
    label_axes,
    legend_above,
    new_figure,
    percent_axis,
    to_svg,
    wrap,
)
from xmresearch.report.wording import Wording
from xmresearch.run.compare.report import MOST_IN_FIGURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _EDGE, _TALLEST = 0.31, 0.95, 7.0
_WIDE = 5.0
"""Times the median width from which an interval does not lengthen the axis."""


def over_runs(
    table: pd.DataFrame,
    wording: Wording,
    key: str,
    *,
    name: str = "run",
    estimate: str = "estimate",
    zero: bool = False,
    mean: float | None = None,
    percent: bool = False,
) -> str:
    """Draw a figure in every run with its interval and, where it is pooled, that beside it.

    Parameters
    ----------
    table : DataFrame
        One row per run: its name, estimate, ci_lower, ci_upper and, where there are such, pooled, pooled_lower, pooled_upper.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the words.
    name, estimate : str
        Columns.
    zero : bool
        Whether to draw a line at zero.
    mean : float, optional
        Where to draw a broken line.
    percent : bool
        Whether estimates are shares.

    Returns
    -------
    str
        SVG; of more than `MOST_IN_FIGURE` runs without their names and, where they are pooled, in the order of what is pooled.
    """
    with figure_style():
        rows, pooled = len(table), "pooled" in table
        named = rows <= MOST_IN_FIGURE
        table = table if named or not pooled else table.sort_values("pooled", ascending=False, kind="stable")
        figure, axes = new_figure(_EDGE + _ROW * rows if named else _TALLEST)
        y, thin = np.arange(rows, dtype=float), 1.0 if named else 0.4
        shift = 0.16 if pooled and named else 0.0
        own, width = (GREY, 1.4) if pooled else (BLUE, 2.6)
        axes.hlines(y - shift, table["ci_lower"], table["ci_upper"], colors=own, linewidth=width * thin)
        axes.scatter(table[estimate], y - shift, c=own, s=24 * thin**2, zorder=3, label=wording.name("drawn_own"))
        if pooled:
            axes.hlines(
                y + shift, table["pooled_lower"], table["pooled_upper"], colors=BLUE, linewidth=2.6 * thin, zorder=4
            )
            axes.scatter(
                table["pooled"], y + shift, c=BLUE, s=34 * thin**2, zorder=5, label=wording.name("drawn_pooled")
            )
            legend_above(axes, 2)
        if zero:
            axes.axvline(0, color=INK, linewidth=0.9)
        if mean is not None:
            axes.axvline(mean, color=INK, linewidth=0.9, linestyle="--")
        axes.set_yticks(y if named else [])
        if named:
            lines = 15 if wording.lang == "zh" else 32
            axes.set_yticklabels([wrap(wording.name(v), lines, wording.lang) for v in table[name]])
        axes.set_ylim(rows - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", linewidth=0.7)
        _end(axes, table, y - shift, axis_ends(table, estimate, zero), own)
        if percent:
            percent_axis(axes.xaxis, wording)
        label_axes(axes, wording, key)
        return to_svg(figure)


def axis_ends(table: pd.DataFrame, estimate: str, zero: bool) -> tuple[float, float]:
    """Return where the axis ends: where few intervals are left, so that a run of next to nobody does not press the others together.

    Parameters
    ----------
    table : DataFrame
        As for `over_runs`.
    estimate : str
        Column.
    zero : bool
        Whether zero is to be on it.

    Returns
    -------
    tuple of float
    """
    width = table["ci_upper"] - table["ci_lower"]
    usual = table[width <= _WIDE * width.median()]
    always = [table["pooled_lower"], table["pooled_upper"]] if "pooled" in table else [table[estimate]]
    points = pd.concat([usual["ci_lower"], usual["ci_upper"], *always, pd.Series([0.0] * zero)]).dropna()
    low, high = float(points.min()), float(points.max())
    edge = 0.06 * (high - low) or 1.0
    return low - edge, high + edge


def _end(axes: Axes, table: pd.DataFrame, y: NDArray[np.float64], ends: tuple[float, float], colour: str) -> None:
    """End the axis, with a mark where an interval goes on."""
    low, high = ends
    axes.set_xlim(low, high)
    for beyond, at, mark in ((table["ci_lower"] < low, low, "<"), (table["ci_upper"] > high, high, ">")):
        rows = y[beyond.to_numpy()]
        axes.scatter(np.full(len(rows), at), rows, marker=mark, c=colour, s=30, clip_on=False, zorder=6)


def kinds() -> Mapping[str, Callable[..., Any]]:
    """Return the kinds of figure that only summaries draw."""
    return {"over_runs": over_runs}
