"""The kinds of figure that only a scorecard shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.metrics.league_tables import FUNNEL, funnel_limits
from xmresearch.report.figure_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    count_axis,
    figure_style,
    label_axes,
    new_figure,
    percent_axis,
    to_svg,
    wrap,
)  # fmt: skip
from xmresearch.report.wording import Wording

_MOST_TICKS = 12
_FUNNEL_POINTS = 120
_GAP = 0.05
_LETTER, _WIDE_LETTER = 0.02, 0.035
"""Share of answers that is as wide as a letter, Latin or Chinese: a name is written in a bar where it fits."""


def waves(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw a metric wave by wave, with intervals.

    Parameters
    ----------
    table : DataFrame
        Columns wave, estimate, ci_lower, ci_upper, in order; a `truth` column is drawn as diamonds.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        figure, axes = new_figure(2.9)
        x = np.arange(len(table))
        axes.vlines(x, table["ci_lower"], table["ci_upper"], colors=BLUE, linewidth=2.4)
        axes.plot(x, table["estimate"], color=BLUE, marker="o", markersize=5, linewidth=1.2)
        if "truth" in table:
            axes.scatter(
                x,
                table["truth"],
                marker="D",
                s=22,
                facecolors="none",
                edgecolors=INK,
                zorder=4,
                label=wording.name("truth"),
            )
            axes.legend(frameon=False, loc="best", handletextpad=0.2)
        every = max(1, int(np.ceil(len(table) / _MOST_TICKS)))
        names = [wording.name(w) for w in table["wave"]]
        axes.set_xticks(x[::every], [wrap(n, 10, wording.lang) for n in names[::every]])
        axes.margins(x=0.05)
        axes.grid(axis="y", linewidth=0.7)
        label_axes(axes, wording, key)
        return to_svg(figure)


def answers(table: pd.DataFrame, wording: Wording, key: str, *, neutral: str = "split") -> str:
    """Draw the shares of answers of each metric as a bar about a line: worse to its left, better to its right.

    Parameters
    ----------
    table : DataFrame
        Columns metric, answer, share, side; those of side apart stand in a bar of their own at the far right.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.
    neutral : {'split', 'apart', 'right'}
        Where the middle answers stand: across the line, in a bar of their own at the far right, or to the right of the line.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        metrics = list(dict.fromkeys(table["metric"]))
        figure, axes = new_figure(1.0 + 0.5 * len(metrics))
        right = ("middle", "high") if neutral != "apart" else ("high",)
        reach = max(
            float(table.loc[(table["metric"] == m) & table["side"].isin(right), "share"].sum()) for m in metrics
        )
        widest = max(
            float(table.loc[(table["metric"] == m) & (table["side"] == "middle"), "share"].sum()) for m in metrics
        )
        for row, metric in enumerate(metrics):
            part = table[table["metric"] == metric]
            low, middle, high = (part[part["side"] == s] for s in ("low", "middle", "high"))
            inside = float(middle["share"].sum())
            start = -float(low["share"].sum()) - (inside / 2 if neutral == "split" else 0.0)
            order = [low, high] if neutral == "apart" else [low, middle, high]
            for side in order:
                start = _stack(axes, row, start, side, metric)
            if neutral == "apart":
                _stack(axes, row, reach + _GAP, middle, metric)
            aside = reach + _GAP + (widest + _GAP if neutral == "apart" and widest else 0.0)
            _stack(
                axes,
                row,
                aside,
                part[part["side"] == "apart"].assign(answer=lambda t: t["answer"].map(wording.name)),
                metric,
            )
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_yticks(
            range(len(metrics)),
            [wrap(wording.name(m), 15 if wording.lang == "zh" else 24, wording.lang) for m in metrics],
        )
        axes.set_ylim(len(metrics) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        percent_axis(axes.xaxis, wording, two_sided=True)
        axes.grid(axis="x", linewidth=0.7)
        label_axes(axes, wording, key)
        return to_svg(figure)


def _stack(axes: Any, row: int, start: float, side: pd.DataFrame, metric: str) -> float:
    """Put the answers of a side beside one another, deeper in colour towards the ends of the scale; return where they end."""
    count = len(side)
    for at, (answer, share, which) in enumerate(zip(side["answer"], side["share"], side["side"], strict=True)):
        colour = {"low": ORANGE, "middle": GREY, "high": GREEN, "apart": MUTED}[str(which)]
        outer = at if which == "high" else count - 1 - at
        strength = 0.45 if which in ("middle", "apart") else 0.35 + 0.6 * (outer + 1) / max(count, 1)
        axes.barh(row, share, left=start, height=0.62, color=colour, alpha=strength, linewidth=0)
        wide = sum(_WIDE_LETTER if ord(c) > 0x2E80 else _LETTER for c in str(answer)) if which == "apart" else 0.0
        if share > max(0.06, wide):
            axes.text(start + share / 2, row, str(answer), ha="center", va="center", color=INK)
        start += float(share)
    return start


def funnel(table: pd.DataFrame, wording: Wording, key: str, *, centre: float = 0.0) -> str:
    """Draw groups by their effective answers, within the limits that chance alone gives about the mean of all.

    Parameters
    ----------
    table : DataFrame
        Columns segment, value, n_eff, estimate, spread.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.
    centre : float
        Mean of all groups.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        figure, axes = new_figure(3.6)
        n = table["n_eff"].to_numpy(dtype="float64")
        sd = float(np.median(table["spread"] * np.sqrt(n)))
        grid = np.linspace(max(n.min() * 0.7, 1), n.max() * 1.1, _FUNNEL_POINTS)
        limits = funnel_limits(grid, centre, sd)
        for level, style in zip(FUNNEL, ("--", "-"), strict=True):
            for end in ("lower", "upper"):
                axes.plot(grid, limits[f"{end}_{100 * level:g}"], color=MUTED, linewidth=0.9, linestyle=style)
        axes.axhline(centre, color=INK, linewidth=0.9)
        axes.scatter(n, table["estimate"], color=BLUE, s=30, zorder=3)
        for x, y, segment, value in zip(n, table["estimate"], table["segment"], table["value"], strict=True):
            axes.annotate(wording.name(f"{segment}={value}"), (x, y), xytext=(4, 5), textcoords="offset points")
        axes.margins(x=0.08)
        count_axis(axes.xaxis)
        axes.grid(axis="y", linewidth=0.7)
        label_axes(axes, wording, key)
        return to_svg(figure)


KINDS: Mapping[str, Callable[..., Any]] = {"waves": waves, "answers": answers, "funnel": funnel}
